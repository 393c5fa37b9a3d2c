"""Agglomeration beyond the size of plants."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.ellison_glaeser import ellison_glaeser, plant_herfindahl


def by_place(values) -> xr.DataArray:
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    return xr.DataArray(values, dims=("place", "chain"))


def plants(*herfindahl, fourth=None) -> xr.Dataset:
    found = {"herfindahl": ("chain", list(map(float, herfindahl)))}
    if fourth is not None:
        found["fourth"] = ("chain", [float(fourth)])
    return xr.Dataset(found)


def test_two_places_and_four_plants_are_as_worked_by_hand():
    # s = (.8, .2), x = (.5, .5): G = .18; sum x^2 = .5; H = .25: (.18 - .125) / (.5 * .75)
    found = ellison_glaeser(
        by_place([8, 2]), plants(0.25), totals=xr.DataArray([50.0, 50.0], dims="place")
    )
    assert float(found["concentration"][0]) == pytest.approx(0.18)
    assert float(found["expected"][0]) == pytest.approx(0.125)
    assert float(found["gamma"][0]) == pytest.approx(0.055 / 0.375)


def test_the_herfindahl_of_plants_comes_from_their_sums_of_powers():
    sizes = [[[4, 1], []], [[3], [2, 2]]]
    total, squares, fourths = (
        by_place([[sum(e**k for e in cell) for cell in row] for row in sizes]) for k in (1, 2, 4)
    )
    found = plant_herfindahl(xr.Dataset({"total": total, "squares": squares}), fourths=fourths)
    np.testing.assert_allclose(found["herfindahl"], [(16 + 1 + 9) / 64, 0.5])
    np.testing.assert_allclose(found["fourth"], [(256 + 1 + 81) / 8**4, 2 * 16 / 256])


def test_plants_thrown_at_random_have_no_gamma_and_the_stated_variance():
    rng = np.random.default_rng(5)
    x = np.array([0.4, 0.3, 0.2, 0.1])
    z = rng.gamma(0.8, 1, 60)
    z /= z.sum()
    draws = 4000
    at = rng.choice(4, (draws, 60), p=x)
    s = np.stack([(z * (at == place)).sum(axis=1) for place in range(4)])
    everyone = xr.DataArray(x, dims="place")
    found = ellison_glaeser(
        by_place(s),
        xr.Dataset(
            {
                "herfindahl": ("chain", np.full(draws, (z**2).sum())),
                "fourth": ("chain", np.full(draws, (z**4).sum())),
            }
        ),
        totals=everyone,
    )
    assert abs(float(found["gamma"].mean())) < 0.001
    assert float(found["z"].std()) == pytest.approx(1, abs=0.03)


def test_plants_in_one_place_reach_gamma_one():
    # s = (1, 0) against x = (p, 1 - p): G = 2 (1-p)^2 and 1 - sum x^2 = 2 p (1-p); p = 1/2
    found = ellison_glaeser(
        by_place([7, 0]), plants(0.1), totals=xr.DataArray([5.0, 5.0], dims="place")
    )
    assert float(found["gamma"][0]) == pytest.approx(1)


def test_few_plants_one_place_and_an_empty_chain_have_no_index():
    assert np.isnan(ellison_glaeser(by_place([[5, 5], [1, 9]]), plants(0.9, 0.3))["gamma"][0])
    assert np.isnan(ellison_glaeser(by_place([[5, 5]]), plants(0.2, 0.3))["gamma"]).all()
    empty = ellison_glaeser(by_place([[0, 5], [0, 9]]), plants(np.nan, 0.3))
    assert np.isnan(empty["gamma"][0])


def test_places_outside_the_coverage_are_left_out():
    inside = ellison_glaeser(by_place([[5, 5], [1, 9]]), plants(0.2, 0.3))
    more = ellison_glaeser(by_place([[5, 5], [1, 9], [np.nan, np.nan]]), plants(0.2, 0.3))
    xr.testing.assert_allclose(inside, more)


def test_negative_amounts_odd_indices_and_other_labels_are_refused():
    with pytest.raises(TableError, match="AMOUNT_RANGE"):
        ellison_glaeser(by_place([-1, 2]), plants(0.2))
    with pytest.raises(TableError, match="AMOUNT_RANGE"):
        ellison_glaeser(by_place([1, 2]), plants(1.2))
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        ellison_glaeser(by_place([1, 2]).T, plants(0.2))
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        ellison_glaeser(
            by_place([1, 2]).isel(chain=0),
            plants(0.2).expand_dims(year=[1]),
            totals=xr.DataArray([1.0, 2.0], dims="place"),
        )


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=8), st.integers(2, 9))
def test_the_unit_of_measure_does_not_matter_and_a_chain_spread_as_all_is_dispersed(sizes, factor):
    everyone = xr.DataArray(np.array(sizes, float), dims="place")
    found = ellison_glaeser(by_place(sizes), plants(0.2), totals=everyone)
    scaled = ellison_glaeser(by_place(np.array(sizes) * factor), plants(0.2), totals=everyone)
    xr.testing.assert_allclose(found, scaled)
    assert float(found["gamma"][0]) == pytest.approx(-0.25)  # G = 0: -H / (1 - H)


def test_provinces_are_compared_like_places():
    amounts = by_place([[5, 5], [1, 9]])
    found = ellison_glaeser(amounts, plants(0.2, 0.3))
    moved = ellison_glaeser(amounts.rename(place="province"), plants(0.2, 0.3))
    xr.testing.assert_allclose(found, moved)
