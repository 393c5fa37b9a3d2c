"""Each place against its province, region, country and similar places."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError
from geo_engine.indicators.benchmarks import (
    benchmark_ratios,
    benchmark_shares,
    group_benchmark,
    similar_benchmark,
)
from geo_engine.indicators.intervals import difference_of_shares, wilson
from geo_engine.indicators.similar_places import similar_places

CODES = pd.Index([f"{i:06d}" for i in range(4)])
PROVINCE = group_benchmark("province", pd.Series(list("AABB"), index=CODES), CODES)
COUNTRY = group_benchmark("country", pd.Series("IT", index=CODES), CODES)


def line(*values) -> xr.DataArray:
    return xr.DataArray(np.array(values, float), dims="place", coords={"place": CODES.astype(str)})


def test_four_places_are_as_worked_by_hand():
    x, n = line(3, 9, 2, 0), line(10, 10, 20, 0)
    found = benchmark_shares(x, n, [PROVINCE, COUNTRY])
    np.testing.assert_allclose(found["reference"], [[0.6, 0.6, 0.1, 0.1], [0.35] * 4])
    np.testing.assert_allclose(found["difference"][0], [-0.3, 0.3, 0, np.nan])
    np.testing.assert_array_equal(found["reference_firms"][0], [20, 20, 20, 20])
    # the place against the rest, times its complement: here one half
    low, high = difference_of_shares(
        (np.array([3.0]), np.array([10.0])), (np.array([9.0]), np.array([10.0]))
    )
    np.testing.assert_allclose(found["difference_low"][0, 0], low[0] / 2)
    np.testing.assert_allclose(found["difference_high"][0, 0], high[0] / 2)
    assert found["side"].to_numpy()[0].tolist() == [-1, 1, 0, 0]
    low, high = wilson(np.array([12.0]), np.array([20.0]))
    np.testing.assert_allclose(found["reference_low"][0, 0], low[0])
    assert found["benchmark"].to_numpy().tolist() == ["province", "country"]


def test_the_only_place_with_firms_of_its_province_does_not_differ_from_it():
    found = benchmark_shares(line(3, 9, 2, 0), line(10, 10, 20, 0), [PROVINCE])
    assert float(found["difference"][0, 2]) == 0
    assert np.isnan(found["difference_low"][0, 2])


def test_similar_places_leave_the_place_itself_out():
    data = pd.DataFrame({"altitude_m": [0.0, 1, 10, 11]}, index=CODES)
    similar = similar_benchmark(similar_places(data, number=1))
    x, n = line(3, 9, 2, 4), line(10, 10, 20, 5)
    found = benchmark_shares(x, n, [similar])
    np.testing.assert_allclose(found["reference"][0], [0.9, 0.3, 0.8, 0.1])
    low, high = difference_of_shares((x.to_numpy(), n.to_numpy()), (x.to_numpy()[[1, 0, 3, 2]],
                                     n.to_numpy()[[1, 0, 3, 2]]))  # fmt: skip
    np.testing.assert_allclose(found["difference_low"][0], low)
    np.testing.assert_allclose(found["difference_high"][0], high)


def test_differences_of_independent_shares_equal_newcombe_s_of_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = difference_of_shares(
        (np.array([15.0]), np.array([50.0])), (np.array([30.0]), np.array([60.0]))
    )
    theirs = confint_proportions_2indep(15, 50, 30, 60, compare="diff", method="newcomb")
    np.testing.assert_allclose([low[0], high[0]], theirs, atol=1e-10)


def test_a_place_outside_the_coverage_counts_nowhere():
    found = benchmark_shares(line(3, np.nan, 2, 0), line(10, np.nan, 20, 5), [PROVINCE])
    np.testing.assert_allclose(found["reference"][0], [0.3, 0.3, 0.08, 0.08])
    assert np.isnan(found["difference"][0, 1])


def test_ratios_are_of_sums_and_not_means_of_ratios():
    firms, residents = line(10, 40, 3, np.nan), line(100, 1000, 0, 50)
    found = benchmark_ratios(firms, residents, [PROVINCE])
    np.testing.assert_allclose(found["reference"][0], [50 / 1100, 50 / 1100, np.nan, np.nan])
    np.testing.assert_allclose(found["quotient"][0, 0], 0.1 / (50 / 1100))
    np.testing.assert_allclose(found["difference"][0, 1], 0.04 - 50 / 1100)


def test_tables_and_benchmarks_of_other_places_are_refused():
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        benchmark_shares(line(1, 2, 3, 4)[:2], line(1, 2, 3, 4)[:2], [PROVINCE])
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        benchmark_ratios(line(1, 2, 3, 4)[:2], line(1, 2, 3, 4), [PROVINCE])


cells = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=4, max_size=4)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(cells)
def test_differences_weighted_by_firms_cancel_within_a_group_and_lie_in_their_intervals(drawn):
    x = line(*[a for a, _ in drawn])
    n = line(*[a + b for a, b in drawn])
    found = benchmark_shares(x, n, [PROVINCE, COUNTRY])
    gaps = (found["difference"].fillna(0) * n).sel(benchmark="country")
    assert float(gaps.sum()) == pytest.approx(0, abs=1e-9)
    low, difference, high = (
        found[name].to_numpy() for name in ("difference_low", "difference", "difference_high")
    )
    known = np.isfinite(low) & np.isfinite(difference)
    assert (low[known] <= difference[known] + 1e-9).all()
    assert (difference[known] <= high[known] + 1e-9).all()
