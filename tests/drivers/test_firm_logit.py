"""Logistic regression of a signal on what firms are like."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.drivers.firm_cells import FirmModel, collapse_firms, merge_cells
from geo_engine.drivers.firm_logit import FIRM_TERM_COLUMNS, firm_logit
from geo_engine.drivers.separation import separated_rows, unidentified_columns
from geo_engine.errors import StatisticsError, TableError

SIZES = ("0-9", "10-49", "50-249")
MODEL = FirmModel(
    outcome="website",
    factors={"size": "0-9", "chain": "agri"},
    numbers=("age",),
    context=("density",),
)


def register(n=3000, places=40, seed=1):
    """Firms whose log-odds are known, with a part that all firms of a place share."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"{i:06d}" for i in range(places)], name="pro_com_t")
    context = pd.DataFrame({"density": rng.normal(size=places)}, index=index)
    place = rng.integers(0, places, n)
    size = rng.choice(SIZES, n, p=[0.6, 0.3, 0.1])
    chain = rng.choice(["agri", "moda"], n)
    age = rng.integers(0, 50, n).astype(float)
    score = -1 + 0.7 * (size == "10-49") + 1.4 * (size == "50-249") - 0.3 * (chain == "moda")
    score += -0.02 * age + 0.4 * context["density"].to_numpy()[place]
    score += rng.normal(0, 0.3, places)[place]
    firms = pd.DataFrame(
        {
            "pro_com_t": index.to_numpy()[place],
            "size": size,
            "chain": chain,
            "age": age,
            "website": rng.random(n) < 1 / (1 + np.exp(-score)),
        }
    )
    return firms, context


def columns_of(firms, context):
    """Build the regression's columns for single firms, in the order of the table of terms."""
    return np.column_stack(
        [
            np.ones(len(firms)),
            firms["size"] == "10-49",
            firms["size"] == "50-249",
            firms["chain"] == "moda",
            firms["age"],
            context["density"].reindex(firms["pro_com_t"]),
        ]
    ).astype(float)


def reweighted(x, y):
    """Maximize the likelihood of single firms by iteratively reweighted least squares."""
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        w = p * (1 - p)
        beta = np.linalg.solve(x.T @ (x * w[:, None]), x.T @ (w * (x @ beta) + y - p))
    return beta


def table_2x2(counts):
    """Firms of two places from {(place, size): (firms, positive)}."""
    rows = [
        {"pro_com_t": place, "size": size, "website": i < positive}
        for (place, size), (number, positive) in counts.items()
        for i in range(number)
    ]
    return pd.DataFrame(rows)


def test_counted_firms_give_the_estimates_and_errors_of_single_firms():
    firms, context = register()
    x, y = columns_of(firms, context), firms["website"].to_numpy(float)
    found = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    assert tuple(found.terms.columns) == FIRM_TERM_COLUMNS
    beta = reweighted(x, y)
    np.testing.assert_allclose(found.terms["log_odds"], beta, rtol=1e-8)
    # The sandwich, firm by firm.
    p = 1 / (1 + np.exp(-x @ beta))
    bread = np.linalg.inv(x.T @ (x * (p * (1 - p))[:, None]))
    place = firms["pro_com_t"].astype(int).to_numpy()
    sums = np.array([(x * (y - p)[:, None])[place == g].sum(axis=0) for g in range(40)])
    covariance = bread @ sums.T @ sums @ bread * 40 / 39
    np.testing.assert_allclose(
        found.terms["standard_error"], np.sqrt(np.diag(covariance)), rtol=1e-7
    )
    assert found.places == 40
    assert found.firms == 3000


def test_estimates_errors_and_slopes_equal_those_of_statsmodels_on_single_firms():
    import statsmodels.api as sm

    firms, context = register(seed=2)
    x, y = columns_of(firms, context), firms["website"].to_numpy(float)
    place = firms["pro_com_t"].astype(int).to_numpy()
    kwds = {"groups": place, "use_correction": True}
    other = sm.Logit(y, x).fit(disp=0, cov_type="cluster", cov_kwds=kwds, tol=1e-12)
    found = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    np.testing.assert_allclose(found.terms["log_odds"], other.params, rtol=1e-6)
    # Its correction has one more factor, (n - 1) / (n - k).
    factor = np.sqrt((3000 - 1) / (3000 - 6))
    np.testing.assert_allclose(found.terms["standard_error"] * factor, other.bse, rtol=1e-6)
    slopes = other.get_margeff(at="overall")
    np.testing.assert_allclose(found.terms["effect"][4:], slopes.margeff[3:], rtol=1e-6)
    np.testing.assert_allclose(
        found.terms["effect_error"][4:] * factor, slopes.margeff_se[3:], rtol=1e-6
    )
    assert found.log_likelihood == pytest.approx(other.llf)
    assert found.pseudo_r_squared == pytest.approx(other.prsquared)


def test_one_factor_gives_the_logarithm_of_the_odds_ratio_and_the_difference_of_shares():
    firms = table_2x2(
        {
            ("000001", "small"): (40, 10),
            ("000002", "small"): (60, 10),
            ("000001", "large"): (20, 12),
            ("000002", "large"): (30, 18),
        }
    )
    model = FirmModel(outcome="website", factors={"size": "small"})
    row = firm_logit(collapse_firms(firms, model), model).terms.iloc[1]
    assert row["log_odds"] == pytest.approx(np.log((30 / 20) / (20 / 80)))
    assert row["odds_ratio"] == pytest.approx(6.0)
    assert row["effect"] == pytest.approx(0.6 - 0.2)
    # Scores of the places: small 10 - 8 and 10 - 12, large none; the share of the small has
    # variance (2^2 + 2^2) / 100^2, times 2 / 1 for two clusters.
    assert row["effect_error"] == pytest.approx(np.sqrt(8 / 100**2 * 2))
    assert row["firms"] == 50
    assert row["positive"] == 30


def test_the_effect_of_a_level_compares_all_firms_at_it_with_all_at_the_reference():
    firms, context = register(seed=5)
    found = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    beta = found.terms["log_odds"].to_numpy()
    large = columns_of(firms.assign(size="50-249"), context) @ beta
    small = columns_of(firms.assign(size="0-9"), context) @ beta
    expected = (1 / (1 + np.exp(-large)) - 1 / (1 + np.exp(-small))).mean()
    assert found.terms["effect"][2] == pytest.approx(expected)


def test_errors_of_effects_follow_from_small_changes_of_the_coefficients():
    from geo_engine.drivers.firm_design import design_of
    from geo_engine.drivers.marginal_effects import average_effects

    firms, context = register(n=500)
    design = design_of(collapse_firms(firms, MODEL), context, MODEL)
    beta, used = np.array([-1.0, 0.7, 1.4, -0.3, -0.02, 0.4]), np.ones(6, dtype=bool)
    rng = np.random.default_rng(0)
    half = rng.normal(size=(6, 6)) * 0.01
    covariance = half @ half.T
    _, errors = average_effects(design, used, beta, covariance)
    step = 1e-6
    gradient = np.array(
        [
            average_effects(design, used, beta + step * e, covariance)[0]
            - average_effects(design, used, beta - step * e, covariance)[0]
            for e in np.eye(6)
        ]
    ) / (2 * step)
    expected = np.sqrt(np.einsum("kj,kl,lj->j", gradient, covariance, gradient))
    np.testing.assert_allclose(errors[1:], expected[1:], rtol=1e-5)


def test_batches_add_up_to_the_whole_extract_and_the_order_of_rows_does_not_matter():
    firms, _ = register(n=600)
    firms.loc[:9, "age"] = np.nan
    firms["website"] = firms["website"].astype("boolean")
    firms.loc[20:24, "website"] = pd.NA
    whole = collapse_firms(firms, MODEL)
    parts = [collapse_firms(firms.iloc[i::3], MODEL) for i in range(3)]
    merged = merge_cells(parts, MODEL)
    pd.testing.assert_frame_equal(whole, merged)
    assert whole.attrs["left_out"] == merged.attrs["left_out"] == {"age": 10, "website": 5}
    shuffled = collapse_firms(firms.sample(frac=1, random_state=0), MODEL)
    pd.testing.assert_frame_equal(whole, shuffled)
    assert whole["firms"].sum() == 585


def test_a_firm_in_two_chains_at_half_weight_counts_as_one_firm():
    firms, context = register(n=400)
    one = collapse_firms(firms, MODEL)
    model = FirmModel(
        outcome="website",
        factors=MODEL.factors,
        numbers=("age",),
        context=("density",),
        weight="part",
    )
    twice = collapse_firms(pd.concat([firms, firms]).assign(part=0.5), model)
    pd.testing.assert_frame_equal(
        firm_logit(one, MODEL, places=context).terms,
        firm_logit(twice, model, places=context).terms,
    )


def test_a_level_whose_firms_all_have_the_signal_is_separated_and_the_rest_are_estimated():
    firms, context = register()
    firms.loc[firms["size"] == "50-249", "website"] = True
    found = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    large = found.terms.set_index("level").loc["50-249"]
    assert large["status"] == "separated"
    assert np.isnan(large["log_odds"])
    assert np.isnan(large["effect"])
    assert found.separated_firms == (firms["size"] == "50-249").sum() == large["positive"]
    rest = firms[firms["size"] != "50-249"]
    kept = [0, 1, 3, 4, 5]
    beta = reweighted(columns_of(rest, context)[:, kept], rest["website"].to_numpy(float))
    np.testing.assert_allclose(found.terms["log_odds"][kept], beta, rtol=1e-7)


def test_a_separated_reference_leaves_no_level_to_compare_with():
    firms, context = register()
    firms.loc[firms["size"] == "0-9", "website"] = False
    found = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    status = found.terms.set_index("level")["status"]
    assert status["10-49"] == status["50-249"] == "separated"
    assert status["moda"] == "ok"


def test_a_number_that_decides_the_signal_leaves_no_estimate():
    firms, context = register()
    firms["website"] = firms["age"] > 20
    with pytest.raises(StatisticsError, match="SEPARATED") as caught:
        firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    assert caught.value.code == "SEPARATED"


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2)).flatmap(
            lambda cell: st.tuples(st.just(cell), st.integers(1, 6), st.integers(0, 6))
        ),
        min_size=1,
        max_size=12,
    )
)
def test_one_factor_separates_exactly_where_a_level_has_all_or_none(rows):
    level = np.array([cell[0] for cell, _, _ in rows])
    firms = np.array([number for _, number, _ in rows], dtype=float)
    positive = np.minimum(firms, [hits for _, _, hits in rows])
    matrix = (level[:, None] == np.unique(level)).astype(float)
    total, hits = matrix.T @ firms, matrix.T @ positive
    expected = matrix @ ((hits == 0) | (hits == total)) > 0
    np.testing.assert_array_equal(separated_rows(matrix, firms, positive), expected)


def test_separation_along_a_slanted_line_is_found_only_where_it_is_strict():
    # Signal where x1 + x2 > 3, both kinds on the line itself.
    grid = np.array([(1.0, a, b) for a in range(4) for b in range(4)])
    total = grid[:, 1] + grid[:, 2]
    firms = np.full(16, 2.0)
    positive = np.where(total > 3, 2.0, np.where(total < 3, 0.0, 1.0))
    np.testing.assert_array_equal(separated_rows(grid, firms, positive), total != 3)
    positive[0] = 1.0
    assert not separated_rows(grid, firms, positive).any()


def test_terms_that_say_the_same_are_collinear_and_the_others_are_estimated():
    firms, context = register()
    firms["months"] = firms["age"] * 12
    model = FirmModel(
        outcome="website",
        factors=MODEL.factors,
        numbers=("age", "months"),
        context=("density",),
    )
    found = firm_logit(collapse_firms(firms, model), model, places=context).terms
    status = found.set_index("term")["status"]
    assert status["age"] == status["months"] == "collinear"
    alone = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context).terms
    for name in ("log_odds", "standard_error", "effect"):
        np.testing.assert_allclose(
            found[name][[0, 1, 2, 3, 6]], alone[name][[0, 1, 2, 3, 5]], rtol=1e-6
        )


def test_a_shared_relation_marks_all_columns_in_it_and_no_other():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4))
    x[:, 2] = 2 * x[:, 0]
    marked = unidentified_columns(x, np.ones(50))
    np.testing.assert_array_equal(marked, [True, False, True, False])


def test_planted_coefficients_lie_in_their_intervals_about_as_often_as_promised():
    inside, true = [], np.array([0.7, 1.4, -0.3])
    for seed in range(40):
        firms, context = register(n=1500, places=60, seed=100 + seed)
        terms = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context).terms[1:4]
        low, high = np.log(terms["odds_ratio_low"]), np.log(terms["odds_ratio_high"])
        inside += ((low <= true) & (true <= high)).tolist()
    # 120 intervals at 95 %: three standard errors are six points.
    assert np.mean(inside) == pytest.approx(0.95, abs=0.06)


def test_places_without_context_leave_and_are_counted():
    firms, context = register()
    found = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context.iloc[1:])
    lost = int((firms["pro_com_t"] == "000000").sum())
    assert found.left_out == {"context": lost}
    assert found.firms == 3000 - lost


@pytest.mark.parametrize("value", [True, False])
def test_a_signal_that_all_or_none_have_is_refused(value):
    firms, context = register(n=100)
    firms["website"] = value
    with pytest.raises(StatisticsError) as caught:
        firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    assert caught.value.code == "SIGNAL_CONSTANT"


def test_firms_of_one_municipality_are_refused():
    firms, context = register(n=100, places=1)
    with pytest.raises(StatisticsError) as caught:
        firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    assert caught.value.code == "FEW_CLUSTERS"


def test_an_empty_register_and_unknown_words_are_refused():
    firms, context = register(n=100)
    with pytest.raises(StatisticsError) as caught:
        firm_logit(collapse_firms(firms.iloc[:0], MODEL), MODEL, places=context)
    assert caught.value.code == "NO_FIRMS"
    with pytest.raises(StatisticsError) as caught:
        merge_cells([], MODEL)
    assert caught.value.code == "NO_FIRMS"
    unknown = FirmModel(outcome="website", factors={"size": "huge"})
    with pytest.raises(StatisticsError) as caught:
        firm_logit(collapse_firms(firms, unknown), unknown)
    assert caught.value.code == "REFERENCE_UNKNOWN"
    with pytest.raises(TableError) as trouble:
        collapse_firms(firms.assign(website="forse"), MODEL)
    assert trouble.value.code == "SIGNAL_NOT_BOOLEAN"
    weighted = FirmModel(outcome="website", weight="part")
    with pytest.raises(TableError) as trouble:
        collapse_firms(firms.assign(part=0.0), weighted)
    assert trouble.value.code == "WEIGHT_INVALID"


def test_counts_given_by_the_user_are_checked_and_estimated_as_they_are():
    counts = pd.DataFrame(
        {
            "pro_com_t": ["000001", "000001", "000002", "000002"],
            "size": ["small", "large"] * 2,
            "firms": [40, 20, 60, 30],
            "positive": [10, 12, 10, 18],
        }
    )
    model = FirmModel(outcome="website", factors={"size": "small"})
    terms = firm_logit(counts, model).terms
    assert terms["log_odds"][1] == pytest.approx(np.log(6))
    for name, value in (("positive", 41), ("firms", 0), ("positive", -1), ("size", None)):
        wrong = counts.astype({name: object})
        wrong.loc[0, name] = value
        with pytest.raises(TableError) as caught:
            firm_logit(wrong, model)
        assert caught.value.code == "COUNTS_INVALID"


def test_years_far_from_zero_are_as_good_as_ages():
    firms, context = register()
    firms["founded"] = 2024 - firms["age"]
    model = FirmModel(
        outcome="website", factors=MODEL.factors, numbers=("founded",), context=("density",)
    )
    one = firm_logit(collapse_firms(firms, MODEL), MODEL, places=context).terms
    other = firm_logit(collapse_firms(firms, model), model, places=context).terms
    np.testing.assert_allclose(one["log_odds"][4], -other["log_odds"][4], rtol=1e-6)
    np.testing.assert_allclose(one["effect_error"][1:], other["effect_error"][1:], rtol=1e-5)


def test_a_missing_library_is_named_with_the_extra_that_brings_it(monkeypatch):
    firms, context = register(n=200)
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    monkeypatch.setitem(sys.modules, "statsmodels.genmod.generalized_linear_model", None)
    with pytest.raises(StatisticsError, match=r'pip install "geo-engine\[models\]"') as caught:
        firm_logit(collapse_firms(firms, MODEL), MODEL, places=context)
    assert caught.value.code == "EXTRA_MISSING"
