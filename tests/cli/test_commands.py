"""The command line as a person uses it: words, files and exit status."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pandas as pd
import pytest

from geo_engine import delivery
from geo_engine.cli.app import main
from geo_engine.storage import sha256_of

PUBLIC = {
    "atlas.html",
    "territory.gpkg",
    "levels.parquet",
    "panel.parquet",
    "tables.xlsx",
    "manifest.json",
    "run.json",
}
STUDY = """
title = "Prova <b>{{{{7*7}}}}</b>"
data_date = 2024-12-31
unit = "unita_locale"
status = "attiva"
audience = "{audience}"
chains = {{ use = ["moda"] }}
statistics = {{ permutations = 0 }}

[[firms]]
path = "firms.csv"
ateco_version = "2007"

[firms.columns]
name = "nome"
municipality = "comune"
province = "prov"
ateco = "ateco"
year = "anno"

[digital]
signals = [{{ column = "sito", label = "imprese con sito web", rule = "website" }}]
"""


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def geo_engine(*arguments: object, cwd: Path) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["geo-engine", *map(str, arguments)]),
        mock.patch.dict(os.environ, {"COLUMNS": "200", "NO_COLOR": "1"}),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    return Done(int(stopped.value.code or 0), out.getvalue(), err.getvalue())


def write_extract(folder: Path, *, reverse: bool = False) -> None:
    towns = [("Prato", "PO"), ("Montemurlo", "PO"), ("Biella", "BI"), ("NAPOLI", "NA")]
    rows = [
        f"Ditta {i};{town};{prov};13.20.00;{2023 + i % 2};{f'www.d{i}.it' if i % 3 else 'assente'}"
        for i in range(40)
        for town, prov in [towns[i % 4]]
    ]
    rows += [
        "<img src=x onerror=alert(1)>;Castro;;13.20.00;2024;",
        "=HYPERLINK(1);Nowhere;ZZ;;2024;",
    ]
    if reverse:
        rows.reverse()
    text = "\n".join(["nome;comune;prov;ateco;anno;sito", *rows, ""])
    (folder / "firms.csv").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def internal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("study with space é")
    write_extract(folder)
    (folder / "s.toml").write_text(STUDY.format(audience="internal"), encoding="utf-8")
    done = geo_engine("run", "s.toml", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    write_extract(folder)
    (folder / "s.toml").write_text(STUDY.format(audience="public"), encoding="utf-8")
    done = geo_engine("run", "s.toml", "--out", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_a_run_tells_its_account_and_where_its_files_are(internal: tuple[Path, str]) -> None:
    folder, said = internal
    assert "Righe lette: 42 = 40 localizzate + 2 in quarantena" in said
    assert "AMBIGUOUS_COMUNE: 1" in said
    assert "atlas.html" in said
    assert files_of(folder / "out") == PUBLIC | {"quarantine.csv", "firms_placed.parquet"}


def test_a_public_run_writes_no_single_firm(public: Path) -> None:
    assert files_of(public / "out") == PUBLIC
    for name in ("atlas.html", "manifest.json"):
        text = (public / "out" / name).read_text(encoding="utf-8")
        assert "Ditta 1" not in text
        assert "onerror=alert(1)" not in text


def test_a_public_run_into_the_folder_of_an_internal_one_removes_its_single_firms(
    tmp_path: Path,
) -> None:
    write_extract(tmp_path)
    (tmp_path / "out").mkdir()
    for name in ("quarantine.csv", "firms_placed.parquet"):
        (tmp_path / "out" / name).write_text("earlier", encoding="utf-8")
    (tmp_path / "s.toml").write_text(STUDY.format(audience="public"), encoding="utf-8")
    assert geo_engine("run", "s.toml", "--out", "out", cwd=tmp_path).returncode == 0
    assert files_of(tmp_path / "out") == PUBLIC


def test_placed_firms_keep_every_input_column_and_gain_their_place(
    internal: tuple[Path, str],
) -> None:
    table = pd.read_parquet(internal[0] / "out" / "firms_placed.parquet")
    assert len(table) == 40
    assert list(table.columns[:6]) == ["nome", "comune", "prov", "ateco", "anno", "sito"]
    naples = table[table["comune"] == "NAPOLI"]
    assert set(naples["geo_pro_com_t"]) == {"063049"}
    assert set(naples["prov"]) == {"NA"}
    assert set(table["geo_chains"]) == {"moda"}
    assert set(table["geo_phases"]) == {"moda:monte"}
    assert table["geo_digital"].sum() == 26
    assert set(table["geo_method"]) == {"name"}


def test_quarantine_is_safe_in_a_spreadsheet(internal: tuple[Path, str]) -> None:
    table = pd.read_csv(internal[0] / "out" / "quarantine.csv", dtype=str, keep_default_na=False)
    assert list(table["reason"]) == ["AMBIGUOUS_COMUNE", "UNKNOWN_COMUNE"]
    for name in table.columns:
        assert not table[name].str.match(r"[=+\-@]").any()


def test_the_manifest_names_inputs_parameters_and_outputs_with_their_digests(
    internal: tuple[Path, str],
) -> None:
    folder = internal[0]
    manifest = json.loads((folder / "out" / "manifest.json").read_text(encoding="utf-8"))
    text = json.dumps(manifest)
    assert sha256_of(folder / "firms.csv") in text
    for name in (PUBLIC | {"quarantine.csv", "firms_placed.parquet"}) - {
        "manifest.json",
        "run.json",
    }:
        assert sha256_of(folder / "out" / name) in text, name
    assert str(folder) not in text
    assert not re.search(r"20\d\d-\d\d-\d\dT", text)


def test_a_second_run_gives_the_same_bytes(public: Path) -> None:
    assert geo_engine("run", "s.toml", "--out", "again", cwd=public).returncode == 0
    for name in PUBLIC - {"run.json"}:
        assert sha256_of(public / "out" / name) == sha256_of(public / "again" / name), name


def test_shuffled_rows_give_the_same_bytes_where_the_input_is_not_named(
    public: Path, tmp_path: Path
) -> None:
    write_extract(tmp_path, reverse=True)
    (tmp_path / "s.toml").write_text(STUDY.format(audience="public"), encoding="utf-8")
    assert geo_engine("run", "s.toml", "--out", "again", cwd=tmp_path).returncode == 0
    for name in ("atlas.html", "territory.gpkg", "panel.parquet"):
        assert sha256_of(public / "out" / name) == sha256_of(tmp_path / "again" / name), name


def test_a_refused_run_leaves_the_earlier_results_whole(public: Path) -> None:
    before = {path: sha256_of(path) for path in (public / "out").iterdir()}
    broken = (public / "s.toml").read_text(encoding="utf-8").replace('"nome"', '"nom"')
    (public / "broken.toml").write_text(broken, encoding="utf-8")
    done = geo_engine("run", "broken.toml", "--out", "out", cwd=public)
    assert done.returncode == 1
    assert "MISSING_COLUMN" in done.stderr
    assert "nome" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path: sha256_of(path) for path in (public / "out").iterdir()} == before


def test_a_wrong_study_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("titel = 1", encoding="utf-8")
    done = geo_engine("run", "s.toml", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "Did you mean title?" in done.stderr
    assert not (tmp_path / "out").exists()
    assert geo_engine("run", "absent.toml", "--out", "out", cwd=tmp_path).returncode == 2
    assert geo_engine("frobnicate", cwd=tmp_path).returncode == 2


def test_init_writes_a_study_that_runs(tmp_path: Path) -> None:
    write_extract(tmp_path)
    done = geo_engine("init", "firms.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "DA VERIFICARE" in (tmp_path / "firms.toml").read_text(encoding="utf-8")
    again = geo_engine("init", "firms.csv", cwd=tmp_path)
    assert again.returncode == 1
    assert "STUDY_EXISTS" in again.stderr
    ran = geo_engine("run", "firms.toml", "--out", "out", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "Righe lette: 42 = 40 localizzate + 2 in quarantena" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("version",), ["geo-engine 0.1.0"]),
        (("chains", "list"), ["moda", "Agroalimentare"]),
        (("chains", "show", "moda"), ["13.1", "Produzione"]),
        (("chains", "overlaps"), ["Agroalimentare", "Turismo"]),
        (("chains", "code", "62.01"), ["ATECO 2007", "ICT"]),
        (("boundaries", "list"), ["2024-01-22", "7.896", "Setteville"]),
        (("boundaries", "info"), ["7.896 comuni", "CC BY 4.0"]),
        (("--help",), ["geo-engine init EXTRACT", "Exit status"]),
        (("run", "--help"), ["--data-root", "Example"]),
    ],
)
def test_each_small_command_says_what_it_should(
    arguments: tuple[str, ...], words: list[str], tmp_path: Path
) -> None:
    done = geo_engine(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("chains", "show", "mod"), 1, "Did you mean moda"),
        (("boundaries", "info", "ieri"), 2, "DATE_INVALID"),
        (("boundaries", "info", "2001-01-01"), 1, "BOUNDARY_DATE"),
        (("init", "absent.csv"), 1, "SOURCE_MISSING"),
    ],
)
def test_an_error_has_its_name_and_no_traceback(
    arguments: tuple[str, ...], status: int, word: str, tmp_path: Path
) -> None:
    done = geo_engine(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unforeseen_error_is_told_without_its_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("somewhere")

    monkeypatch.setattr("geo_engine.cli.run.read_study", broken)
    done = geo_engine("run", "s.toml", "--out", "out", cwd=tmp_path)
    assert done.returncode == 1
    assert "UNEXPECTED: ZeroDivisionError: somewhere" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_behind(
    public: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def stopped(_: object, path: Path, **_others: object) -> None:
        path.write_text("half")
        signal.raise_signal(number)

    before = {name: sha256_of(public / "out" / name) for name in PUBLIC}
    monkeypatch.setitem(delivery.ARTEFACTS, "geopackage", ("territory.gpkg", stopped))
    done = geo_engine("run", "s.toml", "--out", "out", cwd=public)
    assert done.returncode == 128 + number
    assert {name: sha256_of(public / "out" / name) for name in PUBLIC} == before
    assert not list((public / "out").glob(".*tmp*"))


def test_a_disk_without_room_is_named_and_changes_nothing(
    public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object, path: Path, **_others: object) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = {name: sha256_of(public / "out" / name) for name in PUBLIC}
    monkeypatch.setitem(delivery.ARTEFACTS, "atlas", ("atlas.html", full))
    done = geo_engine("run", "s.toml", "--out", "out", cwd=public)
    assert done.returncode == 1
    assert "NOT_WRITTEN: atlas.html cannot be written (No space left on device)" in done.stderr
    assert {name: sha256_of(public / "out" / name) for name in PUBLIC} == before
    assert not list((public / "out").glob(".*tmp*"))
