"""Empirical Bayes rates as published: Marshall's, global, by region or by spatial neighborhood.

:func:`geo_engine.indicators.rates.empirical_bayes` is what a study uses for its regional shares;
here are the textbook estimators, equal to those of R's spdep, and the neighborhood as a prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError
from geo_engine.indicators.rates import LEVEL, sums_over_places

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from scipy.sparse import csr_array

FloatArray = npt.NDArray[np.float64]
Family = Literal["poisson", "binomial"]

LEAST_AT_RISK = 100.0
"""Neighborhoods and regions with fewer firms borrow from the whole map."""


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What is known of the rate of each place before its own firms are seen; places by maps."""

    mean: FloatArray
    spread: FloatArray
    """Poisson: variance between places, beyond chance. Binomial: the whole weighted variance."""
    per_place: FloatArray
    """Mean number at risk of a place."""
    total: FloatArray
    """Number at risk."""


def marshall(
    events: xr.DataArray,
    at_risk: xr.DataArray,
    *,
    family: Family = "poisson",
    groups: pd.Series | None = None,
    intervals: bool = True,
) -> xr.Dataset:
    """Shrink rates toward the mean of all places, or of their group.

    Parameters
    ----------
    events, at_risk : DataArray, dims ("place", ...)
        Digital firms and firms, or any events among a number at risk; NaN where not covered.
    family : {"poisson", "binomial"}
        Variance by chance: b/n, or b(1-b)/n with the correction of Martuzzi and Elliott.
    groups : Series, optional
        Region of each place, by code; groups with fewer than ``LEAST_AT_RISK`` at risk in a map
        borrow from the whole map.
    intervals : bool
        False leaves the ends out, which take most of the time.

    Returns
    -------
    Dataset, same dims
        ``rate`` (raw), ``rate_eb``, ``rate_eb_low`` and ``rate_eb_high`` (95 % interval of the
        gamma or beta posterior, whose prior is worth at most all its firms), ``prior`` (mean) and
        ``reliability`` (weight of the raw rate). NaN where nobody is at risk.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` or ``COUNTS_INVALID``.

    Notes
    -----
    Equal to ``EBest`` of spdep, except that the binomial weight of the raw rate is held between 0
    and 1, which spdep's leaves where places differ less than chance.

    References
    ----------
    Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators.
    Applied Statistics 40, 283-294.

    Martuzzi, M., Elliott, P. (1996). Empirical Bayes estimation of small area prevalence of
    non-rare conditions. Statistics in Medicine 15, 1867-1873.
    """
    x, n = _counts(events, at_risk, family)
    whole = _prior_of(x, n, family, slice(None))
    if groups is not None:
        code, _ = pd.factorize(groups.reindex(at_risk["place"].to_index()), sort=True)
        for group in range(code.max(initial=-1) + 1):
            rows = np.flatnonzero(code == group)
            _replace(whole, _prior_of(x[rows], n[rows], family, slice(None)), rows, LEAST_AT_RISK)
    return _posterior(at_risk, (x, n), whole, family, intervals=intervals)


def marshall_local(
    events: xr.DataArray,
    at_risk: xr.DataArray,
    graph: Graph,
    *,
    deviation: Literal["focal", "each"] = "focal",
    least_at_risk: float = LEAST_AT_RISK,
) -> xr.Dataset:
    """Shrink rates toward their spatial neighborhood, the place itself included.

    Parameters
    ----------
    events, at_risk : DataArray, dims ("place", ...)
        As in :func:`marshall`; the variance by chance is Poisson's.
    graph : libpysal.graph.Graph
        Neighbors of the same places; weights do not count.
    deviation : {"focal", "each"}
        Neighbors deviate from the mean of this neighborhood (Marshall, GeoDa, spdep with
        ``geoda=TRUE``), or each from that of its own (spdep's default).
    least_at_risk : float
        Neighborhoods with fewer borrow from the whole map, and so do places without a neighbor;
        0 for none, as in spdep.

    Returns
    -------
    Dataset, same dims
        As :func:`marshall`; equal to ``EBlocal`` of spdep where ``least_at_risk`` is 0.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` or ``COUNTS_INVALID``.
    """
    x, n = _counts(events, at_risk, "poisson")
    around = _with_self(graph, at_risk["place"].to_index())
    total, observed = around @ n, around @ (n > 0).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (around @ x) / total
        rate = np.where(n > 0, x / n, 0.0)
        if deviation == "each":
            squares = around @ np.where(n > 0, n * (rate - mean) ** 2, 0.0)
        else:
            squares = around @ (n * rate**2) - 2 * mean * (around @ x) + mean**2 * total
        spread = np.maximum(squares / total - mean * observed / total, 0.0)
        local = Prior(mean=mean, spread=spread, per_place=total / observed, total=total)
    whole = _prior_of(x, n, "poisson", slice(None))
    rows = np.arange(len(n))
    if least_at_risk > 0:
        alone = np.diff(around.indptr) == 1
        local.total[alone] = 0.0
    _replace(whole, local, rows, least_at_risk)
    return _posterior(at_risk, (x, n), whole, "poisson")


def _check_same(first: xr.DataArray, second: xr.DataArray) -> None:
    """Refuse tables of different places, chains or years."""
    if first.dims != second.dims or first.dims[:1] != ("place",):
        raise StatisticsError(
            "INDEX_MISMATCH", f"dims {first.dims} and {second.dims}: give place first in both."
        )
    if not all(first.indexes[name].equals(index) for name, index in second.indexes.items()):
        raise StatisticsError("INDEX_MISMATCH", "The two tables differ in their labels.")


def _counts(
    events: xr.DataArray, at_risk: xr.DataArray, family: str
) -> tuple[FloatArray, FloatArray]:
    """Check and give places by maps; places outside the coverage have nobody at risk."""
    _check_same(events, at_risk)
    x, n = (
        np.nan_to_num(part.to_numpy().astype(np.float64).reshape(part.sizes["place"], -1), nan=0.0)
        for part in (events, at_risk)
    )
    wrong = (x < 0) | (n < 0) | ~np.isfinite(x + n) | ((n == 0) & (x > 0))
    if family == "binomial":
        wrong |= x > n
    if wrong.any():
        raise StatisticsError(
            "COUNTS_INVALID",
            f"{int(wrong.sum())} cells are negative, or have more events than are at risk.",
        )
    return x, n


def _prior_of(x: FloatArray, n: FloatArray, family: str, rows: slice) -> Prior:
    """Estimate the prior that all given places share, for each map."""
    total, observed = n[rows].sum(axis=0), (n[rows] > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = x.sum(axis=0) / total
        spread = sums_over_places(np.where(n > 0, n * (x / n - mean) ** 2, 0.0)) / total
        if family == "poisson":
            spread = np.maximum(spread - mean * observed / total, 0.0)
        per_place = total / observed
    parts = (mean, spread, per_place, total)
    mean, spread, per_place, total = (np.broadcast_to(p, x.shape).copy() for p in parts)
    return Prior(mean=mean, spread=spread, per_place=per_place, total=total.astype(np.float64))


def _replace(prior: Prior, other: Prior, rows: npt.NDArray[np.intp], least_at_risk: float) -> None:
    """Put a nearer prior in its rows, where it rests on enough."""
    enough = (other.total >= least_at_risk) & (other.total > 0)
    for name in ("mean", "spread", "per_place", "total"):
        target = getattr(prior, name)
        target[rows] = np.where(enough, getattr(other, name), target[rows])


def _posterior(
    like: xr.DataArray,
    counts: tuple[FloatArray, FloatArray],
    prior: Prior,
    family: str,
    *,
    intervals: bool = True,
) -> xr.Dataset:
    """Combine prior and firms."""
    x, n = counts
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = x / n
        worth = _worth(prior, family)
        reliability = np.where(np.isinf(worth), 0.0, n / (n + worth))
        estimate = prior.mean + reliability * (rate - prior.mean)
    values = {"rate": rate, "rate_eb": estimate}
    if intervals:
        low, high = _interval((x, n), prior, worth, family)
        values["rate_eb_low"] = np.minimum(low, estimate)
        values["rate_eb_high"] = np.maximum(high, estimate)
    values |= {"prior": prior.mean, "reliability": reliability}
    shown = {k: np.where(n > 0, value, np.nan).reshape(like.shape) for k, value in values.items()}
    return tables.dataset_like(like, shown)


def _worth(prior: Prior, family: str) -> FloatArray:
    """Give how many firms the prior is worth; infinite where places differ by chance only."""
    if family == "poisson":
        return np.where(prior.spread > 0, prior.mean / prior.spread, np.inf)
    chance = prior.mean * (1 - prior.mean)
    between = prior.spread - chance / prior.per_place
    return np.where(between > 0, np.maximum(chance - prior.spread, 0.0) / between, np.inf)


def _interval(
    counts: tuple[FloatArray, FloatArray], prior: Prior, worth: FloatArray, family: str
) -> tuple[FloatArray, FloatArray]:
    """Give the posterior's quantiles; a prior is never surer than all its firms make it."""
    from scipy.special import betaincinv, gammaincinv

    x, n = counts
    held = np.minimum(worth, prior.total)
    # Where no firm, or every firm, is an event the mean keeps half a firm's distance.
    hits = prior.mean * prior.total
    mean = np.where(hits < 0.5, 0.5 / (prior.total + 1), prior.mean)
    if family == "binomial":
        mean = np.where(prior.total - hits < 0.5, 1 - 0.5 / (prior.total + 1), mean)
    given = np.isfinite(mean) & (n > 0) & (held > 0)
    bounds = []
    for quantile in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        bound = np.where(n > 0, x / np.maximum(n, 1e-300), np.nan)
        alpha, weight = (x + held * mean)[given], (n + held)[given]
        if family == "poisson":
            bound[given] = gammaincinv(alpha, quantile) / weight
        else:
            bound[given] = betaincinv(alpha, weight - alpha, quantile)
        bounds.append(bound)
    return bounds[0], bounds[1]


def _with_self(graph: Graph, places: pd.Index) -> csr_array:
    """Give the neighborhoods as a matrix of ones, each place in its own."""
    from scipy.sparse import coo_array

    known = pd.Index(graph.unique_ids)
    if len(places.symmetric_difference(known)) or not places.is_unique:
        raise StatisticsError(
            "INDEX_MISMATCH", "The graph and the counts are not of the same places."
        )
    adjacency = graph.adjacency
    focal = places.get_indexer(adjacency.index.get_level_values("focal"))
    neighbor = places.get_indexer(adjacency.index.get_level_values("neighbor"))
    real = (focal != neighbor) & (adjacency.to_numpy() != 0)
    own = np.arange(len(places))
    focal, neighbor = np.concatenate([focal[real], own]), np.concatenate([neighbor[real], own])
    ones = np.ones(len(focal))
    return coo_array((ones, (focal, neighbor)), shape=(len(places), len(places))).tocsr()
