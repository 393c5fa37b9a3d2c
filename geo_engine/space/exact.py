"""Exact two-sided p-values of local statistics, without permutations.

Given its own value, a place's local Moran, Gi and Gi* grow with the sum S of its neighbors'
values. Under conditional randomization S is the sum of k values drawn without replacement from
the other n - 1. The p-value is ``min(1, 2 min(P(S <= s), P(S >= s)))``, ties counted on both
sides, so it never exceeds its nominal level, however few distinct values there are.

Every place takes the first road that is open to it:

1. few subsets, or up to two neighbors: all are counted (:mod:`small_maps`); where three or four
   neighbors have values that repeat and a grid is not enough, too (:mod:`pair_sums`);
2. neighbors that are more than a tenth of the map: value by value (the same module);
3. otherwise the tables that all places share (:mod:`sum_tables`).

On values without a common quantum, 2 and 3 work on a grid. Rounding moves a sum by at most k half
steps, so the true p-value lies between the tails taken that much too far and too near, and the
larger end is reported: it is never too small. Sums that are really tied stay between the two ends
however fine the grid is, and belong to the larger one; those of the same values in other places
are counted apart and added to the smaller end. So the distance of the ends is a certain bound of
the error. Where it exceeds the tolerance the grid is made finer; where that does not help (other
values that add up to the very same sum, such as 1/3 + 2/3 and 1, without a common quantum), shared
random draws decide, whose error is two standard errors and not a bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo_engine.space.bounds import SMALLEST_P, Bounds, Chart, Grid
from geo_engine.space.lattice import scaled
from geo_engine.space.links import Links
from geo_engine.space.monte_carlo import monte_carlo_p
from geo_engine.space.pair_sums import pair_tables, paired_tails
from geo_engine.space.small_maps import counted_tails, enumerated_tails, programmed_tails
from geo_engine.space.sum_tables import NOISE, Questions, lower_tails, sum_window
from geo_engine.space.sums import Sums, same_values_again
from geo_engine.tables import TAIL_METHODS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

INTEREST = 0.005
"""Level of the number of places that chance alone would have marked."""
FEW_SUBSETS = 20_000
SHARED_DRAWS_RATIO = 0.1
LOSSLESS_LENGTH = 1 << 17
FIRST_LENGTH, LAST_LENGTH = 1 << 15, 1 << 19
FIRST_SMALL, LAST_SMALL = 1 << 11, 1 << 15
MANY_DRAWS = 10
MOST_ROUNDS = 40
TIED = 1e-9
"""Sums nearer than this, in units of the range of values, are equal."""
_NONE, _EXACT, _GRID, _MONTE_CARLO = range(len(TAIL_METHODS))


@dataclass(frozen=True, kw_only=True)
class Tails:
    """P-values of one map, one for each of its values."""

    p_value: FloatArray
    """Two-sided, ties counted; NaN without neighbors."""
    p_error: FloatArray
    """Bound of how far below the exact p-value lies; two standard errors for random draws."""
    method: npt.NDArray[np.int8]
    """Codes of ``tables.TAIL_METHODS``."""
    expected_of_interest: float
    """Number of places that chance alone leaves at p < 0.005."""


def conditional_tails(
    values: FloatArray,
    links: Links,
    *,
    seed: np.random.SeedSequence,
    floor: FloatArray | None = None,
) -> Tails:
    """Test every place's neighbors against all other draws of as many places.

    Parameters
    ----------
    values : ndarray
        Finite values of one map, not all equal, in an order that does not depend on the input's.
    links : Links
        Neighbors of each place, never itself.
    seed : SeedSequence
        For the places, if any, that only random draws can settle.
    floor : ndarray, optional
        P-values of another test, of which the larger one will be kept: where this test's is
        certainly not larger, it is not made more precise.

    Returns
    -------
    Tails
        One p-value for each value.
    """
    unit = scaled(values)
    focal = np.flatnonzero(links.draws).astype(np.int64)
    sums = Sums(
        focal=focal,
        draws=links.draws[focal],
        observed=links.sums(unit.values)[focal],
        tied=same_values_again(unit.values, links.starts, links.neighbors)[focal],
    )
    record = _Record(np.zeros(len(values)) if floor is None else floor)
    chart = Chart(values=unit.values, is_lattice=unit.is_lattice)
    certain = (sums.draws >= len(values) - 1) | (record.floor[focal] >= 1)
    record.settle(sums.at(certain), 1.0, 0.0, _EXACT)
    simple = ~certain & (sums.draws <= 2) & (not unit.is_lattice)
    _count(chart, sums.at(simple), record)
    few, small, shared = _roads(chart, sums.at(~certain & ~simple))
    _enumerate(chart, few, record)
    left = [*_program(chart, small, record), *_tabulate(chart, shared, record)]
    if left:
        _draw(chart, Sums.joined(left), record, seed)
    return record.tails()


class _Record:
    """Where each road writes what it found."""

    def __init__(self, floor: FloatArray) -> None:
        self.floor = floor
        self.p, self.error = np.full(len(floor), np.nan), np.full(len(floor), np.nan)
        self.method = np.zeros(len(floor), np.int8)
        self.low, self.high = np.zeros(len(floor)), np.full(len(floor), np.inf)
        self.attainable = np.full(len(floor), INTEREST)

    def settle(
        self, sums: Sums, p: FloatArray | float, error: FloatArray | float, method: int
    ) -> None:
        """Write the result of some places."""
        self.p[sums.focal] = p
        self.error[sums.focal] = error
        self.method[sums.focal] = method

    def weigh(self, sums: Sums, found: Bounds) -> npt.NDArray[np.bool_]:
        """Write what was found; tell where it is good enough."""
        # Every grid gives certain bounds, so the narrowest of all grids are certain too.
        best = replace(
            found,
            low=np.maximum(found.low, self.low[sums.focal]),
            high=np.minimum(found.high, self.high[sums.focal]),
        )
        self.low[sums.focal], self.high[sums.focal] = best.low, best.high
        self.settle(sums, best.high, best.error + NOISE, _EXACT if best.exact else _GRID)
        return best.settled | self.is_below(sums)

    def is_below(self, sums: Sums) -> npt.NDArray[np.bool_]:
        """Tell where the other test's p-value is known to be at least as large."""
        return self.high[sums.focal] <= self.floor[sums.focal]

    def tails(self) -> Tails:
        """Close the record."""
        p = np.clip(self.p, SMALLEST_P, 1.0)
        tested = self.method != _NONE
        return Tails(
            p_value=p,
            p_error=np.where(p > self.p, np.maximum(self.error, p), self.error),
            method=self.method,
            expected_of_interest=float(self.attainable[tested].sum()),
        )


def _roads(chart: Chart, sums: Sums) -> tuple[Sums, Sums, Sums]:
    """Divide places into few subsets, large share of the map, and the rest."""
    n = len(chart.values)
    crowded = sums.draws > SHARED_DRAWS_RATIO * n
    few_by_draws = np.array([math.comb(n - 1, k) <= FEW_SUBSETS for k in range(min(n, 64))])
    few = few_by_draws[np.minimum(np.minimum(sums.draws, n - 1 - sums.draws), 63)]
    # The tables are exact on a lattice, and cheaper than any enumeration on a large map.
    few &= crowded | (not chart.is_lattice)
    return sums.at(few), sums.at(crowded & ~few), sums.at(~crowded & ~few)


def _smaller_side(
    chart: Chart, focal: int, draws: int, observed: float
) -> tuple[FloatArray, int, float]:
    """Give the other values, and the draws left out when they are fewer than those drawn."""
    others = np.delete(chart.values, focal)
    if 2 * draws <= len(others):
        return others, draws, observed
    return others, len(others) - draws, float(others.sum()) - observed


def _count(chart: Chart, sums: Sums, record: _Record) -> None:
    """Settle one or two neighbors without a common quantum: places and pairs are counted."""
    tolerance = TIED * float(chart.values.max())
    asked = (sums.focal, sums.draws, sums.observed)
    p = 2 * np.minimum(*counted_tails(chart.values, asked, tolerance))
    record.settle(sums, np.minimum(p, 1.0), 0.0, _EXACT)


def _pair(
    chart: Chart, sums: Sums, asked: npt.NDArray[np.bool_], record: _Record
) -> npt.NDArray[np.bool_]:
    """Count subsets of three or four where a fine grid was not enough; tell where that was done."""
    done = asked & ((sums.draws == 3) | (sums.draws == 4)) & (not chart.is_lattice)
    tables = pair_tables(chart.values) if done.any() else None
    if tables is None:
        return np.zeros(len(asked), np.bool_)
    tied = TIED * float(chart.values.max())
    for i in np.flatnonzero(done):
        limits = (float(sums.observed[i]) + tied, float(sums.observed[i]) - tied)
        own = float(chart.values[sums.focal[i]])
        p = min(1.0, 2 * min(paired_tails(tables, int(sums.draws[i]), own, limits)))
        record.settle(sums.at(np.array([i])), p, 0.0, _EXACT)
    return done


def _enumerate(chart: Chart, sums: Sums, record: _Record) -> None:
    """Take the first road: all subsets."""
    tolerance = TIED * float(chart.values.max())
    for i in range(len(sums.focal)):
        others, draws, observed = _smaller_side(
            chart, int(sums.focal[i]), int(sums.draws[i]), float(sums.observed[i])
        )
        p = 2 * min(enumerated_tails(others, draws, observed, tolerance))
        record.settle(sums.at(np.array([i])), min(1.0, p), 0.0, _EXACT)


def _program(chart: Chart, sums: Sums, record: _Record) -> Iterator[Sums]:
    """Take the second road; yield what it leaves open."""
    for i in range(len(sums.focal)):
        one = sums.at(np.array([i]))
        length = FIRST_SMALL
        while length <= LAST_SMALL:
            if record.weigh(one, _program_one(chart, one, length))[0]:
                break
            length *= 4
        else:
            yield one


def _program_one(chart: Chart, sums: Sums, length: int) -> Bounds:
    """Compute one place on a grid that reaches up to its own sum."""
    top = float(chart.values.max())
    if sums.observed[0] > sums.draws[0] * top / 2:
        chart, sums = chart.reflected(sums)
    others, draws, observed = _smaller_side(
        chart, int(sums.focal[0]), int(sums.draws[0]), float(sums.observed[0])
    )
    asked = replace(sums, draws=np.array([draws]), observed=np.array([observed]))
    grid = Grid.over(chart, others, max(observed, 0.0) / length)
    tails = programmed_tails(grid.steps, draws, grid.limits(asked)[0])
    return grid.bounds(tails[None, :], asked)


def _tabulate(chart: Chart, sums: Sums, record: _Record) -> Iterator[Sums]:
    """Take the third road; yield what it leaves open."""
    length = LOSSLESS_LENGTH if chart.is_lattice else FIRST_LENGTH
    waiting = [(part, length) for part in _first_groups(chart, sums)]
    for _ in range(MOST_ROUNDS):
        if not waiting:
            return
        group, length = waiting.pop()
        found, attainable = _tabulate_group(chart, group, length)
        record.attainable[group.focal] = attainable
        first_look = np.isinf(record.high[group.focal])
        open_still = ~record.weigh(group, found)
        # A first look on a grid is near enough, but a second one is cheap and better.
        again = open_still
        if not found.exact:
            again = open_still | (first_look & ~record.is_below(group))
        again &= ~_pair(chart, group, open_still & (length > FIRST_LENGTH), record)
        for part, longer in _refined(chart, group.at(again), open_still[again], length):
            if longer <= LAST_LENGTH:
                waiting.append((part, longer))
            else:
                yield part
    yield from (part for part, _ in waiting)


def _first_groups(chart: Chart, sums: Sums) -> Iterator[Sums]:
    """Divide places so that each group shares one grid that suits it."""
    if not len(sums.focal):
        return
    if chart.is_lattice:
        most = int(sums.draws.max())
        low, high = sum_window(chart.values, most)
        if high[-1] - low[-1] < LOSSLESS_LENGTH:
            yield sums
            return
        # Below a quarter of the length no step is lost; only the largest places need a grid.
        tame = sums.observed <= LOSSLESS_LENGTH / 4
    else:
        tame = sums.draws <= MANY_DRAWS
    yield from (part for part in (sums.at(tame), sums.at(~tame)) if len(part.focal))


def _refined(
    chart: Chart, sums: Sums, unsettled: npt.NDArray[np.bool_], length: int
) -> Iterator[tuple[Sums, int]]:
    """Divide unsettled places: sums near an end get a grid of their own, the others a longer."""
    reach = _reach(chart, sums)
    near = unsettled & (reach < reach.max(initial=0.0) / 4)
    low = _is_low(chart, sums)
    for part, longer in (
        (sums.at(near & low), length),
        (sums.at(near & ~low), length),
        (sums.at(~near), 4 * length),
    ):
        if len(part.focal):
            yield part, longer


def _is_low(chart: Chart, sums: Sums) -> npt.NDArray[np.bool_]:
    """Tell which sums are nearer to the smallest possible than to the largest."""
    return sums.observed <= sums.draws * float(chart.values.max()) / 2


def _reach(chart: Chart, sums: Sums) -> FloatArray:
    """Give how far the sums are from the end that is nearer."""
    return np.minimum(sums.observed, sums.draws * float(chart.values.max()) - sums.observed)


def _tabulate_group(chart: Chart, sums: Sums, length: int) -> tuple[Bounds, FloatArray]:
    """Compute one group on one grid: p-values, and what chance reaches of the level."""
    if not _is_low(chart, sums).any():
        chart, sums = chart.reflected(sums)
    most = int(sums.draws.max())
    # Larger values cannot be part of a sum that counts; 5 % is room for the grid's bounds.
    limit = 1.05 * float(sums.observed.max()) + 1e-9
    drawn = chart.values[chart.values <= limit]
    low, high = sum_window(drawn, most)
    room = length - 2 * most - 8
    grid = Grid.over(chart, drawn, float((high - low).max()) / room)
    own = np.rint(chart.values[sums.focal] / grid.step).astype(np.int64)
    questions = Questions(draws=sums.draws, own=own, thresholds=grid.limits(sums))
    level = INTEREST if grid.exact else None
    answers = lower_tails(grid.steps, len(chart.values), questions, level)
    found = grid.bounds(answers.tails, sums)
    if answers.attainable is None:
        return found, np.full(len(sums.focal), INTEREST)
    return found, answers.attainable[sums.draws]


def _draw(chart: Chart, sums: Sums, record: _Record, seed: np.random.SeedSequence) -> None:
    """Take the last road: shared random draws."""
    p, error = monte_carlo_p(chart.values, sums, seed=seed)
    # The grid's larger end is a valid p-value too, and reaches below what random draws can.
    better = p < record.high[sums.focal]
    p = np.maximum(p, record.low[sums.focal])
    record.settle(sums.at(better), p[better], error[better], _MONTE_CARLO)
