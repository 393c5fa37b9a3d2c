"""Values as multiples of a quantum: without loss where they have one, on a grid elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FINEST = 1 << 24
"""Values with more steps than this between smallest and largest are taken as continuous."""
FRACTIONS = 2520
"""Least common multiple of 1 to 10."""
MANY_FRACTIONS = 0.7
"""Share of values that must be such fractions for brackets to be worth their time."""
ORDINARY = 200
"""Largest power of two whose fourth power is far from the ends of floating point."""
MOST_STEPS = 1 << 17
"""Other numbers than whole ones have a quantum only if their range is at most so many."""
MOST_DECIMALS = 6
ROUNDED, FARTHEST = 1e-15, 1e-2
"""Rounding of a number in units of the largest, and how far it may move a step at most."""
CLOSE = 1e-7
"""A value this near to a multiple, in steps of the quantum, is that multiple."""


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """The values of one map from zero up, in a unit that does not depend on theirs."""

    values: FloatArray
    """Whole numbers when ``is_lattice``; otherwise between 0 and 1."""
    is_lattice: bool
    fraction: float = 0.0
    """What 1/2520 is in the new unit, where most values are multiples of it; otherwise 0."""


def tamed(values: FloatArray) -> tuple[FloatArray, int]:
    """Bring very large or very small values near one, by a power of two: no bit changes.

    Parameters
    ----------
    values : ndarray
        Finite values.

    Returns
    -------
    values : ndarray
        Theirs times two to the power of minus the exponent; the same array where none is needed.
    exponent : int
        0 where squares and sums neither overflow nor vanish.
    """
    largest = float(np.abs(values).max(initial=0.0))
    exponent = int(np.frexp(largest)[1])
    if largest == 0 or abs(exponent) <= ORDINARY:
        return values, 0
    # In two steps, because one factor may lie outside the range of floating point.
    half = -exponent // 2
    return np.ldexp(np.ldexp(values, half), -exponent - half), exponent


def scaled(values: FloatArray) -> Scaled:
    """Find the common quantum of some values, or stretch them between 0 and 1.

    Counts, shares with few denominators and ranks have a quantum; then the values are exact whole
    numbers afterwards, and floating noise such as 1/3 + 2/3 against 1 is gone.

    Parameters
    ----------
    values : ndarray
        Finite values, not all equal.

    Returns
    -------
    Scaled
        The smallest value is 0.
    """
    smallest = float(values.min())
    shifted = values - smallest
    largest = float(shifted.max())
    whole = _whole_quantum(values)
    if whole > 0 and largest / whole <= FINEST:
        return Scaled(values=shifted / whole, is_lattice=True)
    steps = _decimals(values) if whole < 0 else None
    if steps is not None:
        return Scaled(values=steps, is_lattice=True)
    quantum = 0.0 if whole >= 0 else _quantum(np.unique(shifted), largest)
    if quantum > 0:
        steps = np.rint(shifted / quantum)
        if np.abs(shifted / quantum - steps).max() < CLOSE:
            return Scaled(values=steps, is_lattice=True)
    step = 1.0 / (FRACTIONS * largest)
    steps = shifted / largest / step
    regular = float(np.mean(np.abs(steps - np.rint(steps)) < CLOSE))
    origin = smallest * FRACTIONS
    usable = regular > MANY_FRACTIONS and abs(origin - round(origin)) < CLOSE
    return Scaled(values=shifted / largest, is_lattice=False, fraction=step if usable else 0.0)


def _decimals(values: FloatArray) -> FloatArray | None:
    """Give the steps of numbers with few decimals, whatever was added to them; None for others.

    Euclid's algorithm would enlarge the rounding that a large common part leaves.
    """
    largest = float(np.abs(values).max())
    for places in range(1, MOST_DECIMALS + 1):
        unit = 10.0**places
        noise = ROUNDED * largest * unit
        if noise > FARTHEST:
            return None
        whole = np.rint(values * unit)
        if np.abs(values * unit - whole).max() <= noise:
            steps = (whole - whole.min()) / max(_whole_quantum(whole), 1.0)
            return steps if steps.max() <= MOST_STEPS else None
    return None


@numba.njit(cache=True, nogil=True)
def _whole_quantum(values: FloatArray) -> float:  # pragma: no cover
    """Give the greatest common divisor of the differences of whole numbers; -1 for others."""
    divisor = 0
    first = values[0]
    if abs(first) >= 2.0**52:
        return -1.0
    for value in values:
        if value != np.rint(value) or abs(value) >= 2.0**52:
            return -1.0
        if divisor != 1:
            a = abs(int(value - first))
            b = divisor
            while b > 0:
                a, b = b, a % b
            divisor = a
    return float(divisor)


def _quantum(distinct: FloatArray, largest: float) -> float:
    """Compute the greatest common divisor of sorted values from 0 up; 0 when there is none."""
    # Rounding leaves some 1e-16 of the largest value in every remainder.
    noise = largest * 1e-12
    smallest = largest / MOST_STEPS
    divisor_so_far = 0.0
    for value in distinct[1:]:
        divisor_so_far = _common_divisor(float(value), divisor_so_far, noise)
        if divisor_so_far < smallest:
            return 0.0
    return largest / round(largest / divisor_so_far)


def _common_divisor(a: float, b: float, noise: float) -> float:
    """Run Euclid's algorithm on two lengths, remainders below the noise being zero."""
    while b > noise:
        remainder = a % b
        if b - remainder <= noise:
            remainder = 0.0
        a, b = b, remainder
    return a
