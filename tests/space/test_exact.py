"""Exact tails against brute force, by enumeration and by a million draws."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from geo_engine.space.exact import conditional_tails
from geo_engine.space.monte_carlo import map_seed
from tests.space.brute import drawn_tails, enumerated_p

SEED = map_seed(1, "a", 2024)


def links_from(neighbor_lists):
    starts = np.concatenate([[0], np.cumsum([len(some) for some in neighbor_lists])])
    flat = [j for some in neighbor_lists for j in some]
    return starts.astype(np.int64), np.array(flat, dtype=np.int64)


def ring(n, k):
    """Give each place the k places after it."""
    return [[(i + step) % n for step in range(1, k + 1)] for i in range(n)]


def tails_of(values, neighbor_lists):
    starts, flat = links_from(neighbor_lists)
    numbers = np.array([float(value) for value in values])
    return conditional_tails(numbers, starts, flat, seed=SEED)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7, 9])
def test_small_maps_of_counts_equal_full_enumeration(k):
    rng = np.random.default_rng(k)
    for n in (10, 11, 12):
        values = [int(v) for v in rng.poisson(1.2, n)]
        values[0] = 9
        expected = [enumerated_p(values, some, i) for i, some in enumerate(ring(n, k))]
        np.testing.assert_allclose(tails_of(values, ring(n, k)).p_value, expected, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7])
def test_small_maps_of_shares_count_ties_that_floats_do_not_see(k):
    # 1/3 + 2/3, 1/6 + 5/6 and 1 + 0 are one sum; as floats they are not.
    shares = [
        Fraction(a, b)
        for a, b in [
            (0, 1),
            (1, 3),
            (2, 3),
            (1, 1),
            (1, 6),
            (5, 6),
            (1, 7),
            (6, 7),
            (1, 49),
            (0, 1),
        ]
    ]
    expected = [enumerated_p(shares, some, i) for i, some in enumerate(ring(10, k))]
    found = tails_of(shares, ring(10, k))
    np.testing.assert_allclose(found.p_value, expected, atol=1e-12)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_small_maps_of_numbers_without_a_common_quantum_are_enumerated(k):
    rng = np.random.default_rng(3)
    values = [Fraction(float(v)) for v in rng.normal(size=12)]
    expected = [enumerated_p(values, some, i) for i, some in enumerate(ring(12, k))]
    found = tails_of(values, ring(12, k))
    np.testing.assert_allclose(found.p_value, expected, atol=1e-12)
    assert (found.p_error == 0).all()


def test_a_map_worked_by_hand():
    # Others of place 0 are 0, 0, 1, 3; of their six pairs one reaches 4, none exceeds it.
    found = tails_of([5, 0, 0, 1, 3], [[3, 4], [0], [0], [0], [0]])
    assert found.p_value[0] == pytest.approx(2 * 1 / 6)
    # Place 1 drew the largest of 5, 0, 1, 3.
    assert found.p_value[1] == pytest.approx(2 * 1 / 4)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    values=st.lists(st.integers(0, 6), min_size=8, max_size=11).filter(lambda v: len(set(v)) > 1),
    k=st.integers(1, 4),
)
def test_any_small_map_of_counts_equals_enumeration(values, k):
    lists = ring(len(values), k)
    expected = [enumerated_p(values, some, i) for i, some in enumerate(lists)]
    np.testing.assert_allclose(tails_of(values, lists).p_value, expected, atol=1e-12)


@pytest.mark.parametrize("n", [45, 400])
def test_a_map_of_zeros_and_ones_is_hypergeometric(n):
    rng = np.random.default_rng(n)
    values = (rng.random(n) < 0.2).astype(int)
    lists = [list(rng.choice(np.delete(np.arange(n), i), 1 + i % 14, False)) for i in range(n)]
    found = tails_of(values, lists)
    for i in range(n):
        chance = stats.hypergeom(n - 1, values.sum() - values[i], len(lists[i]))
        hits = values[lists[i]].sum()
        expected = min(1, 2 * min(chance.cdf(hits), chance.sf(hits - 1)))
        assert found.p_value[i] == pytest.approx(expected, rel=1e-9, abs=3e-13)


def test_three_draws_from_a_large_map_equal_counting_all_triples():
    # 85,320 triples: the tables of the grid answer, sorting settles what is true.
    rng = np.random.default_rng(8)
    values = rng.gamma(0.7, size=81)
    lists = [[(i + 1) % 81, (i + 5) % 81, (i + 11) % 81] for i in range(81)]
    found = tails_of(values, lists)
    for i in range(0, 81, 4):
        others = np.delete(values, i)
        a, b, c = np.array(list(itertools.combinations(range(80), 3))).T
        sums = others[a] + others[b] + others[c]
        observed = values[lists[i]].sum()
        lower = np.mean(sums <= observed + 1e-9)
        upper = np.mean(sums >= observed - 1e-9)
        true = min(1, 2 * min(lower, upper))
        assert true <= found.p_value[i] + 1e-12
        assert found.p_value[i] - true <= found.p_error[i] + 1e-12


def test_all_roads_agree_on_the_same_places(monkeypatch):
    from geo_engine.space import exact

    rng = np.random.default_rng(11)
    values = rng.poisson(3.0, 60)
    lists = [list(rng.choice(np.delete(np.arange(60), i), 4, False)) for i in range(60)]
    by_tables = tails_of(values, lists).p_value
    monkeypatch.setattr(exact, "SHARED_DRAWS_RATIO", 0.0)
    by_values = tails_of(values, lists).p_value
    monkeypatch.setattr(exact, "FEW_SUBSETS", 10**6)
    by_subsets = tails_of(values, lists).p_value
    np.testing.assert_allclose(by_tables, by_subsets, atol=1e-12)
    np.testing.assert_allclose(by_values, by_subsets, atol=1e-12)


def test_reals_that_need_no_grid_and_reals_that_do_agree_within_the_error(monkeypatch):
    from geo_engine.space import exact

    rng = np.random.default_rng(12)
    values = rng.normal(size=60)
    lists = [list(rng.choice(np.delete(np.arange(60), i), 3 + i % 3, False)) for i in range(60)]
    by_tables = tails_of(values, lists)
    monkeypatch.setattr(exact, "SHARED_DRAWS_RATIO", 0.0)
    by_values = tails_of(values, lists)
    monkeypatch.setattr(exact, "FEW_SUBSETS", 10**7)
    by_subsets = tails_of(values, lists)
    assert set(by_tables.method) == {2}
    assert set(by_values.method) == {2}
    assert set(by_subsets.method) == {1}
    for found in (by_tables, by_values):
        excess = found.p_value - by_subsets.p_value
        assert excess.min() > -1e-12
        assert (excess <= found.p_error + 1e-12).all()


def test_a_place_whose_neighbors_are_everybody_is_certain():
    lists = [[j for j in range(6) if j != i] for i in range(6)]
    assert (tails_of([1, 2, 3, 4, 5, 9], lists).p_value == 1).all()


def test_p_values_below_the_noise_are_reported_at_the_floor():
    values = np.zeros(4000)
    values[:6] = 1
    lists = ring(4000, 5)
    found = tails_of(values, lists)
    # C(5, 5) / C(3999, 5) is about 1e-16.
    assert found.p_value[0] == 1e-12
    assert found.p_error[0] == pytest.approx(1e-12)


def test_a_heavy_right_tail_is_resolved_by_nested_grids():
    rng = np.random.default_rng(4)
    values = np.exp(2.5 * rng.normal(size=3000))
    found = tails_of(values, ring(3000, 5))
    assert np.mean(found.method == 3) < 0.01
    assert (found.p_error <= np.maximum(0.02 * found.p_value, 1e-12) + 1e-12)[
        found.method == 2
    ].all()


def test_tails_heavy_on_both_sides_fall_back_to_draws_that_agree_with_brute_force():
    values = np.random.default_rng(4).standard_cauchy(2000)
    lists = ring(2000, 4)
    found = tails_of(values, lists)
    drawn = np.flatnonzero(found.method == 3)
    assert len(drawn) > 100
    for i in drawn[:: len(drawn) // 10]:
        lower, upper = drawn_tails(values, i, 4, values[lists[i]].sum(), 100_000, 7)
        p = min(1.0, 2 * min(lower, upper) / 100_000)
        assert abs(p - found.p_value[i]) <= 2 * found.p_error[i] + 8 * np.sqrt(p / 2e5) + 1e-4


def _assuncao_reis(digital, firms):
    share = digital.sum() / firms.sum()
    rate = digital / firms
    between = (firms * (rate - share) ** 2).sum() / firms.sum() - share / firms.mean()
    variance = between + share / firms
    return (rate - share) / np.sqrt(np.where(variance > 0, variance, share / firms))


@pytest.mark.shared
def test_fifty_real_places_agree_with_a_million_draws(italy):
    places, graph = italy
    rng = np.random.default_rng(20)
    n = len(places)
    position = {name: i for i, name in enumerate(places.index)}
    lists = [
        [position[name] for name in graph[label].index[graph[label] > 0]] for label in places.index
    ]
    weight = rng.lognormal(0, 1.2, n)
    firms = rng.multinomial(60_000, weight / weight.sum()) + 1
    digital = rng.binomial(firms, np.where(np.arange(n) < 300, 0.5, 0.3))
    variables = {
        "count": firms.astype(float),
        "share": digital / firms,
        "rate": _assuncao_reis(digital, firms),
    }
    chosen = rng.choice([i for i in range(n) if len(lists[i])], 50, replace=False)
    for values in variables.values():
        found = tails_of(values, lists)
        for i in chosen:
            k, observed = len(lists[i]), values[lists[i]].sum()
            lower, upper = drawn_tails(values, i, k, observed, 10**6, i)
            tail = min(lower, upper) / 10**6
            noise = 4 * 2 * np.sqrt(max(tail * (1 - tail), 1e-6) / 10**6)
            assert abs(min(1.0, 2 * tail) - found.p_value[i]) <= noise + found.p_error[i]
