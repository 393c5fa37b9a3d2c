"""Location quotients of firms and of persons employed, with intervals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo_engine import tables
from geo_engine.errors import TableError
from geo_engine.indicators.concentration import location_quotient
from geo_engine.indicators.intervals import ratio_of_shares
from geo_engine.indicators.specialization import employment_quotient, specialization


def table(values, dims=("place", "chain")) -> xr.DataArray:
    return xr.DataArray(np.asarray(values, dtype=float), dims=dims)


def test_quotients_equal_the_plain_ones_and_their_intervals_are_as_worked_by_hand():
    counts = table([[8, 2], [2, 8], [0, 0]])
    found = specialization(counts)
    np.testing.assert_allclose(
        found["location_quotient"], location_quotient(counts).to_numpy(), rtol=1e-12
    )
    # here 8 of 10, elsewhere 2 of 10: R and its ends become LQ by R / (R/2 + 1/2)
    one, ten = np.array([8.0]), np.array([10.0])
    low, high = ratio_of_shares((one, ten), (np.array([2.0]), ten), exact=True)
    np.testing.assert_allclose(found["location_quotient_low"][0, 0], 2 * low / (low + 1))
    np.testing.assert_allclose(found["location_quotient_high"][0, 0], 2 * high / (high + 1))
    assert found["specialized"].to_numpy().tolist() == [[1, -1], [-1, 1], [0, 0]]
    assert found["status"].to_numpy()[2].tolist() == [tables.NO_FIRMS] * 2


def test_three_firms_do_not_make_a_place_specialized():
    found = specialization(table([[1, 2], [100, 900]]))
    assert float(found["location_quotient"][0, 0]) > 3
    assert int(found["specialized"][0, 0]) == 0
    found = specialization(table([[1, 0], [100, 900]]))
    assert float(found["location_quotient"][0, 0]) > 9
    assert int(found["specialized"][0, 0]) == 0


def test_one_firm_of_a_rare_chain_does_not_make_a_place_specialized_nor_do_nine_firms():
    found = specialization(table([[1, 0], [9, 9990]]))
    assert float(found["location_quotient_low"][0, 0]) > 1
    assert int(found["specialized"][0, 0]) == 0
    nine = specialization(table([[9, 0], [9, 9990]]))
    assert int(nine["specialized"][0, 0]) == 0
    ten = specialization(table([[10, 0], [9, 9990]]))
    assert int(ten["specialized"][0, 0]) == 1
    assert int(specialization(table([[9, 0], [9, 9990]]), least_firms=9)["specialized"][0, 0]) == 1


def test_where_chains_are_spread_by_chance_few_places_are_called_specialized():
    rng = np.random.default_rng(0)
    n = np.maximum(1, rng.lognormal(4, 1.3, 4000).astype(int))
    found = specialization(table(rng.binomial(n, 0.05)[:, None]), totals=table(n, ("place",)))
    assert (found["location_quotient"] > 1.5).mean() > 0.15
    assert (found["specialized"] == 1).mean() < 0.025
    assert (found["specialized"] == -1).mean() < 0.025


def test_a_place_outside_the_coverage_is_missing_and_changes_nothing():
    found = specialization(table([[8, 2], [2, 8], [np.nan, np.nan]]))
    alone = specialization(table([[8, 2], [2, 8]]))
    for name in ("location_quotient", "location_quotient_low", "location_quotient_high"):
        np.testing.assert_array_equal(found[name][:2], alone[name])
        assert np.isnan(found[name][2]).all()
    assert (found["status"][2] == tables.NOT_COVERED).all()


def test_a_chain_that_only_one_place_has_and_a_place_that_has_all_firms_have_finite_ends():
    found = specialization(table([[5, 5], [0, 30]]))
    assert float(found["location_quotient"][0, 0]) == pytest.approx(4)
    assert float(found["location_quotient_high"][0, 0]) == pytest.approx(4)
    assert 1 < float(found["location_quotient_low"][0, 0]) < 4
    whole = specialization(table([[5, 5], [0, 0]]))
    np.testing.assert_allclose(whole["location_quotient_low"][0], 1)
    np.testing.assert_allclose(whole["location_quotient_high"][0], 1)


@pytest.mark.parametrize("wrong", [[[-1, 2], [1, 1]], [[3, 2], [1, 1]]])
def test_negative_counts_or_more_in_a_chain_than_in_all_are_refused(wrong):
    with pytest.raises(TableError, match="COUNT_RANGE"):
        specialization(table(wrong), totals=table([2, 2], ("place",)))


counts = hnp.arrays(np.int64, st.tuples(st.integers(2, 8), st.just(3)), elements=st.integers(0, 60))


@settings(deadline=None, derandomize=True)
@given(counts)
def test_the_quotient_lies_in_its_interval_and_more_firms_of_all_kinds_narrow_it(drawn):
    found, large = specialization(table(drawn)), specialization(table(drawn * 100))
    defined = found["status"].to_numpy() == tables.OK
    low, quotient, high = (
        found[f"location_quotient{end}"].to_numpy()[defined] for end in ("_low", "", "_high")
    )
    assert (low <= quotient).all()
    assert (quotient <= high).all()
    wide = high - low
    narrow = (large["location_quotient_high"] - large["location_quotient_low"]).to_numpy()[defined]
    assert (narrow <= wide + 1e-9).all()
    np.testing.assert_allclose(large["location_quotient"].to_numpy()[defined], quotient)


def employed(firms: list[list[list[int]]]) -> tuple[xr.Dataset, xr.Dataset]:
    """Give sums over firms of persons and their squares; firms[place][chain] lists persons."""
    total = table([[sum(cell) for cell in row] for row in firms])
    squares = table([[sum(e * e for e in cell) for cell in row] for row in firms])
    by_chain = xr.Dataset({"total": total, "squares": squares})
    return by_chain, by_chain.sum("chain")


def student(freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, freedom))


def test_employment_quotients_are_as_worked_by_hand():
    firms = [[[10, 2], [4]], [[3], [5, 6]]]
    found = employment_quotient(*employed(firms))
    assert float(found["location_quotient"][0, 0]) == pytest.approx((12 / 16) / (15 / 30))
    assert float(found["effective_firms"][0, 0]) == pytest.approx(144 / 104)
    # variance of log(12/16), firms drawn: 104/144 + 120/256 - 2 104/(12 16); the rest: 3 of 14;
    # effective firms here: 16^2 / (100 + 4 + 16)
    variance = 104 / 144 + 120 / 256 - 208 / 192 + 9 / 9 + 70 / 196 - 18 / 42
    ratio = (12 / 16) / (3 / 14) * np.exp(student(256 / 120 - 1) * np.sqrt(variance))
    expected = ratio / (16 / 30 * ratio + 14 / 30)
    assert float(found["location_quotient_high"][0, 0]) == pytest.approx(expected, rel=1e-6)


def test_with_one_person_in_each_firm_the_interval_is_katz_s():
    firms = [[[1] * 8, [1] * 12], [[1] * 30, [1] * 70]]
    found = employment_quotient(*employed(firms))
    half = student(19) * np.sqrt(1 / 8 - 1 / 20 + 1 / 30 - 1 / 100)
    ratio = (8 / 20) / (30 / 100) * np.exp(-half)
    expected = ratio / (20 / 120 * ratio + 100 / 120)
    assert float(found["location_quotient_low"][0, 0]) == pytest.approx(expected, rel=1e-6)


def test_one_large_plant_is_less_sure_than_many_small_ones():
    large = employment_quotient(*employed([[[100], [50, 50]], [[20] * 5, [20] * 20]]))
    small = employment_quotient(*employed([[[2] * 50, [50, 50]], [[20] * 5, [20] * 20]]))
    assert float(large["location_quotient"][0, 0]) == float(small["location_quotient"][0, 0])
    width = [
        float((d["location_quotient_high"] - d["location_quotient_low"])[0, 0])
        for d in (large, small)
    ]
    assert width[0] > 1.2 * width[1]
    assert int(large["specialized"][0, 0]) == 0


def test_a_chain_without_persons_employed_here_is_zero_without_interval():
    found = employment_quotient(*employed([[[], [4]], [[3], [5]]]))
    assert float(found["location_quotient"][0, 0]) == 0
    assert np.isnan(found["location_quotient_low"][0, 0])
    assert int(found["status"][0, 0]) == tables.OK
