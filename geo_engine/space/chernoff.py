"""Where sums of values drawn without replacement lie, by Chernoff's bound.

It holds without replacement too (Hoeffding 1963, theorem 4).
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SMALL_RANGE = 4096
"""Sums below this need no search for the window that holds their probability."""
WINDOW_RATES = 28
"""Exponents tried in Chernoff's bound."""
GROUPS, SINGLE_ENDS = 400, 60
"""Groups of values for that bound, and how many of them at either end hold one value."""
RATES = 24
"""And for the probability far from a sum."""


def sum_window(
    values: npt.NDArray[np.number], draws: int, negligible: float = 5e-17
) -> tuple[FloatArray, FloatArray]:
    """Bound where the sums of 0, 1, ..., ``draws`` values lie, but for a negligible probability.

    Parameters
    ----------
    values : ndarray
        Values that can be drawn, >= 0.
    draws : int
        Largest number of draws.
    negligible : float
        Probability that may lie outside on each side.

    Returns
    -------
    low, high : ndarray
        Bounds by number of draws.
    """
    if np.issubdtype(values.dtype, np.integer):
        ordered = np.sort(values.astype(np.int32) if values.max() < 2**31 else values)
    else:
        ordered = np.sort(values)
    ordered = ordered.astype(np.float64)
    top = ordered[::-1][:draws]
    high = np.zeros(draws + 1)
    high[1 : len(top) + 1] = np.cumsum(top)
    high[len(top) + 1 :] = high[len(top)]
    low = np.zeros(draws + 1)
    if high[-1] <= SMALL_RANGE and np.issubdtype(values.dtype, np.integer):
        return low, high
    spread = float(np.std(ordered))
    if spread == 0:
        return low, high
    rates = np.geomspace(0.1 / np.sqrt(draws), 60.0, WINDOW_RATES) / spread
    _chernoff(grouped(ordered), (rates, float(np.log(negligible))), low, high)
    return np.minimum(low, high), high


def grouped(ordered: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Group sorted values, so that Chernoff's bound needs few exponentials.

    Parameters
    ----------
    ordered : ndarray
        Sorted values.

    Returns
    -------
    tuple of ndarray
        Smallest and largest value of each group, and its share. The ends stay single, because the
        largest values decide; each group counts with the end that makes the bound larger.
    """
    n = len(ordered)
    if n <= GROUPS:
        return ordered, ordered, np.full(n, 1.0 / n)
    inner = np.linspace(SINGLE_ENDS, n - SINGLE_ENDS, GROUPS - 2 * SINGLE_ENDS + 1).astype(np.int64)
    starts = np.concatenate([np.arange(SINGLE_ENDS), inner, n - np.arange(SINGLE_ENDS - 1, 0, -1)])
    ends = np.append(starts[1:], n)
    return ordered[starts], ordered[ends - 1], (ends - starts) / n


def beyond(
    distinct: FloatArray, times: IntArray, asked: tuple[IntArray, FloatArray], distance: float
) -> FloatArray:
    """Bound the probability of sums at least ``distance`` away, once for every such distance.

    A sum three distances away counts three times: so far a sawtooth of that period is wrong.

    Parameters
    ----------
    distinct, times : ndarray
        Values that can be drawn, and how often each occurs.
    asked : tuple of ndarray
        Draws and observed sum of each place.
    distance : float
        How far.

    Returns
    -------
    ndarray
        At most 1. The bound holds without replacement too (Hoeffding 1963, theorem 4); leaving a
        place's own value out changes a probability by at most the factor n / (n - k).
    """
    draws, observed = asked
    n = int(times.sum())
    spread = np.sqrt(max(float((times * (distinct - distinct @ times / n) ** 2).sum()) / n, 1e-300))
    rates = np.geomspace(0.2, 60.0, RATES) / spread / np.sqrt(float(draws.max()))
    logs = _log_means(grouped(np.repeat(distinct, times)), rates)
    found = _smallest(draws, observed, distance, (rates, logs))
    return np.minimum(found * n / np.maximum(n - draws, 1), 1.0)


@numba.njit(cache=True, nogil=True)
def _log_means(
    groups: tuple[FloatArray, FloatArray, FloatArray], rates: FloatArray
) -> FloatArray:  # pragma: no cover
    """Bound log E exp(rate X) and log E exp(-rate X)."""
    smallest, largest, shares = groups
    logs = np.empty((2, len(rates)))
    for r in range(len(rates)):
        rising = 0.0
        falling = 0.0
        for g in range(len(shares)):
            rising += shares[g] * np.exp(rates[r] * (largest[g] - largest[-1]))
            falling += shares[g] * np.exp(-rates[r] * (smallest[g] - smallest[0]))
        logs[0, r] = np.log(rising) + rates[r] * largest[-1]
        logs[1, r] = np.log(falling) - rates[r] * smallest[0]
    return logs


@numba.njit(cache=True, nogil=True)
def _smallest(
    draws: IntArray,
    observed: FloatArray,
    distance: float,
    bounds: tuple[FloatArray, FloatArray],
) -> FloatArray:  # pragma: no cover
    """Take the best rate for each place, on either side, all periods added up."""
    rates, logs = bounds
    found = np.empty(len(draws))
    for i in range(len(draws)):
        above = 0.0
        below = 0.0
        for r in range(len(rates)):
            # P(sum >= limit + j d) <= b exp(-j rate d): a geometric series over all j.
            more = -np.log1p(-np.exp(-rates[r] * distance))
            above = min(above, more + draws[i] * logs[0, r] - rates[r] * (observed[i] + distance))
            below = min(below, more + draws[i] * logs[1, r] + rates[r] * (observed[i] - distance))
        found[i] = min(1.0, np.exp(above) + np.exp(below))
    return found


@numba.njit(cache=True, nogil=True)
def _chernoff(
    groups: tuple[FloatArray, FloatArray, FloatArray],
    bound: tuple[FloatArray, float],
    low: FloatArray,
    high: FloatArray,
) -> None:  # pragma: no cover
    """Narrow the window by Chernoff's bound at each rate."""
    smallest, largest, shares = groups
    rates, negligible = bound
    top, bottom = largest[-1], smallest[0]
    for rate in rates:
        rising = 0.0
        falling = 0.0
        for g in range(len(shares)):
            rising += shares[g] * np.exp(rate * (largest[g] - top))
            falling += shares[g] * np.exp(-rate * (smallest[g] - bottom))
        up = np.log(rising) + rate * top
        down = np.log(falling) - rate * bottom
        for k in range(len(low)):
            high[k] = min(high[k], (k * up - negligible) / rate)
            low[k] = max(low[k], (negligible - k * down) / rate)
