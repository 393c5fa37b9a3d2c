"""Mazziotta-Pareto and other composite indices."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo_engine import tables
from geo_engine.errors import StatisticsError
from geo_engine.indicators.composite import (
    Composite,
    aggregate,
    ampi,
    composite,
    impute_by_group,
    mpi,
)
from geo_engine.indicators.normalization import make_goalposts
from geo_engine.indicators.principal import principal_weights

UP = {"a": 1, "b": 1}


def table(values, names="abc") -> xr.DataArray:
    values = np.asarray(values, dtype=float)
    return xr.DataArray(
        values,
        dims=("indicator", "place"),
        coords={
            "indicator": list(names[: len(values)]),
            "place": [f"{i:06d}" for i in range(values.shape[1])],
        },
    )


def test_mpi_of_three_places_is_as_worked_by_hand():
    # both indicators have deviation sqrt(2/3): z = 100 -+ 12.247 in opposite order
    found = mpi(table([[1, 2, 3], [3, 2, 1]]), UP)
    step = 10 * np.sqrt(1.5)
    np.testing.assert_allclose(found["mean"], [100, 100, 100])
    np.testing.assert_allclose(found["penalty"], [step**2 / 100, 0, step**2 / 100])
    np.testing.assert_allclose(found["score"], [98.5, 100, 98.5])
    np.testing.assert_allclose(found["penalty_share"], [0.015, 0, 0.015])
    assert found["rank"].to_numpy().tolist() == [2, 1, 2]
    assert found["leading"].to_numpy().tolist()[::2] == [1, 0]
    assert found["lagging"].to_numpy().tolist()[::2] == [0, 1]
    assert found["component"].to_numpy().tolist() == ["a", "b"]


def test_a_negative_phenomenon_adds_the_penalty_and_ranks_the_lowest_first():
    values = table([[1, 2, 3], [3, 2, 1]])
    spec = Composite(polarity=UP, normalization="z", direction="negative")
    found = composite(values, spec)
    np.testing.assert_allclose(found["score"], [101.5, 100, 101.5])
    assert found["rank"].to_numpy().tolist() == [2, 1, 2]
    np.testing.assert_allclose(found["penalty"], [-1.5, 0, -1.5])


def test_ampi_is_as_worked_by_hand_and_the_reference_scores_100():
    base = table([[1, 9, 4], [10, 30, 20]])
    posts = make_goalposts(base, {"a": 1, "b": -1}, {"a": 4, "b": 20})
    found = ampi(table([[4, 9, 0], [20, 30, 10]]), posts)
    # second: a = 60 * 9/8 + 70 = 137.5, b = 200 - 130 = 70; third: a = 70, b = 130
    second, third = np.array([137.5, 70]), np.array([70, 130])
    expected = [100, *(z.mean() - z.var() / z.mean() for z in (second, third))]
    np.testing.assert_allclose(found["score"], expected)


def test_scores_are_those_of_compind_but_for_its_divisor():
    rng = np.random.default_rng(1)
    z = 100 + 10 * rng.standard_normal((4, 20))
    spec = Composite(polarity={})
    _, score = aggregate(z, np.full(4, 0.25), spec)
    mean = z.mean(axis=0)
    np.testing.assert_allclose(score, mean * (1 - (z.std(axis=0) / mean) ** 2))
    compind = mean * (1 - (z.std(axis=0, ddof=1) / mean) ** 2)
    np.testing.assert_allclose(mean - score, 0.75 * (mean - compind))


def test_given_weights_change_mean_and_variance_as_by_hand():
    values = table([[0, 10], [0, 10], [5, 5]])
    spec = Composite(
        polarity={"a": 1, "b": 1, "c": 1}, normalization="min_max",
        weights={"a": 2, "b": 1, "c": 1},
    )  # fmt: skip
    found = composite(values, spec)
    # second place: 130, 130, 100: M = 122.5, S^2 = .75 7.5^2 + .25 22.5^2 = 168.75
    np.testing.assert_allclose(found["score"][1], 122.5 - 168.75 / 122.5)
    plain = composite(values, dataclasses.replace(spec, aggregation="arithmetic"))
    np.testing.assert_allclose(plain["score"][1], 122.5)
    geometric = composite(values, dataclasses.replace(spec, aggregation="geometric"))
    np.testing.assert_allclose(geometric["score"][1], 130**0.75 * 100**0.25)


def test_a_missing_indicator_is_a_missing_index_unless_enough_weight_is_known():
    values = table([[1, 2, 3], [3, np.nan, 1], [1, np.nan, np.nan]])
    spec = Composite(polarity={"a": 1, "b": 1, "c": 1}, normalization="min_max")
    found = composite(values, spec)
    assert np.isfinite(found["score"]).to_numpy().tolist() == [True, False, False]
    assert found["status"].to_numpy().tolist() == [tables.OK] + [tables.NOT_SURVEYED] * 2
    assert found["leading"].to_numpy().tolist()[1:] == [-1, -1]
    assert found["known_indicators"].to_numpy().tolist() == [3, 1, 2]
    found = composite(values, dataclasses.replace(spec, least_weight=0.6))
    assert np.isnan(found["score"][1])
    np.testing.assert_allclose(found["score"][2], 100 - 30**2 / 100)  # 130 and 70


def test_maps_are_scored_one_by_one_whatever_the_order_of_dims():
    rng = np.random.default_rng(6)
    cube = xr.DataArray(
        rng.random((3, 9, 2, 2)),
        dims=("indicator", "place", "chain", "year"),
        coords={"indicator": list("abc"), "year": [2023, 2024]},
    )
    polarity = {"a": 1, "b": -1, "c": 1}
    found = mpi(cube, polarity)
    turned = mpi(cube.transpose("year", "indicator", "chain", "place"), polarity)
    assert turned["score"].dims == ("year", "chain", "place")
    xr.testing.assert_allclose(turned.transpose("place", "chain", "year", ...), found)
    one = mpi(cube.isel(chain=1, year=0), polarity)
    np.testing.assert_allclose(found["rank"].isel(chain=1, year=0), one["rank"])


def test_an_empty_map_is_missing_without_a_warning():
    found = mpi(table(np.full((2, 3), np.nan)), UP)
    for name in ("score", "mean", "penalty", "rank"):
        assert np.isnan(found[name]).all()


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (Composite(polarity=UP), "GOALPOSTS_INVALID"),
        (Composite(polarity={"a": 1}, normalization="z"), "UNKNOWN_INDICATOR"),
        (Composite(polarity={"a": 1, "b": 0}, normalization="z"), "UNKNOWN_POLARITY"),
        (Composite(polarity=UP, normalization="z", weights={"a": 1}), "WEIGHTS_INVALID"),
        (Composite(polarity=UP, normalization="z", weights={"a": 0, "b": 0}), "WEIGHTS_INVALID"),
        (Composite(polarity=UP, normalization="z", weights={"a": -1, "b": 2}), "WEIGHTS_INVALID"),
    ],
)
def test_what_cannot_be_combined_is_refused(spec, code):
    with pytest.raises(StatisticsError, match=code):
        composite(table([[1, 2, 3], [3, 2, 1]]), spec)


def test_a_geometric_mean_of_values_that_are_not_positive_is_refused():
    values = table([[1, *[0] * 400], [1, *[0] * 400]])
    spec = Composite(polarity={"a": -1, "b": -1}, normalization="z", aggregation="geometric")
    with pytest.raises(StatisticsError, match="NOT_POSITIVE"):
        composite(values, spec)


def test_missing_values_take_the_median_of_their_region_and_are_marked():
    values = table([[1, 3, np.nan, 9, np.nan], [np.nan, np.nan, np.nan, 1, 2]])
    groups = pd.Series(["01", "01", "01", "02", "02"], index=values["place"].to_numpy())
    filled, imputed = impute_by_group(values, groups)
    np.testing.assert_array_equal(filled, [[1, 3, 2, 9, 9], [np.nan, np.nan, np.nan, 1, 2]])
    assert imputed.to_numpy().tolist() == [[False, False, True, False, True], [False] * 5]


def test_principal_weights_equal_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(7)
    common = rng.standard_normal(200)
    x = np.stack([common * k + rng.standard_normal(200) for k in (2.0, 1.0, -0.5)])
    x[0, 3] = np.nan
    found = principal_weights(table(x), {"a": 1, "b": 1, "c": -1})
    z = np.delete(x, 3, axis=1) * np.array([[1], [1], [-1]])
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    theirs = PCA().fit(z.T)
    np.testing.assert_allclose(list(found.weights.values()), theirs.components_[0] ** 2)
    assert found.explained == pytest.approx(theirs.explained_variance_ratio_[0])
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.coherent
    assert found.units == 199
    turned = principal_weights(table(x), {"a": 1, "b": 1, "c": 1})
    assert not turned.coherent


def test_two_indicators_have_equal_principal_weights_and_constants_none():
    rng = np.random.default_rng(8)
    found = principal_weights(table(rng.random((2, 30))), UP)
    np.testing.assert_allclose(list(found.weights.values()), 0.5)
    with pytest.raises(StatisticsError, match="NO_VARIATION"):
        principal_weights(table([[1, 1, 1, 1], [1, 2, 3, 4]]), UP)
    with pytest.raises(StatisticsError, match="NO_VARIATION"):
        principal_weights(table(np.full((2, 5), np.nan)), UP)


drawn = hnp.arrays(
    np.float64, st.tuples(st.just(3), st.integers(3, 20)), elements=st.integers(0, 40)
)
THREE = {"a": 1, "b": -1, "c": 1}


@settings(deadline=None, derandomize=True, max_examples=25)
@given(drawn)
def test_imbalance_never_raises_a_positive_index_and_balance_costs_nothing(values):
    found = composite(table(values), Composite(polarity=THREE, normalization="min_max"))
    assert (found["score"] <= found["mean"] + 1e-9).all()
    geometric = Composite(polarity=THREE, normalization="min_max", aggregation="geometric")
    assert (composite(table(values), geometric)["score"] <= found["mean"] + 1e-9).all()
    same = composite(table([values[0]] * 3), Composite(polarity={**THREE, "b": 1},
                     normalization="z"))  # fmt: skip
    np.testing.assert_allclose(same["penalty"], 0, atol=1e-9)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(drawn, st.integers(2, 6))
def test_units_of_measure_and_the_order_of_places_change_no_index(values, factor):
    base = mpi(table(values), THREE)
    scaled = mpi(table(values * np.array([[factor], [1], [0.5]])), THREE)
    np.testing.assert_allclose(scaled["score"], base["score"], atol=1e-8)
    turned = mpi(table(values[:, ::-1]), THREE)
    np.testing.assert_allclose(turned["score"][::-1], base["score"], atol=1e-8)
    np.testing.assert_array_equal(turned["rank"][::-1], base["rank"])
