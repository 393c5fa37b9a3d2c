"""The wheel carries all it needs: boundaries, chains, words, the script of the atlas."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = {
    "geo_engine/_boundaries/comuni_2022-01-01.parquet",
    "geo_engine/_boundaries/population.parquet",
    "geo_engine/_boundaries/changes.toml",
    "geo_engine/_boundaries/SOURCE.md",
    "geo_engine/chains/breaks.toml",
    "geo_engine/chains/chains.toml",
    "geo_engine/indicators/digital_intensity.toml",
    "geo_engine/indicators/legal_forms.toml",
    "geo_engine/indicators/selfi.toml",
    "geo_engine/indicators/signals.toml",
    "geo_engine/indicators/universe.toml",
    "geo_engine/words/drivers.toml",
    "geo_engine/indicators/registry.toml",
    "geo_engine/places/names.toml",
    "geo_engine/synthetic/study.toml",
    "geo_engine/synthetic/districts.toml",
    "geo_engine/words/it.toml",
    "geo_engine/words/en.toml",
}
PROBE = """
import datetime, sys
from geo_engine.sources.boundaries import boundaries_folder, read_layer, read_population
day = datetime.date(2025, 1, 1)
print(boundaries_folder())
print(len(read_layer(day)), int(read_population(day).sum()))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_is_pure_and_holds_every_data_file(wheel: Path) -> None:
    assert wheel.name.endswith("py3-none-any.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= NEEDED
    assert any(name.endswith(".js") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "maps/")) for name in names)


def test_an_installed_wheel_reads_its_own_boundaries_from_any_folder(
    wheel: Path, tmp_path: Path
) -> None:
    site = tmp_path / "with space" / "sité"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, *install], check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    folder, counts = done.stdout.splitlines()
    assert Path(folder) == site / "geo_engine" / "_boundaries"
    assert counts == "7896 58850717"
