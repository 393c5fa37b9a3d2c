"""What is known of the p-values of one map while they are being computed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo_engine.space.bounds import SMALLEST_P, Bounds
from geo_engine.space.sum_tables import NOISE
from geo_engine.space.sums import Sums
from geo_engine.tables import TAIL_METHODS

FloatArray = npt.NDArray[np.float64]

INTEREST = 0.005
"""Level of the number of places that chance alone would have marked."""
NONE, EXACT, GRID, MONTE_CARLO = range(len(TAIL_METHODS))


@dataclass(frozen=True, kw_only=True)
class Tails:
    """P-values of one map, one for each of its values."""

    p_value: FloatArray
    """Ties counted; NaN without neighbors."""
    p_error: FloatArray
    """Bound of how far below the exact p-value lies; two standard errors for random draws."""
    method: npt.NDArray[np.int8]
    """Codes of ``tables.TAIL_METHODS``."""
    expected_of_interest: float
    """Number of places that chance alone leaves at p < 0.005."""


class Record:
    """Where each method writes what it found."""

    def __init__(self, floor: FloatArray) -> None:
        self.floor = floor
        self.p, self.error = np.full(len(floor), np.nan), np.full(len(floor), np.nan)
        self.method = np.zeros(len(floor), np.int8)
        self.low, self.high = np.zeros(len(floor)), np.full(len(floor), np.inf)
        self.attainable = np.full(len(floor), INTEREST)
        self.relative = np.zeros(len(floor), np.bool_)

    def settle(
        self, sums: Sums, p: FloatArray | float, error: FloatArray | float, method: int
    ) -> None:
        """Write the result of some places.

        Parameters
        ----------
        sums : Sums
            The places.
        p, error : ndarray or float
            What was found.
        method : int
            How.
        """
        self.p[sums.focal] = p
        self.error[sums.focal] = error
        self.method[sums.focal] = method

    def weigh(self, sums: Sums, found: Bounds, noise: FloatArray | float = NOISE) -> Bounds:
        """Write what was found, narrowed by what was known.

        Parameters
        ----------
        sums : Sums
            The places.
        found : Bounds
            Certain bounds of their p-values.
        noise : ndarray or float
            What rounding in the transforms may have added to either end.

        Returns
        -------
        Bounds
            The narrowest of all methods, which are certain too.
        """
        before = self.low[sums.focal], self.high[sums.focal]
        if found.exact:
            # A p-value is never too small, and noise has no sign.
            best = replace(found, high=np.minimum(found.high + noise, 1.0))
        else:
            best = replace(
                found,
                low=np.maximum(found.low - noise, before[0]),
                high=np.minimum(np.minimum(found.high + noise, 1.0), before[1]),
            )
        self.low[sums.focal], self.high[sums.focal] = best.low, best.high
        error = 2 * np.asarray(noise) if found.exact else best.error
        self.settle(sums, best.high, error, EXACT if best.exact else GRID)
        return best

    def is_below(self, sums: Sums) -> npt.NDArray[np.bool_]:
        """Tell where the other test's p-value is known to be at least as large.

        Parameters
        ----------
        sums : Sums
            The places.

        Returns
        -------
        ndarray of bool
            For each place.
        """
        return self.high[sums.focal] <= self.floor[sums.focal]

    def is_near(self, sums: Sums) -> npt.NDArray[np.bool_]:
        """Tell where the bounds found so far are within the relative tolerance.

        Parameters
        ----------
        sums : Sums
            The places.

        Returns
        -------
        ndarray of bool
            False where nothing was found yet.
        """
        low, high = self.low[sums.focal], self.high[sums.focal]
        return np.isfinite(high) & Bounds(low=low, high=high, exact=False).near

    def tails(self) -> Tails:
        """Close the record.

        Returns
        -------
        Tails
            P-values that rounding may have hidden stand at ``SMALLEST_P``.
        """
        p = np.where(self.relative, self.p, np.clip(self.p, SMALLEST_P, 1.0))
        tested = self.method != NONE
        return Tails(
            p_value=p,
            p_error=np.where(p > self.p, np.maximum(self.error, p), self.error),
            method=self.method,
            expected_of_interest=float(self.attainable[tested].sum()),
        )
