"""P-values from sums that are rounded to a grid: bounds, and when they are near enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo_engine.space.sums import Sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SMALLEST_P = 1e-12
"""Rounding in transforms hides smaller p-values: where nothing better is known, this is an upper
bound."""
RELATIVE_TOLERANCE = 0.02
"""An error above this share of p calls for a finer look."""
ABSOLUTE_TOLERANCE = 1e-4
"""And so does one above this, where p exceeds a hundredth."""
TIED_STEPS = 1e-6
"""Sums nearer than this, in steps, are equal: floats add up with some 1e-16 of noise."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The values of one map, from zero up."""

    values: FloatArray
    is_lattice: bool
    """Whether they are whole numbers."""
    fraction: float = 0.0
    """What 1/2520 is in their unit, where many of them are multiples of it; otherwise 0."""

    def reflected(self, sums: Sums) -> tuple[Chart, Sums]:
        """Turn large into small, because what is rare at the bottom is cheap to resolve.

        Parameters
        ----------
        sums : Sums
            Sums of these values.

        Returns
        -------
        Chart, Sums
            The same questions about ``max - values``.
        """
        top = float(self.values.max())
        turned = replace(self, values=top - self.values)
        observed = np.maximum(sums.draws * top - sums.observed, 0.0)
        return replace(turned, fraction=0.0), replace(sums, observed=observed, side=-sums.side)

    def is_low(self, sums: Sums) -> npt.NDArray[np.bool_]:
        """Tell which sums are nearer to the smallest possible than to the largest.

        Parameters
        ----------
        sums : Sums
            Sums of these values.

        Returns
        -------
        ndarray of bool
            For each sum.
        """
        return sums.observed <= sums.draws * float(self.values.max()) / 2


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """P-values that are at least ``low`` and at most ``high``."""

    low: FloatArray
    high: FloatArray
    exact: bool
    """There was no rounding: the bounds are one."""

    def at(self, rows: npt.NDArray[np.bool_]) -> Bounds:
        """Select rows.

        Parameters
        ----------
        rows : ndarray of bool
            Which ones.

        Returns
        -------
        Bounds
            The chosen rows.
        """
        return replace(self, low=self.low[rows], high=self.high[rows])

    @property
    def error(self) -> FloatArray:
        """How far the true p-value can lie below ``high``."""
        return self.high - self.low

    @property
    def settled(self) -> npt.NDArray[np.bool_]:
        """Where the error is within both tolerances, and no finer look is needed."""
        large = (self.high > 0.01) & (self.error > ABSOLUTE_TOLERANCE)
        return self.near & (self.exact | ~large)

    @property
    def near(self) -> npt.NDArray[np.bool_]:
        """Where it is within the relative tolerance."""
        small = self.error <= RELATIVE_TOLERANCE * self.high
        return self.exact | small | (self.high <= SMALLEST_P)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Values as whole steps, and how much was rounded."""

    steps: IntArray
    step: float
    exact: bool
    slack: float
    """Largest rounding of one value, in steps."""

    @classmethod
    def over(cls, chart: Chart, drawn: FloatArray, step: float) -> Grid:
        """Round values to steps.

        Parameters
        ----------
        chart : Chart
            Where they come from; a lattice keeps whole multiples of its quantum.
        drawn : ndarray
            Those of its values that can be part of a sum that counts.
        step : float
            Smallest step that the tables have room for.

        Returns
        -------
        Grid
            Without any rounding where a lattice fits.
        """
        if chart.is_lattice:
            step = max(1.0, math.ceil(step))
        elif step <= 0:
            step = 1e-6
        steps = np.rint(drawn / step)
        exact = chart.is_lattice and step == 1.0
        slack = 0.0 if exact else float(np.abs(drawn / step - steps).max(initial=0.0))
        return cls(steps=steps.astype(np.int64), step=step, exact=exact, slack=slack)

    def limits(self, sums: Sums) -> IntArray:
        """Give the steps up to which tails are cumulated.

        Parameters
        ----------
        sums : Sums
            What was observed.

        Returns
        -------
        ndarray of int
            For each sum s: the last step at most s and the last one below s; on a grid, first as
            far as rounding may reach, then as near.
        """
        at = sums.observed / self.step
        if self.exact:
            whole = np.rint(at)
            return np.column_stack([whole, whole - 1]).astype(np.int64)
        slack = sums.draws * self.slack + TIED_STEPS
        far, near = np.floor(at + slack), np.ceil(at - slack)
        return np.column_stack([far, near - 1, near - 1, far]).astype(np.int64)

    def bounds(self, tails: FloatArray, sums: Sums) -> Bounds:
        """Turn lower tails at the limits into two-sided p-values.

        Parameters
        ----------
        tails : ndarray
            P(sum <= limit), in the shape of the limits.
        sums : Sums
            What was observed.

        Returns
        -------
        Bounds
            One p-value for each sum, on the sides asked for.
        """
        high = sums.combined(tails[:, 0], 1 - tails[:, 1])
        if self.exact:
            return Bounds(low=high, high=high, exact=True)
        # The values drawn again are a tie on every grid, and lie between near and far.
        low = sums.combined(tails[:, 2] + sums.tied, 1 - tails[:, 3] + sums.tied)
        return Bounds(low=low, high=high, exact=False)
