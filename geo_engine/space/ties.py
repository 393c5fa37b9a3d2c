"""How often random neighbors have exactly the sum of the actual ones: a bound from below.

Shares of small numbers tie in many ways: 1/2 + 1/2 and 0 + 1, 1/3 + 2/3 and 1. No frequency and no
grid separates equal sums, so they are counted apart. Values on the lattice of 1/2520, which holds
all fractions with denominators up to 10, are drawn in any way that has the same sum; values off
the lattice count only as the very same values again, in other places.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
from scipy import fft

from geo_engine.space.lattice import FRACTIONS
from geo_engine.space.sum_tables import newton_coefficients

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ComplexArray = npt.NDArray[np.complex128]


MOST_DRAWS = 8
"""Ties of more draws are rare, and counted only as the same values again."""
NEAR = 1e-9
ALLOWANCE = 1e-12
"""Rounding in the tables, taken off so that the bound stays one."""


def tied_sums(values: FloatArray, starts: IntArray, neighbors: IntArray) -> FloatArray:
    """Compute how often random neighbors certainly have the sum of the actual ones.

    Parameters
    ----------
    values : ndarray
        One for each place, in their own unit.
    starts, neighbors : ndarray of int
        Links, as in :class:`geo_engine.space.links.Links`.

    Returns
    -------
    ndarray
        Least probability of a tie; 1 without neighbors.
    """
    _, kind, times = np.unique(values, return_inverse=True, return_counts=True)
    kind, times = kind.astype(np.int64), times.astype(np.int64)
    nothing = np.full(len(values), -1, np.int64)
    steps = np.rint(values * FRACTIONS)
    on = (np.abs(values * FRACTIONS - steps) < NEAR * FRACTIONS) & (np.abs(values) <= 4)
    steps -= steps[on].min(initial=0.0)
    if on.sum() < len(values) / 10 or steps[on].max(initial=0.0) > 2 * FRACTIONS:
        return _same_again((kind, times), starts, neighbors, (nothing, np.ones((1, 1))))
    lattice = np.where(on, steps, -1).astype(np.int64)
    tables = _lattice_tables(lattice[on])
    return _same_again((kind, times), starts, neighbors, (lattice, tables))


def _lattice_tables(drawn: IntArray) -> FloatArray:
    """Give the probability of every sum of 0 to ``MOST_DRAWS`` values of the lattice."""
    most = min(MOST_DRAWS, max(1, len(drawn) // 10))
    length = fft.next_fast_len(most * int(drawn.max()) + 1, real=True)
    coefficients = newton_coefficients(len(drawn), most)
    spectrum = fft.rfft(np.bincount(drawn, minlength=length).astype(np.float64))
    terms = np.zeros((most + 1, len(spectrum)), np.complex128)
    terms[0] = 1.0
    _newton_all(spectrum, length, coefficients, terms)
    return fft.irfft(terms, length, axis=1, overwrite_x=True)


@numba.njit(cache=True, nogil=True)
def _newton_all(
    spectrum: ComplexArray, length: int, coefficients: FloatArray, terms: ComplexArray
) -> None:  # pragma: no cover
    """Compute E_k for all k."""
    half = len(spectrum)
    depth = coefficients.shape[1]
    powers = np.empty(depth, np.complex128)
    for f in range(half):
        for m in range(1, depth + 1):
            at = (m * f) % length
            powers[m - 1] = spectrum[at] if at < half else np.conj(spectrum[length - at])
        for k in range(1, terms.shape[0]):
            total = 0.0 + 0.0j
            for m in range(1, min(k, depth) + 1):
                total += coefficients[k, m - 1] * powers[m - 1] * terms[k - m, f]
            terms[k, f] = total


@numba.njit(cache=True, nogil=True)
def _same_again(
    kinds: tuple[IntArray, IntArray],
    starts: IntArray,
    neighbors: IntArray,
    by_sum: tuple[IntArray, FloatArray],
) -> FloatArray:  # pragma: no cover
    """Multiply, draw by draw, the chance of the next value and the orders it can come in."""
    kind, times = kinds
    lattice, tables = by_sum
    n = len(kind)
    on_lattice = (lattice >= 0).sum()
    chance = np.ones(n)
    drawn = np.zeros(len(times), np.int64)
    for i in range(n):
        some = neighbors[starts[i] : starts[i + 1]]
        together, total = _on_lattice(lattice, some, tables.shape[0] - 1)
        drawn[kind[i]] = 1  # its own value is not among the others
        j = 0
        for place in some:
            if together > 0 and lattice[place] >= 0:
                continue
            own = 1 if kind[place] == kind[i] else 0
            same = drawn[kind[place]]
            j += 1
            chance[i] *= (times[kind[place]] - same) / (same - own + 1.0) * j / (n - j)
            drawn[kind[place]] += 1
        drawn[kind[i]] = 0
        drawn[kind[some]] = 0
        if together > 0:
            free = on_lattice - (1 if lattice[i] >= 0 else 0)
            for d in range(together):
                j += 1
                chance[i] *= (free - d) / (d + 1.0) * j / (n - j)
            chance[i] *= _without(tables, (on_lattice, together, total), lattice[i])
    return chance


@numba.njit(cache=True, nogil=True)
def _on_lattice(
    lattice: IntArray, some: IntArray, most: int
) -> tuple[int, int]:  # pragma: no cover
    """Count the values on the lattice, and add them up; none where they are too many."""
    together = 0
    total = 0
    for place in some:
        if lattice[place] >= 0:
            together += 1
            total += lattice[place]
    return (together, total) if together <= most else (0, 0)


@numba.njit(cache=True, nogil=True)
def _without(
    tables: FloatArray, drawn: tuple[int, int, int], own: int
) -> float:  # pragma: no cover
    """Give the probability of a sum on the lattice, own value left out; a little less."""
    population, draws, total = drawn
    if own < 0:
        return max(0.0, tables[draws, total] - ALLOWANCE)
    before = 1.0 if total - draws * own == 0 else 0.0
    for k in range(1, draws + 1):
        at = total - (draws - k) * own
        share = k / population
        common = tables[k, at] if 0 <= at < tables.shape[1] else 0.0
        before = (common - share * before) / (1.0 - share)
    return max(0.0, before - ALLOWANCE)
