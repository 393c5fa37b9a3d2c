"""Contiguity: cases that the eye can check, and libpysal on the real layer."""

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph
from shapely import affinity
from shapely.geometry import MultiPolygon, Polygon, box

from geo_engine.errors import StatisticsError
from geo_engine.graph import contiguity, graph_summary, restrict
from geo_engine.sources.boundaries import read_layer
from tests.graph.layers import links_of, places_of


@pytest.fixture
def chessboard():
    """Nine squares: 0 1 2 in the first row."""
    return places_of([box(x, y, x + 1, y + 1) for y in range(3) for x in range(3)])


def test_queen_counts_corners_and_rook_does_not(chessboard):
    queen = contiguity(chessboard, kind="queen")
    rook = contiguity(chessboard, kind="rook")
    assert list(queen["000004"].index) == [f"{i:06d}" for i in (0, 1, 2, 3, 5, 6, 7, 8)]
    assert list(rook["000004"].index) == [f"{i:06d}" for i in (1, 3, 5, 7)]


def test_an_island_stays_in_the_graph_without_a_neighbor():
    graph = contiguity(places_of([box(0, 0, 1, 1), box(1, 0, 2, 1), box(9, 9, 10, 10)]))
    assert list(graph.isolates) == ["000002"]
    assert graph.n == 3


def test_a_place_of_several_parts_with_a_hole_touches_what_fills_the_hole():
    ring = Polygon(box(0, 0, 3, 3).exterior, [box(1, 1, 2, 2).exterior])
    mainland = MultiPolygon([ring, box(10, 0, 11, 1)])
    graph = contiguity(places_of([mainland, box(1, 1, 2, 2), box(11, 0, 12, 1)]), kind="rook")
    assert links_of(graph) == {
        ("000000", "000001"),
        ("000001", "000000"),
        ("000000", "000002"),
        ("000002", "000000"),
    }


def test_a_ring_drawn_the_other_way_shares_the_same_edge():
    left, right = box(0, 0, 1, 1, ccw=True), box(1, 0, 2, 1, ccw=False)
    assert len(links_of(contiguity(places_of([left, right]), kind="rook"))) == 2


def test_a_vertex_inside_an_edge_of_another_place_is_no_link_as_in_libpysal():
    tall, upper, lower = box(0, 0, 1, 2), box(1, 1, 2, 2), box(1, 0, 2, 1)
    places = places_of([tall, upper, lower])
    for kind in ("queen", "rook"):
        expected = Graph.build_contiguity(places, rook=kind == "rook", strict=False)
        assert contiguity(places, kind=kind) == expected


def test_the_order_of_the_places_is_the_order_of_the_graph(chessboard):
    shuffled = chessboard.sample(frac=1, random_state=3)
    graph = contiguity(shuffled)
    assert list(graph.unique_ids) == list(shuffled.index)
    assert links_of(graph) == links_of(contiguity(chessboard))


@pytest.mark.parametrize("kind", ["queen", "rook"])
def test_random_tilings_have_the_links_that_libpysal_finds(kind):
    rng = np.random.default_rng(5)
    for _ in range(5):
        cells = [box(x, y, x + 1, y + 1) for y in range(6) for x in range(6) if rng.random() < 0.7]
        places = places_of([affinity.skew(cell, 13) for cell in cells])
        assert contiguity(places, kind=kind) == Graph.build_contiguity(places, rook=kind == "rook")


def test_a_repeated_place_is_refused(chessboard):
    twice = pd.concat([chessboard, chessboard.iloc[:1]])
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH: 1 places repeat"):
        contiguity(twice)


def test_the_summary_counts_links_components_and_neighbors(chessboard):
    with_island = pd.concat([chessboard, places_of([box(50, 50, 51, 51)], ["999999"])])
    assert graph_summary(contiguity(with_island)) == {
        "places": 10,
        "links": 40,
        "components": 2,
        "isolates": 1,
        "mean_neighbors": 4.0,
        "neighbors": {0: 1, 3: 4, 5: 4, 8: 1},
    }


def test_the_summary_of_places_that_never_touch_is_all_isolates():
    summary = graph_summary(contiguity(places_of([box(0, 0, 1, 1), box(5, 5, 6, 6)])))
    assert summary["neighbors"] == {0: 2}
    assert summary["components"] == 2


def test_restricting_keeps_the_order_asked_for_and_makes_isolates(chessboard):
    graph = contiguity(chessboard, kind="rook")
    kept = pd.Index(["000008", "000000", "000001"])
    small = restrict(graph, kept)
    assert list(small.unique_ids) == list(kept)
    assert list(small.isolates) == ["000008"]
    assert links_of(small) == {("000000", "000001"), ("000001", "000000")}


def test_restricting_to_an_unknown_place_is_refused(chessboard):
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        restrict(contiguity(chessboard), pd.Index(["000000", "123456"]))


@pytest.mark.parametrize(("kind", "links"), [("queen", 46_446), ("rook", 45_768)])
def test_the_shipped_layer_has_the_links_that_libpysal_finds(kind, links):
    places = read_layer(dt.date(2022, 1, 1))
    graph = contiguity(places, kind=kind)
    summary = graph_summary(graph)
    assert (summary["places"], summary["links"], summary["isolates"]) == (7_904, links, 14)
    assert graph == Graph.build_contiguity(places, rook=kind == "rook")


@pytest.mark.shared
def test_istat_s_own_layer_of_june_2023_has_the_known_number_of_links(shared_data):
    table = gpd.read_parquet(
        shared_data / "boundaries" / "comuni_2023-06.parquet",
        columns=["geometry", "com_istat_code"],
    )
    places = table.set_index("com_istat_code").sort_index()
    for kind, links in (("queen", 46_404), ("rook", 45_728)):
        summary = graph_summary(contiguity(places, kind=kind))
        assert (summary["links"], summary["isolates"]) == (links, 14)


def test_zero_and_minus_zero_are_the_same_coordinate():
    left = Polygon([(-1, 0), (-0.0, -0.0), (-0.0, 1), (-1, 1)])
    right = Polygon([(0.0, 0.0), (1, 0), (1, 1), (0.0, 1)])
    for kind in ("queen", "rook"):
        assert len(links_of(contiguity(places_of([left, right]), kind=kind))) == 2


def test_a_vertex_written_twice_in_both_outlines_is_a_corner_and_no_edge():
    left = Polygon([(0, 0), (1, 1), (1, 1), (0, 1)])
    right = Polygon([(1, 1), (1, 1), (2, 1), (2, 2)])
    places = places_of([left, right])
    assert len(links_of(contiguity(places, kind="queen"))) == 2
    assert not links_of(contiguity(places, kind="rook"))


def test_the_end_of_one_ring_and_the_start_of_the_next_are_no_edge():
    two_parts = MultiPolygon([box(0, 0, 1, 1), box(5, 5, 6, 6)])
    end, start = two_parts.geoms[0].exterior.coords[-1], two_parts.geoms[1].exterior.coords[0]
    crossing = Polygon([end, start, (3, 9)])
    places = places_of([two_parts, crossing])
    assert len(links_of(contiguity(places, kind="queen"))) == 2
    assert not links_of(contiguity(places, kind="rook"))


def test_a_place_without_a_geometry_is_an_isolate():
    graph = contiguity(places_of([box(0, 0, 1, 1), None, Polygon(), box(1, 0, 2, 1)]), kind="rook")
    assert links_of(graph) == {("000000", "000003"), ("000003", "000000")}


def test_a_vertex_of_many_places_links_all_of_them_also_beyond_the_first_guess_of_room():
    slices = [
        Polygon([(0, 0), (np.cos(a), np.sin(a)), (np.cos(a + 0.01), np.sin(a + 0.01))])
        for a in np.linspace(0, 6, 50)
    ]
    assert len(links_of(contiguity(places_of(slices)))) == 50 * 49
    assert not len(links_of(contiguity(places_of(slices), kind="rook")))


def test_no_places_have_no_links():
    assert graph_summary(contiguity(places_of([])))["places"] == 0
