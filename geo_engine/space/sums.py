"""The sums that local tests judge: one for each place with neighbors."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The sums to judge: one row for each place that has neighbors."""

    focal: IntArray
    """Position of the place among the values."""
    draws: IntArray
    """Number of its neighbors."""
    observed: FloatArray
    """Sum of their values, in the unit of the values."""
    tied: FloatArray
    """Probability of drawing just these values again: sums that are certainly equal."""

    def at(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Sums:
        """Select rows.

        Parameters
        ----------
        rows : ndarray
            Positions or a mask.

        Returns
        -------
        Sums
            The chosen rows.
        """
        return Sums(
            focal=self.focal[rows],
            draws=self.draws[rows],
            observed=self.observed[rows],
            tied=self.tied[rows],
        )

    @classmethod
    def joined(cls, parts: list[Sums]) -> Sums:
        """Put rows together in the order of their places.

        Parameters
        ----------
        parts : list of Sums
            At least one.

        Returns
        -------
        Sums
            All rows.
        """
        focal = np.concatenate([part.focal for part in parts])
        order = np.argsort(focal, kind="stable")
        return cls(
            focal=focal[order],
            draws=np.concatenate([part.draws for part in parts])[order],
            observed=np.concatenate([part.observed for part in parts])[order],
            tied=np.concatenate([part.tied for part in parts])[order],
        )


def same_values_again(values: FloatArray, starts: IntArray, neighbors: IntArray) -> FloatArray:
    """Compute how often random neighbors have just the values of the actual ones.

    Parameters
    ----------
    values : ndarray
        One for each place.
    starts, neighbors : ndarray of int
        Links, as in :class:`geo_engine.space.links.Links`.

    Returns
    -------
    ndarray
        Multivariate hypergeometric probabilities; 1 without neighbors. Other values can add up to
        the same sum too, so this is the least probability of a tie.
    """
    _, kind, times = np.unique(values, return_inverse=True, return_counts=True)
    return _same_again(kind.astype(np.int64), times.astype(np.int64), starts, neighbors)


@numba.njit(cache=True, nogil=True)
def _same_again(
    kind: IntArray, times: IntArray, starts: IntArray, neighbors: IntArray
) -> FloatArray:  # pragma: no cover
    """Multiply, draw by draw, the chance of the next value and the orders it can come in."""
    n = len(kind)
    chance = np.ones(n)
    drawn = np.zeros(len(times), np.int64)
    for i in range(n):
        drawn[kind[i]] = 1  # its own value is not among the others
        for at in range(starts[i], starts[i + 1]):
            own = 1 if kind[neighbors[at]] == kind[i] else 0
            same = drawn[kind[neighbors[at]]]
            j = at - starts[i] + 1
            chance[i] *= (times[kind[neighbors[at]]] - same) / (same - own + 1.0) * j / (n - j)
            drawn[kind[neighbors[at]]] += 1
        drawn[kind[i]] = 0
        for at in range(starts[i], starts[i + 1]):
            drawn[kind[neighbors[at]]] = 0
    return chance
