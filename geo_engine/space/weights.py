"""The weights of a graph as a matrix, for statistics that do not need equal weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.space.links import Links

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from scipy.sparse import csr_array

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Scaling = Literal["as_given", "binary", "row"]


@dataclass(frozen=True)
class Weights:
    """Weights between positions, without any of a place with itself."""

    matrix: csr_array

    @classmethod
    def of(cls, graph: Graph, places: pd.Index) -> Weights:
        """Give the weights of a graph.

        Parameters
        ----------
        graph : libpysal.graph.Graph
            Loops and weights of zero are left out.
        places : Index
            All places of the graph, in the order of the numbers.

        Returns
        -------
        Weights
            Neighbors sorted within each place.
        """
        from scipy.sparse import csr_array

        adjacency = graph.adjacency
        focal = places.get_indexer(adjacency.index.get_level_values("focal"))
        neighbor = places.get_indexer(adjacency.index.get_level_values("neighbor"))
        weight = adjacency.to_numpy().astype(np.float64)
        real = (focal != neighbor) & (weight != 0)
        n = len(places)
        matrix = csr_array((weight[real], (focal[real], neighbor[real])), shape=(n, n))
        matrix.sort_indices()
        return cls(matrix)

    def among(self, kept: npt.NDArray[np.bool_]) -> Weights:
        """Give the weights between some places, numbered anew.

        Parameters
        ----------
        kept : ndarray of bool
            True for the places to keep.

        Returns
        -------
        Weights
            As given: a scaling by rows is done afterwards, over the neighbors that are left.
        """
        return self if kept.all() else Weights(self.matrix[kept][:, kept])

    def scaled(self, scaling: Scaling) -> Weights:
        """Scale the weights.

        Parameters
        ----------
        scaling : {"as_given", "binary", "row"}
            Nothing; 1 for each neighbor; or a sum of 1 for each place with neighbors.

        Returns
        -------
        Weights
            Of the same links.
        """
        if scaling == "as_given":
            return self
        matrix = self.matrix.copy()
        if scaling == "binary":
            matrix.data = np.ones_like(matrix.data)
        else:
            matrix.data = matrix.data / np.repeat(np.maximum(self.sums, 1e-300), self.draws)
        return Weights(matrix)

    @cached_property
    def draws(self) -> IntArray:
        """Number of neighbors."""
        return np.diff(self.matrix.indptr).astype(np.int64)

    @cached_property
    def sums(self) -> FloatArray:
        """Sum of the weights of each place."""
        return np.asarray(self.matrix.sum(axis=1)).ravel()

    @cached_property
    def squares(self) -> FloatArray:
        """Sum of the squared weights of each place."""
        return np.asarray(self.matrix.power(2).sum(axis=1)).ravel()

    @cached_property
    def is_equal_in_rows(self) -> bool:
        """Whether each place weighs its neighbors alike: the exact tests need that."""
        spread = self.draws * self.squares - self.sums**2
        return bool((np.abs(spread) <= 1e-10 * np.maximum(self.sums**2, 1e-300)).all())

    def lag(self, values: FloatArray) -> FloatArray:
        """Average the neighbors by weight.

        Parameters
        ----------
        values : ndarray
            One for each place.

        Returns
        -------
        ndarray
            NaN without neighbors.
        """
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.draws > 0, self.matrix @ values / self.sums, np.nan)

    def links(self, focal: npt.NDArray[np.bool_] | None = None) -> Links:
        """Give the links without their weights.

        Parameters
        ----------
        focal : ndarray of bool, optional
            Keep the neighbors of these places only; the others have none.

        Returns
        -------
        Links
            As the exact tests take them.
        """
        draws, neighbors = self.draws, self.matrix.indices.astype(np.int64)
        if focal is not None:
            neighbors = neighbors[np.repeat(focal, draws)]
            draws = np.where(focal, draws, 0)
        starts = np.concatenate([[0], np.cumsum(draws)]).astype(np.int64)
        return Links(starts=starts, neighbors=neighbors)
