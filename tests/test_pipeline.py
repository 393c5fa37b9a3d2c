"""The main job on extracts small enough to count by hand: every row is accounted for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo_engine import tables
from geo_engine.errors import SourceError, StudyError, TableError
from geo_engine.intake import Intake, take_in
from geo_engine.pipeline import Run, run
from geo_engine.plan import resolve
from geo_engine.study import parse_study

HEADER = "cf;comune;prov;istat;lon;lat;ateco;anno;sito"
PRATO, CARMIGNANO, NAPOLI = "100005", "100002", "063049"
ROWS = [
    "A1;Prato;PO;;;;13.20.00;2024;www.a1.it",  # 1 placed by name
    "A1;Carmignano;PO;;;;13.20.00;2024;",  # 2 the same enterprise elsewhere, signal unknown
    "A2;;;100005;;;14.13.10;2024;assente",  # 3 placed by code, not digital
    "A3;;;;11.0966;43.8808;62.01.00;2024;info@a3.it",  # 4 by coordinates: Prato, an e-mail
    "A4;NAPOLI;NA;;;;13.20.00;2024;https://a4.it/",  # 5 Napoli is not missing
    "A4;NAPOLI;NA;;;;13.20.00;2024;https://a4.it/",  # 6 DUPLICATE
    "A5;Castro;;;;;13.20.00;2024;www.a5.it",  # 7 AMBIGUOUS_COMUNE
    "A6;PARIGI;EE;;;;13.20.00;2024;www.a6.fr",  # 8 FOREIGN
    "A7;Prato;PO;;;;1E5;2024;www.a7.it",  # 9 ATECO_INVALID
    "A8;Prato;PO;;;;13.20.00;duemila;www.a8.it",  # 10 YEAR_INVALID
    "A9;Prato;PO;;;;NC;2024;www.a9.it",  # 11 placed, in no chain
    "B1;Prato;PO;;;;13.20.00",  # 12 RAGGED_ROW
]
REASONS = {
    "AMBIGUOUS_COMUNE": 1,
    "ATECO_INVALID": 1,
    "DUPLICATE": 1,
    "FOREIGN": 1,
    "RAGGED_ROW": 1,
    "YEAR_INVALID": 1,
}


def study_keys(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "title": "Prova",
        "data_date": "2024-12-31",
        "unit": "impresa",
        "status": "attiva",
        "audience": "internal",
        "firms": [
            {
                "path": "firms.csv",
                "separator": ";",
                "ateco_version": "2007",
                "tax_codes": "flag",  # pseudonyms
                "columns": {
                    "tax_code": "cf",
                    "municipality": "comune",
                    "province": "prov",
                    "istat_code": "istat",
                    "lon": "lon",
                    "lat": "lat",
                    "ateco": "ateco",
                    "year": "anno",
                },
            }
        ],
        "chains": {"use": ["moda", "ict_digitale"]},
        "statistics": {"permutations": 0, "robustness": {"enabled": False}},
        "digital": {
            "signals": [{"column": "sito", "label": "imprese con sito web", "rule": "website"}]
        },
    }
    return base | changes


def carry_out(folder: Path, rows: list[str], **changes: Any) -> Run:
    (folder / "firms.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return run(parse_study(study_keys(**changes)), folder)


def read(keys: dict[str, Any], folder: Path) -> Intake:
    """Carry out the first stage alone, which decides what becomes of every row."""
    return take_in(
        resolve(parse_study(keys), folder), folder, report=lambda _: None, keep=lambda _: None
    )


def read_rows(folder: Path, rows: list[str], **changes: Any) -> Intake:
    (folder / "firms.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    return read(study_keys(**changes), folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return carry_out(tmp_path_factory.mktemp("small"), ROWS)


def test_every_row_is_placed_or_quarantined_with_its_reason(small: Run) -> None:
    account = small.results.account
    assert account.rows == len(ROWS)
    assert account.placed == 6
    assert account.quarantined == 6
    assert account.reasons == REASONS


def test_quarantine_keeps_the_record_its_number_and_what_to_do(small: Run) -> None:
    table = small.results.quarantine.set_index("row")
    assert list(small.results.quarantine.columns) == list(tables.QUARANTINE_COLUMNS)
    assert table["reason"].to_dict() == {
        6: "DUPLICATE",
        7: "AMBIGUOUS_COMUNE",
        8: "FOREIGN",
        9: "ATECO_INVALID",
        10: "YEAR_INVALID",
        12: "RAGGED_ROW",
    }
    assert json.loads(table.loc[9, "record"])["cf"] == "A7"
    assert json.loads(table.loc[7, "record"])["comune"] == "Castro"
    assert (table["detail"] != "").all()
    assert (table["source"] == "firms.csv").all()


def test_firms_and_digital_firms_are_counted_as_by_hand(small: Run) -> None:
    panel = small.results.panel.sel(year=2024)
    moda = panel.sel(chain="moda")
    counted = {
        code: tuple(float(moda[name].sel(place=code)) for name in ("firms", "known", "digital"))
        for code in (PRATO, CARMIGNANO, NAPOLI)
    }
    assert counted == {PRATO: (2, 2, 1), CARMIGNANO: (1, 0, 0), NAPOLI: (1, 1, 1)}
    ict = panel.sel(chain="ict_digitale", place=PRATO)
    assert (float(ict["firms"]), float(ict["digital"])) == (1, 0)
    assert float(panel["firms"].sum()) == 5


def test_unknown_is_not_no_and_a_place_without_firms_has_no_share(small: Run) -> None:
    moda = small.results.panel.sel(chain="moda", year=2024)
    assert float(moda["share"].sel(place=PRATO)) == 0.5
    assert np.isnan(moda["share"].sel(place=CARMIGNANO))
    assert int(moda["share_status"].sel(place=CARMIGNANO)) == tables.NOT_SURVEYED
    assert int(moda["share_status"].sel(place="015146")) == tables.NO_FIRMS
    assert float(moda["firms"].sel(place="015146")) == 0


def test_an_enterprise_counts_once_at_each_level(small: Run) -> None:
    province = small.results.province_panel.sel(province="100", chain="moda", year=2024)
    assert float(province["firms"]) == 2  # A1 stands in two municipalities of Prato
    assert (float(province["known"]), float(province["digital"])) == (2, 1)
    country = small.results.country_panel.sel(chain="moda", year=2024)
    assert float(country["firms"]) == 3


def test_local_units_count_every_time(tmp_path: Path) -> None:
    done = carry_out(tmp_path, ROWS, unit="unita_locale")
    province = done.results.province_panel.sel(province="100", chain="moda", year=2024)
    assert float(province["firms"]) == 3
    assert float(province["known"]) == 2


def test_equal_rows_without_an_identifier_are_different_firms(tmp_path: Path) -> None:
    keys = study_keys()
    source = dict(keys["firms"][0])
    source["columns"] = {k: v for k, v in source["columns"].items() if k != "tax_code"}
    account = read_rows(tmp_path, ROWS, firms=[source], unit="unita_locale").account
    assert "DUPLICATE" not in account.reasons
    assert account.rows == account.placed + account.quarantined


def test_too_few_places_give_no_local_test_and_no_hotspot(small: Run) -> None:
    assert small.results.hotspots.empty
    local = small.results.local.sel(variable="share")
    assert np.isnan(local["p_value"]).all()
    assert (local["quadrant"] == 0).all()
    codes = set(np.unique(local["status"]).tolist())
    assert tables.LOCAL_OK not in codes


def test_a_study_of_prato_alone_never_makes_prato_a_hotspot(tmp_path: Path) -> None:
    rows = [
        f"P{place}{number};;;10000{place};;;13.20.00;2024;www.p{place}{number}.it"
        for place in range(1, 8)
        for number in range(40)
    ]
    done = carry_out(tmp_path, rows, coverage={"provinces": ["PO"]})
    results = done.results
    assert int(results.places["covered"].sum()) == 7
    assert results.hotspots.empty
    outside = results.panel.sel(place="048017", chain="moda", year=2024)
    assert int(outside["status"]) == tables.NOT_COVERED
    assert np.isnan(outside["firms"])
    local = results.local.sel(place="048017", chain="moda", year=2024, variable="firms")
    assert int(local["status"]) == tables.LOCAL_NOT_COVERED
    region = results.region_panel.sel(region="09", chain="moda", year=2024)
    assert np.isnan(region["firms"])
    assert int(region["status"]) == tables.NOT_COVERED
    assert np.isnan(results.country_panel["firms"]).all()
    assert results.places.loc["100005", "edge"]
    assert not results.facts.is_national
    assert any("Copertura parziale" in words for words in results.warnings)


def test_reference_totals_fill_what_the_extract_does_not_cover(tmp_path: Path) -> None:
    total = {"area": "italia", "chain": "moda", "year": 2024, "firms": 1000, "source": "prova"}
    toscana = total | {"area": "Toscana", "firms": 100, "known": 50, "digital": 10}
    done = carry_out(tmp_path, ROWS, coverage={"provinces": ["Prato"]}, reference=[total, toscana])
    country = done.results.country_panel.sel(chain="moda", year=2024)
    assert float(country["firms"]) == 1000
    region = done.results.region_panel.sel(region="09", chain="moda", year=2024)
    assert float(region["share"]) == 0.2
    with pytest.raises(StudyError, match="UNKNOWN_AREA"):
        carry_out(tmp_path, ROWS, reference=[total | {"area": "Atlantide"}])


def test_without_a_signal_counts_are_delivered_and_shares_are_not_surveyed(
    tmp_path: Path,
) -> None:
    done = carry_out(tmp_path, ROWS, digital={})
    panel = done.results.panel
    assert done.results.facts.signal == ""
    assert float(panel["firms"].sel(place=PRATO, chain="moda", year=2024)) == 2
    assert (panel["share_status"] == tables.NOT_SURVEYED).all()
    assert np.isnan(panel["share"]).all()
    assert done.results.hotspots.empty


def test_a_study_of_coordinates_alone_completes(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(
        "x,y\n11.0966,43.8808\n14.25,40.85\n0,0\n", encoding="utf-8"
    )
    source = {"path": "points.csv", "year": 2024, "columns": {"lon": "x", "lat": "y"}}
    study = parse_study(
        study_keys(firms=[source], digital={}, unit="unita_locale", chains={"use": ["moda"]})
    )
    account = run(study, tmp_path).results.account
    assert (account.rows, account.placed) == (3, 2)
    assert account.reasons == {"COORD_NULL_ISLAND": 1}


def test_all_firms_can_be_studied_together_and_are_when_there_are_no_codes(
    tmp_path: Path,
) -> None:
    done = carry_out(tmp_path, ROWS, chains={"use": ["tutte", "moda"]}, unit="unita_locale")
    cell = done.results.panel.sel(place=PRATO, year=2024)
    assert list(cell["firms"].to_numpy()) == [4, 2]  # with A3 and A9, which are not in moda
    assert float(cell["location_quotient"].sel(chain="tutte")) == 1
    (tmp_path / "points.csv").write_text("x,y\n11.0966,43.8808\n", encoding="utf-8")
    source = {"path": "points.csv", "year": 2024, "columns": {"lon": "x", "lat": "y"}}
    keys = study_keys(firms=[source], digital={}, unit="unita_locale", chains={})
    results = run(parse_study(keys), tmp_path).results
    assert [chain.key for chain in results.facts.chains] == ["tutte"]
    assert float(results.panel["firms"].sum()) == 1


def test_counts_are_taken_as_they_are_and_impossible_ones_set_aside(tmp_path: Path) -> None:
    (tmp_path / "counts.csv").write_text(
        "istat,ateco,anno,n,nd\n"
        "100005,13.20.00,2024,50,20\n"
        "100005,14.13.10,2024,10,1\n"
        "063049,13.20.00,2024,7,9\n"
        "063049,13.20.00,2023,-1,0\n",
        encoding="utf-8",
    )
    source = {
        "path": "counts.csv",
        "kind": "counts",
        "ateco_version": "2007",
        "columns": {
            "istat_code": "istat",
            "ateco": "ateco",
            "year": "anno",
            "firms": "n",
            "digital": "nd",
        },
    }
    study = parse_study(study_keys(firms=[source], digital={}))
    results = run(study, tmp_path).results
    assert results.account.reasons == {"COUNT_INVALID": 2}
    cell = results.panel.sel(place=PRATO, chain="moda", year=2024)
    assert (float(cell["firms"]), float(cell["known"]), float(cell["digital"])) == (60, 60, 21)
    assert results.facts.signal == "imprese digitali"


def test_years_statuses_and_missing_columns_are_checked(tmp_path: Path) -> None:
    found = read_rows(tmp_path, [*ROWS, "C1;Prato;PO;;;;13.20.00;2020;"], years=[2024])
    assert found.account.reasons["OUT_OF_STUDY"] == 1
    keys = study_keys()
    source = dict(keys["firms"][0])
    source["columns"] = source["columns"] | {"region": "regione"}
    with pytest.raises(SourceError, match=r"MISSING_COLUMN.*regione"):
        read_rows(tmp_path, ROWS, firms=[source])


def test_too_many_quarantined_rows_stop_the_run_with_their_reasons(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"TOO_MANY_QUARANTINED.*6 of 12") as caught:
        read_rows(tmp_path, ROWS, place={"max_quarantined_share": 0.1})
    assert "DUPLICATE 1" in caught.value.message


def test_a_file_outside_the_study_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.csv").write_text(HEADER + "\n", encoding="utf-8")
    source = study_keys()["firms"][0] | {"path": "../secret.csv"}
    with pytest.raises(SourceError, match="PATH_OUTSIDE"):
        read(study_keys(firms=[source]), inner)


def test_the_order_of_rows_changes_no_result(tmp_path: Path, small: Run) -> None:
    order = np.random.default_rng(7).permutation(len(ROWS))
    shuffled = carry_out(tmp_path, [ROWS[i] for i in order])
    assert shuffled.results.panel.identical(small.results.panel)
    assert shuffled.results.local.identical(small.results.local)
    assert shuffled.results.account.reasons == small.results.account.reasons
    pd.testing.assert_frame_equal(shuffled.results.phases, small.results.phases, check_exact=True)


def test_methods_and_flags_count_placed_rows_alone(small: Run) -> None:
    account = small.results.account
    assert sum(account.methods.values()) == account.placed
    assert all(rows > 0 for rows in account.flags.values())


def counts_source(rows: list[str], folder: Path) -> dict[str, Any]:
    (folder / "counts.csv").write_text("\n".join(["istat,anno,n,nd", *rows, ""]), encoding="utf-8")
    columns = {"istat_code": "istat", "year": "anno", "firms": "n", "digital": "nd"}
    return {"path": "counts.csv", "kind": "counts", "columns": columns}


def test_an_empty_count_is_neither_zero_firms_nor_zero_digital_ones(tmp_path: Path) -> None:
    source = counts_source(["100005,2024,50,20", "063049,2024,10,", "015146,2024,,"], tmp_path)
    keys = study_keys(firms=[source], digital={}, chains={})
    results = run(parse_study(keys), tmp_path).results
    assert results.account.reasons == {"COUNT_INVALID": 1}
    cell = results.panel.sel(place=NAPOLI, chain="tutte", year=2024)
    assert (float(cell["firms"]), float(cell["known"])) == (10, 0)
    assert int(cell["share_status"]) == tables.NOT_SURVEYED


@pytest.mark.parametrize("year", ["9999", "0000", "1700", "45657", "24", "12/2024", "-2024"])
def test_what_is_no_year_of_an_extract_is_set_aside(tmp_path: Path, year: str) -> None:
    found = read_rows(tmp_path, [*ROWS[:3], f"Z1;Prato;PO;;;;13.20.00;{year};"])
    assert found.account.reasons == {"YEAR_INVALID": 1}
    assert set(found.firms["year"]) == {2024}


@pytest.mark.parametrize("year", ["31/12/2024", "2024-12-31 00:00:00", "2024/12/31", "2024.0"])
def test_a_date_gives_its_year(tmp_path: Path, year: str) -> None:
    found = read_rows(tmp_path, [f"Z1;Prato;PO;;;;13.20.00;{year};"])
    assert found.firms["year"].tolist() == [2024]


def test_a_file_read_twice_in_the_same_way_is_refused(tmp_path: Path) -> None:
    source = study_keys()["firms"][0]
    with pytest.raises(SourceError, match=r"SOURCE_TWICE.*firms\.csv"):
        read_rows(tmp_path, ROWS, firms=[source, source | {"path": "*.csv"}])


def test_a_file_may_give_two_years_from_two_columns(tmp_path: Path) -> None:
    source = counts_source(["100005,2023,50,20"], tmp_path)
    columns = {name: column for name, column in source["columns"].items() if name != "year"}
    before = source | {"columns": columns, "year": 2022}
    later = source | {"columns": columns | {"firms": "nd"}, "year": 2023}
    del later["columns"]["digital"]
    keys = study_keys(firms=[before, later], digital={}, chains={})
    results = run(parse_study(keys), tmp_path).results
    firms = results.panel["firms"].sel(place=PRATO, chain="tutte")
    assert firms.to_numpy().tolist() == [50, 20]


def test_files_of_one_name_keep_apart_in_account_and_quarantine(tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        (tmp_path / year).mkdir()
        row = f"A{year};Castro;;;;;13.20.00;{year};\nB{year};Prato;PO;;;;13.20.00;{year};\n"
        (tmp_path / year / "firms.csv").write_text(f"{HEADER}\n{row}", encoding="utf-8")
    source = study_keys()["firms"][0] | {"path": "*/firms.csv"}
    found = read(study_keys(firms=[source]), tmp_path)
    names = ["2023/firms.csv", "2024/firms.csv"]
    assert [each.name for each in found.account.sources] == names
    assert found.quarantine["source"].tolist() == names


def test_a_wrong_row_at_the_end_of_a_large_file_is_set_aside_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geo_engine.sources.parquet_records.BATCH_ROWS", 4)
    good = [("11.0966", "43.8808")] * 4
    table = pd.DataFrame([*good, ("514830", "5034530")], columns=["x", "y"])
    table.to_parquet(tmp_path / "points.parquet")
    source = {"path": "points.parquet", "year": 2024, "columns": {"lon": "x", "lat": "y"}}
    keys = study_keys(firms=[source], digital={}, unit="unita_locale", chains={})
    assert read(keys, tmp_path).account.reasons == {"COORD_INVALID": 1}
    table.iloc[2:].assign(x="514830", y="5034530").to_parquet(tmp_path / "points.parquet")
    with pytest.raises(TableError, match=r"CRS_MISMATCH.*3 of 3.*514830"):
        read(keys, tmp_path)


def test_a_table_of_residents_of_the_user_replaces_the_one_that_ships(tmp_path: Path) -> None:
    (tmp_path / "residents.csv").write_text("code;n\n100005;500\n63049;1000\n", encoding="utf-8")
    own = {
        "path": "residents.csv",
        "code": "code",
        "population": "n",
        "year": 2021,
        "source": "prova",
    }
    done = carry_out(tmp_path, ROWS, population=own, years=[2024])
    rates = done.results.panel["firms_per_1000"].sel(chain="moda", year=2024)
    assert float(rates.sel(place=PRATO)) == 4  # two firms, 500 residents
    assert float(rates.sel(place=NAPOLI)) == 1
    assert np.isnan(rates.sel(place=CARMIGNANO))
    assert done.results.facts.population_year == 2021
    assert "prova" in done.results.facts.source_notes


def test_rows_outside_the_declared_coverage_are_counted(tmp_path: Path) -> None:
    done = carry_out(tmp_path, ROWS, coverage={"provinces": ["PO"]}, years=[2024])
    assert done.results.account.outside_coverage == 1  # Napoli


def test_years_are_studied_in_order_however_the_study_lists_them(tmp_path: Path) -> None:
    rows = [*ROWS, "C1;Prato;PO;;;;13.20.00;2023;www.c1.it"]
    done = carry_out(tmp_path, rows, years=[2024, 2023])
    assert done.results.facts.years == (2023, 2024)
    firms = done.results.panel["firms"].sel(place=PRATO, chain="moda")
    assert firms.sel(year=2023) == 1
    assert firms.sel(year=2024) == 2


def test_an_extract_of_few_provinces_studied_as_national_is_warned_of(small: Run) -> None:
    assert any("[coverage]" in words for words in small.results.warnings)
