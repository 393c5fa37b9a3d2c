"""Moran's I, local Moran and Gi*: the coefficients, without their tests by randomization."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from geo_engine.space.links import Links

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

AT_MEAN = 1e-12
"""Nearer to the mean than this, in units of the largest deviation, a value is at the mean."""


COEFFICIENTS = (
    "lag",
    "moran",
    "gi_star",
    "gi",
    "moran_expected",
    "moran_variance",
    "gi_star_expected",
    "gi_star_variance",
)
"""Rows of :func:`describe`."""


@dataclass(frozen=True, kw_only=True)
class GlobalMoran:
    """Moran's I of one map."""

    value: float
    expected: float
    """-1 / (n - 1)."""
    p_value: float
    """Two-sided, by the normal approximation under randomization."""


def local_moran(values: FloatArray, lag: FloatArray) -> FloatArray:
    """Compute local Moran coefficients.

    Parameters
    ----------
    values : ndarray
        Values of the map, not all equal.
    lag : ndarray
        Mean of each place's neighbors; NaN without neighbors.

    Returns
    -------
    ndarray
        z times the mean z of the neighbors, z being standardized with the variance over n (as R's
        spdep does by default). esda divides by n - 1: its values are these times (n - 1) / n.
    """
    center, scale = values.mean(), values.std()
    return (values - center) / scale * (lag - center) / scale


def gi_star(values: FloatArray, lag: FloatArray, draws: IntArray) -> FloatArray:
    """Compute the standardized Gi* statistic, with binary weights and the place among its own.

    Parameters
    ----------
    values : ndarray
        Values of the map, not all equal.
    lag : ndarray
        Mean of each place's neighbors; NaN without neighbors.
    draws : ndarray of int
        Number of neighbors.

    Returns
    -------
    ndarray
        Standard scores; NaN without neighbors and where all places are neighbors.

    References
    ----------
    Ord, J. K. and Getis, A. (1995). Local spatial autocorrelation statistics. Geographical
    Analysis 27, 286-306.
    """
    n = len(values)
    members = draws + 1
    spread = np.sqrt(members * (n - members) / (n - 1))
    excess = draws * lag + values - members * values.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, excess / (values.std() * spread), np.nan)


def quadrants(values: FloatArray, lag: FloatArray) -> npt.NDArray[np.int8]:
    """Name the quadrant of the Moran scatter plot of each place.

    Parameters
    ----------
    values : ndarray
        Values of the map.
    lag : ndarray
        Mean of each place's neighbors; NaN without neighbors.

    Returns
    -------
    ndarray of int8
        Codes of ``tables.QUADRANTS``; 0 without neighbors, and where the own value or the lag is
        exactly the mean.
    """
    center = values.mean()
    largest = float(np.abs(values - center).max())
    own, around = values - center, lag - center
    clear = (np.abs(own) > AT_MEAN * largest) & (np.abs(around) > AT_MEAN * largest)
    codes = np.select([(own > 0) & (around > 0), own < 0, own > 0], [1, 3, 4], 0)
    codes[(own < 0) & (around < 0)] = 2
    return np.where(clear, codes, 0).astype(np.int8)


def describe(
    values: FloatArray, sums: FloatArray, draws: IntArray, *, moments: bool
) -> tuple[FloatArray, npt.NDArray[np.int8]]:
    """Compute the local coefficients of one map in one pass.

    Parameters
    ----------
    values : ndarray
        Values of the map, not all equal.
    sums : ndarray
        Sum of each place's neighbors.
    draws : ndarray of int
        Number of neighbors.
    moments : bool
        Whether to give the last five rows.

    Returns
    -------
    coefficients : ndarray
        Rows of ``COEFFICIENTS``; NaN without neighbors.
    quadrants : ndarray of int8
        As :func:`quadrants`.

    Notes
    -----
    Under conditional randomization the lag of k neighbors has the mean m of the other n - 1 values
    and the variance s2 / k (n - 1 - k) / (n - 2), s2 being their variance over n - 1. Moran, Gi and
    Gi* are straight lines in the lag, which gives their moments; Gi is (lag - m) over the standard
    deviation of the lag, so its own are 0 and 1.
    """
    found = np.full((len(COEFFICIENTS) if moments else 3, len(values)), np.nan)
    codes = np.zeros(len(values), np.int8)
    center, scale = float(values.mean()), float(values.std())
    largest = float(np.abs(values - center).max())
    fill_rows((values, sums, draws), (center, scale, AT_MEAN * largest), found, codes)
    return found, codes


@numba.njit(cache=True, nogil=True)
def fill_rows(
    given: tuple[FloatArray, FloatArray, IntArray],
    facts: tuple[float, float, float],
    found: FloatArray,
    codes: npt.NDArray[np.int8],
) -> None:  # pragma: no cover
    """Fill the rows of one place after the other.

    Parameters
    ----------
    given : tuple of ndarray
        Values, sum of the neighbors, and number of neighbors.
    facts : tuple of float
        Mean, standard deviation, and how near to the mean a value is at it.
    found : ndarray
        Where the rows of ``COEFFICIENTS`` go: all, or the first three. NaN before.
    codes : ndarray of int8
        Where the quadrants go. Zero before.
    """
    values, sums, draws = given
    center, scale, near = facts
    n = len(values)
    for i in range(n):
        k = draws[i]
        if k == 0:
            continue
        lag = sums[i] / k
        own, around = values[i] - center, lag - center
        members = k + 1
        spread = scale * np.sqrt(members * max(n - members, 0) / (n - 1))
        found[0, i] = lag
        found[1, i] = own / scale * around / scale
        if spread > 0:
            found[2, i] = (k * lag + values[i] - members * center) / spread
        if abs(own) > near and abs(around) > near:
            codes[i] = (1 if own > 0 else 3) if around > 0 else (2 if own < 0 else 4)
        if found.shape[0] > 3:
            # All around the mean of the map: of the others it is -own / (n - 1) away.
            away = -own / (n - 1)
            variance = (n * scale**2 - own**2) / (n - 1) - away**2
            variance = max(variance, 0.0) / k * (n - 1 - k) / (n - 2)
            found[3, i] = (around - away) / np.sqrt(variance) if variance > 0 else np.nan
            found[4, i] = own * away / scale**2
            found[5, i] = own**2 * variance / scale**4
            if spread > 0:
                found[6, i] = (k * away + own) / spread
                found[7, i] = k**2 * variance / spread**2


def global_moran(
    values: FloatArray,
    lag: FloatArray,
    links: Links,
    moments: tuple[float, float] | None = None,
) -> GlobalMoran:
    """Compute Moran's I with row-standardized weights.

    Parameters
    ----------
    values : ndarray
        Values of the map, not all equal; at least four.
    lag : ndarray
        Mean of each place's neighbors; NaN without neighbors.
    links : Links
        Who is a neighbor of whom.
    moments : tuple of float, optional
        S1 and S2 of row-standardized weights, when neighbors do not weigh the same.

    Returns
    -------
    GlobalMoran
        NaN without any link.

    References
    ----------
    Cliff, A. D. and Ord, J. K. (1981). Spatial Processes. Pion, London, section 1.4.
    """
    n = len(values)
    if not len(links.neighbors) or n < 4:
        return GlobalMoran(value=np.nan, expected=np.nan, p_value=np.nan)
    found = moran_sums(values, lag, links.draws, moments or links.weight_moments)
    return judged_moran(n, *found)


def judged_moran(n: int, value: float, variance: float) -> GlobalMoran:
    """Give Moran's I its p-value.

    Parameters
    ----------
    n : int
        Number of places.
    value, variance : float
        From :func:`moran_sums`.

    Returns
    -------
    GlobalMoran
        Without a p-value where the variance is not positive.
    """
    expected = -1 / (n - 1)
    if variance <= 0:
        return GlobalMoran(value=value, expected=expected, p_value=np.nan)
    score = abs(value - expected) / math.sqrt(variance)
    return GlobalMoran(value=value, expected=expected, p_value=math.erfc(score / math.sqrt(2)))


@numba.njit(cache=True, nogil=True)
def moran_sums(
    values: FloatArray, lag: FloatArray, draws: IntArray, moments: tuple[float, float]
) -> tuple[float, float]:  # pragma: no cover
    """Give Moran's I and its variance under randomization.

    Parameters
    ----------
    values, lag : ndarray
        Values, and mean of the neighbors.
    draws : ndarray of int
        Number of neighbors.
    moments : tuple of float
        S1 and S2 of the weights.

    Returns
    -------
    tuple of float
        The coefficient and its variance.
    """
    s1, s2 = moments
    n = len(values)
    center = values.mean()
    s0 = 0.0
    cross = 0.0
    squares = 0.0
    fourths = 0.0
    for i in range(n):
        z = values[i] - center
        squares += z * z
        fourths += z**4
        if draws[i] > 0:
            s0 += 1.0
            cross += z * (lag[i] - center)
    kurtosis = n * fourths / squares**2
    part = n * ((n**2 - 3.0 * n + 3) * s1 - n * s2 + 3 * s0**2)
    minus = kurtosis * ((n**2 - 1.0 * n) * s1 - 2.0 * n * s2 + 6 * s0**2)
    below = (n - 1.0) * (n - 2.0) * (n - 3.0) * s0**2
    return n / s0 * cross / squares, (part - minus) / below - 1.0 / (n - 1.0) ** 2
