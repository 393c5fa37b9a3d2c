"""Finds firms in another table, and accounts for every firm and for every row of that table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from geo_engine.errors import TableError
from geo_engine.indicators.digital import NO, UNKNOWN, YES, Signals
from geo_engine.indicators.signal_keys import NO_KEY, Keys

Resolve = Literal["unknown", "any", "all", "first", "last"]
Positions = npt.NDArray[np.int64]
UNMATCHED, WITHOUT_KEY = -1, -2
"""Values of ``Match.by`` besides the number of the key that matched."""


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


@dataclass(frozen=True, kw_only=True)
class KeyIndex:
    """Where the firms of one kind of key stand."""

    keys: Keys
    """Distinct, ascending."""
    group: npt.NDArray[np.int32]
    """Position among ``keys`` of each row of the table, -1 without a key."""
    verdicts: npt.NDArray[np.int8]
    """(keys, signals): 1, 0 or -1."""


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


@dataclass(frozen=True, kw_only=True)
class Match:
    """What another table says of a batch of firms."""

    by: npt.NDArray[np.int8]
    """Number of the kind of key that found the firm, -1 where none did, -2 without a key."""
    positions: tuple[Positions, ...]
    """By kind of key, position in its index, -1 for none."""
    signals: Mapping[str, Signals]
    """By key, aligned with the firms."""
    disagreements: int
    """Firms that two kinds of key find with different signals; the first kind counts."""


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
    return TableRows(
        keys=tuple(np.concatenate([part.keys[kind] for part in parts]) for kind in kinds),
        signals={
            key: np.concatenate([part.signals[key] for part in parts]) for key in first.signals
        },
        amounts={
            key: np.concatenate([part.amounts[key] for part in parts]) for key in first.amounts
        },
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
        row that knows. A row that does not know never counts against one that does.

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
    )


def match_firms(
    table: SignalTable,
    keys: Sequence[Keys],
    *,
    absent: Literal["unknown", "no"] = "unknown",
) -> Match:
    """Look a batch of firms up in another table.

    Parameters
    ----------
    table : SignalTable
        Of :func:`index_table`.
    keys : sequence of array of uint64
        Of the firms, in the kinds and order of the table's; 0 where a firm has none.
    absent : {"unknown", "no"}
        What a firm is that has a key and is not in the table: no where the table lists every firm
        of its kind (a register), unknown where it does not (a survey, a crawl). A firm without a
        key is always unknown.

    Returns
    -------
    Match
        Aligned with the firms; for who is listed at all see :func:`listed_signal`.

    Raises
    ------
    TableError
        ``SIGNAL_KEYS`` for keys of other kinds than the table's.
    """
    if len(keys) != len(table.indexes):
        raise TableError(
            "SIGNAL_KEYS",
            f"Table {table.name} has {len(table.indexes)} kinds of key, {len(keys)} were given.",
        )
    firms = len(keys[0])
    positions = tuple(
        _look_up(index.keys, own) for index, own in zip(table.indexes, keys, strict=True)
    )
    by = np.where(np.any([own != NO_KEY for own in keys], axis=0), UNMATCHED, WITHOUT_KEY)
    values = np.full((firms, len(table.signals)), UNKNOWN, np.int8)
    values[by == UNMATCHED] = NO if absent == "no" else UNKNOWN
    differ = np.zeros(firms, bool)
    for kind in reversed(range(len(positions))):
        found = positions[kind] >= 0
        fresh = table.indexes[kind].verdicts[positions[kind][found]]
        differ[found] |= (by[found] >= 0) & (fresh != values[found]).any(axis=1)
        values[found], by[found] = fresh, kind
    return Match(
        by=by.astype(np.int8),
        positions=positions,
        signals={key: values[:, column].copy() for column, key in enumerate(table.signals)},
        disagreements=int(differ.sum()),
    )


def listed_signal(match: Match, *, absent: Literal["unknown", "no"]) -> Signals:
    """Tell who is in the table at all.

    Parameters
    ----------
    match : Match
        Of a batch.
    absent : {"unknown", "no"}
        As for :func:`match_firms`.

    Returns
    -------
    array of int8
        1 in the table; 0 or -1 where not; -1 without a key.
    """
    missing = NO if absent == "no" else UNKNOWN
    return np.where(match.by >= 0, YES, np.where(match.by == UNMATCHED, missing, UNKNOWN)).astype(
        np.int8
    )


def _grouped(keys: Keys) -> tuple[Positions, Positions]:
    """Put rows with a key in its order; give them, and where each key begins among them."""
    order = np.argsort(keys, kind="stable")
    order = order[int((keys == NO_KEY).sum()) :]
    ordered = keys[order]
    new = np.ones(len(order), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(new)


def _index(keys: Keys, rows: TableRows, limits: Mapping[str, float], resolve: Resolve) -> KeyIndex:
    """Group the rows of a table by one kind of key."""
    order, starts = _grouped(keys)
    group = np.full(len(keys), -1, np.int32)
    sizes = np.diff(np.append(starts, len(order)))
    group[order] = np.repeat(np.arange(len(starts), dtype=np.int32), sizes)
    columns = [_resolved(verdicts[order], starts, resolve)[0] for verdicts in rows.signals.values()]
    columns += [
        _summed(amounts[order], starts, limits[key]) for key, amounts in rows.amounts.items()
    ]
    verdicts = np.stack(columns, axis=1) if columns else np.zeros((len(starts), 0), np.int8)
    return KeyIndex(keys=keys[order[starts]], group=group, verdicts=verdicts)


def _count_conflicts(rows: TableRows) -> tuple[int, dict[str, int]]:
    """Count repeated rows, and the firms whose rows say both; a firm is told by its first key."""
    identity = rows.keys[0]
    for further in rows.keys[1:]:
        identity = np.where(identity == NO_KEY, further, identity)
    order, starts = _grouped(identity)
    conflicts = {
        key: _resolved(verdicts[order], starts, "unknown")[1]
        for key, verdicts in rows.signals.items()
    }
    return len(order) - len(starts), conflicts


def _resolved(verdicts: Signals, starts: Positions, resolve: Resolve) -> tuple[Signals, int]:
    """Give one verdict a firm, and how many firms say both yes and no."""
    if not len(starts):
        return np.zeros(0, np.int8), 0
    yes = np.maximum.reduceat(verdicts == YES, starts)
    no = np.maximum.reduceat(verdicts == NO, starts)
    both = yes & no
    plain = np.where(yes, YES, np.where(no, NO, UNKNOWN))
    if resolve in ("first", "last"):
        rows = np.arange(len(verdicts))
        known = verdicts != UNKNOWN
        if resolve == "first":
            chosen = np.minimum.reduceat(np.where(known, rows, len(rows)), starts)
        else:
            chosen = np.maximum.reduceat(np.where(known, rows, -1), starts)
        settled = verdicts[np.clip(chosen, 0, len(rows) - 1)]
    else:
        settled = np.full(len(starts), {"unknown": UNKNOWN, "any": YES, "all": NO}[resolve])
    return np.where(both, settled, plain).astype(np.int8), int(both.sum())


def _summed(amounts: npt.NDArray[np.float64], starts: Positions, threshold: float) -> Signals:
    """Tell whose amounts add up to the threshold."""
    if not len(starts):
        return np.zeros(0, np.int8)
    unknown = np.isnan(amounts)
    known = np.add.reduceat(np.where(unknown, 0.0, amounts), starts)
    open_end = np.maximum.reduceat(unknown, starts)
    return np.where(known >= threshold, YES, np.where(open_end, UNKNOWN, NO)).astype(np.int8)


def _look_up(keys: Keys, own: Keys) -> Positions:
    """Give the position of each firm among the table's keys, -1 for none."""
    if not len(keys):
        return np.full(len(own), -1, np.int64)
    at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
    return np.where((keys[at] == own) & (own != NO_KEY), at, -1).astype(np.int64)
