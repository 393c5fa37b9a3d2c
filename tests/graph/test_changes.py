"""Graphs out of graphs and tables."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph
from shapely.geometry import box

from geo_engine.errors import StatisticsError
from geo_engine.graph import (
    NeighborRule,
    add_links,
    contiguity,
    distance_band,
    graph_of_table,
    graph_summary,
    has_equal_rows,
    higher_order,
    intersection,
    k_nearest,
    kernel_weights,
    neighbors_by_rule,
    restrict,
    settle_isolates,
    union,
)
from tests.graph.layers import links_of, places_of, weights_of


def row_of(*kilometers):
    """Squares of one kilometer, in a row."""
    return places_of([box(1000 * x, 0, 1000 * x + 1000, 1000) for x in kilometers])


def table(*rows):
    return pd.DataFrame(rows, columns=["focal", "neighbor", "weight"])


@pytest.fixture
def chessboard():
    return places_of([box(x, y, x + 1, y + 1) for y in range(4) for x in range(4)])


def test_union_and_intersection_are_those_of_the_sets_of_links(chessboard):
    rook, knn = contiguity(chessboard, kind="rook"), k_nearest(chessboard, 3, crs="EPSG:3035")
    shuffled = restrict(knn, pd.Index(knn.unique_ids[::-1]))
    assert links_of(union(rook, shuffled)) == links_of(rook) | links_of(knn)
    assert links_of(intersection(rook, shuffled)) == links_of(rook) & links_of(knn)
    assert list(union(rook, shuffled).unique_ids) == list(rook.unique_ids)


def test_graphs_of_different_places_are_not_combined(chessboard):
    rook = contiguity(chessboard, kind="rook")
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH: 1 places"):
        union(rook, restrict(rook, pd.Index(rook.unique_ids[1:])))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_places_in_some_steps_are_those_of_libpysal(chessboard, order, lower):
    rook = contiguity(chessboard, kind="rook")
    expected = rook.higher_order(order, shortest_path=True, lower_order=lower)
    assert links_of(higher_order(rook, order, lower=lower)) == links_of(expected)


def test_no_step_at_all_is_refused(chessboard):
    with pytest.raises(StatisticsError, match="ORDER_INVALID"):
        higher_order(contiguity(chessboard), 0)


def test_a_bridge_links_both_ways_and_once():
    graph = contiguity(row_of(0, 1, 5))
    bridge = pd.DataFrame({"focal": ["000001", "000002"], "neighbor": ["000002", "000001"]})
    found = add_links(graph, bridge)
    assert links_of(found) - links_of(graph) == {("000001", "000002"), ("000002", "000001")}
    assert weights_of(found)["000001", "000002"] == 1


@pytest.mark.parametrize("pair", [("000000", "999999"), ("000000", "000000")])
def test_a_bridge_to_nowhere_is_refused(pair):
    with pytest.raises(StatisticsError, match="LINKS_UNKNOWN: 1 of 1"):
        add_links(contiguity(row_of(0, 1)), pd.DataFrame([pair], columns=["focal", "neighbor"]))


def test_a_bridge_in_a_weighted_graph_is_refused():
    places = row_of(0, 1, 5)
    graph = kernel_weights(places, "triangular", bandwidth_km=3, crs="EPSG:3035")
    bridge = pd.DataFrame({"focal": ["000001"], "neighbor": ["000002"]})
    with pytest.raises(StatisticsError, match="WEIGHTS_NEEDED"):
        add_links(graph, bridge)


def test_an_isolate_is_left_linked_or_refused_as_the_policy_says():
    places = row_of(0, 1, 5, 6, 9)
    graph = contiguity(places)
    assert settle_isolates(graph, places, "exclude") is graph
    with pytest.raises(StatisticsError, match=r"ISOLATES: 1 of 5 .*000004"):
        settle_isolates(graph, places, "error")
    attached = settle_isolates(graph, places, "attach_nearest", crs="EPSG:3035")
    assert links_of(attached) - links_of(graph) == {("000003", "000004"), ("000004", "000003")}


def test_an_archipelago_is_connected_by_its_shortest_ways():
    places = row_of(0, 1, 2, 5, 6, 9)
    graph = settle_isolates(contiguity(places), places, "attach_components", crs="EPSG:3035")
    assert graph_summary(graph)["components"] == 1
    new = links_of(graph) - links_of(contiguity(places))
    assert new == {
        ("000002", "000003"),
        ("000003", "000002"),
        ("000004", "000005"),
        ("000005", "000004"),
    }


def test_two_isolates_that_are_nearest_to_each_other_are_linked_once():
    places = row_of(0, 1, 20, 22)
    graph = settle_isolates(contiguity(places), places, "attach_nearest", crs="EPSG:3035")
    assert links_of(graph) - links_of(contiguity(places)) == {
        ("000002", "000003"),
        ("000003", "000002"),
    }


def test_an_isolate_as_near_to_two_places_gets_the_lowest_code_in_any_order():
    places = row_of(0, 2, 4)
    for layer in (places, places.iloc[::-1]):
        graph = settle_isolates(contiguity(layer), layer, "attach_nearest", crs="EPSG:3035")
        assert ("000001", "000000") in links_of(graph)


def test_a_table_of_commuters_becomes_a_graph_in_the_order_of_the_places():
    commuters = table(
        ("000002", "000000", 40),
        ("000000", "000002", 5),
        ("000001", "000001", 900),
        ("000001", "000002", 0),
    )
    graph = graph_of_table(commuters, pd.Index(["000000", "000001", "000002"]))
    assert list(graph.unique_ids) == ["000000", "000001", "000002"]
    assert weights_of(graph) == {("000002", "000000"): 40, ("000000", "000002"): 5}
    assert list(graph.isolates) == ["000001"]


def test_minutes_become_weights_by_a_kernel():
    minutes = table(("a", "b", 15), ("b", "a", 30), ("a", "c", 61))
    graph = graph_of_table(minutes, pd.Index(list("abc")), kernel="triangular", bandwidth=60)
    assert weights_of(graph) == {("a", "b"): 0.75, ("b", "a"): 0.5}


def test_codes_that_lost_their_zeros_are_recognized():
    graph = graph_of_table(table((1001, 63049, 1.0)), pd.Index(["001001", "063049"]))
    assert links_of(graph) == {("001001", "063049")}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([("a", "z", 1)], "LINKS_UNKNOWN: 1 of 1 links name 1 places"),
        ([("a", "b", 1), ("a", "b", 2)], "LINKS_REPEATED: 1"),
        ([("a", "b", -1)], "WEIGHT_INVALID: 1 of 1"),
        ([("a", "b", float("nan"))], "WEIGHT_INVALID"),
        ([("a", "b", float("inf"))], "WEIGHT_INVALID"),
        ([("a", "b", "many")], "WEIGHT_INVALID.*many"),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_name(rows, code):
    with pytest.raises(StatisticsError, match=code):
        graph_of_table(table(*rows), pd.Index(list("abc")))


def test_a_kernel_of_costs_needs_a_bandwidth():
    with pytest.raises(StatisticsError, match="KERNEL_INVALID"):
        graph_of_table(table(("a", "b", 1)), pd.Index(list("ab")), kernel="gaussian")


def test_the_summary_of_a_weighted_graph_names_its_weights_and_one_way_links():
    graph = graph_of_table(
        table(("a", "b", 1.0), ("a", "c", 3.0), ("b", "a", 2.0)), pd.Index(list("abc"))
    )
    summary = graph_summary(graph)
    assert summary["weights"] == {"min": 1.0, "median": 2.0, "max": 3.0}
    assert summary["equal_in_rows"] is False
    assert summary["one_way"] == 1
    assert (summary["isolates"], summary["components"]) == (1, 1)


def test_rows_are_equal_where_each_place_weighs_its_neighbors_alike(chessboard):
    queen = contiguity(chessboard)
    assert has_equal_rows(queen)
    assert has_equal_rows(queen.transform("r"))
    assert not has_equal_rows(kernel_weights(chessboard, "triangular", k=4, crs="EPSG:3035"))


def test_restricting_keeps_the_weights(chessboard):
    graph = kernel_weights(chessboard, "triangular", k=4, crs="EPSG:3035")
    kept = pd.Index(graph.unique_ids[[5, 0, 1, 4]])
    expected = {
        pair: weight for pair, weight in weights_of(graph).items() if set(pair) <= set(kept)
    }
    assert weights_of(restrict(graph, kept)) == expected


@settings(deadline=None, derandomize=True, max_examples=20)
@given(seed=st.integers(0, 1000))
def test_every_graph_is_what_libpysal_makes_of_the_same_links(seed):
    rng = np.random.default_rng(seed)
    names = [f"p{i}" for i in rng.permutation(9)]
    links = {(a, b): rng.random() for a in names for b in names if a != b and rng.random() < 0.2}
    frame = table(*[(a, b, weight) for (a, b), weight in links.items()])
    graph = graph_of_table(frame, pd.Index(names))
    linked = {a for a, _ in links}
    rows = sorted(
        [
            *((a, b, w) for (a, b), w in links.items()),
            *((a, a, 0.0) for a in names if a not in linked),
        ],
        key=lambda row: (names.index(row[0]), names.index(row[1])),
    )
    expected = Graph.from_arrays(*map(np.array, zip(*rows, strict=True)))
    assert graph == expected
    assert list(graph.unique_ids) == names
    np.testing.assert_array_equal(graph.sparse.toarray(), expected.sparse.toarray())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (NeighborRule(kind="rook"), lambda p: contiguity(p, kind="rook")),
        (NeighborRule(kind="queen", order=2), lambda p: higher_order(contiguity(p), 2)),
        (NeighborRule(kind="k_nearest", k=3), lambda p: k_nearest(p, 3)),
        (NeighborRule(kind="distance_band", band_km=2), lambda p: distance_band(p, 2)),
        (
            NeighborRule(kind="kernel", kernel="gaussian", band_km=2),
            lambda p: kernel_weights(p, "gaussian", bandwidth_km=2),
        ),
    ],
)
def test_a_rule_builds_what_its_builder_builds(rule, expected):
    places = row_of(4000, 4001, 4002, 4003, 4006).set_crs("EPSG:3035")
    assert neighbors_by_rule(places, rule) == expected(places)


def test_a_rule_adds_bridges_before_it_looks_for_isolates():
    places = row_of(4000, 4001, 4006)
    bridge = pd.DataFrame({"focal": ["000001"], "neighbor": ["000002"]})
    rule = NeighborRule(isolates="error")
    assert not len(neighbors_by_rule(places, rule, extra_links=bridge).isolates)
    with pytest.raises(StatisticsError, match="ISOLATES"):
        neighbors_by_rule(places, rule)


@pytest.mark.parametrize("kind", ["k_nearest", "distance_band", "kernel", "file"])
def test_a_rule_that_lacks_what_its_kind_needs_is_refused(kind):
    with pytest.raises(StatisticsError, match="NEIGHBORS_INVALID"):
        neighbors_by_rule(row_of(0, 1), NeighborRule(kind=kind))


def test_a_file_rule_uses_the_links_it_is_given():
    places = gpd.GeoDataFrame(row_of(0, 1, 2))
    graph = neighbors_by_rule(
        places, NeighborRule(kind="file"), file_links=table(("000000", "000002", 2.5))
    )
    assert weights_of(graph) == {("000000", "000002"): 2.5}
