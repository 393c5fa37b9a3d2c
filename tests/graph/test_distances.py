"""Neighbors by distance: worked by hand, by force, and by libpysal."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph
from scipy.spatial.distance import cdist
from shapely.geometry import Point, Polygon, box

from geo_engine.errors import StatisticsError
from geo_engine.graph import distance_band, k_nearest, kernel_weights
from geo_engine.graph.distances import KERNELS, representative_points
from geo_engine.sources.boundaries import read_layer
from tests.graph.layers import links_of, places_of, weights_of


def on_a_line(*kilometers):
    return places_of([Point(4_000_000 + 1000 * x, 2_000_000) for x in kilometers])


def scattered(seed, n=60, spread=40_000):
    rng = np.random.default_rng(seed)
    return places_of([Point(4_000_000 + x, 2_000_000 + y) for x, y in rng.random((n, 2)) * spread])


def distances(places):
    points = representative_points(places, crs="EPSG:3035")
    return cdist(points, points)


def test_four_places_on_a_line_have_the_nearest_that_the_eye_sees():
    graph = k_nearest(on_a_line(0, 1, 3, 10), 2, crs="EPSG:3035")
    found = {focal: set(graph[focal].index) for focal in graph.unique_ids}
    assert found == {
        "000000": {"000001", "000002"},
        "000001": {"000000", "000002"},
        "000002": {"000000", "000001"},
        "000003": {"000001", "000002"},
    }


def test_a_band_holds_the_places_at_its_very_end_and_none_beyond():
    graph = distance_band(on_a_line(0, 1, 3, 10), 2, crs="EPSG:3035")
    assert links_of(graph) == {
        ("000000", "000001"),
        ("000001", "000000"),
        ("000001", "000002"),
        ("000002", "000001"),
    }
    assert list(graph.isolates) == ["000003"]


@pytest.mark.parametrize(
    ("kernel", "weight"),
    [
        ("uniform", 1),
        ("triangular", 0.75),
        ("epanechnikov", 15 / 16),
        ("quartic", 225 / 256),
        ("gaussian", np.exp(-1 / 32)),
    ],
)
def test_kernels_weigh_a_quarter_of_the_bandwidth_as_their_formulas_say(kernel, weight):
    graph = kernel_weights(on_a_line(0, 1), kernel, bandwidth_km=4, crs="EPSG:3035")
    assert weights_of(graph)[("000000", "000001")] == pytest.approx(weight, rel=1e-9)


def test_a_gaussian_kernel_ends_at_three_bandwidths():
    graph = kernel_weights(on_a_line(0, 5.9, 12), "gaussian", bandwidth_km=2, crs="EPSG:3035")
    assert links_of(graph) == {("000000", "000001"), ("000001", "000000")}


def test_an_adaptive_bandwidth_reaches_to_the_place_after_the_last_neighbor():
    graph = kernel_weights(on_a_line(0, 1, 3, 10), "triangular", k=2, crs="EPSG:3035")
    weights = weights_of(graph)
    assert weights["000000", "000001"] == pytest.approx(1 - 1 / 10)
    assert weights["000000", "000002"] == pytest.approx(1 - 3 / 10)
    assert weights["000003", "000002"] == pytest.approx(1 - 7 / 10)
    assert ("000000", "000003") not in weights


def test_an_adaptive_kernel_over_all_other_places_weighs_each_of_them():
    graph = kernel_weights(on_a_line(0, 1, 3), "triangular", k=2, crs="EPSG:3035")
    assert len(weights_of(graph)) == 6


def test_places_at_one_point_are_neighbors_like_others():
    graph = k_nearest(on_a_line(0, 0, 0, 5), 2, crs="EPSG:3035")
    assert set(graph["000003"].index) == {"000000", "000001"}
    assert all(focal != neighbor for focal, neighbor in links_of(graph))
    whole = kernel_weights(on_a_line(0, 0, 0, 0), "triangular", k=1, crs="EPSG:3035")
    assert set(weights_of(whole).values()) == {1.0}


def test_a_hundred_places_at_one_point_have_the_lowest_codes_as_nearest():
    graph = k_nearest(on_a_line(*[0] * 100), 3, crs="EPSG:3035")
    assert list(graph["000050"].index) == ["000000", "000001", "000002"]
    assert list(graph["000001"].index) == ["000000", "000002", "000003"]


@settings(deadline=None, derandomize=True, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_changes_no_link_even_where_distances_tie(seed):
    rng = np.random.default_rng(seed)
    places = on_a_line(*rng.integers(0, 6, 20))
    shuffled = places.sample(frac=1, random_state=seed)
    for build in (
        lambda layer: k_nearest(layer, 4, crs="EPSG:3035"),
        lambda layer: kernel_weights(layer, "epanechnikov", k=3, crs="EPSG:3035"),
        lambda layer: distance_band(layer, 2, crs="EPSG:3035"),
    ):
        there = build(shuffled)
        assert list(there.unique_ids) == list(shuffled.index)
        assert weights_of(there) == pytest.approx(weights_of(build(places)))


@pytest.mark.parametrize("k", [1, 7, 59])
def test_the_nearest_are_those_found_by_force(k):
    places = scattered(3)
    far = distances(places)
    np.fill_diagonal(far, np.inf)
    expected = {
        (places.index[i], places.index[j]) for i in range(60) for j in np.argsort(far[i])[:k]
    }
    assert links_of(k_nearest(places, k, crs="EPSG:3035")) == expected


def test_bands_and_nearest_are_those_of_libpysal():
    places = scattered(4)
    points = gpd.GeoDataFrame(index=places.index, geometry=places.geometry, crs="EPSG:3035")
    for ours, theirs in (
        (distance_band(places, 9, crs="EPSG:3035"), Graph.build_distance_band(points, 9_000)),
        (k_nearest(places, 5, crs="EPSG:3035"), Graph.build_knn(points, 5)),
    ):
        assert links_of(ours) == links_of(theirs)


@pytest.mark.parametrize(
    ("ours", "theirs", "scale"),
    [
        ("triangular", "triangular", 1),
        ("epanechnikov", "parabolic", 0.75),
        ("quartic", "bisquare", None),
    ],
)
def test_kernels_are_those_of_libpysal_up_to_their_value_at_zero(ours, theirs, scale):
    places = scattered(5)
    expected = weights_of(
        Graph.build_kernel(places.reset_index(drop=True), kernel=theirs, bandwidth=9_000)
    )
    found = weights_of(kernel_weights(places, ours, bandwidth_km=9, crs="EPSG:3035"))
    expected = {(f"{a:06d}", f"{b:06d}"): weight for (a, b), weight in expected.items() if a != b}
    assert set(found) == set(expected)
    if scale is None:
        scale = next(iter(expected.values())) / found[next(iter(expected))]
    for pair, weight in expected.items():
        assert found[pair] * scale == pytest.approx(weight, rel=1e-6, abs=1e-12)


def test_distances_are_metres_whatever_the_system_of_the_layer():
    degrees = places_of([Point(18.0, 40.0), Point(18.0, 40.1)], crs="EPSG:4326")
    graph = distance_band(degrees, 11.2)
    assert len(links_of(graph)) == 2  # a tenth of a degree of latitude is 11.1 km
    assert not links_of(distance_band(degrees, 11.0))


def test_a_point_of_a_place_of_several_parts_lies_inside_it():
    ring = Polygon(box(0, 0, 9, 9).exterior, [box(1, 1, 8, 8).exterior])
    point = representative_points(places_of([ring]), crs="EPSG:3035")
    assert ring.contains(Point(point[0]))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda p: k_nearest(p, 0), "K_INVALID"),
        (lambda p: k_nearest(p, 4), "K_INVALID"),
        (lambda p: distance_band(p, 0), "BAND_INVALID"),
        (lambda p: distance_band(p, float("nan")), "BAND_INVALID"),
        (lambda p: k_nearest(p, 1, crs="EPSG:4326"), "CRS_DEGREES"),
        (lambda p: k_nearest(p.set_crs(None, allow_override=True), 1), "CRS_MISSING"),
        (lambda p: kernel_weights(p, "triangular"), "KERNEL_INVALID"),
        (lambda p: kernel_weights(p, "triangular", bandwidth_km=1, k=1), "KERNEL_INVALID"),
        (lambda p: kernel_weights(p, "cosine", k=1), "KERNEL_INVALID"),
        (lambda p: kernel_weights(p, "triangular", k=0), "K_INVALID"),
        (lambda p: k_nearest(p.set_geometry([None, *p.geometry[1:]]), 1), "GEOMETRY_MISSING"),
        (lambda p: k_nearest(p.iloc[[0, 0, 1]], 1), "INDEX_MISMATCH"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(call, code):
    with pytest.raises(StatisticsError, match=code):
        call(on_a_line(0, 1, 3, 10))


def test_a_band_that_links_everything_with_everything_is_refused_before_it_is_built(monkeypatch):
    monkeypatch.setattr("geo_engine.graph.distances.MOST_LINKS", 100)
    with pytest.raises(StatisticsError, match="GRAPH_TOO_DENSE: 40 km make"):
        distance_band(scattered(1), 40, crs="EPSG:3035")


def test_every_kernel_is_one_at_zero_and_never_grows():
    u = np.linspace(0, 4, 400)
    for kernel in KERNELS.values():
        weight = kernel(u)
        assert weight[0] == 1
        assert (np.diff(weight) <= 0).all()


def test_nearest_municipalities_of_the_shipped_layer_do_not_depend_on_its_order():
    places = read_layer(dt.date(2022, 1, 1))
    graph = k_nearest(places, 6)
    assert len(links_of(graph)) == 6 * 7_904
    shuffled = k_nearest(places.sample(frac=1, random_state=1), 6)
    assert links_of(shuffled) == links_of(graph)
