"""Moran's I, local Moran and Gi*: the coefficients, without their tests by randomization."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_engine.space.links import Links

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

AT_MEAN = 1e-12
"""Nearer to the mean than this, in units of the largest deviation, a value is at the mean."""


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


def global_moran(values: FloatArray, lag: FloatArray, links: Links) -> GlobalMoran:
    """Compute Moran's I with row-standardized weights.

    Parameters
    ----------
    values : ndarray
        Values of the map, not all equal; at least four.
    lag : ndarray
        Mean of each place's neighbors; NaN without neighbors.
    links : Links
        Who is a neighbor of whom.

    Returns
    -------
    GlobalMoran
        NaN without any link.

    References
    ----------
    Cliff, A. D. and Ord, J. K. (1981). Spatial Processes. Pion, London, section 1.4.
    """
    from scipy.special import ndtr

    n = len(values)
    if not len(links.neighbors) or n < 4:
        return GlobalMoran(value=np.nan, expected=np.nan, p_value=np.nan)
    z = values - values.mean()
    linked = links.draws > 0
    s0 = float(linked.sum())
    squares = float(z @ z)
    value = n / s0 * float(z[linked] @ (lag[linked] - values.mean())) / squares
    expected = -1 / (n - 1)
    kurtosis = n * float(z**2 @ z**2) / squares**2
    s1, s2 = _weight_moments(links)
    part = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2)
    minus = kurtosis * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    variance = (part - minus) / ((n - 1) * (n - 2) * (n - 3) * s0**2) - expected**2
    if variance <= 0:
        return GlobalMoran(value=value, expected=expected, p_value=np.nan)
    score = (value - expected) / np.sqrt(variance)
    return GlobalMoran(value=value, expected=expected, p_value=float(2 * ndtr(-abs(score))))


def _weight_moments(links: Links) -> tuple[float, float]:
    """Give S1 and S2 of the row-standardized weights."""
    from scipy.sparse import csr_array

    draws, n = links.draws, len(links.draws)
    weights = np.repeat(1.0 / np.maximum(draws, 1), draws)
    matrix = csr_array((weights, links.neighbors, links.starts), shape=(n, n))
    both = matrix + matrix.T
    rows = np.asarray(both.sum(axis=1)).ravel()
    return float((both.data**2).sum() / 2), float(rows @ rows)
