"""Hotspots under other specifications, at another scale, and without the largest place."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.tables import LOCAL_OK, QUADRANTS

_HIGH_HIGH = QUADRANTS.index("HH")


def hotspot_share(
    results: Mapping[Hashable, xr.Dataset],
    *,
    alpha: float | Mapping[Hashable, float] = 0.05,
    q: str = "q_value",
) -> xr.Dataset:
    """Count in what share of the specifications each place is a hotspot.

    Parameters
    ----------
    results : mapping
        Local tests by specification (neighbors, alpha, period, smoothing): each with ``quadrant``,
        ``status`` and the q-values over dims of which ``place`` is one. Specifications may cover
        different places, chains and years.
    alpha : float or mapping
        A hotspot is High-High with q below it; by specification, where that is part of it.
    q : str
        Name of the q-values that decide.

    Returns
    -------
    Dataset
        Over all places, chains and years that occur: ``hotspot_share`` (0 to 1; NaN where a place
        was never tested), ``tested`` and ``hotspot`` (numbers of specifications). A specification
        in which a place could not be tested says nothing about it. The order of the mapping does
        not matter.

    Raises
    ------
    StatisticsError
        ``NO_SPECIFICATIONS``, ``DIMENSIONS``, or ``ALPHA_MISSING``.
    """
    if not results:
        raise StatisticsError("NO_SPECIFICATIONS", "Give at least one specification's results.")
    dims = {tuple(sorted(map(str, one["quadrant"].dims))) for one in results.values()}
    if len(dims) > 1 or "place" not in next(iter(dims)):
        raise StatisticsError("DIMENSIONS", f"The specifications differ in their dims: {dims}.")
    if isinstance(alpha, Mapping) and set(results) - set(alpha):
        absent = [str(name) for name in results if name not in alpha]
        raise StatisticsError("ALPHA_MISSING", f"No alpha for {', '.join(absent)}.")
    first = next(iter(results.values()))
    names = [str(dim) for dim in first["quadrant"].dims]
    labels = {dim: _union([one.indexes[dim] for one in results.values()]) for dim in names}
    tested, hot = (np.zeros([len(labels[dim]) for dim in names], np.int64) for _ in range(2))
    cells: dict[int, tuple[npt.NDArray[np.intp], ...]] = {}  # many levels share one result
    for name, one in results.items():
        level = alpha[name] if isinstance(alpha, Mapping) else alpha
        if id(one) not in cells:
            at = [labels[dim].get_indexer(one.indexes[dim]) for dim in names]
            cells[id(one)] = np.ix_(*at)
        q_value, quadrant, status = (
            one[part].transpose(*names).to_numpy() for part in (q, "quadrant", "status")
        )
        here = (status == LOCAL_OK) & ~np.isnan(q_value)
        tested[cells[id(one)]] += here
        hot[cells[id(one)]] += here & (quadrant == _HIGH_HIGH) & (q_value < level)
    with np.errstate(invalid="ignore"):
        share = np.where(tested > 0, hot / np.maximum(tested, 1), np.nan)
    found = {"hotspot_share": share, "tested": tested, "hotspot": hot}
    return xr.Dataset({key: (names, value) for key, value in found.items()}, coords=labels)


def _union(indexes: list[pd.Index]) -> pd.Index:
    """Give all labels, in the order of the first where they agree and sorted elsewhere."""
    if all(index.equals(indexes[0]) for index in indexes[1:]):
        return indexes[0]
    joined = indexes[0]
    for index in indexes[1:]:
        joined = joined.union(index, sort=False)
    return joined.sort_values()


def hotspots_at_scale(
    hotspots: pd.DataFrame, coarse: xr.Dataset, areas: pd.Series, *, alpha: float = 0.05
) -> pd.DataFrame:
    """Look for headline hotspots on a map of larger areas.

    Parameters
    ----------
    hotspots : DataFrame
        Columns ``chain``, ``year`` and ``members`` (codes of municipalities), any index.
    coarse : Dataset, dims ("place", "chain", "year")
        The same local test on areas (provinces, labour systems): ``quadrant``, ``q_value``,
        ``status``.
    areas : Series
        Area of each municipality, by code.
    alpha : float
        Level of q.

    Returns
    -------
    DataFrame
        One row for each hotspot, same index: ``areas`` (codes, sorted), ``areas_tested``,
        ``areas_high`` (above the mean with high neighbors), ``areas_hotspot`` (also q below
        alpha), and ``repeated``: True where at least one area of the hotspot is a hotspot, False
        where some were tested and none is, missing where none was tested.

    Raises
    ------
    StatisticsError
        ``AREA_UNKNOWN`` when a member has no area, or an area, chain or year has no result.
    """
    rows = []
    for chain, year, members in hotspots[["chain", "year", "members"]].itertuples(index=False):
        codes = sorted({str(area) for area in areas.reindex(list(members)).dropna()})
        unknown = areas.reindex(list(members)).isna().any()
        if unknown or any(code not in coarse.indexes["place"] for code in codes):
            raise StatisticsError(
                "AREA_UNKNOWN", f"Hotspot of {chain} {year}: a member has no area with a result."
            )
        if chain not in coarse.indexes["chain"] or year not in coarse.indexes["year"]:
            raise StatisticsError("AREA_UNKNOWN", f"There is no result of {chain} {year} by area.")
        cell = coarse.sel(place=codes, chain=chain, year=year)
        tested = (cell["status"] == LOCAL_OK) & ~np.isnan(cell["q_value"])
        high = tested & (cell["quadrant"] == _HIGH_HIGH)
        hot = high & (cell["q_value"] < alpha)
        rows.append(
            {
                "areas": tuple(codes),
                "areas_tested": int(tested.sum()),
                "areas_high": int(high.sum()),
                "areas_hotspot": int(hot.sum()),
                "repeated": bool(hot.any()) if bool(tested.any()) else pd.NA,
            }
        )
    columns = ["areas", "areas_tested", "areas_high", "areas_hotspot", "repeated"]
    frame = pd.DataFrame(rows, columns=columns, index=hotspots.index)
    return frame.astype({"repeated": "boolean"})
