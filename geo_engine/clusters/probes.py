"""Headline hotspots looked for again: at the scale of provinces, without the main municipality."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space.autocorrelation import LocalTest, local_autocorrelation
from geo_engine.space.random_labelling import Labels
from geo_engine.space.robustness import hotspots_at_scale
from geo_engine.tables import CHECKED, QUADRANTS

if TYPE_CHECKING:
    from libpysal.graph import Graph

PROBE_COLUMNS = ("robustness", "province_scale", "without_main")
"""Columns that :func:`probe_hotspots` fills."""
HEADLINES = 5
"""Hotspots of this rank or better in their map are tested without their main municipality."""
BATCH = 64
"""Maps tested at once."""
_HIGH_HIGH = QUADRANTS.index("HH")


@dataclass(frozen=True, kw_only=True)
class Coarser:
    """The same test on a map of larger areas."""

    tests: xr.Dataset
    """Local results, dims ("place", "chain", "year"); ``place`` holds the areas."""
    areas: pd.Series
    """Area of each municipality, by code."""


def probe_hotspots(
    hotspots: gpd.GeoDataFrame,
    covered: xr.Dataset,
    graph: Graph,
    test: LocalTest,
    *,
    provinces: Coarser,
    robustness: xr.DataArray,
) -> gpd.GeoDataFrame:
    """Say of each hotspot how it stands when something is changed.

    Parameters
    ----------
    hotspots : GeoDataFrame
        ``chain``, ``year``, ``rank``, ``members``.
    covered : Dataset, dims ("place", "chain", "year")
        ``firms``, ``digital`` and ``known`` of the tested places.
    graph : libpysal.graph.Graph
        Neighbors of the same places.
    test : LocalTest
        The official test of the share.
    provinces : Coarser
        The same test of provinces.
    robustness : DataArray, dims ("place", "chain", "year")
        Share of specifications in which a place is a hotspot.

    Returns
    -------
    GeoDataFrame
        A copy with ``robustness``: mean over the members, NaN where not asked for;
        ``province_scale``: ``confirmed`` where one of its provinces is a hotspot among provinces;
        ``without_main``: ``confirmed`` where at least one other member stays a hotspot when the
        member with most firms is taken off the map (of a hotspot of one municipality: when its
        neighbor with most firms is). ``untested`` where provinces are not covered, and below the
        rank ``HEADLINES``. Both look at q within the map.
    """
    table = hotspots.copy()
    table["robustness"] = [
        float(robustness.sel(chain=row.chain, year=row.year, place=list(row.members)).mean())
        for row in hotspots.itertuples(index=False)
    ]
    scale = hotspots_at_scale(hotspots, provinces.tests, provinces.areas, alpha=test.alpha)[
        "repeated"
    ]
    words = {True: CHECKED[0], False: CHECKED[1]}
    table["province_scale"] = [CHECKED[2] if pd.isna(v) else words[bool(v)] for v in scale]
    table["without_main"] = _without_main(hotspots, covered, graph, test)
    return table.astype({"province_scale": object, "without_main": object})


def _without_main(
    hotspots: gpd.GeoDataFrame, covered: xr.Dataset, graph: Graph, test: LocalTest
) -> list[str]:
    """Test each headline's map without one place."""
    said = [CHECKED[2]] * len(hotspots)
    rows = list(hotspots.itertuples(index=False))
    wanted = [
        (at, str(left_out))
        for at, row in enumerate(rows)
        if row.rank <= HEADLINES
        and (
            left_out := _left_out(
                row.members, covered["firms"].sel(chain=row.chain, year=row.year), graph
            )
        )
    ]
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        counts = [
            covered[["digital", "known"]]
            .sel(chain=rows[at].chain, year=rows[at].year, drop=True)
            .where(covered["place"] != left_out)
            for at, left_out in part
        ]
        names = pd.Index([str(rows[at].hotspot_id) for at, _ in part], name="chain")
        maps = (
            xr.concat(counts, dim=names).expand_dims(year=[0]).transpose("place", "chain", "year")
        )
        labels = Labels(digital=maps["digital"], known=maps["known"])
        local, _ = local_autocorrelation(
            assuncao_reis(maps["digital"], maps["known"]),
            graph,
            replace(test, details=False, family="map"),
            labels=labels,
        )
        for number, (at, left_out) in enumerate(part):
            rest = [code for code in rows[at].members if code != left_out]
            here = local.isel(chain=number, year=0).sel(place=rest)
            hot = (here["quadrant"] == _HIGH_HIGH) & (here["q_value"] < test.alpha)
            said[at] = CHECKED[0] if bool(hot.any()) else CHECKED[1]
    return said


def _left_out(members: tuple[str, ...], firms: xr.DataArray, graph: Graph) -> str:
    """Choose the place to leave out; "" when there is none."""
    among = list(members) if len(members) > 1 else sorted(graph[members[0]].index)
    if not among:
        return ""
    sizes = np.nan_to_num(firms.sel(place=sorted(among)).to_numpy())
    return str(sorted(among)[int(np.argmax(sizes))])
