"""Correction of p-values for the number of places that are tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    return _alone(p, "bh")


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
    return _alone(p, "by")


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """The p-values of one map, each distinct one once: counts have few."""

    which: IntArray
    """Number of the distinct value of each place; -1 where there was no test."""
    times: IntArray
    """How often each distinct value occurs."""
    distinct: FloatArray

    @classmethod
    def of(cls, p: FloatArray) -> Kinds:
        """Find the distinct values.

        Parameters
        ----------
        p : ndarray
            P-values; NaN where there was no test. Flattened.

        Returns
        -------
        Kinds
            In the order in which they come first.
        """
        flat = np.ascontiguousarray(p, dtype=np.float64).ravel()
        # The bits of a number are its key.
        which, times, first = _distinct(flat.view(np.int64), ~np.isnan(flat))
        return cls(which=which, times=times, distinct=flat[first])

    def spread(self, q: FloatArray, into: FloatArray) -> None:
        """Write the q-value of every place.

        Parameters
        ----------
        q : ndarray
            One for each distinct p-value.
        into : ndarray, in one piece of memory
            One entry for each place; NaN where there was no test.
        """
        _spread(self.which, q, into)


def q_values(family: Sequence[Kinds], correction: Correction) -> list[FloatArray]:
    """Correct the p-values of one family of maps.

    Parameters
    ----------
    family : sequence of Kinds
        P-values of each map.
    correction : {"bh", "by"}
        Benjamini-Hochberg or Benjamini-Yekutieli.

    Returns
    -------
    list of ndarray
        Q-values of the distinct p-values of each map.
    """
    distinct = np.concatenate([kinds.distinct for kinds in family])
    times = np.concatenate([kinds.times for kinds in family])
    factor = 1.0
    if correction == "by":
        factor = float((1.0 / np.arange(1, times.sum() + 1)).sum())
    q = _step_up(distinct, times, np.argsort(distinct), factor)
    return np.split(q, np.cumsum([len(kinds.distinct) for kinds in family])[:-1])


def _alone(p: FloatArray, correction: Correction) -> FloatArray:
    """Correct one family that is one array."""
    kinds = Kinds.of(p)
    q = np.empty(np.size(p))
    kinds.spread(q_values([kinds], correction)[0], q)
    return q.reshape(np.shape(p))


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
    distinct: FloatArray, times: IntArray, order: IntArray, factor: float
) -> FloatArray:  # pragma: no cover
    """Multiply by tests over rank, from the largest p down; equal p-values share one q."""
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
    return found


@numba.njit(cache=True, nogil=True)
def _spread(which: IntArray, q: FloatArray, into: FloatArray) -> None:  # pragma: no cover
    """Give every place the q-value of its p-value."""
    for i in range(len(which)):
        into[i] = q[which[i]] if which[i] >= 0 else np.nan
