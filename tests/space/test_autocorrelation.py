"""The entry: statuses, labels, invariances, and agreement with esda."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from libpysal.graph import Graph

from geo_engine.errors import StatisticsError
from geo_engine.space import LocalTest, local_autocorrelation
from geo_engine.space.links import Links
from geo_engine.space.moran import gi_star, local_moran
from geo_engine.tables import (
    LOCAL_CONSTANT,
    LOCAL_ISOLATE,
    LOCAL_MISSING,
    LOCAL_NOT_COVERED,
    LOCAL_OK,
    LOCAL_TOO_SPARSE,
    QUADRANTS,
)
from tests.conftest import ROOT
from tests.space.conftest import lattice_graph, panel

COUNTS = LocalTest(counts=True, seed=1)
SHARES = LocalTest(counts=False, seed=1)


@pytest.fixture(scope="module")
def graph():
    """Eight rows of nine squares, and an island."""
    return lattice_graph(8, 9, islands=1)


def random_counts(graph, seed=0):
    return np.random.default_rng(seed).poisson(2.0, graph.n).astype(float)


def cells(local, name):
    return local[name].to_numpy()[:, 0, 0]


def names(local):
    return np.array(QUADRANTS)[cells(local, "quadrant")]


def test_one_missing_value_changes_nothing_but_its_own_place_and_its_neighbors(graph):
    whole = random_counts(graph)
    holed = whole.copy()
    holed[[20, 21]] = np.nan, np.inf
    local, maps = local_autocorrelation(panel(holed, graph.unique_ids), graph, COUNTS)
    status = cells(local, "status")
    assert (status[[20, 21]] == LOCAL_MISSING).all()
    for name in ("moran", "gi_star", "lag", "p_value", "q_value", "q_value_panel", "p_error"):
        assert np.isnan(cells(local, name)[[20, 21]]).all()
    assert (names(local)[[20, 21]] == "").all()
    tested = status == LOCAL_OK
    assert tested.sum() == graph.n - 3
    assert np.isfinite(cells(local, "p_value")[tested]).all()
    assert int(maps["tested"][0, 0]) == tested.sum()
    # Place 12 lies beside both: its lag is the mean of the other six.
    others = [j for j in (2, 3, 4, 11, 13, 22) if j not in (20, 21)]
    assert cells(local, "lag")[12] == pytest.approx(holed[others].mean())


def test_an_island_has_no_test_and_no_label(graph):
    local, _ = local_autocorrelation(panel(random_counts(graph), graph.unique_ids), graph, COUNTS)
    assert cells(local, "status")[-1] == LOCAL_ISOLATE
    assert np.isnan(cells(local, "p_value")[-1])
    assert np.isnan(cells(local, "gi_star")[-1])
    assert names(local)[-1] == ""


def test_a_place_whose_neighbors_are_all_missing_is_missing_and_not_an_isolate(graph):
    values = random_counts(graph)
    values[[1, 9, 10]] = np.nan
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, COUNTS)
    assert cells(local, "status")[0] == LOCAL_MISSING
    assert np.isnan(cells(local, "p_value")[0])


def test_a_constant_map_has_a_status_and_no_label(graph):
    for test in (COUNTS, SHARES):
        local, maps = local_autocorrelation(
            panel(np.full(graph.n, 0.3), graph.unique_ids), graph, test
        )
        assert (cells(local, "status") == LOCAL_CONSTANT).all()
        assert np.isnan(cells(local, "p_value")).all()
        assert (names(local) == "").all()
        assert int(maps["status"][0, 0]) == LOCAL_CONSTANT
        assert int(maps["significant"][0, 0]) == 0
        assert np.isnan(float(maps["moran_i"][0, 0]))


def test_a_map_with_too_few_positive_places_is_too_sparse(graph):
    values = np.zeros(graph.n)
    values[:9] = 4
    local, maps = local_autocorrelation(panel(values, graph.unique_ids), graph, COUNTS)
    assert (cells(local, "status") == LOCAL_TOO_SPARSE).all()
    assert int(maps["tested"][0, 0]) == 0
    values[9] = 1
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, COUNTS)
    assert (cells(local, "status")[:-1] == LOCAL_OK).all()


def test_shares_that_nearly_all_equal_one_value_are_too_sparse(graph):
    values = np.full(graph.n, -0.4)
    values[:9] = np.linspace(0, 1, 9)
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, SHARES)
    assert (cells(local, "status") == LOCAL_TOO_SPARSE).all()


def test_a_map_with_too_few_observed_places_is_too_sparse_and_keeps_its_missing(graph):
    values = random_counts(graph)
    values[29:] = np.nan
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, COUNTS)
    assert set(cells(local, "status")[:29]) == {LOCAL_TOO_SPARSE}
    assert set(cells(local, "status")[29:]) == {LOCAL_MISSING}


def test_a_map_without_any_value_is_missing_everywhere(graph):
    local, maps = local_autocorrelation(
        panel(np.full(graph.n, np.nan), graph.unique_ids), graph, SHARES
    )
    assert set(cells(local, "status")) == {LOCAL_MISSING}
    assert int(maps["status"][0, 0]) == LOCAL_TOO_SPARSE


def test_a_stated_reason_wins_over_missing_and_hides_a_value(graph):
    values = random_counts(graph)
    reasons = np.zeros(graph.n)
    reasons[:5] = LOCAL_NOT_COVERED
    places = panel(values, graph.unique_ids)
    stated = panel(reasons, graph.unique_ids).astype(np.int8)
    local, _ = local_autocorrelation(places, graph, COUNTS, excluded=stated[::-1])
    assert (cells(local, "status")[:5] == LOCAL_NOT_COVERED).all()
    assert np.isnan(cells(local, "p_value")[:5]).all()
    hidden = values.copy()
    hidden[:5] = np.nan
    again, _ = local_autocorrelation(panel(hidden, graph.unique_ids), graph, COUNTS)
    np.testing.assert_array_equal(cells(local, "p_value"), cells(again, "p_value"))


def test_the_quadrant_is_named_whether_or_not_it_is_significant(graph):
    values = np.zeros(graph.n)
    values[[0, 1, 9, 10]] = 8  # a corner block
    values[40] = 8  # alone in the middle
    values[np.arange(50, 72, 4)] = 1
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, COUNTS)
    label = names(local)
    assert label[0] == "HH"
    assert label[40] == "HL"
    assert label[30] in ("LL", "LH")
    assert label[2] == "LH"
    assert cells(local, "q_value")[40] > 0.05


def test_a_value_exactly_at_the_mean_has_no_quadrant():
    graph = lattice_graph(6, 6)
    values = np.tile([0.1, 0.3, 0.5], 12)
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, SHARES)
    at_mean = np.isclose(values, 0.3)
    assert (names(local)[at_mean] == "").all()
    assert (names(local)[~at_mean] != "").any()


def test_a_planted_cluster_is_significant_and_noise_around_it_is_not():
    graph = lattice_graph(20, 20)
    rng = np.random.default_rng(2)
    values = rng.poisson(3.0, graph.n).astype(float)
    block = [r * 20 + c for r in range(5, 10) for c in range(5, 10)]
    values[block] += 9
    local, maps = local_autocorrelation(panel(values, graph.unique_ids), graph, COUNTS)
    hot = (names(local) == "HH") & (cells(local, "q_value") < 0.05)
    # A corner has three of its eight neighbors inside: it may go unnoticed.
    assert set(block) - set(np.flatnonzero(hot)) <= {105, 109, 185, 189}
    assert len(set(np.flatnonzero(hot)) - set(block)) <= 4
    assert int(maps["significant"][0, 0]) == (cells(local, "q_value") < 0.05).sum()
    assert float(maps["moran_p"][0, 0]) < 1e-6


def _panel_of_maps(graph, seed=3):
    rng = np.random.default_rng(seed)
    values = rng.poisson(1.5, (graph.n, 2, 2)).astype(float)
    values[rng.random(values.shape) < 0.05] = np.nan
    return panel(values, graph.unique_ids, ("a", "b"), (2020, 2021))


@pytest.mark.parametrize("kind", ["counts", "shares"])
def test_shuffled_places_chains_and_links_give_the_same_bits(graph, kind):
    values = _panel_of_maps(graph)
    test = COUNTS
    if kind == "shares":
        values, test = values / 7 + np.sqrt(values), SHARES
    local, maps = local_autocorrelation(values, graph, test)
    order = np.random.default_rng(1).permutation(graph.n)
    shuffled_ids = graph.unique_ids[np.random.default_rng(2).permutation(graph.n)]
    other_graph = Graph(graph.adjacency.reindex(shuffled_ids, level=0))
    other, other_maps = local_autocorrelation(
        values[order, ::-1, ::-1].transpose("year", "place", "chain"), other_graph, test
    )
    realigned = other.sel(place=values.place, chain=values.chain, year=values.year)
    xr.testing.assert_identical(realigned, local)
    xr.testing.assert_identical(other_maps.sel(chain=values.chain, year=values.year), maps)


@pytest.mark.parametrize("cores", [1, 3])
def test_the_number_of_cores_changes_no_bit(graph, monkeypatch, cores):
    values = _panel_of_maps(graph) / 7 + np.sqrt(_panel_of_maps(graph))
    usual = local_autocorrelation(values, graph, SHARES)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    other = local_autocorrelation(values, graph, SHARES)
    for found, expected in zip(other, usual, strict=True):
        xr.testing.assert_identical(found, expected)


DIGEST = """
import hashlib, numpy as np
from geo_engine.space import LocalTest, local_autocorrelation
from tests.space.conftest import lattice_graph, panel
graph = lattice_graph(12, 12)
values = np.random.default_rng(1).gamma(0.5, size=(144, 3))
found, _ = local_autocorrelation(
    panel(values, graph.unique_ids, "abc"), graph, LocalTest(counts=False, seed=1))
print(hashlib.sha256(b"".join(found[name].values.tobytes() for name in found)).hexdigest())
"""


def test_another_number_of_numba_threads_gives_the_same_bytes():
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "NUMBA_NUM_THREADS": threads, "PYTHONHASHSEED": threads},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for threads in ("1", "2")
    ]
    digests = [run.communicate()[0] for run in runs]
    assert len(digests[0]) == 65
    assert digests[0] == digests[1]


@pytest.mark.parametrize("kind", ["counts", "shares"])
@pytest.mark.parametrize("kept", [{"chain": ["b"]}, {"year": [2021]}])
def test_adding_a_chain_or_a_year_changes_no_verdict_of_the_others(graph, kind, kept):
    values, test = _panel_of_maps(graph), COUNTS
    if kind == "shares":
        values, test = values / 7 + np.sqrt(values), SHARES
    both, both_maps = local_autocorrelation(values, graph, test)
    alone, alone_maps = local_autocorrelation(values.sel(kept), graph, test)
    xr.testing.assert_identical(
        both.sel(kept).drop_vars("q_value_panel"), alone.drop_vars("q_value_panel")
    )
    xr.testing.assert_identical(both_maps.sel(kept), alone_maps)
    assert (both.q_value_panel >= both.p_value).where(both.p_value.notnull(), True).all()


def test_one_p_value_is_that_of_local_moran_and_of_gi_star():
    # Both statistics themselves, over all subsets: not the sum that the engine tests.
    graph = lattice_graph(3, 4)
    values = np.random.default_rng(5).gamma(1.0, size=12)
    test = LocalTest(counts=False, seed=1, min_places=3, min_positive=1)
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, test)
    links = Links.of(graph, graph.unique_ids)
    for i in range(12):
        k = links.draws[i]
        lags = [np.mean(some) for some in itertools.combinations(np.delete(values, i), k)]
        for name, statistic in (
            ("moran", lambda lag, i=i: local_moran(values, np.full(12, lag))[i]),
            ("gi_star", lambda lag, i=i, k=k: gi_star(values, np.full(12, lag), np.full(12, k))[i]),
        ):
            chance = np.array([statistic(lag) for lag in lags])
            found = cells(local, name)[i]
            tails = np.mean(chance <= found + 1e-9), np.mean(chance >= found - 1e-9)
            assert cells(local, "p_value")[i] == pytest.approx(min(1, 2 * min(tails)), abs=1e-12)


def test_the_family_decides_which_q_value_counts_the_significant(graph):
    values = _panel_of_maps(graph)
    values[:9, 0, 0] = 12
    by_map, counted = local_autocorrelation(values, graph, LocalTest(counts=True, seed=1))
    _, in_panel = local_autocorrelation(
        values, graph, LocalTest(counts=True, seed=1, family="panel")
    )
    np.testing.assert_array_equal(
        counted.significant, (by_map.q_value < 0.05).sum("place").to_numpy()
    )
    np.testing.assert_array_equal(
        in_panel.significant, (by_map.q_value_panel < 0.05).sum("place").to_numpy()
    )


def test_shifting_and_scaling_counts_leaves_every_p_value(graph):
    values = random_counts(graph)
    plain, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, SHARES)
    for other in (values + 1000, values * 16, values * 7 - 3, values / 3):
        moved, _ = local_autocorrelation(panel(other, graph.unique_ids), graph, SHARES)
        np.testing.assert_allclose(
            cells(moved, "p_value"), cells(plain, "p_value"), rtol=1e-12, atol=0
        )
        assert (names(moved) == names(plain)).all()


def test_shifting_and_scaling_reals_leaves_p_values_within_their_error(graph):
    values = np.random.default_rng(6).gamma(1.0, size=graph.n)
    plain, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, SHARES)
    moved, _ = local_autocorrelation(panel(3 * values + 5, graph.unique_ids), graph, SHARES)
    apart = np.abs(cells(moved, "p_value") - cells(plain, "p_value"))[:-1]
    assert (apart <= (cells(plain, "p_error") + cells(moved, "p_error"))[:-1]).all()


def test_expected_places_by_chance_stay_below_half_a_percent(graph):
    _, maps = local_autocorrelation(panel(random_counts(graph), graph.unique_ids), graph, COUNTS)
    assert 0 < float(maps["expected_below_005"][0, 0]) <= 0.005 * int(maps["tested"][0, 0])


def test_fewer_than_three_places_are_refused():
    graph = Graph.from_arrays(np.array(["a", "b"]), np.array(["b", "a"]), np.ones(2))
    with pytest.raises(StatisticsError, match="STAT_TOO_FEW"):
        local_autocorrelation(panel([1, 2], ["a", "b"]), graph, COUNTS)


def test_places_of_another_graph_are_refused(graph):
    values = panel(random_counts(graph), graph.unique_ids)
    with pytest.raises(StatisticsError, match=r"INDEX_MISMATCH: 0 places .*, 1 of the graph"):
        local_autocorrelation(values[:-1], graph, COUNTS)
    renamed = values.assign_coords(place=["x", *list(graph.unique_ids[1:])])
    with pytest.raises(StatisticsError, match=r"INDEX_MISMATCH: 1 places .*, 1 of the graph"):
        local_autocorrelation(renamed, graph, COUNTS)
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        local_autocorrelation(values, graph, COUNTS, excluded=values[:-1].astype(np.int8))


def test_other_dims_are_refused(graph):
    with pytest.raises(StatisticsError, match="DIMENSIONS"):
        local_autocorrelation(panel(random_counts(graph), graph.unique_ids)[:, :, 0], graph, COUNTS)


def test_row_standardized_weights_are_equal_ones(graph):
    values = panel(random_counts(graph), graph.unique_ids)
    plain, _ = local_autocorrelation(values, graph, COUNTS)
    standardized, _ = local_autocorrelation(values, graph.transform("r"), COUNTS)
    xr.testing.assert_identical(plain, standardized)


def test_the_input_is_left_untouched(graph):
    values = _panel_of_maps(graph)
    copy = values.copy(deep=True)
    local_autocorrelation(values, graph, COUNTS)
    xr.testing.assert_identical(values, copy)


def test_coefficients_equal_those_of_esda():
    esda = pytest.importorskip("esda")
    graph = lattice_graph(9, 11)
    n = graph.n
    values = np.random.default_rng(9).gamma(1.3, size=n)
    local, maps = local_autocorrelation(panel(values, graph.unique_ids), graph, SHARES)
    weights = graph.to_W()
    moran = esda.Moran_Local(values, weights, permutations=0, n_jobs=1, seed=1)
    # esda standardizes z with n, and the products with n - 1.
    np.testing.assert_allclose(cells(local, "moran"), moran.Is * n / (n - 1), rtol=1e-9)
    by_esda = {1: "HH", 2: "LH", 3: "LL", 4: "HL"}
    assert [by_esda[q] for q in moran.q] == list(names(local))
    star = esda.G_Local(values, weights, transform="B", permutations=0, star=True, n_jobs=1, seed=1)
    np.testing.assert_allclose(cells(local, "gi_star"), star.Zs, rtol=1e-9)
    whole = esda.Moran(values, weights, permutations=0)
    assert float(maps["moran_i"][0, 0]) == pytest.approx(whole.I, rel=1e-9)
    assert float(maps["moran_expected"][0, 0]) == pytest.approx(whole.EI, rel=1e-9)
    assert float(maps["moran_p"][0, 0]) == pytest.approx(whole.p_rand, rel=1e-9)


@pytest.mark.parametrize("exponent", [-1060, -700, 700, 1020])
def test_values_of_any_size_give_the_same_bits(graph, exponent):
    counts = random_counts(graph)
    near, _ = local_autocorrelation(panel(counts, graph.unique_ids), graph, SHARES)
    scaled = panel(np.ldexp(counts, exponent), graph.unique_ids)
    far, maps = local_autocorrelation(scaled, graph, SHARES)
    for name in ("p_value", "moran", "gi_star", "quadrant", "q_value"):
        np.testing.assert_array_equal(far[name], near[name])
    np.testing.assert_array_equal(far["lag"], np.ldexp(near["lag"], exponent))
    assert np.isfinite(maps["moran_i"]).all()
