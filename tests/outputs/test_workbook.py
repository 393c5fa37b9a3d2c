"""The workbook, as a spreadsheet reads it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from geo_engine import storage
from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs.fields import DISTINCT
from geo_engine.outputs.wide_tables import wide_places
from geo_engine.outputs.workbook import write_tables
from tests.outputs.example import example_publication, with_facts
from tests.outputs.test_tabular import reordered

SHEETS = [
    "Sintesi",
    "Aree",
    "Comuni",
    "Province",
    "Regioni",
    "Filiere",
    "Fasi",
    "Mappe",
    "Globali",
    "Dizionario",
    "Qualità",
    "Provenienza",
]
HOSTILE = '=HYPERLINK("http://x","y")'


@pytest.fixture(scope="module")
def publication() -> Publication:
    return example_publication()


@pytest.fixture(scope="module")
def book(publication, tmp_path_factory) -> openpyxl.Workbook:
    return opened(publication, tmp_path_factory.mktemp("xlsx"))


def opened(publication: Publication, folder: Path) -> openpyxl.Workbook:
    path = folder / "tables.xlsx"
    write_tables(publication, path)
    return openpyxl.load_workbook(path)


def header_row(sheet: openpyxl.worksheet.worksheet.Worksheet) -> int:
    return int(sheet.auto_filter.ref.split(":")[0].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def table_of(sheet: openpyxl.worksheet.worksheet.Worksheet) -> pd.DataFrame:
    header, *rows = sheet.iter_rows(min_row=header_row(sheet), values_only=True)
    return pd.DataFrame(rows, columns=header)


def all_text(sheet: openpyxl.worksheet.worksheet.Worksheet) -> list[str]:
    return [v for row in sheet.iter_rows(values_only=True) for v in row if isinstance(v, str)]


def test_the_sheets_are_there_in_order_with_frozen_headers_and_filters(book):
    assert book.sheetnames == SHEETS
    for sheet in book:
        assert int(sheet.freeze_panes.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == header_row(sheet) + 1


def test_the_figures_of_the_municipalities_are_those_of_the_panel(book, publication):
    table = table_of(book["Comuni"])
    last = publication.results.panel.sel(year=2024)
    labels = {chain.label: chain.key for chain in publication.results.facts.chains}
    for row in table.itertuples(index=False):
        cell = last.sel(place=row[0], chain=labels[row[4]])
        assert row[5] == int(cell["firms"])
        shown = np.nan if pd.isna(row[10]) else row[10]
        np.testing.assert_allclose(shown, float(cell["share"]), rtol=1e-14)
    assert len(table) == int((last["status"] == 0).sum())


def test_codes_are_text_and_figures_have_italian_ready_formats(book):
    sheet = book["Comuni"]
    row = header_row(sheet) + 1
    assert sheet.cell(row, 1).data_type == "s"
    assert sheet.cell(row, 1).number_format == "@"
    assert sheet.cell(row, 6).number_format == "#,##0"
    assert sheet.cell(row, 11).number_format == "0.0%"


def test_statuses_and_classes_are_italian_words(book):
    table = table_of(book["Comuni"])
    assert "oscurato per riservatezza" in set(table["Stato della quota"])
    assert "Alto-Alto" in set(table["Digitalizzazione: classe"])
    hidden = table["Stato della quota"] == "oscurato per riservatezza"
    assert table.loc[hidden, "Quota di imprese con sito web"].isna().all()


def test_a_share_of_fewer_than_ten_firms_carries_a_warning_mark_and_others_none(book, publication):
    table = table_of(book["Comuni"])
    share, known = table["Quota di imprese con sito web"], table["Unità locali con segnale noto"]
    marked = table["Avvertenza"].notna()
    assert marked.any()
    assert (marked == (share.notna() & (known < 10))).all()
    assert set(table.loc[marked, "Avvertenza"]) == {"⚠ su meno di 10"}
    package = wide_places(publication.results)
    few = package["moda__share"].notna() & (package["moda__known"] < 10)
    assert (package["moda__few"].notna() == few).all()


def test_a_header_of_several_lines_has_room(book):
    sheet = book["Comuni"]
    row = header_row(sheet)
    longest = max(len(cell.value) for cell in sheet[row])
    assert longest > 26
    assert sheet.row_dimensions[row].height >= 45


def test_every_sheet_says_that_the_data_are_simulated_and_shows_the_banner(book, publication):
    for sheet in book:
        assert sheet["A2"].value == "DATI SIMULATI - a scopo dimostrativo"
        assert sheet["A3"].value == publication.banner


def test_real_data_are_not_called_simulated(publication, tmp_path):
    book = opened(with_facts(publication, simulated=False), tmp_path)
    texts = [text for sheet in book for text in all_text(sheet)]
    assert not any("SIMULATI" in text for text in texts)


def test_enterprises_need_not_add_up_and_the_sheets_say_it(publication, tmp_path):
    book = opened(with_facts(publication, unit="impresa"), tmp_path)
    for name in ("Comuni", "Province", "Regioni", "Filiere"):
        assert DISTINCT in all_text(book[name])


def test_local_units_add_up_and_no_sheet_denies_it(book):
    assert not any(DISTINCT in all_text(sheet) for sheet in book)


def test_hostile_text_is_never_a_formula_a_link_or_a_control_character(tmp_path):
    book = opened(example_publication(hostile=f"\x0b\x00{HOSTILE}"), tmp_path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    assert sum(text.endswith(HOSTILE) for text in texts) > 50
    assert not any(char in text for text in texts for char in "\x00\x0b")


def test_a_name_that_begins_like_a_formula_is_kept_as_it_is(publication, tmp_path):
    places = publication.results.places.assign(name=HOSTILE)
    results = dataclasses.replace(publication.results, places=places)
    book = opened(dataclasses.replace(publication, results=results), tmp_path)
    assert set(table_of(book["Comuni"])["Nome"]) == {HOSTILE}


def test_the_same_results_give_the_same_bytes(publication, tmp_path):
    write_tables(publication, tmp_path / "one.xlsx")
    write_tables(reordered(publication), tmp_path / "two.xlsx")
    first, second = (storage.sha256_of(tmp_path / f"{name}.xlsx") for name in ("one", "two"))
    assert first == second


def test_the_workbook_is_dated_by_its_data(book, publication, tmp_path):
    assert book.properties.created == dt.datetime.fromisoformat("2024-12-31")
    path = tmp_path / "tables.xlsx"
    write_tables(publication, path)
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_without_hotspots_the_sheet_says_what_chance_alone_would_show(publication, tmp_path):
    results = publication.results
    results = dataclasses.replace(results, hotspots=results.hotspots.iloc[:0])
    book = opened(dataclasses.replace(publication, results=results), tmp_path)
    assert any(t.startswith("Nessuna area significativa") for t in all_text(book["Aree"]))


def test_without_a_signal_the_summary_says_not_surveyed(tmp_path):
    book = opened(example_publication(signal=""), tmp_path)
    summary = dict(book["Sintesi"].iter_rows(min_row=6, max_col=2, values_only=True))
    assert summary["Segnale digitale"] == "non rilevato"
    assert summary["Moda: quota digitale in Italia, 2024"] == "non rilevata"


def test_a_country_that_is_not_covered_reads_not_available(publication, tmp_path):
    results = publication.results
    results = dataclasses.replace(results, country_panel=results.country_panel * np.nan)
    book = opened(dataclasses.replace(publication, results=results), tmp_path)
    assert set(table_of(book["Filiere"]).iloc[:, 2]) == {"non disponibile"}


def test_the_trend_of_each_chain_is_drawn_from_its_cells(book, publication, tmp_path):
    (chart,) = book["Filiere"]._charts
    series = chart.series
    assert len(series) == len(publication.results.facts.chains)
    sheet = book["Filiere"]
    first = header_row(sheet) + 1
    column = [cell.value for cell in sheet[header_row(sheet)]].index(
        "Quota di imprese con sito web"
    )
    letter = "ABCDEFGH"[column]
    years = len(publication.results.facts.years)
    assert series[0].val.numRef.f == f"Filiere!${letter}${first}:${letter}${first + years - 1}"
    results = publication.results
    results = dataclasses.replace(results, country_panel=results.country_panel * np.nan)
    empty = opened(dataclasses.replace(publication, results=results), tmp_path)
    assert not empty["Filiere"]._charts


def test_the_records_of_the_quality_sheet_add_up(book):
    counts = dict(book["Qualità"].iter_rows(min_row=7, max_col=2, values_only=True))
    total = counts["Record collocati"] + counts["Record in quarantena"]
    assert counts["Record letti"] == total
    assert counts["In quarantena: UNKNOWN_PLACE"] == counts["Record in quarantena"]


def test_the_dictionary_explains_every_column_of_the_panel(book):
    table = table_of(book["Dizionario"])
    assert {"pro_com_t", "share_eb", "share_local_status", "members"} <= set(table["Colonna"])
    assert table["Descrizione"].notna().all()


def test_a_folder_that_does_not_exist_is_an_error_that_names_the_file(publication, tmp_path):
    with pytest.raises(OutputError, match=r"XLSX_WRITE: tables.xlsx"):
        write_tables(publication, tmp_path / "absent" / "tables.xlsx")
