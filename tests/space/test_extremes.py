"""Numbers near the ends of their range, and constants that differ by rounding."""

import numpy as np
import pytest

from geo_engine.space.bivariate import local_bivariate_moran
from geo_engine.space.exact import conditional_tails
from geo_engine.space.geary import local_geary
from geo_engine.space.global_statistics import bivariate_moran, global_statistic, lee
from geo_engine.space.losh import local_heteroscedasticity
from geo_engine.tables import LOCAL_CONSTANT, LOCAL_OK
from tests.space.lattice_cases import GRAPH, SETTINGS, X, Y, of, on
from tests.space.test_exact import SEED, links_from, ring

SCALES = (2.0**-1000, 2.0**-500, 2.0**500, 2.0**1000)
X, Y = X + 1.0, Y + 1.0


def results(x, y):
    """Give every statistic of the further tests that has no unit."""
    found = {
        "geary": of(local_geary(on(x), GRAPH, SETTINGS), "p_value"),
        "bivariate": of(local_bivariate_moran(on(x), on(y), GRAPH, SETTINGS), "p_value"),
        "losh": of(local_heteroscedasticity(on(x), GRAPH, SETTINGS), "p_value"),
        "bivariate moran": bivariate_moran(on(x), on(y), GRAPH, SETTINGS).p_permutation,
        "lee": lee(on(x), on(y), GRAPH, SETTINGS).statistic,
    }
    for kind in ("moran", "geary", "getis_ord"):
        found[kind] = global_statistic(on(x), GRAPH, SETTINGS, kind=kind).z_score
    return {name: np.asarray(values, float).ravel() for name, values in found.items()}


@pytest.mark.parametrize("scale", SCALES)
def test_the_unit_of_numbers_near_the_ends_of_their_range_changes_nothing(scale):
    expected = results(X, Y)
    for name, values in results(X * scale, Y * scale).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-9, err_msg=name)


def test_the_lag_stands_in_the_unit_given():
    found = local_bivariate_moran(on(X), on(Y * 2.0**900), GRAPH, SETTINGS)
    plain = local_bivariate_moran(on(X), on(Y), GRAPH, SETTINGS)
    np.testing.assert_allclose(of(found, "lag") / 2.0**900, of(plain, "lag"), rtol=1e-12)


def test_one_gap_marked_by_the_largest_number_warns_of_nothing_and_makes_nothing_significant():
    x = X.copy()
    x[7] = -np.finfo(float).max
    found = local_geary(on(x), GRAPH, SETTINGS)
    assert (of(found, "status") == LOCAL_OK).all()
    assert not (of(found, "q_value") < 0.05).any()
    assert np.isfinite(float(global_statistic(on(x), GRAPH, SETTINGS).statistic[0, 0]))


def test_values_that_differ_by_rounding_are_constant():
    x = np.full(40, 0.3)
    x[:20] = 0.1 + 0.2
    assert (of(local_geary(on(x), GRAPH, SETTINGS), "status") == LOCAL_CONSTANT).all()
    assert int(global_statistic(on(x), GRAPH, SETTINGS).status[0, 0]) == LOCAL_CONSTANT


@pytest.mark.parametrize("added", [1e3, -1e6, 1e8, 1e10])
def test_a_constant_added_to_decimals_changes_no_p_value(added):
    values = np.round(np.random.default_rng(7).normal(size=400), 2)
    links = links_from(ring(400, 6))
    alone = conditional_tails(values, links, seed=SEED)
    moved = conditional_tails(values + added, links, seed=SEED)
    np.testing.assert_array_equal(moved.p_value, alone.p_value)
    assert (alone.method == 1).all()


@pytest.mark.parametrize("added", [1e3, -1e6, 1e8])
def test_a_constant_added_to_real_values_changes_p_within_its_error(added):
    values = np.random.default_rng(8).gamma(0.7, size=400)
    links = links_from(ring(400, 6))
    alone = conditional_tails(values, links, seed=SEED)
    moved = conditional_tails(values + added, links, seed=SEED)
    assert (np.abs(moved.p_value - alone.p_value) <= alone.p_error + moved.p_error).all()
    np.testing.assert_allclose(moved.p_value, alone.p_value, atol=1e-6)
