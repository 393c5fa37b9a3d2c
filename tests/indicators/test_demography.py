"""Growth of firms from year to year."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.demography import growth


def line(values, years) -> xr.DataArray:
    return xr.DataArray(np.array(values, float), dims="year", coords={"year": years})


def test_growth_compares_years_of_the_calendar_not_neighbors_in_the_table():
    found = growth(line([100, 110, 121], [2020, 2021, 2023]))
    np.testing.assert_allclose(found["growth"], [np.nan, 0.1, np.nan])
    found = growth(line([100, 110, 121], [2020, 2021, 2022]), periods=2)
    np.testing.assert_allclose(found["growth"], [np.nan, np.nan, 0.21])
    np.testing.assert_allclose(found["growth_yearly"], [np.nan, np.nan, 0.1])
    np.testing.assert_allclose(found["difference"], [np.nan, np.nan, 21])


def test_growth_from_nothing_is_missing_and_to_nothing_is_minus_one():
    found = growth(line([0, 3, 0, np.nan], [2020, 2021, 2022, 2023]))
    np.testing.assert_array_equal(found["growth"], [np.nan, np.nan, -1, np.nan])
    assert float(found["growth_low"][2]) == -1


def test_the_interval_of_growth_is_near_that_of_the_log_ratio_and_wide_for_few_firms():
    found = growth(line([400, 500], [2020, 2021]))
    half = 1.959964 * np.sqrt(1 / 400 + 1 / 500)
    assert float(found["growth_low"][1]) == pytest.approx(1.25 * np.exp(-half) - 1, abs=0.003)
    assert float(found["growth_high"][1]) == pytest.approx(1.25 * np.exp(half) - 1, abs=0.003)
    few = growth(line([1, 2], [2020, 2021]))
    assert float(few["growth_low"][1]) < 0 < float(few["growth_high"][1])


def test_growth_needs_years_periods_and_counts():
    with pytest.raises(StatisticsError, match="UNKNOWN_DIM"):
        growth(xr.DataArray([1.0], dims="place"))
    with pytest.raises(StatisticsError, match="PERIODS_INVALID"):
        growth(line([1], [2020]), periods=0)
    with pytest.raises(TableError, match="COUNT_RANGE"):
        growth(line([-1], [2020]))


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.integers(1, 300), min_size=2, max_size=6))
def test_yearly_growth_chains_to_growth_over_the_whole_time(values):
    years = list(range(2020, 2020 + len(values)))
    step = growth(line(values, years))
    whole = growth(line(values, years), periods=len(values) - 1)
    assert float((1 + step["growth"][1:]).prod()) == pytest.approx(1 + float(whole["growth"][-1]))
    assert float(whole["growth_low"][-1]) <= float(whole["growth"][-1])
    assert float(whole["growth"][-1]) <= float(whole["growth_high"][-1])
