"""Composite indices: Mazziotta-Pareto and plain means, weighted, with what each is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError
from geo_engine.indicators.normalization import between_goalposts, min_max, z_scores

FloatArray = npt.NDArray[np.float64]

Normalization = Literal["goalposts", "z", "min_max"]
Aggregation = Literal["mazziotta_pareto", "arithmetic", "geometric"]


@dataclass(frozen=True, kw_only=True)
class Composite:
    """How indicators become one index."""

    polarity: Mapping[str, int]
    """Indicators by key, and whether more is better (1) or less is (-1)."""
    weights: Mapping[str, float] | None = None
    """By key, at least 0; None for equal ones. They are scaled to add up to one."""
    normalization: Normalization = "goalposts"
    aggregation: Aggregation = "mazziotta_pareto"
    direction: Literal["positive", "negative"] = "positive"
    """Of the phenomenon: imbalance lowers a positive index (development), raises a negative one."""
    least_weight: float = 1.0
    """Smallest part of the weights that must be known: 1 asks for every indicator."""


def mpi(values: xr.DataArray, polarity: Mapping[str, int]) -> xr.Dataset:
    """Compute the Mazziotta-Pareto index of one period, on z-scores among places.

    Parameters
    ----------
    values : DataArray, dims ("indicator", "place", ...)
        Simple indicators; every map (chain and year) is standardized by itself.
    polarity : mapping of str to int
        1 where more is better, -1 where less is.

    Returns
    -------
    Dataset
        As :func:`composite`; M - S^2/M, with M and S the mean and population standard deviation of
        a place's scores.

    Raises
    ------
    StatisticsError
        As :func:`composite`.

    References
    ----------
    Mazziotta, M., Pareto, A. (2016). On a generalized non-compensatory composite index for
    measuring socio-economic phenomena. Social Indicators Research 127, 983-1003.
    """
    return composite(values, Composite(polarity=polarity, normalization="z"))


def ampi(values: xr.DataArray, goalposts: Mapping[str, object]) -> xr.Dataset:
    """Compute the adjusted Mazziotta-Pareto index, comparable over years.

    Parameters
    ----------
    values : DataArray, dims ("indicator", "place", ...)
        Simple indicators of any year.
    goalposts : mapping
        Of :func:`geo_engine.indicators.normalization.make_goalposts`, or read back from its file.

    Returns
    -------
    Dataset
        As :func:`composite`; the reference scores 100.

    Raises
    ------
    StatisticsError
        As :func:`composite`.

    References
    ----------
    Mazziotta, M., Pareto, A. (2018). Measuring well-being over time: the adjusted Mazziotta-Pareto
    index versus other non-compensatory indices. Social Indicators Research 136, 967-976.
    """
    posts = goalposts.get("indicator")
    known = posts if isinstance(posts, Mapping) else {}
    polarity = {
        key: int(known.get(key, {}).get("polarity", 1))
        for key in map(str, values["indicator"].to_numpy())
    }
    return composite(values, Composite(polarity=polarity), goalposts=goalposts)


def composite(
    values: xr.DataArray, spec: Composite, *, goalposts: Mapping[str, object] | None = None
) -> xr.Dataset:
    """Combine indicators into one index, and say what it is made of.

    Parameters
    ----------
    values : DataArray, dims ("indicator", "place", ...)
        Simple indicators; NaN where missing.
    spec : Composite
        How.
    goalposts : mapping, optional
        Frozen scale, needed for the normalization "goalposts".

    Returns
    -------
    Dataset, dims of ``values`` without "indicator"
        ``score``; ``mean`` of the normalized indicators; ``penalty`` = mean - score, at least 0
        for a positive index; ``penalty_share``, its size as a part of the mean; ``rank`` within
        each map (1 the best: highest of a positive, lowest of a negative index; equal scores share
        the better rank); ``leading`` and ``lagging`` (int8: position of the highest and lowest
        normalized indicator, -1 where missing); ``known_indicators`` (int8); ``status`` (int8:
        ``ok``, or ``not_surveyed`` where too few indicators are known). The coordinate
        ``component`` names the positions.

    Raises
    ------
    StatisticsError
        ``UNKNOWN_INDICATOR`` where values and polarity differ; ``UNKNOWN_POLARITY``;
        ``WEIGHTS_INVALID``; ``GOALPOSTS_INVALID``; ``NOT_POSITIVE`` for a geometric mean, or a
        penalty, of normalized values that are not positive.

    Notes
    -----
    With weights w adding up to one, M = sum w z and S^2 = sum w (z - M)^2. Where indicators are
    missing and ``least_weight`` allows, weights are scaled to those known. R's Compind divides S^2
    by m - 1 instead of m; the authors, and ISTAT, by m.
    """
    if goalposts is None and spec.normalization == "goalposts":
        raise StatisticsError(
            "GOALPOSTS_INVALID", "Give goalposts: make them once and keep them in a file."
        )
    scores = normalize(values, spec, goalposts)
    weights = weight_vector(values, spec)
    scores = scores.transpose("indicator", "place", ...)
    mean, score = aggregate(scores.to_numpy(), weights, spec)
    result = _describe(scores, (mean, score), spec)
    return result.transpose(*(name for name in values.dims if name != "indicator"), ...)


def normalize(
    values: xr.DataArray, spec: Composite, goalposts: Mapping[str, object] | None = None
) -> xr.DataArray:
    """Bring indicators to one scale, the better the higher for a positive index.

    Parameters
    ----------
    values, spec, goalposts
        As :func:`composite`.

    Returns
    -------
    DataArray, same dims
        Around 100.

    Raises
    ------
    StatisticsError
        As :func:`composite`.
    """
    keys = {str(key) for key in values["indicator"].to_numpy()}
    if keys != set(spec.polarity):
        differ = ", ".join(sorted(keys ^ set(spec.polarity)))
        raise StatisticsError(
            "UNKNOWN_INDICATOR", f"Values and polarity differ in {differ}. Name the same ones."
        )
    if spec.normalization == "z":
        return z_scores(values, spec.polarity)
    if spec.normalization == "min_max":
        return min_max(values, spec.polarity)
    return between_goalposts(values, goalposts or {})


def weight_vector(values: xr.DataArray, spec: Composite) -> FloatArray:
    """Give the weights in the order of the indicators, adding up to one.

    Parameters
    ----------
    values, spec
        As :func:`composite`.

    Returns
    -------
    array, shape (indicators,)

    Raises
    ------
    StatisticsError
        ``WEIGHTS_INVALID`` when a weight is missing or negative, or all are zero.
    """
    keys = [str(key) for key in values["indicator"].to_numpy()]
    if spec.weights is None:
        return np.full(len(keys), 1.0 / len(keys))
    weights = np.array([spec.weights.get(key, np.nan) for key in keys], np.float64)
    if not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
        raise StatisticsError(
            "WEIGHTS_INVALID",
            f"Weights {dict(spec.weights)}: give each of {', '.join(keys)} one of at least 0, and "
            "not all 0.",
        )
    return weights / weights.sum()


def aggregate(z: FloatArray, weights: FloatArray, spec: Composite) -> tuple[FloatArray, FloatArray]:
    """Give the weighted mean and the score of each unit.

    Parameters
    ----------
    z : array, shape (indicators, ...)
        Normalized indicators; NaN where missing.
    weights : array, shape (indicators,)
        Adding up to one.
    spec : Composite
        Aggregation, direction and rule for what is missing.

    Returns
    -------
    tuple of array
        Without the first axis; NaN where too few indicators are known.

    Raises
    ------
    StatisticsError
        ``NOT_POSITIVE``.
    """
    known = ~np.isnan(z)
    w = np.where(known, weights.reshape(-1, *[1] * (z.ndim - 1)), 0.0)
    part = w.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        w = np.where(part >= spec.least_weight - 1e-9, w / part, np.nan)
        filled = np.where(known, z, 0.0)
        mean = (w * filled).sum(axis=0)
        if spec.aggregation == "arithmetic":
            return mean, mean
        _check_positive(filled, w, mean, spec)
        if spec.aggregation == "geometric":
            return mean, np.exp((w * np.log(np.where(w > 0, filled, 1.0))).sum(axis=0))
        variance = (w * (filled - mean) ** 2).sum(axis=0)
        sign = -1.0 if spec.direction == "positive" else 1.0
        return mean, mean + sign * variance / mean


def impute_by_group(values: xr.DataArray, groups: pd.Series) -> tuple[xr.DataArray, xr.DataArray]:
    """Fill a missing indicator with the median of the place's group, map by map.

    Parameters
    ----------
    values : DataArray, dims ("indicator", "place", ...)
        NaN where missing.
    groups : Series
        Region of each place, by ``pro_com_t``.

    Returns
    -------
    tuple of DataArray, same dims
        The filled values (still NaN where the whole group is missing), and where they were filled
        (bool). A filled value is an assumption: show how many there are.
    """
    label = groups.reindex(values["place"].to_index()).to_numpy()
    filled = values.copy(deep=True)
    for group in pd.unique(label[pd.notna(label)]):
        rows = np.flatnonzero(label == group)
        own = values.isel(place=rows)
        empty = own.isnull().all("place")  # noqa: PD003 - xarray has no isna
        middle = own.where(~empty, 0.0).median("place").where(~empty)
        filled[{"place": rows}] = own.fillna(middle).transpose(*values.dims)
    return filled, filled.notnull() & values.isnull()  # noqa: PD003, PD004 - xarray's names


def _check_positive(filled: FloatArray, w: FloatArray, mean: FloatArray, spec: Composite) -> None:
    """Refuse what has no geometric mean, or no coefficient of variation."""
    if spec.aggregation == "geometric":
        wrong = int(((filled <= 0) & (w > 0)).sum())
    else:
        wrong = int((mean <= 0).sum())
    if wrong:
        raise StatisticsError(
            "NOT_POSITIVE",
            f"{wrong:,} normalized values or means are not positive: outliers are too far for "
            f"{spec.aggregation} on {spec.normalization}. Treat outliers first, or use min_max.",
        )


def _describe(
    scores: xr.DataArray, combined: tuple[FloatArray, FloatArray], spec: Composite
) -> xr.Dataset:
    """Label scores and say what they are made of."""
    z = scores.to_numpy()
    mean, score = combined
    shown = np.isfinite(score)
    known = (~np.isnan(z)).sum(axis=0)
    leading = np.argmax(np.where(np.isnan(z), -np.inf, z), axis=0)
    lagging = np.argmin(np.where(np.isnan(z), np.inf, z), axis=0)
    penalty = mean - score
    found: dict[str, npt.NDArray[np.generic]] = {
        "score": score,
        "mean": np.where(shown, mean, np.nan),
        "penalty": penalty,
        "penalty_share": np.abs(penalty) / np.abs(mean),
        "rank": rank_places(score, spec.direction),
        "leading": np.where(shown, leading, -1).astype(np.int8),
        "lagging": np.where(shown, lagging, -1).astype(np.int8),
        "known_indicators": known.astype(np.int8),
        "status": np.where(shown, tables.OK, tables.NOT_SURVEYED).astype(np.int8),
    }
    like = scores.isel(indicator=0, drop=True)
    result = tables.dataset_like(like, found)
    return result.assign_coords(component=[str(key) for key in scores["indicator"].to_numpy()])


def rank_places(score: FloatArray, direction: str = "positive") -> FloatArray:
    """Rank units along the first axis, within each map.

    Parameters
    ----------
    score : array, shape (places, ...)
        NaN has no rank.
    direction : str
        "positive": 1 is the highest; "negative": 1 is the lowest.

    Returns
    -------
    array, same shape
        Equal scores share the better rank; scores that differ by rounding only are equal.
    """
    flat = np.ascontiguousarray(score.reshape(len(score), -1).T, np.float64)
    oriented = np.round(flat if direction != "positive" else -flat, 9)
    ranks = np.empty_like(oriented)
    _fill_ranks(oriented, np.argsort(oriented, axis=1), ranks)  # NaN last
    return ranks.T.reshape(score.shape)


@numba.njit(cache=True)
def _fill_ranks(
    values: FloatArray, order: npt.NDArray[np.intp], ranks: FloatArray
) -> None:  # pragma: no cover
    """Give each value of a row its rank; equal ones share the better."""
    for row in range(len(values)):
        rank, before = 0.0, np.nan
        for position in range(values.shape[1]):
            at = order[row, position]
            value = values[row, at]
            if value != before:
                rank, before = position + 1.0, value
            ranks[row, at] = np.nan if np.isnan(value) else rank
