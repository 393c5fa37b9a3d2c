"""Every bad input of the guide's table, through the command line: error, message, rows."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pytest

from geo_engine.sources import csv_records
from tests.bad_inputs import archives, files, geometry, place, text
from tests.bad_inputs.case import (
    Accounted,
    Case,
    check_accounted,
    check_refused,
    geo_engine,
    write_study,
)
from tests.conftest import SHARED, skip_or_fail

CASES = [*text.CASES, *place.CASES, *geometry.CASES, *files.CASES]
CATEGORIES = {"text", "place", "geometry", "file"}
IN_A_PROCESS = ("B01", "B22", "B64")


@pytest.mark.parametrize("case", [case.param() for case in CASES])
def test_a_bad_input_gets_its_name_and_loses_no_row(case: Case, tmp_path: Path) -> None:
    case.make(tmp_path)
    write_study(case, tmp_path)
    if isinstance(case.expected, Accounted):
        check_accounted(case, case.expected, tmp_path)
        return
    for command in (("check", "s.toml", "--out", "quality"), ("run", "s.toml", "--out", "out")):
        check_refused(geo_engine(*command, cwd=tmp_path), case.expected, tmp_path)


def test_firms_at_one_point_are_counted_over_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_records, "BATCH_ROWS", 20)
    apart = [f"{i};{11.0961 + i / 1e5:.5f};43.8805" for i in range(60)]
    rows = [row for i, row in enumerate(apart) for row in (row, f"{1000 + i};9.19;45.464")]
    case = geometry.with_points(
        *rows,
        placed=("100005", "015146") * 60,
        flags={"GEOCODE_CENTROID": 60},
    )
    case.make(tmp_path)
    write_study(case, tmp_path)
    check_accounted(case, case.expected, tmp_path)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a cache of boundaries that starts empty."""
    monkeypatch.setenv("GEO_ENGINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kept(cache: Path) -> set[str]:
    """List the files of boundaries in a cache."""
    found = {path.name for path in (cache / "boundaries").rglob("*") if path.is_file()}
    return found - {".geo-engine.lock"}


@pytest.mark.parametrize("archive", [archive.param() for archive in archives.ARCHIVES])
def test_a_bad_archive_of_boundaries_gets_its_name_and_is_not_kept(
    archive: archives.Archive, tmp_path: Path, own_cache: Path
) -> None:
    (tmp_path / "confini.zip").write_bytes(archive.make())
    done = geo_engine("boundaries", "import", "confini.zip", archives.YEAR, cwd=tmp_path)
    check_refused(done, archive.expected, tmp_path)
    assert not kept(own_cache)
    assert {path.name for path in tmp_path.iterdir()} <= {"confini.zip", "cache"}


def test_an_archive_without_cpg_is_kept_and_none_of_its_names_is_spoilt(
    tmp_path: Path, own_cache: Path
) -> None:
    assert not any(name.endswith(".cpg") for name in archives.good_files())
    (tmp_path / "confini.zip").write_bytes(archives.good_archive())
    done = geo_engine("boundaries", "import", "confini.zip", archives.YEAR, cwd=tmp_path)
    assert done.status == 0, done.err
    (layer,) = (gpd.read_parquet(path) for path in (own_cache / "boundaries").rglob("*.parquet"))
    names = set(layer["name"])
    assert {"Forlì", "Cantù", "Roccaforte Mondovì"} <= names
    assert not any("Ã" in name for name in names)


@pytest.mark.parametrize("number", IN_A_PROCESS)
def test_a_process_of_its_own_ends_with_the_same_status_and_words(
    number: str, tmp_path: Path
) -> None:
    case = next(case for case in CASES if case.id == number)
    case.make(tmp_path)
    write_study(case, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "geo_engine.cli.app", "run", "s.toml", "--out", "out"],
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    if isinstance(case.expected, Accounted):
        assert done.returncode == 0, done.stderr
        assert f"Righe lette: {case.expected.rows} = " in done.stdout
    else:
        assert done.returncode == case.expected.status
        assert done.stderr.strip().splitlines()[-1].startswith(f"{case.expected.code}: ")


@pytest.mark.shared
def test_every_row_of_the_guides_table_has_a_case() -> None:
    guide = SHARED / "guide" / "bad_inputs.csv"
    if not guide.is_file():
        skip_or_fail(f"no guide at {guide}")
    with guide.open(encoding="utf-8", newline="") as table:
        wanted = {row["id"] for row in csv.DictReader(table) if row["category"] in CATEGORIES}
    assert len(wanted) == 66
    assert {case.id for case in CASES} | {each.id for each in archives.ARCHIVES} == wanted
