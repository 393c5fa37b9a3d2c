"""Reads the signals of a batch of firms: from columns, lists of codes, places and other tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.chains.classification import EDITIONS, digits_of, dotted, exists
from geo_engine.errors import TableError
from geo_engine.indicators.digital import (
    NO,
    UNKNOWN,
    YES,
    SignalRule,
    Signals,
    combine_signals,
    signal_values,
)
from geo_engine.indicators.signals import COLUMN_RULES, DERIVED, SignalDefinition, load_lists

MOST_CERTIFIED = 0.5
"""Share of certified mail addresses among the filled values from which a column is refused."""
_BETWEEN_CODES = re.compile(r"[;|\n\r\t]+|,\s+|(?<=\d),(?=\d{2}\.?\d)|\s+(?=\d{2}\.\d)|\s+/\s+")
_CODE = re.compile(
    r"(?:[A-Va-v][ .-]?)?(\d{2})[., ]?(\d{0,2})[., ]?(\d{0,2})(?:\s*[-–—:]?\s+\D.*)?"
)


def column_signal(signal: SignalDefinition, texts: Any) -> Signals:
    """Read a signal from one column.

    Parameters
    ----------
    signal : SignalDefinition
        Of a kind in ``COLUMN_RULES``.
    texts : Series or array of str
        The column as text, pandas or Arrow.

    Returns
    -------
    array of int8
        1 yes, 0 no, -1 unknown, aligned with ``texts``.

    Raises
    ------
    TableError
        ``SIGNAL_MANDATORY`` where most of the filled values are certified mail addresses.
    """
    if signal.kind in ("boolean", "filled"):
        _refuse_certified(signal, texts)
    return signal_values(texts, _rule(signal))


def ateco_signal(signal: SignalDefinition, texts: Any, editions: Any) -> Signals:
    """Tell who has a code under some prefixes, among one or several codes in a text.

    Codes are parted by ";", "|", line ends, or commas. A code that is no code of the edition may be
    anything, and one that is wider than a prefix may lie under it: the signal is then unknown,
    unless another code settles it.

    Parameters
    ----------
    signal : SignalDefinition
        Of kind ``ateco_prefix``.
    texts : Series or array of str
        Codes of each firm, such as its secondary ones.
    editions : str or array of str
        "2007" or "2025" of all firms or of each; "" where it is undecided, and then both count.

    Returns
    -------
    array of int8
        1, 0 or -1.
    """
    text, texts_found = pd.factorize(_text(texts))
    if isinstance(editions, str):
        edition, editions_found = np.zeros(len(text), np.int64), [editions]
    else:
        edition, editions_found = pd.factorize(_text(editions))
    pair, which = np.unique(text * len(editions_found) + edition, return_inverse=True)
    verdicts = [
        _codes_verdict(
            signal,
            str(texts_found[number // len(editions_found)]),
            str(editions_found[number % len(editions_found)]),
        )
        for number in pair.tolist()
    ]
    return np.array(verdicts, dtype=np.int8)[which] if len(which) else np.zeros(0, np.int8)


def place_signal(
    signal: SignalDefinition, values: npt.NDArray[np.float64], place: npt.NDArray[np.integer]
) -> Signals:
    """Give every firm what is true of its place, such as broadband.

    Parameters
    ----------
    signal : SignalDefinition
        Of kind ``place``.
    values : array of float
        By position of the municipality; NaN where it is not known.
    place : array of int
        Position of the municipality of each firm, -1 for none.

    Returns
    -------
    array of int8
        1 where the value is at or over ``threshold``. It says nothing of the firm itself.
    """
    threshold = 0.0 if signal.threshold is None else signal.threshold
    reached = np.where(np.isnan(values), UNKNOWN, np.where(values >= threshold, YES, NO))
    return np.append(reached, UNKNOWN).astype(np.int8)[place]


def place_values(
    values: npt.NDArray[np.float64],
    place: npt.NDArray[np.integer],
    places: int,
    *,
    weights: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.float64]:
    """Give each municipality the mean of its rows in a table of places.

    Parameters
    ----------
    values : array of float
        Of each row, such as the share of addresses that fiber reaches; NaN unknown.
    place : array of int
        Position of the municipality of each row (``places.resolver``), -1 for none.
    places : int
        How many municipalities there are.
    weights : array of float, optional
        Of each row, such as its addresses; 1 by default.

    Returns
    -------
    array of float
        By position; NaN where no row with weight is known.
    """
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, float)
    used = (place >= 0) & ~np.isnan(values) & (weight > 0)
    own = place[used]
    total = np.bincount(own, weight[used], places).astype(np.float64)
    product = np.bincount(own, (weight * np.nan_to_num(values))[used], places)
    return np.divide(product, total, out=np.full(places, np.nan), where=total > 0)


def derive_signals(
    signals: Sequence[SignalDefinition], known: Mapping[str, Signals]
) -> dict[str, Signals]:
    """Add the signals that are made of others.

    Parameters
    ----------
    signals : sequence of SignalDefinition
        As :func:`check_signals` gives them.
    known : mapping of str to int8 array
        The signals that are read, by key.

    Returns
    -------
    dict of str to int8 array
        All signals by key, in the order of ``signals``. An unknown part leaves the whole unknown
        only where it could change it.
    """
    found: dict[str, Signals] = {}
    for signal in signals:
        if signal.kind not in DERIVED:
            found[signal.key] = known[signal.key]
            continue
        parts = [found[key] for key in signal.of]
        if signal.kind == "not":
            found[signal.key] = np.where(parts[0] == UNKNOWN, UNKNOWN, 1 - parts[0]).astype(np.int8)
        elif signal.kind == "at_least":
            found[signal.key] = combine_signals(parts, int(signal.threshold or 0))
        else:
            found[signal.key] = combine_signals(parts, signal.kind)  # type: ignore[arg-type]
    return found


@dataclass(frozen=True, kw_only=True)
class SignalInputs:
    """What the signals of a batch are read from."""

    column: Callable[[str | int], Any]
    """Gives a column of the extract as text."""
    editions: str | npt.NDArray[np.object_] = ""
    """Edition of the ATECO codes, of all rows or of each."""
    place: npt.NDArray[np.integer]
    """Position of the municipality of each row, -1 for none."""
    places: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    """Values by municipality, by key of the signal of kind ``place``."""
    joined: Mapping[str, Signals] = field(default_factory=dict)
    """Signals of other tables, by key, aligned with the rows."""


def read_signals(signals: Sequence[SignalDefinition], inputs: SignalInputs) -> dict[str, Signals]:
    """Read all signals of a batch.

    Parameters
    ----------
    signals : sequence of SignalDefinition
        As :func:`check_signals` gives them.
    inputs : SignalInputs
        Columns, places and joined tables.

    Returns
    -------
    dict of str to int8 array
        By key, in the order of ``signals``.
    """
    known: dict[str, Signals] = {}
    for signal in signals:
        if signal.kind in DERIVED:
            continue
        if signal.kind == "place":
            known[signal.key] = place_signal(signal, inputs.places[signal.key], inputs.place)
        elif signal.source:
            known[signal.key] = inputs.joined[signal.key]
        elif signal.kind == "ateco_prefix":
            known[signal.key] = ateco_signal(
                signal, inputs.column(_column(signal)), inputs.editions
            )
        else:
            known[signal.key] = column_signal(signal, inputs.column(_column(signal)))
    return derive_signals(signals, known)


def _text(texts: Any) -> pd.Series:
    """Give a column as text, with "" for missing ones."""
    column = texts.to_pandas() if hasattr(texts, "to_pandas") else pd.Series(texts)
    return column.astype("str").fillna("").reset_index(drop=True)


def _column(signal: SignalDefinition) -> str | int:
    """Give the column of a signal that was checked."""
    return "" if signal.column is None else signal.column


def _rule(signal: SignalDefinition) -> SignalRule:
    """Give the rule by which one column is read."""
    given: dict[str, Any] = {}
    if signal.words:
        given["yes"] = signal.words
    if signal.no:
        given["no"] = signal.no
    return SignalRule(
        column=_column(signal),
        label=signal.label,
        rule=COLUMN_RULES[signal.kind],
        threshold=signal.threshold,
        empty=signal.empty,
        **given,
    )


def _refuse_certified(signal: SignalDefinition, texts: Any) -> None:
    """Raise when a column is filled with certified mail addresses, whatever it is called."""
    if signal.force:
        return
    which, distinct = pd.factorize(_text(texts))
    values = pd.Series(distinct, dtype="str").str.strip().str.casefold()
    rows = np.bincount(which, minlength=len(values))
    labels = "|".join(load_lists()["certified"]["labels"])
    addresses = values.str.contains(rf"@(?:[^@]*\.)?(?:{labels})(?:\.|$)").to_numpy(bool)
    certified, filled = int(rows[addresses].sum()), int(rows[(values != "").to_numpy(bool)].sum())
    if certified > MOST_CERTIFIED * filled:
        law = load_lists()["mandatory"]["pec"]
        raise TableError(
            "SIGNAL_MANDATORY",
            f"Signal {signal.key}: {certified:,} of {filled:,} values are certified mail "
            f"addresses, and {law['reason_en']}. In Italian: {law['reason']}. Leave the signal "
            "out, or state force = true to take it all the same.",
        )


def _codes_verdict(signal: SignalDefinition, text: str, edition: str) -> int:
    """Judge one text of codes in its edition, or in both where it is undecided."""
    parts = [part.strip() for part in _BETWEEN_CODES.split(text) if part.strip(" -.")]
    if not parts:
        return NO if signal.empty == "no" else UNKNOWN
    if edition:
        return _any_code([_code_verdict(signal, part, edition) for part in parts])
    verdicts = {
        _any_code([_code_verdict(signal, part, each) for part in parts])
        for each in EDITIONS
        if any(_code_of(part, each) for part in parts)
    }
    return verdicts.pop() if len(verdicts) == 1 else UNKNOWN


def _any_code(verdicts: Sequence[int]) -> int:
    """Take the firm for a yes where one code is; for a no where all are."""
    return YES if YES in verdicts else UNKNOWN if UNKNOWN in verdicts else NO


def _code_verdict(signal: SignalDefinition, part: str, edition: str) -> int:
    """Judge one code."""
    code = _code_of(part, edition)
    listed = signal.prefixes.get(edition, ())
    if not code or not listed:
        return UNKNOWN
    digits = digits_of(code)
    prefixes = [digits_of(prefix) for prefix in listed]
    if any(digits.startswith(prefix) for prefix in prefixes):
        return YES
    return UNKNOWN if any(prefix.startswith(digits) for prefix in prefixes) else NO


def _code_of(part: str, edition: str) -> str:
    """Give the dotted code of a text, "" where it is no code of the edition."""
    match = _CODE.fullmatch(part)
    code = dotted("".join(match.groups())) if match else ""
    return code if code and exists(code, edition) else ""
