"""Real values by band-limited bounds: groups of places, periods, levels, and the commonest sums."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_engine.space.band import Asked, Band, Tables, band, band_tables, read_tails
from geo_engine.space.bounds import Bounds, Chart
from geo_engine.space.chernoff import beyond
from geo_engine.space.multisets import Read, settle_listed
from geo_engine.space.record import Record
from geo_engine.space.small_maps import pairs_below
from geo_engine.space.sums import Sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BAND_DRAWS = (3, 7, 13, 1 << 30)
"""Places are grouped by number of neighbors, because the period grows with it."""
SMALL_DRAWS = (3, 9, 1 << 30)
"""In small maps a group more costs more than it saves."""
BAND_WIDTHS = (6.5, 7.5, 8.5, 10.0, 12.0, 15.0)
"""Periods to choose from, in standard deviations of the sum of the most draws of a group."""
OUTSIDE, OUTSIDE_SHARE, OUTSIDE_SAMPLE = 3e-6, 0.97, 100
"""What may lie outside, for how many of a group's places, and of how many that is asked."""
SMALL_BAND, LONG_BAND, LONGEST_BAND = 1 << 17, 1 << 18, 1 << 19
SMALL_MAP = 2_000
"""In smaller maps even few places are many: they get long bands."""
FEW_PLACES, VERY_FEW = 200, 20
"""Fewer places are not worth a long band, or any after a bracket."""
MOST_LEVELS = 16
HEAVY = 3.0
"""Standard deviation against the distance of the quartiles, from where sums go by levels."""
TIED = 1e-9
PAIR_KINDS = 500
AWAY = (0.0, 1.5, 4.0, 12.0)
"""Distances from a sum at which bounds are read, in periods over the degree."""


def settle_bands(chart: Chart, sums: Sums, record: Record) -> Sums:
    """Bound tails by transforms up to a frequency.

    Parameters
    ----------
    chart : Chart
        Values of the map.
    sums : Sums
        Places whose neighbors are at most a tenth of the map.
    record : Record
        Where bounds are written.

    Returns
    -------
    Sums
        Places that are not settled.
    """
    bracketed = np.isfinite(record.high[sums.focal])
    left = [sums.at(sums.draws < BAND_DRAWS[0])]
    small = len(chart.values) <= SMALL_MAP
    for first, end in itertools.pairwise(SMALL_DRAWS if small else BAND_DRAWS):
        inside = (sums.draws >= first) & (sums.draws < end)
        group = sums.at(inside)
        if not len(group.focal) or (bracketed[inside].all() and len(group.focal) < VERY_FEW):
            left.append(group)
            continue
        left.extend(_nested_bands(chart, group, record))
    return Sums.joined(left)


def _nested_bands(chart: Chart, sums: Sums, record: Record) -> Iterator[Sums]:
    """Bound one group; where a few values stretch the period, sums near an end on their own."""
    heavy = chart.is_lattice or is_heavy(chart)
    open_still = sums if heavy else _weigh_band(chart, sums, record)
    near = record.is_near(open_still)
    almost, open_still = open_still.at(near), open_still.at(~near)
    worth = max(VERY_FEW, len(sums.focal) // 20)
    # Where only the absolute tolerance is missed, twice the frequencies are enough.
    yield _weigh_band(chart, almost, record, LONGEST_BAND) if len(almost.focal) > worth else almost
    if chart.fraction > 0 or len(open_still.focal) <= worth:
        yield open_still
        return
    low = chart.is_low(open_still)
    yield from _levels_of_bands(chart, open_still.at(low), record)
    turned, high = chart.reflected(open_still.at(~low))
    for part in _levels_of_bands(turned, high, record):
        yield turned.reflected(part)[1]


def is_heavy(chart: Chart) -> bool:
    """Tell whether a few values are so large that no one period suits all sums.

    Parameters
    ----------
    chart : Chart
        Values of the map.

    Returns
    -------
    bool
        Whether sums are to go by levels.
    """
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


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Places with similar numbers of neighbors, and the band that serves them."""

    chart: Chart
    distinct: FloatArray
    times: IntArray
    reach: float
    """Larger values cannot be part of any of the sums."""
    base: Band
    tables: Tables

    @classmethod
    def of(cls, chart: Chart, sums: Sums, length: int) -> _Group:
        """Make the tables."""
        reach = min(1.0001 * float(chart.values.max()), float(sums.observed.max()))
        drawn = chart.values[chart.values <= reach]
        distinct, repeated = np.unique(drawn, return_counts=True)
        times = repeated.astype(np.int64)
        period = _period(distinct, times, sums)
        base = band(distinct, times, len(chart.values), period=period, length=length)
        return cls(
            chart=chart,
            distinct=distinct,
            times=times,
            reach=reach,
            base=base,
            tables=band_tables(base, np.sort(sums.draws)),
        )

    def tails(self, sums: Sums, observed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Bound P(sum < observed) from below and P(sum <= observed) from above."""
        order = np.argsort(sums.draws, kind="stable")
        draws, own, observed = (
            sums.draws[order],
            self.chart.values[sums.focal[order]],
            observed[order],
        )
        asked = Asked(
            draws=draws,
            own=np.where(own <= self.reach, own, np.inf),
            observed=observed,
            tied=TIED * float(self.chart.values.max()),
            pairs=_pairs(self.chart, own, observed - own, draws == 3),
        )
        found = np.empty((len(order), 2))
        found[order] = read_tails(self.base, self.tables, asked)
        outside = np.empty(len(order))
        outside[order] = beyond(self.distinct, self.times, (draws, observed), self.base.period)
        return found[:, 0] - outside, found[:, 1] + outside

    def bounds(self, sums: Sums) -> Bounds:
        """Bound the p-values."""
        below, upto = self.tails(sums, sums.observed)
        return Bounds(
            low=sums.combined(below + sums.tied, 1 - upto + sums.tied),
            high=sums.combined(upto, 1 - below),
            exact=False,
        )

    def read(self, sums: Sums) -> Read:
        """Bound tails some way off the sums."""
        away = np.array(AWAY) * (self.base.period / (self.base.degree + 1))
        shifts = np.concatenate([-away, away])
        every = sums.at(np.repeat(np.arange(len(sums.focal)), len(shifts)))
        shape = (len(sums.focal), len(shifts))
        below, upto = self.tails(every, (sums.observed[:, None] + shifts).ravel())
        return Read(
            away=away,
            below=below.reshape(shape)[:, : len(away)],
            upto=upto.reshape(shape)[:, len(away) :],
        )


def _weigh_band(chart: Chart, sums: Sums, record: Record, length: int = LONG_BAND) -> Sums:
    """Bound one group on one band; give what is left open."""
    if not len(sums.focal):
        return sums
    few = len(sums.focal) < FEW_PLACES and len(chart.values) > SMALL_MAP
    group = _Group.of(chart, sums, SMALL_BAND if few else length)
    best = record.weigh(sums, group.bounds(sums))
    open_still = sums.at(~(best.settled | record.is_below(sums)))
    return settle_listed(chart, open_still, record, group.read)


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
