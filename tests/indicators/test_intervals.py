"""Intervals of shares and of their ratios."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.indicators.intervals import clopper_pearson, ratio_of_shares, wilson


def floats(*values) -> np.ndarray:
    return np.array(values, dtype=float)


def test_wilson_of_five_in_ten_is_as_worked_by_hand():
    # z^2 = 3.8415: center 1/2, half = 1.96 sqrt(.25/10 + 3.8415/400) / 1.38415 = 0.263407
    low, high = wilson(floats(5), floats(10))
    np.testing.assert_allclose([low[0], high[0]], [0.236593, 0.763407], atol=1e-6)


def test_wilson_equals_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    x, n = floats(0, 1, 3, 7, 50, 9), floats(3, 1, 8, 900, 60, 9)
    low, high = wilson(x, n, level=0.9)
    theirs = proportion_confint(x, n, alpha=0.1, method="wilson")
    np.testing.assert_allclose(low, theirs[0], atol=1e-12)
    np.testing.assert_allclose(high, theirs[1], atol=1e-12)


def test_the_exact_interval_equals_statsmodels_and_leaves_each_tail_its_part():
    from scipy.stats import binom
    from statsmodels.stats.proportion import proportion_confint

    x, n = floats(0, 1, 3, 7, 50, 9), floats(3, 1, 8, 900, 60, 9)
    low, high = clopper_pearson(x, n)
    theirs = proportion_confint(x, n, alpha=0.05, method="beta")
    np.testing.assert_allclose(low, np.nan_to_num(theirs[0], nan=0.0), atol=1e-12)
    np.testing.assert_allclose(high, np.nan_to_num(theirs[1], nan=1.0), atol=1e-12)
    assert binom.sf(2, 8, low[2]) == pytest.approx(0.025)
    assert binom.cdf(3, 8, high[2]) == pytest.approx(0.025)
    assert np.isnan(clopper_pearson(floats(0, np.nan), floats(0, 3))).all()


def test_no_trial_has_no_interval():
    low, high = wilson(floats(0), floats(0))
    assert np.isnan(low[0])
    assert np.isnan(high[0])
    low, high = ratio_of_shares((floats(0, 1), floats(0, 2)), (floats(1, 0), floats(2, 0)))
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_a_ratio_is_bounded_as_donner_and_zou_write_it():
    p, q = 0.3, 0.2
    (l1, u1), (l2, u2) = ([b[0] for b in wilson(floats(k), floats(50))] for k in (15, 10))
    by_hand = (
        (p * q - np.sqrt((p * q) ** 2 - l1 * u2 * (2 * p - l1) * (2 * q - u2)))
        / (u2 * (2 * q - u2)),
        (p * q + np.sqrt((p * q) ** 2 - u1 * l2 * (2 * p - u1) * (2 * q - l2)))
        / (l2 * (2 * q - l2)),
    )
    low, high = ratio_of_shares((floats(15), floats(50)), (floats(10), floats(50)))
    np.testing.assert_allclose([low[0], high[0]], by_hand, rtol=1e-10)


def test_ratios_lie_near_the_score_interval_of_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep

    for x1, n1, x2, n2 in ((15, 50, 10, 50), (3, 12, 400, 9000), (80, 120, 300, 900)):
        low, high = ratio_of_shares((floats(x1), floats(n1)), (floats(x2), floats(n2)))
        theirs = confint_proportions_2indep(x1, n1, x2, n2, compare="ratio", method="score")
        np.testing.assert_allclose([low[0], high[0]], theirs, rtol=0.06)


def test_ratios_hold_the_true_one_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    for p, n1, q, n2 in ((0.2, 10, 0.1, 5000), (0.05, 40, 0.05, 5000), (0.5, 200, 0.4, 300)):
        x, y = rng.binomial(n1, p, 20_000), rng.binomial(n2, q, 20_000)
        low, high = ratio_of_shares(
            (x.astype(float), np.full(20_000, n1)), (y.astype(float), np.full(20_000, n2))
        )
        held = ((low <= p / q) & (p / q <= high)).mean()
        assert 0.925 < held < 0.985


counts = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))


@settings(deadline=None, derandomize=True)
@given(counts)
def test_a_ratio_lies_in_its_interval_and_swapping_the_shares_inverts_it(drawn):
    x1, more1, x2, more2 = (float(k) for k in drawn)
    first, second = (floats(x1), floats(x1 + more1)), (floats(x2), floats(x2 + more2))
    low, high = ratio_of_shares(first, second)
    if not (x1 + more1 and x2 + more2):
        assert np.isnan(low[0])
        return
    if x2:
        ratio = x1 / (x1 + more1) / (x2 / (x2 + more2))
        assert 0 <= low[0] <= ratio * (1 + 1e-9)
        assert high[0] >= ratio * (1 - 1e-9)
    else:
        assert np.isinf(high[0])
    if x1 and x2:
        back_low, back_high = ratio_of_shares(second, first)
        assert back_low[0] == pytest.approx(1 / high[0], rel=1e-6)
        assert back_high[0] == pytest.approx(1 / low[0], rel=1e-6)
