from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo_engine.errors import TableError
from geo_engine.places import PlacingParameters, assign_places, build_resolver
from geo_engine.sources.boundaries import read_changes

ORDER = ("coordinates", "istat_code", "cadastral_code", "name")
COLUMNS = ("lon", "lat", "istat_code", "cadastral_code", "municipality", "province")


@pytest.fixture
def assign(small, small_names):
    """Give a function that places rows of the territory of squares."""

    def place(rows, order=ORDER, columns=COLUMNS, **parameters):
        records = pd.DataFrame(rows, columns=list(columns), dtype="str")
        return assign_places(
            records,
            order=order,
            locator=small,
            resolver=small_names,
            parameters=PlacingParameters(**parameters),
        )

    return place


def told(assigned):
    """Give position, method, flags and reason of each row."""
    method = assigned.method.astype(object)
    return [
        (int(p), m if isinstance(m, str) else "", f, r)
        for p, m, f, r in zip(
            assigned.position, method, assigned.flags, assigned.reason, strict=True
        )
    ]


IN_0 = ("9.1", "42.1")
NOWHERE = ("14", "42.5")


def test_the_first_method_that_resolves_places_the_row(assign):
    rows = [
        (*IN_0, "015001", "A001", "Alba Nuova", "MI"),
        ("", "", "015001", "C337", "", ""),
        ("", "", "", "C337", "", ""),
        ("", "", "", "", "Castro", "LE"),
    ]
    assert told(assign(rows)) == [
        (0, "coordinates", "", ""),
        (0, "istat_code", "DECLARED_INCONSISTENT", ""),
        (1, "cadastral_code", "", ""),
        (3, "name", "", ""),
    ]


def test_the_order_of_the_study_is_followed(assign):
    rows = [("", "", "015001", "C337", "", "")]
    order = ("name", "cadastral_code", "istat_code")
    assert told(assign(rows, order)) == [(1, "cadastral_code", "DECLARED_INCONSISTENT", "")]


@pytest.mark.parametrize(
    ("trust", "expected"),
    [
        ("coordinates", (0, "coordinates", "DECLARED_DIFFERS", "")),
        ("declared", (1, "istat_code", "DECLARED_DIFFERS", "")),
        ("quarantine", (-1, "", "", "COORD_COMUNE_CONFLICT")),
    ],
)
@pytest.mark.parametrize("order", [ORDER, ("istat_code", "coordinates"), ORDER[::-1]])
def test_trust_decides_when_point_and_declaration_differ(assign, trust, expected, order):
    assert told(assign([(*IN_0, "016002", "", "", "")], order, trust=trust)) == [expected]


def test_a_contradicted_row_is_less_sure(assign):
    rows = [(*IN_0, "016002", "", "", ""), (*IN_0, "015001", "", "", "")]
    assert assign(rows).confidence.tolist() == [0.8, 1.0]


@pytest.mark.parametrize(
    ("point", "flag"),
    [
        (("42.1", "9.1"), "COORD_SWAPPED"),
        (("0", "0"), "COORD_NULL_ISLAND"),
        (("inf", "42"), "COORD_INVALID"),
        (NOWHERE, "COORD_OUTSIDE"),
        (("", "42"), ""),
    ],
)
def test_a_row_with_bad_coordinates_is_placed_by_its_declaration_and_flagged(assign, point, flag):
    assert told(assign([(*point, "016002", "", "", "")])) == [(1, "istat_code", flag, "")]


def test_the_reason_is_that_of_the_first_method_with_content(assign):
    rows = [
        ("42.1", "9.1", "999999", "", "Castro", ""),
        ("", "", "999999", "", "Castro", ""),
        ("", "", "", "", "Castro", ""),
        ("", "", "", "", "", "EE"),
        ("", "", "", "", "", ""),
        ("", "7", "", "", "", ""),
    ]
    assigned = assign(rows)
    assert assigned.reason.tolist() == [
        "COORD_SWAPPED",
        "UNKNOWN_COMUNE",
        "AMBIGUOUS_COMUNE",
        "FOREIGN",
        "MISSING_KEY",
        "COORD_MISSING",
    ]
    assert all(assigned.detail)
    assert assigned.method.isna().all()
    assert (assigned.confidence == 0).all()


def test_without_other_columns_an_empty_point_is_a_missing_coordinate(assign):
    assert assign([("NaN", "NaN")], columns=("lon", "lat")).reason.tolist() == ["COORD_MISSING"]


def test_a_snapped_point_carries_its_flag_method_and_distance(assign):
    assigned = assign([("11.001", "42.5", "", "", "", ""), (*IN_0, "", "", "", "")])
    assert told(assigned) == [(1, "snapped", "SNAPPED", ""), (0, "coordinates", "", "")]
    assert assigned.distance_m[0] == pytest.approx(82.2, abs=0.5)
    assert np.isnan(assigned.distance_m[1])
    assert assigned.confidence.tolist() == [0.9, 1.0]
    never = assign([("11.001", "42.5", "", "", "", "")], snap_distance_m=0)
    assert never.reason.tolist() == ["COORD_OUTSIDE"]


def test_a_snapped_point_gives_way_to_a_trusted_declaration(assign):
    assigned = assign([("11.001", "42.5", "015001", "", "", "")], trust="declared")
    assert told(assigned) == [(0, "istat_code", "DECLARED_DIFFERS", "")]
    assert np.isnan(assigned.distance_m[0])


def test_failed_declarations_are_told_on_a_placed_row(assign):
    rows = [
        (*IN_0, "999999", "", "", ""),
        (*IN_0, "", "Q000", "", ""),
        (*IN_0, "", "", "Atlantide", ""),
        (*IN_0, "", "", "Parigi", "EE"),
    ]
    assert assign(rows).flags.tolist() == [
        "ISTAT_CODE_FAILED",
        "CADASTRAL_CODE_FAILED",
        "NAME_FAILED",
        "DECLARED_FOREIGN",
    ]


def test_predecessors_and_repaired_codes_are_flagged(assign):
    rows = [("", "", "15099", "", "", ""), ("", "", "", "a099", "", "")]
    assert assign(rows).flags.tolist() == ["REPAIRED_CODE|SUCCESSOR", "SUCCESSOR"]


def test_every_row_is_either_placed_or_has_a_reason_whatever_the_order_of_rows(assign):
    rng = np.random.default_rng(2)
    x = ["9.1", "42.1", "", "0", "inf", "10,5", "11.001", "14"]
    y = ["42.1", "9.1", "", "0", "1", "41,5", "42.5", "42.5"]
    codes = ["", "015001", "15099", "999999", "112001", "016002"]
    towns = ["", "Castro", "CASTRO", "Paterno'", "S. Elmo di Brianza", "Francia"]
    provinces = ["", "LE", "MI", "NAN", "NA", "XX"]
    n = 3000
    pick = rng.integers(0, 8, n)
    rows = list(
        zip(
            np.array(x)[pick],
            np.array(y)[pick],
            rng.choice(codes, n),
            rng.choice(["", "A001", "Z110"], n),
            rng.choice(towns, n),
            rng.choice(provinces, n),
            strict=True,
        )
    )
    assigned = assign(rows)
    assert ((assigned.position >= 0) == (assigned.reason == "")).all()
    assert ((assigned.position >= 0) == ~assigned.method.isna()).all()
    shuffle = rng.permutation(n)
    again = assign([rows[i] for i in shuffle])
    for field in ("position", "method", "confidence", "flags", "reason", "detail", "distance_m"):
        one = pd.Series(getattr(assigned, field)).iloc[shuffle].reset_index(drop=True)
        pd.testing.assert_series_equal(one, pd.Series(getattr(again, field)), check_names=False)


def test_an_empty_batch_is_placed_empty(assign):
    assert told(assign([])) == []


def test_absent_columns_are_passed_over_and_none_at_all_is_an_error(assign):
    assert told(assign([("A001",)], columns=("cadastral_code",))) == [(0, "cadastral_code", "", "")]
    with pytest.raises(TableError, match=r"MISSING_COLUMN.*municipality"):
        assign([("MI",)], columns=("province",))


def test_an_unknown_method_is_named(assign):
    with pytest.raises(TableError, match=r"PLACING_ORDER.*postcode"):
        assign([("",) * 6], order=("postcode",))


def test_records_come_back_untouched(small, small_names):
    records = pd.DataFrame({"lon": [" 9,1 "], "lat": ["42,1"], "municipality": [" castro "]})
    before = records.copy()
    assign_places(
        records,
        order=ORDER,
        locator=small,
        resolver=small_names,
        parameters=PlacingParameters(),
    )
    pd.testing.assert_frame_equal(records, before)


def test_a_check_places_no_row_but_contradicts_coordinates(layer, locator) -> None:
    resolver = build_resolver(layer, read_changes())
    inside = layer.loc["100005"].geometry.representative_point()
    records = pd.DataFrame(
        {
            "lon": [str(inside.x), str(inside.x), ""],
            "lat": [str(inside.y), str(inside.y), ""],
            "municipality": ["Prato", "Milano", "Prato"],
        }
    )
    arguments = {"order": ["coordinates"], "locator": locator, "resolver": resolver}
    found = assign_places(records, **arguments, parameters=PlacingParameters(), checks=["name"])
    prato = layer.index.get_loc("100005")
    assert found.position.tolist() == [prato, prato, -1]
    assert found.flags.tolist() == ["", "DECLARED_DIFFERS", ""]
    assert found.reason.tolist() == ["", "", "COORD_MISSING"]
    strict = PlacingParameters(trust="quarantine")
    found = assign_places(records, **arguments, parameters=strict, checks=["name"])
    assert found.reason.tolist() == ["", "COORD_COMUNE_CONFLICT", "COORD_MISSING"]
