"""Results as wide tables: one row per municipality or territory, the latest year."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.geographies.province_codes import province_codes
from geo_engine.indicators.registry import load_registry
from geo_engine.outputs.fields import SEPARATOR, column_prefixes, status_words
from geo_engine.outputs.long_tables import LEVEL_MEASURES, typed, worded
from geo_engine.outputs.tabular import few_marks
from geo_engine.results import Results

WIDE_MEASURES = (
    "firms",
    "known",
    "digital",
    "share",
    "share_eb",
    "share_eb_low",
    "share_eb_high",
    "location_quotient",
    "firms_per_1000",
    "firms_per_km2",
)
WIDE_FURTHER = (
    "location_quotient_low",
    "location_quotient_high",
    "growth",
    "birth_rate",
    "death_rate",
    "employees",
    "mean_score",
    "digital_gap",
    "need_quadrant",
    "composite",
    "composite_rank",
)
"""Of the other variables; those of the study are always there, all are in the long table."""


def wide_places(results: Results) -> gpd.GeoDataFrame:
    """Give the municipalities with the figures of the latest year, one column each.

    Parameters
    ----------
    results : Results
        What was found, less what the audience may not see.

    Returns
    -------
    GeoDataFrame
        Columns ``pro_com_t`` and those of ``places``, then for each chain
        ``<chain>__<variable>`` (see :func:`geo_engine.outputs.fields.column_prefixes`).
    """
    places = results.places.sort_index()
    base = with_joining_keys(places.drop(columns="geometry"), results.facts.boundary_date)
    for flag in ("covered", "edge"):
        if flag in base:
            base[flag] = base[flag].astype("int16")
    panel = results.panel.sel(place=places.index.to_numpy(), year=results.panel["year"].max())
    wide: dict[str, object] = {}
    for chain, prefix in column_prefixes(results.facts).items():
        for name, column in _chain_columns(results, panel.sel(chain=chain), chain).items():
            wide[f"{prefix}{SEPARATOR}{name}"] = column
    frame = pd.concat([base, pd.DataFrame(wide)], axis=1)
    return gpd.GeoDataFrame(frame, geometry=places.geometry.to_numpy(), crs=places.crs)


def with_joining_keys(places: pd.DataFrame, boundary_date: str) -> pd.DataFrame:
    """Put the codes under which other tables know a municipality beside its own.

    Parameters
    ----------
    places : DataFrame
        Indexed by ``pro_com_t``, with ``cod_prov``.
    boundary_date : str
        ISO date of the boundaries.

    Returns
    -------
    DataFrame
        ``pro_com_t``, ``pro_com`` (the same as a number), the columns of ``places``, ``cod_uts``,
        ``nuts3`` and ``boundary_date``.
    """
    base = places.reset_index()
    code = pd.to_numeric(base["pro_com_t"], errors="coerce")
    base.insert(1, "pro_com", code.astype("Int32"))
    codes = province_codes(base["cod_prov"])
    return base.assign(**codes, boundary_date=boundary_date)


def wide_level(
    areas: gpd.GeoDataFrame, levels: xr.Dataset, dim: str, results: Results
) -> gpd.GeoDataFrame:
    """Give provinces or regions with the figures of the latest year, one column each.

    Parameters
    ----------
    areas : GeoDataFrame
        ``Results.provinces`` or ``Results.regions``.
    levels : Dataset
        The figures of the same territories; one without figures keeps its outline.
    dim : str
        ``province`` or ``region``.
    results : Results
        Names the chains.

    Returns
    -------
    GeoDataFrame
        Its index as a column, its own columns, then ``<chain>__<variable>``.
    """
    areas = areas.sort_index()
    last = levels.sel(year=levels["year"].max()).reindex({dim: areas.index.to_numpy()})
    wide: dict[str, object] = {}
    for chain, prefix in column_prefixes(results.facts).items():
        one = last.sel(chain=chain)
        for name in LEVEL_MEASURES:
            wide[f"{prefix}{SEPARATOR}{name}"] = typed(name, one[name].to_numpy())
        for name in further_names(results, one):
            wide[f"{prefix}{SEPARATOR}{name}"] = worded(name, one[name].to_numpy())
        codes = one["share_status"].to_numpy()
        known = np.where(np.isnan(codes.astype(float)), tables.NOT_COVERED, codes).astype(np.int8)
        wide[f"{prefix}{SEPARATOR}share_status"] = status_words(known)
    base = areas.drop(columns="geometry").reset_index()
    if dim == "province":
        base = base.assign(**province_codes(base["cod_prov"]))
    base["boundary_date"] = results.facts.boundary_date
    frame = pd.concat([base, pd.DataFrame(wide)], axis=1)
    return gpd.GeoDataFrame(frame, geometry=areas.geometry.to_numpy(), crs=areas.crs)


def further_names(results: Results, panel: xr.Dataset) -> tuple[str, ...]:
    """Name the other variables that stand in tables of the latest year.

    Parameters
    ----------
    results : Results
        Its registry holds the study's own indicators.
    panel : Dataset
        Of any territory; what it lacks is left out.

    Returns
    -------
    tuple of str
        ``WIDE_FURTHER`` and the study's own, in the order of the registry.
    """
    own = set(results.registry) - set(load_registry())
    wanted = {*WIDE_FURTHER, *own}
    return tuple(name for name in results.registry if name in wanted and name in panel)


def _chain_columns(results: Results, panel: xr.Dataset, chain: str) -> dict[str, object]:
    """Give the columns of one chain in the wide table."""
    columns: dict[str, object] = {
        name: typed(name, panel[name].to_numpy()) for name in WIDE_MEASURES if name in panel
    }
    for name in further_names(results, panel):
        columns[name] = worded(name, panel[name].to_numpy())
    columns["status"] = status_words(panel["status"].to_numpy())
    columns["share_status"] = status_words(panel["share_status"].to_numpy())
    columns["few"] = few_marks(panel["known"].to_numpy(), panel["share"].to_numpy())
    at = {"chain": chain, "year": int(panel["year"]), "place": panel["place"].to_numpy()}
    local = results.local.sel(at)
    for variable in local["variable"].to_numpy().tolist():
        one = local.sel(variable=variable)
        columns[f"{variable}_cluster"] = clusters(one, results)
        columns[f"{variable}_q_value"] = one["q_value"].to_numpy()
        columns[f"{variable}_local_status"] = status_words(
            one["status"].to_numpy(), tables.LOCAL_STATUSES
        )
    if "robustness" in results.robustness:
        columns["robustness"] = results.robustness["robustness"].sel(at).to_numpy()
    change = results.change.sel(chain=chain).reindex(place=at["place"])
    for name in ("firms_change", "share_change"):
        columns[name] = change[name].to_numpy().astype(float)
    return columns


def clusters(local: xr.Dataset, results: Results) -> pd.Categorical:
    """Class the places of one map: a quadrant where the test decides, "ns" where it does not.

    Parameters
    ----------
    local : Dataset
        Local results of one variable; of several chains or years they are unrolled.
    results : Results
        Says which q-value decides and at which level.

    Returns
    -------
    Categorical
        ``HH``, ``LL``, ``LH``, ``HL``, ``ns``; missing where there is no test.
    """
    q_value = local[tables.q_column(results.facts.family)].to_numpy()
    significant = q_value < results.facts.alpha
    codes = np.where(significant, local["quadrant"].to_numpy().astype(int) - 1, 4)
    codes = np.where(np.isnan(q_value), -1, codes)
    return pd.Categorical.from_codes(codes.ravel(), categories=[*tables.QUADRANTS[1:], "ns"])
