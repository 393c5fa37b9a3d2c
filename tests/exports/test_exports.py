"""A finished run in other formats: the same figures, and nothing that the run withheld."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from typer.testing import CliRunner

from geo_engine import storage
from geo_engine.cli.app import app
from geo_engine.errors import OutputError
from geo_engine.exports.formats import FORMATS, USUAL, export_run
from geo_engine.exports.shapefile import NAME_LENGTH, short_names
from geo_engine.outputs.geopackage import write_geopackage
from geo_engine.outputs.parquet import write_panel
from tests.outputs.recomputable import recomputable_publication

LAYERS = ("municipalities", "provinces", "regions", "hotspots")
HOSTILE = "=1+1"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    publication = recomputable_publication(signal=f"{HOSTILE} imprese con sito web")
    write_geopackage(publication, folder / "territory.gpkg")
    write_panel(publication, folder / "panel.parquet")
    return folder


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory) -> Path:
    before = {file.name: storage.sha256_of(file) for file in run.iterdir()}
    out = tmp_path_factory.mktemp("export") / "files"
    export_run(run, FORMATS, out)
    assert {file.name: storage.sha256_of(file) for file in run.iterdir()} == before
    return out


def layer_of(run: Path, name: str) -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(run / "territory.gpkg", layer=name)


def same_values(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    for name in expected.columns.drop("geometry"):
        if pd.api.types.is_numeric_dtype(expected[name].dtype):
            np.testing.assert_array_equal(found[name].astype(float), expected[name].astype(float))
        else:
            assert found[name].fillna("").tolist() == expected[name].fillna("").tolist(), name


@pytest.mark.parametrize("name", LAYERS)
def test_geoparquet_holds_the_same_cells_a_box_for_each_feature_and_its_dictionary(
    run, exported, name
):
    path = exported / f"{name}.parquet"
    found, expected = gpd.read_parquet(path), layer_of(run, name)
    same_values(found, expected)
    assert found.crs == expected.crs
    assert (found.geometry.to_numpy() == expected.geometry.to_numpy()).all()
    file = pq.ParquetFile(path, page_checksum_verification=True)
    column = json.loads(file.metadata.metadata[b"geo"])["columns"]["geometry"]
    assert json.loads(file.metadata.metadata[b"geo"])["version"] == "1.1.0"
    assert column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    boxes = pd.DataFrame(file.read(["bbox"]).column("bbox").to_pylist())
    np.testing.assert_allclose(boxes, expected.bounds, rtol=1e-6)
    said = file.schema_arrow.field("name" if name in ("municipalities", "hotspots") else "region")
    assert said.metadata[b"label"]


@pytest.mark.parametrize("name", LAYERS)
def test_flatgeobuf_holds_the_same_cells_and_finds_them_by_their_place(run, exported, name):
    expected = layer_of(run, name)
    key = {"provinces": "cod_prov", "regions": "cod_reg", "hotspots": "hotspot_id"}
    key = key.get(name, "pro_com_t")
    found = pyogrio.read_dataframe(exported / f"{name}.fgb").sort_values(key, ignore_index=True)
    same_values(found, expected.sort_values(key, ignore_index=True))
    box = tuple(expected.geometry.iloc[0].bounds)
    assert len(pyogrio.read_dataframe(exported / f"{name}.fgb", bbox=box)) < len(expected) or (
        len(expected) < 5
    )


@pytest.mark.parametrize("name", LAYERS)
def test_geojson_is_in_degrees_longitude_first_with_rings_to_the_right_hand(run, exported, name):
    text = json.loads((exported / f"{name}.geojson").read_text("utf-8"))
    expected = layer_of(run, name)
    assert "crs" not in text
    assert len(text["features"]) == len(expected)
    shapes = [shapely.from_geojson(json.dumps(f["geometry"])) for f in text["features"]]
    west, south, east, north = expected.to_crs("EPSG:4326").total_bounds
    np.testing.assert_allclose(shapely.total_bounds(shapes), (west, south, east, north), atol=1e-6)
    for part in shapely.get_parts(shapes):
        assert part.exterior.is_ccw
    for feature, row in zip(text["features"], expected.itertuples(index=False), strict=True):
        assert feature["properties"][expected.columns[0]] == row[0]


def test_the_csv_of_the_panel_holds_every_digit_and_its_codes_as_text(run, exported):
    expected = pq.read_table(run / "panel.parquet").to_pandas()
    found = pd.read_csv(
        exported / "panel.csv",
        dtype={"pro_com_t": str},
        keep_default_na=False,
        na_values=[""],
    )
    assert list(found.columns) == list(expected.columns)
    for name in expected:
        if pd.api.types.is_numeric_dtype(expected[name].dtype):
            np.testing.assert_array_equal(found[name].astype(float), expected[name].astype(float))
    assert found["pro_com_t"].tolist() == expected["pro_com_t"].astype(str).tolist()
    kinds = (exported / "panel.csvt").read_text("utf-8").strip().split(",")
    assert dict(zip(expected, kinds, strict=True))["pro_com_t"] == '"String"'


def test_every_column_has_its_line_in_a_dictionary_and_none_is_a_formula(exported):
    for name in (*LAYERS, "panel"):
        path = exported / f"{name}_dizionario.csv"
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert all(row["label"] and row["description"] for row in rows)
        assert not any(cell.startswith("=") for row in rows for cell in row.values())
        named = {row["name"] for row in rows}
        if name != "panel":
            source = exported / f"{name}.parquet"
            columns = set(pq.read_schema(source).names) - {"geometry", "bbox"}
            assert named == columns
    assert HOSTILE in (exported / "panel_dizionario.csv").read_text("utf-8-sig")


def test_a_shapefile_says_what_it_loses_and_keeps_the_rest(run, exported):
    expected = layer_of(run, "municipalities")
    found = gpd.read_file(exported / "municipalities.shp")
    names = short_names(c for c in expected.columns if c != "geometry")
    assert len(found) == len(expected)
    assert found["PRO_COM_T"].tolist() == expected["pro_com_t"].tolist()
    column = names["moda__share_eb"]
    np.testing.assert_allclose(found[column], expected["moda__share_eb"], rtol=1e-13)
    lost = (exported / "municipalities_LEGGIMI.txt").read_text("utf-8")
    assert "dieci caratteri" in lost
    assert (exported / "municipalities.cpg").read_text("ascii") == "UTF-8"


def test_short_names_are_unique_and_fit():
    chains = ("agroalimentare", "agro", "agroenergia")
    names = [f"{chain}__{name}" for chain in chains for name in ("share", "share_eb", "unknown_x")]
    found = short_names([*names, "name", "province_scale", "province_scale_2"])
    assert len({name.upper() for name in found.values()}) == len(found)
    assert max(map(len, found.values())) <= NAME_LENGTH


def test_the_same_run_gives_the_same_bytes(run, exported, tmp_path):
    export_run(run, FORMATS, tmp_path)
    for file in exported.iterdir():
        again = tmp_path / file.name
        assert storage.sha256_of(again) == storage.sha256_of(file), file.name


def test_shapefile_is_not_given_unasked():
    assert set(FORMATS) - set(USUAL) == {"shapefile"}


def test_an_unknown_format_is_answered_with_those_that_exist(run, tmp_path):
    with pytest.raises(OutputError, match=r"FORMAT_UNKNOWN: kml is not a format.*geoparquet"):
        export_run(run, ["kml"], tmp_path)


def test_a_folder_without_a_run_is_told_what_to_do(tmp_path):
    with pytest.raises(OutputError, match=r"NOT_A_RUN: .*territory.gpkg.*geo-engine run"):
        export_run(tmp_path, ["geojson"], tmp_path / "out")


def test_a_damaged_panel_is_not_passed_on(run, tmp_path):
    content = bytearray((run / "panel.parquet").read_bytes())
    content[len(content) // 3] ^= 4
    (tmp_path / "panel.parquet").write_bytes(content)
    with pytest.raises(OutputError, match="PANEL_READ"):
        export_run(tmp_path, ["csv"], tmp_path / "out")
    assert not (tmp_path / "out" / "panel.csv").exists()


def test_the_command_writes_several_formats_into_the_folder_of_the_run(run, tmp_path):
    target = tmp_path / "here"
    asked = ["export", str(run), "--format", "neighbors,metadata", "--format", "sld"]
    done = CliRunner().invoke(app, [*asked, "--out", str(target)])
    assert done.exit_code == 0, done.output
    names = {file.name for file in target.iterdir()}
    assert {"neighbors.gal", "neighbors.gwt", "metadata_iso19139.xml"} <= names
    assert "municipalities_moda_valori.sld" in names
    assert not [name for name in names if name.endswith((".geojson", ".shp"))]
