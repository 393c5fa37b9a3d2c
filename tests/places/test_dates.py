"""Codes and names of other dates: heirs, shares, dates of validity."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from geo_engine.errors import TableError
from geo_engine.places import (
    PlacingParameters,
    assign_places,
    build_resolver,
    resolve_cadastral_codes,
    resolve_istat_codes,
    resolve_names,
)

OPEN = dt.date(9999, 12, 31)
COLUMNS = [
    "istat_code", "cadastral_code", "name", "name_other", "sigla", "valid_from", "valid_to",
    "heirs", "weights", "kind",
]  # fmt: skip
START, SPLIT, NEXT = dt.date(1948, 1, 1), dt.date(2009, 12, 31), dt.date(2010, 1, 1)
ROWS = [
    # Of the squares: 015001 Alba Nuova (MI), 016002 Castro (BG), 063003 Paternò (NA),
    # 075004 Castro (LE), 108005 Sant'Elmo di Brianza (MB)
    ("015001", "A001", "Alba Nuova", "", "MI", START, OPEN, ("015001",), (1.0,), "same"),
    ("015005", "A005", "Sant'Elmo", "", "MI", START, SPLIT, ("108005",), (1.0,), "renamed"),
    ("108005", "A005", "Sant'Elmo di Brianza", "", "MB", NEXT, OPEN, ("108005",), (1.0,), "same"),
    ("016002", "C337", "Castro", "", "BG", START, OPEN, ("016002",), (1.0,), "same"),
    ("063003", "G271", "Paternò", "", "NA", START, OPEN, ("063003",), (1.0,), "same"),
    ("075004", "M261", "Castro", "", "LE", START, OPEN, ("075004",), (1.0,), "same"),
    ("015090", "B090", "Vecchia", "Alte", "MI", START, SPLIT, ("015001",), (1.0,), "merged"),
    ("015091", "B091", "Larga", "", "MI", START, SPLIT, ("015001", "108005"), (0.25, 0.75),
     "divided"),
    ("063092", "B092", "Sparita", "", "NA", START, SPLIT, (), (), "unknown"),
    ("016093", "B093", "Castro", "", "MI", START, SPLIT, ("015001",), (1.0,), "merged"),
    ("015094", "B094", "Remota", "", "MI", dt.date(1870, 1, 1), dt.date(1928, 1, 1), ("015001",),
     (1.0,), "merged"),
    ("015095", "B095", "Alba", "", "MI", dt.date(1870, 1, 1), dt.date(1928, 1, 1), ("108005",),
     (1.0,), "merged"),
    ("016777", "M777", "Castro con Paternò", "", "BG", dt.date(2026, 1, 1), OPEN,
     ("016002", "063003"), (0.4, 0.6), "divided"),
]  # fmt: skip


@pytest.fixture(scope="module")
def heirs() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=COLUMNS)


@pytest.fixture(scope="module")
def nothing(changes) -> pd.DataFrame:
    return changes.iloc[:0]


@pytest.fixture(scope="module")
def dated(squares, nothing, heirs):
    """Give a function that builds the resolver of a date of codes."""

    def build(date=None):
        return build_resolver(squares, nothing, heirs, codes_date=date)

    return build


def by_name(resolver, name, province=""):
    return resolve_names(resolver, [name], [province]).outcomes[0]


def by_code(resolver, code):
    return resolve_istat_codes(resolver, [code]).outcomes[0]


def test_codes_and_names_of_the_merged_lead_to_the_successor(dated):
    resolver = dated()
    for outcome in (by_code(resolver, "015090"), by_name(resolver, "Alte / Vecchia", "MI")):
        assert (outcome.position, outcome.flags, outcome.confidence) == (0, ("SUCCESSOR",), 0.95)
    renumbered = by_code(resolver, "15005")
    assert renumbered.position == 4
    assert renumbered.flags == ("RENUMBERED", "REPAIRED_CODE")
    former = by_name(resolver, "SANT ELMO", "MI")
    assert (former.position, former.flags, former.confidence) == (4, ("FORMER_PROVINCE",), 0.9)


def test_a_divided_municipality_carries_its_shares_and_is_no_surer_than_the_largest(dated):
    resolver = dated()
    for outcome in (
        by_code(resolver, "015091"),
        by_name(resolver, "LARGA", "MI"),
        resolve_cadastral_codes(resolver, ["b091"]).outcomes[0],
    ):
        assert outcome.position == 4
        assert outcome.shares == ((0, 0.25), (4, 0.75))
        assert "APPORTIONED" in outcome.flags
        assert outcome.confidence <= 0.75
    later = by_code(resolver, "016777")
    assert later.shares == ((1, 0.4), (2, 0.6))
    assert by_code(resolver, "015001").shares == ()


def test_what_is_gone_without_known_heirs_is_told_with_date_and_remedy(dated):
    for outcome in (
        by_code(dated(), "063092"),
        by_name(dated(), "Sparita", "NA"),
        by_name(dated(), "SPARITA"),
    ):
        assert outcome.reason == "DISMISSED_COMUNE"
        assert "Sparita (NA) was abolished on 2010-01-01" in outcome.detail
        assert "geo-engine codes fetch" in outcome.detail
        assert "geo-engine codes import" in outcome.detail


def test_without_the_codes_of_the_abolished_a_gap_in_the_numbers_of_a_province_tells(
    squares, nothing, heirs
):
    past = heirs["valid_to"] < OPEN
    bare = heirs.assign(istat_code=heirs["istat_code"].where(~past, ""))
    unnumbered = build_resolver(squares, nothing, bare)
    gap = by_code(unnumbered, "108003")
    assert gap.reason == "DISMISSED_COMUNE"
    assert "geo-engine codes fetch" in gap.detail
    assert by_code(unnumbered, "108006").reason == "UNKNOWN_COMUNE"  # beyond the last
    assert by_code(unnumbered, "999001").reason == "UNKNOWN_COMUNE"
    assert by_code(build_resolver(squares, nothing, heirs), "108003").reason == "UNKNOWN_COMUNE"
    assert by_code(build_resolver(squares, nothing), "108003").reason == "UNKNOWN_COMUNE"


def test_on_a_date_only_what_was_valid_then_is_meant(dated):
    before, after = dated(dt.date(2005, 6, 1)), dated(dt.date(2020, 6, 1))
    assert by_code(before, "015090").position == 0
    assert by_code(after, "015090").reason == "DISMISSED_COMUNE"
    assert "not on the date" in by_code(after, "015090").detail
    assert by_name(after, "Vecchia", "MI").reason == "DISMISSED_COMUNE"
    assert by_code(before, "016777").reason == "DISMISSED_COMUNE"
    assert by_code(after, "015005").position == 4  # renumbered, still the same municipality
    assert by_name(after, "Sant'Elmo", "MI").position == 4
    assert by_code(before, "108005").position == 4


def test_a_name_alone_is_placed_where_it_is_unique_on_the_date(dated):
    assert by_name(dated(dt.date(2005, 6, 1)), "Castro", "MI").position == 0
    assert by_name(dated(dt.date(2020, 6, 1)), "Castro", "MI").reason == "DISMISSED_COMUNE"
    assert by_name(dated(), "Castro").reason == "AMBIGUOUS_COMUNE"
    assert by_name(dated(), "Paterno").position == 2
    assert by_name(dated(), "Castro", "MI").position == 0


def test_names_that_ended_before_registers_count_only_where_certain(dated):
    remote = by_name(dated(), "Remota", "MI")
    assert (remote.position, remote.confidence) == (0, 0.85)
    assert set(remote.flags) == {"SUCCESSOR", "OLD_NAME"}
    assert by_name(dated(), "Remota").reason == "AMBIGUOUS_COMUNE"
    assert by_name(dated(), "Alba", "MI").reason == "AMBIGUOUS_COMUNE"  # short for Alba Nuova?


def test_without_heirs_nothing_changes(squares, changes):
    one, other = (build_resolver(squares, changes, **options) for options in ({}, {"heirs": None}))
    assert one == other
    assert by_code(one, "015099").flags == ("SUCCESSOR",)


def test_a_table_of_heirs_without_its_columns_is_refused(squares, nothing, heirs):
    with pytest.raises(TableError, match=r"MISSING_COLUMN.*weights"):
        build_resolver(squares, nothing, heirs.drop(columns="weights"))


def assign(resolver, records, locator=None, keys=None, **parameters):
    return assign_places(
        pd.DataFrame(records, dtype="str"),
        order=("coordinates", "istat_code", "cadastral_code", "name"),
        locator=locator,
        resolver=resolver,
        parameters=PlacingParameters(**parameters),
        keys=keys,
    )


def test_rows_of_a_divided_municipality_are_drawn_by_their_keys_in_the_stated_shares(dated):
    rng = np.random.default_rng(3)
    keys = rng.integers(0, 2**64, 20_000, dtype=np.uint64)
    records = {"istat_code": ["015091"] * len(keys)}
    drawn = assign(dated(), records, keys=keys)
    assert (drawn.position == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert set(drawn.position) == {0, 4}
    assert (drawn.position == np.where(keys / 2**64 < 0.25, 0, 4)).all()
    assert set(drawn.flags) == {"SUCCESSOR|APPORTIONED"}
    assert drawn.shares[0] == ((0, 0.25), (4, 0.75))
    assert len(drawn.shares) == len(keys)
    shuffle = rng.permutation(len(keys))
    again = assign(dated(), records, keys=keys[shuffle])
    assert (again.position == drawn.position[shuffle]).all()
    whole = assign(dated(), records)
    assert set(whole.position) == {4}
    ends = np.array([0, 2**64 - 1], np.uint64)
    assert assign(dated(), {"istat_code": ["015091"] * 2}, keys=ends).position.tolist() == [0, 4]


def test_what_else_a_row_says_decides_among_the_parts(dated, small):
    records = {
        "lon": ["9.1", "", "", "10.5"],
        "lat": ["42.1", "", "", "42.5"],
        "istat_code": ["015091"] * 4,
        "municipality": ["", "Alba Nuova", "Castro", ""],
        "province": ["", "MI", "LE", ""],
    }
    found = assign(dated(), records, small)
    assert found.position.tolist() == [0, 0, 4, 1]
    assert found.flags.tolist() == [
        "",
        "SUCCESSOR",
        "DECLARED_INCONSISTENT|SUCCESSOR|APPORTIONED",
        "DECLARED_DIFFERS",
    ]
    assert list(found.shares) == [2]
    assert found.declared.tolist() == [0, 0, 4, 4]
    assert found.pointed.tolist() == [0, -1, -1, 1]
    assert found.confidence.tolist() == [1.0, 0.9, 0.75, 0.8]


def test_a_refused_conflict_names_both_municipalities(dated, small):
    records = {"lon": ["9.1"], "lat": ["42.1"], "istat_code": ["016002"]}
    found = assign(dated(), records, small, trust="quarantine")
    assert found.reason.tolist() == ["COORD_COMUNE_CONFLICT"]
    assert "015001 Alba Nuova (MI)" in found.detail[0]
    assert "016002 Castro (BG)" in found.detail[0]
    assert (found.pointed.tolist(), found.declared.tolist()) == ([0], [1])


def test_a_slip_is_placed_with_its_score_and_less_confidence(resolver):
    records = {"municipality": ["MILLANO", "MILANO"], "province": ["MI", "MI"]}
    found = assign(resolver, records)
    assert found.flags.tolist() == ["FUZZY", ""]
    assert found.score.tolist() == [pytest.approx(0.857), 1.0]
    assert found.confidence[0] <= 0.75
    assert found.confidence[1] == 0.95
