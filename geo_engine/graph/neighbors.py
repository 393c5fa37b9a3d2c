"""Contiguity by shared vertices or edges, its summary, and the sub-graph of a covered area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo_engine.errors import StatisticsError

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph

IntArray = npt.NDArray[np.int64]


def contiguity(places: gpd.GeoDataFrame, *, kind: Literal["queen", "rook"] = "queen") -> Graph:
    """Link the places whose outlines touch.

    Two outlines touch when they share a vertex (queen) or a whole edge (rook), coordinate by
    coordinate. This is the rule of libpysal (``strict=False``) and GeoDa; it asks for a layer that
    is topologically clean, as the shipped one is: where a vertex of one outline lies in the middle
    of an edge of another there is no link.

    Parameters
    ----------
    places : GeoDataFrame
        Polygons; the index is unique and becomes the index of the graph.
    kind : {"queen", "rook"}
        A shared vertex, or a shared edge, makes a neighbor.

    Returns
    -------
    libpysal.graph.Graph
        Binary, symmetric, in the order of ``places``; isolates are kept with no neighbor.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when the index repeats a place.
    """
    if not places.index.is_unique:
        repeated = int(places.index.duplicated().sum())
        raise StatisticsError(
            "INDEX_MISMATCH", f"{repeated} places repeat in the index; dissolve or drop them."
        )
    vertex, ring, owner = _vertices(places.geometry.to_numpy())
    if kind == "rook":
        features, owner = _edges(vertex, ring, owner)
    else:
        features = vertex
    focal, neighbor = _touching_pairs(features, owner, len(places))
    return _graph_of(focal, neighbor, places.index)


def graph_summary(graph: Graph) -> dict[str, object]:
    """Describe a graph in the numbers that a reader needs to trust it.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Any graph; links are counted in both directions.

    Returns
    -------
    dict
        ``places``, ``links`` (directed), ``components`` (isolates included), ``isolates``,
        ``mean_neighbors``, and ``neighbors``: {number of neighbors: places}.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    focal, neighbor, n = _links(graph)
    links = coo_array((np.ones(len(focal), np.int8), (focal, neighbor)), shape=(n, n))
    components = int(connected_components(links, directed=False)[0]) if n else 0
    histogram = np.bincount(np.bincount(focal, minlength=n)) if n else np.zeros(1, np.int64)
    return {
        "places": n,
        "links": len(focal),
        "components": components,
        "isolates": int(histogram[0]),
        "mean_neighbors": float(len(focal) / n) if n else 0.0,
        "neighbors": {k: int(count) for k, count in enumerate(histogram) if count},
    }


def restrict(graph: Graph, places: pd.Index) -> Graph:
    """Keep some places and the links between them.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        The graph of a wider territory.
    places : Index
        Places to keep, unique; the result is in this order.

    Returns
    -------
    libpysal.graph.Graph
        Binary; a place whose neighbors are all outside becomes an isolate.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when a place repeats or is not in the graph.
    """
    kept = pd.Index(places)
    known = pd.Index(graph.unique_ids)
    absent = kept.difference(known)
    if len(absent) or not kept.is_unique:
        raise StatisticsError(
            "INDEX_MISMATCH",
            f"{len(absent)} places are not in the graph (first: {list(absent[:3])}) and "
            f"{int(kept.duplicated().sum())} repeat. Use the graph of the same boundary date.",
        )
    focal, neighbor, _ = _links(graph)
    position = kept.get_indexer(known)
    focal, neighbor = position[focal], position[neighbor]
    inside = (focal >= 0) & (neighbor >= 0)
    return _graph_of(focal[inside], neighbor[inside], kept)


def _links(graph: Graph) -> tuple[IntArray, IntArray, int]:
    """Give the links as positions in the graph's own order, without self-loops."""
    ids = pd.Index(graph.unique_ids)
    adjacency = graph.adjacency
    focal = ids.get_indexer(adjacency.index.get_level_values("focal"))
    neighbor = ids.get_indexer(adjacency.index.get_level_values("neighbor"))
    real = focal != neighbor
    return focal[real].astype(np.int64), neighbor[real].astype(np.int64), len(ids)


def _vertices(geometries: npt.NDArray[np.object_]) -> tuple[IntArray, IntArray, IntArray]:
    """Give numbers to the vertices: vertex, ring and place of every corner, in drawing order."""
    parts, part_owner = shapely.get_parts(geometries, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    owner = part_owner[ring_part][ring]
    # Two factorizations give an exact key; hashing both numbers into one could collide.
    across, values = pd.factorize(corners[:, 0])
    along, others = pd.factorize(corners[:, 1])
    key = across.astype(np.int64) * max(len(others), 1) + along
    vertex = pd.factorize(key)[0] if len(values) else key
    return vertex.astype(np.int64), ring.astype(np.int64), owner.astype(np.int64)


def _edges(vertex: IntArray, ring: IntArray, owner: IntArray) -> tuple[IntArray, IntArray]:
    """Give numbers to the edges of all rings, whichever way they are drawn."""
    same_ring = ring[1:] == ring[:-1]
    start, end = vertex[:-1][same_ring], vertex[1:][same_ring]
    size = int(vertex.max(initial=0)) + 1
    key = np.minimum(start, end) * size + np.maximum(start, end)
    return pd.factorize(key)[0].astype(np.int64), owner[:-1][same_ring]


def _touching_pairs(feature: IntArray, owner: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """List the ordered pairs of places that share a feature, each once, sorted."""
    if not len(feature):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    owned = np.unique(feature * n + owner)
    feature, owner = owned // n, owned % n
    pairs = np.unique(_pairs_within_runs(feature, owner, n))
    return pairs // n, pairs % n


@numba.njit(cache=True)
def _pairs_within_runs(feature: IntArray, owner: IntArray, n: int) -> IntArray:  # pragma: no cover
    """Code the ordered pairs of owners of each feature as focal * n + neighbor."""
    total = 0
    start = 0
    for i in range(1, len(feature) + 1):
        if i == len(feature) or feature[i] != feature[start]:
            total += (i - start) * (i - start - 1)
            start = i
    pairs = np.empty(total, np.int64)
    filled = 0
    start = 0
    for i in range(1, len(feature) + 1):
        if i == len(feature) or feature[i] != feature[start]:
            for a in range(start, i):
                for b in range(start, i):
                    if a != b:
                        pairs[filled] = owner[a] * n + owner[b]
                        filled += 1
            start = i
    return pairs


def _graph_of(focal: IntArray, neighbor: IntArray, index: pd.Index) -> Graph:
    """Build a binary Graph in the order of the index; isolates are loops of weight zero."""
    from libpysal.graph import Graph

    n = len(index)
    alone = np.setdiff1d(np.arange(n), focal)
    focal, neighbor = np.concatenate([focal, alone]), np.concatenate([neighbor, alone])
    weight = (focal != neighbor).astype(np.float64)
    order = np.lexsort((neighbor, focal))
    return Graph.from_arrays(index[focal[order]], index[neighbor[order]], weight[order])
