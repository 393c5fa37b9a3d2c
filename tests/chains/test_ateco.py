"""Codes as extracts write them."""

import functools
import sys

import ateco
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.chains.ateco import normalize_ateco
from geo_engine.chains.classification import EDITIONS, digits_of, dotted, titles
from geo_engine.errors import ChainError
from tests.chains.damage import DATES, HARMLESS, NUMBERS

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
        ("471", "47.1"),
        ("62", "62"),
        (" 62.01 ", "62.01"),
        ("\u00a062.01\u200b", "62.01"),
        ("J62.01", "62.01"),
        ("C.10.11", "10.11"),
        ("C-10.11", "10.11"),
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
        ("1.0", "01"),  # a division as a decimal number
        ("28.0", "28"),
        ("A1.11", "01.11"),
        ("1,1", "01.1"),
        ("11110", "01.11.10"),  # 11.11.0 does not exist
    ],
)
def test_a_damaged_number_is_repaired_where_one_code_fits(text, code):
    assert read(text) == (code, "REPAIRED_ATECO", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("01/10/2024", "10.1"),
        ("2024-10-01 00:00:00", "10.1"),
        ("10-gen", "10.1"),
        ("10-Jan-2024", "10.1"),
        ("28-dic", "28.12"),
        ("ott-72", "10.72"),
        ("01/10/1972", "10.72"),  # nobody typed 1.10 in 1972
        ("ott-01", "10.1"),
        ("1-Oct", "10.1"),
        ("1 ottobre", "10.1"),
        ("October 1, 2024", "10.1"),
        ("45566", "10.1"),  # 1 October 2024 in days
        ("45566.0", "10.1"),
    ],
)
def test_a_date_is_repaired_where_one_code_fits(text, code):
    assert read(text) == (code, "REPAIRED_ATECO", "")


@pytest.mark.parametrize(
    "text", ["MAR-01", "01/02/2024", "3/11/2020", "3/11", "01/10/2020", "31/12/2024", "12-nov"]
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


def test_a_word_that_only_begins_like_a_month_is_no_date():
    assert read("10 Marmellate e succhi") == ("10", "", "")
    assert read("10 mar") != ("10", "", "")


def test_an_odd_undotted_code_is_read_as_written_when_zeros_are_kept():
    assert read("161", beside=["011110", "620100"]) == ("16.1", "", "")


def test_an_odd_undotted_code_is_read_as_written_where_codes_have_this_length():
    assert read("161", beside=["471", "620100"]) == ("16.1", "", "")  # 04.71 does not exist


def test_an_odd_undotted_code_without_any_evidence_is_ambiguous():
    found = normalize_ateco(["620"], edition="2007")
    assert found.reasons[0] == "ATECO_AMBIGUOUS"
    assert "06.20" in found.details[0]
    assert "62.0" in found.details[0]
    assert read("161", beside=["620100"]) == ("", "", "ATECO_AMBIGUOUS")


def test_the_one_length_of_all_other_codes_tells_whether_a_zero_was_lost():
    whole = ["620100", "471120", "561011", "692011", "682001"]
    assert read("16100", beside=whole) == ("01.61.00", "REPAIRED_ATECO", "")
    groups = ["471", "561", "692", "682", "854"]
    assert read("620", beside=groups) == ("62.0", "", "")


def test_the_one_length_of_all_other_codes_tells_a_class_from_a_whole_code():
    assert read("01/11/2010")[2] == "ATECO_INVALID"  # 01.11, 11.01 or 01.11.10
    whole = ["62.01.00", "47.11.20", "56.10.11", "69.20.11", "68.20.01"]
    assert read("01/11/2010", beside=whole) == ("01.11.10", "REPAIRED_ATECO", "")


def test_a_number_of_days_is_a_code_where_codes_go_without_points():
    assert read("45566", beside=["620100", "471120"]) == ("", "ATECO_INVALID", "")
    assert read("45310") == ("45.31.0", "", "")
    dotted_codes = ["62.01.00", "47.11.20", "56.10.11", "69.20.11", "68.20.01"]
    assert read("45310", beside=dotted_codes) == ("", "", "ATECO_AMBIGUOUS")  # 19 January 2024


def test_a_decimal_tail_never_proves_that_zeros_were_kept():
    assert read("161.0", beside=["011110", "471"]) == ("", "", "ATECO_AMBIGUOUS")
    assert read("11.0", beside=["471.0"]) == ("", "", "ATECO_AMBIGUOUS")  # 11, or 01.1


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


def is_alike(found, code, edition):
    """Decide on its own whether two codes hold the same six-digit codes of PyPI's ateco."""
    published = ("2007", "2022") if edition == "2007" else ("2025",)
    wide, narrow = sorted((found, code), key=len)
    return digits_of(narrow).startswith(digits_of(wide)) and all(
        {leaf for leaf in all_codes(one) if leaf.startswith(wide)}
        == {leaf for leaf in all_codes(one) if leaf.startswith(narrow)}
        for one in published
    )


@functools.cache
def all_codes(published):
    nodes = ateco.search(".", edition=published, limit=sys.maxsize)
    return frozenset(node.code for node in nodes if len(node.code) == 8)


def outcomes(damage, edition, codes, beside=()):
    """Damage codes one way; count those given back, refused, and those turned into others."""
    damaged = [(code, damage(code)) for code in codes]
    damaged = [(code, text) for code, text in damaged if text is not None]
    found = normalize_ateco([*(text for _, text in damaged), *beside], edition=edition)
    wrong = [
        (code, text, got)
        for (code, text), got in zip(damaged, found.codes, strict=False)
        if got and got != code and not is_alike(got, code, edition)
    ]
    given = sum(bool(got) for _, got in zip(damaged, found.codes, strict=False))
    return len(damaged), given, wrong


def is_a_code_itself(text, edition):
    return dotted(text) in titles(edition) or dotted(text.removesuffix(".0")) in titles(edition)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("way", [*NUMBERS, *DATES, *HARMLESS])
def test_no_damaged_code_of_a_whole_edition_becomes_another_one(way, edition):
    damage = (NUMBERS | DATES | HARMLESS)[way]
    for code in sorted(titles(edition)):  # alone: the hardest case, without any evidence
        _, _, wrong = outcomes(damage, edition, [code])
        assert all(is_a_code_itself(text, edition) for _, text, _ in wrong), wrong


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("way", [*NUMBERS, *DATES])
@pytest.mark.parametrize("level", [0, 2, 3, 4, 5, 6])
def test_no_code_of_a_damaged_column_becomes_another_one(way, edition, level):
    codes = [code for code in sorted(titles(edition)) if level in (0, len(digits_of(code)))]
    damage = (NUMBERS | DATES)[way]
    _, _, wrong = outcomes(damage, edition, codes)
    if way in ("serial", "filled up"):  # some are codes by themselves, and nothing says more
        assert all(is_a_code_itself(text, edition) for _, text, _ in wrong), wrong
        assert len(wrong) <= 9
    else:
        assert wrong == []


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    ("way", "share"),
    [("decimal number", 1.0), ("first zero lost", 0.99), ("whole number", 0.96), ("ISO", 0.6)],
)
def test_most_damaged_codes_are_given_back(way, share, edition):
    damage = (NUMBERS | DATES)[way]
    damaged, given, _ = outcomes(damage, edition, sorted(titles(edition)))
    assert given >= share * damaged


def test_whole_codes_damaged_as_dates_in_a_column_of_whole_codes_are_given_back():
    hit = [code for code in LEAVES if DATES["ISO"](code)]
    damaged, given, wrong = outcomes(DATES["ISO"], "2025", hit, beside=LEAVES)
    assert wrong == []
    assert damaged > 50
    assert given > 0.9 * damaged


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
