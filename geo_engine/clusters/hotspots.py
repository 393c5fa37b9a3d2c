"""Digitalization hotspots: contiguous groups of significantly High-High places of the share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.tables import QUADRANTS

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from scipy.sparse import csr_array

IntArray = npt.NDArray[np.int64]

HOTSPOT_TYPES = {
    "hotspot_id": "object",
    "chain": "object",
    "year": "int64",
    "name": "object",
    "rank": "int64",
    "places": "int64",
    "firms": "float64",
    "known": "float64",
    "digital": "float64",
    "share": "float64",
    "share_outside": "float64",
    "excess": "float64",
    "min_q_value": "float64",
    "cod_reg": "object",
    "region": "object",
    "members": "object",
}
HOTSPOT_COLUMNS = (*HOTSPOT_TYPES, "geometry")
"""Columns of the table of hotspots, also when it is empty."""
_HIGH_HIGH = QUADRANTS.index("HH")


def find_hotspots(
    local: xr.Dataset,
    panel: xr.Dataset,
    places: gpd.GeoDataFrame,
    graph: Graph,
    *,
    alpha: float,
    q: str = "q_value",
) -> gpd.GeoDataFrame:
    """Group contiguous High-High places whose q-value is below alpha.

    Parameters
    ----------
    local : Dataset
        Local tests of the digital share: ``quadrant`` (codes of ``tables.QUADRANTS``) and the
        q-values over (place, chain, year). Counts never make a hotspot: do not give them.
    panel : Dataset
        firms, known and digital over the same dims; NaN where not covered.
    places : GeoDataFrame
        In the order of ``panel``.
    graph : libpysal.graph.Graph
        Who is a neighbor of whom.
    alpha : float
        A place counts where its q-value is below.
    q : str
        Name of a q-value (``tables.Q_COLUMNS``): family of the false discovery rate that decides.

    Returns
    -------
    GeoDataFrame
        ``HOTSPOT_COLUMNS``, in the order of chains, years and rank. A hotspot is named after the
        member with most firms of the chain (the lowest code among equals) and ranked within its
        chain and year by ``excess``: digital firms beyond those that the share of all other
        covered places (``share_outside``) would give.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when the tables differ in their places, chains or years.

    Notes
    -----
    ``firms``, ``known`` and ``digital`` are sums over municipalities. Where enterprises are
    distinct (unit ``impresa``), one with seats in several members counts once in each, as it did
    in the panel: a hotspot's figures are then presences of enterprises, at least as many as the
    enterprises themselves, and one with seats on both sides counts inside and outside. The share
    stays a comparison of like with like, because ``share_outside`` is summed in the same way; the
    figures are not to be set beside those of the province, which counts each enterprise once.

    The tests behind it take firms as independent. Units of one enterprise that share a website are
    not: one chain of shops in neighboring places can raise a hotspot.
    """
    _check_labels(local, panel, places)
    dims = ("place", "chain", "year")
    q_value = local[q].transpose(*dims).to_numpy()
    high = (local["quadrant"].transpose(*dims).to_numpy() == _HIGH_HIGH) & (q_value < alpha)
    links = _links(graph, places.index)
    rows: list[dict[str, Any]] = []
    for c, y in np.argwhere(high.any(axis=0)):
        figures = {
            name: panel[name].transpose(*dims).to_numpy()[:, c, y]
            for name in ("firms", "known", "digital")
        } | {"q": q_value[:, c, y]}
        members = np.flatnonzero(high[:, c, y])
        found = [_figures(group, figures) for group in _components(members, links)]
        found.sort(key=lambda row: (-row["excess"], -row["digital"], row["main"]))
        chain, year = str(panel.indexes["chain"][c]), int(panel.indexes["year"][y])
        rows += [
            _described(row, places) | {"chain": chain, "year": year, "rank": rank}
            for rank, row in enumerate(found, 1)
        ]
    return _table(rows, places)


def _check_labels(local: xr.Dataset, panel: xr.Dataset, places: gpd.GeoDataFrame) -> None:
    """Refuse tables of different places, chains or years, or in another order."""
    same = panel.indexes["place"].equals(pd.Index(places.index.astype(str)))
    for name in ("place", "chain", "year"):
        same = same and local.indexes[name].equals(panel.indexes[name])
    if not same:
        raise StatisticsError(
            "INDEX_MISMATCH",
            "The local tests, the panel and the municipalities differ in their places, chains or "
            "years. Give all three of the same run, in the same order.",
        )


def _links(graph: Graph, index: pd.Index) -> csr_array:
    """Give the links among places as a matrix in the order of the index."""
    from scipy.sparse import csr_array

    adjacency = graph.adjacency
    focal = index.get_indexer(adjacency.index.get_level_values("focal"))
    neighbor = index.get_indexer(adjacency.index.get_level_values("neighbor"))
    real = (focal >= 0) & (neighbor >= 0) & (focal != neighbor)
    ones = np.ones(int(real.sum()), dtype=np.int8)
    return csr_array((ones, (focal[real], neighbor[real])), shape=(len(index), len(index)))


def _components(members: IntArray, links: csr_array) -> list[IntArray]:
    """Split members into groups that are connected through members only."""
    from scipy.sparse.csgraph import connected_components

    count, label = connected_components(links[members][:, members], directed=False)
    return [members[label == k] for k in range(count)]


def _figures(group: IntArray, figures: dict[str, npt.NDArray[np.float64]]) -> dict[str, Any]:
    """Sum up one hotspot and compare it with all other covered places."""
    inside = {name: float(figures[name][group].sum()) for name in ("firms", "known", "digital")}
    rest = {name: float(np.nansum(figures[name]) - inside[name]) for name in ("known", "digital")}
    share_outside = rest["digital"] / rest["known"] if rest["known"] > 0 else np.nan
    # Without any place outside there is nothing to exceed.
    expected = inside["known"] * share_outside if rest["known"] > 0 else inside["digital"]
    return inside | {
        "members": group,
        "main": int(group[np.argmax(figures["firms"][group])]),
        "places": len(group),
        "share": inside["digital"] / inside["known"] if inside["known"] > 0 else np.nan,
        "share_outside": share_outside,
        "excess": inside["digital"] - expected,
        "min_q_value": float(figures["q"][group].min()),
    }


def _described(row: dict[str, Any], places: gpd.GeoDataFrame) -> dict[str, Any]:
    """Name a hotspot after its main municipality and unite its members."""
    main, group = places.iloc[row["main"]], row["members"]
    return row | {
        "main": str(main.name),
        "name": str(main["name"]),
        "cod_reg": str(main["cod_reg"]),
        "region": str(main["region"]),
        "members": tuple(map(str, places.index[group])),
        "geometry": shapely.union_all(places.geometry.to_numpy()[group]),
    }


def _table(rows: list[dict[str, Any]], places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give the rows as a table with its columns and types, also when there is none."""
    for row in rows:
        row["hotspot_id"] = f"{row['chain']}-{row['year']}-{row['main']}"
    frame = pd.DataFrame(rows, columns=list(HOTSPOT_COLUMNS)).astype(HOTSPOT_TYPES)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=places.crs)
