"""The GeoPackage: what a GIS finds in it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
import shutil
import sqlite3
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from geo_engine import storage, tables
from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs.geopackage import write_geopackage
from geo_engine.outputs.qgis_style import SEQUENTIAL
from geo_engine.results import ChainInfo
from tests.conftest import skip_or_fail
from tests.outputs.example import example_publication, real_places, with_facts
from tests.outputs.test_tabular import reordered

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}'\"]]>\x0b&${x}"
SPATIAL = ["municipalities", "provinces", "regions", "hotspots"]


@pytest.fixture(scope="module")
def publication() -> Publication:
    return example_publication()


@pytest.fixture(scope="module")
def package(publication, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("gpkg") / "territory.gpkg"
    write_geopackage(publication, path)
    return path


def rows(path: Path, sql: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def written(publication: Publication, folder: Path) -> Path:
    path = folder / "territory.gpkg"
    write_geopackage(publication, path)
    return path


def test_the_layers_are_there_in_the_system_of_the_distances(package, publication):
    assert list(pyogrio.list_layers(package)[:, 0]) == [
        *(*SPATIAL, "panel", "local_results", "layer_styles")
    ]
    counts = {
        "municipalities": len(publication.results.places),
        "provinces": len(publication.results.provinces),
        "regions": len(publication.results.regions),
        "hotspots": len(publication.results.hotspots),
    }
    for name in SPATIAL:
        info = pyogrio.read_info(package, layer=name)
        assert (info["crs"], info["geometry_type"]) == (tables.CRS_DISTANCE, "MultiPolygon")
        assert info["features"] == counts[name] > 0


@pytest.mark.parametrize("crs", ["EPSG:7794", "EPSG:6707", "EPSG:3035", "EPSG:4326"])
def test_a_study_may_ask_for_another_system(publication, crs, tmp_path):
    path = written(with_facts(publication, crs=crs), tmp_path)
    found = gpd.read_file(path, layer="municipalities").set_index("pro_com_t")
    assert found.crs.to_epsg() == int(crs[5:])
    west, south, east, north = found.to_crs(tables.CRS_WEB).total_bounds
    expected = publication.results.places.total_bounds
    np.testing.assert_allclose((west, south, east, north), expected, atol=1e-7)
    assert crs in rows(path, "SELECT metadata FROM gpkg_metadata WHERE id = 1")[0][0]


def test_outer_rings_turn_against_the_clock(package):
    for name in SPATIAL:
        parts = gpd.read_file(package, layer=name).geometry.explode()
        assert shapely.is_ccw(parts.exterior.to_numpy()).all()


def test_the_panel_leaves_out_places_that_the_data_do_not_cover(publication, tmp_path):
    results = publication.results
    places = results.places.assign(covered=np.arange(len(results.places)) % 2 == 0)
    results = dataclasses.replace(results, places=places)
    path = written(dataclasses.replace(publication, results=results), tmp_path)
    found = {code for (code,) in rows(path, "SELECT DISTINCT pro_com_t FROM panel")}
    assert found == set(places.index[places["covered"]])


def test_the_polygons_are_the_municipalities(package, publication):
    found = gpd.read_file(package, layer="municipalities").set_index("pro_com_t")
    expected = publication.results.places.geometry.to_crs(tables.CRS_DISTANCE)
    assert list(found.index) == list(expected.index)
    difference = found.geometry.symmetric_difference(expected).area
    assert difference.max() < 1e-3


def test_the_wide_columns_hold_the_cells_of_the_latest_year(package, publication):
    found = gpd.read_file(package, layer="municipalities").set_index("pro_com_t")
    last = publication.results.panel.sel(year=2024)
    for chain in ("moda", "arredo_design"):
        for name in ("firms", "known", "digital", "share", "share_eb", "firms_per_1000"):
            column = found[f"{chain}__{name}"].astype(float)
            np.testing.assert_array_equal(column, last[name].sel(chain=chain))
        codes = last["share_status"].sel(chain=chain).to_numpy()
        words = [tables.STATUSES[code] for code in codes]
        assert found[f"{chain}__share_status"].tolist() == words


def test_the_panel_table_holds_every_cell(package, publication):
    found = pyogrio.read_dataframe(package, layer="panel", read_geometry=False)
    panel = publication.results.panel
    assert len(found) == panel["firms"].size
    cells = found.set_index(["pro_com_t", "chain", "year"])["share_eb"].to_xarray()
    expected = panel["share_eb"].sortby(["place", "chain", "year"])
    np.testing.assert_array_equal(cells.to_numpy(), expected.to_numpy())


def test_codes_keep_their_zeros_and_are_text(publication, tmp_path):
    results = publication.results
    codes = [f"00{i:04d}" for i in range(len(results.places))]
    places = results.places.set_axis(pd.Index(codes, name="pro_com_t"))
    parts = {
        name: getattr(results, name).assign_coords(place=codes)
        for name in ("panel", "local", "robustness", "change")
    }
    results = dataclasses.replace(results, places=places, **parts)
    path = written(dataclasses.replace(publication, results=results), tmp_path)
    assert rows(path, "SELECT DISTINCT typeof(pro_com_t) FROM panel") == [("text",)]
    assert rows(path, "SELECT min(pro_com_t) FROM municipalities") == [("000000",)]


def test_every_layer_has_a_spatial_index_that_finds_it(package):
    for name in SPATIAL:
        indexed = rows(package, f"SELECT count(*) FROM rtree_{name}_geom")[0][0]
        assert indexed == rows(package, f"SELECT count(*) FROM {name}")[0][0]
    box = gpd.read_file(package, layer="municipalities", rows=1).total_bounds
    found = gpd.read_file(package, layer="municipalities", bbox=tuple(box))
    assert 1 <= len(found) < 12


def test_every_column_has_an_italian_alias_and_a_description(package):
    named = {
        (table, column): (title, description)
        for table, column, title, description in rows(
            package, "SELECT table_name, column_name, title, description FROM gpkg_data_columns"
        )
    }
    for layer in [*SPATIAL, "panel"]:
        for column in pyogrio.read_info(package, layer=layer)["fields"]:
            title, description = named[(layer, str(column))]
            assert title
            assert description
            assert title != column
    alias, _ = named[("municipalities", "moda__share_eb")]
    assert alias == "Moda: Quota corretta per i piccoli numeri"


def test_the_style_gives_the_same_aliases(package):
    query = "SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault"
    for layer, text in rows(package, query):
        aliases = {a.get("field"): a.get("name") for a in ET.fromstring(text).iter("alias")}
        query = f"SELECT column_name, title FROM gpkg_data_columns WHERE table_name = '{layer}'"
        assert aliases == dict(rows(package, query))


def test_each_layer_has_one_default_style_and_short_unique_names(package):
    styles = rows(package, "SELECT f_table_name, styleName, useAsDefault FROM layer_styles")
    for layer in [*SPATIAL, "panel"]:
        own = [style for style in styles if style[0] == layer]
        assert sum(style[2] for style in own) == 1
        names = [style[1] for style in own]
        assert len(set(names)) == len(names)
        assert max(map(len, names)) <= 30


def test_the_municipalities_open_in_the_classes_of_the_atlas_with_missing_hatched(package):
    query = "SELECT styleQML FROM layer_styles WHERE f_table_name = 'municipalities' LIMIT 1"
    root = ET.fromstring(rows(package, query)[0][0])
    renderer = root.find("renderer-v2")
    assert renderer.get("type") == "graduatedSymbol"
    assert '"moda__share_eb"' in renderer.get("attr") or "arredo" in renderer.get("attr")
    ranges = renderer.findall("ranges/range")
    assert [r.get("label") for r in ranges[-3:]] == [
        "dato non disponibile",
        "oscurato per riservatezza",
        "fuori copertura",
    ]
    assert len(ranges) == len(SEQUENTIAL) + 3
    symbols = {s.get("name"): s for s in renderer.findall("symbols/symbol")}
    hatched = [s.find("layer[@class='LinePatternFill']") is not None for s in symbols.values()]
    assert hatched == [False] * 5 + [True] * 2 + [False]
    bounds = [(float(r.get("lower")), float(r.get("upper"))) for r in ranges[:-3]]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(bounds))


def test_every_value_of_the_latest_year_falls_in_a_class(package):
    query = "SELECT styleQML FROM layer_styles WHERE f_table_name = 'municipalities' LIMIT 1"
    renderer = ET.fromstring(rows(package, query)[0][0]).find("renderer-v2")
    column = re.search(r'"(\w+__share_eb)"', renderer.get("attr")).group(1)
    values = gpd.read_file(package, layer="municipalities")[column].dropna()
    ranges = renderer.findall("ranges/range")[:-3]
    assert values.min() >= float(ranges[0].get("lower"))
    assert values.max() <= float(ranges[-1].get("upper"))


def test_every_layer_of_simulated_data_says_so_and_of_real_data_does_not(
    publication, package, tmp_path
):
    query = "SELECT identifier, description FROM gpkg_contents WHERE table_name != 'layer_styles'"
    for title, description in rows(package, query):
        assert title.endswith("(DATI SIMULATI)")
        assert description.startswith("DATI SIMULATI - a scopo dimostrativo. ")
    real = written(with_facts(publication, simulated=False), tmp_path)
    assert not any("SIMULATI" in text for row in rows(real, query) for text in row)


def test_a_place_without_a_test_says_why_in_the_legend_of_clusters(package):
    query = "SELECT styleQML FROM layer_styles WHERE styleName = 'Moda: aree'"
    renderer = ET.fromstring(rows(package, query)[0][0]).find("renderer-v2")
    labels = {c.get("value"): c.get("label") for c in renderer.findall("categories/category")}
    assert labels[""] == "dato non disponibile"
    assert labels["suppressed"] == "oscurato per riservatezza"
    assert labels["not_covered"] == "fuori copertura"
    assert "moda__share_local_status" in renderer.get("attr")


def test_without_a_signal_the_density_is_drawn_and_no_share(tmp_path):
    path = written(example_publication(signal=""), tmp_path)
    styles = rows(path, "SELECT styleName, styleQML FROM layer_styles")
    text = next(qml for name, qml in styles if name == "Predefinito")
    assert "__firms_per_1000" in ET.fromstring(text).find("renderer-v2").get("attr")
    assert not any(name.endswith(": aree") for name, _ in styles)
    shares = rows(path, "SELECT DISTINCT share_status FROM panel")
    assert shares == [("not_surveyed",)]


def test_without_hotspots_the_layer_is_there_and_empty(publication, tmp_path):
    results = publication.results
    results = dataclasses.replace(results, hotspots=results.hotspots.iloc[:0])
    path = written(dataclasses.replace(publication, results=results), tmp_path)
    info = pyogrio.read_info(path, layer="hotspots")
    assert info["features"] == 0
    assert {"name", "rank", "share", "members"} <= set(info["fields"])
    assert dict(zip(info["fields"], info["dtypes"], strict=True))["share"] == "float64"


def test_the_same_results_give_the_same_bytes_in_whatever_order_and_place(
    publication, package, tmp_path
):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    path = folder / ".territory.tmp-77.gpkg"
    write_geopackage(reordered(publication), path)
    assert storage.sha256_of(path) == storage.sha256_of(package)
    assert sorted(file.name for file in folder.iterdir()) == [path.name]


def test_the_only_date_in_the_file_is_that_of_the_data(package):
    content = package.read_bytes()
    stamps = set(re.findall(rb"20\d\d-\d\d-\d\dT\d\d:\d\d[:\d.]*Z", content))
    assert stamps == {b"2024-12-31T00:00:00.000Z"}
    assert str(package.parent).encode() not in content


def test_the_metadata_carry_sources_licences_and_notices(package, publication):
    record = rows(package, "SELECT metadata FROM gpkg_metadata")[0][0]
    texts = [element.text for element in ET.fromstring(record)]
    for note in (*publication.results.facts.source_notes, publication.banner):
        assert note in texts
    assert any("DATI SIMULATI" in text for text in texts)


def test_real_data_are_not_called_simulated(publication, tmp_path):
    path = written(with_facts(publication, simulated=False), tmp_path)
    assert "SIMULATI" not in rows(path, "SELECT metadata FROM gpkg_metadata")[0][0]


def test_hostile_names_stay_text(tmp_path):
    path = written(example_publication(hostile=HOSTILE), tmp_path)
    names = [name for (name,) in rows(path, "SELECT name FROM municipalities")]
    assert all(name.endswith("${x}") for name in names)
    for (text,) in rows(path, "SELECT styleQML FROM layer_styles"):
        ET.fromstring(text)
    for (text,) in rows(path, "SELECT styleSLD FROM layer_styles WHERE styleSLD != ''"):
        ET.fromstring(text)
    for (text,) in rows(path, "SELECT metadata FROM gpkg_metadata"):
        ET.fromstring(text)


def test_chain_keys_that_are_no_column_names_are_written(tmp_path):
    publication = example_publication()
    results = publication.results
    keys = ['la "mia" filiera', "LA mia-filiera"]
    parts = {
        name: getattr(results, name).assign_coords(chain=keys)
        for name in (
            *("panel", "local", "maps", "robustness", "change"),
            *("province_panel", "region_panel"),
        )
    }
    mapping = dict(zip(("moda", "arredo_design"), keys, strict=True))
    hotspots = results.hotspots.assign(chain=results.hotspots["chain"].map(mapping))
    chains = tuple(ChainInfo(key=key, label=key, label_en=key) for key in keys)
    facts = dataclasses.replace(results.facts, chains=chains)
    results = dataclasses.replace(results, facts=facts, hotspots=hotspots, **parts)
    path = written(dataclasses.replace(publication, results=results), tmp_path)
    fields = pyogrio.read_info(path, layer="municipalities")["fields"]
    assert {"la_mia_filiera__firms", "LA_mia_filiera_2__firms"} <= set(fields)
    assert {c for (c,) in rows(path, "SELECT DISTINCT chain FROM panel")} == set(keys)


def test_a_folder_that_does_not_exist_is_named_in_the_error(publication, tmp_path):
    with pytest.raises(OutputError, match=r"GPKG_WRITE: territory.gpkg"):
        write_geopackage(publication, tmp_path / "absent" / "territory.gpkg")


def test_the_conformance_sample_of_gdal_finds_nothing(package):
    python = shutil.which("python3", path="/usr/bin")
    command = [python or "", "-m", "osgeo_utils.samples.validate_gpkg", "--extra", str(package)]
    probe = [python or "", "-c", "import osgeo_utils.samples.validate_gpkg"]
    if not python or subprocess.run(probe, capture_output=True, check=False).returncode:
        skip_or_fail("no GDAL samples for /usr/bin/python3: run make system")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.shared
def test_the_country_keeps_all_its_municipalities(shared_data, tmp_path):
    publication = example_publication(real_places(shared_data), chains=1, years=[2024])
    path = written(publication, tmp_path)
    found = gpd.read_file(path, layer="municipalities")
    assert len(found) == len(publication.results.places)
    assert found["sigla"].eq("NA").sum() > 50
    assert found.geometry.is_valid.all()
