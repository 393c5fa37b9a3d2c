"""Numbers whose point may part thousands or decimals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import SourceError
from geo_engine.quality.numbers import Numbers, decide_mark, merge_evidence, read_numbers


def read(*texts: str | None) -> Numbers:
    return read_numbers(pd.Series(list(texts), dtype="str"))


def decide(*texts: str, stated: str = "auto") -> str:
    return decide_mark(read(*texts).evidence, "addetti", stated=stated)


@pytest.mark.parametrize("column", [["1.234"], ["5", "12", "1.234", ""], ["1,234"], ["999.999"]])
def test_a_column_of_which_nothing_tells_what_the_point_means_is_refused(column: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        decide(*column)
    assert caught.value.code == "NUMBER_FORMAT_AMBIGUOUS"
    assert "addetti" in caught.value.message
    assert next(text for text in column if len(text) > 4) in caught.value.message
    assert f"1 of {len(column)}" in caught.value.message


@pytest.mark.parametrize(
    ("other", "mark", "value"),
    [
        ("1.234.567", ",", 1234.0),
        ("3,5", ",", 1234.0),
        ("1.234,5", ",", 1234.0),
        ("12.5", ".", 1.234),
        ("0.333", ".", 1.234),
        ("12.0", ".", 1.234),
        ("1,234.5", ".", 1.234),
        ("1234.567", ".", 1.234),
    ],
)
def test_other_values_of_the_column_decide(other: str, mark: str, value: float) -> None:
    numbers = read("1.234", other)
    assert decide_mark(numbers.evidence, "addetti") == mark
    assert numbers.values(mark)[0] == value  # type: ignore[arg-type]


def test_values_that_contradict_each_other_decide_nothing() -> None:
    with pytest.raises(
        SourceError, match=r"NUMBER_FORMAT_AMBIGUOUS.*1 values use the point, 1 the"
    ):
        decide("1.234", "3,5", "12.5")


def test_marks_without_a_doubtful_value_need_no_decision() -> None:
    numbers = read("3,5", "12.5", "7")
    assert decide_mark(numbers.evidence, "addetti") == ""
    np.testing.assert_array_equal(numbers.values(""), [3.5, 12.5, 7.0])


def test_whole_numbers_alone_do_not_decide() -> None:
    with pytest.raises(SourceError, match="NUMBER_FORMAT_AMBIGUOUS"):
        decide("1234", "5", "1.234")


def test_the_mark_that_the_study_states_decides() -> None:
    assert decide("1.234", stated=",") == ","
    assert decide("1.234", stated=".") == "."


@pytest.mark.parametrize(
    "text", ["-5", "\u22125", "1e12", "1000001", "1.234.567", "inf", "-Inf", "1e999"]
)
def test_an_impossible_number_is_out_of_range_whatever_the_mark(text: str) -> None:
    assert read(text).reasons.tolist() == ["VALUE_RANGE"]


@pytest.mark.parametrize(
    "text", ["0", "5", "1000000", "1.234", "999.999", "2,5", "1e3", "1 234", "-0"]
)
def test_a_possible_number_is_in_range(text: str) -> None:
    numbers = read(text)
    assert numbers.reasons.tolist() == [""]
    assert numbers.flags.tolist() == [""]


@pytest.mark.parametrize("text", [None, "", "  ", "-", "n.d.", "NaN", "NULL", "no data", "N/A"])
def test_a_blank_is_unknown_and_no_error(text: str | None) -> None:
    numbers = read(text)
    assert numbers.reasons.tolist() == numbers.flags.tolist() == [""]
    assert np.isnan(numbers.values("")).all()
    assert numbers.evidence.missing == 1


@pytest.mark.parametrize("text", ["10-49", "da 1 a 5", "abc", "1.2.3", "#REF!", "1,23,4", "=1+1"])
def test_a_text_that_is_no_number_is_flagged_and_unknown(text: str) -> None:
    numbers = read(text)
    assert numbers.flags.tolist() == ["NUMBER_INVALID"]
    assert numbers.reasons.tolist() == [""]
    assert np.isnan(numbers.values("")).all()


@settings(deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from(["5", "1.234", "3,5", "12.5", "", "-1", "x", "1.234.567"]), max_size=12
    )
)
def test_evidence_of_batches_adds_up_to_that_of_the_column(texts: list[str]) -> None:
    whole = read(*texts).evidence
    assert merge_evidence(read(text).evidence for text in texts) == whole
    assert whole.rows == len(texts)


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 10**7), st.integers(0, 99))
def test_a_number_written_either_way_is_read_back(whole: int, cents: int) -> None:
    english = f"{whole:,}.{cents:02d}"
    italian = english.replace(",", "_").replace(".", ",").replace("_", ".")
    value = whole + cents / 100
    assert math.isclose(read(english).by_point[0], value)
    assert math.isclose(read(italian).by_comma[0], value)
    assert math.isnan(read(english).by_comma[0])
    assert math.isnan(read(italian).by_point[0])


def test_no_rows_have_no_numbers() -> None:
    numbers = read()
    assert len(numbers.by_point) == 0
    assert decide_mark(numbers.evidence, "addetti") == ""
