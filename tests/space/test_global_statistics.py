"""Global statistics: worked by hand, by spdep, by esda, and laws."""

import dataclasses
import itertools

import esda
import numpy as np
import pytest
import scipy.sparse
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph

from geo_engine.errors import StatisticsError
from geo_engine.space.global_statistics import (
    bivariate_moran,
    global_statistic,
    join_counts,
    lee,
)
from geo_engine.space.panel_maps import Inference
from geo_engine.tables import LOCAL_CONSTANT, LOCAL_ISOLATE, LOCAL_OK, LOCAL_TOO_SPARSE
from tests.space.conftest import lattice_graph, panel
from tests.space.lattice_cases import GRAPH, SETTINGS, B, X, Y, on

KINDS = ("moran", "geary", "getis_ord")
QUIET = dataclasses.replace(SETTINGS, permutations=0)


def row(found, prefix=""):
    return {
        name: float(found[prefix + name].to_numpy()[0, 0])
        for name in ("statistic", "expected", "variance", "z_score", "p_value", "p_permutation")
    }


def kinked_weights(seed=0, n=40, islands=1):
    """Weights that are neither equal nor symmetric, and a place without any."""
    rng = np.random.default_rng(seed)
    names = np.array([f"{i:06d}" for i in range(n)])
    full = rng.random((n, n)) * (rng.random((n, n)) < 0.15)
    np.fill_diagonal(full, 0)
    full[np.arange(n), (np.arange(n) + 1) % n] = 0.5
    full[n - islands :] = 0
    full[:, n - islands :] = 0
    focal, neighbor = np.nonzero(full)
    alone = np.arange(n - islands, n)
    pairs = np.concatenate([np.column_stack([focal, neighbor]), np.column_stack([alone, alone])])
    weight = np.concatenate([full[focal, neighbor], np.zeros(islands)])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return Graph.from_arrays(names[pairs[order, 0]], names[pairs[order, 1]], weight[order])


def test_four_places_in_a_row_are_as_worked_by_hand():
    # x = 0 0 1 1, links 1-2 2-3 3-4: z = -.5 -.5 .5 .5; row weights: lag z = -.5 0 0 .5
    # I = (.25 + 0 + 0 + .25) / (4 * .25) = .5; c = 3/(2*4*1) * (0 + .5 + .5 + 0) = .375
    # G: ordered pairs of ones that touch 2, of all 2: 1; bb 1, ww 1, bw 1
    graph = Graph.from_arrays(np.array(list("abbccd")), np.array(list("bacbdc")), np.ones(6))
    values = panel([0, 0, 1, 1], list("abcd"))
    small = dataclasses.replace(SETTINGS, min_places=4)
    assert row(global_statistic(values, graph, small))["statistic"] == pytest.approx(0.5)
    geary = global_statistic(values, graph, small, kind="geary")
    assert row(geary)["statistic"] == pytest.approx(0.375)
    getis = global_statistic(values, graph, small, kind="getis_ord")
    assert row(getis)["statistic"] == pytest.approx(1.0)
    found = join_counts(values, graph, small)
    assert [row(found, f"{kind}_")["statistic"] for kind in ("bb", "ww", "bw")] == [1, 1, 1]


# moran.test(x, W)$estimate; geary.test(x, W)$estimate; globalG.test(x, B)$estimate, with their
# standard deviates (that of Geary has the other sign in spdep)
SPDEP = {
    "moran": (0.18060140578107722, -1 / 39, 0.00739214116550862, 2.39879366955507),
    "geary": (0.80331750513347011, 1.0, 0.00771745380678918, -2.23886903201853),
    "getis_ord": (
        1.63907744095289e-01,
        1.57692307692308e-01,
        5.72195250093145e-05,
        0.821673920485904,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_those_that_spdep_prints(kind):
    found = row(global_statistic(on(X), GRAPH, QUIET, kind=kind))
    expected = SPDEP[kind]
    for name, value in zip(("statistic", "expected", "variance", "z_score"), expected, strict=True):
        assert found[name] == pytest.approx(value, rel=1e-12)


# joincount.multi(factor(b), B): count, expected, variance
@pytest.mark.parametrize(
    ("kind", "count", "expected", "variance"),
    [
        ("ww", 31, 29.9615384615385, 14.6232608347995),
        ("bb", 31, 29.9615384615385, 14.6232608347995),
        ("bw", 61, 63.07692307692, 26.41612026227),
    ],
)
def test_join_counts_are_those_that_spdep_prints(kind, count, expected, variance):
    found = row(join_counts(on(B), GRAPH, QUIET), f"{kind}_")
    assert found["statistic"] == count
    assert found["expected"] == pytest.approx(expected, rel=1e-11)
    assert found["variance"] == pytest.approx(variance, rel=1e-11)


def test_lee_s_l_is_that_of_spdep():
    # lee(x, y, nb2listw(include.self(nb), style = "W"), n = 40)$L
    found = row(lee(on(X), on(Y), GRAPH, QUIET))
    assert found["statistic"] == pytest.approx(0.0228573460774889, rel=1e-12)


def test_bivariate_moran_is_that_of_spdep():
    # moran_bv(x, y, W, nsim = 2)$t0
    found = row(bivariate_moran(on(X), on(Y), GRAPH, QUIET))["statistic"]
    assert found == pytest.approx(-0.0202750242707378, rel=1e-12)


@pytest.mark.parametrize("make", [lambda: GRAPH, lambda: kinked_weights(islands=0)])
def test_statistics_agree_with_esda_to_the_ninth_digit(make):
    graph = make()
    rng = np.random.default_rng(3)
    x = rng.gamma(2, size=40)
    y = rng.normal(size=40) + x
    moran = esda.Moran(x, graph, permutations=0)
    geary = esda.Geary(x, graph, permutations=0)
    getis = esda.G(x, graph, permutations=0)
    for kind, theirs in (
        ("moran", (moran.I, moran.EI, moran.VI_rand)),
        ("geary", (geary.C, geary.EC, geary.VC_rand)),
        ("getis_ord", (getis.G, getis.EG, getis.VG)),
    ):
        found = row(global_statistic(on(x), graph, QUIET, kind=kind))
        ours = [found[name] for name in ("statistic", "expected", "variance")]
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    bivariate = esda.Moran_BV(x, y, graph, permutations=0)
    found = row(bivariate_moran(on(x), on(y), graph, QUIET))
    assert found["statistic"] == pytest.approx(bivariate.I, rel=1e-9)
    with_self = graph.transform("b").sparse.toarray()
    np.fill_diagonal(with_self, 1)
    with_self = scipy.sparse.csr_array(with_self / with_self.sum(axis=1)[:, None])
    theirs = esda.Spatial_Pearson(connectivity=with_self, permutations=0)
    theirs.fit(x[:, None], y[:, None])
    found = row(lee(on(x), on(y), graph, QUIET))
    assert found["statistic"] == pytest.approx(theirs.association_[0, 1], rel=1e-9)


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_join_counts_agree_with_esda():
    graph = lattice_graph(6, 7)
    b = (np.random.default_rng(1).random(42) < 0.4).astype(float)
    theirs = esda.Join_Counts(b, graph, permutations=0)
    found = join_counts(on(b, graph), graph, QUIET)
    ours = [row(found, f"{kind}_")["statistic"] for kind in ("bb", "ww", "bw")]
    np.testing.assert_allclose(ours, [theirs.bb, theirs.ww, theirs.bw], rtol=1e-9)


def test_moments_of_bivariate_moran_and_lee_are_those_of_all_exchanges():
    graph = lattice_graph(2, 3)
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 6))
    small = dataclasses.replace(QUIET, min_places=4)
    by_force = {"bivariate": [], "lee": []}
    for order in map(list, itertools.permutations(range(6))):
        moved = on(y[order], graph)
        by_force["bivariate"].append(row(bivariate_moran(on(x, graph), moved, graph, small)))
        by_force["lee"].append(row(lee(on(x[order], graph), moved, graph, small)))
    for rows in by_force.values():
        values = [one["statistic"] for one in rows]
        assert np.mean(values) == pytest.approx(rows[0]["expected"], abs=1e-12)
        assert np.var(values) == pytest.approx(rows[0]["variance"], rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_random_exchanges_have_the_mean_and_tails_of_the_normal_approximation(kind):
    values = on(np.random.default_rng(2).gamma(6, size=40))
    many = dataclasses.replace(SETTINGS, permutations=9_999)
    for alternative in ("greater", "less", "two-sided"):
        asked = dataclasses.replace(many, alternative=alternative)
        found = row(global_statistic(values, GRAPH, asked, kind=kind))
        assert found["p_permutation"] == pytest.approx(found["p_value"], abs=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_the_tails_of_random_exchanges_are_those_of_all_exchanges(kind):
    graph = lattice_graph(2, 3)
    x = np.array([0, 1, 1, 3, 7, 2.0])
    small = Inference(seed=1, min_places=4, permutations=20_000, alternative="greater")
    found = row(global_statistic(on(x, graph), graph, small, kind=kind))
    quiet = dataclasses.replace(small, permutations=0)
    statistics = [
        row(global_statistic(on(x[list(order)], graph), graph, quiet, kind=kind))["statistic"]
        for order in itertools.permutations(range(6))
    ]
    exact = np.mean(np.array(statistics) >= found["statistic"] - 1e-9)
    assert found["p_permutation"] == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 20_000))


def test_clustered_values_give_a_large_i_a_small_c_and_many_joins():
    graph = lattice_graph(8, 8)
    values = on(np.arange(64.0), graph)
    assert row(global_statistic(values, graph, SETTINGS))["z_score"] > 5
    assert row(global_statistic(values, graph, SETTINGS, kind="geary"))["z_score"] < -5
    halves = on(np.arange(64) >= 32, graph)
    found = join_counts(halves, graph, SETTINGS)
    assert row(found, "bb_")["z_score"] > 5
    assert row(found, "bw_")["z_score"] < -5
    assert row(found, "bw_")["p_permutation"] == pytest.approx(0.002)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(seed=st.integers(0, 10_000), shift=st.floats(-50, 50), scale=st.floats(0.1, 20))
def test_shifts_scales_and_orders_change_neither_moran_nor_geary(seed, shift, scale):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=40)
    order = rng.permutation(40)
    few = dataclasses.replace(SETTINGS, permutations=19)
    for kind in ("moran", "geary"):
        found = row(global_statistic(on(x), GRAPH, few, kind=kind))
        moved = row(global_statistic(on(shift + scale * x), GRAPH, few, kind=kind))
        shuffled = on(x).isel(place=order)
        assert row(global_statistic(shuffled, GRAPH, few, kind=kind)) == found
        assert moved == pytest.approx(found, rel=1e-6, abs=1e-8)


def test_a_missing_value_leaves_the_map_with_its_links():
    x = X.astype(float)
    x[7] = np.nan
    kept = np.delete(np.arange(40), 7)
    part = GRAPH.subgraph(GRAPH.unique_ids[kept])
    for kind in KINDS:
        with_gap = row(global_statistic(on(x), GRAPH, QUIET, kind=kind))
        without = panel(X[kept], GRAPH.unique_ids[kept])
        assert with_gap == pytest.approx(
            row(global_statistic(without, part, QUIET, kind=kind)), nan_ok=True
        )


def test_maps_that_cannot_be_tested_have_a_status_and_no_number():
    data = np.column_stack([X, np.ones(40), np.where(np.arange(40) < 29, X, np.nan)])
    values = panel(data, GRAPH.unique_ids, ("a", "b", "c"))
    found = global_statistic(values, GRAPH, SETTINGS)
    assert found.status.to_numpy().ravel().tolist() == [LOCAL_OK, LOCAL_CONSTANT, LOCAL_TOO_SPARSE]
    assert np.isnan(found.statistic.to_numpy().ravel()).tolist() == [False, True, True]
    assert found.places.to_numpy().ravel().tolist() == [40, 40, 29]
    alone = lattice_graph(0, 1, islands=40)
    lonely = global_statistic(on(X, alone), alone, SETTINGS)
    assert int(lonely.status[0, 0]) == LOCAL_ISOLATE
    assert np.isnan(lonely.p_value).all()


def test_another_map_changes_no_random_number():
    both = panel(np.column_stack([X, Y]), GRAPH.unique_ids, ("a", "b"))
    alone = global_statistic(both.sel(chain=["b"]), GRAPH, SETTINGS)
    xr.testing.assert_identical(global_statistic(both, GRAPH, SETTINGS).sel(chain=["b"]), alone)


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(StatisticsError, match="NEGATIVE_VALUES"):
        global_statistic(on(X - 5), GRAPH, SETTINGS, kind="getis_ord")
    with pytest.raises(StatisticsError, match="NOT_BINARY: 38 values"):
        join_counts(on(X), GRAPH, SETTINGS)
    with pytest.raises(StatisticsError, match="KIND_UNKNOWN"):
        global_statistic(on(X), GRAPH, SETTINGS, kind="median")
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        global_statistic(on(X).isel(place=slice(39)), GRAPH, SETTINGS)
    with pytest.raises(StatisticsError, match="DIMENSIONS"):
        global_statistic(on(X).isel(year=0), GRAPH, SETTINGS)
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH: The variables differ"):
        bivariate_moran(on(X), on(Y).assign_coords(year=[1999]), GRAPH, SETTINGS)


def test_a_single_place_with_anything_has_no_general_g_and_no_error():
    graph = lattice_graph(5, 6)
    values = panel(np.eye(30)[7], graph.unique_ids)
    found = row(global_statistic(values, graph, SETTINGS, kind="getis_ord"))
    assert all(np.isnan(found[name]) for name in ("statistic", "p_value", "p_permutation"))
