"""Shares of small numbers, and standardized rates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geo_engine.errors import StatisticsError
from geo_engine.indicators.rates import assuncao_reis, empirical_bayes


def cube(values) -> xr.DataArray:
    values = np.asarray(values, dtype=float)
    values = values.reshape(len(values), *values.shape[1:], *([1] * (3 - values.ndim)))
    return xr.DataArray(
        values,
        dims=("place", "chain", "year"),
        coords={"place": [f"{i:06d}" for i in range(len(values))]},
    )


def one_region(values: xr.DataArray) -> pd.Series:
    return pd.Series("09", index=values["place"].to_numpy())


def test_four_places_are_shrunk_as_worked_by_hand():
    # x = 1, 9, 0, 10 of n = 10: b = 0.5; s2 = (.16 + .16 + .25 + .25)/4 = 0.205;
    # a = 0.205 - 0.25 * 4/40 = 0.18; M = 0.25/0.18 - 1 = 7/18.
    x, n = cube([1, 9, 0, 10]), cube([10, 10, 10, 10])
    found = empirical_bayes(x, n, one_region(n))
    m = 7 / 18
    np.testing.assert_allclose(
        found["share_eb"].to_numpy().ravel(),
        (np.array([1, 9, 0, 10]) + m / 2) / (10 + m),
        rtol=1e-12,
    )
    np.testing.assert_allclose(found["reliability"].to_numpy(), 10 / (10 + m))
    np.testing.assert_allclose(found["share"].to_numpy().ravel(), [0.1, 0.9, 0, 1])


def test_places_that_differ_no_more_than_chance_borrow_as_much_as_the_region_holds():
    x, n = cube([5, 5, 5, 5]), cube([10, 10, 10, 10])
    found = empirical_bayes(x, n, one_region(n))
    np.testing.assert_allclose(found["reliability"].to_numpy(), 10 / (10 + 40))
    np.testing.assert_allclose(found["share_eb"].to_numpy(), 0.5)


def test_the_interval_has_the_posterior_probability_outside_it():
    from scipy.integrate import quad

    x, n = cube([1, 9, 0, 10]), cube([10, 10, 10, 10])
    found = empirical_bayes(x, n, one_region(n))
    m, low, high = 7 / 18, *(found[f"share_eb_{k}"].to_numpy()[0, 0, 0] for k in ("low", "high"))

    def density(p: float) -> float:
        return p ** (1 + m / 2 - 1) * (1 - p) ** (9 + m / 2 - 1)

    whole = quad(density, 0, 1)[0]
    assert quad(density, 0, low)[0] / whole == pytest.approx(0.025, abs=1e-7)
    assert quad(density, high, 1)[0] / whole == pytest.approx(0.025, abs=1e-7)


@pytest.mark.parametrize("all_digital", [False, True])
def test_a_region_without_any_digital_firm_still_has_an_interval(all_digital):
    n = cube(np.full(12, 3.0))
    x = n if all_digital else n * 0
    found = empirical_bayes(x, n, one_region(n))
    width = (found["share_eb_high"] - found["share_eb_low"]).to_numpy()
    assert (width > 0).all()
    far = abs(found["share_eb"].to_numpy() - float(all_digital))
    assert (far < 0.02).all()


def test_a_small_region_borrows_from_the_country_and_a_large_one_does_not():
    rng = np.random.default_rng(5)
    n = np.full(30, 20.0)
    x = np.concatenate([rng.binomial(20, 0.2, 25), [18, 20, 16, 19, 20]]).astype(float)
    region = pd.Series(["01"] * 25 + ["02"] * 5, index=cube(n)["place"].to_numpy())
    found = empirical_bayes(cube(x), cube(n), region)
    alone = empirical_bayes(cube(x[:25]), cube(n[:25]), region[:25])
    together = empirical_bayes(cube(x), cube(n), one_region(cube(n)))
    np.testing.assert_array_equal(found["share_eb"].to_numpy()[:25], alone["share_eb"].to_numpy())
    np.testing.assert_array_equal(
        found["share_eb"].to_numpy()[25:], together["share_eb"].to_numpy()[25:]
    )


@pytest.mark.parametrize(("places", "own"), [(10, True), (9, False)])
def test_a_region_has_a_prior_of_its_own_from_ten_places_with_known_firms_on(places, own):
    n = cube([20] * (15 + places) + [0])
    x = cube([4, 6, 2] * 5 + [18] * places + [0])
    region = pd.Series(["01"] * 15 + ["02"] * (places + 1), index=n["place"].to_numpy())
    found = empirical_bayes(x, n, region)["share_eb"].to_numpy()[15]
    assert (found == pytest.approx(0.9)) is own


def test_a_place_outside_the_coverage_or_without_known_firms_is_missing_and_changes_nothing():
    x, n = [1, 9, 0, 10], [10, 10, 10, 10]
    found = empirical_bayes(cube([*x, np.nan, 0]), cube([*n, np.nan, 0]), one_region(cube([0] * 6)))
    alone = empirical_bayes(cube(x), cube(n), one_region(cube(n)))
    for name in alone.data_vars:
        assert np.isnan(found[name].to_numpy()[4:]).all()
        np.testing.assert_array_equal(found[name].to_numpy()[:4], alone[name].to_numpy())


def test_a_map_without_any_known_firm_is_missing_everywhere():
    nothing = cube(np.full(3, np.nan))
    found = empirical_bayes(nothing, nothing, one_region(nothing))
    assert all(np.isnan(found[name].to_numpy()).all() for name in found.data_vars)
    assert np.isnan(assuncao_reis(nothing, nothing).to_numpy()).all()


def test_tables_of_different_places_are_refused():
    x, n = cube([1, 2]), cube([1, 2, 3])
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        empirical_bayes(x, n, one_region(n))
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        assuncao_reis(n.transpose("chain", "place", "year"), n)


counts = hnp.arrays(np.int64, st.tuples(st.integers(1, 25), st.just(2)), elements=st.integers(0, 9))


@settings(deadline=None, derandomize=True)
@given(n=counts, data=st.data())
def test_the_estimate_lies_between_raw_share_and_regional_mean_and_within_its_interval(n, data):
    x = np.minimum(data.draw(hnp.arrays(np.int64, n.shape, elements=st.integers(0, 9))), n)
    x_cube, n_cube = cube(x), cube(n)
    found = empirical_bayes(x_cube, n_cube, one_region(n_cube))
    observed = n_cube.to_numpy() > 0
    assert (np.isnan(found["share_eb"].to_numpy()) == ~observed).all()
    for k in range(2):
        here = observed[:, k, 0]
        if not here.any() or x[:, k].sum() in (0, n[:, k].sum()):
            continue
        mean = x[:, k].sum() / n[:, k].sum()
        raw, eb = (found[name].to_numpy()[here, k, 0] for name in ("share", "share_eb"))
        assert (eb >= np.minimum(raw, mean) - 1e-12).all()
        assert (eb <= np.maximum(raw, mean) + 1e-12).all()
    low, high = (
        found["share_eb_low"].to_numpy()[observed],
        found["share_eb_high"].to_numpy()[observed],
    )
    assert (low < high).all()
    assert (low >= 0).all()
    assert (high <= 1).all()


@settings(deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_the_order_of_places_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 30, (40, 2))
    x = rng.binomial(n, 0.3)
    order = rng.permutation(40)
    region = pd.Series(rng.integers(0, 3, 40).astype(str), index=cube(n)["place"].to_numpy())
    for compute in (lambda a, b: empirical_bayes(a, b, region)["share_eb"], assuncao_reis):
        there = compute(cube(x).isel(place=order), cube(n).isel(place=order))
        np.testing.assert_allclose(
            there.sortby("place").to_numpy(), compute(cube(x), cube(n)).to_numpy(), atol=1e-12
        )


def test_poisson_rates_equal_those_of_esda_where_places_differ_more_than_chance():
    from esda.smoothing import assuncao_rate

    rng = np.random.default_rng(8)
    n = rng.integers(20, 400, 60)
    x = rng.binomial(n, rng.beta(2, 6, 60))
    found = assuncao_reis(cube(x), cube(n), family="poisson").to_numpy().ravel()
    np.testing.assert_allclose(found, assuncao_rate(x, n), atol=1e-10)


def test_rare_shares_are_shrunk_as_marshall_s_poisson_rates_of_esda():
    from esda.smoothing import Empirical_Bayes

    rng = np.random.default_rng(8)
    n = rng.integers(2_000, 90_000, 60)
    x = rng.binomial(n, 0.002 * rng.gamma(4, 1 / 4, 60))
    found = empirical_bayes(cube(x), cube(n), one_region(cube(n)))
    raw, ours = (found[name].to_numpy().ravel() for name in ("share", "share_eb"))
    theirs = Empirical_Bayes(x, n).r.ravel()
    # a Poisson variance differs from that of a proportion by the factor 1 - b
    np.testing.assert_allclose(ours, theirs, rtol=2e-3)
    assert np.abs(raw / theirs - 1).max() > 0.05  # and there was something to shrink


def test_places_are_shrunk_no_less_than_by_martuzzi_and_elliott():
    rng = np.random.default_rng(3)
    n = 1 + rng.poisson(4, 200)
    x = rng.binomial(n, rng.beta(3, 6, 200))
    b = x.sum() / n.sum()
    spread = sum(size * (hits / size - b) ** 2 for hits, size in zip(x, n, strict=True)) / n.sum()
    theirs = (b * (1 - b) - spread) / (spread - b * (1 - b) / n.mean())
    reliability = empirical_bayes(cube(x), cube(n), one_region(cube(n)))["reliability"]
    ours = n / reliability.to_numpy().ravel() - n
    np.testing.assert_allclose(ours, ours[0])
    assert 1 < ours[0] / theirs < 1.6


def test_binomial_rates_are_as_worked_by_hand():
    # b = 0.5, s2 = 0.205, a = 0.18, chance = 0.025: z = (p - b)/sqrt(0.205)
    found = assuncao_reis(cube([1, 9, 0, 10]), cube([10, 10, 10, 10])).to_numpy().ravel()
    np.testing.assert_allclose(found, np.array([-0.4, 0.4, -0.5, 0.5]) / np.sqrt(0.205))


def test_rates_that_differ_less_than_chance_have_no_negative_variance_between_places():
    # all shares are 0.5: s2 = 0, so a = 0 and not -0.25 * 3/30, and only chance counts
    found = assuncao_reis(cube([5, 6, 4]), cube([10, 12, 8])).to_numpy().ravel()
    np.testing.assert_array_equal(found, [0, 0, 0])
    # s2 = 2 * 4 * .0625 / 24 = 1/48 < 0.25 * 3/24: z = (p - b) / sqrt(0.25 / n)
    found = assuncao_reis(cube([1, 3, 8]), cube([4, 4, 16])).to_numpy().ravel()
    np.testing.assert_allclose(found, [-1, 1, 0])


@pytest.mark.parametrize("digital", [0.0, 1.0])
def test_a_map_of_none_or_all_digital_is_constant_and_not_missing(digital):
    n = cube([3, 1, 0, 5])
    found = assuncao_reis(n * digital, n).to_numpy().ravel()
    np.testing.assert_array_equal(found, [0, 0, np.nan, 0])


def test_rates_of_places_that_differ_by_chance_only_vary_alike_whatever_their_size():
    rng = np.random.default_rng(2)
    n = np.repeat([2, 20, 400], 1500)
    z = assuncao_reis(cube(rng.binomial(n, 0.3)), cube(n)).to_numpy().ravel()
    spread = [z[n == size].std() for size in (2, 20, 400)]
    np.testing.assert_allclose(spread, 1, atol=0.1)
