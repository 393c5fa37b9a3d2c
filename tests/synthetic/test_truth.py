"""Planted hotspots, and the score of a detection."""

import itertools

import pandas as pd
import pytest

from geo_engine.errors import TableError
from geo_engine.graph.neighbors import contiguity
from geo_engine.synthetic.truth import YEARS, planted_truth, score_detection


@pytest.fixture(scope="module")
def truth(layer):
    return planted_truth(layer)


@pytest.fixture(scope="module")
def touching(layer):
    pairs = contiguity(layer).adjacency.reset_index()
    pairs = pairs[pairs["focal"] != pairs["neighbor"]]
    return pairs.groupby("focal")["neighbor"].agg(set)


def test_each_chain_has_two_hotspots_of_each_size_of_effect(truth):
    last = truth[truth["year"] == YEARS[-1]]
    counted = last.groupby(["chain", "effect_points"]).size()
    assert counted.index.get_level_values("effect_points").unique().tolist() == [5, 10, 20]
    assert counted.index.get_level_values("chain").nunique() == 6
    assert (counted == 2).all()


def test_a_hotspot_is_contiguous_in_every_year(truth, touching):
    for row in truth.itertuples():
        members = set(row.members)
        reached, frontier = set(), {row.members[0]}
        while frontier:
            reached |= frontier
            frontier = {n for code in frontier for n in touching[code]} & members - reached
        assert reached == members, row.hotspot


def test_a_hotspot_only_grows_and_ends_with_twelve_places_or_more(truth):
    for _, rows in truth.groupby("hotspot"):
        members = rows.sort_values("year")["members"].tolist()
        for earlier, later in itertools.pairwise(members):
            assert later[: len(earlier)] == earlier
        assert len(members[0]) < len(members[-1])
        assert len(members[-1]) >= 12


def test_the_effect_rises_to_the_planted_points(truth):
    for points, rows in truth.groupby("effect_points"):
        by_year = rows.groupby("year")["effect"].agg(["min", "max"])
        assert (by_year["min"] == by_year["max"]).all()
        assert by_year["min"].is_monotonic_increasing
        assert by_year.loc[YEARS[-1], "min"] == pytest.approx(points / 100)
        assert by_year.loc[YEARS[0], "min"] > 0


def test_hotspots_of_a_chain_share_no_place(truth):
    last = truth[truth["year"] == YEARS[-1]]
    for _, rows in last.groupby("chain"):
        members = [code for one in rows["members"] for code in one]
        assert len(members) == len(set(members))


def test_the_ring_is_what_touches_a_hotspot_and_is_not_planted(truth, touching):
    for (_, _), rows in truth.groupby(["chain", "year"]):
        planted = {code for members in rows["members"] for code in members}
        for row in rows.itertuples():
            around = {n for code in row.members for n in touching[code]} - planted
            assert set(row.ring) == around, row.hotspot


def test_hotspots_do_not_depend_on_other_columns_or_copies_of_the_layer(layer, truth):
    again = planted_truth(layer.copy().assign(name="X"))
    pd.testing.assert_frame_equal(again, truth)


def test_a_single_year_has_the_whole_hotspot(layer, truth):
    only = planted_truth(layer, years=(2024,))
    last = truth[truth["year"] == YEARS[-1]].reset_index(drop=True)
    assert only["members"].tolist() == last["members"].tolist()


def test_a_layer_without_a_core_is_refused_by_its_name(layer):
    with pytest.raises(TableError, match="Prato needs the municipality 100005"):
        planted_truth(layer.drop(index="100005"))


def small_truth():
    columns = ["hotspot", "chain", "name", "year", "effect_points", "effect", "members", "ring"]
    rows = [
        ("one", "moda", "One", 2024, 20, 0.20, ("a", "b", "c", "d"), ("e",)),
        ("two", "moda", "Two", 2024, 20, 0.20, ("p", "q"), ("r", "s")),
        ("weak", "moda", "Weak", 2024, 5, 0.05, ("x", "y"), ("z",)),
        ("other", "turismo", "Other", 2024, 5, 0.05, ("a", "e"), ("b",)),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_power_is_the_share_of_planted_places_flagged_and_of_hotspots_hit():
    flagged = {("moda", 2024): {"a", "b", "c", "e", "m"}}
    tested = {("moda", 2024): {"a", "b", "c", "p", "x", "e", "m", "n"}}
    score = score_detection(small_truth(), flagged, tested)
    strong = score.power.loc[(2024, 20)]
    assert strong[
        ["hotspots", "hotspots_hit", "places", "places_tested", "places_flagged"]
    ].tolist() == [
        2,
        1,
        6,
        4,
        3,
    ]
    assert strong["place_power"] == 0.5
    assert strong["hotspot_power"] == 0.5
    assert score.power.loc[(2024, 5), "place_power"] == 0


def test_what_is_flagged_outside_is_told_apart_by_whether_it_touches_a_hotspot():
    flagged = {("moda", 2024): {"a", "e", "m", "z"}, ("turismo", 2024): set()}
    tested = {("moda", 2024): set("aemnz"), ("turismo", 2024): set("aemnz")}
    outside = score_detection(small_truth(), flagged, tested).outside
    assert outside.loc[("moda", 2024)].tolist() == [4, 3, 2, 1]
    assert outside.loc[("turismo", 2024)].tolist() == [3, 0, 0, 0]


def test_maps_that_were_not_run_are_not_scored():
    score = score_detection(small_truth(), {("turismo", 2024): {"a"}})
    assert score.power.index.tolist() == [(2024, 5)]
    assert score.power.loc[(2024, 5), "places"] == 2
    assert score.outside["tested"].isna().all()
