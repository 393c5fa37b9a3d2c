"""Births, deaths and growth of firms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.demography import HISTORY_COLUMNS, count_flows, flow_rates, growth
from geo_engine.indicators.intervals import wilson

MEMBERS = np.array([[True, False], [True, True]])
YEARS = (2021, 2022, 2023)


def flows_of(*rows, places=2):
    table = pd.DataFrame(rows, columns=HISTORY_COLUMNS)
    return count_flows(table, MEMBERS, areas=np.arange(places), size=places, years=YEARS)


def dataset(**arrays) -> xr.Dataset:
    return xr.Dataset({k: (("place", "year"), np.array([v], float)) for k, v in arrays.items()})


def test_four_firms_live_as_worked_by_hand():
    found = flows_of(
        (0, 0, 2019, 2022), (0, 1, 2022, np.nan), (0, -1, 2023, 2023), (0, 0, np.nan, 2022)
    )
    assert found.births[0].tolist() == [[0, 1, 0], [0, 1, 0], [0, 1, 1]]
    assert found.deaths[0].tolist() == [[0, 1, 0], [0, 0, 0], [0, 1, 1]]
    assert found.active[0].tolist() == [[1, 2, 1], [0, 1, 1], [1, 2, 2]]
    assert found.at_start[0].tolist() == [[1, 1, 1], [0, 0, 1], [1, 1, 1]]
    assert found.undated[0].tolist() == [1, 0, 1]
    assert found.births[1].sum() == 0


def test_rates_are_of_firms_active_and_growth_of_those_on_the_first_of_january():
    found = flow_rates(dataset(births=[5], deaths=[2], active=[25], at_start=[20]), closed=True)
    assert float(found["birth_rate"][0, 0]) == 20
    assert float(found["death_rate"][0, 0]) == 8
    assert float(found["churn_rate"][0, 0]) == 28
    assert float(found["growth_rate"][0, 0]) == 15
    low, high = wilson(np.array([5.0]), np.array([25.0]))
    assert float(found["birth_rate_low"][0, 0]) == pytest.approx(100 * low[0])
    assert float(found["birth_rate_high"][0, 0]) == pytest.approx(100 * high[0])


def test_a_list_of_survivors_has_no_rates_and_a_place_without_firms_neither():
    some = dataset(births=[5, 0], deaths=[0, 0], active=[25, 0], at_start=[20, 0])
    assert all(np.isnan(value).all() for value in flow_rates(some, closed=False).values())
    found = flow_rates(some, closed=True)
    assert all(np.isnan(value[0, 1]) for value in found.values())


def test_firms_that_end_before_they_begin_and_odd_positions_are_refused():
    with pytest.raises(TableError, match="DATE_ORDER"):
        flows_of((0, 0, 2022, 2021))
    with pytest.raises(TableError, match="POSITION_RANGE"):
        flows_of((0, 5, 2022, 2023))


histories = st.lists(
    st.tuples(st.integers(-1, 2), st.integers(-1, 1), st.integers(2018, 2025), st.integers(0, 4)),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(histories)
def test_firms_on_the_next_first_of_january_are_those_before_and_born_less_the_dead(drawn):
    table = pd.DataFrame(drawn, columns=["place", "code", "born", "life"])
    table["ended"] = np.where(table["life"] == 4, np.nan, table["born"] + table["life"])
    found = count_flows(table, MEMBERS, areas=np.array([0, 1, -1]), size=2, years=YEARS)
    np.testing.assert_array_equal(found.active, found.at_start + found.births)
    np.testing.assert_array_equal(
        found.at_start[..., 1:], found.active[..., :-1] - found.deaths[..., :-1]
    )
    inside = table[table["place"].isin([0, 1])]
    for year in range(3):
        born = inside[inside["born"] == YEARS[year]]
        assert found.births[:, -1, year].sum() == len(born)
        assert found.births[:, 1, year].sum() == (born["code"] == 1).sum()
        assert found.deaths[:, -1, year].sum() == (inside["ended"] == YEARS[year]).sum()


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
