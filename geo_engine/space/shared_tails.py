"""Tails of all places of a map at once: tables of integers, brackets of fractions, transforms.

What is computed depends on a place only through its number of neighbors, its own value and the sum
around it; so a map needs one table for each number of neighbors, and look-ups.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from geo_engine.space.band import Asked, band, band_tails
from geo_engine.space.bounds import Bounds, Chart, Grid
from geo_engine.space.brackets import settle_brackets
from geo_engine.space.chernoff import beyond, sum_window
from geo_engine.space.record import INTEREST, Record
from geo_engine.space.small_maps import pairs_below
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
BAND_PLACES = 1_000
"""Smaller maps go to grids: the tables of a band pay for many places."""
BAND_DRAWS = (3, 7, 13, 1 << 30)
"""Places are grouped by number of neighbors, because the period grows with it."""
BAND_WIDTHS = (6.5, 7.5, 8.5, 10.0, 12.0, 15.0)
"""Periods to choose from, in standard deviations of the sum of the most draws of a group."""
OUTSIDE, OUTSIDE_SHARE, OUTSIDE_SAMPLE = 3e-6, 0.97, 100
"""What may lie outside, for how many of a group's places, and of how many that is asked."""
SMALL_BAND, LONG_BAND, LONGEST_BAND = 1 << 16, 1 << 18, 1 << 19
FEW_PLACES, VERY_FEW = 200, 20
"""Fewer places are not worth a level of their own, a long band, or any after a bracket."""
MOST_LEVELS = 16
HEAVY = 3.0
"""Standard deviation against the distance of the quartiles, from where sums go by levels."""
SMALL_P = 2e-2
"""Grids in double precision help where p is small; ties and atoms are the trouble elsewhere."""
TIED = 1e-9
PAIR_KINDS = 500


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
    waiting = _by_bands(chart, waiting, record)
    small = (record.high[waiting.focal] < SMALL_P) | _is_heavy(chart)
    yield waiting.at(~small)
    yield from _by_grids(chart, waiting.at(small), record)


def _by_levels(chart: Chart, sums: Sums, record: Record) -> Sums:
    """Tabulate integers without loss, those of small sums apart; give the largest sums."""
    most = int(sums.draws.max())
    low, high = sum_window(chart.values, most)
    if high[-1] - low[-1] < ONE_TABLE:
        _whole_table(chart, sums, record)
        return sums.at(np.zeros(len(sums.focal), np.bool_))
    parts, large = _divided(sums)
    jobs = [(part, partial(_level, chart, part)) for part in parts]
    if 0 < len(large.focal) < FEW_PLACES and _is_low(chart, large).any():
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


def _by_bands(chart: Chart, sums: Sums, record: Record) -> Sums:
    """Bound tails by transforms up to a frequency; give what is left."""
    bracketed = np.isfinite(record.high[sums.focal])
    left = [sums.at(sums.draws < BAND_DRAWS[0])]
    for first, end in itertools.pairwise(BAND_DRAWS):
        inside = (sums.draws >= first) & (sums.draws < end)
        group = sums.at(inside)
        if not len(group.focal) or (bracketed[inside].all() and len(group.focal) < VERY_FEW):
            left.append(group)
            continue
        left.extend(_nested_bands(chart, group, record))
    return Sums.joined(left)


def _nested_bands(chart: Chart, sums: Sums, record: Record) -> Iterator[Sums]:
    """Bound one group; where a few values stretch the period, sums near an end on their own."""
    heavy = chart.is_lattice or _is_heavy(chart)
    open_still = sums if heavy else _weigh_band(chart, sums, record)
    near = record.is_near(open_still)
    almost, open_still = open_still.at(near), open_still.at(~near)
    worth = max(VERY_FEW, len(sums.focal) // 20)
    # Where only the absolute tolerance is missed, twice the frequencies are enough.
    yield _weigh_band(chart, almost, record, LONGEST_BAND) if len(almost.focal) > worth else almost
    if chart.fraction > 0 or len(open_still.focal) <= worth:
        yield open_still
        return
    low = _is_low(chart, open_still)
    yield from _levels_of_bands(chart, open_still.at(low), record)
    turned, high = chart.reflected(open_still.at(~low))
    for part in _levels_of_bands(turned, high, record):
        yield turned.reflected(part)[1]


def _is_heavy(chart: Chart) -> bool:
    """Tell whether a few values are so large that no one period suits all sums."""
    first, third = np.quantile(chart.values, (0.25, 0.75))
    return bool(chart.values.std() > HEAVY * (third - first) > 0)


def _levels_of_bands(chart: Chart, sums: Sums, record: Record) -> Iterator[Sums]:
    """Bound sums by levels of a quarter, each over the values that can be part of them."""
    for _ in range(MOST_LEVELS):
        if not len(sums.focal):
            return
        level = sums.observed >= sums.observed.max() / 4
        yield _weigh_band(chart, sums.at(level), record)
        sums = sums.at(~level)
    yield sums


def _weigh_band(chart: Chart, sums: Sums, record: Record, length: int = LONG_BAND) -> Sums:
    """Bound one group on one band; give what is left open."""
    if not len(sums.focal):
        return sums
    length = SMALL_BAND if len(sums.focal) < FEW_PLACES else length
    best = record.weigh(sums, _band_group(chart, sums, length))
    return sums.at(~(best.settled | record.is_below(sums)))


def _band_group(chart: Chart, sums: Sums, length: int) -> Bounds:
    """Bound the tails of places with similar numbers of neighbors."""
    top = float(chart.values.max())
    reach = min(1.0001 * top, float(sums.observed.max()))
    drawn = chart.values[chart.values <= reach]
    distinct, repeated = np.unique(drawn, return_counts=True)
    times = repeated.astype(np.int64)
    period = _period(distinct, times, sums)
    order = np.argsort(sums.draws, kind="stable")
    sums = sums.at(order)
    own = chart.values[sums.focal]
    tied = TIED * top
    three = sums.draws == 3
    pairs = _pairs(chart, own, sums.observed - own, three)
    base = band(
        distinct,
        times,
        len(chart.values),
        period=period,
        length=length,
    )
    asked = Asked(
        draws=sums.draws,
        own=np.where(own <= reach, own, np.inf),
        observed=sums.observed,
        tied=tied,
        pairs=pairs,
    )
    tails = band_tails(base, asked)
    outside = beyond(distinct, times, (sums.draws, sums.observed), period)
    lower, upper = tails[:, 1] + outside, 1 - tails[:, 0] + outside
    low = sums.combined(tails[:, 0] - outside + sums.tied, 1 - tails[:, 1] - outside + sums.tied)
    high = sums.combined(lower, upper)
    back = np.argsort(order, kind="stable")
    return Bounds(low=low[back], high=high[back], exact=False)


def _period(distinct: FloatArray, times: IntArray, sums: Sums) -> float:
    """Choose the shortest period that leaves little outside for most places of a group."""
    most = int(sums.draws.max())
    mean = float(distinct @ times) / float(times.sum())
    spread = np.sqrt(float(((distinct - mean) ** 2) @ times) / float(times.sum()))
    whole = max(1.0001 * most * float(distinct[-1]), 1e-6)
    some = sums.at(np.arange(0, len(sums.focal), max(1, len(sums.focal) // OUTSIDE_SAMPLE)))
    for width in BAND_WIDTHS:
        period = width * float(spread) * np.sqrt(most)
        if not 1e-6 < period < whole:
            return whole
        found = beyond(distinct, times, (some.draws, some.observed), period)
        if np.quantile(found, OUTSIDE_SHARE) < OUTSIDE:
            break
    return float(period)


def _pairs(
    chart: Chart, own: FloatArray, limits: FloatArray, asked: npt.NDArray[np.bool_]
) -> FloatArray:
    """Bound P(sum of two others < limit) from below, and of <= from above.

    The bounds weigh k / n only, so values are rounded to few, once up and once down.
    """
    pairs = np.zeros((len(own), 2))
    if not asked.any():
        return pairs
    n, top = len(chart.values), float(chart.values.max())
    unit = top / PAIR_KINDS
    for column, rounded in enumerate((np.ceil, np.floor)):
        shift = -TIED * top if column == 0 else TIED * top
        values = rounded(chart.values / unit) * unit
        mine = rounded(own[asked] / unit) * unit
        below = pairs_below(values, mine, limits[asked] + shift)
        pairs[asked, column] = below / ((n - 1.0) * (n - 2.0) / 2)
    return pairs


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
    if not _is_low(chart, sums).any():
        chart, sums = chart.reflected(sums)
    damped = bool((record.high[sums.focal] > DAMPED_P).all())
    found, noise = _grid_group(chart, sums, length, damped=damped)
    best = record.weigh(sums, found, noise)
    return best.settled | record.is_below(sums)


def _refined(chart: Chart, sums: Sums, length: int) -> Iterator[tuple[Sums, int]]:
    """Divide unsettled places: sums near an end get a grid of their own, the others a longer."""
    reach = _reach(chart, sums)
    near = reach < reach.max(initial=0.0) / 4
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
