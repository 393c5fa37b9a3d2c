"""Gini, Herfindahl and Theil."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.inequality import gini, herfindahl, theil


def table(values) -> xr.DataArray:
    values = np.asarray(values, dtype=float)
    values = values.reshape(len(values), -1)
    places = [f"{i:06d}" for i in range(len(values))]
    return xr.DataArray(values, dims=("place", "chain"), coords={"place": places})


def half(n: int) -> pd.Series:
    return pd.Series(["01" if i < n // 2 else "02" for i in range(n)], index=table(range(n)).place)


def test_gini_of_one_two_three_four_is_a_quarter():
    np.testing.assert_allclose(gini(table([4, 1, 3, 2])), [0.25])


def test_locational_gini_orders_places_by_their_quotient():
    # parts of all firms .5 .3 .2, of the chain .2 .3 .5: area = .5*.2 + .3*.7 + .2*1.5
    found = gini(table([5, 3, 2])[::-1], weights=table([2, 3, 5])[::-1])
    assert float(found[0]) == pytest.approx(1 - (0.5 * 0.2 + 0.3 * 0.7 + 0.2 * 1.5))
    assert float(gini(table([2, 3, 5]), weights=table([4, 6, 10]))[0]) == pytest.approx(0)


def test_herfindahl_of_a_half_a_third_and_a_sixth_is_as_worked_by_hand():
    found = herfindahl(table([3, 2, 1]), dim="place")
    assert float(found["herfindahl"][0]) == pytest.approx(14 / 36)
    assert float(found["effective_number"][0]) == pytest.approx(36 / 14)
    assert float(found["herfindahl_normalized"][0]) == pytest.approx((14 / 36 - 1 / 3) / (2 / 3))


def test_theil_of_two_groups_is_as_worked_by_hand():
    found = theil(table([1, 1, 2, 4]), half(4))
    total = (2 * np.log(0.5) + 2 * np.log(1) + 4 * np.log(2)) / 8
    between = 0.25 * np.log(0.25 / 0.5) + 0.75 * np.log(0.75 / 0.5)
    assert float(found["theil"][0]) == pytest.approx(total)
    assert float(found["theil_between"][0]) == pytest.approx(between)
    assert float(found["theil_within"][0]) == pytest.approx(total - between)
    assert float(found["between_share"][0]) == pytest.approx(between / total)


def test_all_three_equal_pysal_and_decompose_alike():
    from inequality.gini import Gini
    from inequality.theil import Theil, TheilD

    rng = np.random.default_rng(3)
    y = rng.gamma(0.7, 10, (60, 4))
    y[rng.random((60, 4)) < 0.1] = 0
    groups = pd.Series(rng.integers(0, 5, 60).astype(str), index=table(y).place)
    found = theil(table(y), groups)
    theirs = TheilD(y, groups.to_numpy())
    np.testing.assert_allclose(found["theil"], Theil(y).T, rtol=1e-10)
    np.testing.assert_allclose(found["theil_between"], theirs.bg, rtol=1e-10)
    np.testing.assert_allclose(found["theil_within"], theirs.wg, rtol=1e-10)
    np.testing.assert_allclose(gini(table(y)), [Gini(y[:, k]).g for k in range(4)], rtol=1e-10)
    shares = y / y.sum(axis=0)
    np.testing.assert_allclose(
        herfindahl(table(y), dim="place")["herfindahl"], (shares**2).sum(axis=0)
    )


def test_missing_units_are_left_out_and_nothing_spread_is_missing():
    y = table([[1, 0, np.nan], [3, 0, np.nan], [np.nan, 0, np.nan]])
    groups = half(3)
    assert float(gini(y)[0]) == pytest.approx(0.25)
    assert float(herfindahl(y, dim="place")["herfindahl_normalized"][0]) == pytest.approx(0.25)
    for found in (gini(y), *herfindahl(y, dim="place").values(), theil(y, groups)["theil"]):
        assert np.isnan(found[1:]).all()
    assert float(theil(y, groups)["theil"][0]) == pytest.approx(float(theil(y[:2])["theil"][0]))


def test_one_unit_and_equal_units_are_not_unequal():
    assert float(gini(table([7]))[0]) == 0
    assert float(theil(table([7]))["theil"][0]) == 0
    assert float(herfindahl(table([7]), dim="place")["herfindahl"][0]) == 1
    found = theil(table([2, 2, 2, 2]), half(4))
    assert float(found["theil"][0]) == pytest.approx(0)
    assert np.isnan(found["between_share"][0])


def test_amounts_where_nothing_is_expected_make_theil_infinite():
    assert np.isinf(theil(table([1, 1]), weights=table([1, 0]))["theil"][0])


def test_negative_amounts_unknown_dims_and_units_without_group_are_refused():
    with pytest.raises(TableError, match="AMOUNT_RANGE"):
        gini(table([1, -1]))
    with pytest.raises(StatisticsError, match="UNKNOWN_DIM"):
        herfindahl(table([1, 2]), dim="year")
    with pytest.raises(TableError, match="GROUP_MISSING"):
        theil(table([1, 2, 3]), half(2))
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        gini(table([1, 2]), weights=xr.DataArray(np.ones(5), dims="year"))


amounts = hnp.arrays(
    np.int64, st.tuples(st.integers(2, 20), st.just(2)), elements=st.integers(0, 9)
)


@settings(deadline=None, derandomize=True)
@given(amounts, st.integers(2, 9))
def test_the_unit_of_measure_and_the_order_do_not_matter_and_copies_change_nothing(y, factor):
    for measure in (gini, lambda v: theil(v)["theil"]):
        base = measure(table(y))
        np.testing.assert_allclose(measure(table(y * factor)), base, atol=1e-12)
        np.testing.assert_allclose(measure(table(y[::-1])), base, atol=1e-12)
        np.testing.assert_allclose(measure(table(np.tile(y, (3, 1)))), base, atol=1e-12)


@settings(deadline=None, derandomize=True)
@given(amounts)
def test_moving_from_a_rich_to_a_poor_unit_never_raises_inequality(y):
    order = np.argsort(y[:, 0])
    poor, rich = order[0], order[-1]
    moved = y.copy()
    if y[rich, 0] - y[poor, 0] >= 2:
        moved[rich, 0] -= 1
        moved[poor, 0] += 1
    for measure in (gini, lambda v: theil(v)["theil"]):
        before, after = float(measure(table(y))[0]), float(measure(table(moved))[0])
        assert np.isnan(before) or after <= before + 1e-12


@settings(deadline=None, derandomize=True)
@given(amounts)
def test_theil_between_is_never_more_than_the_whole(y):
    found = theil(table(y), half(len(y)))
    known = ~np.isnan(found["theil"].to_numpy())
    between, whole = found["theil_between"].to_numpy()[known], found["theil"].to_numpy()[known]
    assert (between >= 0).all()
    assert (between <= whole + 1e-12).all()
