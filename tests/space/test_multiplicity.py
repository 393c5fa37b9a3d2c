"""Benjamini-Hochberg against scipy, and with places that were not tested."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from geo_engine.space import benjamini_hochberg, benjamini_yekutieli


@settings(deadline=None, derandomize=True, max_examples=100)
@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1)))
def test_q_values_equal_those_of_scipy(p):
    np.testing.assert_allclose(
        benjamini_hochberg(p), stats.false_discovery_control(p), rtol=1e-12, atol=1e-300
    )


def test_places_without_a_test_do_not_count_in_the_family():
    p = np.array([0.01, np.nan, 0.02, np.nan, 0.5])
    q = benjamini_hochberg(p)
    assert np.isnan(q[[1, 3]]).all()
    np.testing.assert_allclose(q[[0, 2, 4]], [0.03, 0.03, 0.5])


def test_a_family_without_any_test_has_no_q_value():
    assert np.isnan(benjamini_hochberg(np.full((2, 2), np.nan))).all()
    assert benjamini_hochberg(np.zeros(0)).shape == (0,)


def test_a_panel_keeps_its_shape_and_is_one_family():
    p = np.array([[0.001, 0.4], [0.03, 0.02]])
    np.testing.assert_allclose(benjamini_hochberg(p), [[0.004, 0.4], [0.04, 0.04]])


def test_q_is_never_below_p_by_any_rounding():
    rng = np.random.default_rng(0)
    for _ in range(500):
        p = rng.random(rng.integers(3, 60))
        assert (benjamini_hochberg(p) >= p).all()
        assert (benjamini_yekutieli(p) >= p).all()
