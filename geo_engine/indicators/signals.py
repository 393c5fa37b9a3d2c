"""Signals of a study: a small closed grammar from columns, codes and places to yes, no, unknown."""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from geo_engine.chains.classification import EDITIONS, exists
from geo_engine.errors import TableError

Kind = Literal[
    "boolean",
    "count",
    "category",
    "contains",
    "filled",
    "website",
    "ateco_prefix",
    "place",
    "listed",
    "any",
    "all",
    "at_least",
    "not",
]
COLUMN_RULES: Mapping[str, Any] = {
    "boolean": "flag",
    "count": "at_least",
    "category": "one_of",
    "contains": "contains",
    "filled": "filled",
    "website": "website",
}
"""Rule of one column by kind."""
DERIVED = ("any", "all", "at_least", "not")
"""Kinds made of other signals."""
_NEEDS = {
    "count": "threshold",
    "place": "threshold",
    "at_least": "threshold",
    "category": "words",
    "contains": "words",
    "ateco_prefix": "prefixes",
    "listed": "source",
}
"""Key without which a signal of a kind cannot be read."""
_CAMEL = re.compile(r"(?<=[a-zà-ù])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
SERIES_BREAK = "47.91"
"""Class of web retail in ATECO 2007, of retail intermediation in 2025: no series goes through."""


@dataclass(frozen=True, kw_only=True)
class SignalDefinition:
    """One signal of a study."""

    key: str
    label: str
    """Italian."""
    label_en: str = ""
    kind: Kind = "boolean"
    """``boolean``: words of yes or no. ``count``: a number at or over ``threshold``; in a
    signal source the sum over a firm's rows, or their number without ``column``. ``category``:
    one of ``words``. ``contains``: one of ``words``, whole. ``filled``: anything.
    ``website``: a site of the firm's own. ``ateco_prefix``: a code under ``prefixes``. ``place``: a
    value of its municipality at or over ``threshold``. ``listed``: found in the signal source.
    ``any``, ``all``, ``at_least`` (``threshold`` of them), ``not``: of the signals in ``of``."""
    column: str | int | None = None
    source: str = ""
    """Name of the signal source or table of places that holds the column; "" for the extract."""
    words: tuple[str, ...] = ()
    """Ways of writing yes; for ``boolean`` the usual ones where none is given."""
    no: tuple[str, ...] = ()
    threshold: float | None = None
    prefixes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """ATECO prefixes by edition."""
    preset: str = ""
    """List of ``signals.toml`` that stands for ``words`` or ``prefixes``: ecommerce, innovative,
    ict."""
    of: tuple[str, ...] = ()
    empty: Literal["unknown", "no"] = "unknown"
    force: bool = False
    """Take it although the law asks it of every firm."""


@functools.cache
def load_lists() -> Mapping[str, Any]:
    """Read the words and lists behind the signals.

    Returns
    -------
    mapping
        As ``signals.toml`` states them.
    """
    text = Path(__file__).with_name("signals.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def check_signals(signals: Sequence[SignalDefinition]) -> tuple[SignalDefinition, ...]:
    """Check the signals of a study, fill presets in, and order derived ones after their parts.

    Parameters
    ----------
    signals : sequence of SignalDefinition
        As the study states them.

    Returns
    -------
    tuple of SignalDefinition
        Every signal after those that it is made of.

    Raises
    ------
    TableError
        ``SIGNAL_MANDATORY`` for certified e-mail and e-invoicing, unless forced; ``SIGNAL_RULE``
        for an incomplete one; ``SIGNAL_TWICE``; ``SIGNAL_UNKNOWN`` and ``SIGNAL_CYCLE`` for a
        derived one.
    """
    keys = [signal.key for signal in signals]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise TableError("SIGNAL_TWICE", f"Signal {twice[0]} is defined twice. Rename one.")
    complete = {signal.key: _complete(signal) for signal in signals}
    for signal in complete.values():
        _check_parts(signal)
        _refuse_mandatory(signal)
    return _in_order(complete)


def signal_notes(signal: SignalDefinition) -> tuple[tuple[str, str], ...]:
    """Say what a reader of a signal should know.

    Parameters
    ----------
    signal : SignalDefinition
        As :func:`check_signals` gives it.

    Returns
    -------
    tuple of (str, str)
        Italian and English sentences.
    """
    notes = []
    law = mandatory(signal)
    if law is not None:
        notes.append((f"Segnale forzato: {law[0]}.", f"Forced signal: {law[1]}."))
    if any(
        prefix.startswith(SERIES_BREAK) for listed in signal.prefixes.values() for prefix in listed
    ):
        notes.append(
            (
                "Serie interrotta: il codice 47.91 cambia significato con ATECO 2025.",
                "Broken series: code 47.91 changes its meaning with ATECO 2025.",
            )
        )
    if signal.kind == "place":
        notes.append(
            (
                "È una caratteristica del comune, non della singola impresa.",
                "It is a feature of the municipality, not of the single firm.",
            )
        )
    return tuple(notes)


def mandatory(signal: SignalDefinition) -> tuple[str, str] | None:
    """Give the reason why a signal measures nothing but the law.

    Parameters
    ----------
    signal : SignalDefinition
        Its key, label, column and source are looked at.

    Returns
    -------
    tuple of (str, str), or None
        Italian and English; None where it may be a signal of maturity.
    """
    names = [signal.key, signal.label, signal.label_en, str(signal.column or "")]
    texts = [f" {' '.join(_words(name))} " for name in names]
    for law in load_lists()["mandatory"].values():
        said = any(f" {word} " in text for word in law["words"] for text in texts)
        if said or any(_is_joined(text.split(), law["joined"]) for text in texts):
            return law["reason"], law["reason_en"]
    return None


def _words(name: str) -> list[str]:
    """Part a name into words: "flagPEC", "indirizzo_pec", "E-Fattura"."""
    return _WORD.findall(_CAMEL.sub(" ", name).casefold())


def _is_joined(words: Sequence[str], companions: Sequence[str]) -> bool:
    """Tell whether a word is "pec" written together with another one."""
    around = {
        word.removeprefix("pec") if word.startswith("pec") else word.removesuffix("pec")
        for word in words
        if word.startswith("pec") or word.endswith("pec")
    }
    return bool(around & set(companions))


def _complete(signal: SignalDefinition) -> SignalDefinition:
    """Fill the list of a preset in, and a count's own threshold."""
    if signal.kind == "count" and signal.threshold is None:
        signal = replace(signal, threshold=1.0)
    if not signal.preset:
        return signal
    presets = load_lists()["presets"]
    if signal.preset not in presets:
        raise TableError(
            "SIGNAL_RULE",
            f"Signal {signal.key}: no preset {signal.preset!r}. Write one of: "
            f"{', '.join(presets)}.",
        )
    preset = presets[signal.preset]
    if "words" in preset:
        return replace(signal, words=(*signal.words, *preset["words"]))
    prefixes = {edition: tuple(listed) for edition, listed in preset.items()}
    return replace(signal, prefixes={**prefixes, **signal.prefixes})


def _check_parts(signal: SignalDefinition) -> None:
    """Raise when a signal lacks what its kind needs."""
    lacking = _NEEDS.get(signal.kind, "")
    if lacking and getattr(signal, lacking) in (None, "", (), {}):
        raise TableError(
            "SIGNAL_RULE",
            f"Signal {signal.key}: kind {signal.kind} needs {lacking}. Add it to the study.",
        )
    counts_rows = signal.kind == "count" and bool(signal.source)
    if signal.kind not in (*DERIVED, "listed") and signal.column is None and not counts_rows:
        raise TableError(
            "SIGNAL_RULE", f"Signal {signal.key}: kind {signal.kind} needs column. Add it."
        )
    if signal.threshold is not None and not math.isfinite(signal.threshold):
        raise TableError("SIGNAL_RULE", f"Signal {signal.key}: threshold must be a number.")
    for edition, listed in signal.prefixes.items():
        absent = [
            prefix for prefix in listed if edition not in EDITIONS or not exists(prefix, edition)
        ]
        if absent:
            raise TableError(
                "SIGNAL_RULE",
                f"Signal {signal.key}: {len(absent)} prefixes are no codes of ATECO {edition} "
                f"({', '.join(absent[:5])}). Write them with points, at a level that exists.",
            )
    _check_of(signal)


def _check_of(signal: SignalDefinition) -> None:
    """Raise when a derived signal cannot be made of its parts."""
    parts = len(signal.of)
    if (signal.kind in DERIVED) != bool(parts) or (signal.kind == "not" and parts != 1):
        raise TableError(
            "SIGNAL_RULE",
            f"Signal {signal.key}: kind {signal.kind} is made of {parts} signals in `of`. Give one "
            "to `not`, one or more to `any`, `all` and `at_least`, and none to other kinds.",
        )
    if signal.kind != "at_least" or signal.threshold is None:
        return
    if not (signal.threshold.is_integer() and 1 <= signal.threshold <= parts):
        raise TableError(
            "SIGNAL_RULE",
            f"Signal {signal.key}: at_least {signal.threshold:g} of {parts} signals cannot be. "
            f"Give a whole number from 1 to {parts}.",
        )


def _refuse_mandatory(signal: SignalDefinition) -> None:
    """Raise for a signal of what the law asks of every firm."""
    law = mandatory(signal)
    if law is not None and not signal.force:
        raise TableError(
            "SIGNAL_MANDATORY",
            f"Signal {signal.key}: {law[1]}. In Italian: {law[0]}. Leave it out, or state "
            "force = true to take it all the same; every artefact then says so.",
        )


def _in_order(signals: Mapping[str, SignalDefinition]) -> tuple[SignalDefinition, ...]:
    """Put every signal after those that it is made of."""
    ordered: dict[str, SignalDefinition] = {}
    waiting = dict(signals)
    while waiting:
        ready = [key for key, signal in waiting.items() if all(of in ordered for of in signal.of)]
        if not ready:
            _refuse_unordered(waiting, signals)
        for key in ready:
            ordered[key] = waiting.pop(key)
    return tuple(ordered.values())


def _refuse_unordered(
    waiting: Mapping[str, SignalDefinition], signals: Mapping[str, SignalDefinition]
) -> None:
    """Raise for a part that does not exist, or for signals made of each other."""
    unknown = [
        (key, of) for key, signal in waiting.items() for of in signal.of if of not in signals
    ]
    if unknown:
        key, of = unknown[0]
        raise TableError(
            "SIGNAL_UNKNOWN",
            f"Signal {key} is made of {of!r}, which is not defined. Known: {', '.join(signals)}.",
        )
    raise TableError(
        "SIGNAL_CYCLE",
        f"Signals {', '.join(waiting)} are made of each other. Let one be read from a column.",
    )
