"""Primary protection: no share of few firms leaves in a public artefact, nor what inverts to it.

Counts of registered firms are public; whether a firm is digital is not. A share, its numerator and
its smoothed value are suppressed where fewer than ``threshold`` firms have a known signal. One
threshold serves all shares alike: a rule that suppressed 0 and 100 % only would tell, by being
applied, what it hides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from scipy.sparse import csr_array

from geo_engine import tables
from geo_engine.disclosure.borrowed import protect_models, smooth_again
from geo_engine.disclosure.cells import LEVELS, Marked, hidden_cells, suppress
from geo_engine.disclosure.publication import Publication
from geo_engine.disclosure.territory import protect_territory
from geo_engine.drivers.association import digital_associations
from geo_engine.results import NEIGHBOR_COLUMNS, Facts, Results

INVERTIBLE = (
    "moran",
    "moran_expected",
    "moran_variance",
    "gi",
    "gi_star",
    "gi_star_expected",
    "gi_star_variance",
    "lag",
    "p_error",
)
"""Local statistics of the share that, with public counts, give the share of a neighbor."""
SHARES = ("share", "residual")
"""Tested variables that are made of shares."""
VERDICTS = tuple(tables.Q_COLUMNS.values())
"""Where a place of the map is hidden these tell only on which side of alpha they lie, and p
nothing: exact p-values are those of one number or another of digital firms in the hidden places."""

BANNER = (
    "Versione pubblica: le quote calcolate su meno di {threshold} imprese sono oscurate. La "
    "protezione secondaria non è ancora applicata: dai totali di provincia o regione si potrebbe "
    "risalire a singole quote oscurate. Verificare prima di diffondere."
)
BANNER_EN = (
    "Public version: shares of fewer than {threshold} firms are suppressed. Secondary protection "
    "is not applied yet: a suppressed share might be worked out from provincial or regional "
    "totals. Check before you disseminate."
)


def publish(results: Results, *, threshold: int, marked: Marked | None = None) -> Publication:
    """Give what the audience of the study may see.

    Parameters
    ----------
    results : Results
        Everything that the study found.
    threshold : int
        Smallest number of firms with a known signal whose share may be public, >= 3.
    marked : mapping of (str, str) to DataArray of bool, optional
        Further cells to hide, by level and count (``cells.levels_of`` and ``cells.COUNTS``).

    Returns
    -------
    Publication
        For ``internal`` the results as they are; for ``public`` the protected ones.
    """
    if results.facts.audience == "internal":
        return Publication(
            results=results, audience="internal", suppressed=0, banner="", banner_en=""
        )
    further = marked or {}
    masks = {
        name: hidden_cells(name, getattr(results, name), threshold, further) for name in LEVELS
    }
    hidden = masks["panel"].share
    local = _protect_local(results.local, hidden, results.facts)
    robust = _protect_robustness(results.robustness, hidden | exposed_places(results, hidden))
    changed = hidden.isel(year=0) | hidden.isel(year=-1)
    panel = suppress(results.panel, masks["panel"], results.registry)
    panel = smooth_again(panel, results.places["cod_reg"], masks["panel"])
    protected = dataclasses.replace(
        results,
        panel=panel,
        province_panel=suppress(results.province_panel, masks["province_panel"], results.registry),
        region_panel=suppress(results.region_panel, masks["region_panel"], results.registry),
        country_panel=suppress(results.country_panel, masks["country_panel"], results.registry),
        local=local,
        robustness=robust,
        maps=_published_maps(results.maps, hidden, local, results.facts),
        whole_maps=_coarse_whole_maps(results.whole_maps, hidden, results.facts.alpha),
        further=_protect_further(results, hidden),
        hotspots=_protect_hotspots(
            dataclasses.replace(results, local=local, robustness=robust), hidden, threshold
        ),
        change=_protect_change(results.change, changed),
        drivers=_shown_associations(results, panel),
        models=protect_models(results.models, results.panel, hidden, threshold),
        quarantine=results.quarantine.iloc[:0],
    )
    protected = protect_territory(results, protected, masks["panel"], threshold, further)
    surveyed = bool(results.facts.signal)
    return Publication(
        results=protected,
        audience="public",
        suppressed=int(hidden.sum()),
        banner=BANNER.format(threshold=threshold) if surveyed else "",
        banner_en=BANNER_EN.format(threshold=threshold) if surveyed else "",
    )


def exposed_places(results: Results, hidden: xr.DataArray) -> xr.DataArray:
    """Mark the places whose test of the share involves a hidden neighbor.

    Parameters
    ----------
    results : Results
        With the neighbors of the covered places.
    hidden : DataArray of bool, dims ("place", "chain", "year")
        Cells whose share must not be shown.

    Returns
    -------
    DataArray of bool, same dims
        True for the neighbors of a hidden cell; everywhere when no neighbors are known.
    """
    if results.neighbors.empty:
        return xr.ones_like(hidden, dtype=bool)
    places = pd.Index(hidden["place"].to_numpy())
    focal, neighbor = (places.get_indexer(results.neighbors[name]) for name in NEIGHBOR_COLUMNS)
    links = csr_array(
        (np.ones(len(focal), dtype=np.int32), (focal, neighbor)), shape=(len(places), len(places))
    )
    cells = hidden.transpose("place", ...).to_numpy().reshape(len(places), -1)
    around = (links @ cells.astype(np.int32)).reshape(hidden.transpose("place", ...).shape) > 0
    return hidden.transpose("place", ...).copy(data=around).transpose(*hidden.dims)


def _protect_local(local: xr.Dataset, hidden: xr.DataArray, facts: Facts) -> xr.Dataset:
    """Leave the verdicts only of a map of shares on which a place is hidden; of that place nothing.

    A p-value asks how the shares of all other places may fall around one, so each rests on the
    hidden ones wherever they lie.
    """
    is_share = local["variable"].isin(SHARES)
    hide = (is_share & hidden).transpose(*local["p_value"].dims)
    blur = (is_share & hidden.any("place")).transpose(*_without_place(local["p_value"]))
    decisive = local[tables.q_column(facts.family)]
    named = ~hide & (~blur | (decisive < facts.alpha))
    blanked = {}
    for name in local.data_vars:
        values = local[name]
        if name in VERDICTS:
            told = blur | _lent(values, blur | hide)
            values = values.where(~told | np.isnan(values), _verdict(values, facts.alpha))
        if name in INVERTIBLE:
            values = values.where(~is_share)
        elif values.dtype.kind == "f":
            values = values.where(~hide if name in VERDICTS else ~hide & ~blur)
        elif name == "status":
            values = values.where(~hide, tables.LOCAL_SUPPRESSED).astype(np.int8)
        else:
            kept = named if name == "quadrant" else ~hide & ~blur
            values = values.where(kept, 0).astype(local[name].dtype)
        blanked[name] = values.transpose(*local[name].dims)
    return local.assign(blanked)


def _without_place(values: xr.DataArray) -> tuple[Hashable, ...]:
    """Give the dims of a map's own figures."""
    return tuple(dim for dim in values.dims if dim != "place")


def _lent(q_value: xr.DataArray, secret: xr.DataArray) -> xr.DataArray:
    """Mark the q-values that a secret place also has.

    Benjamini and Hochberg's q is the smallest p * tests / rank from there on: places of one q got
    it from the last of them, whose p is worked out from it by trying the ranks.
    """
    values = q_value.where(secret).to_numpy()
    return q_value.isin(np.unique(values[~np.isnan(values)])) & q_value["variable"].isin(SHARES)


def _verdict(q_value: xr.DataArray, alpha: float) -> xr.DataArray:
    """Give the largest number below alpha for what is significant, and 1 for the rest."""
    below = np.nextafter(alpha, 0.0)
    return q_value.copy(data=np.where(q_value.to_numpy() < alpha, below, 1.0))


def _protect_robustness(robust: xr.Dataset, secret: xr.DataArray) -> xr.Dataset:
    """Withhold what several verdicts together tell of a hidden place or its neighbors."""
    return robust.map(lambda values: values.where(~secret)) if len(robust) else robust


def _published_maps(
    maps: xr.Dataset, hidden: xr.DataArray, local: xr.Dataset, facts: Facts
) -> xr.Dataset:
    """Leave few digits of a map of shares on which a place is hidden; count what is shown.

    With all shares but one public, two decimals of Moran's I, or of its p, would give the hidden
    one. The number of significant or digital places, less those shown, would tell of hidden ones.
    """
    coarse = maps["variable"].isin(SHARES) & hidden.any("place")
    told = {
        name: maps[name].where(~coarse, maps[name].round(1))
        for name in ("moran_i", "expected_below_005")
    }
    told["moran_p"] = maps["moran_p"].where(
        ~coarse | np.isnan(maps["moran_p"]), _verdict(maps["moran_p"], facts.alpha)
    )
    marks = local[tables.q_column(facts.family)].reindex(variable=maps["variable"].to_numpy())
    shown = (marks < facts.alpha).sum("place")
    told["significant"] = maps["significant"].where(~coarse, shown)
    if "positive" in maps:
        told["positive"] = maps["positive"].where(~coarse, 0)
    return maps.assign(
        {
            name: values.astype(maps[name].dtype).transpose(*maps[name].dims)
            for name, values in told.items()
        }
    )


def _coarse_whole_maps(table: pd.DataFrame, hidden: xr.DataArray, alpha: float) -> pd.DataFrame:
    """Do the same to the table of whole maps; a z-score has the digits that the value lost."""
    if table.empty:
        return table
    any_hidden = hidden.any("place").to_series()
    keys = pd.MultiIndex.from_frame(table[["chain", "year"]])
    coarse = table["variable"].isin(SHARES).to_numpy() & any_hidden.reindex(keys).to_numpy(bool)
    shown = table.copy()
    shown.loc[coarse, "value"] = shown.loc[coarse, "value"].round(1)
    shown.loc[coarse, "expected"] = shown.loc[coarse, "expected"].round(6)
    shown.loc[coarse, ["variance", "z_score"]] = np.nan
    for name in ("p_value", "p_permutation"):
        told = coarse & shown[name].notna().to_numpy()
        below = np.where(shown[name] < alpha, np.nextafter(alpha, 0.0), 1.0)
        shown.loc[told, name] = below[told]
    return shown


def _protect_further(results: Results, hidden: xr.DataArray) -> pd.DataFrame:
    """Leave of each further test its verdict only; of hidden places nothing."""
    table = results.further
    if table.empty:
        return table
    shown = table.copy()
    shown[["statistic", "expected", "variance", "p_error"]] = np.nan
    whole = hidden.any("place").broadcast_like(hidden)
    secret, blur = (_at_rows(cells, shown) for cells in (hidden, whole))
    below = np.nextafter(results.facts.alpha, 0.0)
    told = blur & shown["q_value"].notna()
    shown.loc[told, "q_value"] = np.where(shown["q_value"] < results.facts.alpha, below, 1.0)[told]
    shown.loc[blur, "p_value"] = np.nan
    shown.loc[blur, "method"] = tables.TAIL_METHODS[0]
    shown.loc[blur & ~(shown["q_value"] < results.facts.alpha), "label"] = ""
    shown.loc[secret, ["q_value"]] = np.nan
    shown.loc[secret, "label"] = ""
    shown.loc[secret, "status"] = tables.LOCAL_STATUSES[tables.LOCAL_SUPPRESSED]
    return shown


def _at_rows(cells: xr.DataArray, table: pd.DataFrame) -> np.ndarray:
    """Look cells up for the rows of a further test, and those of its second chain."""
    dims = ("place", "chain", "year")
    values = cells.transpose(*dims).to_numpy()
    place = cells.indexes["place"].get_indexer(table["pro_com_t"])
    year = cells.indexes["year"].get_indexer(table["year"])
    marked = values[place, cells.indexes["chain"].get_indexer(table["chain"]), year]
    other = cells.indexes["chain"].get_indexer(table["other"])
    return np.asarray(marked | ((other >= 0) & values[place, other, year]))


def _protect_hotspots(results: Results, hidden: xr.DataArray, threshold: int) -> gpd.GeoDataFrame:
    """Leave hidden places out of each hotspot, and sum what is left."""
    hotspots = results.hotspots
    if hotspots.empty:
        return hotspots
    rows = [
        _published_hotspot(row._asdict(), results, hidden)
        for row in hotspots.itertuples(index=False)
    ]
    table = pd.DataFrame(rows, columns=hotspots.columns)
    kept = table[(table["places"] > 0) & (table["known"] >= threshold)]
    return gpd.GeoDataFrame(
        kept.reset_index(drop=True), geometry="geometry", crs=hotspots.crs
    ).astype(hotspots.drop(columns="geometry").dtypes.to_dict())


def _published_hotspot(
    row: dict[str, Any], results: Results, hidden: xr.DataArray
) -> dict[str, Any]:
    """Give one hotspot over its published members only."""
    chosen = {"chain": row["chain"], "year": row["year"]}
    listed = list(row["members"])
    here = hidden.sel(chosen)
    members = [code for code in listed if not bool(here.sel(place=code))]
    q_name = tables.q_column(results.facts.family)
    shown = results.local[q_name].sel(variable="share", **chosen).sel(place=members)
    row = row | {"min_q_value": float(shown.min()) if members else np.nan}
    if "robustness" in row and members:
        row["robustness"] = float(
            results.robustness["robustness"].sel(**chosen, place=members).mean()
        )
    if len(members) == len(listed):
        return row
    whole = results.panel[["firms", "known", "digital"]].sel(chosen)
    sums = _figures(whole.sel(place=members).sum())
    rest = _figures(whole.drop_sel(place=members).sum())
    share = sums["digital"] / sums["known"] if sums["known"] else np.nan
    outside = rest["digital"] / rest["known"] if rest["known"] else np.nan
    shapes = results.places.geometry.loc[members].to_numpy()
    return (
        row
        | sums
        | {
            "places": len(members),
            "members": tuple(members),
            "share": share,
            "share_outside": outside,
            "excess": sums["digital"] - sums["known"] * outside,
            "geometry": shapely.union_all(shapes) if members else shapely.Polygon(),
        }
    )


def _figures(sums: xr.Dataset) -> dict[str, float]:
    """Read the three sums as numbers."""
    return {str(name): float(value) for name, value in sums.items()}


def _protect_change(change: xr.Dataset, hidden: xr.DataArray) -> xr.Dataset:
    """Blank the change of a share where either year is hidden."""
    blanked = {
        name: change[name].where(~hidden) for name in ("share_change", "low", "high", "p_value")
    }
    blanked["direction"] = change["direction"].where(~hidden, 0).astype(np.int8)
    blanked["status"] = change["status"].where(~hidden, tables.SUPPRESSED).astype(np.int8)
    return change.assign(blanked)


def _shown_associations(results: Results, panel: xr.Dataset) -> pd.DataFrame:
    """Fit the associations again without the hidden shares: coefficients are sums of shares."""
    if results.drivers.empty:
        return results.drivers
    return digital_associations(panel, results.places)
