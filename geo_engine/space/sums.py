"""The sums that local tests judge: one for each place with neighbors."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Probability of sums that are certainly equal, such as the same values in other places."""
    side: npt.NDArray[np.int8]
    """1 where only large sums count, -1 where only small ones do, 0 for both."""

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
            side=self.side[rows],
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
            side=np.concatenate([part.side for part in parts])[order],
        )

    def combined(self, lower: FloatArray, upper: FloatArray) -> FloatArray:
        """Turn two tails into the p-values asked for.

        Parameters
        ----------
        lower, upper : ndarray
            P(sum <= observed) and P(sum >= observed), or bounds of them.

        Returns
        -------
        ndarray
            Twice the smaller tail, or the one on the side asked for; from 0 to 1.
        """
        both = 2 * np.minimum(lower, upper)
        if self.side.any():
            both = np.where(self.side > 0, upper, np.where(self.side < 0, lower, both))
        return np.clip(both, 0.0, 1.0)
