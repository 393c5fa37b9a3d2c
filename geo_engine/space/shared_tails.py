"""Tails of all places of a map at once: tables of integers, brackets of fractions, transforms.

What is computed depends on a place only through its number of neighbors, its own value and the sum
around it; so a map needs one table for each number of neighbors, and look-ups.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from geo_engine.space.bounds import Bounds, Chart, Grid
from geo_engine.space.brackets import settle_brackets
from geo_engine.space.chernoff import sum_window
from geo_engine.space.core_tails import settle_core
from geo_engine.space.real_bands import is_heavy, settle_bands
from geo_engine.space.record import INTEREST, Record
from geo_engine.space.sum_tables import ROOM, Questions, lower_tails
from geo_engine.space.sums import Sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ONE_TABLE = 1 << 13
"""Integers whose sums span less than this need no levels."""
LEVELS = (1 << 12, 1 << 14, 1 << 16)
"""Sums up to which integers are tabulated one by one; larger sums go to bands."""
LEVEL_DRAWS = 12
"""Where a level is divided, so that both parts need about as many tables."""
LEVEL_NOISE = 0.002
"""Share of p that the noise of a damped table may be."""
FIRST_LENGTH, LAST_LENGTH = 1 << 15, 1 << 17
DAMPED_P = 1e-5
"""Damped tables carry a noise of some 1e-8: p-values must be larger."""
MOST_ROUNDS = 24
BAND_PLACES = 100
"""Smaller maps go to grids: the tables of a band pay for many places."""
FEW_PLACES = 200
"""Fewer places are not worth a level of their own."""


def share_tails(chart: Chart, sums: Sums, record: Record) -> Iterator[Sums]:
    """Settle the places of a map together; yield those that are not settled.

    Parameters
    ----------
    chart : Chart
        Values of the map.
    sums : Sums
        Places whose neighbors are at most a tenth of the map.
    record : Record
        Where bounds are written.

    Yields
    ------
    Sums
        Places whose bound is above the tolerance.
    """
    if not len(sums.focal):
        return
    waiting = sums
    if chart.is_lattice:
        waiting = _by_levels(chart, sums, record)
    elif chart.fraction > 0:
        waiting = settle_brackets(chart, waiting, record)
        near = record.is_near(waiting)
        yield waiting.at(near)
        waiting = waiting.at(~near)
    if chart.is_lattice:
        known = np.isfinite(record.high[waiting.focal])
        if known.all() or len(waiting.focal) < FEW_PLACES:
            yield from _by_grids(chart, waiting, record, 2 * FIRST_LENGTH)
            return
        yield from _by_grids(chart, waiting.at(known), record, 2 * FIRST_LENGTH)
        waiting = waiting.at(~known)
    if len(chart.values) < BAND_PLACES:
        yield from _by_grids(chart, waiting, record)
        return
    waiting = settle_bands(chart, settle_core(chart, waiting, record), record)
    # Grids near an end are fine where a few values are large; elsewhere ties are the trouble.
    near = record.is_near(waiting) & (not is_heavy(chart))
    yield waiting.at(near)
    yield from _by_grids(chart, waiting.at(~near), record)


def _by_levels(chart: Chart, sums: Sums, record: Record) -> Sums:
    """Tabulate integers without loss, those of small sums apart; give the largest sums."""
    most = int(sums.draws.max())
    low, high = sum_window(chart.values, most)
    if high[-1] - low[-1] < ONE_TABLE:
        _whole_table(chart, sums, record)
        return sums.at(np.zeros(len(sums.focal), np.bool_))
    parts, large = _divided(sums)
    jobs = [(part, partial(_level, chart, part)) for part in parts]
    if 0 < len(large.focal) < FEW_PLACES and chart.is_low(large).any():
        jobs.append((large, partial(_grid_group, chart, large, 2 * FIRST_LENGTH, damped=True)))
    # One map keeps all cores busy: the longest tables are begun first, and nothing is shared.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = list(pool.map(lambda job: job[1](), jobs[::-1]))[::-1]
    left = [] if len(jobs) > len(parts) else [large]
    for (part, _), (bounds, noise) in zip(jobs, found, strict=True):
        left.append(_weigh_level(part, bounds, noise, record))
    return Sums.joined(left)


def _divided(sums: Sums) -> tuple[list[Sums], Sums]:
    """Divide places into levels by their sum, and give those that no level takes."""
    parts, large = [], [sums.at(sums.observed > LEVELS[-1])]
    last = -1.0
    for cap in LEVELS:
        level = sums.at((sums.observed > last) & (sums.observed <= cap))
        last = cap
        few = level.draws <= LEVEL_DRAWS
        parts.append(level.at(few))
        alone = cap == LEVELS[-1] and (~few).sum() < FEW_PLACES
        (large if alone else parts).append(level.at(~few))
    return [part for part in parts if len(part.focal)], Sums.joined(large)


def _weigh_level(sums: Sums, found: Bounds, noise: float | FloatArray, record: Record) -> Sums:
    """Write the tails of one table; give those that its noise hides, and what is too coarse."""
    every = np.broadcast_to(noise, found.high.shape)
    clear = found.exact & (every <= LEVEL_NOISE * found.high)
    record.weigh(sums.at(clear), found.at(clear), every[clear])
    rest = sums.at(~clear)
    best = record.weigh(rest, replace(found.at(~clear), exact=False), every[~clear])
    return rest.at(~best.settled)


def _whole_table(chart: Chart, sums: Sums, record: Record) -> None:
    """Tabulate integers of a small range."""
    grid = Grid.over(chart, chart.values, 1.0)
    own = grid.steps[sums.focal]
    questions = Questions(draws=sums.draws, own=own, thresholds=grid.limits(sums), level=INTEREST)
    answers = lower_tails(grid.steps, len(chart.values), questions)
    record.weigh(sums, grid.bounds(answers.tails, sums), answers.noise)
    if answers.attainable is not None:
        record.attainable[sums.focal] = answers.attainable[sums.draws]


def _level(chart: Chart, sums: Sums) -> tuple[Bounds, float | FloatArray]:
    """Tabulate the integers that can be part of these sums."""
    reach = int(sums.observed.max())
    drawn = chart.values[chart.values <= reach]
    grid = Grid.over(chart, drawn, 1.0)
    questions = Questions(
        draws=sums.draws,
        own=np.rint(chart.values[sums.focal]).astype(np.int64),
        thresholds=grid.limits(sums),
        reach=reach,
        negligible=1e-11,
    )
    answers = lower_tails(grid.steps, len(chart.values), questions)
    return grid.bounds(answers.tails, sums), answers.noise


def _by_grids(
    chart: Chart, sums: Sums, record: Record, length: int = FIRST_LENGTH
) -> Iterator[Sums]:
    """Round values to grids, finer or nearer to the end where the bounds ask for it."""
    waiting = [(sums, length)] if len(sums.focal) else []
    for _ in range(MOST_ROUNDS):
        if not waiting:
            return
        group, length = waiting.pop()
        open_still = group.at(~_weigh_grid(chart, group, length, record))
        for part, longer in _refined(chart, open_still, length):
            if longer <= LAST_LENGTH:
                waiting.append((part, longer))
            else:
                yield part
    yield from (part for part, _ in waiting)


def _weigh_grid(chart: Chart, sums: Sums, length: int, record: Record) -> npt.NDArray[np.bool_]:
    """Bound one group; tell what is settled."""
    if not chart.is_low(sums).any():
        chart, sums = chart.reflected(sums)
    damped = bool((record.high[sums.focal] > DAMPED_P).all())
    found, noise = _grid_group(chart, sums, length, damped=damped)
    best = record.weigh(sums, found, noise)
    return best.settled | record.is_below(sums)


def _refined(chart: Chart, sums: Sums, length: int) -> Iterator[tuple[Sums, int]]:
    """Divide unsettled places: sums near an end get a grid of their own, the others a longer."""
    reach = _reach(chart, sums)
    near = reach < reach.max(initial=0.0) / 4
    low = chart.is_low(sums)
    for part, longer in (
        (sums.at(near & low), length),
        (sums.at(near & ~low), length),
        (sums.at(~near), 4 * length),
    ):
        if len(part.focal):
            yield part, longer


def _reach(chart: Chart, sums: Sums) -> FloatArray:
    """Give how far the sums are from the end that is nearer."""
    return np.minimum(sums.observed, sums.draws * float(chart.values.max()) - sums.observed)


def _grid_group(
    chart: Chart, sums: Sums, length: int, *, damped: bool
) -> tuple[Bounds, float | FloatArray]:
    """Compute one group on one grid; where p is not too small, without room for larger sums."""
    most = int(sums.draws.max())
    # Larger values cannot be part of a sum that counts; 5 % is room for the grid's bounds.
    limit = 1.05 * float(sums.observed.max()) + 1e-9
    drawn = chart.values[chart.values <= limit]
    low, high = sum_window(drawn, most)
    span = float((high - low).max())
    damped = damped and ROOM * limit < span
    room = length - 2 * most - 8
    grid = Grid.over(chart, drawn, (ROOM * limit if damped else span) / room)
    limits = grid.limits(sums)
    questions = Questions(
        draws=sums.draws,
        own=np.rint(chart.values[sums.focal] / grid.step).astype(np.int64),
        thresholds=limits,
        reach=int(limits.max()) if damped else None,
        negligible=1e-12,
    )
    answers = lower_tails(grid.steps, len(chart.values), questions)
    return grid.bounds(answers.tails, sums), answers.noise
