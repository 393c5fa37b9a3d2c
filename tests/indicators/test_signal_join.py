"""Joining another table: keys, what rows of one firm say together, the account of both sides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.indicators.signal_index import TableRows, index_table, join_rows
from geo_engine.indicators.signal_join import listed_signal, match_firms
from geo_engine.indicators.signal_keys import dated_keys, rea_keys, tax_keys
from geo_engine.indicators.signal_matches import (
    found_rows,
    match_counts,
    match_sentence,
    match_table,
    new_hits,
    note_hits,
)
from geo_engine.indicators.signal_tables import (
    KeyColumns,
    dated_firm_keys,
    read_keys,
    table_rows,
    thresholds_of,
)
from geo_engine.indicators.signals import SignalDefinition, check_signals

COMPANY = "00743110157"
PERSON = "RCCMNL83S18D969H"


def keys(*numbers) -> np.ndarray:
    return np.array(numbers, np.uint64)


def int8(*numbers) -> np.ndarray:
    return np.array(numbers, np.int8)


def rows(table_keys, **signals) -> TableRows:
    return TableRows(
        keys=(keys(*table_keys),), signals={name: int8(*v) for name, v in signals.items()}
    )


# Keys


@pytest.mark.parametrize(
    "text",
    [
        *("MI-1234567", "MI 1234567", "MI1234567", "mi/1234567", "MI - 01234567"),
        *("REA MI-1234567", "R.E.A. n. MI 1.234.567", "REA: MI-1234567", "1234567 MI"),
        *("n° 1234567", "1234567", "1234567.0", "001234567", " ＭＩ-1234567 "),
    ],
)
def test_one_rea_number_has_one_key_however_it_is_written(text):
    found = rea_keys(pd.Series([text, "MI-1234567"]), pd.Series(["MI", "MI"]))
    assert found[0] == found[1] != 0


def test_rea_numbers_of_two_provinces_differ_and_old_abbreviations_are_the_new_ones():
    found = rea_keys(pd.Series(["MI-12", "TO-12", "FO-12", "FC-12", "PS-12", "PU-12", "NA-12"]))
    assert len(set(found.tolist())) == 5
    assert found[2] == found[3]
    assert found[4] == found[5]
    assert 0 not in found


def test_the_province_of_the_number_counts_before_the_column_which_may_hold_names():
    found = rea_keys(
        pd.Series(["MI-12", "12", "12", "12", "12"]),
        pd.Series(["TO", "Forlì-Cesena", "FC", "REGGIO EMILIA", ""]),
        abbreviations={"Forli-Cesena": "FC", "Reggio Emilia": "RE"},
    )
    assert found[0] == rea_keys(pd.Series(["MI-12"]))[0]
    assert found[1] == found[2] != 0
    assert found[3] == rea_keys(pd.Series(["RE 12"]))[0]
    assert found[4] == 0


@pytest.mark.parametrize(
    "text", [None, "", "MI-", "MI-0", "MI-1234567890", "MIL-12", "boh", "M-12"]
)
def test_what_is_no_rea_number_has_no_key(text):
    assert rea_keys(pd.Series([text], dtype="str")).tolist() == [0]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(st.text(alphabet="MIfoPS0123456789- .", max_size=14), min_size=1, max_size=20))
def test_a_simple_number_read_at_once_is_what_it_is_among_words(texts):
    beside = pd.Series(["TO"] * len(texts))
    among_words = rea_keys(pd.Series([f"REA {text}" for text in texts]), beside)
    np.testing.assert_array_equal(rea_keys(pd.Series(texts), beside), among_words)


def test_tax_codes_have_the_key_by_which_firms_are_told_apart():
    found = tax_keys(pd.Series([COMPANY, "743110157", "IT 00743110157", PERSON, "", "x", None]))
    assert found[0] == found[1] == found[2] != found[3]
    assert found[4:].tolist() == [0, 0, 0]


def test_pseudonyms_have_keys_only_where_both_tables_are_said_to_hold_them():
    texts = pd.Series(["a1b2c3", "A1B2C3 ", COMPANY, ""])
    plain, pseudonymous = tax_keys(texts), tax_keys(texts, pseudonyms=True)
    assert plain[:2].tolist() == [0, 0]
    assert pseudonymous[0] == pseudonymous[1] != 0
    assert pseudonymous[2] == plain[2]
    assert pseudonymous[3] == 0


def test_dated_keys_of_one_firm_differ_by_year_and_no_key_stays_none():
    found = dated_keys(keys(7, 7, 7, 0, 9), np.array([2023, 2023, 2025, 2023, 2023]))
    assert found[0] == found[1]
    assert len(set(found.tolist())) == 4
    assert found[3] == 0


# What the rows of a firm say together


@pytest.mark.parametrize(
    ("resolve", "verdict"), [("unknown", -1), ("any", 1), ("all", 0), ("first", 1), ("last", 0)]
)
def test_rows_in_conflict_follow_the_rule_and_unknown_rows_never_count_against(resolve, verdict):
    table = index_table("t", rows([5, 5, 5, 8, 8, 3], s=[-1, 1, 0, -1, 1, -1]), resolve=resolve)
    match = match_firms(table, [keys(5, 8, 3)])
    assert match.signals["s"].tolist() == [verdict, 1, -1]
    assert (table.repeated, dict(table.conflicts)) == (3, {"s": 1})


def test_amounts_add_up_over_the_rows_of_a_firm_and_unknown_parts_may_leave_it_open():
    part = TableRows(
        keys=(keys(1, 1, 2, 2, 3, 4),),
        amounts={
            "aid": np.array([600.0, 500, 400, np.nan, 100, 1000]),
            "aids": np.ones(6),
        },
    )
    table = index_table("rna", part, thresholds={"aid": 1000.0, "aids": 2.0})
    match = match_firms(table, [keys(1, 2, 3, 4, 5)], absent="no")
    assert match.signals["aid"].tolist() == [1, -1, 0, 1, 0]
    assert match.signals["aids"].tolist() == [1, 1, 0, 0, 0]
    with pytest.raises(TableError, match=r"SIGNAL_RULE.*threshold"):
        index_table("rna", part)


def test_absence_means_no_only_in_a_table_that_lists_everyone():
    table = index_table("t", rows([1], s=[1]))
    firms = [keys(1, 2, 0)]
    assert match_firms(table, firms).signals["s"].tolist() == [1, -1, -1]
    match = match_firms(table, firms, absent="no")
    assert match.signals["s"].tolist() == [1, 0, -1]
    assert match.by.tolist() == [0, -1, -2]
    assert listed_signal(match, absent="no").tolist() == [1, 0, -1]
    assert listed_signal(match, absent="unknown").tolist() == [1, -1, -1]


def test_the_second_key_finds_what_the_first_does_not_and_disagreements_are_counted():
    table = index_table(
        "t",
        TableRows(keys=(keys(1, 0, 3, 0), keys(101, 102, 103, 0)), signals={"s": int8(1, 0, 1, 1)}),
    )
    match = match_firms(table, [keys(1, 0, 9, 1, 0), keys(101, 102, 103, 102, 0)])
    assert match.by.tolist() == [0, 1, 1, 0, -2]
    assert match.signals["s"].tolist() == [1, 0, 1, 1, -1]
    assert match.disagreements == 1  # the fourth firm: tax code of one row, REA number of another
    assert table.without_key == 1
    hits = new_hits(table)
    note_hits(hits, match)
    assert found_rows(table, hits) == 3


def test_keys_of_other_kinds_than_the_tables_are_refused():
    with pytest.raises(TableError, match="SIGNAL_KEYS"):
        match_firms(index_table("t", rows([1])), [keys(1), keys(2)])


def test_an_empty_table_finds_nobody():
    table = index_table("t", rows([], s=[]))
    match = match_firms(table, [keys(1, 0)])
    assert match.by.tolist() == [-1, -2]
    assert found_rows(table, new_hits(table)) == 0


def test_rows_that_speak_from_a_year_on_count_only_from_then_and_add_up():
    part = TableRows(
        keys=(keys(1, 1, 1, 2),),
        signals={"s": int8(1, -1, 0, 1)},
        amounts={"aid": np.array([600.0, 500.0, np.nan, 2000.0])},
        since=np.array([2020, 2022, 2021, 2023]),
    )
    table = index_table("rna", part, thresholds={"aid": 1000.0}, resolve="last")
    years = np.arange(2019, 2024)
    match = match_firms(table, [keys(1, 1, 1, 1, 1)], years=years, absent="no")
    assert match.by.tolist() == [-1, 0, 0, 0, 0]  # not in the table yet
    assert match.signals["s"].tolist() == [0, 1, 0, 0, 0]
    assert match.signals["aid"].tolist() == [0, 0, -1, 1, 1]
    assert listed_signal(match, absent="no").tolist() == [0, 1, 1, 1, 1]
    hits = new_hits(table)
    note_hits(hits, match)
    assert found_rows(table, hits) == 3
    with pytest.raises(TableError, match=r"SIGNAL_KEYS.*needs years"):
        match_firms(table, [keys(1)])


RESOLVE = st.sampled_from(["unknown", "any", "all", "first", "last"])


@settings(deadline=None, derandomize=True, max_examples=80)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(2019, 2023), st.sampled_from([1, 0, -1])),
        max_size=25,
    ),
    RESOLVE,
)
def test_what_is_true_by_a_year_is_what_the_rows_up_to_it_say_one_by_one(listed, resolve):
    part = TableRows(
        keys=(keys(*[key for key, _, _ in listed]),),
        signals={"s": int8(*[value for _, _, value in listed])},
        since=np.array([year for _, year, _ in listed], np.int64),
    )
    table = index_table("t", part, resolve=resolve)
    for year in range(2018, 2025):
        match = match_firms(table, [keys(1, 2, 3, 4)], years=np.full(4, year), absent="unknown")
        for firm, verdict, by in zip((1, 2, 3, 4), match.signals["s"], match.by, strict=True):
            own = sorted(
                ((y, v) for key, y, v in listed if key == firm and y <= year),
                key=lambda row: row[0],
            )
            known = [value for _, value in own if value != -1]
            rules = {"unknown": -1, "any": 1, "all": 0}
            settled = {"first": known[:1], "last": known[-1:]}.get(resolve, [rules.get(resolve)])
            expected = known[0] if len(set(known)) == 1 else settled[0] if known else -1
            assert verdict == expected
            assert (by == 0) == bool(own)


# Against pandas


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from([1, 0, -1])), max_size=40),
    st.lists(st.integers(0, 15), max_size=30),
    st.integers(1, 5),
)
def test_a_join_in_batches_finds_what_a_merge_of_pandas_finds(table_rows_, firms, batches):
    table_keys = [key for key, _ in table_rows_]
    table = index_table("t", rows(table_keys, s=[value for _, value in table_rows_]))

    frame = pd.DataFrame(table_rows_, columns=["key", "s"], dtype=int)
    known = frame[(frame["key"] != 0) & (frame["s"] >= 0)]
    bounds = known.groupby("key")["s"].agg(["min", "max"])
    said = bounds["min"].where(bounds["min"] == bounds["max"], -1).rename("s")
    wanted = pd.DataFrame({"key": np.array(firms, int)})
    merged = wanted.merge(said, "left", left_on="key", right_index=True)
    listed = frame.loc[frame["key"] != 0, "key"].unique()

    hits, by, values, counts = new_hits(table), [], [], 0
    for part in np.array_split(np.array(firms, np.uint64), batches):
        match = match_firms(table, [part])
        note_hits(hits, match)
        by.append(match.by)
        values.append(match.signals["s"])
        counts = counts + match_counts(match.by, np.zeros(len(part), int), 1)
    by, values = np.concatenate(by), np.concatenate(values)

    np.testing.assert_array_equal(values, merged["s"].fillna(-1).astype(int))
    np.testing.assert_array_equal(by == 0, np.isin(firms, listed))
    np.testing.assert_array_equal(by == -2, np.array(firms) == 0)
    assert counts.sum() == len(firms)  # nobody is lost
    of_firms = frame["key"].isin([key for key in firms if key != 0])
    assert found_rows(table, hits) == int(of_firms.sum())
    assert table.without_key == int((frame["key"] == 0).sum())
    assert table.rows == len(frame)
    distinct = frame.loc[frame["key"] != 0, "key"].nunique()
    assert table.repeated == len(frame) - table.without_key - distinct
    both = known.groupby("key")["s"].nunique()
    assert table.conflicts["s"] == int((both == 2).sum())


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from([1, 0, -1])), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_rows_does_not_matter_unless_first_or_last_is_asked(table_rows_, random):
    shuffled = list(table_rows_)
    random.shuffle(shuffled)
    found = []
    for listed in (table_rows_, shuffled):
        table = index_table("t", rows([k for k, _ in listed], s=[v for _, v in listed]))
        found.append(match_firms(table, [np.arange(8, dtype=np.uint64)]).signals["s"])
    np.testing.assert_array_equal(*found)


def test_batches_of_a_table_put_together_are_the_whole_table():
    whole = rows([1, 2, 0, 1], s=[1, 0, 1, 0])
    joined = join_rows([rows([1, 2], s=[1, 0]), rows([0, 1], s=[1, 0])])
    np.testing.assert_array_equal(joined.keys[0], whole.keys[0])
    np.testing.assert_array_equal(joined.signals["s"], whole.signals["s"])


# Rates and words


def test_match_rates_stand_by_size_province_and_chain():
    by = int8(0, 0, -1, -2, 1, 0)
    code = np.array([0, 0, 1, 1, -1, 2])
    members = np.array([[True, True], [False, True], [True, False]])
    by_code = match_counts(by, code, 3)
    size = match_counts(by, np.array([0, 1, 1, 1, -1, 3]), 4)
    chains = members.T.astype(int) @ by_code[:-1]
    table = match_table({"chain": (("moda", "ict"), chains), "size": (("a", "b", "c", "d"), size)})
    assert table["dimension"].tolist() == ["chain"] * 2 + ["size"] * 4
    assert table["group"].tolist() == ["moda", "ict", "a", "b", "d", "non noto"]
    assert table["firms"].tolist() == [3, 4, 1, 3, 1, 1]
    assert table["matched"].tolist() == [3, 2, 1, 1, 1, 1]
    assert table["without_key"].tolist() == [0, 1, 0, 1, 0, 0]
    assert table["rate"].round(3).tolist() == [1.0, 0.5, 1.0, 0.333, 1.0, 1.0]


def test_only_the_firms_asked_for_are_counted():
    counted = np.array([True, False, True])
    found = match_counts(int8(0, 0, -1), np.zeros(3, int), 1, counted=counted)
    assert found.tolist() == [[1, 1, 0], [0, 0, 0]]


def test_the_sentence_accounts_for_both_sides():
    table = index_table("startup", rows([1, 1, 2, 0, 7], s=[1, 0, 1, 1, 1]))
    match = match_firms(table, [keys(1, 2, 3, 0)])
    hits = new_hits(table)
    note_hits(hits, match)
    counts = match_counts(match.by, np.zeros(4, int), 1)
    said = match_sentence(table, counts, found_rows(table, hits), label="Start-up innovative")
    assert said == (
        "Start-up innovative: trovate 2 imprese di 4 (50,0%), 1 non presenti, 1 senza codice. "
        "Della tabella, 3 righe di 5 riguardano imprese dello studio, 1 altre imprese, 1 sono "
        "senza codice; 1 ripetono un'impresa. Imprese con righe in contrasto: s 1 (regola: non "
        "noto)."
    )


# From columns


def test_columns_of_a_table_become_keys_signals_and_amounts():
    signals = check_signals(
        [
            SignalDefinition(key="sito", label="sito", kind="website", column="Sito", source="web"),
            SignalDefinition(key="aiuti", label="aiuti", kind="count", source="web", threshold=2.0),
            SignalDefinition(key="euro", label="euro", kind="count", column="Euro", source="web"),
            SignalDefinition(key="ict", label="ict", kind="ateco_prefix", preset="ict", column="A"),
            SignalDefinition(key="presente", label="presente", kind="listed", source="web"),
        ]
    )
    columns = {
        "CF": pd.Series([COMPANY, "743110157", PERSON, ""]),
        "REA": pd.Series(["MI-1", "MI-1", "TO-2", "3"]),
        "Sito": pd.Series(["www.a.it", "", "no", "www.b.it"]),
        "Euro": pd.Series(["0,5", "0,4", "n.d.", "7"]),
        "A": pd.Series(["62.01", "10.71", "", "62.02"]),
    }
    where = KeyColumns(tax_code="CF", rea="REA")
    part = table_rows(columns.__getitem__, where, signals, mark=",", edition="2007")
    assert set(part.signals) == {"sito", "ict"}
    table = index_table("web", part, thresholds=thresholds_of(signals))
    firms = read_keys(columns.__getitem__, where, where.kinds)
    match = match_firms(table, firms)
    assert match.by.tolist() == [0, 0, 0, -2]
    assert match.signals["sito"].tolist() == [1, 1, 0, -1]
    assert match.signals["aiuti"].tolist() == [1, 1, 0, -1]
    assert match.signals["euro"].tolist() == [0, 0, -1, -1]
    assert match.signals["ict"].tolist() == [-1, -1, -1, -1]  # yes and no: in conflict


def test_a_table_with_years_speaks_of_each_year_alone():
    columns = {
        "CF": pd.Series([COMPANY, COMPANY, COMPANY]),
        "Anno": pd.Series(["2023", "2025-06-30", "?"]),
        "s": pd.Series(["sì", "no", "sì"]),
    }
    definition = SignalDefinition(key="s", label="s", column="s", source="t")
    part = table_rows(
        columns.__getitem__, KeyColumns(tax_code="CF", year="Anno"), check_signals([definition])
    )
    table = index_table("t", part)
    assert table.without_key == 1
    own = read_keys(
        {"CF": pd.Series([COMPANY] * 3)}.__getitem__, KeyColumns(tax_code="CF"), ["tax_code"]
    )
    match = match_firms(table, dated_firm_keys(own, np.array([2023, 2024, 2025])))
    assert match.signals["s"].tolist() == [1, -1, 0]


def test_dates_of_a_table_are_read_as_years_from_which_its_rows_speak():
    columns = {
        "CF": pd.Series([COMPANY] * 6),
        "Data": pd.Series(["15/03/2021", "2022-01-01 00:00", "2023.0", "2024", "?", "1/1/21"]),
    }
    aids = SignalDefinition(key="aiuti", label="aiuti", kind="count", source="rna")
    where = KeyColumns(tax_code="CF", since="Data")
    part = table_rows(columns.__getitem__, where, check_signals([aids]))
    assert part.since.tolist() == [2021, 2022, 2023, 2024, 0, 0]
    assert (part.keys[0] != 0).tolist() == [True] * 4 + [False] * 2
    table = index_table("rna", join_rows([part, part]), thresholds={"aiuti": 4.0})
    own = read_keys(columns.__getitem__, where, where.kinds)
    match = match_firms(table, own, years=np.array([2020, 2021, 2022, 2023, 2024, 2025]))
    assert match.signals["aiuti"].tolist() == [-1, 0, 1, 1, 1, 1]
    with pytest.raises(TableError, match=r"SIGNAL_KEYS.*year or since"):
        table_rows(columns.__getitem__, KeyColumns(tax_code="CF", year="Data", since="Data"), [])


def test_firms_without_any_of_the_tables_keys_are_refused_and_with_one_of_them_are_not():
    column = {"REA": pd.Series(["MI-1", ""])}.__getitem__
    found = read_keys(column, KeyColumns(rea="REA"), ["tax_code", "rea"])
    assert found[0].tolist() == [0, 0]
    assert (found[1] != 0).tolist() == [True, False]
    with pytest.raises(TableError, match=r"SIGNAL_KEYS.*mapped none"):
        read_keys(column, KeyColumns(), ["rea"])
    with pytest.raises(TableError, match=r"SIGNAL_KEYS.*Map a column that both"):
        read_keys(column, KeyColumns(rea="REA"), ["vat"])
