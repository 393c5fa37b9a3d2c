"""The Digital Intensity Index: its editions, its levels, and what unknown items leave open."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.bounded import exact_amounts, letter_amounts
from geo_engine.indicators.digital_intensity import (
    digital_intensity,
    fill_implied,
    in_survey_population,
)
from geo_engine.indicators.digital_intensity_editions import (
    comparable_years,
    compare_editions,
    dii_edition,
    dii_editions,
    edition_note,
    given_edition,
    item_labels,
    level_labels,
    references,
    refuse_versions,
)

V3 = dii_edition(3, 2023)
V4 = dii_edition(4, 2022)


def scored(rows, edition=V3):
    columns = np.array(rows, np.int8).reshape(-1, 12).T
    return digital_intensity(dict(zip(edition.items, columns, strict=True)), edition)


def test_every_edition_counts_twelve_different_items_that_have_names():
    labels = item_labels("en")
    assert set(labels) == set(item_labels())
    for edition in dii_editions():
        assert len(set(edition.items)) == len(edition.items) == 12
        assert set(edition.items) <= set(labels)
    used = {item for edition in dii_editions() for item in edition.items}
    assert used == set(labels)


def test_the_versions_alternate_by_year():
    found = {edition.survey_year: edition.version for edition in dii_editions()}
    assert found == {2021: 3, 2022: 4, 2023: 3, 2024: 4, 2025: 3}


def test_only_lists_that_were_seen_whole_count_as_verified_and_the_others_say_so():
    verified = {edition.survey_year for edition in dii_editions() if edition.verified}
    assert verified == {2022, 2023}
    for edition in dii_editions():
        italian, english = edition_note(edition)
        assert ("non verificato" in italian) == (not edition.verified)
        assert ("not verified" in english) == (not edition.verified)
        assert str(edition.survey_year) in italian
        assert f"v{edition.version}" in english


def test_a_version_of_another_year_is_refused_with_the_known_ones():
    with pytest.raises(TableError, match=r"DII_EDITION.*v4 of 2023.*v3 2023"):
        dii_edition(4, 2023)


def test_a_user_may_vouch_for_a_list_of_twelve_known_items_with_its_source():
    items = [*V4.items[:9], "ai", *V4.items[10:]]
    given_list = given_edition(4, 2024, items, source="CIRCABC, documento letto il 3 marzo 2026")
    assert set(given_list.items) == set(dii_edition(4, 2024).items)
    italian, english = edition_note(given_list)
    assert "CIRCABC" in italian
    assert "CIRCABC" in english
    assert scored([[1] * 12], given_list).level.tolist() == [3]
    for wrong in (items[:11], [*items[:11], items[0]], [*items[:11], "fax"]):
        with pytest.raises(TableError, match="DII_EDITION"):
            given_edition(4, 2024, wrong, source="x")
    with pytest.raises(TableError, match="say where the list was read"):
        given_edition(4, 2024, items, source=" ")


def test_levels_begin_at_four_seven_and_ten_points_and_basic_at_four():
    rows = [[1] * points + [0] * (12 - points) for points in range(13)]
    found = scored(rows)
    assert found.level.tolist() == [0] * 4 + [1] * 3 + [2] * 3 + [3] * 3
    assert found.basic.tolist() == [0] * 4 + [1] * 9
    assert found.score.tolist() == list(range(13))
    assert len(level_labels()) == len(level_labels("en")) == 4


def test_a_firm_has_a_level_only_where_its_unknown_items_cannot_change_it():
    found = scored(
        [
            [1] * 4 + [-1] * 2 + [0] * 6,  # 4 to 6: low whatever they are
            [1] * 4 + [-1] * 3 + [0] * 5,  # 4 to 7
            [1] * 3 + [-1] + [0] * 8,  # 3 or 4: not even basic is known
            [-1] * 12,
            [0] * 9 + [-1] * 3,  # at most 3
        ]
    )
    assert found.level.tolist() == [1, -1, -1, -1, 0]
    assert found.basic.tolist() == [1, 1, -1, -1, 0]
    assert found.low.tolist() == [4, 4, 3, 0, 0]
    assert found.high.tolist() == [6, 7, 4, 12, 3]
    assert np.isnan(found.score).all()


def test_items_that_are_not_given_are_unknown_for_everyone():
    items = {key: np.array([1, 0], np.int8) for key in V3.items[:4]}
    found = digital_intensity(items, V3)
    assert found.low.tolist() == [4, 0]
    assert found.high.tolist() == [12, 8]
    assert found.basic.tolist() == [1, -1]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(
        st.lists(st.sampled_from([1, 0, -1, 0, 1]), min_size=12, max_size=12),
        min_size=1,
        max_size=4,
    )
)
def test_level_and_basic_are_known_exactly_when_every_completion_agrees(rows):
    found = scored(rows)
    for i, row in enumerate(rows):
        worlds = itertools.product(*[(0, 1) if item == -1 else (item,) for item in row])
        points = {sum(world) for world in worlds}
        levels = {0 if p <= 3 else 1 if p <= 6 else 2 if p <= 9 else 3 for p in points}
        basic = {int(p >= 4) for p in points}
        assert found.level[i] == (levels.pop() if len(levels) == 1 else -1)
        assert found.basic[i] == (basic.pop() if len(basic) == 1 else -1)
        assert (found.low[i], found.high[i]) == (min(points), max(points))


@settings(deadline=None, derandomize=True)
@given(st.permutations(range(12)), st.lists(st.sampled_from([1, 0, -1]), min_size=12, max_size=12))
def test_the_order_of_the_items_does_not_matter(order, row):
    given_items = {V3.items[i]: np.array([row[i]], np.int8) for i in order}
    found, plain = digital_intensity(given_items, V3), scored([row])
    assert (found.low, found.high, found.level) == (plain.low, plain.high, plain.level)


def test_an_item_of_another_edition_is_refused_and_so_is_no_item_at_all():
    with pytest.raises(TableError, match=r"DII_ITEM.*robots: v3 of 2023 counts"):
        digital_intensity({"robots": np.zeros(1, np.int8)}, V3)
    with pytest.raises(TableError, match=r"DII_ITEM.*Did you mean website"):
        digital_intensity({"websites": np.zeros(1, np.int8)}, dii_edition(3, 2025))
    with pytest.raises(TableError, match=r"DII_ITEM.*No item"):
        digital_intensity({}, V3)


def test_what_follows_from_known_items_is_filled_in_and_contradictions_are_counted():
    items = {
        "social_media": np.array([-1, 0, -1, 0, 1], np.int8),
        "social_media_two": np.array([1, -1, 0, 1, -1], np.int8),
        "erp": np.array([-1] * 5, np.int8),
    }
    filled, clashes = fill_implied(items)
    assert filled["social_media"].tolist() == [1, 0, -1, 0, 1]
    assert filled["social_media_two"].tolist() == [1, 0, 0, 1, -1]
    assert filled["erp"].tolist() == [-1] * 5
    assert clashes == 1
    assert items["social_media"].tolist() == [-1, 0, -1, 0, 1]  # inputs come back untouched


# Comparisons


def test_a_difference_across_versions_is_refused_with_the_reason_in_italian():
    with pytest.raises(StatisticsError, match="DII_VERSIONS") as refused:
        refuse_versions(V3, V4)
    assert "non sono confrontabili" in refused.value.message
    assert "8 caratteristiche su 12" in refused.value.message


def test_the_versions_of_2024_and_2025_differ_in_seven_of_twelve_items():
    first, second = dii_edition(4, 2024), dii_edition(3, 2025)
    found = compare_editions(first, second)
    assert not found.is_allowed
    assert len(set(first.items) - set(second.items)) == 7
    assert "7 of 12 items" in found.reason_en


def test_within_a_version_a_difference_is_allowed_and_says_which_item_changed():
    found = refuse_versions(dii_edition(3, 2023), dii_edition(3, 2025))
    assert found.is_allowed
    assert found.differing == ("social_media_two", "website")
    assert "sito web" in found.reason
    assert "with care" in found.reason_en
    assert compare_editions(V3, V3).reason == ""


def test_the_years_of_a_panel_are_compared_pair_by_pair():
    found = comparable_years({edition.survey_year: edition for edition in dii_editions()})
    allowed = {pair for pair, each in found.items() if each.is_allowed}
    assert allowed == {(2021, 2023), (2021, 2025), (2023, 2025), (2022, 2024)}
    assert len(found) == 10


def test_published_shares_belong_to_an_edition_that_exists():
    for row in references():
        dii_edition(row["version"], row["survey_year"])
        assert 0 < row["share"] < 100
        assert row["source"]


# Who is asked


def test_the_survey_asks_ten_persons_and_more_of_some_activities():
    codes = [
        "10.71",
        "01.11",
        "62.01",
        "64.19",
        "75.00",
        "85.10",
        "95.11",
        "95",
        "95.21",
        "",
        "74.10",
    ]
    persons = exact_amounts([10.0] * len(codes))
    found = in_survey_population(codes, np.arange(len(codes)), persons)
    assert found.tolist() == [1, 0, 1, 0, 0, 0, 1, -1, 0, -1, 1]
    sizes = letter_amounts(np.array(["A", "B", "C", ""], object), "startup_addetti")
    assert in_survey_population(["62.01"], np.zeros(4, int), sizes).tolist() == [0, 0, 1, -1]
    small = exact_amounts([9.0, 10.0, np.nan])
    assert in_survey_population(["64"], np.array([0, -1, -1]), small).tolist() == [0, -1, -1]
