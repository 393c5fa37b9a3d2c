"""Band-limited bounds, brackets, ties and Chernoff's bound against enumeration."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from geo_engine.space.band import Asked, band, band_tails
from geo_engine.space.bounds import Chart
from geo_engine.space.brackets import settle_brackets
from geo_engine.space.chernoff import beyond, sum_window
from geo_engine.space.exact import conditional_tails
from geo_engine.space.record import Record
from geo_engine.space.shared_tails import share_tails
from geo_engine.space.sums import Sums
from geo_engine.space.ties import tied_sums
from tests.space.brute import drawn_tails, enumerated_p
from tests.space.test_exact import SEED, links_from, ring

SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "skewed": lambda rng, n: rng.gamma(0.5, size=n),
    "heavy": lambda rng, n: rng.standard_t(1.5, n),
    "shares": lambda rng, n: rng.binomial(m := rng.integers(1, 30, n), 0.3) / m,
    "atoms": lambda rng, n: rng.choice(np.sqrt([0, 2, 3, 5, 7.0]), n),
}


def unit(values):
    return (values - values.min()) / np.ptp(values)


def true_tails(values, i, k, observed):
    """Count P(sum < observed) and P(sum <= observed) over all subsets of the others."""
    others = np.delete(values, i)
    sums = others[np.array(list(itertools.combinations(range(len(others)), k)))].sum(axis=1)
    return np.mean(sums < observed - 1e-9), np.mean(sums <= observed + 1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [3, 4])
def test_a_band_bounds_every_tail_from_both_sides(shape, k):
    n = 45
    values = unit(SHAPES[shape](np.random.default_rng(k), n))
    lists = ring(n, k)
    observed = np.array([values[some].sum() for some in lists])
    distinct, times = np.unique(values, return_counts=True)
    base = band(distinct, times, n, period=1.05 * k, length=1 << 15)
    asked = Asked(
        draws=np.full(n, k), own=values, observed=observed, tied=1e-9, pairs=np.zeros((n, 2))
    )
    found = band_tails(base, asked)
    true = np.array([true_tails(values, i, k, observed[i]) for i in range(n)])
    assert (found[:, 0] <= true[:, 0] + 1e-9).all()
    assert (found[:, 1] >= true[:, 1] - 1e-9).all()
    if shape in ("normal", "skewed"):
        assert np.median(found[:, 1] - found[:, 0] - (true[:, 1] - true[:, 0])) < 1e-3


@pytest.mark.parametrize("shape", SHAPES)
def test_bounds_of_large_maps_hold_the_truth_of_pairs_and_triples(shape, monkeypatch):
    # Large enough for bands, few enough draws to count all triples by sorting.
    n = 1_100
    values = SHAPES[shape](np.random.default_rng(5), n)
    lists = ring(n, 3)
    monkeypatch.setattr("geo_engine.space.exact.PAIR_KINDS", 0)
    found = conditional_tails(values, links_from(lists), seed=SEED)
    for i in range(0, n, 110):
        others = np.sort(np.delete(values, i))
        observed = values[lists[i]].sum()
        below = [0, 0]
        for side, limit in enumerate((observed - 1e-9, observed + 1e-9)):
            for a in range(n - 1):
                high = np.searchsorted(others, limit - others[a] - others[a + 1 :])
                below[side] += np.maximum(high - np.arange(a + 2, n), 0).sum()
        total = (n - 1) * (n - 2) * (n - 3) / 6
        true = min(1.0, 2 * min(below[1] / total, 1 - below[0] / total))
        if found.method[i] != 3:
            assert true <= found.p_value[i] * (1 + 1e-9)
            assert found.p_value[i] - true <= found.p_error[i]


def chart_and_sums(values, lists):
    links = links_from(lists)
    n = len(values)
    sums = Sums(
        focal=np.arange(n),
        draws=links.draws,
        observed=links.sums(values),
        tied=tied_sums(values, links.starts, links.neighbors),
        side=np.zeros(n, np.int8),
    )
    return Chart(values=values, is_lattice=False, fraction=1 / 2520), sums


def test_a_bracket_of_fractions_counts_their_ties_without_error():
    rng = np.random.default_rng(2)
    parts = rng.integers(1, 8, 60)
    fractions = [Fraction(int(rng.integers(0, m + 1)), int(m)) for m in parts]
    fractions[0], fractions[1] = Fraction(0), Fraction(1)
    values = np.array([float(f) for f in fractions])
    chart, sums = chart_and_sums(values, ring(60, 3))
    record = Record(np.zeros(60))
    left = settle_brackets(chart, sums, record)
    assert not len(left.focal)
    expected = [enumerated_p(fractions, ring(60, 3)[i], i) for i in range(0, 60, 6)]
    # The distance is that of single precision, and nothing else.
    np.testing.assert_allclose(record.high[::6], expected, atol=5e-6)
    np.testing.assert_allclose(record.low[::6], expected, atol=5e-6)
    assert (record.high[::6] >= expected).all()
    assert (record.low[::6] <= expected).all()


def test_a_bracket_holds_fractions_off_its_lattice_between_its_sides():
    rng = np.random.default_rng(3)
    parts = np.where(rng.random(60) < 0.2, rng.integers(11, 40, 60), rng.integers(1, 6, 60))
    fractions = [Fraction(int(rng.integers(0, m + 1)), int(m)) for m in parts]
    fractions[0], fractions[1] = Fraction(0), Fraction(1)
    values = np.array([float(f) for f in fractions])
    chart, sums = chart_and_sums(values, ring(60, 3))
    record = Record(np.zeros(60))
    list(share_tails(chart, sums, record))
    expected = np.array([enumerated_p(fractions, ring(60, 3)[i], i) for i in range(0, 60, 6)])
    assert (record.high[::6] >= expected - 1e-9).all()
    assert (record.low[::6] <= expected + 1e-9).all()


def test_certain_ties_are_no_more_than_all_ties_and_as_many_on_the_lattice():
    rng = np.random.default_rng(4)
    parts = rng.integers(1, 14, 40)
    fractions = [Fraction(int(rng.integers(0, m + 1)), int(m)) for m in parts]
    values = np.array([float(f) for f in fractions])
    for k in (2, 3):
        lists = ring(40, k)
        found = tied_sums(values, *(links_from(lists).starts, links_from(lists).neighbors))
        for i, some in enumerate(lists):
            others = [f for j, f in enumerate(fractions) if j != i]
            total = sum(fractions[j] for j in some)
            subsets = list(itertools.combinations(others, k))
            true = sum(sum(subset) == total for subset in subsets) / len(subsets)
            assert found[i] <= true + 1e-12
            if all(fractions[j].denominator <= 10 for j in some):
                near = [f for f in others if f.denominator > 10]
                if not near:
                    assert found[i] == pytest.approx(true, abs=1e-11)


def test_ties_of_values_without_a_lattice_are_the_same_values_again():
    values = np.sqrt(np.array([2.0, 2, 3, 3, 5, 5, 5, 7, 7, 11]))
    lists = [[2, 4], *[[0]] * 9]
    found = tied_sums(values, *(links_from(lists).starts, links_from(lists).neighbors))
    # One of two 3s and one of three 5s, of 36 pairs of the other nine.
    assert found[0] == pytest.approx(2 * 3 / 36)


def test_no_sum_lies_outside_the_window_more_often_than_said():
    rng = np.random.default_rng(6)
    values = rng.gamma(0.4, size=900)
    low, high = sum_window(values, 8, 1e-3)
    for k in (3, 8):
        sums = np.array([rng.choice(values, k, replace=False).sum() for _ in range(20_000)])
        assert np.mean(sums > high[k]) < 1e-3 + 3 * np.sqrt(1e-3 / 20_000)
        assert np.mean(sums < low[k]) < 1e-3 + 3 * np.sqrt(1e-3 / 20_000)
    distinct, times = np.unique(values, return_counts=True)
    distance = 2.0
    bound = beyond(distinct, times, (np.array([3]), np.array([1.2])), distance)[0]
    sums = np.array([rng.choice(values, 3, replace=False).sum() for _ in range(20_000)])
    assert np.mean(np.abs(sums - 1.2) >= distance) <= bound


def test_continuous_values_of_a_whole_country_get_the_certified_bound_everywhere(italy):
    from geo_engine.space.links import Links

    graph, _ = italy
    values = np.random.default_rng(7).normal(size=graph.n)
    links = Links.of(graph, graph.unique_ids)
    found = conditional_tails(values, links, seed=SEED)
    linked = links.draws > 0
    p, error = found.p_value[linked], found.p_error[linked]
    assert (found.method[linked] != 3).all()
    assert np.mean(error > np.where(p > 0.01, 1e-4, 0.02 * p)) < 0.03
    assert (error <= 0.02 * p).all()
    # And they are nearly those of a normal distribution, whose sums are normal again.
    n, k = graph.n, links.draws[linked]
    mean = (values.sum() - values[linked]) / (n - 1)
    variance = ((values**2).sum() - values[linked] ** 2) / (n - 1) - mean**2
    z = (links.sums(values)[linked] - k * mean) / np.sqrt(k * variance * (n - 1 - k) / (n - 2))
    assert np.abs(p - 2 * stats.norm.sf(np.abs(z)))[k > 3].max() < 0.02


@pytest.mark.parametrize("kind", ["count", "lognormal", "cauchy"])
def test_heavy_tails_of_a_whole_country_agree_with_fresh_draws(italy, kind):
    from geo_engine.space.links import Links

    graph, population = italy
    rng = np.random.default_rng(8)
    values = {
        "count": lambda: rng.multinomial(4_500_000, population / population.sum()) * 1.0,
        "lognormal": lambda: np.exp(2.5 * rng.normal(size=graph.n)),
        "cauchy": lambda: rng.standard_cauchy(graph.n),
    }[kind]()
    links = Links.of(graph, graph.unique_ids)
    found = conditional_tails(values, links, seed=SEED)
    linked = np.flatnonzero(links.draws)
    assert np.isfinite(found.p_value[linked]).all()
    chosen = rng.choice(linked, 12, replace=False)
    sums, draws = links.sums(values), 200_000
    for i in chosen:
        lower, upper = drawn_tails(values, i, links.draws[i], sums[i], draws, int(i))
        tail = min(lower, upper) / draws
        error = 2 * np.sqrt(max(tail * (1 - tail), 10 / draws) / draws)
        gap = found.p_value[i] - min(1.0, 2 * tail)
        assert -4.3 * error - (found.p_error[i] if found.method[i] == 3 else 0) <= gap
        assert gap <= 4.3 * error + found.p_error[i]


def test_many_large_sums_of_counts_are_all_settled(italy):
    # More places beyond the last level than one grid would be worth.
    from geo_engine.space.links import Links

    graph, population = italy
    values = np.floor(population * 1.0)
    links = Links.of(graph, graph.unique_ids)
    found = conditional_tails(values, links, seed=SEED)
    linked = links.draws > 0
    assert np.isfinite(found.p_value[linked]).all()
    assert np.mean((found.p_error <= 0.02 * found.p_value)[linked]) > 0.99
