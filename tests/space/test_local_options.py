"""One-sided tests, moments, families, least numbers, unequal weights, and tests repeated."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from libpysal.graph import Graph
from scipy import stats

from geo_engine.errors import StatisticsError
from geo_engine.space import (
    REASONS,
    RESIDUAL_NOTE,
    Labels,
    LocalTest,
    benjamini_yekutieli,
    local_autocorrelation,
    residual_autocorrelation,
)
from geo_engine.space.links import Links
from geo_engine.tables import LOCAL_CONSTANT, LOCAL_MISSING, LOCAL_TOO_SPARSE
from tests.space.conftest import lattice_graph, panel

TINY = {"min_places": 3, "min_positive": 1}


@pytest.fixture(scope="module")
def graph():
    """Give seven rows of eight squares, and an island."""
    return lattice_graph(7, 8, islands=1)


def options(**given):
    return LocalTest(**{"counts": False, "seed": 1, **given})


def cells(local, name):
    return local[name].to_numpy()[:, 0, 0]


def reals(graph, seed=4):
    return np.random.default_rng(seed).gamma(1.0, size=graph.n)


def all_lags(values, links):
    """Give each place's lag and those of all other draws, for a small map."""
    for i in range(len(values)):
        k = links.draws[i]
        others = np.delete(values, i)
        lags = np.array([np.mean(some) for some in itertools.combinations(others, k)])
        near = links.neighbors[links.starts[i] : links.starts[i + 1]]
        yield i, values[near].mean(), lags


@pytest.mark.parametrize("alternative", ["greater", "less"])
@pytest.mark.parametrize("statistic", ["gi", "moran"])
def test_one_sided_p_values_equal_enumeration_of_the_statistic(alternative, statistic):
    graph = lattice_graph(3, 4)
    values = np.random.default_rng(6).gamma(1.0, size=12)
    test = options(alternative=alternative, statistic=statistic, **TINY)
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, test)
    links = Links.of(graph, graph.unique_ids)
    for i, lag, lags in all_lags(values, links):
        own = 1.0 if statistic == "gi" else values[i] - values.mean()
        found, chance = own * (lag - values.mean()), own * (lags - values.mean())
        if alternative == "greater":
            expected = np.mean(chance >= found - 1e-9)
        else:
            expected = np.mean(chance <= found + 1e-9)
        assert cells(local, "p_value")[i] == pytest.approx(expected, abs=1e-12)


def test_a_one_sided_moran_is_certain_where_the_value_is_the_mean():
    graph = lattice_graph(6, 6)
    values = np.tile([0.1, 0.3, 0.5], 12)
    test = options(alternative="greater", statistic="moran")
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, test)
    assert (cells(local, "p_value")[np.isclose(values, 0.3)] == 1).all()


@pytest.mark.parametrize("counts", [True, False])
def test_turning_the_sign_turns_the_tails(graph, counts):
    values = np.random.default_rng(3).poisson(2.0, graph.n) if counts else reals(graph)
    up, _ = local_autocorrelation(
        panel(values, graph.unique_ids), graph, options(alternative="greater")
    )
    down, _ = local_autocorrelation(
        panel(-values, graph.unique_ids), graph, options(alternative="less")
    )
    apart = np.abs(cells(up, "p_value") - cells(down, "p_value"))[:-1]
    assert (apart <= (cells(up, "p_error") + cells(down, "p_error"))[:-1] + 1e-12).all()


def test_the_smaller_one_sided_p_is_half_the_two_sided_one(graph):
    values = panel(np.random.default_rng(3).poisson(2.0, graph.n), graph.unique_ids)
    found = {
        side: cells(local_autocorrelation(values, graph, options(alternative=side))[0], "p_value")
        for side in ("two-sided", "greater", "less")
    }
    smaller = np.minimum(found["greater"], found["less"])
    np.testing.assert_allclose(found["two-sided"], np.minimum(1, 2 * smaller), rtol=1e-9)


def test_labels_and_rates_look_at_the_same_side(graph):
    rng = np.random.default_rng(5)
    known = rng.poisson(12, graph.n) + 1
    digital = rng.binomial(known, 0.3)
    labels = Labels(digital=panel(digital, graph.unique_ids), known=panel(known, graph.unique_ids))
    shares = panel(digital / known, graph.unique_ids)
    local, _ = local_autocorrelation(shares, graph, options(alternative="greater"), labels=labels)
    rates, _ = local_autocorrelation(shares, graph, options(alternative="greater"))
    links = Links.of(graph, graph.unique_ids)
    for i in range(graph.n - 1):
        near = links.neighbors[links.starts[i] : links.starts[i + 1]]
        chance = stats.hypergeom(
            known.sum() - known[i], digital.sum() - digital[i], known[near].sum()
        )
        expected = max(chance.sf(digital[near].sum() - 1), cells(rates, "p_value")[i])
        assert cells(local, "p_value")[i] == pytest.approx(expected, rel=1e-6)


def test_moments_are_those_of_all_other_draws():
    graph = lattice_graph(3, 4)
    values = np.random.default_rng(7).gamma(1.0, size=12)
    local, _ = local_autocorrelation(
        panel(values, graph.unique_ids), graph, options(details=True, **TINY)
    )
    links = Links.of(graph, graph.unique_ids)
    z, sd = values - values.mean(), values.std()
    for i, lag, lags in all_lags(values, links):
        k = links.draws[i]
        moran = z[i] / sd * (lags - values.mean()) / sd
        assert cells(local, "moran_expected")[i] == pytest.approx(moran.mean(), abs=1e-12)
        assert cells(local, "moran_variance")[i] == pytest.approx(moran.var(), abs=1e-12)
        assert cells(local, "gi")[i] == pytest.approx((lag - lags.mean()) / lags.std(), abs=1e-9)
        spread = sd * np.sqrt((k + 1) * (12 - k - 1) / 11)
        star = (k * lags + values[i] - (k + 1) * values.mean()) / spread
        assert cells(local, "gi_star_expected")[i] == pytest.approx(star.mean(), abs=1e-12)
        assert cells(local, "gi_star_variance")[i] == pytest.approx(star.var(), abs=1e-12)


def test_gi_and_the_moments_of_moran_equal_those_of_esda():
    esda = pytest.importorskip("esda")
    graph = lattice_graph(9, 11)
    n = graph.n
    values = np.random.default_rng(9).gamma(1.3, size=n)
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, options(details=True))
    weights = graph.to_W()
    plain = esda.G_Local(values, weights, transform="B", star=False, permutations=0, n_jobs=1)
    # esda takes the variance of the others over n - 2 + 1; the standard scores differ by this.
    ratio = cells(local, "gi") / plain.Zs
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
    assert ratio[0] == pytest.approx(1.0, abs=2 / n)
    weights.transform = "r"
    moran = esda.Moran_Local(values, weights, permutations=0, n_jobs=1, seed=1)
    # esda standardizes with n - 1 in Is, and with n in its conditional moments.
    np.testing.assert_allclose(cells(local, "moran_expected"), moran.EIc, rtol=1e-9)
    np.testing.assert_allclose(cells(local, "moran_variance"), moran.VIc, rtol=1e-9)


def test_the_year_is_a_family_of_its_chains_and_the_panel_of_all(graph):
    rng = np.random.default_rng(8)
    values = panel(rng.poisson(1.5, (graph.n, 2, 3)), graph.unique_ids, ("a", "b"), (1, 2, 3))
    local, _ = local_autocorrelation(values, graph, options(counts=True, details=True))
    p, q = local.p_value.to_numpy(), local.q_value_year.to_numpy()
    for year in range(3):
        some = p[:, :, year].ravel()
        expected = np.full(some.shape, np.nan)
        expected[~np.isnan(some)] = stats.false_discovery_control(some[~np.isnan(some)])
        np.testing.assert_allclose(q[:, :, year].ravel(), expected, rtol=1e-12)
    alone, _ = local_autocorrelation(
        values.sel(year=[2]), graph, options(counts=True, details=True)
    )
    xr.testing.assert_identical(alone.q_value_year, local.q_value_year.sel(year=[2]))
    _, maps = local_autocorrelation(values, graph, options(counts=True, family="year", alpha=0.5))
    np.testing.assert_array_equal(maps.significant, (local.q_value_year < 0.5).sum("place"))


def test_benjamini_yekutieli_is_offered_and_equals_scipy(graph):
    p = np.random.default_rng(2).random(40)
    np.testing.assert_allclose(
        benjamini_yekutieli(p), stats.false_discovery_control(p, method="by"), rtol=1e-12
    )
    values = panel(np.random.default_rng(3).poisson(2.0, graph.n), graph.unique_ids)
    careful, _ = local_autocorrelation(values, graph, options(correction="by"))
    usual, _ = local_autocorrelation(values, graph, options())
    assert (cells(careful, "q_value")[:-1] >= cells(usual, "q_value")[:-1]).all()
    np.testing.assert_allclose(
        cells(careful, "q_value")[:-1], benjamini_yekutieli(cells(usual, "p_value")[:-1])
    )


def reason_of(values, graph, **given):
    labels = given.pop("labels", None)
    local, maps = local_autocorrelation(
        panel(values, graph.unique_ids), graph, options(details=True, **given), labels=labels
    )
    return REASONS[int(maps.reason[0, 0])], set(cells(local, "status"))


def test_a_map_that_is_not_tested_says_why(graph):
    counts = np.random.default_rng(3).poisson(2.0, graph.n).astype(float)
    assert reason_of(np.full(graph.n, 2.0), graph) == ("constant", {LOCAL_CONSTANT})
    few = np.where(np.arange(graph.n) < 20, counts, np.nan)
    assert reason_of(few, graph) == ("few_places", {LOCAL_TOO_SPARSE, LOCAL_MISSING})
    rare = np.where(np.arange(graph.n) < 8, counts + 1, 0)
    assert reason_of(rare, graph, counts=True) == ("few_positive", {LOCAL_TOO_SPARSE})
    assert reason_of(counts, graph, counts=True, min_firms=1_000) == (
        "few_firms",
        {LOCAL_TOO_SPARSE},
    )
    assert reason_of(counts, graph, counts=True, min_firms=20)[0] == ""


def test_the_firms_of_shares_are_the_known_ones(graph):
    known = np.full(graph.n, 3.0)
    digital = np.random.default_rng(1).binomial(3, 0.4, graph.n)
    labels = Labels(digital=panel(digital, graph.unique_ids), known=panel(known, graph.unique_ids))
    least = 3 * graph.n
    assert reason_of(digital / 3, graph, labels=labels, min_firms=least)[0] == ""
    assert reason_of(digital / 3, graph, labels=labels, min_firms=least + 1)[0] == "few_firms"


def weighted(graph):
    links = graph.adjacency[graph.adjacency > 0]
    focal = links.index.get_level_values("focal").astype(int).to_numpy()
    neighbor = links.index.get_level_values("neighbor").astype(int).to_numpy()
    weights = 1.0 / (1.0 + (focal * 7 + neighbor * 3) % 5)
    return Graph.from_arrays(
        links.index.get_level_values("focal"), links.index.get_level_values("neighbor"), weights
    )


def test_weights_that_differ_within_a_row_are_drawn_and_agree_with_enumeration():
    graph = weighted(lattice_graph(3, 3))
    values = np.random.default_rng(11).gamma(1.0, size=9)
    local, _ = local_autocorrelation(
        panel(values, graph.unique_ids), graph, options(details=True, **TINY)
    )
    assert set(cells(local, "method")) == {3}
    z, sd = values - values.mean(), values.std()
    for i, name in enumerate(graph.unique_ids):
        row = graph[name]
        weights = row.to_numpy() / row.sum()
        others = np.delete(values, i)
        lags = np.array([weights @ some for some in itertools.permutations(others, len(weights))])
        lag = weights @ values[row.index.astype(int)]
        assert cells(local, "lag")[i] == pytest.approx(lag)
        assert cells(local, "moran")[i] == pytest.approx(z[i] * (lag - values.mean()) / sd**2)
        assert cells(local, "gi")[i] == pytest.approx((lag - lags.mean()) / lags.std(), abs=1e-9)
        tails = np.mean(lags <= lag + 1e-9), np.mean(lags >= lag - 1e-9)
        p, error = cells(local, "p_value")[i], cells(local, "p_error")[i]
        assert abs(p - min(1, 2 * min(tails))) <= 2.2 * error + 1e-3


def test_global_moran_with_unequal_weights_equals_esda():
    esda = pytest.importorskip("esda")
    graph = weighted(lattice_graph(9, 11))
    values = np.random.default_rng(9).gamma(1.3, size=graph.n)
    _, maps = local_autocorrelation(panel(values, graph.unique_ids), graph, options())
    whole = esda.Moran(values, graph.to_W(), permutations=0)
    assert float(maps.moran_i[0, 0]) == pytest.approx(whole.I, rel=1e-9)
    assert float(maps.moran_p[0, 0]) == pytest.approx(whole.p_rand, rel=1e-9)


def test_draws_with_unequal_weights_do_not_depend_on_the_order_of_rows():
    graph = weighted(lattice_graph(6, 6))
    values = panel(reals(graph), graph.unique_ids)
    local, _ = local_autocorrelation(values, graph, options())
    moved, _ = local_autocorrelation(values[::-1], graph, options())
    xr.testing.assert_identical(moved.sel(place=values.place), local)


def test_two_maps_that_do_not_touch_share_n_and_nothing_else():
    one = lattice_graph(6, 6)
    links = one.adjacency.reset_index()
    other = links.assign(focal="b" + links["focal"], neighbor="b" + links["neighbor"])
    both = pd.concat([links, other])
    graph = Graph.from_arrays(*(both[name].to_numpy() for name in ("focal", "neighbor", "weight")))
    values = np.random.default_rng(5).poisson(2.0, 72).astype(float)
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, options())
    # The other half only says what else could have been drawn: swapping it changes no tail.
    swapped = values.copy()
    swapped[36:] = np.random.default_rng(6).permutation(values[36:])
    again, _ = local_autocorrelation(panel(swapped, graph.unique_ids), graph, options())
    np.testing.assert_allclose(
        cells(again, "p_value")[:36], cells(local, "p_value")[:36], rtol=1e-9
    )


def test_residuals_are_values_less_what_was_fitted_and_say_so(graph):
    fitted = panel(reals(graph, 1), graph.unique_ids)
    rest = panel(reals(graph, 2), graph.unique_ids)
    local, maps = residual_autocorrelation(
        (fitted + rest).transpose("year", "chain", "place"), fitted[::-1], graph, options()
    )
    plain, _ = local_autocorrelation(rest, graph, options())
    np.testing.assert_allclose(
        cells(local, "p_value"), cells(plain, "p_value"), rtol=0.03, atol=1e-3
    )
    assert local.attrs["note"] == maps.attrs["note"] == RESIDUAL_NOTE
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        residual_autocorrelation(rest, fitted[:-1], graph, options())
