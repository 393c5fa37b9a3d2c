"""The links of a graph as arrays of positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numba
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
        # Labels are looked up once each, not once for every link.
        focal, neighbor = (
            places.get_indexer(level)[codes]
            for level, codes in zip(adjacency.index.levels, adjacency.index.codes, strict=True)
        )
        real = (focal != neighbor) & (adjacency.to_numpy() != 0)
        focal, neighbor = focal[real], neighbor[real]
        order = np.argsort(focal * len(places) + neighbor, kind="stable")
        neighbor = neighbor[order].astype(np.int64)
        return cls(starts=_starts(np.bincount(focal, minlength=len(places))), neighbors=neighbor)

    @cached_property
    def draws(self) -> IntArray:
        """Number of neighbors."""
        return np.diff(self.starts)

    @cached_property
    def most(self) -> int:
        """Largest number of neighbors."""
        return int(self.draws.max(initial=0))

    @cached_property
    def linked(self) -> npt.NDArray[np.bool_]:
        """Whether a place has neighbors."""
        return self.draws > 0

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
        starts, neighbors = _among(self.starts, self.neighbors, kept)
        return Links(starts=starts, neighbors=neighbors)

    @cached_property
    def weight_moments(self) -> tuple[float, float]:
        """S1 and S2 of the row-standardized weights, for the variance of Moran's I."""
        return _weight_moments(self.starts, self.neighbors)

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
        return add_up(self.starts, self.neighbors, values)

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


@numba.njit(cache=True, nogil=True)
def _among(
    starts: IntArray, neighbors: IntArray, kept: npt.NDArray[np.bool_]
) -> tuple[IntArray, IntArray]:  # pragma: no cover
    """Leave out places, and number the others anew."""
    position = np.cumsum(kept) - 1
    inside = np.empty(position[-1] + 2 if len(kept) else 1, np.int64)
    inside[0] = 0
    found = np.empty(len(neighbors), np.int64)
    links = 0
    places = 0
    for i in range(len(kept)):
        if kept[i]:
            for at in range(starts[i], starts[i + 1]):
                if kept[neighbors[at]]:
                    found[links] = position[neighbors[at]]
                    links += 1
            places += 1
            inside[places] = links
    return inside, found[:links].copy()


@numba.njit(cache=True, nogil=True)
def add_up(
    starts: IntArray, neighbors: IntArray, values: FloatArray
) -> FloatArray:  # pragma: no cover
    """Add up the neighbors of each place, in their order.

    Parameters
    ----------
    starts, neighbors : ndarray of int
        Of :class:`Links`.
    values : ndarray
        One for each place.

    Returns
    -------
    ndarray
        0 without neighbors.
    """
    sums = np.zeros(len(values))
    for i in range(len(values)):
        total = 0.0
        for at in range(starts[i], starts[i + 1]):
            total += values[neighbors[at]]
        sums[i] = total
    return sums


@numba.njit(cache=True, nogil=True)
def _weight_moments(
    starts: IntArray, neighbors: IntArray
) -> tuple[float, float]:  # pragma: no cover
    """Sum squares of w_ij + w_ji, halved, and of the sums of rows and columns."""
    n = len(starts) - 1
    columns = np.zeros(n)
    own = 0.0
    mutual = 0.0
    for i in range(n):
        draws = starts[i + 1] - starts[i]
        if draws > 0:
            own += 1.0 / draws
        for at in range(starts[i], starts[i + 1]):
            j = neighbors[at]
            columns[j] += 1.0 / draws
            there = neighbors[starts[j] : starts[j + 1]]
            found = np.searchsorted(there, i)
            if found < len(there) and there[found] == i:
                mutual += 1.0 / (draws * len(there))
    both = 0.0
    for i in range(n):
        row = 1.0 if starts[i + 1] > starts[i] else 0.0
        both += (row + columns[i]) ** 2
    return own + mutual, both
