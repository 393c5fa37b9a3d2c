"""Newton's identities at many frequencies, in single precision and with bounds of what is left."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
SingleArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

BLOCK = 512
"""Frequencies worked on at a time."""
SILENT = 1e-7
"""E_k below this in a block of frequencies is not computed, only bounded."""


@numba.njit(cache=True, nogil=True)
def newton_terms(
    powers: tuple[SingleArray, SingleArray],
    coefficients: FloatArray,
    rows: IntArray,
    weights: tuple[SingleArray, SingleArray, SingleArray],
    out: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
) -> None:  # pragma: no cover
    """Compute E_k block by block of frequencies, and what each block adds to either series.

    Parameters
    ----------
    powers : tuple of ndarray
        Real and imaginary parts of p_1 / n by frequency.
    coefficients : ndarray
        Those of Newton's identities, times n.
    rows : ndarray of int
        Numbers of draws k that are wanted, rising.
    weights : tuple of ndarray
        Of both series, and the difference that the slope misses, by frequency.
    out : tuple of ndarray
        Real and imaginary parts of E_k by row and frequency; by row and block, what it adds at
        most to E V and to E K, to the error of the slope and to the bend, and what is missing from
        E V and E K because some power sums are not known.
    """
    series, sizes = out
    count = series.shape[2]
    ring = np.zeros((2, coefficients.shape[1] + 1, BLOCK), np.float32)
    near = np.zeros((2, coefficients.shape[1], BLOCK), np.float32)
    error = np.zeros(BLOCK, np.float32)
    bounds = np.zeros(rows[-1] + 1)
    for begin in range(0, count, BLOCK):
        width = min(BLOCK, count - begin)
        largest = _gather(powers, begin, width, near)
        ring[0, 0, :] = 1.0
        ring[1, 0, :] = 0.0
        error[:] = 0.0
        loud = _loud_until(coefficients, largest, begin == 0, bounds)
        row = 0
        for k in range(1, rows[-1] + 1):
            if k <= loud:
                _step(k, coefficients[k], near, (ring, error), (begin, width, len(powers[0])))
            if k == rows[row]:
                at = k % ring.shape[1]
                if k <= loud:
                    series[0, row, begin : begin + width] = ring[0, at, :width]
                    series[1, row, begin : begin + width] = ring[1, at, :width]
                    _measure(ring[:, at], error, weights, (begin, width), sizes[row])
                else:
                    series[:, row, begin : begin + width] = 0.0
                    total = 0.0
                    for f in range(begin, begin + width):
                        total += weights[0][f]
                        sizes[row, begin // BLOCK, 5] += 2 * bounds[k] * weights[1][f]
                    sizes[row, begin // BLOCK, 4] = bounds[k] * total
                row += 1


@numba.njit(cache=True, nogil=True)
def _gather(
    powers: tuple[SingleArray, SingleArray], begin: int, width: int, near: SingleArray
) -> FloatArray:  # pragma: no cover
    """Read the power sums at multiples of the frequency; give the largest of each."""
    real, imaginary = powers
    known = len(real)
    largest = np.ones(near.shape[1])
    for m in range(1, near.shape[1] + 1):
        most = np.float32(0.0)
        for f in range(width):
            at = m * (begin + f)
            near[0, m - 1, f] = real[at] if at < known else np.float32(0.0)
            near[1, m - 1, f] = imaginary[at] if at < known else np.float32(0.0)
            most = max(most, near[0, m - 1, f] ** 2 + near[1, m - 1, f] ** 2)
        if m * (begin + width - 1) < known:
            largest[m - 1] = np.sqrt(most)
    return largest


@numba.njit(cache=True, nogil=True)
def _loud_until(
    coefficients: FloatArray, largest: FloatArray, first: bool, bounds: FloatArray
) -> int:  # pragma: no cover
    """Bound E_k in a block; give the last k that must be computed."""
    last = 0
    bounds[0] = 1.0
    for k in range(1, len(bounds)):
        bound = 0.0
        for m in range(1, min(k, len(largest)) + 1):
            bound += abs(coefficients[k, m - 1]) * largest[m - 1] * bounds[k - m]
        bounds[k] = min(1.0, bound)
        if first or bounds[k] > SILENT:
            last = k
    return last


@numba.njit(cache=True, nogil=True)
def _step(
    k: int,
    coefficients: FloatArray,
    near: SingleArray,
    kept: tuple[SingleArray, SingleArray],
    where: tuple[int, int, int],
) -> None:  # pragma: no cover
    """Compute E_k from the earlier ones; bound the terms that lie beyond the transform."""
    ring, error = kept
    begin, width, known = where
    size = ring.shape[1]
    to_re, to_im = ring[0, k % size], ring[1, k % size]
    first = np.float32(coefficients[0])
    from_re, from_im = ring[0, (k - 1) % size], ring[1, (k - 1) % size]
    p_re, p_im = near[0, 0], near[1, 0]
    for f in range(width):
        to_re[f] = first * (p_re[f] * from_re[f] - p_im[f] * from_im[f])
        to_im[f] = first * (p_re[f] * from_im[f] + p_im[f] * from_re[f])
    for m in range(2, min(k, near.shape[1]) + 1):
        c = np.float32(coefficients[m - 1])
        if c == 0:
            break
        older_re, older_im = ring[0, (k - m) % size], ring[1, (k - m) % size]
        q_re, q_im = near[0, m - 1], near[1, m - 1]
        for f in range(width):
            to_re[f] += c * (q_re[f] * older_re[f] - q_im[f] * older_im[f])
            to_im[f] += c * (q_re[f] * older_im[f] + q_im[f] * older_re[f])
        if m * (begin + width - 1) >= known:
            for f in range(width):
                if m * (begin + f) >= known:
                    error[f] += abs(c) * np.sqrt(older_re[f] ** 2 + older_im[f] ** 2)


@numba.njit(cache=True, nogil=True)
def _measure(
    term: SingleArray,
    error: SingleArray,
    weights: tuple[SingleArray, SingleArray, SingleArray],
    where: tuple[int, int],
    sizes: SingleArray,
) -> None:  # pragma: no cover
    """Sum what a block adds at most to E V and E K, to the error of its slope, and to its bend."""
    saw, kernel, gap = weights
    begin, width = where
    found = sizes[begin // BLOCK]
    for f in range(width):
        size = np.sqrt(term[0, f] ** 2 + term[1, f] ** 2)
        found[0] += size * saw[begin + f]
        found[1] += 2 * size * kernel[begin + f]
        found[2] += 2 * size * abs(gap[begin + f])
        found[3] += np.float32(2 * np.pi) * (begin + f) * size
        found[4] += error[f] * saw[begin + f]
        found[5] += 2 * error[f] * kernel[begin + f]
