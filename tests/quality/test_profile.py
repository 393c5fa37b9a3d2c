"""Columns in one pass: keys of rows, kinds, distinct values; and identical rows."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.quality.duplicates import SeenRows, row_hashes
from geo_engine.quality.profile import (
    merge_profiles,
    profile_columns,
    quality_table,
    scan_rows,
    text_hashes,
)

TEXTS = st.text(max_size=12) | st.none() | st.sampled_from(["", " ", "a", "00", "1.5", "\u00a0"])


def table(**columns: list[str | None]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def kind(*values: str | None) -> str:
    return profile_columns(table(a=list(values)))["a"].kind


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12", "integer"),
        (" -5 ", "integer"),
        ("063049", "code"),
        ("0", "integer"),
        ("1.5", "decimal"),
        ("45,464", "decimal"),
        ("-9.5", "decimal"),
        ("1.00E+05", "decimal"),
        ("1E5", "decimal"),
        (".5", "text"),
        ("2024-12-31", "date"),
        ("31/12/2024", "date"),
        ("1/2/24", "date"),
        ("2024-12-31 00:00:00", "date"),
        ("62.01.00", "date"),
        ("Prato", "text"),
        ("VIA ROMA 1", "text"),
        ("1-2", "text"),
        ("1,2,3", "text"),
        ("-", "text"),
        ("", ""),
        ("\u00a0 \t", ""),
        ("\u2003\u3000", ""),
    ],
)
def test_the_kind_of_a_field_is_told_by_its_characters(value: str, expected: str) -> None:
    assert kind(value) == expected


def test_a_column_of_several_kinds_names_two_of_them() -> None:
    assert kind("Prato", "Prato", "12") == "text+integer"
    assert kind(*["7"] * 99, "x") == "integer"
    assert kind("1", "02") == "code"


@settings(deadline=None, derandomize=True)
@given(st.lists(TEXTS, max_size=30))
def test_filled_fields_are_those_that_strip_to_something(values: list[str | None]) -> None:
    column = profile_columns(table(a=values))["a"]
    blanks = sum(not (value or "").strip() for value in values)
    assert column.rows == len(values)
    assert column.filled == len(values) - blanks


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 60_000), st.integers(0, 2**32))
def test_distinct_values_are_estimated_within_six_percent(count: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 2**40, count).astype(str)
    column = profile_columns(table(a=[*values.tolist(), ""]))["a"]
    assert abs(column.distinct - len(set(values))) <= max(1, 0.06 * count)
    assert column.distinct <= column.filled


def test_profiles_of_batches_add_up_to_that_of_the_whole() -> None:
    rows = table(a=[str(i % 700) for i in range(3000)], b=["x", None, ""] * 1000)
    parts = merge_profiles(profile_columns(rows.slice(i, 500)) for i in range(0, 3000, 500))
    whole = profile_columns(rows)
    pd.testing.assert_frame_equal(quality_table(parts), quality_table(whole))
    for name in whole:
        np.testing.assert_array_equal(parts[name].registers, whole[name].registers)
    assert quality_table(whole)["filled"].tolist() == [3000, 1000]


def test_an_empty_table_has_an_empty_profile() -> None:
    empty = quality_table(profile_columns(table(a=[])))
    assert empty[["rows", "filled", "distinct"]].to_numpy().tolist() == [[0, 0, 0]]
    assert row_hashes(table(a=[]), np.zeros(0, np.int16)).shape == (0, 2)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(TEXTS, TEXTS, st.integers(2020, 2022)), min_size=1, max_size=20))
def test_keys_are_equal_for_equal_rows_alone(
    rows: list[tuple[str | None, str | None, int]],
) -> None:
    year = np.array([row[2] for row in rows], np.int16)
    keys = row_hashes(table(a=[row[0] for row in rows], b=[row[1] for row in rows]), year)
    other = row_hashes(table(b=[row[1] for row in rows], a=[row[0] for row in rows]), year)
    np.testing.assert_array_equal(keys, other)
    plain = [(a or "", b or "", when) for a, b, when in rows]
    for i, one in enumerate(plain):
        for j, two in enumerate(plain):
            for side in range(2):
                assert (keys[i, side] == keys[j, side]) == (one == two)


def test_a_text_in_another_column_is_another_row() -> None:
    year = np.full(1, 2024)
    one = row_hashes(table(a=["x"], b=[""]), year)
    two = row_hashes(table(a=[""], b=["x"]), year)
    assert (one != two).all()
    swapped = row_hashes(table(a=["x"], b=["x"]), year)
    assert (swapped != row_hashes(table(a=["y"], b=["y"]), year)).all()


def test_keys_do_not_depend_on_how_a_column_is_stored() -> None:
    values = ["a", None, "bé", "a"]
    year = np.full(4, 2024, np.int16)
    expected = row_hashes(table(a=values), year)
    for column in (
        pa.array(values, pa.large_string()),
        pa.array(values).dictionary_encode(),
        pa.chunked_array([values[:1], values[1:]]),
    ):
        np.testing.assert_array_equal(row_hashes(pa.table({"a": column}), year), expected)


def test_keys_of_near_texts_are_all_different_and_every_bit_is_used() -> None:
    rows = table(a=[f"{i:07d}" for i in range(200_000)])
    keys, _ = scan_rows(rows, np.zeros(200_000, np.int16))
    for side in range(2):
        assert len(np.unique(keys[:, side])) == 200_000
    for side in range(2):  # every bit is as often one as zero
        for bit in range(64):
            share = ((keys[:, side] >> np.uint64(bit)) & np.uint64(1)).mean()
            assert abs(share - 0.5) < 0.01


def test_texts_of_two_roles_never_share_a_key() -> None:
    texts = pd.Series(["a", "b", ""], dtype="str")
    one, two = text_hashes(texts, "firm_id"), text_hashes(texts, "tax_code")
    assert len({*one.tolist(), *two.tolist()}) == 6
    np.testing.assert_array_equal(one, text_hashes(texts, "firm_id"))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.lists(st.integers(0, 30), max_size=40), max_size=8))
def test_a_row_is_repeated_when_it_was_met_before(batches: list[list[int]]) -> None:
    seen, met = SeenRows(), set()
    for batch in batches:
        hashes = np.array([[i * (i % 3), i] for i in batch], np.uint64).reshape(-1, 2)
        expected = []
        for key in map(tuple, hashes.tolist()):
            # two zeros stand for an empty slot, so that this one key is kept as (0, 1)
            key = (0, 1) if key == (0, 0) else key
            expected.append(key in met)
            met.add(key)
        assert seen.repeated(hashes).tolist() == expected


def test_many_rows_are_remembered_while_tables_grow() -> None:
    rng = np.random.default_rng(5)
    hashes = rng.integers(0, 2**64, (300_000, 2), dtype=np.uint64)
    seen = SeenRows()
    for begin in range(0, len(hashes), 50_000):
        assert not seen.repeated(hashes[begin : begin + 50_000]).any()
    shuffled = hashes[rng.permutation(len(hashes))]
    assert seen.repeated(shuffled).all()
    half = hashes.copy()
    half[:, 1] ^= np.uint64(1)  # the first key alone does not make a row the same
    assert not seen.repeated(half).any()


def test_ten_times_the_rows_take_no_more_memory_than_their_keys() -> None:
    seen = SeenRows()
    rng = np.random.default_rng(6)
    seen.repeated(rng.integers(0, 2**64, (200_000, 2), dtype=np.uint64))
    size = sum(part.nbytes for part in seen._tables)
    assert size <= 16 * 200_000 / 0.75 * 2


def test_the_same_date_in_two_years_is_two_rows() -> None:
    rows = table(a=[str(dt.date(2024, 1, 1))] * 2)
    keys = row_hashes(rows, np.array([2023, 2024], np.int16))
    assert (keys[0] != keys[1]).all()
