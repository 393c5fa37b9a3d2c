"""Random draws of neighbors, one shared pool for all places of a map."""

from __future__ import annotations

import hashlib

import numba
import numpy as np
import numpy.typing as npt

from geo_engine.space.sums import Sums

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BATCH = 5_000


def map_seed(seed: int, *labels: object) -> np.random.SeedSequence:
    """Derive the seed of one map from its labels, so that other maps never change it.

    Parameters
    ----------
    seed : int
        Seed of the study.
    *labels : object
        What names the map (chain, year); compared as text.

    Returns
    -------
    SeedSequence
        The same for the same labels on every machine.
    """
    words = [
        int.from_bytes(hashlib.sha256(str(label).encode()).digest()[:8], "little")
        for label in labels
    ]
    return np.random.SeedSequence([seed, *words])


def shared_pool_tails(
    values: FloatArray,
    sums: Sums,
    *,
    permutations: int,
    seed: np.random.SeedSequence,
    tolerance: float = 1e-9,
) -> tuple[IntArray, IntArray]:
    """Count, over random draws, the sums at most and at least as large as the observed ones.

    Each permutation draws one sequence of distinct places; its first k values serve every place
    with k neighbors. A place that is drawn into its own sample is replaced by draw k + 1, which
    leaves k distinct others, all subsets equally likely.

    Parameters
    ----------
    values : ndarray
        Values of the map.
    sums : Sums
        What was observed; draws are fewer than the values.
    permutations : int
        Number of sequences.
    seed : SeedSequence
        Where the sequences come from.
    tolerance : float
        Sums nearer than this, times the largest absolute value, are tied.

    Returns
    -------
    lower, upper : ndarray of int
        Sums <= observed, and sums >= observed; a tie is counted in both.
    """
    generator = np.random.default_rng(seed)
    tied = tolerance * float(np.abs(values).max(initial=0.0))
    longest = min(int(sums.draws.max()) + 1, len(values))
    deck = np.arange(len(values))
    lower = np.zeros(len(sums.focal), np.int64)
    upper = np.zeros(len(sums.focal), np.int64)
    asked = (sums.focal, sums.draws, sums.observed)
    for begin in range(0, permutations, BATCH):
        rows = min(BATCH, permutations - begin)
        uniform = generator.random((rows, longest))
        _count_batch(values, asked, (uniform, deck, tied), (lower, upper))
    return lower, upper


def expected_error(p: FloatArray, permutations: int) -> FloatArray:
    """Give two standard errors of a two-sided p-value from random draws.

    Parameters
    ----------
    p : ndarray
        What it is about.
    permutations : int
        Number of draws.

    Returns
    -------
    ndarray
        For each p-value.
    """
    tail = np.clip(p / 2, 1 / (1 + permutations), 0.5)
    return 4 * np.sqrt(tail * (1 - tail) / permutations)


def monte_carlo_p(
    values: FloatArray, sums: Sums, *, seed: np.random.SeedSequence, permutations: int
) -> tuple[FloatArray, FloatArray]:
    """Estimate p-values from draws that all places share.

    Parameters
    ----------
    values : ndarray
        Values of the map.
    sums : Sums
        What was observed.
    seed : SeedSequence
        Where the draws come from.
    permutations : int
        Number of draws.

    Returns
    -------
    p_value, p_error : ndarray
        ``min(1, 2 (1 + count) / (1 + permutations))`` of the smaller tail, or the tail asked for;
        and two standard errors.
    """
    lower, upper = shared_pool_tails(values, sums, permutations=permutations, seed=seed)
    p = sums.combined((1 + lower) / (1 + permutations), (1 + upper) / (1 + permutations))
    error = expected_error(p, permutations)
    return p, np.where(sums.side == 0, error, expected_error(2 * p, permutations) / 2)


@numba.njit(cache=True, nogil=True)
def _count_batch(
    values: FloatArray,
    asked: tuple[IntArray, IntArray, FloatArray],
    pool: tuple[FloatArray, IntArray, float],
    counts: tuple[IntArray, IntArray],
) -> None:  # pragma: no cover
    """Add the counts of one batch of sequences."""
    focal, draws, observed = asked
    uniform, deck, tied = pool
    lower, upper = counts
    n = len(values)
    longest = uniform.shape[1]
    sums = np.zeros(longest + 1)
    place = np.full(n, n, np.int64)  # at which draw a place came, n when it did not
    for r in range(uniform.shape[0]):
        # A partial shuffle of any deck is uniform, so the deck is never put back in order.
        for j in range(longest):
            at = j + int(uniform[r, j] * (n - j))
            deck[j], deck[at] = deck[at], deck[j]
            sums[j + 1] = sums[j] + values[deck[j]]
            place[deck[j]] = j
        for i in range(len(focal)):
            k = draws[i]
            total = sums[k]
            if place[focal[i]] < k:
                total = sums[k + 1] - values[focal[i]]
            if total <= observed[i] + tied:
                lower[i] += 1
            if total >= observed[i] - tied:
                upper[i] += 1
        for j in range(longest):
            place[deck[j]] = n
