"""How concentrated a chain is: location quotient, firms per resident and per square kilometer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.errors import TableError


def location_quotient(counts: xr.DataArray, *, totals: xr.DataArray | None = None) -> xr.DataArray:
    """Compare each place's specialization with the whole territory's.

    Parameters
    ----------
    counts : DataArray, dims (territory, "chain", ...)
        Firms per municipality (or other territory, the first dim) and supply chain.
    totals : DataArray, dims of ``counts`` without "chain", optional
        All firms per place, whatever their chain; by default the sum over the chains. Give it
        where a firm may be in several chains or in none.

    Returns
    -------
    DataArray, same dims
        Ratio of shares, >= 0, dimensionless; 1 is the territory's own share.
        NaN where a place or a chain has no firm.

    Raises
    ------
    TableError
        ``COUNT_RANGE`` if a count is missing or negative.

    References
    ----------
    Isard, W. (1960). Methods of Regional Analysis. MIT Press.
    """
    everyone = counts.sum("chain") if totals is None else totals
    for part in (counts, everyone):
        wrong = int((~(part >= 0)).sum())
        if wrong:
            raise TableError(
                "COUNT_RANGE",
                f"{wrong:,} of {part.size:,} counts are missing or negative. "
                "Give covered places only.",
            )
    place = str(counts.dims[0])
    in_place = counts / everyone.where(everyone > 0)
    chain_total, grand_total = counts.sum(place), everyone.sum(place)
    in_territory = chain_total.where(chain_total > 0) / grand_total.where(grand_total > 0)
    return (in_place / in_territory).transpose(*counts.dims)


def per_thousand(firms: xr.DataArray, population: pd.Series) -> xr.DataArray:
    """Relate firms to residents.

    Parameters
    ----------
    firms : DataArray, dims ("place" or another territory, ...)
        Firms, or persons employed; NaN stays NaN.
    population : Series
        Persons by ``pro_com_t``, or by the code of the territory.

    Returns
    -------
    DataArray, same dims
        Firms per 1,000 residents; NaN where nobody lives or the population is not known.
    """
    return 1000.0 * _ratio(firms, population)


def per_km2(firms: xr.DataArray, area_km2: pd.Series) -> xr.DataArray:
    """Relate firms to land.

    Parameters
    ----------
    firms : DataArray, dims ("place" or another territory, ...)
        Firms, or persons employed; NaN stays NaN.
    area_km2 : Series
        Square kilometers by ``pro_com_t``, or by the code of the territory, from an equal-area
        projection.

    Returns
    -------
    DataArray, same dims
        Firms per square kilometer.
    """
    return _ratio(firms, area_km2)


def _ratio(firms: xr.DataArray, size: pd.Series) -> xr.DataArray:
    """Divide by a size of each place, matched by code; a size of zero gives NaN."""
    place = str(firms.dims[0])
    by_place = size.reindex(firms[place].to_index()).to_numpy(np.float64)
    divisor = xr.Variable(place, np.where(by_place > 0, by_place, np.nan))
    return (firms / divisor).transpose(*firms.dims)
