"""Barriers and motives from a survey: weights, errors by design, refused cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.drivers.survey import FIGURE_COLUMNS, YES, survey_frequencies
from geo_engine.drivers.survey_design import (
    Share,
    SurveyDesign,
    domain_share,
    read_draw,
    share_interval,
)
from geo_engine.errors import StatisticsError, TableError

PLAIN = SurveyDesign(weight="w", domains=(("size",), ("region",), ("chain",)))
STRATA = SurveyDesign(weight="w", stratum="h", domains=(("size",),), min_respondents=3, max_cv=10)


def respondents(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "w": rng.uniform(1, 5, n),
            "size": rng.choice(["10-49", "50-249"], n, p=[0.8, 0.2]),
            "region": rng.choice(["01", "03", "15"], n),
            "costs": rng.random(n) < 0.4,
            "reason": rng.choice(["clients", "costs", "law"], n),
        }
    )


def test_two_strata_worked_by_hand():
    # Stratum A: weights 2, answers 1 1 0; stratum B: weights 4, answers 1 0.
    table = pd.DataFrame(
        {"h": list("AAABB"), "w": [2, 2, 2, 4, 4], "costs": [True, True, False, True, False]}
    )
    row = survey_frequencies(table, ("costs",), STRATA).frequencies.iloc[0]
    # Share (2 + 2 + 4) / 14 = 4/7. Linearized: A 2/14 (3/7, 3/7, -4/7), B 4/14 (3/7, -4/7).
    # Within A the spread around the mean is (2/14)^2 * 2/3, times 3/2; within B (4/14)^2 * 1/2,
    # times 2: together 1/49 + 4/49.
    assert row["share"] == pytest.approx(4 / 7)
    assert row["standard_error"] == pytest.approx(np.sqrt(5) / 7)
    assert row["cv"] == pytest.approx(np.sqrt(5) / 4)
    assert row["effective_size"] == pytest.approx(14**2 / (3 * 4 + 2 * 16))
    assert row["design_effect"] == pytest.approx((5 / 49) / (12 / 49 / 4))
    assert (row["respondents"], row["unanswered"], row["firms"]) == (5, 0, 14)
    assert row["status"] == "ok"


def test_equal_weights_without_strata_give_the_textbook_error():
    table = respondents().assign(w=3.0)
    row = survey_frequencies(table, ("costs",), PLAIN).frequencies.iloc[0]
    p = table["costs"].mean()
    assert row["share"] == pytest.approx(p)
    assert row["standard_error"] == pytest.approx(np.sqrt(p * (1 - p) / 199))
    assert row["effective_size"] == pytest.approx(200)
    assert row["design_effect"] == pytest.approx(1)


def test_equal_weights_without_strata_give_the_interval_of_clopper_and_pearson():
    from scipy.stats import binomtest

    table = respondents().assign(w=1.0)
    row = survey_frequencies(table, ("costs",), PLAIN).frequencies.iloc[0]
    # Equal variances up to n / (n - 1), and never more answers than respondents.
    hits = int(table["costs"].sum())
    share = Share(
        value=hits / 200,
        variance=hits * (200 - hits) / 200**3,
        degrees=199,
        respondents=200,
        effective_size=200,
    )
    expected = binomtest(hits, 200).proportion_ci(method="exact")
    np.testing.assert_allclose(share_interval(share, 0.05), expected)
    np.testing.assert_allclose([row["low"], row["high"]], expected, atol=2e-4)


def test_the_variance_of_a_ratio_equals_that_of_drawing_again_and_again():
    # Units with replacement within strata: the linearized variance against many draws.
    rng = np.random.default_rng(1)
    firms = [(rng.random(4000) < p, rng.random(4000) < d) for p, d in ((0.3, 0.7), (0.6, 0.4))]
    values, estimated = [], []
    for _ in range(800):
        parts = []
        for h, ((answer, member), size) in enumerate(zip(firms, (120, 60), strict=True)):
            at = rng.integers(0, 4000, size)
            weight = np.full(size, 4000 / size)
            parts.append(
                pd.DataFrame({"h": h, "w": weight, "costs": answer[at], "inside": member[at]})
            )
        table = pd.concat(parts)
        draw, _ = read_draw(table, STRATA)
        inside = table["inside"].to_numpy()
        share = domain_share(draw, inside, table["costs"].to_numpy() & inside)
        values.append(share.value)
        estimated.append(share.variance)
    assert np.mean(estimated) == pytest.approx(np.var(values), rel=0.15)


def test_clusters_add_up_before_their_spread_is_taken():
    table = pd.DataFrame(
        {
            "unit": ["a", "a", "b", "b", "c", "c"],
            "w": 1.0,
            "costs": [True, True, False, False, True, False],
        }
    )
    design = SurveyDesign(weight="w", cluster="unit", domains=(), min_respondents=3, max_cv=10)
    row = survey_frequencies(table, ("costs",), design).frequencies.iloc[0]
    # Totals of the units 1/6, -1/6, 0: sum of squares 2/36, times 3/2.
    assert row["standard_error"] == pytest.approx(np.sqrt(2 / 36 * 3 / 2))


def test_the_same_number_of_a_unit_in_two_strata_is_two_units():
    table = pd.DataFrame({"h": list("AABB"), "unit": [1, 2, 1, 2], "w": 1.0})
    design = SurveyDesign(weight="w", stratum="h", cluster="unit", domains=())
    draw, _ = read_draw(table, design)
    np.testing.assert_array_equal(draw.unit, [0, 1, 2, 3])
    np.testing.assert_array_equal(draw.stratum, [0, 0, 1, 1])


def test_a_stratum_drawn_whole_adds_no_error():
    table = pd.DataFrame({"h": list("AAABB"), "w": [2, 2, 2, 1, 1], "N": [6, 6, 6, 2, 2]}).assign(
        costs=[True, True, False, True, False]
    )
    design = SurveyDesign(
        weight="w", stratum="h", population="N", domains=(), min_respondents=3, max_cv=10
    )
    row = survey_frequencies(table, ("costs",), design).frequencies.iloc[0]
    # B is complete; A: (2/8)^2 * 2/3 * 3/2 * (1 - 3/6).
    assert row["standard_error"] == pytest.approx(np.sqrt(1 / 32))


def test_a_stratum_with_one_unit_adds_its_square_and_is_counted():
    table = pd.DataFrame({"h": list("AAB"), "w": 1.0, "costs": [True, False, True]})
    found = survey_frequencies(table, ("costs",), STRATA)
    # Linearized 1/9, -2/9, 1/9; A spreads 1/6 each way, twice, times 2; B adds (1/9)^2.
    expected = np.sqrt(2 * (1 / 6) ** 2 * 2 + (1 / 9) ** 2)
    assert found.frequencies["standard_error"].iloc[0] == pytest.approx(expected)
    assert found.single_strata == 1


def test_a_firm_in_two_chains_counts_in_both_and_once_in_all():
    base = respondents(60).assign(id=range(60))
    both = pd.concat([base.assign(chain="agri"), base.iloc[:30].assign(chain="moda")])
    design = SurveyDesign(weight="w", respondent="id", domains=(("chain",),), max_cv=10)
    found = survey_frequencies(both, ("costs",), design, by=((), ("chain",))).frequencies
    assert found["chain"].tolist() == ["", "agri", "moda"]
    assert found["respondents"].tolist() == [60, 60, 30]
    assert found["share"][0] == found["share"][1]
    assert found["standard_error"][0] == pytest.approx(found["standard_error"][1])


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.01, 100))
def test_shares_of_a_choice_add_up_and_ignore_the_unit_of_weights(seed, scale):
    table = respondents(80, seed)
    loose = SurveyDesign(weight="w", domains=(), min_respondents=3, max_cv=10)
    one = survey_frequencies(table, ("reason",), loose).frequencies
    other = survey_frequencies(table.assign(w=table["w"] * scale), ("reason",), loose).frequencies
    assert one["share"].sum() == pytest.approx(1)
    for name in ("share", "standard_error", "low", "high", "effective_size"):
        np.testing.assert_allclose(one[name], other[name])
    assert ((one["low"] < one["share"]) & (one["share"] < one["high"])).all()
    assert (one["effective_size"] <= 80 + 1e-9).all()


def test_intervals_cover_the_share_of_the_population_at_least_as_often_as_promised():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(300):
        weight = rng.choice([1.0, 4.0], 60)
        table = pd.DataFrame({"w": weight, "costs": rng.random(60) < 0.3})
        row = survey_frequencies(table, ("costs",), PLAIN).frequencies.iloc[0]
        draw, _ = read_draw(table, PLAIN)
        hit = table["costs"].to_numpy()
        low, high = share_interval(domain_share(draw, np.ones(60, bool), hit), 0.05)
        assert row["status"] != "ok" or (row["low"], row["high"]) == (low, high)
        inside += low <= 0.3 <= high
    assert inside / 300 >= 0.93


def test_nothing_below_the_design_domain_is_tabulated():
    table = respondents().assign(province="015")
    for crossing in (("province",), ("size", "region")):
        with pytest.raises(StatisticsError, match="finer than what the survey") as caught:
            survey_frequencies(table, ("costs",), PLAIN, by=(crossing,))
        assert caught.value.code == "BELOW_DESIGN_DOMAIN"
    crossed = SurveyDesign(weight="w", domains=(("size", "region"),), max_cv=10)
    found = survey_frequencies(
        table, ("costs",), crossed, by=((), ("region",), ("region", "size"))
    ).frequencies
    assert list(found.columns) == ["question", "answer", "region", "size", *FIGURE_COLUMNS]
    assert len(found) == 1 + 3 + 6
    assert set(found["answer"]) == {YES}


def test_a_refused_cell_shows_its_coefficient_of_variation_and_nothing_that_gives_the_share():
    table = respondents(40).assign(rare=[True] + [False] * 39)
    row = survey_frequencies(table, ("rare",), PLAIN).frequencies.iloc[0]
    assert row["status"] == "cv_above_limit"
    assert row["cv"] > 0.33
    assert row[["share", "standard_error", "low", "high", "design_effect"]].isna().all()
    assert row["respondents"] == 40


def test_few_equal_or_no_answers_are_refused_with_their_reason():
    table = respondents(40).assign(region=["01"] * 9 + ["03"] * 31)
    table["always"], table["never"] = True, False
    table["silent"] = pd.array([pd.NA] * 40, dtype="boolean")
    found = survey_frequencies(
        table, ("always", "never", "silent", "costs"), PLAIN, by=((), ("region",))
    )
    status = found.frequencies.set_index(["region", "question"])["status"]
    assert status["", "always"] == status["", "never"] == "no_variation"
    assert status["", "silent"] == "no_answers"
    assert status["01", "costs"] == "few_respondents"
    assert found.refused == (found.frequencies["status"] != "ok").sum()
    assert found.frequencies["share"].isna().sum() == found.refused


def test_a_firm_that_did_not_answer_leaves_that_question_only():
    table = respondents(100)
    table["costs"] = table["costs"].astype("boolean")
    table.loc[:19, "costs"] = pd.NA
    found = survey_frequencies(table, ("costs", "reason"), PLAIN).frequencies
    costs = found[found["question"] == "costs"].iloc[0]
    assert (costs["respondents"], costs["unanswered"]) == (80, 20)
    rest = table.iloc[20:]
    expected = np.average(rest["costs"].astype(float), weights=rest["w"])
    assert costs["share"] == pytest.approx(expected)
    assert found[found["question"] == "reason"]["respondents"].eq(100).all()


@pytest.mark.parametrize("kind", ["boolean", "float64", "object", "Int8"])
def test_yes_and_no_may_be_written_as_truth_or_as_zero_and_one(kind):
    table = respondents(100)
    plain = survey_frequencies(table, ("costs",), PLAIN).frequencies
    written = table.assign(costs=table["costs"].astype(kind))
    pd.testing.assert_frame_equal(plain, survey_frequencies(written, ("costs",), PLAIN).frequencies)
    silent = table.assign(costs=pd.Series([None] * 100, dtype=kind))
    row = survey_frequencies(silent, ("costs",), PLAIN).frequencies.iloc[0]
    assert row["status"] == "no_answers"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"w": 0.0}, "WEIGHT_INVALID"),
        ({"w": np.nan}, "DESIGN_MISSING"),
        ({"costs": [True, False]}, "RESPONDENT_CONFLICT"),
        ({"w": [1.0, 2.0]}, "RESPONDENT_CONFLICT"),
        ({"N": 1.0}, "POPULATION_INVALID"),
    ],
)
def test_designs_that_contradict_themselves_are_refused(change, code):
    table = pd.DataFrame({"id": [1, 1], "w": 1.0, "costs": True, "N": 50.0}).assign(**change)
    more = table.assign(id=[2, 3], w=1.0, costs=True)
    table = pd.concat([table, more], ignore_index=True)
    design = SurveyDesign(weight="w", respondent="id", population="N", domains=())
    with pytest.raises(TableError) as caught:
        survey_frequencies(table, ("costs",), design)
    assert caught.value.code == code


def test_one_respondent_gives_no_error():
    with pytest.raises(StatisticsError) as caught:
        survey_frequencies(respondents(1), ("costs",), PLAIN)
    assert caught.value.code == "FEW_RESPONDENTS"
