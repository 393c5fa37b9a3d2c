"""Values with extremes on both sides: the interval holds the exact p-value, and is narrow."""

import math

import numpy as np
import pytest

from geo_engine.space.bounds import Chart
from geo_engine.space.core_tails import has_extremes
from geo_engine.space.exact import conditional_tails
from geo_engine.space.links import Links
from tests.space.brute import drawn_tails, programmed_tails

SEED = np.random.SeedSequence(5)
RANGE = 140_003
"""So many steps are too many for a lattice of fractions: the engine sees real values."""


def ring(n, k):
    """Give each place the k places after it."""
    starts = np.arange(n + 1, dtype=np.int64) * k
    neighbors = (np.arange(n)[:, None] + np.arange(1, k + 1)) % n
    return Links(starts=starts, neighbors=np.sort(neighbors, axis=1).ravel().astype(np.int64))


def extreme_units(kind, n):
    """Make whole numbers with extremes on both sides."""
    rng = np.random.default_rng(11)
    values = rng.standard_cauchy(n) if kind == "cauchy" else rng.laplace(size=n) ** 3
    return np.rint((values - values.min()) / np.ptp(values) * RANGE).astype(np.int64)


@pytest.mark.parametrize("kind", ["cauchy", "cubes"])
def test_intervals_hold_the_exact_p_value(kind):
    n, k = 400, 5
    units, links = extreme_units(kind, n), ring(n, k)
    values = units * math.sqrt(2)
    assert has_extremes(Chart(values=values, is_lattice=False))
    found = conditional_tails(values, links, seed=SEED)
    away = np.argsort(np.abs(units - np.median(units)), kind="stable")
    sums = np.argsort(found.p_value, kind="stable")
    # Ordinary places and extremes, with ordinary sums around them and others.
    for i in np.unique([*away[[-20, -1]], *sums[[30, 300]]]):
        some = links.neighbors[links.starts[i] : links.starts[i + 1]]
        true = min(1.0, 2 * min(programmed_tails(units, some, i)))
        assert found.p_value[i] - found.p_error[i] - 1e-12 <= true <= found.p_value[i] + 1e-12


@pytest.mark.parametrize("n", [600, 3_000])
def test_intervals_of_cauchy_values_are_narrow_and_agree_with_draws(n):
    values, links = np.random.default_rng(12).standard_cauchy(n), ring(n, 5)
    found = conditional_tails(values, links, seed=SEED)
    assert np.median(found.p_error) < 2e-4
    assert np.mean(found.p_error <= 0.02 * found.p_value) > 0.95
    for i in (0, int(np.argmax(values)), int(np.argmax(values)) - 2):
        near = links.neighbors[links.starts[i] : links.starts[i + 1]]
        tails = drawn_tails(values, i, 5, float(values[near].sum()), 100_000, i)
        drawn = min(1.0, 2 * min(tails) / 100_000)
        error = 4.5 * 2 * math.sqrt(0.25 / 100_000)
        assert found.p_value[i] - found.p_error[i] - error <= drawn <= found.p_value[i] + error


def test_the_mirror_of_a_map_has_the_same_p_values():
    units, links = extreme_units("cauchy", 600), ring(600, 5)
    found, mirrored = (
        conditional_tails(sign * units * math.sqrt(2), links, seed=SEED) for sign in (1, -1)
    )
    assert (found.p_value - found.p_error <= mirrored.p_value + 1e-12).all()
    assert (mirrored.p_value - mirrored.p_error <= found.p_value + 1e-12).all()


def test_values_with_one_long_end_or_none_are_left_to_other_ways():
    rng = np.random.default_rng(3)
    for values in (rng.lognormal(0, 2.5, 900), rng.normal(size=900), np.arange(900.0)):
        shifted = values - values.min()
        assert not has_extremes(Chart(values=shifted / shifted.max(), is_lattice=False))
