"""Geographically weighted regression: local fits, the bandwidth, corrected significance."""

from __future__ import annotations

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph
from shapely import Point, box

from geo_engine.drivers.gwr import (
    GWR_STATUSES,
    LOCAL_COLUMNS,
    geographically_weighted,
    local_table,
    place_points,
)
from geo_engine.drivers.gwr_search import (
    corrected_akaike,
    local_fits,
    local_r_squared,
    search_bandwidth,
)
from geo_engine.drivers.place_sample import PlaceModel
from geo_engine.errors import StatisticsError, TableError

BACHELORS = PlaceModel(outcome="PctBach", terms=("PctRural", "PctPov", "PctBlack"))


@pytest.fixture(scope="module")
def georgia():
    """Counties of Georgia (Fotheringham et al. 2002), which libpysal brings along."""
    table = pd.read_csv(libpysal.examples.get_path("GData_utm.csv"))
    table.index = pd.Index([f"{i:06d}" for i in range(len(table))], name="pro_com_t")
    points = table[["X", "Y"]].set_axis(["x_m", "y_m"], axis=1)
    return table, points, knn(points, 5)


def knn(points, k):
    geometry = gpd.GeoSeries(gpd.points_from_xy(points["x_m"], points["y_m"]), index=points.index)
    return Graph.build_knn(geometry, k=k)


def drifting(n=400, seed=0):
    """Places in a square of 100 km where the coefficient of ``a`` grows from west to east."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"{i:06d}" for i in range(n)], name="pro_com_t")
    points = pd.DataFrame(rng.random((n, 2)) * 1e5, columns=["x_m", "y_m"], index=index)
    table = pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"], index=index)
    slope = 4 * points["x_m"] / 1e5 - 1
    table["y"] = 2 + slope * table["a"] + rng.normal(0, 0.5, n)
    return table, points, slope


MODEL = PlaceModel(outcome="y", terms=("a", "b"))


def test_counties_of_georgia_have_the_documented_bandwidth_and_the_figures_of_mgwr(georgia):
    from mgwr.gwr import GWR

    table, points, graph = georgia
    found = geographically_weighted(table, points, graph, BACHELORS)
    assert found.bandwidth == 93  # as mgwr documents for this example
    outcome, terms = table[["PctBach"]].to_numpy(), table[list(BACHELORS.terms)].to_numpy()
    other = GWR(points.to_numpy(), outcome, terms, 93, kernel="bisquare", n_jobs=1).fit()
    local = found.local
    np.testing.assert_allclose(local["coefficient"], other.params, rtol=1e-8)
    np.testing.assert_allclose(local["standard_error"], other.bse, rtol=1e-8)
    np.testing.assert_allclose(local["local_r_squared"], other.localR2.ravel(), rtol=1e-8)
    assert found.effective_parameters == pytest.approx(other.ENP)
    assert found.akaike == pytest.approx(other.aicc)
    assert found.r_squared == pytest.approx(other.R2)
    assert found.alpha_corrected == pytest.approx(other.adj_alpha[1])
    expected = other.filter_tvals() != 0
    sound = local["condition_number"].to_numpy() <= 30
    np.testing.assert_array_equal(local["significant"], expected & sound[:, None])


def test_a_local_fit_is_weighted_least_squares_on_the_nearest_places():
    table, points, _ = drifting(n=60)
    x = np.column_stack([np.ones(60), table[["a", "b"]]])
    y, where = table["y"].to_numpy(), points.to_numpy()
    fits = local_fits(x, y, where, 25)
    for i in (0, 17, 59):
        distance = np.hypot(*(where - where[i]).T)
        reach = np.sort(distance)[24] * 1.0000001
        w = np.where(distance < reach, (1 - (distance / reach) ** 2) ** 2, 0)
        inverse = np.linalg.inv(x.T @ np.diag(w) @ x)
        maker = inverse @ x.T @ np.diag(w)
        np.testing.assert_allclose(fits.coefficients[i], maker @ y)
        assert fits.influence[i] == pytest.approx((x[i] @ maker)[i])
        assert fits.residual[i] == pytest.approx(y[i] - x[i] @ maker @ y)
        np.testing.assert_allclose(fits.variance_factor[i], np.diag(maker @ maker.T))
        scaled = x * np.sqrt(w)[:, None]
        scaled /= np.sqrt((scaled**2).sum(axis=0))
        assert fits.condition_number[i] == pytest.approx(np.linalg.cond(scaled))


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.1, 10), st.floats(-5, 5), st.integers(20, 50))
def test_local_fits_follow_the_scale_of_the_outcome_and_any_linear_surface(
    seed, scale, shift, neighbors
):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(50), rng.normal(size=(50, 2))])
    y, where = rng.normal(size=50), rng.random((50, 2))
    plain = local_fits(x, y, where, neighbors)
    moved = local_fits(x, scale * y + x @ [shift, 1, -1], where * 7 + 3, neighbors)
    expected = scale * plain.coefficients + [shift, 1, -1]
    np.testing.assert_allclose(moved.coefficients, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(moved.influence, plain.influence, rtol=1e-6)


def test_small_chunks_and_samples_of_places_give_the_same_fits(monkeypatch):
    table, points, _ = drifting(n=80)
    x, where = np.column_stack([np.ones(80), table[["a"]]]), points.to_numpy()
    y = table["y"].to_numpy()
    whole = local_fits(x, y, where, 30)
    monkeypatch.setattr("geo_engine.drivers.gwr_search.CHUNK_BYTES", 8000)
    part = local_fits(x, y, where, 30, where=np.array([3, 50]))
    np.testing.assert_allclose(part.coefficients, whole.coefficients[[3, 50]])
    np.testing.assert_allclose(
        local_r_squared(y, whole.residual, where, 30)[[3]],
        1 - _ratio(y, whole.residual, where, 3, 30),
    )


def _ratio(y, residual, where, i, neighbors):
    distance = np.hypot(*(where - where[i]).T)
    reach = np.sort(distance)[neighbors - 1] * 1.0000001
    w = np.where(distance < reach, (1 - (distance / reach) ** 2) ** 2, 0)
    mean = np.average(y, weights=w)
    return (w * residual**2).sum() / (w * (y - mean) ** 2).sum()


def test_a_planted_drift_is_found_with_its_sign_and_a_flat_term_is_not():
    table, points, slope = drifting()
    steps = []
    found = geographically_weighted(
        table, points, knn(points, 6), MODEL, report=lambda done, of: steps.append((done, of))
    )
    local = found.local["coefficient"].sel(term="a").to_numpy()
    assert np.corrcoef(local, slope)[0, 1] > 0.95
    sure = found.local["significant"].sel(term="a").to_numpy()
    assert (np.sign(local[sure]) == np.sign(slope[sure])).mean() > 0.97
    assert found.local["significant"].sel(term="b").to_numpy().mean() < 0.05
    assert found.akaike < found.akaike_global
    assert abs(found.residual_moran) < 0.1
    assert [done for done, _ in steps] == list(range(1, len(steps) + 1))
    assert len(steps) <= steps[0][1] == 16
    summary = found.summary.set_index("term")
    assert summary.loc["a", "minimum"] < 0 < summary.loc["a", "maximum"]
    assert summary.loc["a", "positive"] == (sure & (local > 0)).sum()
    low, high = (found.local[end].sel(term="a") for end in ("low", "high"))
    np.testing.assert_array_equal(sure, (low > 0) | (high < 0))


def test_coefficients_of_noise_are_seldom_significant_anywhere():
    marked = 0
    for seed in range(20):
        table, points, _ = drifting(n=150, seed=seed)
        table["y"] = np.random.default_rng(1000 + seed).normal(size=150)
        found = geographically_weighted(table, points, knn(points, 5), MODEL, bandwidth=50)
        marked += bool(found.local["significant"].sel(term=["a", "b"]).any())
    # The correction bounds the chance that a map marks anything for one term near 5 %.
    assert marked / 20 <= 0.35


def test_the_search_is_bounded_and_finds_what_trying_every_bandwidth_finds():
    table, points, _ = drifting(n=120)
    x = np.column_stack([np.ones(120), table[["a", "b"]]])
    y, where = table["y"].to_numpy(), points.to_numpy()
    found = search_bandwidth(x, y, where, seed=1)
    every = {k: corrected_akaike(local_fits(x, y, where, k), 120) for k in range(46, 121)}
    assert found.criterion <= min(every.values()) + 1.0
    assert found.criterion == pytest.approx(every[found.neighbors])
    assert len(found.tried) <= 16


def test_large_tables_are_searched_at_a_sample_that_the_seed_fixes(monkeypatch):
    monkeypatch.setattr("geo_engine.drivers.gwr_search.SEARCH_PLACES", 200)
    table, points, _ = drifting(n=600)
    x = np.column_stack([np.ones(600), table[["a", "b"]]])
    y, where = table["y"].to_numpy(), points.to_numpy()
    one, again = (search_bandwidth(x, y, where, seed=5) for _ in range(2))
    assert one == again
    assert one.places == 200
    whole = corrected_akaike(local_fits(x, y, where, one.neighbors), 600)
    assert one.criterion == pytest.approx(whole, rel=0.05)


def test_places_without_a_value_are_missing_and_never_significant():
    table, points, _ = drifting(n=100)
    table.iloc[7, table.columns.get_loc("a")] = np.nan
    found = geographically_weighted(table, points, knn(points, 5), MODEL, bandwidth=60)
    place = found.local.isel(place=7)
    assert GWR_STATUSES[int(place["status"])] == "missing"
    assert np.isnan(place["coefficient"].to_numpy()).all()
    assert not place["significant"].any()
    assert found.left_out == {"a": 1}
    assert found.places == 99
    assert found.local.sizes["place"] == 100
    rows = local_table(found)
    assert tuple(rows.columns) == LOCAL_COLUMNS
    assert len(rows) == 300
    assert rows["status"].value_counts().to_dict() == {"ok": 297, "missing": 3}


def test_local_terms_that_say_nearly_the_same_are_shown_and_never_significant():
    table, points, _ = drifting(n=200)
    west = points["x_m"] < 5e4
    table["b"] = np.where(west, 3 * table["a"] + 1e-3 * table["b"], table["b"])
    found = geographically_weighted(table, points, knn(points, 5), MODEL, bandwidth=24)
    status = found.local["status"].to_numpy()
    far = points["x_m"].to_numpy() < 1e4
    assert (status[far] == GWR_STATUSES.index("collinear")).all()
    assert not found.local["significant"].to_numpy()[status == 2].any()
    assert np.isfinite(found.local["coefficient"].to_numpy()).all()


def test_terms_that_are_the_same_around_a_place_are_refused():
    table, points, _ = drifting(n=200)
    table["b"] = np.where(points["x_m"] < 5e4, table["a"], table["b"])
    with pytest.raises(StatisticsError) as caught:
        geographically_weighted(table, points, knn(points, 5), MODEL, bandwidth=30)
    assert caught.value.code == "COLLINEAR"
    x = np.column_stack([np.ones(200), table["a"], table["a"]])
    with pytest.raises(StatisticsError) as caught:
        search_bandwidth(x, table["y"].to_numpy(), points.to_numpy(), seed=1)
    assert caught.value.code == "COLLINEAR"


def test_the_order_of_rows_changes_nothing():
    table, points, _ = drifting(n=100)
    graph = knn(points, 5)
    one = geographically_weighted(table, points, graph, MODEL, bandwidth=60)
    shuffled = table.sample(frac=1, random_state=0)
    other = geographically_weighted(shuffled, points, graph, MODEL, bandwidth=60)
    pd.testing.assert_frame_equal(one.summary, other.summary)
    np.testing.assert_allclose(
        one.local["coefficient"], other.local["coefficient"].sel(place=one.local["place"])
    )


def test_points_lie_in_their_place_in_meters():
    square = box(11.0, 45.0, 11.1, 45.1)
    places = gpd.GeoDataFrame({"geometry": [square]}, index=["028060"], crs="EPSG:4326")
    found = place_points(places)
    back = gpd.GeoSeries([Point(found.loc["028060"])], crs="EPSG:32632").to_crs("EPSG:4326")
    assert square.contains(back.iloc[0])
    with pytest.raises(TableError) as caught:
        place_points(places.set_crs(None, allow_override=True))
    assert caught.value.code == "CRS_MISSING"


def test_groups_bandwidths_and_points_out_of_range_are_refused():
    table, points, _ = drifting(n=60)
    graph = knn(points, 5)
    table["cod_reg"] = ["01", "02"] * 30
    grouped = PlaceModel(outcome="y", terms=("a",), groups="cod_reg")
    with pytest.raises(StatisticsError) as caught:
        geographically_weighted(table, points, graph, grouped)
    assert caught.value.code == "GROUPS_UNUSED"
    for bandwidth in (5, 61):
        with pytest.raises(StatisticsError) as caught:
            geographically_weighted(table, points, graph, MODEL, bandwidth=bandwidth)
        assert caught.value.code == "BANDWIDTH_INVALID"
    with pytest.raises(TableError) as trouble:
        geographically_weighted(table, points.iloc[1:], graph, MODEL, bandwidth=40)
    assert trouble.value.code == "MISSING_POINT"
