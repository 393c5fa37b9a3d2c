"""Conditional randomization done by force: every subset, or a million draws."""

import itertools
import math

import numba
import numpy as np


def enumerated_p(values, neighbors, focal):
    """Give the two-sided p-value over all subsets; values are exact numbers (Fraction, int)."""
    others = [value for j, value in enumerate(values) if j != focal]
    observed = sum(values[j] for j in neighbors)
    k = len(neighbors)
    lower = upper = 0
    for subset in itertools.combinations(others, k):
        total = sum(subset)
        lower += total <= observed
        upper += total >= observed
    return min(1.0, 2 * min(lower, upper) / math.comb(len(others), k))


@numba.njit(nogil=True)
def drawn_tails(values, focal, k, observed, permutations, seed):
    """Count draws at most and at least the observed sum; values nearer than 1e-9 are tied."""
    np.random.seed(seed)
    n = len(values)
    lower = 0
    upper = 0
    taken = np.zeros(k, np.int64)
    for _ in range(permutations):
        total = 0.0
        for j in range(k):
            fresh = False
            while not fresh:
                candidate = np.random.randint(0, n)
                fresh = candidate != focal
                for earlier in range(j):
                    if taken[earlier] == candidate:
                        fresh = False
            taken[j] = candidate
            total += values[candidate]
        if total <= observed + 1e-9:
            lower += 1
        if total >= observed - 1e-9:
            upper += 1
    return lower, upper
