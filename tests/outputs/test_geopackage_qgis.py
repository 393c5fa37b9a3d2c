"""The GeoPackage as QGIS opens it: styles applied without asking, and drawn."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import sqlite3
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo_engine import storage
from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.geopackage import write_geopackage
from geo_engine.outputs.qgis_style import CLUSTER_COLORS, SEQUENTIAL
from tests.conftest import ROOT, skip_or_fail
from tests.outputs.example import example_publication, grid_places

pytestmark = pytest.mark.qgis
SCRIPT = ROOT / "scripts" / "render_qgis.py"
HOSTILE = "<b>x</b>{{7*7}} [% 1+1 %] '"


def seen_in_qgis(package: Path, folder: Path) -> dict[str, Any]:
    """Open a package with the system's PyQGIS and tell what it shows."""
    python = shutil.which("python3", path="/usr/bin")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "GDAL_DATA", "PROJ_DATA", "PROJ_LIB"):
        environment.pop(name, None)
    probe = [python or "", "-c", "import qgis.core"]
    if not python or subprocess.run(probe, capture_output=True, check=False).returncode:
        skip_or_fail("no PyQGIS for /usr/bin/python3: run make system")
    done = subprocess.run(
        [str(python), str(SCRIPT), str(package), str(folder), "--styles", "--sld", "--project"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def with_priorities(publication: Publication) -> Publication:
    """Add a table of priorities, which the project joins to the municipalities of a chain."""
    places = publication.results.places.index
    table = pd.DataFrame(
        {"pro_com_t": places, "chain": "moda", "year": 2024, "priority": "act", "order": 1}
    )
    results = dataclasses.replace(publication.results, priorities=table)
    return dataclasses.replace(publication, results=results)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpkg") / "territory.gpkg"
    write_geopackage(with_priorities(example_publication(grid_places(8, 10))), path)
    return path


@pytest.fixture(scope="module")
def seen(package: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    before = storage.sha256_of(package)
    report = seen_in_qgis(package, tmp_path_factory.mktemp("pictures"))
    assert storage.sha256_of(package) == before
    return report


def test_qgis_applies_the_style_of_each_layer_on_opening(seen):
    renderers = {name: seen[name]["renderer"] for name in ("municipalities", "hotspots")}
    assert renderers == {"municipalities": "graduatedSymbol", "hotspots": "categorizedSymbol"}
    assert len(seen["municipalities"]["classes"]) == len(SEQUENTIAL) + 3
    assert seen["regions"]["renderer"] == seen["provinces"]["renderer"] == "singleSymbol"
    assert seen["hotspots"]["labels"]
    assert seen["regions"]["labels"]


def test_the_colors_of_the_classes_that_have_values_are_in_the_picture(seen, package):
    colors = seen["municipalities"]["colors"]
    query = "SELECT styleQML FROM layer_styles WHERE f_table_name = 'municipalities' LIMIT 1"
    with contextlib.closing(sqlite3.connect(package)) as database:
        renderer = ET.fromstring(database.execute(query).fetchone()[0]).find("renderer-v2")
        column = re.search(r'"(\w+__share_eb)"', renderer.get("attr")).group(1)
        values = [v for (v,) in database.execute(f"SELECT {column} FROM municipalities") if v]
    bounds = [(float(r.get("lower")), float(r.get("upper"))) for r in renderer.iter("range")]
    used = [any(low < value < high for value in values) for low, high in bounds[:-3]]
    assert sum(used) >= 4
    assert [colors.get(color, 0) > 200 for color in SEQUENTIAL] == used
    assert seen["hotspots"]["colors"].get(CLUSTER_COLORS["HH"], 0) > 100
    stacked = seen["all"]["colors"]
    assert stacked.get(CLUSTER_COLORS["HH"], 0) > 100
    assert stacked.get(SEQUENTIAL[-1], 0) > 100


def test_only_the_leading_chain_is_drawn_among_the_hotspots(seen):
    assert sum(entry["shown"] for entry in seen["hotspots"]["classes"]) == 1


def test_qgis_shows_italian_aliases_and_words(seen):
    for name in ("municipalities", "provinces", "regions", "hotspots", "panel"):
        aliases = seen[name]["aliases"]
        assert all(alias for field, alias in aliases.items() if field != "fid"), name
    assert seen["municipalities"]["aliases"]["pro_com_t"] == "Codice ISTAT del comune"
    assert seen["panel"]["aliases"]["share_q_value"] == "Digitalizzazione: valore q"
    assert seen["panel"]["widgets"]["share_status"] == "ValueMap"
    assert seen["municipalities"]["display"] == '"name"'


def test_qgis_finds_the_spatial_index_and_the_system(seen):
    for name in ("municipalities", "provinces", "regions", "hotspots"):
        assert seen[name]["spatial_index"], name
        assert seen[name]["crs"] == "EPSG:32632"


def test_every_other_style_can_be_chosen_and_draws_its_colors(seen):
    names = set(seen["styles"])
    assert {"Moda: valori", "Moda: aree", "Moda: concentrazione"} <= names
    for name, style in seen["styles"].items():
        palette = SEQUENTIAL if "valori" in name or name == "Predefinito" else ["#f0f0f0"]
        assert any(style["colors"].get(color, 0) > 100 for color in palette), name
    assert seen["styles"]["Moda: aree"]["colors"].get(CLUSTER_COLORS["HH"], 0) > 50


def test_every_sld_is_read_and_draws_the_same_classes(seen):
    assert set(seen["sld"]) == set(seen["styles"])
    for name, style in seen["sld"].items():
        assert style["loaded"], style["message"]
        palette = [*SEQUENTIAL, *CLUSTER_COLORS.values()]
        drawn = [style["colors"].get(color, 0) for color in palette]
        asked = [seen["styles"][name]["colors"].get(color, 0) for color in palette]
        np.testing.assert_allclose(drawn, asked, rtol=0.03, atol=400, err_msg=name)
        # No municipality is left out: one covers 4,000 pixels or more.
        bare = [found["colors"]["#ffffff"] for found in (style, seen["styles"][name])]
        assert abs(bare[0] - bare[1]) < 1500, name


def test_the_project_in_the_file_opens_with_a_group_for_each_chain(seen):
    project = seen["project"]
    assert project["read"]
    assert project["crs"] == "EPSG:32632"
    names = [name for name, _ in project["groups"]]
    assert names == ["Confini", "Moda", "Arredo e design", "Tabelle"]
    layers = [layer for _, group in project["groups"] for layer in group]
    assert all(layer["valid"] and layer["features"] >= 0 for layer in layers)
    shown = [layer["name"] for layer in layers if layer["shown"]]
    assert len(shown) == 4
    assert shown[:2] == ["Regioni", "Province e città metropolitane"]
    assert shown[3].endswith(": valori")


def test_the_project_joins_priorities_and_relates_the_tables(seen):
    project = seen["project"]
    assert "priorita_priority" in project["joined"]
    assert project["relations"]
    assert all(project["relations"])


def test_the_page_to_print_shows_the_map(seen):
    (page,) = seen["project"]["pages"].values()
    assert page["colors"].get(SEQUENTIAL[-1], 0) > 1000
    assert page["colors"].get(CLUSTER_COLORS["HH"], 0) > 100


def test_hostile_names_reach_qgis_as_text(tmp_path):
    path = tmp_path / "territory.gpkg"
    write_geopackage(example_publication(hostile=HOSTILE), path)
    report = seen_in_qgis(path, tmp_path / "pictures")
    labels = [entry["label"] for entry in report["hotspots"]["classes"]]
    assert all(HOSTILE in label for label in labels)
    assert len(report["municipalities"]["classes"]) == len(SEQUENTIAL) + 3
