"""Protection of what is made of several cells: need, priorities, benchmarks, composite, zones.

What is published of these is computed again from the published panel, so that it cannot tell more
than the panel does. Only a sum that leaves ``threshold`` firms or more in the hidden cells together
is shown as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import csr_array

from geo_engine.disclosure.borrowed import own_again
from geo_engine.disclosure.cells import ZONES, Hidden, Marked, few_firms, hidden_cells, suppress
from geo_engine.errors import StatisticsError
from geo_engine.indicators.priorities import need_quadrants
from geo_engine.results import Results
from geo_engine.territory_comparison import (
    benchmarks_of,
    compare,
    need_of,
    priorities,
    reference_share,
    similar_of_table,
)
from geo_engine.territory_composite import (
    CompositeFound,
    Ground,
    choices_sensitivity,
    composite_found,
    with_context,
)
from geo_engine.territory_ranks import RANK_COLUMNS
from geo_engine.territory_zones import ZonePanel

LEAST_IN_SCALE = 10
OF_COMPOSITE = ("composite", "composite_rank")
OWN = ("difference", "difference_low", "difference_high")
"""Parts of a benchmark that tell the share of the place itself."""
PUBLIC_PARTS = ("reference_firms", "firms_per_1000_reference", "firms_per_1000_difference")
"""Parts that rest on counts alone."""


def protect_territory(
    results: Results, published: Results, hidden: Hidden, threshold: int, marked: Marked
) -> Results:
    """Protect what a study says of places beyond their variables.

    Parameters
    ----------
    results : Results
        Everything that the study found.
    published : Results
        The same with its panels and its change protected.
    hidden : Hidden
        Cells of ``results.panel`` that must not be shown.
    threshold : int
        Smallest number of firms whose share may be public.
    marked : mapping
        Further cells of zones to hide.

    Returns
    -------
    Results
        ``published``, with need, composite, priorities, benchmarks, concentration and zones
        protected.
    """
    panel, reference = published.panel, safe_reference(results.panel, hidden.share, threshold)
    changed: dict[str, Any] = {}
    if "digital_gap" in panel:
        target = results.priority_rule.target
        crossed = need_quadrants(need_of(panel, target, reference))
        panel = panel.assign({name: crossed[name] for name in ("digital_gap", "need_quadrant")})
    panel = own_again(panel, results.places, results.registry)
    if results.composite is not None and results.composite.confidential:
        panel, changed["composite"] = _composite(results, panel, threshold)
    if not results.priorities.empty:
        changed["priorities"] = priorities(
            panel, published.change, results.priority_rule, reference
        )
    if len(results.benchmarks):
        changed["benchmarks"] = _benchmarks(results, panel, hidden.share, threshold)
    changed["zones"] = protect_zones(results, hidden, threshold, marked)
    changed["concentration"] = _concentration(results.concentration, threshold)
    return dataclasses.replace(published, panel=panel, **changed)


def safe_reference(panel: xr.Dataset, hidden: xr.DataArray, threshold: int) -> xr.DataArray:
    """Give the share of all places, without the hidden ones where it would tell theirs.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        digital, known, unprotected.
    hidden : DataArray of bool, same dims
        Cells that must not be shown.
    threshold : int
        Smallest number of firms whose share may be public.

    Returns
    -------
    DataArray, dims ("chain", "year")
        Over the shown cells where the hidden ones together have fewer firms than the threshold.
    """
    whole = reference_share(panel)
    shown = reference_share(panel[["digital", "known"]].where(~hidden))
    few = few_firms(panel["known"].where(hidden).sum("place"), threshold)
    return whole.where(~few, shown).transpose("chain", "year")


def _composite(
    results: Results, panel: xr.Dataset, threshold: int
) -> tuple[xr.Dataset, CompositeFound | None]:
    """Compute an index of confidential indicators again from the published panel."""
    found = results.composite
    assert found is not None
    ground = Ground(
        panel=with_context(panel, results.places, results.all_firms),
        regions=results.places["cod_reg"],
        registry=results.registry,
        goalposts=found.goalposts if found.frozen else None,
        least_firms=max(LEAST_IN_SCALE, threshold),
        seed=results.facts.seed,
    )
    try:
        again = composite_found(ground, found.keys)
    except StatisticsError:
        empty = {name: panel[name] * np.nan for name in OF_COMPOSITE}
        return panel.assign(empty), dataclasses.replace(
            found,
            scores=xr.Dataset(empty),
            ranks=pd.DataFrame(columns=RANK_COLUMNS),
            left_out=found.left_out.iloc[:0],
            sensitivity=found.sensitivity.iloc[:0],
            goalposts=None,
        )
    moved = choices_sensitivity(ground, found.keys) if len(found.sensitivity) else found.sensitivity
    kept = dataclasses.replace(again, sensitivity=moved, notes=found.notes)
    return panel.assign(kept.scores.data_vars), kept


def _benchmarks(
    results: Results, panel: xr.Dataset, hidden: xr.DataArray, threshold: int
) -> xr.Dataset:
    """Leave out the own part of hidden places, and references that would tell a hidden one."""
    table = results.benchmarks
    at = {"year": int(np.argmax(panel["year"].to_numpy()))}
    cells = hidden.isel(at, drop=True).transpose("place", "chain")
    known = results.panel["known"].isel(at, drop=True).transpose("place", "chain")
    secret = np.nan_to_num(known.where(cells, 0.0).to_numpy())
    similar = similar_of_table(results.similar, results.places.index)
    national = "country" in table["benchmark"].to_numpy()
    parts = table.assign(
        {name: table[name].where(~cells) for name in OWN} | {"side": table["side"].where(~cells, 0)}
    )
    again = compare(panel, results.places, similar, national=national)
    shown = []
    for benchmark in benchmarks_of(results.places, similar, national=national):
        if benchmark.name == "similar":  # sets that overlap would give hidden cells by difference
            shown.append(again.sel(benchmark=["similar"]))
            continue
        left = benchmark.spread @ (benchmark.gather @ secret)
        safe = xr.DataArray(~((left > 0) & (left < threshold)), dims=("place", "chain"))
        one = parts.sel(benchmark=[benchmark.name])
        shown.append(
            one.assign(
                {
                    name: one[name].where(safe) if name != "side" else one[name].where(safe, 0)
                    for name in one.data_vars
                    if name not in PUBLIC_PARTS
                }
            )
        )
    joined = xr.concat(shown, dim="benchmark", join="exact", data_vars="all")
    joined = joined.assign(side=joined["side"].astype(np.int8))
    return joined.transpose("benchmark", "place", "chain")


def _concentration(table: pd.DataFrame, threshold: int) -> pd.DataFrame:
    """Leave out the index of plants of a chain with few."""
    if table.empty:
        return table
    few = (table["firms"] < threshold) & (table["plants"] == "addetti")
    names = ["ellison_glaeser", "ellison_glaeser_p"]
    return table.assign(**{name: table[name].mask(few) for name in names})


def protect_zones(
    results: Results, hidden: Hidden, threshold: int, marked: Marked
) -> dict[str, ZonePanel]:
    """Protect zones by themselves, against their municipalities, and against wider territories.

    A zone's share is hidden where few firms are known; where its hidden municipalities together
    have few (the zone less the shown ones would tell them); and where it lies within another zone,
    a province or a region that has few firms more.

    Parameters
    ----------
    results : Results
        Unprotected.
    hidden : Hidden
        Cells of places that must not be shown.
    threshold : int
        Smallest number of firms whose share may be public.
    marked : mapping
        Further cells of zones to hide.

    Returns
    -------
    dict of str to ZonePanel
    """
    panels = {
        key: (_matrix(zone, results.places.index), zone.panel)
        for key, zone in results.zones.items()
    }
    wider = {
        **panels,
        "province": _areas(results.places["cod_prov"], results.province_panel, "province"),
        "region": _areas(results.places["cod_reg"], results.region_panel, "region"),
    }
    found = {}
    for key, zone in results.zones.items():
        own = hidden_cells(f"{ZONES}{key}", zone.panel, threshold, marked)
        matrix = panels[key][0]
        masks = {}
        for count, mask in own.by_count.items():
            place_mask = hidden.by_count[count]
            left = _left(matrix, results.panel[count], place_mask, threshold)
            near = _nested(panels[key], wider, count, threshold)
            masks[count] = mask.transpose("zone", "chain", "year") | left | near
        shown = suppress(zone.panel, Hidden(by_count=masks), results.registry)
        found[key] = dataclasses.replace(zone, panel=shown)
    return found


def _matrix(zone: ZonePanel, places: pd.Index) -> csr_array:
    """Give which place lies in which zone, wholly or in part."""
    codes = pd.Index(zone.panel["zone"].to_numpy())
    at = codes.get_indexer(zone.members["zone"]), places.get_indexer(zone.members["pro_com_t"])
    return csr_array((zone.members["weight"].to_numpy(float), at), shape=(len(codes), len(places)))


def _areas(codes: pd.Series, panel: xr.Dataset, dim: str) -> tuple[csr_array, xr.Dataset]:
    """Give which place lies in which province or region."""
    at = pd.Index(panel[dim].to_numpy()).get_indexer(codes)
    inside = np.flatnonzero(at >= 0)
    shape = (panel.sizes[dim], len(codes))
    return csr_array((np.ones(len(inside)), (at[inside], inside)), shape=shape), panel


def _left(
    matrix: csr_array, count: xr.DataArray, hidden: xr.DataArray, threshold: int
) -> np.ndarray:
    """Mark the zones whose hidden places together have few firms."""
    dims = ("place", "chain", "year")
    values = np.nan_to_num(count.where(hidden, 0.0).transpose(*dims).to_numpy())
    total = (matrix @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])
    return np.asarray((total > 0) & (total < threshold))


def _nested(
    own: tuple[csr_array, xr.Dataset],
    others: Mapping[str, tuple[csr_array, xr.Dataset]],
    count: str,
    threshold: int,
) -> np.ndarray:
    """Mark the zones that lie within another territory of few firms more."""
    matrix, panel = own
    values = panel[count].transpose("zone", "chain", "year").to_numpy()
    marked = np.zeros(values.shape, bool)
    size = np.asarray(matrix.sum(axis=1)).ravel()
    for other, wide in others.values():
        dim = next(str(d) for d in wide.sizes if d not in ("chain", "year"))
        around = wide[count].transpose(dim, "chain", "year").to_numpy()
        shared = (matrix @ (other > 0).astype(float).T).tocoo()
        inner, outer = shared.coords
        whole = np.abs(shared.data - size[inner]) < 1e-9
        for i, j in zip(inner[whole], outer[whole], strict=True):
            more = around[j] - values[i]
            marked[i] |= (more > 0) & (more < threshold)
    return marked
