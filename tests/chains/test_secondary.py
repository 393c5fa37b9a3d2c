"""Secondary codes: several in one text, of one source or more."""

import pandas as pd
import pytest

from geo_engine.chains.secondary import read_lists, read_secondary, split_codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("62.01.00; 63.11.1", ("62.01.00", "63.11.1")),
        ("62.01.00|62.01.00", ("62.01.00",)),
        ("620100,631110", ("620100", "631110")),
        ("62.01.00 63.11.10", ("62.01.00", "63.11.10")),
        ("62.01.00/63.11", ("62.01.00", "63.11")),
        ("J62.01, C10.11", ("J62.01", "C10.11")),
        ("62,01,00", ("62,01,00",)),
        ("62 01 00", ("62 01 00",)),
        ("62.01 - Software; 63", ("62.01 - Software", "63")),
        ("; ;", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_a_text_of_several_codes_is_split_and_one_code_is_not(text, codes):
    assert split_codes(text) == codes


def test_secondary_codes_that_cannot_be_read_are_left_out_and_counted():
    read = read_secondary(["62.01.00; boh", "99.99.99"], [3, 2], edition="2007")
    assert [read.table["code"][i] for i in read.codes] == ["62.01.00"]
    assert list(read.first) == [0, 1, 1]
    assert read.unusable_rows == 5


def test_secondary_codes_follow_the_edition_that_their_row_states():
    read = read_secondary(["47.81", "47.81"], [5, 5], edition="auto", declared=["2007", "2025"])
    assert list(read.table["edition"]) == ["2007", "2025"]


def test_lists_of_several_sources_are_read_each_in_its_edition_and_keep_their_order():
    lists = pd.DataFrame(
        {
            "source": [1, 0, 1],
            "text": ["47.81", "47.81;62.01.00", ""],
            "version": ["", "", ""],
            "rows": [2, 3, 4],
        },
        index=[7, 3, 5],
    )
    read = read_lists(lists, {0: "2007", 1: "2025"})
    own = [
        [tuple(read.table.loc[i, ["code", "edition"]]) for i in read.codes[start:end]]
        for start, end in zip(read.first[:-1], read.first[1:], strict=True)
    ]
    assert own == [[("47.81", "2025")], [("47.81", "2007"), ("62.01.00", "2007")], []]
    assert list(read_lists(lists.iloc[:0], {}).first) == [0]
