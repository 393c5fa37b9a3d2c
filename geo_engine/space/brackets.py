"""Tails of fractions between two lattices: those of small denominators without any error.

Rates of small numbers are fractions of small denominators, and sums of them tie in many ways. On
the lattice of 1/2520, or of a part of that, fractions with denominators up to 10 and many others
are whole, so that their sums are exact and their ties are ties. What is off the lattice is rounded
down for one table and up for another: the true tail lies between, and a sum is lost by less than
one step for each value off the lattice.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy import fft

from geo_engine.space.bounds import TIED_STEPS, Bounds, Chart
from geo_engine.space.chernoff import beyond
from geo_engine.space.multisets import Read, settle_listed
from geo_engine.space.record import Record
from geo_engine.space.single_tables import SINGLE_NOISE, periodic_tails
from geo_engine.space.sum_tables import Questions
from geo_engine.space.sums import Sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FACTORS = (1, 2, 3, 4, 5, 6, 8, 11, 16, 22, 33, 44)
"""Parts of 1/2520; with eleven of them, denominators of 11 are whole too."""
ERROR = 6e-5
"""What rounding may add to a p-value near one, on average over draws."""
SHORT, LONGEST, PER_PLACE = 1 << 15, 1 << 19, 200
"""Few places are not worth long tables."""
SMALL_MAP, SMALL_LENGTH, SMALL_ERROR = 1_000, 1 << 17, 2e-5
"""In small maps few places are many, and their values fewer: finer lattices cost little."""
PERIOD = 7.0
"""Period, in standard deviations of the sum of the most draws of a group."""
FEW_KINDS = 64
"""So few distinct values are worth a list of their multisets."""
AWAY = (0.0, 0.5, 1.0, 3.0)
"""Distances from a sum at which tails are read, in steps for each draw."""
GROUPS = (3, 9, 17, 65)
"""Places are grouped by number of neighbors, because the period grows with it."""


@dataclass(frozen=True, kw_only=True)
class _Bracketed:
    """Tails of values rounded up and of values rounded down, columns by distance from the sums."""

    away: FloatArray
    below: tuple[FloatArray, FloatArray]
    """P(sum < observed - distance): values rounded up, then down."""
    upto: tuple[FloatArray, FloatArray]
    """P(sum <= observed + distance): the same."""
    outside: FloatArray
    """What sums a period away may add."""


def settle_brackets(chart: Chart, sums: Sums, record: Record) -> Sums:
    """Round what is not a fraction of the lattice once up and once down.

    Parameters
    ----------
    chart : Chart
        Values of which most are multiples of ``fraction``.
    sums : Sums
        Places whose neighbors are at most a tenth of the map.
    record : Record
        Where bounds are written.

    Returns
    -------
    Sums
        Places that are not settled.
    """
    few = len(np.unique(chart.values)) <= FEW_KINDS
    left = [sums.at((sums.draws < GROUPS[0]) | (sums.draws >= GROUPS[-1]))]
    for first, end in itertools.pairwise(GROUPS):
        group = sums.at((sums.draws >= first) & (sums.draws < end))
        if not len(group.focal):
            continue
        unit, period = _layout(chart, group)
        if unit > 0:
            tails = _bracketed(chart, group, (unit, period), few=few)
            best = record.weigh(group, _bounds(group, tails, unit), 2 * SINGLE_NOISE)
            open_still = group.at(~(best.settled | record.is_below(group)))
            read = partial(_read, group.focal, tails)
            group = settle_listed(chart, open_still, record, read) if few else open_still
        left.append(group)
    return Sums.joined(left)


def _bracketed(chart: Chart, sums: Sums, layout: tuple[float, int], *, few: bool) -> _Bracketed:
    """Bound the tails of one group of places, at their sums and around them."""
    unit, period = layout
    at = chart.values / unit
    whole = np.rint(at)
    on = np.abs(at - whole) < TIED_STEPS
    most = int(sums.draws.max())
    away = np.array(AWAY if few else AWAY[:1]) * most * unit
    less, more = ((sums.observed[:, None] + sign * away) / unit for sign in (-1, 1))
    limits = np.hstack([np.ceil(less - TIED_STEPS) - 1, np.floor(more + TIED_STEPS)])
    tails = []
    for rounded in (np.floor, np.ceil):
        steps = np.where(on, whole, rounded(at)).astype(np.int64)
        asked = Questions(
            draws=sums.draws, own=steps[sums.focal], thresholds=limits.astype(np.int64)
        )
        tails.append(periodic_tails(steps, period, asked))
    down, up = tails
    distinct, times = np.unique(chart.values, return_counts=True)
    # Rounding moves a sum by less than a step for each draw, and its limit by as much as one.
    distance = (period - most - 2) * unit - float(away[-1])
    outside = beyond(distinct, times.astype(np.int64), (sums.draws, sums.observed), distance)
    half = len(away)
    return _Bracketed(
        away=away,
        below=(up[:, :half], down[:, :half]),
        upto=(up[:, half:], down[:, half:]),
        outside=outside,
    )


def _bounds(sums: Sums, tails: _Bracketed, unit: float) -> Bounds:
    """Turn the tails at the sums into p-values."""
    reached = sums.observed / unit
    # Ties that hold a value off the lattice lie between the sides; the others are in both.
    off = np.abs(reached - np.rint(reached)) > TIED_STEPS
    tied = np.where(off, sums.tied, 0.0) - tails.outside
    (below, below_high), (upto_low, upto) = (
        [part[:, 0] for part in each] for each in (tails.below, tails.upto)
    )
    return Bounds(
        low=sums.combined(upto_low + tied, 1 - below_high + tied),
        high=sums.combined(upto + tails.outside, 1 - below + tails.outside),
        exact=False,
    )


def _read(focal: IntArray, tails: _Bracketed, sums: Sums) -> Read:
    """Choose some of the places, with what single precision and far sums may have changed."""
    rows = np.searchsorted(focal, sums.focal)
    wrong = (tails.outside[rows] + SINGLE_NOISE)[:, None]
    return Read(
        away=tails.away, below=tails.below[0][rows] - wrong, upto=tails.upto[1][rows] + wrong
    )


def _layout(chart: Chart, sums: Sums) -> tuple[float, int]:
    """Choose the coarsest lattice that should be fine enough, and the period; 0 when none is."""
    draws, spread = float(np.sqrt(sums.draws).mean()), float(chart.values.std())
    most, top = int(sums.draws.max()), float(chart.values.max())
    reach = min(PERIOD * spread * np.sqrt(most), most * top)
    small = len(chart.values) <= SMALL_MAP
    shortest, error = (SMALL_LENGTH, SMALL_ERROR) if small else (SHORT, ERROR)
    longest = min(max(shortest, PER_PLACE * len(sums.focal)), LONGEST)
    best = 0.0, 0
    for factor in FACTORS:
        unit = chart.fraction / factor
        length = int(reach / unit) + 2 * most + 8
        if length > longest:
            break
        at = chart.values / unit
        off = float(np.mean(np.abs(at - np.rint(at)) >= TIED_STEPS))
        best = unit, int(fft.next_fast_len(length, real=True))
        # Twice the density at the center times the mean number of steps that are lost.
        if 0.8 / spread * draws * off * unit < error:
            break
    return best
