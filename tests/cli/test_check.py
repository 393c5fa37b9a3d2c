"""``geo-engine check`` as a person uses it: what it says, what it writes, and what it hides."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pandas as pd
import pytest

from geo_engine.cli.app import main

STUDY = """
title = "Imprese <b>di prova</b> {{{{7*7}}}} [red]"
data_date = 2024-12-31
unit = "{unit}"
status = "attiva"
{more}

[[firms]]
path = "firms.csv"
{source}

[firms.columns]
name = "nome"
tax_code = "cf"
municipality = "comune"
province = "prov"
ateco = "ateco"
year = "anno"
employees = "addetti"
"""
HEADER = "nome;cf;comune;prov;ateco;anno;addetti"
COMPANY, PERSON = "00743110157", "RCCMNL83S18D969H"


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def geo_engine(*arguments: str, cwd: Path) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["geo-engine", *arguments]),
        mock.patch.dict(os.environ, {"COLUMNS": "200", "NO_COLOR": "1"}),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    return Done(int(stopped.value.code or 0), out.getvalue(), err.getvalue())


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def company(number: int) -> str:
    """Give a valid code of eleven digits."""
    digits = f"{number:07d}048"
    doubled = [int(digit) * 2 for digit in digits[1::2]]
    total = sum(map(int, digits[::2])) + sum(value - 9 * (value > 9) for value in doubled)
    return f"{digits}{-total % 10}"


def rows_of(count: int) -> list[str]:
    return [
        f"Ditta {i};{company(i + 1)};Prato;PO;13.20.00;{2023 + i % 2};{i}" for i in range(count)
    ]


def check(
    folder: Path, rows: list[str], *, unit: str = "sede", source: str = "", more: str = ""
) -> Done:
    """Write an extract and a study, and check it."""
    text = "\n".join([HEADER, *rows, ""])
    (folder / "firms.csv").write_text(text, encoding="utf-8")
    (folder / "s.toml").write_text(
        STUDY.format(unit=unit, source=source, more=more), encoding="utf-8"
    )
    return geo_engine("check", "s.toml", "--out", "quality", cwd=folder)


def items_of(folder: Path) -> dict[tuple[str, str], int]:
    table = pd.read_csv(folder / "quality" / "quality.csv", keep_default_na=False)
    return dict(zip(zip(table["section"], table["item"], strict=True), table["rows"], strict=True))


def page_of(folder: Path) -> str:
    return (folder / "quality" / "quality.html").read_text(encoding="utf-8")


def test_three_files_are_written_and_said(tmp_path: Path) -> None:
    done = check(tmp_path, rows_of(40))
    assert done.returncode == 0, done.stderr
    assert files_of(tmp_path) == {"firms.csv", "s.toml", "quality"}
    names = {"quality.html", "quality.csv", "quality_examples.csv"}
    assert files_of(tmp_path / "quality") == names
    assert all(f"Rapporto: quality/{name}" in done.stdout for name in names)
    assert "Imprese <b>di prova</b> {{7*7}} [red]" in done.stdout
    for part in ("Data di riferimento dei dati: 31/12/2024", "40 righe lette", "40 localizzate"):
        assert part in done.stdout
    assert "<b>di" not in page_of(tmp_path)
    assert "31/12/2024" in page_of(tmp_path)


def test_every_row_is_in_the_report(tmp_path: Path) -> None:
    rows = [
        *rows_of(40),
        rows_of(1)[0],  # identical
        f"Bianchi;{COMPANY};Prato;PO;13.20.00;2024;1",
        "Verdi;743110157;Firenze;FI;1.1;2024;2",
        "Rossi;00743110158;Prato;PO;13.20.00;2024;3",
        f"Neri Mario;{PERSON};Prato;PO;1E5;2024;4",
        "Gialli;1.23E+10;Prato;PO;13.20.00;2024;5",
        "Viola;;Pratto;XX;13.20.00;2024;6",
        "Blu;;Prato;PO;13.20.00;2031;-7",
        "Rosa;;Prato;PO;13.20.00;2031;",
    ]
    done = check(tmp_path, rows)
    assert done.returncode == 0, done.stderr
    items = items_of(tmp_path)
    assert items["rows", "in"] == len(rows)
    assert items["rows", "placed"] + items["rows", "quarantined"] == len(rows)
    reasons = {item: n for (section, item), n in items.items() if section == "quarantined"}
    assert sum(reasons.values()) == items["rows", "quarantined"]
    for reason in ("DUPLICATE", "CF_CHECKSUM", "CF_INVALID", "ATECO_INVALID", "VALUE_RANGE"):
        assert reasons[reason] == 1, reason
    assert items["flag", "REPAIRED_TAX_CODE"] == 1
    assert items["flag", "REPAIRED_ATECO"] == 1
    assert items["tax_codes", "person"] == 1
    assert items["tax_codes", "missing"] == 3
    assert items["duplicates", "conflicting"] == 1
    assert items["future_year", "2031"] == 2
    assert items["missing", "addetti"] == 1
    for part in ("persona fisica", "anni successivi alla data dei dati"):
        assert part in done.stdout


def test_no_example_names_anybody(tmp_path: Path) -> None:
    rows = [
        *rows_of(20),
        f"Neri Mario;{PERSON[:-1]}A;Prato;PO;13.20.00;2024;4",
        "Gialli Anna;00743110158;Prato;PO;13.20.00;2024;5",
        "Rossi Ugo;;Rossi Ugo 00743110157;ZZ;13.20.00;2024;5",
        f"Bianchi Eva;{COMPANY};Prato;PO;13.20.00;2024;1",
        f"Bianchi Eva;{COMPANY};Prato;PO;13.20.00;2024;1",
    ]
    done = check(tmp_path, rows)
    assert done.returncode == 0, done.stderr
    examples = (tmp_path / "quality" / "quality_examples.csv").read_text(encoding="utf-8-sig")
    assert "CF_CHECKSUM" in examples
    for text in (done.stdout, page_of(tmp_path), examples):
        for secret in ("Mario", "Gialli", "Anna", "Bianchi", "Rossi", PERSON[:15], "0074311015"):
            assert secret not in text, secret


def test_at_most_ten_examples_of_each_reason_are_given(tmp_path: Path) -> None:
    rows = [f"D{i};;Nowhere {i};ZZ;13.20.00;2024;1" for i in range(30)]
    assert check(tmp_path, [*rows_of(40), *rows]).returncode == 0
    examples = pd.read_csv(tmp_path / "quality" / "quality_examples.csv")
    counts = examples.groupby("reason")["row"].nunique()
    assert counts.max() == 10


HOSTILE = ["<img src=x onerror=alert(1)>", "{{7*7}}", "{% if %}", "${x}`", "=HYPERLINK(1)", "@x"]


def test_hostile_texts_are_shown_and_never_run(tmp_path: Path) -> None:
    rows = [f"{text};{text};{text};{text};{text};{text};{text}" for text in HOSTILE for _ in "123"]
    rows = [row.replace('"', "") for row in rows]
    done = check(tmp_path, [*rows_of(200), *rows])
    assert done.returncode == 0, done.stderr
    page = page_of(tmp_path)
    assert "<img" not in page
    assert "<script" not in page
    assert not re.search(r"https?://", page)
    for name in ("quality.csv", "quality_examples.csv"):
        table = pd.read_csv(tmp_path / "quality" / name, keep_default_na=False, dtype=str)
        for column in table.columns:
            assert not table[column].str.match(r"\s*[=+@]").any()


def test_a_hostile_column_name_is_shown_and_never_run(tmp_path: Path) -> None:
    rows = [f"{row};x" for row in rows_of(20)]
    text = "\n".join([f"{HEADER};=1+1<script>alert(1)</script>", *rows, ""])
    check(tmp_path, [])
    (tmp_path / "firms.csv").write_text(text, encoding="utf-8")
    done = geo_engine("check", "s.toml", "--out", "quality", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<script" not in page_of(tmp_path)
    items = {item for section, item in items_of(tmp_path) if section == "filled"}
    assert "'=1+1<script>alert(1)</script>" in items


def test_a_column_that_costs_much_is_named_with_its_remedy(tmp_path: Path) -> None:
    rows = [row.replace("13.20.00", "1E5") if i < 20 else row for i, row in enumerate(rows_of(100))]
    done = check(tmp_path, rows)
    assert done.returncode == 0, done.stderr
    for part in ("20 righe su 100", "«ateco»", "formattare la colonna come Testo in Excel"):
        assert part in done.stdout
        assert part in page_of(tmp_path)


def test_local_units_that_look_like_seats_are_told(tmp_path: Path) -> None:
    done = check(tmp_path, rows_of(150), unit="unita_locale")
    assert "sembrano sedi" in done.stdout
    assert ("warning", "looks_like_seats") in items_of(tmp_path)


def test_seats_that_look_like_local_units_are_told(tmp_path: Path) -> None:
    twins = [row.replace("Prato;PO", "Firenze;FI") for row in rows_of(150)]
    done = check(tmp_path, [*rows_of(150), *twins], unit="sede")
    assert "sembrano unità locali" in done.stdout


def test_simulated_data_are_said_to_be(tmp_path: Path) -> None:
    done = check(tmp_path, rows_of(20), more="simulated = true")
    assert "DATI SIMULATI" in done.stdout
    assert "DATI SIMULATI" in page_of(tmp_path)


def test_firms_are_compared_with_the_official_numbers_of_their_provinces(tmp_path: Path) -> None:
    more = """
[quality.province_totals]
path = "movimprese.csv"
province = "Provincia"
firms = "Attive"
year = 2024
source = "Movimprese 2024"
"""
    totals = "Provincia;Attive\nPRATO;1.000\nForli' Cesena;5\n"
    (tmp_path / "movimprese.csv").write_text(totals, encoding="utf-8")
    done = check(tmp_path, rows_of(40), more=more)
    assert done.returncode == 0, done.stderr
    items = items_of(tmp_path)
    assert items["province", "PO"] == 20  # of the year 2024
    assert items["province_official", "PO"] == 1000
    assert items["province_official", "FC"] == 5
    assert "Movimprese 2024" in page_of(tmp_path)
    assert "2 su 2. Fonte: Movimprese 2024" in done.stdout


@pytest.mark.parametrize(
    ("totals", "word"),
    [
        ("Provincia;Attive\nITALIA;5\n", "ITALIA"),
        ("Provincia;Attive\nPRATO;tante\n", "no numbers"),
        ("Prov;Attive\nPRATO;5\n", "lacks Provincia"),
        ("", "cannot be read"),
        (None, "is not a file"),
    ],
)
def test_a_table_of_official_numbers_that_cannot_be_used_is_named(
    totals: str | None, word: str, tmp_path: Path
) -> None:
    more = (
        '[quality.province_totals]\npath = "m.csv"\nprovince = "Provincia"\nfirms = "Attive"\n'
        'year = 2024\nsource = "Movimprese"'
    )
    if totals is not None:
        (tmp_path / "m.csv").write_text(totals, encoding="utf-8")
    done = check(tmp_path, rows_of(5), more=more)
    assert done.returncode in (1, 2)
    assert "PROVINCE_TOTALS" in done.stderr
    assert word in done.stderr
    assert not (tmp_path / "quality").exists()


def test_a_name_that_is_not_found_is_shown_where_it_resembles_a_municipality(
    tmp_path: Path,
) -> None:
    rows = [f"D{i};;Empolixx;ZZ;13.20.00;2024;1" for i in range(4)]
    rows += [f"E{i};;Mario Rossi;RM;13.20.00;2024;1" for i in range(30)]  # may be a person
    rows += [f"F{i};;Castro;;13.20.00;2024;1" for i in range(2)]
    done = check(tmp_path, [*rows_of(40), *rows])
    assert done.returncode == 0, done.stderr
    listed = [item for section, item in items_of(tmp_path) if section == "unresolved_name"]
    assert len(listed) == 3
    assert any(item.startswith("Castro -> nome di più comuni") for item in listed)
    assert any(item.startswith("Ma*** Ro***") for item in listed)
    assert any(item.startswith("Empolixx") and "Empoli" in item[8:] for item in listed)
    for text in (done.stdout, page_of(tmp_path)):
        assert "Mario" not in text
        assert "Empolixx" in text


def test_the_report_is_written_also_when_no_firm_is_placed(tmp_path: Path) -> None:
    done = check(tmp_path, ["A;;Atlantide;;13.20.00;2024;1"])
    assert done.returncode == 1
    assert "NO_FIRM_PLACED" in done.stderr
    assert items_of(tmp_path)["quarantined", "UNKNOWN_COMUNE"] == 1


def test_a_place_for_the_report_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "quality").write_text("x", encoding="utf-8")
    done = check(tmp_path, rows_of(5))
    assert (done.returncode, "NOT_WRITABLE" in done.stderr) == (1, True)
    assert (tmp_path / "quality").read_text(encoding="utf-8") == "x"


def test_the_same_data_give_the_same_report(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert check(tmp_path / name, rows_of(60)).returncode == 0
        texts.append(
            [file.read_bytes() for file in sorted((tmp_path / name / "quality").glob("q*"))]
        )
    assert texts[0] == texts[1]


def test_a_record_of_the_wrong_width_shows_what_was_found(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    lines = "cf;comune;prov;ateco;anno\n;Prato;PO;13.20.00;2024\nMARIO ROSSI;solo due campi\n"
    (broken / "firms.csv").write_text(lines, encoding="utf-8")
    (broken / "study.toml").write_text(
        'title = "Prova"\ndata_date = 2024-12-31\nunit = "sede"\nstatus = "attiva"\n'
        '[[firms]]\npath = "firms.csv"\nateco_version = "2007"\ncolumns = { tax_code = "cf", '
        'municipality = "comune", province = "prov", ateco = "ateco", year = "anno" }\n',
        encoding="utf-8",
    )
    assert geo_engine("check", "study.toml", "--out", "q", cwd=broken).returncode == 0
    page = (broken / "q" / "quality.html").read_text(encoding="utf-8")
    assert "Line 3 has 2 fields instead of 5" in page
    assert "ROSSI" not in page
