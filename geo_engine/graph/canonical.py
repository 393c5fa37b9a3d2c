"""The one form of a graph: libpysal's, in the order of the places, isolates as loops of zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import StatisticsError

if TYPE_CHECKING:
    from libpysal.graph import Graph

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def check_index(index: pd.Index) -> None:
    """Raise when places repeat.

    Parameters
    ----------
    index : Index
        Codes of the places.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH``.
    """
    if not index.is_unique:
        repeated = int(index.duplicated().sum())
        raise StatisticsError(
            "INDEX_MISMATCH", f"{repeated} places repeat in the index; dissolve or drop them."
        )


def build_graph(focal: IntArray, neighbor: IntArray, weight: FloatArray, index: pd.Index) -> Graph:
    """Build a graph from links between positions.

    Parameters
    ----------
    focal, neighbor : ndarray of int
        Positions in ``index``; no loops, no link twice.
    weight : ndarray
        One for each link.
    index : Index
        Unique; the graph is in this order.

    Returns
    -------
    libpysal.graph.Graph
        Sorted by focal and neighbor in the order of ``index``; a place without a link has a loop
        of weight zero, which is libpysal's sign of an isolate.
    """
    from libpysal.graph import Graph

    alone = np.setdiff1d(np.arange(len(index)), focal)
    focal, neighbor = np.concatenate([focal, alone]), np.concatenate([neighbor, alone])
    weight = np.concatenate([weight, np.zeros(len(alone))])
    order = np.lexsort((neighbor, focal))
    # Codes are given, not found again: hashing 46,000 pairs of names takes longer than the links.
    pairs = pd.MultiIndex(
        levels=[index, index],
        codes=[focal[order], neighbor[order]],
        names=["focal", "neighbor"],
        verify_integrity=False,
    )
    return Graph(pd.Series(weight[order], index=pairs, name="weight"), is_sorted=True)


def links_of(graph: Graph) -> tuple[IntArray, IntArray, FloatArray, pd.Index]:
    """Give the links of a graph as positions in its own order.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Any graph.

    Returns
    -------
    focal, neighbor : ndarray of int
        Without loops and links of weight zero.
    weight : ndarray
        One for each link.
    index : Index
        The places.
    """
    index = pd.Index(graph.unique_ids)
    adjacency = graph.adjacency
    focal = index.get_indexer(adjacency.index.get_level_values("focal")).astype(np.int64)
    neighbor = index.get_indexer(adjacency.index.get_level_values("neighbor")).astype(np.int64)
    weight = adjacency.to_numpy().astype(np.float64)
    real = (focal != neighbor) & (weight != 0)
    return focal[real], neighbor[real], weight[real], index
