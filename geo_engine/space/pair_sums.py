"""Exact tails of three or four draws from values that repeat, by sorted sums of pairs.

Rates of small places take a few hundred distinct values. Ordered draws with replacement are
counted by looking up pairs of distinct values; what repeats a place is taken off by inclusion and
exclusion, e_3 = (p_1^3 - 3 p_1 p_2 + 2 p_3) / 6 and likewise for four, where p_m stands for one
place drawn m times. Counts stay below 2^53, so nothing is rounded.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Tables = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]

MOST_DISTINCT = 640
MOST_PLACES = 9_000
"""Larger maps would count beyond 2^53."""


def pair_tables(values: FloatArray, most: int = MOST_DISTINCT) -> Tables | None:
    """Sort the sums of all pairs of distinct values.

    Parameters
    ----------
    values : ndarray
        Values of the map.
    most : int
        More distinct values are too many.

    Returns
    -------
    tuple of ndarray, or None
        Distinct values, how often each occurs, that cumulated, sums of pairs, and their ordered
        pairs cumulated; None where there are too many.
    """
    kinds, repeated = np.unique(values, return_counts=True)
    times = repeated.astype(np.float64)
    if len(kinds) > most or len(values) > MOST_PLACES:
        return None
    a, b = np.triu_indices(len(kinds))
    weights = times[a] * times[b] * np.where(a == b, 1.0, 2.0)
    sums = kinds[a] + kinds[b]
    order = np.argsort(sums, kind="stable")
    return kinds, times, _from_zero(times), sums[order], _from_zero(weights[order])


def paired_tails(
    tables: Tables, asked: tuple[IntArray, FloatArray, FloatArray], tolerance: float
) -> tuple[FloatArray, FloatArray]:
    """Count the subsets of three or four other places on either side of a sum.

    Parameters
    ----------
    tables : tuple of ndarray
        From :func:`pair_tables`.
    asked : tuple of ndarray
        Draws (3 or 4), own value, which is left out, and observed sum.
    tolerance : float
        Sums nearer than this are tied, and count on both sides.

    Returns
    -------
    lower, upper : ndarray
        P(sum <= observed) and P(sum >= observed).
    """
    return _tails(tables, asked, tolerance)


def _from_zero(weights: FloatArray) -> FloatArray:
    """Cumulate, with nothing first."""
    return np.concatenate([[0.0], np.cumsum(weights)])


@numba.njit(cache=True, nogil=True)
def _tails(
    tables: Tables, asked: tuple[IntArray, FloatArray, FloatArray], tolerance: float
) -> tuple[FloatArray, FloatArray]:  # pragma: no cover
    """Count for one place after the other."""
    draws, own, observed = asked
    tails = np.empty((2, len(draws)))
    others = tables[2][-1] - 1.0
    for i in range(len(draws)):
        total = others * (others - 1) * (others - 2) / 6
        total *= (others - 3) / 4 if draws[i] == 4 else 1.0
        above, below = observed[i] + tolerance, observed[i] - tolerance
        tails[0, i] = _others(tables, draws[i], own[i], above) / total
        tails[1, i] = 1 - _others(tables, draws[i], own[i], below) / total
    return tails[0], tails[1]


@numba.njit(cache=True, nogil=True)
def _others(tables: Tables, draws: int, own: float, limit: float) -> float:  # pragma: no cover
    """Count the subsets of other places whose sum is below the limit."""
    # A subset of all places holds the place itself, or it does not.
    count = 0.0
    for size in range(1, draws + 1):
        reach = limit - (draws - size) * own
        without = 1.0 if size == 1 and own < reach else (count if size > 1 else 0.0)
        count = _subsets(tables, size, reach) - without
    return count


@numba.njit(cache=True, nogil=True)
def _subsets(tables: Tables, size: int, limit: float) -> float:  # pragma: no cover
    """Count the subsets of all places whose sum is below the limit."""
    kinds, times, ones, _, _ = tables
    if size == 1:
        return float(ones[np.searchsorted(kinds, limit)])
    if size == 2:
        twice = ones[np.searchsorted(kinds, limit / 2)]
        return float((_pairs(tables, limit) - twice) / 2)
    triples = 0.0
    for d in range(len(kinds)):
        if size == 3:
            triples += times[d] * _pairs(tables, limit - kinds[d])
            triples -= 3 * times[d] * ones[np.searchsorted(kinds, limit - 2 * kinds[d])]
        else:
            triples -= 6 * times[d] * _pairs(tables, limit - 2 * kinds[d])
            triples += 8 * times[d] * ones[np.searchsorted(kinds, limit - 3 * kinds[d])]
    if size == 3:
        return float((triples + 2 * ones[np.searchsorted(kinds, limit / 3)]) / 6)
    same = 3 * _pairs(tables, limit / 2) - 6 * ones[np.searchsorted(kinds, limit / 4)]
    return float((_pairs_of_pairs(tables, limit) + triples + same) / 24)


@numba.njit(cache=True, nogil=True)
def _pairs(tables: Tables, limit: float) -> float:  # pragma: no cover
    """Count the ordered pairs, the same place twice among them, below the limit."""
    return float(tables[4][np.searchsorted(tables[3], limit)])


@numba.njit(cache=True, nogil=True)
def _pairs_of_pairs(tables: Tables, limit: float) -> float:  # pragma: no cover
    """Count the ordered quadruples below the limit, one hand rising and one falling."""
    sums, cumulated = tables[3], tables[4]
    high = len(sums)
    count = 0.0
    for low in range(len(sums)):
        while high > low and sums[low] + sums[high - 1] >= limit:
            high -= 1
        if high == low:
            break
        # Either pair may come first: what lies beyond low counts twice, low with itself once.
        weight = cumulated[low + 1] - cumulated[low]
        count += weight * (weight + 2 * (cumulated[high] - cumulated[low + 1]))
    return count
