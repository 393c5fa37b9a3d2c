"""Makes another table ready to be looked up: its rows by key and year, what they say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from numba import njit

from geo_engine.errors import TableError
from geo_engine.indicators.digital import NO, UNKNOWN, YES, Signals
from geo_engine.indicators.signal_keys import NO_KEY, Keys

Resolve = Literal["unknown", "any", "all", "first", "last"]
Positions = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
YEARS = 4096
"""More than any year: a key's number times this, plus a year, is the number of a step."""


@dataclass(frozen=True, kw_only=True)
class TableRows:
    """Rows of another table as read, in their order; rows of several batches are put together."""

    keys: tuple[Keys, ...]
    """One array a kind of key, 0 where a row has none: first the kind that counts first."""
    signals: Mapping[str, Signals] = field(default_factory=dict)
    """Signals read from single rows, by key of the signal."""
    amounts: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    """Numbers to be added up over the rows of a firm, by key of the signal; NaN unknown. Ones
    count rows."""
    since: npt.NDArray[np.int64] | None = None
    """Year from which each row speaks, 0 for ever; None where all rows speak of every year."""


@dataclass(frozen=True, kw_only=True)
class KeyIndex:
    """Where the firms of one kind of key stand."""

    keys: Keys
    """Distinct, ascending."""
    group: npt.NDArray[np.int32]
    """Position among ``keys`` of each row of the table, -1 without a key."""
    steps: Positions
    """Ascending: position of a key times ``YEARS`` plus a year from which it has a new row."""
    verdicts: npt.NDArray[np.int8]
    """(steps, signals): what the rows up to the step say together, 1, 0 or -1."""


@dataclass(frozen=True, kw_only=True)
class SignalTable:
    """Another table, ready to be looked up."""

    name: str
    signals: tuple[str, ...]
    indexes: tuple[KeyIndex, ...]
    rows: int
    without_key: int
    """Rows that have no key of any kind: nothing can be found by them."""
    repeated: int
    """Rows beyond the first one of their firm."""
    conflicts: Mapping[str, int]
    """Firms whose rows say both yes and no, by signal."""
    resolve: Resolve
    is_dated: bool
    """Rows speak from a year on."""


def join_rows(parts: Sequence[TableRows]) -> TableRows:
    """Put the rows of several batches of one table together.

    Parameters
    ----------
    parts : sequence of TableRows
        In the order of the table, at least one.

    Returns
    -------
    TableRows
        All rows.
    """
    first = parts[0]
    kinds = range(len(first.keys))
    since = [part.since for part in parts if part.since is not None]
    return TableRows(
        keys=tuple(np.concatenate([part.keys[kind] for part in parts]) for kind in kinds),
        signals={
            key: np.concatenate([part.signals[key] for part in parts]) for key in first.signals
        },
        amounts={
            key: np.concatenate([part.amounts[key] for part in parts]) for key in first.amounts
        },
        since=np.concatenate(since) if since else None,
    )


def index_table(
    name: str,
    rows: TableRows,
    *,
    thresholds: Mapping[str, float] | None = None,
    resolve: Resolve = "unknown",
) -> SignalTable:
    """Make a table ready to be looked up.

    Parameters
    ----------
    name : str
        Of the signal source.
    rows : TableRows
        All its rows.
    thresholds : mapping of str to float, optional
        For each of ``amounts``, the sum from which the signal is yes. A sum with unknown parts is
        yes where the known ones reach it, else unknown; parts are not negative.
    resolve : {"unknown", "any", "all", "first", "last"}
        What a firm is whose rows say both yes and no: unknown, yes, no, or as its first or last
        row that knows (by year, then by place in the table). A row that does not know never counts
        against one that does.

    Returns
    -------
    SignalTable
        Every row is in an index, or counted as without a key.

    Raises
    ------
    TableError
        ``SIGNAL_RULE`` for amounts without a threshold.
    """
    limits = thresholds or {}
    lacking = sorted(set(rows.amounts) - set(limits))
    if lacking:
        raise TableError("SIGNAL_RULE", f"Signal {lacking[0]} of {name} needs threshold. Add it.")
    repeated, conflicts = _count_conflicts(rows)
    indexes = tuple(_index(keys, rows, limits, resolve) for keys in rows.keys)
    return SignalTable(
        name=name,
        signals=(*rows.signals, *rows.amounts),
        indexes=indexes,
        rows=len(rows.keys[0]),
        without_key=int(np.all([index.group < 0 for index in indexes], axis=0).sum()),
        repeated=repeated,
        conflicts=conflicts,
        resolve=resolve,
        is_dated=rows.since is not None,
    )


def _ordered(keys: Keys, since: npt.NDArray[np.int64] | None) -> tuple[Positions, BoolArray]:
    """Put rows with a key in its order, then in that of years; tell where a new key begins."""
    order = np.argsort(keys, kind="stable") if since is None else np.lexsort((since, keys))
    order = order[int((keys == NO_KEY).sum()) :]
    ordered = keys[order]
    new = np.ones(len(order), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return order, new


def _index(keys: Keys, rows: TableRows, limits: Mapping[str, float], resolve: Resolve) -> KeyIndex:
    """Group the rows of a table by one kind of key."""
    order, new = _ordered(keys, rows.since)
    rank = np.cumsum(new) - 1
    group = np.full(len(keys), -1, np.int32)
    group[order] = rank
    since = np.zeros(len(keys), np.int64) if rows.since is None else rows.since
    steps = rank * YEARS + since[order]
    last = np.flatnonzero(np.append(steps[1:] != steps[:-1], np.ones(min(len(steps), 1), bool)))
    columns = [
        _running(verdicts[order], new, resolve)[0][last] for verdicts in rows.signals.values()
    ]
    for key, amounts in rows.amounts.items():
        found = np.empty(len(order), np.int8)
        _run_sums(amounts[order], new, limits[key], found)
        columns.append(found[last])
    verdicts = np.stack(columns, axis=1) if columns else np.zeros((len(last), 0), np.int8)
    return KeyIndex(keys=keys[order[new]], group=group, steps=steps[last], verdicts=verdicts)


def _count_conflicts(rows: TableRows) -> tuple[int, dict[str, int]]:
    """Count repeated rows, and the firms whose rows say both; a firm is told by its first key."""
    identity = rows.keys[0]
    for further in rows.keys[1:]:
        identity = np.where(identity == NO_KEY, further, identity)
    order, new = _ordered(identity, None)
    conflicts = {
        key: _running(verdicts[order], new, "unknown")[1] for key, verdicts in rows.signals.items()
    }
    return len(order) - int(new.sum()), conflicts


def _running(verdicts: Signals, new: BoolArray, resolve: Resolve) -> tuple[Signals, int]:
    """Give what the rows of a firm say together up to each row, and how many firms say both."""
    found = np.empty(len(verdicts), np.int8)
    rule = {"unknown": UNKNOWN, "any": YES, "all": NO, "first": _FIRST, "last": _LAST}[resolve]
    return found, int(_run(verdicts, new, rule, found))


_FIRST, _LAST = 2, 3


@njit(cache=True, nogil=True)
def _run(verdicts: Signals, new: BoolArray, rule: int, found: Signals) -> int:  # pragma: no cover
    """Follow the rows of each firm; count the firms that say both yes and no."""
    clashes, first, last, both = 0, -1, -1, False
    for row in range(len(verdicts)):
        if new[row]:
            first, last, both = -1, -1, False
        verdict = verdicts[row]
        if verdict >= 0:
            first = verdict if first < 0 else first
            clashes += verdict != first and not both
            both = both or verdict != first
            last = verdict
        settled = first if rule == 2 else last if rule == 3 else rule
        found[row] = settled if both else first
    return clashes


@njit(cache=True, nogil=True)
def _run_sums(
    amounts: npt.NDArray[np.float64], new: BoolArray, threshold: float, found: Signals
) -> None:  # pragma: no cover
    """Tell up to each row whether the amounts of a firm reach the threshold."""
    total, is_open = 0.0, False
    for row in range(len(amounts)):
        if new[row]:
            total, is_open = 0.0, False
        if np.isnan(amounts[row]):
            is_open = True
        else:
            total += amounts[row]
        found[row] = 1 if total >= threshold else -1 if is_open else 0
