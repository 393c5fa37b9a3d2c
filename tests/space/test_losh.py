"""LOSH: the values of spdep, and what must not pass from esda."""

import numpy as np
import pytest
import xarray as xr

from geo_engine.space.losh import local_heteroscedasticity
from geo_engine.tables import LOCAL_CONSTANT, LOCAL_ISOLATE, LOCAL_MISSING
from tests.space.conftest import lattice_graph
from tests.space.lattice_cases import GRAPH, SETTINGS, X, of, on


def test_values_are_those_that_spdep_prints():
    # LOSH.cs(x, W)[1:4, c("Hi", "Var.Hi", "Pr()")]
    found = local_heteroscedasticity(on(X), GRAPH, SETTINGS)
    h = [1.156714136538721, 1.502013212161784, 1.053826323619782, 0.751504943593329]
    variance = [0.1673227577376, 0.0949669705795489, 0.0949669705795489, 0.0949669705795489]
    upper = np.array(
        [0.3085582791575604, 0.0648569031968171, 0.3919942500166387, 0.7822093141178135]
    )
    np.testing.assert_allclose(of(found, "statistic")[:4], h, rtol=1e-9)
    np.testing.assert_allclose(of(found, "variance")[1:4], variance[1:], rtol=1e-9)
    np.testing.assert_allclose(
        of(found, "p_value")[:4], 2 * np.minimum(upper, 1 - upper), rtol=1e-9
    )


def test_islands_gaps_and_a_place_among_gaps_have_no_test_and_change_nothing():
    graph = lattice_graph(7, 7, islands=1)
    rng = np.random.default_rng(1)
    values = rng.normal(size=50)
    values[[1, 7, 8]] = np.nan  # the neighbors of the first corner
    found = local_heteroscedasticity(on(values, graph), graph, SETTINGS)
    status = of(found, "status")
    assert (status[0], status[1], status[49]) == (LOCAL_MISSING, LOCAL_MISSING, LOCAL_ISOLATE)
    assert (np.isnan(of(found, "p_value")) == (status != 0)).all()
    kept = np.flatnonzero(status == 0)
    part = graph.subgraph(graph.unique_ids[kept])
    alone = local_heteroscedasticity(on(values[kept], part), part, SETTINGS)
    np.testing.assert_allclose(of(found, "statistic")[kept], of(alone, "statistic"))


@pytest.mark.parametrize("values", [np.ones(40), np.full(40, np.nan)])
def test_a_constant_or_empty_map_has_no_number_and_no_warning(values):
    found = local_heteroscedasticity(on(values), GRAPH, SETTINGS)
    assert np.isnan(of(found, "p_value")).all()
    assert (of(found, "status") != 0).all()


def test_a_plane_whose_residuals_do_not_differ_is_constant():
    graph = lattice_graph(1, 40)
    values = np.tile([0.0, 1.0], 20)  # each place is one away from the mean of its neighbors
    found = local_heteroscedasticity(on(values, graph), graph, SETTINGS)
    assert (of(found, "status") == LOCAL_CONSTANT).all()


def test_the_order_of_rows_changes_no_bit():
    values = on(X)
    found = local_heteroscedasticity(values, GRAPH, SETTINGS)
    order = np.random.default_rng(0).permutation(40)
    shuffled = local_heteroscedasticity(values.isel(place=order), GRAPH, SETTINGS)
    xr.testing.assert_identical(shuffled.sortby("place"), found)


def test_random_counts_of_few_places_warn_of_nothing():
    graph = lattice_graph(20, 20)
    counts = np.zeros(400)
    counts[[5, 200, 310]] = 1
    found = local_heteroscedasticity(on(counts, graph), graph, SETTINGS)
    assert np.isfinite(of(found, "p_value")).all()
