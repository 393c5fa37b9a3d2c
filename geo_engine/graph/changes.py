"""Graphs out of graphs: union, steps, links by hand, islands; and graphs out of tables of links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import StatisticsError
from geo_engine.graph.canonical import build_graph, check_index, links_of
from geo_engine.graph.distances import KERNELS, TIED_M, check_kernel, representative_points
from geo_engine.tables import CRS_DISTANCE, require_columns

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph
    from scipy.sparse import csr_array

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Isolates = Literal["exclude", "attach_nearest", "attach_components", "error"]

SHOWN = 5
"""Places that a message names."""


def union(first: Graph, second: Graph) -> Graph:
    """Link the places that either graph links.

    Parameters
    ----------
    first, second : libpysal.graph.Graph
        Graphs of the same places.

    Returns
    -------
    libpysal.graph.Graph
        Binary, in the order of ``first``.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH``.
    """
    codes, index = _pair_codes(first, second)
    return _binary(np.union1d(*codes), index)


def intersection(first: Graph, second: Graph) -> Graph:
    """Link the places that both graphs link.

    Parameters
    ----------
    first, second : libpysal.graph.Graph
        Graphs of the same places.

    Returns
    -------
    libpysal.graph.Graph
        Binary, in the order of ``first``.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH``.
    """
    codes, index = _pair_codes(first, second)
    return _binary(np.intersect1d(*codes), index)


def higher_order(graph: Graph, order: int, *, lower: bool = True) -> Graph:
    """Link the places that can be reached in some steps.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Neighbors in one step; weights do not matter.
    order : int
        Number of steps, at least 1.
    lower : bool
        Also those reached in fewer steps; otherwise only those whose shortest way is that long.

    Returns
    -------
    libpysal.graph.Graph
        Binary, never a place with itself.

    Raises
    ------
    StatisticsError
        ``ORDER_INVALID``.
    """
    if order < 1:
        raise StatisticsError("ORDER_INVALID", f"{order} steps lead nowhere: give 1 or more.")
    from scipy.sparse import eye_array

    focal, neighbor, _, index = links_of(graph)
    step = _matrix(focal, neighbor, len(index))
    reached = eye_array(len(index), dtype=np.bool_, format="csr")
    front = reached
    for _ in range(order):
        front = (front @ step).astype(np.bool_)
        front = (front > reached).tocsr()
        reached = (reached + front).astype(np.bool_)
    wanted = (reached if lower else front).tocoo()
    codes = wanted.row.astype(np.int64) * len(index) + wanted.col
    return _binary(codes[wanted.row != wanted.col], index)


def add_links(graph: Graph, pairs: pd.DataFrame) -> Graph:
    """Add links that a map does not show: bridges, ferries, tunnels.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        A binary graph.
    pairs : DataFrame
        Columns ``focal`` and ``neighbor``; each pair is linked in both directions.

    Returns
    -------
    libpysal.graph.Graph
        Binary.

    Raises
    ------
    StatisticsError
        ``LINKS_UNKNOWN`` when a pair names a place that the graph lacks, or the same place twice;
        ``WEIGHTS_NEEDED`` when the graph has weights, because the new links would have none.
    """
    require_columns(pairs, ("focal", "neighbor"), "The list of links")
    focal, neighbor, weight, index = links_of(graph)
    if (weight != 1).any():
        raise StatisticsError(
            "WEIGHTS_NEEDED",
            "Links by hand have no weight: add them to contiguity, bands or nearest neighbors.",
        )
    a = _positions(pairs["focal"], index)
    b = _positions(pairs["neighbor"], index)
    wrong = (a < 0) | (b < 0) | (a == b)
    if wrong.any():
        first = [tuple(map(str, row)) for row in pairs[["focal", "neighbor"]][wrong].to_numpy()]
        raise StatisticsError(
            "LINKS_UNKNOWN",
            f"{int(wrong.sum())} of {len(pairs)} links name a place that is not in the graph, or "
            f"one place twice (first: {first[:SHOWN]}). Use six-character codes of this date.",
        )
    n = len(index)
    return _binary(np.unique(np.concatenate([focal * n + neighbor, a * n + b, b * n + a])), index)


def settle_isolates(
    graph: Graph, places: gpd.GeoDataFrame, policy: Isolates, *, crs: str = CRS_DISTANCE
) -> Graph:
    """Decide what becomes of the places without a neighbor.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Neighbors of ``places``, in any order.
    places : GeoDataFrame
        The places with their geometry.
    policy : {"exclude", "attach_nearest", "attach_components", "error"}
        Leave them, which gives them a status and no test; link each with the nearest place, in
        both directions; do the same for every group of places (archipelagos) until all are
        connected; or refuse.
    crs : {"EPSG:32632", "EPSG:3035"}
        Where distances are measured.

    Returns
    -------
    libpysal.graph.Graph
        In the order of ``graph``.

    Raises
    ------
    StatisticsError
        ``ISOLATES``, naming them; ``INDEX_MISMATCH``; ``WEIGHTS_NEEDED`` for weighted graphs.
    """
    focal, _, _, index = links_of(graph)
    alone = np.setdiff1d(np.arange(len(index)), focal)
    if policy == "exclude":
        return graph
    if policy == "error":
        if len(alone):
            raise StatisticsError(
                "ISOLATES",
                f"{len(alone)} of {len(index)} places have no neighbor (first: "
                f"{list(index[alone[:SHOWN]])}). Link them by hand or with attach_nearest.",
            )
        return graph
    _same_places(index, pd.Index(places.index))
    points = representative_points(places.loc[index], crs=crs)
    if policy == "attach_nearest":
        return add_links(graph, _links_outwards([np.array([i]) for i in alone], points, index))
    return _connected(graph, points)


def graph_of_table(
    links: pd.DataFrame,
    places: pd.Index,
    *,
    kernel: str | None = None,
    bandwidth: float | None = None,
) -> Graph:
    """Build a graph from a table of links: commuters, travel times, a list of neighbors.

    Parameters
    ----------
    links : DataFrame
        Columns ``focal``, ``neighbor`` and ``weight``, a row for each link in one direction.
        Loops (commuters within a place) and weights of zero are left out.
    places : Index
        Codes of all places; the graph is in this order. Codes that lost their leading zeros are
        recognized where all codes have the same length.
    kernel : str, optional
        The column holds costs (minutes, km), and this kernel turns them into weights: one of
        ``distances.KERNELS``.
    bandwidth : float, optional
        Cost at which the kernel ends (gaussian: one standard deviation); needed with ``kernel``.

    Returns
    -------
    libpysal.graph.Graph
        With the given weights; places without a link are isolates.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH``, ``LINKS_UNKNOWN``, ``LINKS_REPEATED``, ``WEIGHT_INVALID`` or
        ``KERNEL_INVALID``.
    """
    check_index(places)
    require_columns(links, ("focal", "neighbor", "weight"), "The table of links")
    focal, neighbor = _positions(links["focal"], places), _positions(links["neighbor"], places)
    unknown = (focal < 0) | (neighbor < 0)
    if unknown.any():
        codes = pd.unique(pd.concat([links["focal"][focal < 0], links["neighbor"][neighbor < 0]]))
        raise StatisticsError(
            "LINKS_UNKNOWN",
            f"{int(unknown.sum())} of {len(links)} links name {len(codes)} places that do not "
            f"exist at this date (first: {list(map(str, codes[:SHOWN]))}). Give codes of the "
            "study's boundary date.",
        )
    weight = _weights(links["weight"], kernel, bandwidth)
    kept = (focal != neighbor) & (weight > 0)
    focal, neighbor, weight = focal[kept], neighbor[kept], weight[kept]
    repeated = len(focal) - len(np.unique(focal * len(places) + neighbor))
    if repeated:
        raise StatisticsError(
            "LINKS_REPEATED",
            f"{repeated} links stand twice in the table: add them up or drop them.",
        )
    return build_graph(focal, neighbor, weight, places)


def _weights(column: pd.Series, kernel: str | None, bandwidth: float | None) -> FloatArray:
    """Check the weights or costs, and turn costs into weights."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        raise StatisticsError(
            "WEIGHT_INVALID",
            f"{int(wrong.sum())} of {len(values)} weights are no numbers from 0 up (first: "
            f"{list(column[wrong][:SHOWN])}). Correct them or drop the links.",
        )
    if kernel is None:
        return values
    check_kernel(kernel)
    if bandwidth is None or not np.isfinite(bandwidth) or bandwidth <= 0:
        raise StatisticsError(
            "KERNEL_INVALID", f"A kernel of costs needs a bandwidth above 0, not {bandwidth}."
        )
    return KERNELS[kernel](values / bandwidth)


def _positions(codes: pd.Series, index: pd.Index) -> IntArray:
    """Find codes among the places, also those that lost their leading zeros."""
    found = index.get_indexer(pd.Index(codes))
    lost = found < 0
    lengths = set(index.astype(str).str.len())
    if lost.any() and len(lengths) == 1:
        text = codes[lost].astype(str).str.strip().str.zfill(lengths.pop())
        found[lost] = index.astype(str).get_indexer(pd.Index(text))
    return found.astype(np.int64)


def _same_places(first: pd.Index, second: pd.Index) -> None:
    """Refuse graphs or layers of different places."""
    absent = len(first.symmetric_difference(second))
    if absent or not second.is_unique:
        raise StatisticsError(
            "INDEX_MISMATCH", f"{absent} places are in one of the two only. Use one boundary date."
        )


def _pair_codes(first: Graph, second: Graph) -> tuple[tuple[IntArray, IntArray], pd.Index]:
    """Give the links of two graphs as numbers, in the order of the first."""
    a, b, _, index = links_of(first)
    c, d, _, other = links_of(second)
    _same_places(index, other)
    position = index.get_indexer(other)
    n = len(index)
    return (a * n + b, position[c] * n + position[d]), index


def _binary(codes: IntArray, index: pd.Index) -> Graph:
    """Build a binary graph from numbered links."""
    n = max(len(index), 1)
    return build_graph(codes // n, codes % n, np.ones(len(codes)), index)


def _matrix(focal: IntArray, neighbor: IntArray, n: int) -> csr_array:
    """Give the links as a matrix of true and false."""
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(focal), np.bool_), (focal, neighbor)), shape=(n, n))


def _connected(graph: Graph, points: FloatArray) -> Graph:
    """Link every group of places with its nearest place outside, until there is one group."""
    from scipy.sparse.csgraph import connected_components

    while True:
        focal, neighbor, _, index = links_of(graph)
        count, label = connected_components(_matrix(focal, neighbor, len(index)), directed=False)
        if count <= 1:
            return graph
        main = int(np.bincount(label).argmax())
        groups = [np.flatnonzero(label == g) for g in range(count) if g != main]
        graph = add_links(graph, _links_outwards(groups, points, index))


def _links_outwards(groups: list[IntArray], points: FloatArray, index: pd.Index) -> pd.DataFrame:
    """Find for each group the shortest link that leaves it; the lowest codes among equals."""
    from scipy.spatial import cKDTree

    rank = np.argsort(np.argsort(index.astype(str).to_numpy(), kind="stable"))
    chosen = []
    for members in groups:
        group = members
        outside = np.setdiff1d(np.arange(len(points)), group)
        if not len(outside):
            continue
        reach = cKDTree(points[outside]).query(points[group])[0]
        group = group[reach <= reach.min() + TIED_M]
        distance = np.linalg.norm(points[group][:, None] - points[outside][None], axis=2)
        a, b = np.nonzero(distance <= distance.min() + TIED_M)
        first = np.lexsort((rank[outside[b]], rank[group[a]]))[0]
        chosen.append((index[group[a[first]]], index[outside[b[first]]]))
    return pd.DataFrame(chosen, columns=["focal", "neighbor"])
