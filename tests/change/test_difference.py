"""The change between two years."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine import tables
from geo_engine.change.difference import first_last_change, newcombe_interval, two_proportions_p


def panel(firms, known, digital, years=(2020, 2021, 2022)) -> xr.Dataset:
    dims = ("place", "chain", "year")
    arrays = {
        name: np.asarray(values, dtype=float)[:, None, :]
        for name, values in (("firms", firms), ("known", known), ("digital", digital))
    }
    with np.errstate(invalid="ignore"):
        arrays["share"] = arrays["digital"] / arrays["known"]
    missing = np.isnan(arrays["firms"])
    state = np.where(arrays["known"] > 0, tables.OK, tables.NO_FIRMS)
    arrays["share_status"] = np.where(missing, tables.NOT_COVERED, state)
    return xr.Dataset(
        {name: (dims, values) for name, values in arrays.items()},
        coords={"place": list("abcd")[: len(firms)], "chain": ["moda"], "year": list(years)},
    )


def test_the_interval_is_the_published_one():
    # Newcombe (1998), table II: 56/70 against 48/80, and 9/10 against 3/10, by method 10.
    for sample, bounds in (
        ((48, 80, 56, 70), (0.0524, 0.3339)),
        ((3, 10, 9, 10), (0.1705, 0.8090)),
        ((0, 10, 10, 10), (0.6075, 1.0)),
        ((0, 20, 0, 10), (-0.1611, 0.2775)),
    ):
        found = newcombe_interval(*(np.array([v], float) for v in sample))
        np.testing.assert_allclose([bound[0] for bound in found], bounds, atol=5e-5)


def test_the_p_value_is_that_of_the_chi_square_without_correction():
    from scipy.stats import chi2_contingency

    table = np.array([[48, 32], [56, 14]])
    found = two_proportions_p(*(np.array([v], float) for v in (48, 80, 56, 70)))
    assert found[0] == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-10)


def test_no_digital_firm_in_either_year_is_no_evidence_of_change():
    found = two_proportions_p(*(np.array([v], float) for v in (0, 5, 0, 7)))
    assert found[0] == 1


def test_a_rise_a_fall_and_a_doubtful_change_have_their_direction():
    found = first_last_change(
        panel(
            [[100, 1, 110], [100, 1, 90], [10, 1, 10]],
            [[100, 1, 100], [100, 1, 100], [10, 1, 10]],
            [[20, 0, 60], [60, 0, 20], [3, 0, 4]],
        )
    ).isel(chain=0)
    assert found["direction"].to_numpy().tolist() == [1, -1, 0]
    assert found["firms_change"].to_numpy().tolist() == [10, -10, 0]
    np.testing.assert_allclose(found["share_change"].to_numpy(), [0.4, -0.4, 0.1])
    assert (found["status"].to_numpy() == tables.OK).all()
    assert (found["first_year"].to_numpy() == 2020).all()
    assert (found["last_year"].to_numpy() == 2022).all()
    assert found["direction"].dtype == found["status"].dtype == np.int8


def test_a_share_missing_in_either_year_gives_no_change_and_says_why():
    found = first_last_change(
        panel(
            [[0, 5, 5], [5, 5, 0], [np.nan] * 3],
            [[0, 5, 5], [5, 5, 0], [np.nan] * 3],
            [[0, 5, 5], [5, 5, 0], [np.nan] * 3],
        )
    ).isel(chain=0)
    for name in ("share_change", "low", "high", "p_value"):
        assert np.isnan(found[name]).all()
    assert found["direction"].to_numpy().tolist() == [0, 0, 0]
    assert found["status"].to_numpy().tolist() == [
        tables.NO_FIRMS,
        tables.NO_FIRMS,
        tables.NOT_COVERED,
    ]
    np.testing.assert_array_equal(found["firms_change"].to_numpy(), [5, -5, np.nan])


def test_one_year_makes_no_change():
    found = first_last_change(panel([[9], [9]], [[9], [9]], [[0], [9]], years=(2024,)))
    for name in ("firms_change", "share_change", "low", "high", "p_value"):
        assert np.isnan(found[name]).all()
    assert (found["direction"] == 0).all()
    assert (found["status"] == tables.NOT_SURVEYED).all()


def test_years_are_compared_by_date_and_not_by_position():
    whole = panel([[4, 5, 6]], [[4, 5, 6]], [[0, 5, 6]])
    xr.testing.assert_identical(
        first_last_change(whole), first_last_change(whole.isel(year=[2, 0, 1]))
    )


samples = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None, derandomize=True)
@given(first=samples, second=samples)
def test_the_interval_holds_the_difference_and_turns_around_with_the_samples(first, second):
    numbers = [np.array([v], float) for v in (*first, *second)]
    low, high = newcombe_interval(*numbers)
    difference = second[0] / second[1] - first[0] / first[1]
    assert -1 <= low[0] <= difference <= high[0] <= 1
    back = newcombe_interval(*numbers[2:], *numbers[:2])
    np.testing.assert_allclose([back[0][0], back[1][0]], [-high[0], -low[0]], atol=1e-12)
    p = two_proportions_p(*numbers)
    assert 0 <= p[0] <= 1


def test_a_change_over_a_break_of_series_is_not_given():
    years = panel([[100, 1, 200]], [[100, 1, 200]], [[20, 0, 160]])
    plain = first_last_change(years).squeeze()
    assert int(plain["direction"]) == 1
    assert not bool(plain["series_break"])
    names = ("chain", "indicator", "year", "cause")
    for indicator, hidden in (("share", "share_change"), ("firms", "firms_change")):
        breaks = pd.DataFrame([("moda", indicator, 2022, "perimeter")], columns=names)
        found = first_last_change(years, breaks).squeeze()
        assert np.isnan(float(found[hidden]))
        assert bool(found["series_break"])
        broken = indicator == "share"
        assert int(found["direction"]) == (0 if broken else 1)
        assert int(found["status"]) == (tables.SERIES_BREAK if broken else tables.OK)
        assert np.isnan(float(found["p_value"])) == broken
    other = pd.DataFrame([("vino", "share", 2022, "perimeter")], columns=names)
    assert first_last_change(years, other).equals(first_last_change(years))
    earlier = pd.DataFrame([("moda", "share", 2020, "perimeter")], columns=names)
    assert not bool(first_last_change(years, earlier)["series_break"].any())
