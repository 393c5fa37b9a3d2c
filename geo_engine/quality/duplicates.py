"""Identical rows: equal text, equal keys, whatever the order of the columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from geo_engine.quality.profile import scan_rows, text_hashes

__all__ = ["SeenRows", "row_hashes", "text_hashes"]

PARTS = 64
"""Tables among which the keys are shared out, so that only one at a time needs room to grow."""
_PART_SHIFT = np.uint64(58)
_FIRST_SIZE = 1 << 9
_FULL = 0.75


def row_hashes(rows: pa.Table, year: NDArray[np.generic]) -> NDArray[np.uint64]:
    """Hash whole rows twice, so that two different rows never look the same.

    Parameters
    ----------
    rows : Table
        Text columns.
    year : ndarray of int
        Reference year of each row, part of its identity.

    Returns
    -------
    ndarray of uint64, shape (rows, 2)
        Two independent keys; columns are taken by name, not by position.
    """
    return scan_rows(rows, year)[0]


class SeenRows:
    """The rows met so far, as keys in open addressing: 16 bytes a slot, at most 3 of 4 in use."""

    def __init__(self) -> None:
        self._tables = [np.zeros((_FIRST_SIZE, 2), np.uint64) for _ in range(PARTS)]
        self._used = np.zeros(PARTS, np.int64)

    def repeated(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell which rows were met before, in this call or an earlier one, and remember all.

        Parameters
        ----------
        hashes : ndarray of uint64, shape (rows, 2)
            From :func:`row_hashes`.

        Returns
        -------
        ndarray of bool
            True for every row but the first of its kind.
        """
        again = np.zeros(len(hashes), bool)
        part = (hashes[:, 0] >> _PART_SHIFT).astype(np.int64)
        order = np.argsort(part, kind="stable")  # earlier rows come first
        ends = np.cumsum(np.bincount(part, minlength=PARTS))
        begin = 0
        for number, end in enumerate(ends):
            own = order[begin:end]
            begin = end
            if len(own):
                self._make_room(number, len(own))
                fresh = _insert(self._tables[number], hashes, own, again)
                self._used[number] += fresh
        return again

    def _make_room(self, number: int, rows: int) -> None:
        """Grow one table until some more rows fit."""
        old = self._tables[number]
        size = len(old)
        while self._used[number] + rows > _FULL * size:
            size *= 2
        if size > len(old):
            self._tables[number] = np.zeros((size, 2), np.uint64)
            _move(old, self._tables[number])


@njit(cache=True, nogil=True)
def _slot(table: NDArray[np.uint64], one: np.uint64, two: np.uint64) -> int:
    """Find the slot of a key: its own, or the empty one where it belongs."""
    last = np.uint64(len(table) - 1)
    at = one & last
    while table[at, 0] | table[at, 1]:
        if table[at, 0] == one and table[at, 1] == two:
            break
        at = (at + np.uint64(1)) & last
    return int(at)


@njit(cache=True, nogil=True)
def _insert(
    table: NDArray[np.uint64],
    hashes: NDArray[np.uint64],
    rows: NDArray[np.int64],
    again: NDArray[np.bool_],
) -> int:
    """Put the keys of some rows into a table; mark those that were there, count the others."""
    fresh = 0
    for row in rows:
        one, two = hashes[row, 0], hashes[row, 1]
        if one == 0 and two == 0:
            two = np.uint64(1)  # an empty slot is two zeros
        at = _slot(table, one, two)
        if table[at, 0] | table[at, 1]:
            again[row] = True
        else:
            table[at, 0], table[at, 1] = one, two
            fresh += 1
    return fresh


@njit(cache=True, nogil=True)
def _move(old: NDArray[np.uint64], new: NDArray[np.uint64]) -> None:
    """Copy the keys of a table into a larger one."""
    for i in range(len(old)):
        if old[i, 0] | old[i, 1]:
            at = _slot(new, old[i, 0], old[i, 1])
            new[at, 0], new[at, 1] = old[i, 0], old[i, 1]
