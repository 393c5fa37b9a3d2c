"""Local bivariate Moran: GeoDa's value, esda, enumeration, and laws."""

import dataclasses
import itertools

import esda
import geopandas as gpd
import numpy as np
import pytest
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.graph import contiguity
from geo_engine.space.bivariate import chain_pair, local_bivariate_moran
from geo_engine.tables import LOCAL_MISSING, QUADRANTS, TAIL_METHODS
from tests.space.conftest import lattice_graph, panel
from tests.space.lattice_cases import GRAPH, SETTINGS, X, Y, of, on

SMALL = dataclasses.replace(SETTINGS, min_places=4)


@pytest.mark.shared
def test_guerry_s_first_unit_has_geoda_s_value(shared_data):
    table = gpd.read_file(shared_data / "reference" / "guerry" / "Guerry.shp")
    graph = contiguity(table)
    crimes, literacy = (panel(table[name], graph.unique_ids) for name in ("Crm_prs", "Litercy"))
    found = local_bivariate_moran(crimes, literacy, graph, SETTINGS)
    assert of(found, "statistic")[0] == pytest.approx(0.392663447638106, rel=1e-12)


def test_statistics_and_quadrants_are_those_of_esda():
    theirs = esda.Moran_Local_BV(X, Y, GRAPH, permutations=0)
    found = local_bivariate_moran(on(X), on(Y), GRAPH, SETTINGS)
    np.testing.assert_allclose(of(found, "statistic"), theirs.Is, rtol=1e-9, atol=1e-12)
    names = np.array(QUADRANTS)[of(found, "quadrant")]
    assert names.tolist() == np.array(["", "HH", "LH", "LL", "HL"])[theirs.q].tolist()


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_small_maps_are_those_of_all_choices(alternative):
    graph = lattice_graph(3, 4)
    x, y = X[:12].astype(float), Y[:12]
    asked = dataclasses.replace(SMALL, alternative=alternative)
    found = local_bivariate_moran(on(x, graph), on(y, graph), graph, asked)
    zx, zy = ((v - v.mean()) / v.std(ddof=1) for v in (x, y))
    for focal in range(12):
        neighbors = [int(name) for name in graph[graph.unique_ids[focal]].index]
        others = [j for j in range(12) if j != focal]
        sums = np.array(
            [zx[focal] * zy[list(c)].mean() for c in itertools.combinations(others, len(neighbors))]
        )
        observed = zx[focal] * zy[neighbors].mean()
        tails = {
            "less": np.mean(sums <= observed + 1e-9),
            "greater": np.mean(sums >= observed - 1e-9),
        }
        tails["two-sided"] = min(1, 2 * min(tails.values()))
        assert of(found, "p_value")[focal] == pytest.approx(tails[alternative], abs=1e-12)
        assert of(found, "expected")[focal] == pytest.approx(sums.mean())
        assert of(found, "variance")[focal] == pytest.approx(sums.var())


def test_the_own_value_gives_the_sign_and_nothing_to_the_two_sided_p():
    first = local_bivariate_moran(on(X), on(Y), GRAPH, SETTINGS)
    second = local_bivariate_moran(on(X[::-1]), on(Y), GRAPH, SETTINGS)
    np.testing.assert_array_equal(of(first, "p_value"), of(second, "p_value"))


def test_a_context_variable_of_places_serves_every_map():
    values = panel(np.column_stack([X, X + Y]), GRAPH.unique_ids, ("a", "b"))
    context = xr.DataArray(Y, dims="place", coords={"place": list(GRAPH.unique_ids)})
    found = local_bivariate_moran(values, context, GRAPH, SETTINGS)
    alone = local_bivariate_moran(on(X), on(Y), GRAPH, SETTINGS)
    np.testing.assert_array_equal(found.p_value.to_numpy()[:, 0], alone.p_value.to_numpy()[:, 0])
    assert found.sizes["chain"] == 2


def test_a_place_without_one_of_the_two_values_leaves_the_map():
    x = X.astype(float)
    x[3] = np.nan
    found = local_bivariate_moran(on(x), on(Y), GRAPH, SETTINGS)
    assert of(found, "status")[3] == LOCAL_MISSING
    kept = np.delete(np.arange(40), 3)
    part = GRAPH.subgraph(GRAPH.unique_ids[kept])
    small = local_bivariate_moran(on(X[kept], part), on(Y[kept], part), part, SETTINGS)
    np.testing.assert_allclose(of(found, "p_value")[kept], of(small, "p_value"), atol=1e-12)


def test_two_chains_of_a_panel_become_the_two_variables():
    values = panel(np.column_stack([X, Y]), GRAPH.unique_ids, ("wine", "hotels"))
    here, around = chain_pair(values, "wine", "hotels")
    found = local_bivariate_moran(here, around, GRAPH, SETTINGS)
    assert found.indexes["chain"].tolist() == ["wine|hotels"]
    np.testing.assert_array_equal(
        of(found, "statistic"),
        of(local_bivariate_moran(on(X), on(Y), GRAPH, SETTINGS), "statistic"),
    )
    with pytest.raises(StatisticsError, match="CHAIN_UNKNOWN: cars"):
        chain_pair(values, "wine", "cars")


def test_unequal_weights_are_drawn_and_the_method_says_so():
    from tests.space.test_global_statistics import kinked_weights

    graph = kinked_weights()
    found = local_bivariate_moran(on(X, graph), on(Y, graph), graph, SETTINGS)
    assert (of(found, "method")[:39] == TAIL_METHODS.index("monte_carlo")).all()
    assert np.isnan(of(found, "p_value")[39])
    shuffled = on(X, graph).isel(place=slice(None, None, -1))
    again = local_bivariate_moran(shuffled, on(Y, graph), graph, SETTINGS)
    xr.testing.assert_identical(again.sortby("place"), found.sortby("place"))
