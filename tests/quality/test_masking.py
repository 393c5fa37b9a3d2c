"""Examples that name nobody."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.quality.masking import REASON_ROLES, masked, masked_record, scrub, wrong_roles

ROLES = ["tax_code", "name", "firm_id", "municipality", "province", "ateco", "year", "lon", ""]


@pytest.mark.parametrize(
    ("value", "role", "reason", "shown"),
    [
        ("00743110158", "tax_code", "CF_CHECKSUM", "**********8"),
        ("RCCMNL83S18D969A", "tax_code", "CF_CHECKSUM", "R**************A"),
        ("RCCMNL83S18D969A", "tax_code", "DUPLICATE", "R***************"),
        ("1.23E+10", "tax_code", "CF_INVALID", "*.***+**"),
        ("Mario Rossi 1975", "name", "DUPLICATE", "M**** R**** ****"),
        ("Castro", "municipality", "AMBIGUOUS_COMUNE", "Cas***"),
        ("Ugo Rea", "municipality", "UNKNOWN_COMUNE", "U** R**"),
        ("NA", "province", "UNKNOWN_COMUNE", "NA"),
        ("45,464", "lat", "COORD_SWAPPED", "45,4**"),
        ("37.31492626453715", "lat", "COORD_SWAPPED", "37.3*************"),
        ("-514830,25", "lon", "COORD_INVALID", "-514830,2*"),
        ("POINT(9.1 45.2)", "lon", "COORD_INVALID", "P****(*.* **.*)"),
        ("MAR-01", "ateco", "ATECO_INVALID", "MAR-01"),
        ("1.00E+05", "ateco", "ATECO_INVALID", "1.00E+05"),
        ("-5", "employees", "VALUE_RANGE", "-5"),
        ("063049", "istat_code", "UNKNOWN_COMUNE", "063049"),
        (None, "year", "YEAR_INVALID", ""),
    ],
)
def test_what_is_wrong_stays_readable_and_whose_it_is_does_not(
    value: str | None, role: str, reason: str, shown: str
) -> None:
    assert masked(value, role, reason) == shown


@settings(deadline=None, derandomize=True)
@given(
    st.from_regex(r"[0-9]{11}|[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]", fullmatch=True),
    st.sampled_from(ROLES),
    st.sampled_from([*REASON_ROLES, "UNKNOWN_COMUNE"]),
    st.sampled_from(["{}", "cf {} x", "  {}", "({})"]),
)
def test_a_whole_tax_code_is_never_shown(code: str, role: str, reason: str, frame: str) -> None:
    shown = masked(frame.format(code), role, reason)
    assert code not in shown
    assert not re.search(r"\d{7}", shown)


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=60), st.sampled_from(ROLES))
def test_a_masked_value_is_one_short_line_without_control_characters(value: str, role: str) -> None:
    shown = masked(value, role)
    assert len(shown) <= 40
    assert shown.isprintable()


@settings(deadline=None, derandomize=True)
@given(st.from_regex(r"[A-Z][a-z]{2,12}( [A-Z][a-z]{2,12}){1,3}", fullmatch=True))
def test_no_word_of_a_name_is_whole(name: str) -> None:
    for role in ("name", "municipality", "province", "year", ""):
        assert not set(masked(name, role).split()) & set(name.split())


def test_columns_of_the_wrong_roles_alone_are_shown() -> None:
    record = {"cf": "00743110158", "nome": "Mario Rossi", "comune": "Prato", "via": "Via Roma 1"}
    columns = {"tax_code": "cf", "name": "nome", "municipality": "comune"}
    assert masked_record(record, columns, "CF_CHECKSUM") == {"cf": "**********8"}
    assert masked_record(record, columns, "UNKNOWN_COMUNE") == {"comune": "Pr***"}
    assert masked_record(record, {}, "UNKNOWN_COMUNE") == {}
    assert masked_record({}, columns, "UNKNOWN_COMUNE") == {"comune": ""}


def test_every_reason_points_somewhere() -> None:
    assert wrong_roles("CF_CONFLICT") == ("tax_code",)
    assert wrong_roles("COORD_COMUNE_CONFLICT")[:2] == ("lon", "lat")
    assert "municipality" in wrong_roles("RAGGED_ROW")


def test_codes_inside_a_text_are_hidden() -> None:
    assert scrub("tel 0574123456 int 12") == "tel ********** int 12"
