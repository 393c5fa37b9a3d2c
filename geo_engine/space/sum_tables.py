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

from geo_engine.space.chernoff import sum_window
from geo_engine.space.running_sums import cumulate_rows

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ComplexArray = npt.NDArray[np.complex128]

NOISE = 2e-13
"""Bound of what rounding in the transforms adds to a two-sided p-value."""
BLOCK = 256
"""Frequencies worked on at a time: what fits the cache of a core."""
CHUNK = 1 << 19
"""Table entries held at a time."""
DAMPING = 20.7
"""Logarithm of how much a sum one table length too large is damped (1e-9)."""
ROOM = 1.25
"""Length of a damped table, in units of the largest threshold."""
GROWN = 5e-16
"""Rounding of an entry before the damping is undone; at most 1e-16 was seen."""
DEEPEST = 1e-17
"""Steps back in k that weigh less than this are left out."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """For which places which lower tails are wanted."""

    draws: IntArray
    """Number of neighbors of each place, from 1."""
    own: IntArray
    """The place's own value on the grid, which its neighbors cannot have drawn."""
    thresholds: IntArray
    """Sums up to which to cumulate; one row for each place."""
    level: float | None = None
    """Two-sided level for ``attainable``; it needs all values."""
    reach: int | None = None
    """Largest threshold. When given, tables end a little above, and larger sums are damped."""
    negligible: float = DEEPEST
    """Terms and steps back in k that weigh less than this are left out."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Lower tails, and what chance alone can reach."""

    tails: FloatArray
    """P(sum <= threshold), in the shape of the thresholds."""
    attainable: FloatArray | None
    """By number of draws: the largest two-sided probability below the level that can occur."""
    noise: float | FloatArray
    """Bound of the error of a two-sided p-value; one for each place, or for all."""


def lower_tails(drawn: IntArray, population: int, questions: Questions) -> Answers:
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

    Returns
    -------
    Answers
        Tails, and a bound of what rounding adds to them.

    Notes
    -----
    Damping multiplies value q by r^q with r < 1, and sum s of the table by r^-s. What a periodic
    table adds from sums s + L is then damped by r^L, whatever their number.
    """
    most = int(questions.draws.max())
    first, length, rate = _layout(drawn, most, questions)
    coefficients = newton_coefficients(population, most, questions.negligible)
    depth = coefficients.shape[1]
    histogram = np.bincount(drawn % length, minlength=length)
    spectra = fft.rfft(_damped(histogram, rate, depth if rate > 0 else 1), axis=1)
    # By rising number of draws, so that those that a row concerns are neighbors in memory.
    order = np.argsort(questions.draws, kind="stable")
    draws, own = questions.draws[order], questions.own[order]
    thresholds = questions.thresholds[order]
    tails = np.zeros(thresholds.shape)
    attainable = None if questions.level is None else np.full(most + 1, questions.level)
    growth = np.exp(rate * np.arange(length))
    rows = rows_needed(draws, depth)
    per_chunk = max(1, CHUNK // length)
    ring = np.zeros((depth + 1, length // 2 + 1), np.complex128)
    ring[0] = 1.0
    for begin in range(0, len(rows), per_chunk):
        some = rows[begin : begin + per_chunk]
        start = 1 if begin == 0 else int(rows[begin - 1]) + 1
        terms = np.empty((len(some), length // 2 + 1), np.complex128)
        newton_rows(spectra, length, coefficients, (start, some), (ring, terms))
        tables = fft.irfft(terms, length, axis=1, overwrite_x=True)
        cumulate_rows(tables, first[some] % length, growth)
        _fold_rows(
            tails, (thresholds, draws, own), tables, (some, first[some]), (population, depth)
        )
        if attainable is not None and len(drawn) == population:
            _attainable_rows(tables, some, attainable)
    answer = np.empty_like(tails)
    answer[order] = tails
    noise: float | FloatArray = NOISE
    if rate > 0:
        reached = np.maximum(questions.thresholds.max(axis=1), 0)
        noise = 4 * np.exp(-DAMPING) + 2 * GROWN * np.exp(rate * reached)
    return Answers(tails=answer, attainable=attainable, noise=noise)


def _layout(drawn: IntArray, most: int, questions: Questions) -> tuple[IntArray, int, float]:
    """Give where each table begins, how long they are, and the rate of damping."""
    if questions.reach is not None:
        length = fft.next_fast_len(int(ROOM * questions.reach) + 4, real=True)
        return np.zeros(most + 1, np.int64), length, DAMPING / length
    low, high = sum_window(drawn, most, max(questions.negligible, 5e-17))
    first = np.maximum(np.floor(low).astype(np.int64) - 1, 0)
    return first, fft.next_fast_len(int((np.ceil(high) - first).max()) + 2, real=True), 0.0


def newton_coefficients(population: int, draws: int, negligible: float = DEEPEST) -> FloatArray:
    """Give the signed coefficients of Newton's identities for E_k = e_k / C(n, k).

    Parameters
    ----------
    population : int
        Number of values n.
    draws : int
        Largest k.
    negligible : float
        Terms that can contribute less than this are left out.

    Returns
    -------
    ndarray
        Row k, column m - 1: (-1)^(m-1) (k-1)...(k-m+1) / ((n-k+1)...(n-k+m)); 0 beyond the last
        term that counts. A power sum is at most n, and E_k at most one.
    """
    depth = draws
    if 1 < draws < population:
        steps = np.ceil(np.log(negligible) / np.log(draws / population))
        depth = min(draws, int(steps) + 1)
    table = np.zeros((draws + 1, depth))
    _fill_coefficients(table, population, negligible)
    return table


@numba.njit(cache=True, nogil=True)
def _fill_coefficients(
    table: FloatArray, population: int, negligible: float
) -> None:  # pragma: no cover
    """Multiply the ratios of binomial coefficients."""
    for k in range(1, table.shape[0]):
        size = 1.0 / k
        sign = 1.0
        for m in range(1, min(k, table.shape[1]) + 1):
            size *= (k - m + 1.0) / (population - k + m)
            if size * population > negligible:
                table[k, m - 1] = sign * size
            sign = -sign


def rows_needed(draws: IntArray, depth: int) -> IntArray:
    """Give the numbers of draws whose tables some place reads.

    Parameters
    ----------
    draws : ndarray of int
        Rising.
    depth : int
        Steps back that a place reads.

    Returns
    -------
    ndarray of int
        Rising, from one.
    """
    needed = np.zeros(int(draws[-1]) + 1, np.bool_)
    for k in np.flatnonzero(np.bincount(draws)):
        needed[max(1, k - depth + 1) : k + 1] = True
    return np.flatnonzero(needed).astype(np.int64)


@numba.njit(cache=True, nogil=True)
def newton_rows(
    spectra: ComplexArray,
    length: int,
    coefficients: FloatArray,
    wanted: tuple[int, IntArray],
    kept: tuple[ComplexArray, ComplexArray],
) -> None:  # pragma: no cover
    """Carry E_k from ``start`` to the last row wanted, block by block of frequencies.

    Parameters
    ----------
    spectra : ndarray of complex
        Transform of the histogram; one for each power where values are damped.
    length : int
        Entries of a table.
    coefficients : ndarray
        From :func:`newton_coefficients`.
    wanted : tuple
        First k to compute, and the rising k whose rows are wanted.
    kept : tuple of ndarray of complex
        Ring of the last E_k, carried on; and where the rows go.
    """
    start, rows = wanted
    ring, terms = kept
    half = spectra.shape[1]
    near = np.empty((2, coefficients.shape[1], BLOCK))
    past = np.empty((2, ring.shape[0], BLOCK))
    for begin in range(0, half, BLOCK):
        width = min(BLOCK, half - begin)
        _gather(spectra, length, (begin, width), near)
        past[0, :, :width] = ring[:, begin : begin + width].real
        past[1, :, :width] = ring[:, begin : begin + width].imag
        out = 0
        for k in range(start, rows[-1] + 1):
            _newton_step(k, coefficients[k], near, past)
            if k == rows[out]:
                row = past[:, k % ring.shape[0]]
                for f in range(width):
                    terms[out, begin + f] = complex(row[0, f], row[1, f])
                out += 1
        for r in range(ring.shape[0]):
            for f in range(width):
                ring[r, begin + f] = complex(past[0, r, f], past[1, r, f])


@numba.njit(cache=True, nogil=True)
def _gather(
    spectra: ComplexArray, length: int, where: tuple[int, int], near: FloatArray
) -> None:  # pragma: no cover
    """Read the power sums at multiples of the frequency."""
    begin, width = where
    half = spectra.shape[1]
    for m in range(near.shape[1]):
        at = ((m + 1) * begin) % length
        spectrum = spectra[min(m, len(spectra) - 1)]
        for f in range(width):
            # The transform of real values mirrors itself.
            near[0, m, f] = spectrum[at].real if at < half else spectrum[length - at].real
            near[1, m, f] = spectrum[at].imag if at < half else -spectrum[length - at].imag
            at += m + 1
            if at >= length:
                at -= length


@numba.njit(cache=True, nogil=True)
def _newton_step(
    k: int, coefficients: FloatArray, near: FloatArray, past: FloatArray
) -> None:  # pragma: no cover
    """Compute E_k of one block from the earlier ones."""
    size = past.shape[1]
    to_re, to_im = past[0, k % size], past[1, k % size]
    to_re[:] = 0.0
    to_im[:] = 0.0
    for m in range(1, min(k, near.shape[1]) + 1):
        c = coefficients[m - 1]
        if c == 0.0:
            break
        p_re, p_im = near[0, m - 1], near[1, m - 1]
        from_re, from_im = past[0, (k - m) % size], past[1, (k - m) % size]
        for f in range(to_re.shape[0]):
            to_re[f] += c * (p_re[f] * from_re[f] - p_im[f] * from_im[f])
            to_im[f] += c * (p_re[f] * from_im[f] + p_im[f] * from_re[f])


@numba.njit(cache=True, nogil=True)
def _damped(histogram: IntArray, rate: float, powers: int) -> FloatArray:  # pragma: no cover
    """Damp values once for the first power sum, twice for the second, and so on."""
    damped = np.zeros((powers, len(histogram)))
    for value in range(len(histogram)):
        if histogram[value] > 0:
            decay = np.exp(-rate * value)
            weight = np.float64(histogram[value])
            for m in range(powers):
                weight *= decay
                damped[m, value] = weight
    return damped


@numba.njit(cache=True, nogil=True)
def _fold_rows(
    tails: FloatArray,
    asked: tuple[IntArray, IntArray, IntArray],
    tables: FloatArray,
    which: tuple[IntArray, IntArray],
    sizes: tuple[int, int],
) -> None:  # pragma: no cover
    """Carry the tails without the own value from row to row."""
    thresholds, draws, own = asked
    rows, firsts = which
    population, depth = sizes
    length = tables.shape[1]
    for r in range(len(rows)):
        k, first = rows[r], firsts[r]
        # What a place's own value adds shrinks by k/n for each step back: few steps matter.
        begin = np.searchsorted(draws, k)
        end = np.searchsorted(draws, k + depth)
        for i in range(begin, end):
            oldest = k == max(1, draws[i] - depth + 1)
            share = 0.0 if oldest and k > 1 else k / population
            shift = (draws[i] - k) * own[i]
            for c in range(tails.shape[1]):
                s = thresholds[i, c] - shift
                at = s - first
                common = 0.0
                if at >= length:
                    common = tables[r, length - 1]
                elif at >= 0:
                    common = tables[r, at]
                before = tails[i, c]
                if k == 1:
                    before = 1.0 if s - own[i] >= 0 else 0.0
                tails[i, c] = (common - share * before) / (1.0 - share)


@numba.njit(cache=True, nogil=True)
def _attainable_rows(
    tables: FloatArray, rows: IntArray, attainable: FloatArray
) -> None:  # pragma: no cover
    """Give the largest probability of a two-sided p-value below the level, by draws."""
    level = attainable[0]
    for r in range(len(rows)):
        lower = 0.0
        upper = 0.0
        for i in range(tables.shape[1]):
            if 2 * tables[r, i] >= level:
                break
            lower = max(lower, tables[r, i])
        for i in range(tables.shape[1] - 1, -1, -1):
            above = 1.0 - tables[r, i]
            if 2 * above >= level:
                break
            upper = max(upper, above)
        attainable[rows[r]] = lower + upper
