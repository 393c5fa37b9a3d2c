"""Tails of the sum of neighbors' values without tables: by counting subsets, or value by value."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def enumerated_tails(
    others: FloatArray, draws: int, observed: float, tolerance: float
) -> tuple[float, float]:  # pragma: no cover
    """Count all subsets whose sum is at most, or at least, the observed one.

    Parameters
    ----------
    others : ndarray
        Values that can be drawn.
    draws : int
        Size of the subsets, from 1 to the number of values.
    observed : float
        The sum that occurred.
    tolerance : float
        Sums nearer than this are tied, and count on both sides.

    Returns
    -------
    lower, upper : float
        P(sum <= observed) and P(sum >= observed).
    """
    chosen = np.arange(draws)
    partial = np.zeros(draws + 1)
    for j in range(draws):
        partial[j + 1] = partial[j] + others[j]
    lower = 0
    upper = 0
    subsets = 0
    while True:
        subsets += 1
        if partial[draws] <= observed + tolerance:
            lower += 1
        if partial[draws] >= observed - tolerance:
            upper += 1
        if not _next_subset(others, chosen, partial):
            return lower / subsets, upper / subsets


@numba.njit(cache=True, nogil=True)
def _next_subset(
    others: FloatArray, chosen: IntArray, partial: FloatArray
) -> bool:  # pragma: no cover
    """Move to the next subset in lexicographic order; False after the last one."""
    n, draws = len(others), len(chosen)
    last = draws - 1
    while last >= 0 and chosen[last] == n - draws + last:
        last -= 1
    if last < 0:
        return False
    chosen[last] += 1
    for j in range(last + 1, draws):
        chosen[j] = chosen[j - 1] + 1
    for j in range(last, draws):
        partial[j + 1] = partial[j] + others[chosen[j]]
    return True


def counted_tails(
    values: FloatArray, asked: tuple[IntArray, IntArray, FloatArray], tolerance: float
) -> tuple[FloatArray, FloatArray]:
    """Count the places, or pairs of places, at most or at least as large as one or two neighbors.

    Parameters
    ----------
    values : ndarray
        Values of the map.
    asked : tuple of ndarray
        Positions of places, number of their neighbors (1 or 2), and observed sums.
    tolerance : float
        Sums nearer than this are tied, and count on both sides.

    Returns
    -------
    lower, upper : ndarray
        P(sum <= observed) and P(sum >= observed), the place's own value left out.
    """
    focal, draws, observed = asked
    n = len(values)
    tails = np.empty((2, len(focal)))
    two = draws == 2
    own = values[focal]
    ordered = np.sort(values)
    for side, shift in enumerate((tolerance, -tolerance)):
        # A sum exactly at a limit is neither tied nor far: on which side it falls is noise.
        limits = observed + shift
        one = np.searchsorted(ordered, limits[~two]) - (own[~two] < limits[~two])
        tails[side, ~two] = one / (n - 1.0)
        tails[side, two] = pairs_below(values, own[two], limits[two])
        tails[side, two] /= (n - 1.0) * (n - 2.0) / 2
    return tails[0], 1 - tails[1]


def pairs_below(values: FloatArray, own: FloatArray, limits: FloatArray) -> FloatArray:
    """Count the pairs of other places whose sum is below a limit.

    Parameters
    ----------
    values : ndarray
        Values of the map.
    own : ndarray
        The value that is left out, once.
    limits : ndarray
        One for each own value.

    Returns
    -------
    ndarray
        Whole numbers. Two hands on the sorted distinct values, one rising and one falling, meet
        every pair's limit.
    """
    distinct, times = np.unique(values, return_counts=True)
    return _pairs_below((distinct, times.astype(np.float64)), own, limits)


@numba.njit(cache=True, nogil=True)
def _pairs_below(
    kinds: tuple[FloatArray, FloatArray], own: FloatArray, limits: FloatArray
) -> FloatArray:  # pragma: no cover
    """Count ordered pairs, take off the same place twice, halve, take off those with the own."""
    distinct, times = kinds
    count = len(distinct)
    cumulated = np.empty(count + 1)
    cumulated[0] = 0.0
    for j in range(count):
        cumulated[j + 1] = cumulated[j] + times[j]
    found = np.empty(len(limits))
    for i in range(len(limits)):
        limit = limits[i]
        pairs = 0.0
        high = count
        for low in range(count):
            while high > 0 and distinct[low] + distinct[high - 1] >= limit:
                high -= 1
            pairs += times[low] * cumulated[high]
        twice = cumulated[np.searchsorted(distinct, limit / 2)]
        pairs = (pairs - twice) / 2
        with_own = cumulated[np.searchsorted(distinct, limit - own[i])]
        if own[i] + own[i] < limit:
            with_own -= 1.0
        found[i] = pairs - with_own
    return found


@numba.njit(cache=True, nogil=True)
def programmed_tails(
    others: IntArray, draws: int, thresholds: IntArray
) -> FloatArray:  # pragma: no cover
    """Compute P(sum <= threshold) by admitting one value after another.

    Every step mixes two probabilities with weights that add up to one, so no digit is lost,
    however large the share of the map that is drawn.

    Parameters
    ----------
    others : ndarray of int
        Values >= 0 that can be drawn.
    draws : int
        Size of the subsets, from 1 to the number of values.
    thresholds : ndarray of int
        Sums up to which to cumulate.

    Returns
    -------
    ndarray
        One probability for each threshold.
    """
    length = max(thresholds.max() + 1, 1)
    table = np.zeros((draws + 1, length))
    table[0, 0] = 1.0
    for m in range(1, len(others) + 1):
        value = others[m - 1]
        for j in range(min(m, draws), 0, -1):
            share = j / m
            row = table[j]
            before = table[j - 1]
            for s in range(length):
                row[s] *= 1.0 - share
            for s in range(value, length):
                row[s] += share * before[s - value]
    tails = np.zeros(len(thresholds))
    for c in range(len(thresholds)):
        for s in range(thresholds[c] + 1):
            tails[c] += table[draws, s]
    return tails
