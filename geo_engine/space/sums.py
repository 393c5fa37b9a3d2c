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
        return Sums(focal=self.focal[rows], draws=self.draws[rows], observed=self.observed[rows])

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
        )
