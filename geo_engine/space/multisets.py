"""The sums that occur most often, one by one: they separate ties that no grid and no frequency can.

Values that repeat, such as shares of small numbers, give sums that are drawn with a probability of
their own. Bounds from transforms cannot tell such a sum from its neighbors within their resolution.
Here the multisets of values that are drawn most often are listed, each with its exact probability
and its sum; what is known to lie between an observed sum and the place where a bound is read is
taken off that bound. The list need not be complete: what is not in it stays inside the interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from geo_engine.space.bounds import Bounds, Chart
from geo_engine.space.record import Record
from geo_engine.space.sums import Sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
KindArray = npt.NDArray[np.int32]

MOST = 1 << 14
"""Multisets listed for one number of draws."""
RAREST, COMMONEST = 1e-13, 1e-4
"""Probabilities of the rarest one listed, tried from the larger to the smaller."""
WHOLE = 1e-9
"""So much may be missing from a list that counts as complete."""
WORTH = 0.05
"""A list of less says too little."""
MOST_DRAWS = 32
TIED = 1e-9
SAME = 1e-3
"""Listed sums nearer than this, in units of the tolerance of ties, are the observed one."""
SUMMED = 1e-12
"""What adding up probabilities may round."""
ROUNDING = 1e-12
"""Bound of the relative error of a probability: products of some dozens of factors."""


@dataclass(frozen=True, kw_only=True)
class Multisets:
    """The multisets of values that are drawn most often, by rising sum."""

    sums: FloatArray
    shares: FloatArray
    """Probability of each, all values of the map in the draw."""
    kinds: KindArray
    """Rows: which distinct values."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """Bounds of tails at an observed sum and some way off it."""

    away: FloatArray
    """Distances, from 0 up: columns of the next two."""
    below: FloatArray
    """At most P(sum < observed - distance)."""
    upto: FloatArray
    """At least P(sum <= observed + distance)."""

    def at(self, rows: IntArray) -> Read:
        """Select some of the sums; nothing is known infinitely far off.

        Parameters
        ----------
        rows : ndarray of int
            Which ones.

        Returns
        -------
        Read
            With one more distance.
        """
        none = np.zeros((len(rows), 1))
        return Read(
            away=np.append(self.away, np.inf),
            below=np.hstack([self.below[rows], none]),
            upto=np.hstack([self.upto[rows], none + 1]),
        )


def heavy_multisets(distinct: FloatArray, times: IntArray, draws: int) -> Multisets | None:
    """List the multisets of values that are drawn most often.

    Parameters
    ----------
    distinct, times : ndarray
        Values of the map, and how often each occurs.
    draws : int
        Size of the multisets.

    Returns
    -------
    Multisets or None
        As many as there is room for; None where all of them together are rare.
    """
    if not 1 < draws <= MOST_DRAWS or times.max() < 2:
        return None
    order = np.argsort(-times, kind="stable").astype(np.int64)
    given = distinct[order], times[order].astype(np.float64)
    ways = math.comb(int(times.sum()), draws)
    found, share = None, COMMONEST
    while share >= RAREST:
        kinds = np.empty((MOST, draws), np.int32)
        totals = np.empty((2, MOST))
        count = _list(given, share * float(ways), kinds, totals)
        if count < 0:
            break
        found = kinds[:count], totals[:, :count]
        if found[1][1].sum() >= (1 - WHOLE) * ways:
            break
        share /= 10
    if found is None or found[1][1].sum() < WORTH * ways:
        return None
    rising = np.argsort(found[1][0], kind="stable")
    return Multisets(
        sums=found[1][0][rising],
        shares=found[1][1][rising] / ways,
        kinds=order[found[0]][rising].astype(np.int32),
    )


def narrowed(
    listed: Multisets,
    times: IntArray,
    asked: tuple[FloatArray, IntArray, float],
    read: Read,
) -> FloatArray:
    """Narrow bounds of tails by what is known to lie between.

    Parameters
    ----------
    listed : Multisets
        For the number of draws of all these places.
    times : ndarray of int
        How often each distinct value occurs.
    asked : tuple
        Observed sums, which distinct value is the place's own, and how near sums are equal.
    read : Read
        What is known of these sums; the tolerance is part of it.

    Returns
    -------
    ndarray
        Columns: P(sum < observed) and P(sum <= observed), each from below and from above; equal
        sums are not below.
    """
    draws = listed.kinds.shape[1]
    n = int(times.sum())
    facts = (listed.sums, listed.shares * (n / (n - draws) * (1 - ROUNDING)), listed.kinds)
    found = np.empty((len(asked[0]), 4))
    _narrow(facts, times.astype(np.float64), asked, (read.away, read.below, read.upto), found)
    return found


def settle_listed(chart: Chart, sums: Sums, record: Record, read: Callable[[Sums], Read]) -> Sums:
    """Narrow the bounds of sums by the multisets that are drawn most often.

    Parameters
    ----------
    chart : Chart
        Values of the map.
    sums : Sums
        Places that are not settled.
    record : Record
        Where bounds are written.
    read : callable
        Gives the bounds at and around some of the sums.

    Returns
    -------
    Sums
        Those that are not settled now.
    """
    if not len(sums.focal):
        return sums
    distinct, own, repeated = np.unique(chart.values, return_inverse=True, return_counts=True)
    times, tied = repeated.astype(np.int64), TIED * float(distinct[-1])
    every = {int(k): heavy_multisets(distinct, times, int(k)) for k in np.unique(sums.draws)}
    lists = {k: each for k, each in every.items() if each is not None}
    listed = np.isin(sums.draws, list(lists))
    if not listed.any():
        return sums
    asked = sums.at(listed)
    known = read(asked)
    bounds = np.empty((len(asked.focal), 4))
    for k, some in lists.items():
        rows = np.flatnonzero(asked.draws == k)
        given = asked.observed[rows], own[asked.focal[rows]].astype(np.int64), tied
        bounds[rows] = narrowed(some, times, given, known.at(rows))
    found = Bounds(
        low=asked.combined(bounds[:, 2], 1 - bounds[:, 1]),
        high=asked.combined(bounds[:, 3], 1 - bounds[:, 0]),
        exact=False,
    )
    best = record.weigh(asked, found)
    return Sums.joined([sums.at(~listed), asked.at(~(best.settled | record.is_below(asked)))])


@numba.njit(cache=True, nogil=True)
def _list(
    given: tuple[FloatArray, FloatArray], least: float, kinds: KindArray, totals: FloatArray
) -> int:  # pragma: no cover
    """List multisets that at least so many subsets have, values by falling frequency; -1: many."""
    values, times = given
    draws = kinds.shape[1]
    index = np.full(draws, -1, np.int64)
    run = np.zeros(draws, np.int64)
    ways = np.ones(draws + 1)
    total = np.zeros(draws + 1)
    count = 0
    depth = 0
    while depth >= 0:
        index[depth] += 1
        i = index[depth]
        if i == len(values):
            depth -= 1
            continue
        again = depth > 0 and i == index[depth - 1]
        run[depth] = run[depth - 1] + 1 if again else 1
        ways[depth + 1] = ways[depth] * (times[i] - run[depth] + 1) / run[depth]
        total[depth + 1] = total[depth] + values[i]
        # No later value is more frequent; only after one drawn again may the next have more ways.
        if ways[depth + 1] * times[i] ** (draws - 1 - depth) < least:
            depth -= 0 if again else 1
        elif depth < draws - 1:
            index[depth + 1] = i - 1
            depth += 1
        else:
            if count == len(kinds):
                return -1
            kinds[count] = index
            totals[0, count], totals[1, count] = total[draws], ways[draws]
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _narrow(
    listed: tuple[FloatArray, FloatArray, KindArray],
    times: FloatArray,
    asked: tuple[FloatArray, IntArray, float],
    read: tuple[FloatArray, FloatArray, FloatArray],
    found: FloatArray,
) -> None:  # pragma: no cover
    """Take what lies between off each bound that was read, and keep the best."""
    observed, own, tied = asked
    away, below, upto = read
    sums = listed[0]
    near = SAME * tied
    cumulated = np.zeros(len(sums) + 1)
    before = -1
    for i in np.argsort(own):
        if own[i] != before:
            before = own[i]
            _cumulate(listed, before, times[before], cumulated)
        s = observed[i]
        less = cumulated[np.searchsorted(sums, s - 2 * tied, side="right")]
        same = cumulated[np.searchsorted(sums, s + near, side="right")]
        not_less = cumulated[np.searchsorted(sums, s - near)]
        more = cumulated[np.searchsorted(sums, s + 2 * tied)]
        found[i, 0] = found[i, 2] = 0.0
        found[i, 1] = found[i, 3] = 1.0
        for c in range(len(away)):
            low = cumulated[np.searchsorted(sums, s - away[c] - near)] + SUMMED
            high = cumulated[np.searchsorted(sums, s + away[c] + near, side="right")] - SUMMED
            found[i, 0] = max(found[i, 0], below[i, c] + max(0.0, less - low))
            found[i, 2] = max(found[i, 2], below[i, c] + max(0.0, same - low))
            found[i, 1] = min(found[i, 1], upto[i, c] - max(0.0, high - not_less))
            found[i, 3] = min(found[i, 3], upto[i, c] - max(0.0, high - more))


@numba.njit(cache=True, nogil=True)
def _cumulate(
    listed: tuple[FloatArray, FloatArray, KindArray],
    own: int,
    times: float,
    cumulated: FloatArray,
) -> None:  # pragma: no cover
    """Add up the probabilities, one of the own value left out of the draw."""
    _, shares, kinds = listed
    for at in range(len(shares)):
        held = 0
        for kind in kinds[at]:
            held += kind == own
        cumulated[at + 1] = cumulated[at] + shares[at] * (1.0 - held / times)
