"""The checks of a batch, and summaries that add up."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from geo_engine.errors import TableError
from geo_engine.quality.advice import column_advice
from geo_engine.quality.doctor import (
    EXAMPLES,
    Outcomes,
    Quality,
    check_rows,
    join_flags,
    merge_quality,
    observe_rows,
)
from geo_engine.quality.totals import compare_totals, official_totals, province_keys

COLUMNS = {"tax_code": "cf", "employees": 2, "municipality": "comune", "province": "prov"}
ROWS = [
    ("00743110157", "5", "Prato", "PO"),
    ("743110157", "", "Nowhere", "ZZ"),
    ("00743110158", "-1", "Nowhere", "ZZ"),
    ("boh", "tanti", "Castro", ""),
    ("RCCMNL83S18D969H", "1e12", " Prato ", "PO"),
    ("", "1.234", "", ""),
]


def table(rows: list[tuple[str, ...]] = ROWS) -> pa.Table:
    names = ("cf", "addetti", "comune", "prov")
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def years(count: int = len(ROWS)) -> np.ndarray:
    return np.full(count, 2024, np.int16)


def outcomes(reason: list[str], flags: list[str]) -> Outcomes:
    return Outcomes(
        source="a.csv",
        row_numbers=np.arange(1, len(reason) + 1),
        reason=np.array(reason, object),
        flags=np.array(flags, object),
    )


def test_every_row_gets_the_reason_and_the_flags_of_its_values() -> None:
    found = check_rows(table(), COLUMNS, years())
    assert found.reason.tolist() == ["", "", "CF_CHECKSUM", "CF_INVALID", "VALUE_RANGE", ""]
    assert found.flags.tolist() == ["", "REPAIRED_TAX_CODE", "", "NUMBER_INVALID", "", ""]
    assert [bool(text) for text in found.detail] == [bool(text) for text in found.reason]
    assert (found.tax_key != 0).tolist() == [True, True, True, False, True, False]
    assert found.tax_key[0] == found.tax_key[1]
    assert found.hashes.shape == (6, 2)


def test_wrong_tax_codes_are_only_flagged_where_the_study_says_so() -> None:
    found = check_rows(table(), COLUMNS, years(), tax_codes="flag")
    assert found.reason.tolist() == ["", "", "VALUE_RANGE", "", "VALUE_RANGE", ""]
    assert found.flags.tolist() == [
        "",
        "REPAIRED_TAX_CODE",
        "CF_CHECKSUM",
        "CF_INVALID|NUMBER_INVALID",
        "",
        "",
    ]


def test_columns_that_are_not_mapped_are_not_checked() -> None:
    found = check_rows(table(), {"municipality": "comune"}, years())
    assert set(found.reason) == set(found.flags) == {""}
    assert found.quality.tax_codes.sum() == found.quality.employees.rows == 0
    assert list(found.quality.columns) == ["cf", "addetti", "comune", "prov"]


def test_the_summary_counts_codes_persons_numbers_and_years() -> None:
    quality = check_rows(table(), COLUMNS, years()).quality
    assert quality.tax_codes.tolist() == [1, 1, 1, 1, 1, 1]
    assert quality.persons == 1
    assert quality.years == {2024: 6}
    assert (quality.employees.ambiguous, quality.employees.out_of_range) == (1, 2)


def test_names_that_were_not_found_are_counted_with_their_province() -> None:
    reason = ["", "UNKNOWN_COMUNE", "UNKNOWN_COMUNE", "AMBIGUOUS_COMUNE", "CF_INVALID", ""]
    flags = ["SNAPPED"] * 4 + ["SNAPPED|NAME_FAILED", ""]
    quality = observe_rows(table(), COLUMNS, outcomes(reason, flags))
    assert quality.names == {("Nowhere", "ZZ"): 2, ("Castro", ""): 1, ("Prato", "PO"): 1}


def test_pairs_that_contradict_each_other_are_counted() -> None:
    fates = outcomes([""] * 6, [""] * 6)
    pointed = np.array([1, 1, 2, -1, 7000, 3], np.int32)
    declared = np.array([1, 2, 1, 2, 6999, -1], np.int32)
    fates = Outcomes(**{**vars(fates), "places": (pointed, declared)})
    quality = observe_rows(table(), COLUMNS, fates)
    assert quality.pairs == {(1, 2): 1, (2, 1): 1, (7000, 6999): 1}
    assert quality.conflicts == 3


def test_examples_are_the_first_ten_rows_masked_of_each_reason_and_flag() -> None:
    rows = [("00743110158", "5", "Prato", "PO")] * 40
    reason = ["", "CF_CHECKSUM"] * 20
    flags = ["SNAPPED|FUZZY", ""] * 19 + ["FUZZY", ""]
    found = observe_rows(table(rows), COLUMNS, outcomes(reason, flags)).examples
    assert sorted(found) == ["CF_CHECKSUM", "FUZZY", "SNAPPED"]
    assert [example.row for example in found["CF_CHECKSUM"]] == list(range(2, 22, 2))
    assert [example.row for example in found["FUZZY"]] == list(range(1, 21, 2))
    assert found["CF_CHECKSUM"][0].fields == {"cf": "**********8"}
    assert found["FUZZY"][0].fields == {"comune": "Pr***", "prov": "PO"}


def test_a_flag_in_two_combinations_gives_its_first_rows() -> None:
    flags = ["A|B", "A", "B", "A|B"] * 5
    found = observe_rows(table(ROWS[:1] * 20), COLUMNS, outcomes([""] * 20, flags)).examples
    expected = [row for row, text in enumerate(flags, start=1) if "A" in text.split("|")]
    assert [example.row for example in found["A"]] == expected[:EXAMPLES]


def test_summaries_of_batches_add_up_to_that_of_the_whole() -> None:
    reason = ["", "UNKNOWN_COMUNE", "CF_CHECKSUM", "AMBIGUOUS_COMUNE", "VALUE_RANGE", ""]
    flags = ["SNAPPED", "", "", "", "", "SNAPPED"]

    def summary(begin: int, end: int) -> Quality:
        rows = table(ROWS[begin:end])
        checked = check_rows(rows, COLUMNS, years(end - begin)).quality
        fates = outcomes(reason[begin:end], flags[begin:end])
        fates = Outcomes(**{**vars(fates), "row_numbers": np.arange(begin + 1, end + 1)})
        return merge_quality([checked, observe_rows(rows, COLUMNS, fates)])

    whole = summary(0, 6)
    parts = merge_quality(summary(i, i + 2) for i in range(0, 6, 2))
    assert parts.names == whole.names
    assert parts.years == whole.years
    assert parts.employees == whole.employees
    assert parts.examples == whole.examples
    assert parts.persons == whole.persons
    np.testing.assert_array_equal(parts.tax_codes, whole.tax_codes)
    assert [c.rows for c in parts.columns.values()] == [c.rows for c in whole.columns.values()]


def test_nothing_adds_up_to_nothing() -> None:
    empty = merge_quality([])
    assert empty.years == {}
    assert empty.tax_codes.sum() == 0
    found = check_rows(table([]), COLUMNS, years(0))
    assert len(found.reason) == 0
    assert observe_rows(table([]), COLUMNS, outcomes([], [])).examples == {}


def test_flags_are_joined_in_order() -> None:
    one = np.array(["", "A", "", "A"], object)
    other = np.array(["", "", "B", "B|C"], object)
    assert join_flags(one, other).tolist() == ["", "A", "B", "A|B|C"]
    assert one.tolist() == ["", "A", "", "A"]


def test_a_column_that_costs_more_than_five_percent_is_named_with_its_remedy() -> None:
    reasons = {"ATECO_INVALID": 40, "ATECO_AMBIGUOUS": 20, "CF_CHECKSUM": 50, "DUPLICATE": 500}
    found = column_advice(reasons, 1000, {"ateco": "codice ateco", "tax_code": 3})
    assert [advice.column for advice in found] == ["codice ateco"]
    assert found[0].rows == 60
    for part in ("60 righe su 1.000", "6,0 %", "«codice ateco»", "come Testo", "ATECO_INVALID 40"):
        assert part in found[0].text


@pytest.mark.parametrize(
    ("reason", "columns", "column", "remedy"),
    [
        ("COORD_SWAPPED", {"lon": "x", "lat": "y"}, "x", "scambiare le colonne lon e lat"),
        ("COORD_INVALID", {"lon": "x", "lat": "y"}, "x", "crs e decimal"),
        ("UNKNOWN_COMUNE", {"municipality": "com"}, "com", "aggiungere la provincia"),
        ("UNKNOWN_COMUNE", {"istat_code": "cod", "municipality": "com"}, "cod", "come Testo"),
        ("AMBIGUOUS_COMUNE", {"istat_code": "c", "municipality": "com"}, "com", "la provincia"),
        ("YEAR_INVALID", {"year": "anno"}, "anno", "quattro cifre"),
        ("VALUE_RANGE", {"employees": "addetti"}, "addetti", "migliaia"),
        ("CF_INVALID", {"tax_code": "cf"}, "cf", "come Testo"),
    ],
)
def test_the_remedy_fits_the_reason(
    reason: str, columns: dict[str, str | int], column: str, remedy: str
) -> None:
    found = column_advice({reason: 6}, 100, columns)
    assert (found[0].column, remedy in found[0].text) == (column, True)
    assert column_advice({reason: 5}, 100, columns) == ()


@pytest.mark.parametrize("reason", ["DUPLICATE", "OUT_OF_STUDY", "RAGGED_ROW", "CF_CONFLICT"])
def test_what_no_column_causes_blames_none(reason: str) -> None:
    columns: dict[str, str | int] = {"tax_code": "cf", "municipality": "com", "year": "anno"}
    assert column_advice({reason: 100}, 100, columns) == ()


def test_provinces_far_from_their_official_numbers_are_marked() -> None:
    found = compare_totals(
        {"PO": 80, "FI": 79, "AR": 126, "SI": 5},
        {"PO": 100, "FI": 100, "AR": 100, "GR": 10, "LU": 0},
    )
    odd = dict(zip(found["province"], found["is_odd"], strict=True))
    assert odd == {"PO": False, "FI": True, "AR": True, "SI": False, "GR": True, "LU": False}
    assert found["difference"].tolist()[:2] == [26.0, -21.0]
    assert np.isnan(found.set_index("province").loc["SI", "ratio"])


def test_provinces_are_found_by_sigla_name_and_code() -> None:
    import pandas as pd

    places = pd.DataFrame(
        {
            "cod_prov": ["040", "035", "021", "007"],
            "province": ["Forlì-Cesena", "Reggio nell'Emilia", "Bolzano/Bozen", "Valle d'Aosta"],
            "sigla": ["FC", "RE", "BZ", "AO"],
        }
    )
    keys = province_keys(places)
    names = pd.Series(["FORLI' CESENA", "Reggio Emilia", "bozen", "AOSTA", "40", "035", "fc"])
    totals = official_totals(names, np.ones(7), keys, "t.csv")
    assert totals == {"FC": 3, "RE": 2, "BZ": 1, "AO": 1}
    with pytest.raises(TableError, match="1 provinces are unknown"):
        official_totals(pd.Series(["fc", "Italia"]), np.ones(2), keys, "t.csv")
    with pytest.raises(TableError, match="are missing or no numbers"):
        official_totals(pd.Series(["fc"]), np.array([np.nan]), keys, "t.csv")
