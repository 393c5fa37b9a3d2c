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
"""Rounding hides smaller p-values: this value means "at most"."""
RELATIVE_TOLERANCE = 0.02
ABSOLUTE_TOLERANCE = 5e-3
"""A grid is fine enough where its error is below both, the first being relative to p."""
RESOLVED = 0.1
"""Largest rounding of a sum, in units of the spread of values, at which two grids compare."""
TIED_STEPS = 1e-6
"""Sums nearer than this, in steps, are equal: floats add up with some 1e-16 of noise."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The values of one map, from zero up."""

    values: FloatArray
    is_lattice: bool
    """Whether they are whole numbers."""

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
        return turned, replace(sums, observed=np.maximum(sums.draws * top - sums.observed, 0.0))


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """P-values that are at least ``low`` and at most ``high``."""

    low: FloatArray
    high: FloatArray
    exact: bool
    """There was no rounding: the bounds are one."""
    resolved: npt.NDArray[np.bool_]
    """Where the rounding of a sum is small against the spread of the values."""

    def error(self, coarser: FloatArray) -> FloatArray:
        """Give how far the true p-value can lie below ``high``.

        Parameters
        ----------
        coarser : ndarray
            ``high`` on a grid at least four times coarser; infinite where there was none.

        Returns
        -------
        ndarray
            The distance of the bounds, which is certain, where it is small enough. Otherwise, if
            it is less and the grid resolves the values, the change since the coarser grid: only
            sums that are really tied stay between the bounds when the step shrinks, the others
            leave in proportion to it. That is an estimate.
        """
        distance = self.high - self.low
        change = np.where(self.resolved, np.abs(coarser - self.high), np.inf)
        return np.where(distance <= self._allowed, distance, np.minimum(distance, change))

    def settled(self, coarser: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell where the error is small enough.

        Parameters
        ----------
        coarser : ndarray
            As for :meth:`error`.

        Returns
        -------
        ndarray of bool
            True where no finer grid is needed.
        """
        return self.exact | (self.error(coarser) <= self._allowed) | (self.high <= SMALLEST_P)

    @property
    def _allowed(self) -> FloatArray:
        """Give the largest error that is small enough."""
        return np.minimum(RELATIVE_TOLERANCE * self.high, ABSOLUTE_TOLERANCE)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Values as whole steps, and how much was rounded."""

    steps: IntArray
    step: float
    exact: bool
    slack: float
    """Largest rounding of one value, in steps."""
    spread: float
    """Range of the central nine tenths of the values that are not the commonest one."""

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
        spread = 0.0 if exact else _spread(drawn)
        return cls(steps=steps.astype(np.int64), step=step, exact=exact, slack=slack, spread=spread)

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
            One p-value for each sum.
        """
        high = 2 * np.minimum(tails[:, 0], 1 - tails[:, 1])
        low = high if self.exact else 2 * np.minimum(tails[:, 2], 1 - tails[:, 3])
        resolved = sums.draws * self.slack * self.step <= RESOLVED * self.spread
        return Bounds(
            low=np.clip(low, 0.0, 1.0),
            high=np.clip(high, 0.0, 1.0),
            exact=self.exact,
            resolved=resolved,
        )


def _spread(values: FloatArray) -> float:
    """Measure how far values lie apart, whatever the largest and the commonest are."""
    distinct, times = np.unique(values, return_counts=True)
    commonest = distinct[np.argmax(times)]
    others = values[values != commonest]
    if not len(others):
        return 0.0
    low, high = np.quantile(others, [0.05, 0.95])
    return float(high - low)
