"""Intervals of shares and of their ratios, in closed form and for whole arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LEVEL = 0.95
"""Probability that an interval holds the true value."""


def normal_quantile(level: float) -> float:
    """Give the normal quantile of a two-sided interval.

    Parameters
    ----------
    level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    float
        1.96 for 0.95.
    """
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def wilson(
    hits: FloatArray, trials: FloatArray, *, level: float = LEVEL
) -> tuple[FloatArray, FloatArray]:
    """Bound a share by inverting the score test.

    Parameters
    ----------
    hits, trials : array of float
        0 <= hits <= trials; weighted counts need not be whole.
    level : float
        Probability of the interval.

    Returns
    -------
    tuple of array
        Low and high end within 0 and 1; NaN where there is no trial.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22, 209-212.
    """
    z = normal_quantile(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(trials > 0, hits / trials, np.nan)
        weight = z**2 / trials
        center = (share + weight / 2) / (1 + weight)
        half = z * np.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    low = np.where(share == 0, 0.0, np.maximum(center - half, 0.0))
    high = np.where(share == 1, 1.0, np.minimum(center + half, 1.0))
    return low, high


def clopper_pearson(
    hits: FloatArray, trials: FloatArray, *, level: float = LEVEL
) -> tuple[FloatArray, FloatArray]:
    """Bound a share by inverting the exact binomial test: it holds at least as often as it says.

    Parameters
    ----------
    hits, trials : array of float
        0 <= hits <= trials; weighted counts need not be whole.
    level : float
        Probability of the interval.

    Returns
    -------
    tuple of array
        Low and high end within 0 and 1; NaN where there is no trial.

    References
    ----------
    Clopper, C. J., Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in
    the case of the binomial. Biometrika 26, 404-413.
    """
    from scipy.special import betaincinv

    x, n = np.broadcast_arrays(np.asarray(hits, np.float64), np.asarray(trials, np.float64))
    given = np.isfinite(x) & (n > 0)
    pairs, back = np.unique(x[given] + 1j * n[given], return_inverse=True)
    few, all_ = pairs.real, pairs.imag
    rest = np.maximum(all_ - few, 0.0)
    tail = (1 - level) / 2
    ends = []
    for shape, quantile, fixed, at in ((0, tail, few, 0.0), (1, 1 - tail, rest, 1.0)):
        inner = fixed > 0
        end = np.full(len(pairs), at)
        end[inner] = betaincinv(few[inner] + shape, rest[inner] + 1 - shape, quantile)
        bound = np.full(x.shape, np.nan)
        bound[given] = end[back]
        ends.append(bound)
    return ends[0], ends[1]


def ratio_of_shares(
    first: tuple[FloatArray, FloatArray],
    second: tuple[FloatArray, FloatArray],
    *,
    level: float = LEVEL,
    exact: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Bound the ratio of two independent shares from the Wilson interval of each.

    Parameters
    ----------
    first, second : tuple of array
        Hits and trials of the numerator and of the denominator.
    level : float
        Probability of the interval.
    exact : bool
        Take Clopper and Pearson's interval for the first share: for numerators of few trials.

    Returns
    -------
    tuple of array
        Low and high end of (x1/n1) / (x2/n2), 0 to infinity; NaN where either has no trial.

    References
    ----------
    Donner, A., Zou, G. Y. (2012). Closed-form confidence intervals for functions of the normal
    mean and standard deviation. Statistical Methods in Medical Research 21, 347-359; the ratio by
    the method of variance estimates recovery (MOVER-R).
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = first[0] / first[1], second[0] / second[1]
    low_p, high_p = (clopper_pearson if exact else wilson)(*first, level=level)
    low_q, high_q = wilson(*second, level=level)
    cross = p * q
    with np.errstate(invalid="ignore", divide="ignore"):
        below, above = high_q * (2 * q - high_q), low_q * (2 * q - low_q)
        least = low_p * (2 * p - low_p)
        # rationalized: no difference of near numbers, and no zero of below
        low = least / (cross + np.sqrt(np.maximum(cross**2 - least * below, 0.0)))
        most = np.maximum(cross**2 - high_p * (2 * p - high_p) * above, 0.0)
        high = (cross + np.sqrt(most)) / above
    low = np.where(p == 0, 0.0, np.maximum(low, 0.0))
    high = np.where(q == 0, np.inf, high)
    missing = ~np.isfinite(p) | ~np.isfinite(q)
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def difference_of_shares(
    first: tuple[FloatArray, FloatArray],
    second: tuple[FloatArray, FloatArray],
    *,
    level: float = LEVEL,
) -> tuple[FloatArray, FloatArray]:
    """Bound the difference of two independent shares from the Wilson interval of each.

    Parameters
    ----------
    first, second : tuple of array
        Hits and trials of the share and of the one subtracted from it.
    level : float
        Probability of the interval.

    Returns
    -------
    tuple of array
        Low and high end of x1/n1 - x2/n2, within -1 and 1; NaN where either has no trial.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions.
    Statistics in Medicine 17, 873-890; method 10.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = first[0] / first[1], second[0] / second[1]
    low_p, high_p = wilson(*first, level=level)
    low_q, high_q = wilson(*second, level=level)
    low = p - q - np.hypot(p - low_p, high_q - q)
    high = p - q + np.hypot(high_p - p, q - low_q)
    return low, high
