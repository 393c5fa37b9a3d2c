"""What a chain is made of in a place."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.intervals import wilson
from geo_engine.indicators.phases import phase_composition


def table(values) -> xr.DataArray:
    return xr.DataArray(
        np.asarray(values, float)[:, None], dims=("place", "chain", "phase"),
        coords={"phase": ["monte", "produzione", "distribuzione", "servizi"][: len(values[0])]},
    )  # fmt: skip


def test_four_firms_in_two_phases_are_as_worked_by_hand():
    found = phase_composition(table([[1, 3, 0, 0], [2, 2, 2, 2], [5, 0, 0, 0]]))
    np.testing.assert_allclose(found["phase_share"][0, 0], [0.25, 0.75, 0, 0])
    low, high = wilson(np.array([1.0]), np.array([4.0]))
    assert float(found["phase_share_low"][0, 0, 0]) == low[0]
    assert float(found["phase_share_high"][0, 0, 0]) == high[0]
    assert found["phases_present"].to_numpy().ravel().tolist() == [2, 4, 1]
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75)) / np.log(4)
    np.testing.assert_allclose(found["phase_balance"].to_numpy().ravel(), [entropy, 1, 0])
    assert found["main_phase"].to_numpy().ravel().tolist() == [1, 0, 0]


def test_no_firms_and_no_coverage_are_two_things():
    found = phase_composition(table([[0, 0], [np.nan, np.nan]]))
    assert np.isnan(found["phase_share"]).all()
    assert found["status"].to_numpy().ravel().tolist() == [tables.NO_FIRMS, tables.NOT_COVERED]
    assert float(found["phases_present"][0, 0]) == 0
    assert np.isnan(found["phases_present"][1, 0])
    assert (found["main_phase"] == -1).all()


def test_tables_without_phases_and_negative_counts_are_refused():
    with pytest.raises(StatisticsError, match="UNKNOWN_DIM"):
        phase_composition(xr.DataArray([1.0], dims="place"))
    with pytest.raises(TableError, match="COUNT_RANGE"):
        phase_composition(table([[1, -1]]))


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4), min_size=1, max_size=6))
def test_shares_add_up_to_one_and_lie_in_their_intervals(values):
    found = phase_composition(table(values))
    shown = found["status"].to_numpy().ravel() == tables.OK
    share = found["phase_share"].to_numpy()[shown, 0]
    np.testing.assert_allclose(share.sum(axis=1), 1)
    assert (found["phase_share_low"].to_numpy()[shown, 0] <= share).all()
    assert (share <= found["phase_share_high"].to_numpy()[shown, 0]).all()
    balance = found["phase_balance"].to_numpy()[shown]
    assert ((balance >= -1e-12) & (balance <= 1 + 1e-12)).all()
