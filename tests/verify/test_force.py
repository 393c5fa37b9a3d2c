"""The engine against force at a small size; ``scripts/verify.py`` runs the whole."""

import numpy as np
import pytest

from geo_engine.space.exact import conditional_tails
from tests.space.brute import enumerated_tails, programmed_tails
from tests.verify.force import (
    KINDS,
    LARGE,
    MONTE_CARLO,
    SEED,
    SMALL,
    against_all_subsets,
    against_draws,
    against_exact_counts,
    against_exact_sums,
    case,
    deviations,
    ring,
    small_units,
)


@pytest.mark.parametrize("kind", SMALL)
def test_small_maps_equal_full_enumeration_to_twelve_digits(kind):
    worst, compared = against_all_subsets(kind, range(100, 104))
    assert compared > 100
    assert worst <= 1e-12


@pytest.mark.parametrize("kind", SMALL)
def test_exact_sums_are_those_of_all_subsets(kind):
    units, _ = small_units(np.random.default_rng(2), kind, 12)
    units = units // max(1, int(units.max()) // 4_000)
    for k in (1, 4, 9):
        some = ring(12, k).neighbors[:k]
        counted, programmed = (f(units, some, 0) for f in (enumerated_tails, programmed_tails))
        assert programmed == pytest.approx(counted, rel=1e-12)


@pytest.mark.parametrize("kind", LARGE)
@pytest.mark.parametrize("n", [300, 1_050])
def test_the_bound_holds_the_exact_p_of_real_values_and_is_narrow(kind, n):
    p, bound, true, method = against_exact_sums(kind, n, 3, 5).T
    certain = method != MONTE_CARLO
    assert (p >= true * (1 - 1e-11) - 1e-12)[certain].all()
    assert (p - bound <= true * (1 + 1e-11) + 1e-12)[certain].all()
    assert np.median(bound / p) < 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_p_values_of_every_size_agree_with_fresh_draws(kind):
    rows = against_draws(kind, 200_000)
    # Seventy places in all: the largest of as many deviations is above 4.2 once in a thousand.
    assert np.abs(deviations(rows)).max() < 4.2


@pytest.mark.parametrize("kind", KINDS[:1])
def test_counts_of_the_whole_country_have_their_exact_p(kind):
    p, bound, true = against_exact_counts(kind).T
    assert len(p) > 5
    assert (p >= true - 1e-12).all()
    assert (p - bound <= true + 1e-12).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_p_has_a_floor_and_nearly_all_are_within_both_tolerances(kind):
    one = case(kind)
    found = conditional_tails(one.values, one.links, seed=SEED)
    linked = one.links.draws > 0
    p, error, method = (part[linked] for part in (found.p_value, found.p_error, found.method))
    assert (method != MONTE_CARLO).all()
    within = (error <= 0.02 * p) & ((p <= 0.01) | (error <= 1e-4))
    # Extremes on both sides leave some p-values a little wider.
    both_sides = kind == "Cauchy"
    assert within.mean() > (0.85 if both_sides else 0.95)
    # What rounding hides below a billionth has a bound, and may be wider.
    near = (error <= 0.021 * p)[p > 1e-9]
    assert near.mean() > 0.995 if both_sides else near.all()
