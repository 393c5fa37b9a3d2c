"""Whole maps of sparse counts in a few compiled steps, so that maps run beside each other.

What :mod:`one_map` does step by step for any map, for the commonest one: a small count in every
place, neighbors that weigh the same, both tails. The formulas are those of :mod:`moran` and
:mod:`small_counts`; only the interpreter, for which threads wait, has less to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from geo_engine.space.deep import DEEP
from geo_engine.space.links import Links, add_up
from geo_engine.space.moran import (
    AT_MEAN,
    COEFFICIENTS,
    GlobalMoran,
    fill_rows,
    judged_moran,
    moran_sums,
)
from geo_engine.space.multiplicity import Kinds
from geo_engine.space.record import EXACT
from geo_engine.space.small_counts import (
    FEWEST_PLACES,
    MOST_DRAWS,
    CountTables,
    find_questions,
    whole_steps,
)
from geo_engine.space.sum_tables import NOISE

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class CountMap:
    """What is found on one map of counts."""

    positive: int
    """Places other than zero."""
    total: float
    coefficients: FloatArray
    """Rows of ``moran.COEFFICIENTS``: all, or the first three."""
    quadrant: npt.NDArray[np.int8]
    p_value: FloatArray
    p_error: FloatArray
    method: npt.NDArray[np.int8]
    kinds: Kinds
    """The p-values again, for their correction."""
    expected_of_interest: float
    moran: GlobalMoran


def count_map(data: FloatArray, links: Links, *, moments: bool) -> CountMap | None:
    """Test every place of a map of small counts.

    Parameters
    ----------
    data : ndarray
        Values of the map, NaN where there is none.
    links : Links
        Neighbors of each place.
    moments : bool
        Whether to give all coefficients.

    Returns
    -------
    CountMap or None
        None where the map is not of that kind: a value is missing, all are equal, there are other
        numbers than small whole ones, places are few, or some p-value needs more digits.
    """
    n = len(data)
    if n < FEWEST_PLACES or not 0 < links.most <= min(MOST_DRAWS, n // 10):
        return None
    facts = np.zeros(4)
    found = np.full((len(COEFFICIENTS) if moments else 3, n), np.nan)
    quadrant = np.zeros(n, np.int8)
    at = links.starts, links.neighbors, links.draws
    which, asked, steps, histogram = _prepare(
        data, at, links.weight_moments, facts, (found, quadrant)
    )
    tables = CountTables.of(steps, histogram, links.most) if len(asked) else None
    if tables is None:
        return None
    p, attainable = tables.answers(asked)
    if p.min() < DEEP:
        return None
    p_value, p_error, method = np.empty(n), np.empty(n), np.zeros(n, np.int8)
    times, expected = _write(which, p, (links.draws, attainable), (p_value, p_error, method))
    return CountMap(
        positive=int(facts[0]),
        total=float(facts[1]),
        coefficients=found,
        quadrant=quadrant,
        p_value=p_value,
        p_error=p_error,
        method=method,
        kinds=Kinds(which=which, times=times, distinct=p),
        expected_of_interest=expected,
        moran=judged_moran(n, float(facts[2]), float(facts[3])),
    )


@numba.njit(cache=True, nogil=True)
def _prepare(
    data: FloatArray,
    at: tuple[IntArray, IntArray, IntArray],
    moments: tuple[float, float],
    facts: FloatArray,
    into: tuple[FloatArray, npt.NDArray[np.int8]],
) -> tuple[IntArray, IntArray, IntArray, IntArray]:  # pragma: no cover
    """Describe a map, and find what is to be asked of its tables: nothing where it does not fit."""
    starts, neighbors, draws = at
    found, quadrant = into
    n = len(data)
    none = np.empty(0, np.int64)
    for value in data:
        if not np.isfinite(value):
            return none, np.empty((0, 4), np.int64), none, none
    steps, top = whole_steps(data)
    if top <= 0:
        return none, np.empty((0, 4), np.int64), none, none
    histogram = np.zeros(top + 1, np.int64)
    for i in range(n):
        histogram[steps[i]] += 1
        facts[0] += data[i] != 0
        facts[1] += data[i]
    center = facts[1] / n
    squares = 0.0
    for value in data:
        squares += (value - center) ** 2
    largest = max(data.max() - center, center - data.min())
    sums = add_up(starts, neighbors, data)
    fill_rows(
        (data, sums, draws), (center, np.sqrt(squares / n), AT_MEAN * largest), found, quadrant
    )
    facts[2], facts[3] = moran_sums(data, found[0], draws, moments)
    smallest = data.min()
    for i in range(n):
        # Sums of whole numbers are exact.
        sums[i] -= draws[i] * smallest
    which, asked = find_questions(steps, draws, sums, np.zeros(n, np.int8))
    return which, asked, steps, histogram


@numba.njit(cache=True, nogil=True)
def _write(
    which: IntArray,
    p: FloatArray,
    given: tuple[IntArray, FloatArray],
    into: tuple[FloatArray, FloatArray, npt.NDArray[np.int8]],
) -> tuple[IntArray, float]:  # pragma: no cover
    """Give every place the answer to its question; count places by answer, and what is expected.

    Places without neighbors lose their question.
    """
    draws, attainable = given
    p_value, p_error, method = into
    times = np.zeros(len(p), np.int64)
    expected = 0.0
    for i in range(len(which)):
        if draws[i] > 0:
            times[which[i]] += 1
            p_value[i] = p[which[i]]
            p_error[i] = NOISE
            method[i] = EXACT
            expected += attainable[draws[i]]
        else:
            which[i] = -1
            p_value[i] = np.nan
            p_error[i] = np.nan
    return times, expected
