"""Conditional randomization done by force: every subset, value by value, or millions of draws."""

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


def enumerated_tails(units, neighbors, focal):
    """Give P(S <= s) and P(S >= s) over all subsets, values being whole numbers: no rounding."""
    others = np.delete(np.asarray(units, np.int64), focal)
    subsets = np.array(list(itertools.combinations(range(len(others)), len(neighbors))))
    sums, observed = others[subsets].sum(axis=1), int(np.asarray(units)[neighbors].sum())
    return np.mean(sums <= observed), np.mean(sums >= observed)


def programmed_tails(units, neighbors, focal):
    """Give the same for many places, from the number of subsets of each sum.

    Only positive numbers are added up: the relative error of each number is below 1e-12.
    """
    units = np.asarray(units, np.int64)
    observed, k = int(units[neighbors].sum()), len(neighbors)
    turned = 2 * observed > k * int(units.max())
    if turned:
        units, observed = units.max() - units, k * int(units.max()) - observed
    tails = np.array(_programmed(np.delete(units, focal), k, observed))
    lower, below = tails / math.comb(len(units) - 1, k)
    return (1 - below, lower) if turned else (lower, 1 - below)


@numba.njit(nogil=True)
def _programmed(others, k, observed):
    """Count the subsets with sum at most, and below, the observed one."""
    table = np.zeros((k + 1, observed + 1))
    table[0, 0] = 1.0
    for done in range(len(others)):
        value = others[done]
        for j in range(min(k, done + 1), 0, -1):
            for s in range(value, observed + 1):
                table[j, s] += table[j - 1, s - value]
    return table[k].sum(), table[k, :observed].sum()


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
