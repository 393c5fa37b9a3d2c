"""Results as flat tables: the long panel, the wide table of the latest year, and the levels."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs.fields import SEPARATOR, column_prefixes, status_words
from geo_engine.outputs.panel_columns import further_columns
from geo_engine.results import Results
from geo_engine.words.sentences import FEW_FIRMS

COUNTS = ("firms", "known", "digital")
"""Whole numbers of the panel; kept as floats in memory because they may be missing."""

PANEL_MEASURES = (
    "firms",
    "known",
    "digital",
    "share",
    "share_eb",
    "share_eb_low",
    "share_eb_high",
    "reliability",
    "location_quotient",
    "firms_per_1000",
    "firms_per_km2",
)
LOCAL_MEASURES = (
    "moran",
    "moran_expected",
    "moran_variance",
    "gi",
    "gi_star",
    "gi_star_expected",
    "gi_star_variance",
    "lag",
    "p_value",
    "p_error",
    "q_value",
    "q_value_year",
    "q_value_panel",
)
LEVEL_MEASURES = ("firms", "known", "digital", "share", "location_quotient")

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

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell of a CSV for a formula."""


def panel_table(results: Results) -> pd.DataFrame:
    """Lay the panel out with one row per municipality, chain and year.

    Parameters
    ----------
    results : Results
        What was found, less what the audience may not see.

    Returns
    -------
    DataFrame
        Sorted by ``pro_com_t``, ``chain``, ``year``; then ``status``, the measures, the other
        variables, ``share_status``, and for each tested variable its local results
        (``share_p_value``; ``share_local_status`` says why there is none). Counts are nullable
        integers; statuses, quadrants and methods are words (categories).
    """
    panel = results.panel.sortby(["place", "chain", "year"])
    columns = _keys(panel, "place", "pro_com_t")
    columns["status"] = status_words(_flat(panel["status"], "place"))
    columns |= _measures(panel, PANEL_MEASURES, "place")
    columns |= further_columns(panel, {*PANEL_MEASURES, "status", "share_status"})
    columns["share_status"] = status_words(_flat(panel["share_status"], "place"))
    if "robustness" in results.robustness:
        robust = results.robustness.sortby(["place", "chain", "year"])
        columns["robustness"] = _flat(robust["robustness"], "place")
    local = results.local.sortby(["place", "chain", "year"])
    for variable in local["variable"].to_numpy().tolist():
        columns |= _local_columns(local.sel(variable=variable), str(variable))
    return pd.DataFrame(columns)


def level_table(levels: xr.Dataset, dim: str, key: str) -> pd.DataFrame:
    """Lay provinces or regions out with one row per territory, chain and year.

    Parameters
    ----------
    levels : Dataset
        Dims (``dim``, "chain", "year"), such as ``Results.province_panel``.
    dim : str
        ``province`` or ``region``.
    key : str
        Name of the column of codes: ``cod_prov`` or ``cod_reg``.

    Returns
    -------
    DataFrame
        Sorted by code, chain and year.
    """
    levels = levels.sortby([dim, "chain", "year"])
    columns = _keys(levels, dim, key)
    columns["status"] = status_words(_flat(levels["status"], dim))
    columns |= _measures(levels, LEVEL_MEASURES, dim)
    columns["share_status"] = status_words(_flat(levels["share_status"], dim))
    return pd.DataFrame(columns)


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
    base = places.drop(columns="geometry").reset_index()
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
            wide[f"{prefix}{SEPARATOR}{name}"] = _typed(name, one[name].to_numpy())
        codes = one["share_status"].to_numpy()
        known = np.where(np.isnan(codes.astype(float)), tables.NOT_COVERED, codes).astype(np.int8)
        wide[f"{prefix}{SEPARATOR}share_status"] = status_words(known)
    base = areas.drop(columns="geometry").reset_index()
    frame = pd.concat([base, pd.DataFrame(wide)], axis=1)
    return gpd.GeoDataFrame(frame, geometry=areas.geometry.to_numpy(), crs=areas.crs)


def hotspot_table(results: Results) -> gpd.GeoDataFrame:
    """Give the hotspots in a stable order, with their members as text.

    Parameters
    ----------
    results : Results
        What was found.

    Returns
    -------
    GeoDataFrame
        Sorted by chain, year and rank; ``members`` joined by commas.
    """
    hotspots = results.hotspots.copy()
    hotspots["members"] = pd.Series(
        [",".join(members) for members in hotspots["members"]], index=hotspots.index, dtype=object
    )
    for name in ("year", "rank", "places"):
        hotspots[name] = hotspots[name].astype("int32")
    for name in COUNTS:
        hotspots[name] = _typed(name, hotspots[name].to_numpy(dtype=float))
    for name in ("province_scale", "without_main"):
        hotspots[name] = pd.Categorical(hotspots[name], categories=list(tables.CHECKED))
    for name in ("share", "share_outside", "min_q_value", "robustness"):
        hotspots[name] = hotspots[name].astype(float)
    order = ["chain", "year", "rank", "hotspot_id"]
    return hotspots.sort_values(order, kind="stable").reset_index(drop=True)


def leading_chain(results: Results) -> str:
    """Name the chain to open on: the one with the strongest hotspots in the latest year.

    Parameters
    ----------
    results : Results
        What was found.

    Returns
    -------
    str
        Key of the chain whose hotspots add most digital firms; without hotspots the one with
        most significant places, and without these the one with most firms.
    """
    last = results.panel["year"].max()
    keys = [chain.key for chain in results.facts.chains]
    firms = results.panel["firms"].sel(year=last, chain=keys).sum("place").to_numpy()
    significant = np.zeros(len(keys))
    if "share" in results.maps["variable"].to_numpy().tolist():
        found = results.maps["significant"].sel(variable="share", year=last, chain=keys)
        significant = np.nan_to_num(found.to_numpy().astype(float))
    return keys[int(np.lexsort((-firms, -significant, -_surplus(results, keys)))[0])]


def _surplus(results: Results, keys: list[str]) -> np.ndarray:
    """Add up the digital firms that the latest hotspots of each chain have above the others."""
    hotspots = results.hotspots
    last = hotspots[hotspots["year"].astype(int) == int(results.panel["year"].max())]
    outside = last["share_outside"].astype(float) * last["known"].astype(float)
    surplus = last["digital"].astype(float) - outside
    sums = surplus.groupby(last["chain"].astype(str)).sum().reindex(keys)
    return np.maximum(np.nan_to_num(sums.to_numpy(dtype=float)), 0)


def few_marks(known: object, share: object) -> pd.Categorical:
    """Mark the shares that rest on few firms, as the atlas does.

    Parameters
    ----------
    known : array-like of float
        Firms with a known signal.
    share : array-like of float
        The share, NaN where there is none to be warned of.

    Returns
    -------
    Categorical
        ``few``, or missing.
    """
    firms = pd.array(known, dtype="Float64").to_numpy(dtype=float, na_value=np.nan)
    shown = np.isfinite(np.asarray(share, dtype=float))
    few = shown & (firms < FEW_FIRMS)
    return pd.Categorical.from_codes(np.where(few, 0, -1), categories=["few"])


def write_quarantine(publication: Publication, path: Path) -> None:
    """Write the records that were set aside, for those who may repair them.

    Parameters
    ----------
    publication : Publication
        Of an internal run.
    path : Path
        CSV to write: UTF-8 with a mark that Excel understands; a cell that a spreadsheet would take
        for a formula is preceded by an apostrophe.

    Raises
    ------
    OutputError
        ``NOT_PUBLIC`` in a public run: records hold names and tax codes.
    """
    if publication.audience != "internal":
        raise OutputError(
            "NOT_PUBLIC",
            "Quarantined records are internal. Set audience = 'internal' to keep them.",
        )
    table = publication.results.quarantine[list(tables.QUARANTINE_COLUMNS)]
    with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(tables.QUARANTINE_COLUMNS)
        for row in table.itertuples(index=False, name=None):
            writer.writerow([_safe_cell(value) for value in row])


def _safe_cell(value: object) -> object:
    """Disarm text that a spreadsheet would run; numbers stay numbers."""
    if isinstance(value, (int, np.integer)):
        return int(value)
    text = "" if value is None or value is pd.NA or value != value else str(value)
    text = text.replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _flat(array: xr.DataArray, dim: str) -> np.ndarray:
    """Unroll an array in the order of the rows."""
    return array.transpose(dim, "chain", "year").to_numpy().ravel()


def _keys(dataset: xr.Dataset, dim: str, name: str) -> dict[str, object]:
    """Give the three key columns of a long table."""
    sizes = [dataset.sizes[d] for d in (dim, "chain", "year")]
    place, chain, year = np.indices(sizes, dtype=np.int32).reshape(3, -1)
    return {
        name: pd.Categorical.from_codes(place, [str(v) for v in dataset[dim].to_numpy()]),
        "chain": pd.Categorical.from_codes(chain, [str(v) for v in dataset["chain"].to_numpy()]),
        "year": dataset["year"].to_numpy().astype(np.int16)[year],
    }


def _measures(dataset: xr.Dataset, names: tuple[str, ...], dim: str) -> dict[str, object]:
    """Give the columns of measures that a dataset has."""
    return {name: _typed(name, _flat(dataset[name], dim)) for name in names if name in dataset}


def _typed(name: str, values: np.ndarray) -> object:
    """Give counts as nullable integers, and everything else as it is."""
    if name not in COUNTS:
        return values
    missing = np.isnan(values)
    whole = np.where(missing, 0, np.rint(np.where(missing, 0, values))).astype(np.int32)
    return pd.arrays.IntegerArray(whole, missing)


def _local_columns(local: xr.Dataset, variable: str) -> dict[str, object]:
    """Give the columns of one tested variable."""
    columns: dict[str, object] = {
        f"{variable}_{name}": _flat(local[name], "place")
        for name in LOCAL_MEASURES
        if name in local
    }
    quadrant = _flat(local["quadrant"], "place")
    columns[f"{variable}_quadrant"] = status_words(quadrant, tables.QUADRANTS)
    method = _flat(local["method"], "place")
    columns[f"{variable}_method"] = status_words(method, tables.TAIL_METHODS)
    status = _flat(local["status"], "place")
    columns[f"{variable}_local_status"] = status_words(status, tables.LOCAL_STATUSES)
    return columns


def _chain_columns(results: Results, panel: xr.Dataset, chain: str) -> dict[str, object]:
    """Give the columns of one chain in the wide table."""
    columns: dict[str, object] = {
        name: _typed(name, panel[name].to_numpy()) for name in WIDE_MEASURES if name in panel
    }
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
