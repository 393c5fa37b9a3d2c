"""Mean score of firms with an interval, and shrunk toward the region where firms are few."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError
from geo_engine.indicators.intervals import LEVEL, normal_quantile

FloatArray = npt.NDArray[np.float64]

MIN_GROUP_PLACES = 10
"""A region with fewer places with scores borrows from all."""


def mean_scores(
    sums: xr.Dataset,
    groups: pd.Series,
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    level: float = LEVEL,
) -> xr.Dataset:
    """Average the scores of firms, with the uncertainty of few of them.

    The variance within places is pooled over all places of a map, so that two firms of equal score
    do not look sure. Between the places of a region it is estimated by analysis of variance
    (a = ((sum n (m - M)^2 - (k - 1) s2) / (N - sum n^2 / N)), at least 0); a place is then worth
    n / (n + s2/a) of its own mean and the rest of its region's.

    Parameters
    ----------
    sums : Dataset, dims ("place" or another territory, ...)
        ``number`` of firms with a score, ``total`` and ``squares`` of their scores, as
        :func:`geo_engine.indicators.amounts.sum_amounts` gives them; NaN where not covered.
    groups : Series
        Region of each place, by its label (``pro_com_t``).
    bounds : tuple of float
        Least and largest possible score: ends of the intervals stay within.
    level : float
        Probability of the intervals.

    Returns
    -------
    Dataset, same dims
        ``mean_score``, ``mean_score_low`` and ``mean_score_high`` (Student's t on the pooled
        variance), ``mean_score_eb``, ``mean_score_eb_low``, ``mean_score_eb_high`` and
        ``mean_score_reliability`` (weight of the own mean), ``status`` (int8:
        ``not_surveyed`` without scores). No interval where no place has two firms.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` unless the territory is the first dim.

    References
    ----------
    Searle, S. R., Casella, G., McCulloch, C. E. (1992). Variance Components. Wiley, ch. 3.
    """
    territory = str(sums["number"].dims[0])
    if territory in ("chain", "year"):
        raise StatisticsError("INDEX_MISMATCH", f"dims {sums['number'].dims}: give place first.")
    given = np.isfinite(sums["number"].to_numpy())
    shape = given.shape
    n, total, squares = (
        np.where(given, sums[name].to_numpy(), 0.0).reshape(shape[0], -1)
        for name in ("number", "total", "squares")
    )
    seen = n > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(seen, total / n, np.nan)
        inside = np.where(seen, np.maximum(squares - total**2 / n, 0.0), 0.0).sum(axis=0)
        freedom = n.sum(axis=0) - seen.sum(axis=0)
        variance = np.where(freedom > 0, inside / freedom, np.nan)
    region, _ = pd.factorize(groups.reindex(sums[territory].to_index()), sort=True)
    prior = _regions(n, mean, variance, region)
    found = _intervals((n, mean, variance), freedom, level)
    found |= _shrunk((n, mean, variance), prior, level)
    for name in found:
        if name.endswith(("low", "high")):
            found[name] = np.clip(found[name], *bounds)
    like = sums["number"]
    result = {name: np.where(seen, value, np.nan).reshape(shape) for name, value in found.items()}
    status = np.where(seen.reshape(shape), tables.OK, tables.NOT_SURVEYED)
    status = np.where(given, status, tables.NOT_COVERED).astype(np.int8)
    return tables.dataset_like(like, {**result, "status": status})


def _intervals(
    own: tuple[FloatArray, FloatArray, FloatArray], freedom: FloatArray, level: float
) -> dict[str, FloatArray]:
    """Give each mean and its interval by Student's t."""
    from scipy.special import stdtrit

    n, mean, variance = own
    with np.errstate(invalid="ignore", divide="ignore"):
        quantile = stdtrit(np.where(freedom > 0, freedom, np.nan), (1 + level) / 2)
        half = quantile * np.sqrt(variance / n)
    return {"mean_score": mean, "mean_score_low": mean - half, "mean_score_high": mean + half}


def _shrunk(
    own: tuple[FloatArray, FloatArray, FloatArray],
    prior: tuple[FloatArray, FloatArray, FloatArray],
    level: float,
) -> dict[str, FloatArray]:
    """Combine each mean with its region's, whose own variance counts too."""
    n, mean, variance = own
    center, between, unsure = prior
    with np.errstate(invalid="ignore", divide="ignore"):
        reliability = np.where(variance > 0, n * between / (n * between + variance), 1.0)
        reliability = np.where(np.isfinite(variance), reliability, 0.0)
        estimate = center + reliability * (mean - center)
        spread = reliability * variance / n + (1 - reliability) ** 2 * unsure
        half = normal_quantile(level) * np.sqrt(spread)
    return {
        "mean_score_eb": estimate,
        "mean_score_eb_low": estimate - half,
        "mean_score_eb_high": estimate + half,
        "mean_score_reliability": reliability,
    }


def _regions(
    n: FloatArray, mean: FloatArray, variance: FloatArray, region: npt.NDArray[np.integer]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give each place its region's components, or those of all places."""
    whole = tuple(np.broadcast_to(part, n.shape).copy() for part in _components(n, mean, variance))
    for code in range(region.max(initial=-1) + 1):
        rows = np.flatnonzero(region == code)
        large = (n[rows] > 0).sum(axis=0) >= MIN_GROUP_PLACES
        for part, own in zip(whole, _components(n[rows], mean[rows], variance), strict=True):
            part[rows] = np.where(large, own, part[rows])
    return whole[0], whole[1], whole[2]


def _components(
    n: FloatArray, mean: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Estimate the mean of a group, the variance between its places, and that of the mean."""
    total, places, squares = n.sum(axis=0), (n > 0).sum(axis=0), (n**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        center = np.where(n > 0, n * mean, 0.0).sum(axis=0) / total
        spread = np.where(n > 0, n * (mean - center) ** 2, 0.0).sum(axis=0)
        divisor = total - squares / total
        between = np.where(divisor > 0, (spread - (places - 1) * variance) / divisor, 0.0)
        between = np.nan_to_num(np.maximum(between, 0.0), nan=0.0)
        unsure = (between * squares + variance * total) / total**2
    return center, between, unsure
