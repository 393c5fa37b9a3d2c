"""What a share could be, whatever the firms without a known signal."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.bounds import share_bounds
from geo_engine.indicators.intervals import wilson


def line(*values) -> xr.DataArray:
    return xr.DataArray(np.array(values, float), dims="place")


def test_ten_firms_of_which_six_are_known_are_bounded_as_by_hand():
    found = share_bounds(line(3), line(6), line(10))
    assert float(found["share_at_least"][0]) == pytest.approx(0.3)
    assert float(found["share_at_most"][0]) == pytest.approx(0.7)
    assert float(found["share_unknown"][0]) == pytest.approx(0.4)
    low, high = wilson(np.array([3.0, 7.0]), np.array([10.0, 10.0]))
    assert float(found["share_outer_low"][0]) == low[0]
    assert float(found["share_outer_high"][0]) == high[1]
    careful = share_bounds(line(3), line(6), line(10), assumption="unknown_not_more")
    assert float(careful["share_at_most"][0]) == pytest.approx(0.5)


def test_nothing_known_nothing_there_and_nothing_covered_are_three_things():
    nan = np.nan
    found = share_bounds(line(0, 0, nan, nan), line(0, 0, nan, nan), line(4, 0, nan, 2))
    assert found["share_at_least"].to_numpy()[[0, 3]].tolist() == [0, 0]
    assert found["share_at_most"].to_numpy()[[0, 3]].tolist() == [1, 1]
    assert np.isnan(found["share_at_least"][1:3]).all()
    assert found["status"].to_numpy().tolist() == [
        tables.OK, tables.NO_FIRMS, tables.NOT_COVERED, tables.OK
    ]  # fmt: skip
    assert found["uninformative"].to_numpy().tolist() == [1, 0, 0, 1]


def test_impossible_counts_and_other_shapes_are_refused():
    with pytest.raises(TableError, match="COUNT_RANGE"):
        share_bounds(line(3), line(2), line(10))
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        share_bounds(line(3), line(3, 3), line(10))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=10), st.data())
def test_whatever_the_unknown_firms_are_the_share_lies_within(cells, data):
    digital, analog, unknown = (np.array(part, float) for part in zip(*cells, strict=True))
    known, firms = digital + analog, digital + analog + unknown
    found = share_bounds(line(*digital), line(*known), line(*firms))
    hidden = np.array([data.draw(st.integers(0, int(k))) for k in unknown])
    there = firms > 0
    share = (digital + hidden)[there] / firms[there]
    assert (found["share_at_least"].to_numpy()[there] <= share + 1e-12).all()
    assert (share <= found["share_at_most"].to_numpy()[there] + 1e-12).all()
