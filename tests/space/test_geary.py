"""Local Geary: worked by hand, by enumeration, by esda and spdep, and laws."""

import dataclasses
import itertools

import esda
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph

from geo_engine.space import geary
from geo_engine.space.geary import local_geary
from geo_engine.tables import LOCAL_CONSTANT, LOCAL_ISOLATE, LOCAL_MISSING, TAIL_METHODS
from tests.space.conftest import lattice_graph, panel
from tests.space.lattice_cases import GRAPH, SETTINGS, X, Y, of, on

SMALL = dataclasses.replace(SETTINGS, min_places=4)


def enumerated(columns, graph, focal):
    """Give statistic, mean, variance and both tails of one place over all choices of neighbors."""
    n = len(columns[0])
    table = np.column_stack([(c - c.mean()) / c.std() for c in columns])
    distance = ((table[focal] - table) ** 2).sum(axis=1) / table.shape[1]
    neighbors = [list(graph.unique_ids).index(p) for p in graph[graph.unique_ids[focal]].index]
    observed = distance[neighbors].mean()
    others = [j for j in range(n) if j != focal]
    sums = np.array(
        [distance[list(c)].mean() for c in itertools.combinations(others, len(neighbors))]
    )
    tails = np.mean(sums <= observed + 1e-9), np.mean(sums >= observed - 1e-9)
    return observed, sums.mean(), sums.var(), tails


def test_three_in_a_row_and_one_apart_are_as_worked_by_hand():
    # x = 0 1 3 4 in a row: mean 2, variance 2.5; the second place: ((0-1)^2 + (3-1)^2)/2/2.5 = 1
    graph = Graph.from_arrays(np.array(list("abbccd")), np.array(list("bacbdc")), np.ones(6))
    found = local_geary(panel([0, 1, 3, 4], list("abcd")), graph, SMALL)
    np.testing.assert_allclose(of(found, "statistic"), [0.4, 1.0, 1.0, 0.4])
    # given 0, its neighbor is one of 1, 3, 4: 1/2.5, 9/2.5, 16/2.5; at most 0.4 one time in three
    np.testing.assert_allclose(of(found, "expected")[0], (1 + 9 + 16) / 3 / 2.5)
    np.testing.assert_allclose(of(found, "p_value")[0], 2 / 3)


@pytest.mark.parametrize("columns", [(X[:12],), (X[:12], Y[:12]), (np.sqrt(Y[:12]),)])
def test_small_maps_are_those_of_all_choices(columns):
    graph = lattice_graph(3, 4)
    columns = [np.asarray(c, dtype=float) for c in columns]
    found = local_geary([on(c, graph) for c in columns], graph, SMALL)
    less = local_geary(
        [on(c, graph) for c in columns], graph, dataclasses.replace(SMALL, alternative="less")
    )
    for focal in range(12):
        observed, mean, variance, tails = enumerated(columns, graph, focal)
        assert of(found, "statistic")[focal] == pytest.approx(observed)
        assert of(found, "expected")[focal] == pytest.approx(mean)
        assert of(found, "variance")[focal] == pytest.approx(variance)
        p = min(1, 2 * min(tails))
        error = of(found, "p_error")[focal]
        exactly = of(found, "method")[focal] != TAIL_METHODS.index("monte_carlo")
        assert of(found, "p_value")[focal] == pytest.approx(p, abs=1e-12 if exactly else 2 * error)
        if exactly:
            assert of(less, "p_value")[focal] == pytest.approx(tails[0], abs=1e-12)


def test_sparse_counts_are_exact_everywhere():
    graph = lattice_graph(20, 20)
    rng = np.random.default_rng(1)
    counts = (rng.random(400) < 0.1) * rng.integers(1, 5, 400)
    found = local_geary(on(counts, graph), graph, SETTINGS)
    assert (of(found, "method") == TAIL_METHODS.index("exact")).all()
    assert (of(found, "p_value") <= 0.05).mean() <= 0.05


def test_many_values_are_drawn_and_the_smallest_p_settled_exactly():
    graph = lattice_graph(20, 20)
    rng = np.random.default_rng(2)
    smooth = rng.normal(size=400)
    smooth = smooth + graph.transform("r").sparse @ (3 * smooth)
    found = local_geary(on(smooth, graph), graph, SETTINGS)
    method = of(found, "method")
    drawn = method == TAIL_METHODS.index("monte_carlo")
    settled = ~drawn
    assert 1 <= settled.sum() <= geary.MOST_EXACT
    assert of(found, "p_value")[settled].max() < 2 * geary.SETTLE_BELOW
    assert (of(found, "p_error")[drawn] > 0).all()


def test_random_draws_agree_with_exact_tails(monkeypatch):
    graph = lattice_graph(12, 12)
    counts = np.random.default_rng(3).poisson(3, 144)
    exact = local_geary(on(counts, graph), graph, SETTINGS)
    monkeypatch.setattr(geary, "FEW_VALUES", 0)
    monkeypatch.setattr(geary, "MOST_EXACT", 0)
    drawn = local_geary(on(counts, graph), graph, SETTINGS)
    assert (of(drawn, "method") == TAIL_METHODS.index("monte_carlo")).all()
    deviation = of(drawn, "p_value") - of(exact, "p_value")
    assert (np.abs(deviation) <= 2.5 * of(drawn, "p_error")).all()
    assert np.abs(deviation).mean() < of(drawn, "p_error").mean()


@pytest.mark.parametrize("several", [False, True])
def test_statistics_are_those_of_esda(several):
    columns = np.array([X, Y], dtype=float)[: 1 + several]
    found = local_geary([on(c) for c in columns], GRAPH, SETTINGS)
    if several:
        theirs = esda.Geary_Local_MV(connectivity=GRAPH, permutations=0).fit(columns).localG
    else:
        theirs = esda.Geary_Local(connectivity=GRAPH, permutations=0).fit(columns[0]).localG
    np.testing.assert_allclose(of(found, "statistic"), theirs, rtol=1e-9)


def test_statistics_are_those_that_spdep_prints():
    # localC(x, W)[1:5] and localC(cbind(x, y), W)[1:5]; spdep standardizes by n - 1
    one = [
        3.141683778234086,
        1.305954825462012,
        1.453798767967146,
        1.909650924024641,
        0.936344969199179,
    ]
    two = [4.88664746875697, 1.72310542823567, 1.06981772947243, 1.46840734603333, 1.44680256569308]
    for variables, expected in (([X], one), ([X, Y], two)):
        found = local_geary([on(c) for c in variables], GRAPH, SETTINGS)
        np.testing.assert_allclose(of(found, "statistic")[:5] * 39 / 40, expected, rtol=1e-10)


def test_an_island_a_gap_and_a_constant_have_a_status_and_no_number():
    graph = lattice_graph(6, 6, islands=1)
    values = np.append(np.arange(36.0), 3)
    values[0] = np.nan
    both = panel(np.column_stack([values, np.ones(37)]), graph.unique_ids, ("a", "b"))
    found = local_geary(both, graph, SETTINGS)
    status = found.status.to_numpy()[:, :, 0]
    assert (status[0, 0], status[36, 0]) == (LOCAL_MISSING, LOCAL_ISOLATE)
    assert (status[:, 1] == LOCAL_CONSTANT).all()
    for name in ("p_value", "q_value", "p_error", "statistic"):
        assert np.isnan(found[name].to_numpy()[status != 0]).all()
        assert np.isfinite(found[name].to_numpy()[status == 0]).all()


def test_a_place_whose_neighbors_are_all_missing_is_missing():
    graph = lattice_graph(6, 6)
    values = np.arange(36.0)
    values[[1, 6, 7]] = np.nan
    found = local_geary(on(values, graph), graph, SETTINGS)
    assert of(found, "status")[0] == LOCAL_MISSING
    assert np.isnan(of(found, "p_value")[0])


@settings(deadline=None, derandomize=True, max_examples=8)
@given(seed=st.integers(0, 1000))
def test_order_shift_scale_and_sign_change_nothing(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, 40).astype(float)
    x[:2] = 0, 5
    found = local_geary(on(x), GRAPH, SETTINGS)
    order = rng.permutation(40)
    shuffled = local_geary(on(x).isel(place=order), GRAPH, SETTINGS)
    xr.testing.assert_identical(shuffled.sortby("place"), found.sortby("place"))
    for other in (x + 7, 3 * x, -x):
        there = local_geary(on(other), GRAPH, SETTINGS)
        for name in ("statistic", "p_value", "expected", "variance"):
            np.testing.assert_allclose(of(there, name), of(found, name), atol=1e-10)


def test_threads_and_other_maps_change_no_bit(monkeypatch):
    rng = np.random.default_rng(6)
    values = panel(rng.normal(size=(40, 3)), GRAPH.unique_ids, ("a", "b", "c"))
    whole = local_geary(values, GRAPH, SETTINGS)
    monkeypatch.setattr("geo_engine.space.panel_maps.MOST_THREADS", 1)
    xr.testing.assert_identical(local_geary(values, GRAPH, SETTINGS), whole)
    alone = local_geary(values.sel(chain=["b"]), GRAPH, SETTINGS)
    xr.testing.assert_identical(whole.sel(chain=["b"]), alone)


def test_unequal_weights_are_drawn_and_hold_their_level():
    from tests.space.test_global_statistics import kinked_weights

    graph = kinked_weights(islands=2)
    rng = np.random.default_rng(8)
    values = panel(rng.normal(size=(40, 20)), graph.unique_ids, tuple(map(str, range(20))))
    found = local_geary(values, graph, SETTINGS)
    p = found.p_value.to_numpy()
    assert (found.method.to_numpy()[:38] == TAIL_METHODS.index("monte_carlo")).all()
    assert np.isnan(p[38:]).all()
    assert 0.02 < np.nanmean(p <= 0.05) < 0.08


def test_sums_of_squares_and_sums_of_differences_draw_the_same_tails(monkeypatch):
    from geo_engine.space import drawn
    from geo_engine.space.weights import Weights

    graph = lattice_graph(8, 8)
    weights = Weights.of(graph, on(np.arange(64), graph).indexes["place"]).scaled("row")
    table = np.random.default_rng(4).normal(size=(64, 2))
    quick = drawn.drawn_tails(
        tuple(table.T), weights, np.random.SeedSequence(1), squared_differences=True
    )
    monkeypatch.setattr(Weights, "is_equal_in_rows", False)
    slow = drawn.drawn_tails(
        tuple(table.T), weights, np.random.SeedSequence(2), squared_differences=True
    )
    for one, other in ((quick.lower, slow.lower), (quick.upper, slow.upper)):
        assert np.abs(one - other).max() < 0.2
        assert np.abs(one - other).mean() < 0.03
