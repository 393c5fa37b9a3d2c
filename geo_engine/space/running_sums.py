"""Running sums of tables of probabilities."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def cumulate_rows(
    tables: FloatArray, starts: IntArray, growth: FloatArray
) -> None:  # pragma: no cover
    """Cumulate periodic tables from where their windows start, in place.

    Parameters
    ----------
    tables : ndarray
        Rows of one period.
    starts : ndarray of int
        Where the window of each row starts; it comes first afterwards.
    growth : ndarray
        What each entry is multiplied by before.
    """
    rows, length = tables.shape
    turned = np.empty(length)
    for r in range(rows):
        start = starts[r]
        total = _cumulate_part(tables[r, start:], growth[start:], 0.0, turned)
        _cumulate_part(tables[r, :start], growth[:start], total, turned[length - start :])
        tables[r] = turned


@numba.njit(cache=True, nogil=True)
def _cumulate_part(
    entries: FloatArray, growth: FloatArray, total: float, into: FloatArray
) -> float:  # pragma: no cover
    """Cumulate by fours, so that only every fourth sum waits for the one before."""
    fours = len(entries) - len(entries) % 4
    for i in range(0, fours, 4):
        first = entries[i] * growth[i]
        second = first + entries[i + 1] * growth[i + 1]
        third = entries[i + 2] * growth[i + 2]
        fourth = third + entries[i + 3] * growth[i + 3]
        into[i] = total + first
        into[i + 1] = total + second
        into[i + 2] = total + (second + third)
        total += second + fourth
        into[i + 3] = total
    for i in range(fours, len(entries)):
        total += entries[i] * growth[i]
        into[i] = total
    return total
