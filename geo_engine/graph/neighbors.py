"""Contiguity by shared vertices or edges, the summary of a graph, and a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from geo_engine.errors import StatisticsError
from geo_engine.graph.canonical import build_graph, check_index, links_of
from geo_engine.graph.touching import touching_pairs

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph


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
    check_index(places.index)
    focal, neighbor = touching_pairs(places.geometry.to_numpy(), by_edge=kind == "rook")
    return build_graph(focal, neighbor, np.ones(len(focal)), places.index)


def graph_summary(graph: Graph) -> dict[str, object]:
    """Describe a graph in the numbers that a reader needs to trust it.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Any graph; links are counted in both directions.

    Returns
    -------
    dict
        ``places``, ``links`` (directed), ``components`` (isolates included), ``isolates`` (places
        that have no neighbor), ``mean_neighbors``, ``neighbors``: {number of neighbors: places};
        for graphs whose weights are not all 1 also ``weights``: smallest, median and largest, and
        ``equal_in_rows``: whether each place weighs its neighbors alike; and where links go in one
        direction only, ``one_way``: their number.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    focal, neighbor, weight, index = links_of(graph)
    n = len(index)
    links = coo_array((np.ones(len(focal), np.int8), (focal, neighbor)), shape=(n, n))
    components = int(connected_components(links, directed=False)[0]) if n else 0
    histogram = np.bincount(np.bincount(focal, minlength=n)) if n else np.zeros(1, np.int64)
    summary: dict[str, object] = {
        "places": n,
        "links": len(focal),
        "components": components,
        "isolates": int(histogram[0]),
        "mean_neighbors": float(len(focal) / n) if n else 0.0,
        "neighbors": {k: int(count) for k, count in enumerate(histogram) if count},
    }
    if (weight != 1).any():
        low, middle, high = np.quantile(weight, [0, 0.5, 1])
        summary["weights"] = {"min": float(low), "median": float(middle), "max": float(high)}
        summary["equal_in_rows"] = has_equal_rows(graph)
    one_way = len(np.setdiff1d(focal * n + neighbor, neighbor * n + focal))
    return summary | ({"one_way": one_way} if one_way else {})


def has_equal_rows(graph: Graph) -> bool:
    """Tell whether each place weighs its neighbors alike, as the exact local tests need.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Any graph.

    Returns
    -------
    bool
        True for contiguity and nearest neighbors; False for kernels and travel times.
    """
    focal, _, weight, index = links_of(graph)
    if not len(weight) or (weight == weight[0]).all():
        return True
    low, high = np.full(len(index), np.inf), np.full(len(index), -np.inf)
    np.minimum.at(low, focal, weight)
    np.maximum.at(high, focal, weight)
    linked = np.isfinite(low)
    return bool(np.allclose(low[linked], high[linked], rtol=1e-12, atol=0))


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
        With the weights of ``graph``; a place whose neighbors are all outside becomes an isolate.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when a place repeats or is not in the graph.
    """
    kept = pd.Index(places)
    focal, neighbor, weight, known = links_of(graph)
    absent = kept.difference(known)
    if len(absent) or not kept.is_unique:
        raise StatisticsError(
            "INDEX_MISMATCH",
            f"{len(absent)} places are not in the graph (first: {list(absent[:3])}) and "
            f"{int(kept.duplicated().sum())} repeat. Use the graph of the same boundary date.",
        )
    position = kept.get_indexer(known)
    focal, neighbor = position[focal], position[neighbor]
    inside = (focal >= 0) & (neighbor >= 0)
    return build_graph(focal[inside], neighbor[inside], weight[inside], kept)
