"""Association of the digital share with density, size and specialization of places.

These are associations among municipalities. They say nothing about what causes digitalization, nor
about single firms.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.tables import require_columns

FloatArray = npt.NDArray[np.float64]

ASSOCIATION_COLUMNS = ("chain", "term", "coefficient", "standard_error", "p_value", "places")
TERMS = ("firm_density", "population", "location_quotient")
"""Each enters as a logarithm in base 2: a coefficient is what goes with a doubling."""
MIN_PLACES = 60
"""Chains seen in fewer places get no rows."""
QUOTIENT_LIMITS = (1 / 16, 16.0)
"""Location quotients of few firms are extreme; beyond these they count as these."""


def digital_associations(panel: xr.Dataset, places: gpd.GeoDataFrame) -> pd.DataFrame:
    """Relate the raw digital share of the last year to what places are like.

    For each chain, least squares weighted by the firms with a known signal, with an intercept for
    each region and standard errors that are robust to unequal variance (HC1).

    Parameters
    ----------
    panel : Dataset
        firms, known, share and location_quotient over (place, chain, year).
    places : GeoDataFrame
        ``cod_reg``, ``area_km2`` and ``population``, by ``pro_com_t``.

    Returns
    -------
    DataFrame
        ``ASSOCIATION_COLUMNS``: ``coefficient`` in percentage points of share for each doubling of
        the term, places of the same region and equal in the other terms compared; two-sided
        ``p_value`` by Student's t. A chain seen in fewer than ``MIN_PLACES`` places, or whose
        terms cannot be told apart, has no rows; a term that never varies within a region is left
        out.

    References
    ----------
    MacKinnon, J. G., White, H. (1985). Some heteroskedasticity-consistent covariance matrix
    estimators with improved finite sample properties. Journal of Econometrics 29, 305-325.
    """
    rows: list[dict[str, Any]] = []
    for chain in panel["chain"].to_numpy():
        table = place_terms(panel, places, str(chain)).dropna()
        if len(table) >= MIN_PLACES:
            region, _ = pd.factorize(table["cod_reg"], sort=True)
            columns = table[["share", "known", *TERMS]].to_numpy(np.float64)
            fitted = _fit(columns[:, 0], columns[:, 2:], columns[:, 1], region)
            rows += [{"chain": str(chain), "places": len(table)} | row for row in fitted]
    return pd.DataFrame(rows, columns=list(ASSOCIATION_COLUMNS))


def place_terms(
    panel: xr.Dataset, places: gpd.GeoDataFrame, chain: str, *, min_known: int = 1
) -> pd.DataFrame:
    """Lay out what one chain's digital share in the last year is related to.

    Parameters
    ----------
    panel : Dataset
        firms, known, share and location_quotient over (place, chain, year).
    places : GeoDataFrame
        ``cod_reg``, ``area_km2`` and ``population``, by ``pro_com_t``.
    chain : str
        Key of the chain.
    min_known : int
        Shares of fewer firms with a known signal are missing: residuals of a regression give a
        share away, so set the threshold of disclosure before residuals are published.

    Returns
    -------
    DataFrame
        By ``pro_com_t``: ``share`` (percentage points), ``known``, ``TERMS`` in logarithms of base
        2 and ``cod_reg``; missing where a figure is unknown or has no logarithm.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``.
    """
    require_columns(places, ("cod_reg", "area_km2", "population"), "places")
    last = panel.isel(year=int(np.argmax(panel["year"].to_numpy()))).sel(chain=chain)
    index = last["place"].to_index()
    own = places.set_axis(places.index.astype(str), axis=0).reindex(index)
    firms, quotient, share, known = (
        last[name].to_numpy().astype(np.float64)
        for name in ("firms", "location_quotient", "share", "known")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        # Firms over their quotient are all firms of the place, but for a factor of the chain that
        # the intercepts take up: so the panel alone gives the density of all firms.
        density = np.log2(firms / quotient / own["area_km2"].to_numpy(np.float64))
        population = np.log2(own["population"].to_numpy(np.float64))
        clipped = np.log2(np.clip(quotient, *QUOTIENT_LIMITS))
    table = pd.DataFrame(
        {
            "share": np.where(known >= max(min_known, 1), 100 * share, np.nan),
            "known": known,
            "firm_density": density,
            "population": population,
            "location_quotient": clipped,
            "cod_reg": own["cod_reg"].to_numpy(object),
        },
        index=pd.Index(index, name="pro_com_t"),
    )
    return table.replace([np.inf, -np.inf], np.nan)


def _fit(
    share: FloatArray, terms: FloatArray, weight: FloatArray, region: npt.NDArray[np.integer]
) -> list[dict[str, Any]]:
    """Fit one chain: coefficients in points, HC1 errors and p-values by term."""
    from scipy.special import stdtr

    within = np.column_stack([_within(terms[:, j], weight, region) for j in range(len(TERMS))])
    varying = np.ptp(within, axis=0) > 1e-9
    design = within[:, varying]
    degrees = len(share) - design.shape[1] - len(np.unique(region))
    root = np.sqrt(weight)[:, None]
    if degrees <= 0 or not varying.any() or np.linalg.matrix_rank(design * root) < varying.sum():
        return []
    # Regression on what is left within regions equals regression with one intercept for each.
    weighted = design * weight[:, None]
    outcome = _within(share, weight, region)
    bread = np.linalg.inv(_cross(weighted, design))
    beta = (bread * _cross(weighted, outcome[:, None]).T).sum(axis=1)
    residual = outcome - (design * beta).sum(axis=1)
    scores = weighted * residual[:, None]
    covariance = bread @ _cross(scores, scores) @ bread * len(share) / degrees
    error = np.sqrt(np.diag(covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * stdtr(degrees, -np.abs(beta / error))
    names = [name for name, kept in zip(TERMS, varying, strict=True) if kept]
    return [
        {"term": name, "coefficient": b, "standard_error": e, "p_value": p}
        for name, b, e, p in zip(names, beta, error, p_value, strict=True)
    ]


def _cross(left: FloatArray, right: FloatArray) -> FloatArray:
    """Sum products over places; a matrix product's last bits would depend on the threads."""
    return (left[:, :, None] * right[:, None, :]).sum(axis=0)


def _within(values: FloatArray, weight: FloatArray, region: npt.NDArray[np.integer]) -> FloatArray:
    """Take from each value the weighted mean of its region."""
    total = np.bincount(region, weights=weight)
    mean = np.bincount(region, weights=weight * values) / np.where(total > 0, total, 1)
    return values - mean[region]
