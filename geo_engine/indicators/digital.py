"""Digital signals, read from one column by a closed rule, and their combination."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import TableError
from geo_engine.indicators.websites import own_domains, website_value

Signals = npt.NDArray[np.int8]

YES, NO, UNKNOWN = 1, 0, -1

UNKNOWN_WORDS = frozenset(
    {
        *("n.d.", "n.d", "nd", "n/d", "?", "null", "nan", "no data", "non noto", "non nota"),
        *("non rilevato", "non rilevata", "non dichiarato", "sconosciuto", "unknown"),
    }
)
"""Ways of writing that a value is not known; they never mean no."""
_SIGNED_NUMBER = re.compile(r"^[+-]?[\d.,]+%?$")


@dataclass(frozen=True, kw_only=True)
class SignalRule:
    """How one column tells whether a firm is digital."""

    column: str | int
    """Column of the extract; kept for messages, the values are given apart."""
    label: str
    """What the signal is called in Italian."""
    rule: Literal["flag", "website", "filled", "at_least", "one_of", "contains"] = "flag"
    """``flag``: in ``yes`` or in ``no``, anything else unknown. ``website``: a site of its own.
    ``filled``: any text that is not in ``no``. ``at_least``: a number at or over ``threshold``.
    ``one_of``: in ``yes``; any other known value is no. ``contains``: one of ``yes`` stands in it
    as a word; any other known value is no."""
    yes: tuple[str, ...] = ("1", "si", "sì", "true", "yes", "s", "y", "x", "vero")
    no: tuple[str, ...] = ("0", "no", "false", "n", "falso", "assente")
    threshold: float | None = None
    empty: Literal["unknown", "no"] = "unknown"
    """What an empty field means."""


def signal_values(texts: Any, rule: SignalRule) -> Signals:
    """Read a signal for every firm of a column.

    Parameters
    ----------
    texts : Series or array of str
        The column as text, pandas or Arrow; missing values count as empty.
    rule : SignalRule
        How to read it.

    Returns
    -------
    array of int8
        1 digital, 0 not, -1 unknown; in the order of ``texts``.

    Raises
    ------
    TableError
        ``SIGNAL_RULE`` when the rule is incomplete.
    """
    reader = _reader_of(rule)
    column = texts.to_pandas() if hasattr(texts, "to_pandas") else pd.Series(texts)
    positions, distinct = pd.factorize(column)
    when_empty = NO if rule.empty == "no" else UNKNOWN
    verdicts = np.full(len(distinct) + 1, when_empty, dtype=np.int8)
    left = np.arange(len(distinct))
    if rule.rule == "website":
        own = own_domains(pd.Series(distinct, dtype="str"))
        verdicts[:-1][own] = YES
        left = np.flatnonzero(~own)
    for i in left.tolist():
        cleaned = _cleaned(str(distinct[i]))
        if cleaned:
            verdicts[i] = reader(cleaned)
    # A missing value has position -1, which reads the last verdict: that of an empty field.
    return verdicts[positions]


def combine_signals(signals: Sequence[Signals], combine: Literal["any", "all"] | int) -> Signals:
    """Combine several signals, where unknown is neither yes nor no.

    Parameters
    ----------
    signals : sequence of int8 arrays
        1, 0 or -1 (unknown) for each firm; all of one length.
    combine : {"any", "all"} or int
        How many must be yes: one, all, or at least that many.

    Returns
    -------
    array of int8
        1 where enough are yes whatever the unknown ones are; 0 where too few are even if every
        unknown one were yes; -1 otherwise.

    Raises
    ------
    TableError
        ``SIGNAL_RULE`` when there is no signal, or more are asked for than there are.
    """
    needed = {"any": 1, "all": len(signals)}.get(str(combine), combine)
    if not signals or not isinstance(needed, int) or not 1 <= needed <= len(signals):
        raise TableError(
            "SIGNAL_RULE",
            f"combine = {combine!r} cannot be met by {len(signals)} signals. "
            "Ask for any, all, or a number from 1 to the number of signals.",
        )
    table = np.stack([np.asarray(signal, dtype=np.int8) for signal in signals])
    yes = (table == YES).sum(axis=0)
    possible = yes + (table == UNKNOWN).sum(axis=0)
    return np.where(yes >= needed, YES, np.where(possible < needed, NO, UNKNOWN)).astype(np.int8)


def _reader_of(rule: SignalRule) -> Callable[[str], int]:
    """Give the function that reads one cleaned, non-empty text."""
    yes = frozenset(map(_cleaned, rule.yes))
    no = frozenset(map(_cleaned, rule.no))
    if rule.rule == "website":
        return website_value
    if rule.rule == "at_least":
        if rule.threshold is None:
            raise TableError(
                "SIGNAL_RULE", f"Column {rule.column}: rule at_least needs a threshold; add it."
            )
        threshold = rule.threshold
        return lambda text: _reaches(text, threshold)
    if rule.rule == "flag":
        return lambda text: YES if text in yes else NO if text in no else UNKNOWN
    if rule.rule == "contains":
        words = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(yes)))
        return lambda text: YES if words.search(text) else _unless_unknown(text)
    if rule.rule == "one_of":
        return lambda text: YES if text in yes else _unless_unknown(text)
    return lambda text: UNKNOWN if text in UNKNOWN_WORDS else NO if text in no else YES


def _unless_unknown(text: str) -> int:
    """Take a text for a no, unless it says that the value is not known."""
    return UNKNOWN if text in UNKNOWN_WORDS else NO


def _cleaned(text: str) -> str:
    """Compose accents, drop the case, and tidy spaces (also the unbreakable ones)."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _reaches(text: str, threshold: float) -> int:
    """Compare a number with the threshold; unknown where its readings disagree."""
    verdicts = {YES if number >= threshold else NO for number in _readings(text)}
    return verdicts.pop() if len(verdicts) == 1 else UNKNOWN


def _readings(text: str) -> tuple[float, ...]:
    """Read an Italian or English number: 1.234 may be 1234 or 1.234, so both are given."""
    compact = text.replace(" ", "").replace("'", "").replace("€", "")
    if not _SIGNED_NUMBER.match(compact):
        return ()
    compact = compact.removesuffix("%")
    italian = _grouped(compact, group=".", decimal=",")
    english = _grouped(compact, group=",", decimal=".")
    return tuple(dict.fromkeys(italian + english))


def _grouped(text: str, *, group: str, decimal: str) -> tuple[float, ...]:
    """Read a number with the given marks; nothing where its groups are not of three digits."""
    mark, point = re.escape(group), re.escape(decimal)
    if not re.fullmatch(rf"[+-]?(\d{{1,3}}({mark}\d{{3}})+|\d+)({point}\d+)?", text):
        return ()
    return (float(text.replace(group, "").replace(decimal, ".")),)
