"""Tables of sums in single precision, periodic: for tails that need four digits and not twelve.

A table of one period N serves sums up to a period away on either side: with C the cumulated table
and s = q N + r,

    E floor((s - S) / N) + 1 = q + C(r) - E floor(S / N)

is P(S <= s) but for sums at least N away from s. So the table is half as long as the window that
holds the sums, and what lies further is bounded by :func:`geo_engine.space.chernoff.beyond`.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
from scipy import fft

from geo_engine.space.sum_tables import Questions, newton_coefficients, rows_needed

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

SINGLE_NOISE = 1e-6
"""Allowance for single precision in a tail; at most 2e-7 was seen against double precision."""
NEGLIGIBLE = 1e-7
"""Terms and steps back in k that weigh less than this are left out."""
BLOCK = 512
"""Frequencies worked on at a time."""
CHUNK = 1 << 20
"""Table entries held at a time."""


def periodic_tails(drawn: IntArray, period: int, questions: Questions) -> FloatArray:
    """Compute P(sum <= threshold), own value left out, to about six digits after the point.

    Parameters
    ----------
    drawn : ndarray of int
        All values of the map, >= 0.
    period : int
        Entries of a table. Sums that far from a threshold are not told from others.
    questions : Questions
        Draws are at most a tenth of the values.

    Returns
    -------
    ndarray
        In the shape of the thresholds; wrong by at most ``SINGLE_NOISE`` and the probability of
        sums that are a period away, once for every period.
    """
    population = len(drawn)
    most = int(questions.draws.max())
    coefficients = newton_coefficients(population, most, NEGLIGIBLE) * population
    depth = coefficients.shape[1]
    histogram = np.bincount(drawn % period, minlength=period) / population
    spectrum = fft.rfft(histogram)
    powers = spectrum.real.astype(np.float32), spectrum.imag.astype(np.float32)
    order = np.argsort(questions.draws, kind="stable")
    draws, own = questions.draws[order], questions.own[order]
    thresholds = questions.thresholds[order]
    tails = np.zeros(thresholds.shape)
    rows = rows_needed(draws, depth)
    half = period // 2 + 1
    ring = np.zeros((2, depth + 1, half), np.float32)
    ring[0, 0] = 1.0
    per_chunk = max(1, CHUNK // period)
    for begin in range(0, len(rows), per_chunk):
        some = rows[begin : begin + per_chunk]
        start = 1 if begin == 0 else int(rows[begin - 1]) + 1
        terms = np.empty((len(some), half), np.complex64)
        _newton_rows(powers, period, coefficients.astype(np.float32), (start, some), (ring, terms))
        tables = fft.irfft(terms, period, axis=1, overwrite_x=True)
        turns = np.empty(len(some))
        _cumulate(tables, turns, np.asarray(some * float(drawn.mean()), np.float64))
        _fold(tails, (thresholds, draws, own), (tables, turns, some), (population, depth))
    answer = np.empty_like(tails)
    answer[order] = tails
    return answer


@numba.njit(cache=True, nogil=True)
def _newton_rows(
    powers: tuple[SingleArray, SingleArray],
    period: int,
    coefficients: SingleArray,
    wanted: tuple[int, IntArray],
    kept: tuple[SingleArray, npt.NDArray[np.complex64]],
) -> None:  # pragma: no cover
    """Carry E_k from ``start`` to the last row wanted, block by block of frequencies."""
    start, rows = wanted
    ring, terms = kept
    half = terms.shape[1]
    size = ring.shape[1]
    near = np.empty((2, coefficients.shape[1], BLOCK), np.float32)
    past = np.empty((2, size, BLOCK), np.float32)
    for begin in range(0, half, BLOCK):
        width = min(BLOCK, half - begin)
        _gather(powers, period, (begin, width), near)
        past[:, :, :width] = ring[:, :, begin : begin + width]
        out = 0
        for k in range(start, rows[-1] + 1):
            _newton_step(k, coefficients[k], near, past)
            if k == rows[out]:
                re, im = past[0, k % size], past[1, k % size]
                for f in range(width):
                    terms[out, begin + f] = complex(re[f], im[f])
                out += 1
        ring[:, :, begin : begin + width] = past[:, :, :width]


@numba.njit(cache=True, nogil=True)
def _gather(
    powers: tuple[SingleArray, SingleArray],
    period: int,
    where: tuple[int, int],
    near: SingleArray,
) -> None:  # pragma: no cover
    """Read the power sums at multiples of the frequency; the transform mirrors itself."""
    real, imaginary = powers
    begin, width = where
    half = len(real)
    for m in range(near.shape[1]):
        at = ((m + 1) * begin) % period
        for f in range(width):
            if at < half:
                near[0, m, f] = real[at]
                near[1, m, f] = imaginary[at]
            else:
                near[0, m, f] = real[period - at]
                near[1, m, f] = -imaginary[period - at]
            at += m + 1
            if at >= period:
                at -= period


@numba.njit(cache=True, nogil=True)
def _newton_step(
    k: int, coefficients: SingleArray, near: SingleArray, past: SingleArray
) -> None:  # pragma: no cover
    """Compute E_k of one block from the earlier ones."""
    size = past.shape[1]
    to_re, to_im = past[0, k % size], past[1, k % size]
    to_re[:] = np.float32(0.0)
    to_im[:] = np.float32(0.0)
    for m in range(1, min(k, near.shape[1]) + 1):
        c = coefficients[m - 1]
        if c == 0:
            break
        p_re, p_im = near[0, m - 1], near[1, m - 1]
        from_re, from_im = past[0, (k - m) % size], past[1, (k - m) % size]
        for f in range(BLOCK):
            to_re[f] += c * (p_re[f] * from_re[f] - p_im[f] * from_im[f])
            to_im[f] += c * (p_re[f] * from_im[f] + p_im[f] * from_re[f])


@numba.njit(cache=True, nogil=True)
def _cumulate(
    tables: SingleArray, turns: FloatArray, means: FloatArray
) -> None:  # pragma: no cover
    """Cumulate each table in place; give E floor(S / N).

    By fours, so that only every fourth sum waits for the one before. The sum of the cumulated
    entries gives that of the entries times their positions.
    """
    rows, period = tables.shape
    fours = period - period % 4
    for r in range(rows):
        total = 0.0
        every = 0.0
        for i in range(0, fours, 4):
            first = np.float64(tables[r, i])
            second = first + np.float64(tables[r, i + 1])
            third = second + np.float64(tables[r, i + 2])
            fourth = third + np.float64(tables[r, i + 3])
            tables[r, i] = total + first
            tables[r, i + 1] = total + second
            tables[r, i + 2] = total + third
            every += 4 * total + ((first + second) + (third + fourth))
            total += fourth
            tables[r, i + 3] = total
        for i in range(fours, period):
            total += np.float64(tables[r, i])
            every += total
            tables[r, i] = total
        turns[r] = (means[r] - (period * total - every)) / period


@numba.njit(cache=True, nogil=True)
def _fold(
    tails: FloatArray,
    asked: tuple[IntArray, IntArray, IntArray],
    found: tuple[SingleArray, FloatArray, IntArray],
    sizes: tuple[int, int],
) -> None:  # pragma: no cover
    """Carry the tails without the own value from row to row."""
    thresholds, draws, own = asked
    tables, turns, rows = found
    population, depth = sizes
    period = tables.shape[1]
    for r in range(len(rows)):
        k = rows[r]
        share = k / population
        for i in range(np.searchsorted(draws, k), np.searchsorted(draws, k + depth)):
            oldest = k > 1 and k == draws[i] - depth + 1
            shift = (draws[i] - k) * own[i]
            for c in range(tails.shape[1]):
                s = thresholds[i, c] - shift
                turn = s // period
                common = turn + np.float64(tables[r, s - turn * period]) - turns[r]
                before = tails[i, c]
                if k == 1:
                    # One step less is no draw at all: its sum is zero.
                    before = np.float64((s - own[i]) // period) + 1.0
                if oldest:
                    before = common
                tails[i, c] = (common - share * before) / (1.0 - share)
