"""Tails of values with extremes on both sides: by how many of the extremes are drawn.

One outlier of a thousand spreads on either side sets the period of every transform and the step of
every grid. So the draws are divided: by how many of the few values far from all others are among
them.

- None: the sum of ordinary values, bounded by :mod:`band` on the period of ordinary sums.
- One: for each extreme v, the tail of the other draws, ordinary ones, at s - v. Only those v count
  one by one that leave s - v among the ordinary sums; the others add all or nothing.
- Two or more, which is rare: tables of integers, all values rounded down for one and up for the
  other. The very largest would stretch these too. Rounded down they are cut where the others
  end, and rounded up they count as infinite (and the smallest the other way round), so
  that the sum stays between.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import fft

from geo_engine.space.band import Asked, Band, Tables, band, band_tables, read_tails
from geo_engine.space.bounds import Bounds, Chart
from geo_engine.space.chernoff import beyond, sum_window
from geo_engine.space.record import Record
from geo_engine.space.running_sums import cumulate_rows
from geo_engine.space.sum_tables import newton_coefficients, newton_rows
from geo_engine.space.sums import Sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Bracket = tuple[FloatArray, FloatArray]
"""A lower and an upper bound by row."""

GROUPS = (3, 7, 13, 1 << 30)
"""Places are grouped by number of neighbors, because the period grows with it."""
FEWEST = 20
"""Fewer places of a group are not worth its tables."""
EXTREMES = (16, 32, 64, 128, 256, 512)
"""Numbers of extremes to choose from; at most an eighth of the places."""
HUGE = 3
"""Extremes on either side that are cut or infinite."""
HUGE_AMONG = 2_000
"""Fewer of them in small maps: one for so many places."""
FAR = 20.0
"""Both ends must be so many quartile distances from the median for extremes to matter."""
WIDTHS = (6.5, 7.5, 8.5, 10.0, 12.0)
"""Periods of sums of ordinary values to choose from, in their standard deviations."""
OUTSIDE, OUTSIDE_SHARE, OUTSIDE_SAMPLE = 3e-6, 0.9, 100
FINE, COARSE = 1 << 20, 1 << 16
"""Points of a period: without extremes, and with one."""
TABLE = 1 << 17
"""Entries of a table of two extremes or more."""
WINDOW, TABLE_WINDOW, TERMS = 1e-8, 1e-9, 1e-11
"""What lies outside of the window of ordinary sums and of a table; terms left out."""
TABLE_NOISE = 1e-8
TIED = 1e-9


def settle_core(chart: Chart, sums: Sums, record: Record) -> Sums:
    """Bound tails of values whose extremes lie on both sides.

    Parameters
    ----------
    chart : Chart
        Values of the map.
    sums : Sums
        Places with three neighbors and more, at most a tenth of the map.
    record : Record
        Where bounds are written.

    Returns
    -------
    Sums
        Places that are not settled: all of them where there are no such extremes.
    """
    if not has_extremes(chart):
        return sums
    left = []
    for first, end in itertools.pairwise(GROUPS):
        group = sums.at((sums.draws >= first) & (sums.draws < end))
        parts = _Parts.of(chart, group) if len(group.focal) >= FEWEST else None
        if parts is None:
            left.append(group)
            continue
        best = record.weigh(group, parts.bounds(group))
        left.append(group.at(~(best.settled | record.is_below(group))))
    return Sums.joined(left)


def has_extremes(chart: Chart) -> bool:
    """Tell whether values lie far from all others at both ends.

    Parameters
    ----------
    chart : Chart
        Values of the map.

    Returns
    -------
    bool
        Whether :func:`settle_core` does anything.
    """
    first, middle, third = np.quantile(chart.values, (0.25, 0.5, 0.75))
    nearer = min(middle - chart.values.min(), chart.values.max() - middle)
    return bool(nearer > FAR * (third - first) > 0)


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """The values of a map, divided for one group of places."""

    values: FloatArray
    is_core: npt.NDArray[np.bool_]
    extremes: FloatArray
    """Rising, repeated as they occur."""
    window: Bracket
    """Where sums of ordinary values lie, by number of draws."""
    none: tuple[Band, Tables]
    one: tuple[Band, Tables]
    several: tuple[_Table, _Table]
    """All values rounded down, and up."""

    @classmethod
    def of(cls, chart: Chart, sums: Sums) -> _Parts | None:
        """Divide the values, and make the tables; None where no sum is an ordinary one."""
        values, most = chart.values, int(sums.draws.max())
        away = np.abs(values - np.median(values))
        is_core = away <= _cut(values, away, float(sums.draws.mean()))
        core = np.unique(values[is_core], return_counts=True)
        window = sum_window(values[is_core], most, WINDOW)
        low, high = (part[sums.draws] for part in window)
        if not ((sums.observed > low) & (sums.observed < high)).any():
            return None
        draws = np.unique(sums.draws)
        whole = 1.05 * float((window[1] - window[0]).max())
        fine = _band(values, core, _period(core, window, sums), FINE)
        coarse = _band(values, core, whole, COARSE)
        return cls(
            values=values,
            is_core=is_core,
            extremes=np.sort(values[~is_core]),
            window=window,
            none=(fine, band_tables(fine, draws, pairs=False)),
            one=(coarse, band_tables(coarse, draws - 1, pairs=False)),
            several=_Table.both(values, is_core, np.union1d(draws, draws - 1)),
        )

    def bounds(self, sums: Sums) -> Bounds:
        """Bound the p-values of the group."""
        order = np.argsort(sums.draws, kind="stable")
        ordered = sums.at(order)
        parts = [self._none(ordered), self._one(ordered), self._several(ordered)]
        below, upto = np.empty(len(order)), np.empty(len(order))
        below[order] = np.maximum(sum(part[0] for part in parts), 0.0)
        upto[order] = np.minimum(sum(part[1] for part in parts), 1.0)
        return Bounds(
            low=sums.combined(below + sums.tied, 1 - upto + sums.tied),
            high=sums.combined(upto, 1 - below),
            exact=False,
        )

    @property
    def tied(self) -> float:
        """Sums nearer than this are equal."""
        return TIED * float(self.values.max())

    def _none(self, sums: Sums) -> Bracket:
        """Bound what draws without any extreme add to P(sum < s) and P(sum <= s)."""
        draws, observed = sums.draws, sums.observed
        low, high = (part[draws] for part in self.window)
        inside = (observed > low) & (observed < high)
        mass = self._mass(sums, draws)
        upto = np.where(observed >= high, mass, WINDOW)
        below = np.where(observed >= high, np.maximum(mass - WINDOW, 0.0), 0.0)
        some = sums.at(inside)
        found = self._read(self.none, some.focal, draws[inside], some.observed)
        core, times = np.unique(self.values[self.is_core], return_counts=True)
        outside = beyond(
            core, times.astype(np.int64), (some.draws, some.observed), self.none[0].period
        )
        below[inside], upto[inside] = found[:, 0] - outside, found[:, 1] + outside
        return below, upto

    def _one(self, sums: Sums) -> Bracket:
        """Bound what draws with one extreme add."""
        n = len(self.values)
        drawn = sums.draws - 1
        low, high = (part[drawn] for part in self.window)
        distinct, times = np.unique(self.extremes, return_counts=True)
        # Extremes that leave more than any ordinary sum, and those that leave one.
        first = np.searchsorted(distinct, sums.observed - high, side="right")
        last = np.searchsorted(distinct, sums.observed - low, side="left")
        before = np.concatenate([[0], np.cumsum(times)])
        own = np.where(self.is_core[sums.focal], np.nan, self.values[sums.focal])
        full = (before[first] - (own <= sums.observed - high)) * self._mass(sums, drawn)
        which = np.repeat(np.arange(len(first)), last - first)
        starts = np.cumsum(last - first) - (last - first)
        at = np.arange(len(which)) - starts[which] + first[which]
        left = sums.observed[which] - distinct[at]
        found = self._read(self.one, sums.focal[which], drawn[which], left)
        weight = times[at] - (distinct[at] == own[which])
        size = len(first)
        below = full + np.bincount(which, weight * found[:, 0], size)
        upto = full + np.bincount(which, weight * found[:, 1], size)
        share = sums.draws / (n - sums.draws)
        # A window leaves as much out for every extreme, and for every period beyond the first.
        noise = 2 * WINDOW * len(self.extremes) * share
        return below * share - noise, upto * share + noise

    def _several(self, sums: Sums) -> Bracket:
        """Bound what draws with two extremes or more add.

        Draws that hold the place itself are taken off: one fewer, at what is left of the sum. Of
        theirs, only a share of k / n holds it again, bounded by how many there can be.
        """
        n, draws, own = len(self.values), sums.draws, self.values[sums.focal]
        fewer = self._with_all(draws - 1, sums.observed - own)
        least = fewer[0] - (draws - 1) / n * self._at_most(draws - 2, 2)
        ordinary = self.is_core[sums.focal]
        least = np.where(ordinary, np.maximum(least, 0.0), 0.0)
        most = np.where(ordinary, fewer[1] * n / (n - draws + 1), self._at_most(draws - 1, 1))
        below, upto = self._with_all(draws, sums.observed)
        share = draws / n
        below = np.maximum(below - share * most, 0.0) / (1 - share) - TABLE_NOISE
        return below, (upto - share * least) / (1 - share) + TABLE_NOISE

    def _with_all(self, draws: IntArray, observed: FloatArray) -> Bracket:
        """Bound the same where the place itself can be drawn too."""
        down, up = self.several
        return (
            up.below(draws, observed - self.tied),
            down.upto(draws, observed + self.tied) + down.dropped(draws),
        )

    def _at_most(self, draws: IntArray, extremes: int) -> FloatArray:
        """Bound the probability of one extreme or more, or of two or more."""
        expected = draws * len(self.extremes) / (len(self.values) - 1)
        return np.minimum(expected if extremes == 1 else expected**2 / 2, 1.0)

    def _mass(self, sums: Sums, drawn: IntArray) -> FloatArray:
        """Give the probability that so many draws are all ordinary, the place itself left out."""
        n = len(self.values) - 1
        left = int(self.is_core.sum()) - self.is_core[sums.focal]
        chance = np.ones(len(drawn))
        for step in range(int(drawn.max(initial=0))):
            chance *= np.where(step < drawn, (left - step) / (n - step), 1.0)
        return chance

    def _read(
        self, tables: tuple[Band, Tables], focal: IntArray, draws: IntArray, observed: FloatArray
    ) -> FloatArray:
        """Bound tails of ordinary sums; rows by rising number of draws."""
        own = np.where(self.is_core[focal], self.values[focal], np.inf)
        asked = Asked(
            draws=draws, own=own, observed=observed, tied=self.tied, pairs=np.zeros((0, 2))
        )
        return read_tails(*tables, asked)


def _cut(values: FloatArray, away: FloatArray, draws: float) -> float:
    """Choose from where values are extremes: what is narrowest for sums near the middle."""
    n = len(values)
    ordered = np.sort(away)
    quartiles = np.quantile(values, (0.25, 0.75))
    density = 0.54 / (quartiles[1] - quartiles[0]) / np.sqrt(draws)
    huge = float(ordered[-2 * HUGE - 1])
    best, narrowest = float(ordered[-EXTREMES[0] - 1]), np.inf
    for count in EXTREMES:
        cut = float(ordered[-count - 1]) if count <= n // 8 else 0.0
        if cut <= 0:
            break
        spread = float(np.sqrt(np.mean(ordered[: n - count] ** 2)))
        fine = density * 7.5 * spread * np.sqrt(draws) / (FINE / 2)
        two = (draws * count / n) ** 2 / 2
        width = fine + 4 * two * min(1.0, draws * 8 * huge / TABLE / (4 * cut))
        if width < narrowest:
            best, narrowest = cut, width
    return best


def _band(
    values: FloatArray, core: tuple[FloatArray, npt.NDArray[np.intp]], period: float, length: int
) -> Band:
    """Transform the ordinary values."""
    return band(core[0], core[1].astype(np.int64), len(values), period=period, length=length)


def _period(core: tuple[FloatArray, npt.NDArray[np.intp]], window: Bracket, sums: Sums) -> float:
    """Choose the shortest period that leaves little outside for most sums near the middle."""
    distinct, times = core[0], core[1].astype(np.int64)
    most = int(sums.draws.max())
    mean = float(distinct @ times) / float(times.sum())
    spread = np.sqrt(float(((distinct - mean) ** 2) @ times) / float(times.sum()))
    low, high = (part[sums.draws] for part in window)
    inside = np.flatnonzero((sums.observed > low) & (sums.observed < high))
    some = sums.at(inside[:: max(1, len(inside) // OUTSIDE_SAMPLE)])
    period = 1.0
    for width in WIDTHS:
        period = width * float(spread) * np.sqrt(most)
        found = beyond(distinct, times, (some.draws, some.observed), period)
        if not len(found) or np.quantile(found, OUTSIDE_SHARE) < OUTSIDE:
            break
    return float(period)


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Probability of draws with two extremes or more by their sum, cumulated, place by place."""

    cumulated: FloatArray
    """Rows by number of draws."""
    rows: IntArray
    first: IntArray
    """Sum of the first entry of each row, in steps."""
    step: float
    whole: FloatArray
    """Probability of two extremes or more by row, whatever was left out."""

    @classmethod
    def both(
        cls, values: FloatArray, is_core: npt.NDArray[np.bool_], draws: IntArray
    ) -> tuple[_Table, _Table]:
        """Make the tables of values rounded down and rounded up."""
        extremes = np.sort(values[~is_core])
        middle, huge = float(np.median(values)), min(HUGE, len(values) // HUGE_AMONG)
        small, large = extremes[extremes < middle], extremes[extremes > middle]
        least = float(small[huge] if len(small) > 2 * huge else values.min())
        largest = float(large[-huge - 1] if len(large) > 2 * huge else values.max())
        cut = np.clip(values, least, largest)
        low, high = sum_window(cut, int(draws.max()), TABLE_WINDOW)
        room = TABLE - 2 * int(draws.max()) - 8
        step = float((high - low)[draws].max()) / room
        first = np.floor(low[draws] / step).astype(np.int64) - draws - 1
        whole = np.array([_two_or_more(is_core, int(k)) for k in draws])
        blank = cls(cumulated=np.empty((0, 0)), rows=draws, first=first, step=step, whole=whole)
        down = np.floor(cut / step).astype(np.int64), values >= least
        up = np.ceil(cut / step).astype(np.int64), values <= largest
        return blank._filled(*down, is_core), blank._filled(*up, is_core)

    def _filled(
        self, steps: IntArray, drawn: npt.NDArray[np.bool_], is_core: npt.NDArray[np.bool_]
    ) -> _Table:
        """Compute E_k of all values, and take off what holds one extreme or none."""
        n, most = len(steps), int(self.rows[-1])
        spectra = [
            fft.rfft(np.bincount(steps[some] % TABLE, minlength=TABLE).astype(np.float64))
            for some in (drawn, is_core, drawn & ~is_core)
        ]
        coefficients = newton_coefficients(n, most, TERMS)
        rows = np.union1d(self.rows, self.rows - 1)
        every, core = (_newton(spectrum, coefficients, rows) for spectrum in spectra[:2])
        at = np.searchsorted(rows, self.rows)
        share = (self.rows / (n - self.rows + 1))[:, None]
        fewer = core[np.searchsorted(rows, self.rows - 1)]
        tables = fft.irfft(every[at] - core[at] - share * spectra[2] * fewer, TABLE, axis=1)
        cumulate_rows(tables, self.first % TABLE, np.ones(TABLE))
        return replace(self, cumulated=tables)

    def dropped(self, draws: IntArray) -> FloatArray:
        """Give the probability of draws with two extremes that hold one that was left out."""
        row = np.searchsorted(self.rows, draws)
        return np.maximum(self.whole[row] - self.cumulated[row, -1], 0.0)

    def _at(self, draws: IntArray, steps: FloatArray) -> FloatArray:
        """Read the probability of sums up to so many steps."""
        row = np.searchsorted(self.rows, draws)
        at = np.clip(steps - self.first[row], -1, TABLE - 1).astype(np.int64)
        return np.where(at < 0, 0.0, np.maximum(self.cumulated[row, np.maximum(at, 0)], 0.0))

    def upto(self, draws: IntArray, limits: FloatArray) -> FloatArray:
        """Bound P(sum <= limit) from above, values having been rounded down."""
        return self._at(draws, np.floor(limits / self.step))

    def below(self, draws: IntArray, limits: FloatArray) -> FloatArray:
        """Bound P(sum < limit) from below, values having been rounded up."""
        return self._at(draws, np.ceil(limits / self.step) - 1)


def _newton(
    spectrum: npt.NDArray[np.complex128], coefficients: FloatArray, rows: IntArray
) -> npt.NDArray[np.complex128]:
    """Give E_k of some values for the numbers of draws asked for."""
    ring = np.zeros((coefficients.shape[1] + 1, TABLE // 2 + 1), np.complex128)
    ring[0] = 1.0
    terms = np.empty((len(rows), TABLE // 2 + 1), np.complex128)
    newton_rows(spectrum[None, :], TABLE, coefficients, (1, rows), (ring, terms))
    return terms


def _two_or_more(is_core: npt.NDArray[np.bool_], draws: int) -> float:
    """Give the probability of two extremes or more among the draws from all places."""
    n, core = len(is_core), int(is_core.sum())
    none = math.comb(core, draws) / math.comb(n, draws)
    one = (n - core) * math.comb(core, draws - 1) / math.comb(n, draws)
    return max(0.0, 1.0 - none - one)
