"""Exact p-values of local statistics, without permutations.

Given its own value, a place's local Moran, Gi and Gi* grow with the sum S of its neighbors'
values. Under conditional randomization S is the sum of k values drawn without replacement from
the other n - 1. The p-value is ``min(1, 2 min(P(S <= s), P(S >= s)))``, ties counted on both
sides, so it never exceeds its nominal level, however few distinct values there are.

Every place takes the first road that is open to it:

1. few subsets, or up to two neighbors: all are counted (:mod:`small_maps`);
2. neighbors that are more than a tenth of the map: value by value (the same module);
3. otherwise what all places share (:mod:`shared_tails`): tables of integers, brackets of fractions,
   or transforms up to a frequency, each with certain bounds of the tails, narrowed by a list of the
   sums that occur most often (:mod:`multisets`);
4. three or four neighbors with values that repeat, where that is not enough: sorted sums of pairs
   (:mod:`pair_sums`);
5. p-values that rounding in transforms hides: sums of positive numbers only (:mod:`deep`);
6. shared random draws, whose error is two standard errors and not a bound.

The larger end of every bound is reported: a p-value is never too small. Sums that are really tied
stay between the two ends however fine the method is; those that are certain (:mod:`ties`) are
added to the smaller end, so the distance of the ends is a certain bound of the error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from geo_engine.space.bounds import Bounds, Chart, Grid
from geo_engine.space.deep import settle_deep
from geo_engine.space.lattice import scaled, tamed
from geo_engine.space.links import Links
from geo_engine.space.monte_carlo import expected_error, monte_carlo_p
from geo_engine.space.pair_sums import MOST_DISTINCT, pair_tables, paired_tails
from geo_engine.space.record import EXACT, INTEREST, MONTE_CARLO, Record, Tails
from geo_engine.space.shared_tails import share_tails
from geo_engine.space.small_counts import small_count_tails
from geo_engine.space.small_maps import counted_tails, enumerated_tails, programmed_tails
from geo_engine.space.sums import Sums
from geo_engine.space.ties import tied_sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

__all__ = ["INTEREST", "Tails", "conditional_tails"]

FEW_SUBSETS = 20_000
SHARED_DRAWS_RATIO = 0.1
FIRST_SMALL, LAST_SMALL = 1 << 11, 1 << 15
MOST_WORK = 10_000_000_000
"""Steps of a map on the second road, some seconds in all; the places that are left are drawn."""
PAIR_KINDS, PAIR_PLACES = 64, 500
"""So few distinct values, or places, are counted in pairs at once; more only where bounds were not
enough."""
PAIR_STEPS, SMALL_PAIR_STEPS = 1_000_000, 6_000_000
"""Places with four neighbors get sorted sums of pairs up to this many steps in all; small maps."""
DRAW_ABOVE = 0.05
"""Below this share of p a certain bound says more than draws, whose own error is 2 to 5 %."""
DRAWS = ((50, 999_999), (500, 99_999), (1 << 62, 19_999))
"""Random draws for so many places or fewer."""
FEWEST_HITS = 100
"""Fewer draws as far out as the sum say nothing of its p: they would leave a floor."""
WIDE = 4_096
"""Integers of a larger range are sorted rather than tabulated where there are one or two."""
TIED = 1e-9
"""Sums nearer than this, in units of the range of values, are equal."""


def conditional_tails(
    values: FloatArray,
    links: Links,
    *,
    seed: np.random.SeedSequence,
    floor: FloatArray | None = None,
    side: npt.NDArray[np.int8] | None = None,
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
    side : ndarray of int8, optional
        For each value 1 to count large sums only, -1 for small ones only; two-sided by default.

    Returns
    -------
    Tails
        One p-value for each value.
    """
    values, _ = tamed(values)
    if floor is None:
        found = small_count_tails(values, links, side)
        if found is not None:
            return found
    unit = scaled(values)
    focal = np.flatnonzero(links.draws).astype(np.int64)
    sides = np.zeros(len(values), np.int8) if side is None else side
    sums = Sums(
        focal=focal,
        draws=links.draws[focal],
        observed=links.sums(unit.values)[focal],
        tied=np.zeros(len(focal)),
        side=sides[focal],
    )
    if not unit.is_lattice:
        sums = replace(sums, tied=tied_sums(values, links.starts, links.neighbors)[focal])
    record = Record(np.zeros(len(values)) if floor is None else floor)
    chart = Chart(values=unit.values, is_lattice=unit.is_lattice, fraction=unit.fraction)
    certain = (sums.draws >= len(values) - 1) | (record.floor[focal] >= 1)
    record.settle(sums.at(certain), 1.0, 0.0, EXACT)
    wide = not unit.is_lattice or float(unit.values.max()) > WIDE
    simple = ~certain & (sums.draws <= 2) & wide
    _count(chart, sums.at(simple), record)
    few, small, shared = _roads(chart, sums.at(~certain & ~simple))
    _enumerate(chart, few, record)
    if not chart.fraction > 0:
        few_places = len(values) <= PAIR_PLACES
        most = MOST_DISTINCT if few_places else PAIR_KINDS
        shared = shared.at(~_pair(chart, shared, record, most))
    left = [*_program(chart, small, record), *share_tails(chart, shared, record)]
    settle_deep(chart, sums, record)
    if left:
        open_still = Sums.joined(left)
        counted = _pair(chart, open_still, record, MOST_DISTINCT)
        _draw(chart, open_still.at(~counted), record, seed)
    return record.tails()


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
) -> tuple[FloatArray, int, float, bool]:
    """Give the other values, the draws left out when fewer than those drawn, and whether so."""
    others = np.delete(chart.values, focal)
    if 2 * draws <= len(others):
        return others, draws, observed, False
    return others, len(others) - draws, float(others.sum()) - observed, True


def _count(chart: Chart, sums: Sums, record: Record) -> None:
    """Settle one or two neighbors without a common quantum: places and pairs are counted."""
    tolerance = TIED * float(chart.values.max())
    asked = (sums.focal, sums.draws, sums.observed)
    record.settle(sums, sums.combined(*counted_tails(chart.values, asked, tolerance)), 0.0, EXACT)


def _pair(chart: Chart, sums: Sums, record: Record, most: int) -> npt.NDArray[np.bool_]:
    """Count subsets of three or four of few distinct values; tell where that was done."""
    done = ((sums.draws == 3) | (sums.draws == 4)) & (not chart.is_lattice)
    tables = pair_tables(chart.values, most) if done.any() else None
    if tables is None:
        return np.zeros(len(done), np.bool_)
    allowed = SMALL_PAIR_STEPS if len(chart.values) <= PAIR_PLACES else PAIR_STEPS
    many = 2 * len(tables[3]) * int((done & (sums.draws == 4)).sum()) > allowed
    done &= (sums.draws == 3) | (not many)
    some = sums.at(done)
    tied = TIED * float(chart.values.max())
    asked = (some.draws, chart.values[some.focal], some.observed)
    record.settle(some, some.combined(*paired_tails(tables, asked, tied)), 0.0, EXACT)
    return done


def _enumerate(chart: Chart, sums: Sums, record: Record) -> None:
    """Take the first road: all subsets."""
    tolerance = TIED * float(chart.values.max())
    for i in range(len(sums.focal)):
        others, draws, observed, turned = _smaller_side(
            chart, int(sums.focal[i]), int(sums.draws[i]), float(sums.observed[i])
        )
        tails = enumerated_tails(others, draws, observed, tolerance)
        lower, upper = tails[::-1] if turned else tails
        one = sums.at(np.array([i]))
        record.settle(one, one.combined(np.array([lower]), np.array([upper])), 0.0, EXACT)


def _program(chart: Chart, sums: Sums, record: Record) -> Iterator[Sums]:
    """Take the second road, as far as a map's share of work goes; yield what it leaves open."""
    n, left = len(chart.values), MOST_WORK
    for i in range(len(sums.focal)):
        one = sums.at(np.array([i]))
        record.weigh(one, Bounds(low=np.zeros(1), high=np.ones(1), exact=False))
        draws = min(int(one.draws[0]), n - 1 - int(one.draws[0]))
        length = FIRST_SMALL
        while length <= LAST_SMALL and n * draws * length <= left:
            left -= n * draws * length
            if record.weigh(one, _program_one(chart, one, length)).settled[0]:
                break
            length *= 4
        else:
            yield one


def _program_one(chart: Chart, sums: Sums, length: int) -> Bounds:
    """Compute one place on a grid that reaches up to its own sum."""
    top = float(chart.values.max())
    if sums.observed[0] > sums.draws[0] * top / 2:
        chart, sums = chart.reflected(sums)
    others, draws, observed, turned = _smaller_side(
        chart, int(sums.focal[0]), int(sums.draws[0]), float(sums.observed[0])
    )
    side = -sums.side if turned else sums.side
    asked = replace(sums, draws=np.array([draws]), observed=np.array([observed]), side=side)
    grid = Grid.over(chart, others, max(observed, 0.0) / length)
    tails = programmed_tails(grid.steps, draws, grid.limits(asked)[0])
    return grid.bounds(tails[None, :], asked)


def _draw(chart: Chart, sums: Sums, record: Record, seed: np.random.SeedSequence) -> None:
    """Take the last road: shared random draws, where they tell more than the bounds do."""
    permutations = next(draws for places, draws in DRAWS if len(sums.focal) <= places)
    gap = record.high[sums.focal] - record.low[sums.focal]
    double = np.where(sums.side == 0, 1.0, 2.0)
    error = expected_error(double * record.high[sums.focal], permutations) / double
    sums = sums.at((error < gap) & (gap > DRAW_ABOVE * record.high[sums.focal]))
    if not len(sums.focal):
        return
    p, error = monte_carlo_p(chart.values, sums, seed=seed, permutations=permutations)
    high, low = record.high[sums.focal], record.low[sums.focal]
    hits = p * np.where(sums.side == 0, 0.5, 1.0) * (1 + permutations)
    # The larger end of the bounds is a valid p-value too, and the only one where few draws hit.
    better = (p < high) & (error < high - low) & (hits > FEWEST_HITS)
    record.settle(sums.at(better), np.maximum(p, low)[better], error[better], MONTE_CARLO)
