"""Tails of fractions between two lattices: those of small denominators without any error.

Rates of small numbers are fractions of small denominators, and sums of them tie in many ways. On
the lattice of 1/2520, or half, a quarter, an eighth of that, fractions with denominators up to 10
and many others are whole, so that their sums are exact and their ties are ties. What is off the
lattice is rounded down for one table and up for another: the true tail lies between, and a sum is
lost by less than one step for each value off the lattice.
"""

from __future__ import annotations

import numpy as np

from geo_engine.space.bounds import TIED_STEPS, Bounds, Chart
from geo_engine.space.chernoff import sum_window
from geo_engine.space.record import Record
from geo_engine.space.sum_tables import Questions, lower_tails
from geo_engine.space.sums import Sums

BRACKET_DRAWS = 8
BRACKET_FACTORS = (1, 2, 4, 8)
BRACKET_ERROR = 1.2e-4
BRACKET_LENGTH = 120_000
BRACKET_NOISE = 1e-11


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
    rows = np.flatnonzero((sums.draws >= 3) & (sums.draws <= BRACKET_DRAWS))
    inside = sums.at(rows)
    unit = _bracket_unit(chart, inside)
    if unit <= 0:
        return sums
    at = chart.values / unit
    whole = np.rint(at)
    on = np.abs(at - whole) < TIED_STEPS
    sides = [np.where(on, whole, rounded(at)).astype(np.int64) for rounded in (np.floor, np.ceil)]
    reached = inside.observed / unit
    limits = np.column_stack([np.floor(reached + TIED_STEPS), np.ceil(reached - TIED_STEPS) - 1])
    tails = [
        lower_tails(
            steps,
            len(steps),
            Questions(
                draws=inside.draws,
                own=steps[inside.focal],
                thresholds=limits.astype(np.int64),
                negligible=BRACKET_NOISE,
            ),
        ).tails
        for steps in sides
    ]
    down, up = tails
    # Ties that hold a value off the lattice lie between the sides; the others are in both.
    tied = np.where(np.abs(reached - np.rint(reached)) > TIED_STEPS, inside.tied, 0.0)
    found = Bounds(
        low=inside.combined(up[:, 0] + tied, 1 - down[:, 1] + tied),
        high=inside.combined(down[:, 0], 1 - up[:, 1]),
        exact=False,
    )
    fine = record.weigh(inside, found, 10 * BRACKET_NOISE).settled | record.is_below(inside)
    keep = np.ones(len(sums.focal), np.bool_)
    keep[rows[fine]] = False
    return sums.at(keep)


def _bracket_unit(chart: Chart, sums: Sums) -> float:
    """Choose the coarsest lattice that should be fine enough; 0 when none is."""
    if not len(sums.focal):
        return 0.0
    draws, spread = float(sums.draws.mean()), float(chart.values.std())
    most = int(sums.draws.max())
    low, high = sum_window(chart.values, most, BRACKET_NOISE)
    for factor in BRACKET_FACTORS:
        unit = chart.fraction / factor
        at = chart.values / unit
        off = float(np.mean(np.abs(at - np.rint(at)) >= TIED_STEPS))
        # Twice the density at the center times the mean number of steps that are lost.
        error = 0.8 / (spread * np.sqrt(draws)) * draws * off * unit
        if (high[-1] - low[-1]) / unit > BRACKET_LENGTH:
            return 0.0
        if error < BRACKET_ERROR:
            return unit
    return 0.0
