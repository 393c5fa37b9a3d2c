"""What the libraries get wrong (the guide's table), and what the engine does instead.

What esda does on the same inputs is measured by ``scripts/verify.py`` (check ``libraries``).
"""

import os

import numba
import numpy as np
import pytest
import xarray as xr

from geo_engine.space import LocalTest, local_autocorrelation
from geo_engine.tables import (
    LOCAL_CONSTANT,
    LOCAL_ISOLATE,
    LOCAL_MISSING,
    LOCAL_OK,
    QUADRANTS,
    TAIL_METHODS,
)
from tests.space.conftest import lattice_graph, panel
from tests.verify.nulls import NORTH_WEST, placed_counts, shares_below, summary, territory

COUNTS = LocalTest(counts=True, seed=1)
REALS = LocalTest(counts=False, seed=1)
SEEDS = range(30)


@pytest.fixture(scope="module")
def squares():
    """Give ten rows of ten squares, and an island."""
    return lattice_graph(10, 10, islands=1)


def one_map(values, graph, test=REALS):
    local, maps = local_autocorrelation(panel(values, graph.unique_ids), graph, test)
    return local.isel(chain=0, year=0), maps.isel(chain=0, year=0)


def normal(graph, seed=1):
    return np.random.default_rng(seed).normal(size=graph.n)


# One value is missing.


def test_a_missing_value_is_missing_there_only(squares):
    values = normal(squares)
    values[33] = np.nan
    local, maps = one_map(values, squares)
    gone = np.isnan(local.p_value.to_numpy())
    assert np.flatnonzero(gone).tolist() == [33, 100]
    assert int(local.status[33]) == LOCAL_MISSING
    assert (local.status.to_numpy()[~gone] == LOCAL_OK).all()
    assert float(local.p_value.min()) > 1e-6
    assert int(maps.significant) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_counts_as_missing(squares, value):
    values = normal(squares)
    values[33] = value
    there, _ = one_map(values, squares)
    values[33] = np.nan
    xr.testing.assert_identical(there, one_map(values, squares)[0])


# The variable is constant.


@pytest.mark.parametrize("value", [0.0, 1 / 3, 1e300, -5e-324])
@pytest.mark.parametrize("test", [COUNTS, REALS], ids=["counts", "reals"])
def test_a_constant_variable_has_a_status_and_no_p(squares, value, test):
    local, maps = one_map(np.full(squares.n, value), squares, test)
    assert local.p_value.isnull().all()
    assert local.q_value.isnull().all()
    assert (local.status == LOCAL_CONSTANT).all()
    assert (local.quadrant == 0).all()
    assert int(maps.status) == LOCAL_CONSTANT
    assert int(maps.significant) == 0


def test_a_constant_that_sums_round_differently_is_constant_still(squares):
    # 0.1 added up in another order is not 0.1 in the last digit, and must not become a pattern.
    for half in (slice(None, None, 2), slice(None, squares.n // 2)):  # scattered, and in one block
        values = np.full(squares.n, 0.1 + 0.2)
        values[half] = 0.3
        local, maps = one_map(values, squares)
        assert int(maps.significant) == 0
        assert not (local.q_value < 0.05).any()
        assert set(np.unique(local.status)) <= {LOCAL_CONSTANT, LOCAL_ISOLATE}


# A place has no neighbor.


def test_an_isolate_has_a_status_and_never_a_label(squares):
    for seed in range(5):
        local, _ = one_map(normal(squares, seed), squares)
        alone = local.isel(place=100)
        assert int(alone.status) == LOCAL_ISOLATE
        assert QUADRANTS[int(alone.quadrant)] == ""
        assert TAIL_METHODS[int(alone.method)] == "none"
        for name in ("p_value", "q_value", "p_error", "moran", "gi_star", "lag"):
            assert np.isnan(float(alone[name])), name
    assert (local.p_value <= 1).sum() == 100


# Counts at random.


@pytest.mark.parametrize("graph", ["queen", "knn"])
@pytest.mark.parametrize("share", [0.01, 0.05])
@pytest.mark.parametrize("regions", [(), NORTH_WEST], ids=["italy", "north-west"])
def test_counts_at_random_are_significant_at_five_percent_in_five_percent_at_most(
    regions, share, graph
):
    where = territory(regions)
    places = len(where.population)
    maps = [placed_counts(np.random.default_rng([29, s]), places, share) for s in SEEDS]
    values = panel(np.array(maps).T, where.places, ("null",), SEEDS)
    found = local_autocorrelation(values, where.graphs[graph], COUNTS)
    mean, error, tested = summary(shares_below(*found))
    assert tested == len(SEEDS)
    assert mean <= 0.05 + 2 * error
    # After correction nothing is left: nothing was there.
    assert int((found[1].significant > 0).sum()) <= 4


# Rows in another order, other numbers of threads.


def _national(kind):
    where = territory()
    rng = np.random.default_rng(31)
    if kind == "counts":
        return where, panel(placed_counts(rng, len(where.population), 0.05), where.places), COUNTS
    values = rng.gamma(0.5, size=len(where.population))
    return where, panel(values, where.places), REALS


@pytest.mark.parametrize("kind", ["counts", "reals"])
def test_rows_in_another_order_give_the_same_bits_on_the_whole_country(kind):
    where, values, test = _national(kind)
    graph = where.graphs["queen"]
    local, maps = local_autocorrelation(values, graph, test)
    order = np.random.default_rng(1).permutation(values.sizes["place"])
    moved, moved_maps = local_autocorrelation(values.isel(place=order), graph, test)
    xr.testing.assert_identical(moved.sel(place=values["place"]), local)
    xr.testing.assert_identical(moved_maps, maps)


@pytest.mark.parametrize("kind", ["counts", "reals"])
def test_another_number_of_threads_gives_the_same_bits_on_the_whole_country(kind, monkeypatch):
    where, values, test = _national(kind)
    before = numba.get_num_threads()
    runs = []
    for threads in (1, 2, 4):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        numba.set_num_threads(min(threads, before))
        runs.append(local_autocorrelation(values, where.graphs["queen"], test))
    numba.set_num_threads(before)
    for local, maps in runs[1:]:
        xr.testing.assert_identical(local, runs[0][0])
        xr.testing.assert_identical(maps, runs[0][1])
