from __future__ import annotations

from fractions import Fraction

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import BoundaryError, TableError
from geo_engine.places import Locator, build_index, locate, snap
from geo_engine.places import locator as module
from geo_engine.places.rays import exact_orientation, orientation


def brute_force(geometry: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Give the lowest position whose closed polygon holds each point, by GEOS."""
    point, place = shapely.STRtree(geometry).query(shapely.points(x, y), predicate="intersects")
    lowest = np.full(len(x), len(geometry))
    np.minimum.at(lowest, point, place)
    return np.where(lowest == len(geometry), -1, lowest)


def around(points: np.ndarray) -> np.ndarray:
    """Give the points and those one unit in the last place beside them on all four sides."""
    x, y = points[:, 0], points[:, 1]
    shifted = [points]
    for way in (-np.inf, np.inf):
        shifted.append(np.column_stack([np.nextafter(x, way), y]))
        shifted.append(np.column_stack([x, np.nextafter(y, way)]))
    return np.concatenate(shifted)


@pytest.mark.parametrize(
    ("x", "y", "position"),
    [
        (9.1, 42.1, 0),
        (10.5, 42.5, 1),
        (9.5, 41.5, 2),
        (10.5, 41.5, 3),
        (9.3, 42.5, 4),  # the enclave
        (9.6, 42.5, -1),  # the rest of the hole
        (12.05, 42.05, 0),  # the exclave
        (10.0, 42.0, 0),  # the corner of four squares
        (10.0, 42.5, 0),  # the border of 0 and 1
        (10.5, 42.0, 1),  # the border of 1 and 3
        (9.2, 42.5, 0),  # the border of the enclave
        (9.8, 42.5, 0),  # the border of the hole
        (8.0, 42.5, -1),
        (9.5, 45.0, -1),
        (np.nan, 42.5, -1),
        (9.5, np.inf, -1),
        (-np.inf, np.nan, -1),
    ],
)
def test_a_point_is_where_the_eye_sees_it_and_a_border_has_the_lowest_code(small, x, y, position):
    assert locate(small, [x], [y]).tolist() == [position]


def test_no_points_give_no_positions(small):
    assert locate(small, [], []).tolist() == []
    assert [each.tolist() for each in snap(small, [], [], 500)] == [[], []]


def test_interior_points_of_italy_get_what_sjoin_says(locator, layer):
    rng = np.random.default_rng(7)
    x, y = rng.uniform(6.5, 18.6, 300_000), rng.uniform(35.4, 47.2, 300_000)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=layer.crs)
    joined = gpd.sjoin(points, layer[["geometry"]], predicate="within")
    expected = np.full(len(x), "", dtype=object)
    expected[joined.index] = joined["pro_com_t"]
    found = locate(locator, x, y)
    codes = np.append(locator.codes, "")
    assert joined.index.is_unique
    assert (codes[found] != expected).sum() == 0
    assert (found >= 0).sum() > 50_000


def agrees(locator: Locator, geometry: np.ndarray, points: np.ndarray) -> None:
    x, y = np.ascontiguousarray(points.T)
    assert (locate(locator, x, y) != brute_force(geometry, x, y)).sum() == 0


def test_adversarial_points_on_and_beside_borders_agree_with_geos(locator, layer):
    geometry = layer.geometry.to_numpy()
    rng = np.random.default_rng(11)
    vertices = shapely.get_coordinates(geometry)
    pick = rng.choice(len(vertices) - 1, 15_000, replace=False)
    middle = (vertices[pick] + vertices[pick + 1]) / 2
    along = vertices[pick] + rng.uniform(size=(len(pick), 1)) * (
        vertices[pick + 1] - vertices[pick]
    )
    points = np.concatenate([around(vertices[pick]), around(middle), along])
    assert len(points) >= 150_000
    agrees(locator, geometry, points)


def test_vertices_of_holes_and_of_small_parts_agree_with_geos(locator, layer):
    geometry = layer.geometry.to_numpy()
    parts = shapely.get_parts(geometry)
    holes = [shapely.get_coordinates(ring) for part in parts for ring in part.interiors]
    islands = [shapely.get_coordinates(part)[:40] for part in parts[shapely.area(parts) < 1e-4]]
    points = np.concatenate([*holes, *islands])
    points = np.concatenate([around(points), (points[1:] + points[:-1]) / 2])
    assert len(points) >= 50_000
    agrees(locator, geometry, points)


def test_points_level_and_plumb_with_vertices_agree_with_geos(locator, layer):
    geometry = layer.geometry.to_numpy()
    rng = np.random.default_rng(17)
    vertices = shapely.get_coordinates(geometry)
    pick = rng.choice(len(vertices), 40_000, replace=False)
    level, plumb = vertices[pick], vertices[pick].copy()
    level = np.column_stack([level[:, 0] + rng.normal(0, 0.01, len(pick)), level[:, 1]])
    plumb[:, 1] += rng.normal(0, 0.01, len(pick))
    agrees(locator, geometry, np.concatenate([level, plumb]))


@pytest.mark.parametrize("step", [0.0025, 0.001, 0.00625, 0.00125, 0.0037, 0.005])
def test_points_of_horizontal_and_vertical_edges_agree_with_geos(step):
    rng = np.random.default_rng(23)
    owner = rng.integers(-1, 6, (30, 30))  # -1 is nobody's
    squares = [
        shapely.box(9 + i * step, 41 + j * step, 9 + (i + 1) * step, 41 + (j + 1) * step)
        for i in range(30)
        for j in range(30)
    ]
    geometry = np.array(
        [
            shapely.set_precision(shapely.union_all(np.array(squares)[owner.ravel() == k]), 1e-9)
            for k in range(6)
        ]
    )
    index = pd.Index([f"{k:06d}" for k in range(6)], name="pro_com_t")
    layer = gpd.GeoDataFrame(geometry=geometry, crs="EPSG:4326", index=index)
    vertices = shapely.get_coordinates(geometry)
    ends = np.stack([vertices[:-1], vertices[1:]], axis=1)
    assert (ends[:, 0] == ends[:, 1]).any(axis=1).mean() > 0.8
    points = np.concatenate([vertices, ends.mean(axis=1), 2 * ends[:, 1] - ends[:, 0]])
    agrees(build_index(layer), geometry, around(points))


def test_points_on_the_lines_of_the_grid_agree_with_geos(locator, layer):
    geometry = layer.geometry.to_numpy()
    rng = np.random.default_rng(13)
    vertices = shapely.get_coordinates(geometry)
    near = vertices[rng.choice(len(vertices), 15_000, replace=False)]
    corner = np.array([locator.x_min, locator.y_min])
    cell = np.floor((near - corner) / locator.size) + rng.integers(0, 2, near.shape)
    corners = corner + cell * locator.size
    agrees(locator, geometry, around(corners))
    agrees(locator, geometry, np.column_stack([corners[:, 0], near[:, 1]]))
    agrees(locator, geometry, np.column_stack([near[:, 0], corners[:, 1]]))


def test_points_off_the_grid_on_every_side_are_in_no_place(small, locator):
    for index in (small, locator):
        width, height = index.columns * index.size, index.rows * index.size
        x = index.x_min + width * np.linspace(-2, 3, 101)
        y = index.y_min + height * np.linspace(-2, 3, 101)
        grid_x, grid_y = (each.ravel() for each in np.meshgrid(x, y))
        off = (grid_x < index.x_min) | (grid_x > index.x_min + width)
        off |= (grid_y < index.y_min) | (grid_y > index.y_min + height)
        assert (locate(index, grid_x[off], grid_y[off]) == -1).all()
        assert locate(index, [1e300, -1e300, 1e18], [45.0, 45.0, -1e18]).tolist() == [-1] * 3


def test_enclaves_of_other_states_are_in_no_municipality(locator):
    san_marino, vatican = (12.4578, 43.9424), (12.4534, 41.9029)
    x, y = zip(san_marino, vatican, strict=True)
    assert locate(locator, x, y).tolist() == [-1, -1]


def test_an_italian_exclave_is_found(locator, layer):
    campione = locate(locator, [8.9713], [45.9693])[0]
    assert layer["name"].iloc[campione] == "Campione d'Italia"


def test_the_order_of_points_does_not_change_their_places(locator):
    rng = np.random.default_rng(3)
    x, y = rng.uniform(6.6, 18.5, 600_000), rng.uniform(36, 47, 600_000)
    shuffle = rng.permutation(len(x))
    assert (locate(locator, x, y)[shuffle] == locate(locator, x[shuffle], y[shuffle])).all()


coordinate = st.floats(-50, 50, allow_subnormal=False)


@given(st.tuples(*[coordinate] * 6))
@settings(deadline=None, derandomize=True, max_examples=500)
def test_orientation_is_the_sign_of_exact_arithmetic(numbers):
    if any(0 < abs(each) < 1e-100 for each in numbers):
        return  # products would underflow: no coordinate in degrees is so small
    ax, ay, bx, by, px, py = map(Fraction, numbers)
    exact = (ax - px) * (by - py) - (ay - py) * (bx - px)
    sign = (exact > 0) - (exact < 0)
    assert orientation(*numbers) == sign
    assert exact_orientation(*numbers) == sign


@given(st.integers(0, 10**9))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_orientation_of_points_almost_on_a_line_is_exact(seed):
    rng = np.random.default_rng(seed)
    ax, ay, bx, by = rng.uniform(6, 47, 4)
    t = rng.uniform()
    px = np.nextafter(ax + t * (bx - ax), rng.choice([-1e9, 1e9]))
    py = ay + t * (by - ay)
    exact = (Fraction(ax) - Fraction(px)) * (Fraction(by) - Fraction(py))
    exact -= (Fraction(ay) - Fraction(py)) * (Fraction(bx) - Fraction(px))
    assert orientation(ax, ay, bx, by, px, py) == (exact > 0) - (exact < 0)


@given(st.integers(0, 10**9))
@settings(deadline=None, derandomize=True, max_examples=25)
def test_random_layers_of_shared_borders_and_overlaps_agree_with_geos(seed):
    rng = np.random.default_rng(seed)
    sites = shapely.MultiPoint(np.round(rng.uniform([9, 41], [9.2, 41.2], (12, 2)), 3))
    cells = shapely.get_parts(shapely.voronoi_polygons(sites))
    cells = np.append(cells, shapely.Point(9.1, 41.1).buffer(0.03))  # overlaps several
    index = pd.Index([f"{i:06d}" for i in range(len(cells))], name="pro_com_t")
    layer = gpd.GeoDataFrame(geometry=cells, crs="EPSG:4326", index=index)
    vertices = shapely.get_coordinates(cells)
    spread = rng.uniform([8.9, 40.9], [9.3, 41.3], (300, 2))
    points = np.concatenate([around(vertices), spread, (vertices[1:] + vertices[:-1]) / 2])
    expected = brute_force(cells, points[:, 0], points[:, 1])
    assert (locate(build_index(layer), points[:, 0], points[:, 1]) == expected).all()


def scattered_layer(rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Places that share borders, with parts, holes, enclaves, and rings that begin anywhere."""
    sites = shapely.MultiPoint(rng.uniform([9, 41], [9.3, 41.3], (20, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(sites))
    disks = shapely.buffer(shapely.points(rng.uniform([9, 41], [9.3, 41.3], (4, 2))), 0.02)
    disks = shapely.set_precision(disks, 1e-6)
    holed = shapely.difference(cells, shapely.union_all(disks[:3]))
    merged = shapely.union_all(holed[:2])  # may have parts
    places = [merged, *holed[2:-1], shapely.union_all(disks[:2])]  # one cell, one disk are nobody's
    places = [shapely.normalize(each) for each in places if not each.is_empty]
    index = pd.Index([f"{i:06d}" for i in range(len(places))], name="pro_com_t")
    return gpd.GeoDataFrame(geometry=places, crs="EPSG:4326", index=index)


@pytest.mark.parametrize("cell", [0.0002, 0.0025, 0.011, 0.3, 5.0])
def test_the_size_of_cells_changes_no_place(monkeypatch, cell):
    monkeypatch.setattr(module, "CELL_DEG", cell)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        layer = scattered_layer(rng)
        geometry = layer.geometry.to_numpy()
        vertices = shapely.get_coordinates(geometry)
        spread = rng.uniform([8.6, 40.6], [9.7, 41.7], (3000, 2))
        middle = (vertices[1:] + vertices[:-1]) / 2
        agrees(build_index(layer), geometry, np.concatenate([around(vertices), spread, middle]))


@pytest.mark.parametrize("workers", [1, 3, 7])
def test_the_number_of_threads_changes_nothing_in_the_index(monkeypatch, workers):
    layer = scattered_layer(np.random.default_rng(1))
    expected = vars(build_index(layer))
    monkeypatch.setattr(module, "_workers", lambda: workers)
    found = vars(build_index(layer))
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_arrays_that_may_not_be_written_are_located(small):
    x, y = np.full(70_000, 9.1), np.full(70_000, 42.1)
    x.flags.writeable = y.flags.writeable = False
    assert (locate(small, x, y) == 0).all()


def test_repeated_vertices_change_no_place():
    ring = [(9, 41), (9, 41), (9.2, 41), (9.2, 41.2), (9.2, 41.2), (9.2, 41.2), (9, 41.2), (9, 41)]
    layer = gpd.GeoDataFrame(
        geometry=[shapely.Polygon(ring)], crs="EPSG:4326", index=pd.Index(["1"], name="pro_com_t")
    )
    x, y = np.array([9.1, 9.0, 9.2, 9.2, 9.3, 9.1]), np.array([41.1, 41, 41.2, 41.1, 41.1, 40.9])
    assert locate(build_index(layer), x, y).tolist() == [0, 0, 0, 0, -1, -1]


def geodesic_m(polygon: shapely.Geometry, x: float, y: float) -> float:
    """Measure along the ellipsoid to a polygon's border, sampled every 1/2000 of each edge."""
    border = shapely.segmentize(polygon.boundary, 0.0005)
    points = shapely.get_coordinates(border)
    same = np.full(len(points), 1.0)
    return pyproj.Geod(ellps="WGS84").inv(same * x, same * y, points[:, 0], points[:, 1])[2].min()


@pytest.mark.parametrize(("x", "y"), [(11.004, 42.3), (10.4, 40.9972), (11.0035, 40.9975)])
def test_snapping_measures_what_the_geodesic_measures(small, squares, x, y):
    position, distance_m = snap(small, [x], [y], 500)
    each = [geodesic_m(polygon, x, y) for polygon in squares.geometry]
    assert position[0] == int(np.argmin(each))
    assert distance_m[0] == pytest.approx(min(each), abs=0.5)


def test_snapping_stops_at_the_stated_distance(small):
    _, distance_m = snap(small, [11.004], [42.3], 500)
    assert snap(small, [11.004], [42.3], distance_m[0] + 0.01)[0].tolist() == [1]
    too_far, nothing = snap(small, [11.004], [42.3], distance_m[0] - 0.01)
    assert too_far.tolist() == [-1]
    assert np.isnan(nothing).all()


def test_a_point_equally_near_two_places_is_snapped_to_the_lowest_code(small):
    position, _ = snap(small, [11.004], [42.0], 500)
    assert position.tolist() == [1]


def test_points_off_the_coast_of_italy_are_snapped_as_a_projected_search_says(locator, layer):
    rng = np.random.default_rng(5)
    x, y = rng.uniform(6.6, 18.5, 60_000), rng.uniform(36, 47, 60_000)
    outside = locate(locator, x, y) < 0
    x, y = x[outside], y[outside]
    position, distance_m = snap(locator, x, y, 2000)
    points = gpd.GeoSeries(gpd.points_from_xy(x, y), crs="EPSG:4326").to_crs("EPSG:3035")
    polygons = layer.geometry.to_crs("EPSG:3035").to_numpy()
    (point, place), distance = shapely.STRtree(polygons).query_nearest(
        points.to_numpy(), max_distance=2000, return_distance=True, all_matches=False
    )
    expected = np.full(len(x), -1)
    far = np.full(len(x), np.nan)
    expected[point], far[point] = place, distance
    both = (expected >= 0) & (position >= 0)
    assert both.sum() > 100
    assert np.abs(distance_m[both] - far[both]).max() < 60  # EPSG:3035 is equal-area: 3 % in length
    assert (expected[both] == position[both]).mean() > 0.99


def test_a_layer_in_another_system_is_refused(squares):
    with pytest.raises(TableError, match="CRS_MISMATCH"):
        build_index(squares.to_crs("EPSG:32632"))
    with pytest.raises(TableError, match="CRS_MISSING"):
        build_index(squares.set_crs(None, allow_override=True))


def test_an_unsorted_layer_is_refused(squares):
    with pytest.raises(TableError, match="PLACE_INDEX"):
        build_index(squares.iloc[::-1])


def test_a_municipality_without_polygon_is_named(squares):
    broken = squares.copy()
    broken.loc["063003", "geometry"] = shapely.Polygon()
    with pytest.raises(BoundaryError, match=r"INVALID_BOUNDARY.*063003"):
        build_index(broken)
    with pytest.raises(BoundaryError, match="INVALID_BOUNDARY"):
        build_index(squares.iloc[:0])


def test_longitudes_and_latitudes_must_be_pairs(small):
    with pytest.raises(TableError, match="COORDINATE_SHAPE"):
        locate(small, [9.0, 9.1], [42.0])


def test_the_layer_comes_back_untouched(squares):
    before = squares.copy()
    build_index(squares)
    assert_geodataframe_equal(squares, before)
