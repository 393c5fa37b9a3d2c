"""Indicators on one scale, goalposts and outliers."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo_engine.errors import StatisticsError
from geo_engine.indicators.normalization import (
    between_goalposts,
    make_goalposts,
    min_max,
    skew_and_kurtosis,
    treat_outliers,
    z_scores,
)


def table(values, names="ab") -> xr.DataArray:
    values = np.asarray(values, dtype=float)
    return xr.DataArray(
        values, dims=("indicator", "place"), coords={"indicator": list(names[: len(values)])}
    )


UP_DOWN = {"a": 1, "b": -1}


def test_scores_and_min_max_are_as_worked_by_hand():
    values = table([[1, 2, 3], [4, 8, 6]])
    step = 10 * np.sqrt(1.5)  # (3 - 2) / population deviation sqrt(2/3)
    np.testing.assert_allclose(
        z_scores(values, UP_DOWN),
        [[100 - step, 100, 100 + step], [100 + step, 100 - step, 100]],
    )
    np.testing.assert_allclose(min_max(values, UP_DOWN), [[70, 100, 130], [130, 70, 100]])


def test_a_constant_indicator_scores_the_middle_and_a_missing_value_stays_missing():
    values = table([[5, 5, np.nan], [np.nan, np.nan, np.nan]])
    for scale in (z_scores, min_max):
        np.testing.assert_array_equal(
            scale(values, UP_DOWN), [[100, 100, np.nan], [np.nan, np.nan, np.nan]]
        )


def test_goalposts_put_the_reference_at_100_and_extremes_in_60_points():
    # Inf = 1, Sup = 9, reference 4: D = 4, posts 0 and 8
    posts = make_goalposts(table([[1, 9, 4]]), {"a": 1}, {"a": 4.0}, name="Italia 2021")
    assert posts["indicator"] == {
        "a": {"minimum": 0.0, "maximum": 8.0, "reference": 4.0, "polarity": 1}
    }
    np.testing.assert_allclose(between_goalposts(table([[1, 9, 4, 0, 8]]), posts),
                               [[77.5, 137.5, 100, 70, 130]])  # fmt: skip


def test_goalposts_survive_json_and_toml_and_reverse_where_less_is_better():
    posts = make_goalposts(table([[1, 9], [2, 4]]), UP_DOWN, {"a": 4, "b": 3}, name="Italia 2021")
    lines = ["version = 1", 'reference = "Italia 2021"']
    for key, post in posts["indicator"].items():
        lines += [f"[indicator.{key}]", *(f"{k} = {v!r}" for k, v in post.items())]
    values = table([[3.0, 7.5], [2.0, 3.7]])
    direct = between_goalposts(values, posts)
    for back in (json.loads(json.dumps(posts)), tomllib.loads("\n".join(lines))):
        np.testing.assert_array_equal(between_goalposts(values, back), direct)
    # b: posts 2 and 4, so 2 scores 200 - 70
    np.testing.assert_allclose(direct[1, 0], 130)


def test_goalposts_are_those_of_compind_in_one_period():
    # its ci_ampi, one period: (max - x)/(max - min) 60 + 70 where less is better
    values = np.array([[3.0, 5.0, 11.0], [2.0, 9.0, 4.0]])
    gp = np.array([6.0, 5.0])
    half = (values.max(axis=1) - values.min(axis=1)) / 2
    low, high = gp - half, gp + half
    posts = make_goalposts(table(values), UP_DOWN, {"a": 6, "b": 5})
    expected = [
        (values[0] - low[0]) / (high[0] - low[0]) * 60 + 70,
        (high[1] - values[1]) / (high[1] - low[1]) * 60 + 70,
    ]
    np.testing.assert_allclose(between_goalposts(table(values), posts), expected)


def test_a_later_year_beyond_the_posts_does_not_move_the_scale():
    posts = make_goalposts(table([[1, 9, 4]]), {"a": 1}, {"a": 4.0})
    np.testing.assert_allclose(between_goalposts(table([[16, 4]]), posts), [[190, 100]])


@pytest.mark.parametrize(
    ("posts", "code"),
    [
        ({}, "GOALPOSTS_INVALID"),
        ({"indicator": {}}, "GOALPOSTS_INVALID"),
        ({"indicator": {"a": {"minimum": 3, "maximum": 3, "polarity": 1}}}, "GOALPOSTS_INVALID"),
        ({"indicator": {"a": {"minimum": 1, "maximum": 3, "polarity": 0}}}, "GOALPOSTS_INVALID"),
    ],
)
def test_damaged_goalposts_are_refused(posts, code):
    with pytest.raises(StatisticsError, match=code):
        between_goalposts(table([[1, 2]]), posts)


def test_unknown_polarity_a_missing_reference_and_no_variation_are_refused():
    with pytest.raises(StatisticsError, match="UNKNOWN_POLARITY"):
        z_scores(table([[1, 2]]), {"a": 0})
    with pytest.raises(StatisticsError, match="NO_REFERENCE"):
        make_goalposts(table([[1, 2]]), {"a": 1}, {})
    with pytest.raises(StatisticsError, match="NO_VARIATION"):
        make_goalposts(table([[2, 2, np.nan]]), {"a": 1}, {"a": 2})


def test_skew_and_kurtosis_equal_those_of_scipy():
    from scipy.stats import kurtosis, skew

    x = np.random.default_rng(2).gamma(0.3, 5, 80)
    found = skew_and_kurtosis(x)
    assert found[0] == pytest.approx(skew(x, bias=False), rel=1e-9)
    assert found[1] == pytest.approx(kurtosis(x, bias=False), rel=1e-9)
    assert skew_and_kurtosis(np.array([3.0, 3, 3, 3, 3])) == (0.0, 0.0)


def test_one_wild_value_is_held_at_the_next_and_others_stay():
    calm = np.linspace(1, 2, 40)
    treated, done = treat_outliers(table([[*calm, 100], [*-calm, -100]]))
    assert done["a"].held == done["b"].held == 1
    assert done["a"].cured
    assert done["a"].high == 2
    assert done["b"].low == -2
    np.testing.assert_array_equal(treated[0], [*calm, 2])
    np.testing.assert_array_equal(treated[1], [*-calm, -2])


def test_outliers_held_equal_those_of_a_plain_loop():
    from scipy.stats import kurtosis, skew

    rng = np.random.default_rng(4)
    x = np.concatenate([rng.normal(0, 1, 300), [30, 45, 60, 80]])
    ordered, held = np.sort(x), 0
    while abs(skew(ordered, bias=False)) > 2 and kurtosis(ordered, bias=False) > 3.5:
        held += 1
        ordered = np.sort(x)
        ordered[-held:] = ordered[-held - 1]
    _, done = treat_outliers(table([x]), largest_share=0.1)
    assert held > 1
    assert done["a"].held == held
    assert done["a"].high == ordered[-1]


def test_what_five_or_one_in_a_hundred_cannot_cure_is_said_to_be_uncured():
    x = np.concatenate([np.zeros(500), 10.0 ** np.arange(2, 22)])
    _, done = treat_outliers(table([x]))
    assert done["a"].held == 5
    assert not done["a"].cured


def test_held_values_are_held_in_later_years_too():
    x = table([[*np.linspace(1, 2, 40), 100]])
    treated, done = treat_outliers(x)
    posts = make_goalposts(treated, {"a": 1}, {"a": 1.5}, treatments=done)
    assert posts["indicator"]["a"]["held_high"] == 2
    assert float(between_goalposts(table([[500.0]]), posts)[0, 0]) == pytest.approx(130)


values = hnp.arrays(
    np.float64, st.tuples(st.just(2), st.integers(3, 30)), elements=st.integers(-50, 50)
)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(values, st.sampled_from([0.5, 4.0]), st.integers(-9, 9))
def test_the_unit_and_the_origin_of_an_indicator_do_not_matter(drawn, factor, shift):
    for scale in (z_scores, min_max):
        base = scale(table(drawn), UP_DOWN)
        np.testing.assert_allclose(scale(table(drawn * factor + shift), UP_DOWN), base, atol=1e-9)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(values)
def test_treated_values_keep_their_order_and_lie_within_the_old_range(drawn):
    treated, _ = treat_outliers(table(drawn))
    for before, after in zip(drawn, treated.to_numpy(), strict=True):
        order = np.argsort(before, kind="stable")
        assert (np.diff(after[order]) >= 0).all()
        assert before.min() <= after.min()
        assert after.max() <= before.max()
