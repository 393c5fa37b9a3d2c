"""Finds firms in another table, and says what it tells of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from geo_engine.errors import TableError
from geo_engine.indicators.digital import NO, UNKNOWN, YES, Signals
from geo_engine.indicators.signal_index import YEARS, KeyIndex, Positions, SignalTable
from geo_engine.indicators.signal_keys import NO_KEY, Keys

UNMATCHED, WITHOUT_KEY = -1, -2
"""Values of ``Match.by`` besides the number of the key that matched."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """What another table says of a batch of firms."""

    by: npt.NDArray[np.int8]
    """Number of the kind of key that found the firm, -1 where none did, -2 without a key."""
    positions: tuple[Positions, ...]
    """By kind of key, position among its keys, -1 for none."""
    signals: Mapping[str, Signals]
    """By key, aligned with the firms."""
    disagreements: int
    """Firms that two kinds of key find with different signals; the first kind counts."""


def match_firms(
    table: SignalTable,
    keys: Sequence[Keys],
    *,
    years: npt.NDArray[np.integer] | None = None,
    absent: Literal["unknown", "no"] = "unknown",
) -> Match:
    """Look a batch of firms up in another table.

    Parameters
    ----------
    table : SignalTable
        Of ``signal_index.index_table``.
    keys : sequence of array of uint64
        Of the firms, in the kinds and order of the table's; 0 where a firm has none.
    years : array of int, optional
        Year of each row, for a table whose rows speak from a year on: only those up to it count,
        and a firm whose rows all begin later is not in the table yet.
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
        ``SIGNAL_KEYS`` for keys of other kinds than the table's, or lacking years.
    """
    if len(keys) != len(table.indexes) or (table.is_dated and years is None):
        raise TableError(
            "SIGNAL_KEYS",
            f"Table {table.name} has {len(table.indexes)} kinds of key, {len(keys)} were given"
            f"{', and it needs years' if table.is_dated else ''}.",
        )
    firms = len(keys[0])
    year = np.zeros(firms, np.int64) if years is None else np.asarray(years, np.int64)
    positions = tuple(
        _look_up(index.keys, own) for index, own in zip(table.indexes, keys, strict=True)
    )
    by = np.where(np.any([own != NO_KEY for own in keys], axis=0), UNMATCHED, WITHOUT_KEY)
    values = np.full((firms, len(table.signals)), UNKNOWN, np.int8)
    values[by == UNMATCHED] = NO if absent == "no" else UNKNOWN
    differ = np.zeros(firms, bool)
    for kind in reversed(range(len(positions))):
        step = positions[kind]  # one step a key, of every year, unless the table is dated
        if table.is_dated:
            step = _step(table.indexes[kind], step, year)
        found = step >= 0
        fresh = table.indexes[kind].verdicts[step[found]]
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


def _look_up(keys: Keys, own: Keys) -> Positions:
    """Give the position of each firm among the table's keys, -1 for none."""
    if not len(keys):
        return np.full(len(own), -1, np.int64)
    at = np.minimum(_search(keys, own, "left"), len(keys) - 1)
    return np.where((keys[at] == own) & (own != NO_KEY), at, -1).astype(np.int64)


def _step(index: KeyIndex, positions: Positions, years: Positions) -> Positions:
    """Give the last step of each found key that begins by the year, -1 for none."""
    at = _search(index.steps, positions * YEARS + years, "right") - 1
    own = np.append(index.steps, -1)[at] // YEARS == positions
    return np.where(own & (positions >= 0), at, -1)


def _search(
    values: npt.NDArray[Any], wanted: npt.NDArray[Any], side: Literal["left", "right"]
) -> Positions:
    """Search sorted values for wanted ones in their order, which visits memory once."""
    order = np.argsort(wanted)
    at = np.empty(len(wanted), np.int64)
    at[order] = np.searchsorted(values, wanted[order], side=side)
    return at
