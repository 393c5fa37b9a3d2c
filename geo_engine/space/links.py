"""The links of a graph as arrays of positions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from libpysal.graph import Graph

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Links:
    """Neighbors by position: those of place i are ``neighbors[starts[i]:starts[i + 1]]``."""

    starts: IntArray
    neighbors: IntArray

    @classmethod
    def of(cls, graph: Graph, places: pd.Index) -> Links:
        """Give the links of a graph.

        Parameters
        ----------
        graph : libpysal.graph.Graph
            Loops and weights of zero are no links.
        places : Index
            All places of the graph, in the order of the numbers.

        Returns
        -------
        Links
            Neighbors sorted within each place.
        """
        adjacency = graph.adjacency
        focal = places.get_indexer(adjacency.index.get_level_values("focal"))
        neighbor = places.get_indexer(adjacency.index.get_level_values("neighbor"))
        real = (focal != neighbor) & (adjacency.to_numpy() != 0)
        focal, neighbor = focal[real], neighbor[real]
        neighbor = neighbor[np.lexsort((neighbor, focal))].astype(np.int64)
        return cls(starts=_starts(np.bincount(focal, minlength=len(places))), neighbors=neighbor)

    @property
    def draws(self) -> IntArray:
        """Number of neighbors."""
        return np.diff(self.starts)

    def among(self, kept: npt.NDArray[np.bool_]) -> Links:
        """Give the links between some places, numbered anew.

        Parameters
        ----------
        kept : ndarray of bool
            True for the places to keep.

        Returns
        -------
        Links
            Positions among those kept.
        """
        if kept.all():
            return self
        focal = np.repeat(np.arange(len(kept)), self.draws)
        both = kept[focal] & kept[self.neighbors]
        position = np.cumsum(kept) - 1
        draws = np.bincount(focal[both], minlength=len(kept))[kept]
        neighbors = position[self.neighbors[both]].astype(np.int64)
        return Links(starts=_starts(draws), neighbors=neighbors)

    def sums(self, values: FloatArray) -> FloatArray:
        """Add up the neighbors.

        Parameters
        ----------
        values : ndarray
            One for each place.

        Returns
        -------
        ndarray
            0 without neighbors.
        """
        sums = np.zeros(len(values))
        linked = np.flatnonzero(self.draws)
        if len(linked):
            sums[linked] = np.add.reduceat(values[self.neighbors], self.starts[linked])
        return sums

    def lag(self, values: FloatArray) -> FloatArray:
        """Average the neighbors.

        Parameters
        ----------
        values : ndarray
            One for each place.

        Returns
        -------
        ndarray
            NaN without neighbors.
        """
        draws = self.draws
        return np.where(draws > 0, self.sums(values) / np.maximum(draws, 1), np.nan)


def _starts(draws: npt.NDArray[np.integer]) -> IntArray:
    """Give where the neighbors of each place begin."""
    return np.concatenate([[0], np.cumsum(draws)]).astype(np.int64)
