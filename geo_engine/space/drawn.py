"""P-values of local sums by random draws that all places share, ended early where p is large.

Each draw is one random sequence of places; a place takes from it as many as it has neighbors,
itself left out, so that all ordered choices are equally likely for it. Where both tails have been
met ``ENOUGH`` times the place is done, and its tail is the count over the draws so far (Besag and
Clifford 1991), which is a valid p-value; the others go on to ``MOST_DRAWS``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from geo_engine.space.weights import Weights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ENOUGH = 100
"""Draws in a tail that settle it: a standard error of a tenth of p."""
MOST_DRAWS = 199_999
BATCH = 2_000
TIED = 1e-9
"""Sums nearer than this, in units of their largest possible part, count as tied."""


@dataclass(frozen=True, kw_only=True)
class DrawnTails:
    """Tails of one map."""

    lower: FloatArray
    """P(sum <= observed), ties counted; NaN without neighbors."""
    upper: FloatArray
    error: FloatArray
    """Two standard errors of twice the smaller tail."""


def drawn_tails(
    columns: tuple[FloatArray, ...],
    weights: Weights,
    seed: np.random.SeedSequence,
    *,
    squared_differences: bool,
) -> DrawnTails:
    """Estimate the tails of each place's sum over its neighbors.

    Parameters
    ----------
    columns : tuple of ndarray
        Values, by variable. Of one variable the values themselves are added up, by weight; or of
        all variables the squared differences from the place's own values.
    weights : Weights
        Of the links; they need not be equal.
    seed : SeedSequence
        Where the sequences come from.
    squared_differences : bool
        Which of both sums.

    Returns
    -------
    DrawnTails
        The same for any number of threads.

    References
    ----------
    Besag, J., Clifford, P. (1991). Sequential Monte Carlo p-values. Biometrika 78, 301-304.
    """
    table = np.ascontiguousarray(np.column_stack(columns))
    n = len(table)
    matrix = weights.matrix
    csr = (matrix.indptr.astype(np.int64), matrix.data.astype(np.float64))
    observed = _observed(table, (*csr, matrix.indices.astype(np.int64)), squared_differences)
    size = float(np.ptp(table, axis=0).max()) ** (2 if squared_differences else 1)
    tied = TIED * max(size, float(np.abs(table).max()) if not squared_differences else 0.0)
    counts = np.zeros((n, 3), np.int64)
    active = np.flatnonzero(weights.draws).astype(np.int64)
    longest = min(int(weights.draws.max(initial=0)) + 1, n)
    generator = np.random.default_rng(seed)
    deck = np.arange(n)
    judged = (observed, tied * weights.sums)
    is_quick = squared_differences and weights.is_equal_in_rows
    done = 0
    while done < MOST_DRAWS and len(active):
        rows = min(BATCH, MOST_DRAWS - done)
        uniform = generator.random((rows, longest))
        pool = (uniform, deck)
        if is_quick:
            _count_quick(table, csr, judged, pool, (active, counts))
        else:
            _count(table, csr, judged, pool, (active, counts), squared_differences)
        done += rows
        # The longest neighborhood still active decides how much of a sequence is needed.
        active = active[np.minimum(counts[active, 0], counts[active, 1]) < ENOUGH]
        longest = min(int(weights.draws[active].max(initial=0)) + 1, n)
    return _tails(counts, weights.draws > 0)


def _tails(counts: IntArray, linked: npt.NDArray[np.bool_]) -> DrawnTails:
    """Turn counts into tails: the smaller one was stopped, or the draws were."""
    lower, upper, draws = counts.T.astype(np.float64)
    settled = np.minimum(lower, upper) >= ENOUGH
    with np.errstate(invalid="ignore", divide="ignore"):
        tails = [
            np.where(settled, part / draws, (1 + part) / (1 + draws)) for part in (lower, upper)
        ]
        smaller = np.minimum(*tails)
        error = 4 * np.sqrt(smaller * (1 - smaller) / draws)
    lower, upper, error = (np.where(linked, part, np.nan) for part in (*tails, error))
    return DrawnTails(lower=lower, upper=upper, error=error)


@numba.njit(cache=True, nogil=True, inline="always")
def _part(table: FloatArray, i: int, j: int, squared: bool) -> float:  # pragma: no cover
    """Give what place j adds to the sum of place i."""
    if not squared:
        return table[j, 0]
    total = 0.0
    for v in range(table.shape[1]):
        total += (table[i, v] - table[j, v]) ** 2
    return total


@numba.njit(cache=True, nogil=True)
def _observed(
    table: FloatArray, csr: tuple[IntArray, FloatArray, IntArray], squared: bool
) -> FloatArray:  # pragma: no cover
    """Add up the actual neighbors."""
    starts, weight, neighbors = csr
    sums = np.zeros(len(table))
    for i in range(len(table)):
        for at in range(starts[i], starts[i + 1]):
            sums[i] += weight[at] * _part(table, i, neighbors[at], squared)
    return sums


@numba.njit(cache=True, nogil=True)
def _count(
    table: FloatArray,
    csr: tuple[IntArray, FloatArray],
    judged: tuple[FloatArray, FloatArray],
    pool: tuple[FloatArray, IntArray],
    places: tuple[IntArray, IntArray],
    squared: bool,
) -> None:  # pragma: no cover
    """Add the counts of one batch of sequences."""
    starts, weight = csr
    observed, tied = judged
    uniform, deck = pool
    active, counts = places
    n = len(table)
    for r in range(uniform.shape[0]):
        # A partial shuffle of any deck is uniform, so the deck is never put back in order.
        for j in range(uniform.shape[1]):
            at = j + int(uniform[r, j] * (n - j))
            deck[j], deck[at] = deck[at], deck[j]
        for i in active:
            if counts[i, 0] >= ENOUGH and counts[i, 1] >= ENOUGH:
                continue
            total = _drawn_sum(table, (starts[i], starts[i + 1], weight), deck, i, squared)
            counts[i, 2] += 1
            counts[i, 0] += total <= observed[i] + tied[i]
            counts[i, 1] += total >= observed[i] - tied[i]


@numba.njit(cache=True, nogil=True)
def _drawn_sum(
    table: FloatArray,
    links: tuple[int, int, FloatArray],
    deck: IntArray,
    i: int,
    squared: bool,
) -> float:  # pragma: no cover
    """Add up the first places of a sequence, place i left out."""
    begin, end, weight = links
    total = 0.0
    drawn = 0
    for at in range(begin, end):
        if deck[drawn] == i:
            drawn += 1
        total += weight[at] * _part(table, i, deck[drawn], squared)
        drawn += 1
    return total


@numba.njit(cache=True, nogil=True)
def _count_quick(
    table: FloatArray,
    csr: tuple[IntArray, FloatArray],
    judged: tuple[FloatArray, FloatArray],
    pool: tuple[FloatArray, IntArray],
    places: tuple[IntArray, IntArray],
) -> None:  # pragma: no cover
    """Do the same for squared differences and equal weights, from sums of values and squares.

    A place that is drawn into its own sample adds nothing to it, so one draw more is all it takes.
    """
    starts, weight = csr
    observed, tied = judged
    uniform, deck = pool
    active, counts = places
    n, variables = table.shape
    longest = uniform.shape[1]
    sums = np.zeros((longest + 1, variables + 1))
    drawn_at = np.full(n, n, np.int64)
    own = np.zeros(n)
    for v in range(variables):
        own += table[:, v] ** 2
    for r in range(uniform.shape[0]):
        _deal(table, uniform[r], deck, (own, drawn_at, sums))
        for i in active:
            if counts[i, 0] >= ENOUGH and counts[i, 1] >= ENOUGH:
                continue
            size = starts[i + 1] - starts[i]
            size += 1 if drawn_at[i] < size else 0
            total = size * own[i] + sums[size, variables]
            for v in range(variables):
                total -= 2 * table[i, v] * sums[size, v]
            total *= weight[starts[i]]
            counts[i, 2] += 1
            counts[i, 0] += total <= observed[i] + tied[i]
            counts[i, 1] += total >= observed[i] - tied[i]
        for j in range(longest):
            drawn_at[deck[j]] = n


@numba.njit(cache=True, nogil=True)
def _deal(
    table: FloatArray,
    uniform: FloatArray,
    deck: IntArray,
    written: tuple[FloatArray, IntArray, FloatArray],
) -> None:  # pragma: no cover
    """Draw one sequence, and write when each place came and the sums so far."""
    own, drawn_at, sums = written
    n, variables = table.shape
    for j in range(len(uniform)):
        at = j + int(uniform[j] * (n - j))
        deck[j], deck[at] = deck[at], deck[j]
        drawn_at[deck[j]] = j
        sums[j + 1, variables] = sums[j, variables] + own[deck[j]]
        for v in range(variables):
            sums[j + 1, v] = sums[j, v] + table[deck[j], v]
