"""Location quotient and densities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo_engine.errors import TableError
from geo_engine.indicators.concentration import location_quotient, per_km2, per_thousand


def table(values) -> xr.DataArray:
    values = np.asarray(values, dtype=float)
    return xr.DataArray(
        values,
        dims=("place", "chain"),
        coords={"place": [f"{i:06d}" for i in range(len(values))], "chain": list("AB")},
    )


def test_three_places_are_as_worked_by_hand():
    found = location_quotient(table([[8, 2], [2, 8], [0, 0]]))
    np.testing.assert_allclose(found.to_numpy(), [[1.6, 0.4], [0.4, 1.6], [np.nan, np.nan]])


def test_a_chain_without_firms_has_no_quotient_and_a_place_without_it_has_zero():
    found = location_quotient(table([[8, 0], [0, 0]]), totals=table([[10, 0], [5, 0]])[:, 0])
    np.testing.assert_allclose(found.to_numpy(), [[1.5, np.nan], [0, np.nan]])


@pytest.mark.parametrize("wrong", [np.nan, -1])
def test_missing_or_negative_counts_are_refused(wrong):
    with pytest.raises(TableError, match="COUNT_RANGE"):
        location_quotient(table([[1, 2], [wrong, 1]]))


@settings(deadline=None, derandomize=True)
@given(
    counts=hnp.arrays(
        np.int64, st.tuples(st.integers(1, 8), st.just(2)), elements=st.integers(0, 50)
    ),
    others=st.integers(0, 20),
)
def test_quotients_weighted_by_all_firms_average_one(counts, others):
    everyone = table(counts).sum("chain") + others
    found = location_quotient(table(counts), totals=everyone)
    weight = everyone / everyone.sum() if everyone.sum() else everyone
    for chain in range(2):
        if counts[:, chain].sum():
            assert float((found[:, chain].fillna(0) * weight).sum()) == pytest.approx(1)
        else:
            assert np.isnan(found[:, chain]).all()


def test_densities_match_places_by_code_and_leave_empty_places_missing():
    firms = table([[10, 1], [4, np.nan], [2, 2]])
    size = pd.Series([0.0, 2000.0, 500.0], index=["000002", "000000", "000001"])
    np.testing.assert_allclose(
        per_thousand(firms, size).to_numpy(), [[5, 0.5], [8, np.nan], [np.nan, np.nan]]
    )
    np.testing.assert_allclose(
        per_km2(firms, size).to_numpy()[:2], [[0.005, 0.0005], [0.008, np.nan]]
    )


def test_quotients_equal_the_odds_of_a_cross_table_of_firms():
    rng = np.random.default_rng(4)
    firms = pd.DataFrame({"place": rng.integers(0, 6, 500), "chain": rng.choice(list("AB"), 500)})
    crossed = pd.crosstab(firms["place"], firms["chain"], normalize="index")
    expected = crossed / firms["chain"].value_counts(normalize=True)
    counted = pd.crosstab(firms["place"], firms["chain"])
    np.testing.assert_allclose(location_quotient(table(counted)).to_numpy(), expected[["A", "B"]])


def test_densities_of_provinces_match_by_their_own_code():
    firms = xr.DataArray(
        [[10.0], [4.0]], dims=("province", "chain"), coords={"province": ["a", "b"]}
    )
    found = per_thousand(firms, pd.Series({"b": 1000.0, "a": 4000.0}))
    np.testing.assert_allclose(found.to_numpy(), [[2.5], [4]])
