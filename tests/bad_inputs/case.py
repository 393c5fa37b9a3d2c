"""One bad input: how it is made, how it is given to the command line, what must come of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pandas as pd
import pytest

from geo_engine.cli.app import main
from geo_engine.cli.console import number

ROLES = {
    "id": "firm_id",
    "cf": "tax_code",
    "nome": "name",
    "istat": "istat_code",
    "catasto": "cadastral_code",
    "comune": "municipality",
    "prov": "province",
    "cap": "postal_code",
    "lon": "lon",
    "lat": "lat",
    "ateco": "ateco",
    "vers": "ateco_version",
    "anno": "year",
    "addetti": "employees",
}
"""Role of each column that the extracts of this suite use."""
STUDY = """
title = "Prova"
data_date = 2024-12-31
unit = "unita_locale"
status = "attiva"
audience = "internal"
outputs = { formats = ["firms"] }
chains = { use = ["moda"] }
coverage = { municipalities = ["048017", "100003", "100005"] }
statistics = { permutations = 0, robustness = { enabled = false } }
"""
GOOD = "GOOD"
"""Stands for the one row that is right in every extract: a firm in Prato, 100005."""
PRATO = {
    "id": "p1",
    "cf": "00123450975",
    "nome": "Lana srl",
    "istat": "100005",
    "catasto": "G999",
    "comune": "Prato",
    "prov": "PO",
    "cap": "59100",
    "lon": "11.0961",
    "lat": "43.8805",
    "ateco": "13.20.00",
    "vers": "2007",
    "anno": "2024",
    "addetti": "12",
}


class Done(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The whole input is refused, by ``check`` and by ``run``."""

    code: str
    says: tuple[str, ...]
    """What the message must name: the file, the column or the line, and what to do."""
    status: int = 1


@dataclass(frozen=True, kw_only=True)
class Accounted:
    """The input is read, and every row is placed or set aside."""

    placed: tuple[str, ...]
    """Municipality of each placed row, in the order of the rows."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Rows set aside by reason."""
    says: tuple[str, ...] = ()
    """What the details of the rows set aside must say."""
    flags: Mapping[str, int] = field(default_factory=dict)
    """Placed rows by flag; no other flag may stand, ``ANY`` leaves that open."""
    holds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns of the placed rows that must come out so."""
    told: tuple[str, ...] = ()
    """What ``check`` must print: encoding and separator as found."""
    record: tuple[str, ...] = ()
    """What the records set aside must hold, unchanged."""

    @property
    def rows(self) -> int:
        """Rows of the input."""
        return len(self.placed) + sum(self.reasons.values())


@dataclass(frozen=True, kw_only=True)
class Case:
    """One bad input."""

    id: str
    """Of the guide's table."""
    what: str
    make: Callable[[Path], None]
    """Writes ``firms.csv`` (or the file that the source names) into a folder."""
    columns: Mapping[str, str | int]
    expected: Refused | Accounted
    source: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of the source."""
    study: str = ""
    """Further keys of the study: tables in TOML, after the sources."""
    top: str = ""
    """Further keys of the study: lines in TOML, before its tables."""

    def param(self) -> Any:
        """Give the case as a parameter of a test."""
        name = f"{self.id}-{self.what.replace(' ', '-')}"
        return pytest.param(self, id=name)


def table(header: str, *rows: str, separator: str = ";", end: str = "\n") -> str:
    """Write an extract; a row ``GOOD`` is the one of Prato."""
    names = header.split(separator)
    good = separator.join(PRATO.get(name, "") for name in names)
    return end.join([header, *(good if row == GOOD else row for row in rows), ""])


def extract(content: str | bytes, name: str = "firms.csv") -> Callable[[Path], None]:
    """Give the maker of a file."""

    def make(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return make


def csv_case(
    number: str, what: str, header: str, *rows: str, expected: Refused | Accounted, **more: Any
) -> Case:
    """Give a case of a CSV with the usual columns."""
    names = header.split(";")
    return Case(
        id=number,
        what=what,
        make=extract(table(header, *rows)),
        columns=columns_of(*names),
        expected=expected,
        **more,
    )


def columns_of(*names: str) -> dict[str, str | int]:
    """Map the usual columns to their roles."""
    return {ROLES[name]: name for name in names if name in ROLES}


def write_study(case: Case, folder: Path) -> None:
    """Write the study of a case."""
    source = {"path": "firms.csv", **case.source}
    if "year" not in case.columns and "year" not in source:
        source["year"] = 2024
    if "ateco" not in case.columns and "ateco" not in source:
        source["ateco"] = "13.20.00"
    lines = [STUDY, case.top, "[[firms]]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in source.items()]
    lines += ["[firms.columns]"]
    lines += [f"{role} = {json.dumps(name)}" for role, name in case.columns.items()]
    (folder / "s.toml").write_text("\n".join([*lines, case.study, ""]), encoding="utf-8")


def geo_engine(*arguments: object, cwd: Path) -> Done:
    """Run a command in this process, as the console script does."""
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


def check_refused(done: Done, expected: Refused, folder: Path) -> None:
    """Check that a command refused, said why and what to do, and wrote no result."""
    assert done.status == expected.status, done.err or done.out
    last = done.err.strip().splitlines()[-1]
    assert last.startswith(f"{expected.code}: "), done.err
    for words in expected.says:
        assert words in last
    assert "Traceback" not in done.err
    for results in ("out", "quality"):
        assert {path.name for path in folder.glob(f"{results}/*")} <= {".geo-engine.lock"}


def check_accounted(case: Case, expected: Accounted, folder: Path) -> None:
    """Check that a run and a check account for every row alike."""
    done = geo_engine("run", "s.toml", "--out", "out", cwd=folder)
    assert done.status == 0, done.err
    aside = sum(expected.reasons.values())
    rows, placed = number(expected.rows), number(len(expected.placed))
    assert f"Righe lette: {rows} = {placed} localizzate + {number(aside)} in quarantena" in done.out
    _check_files(expected, folder / "out")
    checked = geo_engine("check", "s.toml", "--out", "quality", cwd=folder)
    assert checked.status == 0, checked.err
    for words in expected.told:
        assert words in checked.out
    report = pd.read_csv(folder / "quality" / "quality.csv").set_index(["section", "item"])["rows"]
    total = {"in": expected.rows, "placed": len(expected.placed), "quarantined": aside}
    assert report["rows"].to_dict() == total
    assert _section(report, "quarantined") == dict(expected.reasons)
    if "ANY" not in expected.flags:
        assert _section(report, "flag") == dict(expected.flags)


def _section(report: pd.Series, section: str) -> dict[str, int]:
    """Give one section of the report: rows by item."""
    inside = report.index.get_level_values("section") == section
    return report[inside].droplevel("section").to_dict()


def _check_files(expected: Accounted, out: Path) -> None:
    """Check the rows that a run placed and those that it set aside."""
    quarantine = pd.read_csv(out / "quarantine.csv", dtype=str, keep_default_na=False)
    assert dict(Counter(quarantine["reason"])) == dict(expected.reasons)
    details = "\n".join(quarantine["detail"])
    for words in expected.says:
        assert words in details
    for words in expected.record:
        assert words in "\n".join(quarantine["record"])
    firms = pd.read_parquet(out / "firms_placed.parquet")
    assert tuple(firms["geo_pro_com_t"]) == expected.placed
    for name, values in expected.holds.items():
        assert tuple(firms[name]) == values
