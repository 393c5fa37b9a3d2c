"""Codes as extracts write them."""

import ateco
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.chains.ateco import normalize_ateco
from geo_engine.chains.classification import dotted, titles
from geo_engine.errors import ChainError

LEAVES = sorted(code for code in titles("2025") if len(code) == 8)


def read(value, edition="2007", beside=()):
    found = normalize_ateco([value, *beside], edition=edition)
    return found.codes[0], found.flags[0], found.reasons[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("62.01.00", "62.01.00"),
        ("620100", "62.01.00"),
        ("62010", "62.01.0"),
        ("6201", "62.01"),
        ("620", "62.0"),
        ("62", "62"),
        (" 62.01 ", "62.01"),
        ("\u00a062.01\u200b", "62.01"),
        ("J62.01", "62.01"),
        ("j 620100", "62.01.00"),
        ("62,01", "62.01"),
        ("62 01 00", "62.01.00"),
        ("62.01.", "62.01"),
        ("62.01.00 - Produzione di software", "62.01.00"),
        ("6201 Produzione di software", "62.01"),
        ("011110", "01.11.10"),
    ],
)
def test_a_code_is_read_in_every_usual_spelling(text, code):
    assert read(text) == (code, "", "")


@pytest.mark.parametrize(
    "text", ["", None, "NC", "n.c.", "N/D", "ND", "n.d.", "NULL", "nan", "-", "000000", "0", "..."]
)
def test_an_absent_code_is_missing_and_not_wrong(text):
    assert read(text) == ("", "ATECO_MISSING", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.1", "01.1"),  # 01.10 as a number
        ("1.11", "01.11"),
        ("1.11.10", "01.11.10"),
        ("1.5", "01.5"),  # 01.50 lies inside 01.5: the wider code is right in both readings
        ("8.11", "08.11"),
        ("3", "03"),
        ("01.10", "01.1"),  # filled up with a zero
        ("620000", "62.0"),
        ("280000", "28"),
        ("620100.0", "62.01.00"),
        ("471.0", "47.1"),
        ("11110", "01.11.10"),  # 11.11.0 does not exist
    ],
)
def test_a_damaged_number_is_repaired_where_one_code_fits(text, code):
    assert read(text) == (code, "ATECO_REPAIRED", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("01/10/2024", "10.1"),
        ("2024-10-01 00:00:00", "10.1"),
        ("10-gen", "10.1"),
        ("10-Jan-2024", "10.1"),
        ("28-dic", "28.12"),
        ("ott-72", "10.72"),
    ],
)
def test_a_date_is_repaired_where_one_code_fits(text, code):
    assert read(text) == (code, "ATECO_REPAIRED", "")


@pytest.mark.parametrize(
    "text", ["MAR-01", "01/02/2024", "3/11/2020", "3/11", "01/10/1972", "31/12/2024", "12-nov"]
)
def test_a_date_behind_which_two_codes_or_none_may_stand_is_invalid(text):
    assert read(text) == ("", "", "ATECO_INVALID")


@pytest.mark.parametrize(
    "text", ["1E5", "1.00E+05", "6,2e3", "software", "01.1.1", "6.2.0.1", "1234567"]
)
def test_a_text_that_is_no_code_is_invalid(text):
    assert read(text) == ("", "", "ATECO_INVALID")


@pytest.mark.parametrize("text", ["99.99.99", "62.99", "9999"])
def test_a_code_that_does_not_exist_keeps_its_row_without_a_chain(text):
    assert read(text) == ("", "ATECO_INVALID", "")


def test_a_code_of_the_other_edition_is_not_bent_into_this_one():
    assert read("62.10.00", "2007") == ("", "ATECO_INVALID", "")
    assert read("62.10.00", "2025") == ("62.10.00", "", "")
    assert read("62.10.00", "either") == ("62.10.00", "", "")


def test_an_odd_undotted_code_is_read_as_written_when_zeros_are_kept():
    assert read("161", beside=["011110", "620100"]) == ("16.1", "", "")
    assert read("161", beside=["620100"]) == ("16.1", "", "")


def test_an_odd_undotted_code_is_ambiguous_when_the_column_lost_its_zeros():
    assert read("161", beside=["11110", "620100"]) == ("", "", "ATECO_AMBIGUOUS")
    assert read("471", beside=["11110", "620100"]) == ("47.1", "", "")  # 04.71 does not exist


def test_an_ambiguous_code_says_which_codes_fit():
    found = normalize_ateco(["161", "11110"], edition="2007")
    assert "16.1" in found.details[0]
    assert "01.61" in found.details[0]


def test_the_update_of_2022_and_the_first_list_are_one_edition():
    assert read("01.13.20") == ("01.13.20", "", "")  # first list only
    assert read("27.40.02") == ("27.40.02", "", "")  # update only


def test_an_unknown_edition_is_refused():
    with pytest.raises(ChainError, match="ATECO_EDITION_UNKNOWN"):
        normalize_ateco(["62"], edition="2012")


def test_no_values_give_no_codes():
    assert len(normalize_ateco([], edition="2007").codes) == 0


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(sorted(titles("2025"))))
def test_every_code_of_an_edition_is_read_back_dotted_and_undotted(code):
    assert read(code, "2025")[0] == code
    assert read(code.replace(".", ""), "2025", beside=["011100"])[0] == code
    assert ateco.validate(code, edition="2025")


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=12))
def test_any_text_gives_an_existing_code_or_says_why_not(text):
    code, flag, reason = read(text, "2025")
    assert (code in titles("2025")) if code else bool(flag) != bool(reason)


@settings(deadline=None, derandomize=True)
@given(st.permutations(["161", "11110", "620100", "10-gen", "NC", "1.1", "99.99", "J62.01"]))
def test_what_a_text_means_does_not_depend_on_the_order_of_the_column(texts):
    def table(values):
        found = normalize_ateco(values, edition="2007")
        return dict(
            zip(values, zip(found.codes, found.flags, found.reasons, strict=True), strict=True)
        )

    assert table(texts) == table(sorted(texts))


def test_a_lost_zero_is_given_back_to_every_farm_code():
    farms = [code for code in LEAVES if code.startswith("0")]
    undotted = [code.replace(".", "")[1:] for code in farms]
    found = normalize_ateco(undotted, edition="2025")
    right = found.codes == farms
    quarantined = found.reasons == "ATECO_AMBIGUOUS"
    assert (right | quarantined).all()
    assert right.sum() > 0.9 * len(farms)
    for digits, is_out in zip(undotted, quarantined, strict=True):
        assert (dotted(digits) in titles("2025")) == is_out
