"""Correction of p-values for the number of places that are tested."""

from __future__ import annotations

from typing import Literal

import numba
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Correction = Literal["bh", "by"]


def benjamini_hochberg(p: FloatArray) -> FloatArray:
    """Turn the p-values of one family into q-values.

    A place whose q is below alpha belongs to a set in which at most the share alpha is expected to
    be false discoveries, when p-values are independent or positively dependent.

    Parameters
    ----------
    p : ndarray
        P-values of one family in any shape; NaN where there was no test.

    Returns
    -------
    ndarray, same shape
        Q-values, at least as large as ``p``; NaN where ``p`` is. Ties share one value.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the
    Royal Statistical Society B 57, 289-300.
    """
    return _stepped_up(p, 1.0)


def benjamini_yekutieli(p: FloatArray) -> FloatArray:
    """Turn the p-values of one family into q-values that hold under any dependence.

    Parameters
    ----------
    p : ndarray
        P-values of one family in any shape; NaN where there was no test.

    Returns
    -------
    ndarray, same shape
        Those of :func:`benjamini_hochberg` times 1 + 1/2 + ... + 1/m for m tests, at most 1.

    References
    ----------
    Benjamini, Y. and Yekutieli, D. (2001). The control of the false discovery rate in multiple
    testing under dependency. Annals of Statistics 29, 1165-1188.
    """
    tests = int(np.count_nonzero(~np.isnan(p)))
    return _stepped_up(p, float((1.0 / np.arange(1, tests + 1)).sum()))


def q_values(p: FloatArray, correction: Correction) -> FloatArray:
    """Correct the p-values of one family.

    Parameters
    ----------
    p : ndarray
        P-values in any shape; NaN where there was no test.
    correction : {"bh", "by"}
        Benjamini-Hochberg or Benjamini-Yekutieli.

    Returns
    -------
    ndarray, same shape
        Q-values.
    """
    return benjamini_hochberg(p) if correction == "bh" else benjamini_yekutieli(p)


def _stepped_up(p: FloatArray, factor: float) -> FloatArray:
    """Multiply by tests over rank, from the largest p down."""
    flat = np.ascontiguousarray(p, dtype=np.float64).ravel()
    # Counts have few distinct p-values: only those are sorted. The bits of a number are its key.
    which, times, first = _distinct(flat.view(np.int64), ~np.isnan(flat))
    distinct = flat[first]
    return _step_up((which, times, distinct), np.argsort(distinct), factor).reshape(np.shape(p))


@numba.njit(cache=True, nogil=True)
def _distinct(
    keys: IntArray, given: npt.NDArray[np.bool_]
) -> tuple[IntArray, IntArray, IntArray]:  # pragma: no cover
    """Give numbers to distinct keys; count them, and say where each comes first."""
    size = 16
    while size < 2 * len(keys):
        size *= 2
    slots = np.full(size, -1, np.int32)
    which = np.full(len(keys), -1, np.int64)
    times = np.zeros(len(keys), np.int64)
    first = np.zeros(len(keys), np.int64)
    count = 0
    for i in range(len(keys)):
        if not given[i]:
            continue
        mixed = keys[i] * -7046029254386353131
        at = (mixed ^ (mixed >> 32)) & (size - 1)
        while slots[at] >= 0 and keys[first[slots[at]]] != keys[i]:
            at = (at + 1) & (size - 1)
        if slots[at] < 0:
            slots[at] = count
            first[count] = i
            count += 1
        which[i] = slots[at]
        times[slots[at]] += 1
    return which, times[:count].copy(), first[:count].copy()


@numba.njit(cache=True, nogil=True)
def _step_up(
    kinds: tuple[IntArray, IntArray, FloatArray], order: IntArray, factor: float
) -> FloatArray:  # pragma: no cover
    """Fill q in the order of falling p; equal p-values share one."""
    which, times, distinct = kinds
    tests = times.sum()
    rank = tests
    smallest = 1.0
    found = np.empty(len(distinct))
    for r in range(len(order) - 1, -1, -1):
        at = order[r]
        # The ratio first: it is at least 1, so no rounding can take q below p.
        smallest = min(smallest, distinct[at] * (tests / rank) * factor)
        found[at] = smallest
        rank -= times[at]
    q = np.full(len(which), np.nan)
    for i in range(len(which)):
        if which[i] >= 0:
            q[i] = found[which[i]]
    return q
