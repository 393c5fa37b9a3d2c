"""The shared pool of draws: right distribution, stable seeds."""

import numpy as np
import pytest

from geo_engine.space.monte_carlo import map_seed, monte_carlo_p, shared_pool_tails
from geo_engine.space.sums import Sums
from tests.space.brute import enumerated_p


def sums_of(focal, draws, observed):
    return Sums(
        focal=np.array(focal),
        draws=np.array(draws),
        observed=np.array(observed, float),
        tied=np.zeros(len(focal)),
        side=np.zeros(len(focal), np.int8),
    )


def test_the_pool_estimates_what_enumeration_gives_for_every_number_of_neighbors():
    values = [5, 0, 0, 1, 3, 3, 7, 2, 0, 1]
    lists = [[(i + step) % 10 for step in range(1, 1 + (i % 4 or 4))] for i in range(10)]
    observed = [sum(values[j] for j in some) for some in lists]
    asked = sums_of(range(10), [len(some) for some in lists], observed)
    lower, upper = shared_pool_tails(
        np.array(values, float), asked, permutations=200_000, seed=map_seed(3)
    )
    for i in range(10):
        expected = enumerated_p(values, lists[i], i)
        tail = min(lower[i], upper[i]) / 200_000
        assert abs(min(1.0, 2 * tail) - expected) < 4 * 2 * np.sqrt(0.25 / 200_000)


def test_a_place_never_draws_itself():
    # Only place 0 is not zero: its neighbors can never sum to more than nothing.
    values = np.array([1.0, 0, 0, 0, 0, 0])
    lower, upper = shared_pool_tails(
        values, sums_of([0, 1], [4, 4], [1.0, 1.0]), permutations=2_000, seed=map_seed(3)
    )
    assert upper[0] == 0
    # Place 1 draws place 0 in four of five samples.
    assert abs(upper[1] / 2_000 - 0.8) < 0.05
    assert (lower == 2_000).all()


def test_drawing_everybody_else_needs_no_spare_place():
    values = np.array([1.0, 2.0, 4.0])
    asked = sums_of([0, 1, 2], [2, 2, 2], [6.0, 5.0, 3.0])
    lower, upper = shared_pool_tails(values, asked, permutations=50, seed=map_seed(3))
    assert (lower == 50).all()
    assert (upper == 50).all()


def test_sums_that_differ_by_rounding_are_tied_on_both_sides():
    values = np.array([0.0, 1 / 3, 2 / 3, 1.0, 0.0])
    asked = sums_of([4], [2], [1.0 + 2e-16])
    lower, upper = shared_pool_tails(values, asked, permutations=40_000, seed=map_seed(3))
    # Of the six pairs of 0, 1/3, 2/3, 1: two sum to 1, two to less, two to more.
    assert abs(lower[0] / 40_000 - 4 / 6) < 0.02
    assert abs(upper[0] / 40_000 - 4 / 6) < 0.02


def test_the_p_value_is_never_zero_and_repeats_itself():
    values = np.arange(100.0) ** 3
    asked = sums_of([0, 1], [3, 3], [values[-3:].sum(), values[40:43].sum()])
    first, error = monte_carlo_p(values, asked, seed=map_seed(1, "a", 2020), permutations=9_999)
    again, _ = monte_carlo_p(values, asked, seed=map_seed(1, "a", 2020), permutations=9_999)
    np.testing.assert_array_equal(first, again)
    assert first[0] >= 2 / 100_000
    assert (error > 0).all()


@pytest.mark.parametrize("other", [(2, "a", 2020), (1, "b", 2020), (1, "a", 2021)])
def test_seeds_differ_by_study_chain_and_year(other):
    state = map_seed(1, "a", 2020).generate_state(4)
    assert not np.array_equal(state, map_seed(*other).generate_state(4))


def test_a_seed_is_the_same_on_every_machine_and_for_numpy_labels():
    assert (
        map_seed(1, "a", 2020).generate_state(1)[0]
        == map_seed(1, np.str_("a"), np.int64(2020)).generate_state(1)[0]
    )
