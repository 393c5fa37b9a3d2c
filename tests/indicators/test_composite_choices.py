"""Rank intervals, sensitivity and leave-one-out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError
from geo_engine.indicators.composite import Composite, composite
from geo_engine.indicators.composite_choices import Choices, leave_one_out, rank_intervals
from geo_engine.indicators.composite_sensitivity import rank_sensitivity
from geo_engine.indicators.normalization import make_goalposts
from geo_engine.indicators.sobol import Factor, sobol_indices

THREE = {"a": 1, "b": 1, "c": -1}
SPEC = Composite(polarity=THREE, normalization="z")
CHOICES = Choices(normalizations=("z", "min_max"), draws=60, seed=3)


def table(values, names="abc") -> xr.DataArray:
    values = np.asarray(values, dtype=float)
    return xr.DataArray(
        values, dims=("indicator", "place"), coords={"indicator": list(names[: len(values)])}
    )


def random_table(places=30, seed=0) -> xr.DataArray:
    return table(np.random.default_rng(seed).normal(50, 10, (3, places)))


def test_a_place_that_is_best_in_everything_is_first_in_every_draw():
    values = random_table()
    values[:, 4] = [120.0, 120.0, -20.0]
    values[:, 5] = [-20.0, -20.0, 120.0]
    found = rank_intervals(values, SPEC, CHOICES)
    ends = ("rank", "rank_median", "rank_low", "rank_high")
    assert [float(found[name][4]) for name in ends] == [1] * 4
    assert [float(found[name][5]) for name in ends] == [30] * 4
    assert float(found["top_tenth"][4]) == 1
    assert found.attrs == {"draws": 60, "seed": 3}


def test_without_anything_to_choose_the_interval_is_the_nominal_rank():
    only = Choices(
        normalizations=("z",), aggregations=("mazziotta_pareto",), outliers=(False,),
        weight_noise=0, draws=5,
    )  # fmt: skip
    found = rank_intervals(random_table(), SPEC, only)
    for name in ("rank_low", "rank_median", "rank_high"):
        np.testing.assert_array_equal(found[name], found["rank"])
    np.testing.assert_array_equal(found["rank"], composite(random_table(), SPEC)["rank"])


def test_two_equal_choices_give_both_ranks_as_ends():
    # by the mean 1 beats 0, by the penalty 0 beats 1
    values = table([[50, 10, 100, 0], [50, 95, 100, 0]])
    spec = Composite(polarity={"a": 1, "b": 1}, normalization="min_max")
    choices = Choices(
        normalizations=("min_max",), aggregations=("arithmetic", "mazziotta_pareto"),
        outliers=(False,), weight_noise=0, draws=200,
    )  # fmt: skip
    found = rank_intervals(values, spec, choices)
    assert found["rank_low"].to_numpy().tolist() == [2, 2, 1, 4]
    assert found["rank_high"].to_numpy().tolist() == [3, 3, 1, 4]


def test_errors_of_the_data_widen_the_interval_of_the_place_that_has_them():
    values = random_table(40)
    errors = xr.zeros_like(values)
    errors[:, 7] = 20.0
    fixed = dataclasses.replace(CHOICES, weight_noise=0, draws=200)
    base = rank_intervals(values, SPEC, fixed)
    found = rank_intervals(values, SPEC, fixed, errors=errors)
    width = [(d["rank_high"] - d["rank_low"]).to_numpy() for d in (base, found)]
    assert width[1][7] > width[0][7] + 10
    assert np.median(width[1] - width[0]) <= 2


def test_goalposts_are_one_of_the_scales_and_must_be_given():
    values = random_table()
    posts = make_goalposts(values, THREE, {"a": 50, "b": 50, "c": 50})
    found = rank_intervals(values, Composite(polarity=THREE), Choices(draws=20), goalposts=posts)
    assert np.isfinite(found["rank_high"]).all()
    with pytest.raises(StatisticsError, match="GOALPOSTS_INVALID"):
        rank_intervals(values, SPEC, Choices(draws=20))


@pytest.mark.parametrize(
    "wrong", [{"draws": 0}, {"outliers": ()}, {"weight_noise": 1.0}, {"aggregations": ()}]
)
def test_choices_that_leave_nothing_to_draw_are_refused(wrong):
    with pytest.raises(StatisticsError, match="CHOICES_INVALID"):
        rank_intervals(random_table(), SPEC, dataclasses.replace(CHOICES, **wrong))


def test_a_place_without_an_index_has_no_interval_and_an_empty_map_no_warning():
    values = random_table()
    values[0, 3] = np.nan
    both = xr.concat([values, values * np.nan], dim="chain")
    found = rank_intervals(both, SPEC, CHOICES)
    assert np.isnan(found["rank_low"].to_numpy()[0, 3])
    assert np.isfinite(found["rank_low"].to_numpy()[0]).sum() == 29
    assert np.isnan(found["rank"].to_numpy()[1]).all()
    assert found["rank"].dims == ("chain", "place")


def test_leaving_out_a_copy_matters_less_than_leaving_out_what_is_alone():
    rng = np.random.default_rng(9)
    a, c = rng.random(50), rng.random(50)
    values = table([a, a + 0.001 * rng.random(50), c])
    found = leave_one_out(values, SPEC)
    assert found["rank_shift"].dims == ("indicator", "place")
    assert float(found["mean_shift"].sel(indicator="a")) < float(
        found["mean_shift"].sel(indicator="c")
    )
    without_c = composite(values[:2], Composite(polarity={"a": 1, "b": 1}, normalization="z"))[
        "rank"
    ]
    nominal = composite(values, SPEC)["rank"]
    np.testing.assert_array_equal(found["rank_shift"].sel(indicator="c"), without_c - nominal)
    from scipy.stats import spearmanr

    assert float(found["spearman"].sel(indicator="c")) == pytest.approx(
        spearmanr(without_c, nominal).statistic
    )


def test_sobol_indices_of_a_sum_are_the_parts_of_its_variance_and_products_interact():
    # y = 4 u + 2 v + w1 w2: variances 16/12, 4/12 and 7/144
    found = sobol_indices(
        lambda u: 4 * u[0] + 2 * u[1] + u[2] * u[3],
        [Factor(name="u"), Factor(name="v"), Factor(name="w", size=2)],
        base=512,
    )
    whole = 20 / 12 + 7 / 144
    np.testing.assert_allclose(
        found["first_order"], [16 / 12 / whole, 4 / 12 / whole, 7 / 144 / whole], atol=0.02
    )
    np.testing.assert_allclose(found["total_order"], found["first_order"], atol=0.02)
    assert found["evaluations"].tolist() == [512 * 5] * 3
    product = sobol_indices(
        lambda u: (u[0] - 0.5) * (u[1] - 0.5), [Factor(name="u"), Factor(name="v")], base=512
    )
    np.testing.assert_allclose(product["first_order"], 0, atol=0.05)
    np.testing.assert_allclose(product["total_order"], 1, atol=0.05)


def test_a_number_that_never_changes_has_no_sensitivity():
    found = sobol_indices(lambda u: 1.0, [Factor(name="u"), Factor(name="v")], base=8)
    assert found["total_order"].tolist() == [0, 0]
    with pytest.raises(StatisticsError, match="FACTORS_INVALID"):
        sobol_indices(lambda u: 1.0, [Factor(name="u"), Factor(name="v")], base=10)


def test_only_what_is_uncertain_has_a_part_in_the_rank_shift():
    fixed = Choices(
        normalizations=("z",), aggregations=("mazziotta_pareto",), outliers=(False,), seed=1
    )
    found = rank_sensitivity(random_table(), SPEC, fixed, base=32).set_index("factor")
    assert found["total_order"].drop("weights").abs().max() < 1e-9
    assert found.loc["weights", "first_order"] == pytest.approx(1, abs=0.2)
    with pytest.raises(StatisticsError, match="ONE_MAP"):
        rank_sensitivity(random_table().expand_dims(year=[1]), SPEC, fixed)


@settings(deadline=None, derandomize=True, max_examples=10)
@given(st.integers(0, 400), st.permutations(range(12)))
def test_intervals_are_ordered_within_the_number_of_places_and_free_of_their_order(seed, order):
    values = random_table(12, seed)
    few = dataclasses.replace(CHOICES, draws=12)
    found = rank_intervals(values, SPEC, few)
    low, middle, high = (found[f"rank_{k}"] for k in ("low", "median", "high"))
    assert (low >= 1).all()
    assert (low <= middle).all()
    assert (middle <= high).all()
    assert (high <= 12).all()
    turned = rank_intervals(values[:, list(order)], SPEC, few)
    np.testing.assert_array_equal(turned["rank_low"], low[list(order)])
