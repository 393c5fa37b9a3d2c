"""Maps of small counts take few steps: the same results as step by step."""

import numpy as np
import pytest
import xarray as xr

from geo_engine.space import LocalTest, local_autocorrelation, one_map
from tests.space.conftest import lattice_graph, panel


@pytest.fixture(scope="module")
def graph():
    """Give twenty rows of eighteen squares, and an island."""
    return lattice_graph(20, 18, islands=1)


def both_ways(values, graph, test, monkeypatch):
    """Test in few steps, and step by step."""
    taken = []

    def spied(*args, **kwargs):
        found = spied.real(*args, **kwargs)
        taken.append(found is not None)
        return found

    spied.real = one_map.count_map
    with monkeypatch.context() as patch:
        patch.setattr(one_map, "count_map", spied)
        short = local_autocorrelation(values, graph, test)
    with monkeypatch.context() as patch:
        patch.setattr(one_map, "count_map", lambda *_, **__: None)
        long = local_autocorrelation(values, graph, test)
    return short, long, taken


@pytest.mark.parametrize("shift", [0, 3, -2])
@pytest.mark.parametrize("mean", [0.05, 0.6, 9.0])
@pytest.mark.parametrize("details", [False, True])
def test_results_are_those_of_all_other_maps(graph, mean, shift, details, monkeypatch):
    counts = np.random.default_rng(8).poisson(mean, graph.n) + shift
    test = LocalTest(counts=True, seed=1, details=details)
    short, long, taken = both_ways(panel(counts * 1.0, graph.unique_ids), graph, test, monkeypatch)
    assert taken == [True]
    for one, other in zip(short, long, strict=True):
        assert list(one) == list(other)
        xr.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)
    for name in ("p_value", "q_value", "quadrant", "status", "method"):
        np.testing.assert_array_equal(short[0][name], long[0][name])


def test_other_maps_are_left_to_the_other_way(graph, monkeypatch):
    counts = np.random.default_rng(8).poisson(2.0, graph.n) * 1.0
    missing, fractions, constant, wide = (counts.copy() for _ in range(4))
    missing[5], fractions[7], constant[:], wide[3] = np.nan, 0.5, 2.0, 1e6
    for values in (missing, fractions, constant, wide):
        test = LocalTest(counts=True, seed=1)
        short, long, taken = both_ways(panel(values, graph.unique_ids), graph, test, monkeypatch)
        assert taken == [False]
        xr.testing.assert_identical(short[0], long[0])


def test_a_map_with_too_little_says_why(graph, monkeypatch):
    counts = np.random.default_rng(8).poisson(0.6, graph.n) * 1.0
    for few in ({"min_places": 1_000}, {"min_positive": 1_000}, {"min_firms": 10**6}):
        test = LocalTest(counts=True, seed=1, details=True, **few)
        short, long, _ = both_ways(panel(counts, graph.unique_ids), graph, test, monkeypatch)
        assert short[1]["reason"].item() > 0
        xr.testing.assert_identical(short[1], long[1])
