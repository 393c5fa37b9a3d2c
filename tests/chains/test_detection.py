"""The edition of each code."""

import csv
from collections import Counter

import ateco
import numpy as np
import pytest

from geo_engine.chains.classification import (
    HOMONYM_CLASSES,
    editions_of,
    is_homonym,
    leaves_under,
    titles,
)
from geo_engine.chains.detection import (
    read_edition,
    resolve_codes,
    weigh_editions,
)
from geo_engine.errors import ChainError


@pytest.mark.parametrize("code", ["45", "45.20.10", "62.01", "62.09.09", "56.10", "74.10.10"])
def test_abolished_codes_mark_the_older_edition(code):
    assert editions_of(code) == ("2007",)


@pytest.mark.parametrize(
    "code",
    ["62.10", "62.20", "62.90", "63.10", "46.81", "95.31", "91.21", "91.30", "91.41", "56.11.11"],
)
def test_new_codes_mark_the_newer_edition(code):
    assert editions_of(code) == ("2025",)


def test_both_lists_are_complete():
    for edition, published in (("2007", ("2007", "2022")), ("2025", ("2025",))):
        for one in published:
            sections = 22 if one == "2025" else 21
            known = sum(ateco.validate(code, edition=one) for code in titles(edition))
            assert known == ateco.get_edition(one).node_count - sections


def test_the_guide_of_homonyms_agrees_with_the_official_correspondence():
    assert len(HOMONYM_CLASSES) == 26
    classes = [code for code in titles("2007") if len(code) == 5 and code in titles("2025")]
    unlinked = {
        code for code in classes if code not in ateco.map_code(code, "2022", "2025").targets
    }
    assert unlinked <= HOMONYM_CLASSES
    assert sorted(HOMONYM_CLASSES - unlinked) == ["38.22", "47.91", "70.10"]


def test_a_homonym_is_one_at_every_level_below_its_class():
    assert is_homonym("47.81")
    assert is_homonym("32.50.5")  # eyewear became medical instruments
    assert not is_homonym("10.13")
    assert not is_homonym("62.01")  # exists once


def test_leaves_are_those_of_the_list_in_force():
    assert leaves_under("10.89", "2025") == ("10.89.01", "10.89.09")
    assert "01.13.20" not in leaves_under("01.13", "2007")


def test_one_edition_is_named():
    codes, counts = ["62.01", "10.13", "45.20"], [10, 100, 2]
    assert weigh_editions(codes, counts).majority == "2007"
    assert weigh_editions(["62.10", "56.11", "10.13"], [10, 100, 2]).majority == "2025"


def test_a_file_that_fits_both_is_not_guessed():
    assert weigh_editions(["47.81", "10.13"], [5, 5]).majority == ""
    assert set(resolve_codes(["47.81", "10.13"], [5, 5], edition="detect").editions) == {""}


def test_noise_of_the_other_edition_is_tolerated_up_to_half_a_percent():
    kept = resolve_codes(["62.01", "62.10"], [995, 5], edition="2007")
    assert list(kept.flags) == ["", "ATECO_INVALID"]
    with pytest.raises(ChainError, match="ATECO_VERSION_MIXED"):
        resolve_codes(["62.01", "62.10"], [994, 6], edition="2007")
    assert not weigh_editions(["62.01", "62.10"], [995, 5]).is_mixed
    assert weigh_editions(["62.01", "62.10"], [994, 6]).is_mixed


def test_a_mixed_file_is_refused_with_both_counts_and_a_way_out():
    with pytest.raises(ChainError) as caught:
        resolve_codes(["62.01", "62.10", "10.13", ""], [1200, 700, 50, 3], edition="2007")
    assert caught.value.code == "ATECO_VERSION_MIXED"
    for part in ("1,200", "700", "50", "detect"):
        assert part in caught.value.message


def test_a_mixed_file_that_states_no_edition_is_refused():
    codes, counts = ["62.01", "62.10", "10.13"], [60, 40, 9]
    with pytest.raises(ChainError) as caught:
        resolve_codes(codes, counts, edition="auto")
    assert caught.value.code == "ATECO_VERSION_MIXED"
    for part in ("60", "40", "9", 'ateco_version = "detect"'):
        assert part in caught.value.message


def test_rows_that_state_their_edition_are_no_mixture():
    codes, counts = ["62.01", "62.10"], [60, 40]
    read = resolve_codes(codes, counts, edition="auto", declared=["2007", "2025"])
    assert list(read.editions) == ["2007", "2025"]


def test_a_file_of_one_edition_needs_no_statement():
    read = resolve_codes(["62.10", "47.81"], [100, 9], edition="auto")
    assert list(read.editions) == ["2025", "2025"]
    assert list(resolve_codes(["62.01", "62.10"], [995, 5], edition="auto").editions) == [
        "2007",
        "2025",
    ]


def test_evidence_accounts_for_every_row():
    evidence = weigh_editions(["62.01", "62.10", "10.13", "", "99.99"], [1, 2, 4, 8, 16])
    assert evidence.only == {"2007": 1, "2025": 2}
    assert (evidence.both, evidence.neither) == (4, 24)


def test_in_a_mixed_file_each_code_gets_its_own_edition_and_homonyms_none():
    codes = ["62.01", "62.10", "10.13", "47.81", ""]
    read = resolve_codes(codes, [60, 40, 9, 9, 9], edition="detect")
    assert list(read.editions) == ["2007", "2025", "2007", "", ""]


def test_in_a_file_of_one_edition_homonyms_get_it():
    read = resolve_codes(["62.10", "47.81"], [100, 9], edition="detect")
    assert list(read.editions) == ["2025", "2025"]


def test_detection_works_row_by_row_and_flags_homonyms():
    read = resolve_codes(
        ["620100", "621000", "4781", "10-gen", "NC", "99.99"],
        [50, 50, 3, 1, 2, 1],
        edition="detect",
    )
    assert list(read.codes) == ["62.01.00", "62.10.00", "47.81", "10.1", "", ""]
    assert list(read.editions) == ["2007", "2025", "", "", "", ""]
    assert read.flags[2] == "ATECO_HOMONYM"
    assert read.flags[3] == "REPAIRED_ATECO"
    assert read.flags[4] == "ATECO_MISSING"
    assert read.flags[5] == "ATECO_INVALID"
    assert set(read.reasons) == {""}


def test_a_code_of_the_other_edition_within_noise_keeps_its_meaning():
    read = resolve_codes(["620100", "621000"], [1000, 1], edition="detect")
    assert list(read.editions) == ["2007", "2025"]


def test_a_stated_edition_that_the_codes_contradict_is_refused():
    with pytest.raises(ChainError, match="ATECO_VERSION_MIXED"):
        resolve_codes(["621000", "561111"], [90, 10], edition="2007")


def test_a_stated_edition_drops_a_stray_code_of_the_other():
    read = resolve_codes(["620100", "621000", "NC"], [1000, 1, 70], edition="2007")
    assert list(read.codes) == ["62.01.00", "", ""]
    assert list(read.flags) == ["", "ATECO_INVALID", "ATECO_MISSING"]
    assert list(read.editions) == ["2007", "", ""]


def test_a_declared_edition_wins_over_detection():
    read = resolve_codes(
        ["47.81", "47.81", "62.01.00"],
        [5, 5, 100],
        edition="detect",
        declared=["ATECO 2025", "2007 agg. 2022", None],
    )
    assert list(read.editions) == ["2025", "2007", "2007"]
    assert "ATECO_HOMONYM" not in read.flags


@pytest.mark.parametrize(
    ("text", "edition"),
    [("", ""), (None, ""), ("2007", "2007"), ("ATECO 2022", "2007"), ("Ateco 2025", "2025")],
)
def test_a_declared_edition_is_read(text, edition):
    assert read_edition(text) == edition


@pytest.mark.parametrize("text", ["1991", "nuova", "2007/2025"])
def test_a_declared_edition_that_does_not_exist_is_refused(text):
    with pytest.raises(ChainError, match="ATECO_EDITION_UNKNOWN"):
        read_edition(text)


def test_an_empty_column_resolves_to_nothing():
    read = resolve_codes([], [], edition="detect")
    assert len(read.codes) == len(read.editions) == 0


def test_the_real_start_ups_are_all_of_the_newer_edition(shared_data):
    with (shared_data / "firms" / "innovative_startups_half.csv").open(encoding="utf-8") as file:
        counts = Counter(row["AtecoCode"] for row in csv.DictReader(file))
    read = resolve_codes(list(counts), list(counts.values()), edition="detect")
    evidence = weigh_editions(read.codes.tolist(), list(counts.values()))
    assert evidence.only == {"2007": 0, "2025": 3912}
    assert (evidence.both, evidence.neither) == (1449, 69)
    rows = np.array(list(counts.values()))
    assert rows[read.editions == "2025"].sum() == 5361
    assert rows[read.flags == "ATECO_MISSING"].sum() == 69
    assert set(read.reasons) == {""}
