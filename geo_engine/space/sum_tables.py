"""How the sum of a few values drawn without replacement is distributed, for a whole map at once.

The number of k-subsets with a given sum is a coefficient of the elementary symmetric polynomial
e_k of u_j = exp(i t q_j), q_j being the values as integers. Newton's identities give e_k from the
power sums, and every power sum is the same Fourier transform of the histogram, read at a multiple
of the frequency. One inverse transform for each k gives its table of lower tails.

A place is never its own neighbor. The tails without its own value q follow from the common
tables by a recurrence over k, because a k-subset holds it (k out of n times) or does not:
F_k(s) = (1 - k/n) F'_k(s) + k/n F'_{k-1}(s - q).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import fft

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ComplexArray = npt.NDArray[np.complex128]

NOISE = 2e-13
"""Bound of what rounding in the transforms adds to a two-sided p-value."""
SMALL_RANGE = 4096
"""Sums below this need no search for the window that holds their probability."""
BLOCK = 2048
"""Frequencies worked on at a time: what fits the cache of a core."""
LOG_NEGLIGIBLE = -37.5
"""Logarithm of the probability (5e-17) that a window may leave outside on each side."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """For which places which lower tails are wanted."""

    draws: IntArray
    """Number of neighbors of each place, from 1."""
    own: IntArray
    """The place's own value on the grid, which its neighbors cannot have drawn."""
    thresholds: IntArray
    """Sums up to which to cumulate; one row for each place."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Lower tails, and what chance alone can reach."""

    tails: FloatArray
    """P(sum <= threshold), in the shape of the thresholds."""
    attainable: FloatArray | None
    """By number of draws: the largest two-sided probability below the level that can occur."""


def sum_window(values: npt.NDArray[np.number], draws: int) -> tuple[FloatArray, FloatArray]:
    """Bound where the sums of 0, 1, ..., ``draws`` values lie, but for a negligible probability.

    Parameters
    ----------
    values : ndarray
        Values that can be drawn, >= 0.
    draws : int
        Largest number of draws.

    Returns
    -------
    low, high : ndarray
        Bounds by number of draws. The probability outside is below 1e-16 by Chernoff's bound,
        which holds without replacement too (Hoeffding 1963, theorem 4).
    """
    count = np.arange(draws + 1)
    top = np.sort(values)[::-1][:draws].astype(np.float64)
    high = np.zeros(draws + 1)
    high[1 : len(top) + 1] = np.cumsum(top)
    high[len(top) + 1 :] = high[len(top)]
    low = np.zeros(draws + 1)
    spread = float(np.std(values))
    if spread == 0 or (high[-1] <= SMALL_RANGE and np.issubdtype(values.dtype, np.integer)):
        return low, high
    distinct, times = np.unique(values, return_counts=True)
    share = times / times.sum()
    largest = float(distinct[-1])
    for rate in np.geomspace(0.1 / np.sqrt(draws), 60.0, 28) / spread:
        rising = np.log(share @ np.exp(rate * (distinct - largest))) + rate * largest
        falling = np.log(share @ np.exp(-rate * distinct))
        high = np.minimum(high, (count * rising - LOG_NEGLIGIBLE) / rate)
        low = np.maximum(low, (LOG_NEGLIGIBLE - count * falling) / rate)
    return np.minimum(low, high), high


def lower_tails(
    drawn: IntArray, population: int, questions: Questions, level: float | None = None
) -> Answers:
    """Compute P(sum <= threshold) for sums of draws without replacement, own value left out.

    Parameters
    ----------
    drawn : ndarray of int
        Values >= 0 on the grid. Values above every threshold may be left out: they cannot be part
        of a sum that counts.
    population : int
        Number of values in the map, those left out included.
    questions : Questions
        What to compute; draws are at most a tenth of the population.
    level : float, optional
        Two-sided level for ``attainable``; it needs all values.

    Returns
    -------
    Answers
        Tails with an absolute error below ``NOISE``.
    """
    most = int(questions.draws.max())
    low, high = sum_window(drawn, most)
    first = np.maximum(np.floor(low).astype(np.int64) - 1, 0)
    length = fft.next_fast_len(int((np.ceil(high) - first).max()) + 2, real=True)
    newton = _Newton.over(drawn, population, most, length)
    # By falling number of draws, so that those still waiting are always the first rows.
    order = np.argsort(-questions.draws, kind="stable")
    draws, own = questions.draws[order], questions.own[order]
    thresholds = questions.thresholds[order]
    tails = np.zeros(thresholds.shape)
    attainable = None if level is None else np.full(most + 1, level)
    complete = len(drawn) == population
    # What a place's own value adds shrinks by k/n for each step back: older tables do not matter.
    begin = max(1, int(draws[-1]) - newton.depth)
    for k in range(1, most + 1):
        newton.advance(k)
        if k < begin:
            continue
        cumulated = _cumulate(newton.table(k), int(first[k]) % length)
        waiting = int(np.searchsorted(-draws, -k, side="right"))
        share = 0.0 if k == begin and k > 1 else k / population
        _fold(
            tails[:waiting],
            thresholds[:waiting],
            draws[:waiting],
            own[:waiting],
            cumulated,
            (k, int(first[k]), share),
        )
        if attainable is not None and complete:
            attainable[k] = _attainable(cumulated, float(attainable[0]))
    answer = np.empty_like(tails)
    answer[order] = tails
    return Answers(tails=answer, attainable=attainable)


@dataclass(frozen=True, kw_only=True)
class _Newton:
    """Newton's identities at every frequency, with a ring of the last polynomials."""

    population: int
    length: int
    depth: int
    powers: ComplexArray
    """Power sums p_1, p_2, ... by frequency."""
    ring: ComplexArray
    """e_k / C(n, k) by frequency, in row k modulo the depth + 1."""

    @classmethod
    def over(cls, drawn: IntArray, population: int, draws: int, length: int) -> _Newton:
        """Prepare the power sums of the drawn values."""
        ratio = draws / population
        depth = min(draws, int(np.ceil(np.log(1e-17) / np.log(ratio))) + 1)
        histogram = np.bincount(drawn % length, minlength=length)
        spectrum = fft.fft(histogram.astype(np.float64))
        frequency = np.arange(length // 2 + 1)
        powers = np.empty((depth, len(frequency)), np.complex128)
        for m in range(1, depth + 1):
            powers[m - 1] = spectrum[(m * frequency) % length]
        ring = np.zeros((depth + 1, len(frequency)), np.complex128)
        ring[0] = 1.0
        return cls(population=population, length=length, depth=depth, powers=powers, ring=ring)

    def advance(self, k: int) -> None:
        """Compute e_k from the earlier ones."""
        m = np.arange(1, min(k, self.depth) + 1)
        sizes = np.cumprod((k - m + 1) / (self.population - k + m)) / k
        # A power sum is at most the population, and e_k / C(n, k) at most one.
        needed = sizes * self.population > 1e-17
        coefficients = np.where(m % 2 == 1, sizes, -sizes)[needed]
        _newton_step(k, coefficients, self.powers, self.ring)

    def table(self, k: int) -> FloatArray:
        """Give the probability of every sum modulo the length."""
        return fft.irfft(self.ring[k % len(self.ring)], self.length)


def _attainable(cumulated: FloatArray, level: float) -> float:
    """Give the largest probability of a two-sided p-value below the level."""
    below = cumulated[2 * cumulated < level]
    above = 1.0 - cumulated[2 * (1.0 - cumulated) < level]
    lower = float(below.max(initial=0.0))
    upper = float(above.max(initial=0.0))
    return max(lower, 0.0) + max(upper, 0.0)


@numba.njit(cache=True, nogil=True)
def _newton_step(
    k: int, coefficients: FloatArray, powers: ComplexArray, ring: ComplexArray
) -> None:  # pragma: no cover
    """Set row k of the ring."""
    rows = ring.shape[0]
    # With one row more than terms, the target is never one of the sources.
    target = ring[k % rows]
    for begin in range(0, target.shape[0], BLOCK):
        end = min(begin + BLOCK, target.shape[0])
        for m in range(1, len(coefficients) + 1):
            source = ring[(k - m) % rows]
            c = coefficients[m - 1]
            if m == 1:
                for f in range(begin, end):
                    target[f] = c * powers[0, f] * source[f]
            else:
                for f in range(begin, end):
                    target[f] += c * powers[m - 1, f] * source[f]


@numba.njit(cache=True, nogil=True)
def _cumulate(table: FloatArray, start: int) -> FloatArray:  # pragma: no cover
    """Cumulate a periodic table from where its window starts."""
    length = len(table)
    cumulated = np.empty(length)
    total = 0.0
    for i in range(length):
        j = start + i
        if j >= length:
            j -= length
        total += table[j]
        cumulated[i] = total
    return cumulated


@numba.njit(cache=True, nogil=True)
def _fold(
    tails: FloatArray,
    thresholds: IntArray,
    draws: IntArray,
    own: IntArray,
    cumulated: FloatArray,
    step: tuple[int, int, float],
) -> None:  # pragma: no cover
    """Carry the tails without the own value from k - 1 to k draws."""
    k, first, share = step
    length = len(cumulated)
    for i in range(tails.shape[0]):
        for c in range(tails.shape[1]):
            s = thresholds[i, c] - (draws[i] - k) * own[i]
            at = s - first
            common = 0.0
            if at >= length:
                common = cumulated[length - 1]
            elif at >= 0:
                common = cumulated[at]
            before = tails[i, c]
            if k == 1:
                before = 1.0 if s - own[i] >= 0 else 0.0
            tails[i, c] = (common - share * before) / (1.0 - share)
