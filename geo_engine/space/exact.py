"""Exact two-sided p-values of local statistics, without permutations.

Given its own value, a place's local Moran, Gi and Gi* grow with the sum S of its neighbors'
values. Under conditional randomization S is the sum of k values drawn without replacement from
the other n - 1. The p-value is ``min(1, 2 min(P(S <= s), P(S >= s)))``, ties counted on both
sides, so it never exceeds its nominal level, however few distinct values there are.

Every place takes the first road that is open to it:

1. few subsets: all are enumerated;
2. neighbors that are more than a tenth of the map: value by value (:mod:`small_maps`);
3. otherwise the tables that all places share (:mod:`sum_tables`).

On values without a common quantum, 2 and 3 work on a grid. Rounding moves a sum by at most k half
steps, so the true p-value lies between the tails taken that much too far and too near; the larger
end is reported and the distance is ``p_error``. Where it exceeds the tolerance the grid is made
finer; where that does not help, shared random draws decide.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo_engine.space.lattice import scaled
from geo_engine.space.monte_carlo import monte_carlo_p
from geo_engine.space.small_maps import enumerated_tails, programmed_tails
from geo_engine.space.sum_tables import NOISE, Questions, lower_tails, sum_window
from geo_engine.tables import TAIL_METHODS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SMALLEST_P = 1e-12
"""Rounding hides smaller p-values: this value means "at most"."""
RELATIVE_TOLERANCE = 0.02
ABSOLUTE_TOLERANCE = 1e-3
"""A grid is fine enough where its error is below both, the first being relative to p."""
INTEREST = 0.005
"""Level of the number of places that chance alone would have marked."""
FEW_SUBSETS = 20_000
SHARED_DRAWS_RATIO = 0.1
FIRST_LENGTH, LAST_LENGTH = 1 << 17, 1 << 20
FIRST_SMALL, LAST_SMALL = 1 << 13, 1 << 16
MANY_DRAWS = 10
MOST_ROUNDS = 40
_NONE, _EXACT, _GRID, _MONTE_CARLO = range(len(TAIL_METHODS))


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The sums to judge: one row for each place that has neighbors."""

    focal: IntArray
    """Position of the place among the values."""
    draws: IntArray
    """Number of its neighbors."""
    observed: FloatArray
    """Sum of their values, in the unit of the values."""

    def at(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Sums:
        """Select rows."""
        return Sums(focal=self.focal[rows], draws=self.draws[rows], observed=self.observed[rows])


@dataclass(frozen=True, kw_only=True)
class Tails:
    """P-values of one map, one for each of its values."""

    p_value: FloatArray
    """Two-sided, ties counted; NaN without neighbors."""
    p_error: FloatArray
    """The exact p-value lies at most this much below; two standard errors for random draws."""
    method: npt.NDArray[np.int8]
    """Codes of ``tables.TAIL_METHODS``."""
    expected_of_interest: float
    """Number of places that chance alone leaves at p < 0.005."""


@dataclass(frozen=True, kw_only=True)
class _Map:
    """One map as the roads below see it."""

    values: FloatArray
    is_lattice: bool

    def reflected(self, sums: Sums) -> tuple[_Map, Sums]:
        """Turn large into small: what is rare at the top is then rare at the bottom."""
        top = float(self.values.max())
        turned = replace(self, values=top - self.values)
        observed = np.maximum(sums.draws * top - sums.observed, 0.0)
        return turned, replace(sums, observed=observed)


@dataclass(frozen=True, kw_only=True)
class _Found:
    """P-values between ``low`` and ``high``, and whether they are free of a grid."""

    low: FloatArray
    high: FloatArray
    exact: bool
    attainable: FloatArray

    @property
    def settled(self) -> npt.NDArray[np.bool_]:
        """Tell where the bounds are near enough."""
        allowed = np.minimum(RELATIVE_TOLERANCE * self.high, ABSOLUTE_TOLERANCE)
        return (self.high - self.low <= allowed) | (self.high <= SMALLEST_P)


def conditional_tails(
    values: FloatArray, starts: IntArray, neighbors: IntArray, *, seed: np.random.SeedSequence
) -> Tails:
    """Test every place's neighbors against all other draws of as many places.

    Parameters
    ----------
    values : ndarray
        Finite values of one map, not all equal, in an order that does not depend on the input's.
    starts : ndarray of int
        Neighbors of place i are ``neighbors[starts[i]:starts[i + 1]]``.
    neighbors : ndarray of int
        Positions, without the place itself.
    seed : SeedSequence
        For the places, if any, that only random draws can settle.

    Returns
    -------
    Tails
        One p-value for each value.
    """
    unit = scaled(values)
    draws = np.diff(starts)
    focal = np.flatnonzero(draws).astype(np.int64)
    cumulated = np.add.reduceat(unit.values[neighbors], starts[focal]) if len(focal) else None
    observed = np.zeros(0) if cumulated is None else cumulated
    sums = Sums(focal=focal, draws=draws[focal], observed=observed)
    record = _Record.empty(len(values))
    chart = _Map(values=unit.values, is_lattice=unit.is_lattice)
    all_drawn = sums.draws >= len(values) - 1
    record.settle(sums.at(all_drawn), 1.0, 0.0, _EXACT)
    few, small, shared = _roads(chart, sums.at(~all_drawn))
    _enumerate(chart, few, record)
    left = [*_program(chart, small, record), *_tabulate(chart, shared, record)]
    if left:
        _draw(chart, _joined(left), record, seed)
    return record.tails()


class _Record:
    """Where each road writes what it found."""

    def __init__(self, p: FloatArray, error: FloatArray, method: npt.NDArray[np.int8]) -> None:
        self.p, self.error, self.method = p, error, method
        self.attainable = np.full(len(p), INTEREST)

    @classmethod
    def empty(cls, places: int) -> _Record:
        """Begin without any test."""
        return cls(np.full(places, np.nan), np.full(places, np.nan), np.zeros(places, np.int8))

    def settle(
        self, sums: Sums, p: FloatArray | float, error: FloatArray | float, method: int
    ) -> None:
        """Write the result of some places."""
        self.p[sums.focal] = p
        self.error[sums.focal] = error
        self.method[sums.focal] = method

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


def _roads(chart: _Map, sums: Sums) -> tuple[Sums, Sums, Sums]:
    """Divide places into few subsets, large share of the map, and the rest."""
    n = len(chart.values)
    crowded = sums.draws > SHARED_DRAWS_RATIO * n
    few_by_draws = np.array([math.comb(n - 1, k) <= FEW_SUBSETS for k in range(min(n, 64))])
    few = few_by_draws[np.minimum(np.minimum(sums.draws, n - 1 - sums.draws), 63)]
    # The tables are exact on a lattice, and cheaper than any enumeration on a large map.
    few &= crowded | (not chart.is_lattice)
    return sums.at(few), sums.at(crowded & ~few), sums.at(~crowded & ~few)


def _joined(parts: list[Sums]) -> Sums:
    """Put rows together in the order of their places."""
    focal = np.concatenate([part.focal for part in parts])
    order = np.argsort(focal)
    return Sums(
        focal=focal[order],
        draws=np.concatenate([part.draws for part in parts])[order],
        observed=np.concatenate([part.observed for part in parts])[order],
    )


def _smaller_side(chart: _Map, focal: int, draws: int, observed: float) -> tuple[FloatArray, int, float]:
    """Give the other values, and the draws left out when they are fewer than those drawn."""
    others = np.delete(chart.values, focal)
    if 2 * draws <= len(others):
        return others, draws, observed
    return others, len(others) - draws, float(others.sum()) - observed


def _enumerate(chart: _Map, sums: Sums, record: _Record) -> None:
    """Take the first road: all subsets."""
    tolerance = 1e-9 * float(chart.values.max())
    for i in range(len(sums.focal)):
        others, draws, observed = _smaller_side(
            chart, int(sums.focal[i]), int(sums.draws[i]), float(sums.observed[i])
        )
        p = 2 * min(enumerated_tails(others, draws, observed, tolerance))
        record.settle(sums.at(np.array([i])), min(1.0, p), 0.0, _EXACT)


def _program(chart: _Map, sums: Sums, record: _Record) -> Iterator[Sums]:
    """Take the second road; yield what it leaves open."""
    for i in range(len(sums.focal)):
        one = sums.at(np.array([i]))
        length = FIRST_SMALL
        found = _program_one(chart, one, length)
        while not found.settled[0] and length < LAST_SMALL:
            length *= 4
            found = _program_one(chart, one, length)
        if found.settled[0] or found.exact:
            method = _EXACT if found.exact else _GRID
            record.settle(one, found.high, found.high - found.low, method)
        else:
            yield one


def _program_one(chart: _Map, sums: Sums, length: int) -> _Found:
    """Compute one place on a grid that reaches up to its own sum."""
    top = float(chart.values.max())
    if sums.observed[0] > sums.draws[0] * top / 2:
        chart, sums = chart.reflected(sums)
    others, draws, observed = _smaller_side(
        chart, int(sums.focal[0]), int(sums.draws[0]), float(sums.observed[0])
    )
    grid = _Grid.over(chart, others, max(observed, 0.0) / length, draws)
    limits = grid.limits(np.array([observed]), np.array([draws]))
    return _bounds(programmed_tails(grid.steps, draws, limits[0])[None, :], grid.exact)


def _tabulate(chart: _Map, sums: Sums, record: _Record) -> Iterator[Sums]:
    """Take the third road; yield what it leaves open."""
    waiting = [(part, FIRST_LENGTH) for part in _first_groups(chart, sums)]
    for _ in range(MOST_ROUNDS):
        if not waiting:
            return
        group, length = waiting.pop()
        found = _tabulate_group(chart, group, length)
        done = found.settled | found.exact
        record.settle(
            group.at(done),
            found.high[done],
            found.high[done] - found.low[done] + NOISE,
            _EXACT if found.exact else _GRID,
        )
        record.attainable[group.focal] = found.attainable
        rest = group.at(~done)
        for part, longer in _refined(chart, rest, length):
            if longer <= LAST_LENGTH:
                waiting.append((part, longer))
            else:
                yield part
    yield from (part for part, _ in waiting)


def _first_groups(chart: _Map, sums: Sums) -> Iterator[Sums]:
    """Divide places so that each group shares one grid that suits it."""
    if not len(sums.focal):
        return
    if chart.is_lattice:
        most = int(sums.draws.max())
        low, high = sum_window(chart.values, most)
        if high[-1] - low[-1] < FIRST_LENGTH:
            yield sums
            return
        # Below a quarter of the length no step is lost; only the largest places need a grid.
        tame = sums.observed <= FIRST_LENGTH / 4
    else:
        tame = sums.draws <= MANY_DRAWS
    yield from (part for part in (sums.at(tame), sums.at(~tame)) if len(part.focal))


def _refined(chart: _Map, sums: Sums, length: int) -> Iterator[tuple[Sums, int]]:
    """Divide unsettled places: small sums get a finer grid of their own, the others a longer one."""
    for part in (sums.at(_is_low(chart, sums)), sums.at(~_is_low(chart, sums))):
        if not len(part.focal):
            continue
        reach = _reach(chart, part)
        near = reach < reach.max() / 4
        if near.any():
            yield part.at(near), length
        yield part.at(~near), 4 * length


def _is_low(chart: _Map, sums: Sums) -> npt.NDArray[np.bool_]:
    """Tell which sums are nearer to the smallest possible than to the largest."""
    return sums.observed <= sums.draws * float(chart.values.max()) / 2


def _reach(chart: _Map, sums: Sums) -> FloatArray:
    """Give how far the sums are from the end that is nearer."""
    return np.minimum(sums.observed, sums.draws * float(chart.values.max()) - sums.observed)


def _tabulate_group(chart: _Map, sums: Sums, length: int) -> _Found:
    """Compute one group on one grid."""
    if not _is_low(chart, sums).any():
        chart, sums = chart.reflected(sums)
    most = int(sums.draws.max())
    # Larger values cannot be part of a sum that counts; 5 % is room for the grid's bounds.
    limit = 1.05 * float(sums.observed.max()) + 1e-9
    drawn = chart.values[chart.values <= limit]
    low, high = sum_window(drawn, most)
    room = length - 2 * most - 8
    grid = _Grid.over(chart, drawn, float((high - low).max()) / room, most)
    own = np.rint(chart.values[sums.focal] / grid.step).astype(np.int64)
    questions = Questions(
        draws=sums.draws, own=own, thresholds=grid.limits(sums.observed, sums.draws)
    )
    answers = lower_tails(grid.steps, len(chart.values), questions, INTEREST)
    found = _bounds(answers.tails, grid.exact)
    if grid.exact:
        found = replace(found, attainable=answers.attainable[sums.draws])
    return found


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """Values rounded to steps, and by how much."""

    steps: IntArray
    step: float
    exact: bool
    slack: float
    """Largest rounding of one value, in steps."""

    @classmethod
    def over(cls, chart: _Map, drawn: FloatArray, step: float, draws: int) -> _Grid:
        """Round the drawn values; a lattice keeps whole multiples of its quantum."""
        if chart.is_lattice:
            step = max(1.0, math.ceil(step))
        elif step <= 0:
            step = 1.0 / LAST_LENGTH
        steps = np.rint(drawn / step)
        exact = chart.is_lattice and step == 1.0
        slack = 0.0 if exact else float(np.abs(drawn / step - steps).max(initial=0.0))
        return cls(steps=steps.astype(np.int64), step=step, exact=exact, slack=slack + 1e-9 * draws)

    def limits(self, observed: FloatArray, draws: IntArray) -> IntArray:
        """Give the steps up to which tails are cumulated: outer bounds, then inner ones.

        Columns are S <= s and S < s taken as far as rounding may reach, then as near.
        """
        at = observed / self.step
        if self.exact:
            whole = np.rint(at)
            return np.column_stack([whole, whole - 1]).astype(np.int64)
        # A sum of floats and its steps may differ by some 1e-16 of the largest: tied as well.
        slack = draws * self.slack + 1e-6
        outer, inner = np.floor(at + slack), np.ceil(at - slack)
        return np.column_stack([outer, inner - 1, inner - 1, outer]).astype(np.int64)


def _bounds(tails: FloatArray, exact: bool) -> _Found:
    """Turn lower tails at the limits into two-sided bounds."""
    high = 2 * np.minimum(tails[:, 0], 1 - tails[:, 1])
    low = high if exact else 2 * np.minimum(tails[:, 2], 1 - tails[:, 3])
    return _Found(
        low=np.clip(low, 0.0, 1.0),
        high=np.clip(high, 0.0, 1.0),
        exact=exact,
        attainable=np.full(len(high), INTEREST),
    )


def _draw(chart: _Map, sums: Sums, record: _Record, seed: np.random.SeedSequence) -> None:
    """Take the last road: shared random draws."""
    p, error = monte_carlo_p(chart.values, sums.focal, sums.draws, sums.observed, seed=seed)
    record.settle(sums, p, error, _MONTE_CARLO)
