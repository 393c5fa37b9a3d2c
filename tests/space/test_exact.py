"""Exact tails against brute force, by enumeration and by a million draws."""

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space.exact import conditional_tails
from geo_engine.space.links import Links
from geo_engine.space.monte_carlo import map_seed
from tests.space.brute import drawn_tails, enumerated_p
from tests.space.calibration import constant_risk
from tests.space.conftest import panel

SEED = map_seed(1, "a", 2024)


def links_from(neighbor_lists):
    starts = np.concatenate([[0], np.cumsum([len(some) for some in neighbor_lists])])
    flat = [j for some in neighbor_lists for j in some]
    return Links(starts=starts.astype(np.int64), neighbors=np.array(flat, dtype=np.int64))


def ring(n, k):
    """Give each place the k places after it."""
    return [[(i + step) % n for step in range(1, k + 1)] for i in range(n)]


def tails_of(values, neighbor_lists):
    numbers = np.array([float(value) for value in values])
    return conditional_tails(numbers, links_from(neighbor_lists), seed=SEED)


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
    lists = [list(rng.choice(np.delete(np.arange(60), i), 5, False)) for i in range(60)]
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


def test_p_values_below_the_noise_of_transforms_are_computed_and_not_cut_off():
    values = np.zeros(4000)
    values[:6] = 1
    found = tails_of(values, ring(4000, 5))
    # One subset of five others holds the five other ones.
    assert found.p_value[0] == pytest.approx(2 / math.comb(3999, 5), rel=1e-10)
    assert found.p_error[0] <= 1e-10 * found.p_value[0]
    assert found.method[0] == 1


def test_a_heavy_right_tail_is_resolved_by_nested_grids():
    rng = np.random.default_rng(4)
    values = np.exp(2.5 * rng.normal(size=3000))
    found = tails_of(values, ring(3000, 5))
    assert np.mean(found.method == 3) < 0.01
    assert (found.p_error <= np.maximum(0.02 * found.p_value, 1e-12) + 1e-12)[
        found.method == 2
    ].all()


def test_tails_heavy_on_both_sides_agree_with_brute_force():
    values = np.random.default_rng(4).standard_cauchy(2000)
    lists = ring(2000, 4)
    found = tails_of(values, lists)
    for i in range(0, 2000, 200):
        lower, upper = drawn_tails(values, i, 4, values[lists[i]].sum(), 100_000, 7)
        p = min(1.0, 2 * min(lower, upper) / 100_000)
        assert -4 * 2 * np.sqrt(0.25 / 1e5) <= found.p_value[i] - p
        assert found.p_value[i] - p <= found.p_error[i] + 4 * 2 * np.sqrt(0.25 / 1e5)


def by_kinds(values, focal, draws, observed):
    """Enumerate multisets of distinct values instead of places."""
    kinds, times = np.unique(np.delete(values, focal), return_counts=True)
    lower = upper = total = 0
    for some in itertools.combinations_with_replacement(range(len(kinds)), draws):
        picked = np.bincount(some, minlength=len(kinds))
        ways = math.prod(math.comb(int(m), int(x)) for m, x in zip(times, picked, strict=True))
        total += ways
        lower += ways * (kinds @ picked <= observed + 1e-9)
        upper += ways * (kinds @ picked >= observed - 1e-9)
    return min(1, 2 * min(lower, upper) / total)


def same_sums_of_other_values(draws):
    """0 + (1 + root) and 1 + root: tied, of different values, and without a common quantum."""
    root = np.sqrt(2)
    values = np.random.default_rng(16).choice([0, 1, root, 1 + root], 600)
    found = tails_of(values, ring(600, draws))
    sums = np.array([values[some].sum() for some in ring(600, draws)])
    true = np.array([by_kinds(values, i, draws, sums[i]) for i in range(0, 600, 7)])
    return found, true


def test_other_values_with_the_same_sum_are_counted_exactly_for_three_and_four():
    for draws in (3, 4):
        found, true = same_sums_of_other_values(draws)
        gap = found.p_value[::7] - true
        assert np.abs(gap[found.method[::7] == 1]).max() < 1e-12
        assert (gap > -1e-12).all()
        assert (gap <= found.p_error[::7] + 1e-12).all()
        assert (found.method == 1).sum() > 100


def test_other_values_with_the_same_sum_are_certain_for_six_without_any_draw():
    found, true = same_sums_of_other_values(6)
    gap, error = found.p_value[::7] - true, found.p_error[::7]
    assert (found.method != 3).all()
    assert (gap > -1e-12).all()
    assert (gap <= error + 1e-12).all()
    assert error.max() < 1e-5


def z_scores(values, links, chosen, seed, draws=10**6):
    """Compare p-values with brute force, in standard errors of the latter alone."""
    found = conditional_tails(values, links, seed=SEED)
    sums = links.sums(values)

    def brute(i):
        return drawn_tails(values, i, links.draws[i], sums[i], draws, seed + i)

    with ThreadPoolExecutor(2) as pool:
        tails = np.array(list(pool.map(brute, chosen))) / draws
    tail = tails.min(axis=1)
    error = 2 * np.sqrt(np.maximum(tail * (1 - tail), 10 / draws) / draws)
    return (found.p_value[chosen] - np.minimum(1.0, 2 * tail)) / error


@pytest.mark.parametrize("variable", ["count", "share", "rate"])
def test_fifty_real_places_agree_with_a_million_fresh_draws(italy, variable):
    graph, population = italy
    digital, known = constant_risk(population, 60_000, 0.3, [2026])
    digital[:300] = np.minimum(known[:300], 2 * digital[:300])
    shaped = [panel(part, graph.unique_ids) for part in (digital, known)]
    rates = assuncao_reis(*shaped).to_numpy().ravel()
    with np.errstate(invalid="ignore"):
        shares = (digital / known).ravel()
    values = {"count": known.ravel().astype(float), "share": shares, "rate": rates}[variable]
    seen = np.isfinite(values)
    links = Links.of(graph, graph.unique_ids).among(seen)
    rng = np.random.default_rng(2026)
    chosen = np.sort(rng.choice(np.flatnonzero(links.draws), 50, replace=False))
    z = z_scores(values[seen], links, chosen, seed=20_260_000)
    # No allowance for p_error. Of 50 normal scores one exceeds 4.3 in one run of a thousand.
    assert np.abs(z).max() < 4.3
    # The larger end of the bounds is reported: some tenths of a standard error too large.
    assert abs(z.mean()) < 3.5 / np.sqrt(50) + 0.25


@pytest.mark.parametrize("draws", [1, 2])
def test_one_and_two_neighbors_are_counted_without_any_error(draws):
    rng = np.random.default_rng(13)
    # Many ties, as rates of places with few firms have, and no common quantum.
    values = rng.choice(np.sqrt([2, 3, 5, 7, 11, 13]), 300)
    found = tails_of(values, ring(300, draws))
    assert set(found.method) == {1}
    assert (found.p_error == 0).all()
    for i in range(0, 300, 17):
        others = np.delete(values, i)
        sums = np.array([sum(some) for some in itertools.combinations(others, draws)])
        observed = values[ring(300, draws)[i]].sum()
        tails = np.mean(sums <= observed + 1e-9), np.mean(sums >= observed - 1e-9)
        assert found.p_value[i] == pytest.approx(min(1, 2 * min(tails)), rel=1e-12)


def test_ties_of_the_same_values_do_not_widen_the_error():
    # The same five values come again in one draw of twenty or so: no grid can tell sums apart.
    values = np.random.default_rng(14).choice(np.sqrt([2, 3, 5, 7]), 500)
    found = tails_of(values, ring(500, 5))
    assert set(found.method) == {2}
    for i in range(0, 500, 50):
        true = by_kinds(values, i, 5, values[ring(500, 5)[i]].sum())
        assert true - 1e-12 <= found.p_value[i] <= true + found.p_error[i]
        assert found.p_error[i] < 1e-6


def test_the_error_is_a_bound_on_maps_of_every_shape():
    rng = np.random.default_rng(15)
    shapes = (
        rng.gamma(0.3, size=60),
        np.where(rng.random(60) < 0.6, 0.0, rng.normal(size=60)),
        rng.standard_t(2, 60),
        np.round(rng.random(60), 2) ** 0.5,
    )
    fours = np.array(list(itertools.combinations(range(59), 4)))
    for values in shapes:
        found = tails_of(values, ring(60, 4))
        for i in range(0, 60, 6):
            sums = np.delete(values, i)[fours].sum(axis=1)
            observed = values[ring(60, 4)[i]].sum()
            tails = np.mean(sums <= observed + 1e-9), np.mean(sums >= observed - 1e-9)
            true = min(1, 2 * min(tails))
            if found.method[i] != 3:
                assert true - 1e-12 <= found.p_value[i] <= true + found.p_error[i] + 1e-12


def test_a_floor_changes_no_larger_p_value(italy):
    graph, population = italy
    digital, known = constant_risk(population, 20_000, 0.05, [3])
    rates = assuncao_reis(*(panel(part, graph.unique_ids) for part in (digital, known)))
    values = rates.to_numpy().ravel()
    seen = np.isfinite(values)
    links = Links.of(graph, graph.unique_ids).among(seen)
    free = conditional_tails(values[seen], links, seed=SEED)
    floor = np.random.default_rng(4).random(seen.sum())
    floor[::3] = 1.0
    bound = conditional_tails(values[seen], links, seed=SEED, floor=floor)
    linked = links.draws > 0
    clear = linked & (np.abs(free.p_value - floor) > free.p_error + 0.02)
    larger = clear & (free.p_value > floor)
    np.testing.assert_allclose(bound.p_value[larger], free.p_value[larger], atol=1e-3, rtol=0.02)
    assert (bound.p_value[clear & ~larger] <= floor[clear & ~larger]).all()


EXTREMES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "log-normal": lambda rng, n: np.exp(2.5 * rng.normal(size=n)),
    "tiny spread": lambda rng, n: 1 + 1e-12 * rng.integers(0, 5, n),
    "huge": lambda rng, n: 1e300 * rng.normal(size=n),
    "largest": lambda rng, n: rng.choice([-1.7e308, 0.3, 1.7e308], n),
    "denormal": lambda rng, n: 5e-324 * rng.integers(0, 9, n),
    "minus zero": lambda rng, n: np.where(rng.random(n) < 0.5, -0.0, rng.integers(0, 3, n)),
    "one place": lambda rng, n: np.eye(n)[rng.integers(n)],
    "shares": lambda rng, n: rng.binomial(m := rng.integers(1, 500, n), 0.4) / m,
    "few firms": lambda rng, n: rng.binomial(m := rng.integers(1, 13, n), 0.4) / m,
    "far from zero": lambda rng, n: 1e9 + rng.integers(0, 4, n) / 3,
}


def tails_by_fractions(values, neighbors, focal):
    """Count all subsets without rounding; sums nearer than 1e-9 of the range are tied."""
    exact = [Fraction(float(value)) for value in values]
    near = (max(exact) - min(exact)) / 10**9
    others = exact[:focal] + exact[focal + 1 :]
    observed = sum(exact[j] for j in neighbors)
    sums = [sum(some) for some in itertools.combinations(others, len(neighbors))]
    return (
        sum(total <= observed + near for total in sums) / len(sums),
        sum(total >= observed - near for total in sums) / len(sums),
    )


@pytest.mark.parametrize("kind", EXTREMES)
def test_extreme_values_equal_enumeration_whatever_k_is(kind):
    for seed in range(6):
        rng = np.random.default_rng([seed, 5])
        n = int(rng.integers(3, 12))
        values = EXTREMES[kind](rng, n).astype(float)
        if values.min() == values.max():
            continue
        lists = [
            rng.choice(np.delete(np.arange(n), i), rng.integers(1, n), replace=False).tolist()
            for i in range(n)
        ]
        side = np.full(n, seed % 3 - 1, np.int8)
        found = conditional_tails(values, links_from(lists), seed=SEED, side=side)
        for i in range(0, n, 3):
            lower, upper = tails_by_fractions(values, lists[i], i)
            expected = {-1: lower, 0: min(1.0, 2 * min(lower, upper)), 1: upper}[int(side[i])]
            assert found.p_value[i] >= expected - 1e-12
            assert found.p_value[i] - found.p_error[i] <= expected + 1e-12


def test_a_place_beside_most_of_a_large_map_is_drawn_where_work_would_never_end(monkeypatch):
    monkeypatch.setattr("geo_engine.space.exact.MOST_WORK", 0)
    values = np.random.default_rng(3).normal(size=300)
    lists = [list(range(1, 201)), *([[0]] * 200), *([[]] * 99)]
    found = conditional_tails(values, links_from(lists), seed=SEED)
    assert found.method[0] == 3
    lower, upper = drawn_tails(values, 0, 200, values[1:201].sum(), 20_000, 7)
    expected = 2 * min(lower, upper) / 20_000
    error = 4 * np.sqrt(expected / 2 * (1 - expected / 2) / 20_000)
    assert abs(found.p_value[0] - expected) < found.p_error[0] + error
