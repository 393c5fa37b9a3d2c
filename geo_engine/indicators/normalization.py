"""Indicators of different units on one scale: z-scores, min-max, goalposts, outliers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]

MEAN, SPREAD = 100.0, 10.0
"""Mean and standard deviation of the z-scores of the Mazziotta-Pareto index."""
LOW, HIGH = 70.0, 130.0
"""Ends of the scale of min-max and of the adjusted Mazziotta-Pareto index."""
MAX_SKEW, MAX_KURTOSIS = 2.0, 3.5
"""An indicator beyond both has outliers."""


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What was done to the outliers of an indicator."""

    low: float
    high: float
    """Values outside low and high are held at them; infinite where nothing was done."""
    held: int
    """Values so held."""
    skew: float
    kurtosis: float
    """Of the values before: sample skewness, and sample excess kurtosis (0 for a normal)."""
    cured: bool
    """False where the largest number of values was held and the trigger still fires."""


def z_scores(
    values: xr.DataArray, polarity: Mapping[str, int], *, dims: Sequence[str] = ("place",)
) -> xr.DataArray:
    """Standardize each indicator to mean 100 and standard deviation 10.

    Parameters
    ----------
    values : DataArray, dims ("indicator", ...)
        NaN is left out and stays NaN.
    polarity : mapping of str to int
        1 where more is better, -1 where less is.
    dims : sequence of str
        Over which mean and (population) standard deviation are taken.

    Returns
    -------
    DataArray, same dims
        100 +- 10 (x - M)/S; 100 everywhere where an indicator is constant.

    Raises
    ------
    StatisticsError
        ``UNKNOWN_POLARITY`` unless every indicator has polarity 1 or -1.

    References
    ----------
    Mazziotta, M., Pareto, A. (2016). On a generalized non-compensatory composite index for
    measuring socio-economic phenomena. Social Indicators Research 127, 983-1003.
    """
    sign = _signs(values, polarity)
    center = values.mean(dims)
    deviation = values.std(dims)
    flat = deviation <= 1e-12 * abs(center).clip(min=1e-300)
    z = ((values - center) / deviation.where(~flat)).where(~flat, 0.0 * (values - center))
    return (MEAN + SPREAD * sign * z).transpose(*values.dims)


def min_max(
    values: xr.DataArray, polarity: Mapping[str, int], *, dims: Sequence[str] = ("place",)
) -> xr.DataArray:
    """Stretch each indicator from 70 (worst) to 130 (best observed).

    Parameters
    ----------
    values, polarity, dims
        As :func:`z_scores`; minimum and maximum are taken over ``dims``.

    Returns
    -------
    DataArray, same dims
        70 + 60 u; 100 everywhere where an indicator is constant. (x - 70)/0.6 is 0 to 100.

    Raises
    ------
    StatisticsError
        ``UNKNOWN_POLARITY``.
    """
    sign = _signs(values, polarity)
    least, most = values.min(dims), values.max(dims)
    flat = most - least <= 1e-12 * abs(most).clip(min=1e-300)
    unit = ((values - least) / (most - least).where(~flat)).where(~flat, 0.5 + 0 * values)
    oriented = unit.where(sign > 0, 1 - unit)
    return (LOW + (HIGH - LOW) * oriented).transpose(*values.dims)


def make_goalposts(
    values: xr.DataArray,
    polarity: Mapping[str, int],
    reference: Mapping[str, float],
    *,
    name: str = "",
    treatments: Mapping[str, Treatment] | None = None,
) -> dict[str, object]:
    """Fix the scale of the adjusted index, to be kept in a file and used for every later year.

    With Inf and Sup the extremes over all units and periods, D = (Sup - Inf)/2 and the posts are
    reference - D and reference + D, so that the reference scores 100.

    Parameters
    ----------
    values : DataArray, dims ("indicator", ...)
        All places and all years of the base.
    polarity : mapping of str to int
        1 where more is better, -1 where less is.
    reference : mapping of str to float
        Value of each indicator that scores 100, for instance Italy in the base year.
    name : str
        What the reference is, for a reader of the file.
    treatments : mapping of str to Treatment, optional
        Of :func:`treat_outliers`: the same values are held in later years.

    Returns
    -------
    dict
        Numbers and strings only, so that TOML or JSON can hold it: ``version``, ``reference``
        (name) and ``indicator``, by key: ``minimum``, ``maximum``, ``reference``, ``polarity`` and
        where given ``held_low``, ``held_high``.

    Raises
    ------
    StatisticsError
        ``UNKNOWN_POLARITY``; ``NO_REFERENCE`` where one is missing or not finite; ``NO_VARIATION``
        where an indicator has fewer than two distinct values.

    References
    ----------
    Mazziotta, M., Pareto, A. (2018). Measuring well-being over time: the adjusted Mazziotta-Pareto
    index versus other non-compensatory indices. Social Indicators Research 136, 967-976.
    """
    _signs(values, polarity)
    posts: dict[str, object] = {}
    for key in map(str, values["indicator"].to_numpy()):
        given = reference.get(key, np.nan)
        if not np.isfinite(given):
            raise StatisticsError("NO_REFERENCE", f"{key} has no reference value; give one.")
        own = values.sel(indicator=key).to_numpy()
        own = own[np.isfinite(own)]
        if len(own) == 0 or own.min() == own.max():
            raise StatisticsError(
                "NO_VARIATION", f"{key} has {len(own):,} values and all are equal: leave it out."
            )
        half = (float(own.max()) - float(own.min())) / 2
        post: dict[str, float] = {
            "minimum": float(given) - half,
            "maximum": float(given) + half,
            "reference": float(given),
            "polarity": int(polarity[key]),
        }
        if treatments and np.isfinite(treatments[key].low):
            post["held_low"] = treatments[key].low
        if treatments and np.isfinite(treatments[key].high):
            post["held_high"] = treatments[key].high
        posts[key] = post
    return {"version": 1, "reference": name, "indicator": posts}


def between_goalposts(values: xr.DataArray, goalposts: Mapping[str, object]) -> xr.DataArray:
    """Place each indicator on the frozen scale, where the reference scores 100.

    Parameters
    ----------
    values : DataArray, dims ("indicator", ...)
        Of any year; NaN stays NaN.
    goalposts : mapping
        Of :func:`make_goalposts`, or as read back from a file.

    Returns
    -------
    DataArray, same dims
        r = 60 (x - minimum)/(maximum - minimum) + 70, or 200 - r where less is better. Values
        beyond the posts score below 70 or above 130: the scale is not moved for them.

    Raises
    ------
    StatisticsError
        ``GOALPOSTS_INVALID`` for an indicator without posts, or posts without width.
    """
    posts = goalposts.get("indicator")
    if not isinstance(posts, Mapping):
        raise StatisticsError("GOALPOSTS_INVALID", "There is no table [indicator] of goalposts.")
    parts = []
    for key in map(str, values["indicator"].to_numpy()):
        post = _checked_post(posts, key)
        own = values.sel(indicator=key).clip(post.get("held_low"), post.get("held_high"))
        width = post["maximum"] - post["minimum"]
        score = (HIGH - LOW) * (own - post["minimum"]) / width + LOW
        parts.append(score if post["polarity"] > 0 else 2 * MEAN - score)
    return xr.concat(parts, dim="indicator").transpose(*values.dims)


def treat_outliers(
    values: xr.DataArray, *, largest_share: float = 0.01
) -> tuple[xr.DataArray, dict[str, Treatment]]:
    """Hold the extreme values of indicators with outliers (winsorize).

    An indicator has outliers where |skewness| > 2 and excess kurtosis > 3.5, over all its values.
    Its most extreme values, one more at a time on the side of the longer tail, are then held at
    the next one until that is no longer so.

    Parameters
    ----------
    values : DataArray, dims ("indicator", ...)
        NaN is left out and stays NaN.
    largest_share : float
        Largest part of the values that may be held, and at least five.

    Returns
    -------
    tuple of DataArray and dict of str to Treatment
        The treated values, and what was done, by indicator.

    References
    ----------
    European Commission, JRC (2019). COIN Tool User Guide. The trigger and the rule, as in COINr.
    """
    treated = values.copy(deep=True)
    done = {}
    for key in map(str, values["indicator"].to_numpy()):
        own = values.sel(indicator=key).to_numpy()
        done[key] = _treatment(np.sort(own[np.isfinite(own)]), largest_share)
        treated.loc[{"indicator": key}] = np.clip(own, done[key].low, done[key].high)
    return treated, done


def skew_and_kurtosis(values: FloatArray) -> tuple[float, float]:
    """Give sample skewness and sample excess kurtosis.

    Parameters
    ----------
    values : array
        Finite numbers.

    Returns
    -------
    tuple of float
        G1 and G2, as spreadsheets compute them; 0 for fewer than four values or no variation.
    """
    center = values.mean() if len(values) else 0.0
    power_sums = np.array([[((values - center) ** k).sum() for k in range(1, 5)]])
    skew, kurtosis = _shape(power_sums, len(values))
    return float(skew[0]), float(kurtosis[0])


def _signs(values: xr.DataArray, polarity: Mapping[str, int]) -> xr.DataArray:
    """Give the polarity of each indicator, which must be 1 or -1."""
    keys = [str(key) for key in values["indicator"].to_numpy()]
    wrong = [key for key in keys if polarity.get(key) not in (1, -1)]
    if wrong:
        raise StatisticsError(
            "UNKNOWN_POLARITY",
            f"{', '.join(wrong)}: say 1 (more is better) or -1 (less is better). An indicator that "
            "is neither has no place in an index.",
        )
    return xr.DataArray(
        [polarity[key] for key in keys], dims="indicator", coords={"indicator": keys}
    )


def _checked_post(posts: Mapping[str, object], key: str) -> dict[str, float]:
    """Give the posts of an indicator, whole and with a width."""
    post = posts.get(key)
    names = ("minimum", "maximum", "polarity")
    if not isinstance(post, Mapping) or any(name not in post for name in names):
        raise StatisticsError(
            "GOALPOSTS_INVALID", f"{key} has no goalposts (minimum, maximum, polarity)."
        )
    numbers = {name: float(value) for name, value in post.items()}
    if not numbers["maximum"] > numbers["minimum"] or numbers["polarity"] not in (1, -1):
        raise StatisticsError(
            "GOALPOSTS_INVALID",
            f"{key}: maximum must be above minimum, and polarity 1 or -1; got {dict(numbers)}.",
        )
    return numbers


def _treatment(ordered: FloatArray, largest_share: float) -> Treatment:
    """Find how many of the sorted values to hold, and where."""
    n = len(ordered)
    skew, kurtosis = skew_and_kurtosis(ordered)
    nothing = Treatment(low=-np.inf, high=np.inf, held=0, skew=skew, kurtosis=kurtosis, cured=True)
    if not _fires(np.array(skew), np.array(kurtosis)):
        return nothing
    most = min(max(5, int(largest_share * n)), n - 2)
    tail = ordered if skew > 0 else -ordered[::-1]
    held = np.arange(most + 1)
    # power sums with the h largest values replaced by the next one, from cumulated sums
    centered = tail - tail.mean()
    sums = np.stack([np.cumsum(centered**k) for k in range(1, 5)], axis=1)
    at = centered[n - 1 - held]
    replaced = np.stack([held * at**k for k in range(1, 5)], axis=1)
    cured = ~_fires(*_shape(sums[n - 1 - held] + replaced, n))
    count = int(held[cured][0]) if cured.any() else most
    end = float(tail[n - 1 - count])
    low, high = (-np.inf, end) if skew > 0 else (-end, np.inf)
    return Treatment(
        low=low, high=high, held=count, skew=skew, kurtosis=kurtosis, cured=bool(cured.any())
    )


def _fires(skew: FloatArray, kurtosis: FloatArray) -> npt.NDArray[np.bool_]:
    """Say whether an indicator has outliers."""
    return (np.abs(skew) > MAX_SKEW) & (kurtosis > MAX_KURTOSIS)


def _shape(sums: FloatArray, n: int) -> tuple[FloatArray, FloatArray]:
    """Give skewness and kurtosis from sums of the first four powers."""
    if n < 4:
        return np.zeros(len(sums)), np.zeros(len(sums))
    m, second, third, fourth = (sums / n).T
    m2 = second - m**2
    m3 = third - 3 * m * second + 2 * m**3
    m4 = fourth - 4 * m * third + 6 * m**2 * second - 3 * m**4
    flat = m2 <= 1e-14 * np.maximum(second, 1e-300)
    with np.errstate(invalid="ignore", divide="ignore"):
        skew = m3 / m2**1.5 * np.sqrt(n * (n - 1)) / (n - 2)
        excess = ((n + 1) * (m4 / m2**2 - 3) + 6) * (n - 1) / ((n - 2) * (n - 3))
    return np.where(flat, 0.0, skew), np.where(flat, 0.0, excess)
