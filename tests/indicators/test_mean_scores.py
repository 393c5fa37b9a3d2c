"""Mean score of firms, and its shrinkage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine import tables
from geo_engine.errors import StatisticsError
from geo_engine.indicators.mean_scores import mean_scores


def sums(*places) -> xr.Dataset:
    """Give number, total and squares of the scores listed for each place; None: not covered."""
    rows = [
        [np.nan] * 3 if scores is None else [len(scores), sum(scores), sum(s * s for s in scores)]
        for scores in places
    ]
    table = np.array(rows, float).reshape(-1, 3)
    names = [f"{i:06d}" for i in range(len(table))]
    return xr.Dataset(
        {name: ("place", table[:, k]) for k, name in enumerate(("number", "total", "squares"))},
        coords={"place": names},
    )


def one(data: xr.Dataset) -> pd.Series:
    return pd.Series("01", index=data["place"].to_numpy())


def test_three_places_are_as_worked_by_hand():
    data = sums([2, 4], [5, 7, 9], [6])
    found = mean_scores(data, one(data))
    np.testing.assert_allclose(found["mean_score"], [3, 7, 6])
    # inside: 2 + 8 + 0 over 6 - 3 = 3: s2 = 10/3; t with 3 degrees at 97.5 % is 3.182446
    half = 3.182446 * np.sqrt(10 / 3 / np.array([2, 3, 1]))
    np.testing.assert_allclose(found["mean_score_low"], [3, 7, 6] - half, rtol=1e-5)
    # M = 33/6 = 5.5, spread = 2 6.25 + 3 2.25 + .25 = 19.5; divisor = 6 - 14/6
    a = (19.5 - 2 * 10 / 3) / (6 - 14 / 6)
    weight = np.array([2, 3, 1]) / (np.array([2, 3, 1]) + 10 / 3 / a)
    np.testing.assert_allclose(found["mean_score_reliability"], weight)
    np.testing.assert_allclose(found["mean_score_eb"], 5.5 + weight * ([3, 7, 6] - np.full(3, 5.5)))


def test_equal_places_equal_components_of_statsmodels():
    from statsmodels.regression.mixed_linear_model import MixedLM

    rng = np.random.default_rng(2)
    scores = 5 + rng.normal(0, 1, (30, 1)) + rng.normal(0, 2, (30, 8))
    data = sums(*scores.tolist())
    found = mean_scores(data, one(data))
    place = np.repeat(np.arange(30), 8)
    fit = MixedLM(scores.ravel(), np.ones((240, 1)), groups=place).fit(reml=True)
    # balanced: analysis of variance is restricted maximum likelihood
    expected = fit.fe_params[0] + np.array([e.iloc[0] for e in fit.random_effects.values()])
    np.testing.assert_allclose(found["mean_score_eb"], expected, atol=2e-3)


def test_two_equal_scores_are_not_sure_and_one_score_has_an_interval():
    data = sums([5, 5], [1, 9], [3])
    found = mean_scores(data, one(data), bounds=(0, 12))
    width = (found["mean_score_high"] - found["mean_score_low"]).to_numpy()
    assert (width > 1).all()
    assert (found["mean_score_low"] >= 0).all()
    assert (found["mean_score_high"] <= 12).all()


def test_without_two_scores_anywhere_there_is_a_mean_and_no_interval():
    data = sums([5], [1])
    found = mean_scores(data, one(data))
    np.testing.assert_array_equal(found["mean_score"], [5, 1])
    assert np.isnan(found["mean_score_low"]).all()
    assert np.isnan(found["mean_score_eb_low"]).all()


def test_places_without_scores_or_outside_the_coverage_are_missing_and_change_nothing():
    data = sums([2, 4], [5, 7, 9], [6], [], None)
    found, alone = mean_scores(data, one(data)), mean_scores(data[{"place": slice(3)}], one(data))
    for name in alone.data_vars:
        np.testing.assert_array_equal(found[name][:3], alone[name])
    assert found["status"].to_numpy().tolist() == [
        tables.OK, tables.OK, tables.OK, tables.NOT_SURVEYED, tables.NOT_COVERED
    ]  # fmt: skip
    assert np.isnan(found["mean_score_eb"][3:]).all()
    nothing = sums(None, None)
    assert np.isnan(mean_scores(nothing, one(nothing))["mean_score"]).all()


def test_a_region_of_ten_places_shrinks_toward_itself_and_a_smaller_one_toward_all():
    rng = np.random.default_rng(3)
    low, high = rng.normal(2, 1, (12, 3)), rng.normal(9, 1, (12, 3))
    data = sums(*low.tolist(), *high.tolist())
    groups = pd.Series(["01"] * 12 + ["02"] * 12, index=data["place"].to_numpy())
    found = mean_scores(data, groups)
    alone = mean_scores(data[{"place": slice(12)}], groups)["mean_score_eb"]
    np.testing.assert_allclose(found["mean_score_eb"][:12], alone, atol=0.2)
    small = mean_scores(data[{"place": slice(0, 17)}], groups)["mean_score_reliability"]
    assert float(small[14]) > float(found["mean_score_reliability"][14])


def test_intervals_hold_the_true_mean_about_as_often_as_they_say():
    rng = np.random.default_rng(4)
    n = rng.integers(1, 12, 400)
    truth = rng.normal(6, 1, 400)
    data = sums(*[rng.normal(t, 2, k).tolist() for t, k in zip(truth, n, strict=True)])
    found = mean_scores(data, one(data))
    for name in ("mean_score", "mean_score_eb"):
        held = ((found[f"{name}_low"] <= truth) & (truth <= found[f"{name}_high"])).mean()
        assert 0.92 < float(held) < 0.98


def test_the_place_must_come_first():
    data = sums([1, 2]).expand_dims(year=[2024])
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        mean_scores(data, one(data))


scores = st.lists(st.lists(st.integers(0, 12), max_size=5), min_size=2, max_size=12)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(scores, st.integers(1, 5))
def test_a_shift_of_all_scores_shifts_all_means_and_shrinking_never_passes_the_middle(drawn, shift):
    data = sums(*drawn)
    moved = sums(*[[s + shift for s in scores] for scores in drawn])
    found, there = mean_scores(data, one(data)), mean_scores(moved, one(data))
    np.testing.assert_allclose(there["mean_score_eb"], found["mean_score_eb"] + shift, atol=1e-9)
    known = found["status"].to_numpy() == tables.OK
    if known.any():
        center = sum(map(sum, drawn)) / sum(map(len, drawn))
        eb, own = (found[k].to_numpy()[known] for k in ("mean_score_eb", "mean_score"))
        assert (np.abs(eb - center) <= np.abs(own - center) + 1e-9).all()


def test_provinces_are_averaged_like_places():
    data = sums([2, 4], [5, 7, 9], [6])
    there = data.rename(place="province")
    found, moved = mean_scores(data, one(data)), mean_scores(there, one(data))
    np.testing.assert_array_equal(found["mean_score_eb"], moved["mean_score_eb"])
    assert moved["mean_score"].dims == ("province",)
