"""Shares of known firms with their interval."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.shares import share_intervals


def line(*values) -> xr.DataArray:
    return xr.DataArray(np.array(values, float), dims="place")


def test_five_of_ten_nobody_known_and_not_covered_are_as_worked_by_hand():
    found = share_intervals(line(5, 0, np.nan), line(10, 0, np.nan))
    np.testing.assert_allclose(found["share"], [0.5, np.nan, np.nan])
    np.testing.assert_allclose(found["share_low"][0], 0.236593, atol=1e-6)
    np.testing.assert_allclose(found["share_high"][0], 0.763407, atol=1e-6)
    assert np.isnan(found["share_low"][1:]).all()
    assert found["status"].to_numpy().tolist() == [
        tables.OK, tables.NOT_SURVEYED, tables.NOT_COVERED
    ]  # fmt: skip


def test_impossible_counts_and_other_sizes_are_refused():
    with pytest.raises(TableError, match="COUNT_RANGE"):
        share_intervals(line(3), line(2))
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        share_intervals(line(3), line(2, 2))


def test_ends_equal_the_roots_of_the_score_equation():
    x, n, z = 7.0, 19.0, 1.959963984540054
    # (x/n - p)^2 = z^2 p (1 - p) / n
    roots = np.sort(np.roots([1 + z**2 / n, -2 * x / n - z**2 / n, (x / n) ** 2]))
    found = share_intervals(line(x), line(n))
    np.testing.assert_allclose([found["share_low"][0], found["share_high"][0]], roots)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.integers(0, 50), st.integers(0, 50))
def test_the_share_of_the_others_has_the_mirrored_interval(hits, others):
    found = share_intervals(line(hits, others), line(hits + others, hits + others))
    if hits + others:
        assert float(found["share_low"][0]) == pytest.approx(1 - float(found["share_high"][1]))
        assert float(found["share_low"][0]) <= float(found["share"][0])
