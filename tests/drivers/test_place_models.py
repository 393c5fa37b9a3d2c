"""Regressions on places: least squares, spatial lag, spatial errors and Durbin, with impacts."""

from __future__ import annotations

import warnings

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph
from scipy.sparse import csr_array

from geo_engine.drivers.impacts import LagEstimate, lag_impacts, log_determinant, mean_diagonals
from geo_engine.drivers.likelihood import lag_traces
from geo_engine.drivers.place_ols import place_ols, residual_map
from geo_engine.drivers.place_sample import PlaceModel, sample_places
from geo_engine.drivers.spatial_models import spatial_regression
from geo_engine.drivers.spatial_tests import residual_tests, suggested_model
from geo_engine.errors import StatisticsError, TableError

CRIME = PlaceModel(outcome="CRIME", terms=("INC", "HOVAL"))
VALUE = PlaceModel(outcome="HOVAL", terms=("INC", "CRIME"))


@pytest.fixture(scope="module")
def columbus():
    """The 49 neighborhoods of Columbus, Ohio (Anselin 1988), which libpysal brings along."""
    table = gpd.read_file(libpysal.examples.get_path("columbus.shp"))
    table.index = pd.Index([f"{i:06d}" for i in range(49)], name="pro_com_t")
    return table


@pytest.fixture(scope="module")
def queen(columbus):
    return Graph.build_contiguity(columbus, rook=False)


@pytest.fixture(scope="module")
def rook(columbus):
    return Graph.build_contiguity(columbus, rook=True)


def square(side=7, seed=0):
    """Places on a square lattice with random terms, and their rook graph."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"{i:06d}" for i in range(side * side)], name="pro_com_t")
    table = pd.DataFrame(
        rng.normal(size=(side * side, 3)), columns=["a", "b", "noise"], index=index
    )
    table["y"] = 1 + 2 * table["a"] - table["b"] + table["noise"]
    links = [
        (r * side + c, (r + dr) * side + c + dc)
        for r in range(side)
        for c in range(side)
        for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))
        if 0 <= r + dr < side and 0 <= c + dc < side
    ]
    return table, graph_of(index, links)


def graph_of(index, links):
    focal, neighbor = (index[list(ends)] for ends in zip(*links, strict=True))
    adjacency = pd.Series(1.0, index=pd.MultiIndex.from_arrays([focal, neighbor]), name="weight")
    adjacency.index.names = ["focal", "neighbor"]
    alone = index.difference(focal)
    loops = pd.MultiIndex.from_arrays([alone, alone], names=["focal", "neighbor"])
    return Graph(pd.concat([adjacency, pd.Series(0.0, index=loops)]).rename("weight").sort_index())


MODEL = PlaceModel(outcome="y", terms=("a", "b"))


def test_crime_in_columbus_has_the_published_coefficients_and_diagnostics(columbus, queen):
    found = place_ols(columbus, queen, CRIME)
    np.testing.assert_allclose(
        found.terms["coefficient"], [68.61896, -1.59731, -0.27393], atol=1e-5
    )
    assert found.r_squared == pytest.approx(0.552404, abs=1e-6)
    tests = found.diagnostics.set_index("diagnostic")
    # As spreg, GeoDa and R's spdep print them for this example.
    for name, statistic, p_value in (
        ("jarque_bera", 1.836, 0.3994),
        ("breusch_pagan", 10.013, 0.0067),
        ("koenker", 7.217, 0.0271),
        ("lm_lag", 8.898, 0.0029),
        ("lm_error", 5.206, 0.0225),
        ("robust_lm_lag", 3.736, 0.0533),
        ("robust_lm_error", 0.044, 0.8340),
    ):
        assert tests.loc[name, "statistic"] == pytest.approx(statistic, abs=6e-4), name
        assert tests.loc[name, "p_value"] == pytest.approx(p_value, abs=6e-5), name
    assert tests.loc["condition_number", "statistic"] == pytest.approx(6.5418, abs=1e-4)
    moran = tests.loc["residual_moran"]
    assert moran["statistic"] == pytest.approx(0.222109407, abs=1e-8)
    assert moran["expected"] == pytest.approx(-0.033418335, abs=1e-8)
    variance = ((moran["statistic"] - moran["expected"]) / moran["z"]) ** 2
    assert variance == pytest.approx(0.008099305, abs=1e-8)
    assert found.suggested == "lag"


def test_errors_are_hc3_and_vif_comes_from_regressing_a_term_on_the_others():
    table, graph = square()
    found = place_ols(table, graph, MODEL)
    x = np.column_stack([np.ones(49), table["a"], table["b"]])
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ x.T @ table["y"].to_numpy()
    residual = table["y"].to_numpy() - x @ beta
    leverage = np.einsum("ij,jk,ik->i", x, bread, x)
    half = bread @ (x * (residual / (1 - leverage))[:, None]).T
    np.testing.assert_allclose(found.terms["coefficient"], beta)
    np.testing.assert_allclose(found.terms["standard_error"], np.sqrt(np.diag(half @ half.T)))
    r = np.corrcoef(table["a"], table["b"])[0, 1]
    np.testing.assert_allclose(found.terms["vif"], [np.nan, 1 / (1 - r**2), 1 / (1 - r**2)])
    assert (found.terms["low"] < found.terms["coefficient"]).all()


def test_residual_moran_has_the_mean_and_variance_of_all_signs_and_rotations_of_errors():
    # Errors of equal variance drawn many times: the moments are those of regression residuals.
    table, graph = square(side=5)
    sample = sample_places(table, graph, MODEL)
    x, w = sample.design, sample.weights.toarray()
    maker = np.eye(25) - x @ np.linalg.inv(x.T @ x) @ x.T
    drawn = np.random.default_rng(1).normal(size=(60000, 25)) @ maker
    moran = 25 / w.sum() * np.einsum("ri,ij,rj->r", drawn, w, drawn) / (drawn**2).sum(axis=1)
    test = residual_tests(sample)[0]
    assert test.expected == pytest.approx(moran.mean(), abs=4 * moran.std() / np.sqrt(60000))
    spread = (test.statistic - test.expected) / test.z
    assert spread == pytest.approx(moran.std(), rel=0.02)


def test_lagrange_multipliers_equal_their_closed_forms():
    table, graph = square(seed=4)
    sample = sample_places(table, graph, MODEL)
    x, y, w = sample.design, sample.outcome, sample.weights.toarray()
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    e = y - x @ beta
    variance = e @ e / 49
    trace = np.trace((w + w.T) @ w)
    wxb = w @ x @ beta
    maker = np.eye(49) - x @ np.linalg.inv(x.T @ x) @ x.T
    information = wxb @ maker @ wxb / variance + trace
    score_lag, score_error = e @ w @ y / variance, e @ w @ e / variance
    tests = {test.name: test for test in residual_tests(sample)}
    assert tests["lm_lag"].statistic == pytest.approx(score_lag**2 / information)
    assert tests["lm_error"].statistic == pytest.approx(score_error**2 / trace)
    robust = (score_lag - score_error) ** 2 / (information - trace)
    assert tests["robust_lm_lag"].statistic == pytest.approx(robust)
    share = trace / information
    robust = (score_error - share * score_lag) ** 2 / (trace * (1 - share))
    assert tests["robust_lm_error"].statistic == pytest.approx(robust)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ((0.5, 0.5, 0.001, 0.001), "ols"),
        ((0.01, 0.5, 0.5, 0.5), "lag"),
        ((0.5, 0.01, 0.5, 0.5), "error"),
        ((0.01, 0.01, 0.01, 0.5), "lag"),
        ((0.01, 0.01, 0.5, 0.01), "error"),
        ((0.01, 0.01, 0.01, 0.01), "durbin"),
        ((0.01, 0.02, 0.5, 0.5), "lag"),
        ((0.02, 0.01, 0.5, 0.5), "error"),
        ((np.nan, np.nan, np.nan, np.nan), "ols"),
    ],
)
def test_the_tests_point_to_a_model_in_their_usual_order(p_values, expected):
    names = ("lm_lag", "lm_error", "robust_lm_lag", "robust_lm_error")
    assert suggested_model(dict(zip(names, p_values, strict=True)), alpha=0.05) == expected


def test_house_values_in_columbus_have_the_documented_two_stage_estimates(columbus, rook):
    found = spatial_regression(columbus, rook, VALUE, form="lag")
    np.testing.assert_allclose(
        found.terms["coefficient"], [45.30170561, 0.62088862, -0.48072345, 0.02836221], rtol=1e-6
    )
    np.testing.assert_allclose(
        found.terms["standard_error"], [20.47077481, 0.50613931, 0.20138425, 0.38028295], rtol=1e-6
    )
    assert found.terms["role"].tolist() == ["own", "own", "own", "spatial"]


def test_house_values_in_columbus_have_the_documented_spatial_error_estimates(columbus, rook):
    found = spatial_regression(columbus, rook, VALUE, form="error")
    np.testing.assert_allclose(
        found.terms["coefficient"], [47.9963, 0.7105, -0.5588, 0.4118], atol=6e-5
    )
    np.testing.assert_allclose(
        found.terms["standard_error"], [11.479, 0.3681, 0.1616, 0.168], atol=6e-5
    )
    assert len(found.impacts) == 0
    assert found.status == "ok"


def profile_likelihood(x, y, w, filtered):
    """Give the largest log-likelihood and its coefficients by a plain search over rho."""
    best = (-np.inf, 0.0, None)
    for rho in np.linspace(-0.95, 0.95, 1901):
        a = np.eye(len(y)) - rho * w
        xs, ys = (a @ x, a @ y) if filtered else (x, a @ y)
        beta = np.linalg.lstsq(xs, ys, rcond=None)[0]
        variance = ((ys - xs @ beta) ** 2).mean()
        value = np.linalg.slogdet(a)[1] - len(y) / 2 * (np.log(2 * np.pi * variance) + 1)
        if value > best[0]:
            best = (value, rho, beta)
    return best


@pytest.mark.parametrize("form", ["lag", "error", "durbin"])
def test_maximum_likelihood_is_where_a_plain_search_finds_it(columbus, queen, form):
    found = spatial_regression(columbus, queen, CRIME, form=form, estimator="ml")
    sample = sample_places(columbus, queen, CRIME)
    x, w = sample.design, sample.weights.toarray()
    if form == "durbin":
        x = np.hstack([x, w @ x[:, 1:]])
    value, rho, beta = profile_likelihood(x, sample.outcome, w, form == "error")
    assert found.log_likelihood == pytest.approx(value, abs=1e-3)
    assert found.log_likelihood >= value - 1e-9
    assert found.terms["coefficient"].iloc[-1] == pytest.approx(rho, abs=1e-3)
    np.testing.assert_allclose(found.terms["coefficient"].iloc[:-1], beta, rtol=0.01, atol=0.02)


PUBLISHED = {
    # R's spatialreg (lagsarlm, errorsarlm, stsls) on the same data and queen neighbors.
    ("lag", "ml"): ([45.603250, -1.048728, -0.266335, 0.42333], -182.674),
    ("error", "ml"): ([60.279469, -0.957305, -0.304559, 0.54675], -183.7494),
    ("lag", "gmm"): ([43.528473, -0.999276, -0.265650, 0.461487], np.nan),
}
PUBLISHED_ERRORS = {
    "lag": [7.257404, 0.307406, 0.089096, 0.11951],
    "error": [5.365594, 0.334231, 0.092047, 0.13805],
}


@pytest.mark.parametrize(("form", "estimator"), PUBLISHED)
def test_spatial_models_of_crime_in_columbus_equal_those_of_another_program(
    columbus, queen, form, estimator
):
    found = spatial_regression(columbus, queen, CRIME, form=form, estimator=estimator)
    coefficients, log_likelihood = PUBLISHED[form, estimator]
    np.testing.assert_allclose(found.terms["coefficient"], coefficients, rtol=2e-5)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=6e-4, nan_ok=True)
    if estimator == "ml":
        np.testing.assert_allclose(found.terms["standard_error"], PUBLISHED_ERRORS[form], rtol=1e-4)


@pytest.mark.parametrize("form", ["lag", "durbin"])
def test_impacts_are_the_means_of_the_full_matrix_of_derivatives(form):
    table, graph = square(seed=2)
    sample = sample_places(table, graph, MODEL)
    w = sample.weights.toarray()
    table["y"] = np.linalg.solve(np.eye(49) - 0.4 * w, table["y"] + w @ table["a"])
    found = spatial_regression(table, graph, MODEL, form=form, estimator="ml")
    terms = found.terms.set_index(["term", "role"])["coefficient"]
    for name in ("a", "b"):
        theta = terms[name, "neighbors"] if form == "durbin" else 0.0
        spread = np.linalg.inv(np.eye(49) - terms["rho", "spatial"] * w)
        derivative = spread @ (np.eye(49) * terms[name, "own"] + w * theta)
        direct, total = np.trace(derivative) / 49, derivative.sum() / 49
        rows = found.impacts[found.impacts["term"] == name].set_index("impact")
        np.testing.assert_allclose(
            rows["value"][["direct", "indirect", "total"]],
            [direct, total - direct, total],
            rtol=1e-7,
        )
        assert (rows["low"] < rows["value"]).all()
        assert (rows["value"] < rows["high"]).all()


@settings(deadline=None, derandomize=True, max_examples=15)
@given(st.floats(-0.95, 0.95), st.floats(0, 0.04), st.integers(2, 6))
def test_mean_diagonals_from_the_determinant_equal_those_of_the_inverse(rho, width, side):
    table, graph = square(side=max(side, 4))
    w = sample_places(table, graph, PlaceModel(outcome="y", terms=("a",))).weights
    values = np.array([rho, rho + width])
    inverse, lagged = mean_diagonals(w, values)
    for i, value in enumerate(values):
        full = np.linalg.inv(np.eye(w.shape[0]) - value * w.toarray())
        assert inverse[i] == pytest.approx(np.trace(full) / len(full), rel=1e-7)
        expected = np.trace(w.toarray() @ full) / len(full)
        assert lagged[i] == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_the_determinant_of_two_places_is_one_less_the_square_of_the_lag():
    pair = csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert log_determinant(pair, 0.5) == pytest.approx(np.log(0.75))


def test_without_a_lag_the_direct_impact_is_the_coefficient_and_nothing_spreads():
    table, graph = square()
    w = sample_places(table, graph, MODEL).weights
    estimate = LagEstimate(
        beta=np.array([2.0]),
        theta=np.zeros(1),
        rho=0.0,
        covariance=np.diag([0.01, 1e-12]),
        durbin=False,
    )
    found = lag_impacts(w, estimate, seed=1)
    np.testing.assert_allclose(found.point, [[2.0, 0.0, 2.0]], atol=1e-9)
    assert found.draws[:, 0, 2].std() == pytest.approx(0.1, rel=0.1)


def test_planted_lag_and_terms_are_found_and_the_same_seed_gives_the_same_intervals():
    table, graph = square(side=25, seed=3)
    w = sample_places(table, graph, MODEL).weights.toarray()
    table["y"] = np.linalg.solve(np.eye(625) - 0.5 * w, table["y"])
    found = spatial_regression(table, graph, MODEL, form="lag")
    gap = (found.terms["coefficient"] - [1, 2, -1, 0.5]).abs() / found.terms["standard_error"]
    assert (gap < 4).all()
    again = spatial_regression(table, graph, MODEL, form="lag")
    pd.testing.assert_frame_equal(found.impacts, again.impacts)


def test_a_lag_whose_draws_reach_one_has_no_impacts(columbus, rook):
    found = spatial_regression(columbus, rook, VALUE, form="durbin")
    assert found.status == "unstable"
    assert found.draws < 975
    assert found.impacts["value"].isna().all()
    assert found.terms["coefficient"].notna().all()


def test_groups_are_intercepts_that_are_not_listed():
    table, graph = square(side=8)
    table["cod_reg"] = ["01", "02"] * 32
    table.loc[table["cod_reg"] == "02", "y"] += 50
    model = PlaceModel(outcome="y", terms=("a", "b"), groups="cod_reg")
    found = place_ols(table, graph, model)
    within = table[["y", "a", "b"]] - table.groupby("cod_reg")[["y", "a", "b"]].transform("mean")
    beta = np.linalg.lstsq(within[["a", "b"]], within["y"], rcond=None)[0]
    np.testing.assert_allclose(found.terms["coefficient"][1:], beta)
    assert found.groups == 2
    spatial = spatial_regression(table, graph, model, form="durbin")
    assert spatial.terms["term"].tolist() == ["intercept", "a", "b", "a", "b", "rho"]
    assert spatial.terms["coefficient"][1] == pytest.approx(2, abs=1)


def test_missing_values_leave_and_isolates_leave_only_models_with_a_lag():
    table, graph = square()
    index = table.index.append(pd.Index(["900000", "900001"]))
    table = table.reindex(index)
    table.loc["900000", ["a", "b", "y"]] = [0.1, 0.2, 0.3]
    table.loc["900001", ["a", "b"]] = [0.1, 0.2]
    table.loc["000003", "a"] = np.inf
    found = place_ols(table, graph, MODEL)
    assert (found.places, found.isolates) == (49, 1)
    assert found.left_out == {"y": 1, "a": 1}
    spatial = spatial_regression(table, graph, MODEL, form="lag")
    assert spatial.places == 48
    assert spatial.left_out == {"y": 1, "a": 1, "isolate": 1}
    whole = residual_map(found, table.index)
    assert np.isnan(whole[[3, 50]]).all()
    assert np.isfinite(np.delete(whole, [3, 50])).all()


def test_a_place_whose_only_neighbor_is_missing_leaves_too():
    table, _ = square(side=5)
    index = table.index
    links = [(i, j) for i in range(23) for j in range(23) if i != j]
    links += [(23, 24), (24, 23)]
    table.loc[index[23], "y"] = np.nan
    graph = graph_of(index, links)
    sample = sample_places(table, graph, MODEL, drop_isolates=True)
    assert sample.left_out == {"y": 1, "isolate": 1}
    assert len(sample.index) == 23
    np.testing.assert_allclose(sample.weights.sum(axis=1), 1.0)


def test_the_order_of_rows_changes_nothing():
    table, graph = square()
    shuffled = table.sample(frac=1, random_state=0)
    one, other = (place_ols(t, graph, MODEL) for t in (table, shuffled))
    pd.testing.assert_frame_equal(one.terms, other.terms)
    pd.testing.assert_frame_equal(one.diagnostics, other.diagnostics)


def test_places_without_any_neighbor_have_no_spatial_test():
    table, _ = square()
    graph = graph_of(table.index.append(pd.Index(["x", "y"])), [(49, 50), (50, 49)])
    found = place_ols(table, graph, MODEL)
    assert found.isolates == 49
    assert found.suggested == "ols"
    assert found.diagnostics.set_index("diagnostic").loc["residual_moran"].isna().all()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda t: t.assign(a=1.0), "COLLINEAR"),
        (lambda t: t.assign(b=2 * t["a"] + 3), "COLLINEAR"),
        (lambda t: t.assign(y=1.0), "CONSTANT"),
        (lambda t: t.iloc[:14], "FEW_PLACES"),
        (lambda t: t.assign(a=(t.index == "000007") * 1.0), "LEVERAGE"),
        (lambda t: t.assign(y=t["a"] - t["b"]), "EXACT_FIT"),
    ],
)
def test_samples_on_which_nothing_is_determined_are_refused(change, code):
    table, graph = square()
    with pytest.raises(StatisticsError) as caught:
        place_ols(change(table), graph, MODEL)
    assert caught.value.code == code


@pytest.mark.parametrize("form", ["lag", "error"])
def test_sparse_likelihood_equals_that_of_spreg_with_full_matrices(form):
    from spreg.ml_error import BaseML_Error
    from spreg.ml_lag import BaseML_Lag

    from geo_engine.drivers.spatial_tests import as_w

    table, graph = square(side=9, seed=6)
    sample = sample_places(table, graph, MODEL)
    found = spatial_regression(table, graph, MODEL, form=form, estimator="ml")
    other = BaseML_Error if form == "error" else BaseML_Lag
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = other(sample.outcome[:, None], sample.design, as_w(sample.weights))
    np.testing.assert_allclose(found.terms["coefficient"], full.betas.ravel(), atol=1e-6)
    np.testing.assert_allclose(found.terms["standard_error"], np.sqrt(np.diag(full.vm)), rtol=1e-5)
    assert found.log_likelihood == pytest.approx(float(full.logll), abs=1e-8)


@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.3, 0.95])
def test_traces_of_blocks_equal_those_of_the_full_inverse(monkeypatch, rho):
    monkeypatch.setattr("geo_engine.drivers.likelihood.BLOCK", 20)
    w = sample_places(*square(), MODEL).weights
    full = w.toarray() @ np.linalg.inv(np.eye(49) - rho * w.toarray())
    expected = [np.trace(m) for m in (full, full @ full, full.T @ full)]
    np.testing.assert_allclose(lag_traces(w, rho), expected, atol=1e-10)


def test_unknown_forms_and_repeated_places_are_refused():
    table, graph = square()
    with pytest.raises(StatisticsError) as caught:
        spatial_regression(table, graph, MODEL, form="sarar")
    assert caught.value.code == "UNKNOWN_FORM"
    with pytest.raises(TableError) as trouble:
        place_ols(pd.concat([table, table]), graph, MODEL)
    assert trouble.value.code == "PLACE_INDEX"


def test_noise_is_called_autocorrelated_about_as_often_as_promised():
    rejected = 0
    for seed in range(100):
        table, graph = square(side=7, seed=seed)
        tests = residual_tests(sample_places(table, graph, MODEL))
        rejected += tests[0].p_value < 0.05
    assert rejected / 100 == pytest.approx(0.05, abs=0.06)


@pytest.mark.parametrize("form", ["lag", "error", "durbin"])
@pytest.mark.parametrize("estimator", ["gmm", "ml"])
def test_no_warning_reaches_the_user(columbus, queen, form, estimator):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        spatial_regression(columbus, queen, CRIME, form=form, estimator=estimator)
    assert [str(warning.message) for warning in told] == []
