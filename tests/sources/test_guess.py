"""``geo-engine init`` writes a study that parses, from the names and values of columns."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest
import xlsxwriter

from geo_engine.errors import SourceError
from geo_engine.sources.firms import check_mapping, detect, read_batches
from geo_engine.sources.guess import inspect_extract, write_study
from geo_engine.study import Study, parse_study


def guessed(path: Path) -> Study:
    """Guess a study and check that the source it names can be read with it."""
    text = write_study(inspect_extract(path))
    study = parse_study(tomllib.loads(text))
    source = study.firms[0]
    wanted = {role: name for role, name in source.columns.model_dump().items() if name is not None}
    wanted |= {f"signal {i}": signal.column for i, signal in enumerate(study.digital.signals)}
    dialect = detect(source, path)
    check_mapping(dialect.columns, wanted)
    read = sum(
        batch.rows.num_rows + len(batch.quarantined)
        for batch in read_batches(source, path, dialect=dialect)
    )
    assert read == dialect.records
    return study


def columns_of(study: Study) -> dict[str, str | int]:
    given = study.firms[0].columns.model_dump()
    return {role: name for role, name in given.items() if name is not None}


def csv_file(folder: Path, text: str, name: str = "estratto.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


REGISTER = """\
Codice fiscale;Denominazione;Cod. ISTAT;Comune;Prov.;Ateco 2007;Anno;Stato;Sito web;E-commerce
00123456789;Alfa srl;048017;Firenze;FI;62.01.00;2023;Attiva;www.alfa.it;Sì
00123456790;Beta snc;100005;Prato;PO;14.13;2024;Attiva;assente;No
"""


def test_italian_names_of_columns_are_recognized(tmp_path):
    study = guessed(csv_file(tmp_path, REGISTER))
    assert columns_of(study) == {
        "tax_code": "Codice fiscale",
        "name": "Denominazione",
        "istat_code": "Cod. ISTAT",
        "municipality": "Comune",
        "province": "Prov.",
        "ateco": "Ateco 2007",
        "year": "Anno",
        "firm_status": "Stato",
    }
    rules = [(signal.column, signal.rule) for signal in study.digital.signals]
    assert rules == [("Sito web", "website"), ("E-commerce", "flag")]
    assert study.status == "attiva"
    assert study.firms[0].ateco_version == "2007"
    assert study.data_date == dt.date(2024, 12, 31)
    assert study.place.order == ("istat_code", "name")
    assert study.coverage.provinces == ("FI", "PO")


def test_titles_above_the_header_are_stepped_over(tmp_path):
    text = "Registro imprese\nEstrazione del 31/12/2023\n\n" + REGISTER
    study = guessed(csv_file(tmp_path, text))
    assert study.firms[0].header == 4
    assert columns_of(study)["municipality"] == "Comune"


def test_columns_without_names_are_known_by_their_values(tmp_path):
    text = "1;Alfa;FIRENZE;FI;43,77;11,25;D612\n2;Beta;PRATO;PO;43,88;11,09;G999\n"
    study = guessed(csv_file(tmp_path, text))
    assert study.firms[0].header is False
    assert columns_of(study) == {
        "municipality": 3,
        "province": 4,
        "lat": 5,
        "lon": 6,
        "cadastral_code": 7,
    }
    assert study.firms[0].decimal == ","


def test_exchanged_coordinates_are_put_right_by_their_values(tmp_path):
    text = "id,comune,x,y\n" + "".join(f"{i},Milano,45.4{i},9.1{i}\n" for i in range(9))
    study = guessed(csv_file(tmp_path, text))
    assert (study.firms[0].columns.lon, study.firms[0].columns.lat) == ("y", "x")


@pytest.mark.parametrize(
    ("point", "crs"),
    [
        ("514830.1,5034530.2", "EPSG:32632"),
        ("1514830.1,5034530.2", "EPSG:3003"),
        ("4264830.1,2484530.2", "EPSG:3035"),
        ("9.19,45.46", "EPSG:4326"),
    ],
)
def test_the_reference_system_is_guessed_by_size(tmp_path, point, crs):
    study = guessed(csv_file(tmp_path, f"comune,coord_x,coord_y\nMilano,{point}\n"))
    assert study.firms[0].crs == crs


def test_a_year_that_repeats_a_registration_is_not_the_year_of_the_data(tmp_path):
    lines = [f"0{i}/03/201{i},201{i},Milano,MI" for i in range(1, 9)]
    text = "data_iscrizione,anno,comune,provincia\n" + "\n".join(lines) + "\n"
    study = guessed(csv_file(tmp_path, text))
    assert "year" not in columns_of(study)
    assert study.firms[0].year == 2018
    assert study.data_date == dt.date(2018, 3, 8)


def test_counts_are_told_from_records(tmp_path):
    text = "Cod_ISTAT,Ateco,Anno,N. imprese,Imprese digitali\n048017,62.01,2023,120,40\n"
    study = guessed(csv_file(tmp_path, text))
    assert study.firms[0].kind == "counts"
    assert columns_of(study)["firms"] == "N. imprese"
    assert columns_of(study)["digital"] == "Imprese digitali"


def test_a_stray_row_makes_no_coverage(tmp_path):
    rows = "".join(f"{i},Milano,MI\n" for i in range(300)) + "300,Trento,TN\n"
    study = guessed(csv_file(tmp_path, "id,comune,sigla\n" + rows))
    assert study.coverage.provinces == ("MI",)


def test_the_sheet_with_firms_is_chosen_and_totals_are_left_out(tmp_path):
    path = tmp_path / "camera_2024-06-30.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("Leggimi").write_column(0, 0, [f"Nota {i}" for i in range(40)])
    sheet = book.add_worksheet("Imprese")
    sheet.write(0, 0, "Imprese attive")
    sheet.write_row(2, 0, ["Comune", "Provincia", "Codice attività", "Numero imprese"])
    sheet.write_row(3, 0, ["Prato", "Prato", "14.13", 100])
    sheet.write_row(4, 0, ["Firenze", "Firenze", "62.01", 200])
    sheet.write_row(5, 0, ["Totale", "", "", 300])
    book.close()
    study = guessed(path)
    source = study.firms[0]
    assert (source.sheet, source.header, source.total_rows) == ("Imprese", 3, ("Totale",))
    assert source.kind == "counts"
    assert study.data_date == dt.date(2024, 6, 30)
    assert study.coverage.regions == ("Toscana",)


@pytest.mark.parametrize("name", ['x"]\n[[firms]]\n#', "a\\b", "{{7*7}}", "à 'è'", "\x7f"])
def test_hostile_names_of_columns_stay_inside_their_strings(tmp_path, name):
    escaped = name.replace('"', '""')
    path = csv_file(tmp_path, f'comune,provincia,"{escaped}","sito web"\nPrato,PO,1,www.a.it\n')
    assert len(guessed(path).firms) == 1


def test_a_guess_is_the_same_every_time_and_doubts_are_marked(tmp_path):
    path = csv_file(tmp_path, REGISTER)
    first = write_study(inspect_extract(path))
    assert first == write_study(inspect_extract(path))
    assert first.count("DA VERIFICARE") >= 5
    assert str(tmp_path) not in first


def test_an_extract_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="SOURCE_MISSING"):
        inspect_extract(tmp_path / "assente.csv")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "expected", "coverage"),
    [
        ("fuel_stations_2018.csv", {"municipality": 7, "province": 8, "lat": 9, "lon": 10}, ()),
        (
            "innovative_startups_half.csv",
            {"municipality": "Comune", "province": "Provincia", "ateco": "AtecoCode"},
            (),
        ),
        (
            "pharmacies_lombardia.csv",
            {"istat_code": "CODICE_ISTAT", "lon": "LONGITUDINE", "tax_code": "PARTITA_IVA"},
            ("Lombardia",),
        ),
        (
            "schools_lombardia.csv",
            {"istat_code": "COD_ISTAT_SEDE", "lon": "coorX", "lat": "coorY"},
            ("Lombardia",),
        ),
    ],
)
def test_real_extracts_give_studies_that_read_them(shared_data, name, expected, coverage):
    study = guessed(shared_data / "firms" / name)
    assert expected.items() <= columns_of(study).items()
    assert study.coverage.regions == coverage
    websites = [signal.column for signal in study.digital.signals]
    assert websites == (["sito_web"] if "startups" in name else [])


@pytest.mark.parametrize("name", ["Sito web", "sito_web", "Indirizzo sito internet", "WWW", "URL"])
@pytest.mark.parametrize(
    "values",
    [
        ["assente"] * 17 + ["www.alfa.it"],
        ["https://www.facebook.com/alfa", "Instagram: alfa", "fb alfa", "alfa@pec.it"] * 4,
        ["", "", "", "", "ND", "non presente", "www.alfa.shop/it", "alfa.bio"],
        ["Nessuno", "In costruzione", "www.alfa.it", "0"],
    ],
)
def test_a_column_of_websites_is_known_though_most_firms_have_none(tmp_path, name, values):
    rows = "".join(f"{i};Firenze;FI;{value}\n" for i, value in enumerate(values))
    study = guessed(csv_file(tmp_path, f"id;comune;prov;{name}\n{rows}"))
    assert [(signal.column, signal.rule) for signal in study.digital.signals] == [(name, "website")]


def test_a_column_that_only_sounds_like_websites_is_none(tmp_path):
    rows = "".join(f"{i};Firenze;FI;Cantiere di via {i};Rossi {i}\n" for i in range(9))
    study = guessed(csv_file(tmp_path, f"id;comune;prov;Sito;Web\n{rows}"))
    assert study.digital.signals == ()


def test_postal_codes_and_employees_are_recognized(tmp_path):
    text = "id;Comune;CAP sede;N. addetti;classe addetti\n1;Firenze;50121;12;B\n2;Milano;20121;;A\n"
    found = columns_of(guessed(csv_file(tmp_path, text)))
    assert found["postal_code"] == "CAP sede"
    assert found["employees"] == "N. addetti"


@pytest.mark.parametrize("values", [("0-4", "5-9"), ("A", "B"), ("Da 1 a 9", "Da 10 a 49")])
def test_classes_of_employees_are_no_number_of_employees(tmp_path, values):
    rows = "".join(f"{i};Firenze;{value}\n" for i, value in enumerate(values))
    assert "employees" not in columns_of(guessed(csv_file(tmp_path, f"id;comune;addetti\n{rows}")))
