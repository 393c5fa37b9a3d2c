"""From codes of 2007 to codes of 2025, and what never crosses."""

import csv
from collections import Counter

import ateco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.chains.classification import HOMONYM_CLASSES, editions_of, is_homonym, titles
from geo_engine.chains.correspondence import (
    KINDS,
    ambiguity,
    correspondence,
    describe_code,
    learned_weights,
    recode,
)
from geo_engine.chains.detection import resolve_codes
from geo_engine.chains.membership import load_chains, membership
from geo_engine.errors import ChainError

TABLE = correspondence()
OLD = sorted(TABLE["ateco_2007"].unique())
DOMAIN = {  # the list of the project's guide, written out again
    *("20.51", "25.30", "25.40", "25.61", "25.62", "35.12", "35.13", "35.14", "38.22", "38.31"),
    *("38.32", "43.91", "46.71", "46.72", "46.73", "47.63", "47.64", "47.81", "47.82", "47.91"),
    *("49.32", "58.12", "58.13", "61.20", "63.91", "70.10"),
}
IN_PART = {"38.22", "47.91", "70.10"}


def shares(code, weights=None):
    found = recode([code], weights)
    return dict(zip(found.targets, found.shares, strict=True))


def test_the_numbers_of_kinds_are_those_of_the_official_table():
    kinds = TABLE.drop_duplicates("ateco_2007")
    assert len(kinds) == 1241
    assert Counter(kinds["recode"]) == {"simple": 839, "complex": 402}
    assert Counter(kinds["kind"]) == {"1-1": 566, "N-1": 273, "1-M": 41, "N-M": 361}
    assert set(KINDS) == set(kinds["kind"])
    assert (
        TABLE.drop_duplicates("ateco_2007").set_index("ateco_2007").loc["47.99.10", "targets"]
        == 118
    )
    assert TABLE["targets"].nlargest(1).iloc[0] == 118


def test_every_link_joins_two_codes_that_exist_and_is_listed_from_both_sides():
    for code, rows in TABLE.groupby("ateco_2007"):
        assert set(rows["ateco_2025"]) == set(ateco.map_code(code, "2022", "2025").targets)
    for code, rows in list(TABLE.groupby("ateco_2025"))[::25]:
        assert set(rows["ateco_2007"]) == set(ateco.map_code(code, "2025", "2022").targets)


def test_kind_and_number_of_targets_agree_with_the_project_s_own_table(shared_data):
    path = shared_data / "codes" / "chains_ateco_2007_2025.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    mine = TABLE.drop_duplicates("ateco_2007").set_index("ateco_2007")
    targets = TABLE.groupby("ateco_2007")["ateco_2025"].agg(set)
    for row in rows:
        own = mine.loc[row["ateco2007_6"]]
        assert own["targets"] == int(row["n_corr"])
        assert (own["recode"] == "complex") == row["tipo_corr"].endswith("M")
        if row["tipo_corr"] in ("1-1", "N-1"):
            assert own["kind"] == row["tipo_corr"]
            assert {row["ateco2025_rappr"]} == targets[row["ateco2007_6"]]


def test_a_simple_code_becomes_one_code_and_a_complex_one_equal_shares():
    assert shares("01.21.00") == {"01.21.00": 1.0}
    assert shares("74.10.10") == {"74.11.10": 0.5, "74.11.20": 0.5}
    web = shares("47.91.10")
    assert len(web) == 96
    assert set(web.values()) == {1 / 96}
    assert list(recode(["01.21.00", "74.10.10"]).flags) == ["ATECO_RECODED", "ATECO_APPORTIONED"]


def test_given_weights_apportion_by_their_size():
    weights = {("74.10.10", "74.11.10"): 30, ("74.10.10", "74.11.20"): 10}
    assert shares("74.10.10", weights) == {"74.11.10": 0.75, "74.11.20": 0.25}
    assert shares("74.10.10", {("74.10.10", "74.11.20"): 2}) == {"74.11.20": 1.0}
    assert list(recode(["74.10.10"], {("74.10.10", "74.11.20"): 2}).flags) == ["ATECO_RECODED"]


def test_a_short_code_counts_in_the_targets_of_all_codes_below_it():
    # 74.10.1 has two targets, 74.10.21, 74.10.29 and 74.10.30 one each, 74.10.90 two
    found = shares("74.10")
    assert found["74.12.01"] == pytest.approx(1 / 5)
    assert found["74.11.10"] == pytest.approx(1 / 10)
    assert found["74.13.00"] == pytest.approx(1 / 10)
    assert sum(found.values()) == pytest.approx(1)


def test_a_code_of_the_first_list_alone_goes_where_its_successors_went():
    assert titles("2007")["93.21.00"]
    assert set(shares("93.21.00")) == set(shares("93.21.01")) | set(shares("93.21.02"))
    assert ambiguity("01.13.20") == "N-M"


def test_ambiguity_of_a_short_code_is_that_of_its_least_sure_code():
    assert ambiguity("01.21") == "1-1"
    assert ambiguity("01.11") == "N-1"
    assert ambiguity("47") == "N-M"
    assert ambiguity("99.99") == ""


@pytest.mark.parametrize(
    ("codes", "weights", "code"),
    [
        (["62.10.00"], None, "ATECO_EDITION_UNKNOWN"),
        (["62.01.00"], {("62.01.00", "01.11.00"): 1}, "RECODE_WEIGHT"),
        (["62.01.00"], {("74.10.10", "74.11.10"): -1}, "RECODE_WEIGHT"),
        (["62.01.00"], {("74.10.10", "74.11.10"): 0}, "RECODE_WEIGHT"),
        (["62.01.00"], {("74.10.10", "74.11.10"): float("nan")}, "RECODE_WEIGHT"),
    ],
)
def test_what_cannot_be_recoded_is_refused(codes, weights, code):
    with pytest.raises(ChainError) as caught:
        recode(codes, weights)
    assert caught.value.code == code


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.sampled_from(sorted(titles("2007"))), min_size=1, max_size=8))
def test_no_firm_is_lost_or_made_by_recoding(codes):
    found = recode(codes)
    total = np.bincount(found.source, weights=found.shares, minlength=len(codes))
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    assert (found.shares > 0).all()
    assert set(found.targets) <= set(titles("2025"))
    assert (np.diff(found.source) >= 0).all()


def test_no_code_of_2007_is_without_a_successor():
    assert "ATECO_UNLINKED" not in set(recode(sorted(titles("2007"))).flags)


def test_weights_are_learned_from_firms_with_both_codes():
    learned = learned_weights(
        ["74.10.10", "74.10.10", "74.10.10", "74.10", "62.01.00"],
        ["74.11.10", "74.11.20", "74.11.10", "74.11", "01.11.00"],
        [3, 1, 4, 9, 9],
    )
    assert learned == {("74.10.10", "74.11.10"): 7.0, ("74.10.10", "74.11.20"): 1.0}
    assert shares("74.10.10", learned)["74.11.10"] == 7 / 8


def test_a_code_is_described_in_both_directions():
    went = describe_code("47.91.10", "2007")
    assert len(went) == 96
    assert went["same_code"].sum() == 1  # 47.91 overlaps itself in part
    came = describe_code("74.11", "2025")
    assert set(came["ateco_2007"]) == {"74.10.10"}
    assert describe_code("46.73.10", "2007")["homonym"].all()


def test_the_homonym_classes_are_those_of_the_guide():
    assert len(DOMAIN) == 26
    assert HOMONYM_CLASSES == DOMAIN


def test_the_homonym_classes_are_found_by_comparing_the_two_editions():
    both = [c for c in titles("2007") if len(c) == 5 and ateco.validate(c, edition="2025")]
    both = [code for code in both if ateco.validate(code, edition="2022")]
    unlinked = {c for c in both if c not in ateco.map_code(c, "2022", "2025").targets}
    assert unlinked == DOMAIN - IN_PART
    for code in IN_PART:  # linked, but at most half of the codes below stay, and the title changes
        mine = [leaf for leaf in OLD if leaf.startswith(code)]
        kept = [sum(t.startswith(code) for t in shares(leaf)) / len(shares(leaf)) for leaf in mine]
        assert np.mean(kept) <= 0.5, code
        old, new = (set(titles(edition)[code].lower().split()) for edition in ("2007", "2025"))
        assert len(old & new) / len(old | new) < 0.5


@pytest.mark.parametrize("code", sorted(DOMAIN))
def test_a_homonym_never_crosses_editions(code):
    assert editions_of(code) == ("2007", "2025")
    assert is_homonym(code)
    mixed = resolve_codes(["62.01", "62.10", code], [500, 500, 9], edition="detect")
    assert mixed.editions[2] == ""
    assert mixed.flags[2] == "ATECO_HOMONYM"
    by_edition = {e: membership([code], e, load_chains()).iloc[0] for e in ("2007", "2025")}
    undecided = membership([code], "", load_chains()).iloc[0]
    agreed = (by_edition["2007"] != "") & (by_edition["2025"] != "")
    assert ((undecided != "") == agreed).all()
    for edition in ("2007", "2025"):
        stated = resolve_codes(["62", code], [1000, 9], edition=edition)
        assert stated.editions[1] == edition


@pytest.mark.parametrize("code", sorted(DOMAIN))
def test_below_a_homonym_class_no_code_stands_for_itself_after_recoding(code):
    below = [leaf for leaf in OLD if leaf.startswith(code)]
    assert below
    for leaf in below:
        assert code in IN_PART or leaf not in shares(leaf)
