import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_engine import storage
from geo_engine.errors import OutputError
from geo_engine.outputs.atlas import geometry
from geo_engine.outputs.atlas.topology import build_topology
from tests.outputs.example import grid_places, real_places


def rebuild(topology, count):
    """Join the arcs back into polygons."""
    rings: dict[int, list[np.ndarray]] = {place: [] for place in range(count)}
    for ring, place in enumerate(topology.ring_places):
        walks = []
        for ref in topology.refs[topology.ring_starts[ring] : topology.ring_starts[ring + 1]]:
            arc = topology.points[topology.arc_starts[ref // 2] : topology.arc_starts[ref // 2 + 1]]
            walks.append(arc[::-1] if ref % 2 else arc)
        rings[int(place)].append(np.concatenate(walks))
    return rings


def area(ring):
    x, y = ring.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def test_two_squares_share_the_side_between_them():
    topology = build_topology(np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]))
    assert len(topology.arc_starts) - 1 == 3
    shared = set(topology.refs[:2] // 2) & set(topology.refs[2:] // 2)
    assert len(shared) == 1
    assert len(topology.points) == 4 + 4 + 2


def test_an_enclave_and_the_hole_around_it_are_one_arc():
    inner = shapely.box(1, 1, 2, 2)
    outer = shapely.box(0, 0, 3, 3).difference(inner)
    topology = build_topology(np.array([outer, inner]))
    assert len(topology.arc_starts) - 1 == 2
    assert topology.refs[1] // 2 == topology.refs[2] // 2


def test_arcs_join_back_into_the_same_polygons():
    polygons = grid_places().geometry.to_numpy()
    rings = rebuild(build_topology(polygons), len(polygons))
    for place, polygon in enumerate(polygons):
        rebuilt = shapely.polygons(rings[place][0])
        assert shapely.equals(rebuilt, polygon)


def test_a_place_without_a_polygon_is_refused():
    with pytest.raises(OutputError, match="1 of 2"):
        build_topology(np.array([shapely.box(0, 0, 1, 1), shapely.Point(0, 0)]))


def test_the_order_of_vertices_in_the_input_changes_nothing_that_is_shared():
    left, right = shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)
    turned = shapely.Polygon(np.roll(shapely.get_coordinates(right)[:-1], 2, axis=0))
    plain = build_topology(np.array([left, right]))
    other = build_topology(np.array([left, turned]))
    assert len(plain.arc_starts) == len(other.arc_starts)


def test_a_spike_whose_area_is_small_does_not_vanish():
    spike = shapely.Polygon(
        [(0, 0), (10_000, 0), (10_000, 10_000), (5_010, 10_000), (5_005, 12_000), (5_000, 10_000),
         (0, 10_000)]
    )  # fmt: skip
    polygon = shapely.affinity.translate(spike, 500_000, 4_700_000)
    places = gpd.GeoDataFrame(geometry=[polygon], crs=geometry.tables.CRS_DISTANCE)
    topology, shift = geometry.simplified(places)
    assert shift <= geometry.MAX_SHIFT_M
    assert topology.points[:, 1].max() == pytest.approx(4_712_000)


def test_a_known_layer_comes_from_the_cache_and_a_damaged_cache_is_made_again(monkeypatch):
    places = grid_places(3, 4)
    first = geometry.encoded_geometry(places)
    calls = []
    real = geometry.encode_geometry
    monkeypatch.setattr(geometry, "encode_geometry", lambda p: calls.append(1) or real(p))
    assert geometry.encoded_geometry(places) == first
    assert not calls
    for path in storage.cache_folder().glob("atlas-geometry-*.json"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"step"', '"stop"'), encoding="utf-8")
    assert geometry.encoded_geometry(places) == first
    assert calls == [1]


@pytest.mark.shared
def test_no_border_of_italy_moves_more_than_250_m_and_shared_borders_stay_shared(shared_data):
    places = real_places(shared_data)
    polygons = places.geometry.to_crs(geometry.tables.CRS_DISTANCE).to_numpy()
    topology, shift = geometry.simplified(places)
    assert shift <= geometry.MAX_SHIFT_M
    rings = rebuild(topology, len(places))
    lines = np.array([shapely.multilinestrings([shapely.linestrings(r) for r in rings[i]])
                      for i in range(len(places))])  # fmt: skip
    shapely.prepare(lines)
    points, owner = shapely.get_coordinates(polygons, return_index=True)
    moved = shapely.distance(shapely.points(points), lines[owner])
    assert moved.max() <= geometry.MAX_SHIFT_M
    total = sum(area(ring) for parts in rings.values() for ring in parts)
    assert abs(total) == pytest.approx(shapely.area(polygons).sum(), rel=1e-3)
    uses = np.bincount(topology.refs // 2)
    assert set(np.unique(uses)) == {1, 2}


@pytest.mark.shared
def test_the_borders_of_italy_take_less_than_600_kilobytes(shared_data):
    encoded = geometry.encode_geometry(real_places(shared_data))
    assert encoded["places"] == 7904
    assert encoded["max_shift_m"] <= geometry.MAX_SHIFT_M
    assert len(encoded["data"]) < 600_000
