"""Shares of small numbers: empirical Bayes toward the region, and standardized rates for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError

FloatArray = npt.NDArray[np.float64]

MIN_GROUP_PLACES = 10
"""A region with fewer places with known firms borrows the prior of the whole country."""
LEVEL = 0.95
"""Probability that the credible interval holds."""


@dataclass(frozen=True, kw_only=True)
class Prior:
    """What a group of places says about the share of one of them; arrays over maps."""

    mean: FloatArray
    """Between 0 and 1, both excluded; NaN where the group has no known firm."""
    weight: FloatArray
    """How many firms the prior is worth."""
    places: npt.NDArray[np.int64]
    """Places with known firms."""


def empirical_bayes(digital: xr.DataArray, known: xr.DataArray, groups: pd.Series) -> xr.Dataset:
    """Shrink the share of each place toward its region's, the more the fewer its firms.

    With b the share of the region, s2 its weighted variance between m places and N its firms, the
    variance not due to chance is a = max(0, s2 - b(1-b) m/N) and the region is worth
    M = b(1-b)/a - 1 firms, at most N: so a place is estimated by (x + Mb)/(n + M). Where none or
    all of a region's firms are digital, b is (X + 1/2)/(N + 1), so that the interval keeps a width.

    Parameters
    ----------
    digital, known : DataArray, dims ("place", ...)
        Digital firms and firms with a known signal; NaN where not covered.
    groups : Series
        Region of each place, by ``pro_com_t``. A region with fewer than ``MIN_GROUP_PLACES``
        places with known firms borrows from the whole covered country.

    Returns
    -------
    Dataset, same dims
        ``share`` (raw), ``share_eb``, ``share_eb_low`` and ``share_eb_high`` (95 % credible
        interval of the Beta posterior, b and M taken as known), ``reliability`` = n/(n + M).
        NaN where no firm has a known signal.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when the tables differ in their places or dims.

    Notes
    -----
    The interval takes the prior as known. In simulations with 300 places it held the true share in
    92 to 95 % of places at 30 firms a place (75 % where shares differ by 2 points only), in 74 to
    90 % at five and in 57 to 92 % at one or two: read it as a lower bound of the uncertainty there.

    The variance between places is Marshall's moment estimator, which is too small by about the
    factor 1 - m/N, so that places of few firms are shrunk too much rather than too little.
    Martuzzi and Elliott divide by that factor. In simulated regions of 15 places with 1.3 firms
    each, places of one firm then stayed nearer to their own 0 or 100 % than to the region in one
    region of six: a single firm must not top a ranking, so it is not done here.

    References
    ----------
    Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators.
    Applied Statistics 40(2), 283-294; here with the variance of a proportion.

    Martuzzi, M., Elliott, P. (1996). Empirical Bayes estimation of small area prevalence of
    non-rare conditions. Statistics in Medicine 15, 1867-1873.
    """
    _check_same(digital, known)
    x, n = _flat(digital), _flat(known)
    region, _ = pd.factorize(groups.reindex(known["place"].to_index()), sort=True)
    mean, weight = _priors_of_places(x, n, region)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = x / n
        share_eb = (x + weight * mean) / (n + weight)
        reliability = n / (n + weight)
    low, high = _interval(x + weight * mean, n - x + weight * (1 - mean))
    values = {
        "share": share,
        "share_eb": share_eb,
        "share_eb_low": low,
        "share_eb_high": high,
        "reliability": reliability,
    }
    observed = n > 0
    return tables.dataset_like(
        known,
        {
            name: np.where(observed, value, np.nan).reshape(known.shape)
            for name, value in values.items()
        },
    )


def assuncao_reis(
    digital: xr.DataArray,
    known: xr.DataArray,
    *,
    family: Literal["binomial", "poisson"] = "binomial",
) -> xr.DataArray:
    """Standardize shares so that places with few firms vary as little as those with many.

    Parameters
    ----------
    digital, known : DataArray, dims ("place", ...)
        Digital firms and firms with a known signal; NaN where not covered.
    family : {"binomial", "poisson"}
        Variance by chance of a share b of n firms: b(1-b)/n, or the b/n of the paper.

    Returns
    -------
    DataArray, same dims
        (p - b)/sqrt(a + chance), over all places of each map; NaN where no firm has a known
        signal, and 0 everywhere else when none or all firms are digital (a constant map).

    Notes
    -----
    The variance between places a is floored at zero, as the authors suggest and GeoDa does. esda
    keeps a negative a as long as the variance of the place stays positive.

    References
    ----------
    Assunção, R. M., Reis, E. A. (1999). A new proposal to adjust Moran's I for population
    density. Statistics in Medicine 18, 2147-2162.
    """
    _check_same(digital, known)
    x, n = _flat(digital), _flat(known)
    total, number, mean, spread = _moments(x, n)
    chance = mean * (1 - mean) if family == "binomial" else mean
    with np.errstate(invalid="ignore", divide="ignore"):
        between = np.maximum(spread - chance * number / total, 0)
        deviation = np.sqrt(between + chance / n)
        z = np.where(deviation > 0, (x / n - mean) / deviation, 0.0)
    return known.copy(data=np.where(n > 0, z, np.nan).reshape(known.shape))


def sums_over_places(table: FloatArray) -> FloatArray:
    """Sum each column so that neither the order of rows nor other columns change a bit.

    Parameters
    ----------
    table : ndarray
        Places by maps.

    Returns
    -------
    ndarray
        One sum for each map.
    """
    return np.asarray(np.sort(np.ascontiguousarray(table.T), axis=-1).sum(axis=-1))


def _check_same(digital: xr.DataArray, known: xr.DataArray) -> None:
    """Refuse tables of different places, chains or years."""
    if digital.dims != known.dims or digital.dims[:1] != ("place",):
        raise StatisticsError(
            "INDEX_MISMATCH", f"dims {digital.dims} and {known.dims}: give place first in both."
        )
    if not all(digital.indexes[name].equals(index) for name, index in known.indexes.items()):
        raise StatisticsError("INDEX_MISMATCH", "digital and known differ in their labels.")


def _flat(values: xr.DataArray) -> FloatArray:
    """Give places by maps; places outside the coverage have no firm."""
    table = values.to_numpy().astype(np.float64)
    return np.nan_to_num(table.reshape(len(table), -1), copy=False)


def _moments(
    x: FloatArray, n: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.int64], FloatArray, FloatArray]:
    """Give firms, places, mean share and weighted variance between places, for each map."""
    total, number = n.sum(axis=0), (n > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = x.sum(axis=0) / total
        share = np.where(n > 0, x / n, mean)
        spread = sums_over_places(n * (share - mean) ** 2) / total
    return total, number, mean, spread


def _prior(x: FloatArray, n: FloatArray) -> Prior:
    """Estimate mean and weight of the Beta that a group of places shares, for each map."""
    total, number, mean, spread = _moments(x, n)
    digital = x.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = mean * (1 - mean)
        between = np.maximum(spread - chance * number / total, 0)
        weight = np.where(between > 0, np.minimum(chance / between - 1, total), total)
        extreme = (digital == 0) | (digital == total)
        mean = np.where(extreme, (digital + 0.5) / (total + 1), mean)
    mean = np.where(total > 0, mean, np.nan)
    return Prior(mean=mean, weight=np.maximum(weight, 0), places=number)


def _priors_of_places(
    x: FloatArray, n: FloatArray, region: npt.NDArray[np.integer]
) -> tuple[FloatArray, FloatArray]:
    """Give each place the mean and weight of its region's prior, or of the country's."""
    country = _prior(x, n)
    mean = np.broadcast_to(country.mean, x.shape).copy()
    weight = np.broadcast_to(country.weight, x.shape).copy()
    for code in range(region.max(initial=-1) + 1):
        rows = np.flatnonzero(region == code)
        own = _prior(x[rows], n[rows])
        large = own.places >= MIN_GROUP_PLACES
        mean[rows] = np.where(large, own.mean, mean[rows])
        weight[rows] = np.where(large, own.weight, weight[rows])
    return mean, weight


def _interval(alpha: FloatArray, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give the quantiles of Beta posteriors, each distinct one computed once."""
    from scipy.special import betaincinv

    given = np.isfinite(alpha + beta)
    pairs, inverse = np.unique(alpha[given] + 1j * beta[given], return_inverse=True)
    bounds = []
    for quantile in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        bound = np.full(alpha.shape, np.nan)
        bound[given] = betaincinv(pairs.real, pairs.imag, quantile)[inverse]
        bounds.append(bound)
    return bounds[0], bounds[1]
