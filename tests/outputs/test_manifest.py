"""The manifest and the log of the run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs.manifest import without_folders, write_manifest, write_run
from tests.outputs.example import example_publication

PARAMETERS = {
    "title": "Prova",
    "data_date": "2024-12-31",
    "firms": [{"path": "/srv/data/firms.csv", "separator": ";"}, {"path": "C:\\dati\\a.csv"}],
}
BOUNDARIES = {"date": "2025-01-01", "sha256": "ab", "municipalities": 7896}


@pytest.fixture(scope="module")
def publication() -> Publication:
    return example_publication()


def manifest_of(publication: Publication, folder: Path, **outputs: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    write_manifest(publication, path, parameters=PARAMETERS, boundaries=BOUNDARIES, outputs=outputs)
    return json.loads(path.read_text("utf-8"))


def test_outputs_are_listed_with_their_digest_and_size(publication, tmp_path):
    file = tmp_path / ".atlas.tmp-1.html"
    file.write_bytes(b"<html>")
    path = tmp_path / "manifest.json"
    write_manifest(
        publication,
        path,
        parameters=PARAMETERS,
        boundaries=BOUNDARIES,
        outputs={"atlas.html": file},
    )
    found = json.loads(path.read_text("utf-8"))["outputs"]
    digest = hashlib.sha256(b"<html>").hexdigest()
    assert found == {"atlas.html": {"sha256": digest, "bytes": 6}}


def test_rows_in_are_rows_placed_and_quarantined(publication, tmp_path):
    found = manifest_of(publication, tmp_path)
    account = found["account"]
    assert account["rows"] == account["placed"] + account["quarantined"]
    assert sum(account["reasons"].values()) == account["quarantined"]
    assert [source["rows"] for source in found["inputs"]] == [account["rows"]]


def test_the_same_run_gives_the_same_bytes_with_sorted_keys_and_no_clock(publication, tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        manifest_of(publication, folder)
    texts = [(folder / "manifest.json").read_text("utf-8") for folder in folders]
    assert texts[0] == texts[1]
    assert (
        texts[0]
        == json.dumps(json.loads(texts[0]), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    )


def test_no_folder_of_a_machine_is_in_the_manifest(publication, tmp_path):
    found = manifest_of(publication, tmp_path)
    assert [source["path"] for source in found["parameters"]["firms"]] == ["firms.csv", "a.csv"]
    text = (tmp_path / "manifest.json").read_text("utf-8")
    assert str(tmp_path) not in text
    assert "/srv" not in text
    assert str(Path.home()) + "/" not in text


def test_words_that_are_no_paths_are_kept():
    kept = {"a": "imprese/sedi", "b": ["/", "\\", "n/d", None, 3, True], "c": "prova: x"}
    assert without_folders(kept) == kept


def test_a_missing_figure_is_null_and_never_nan(publication, tmp_path):
    results = publication.results
    maps = results.maps.copy(deep=True)
    maps["moran_i"] = maps["moran_i"] * np.nan
    graph = {"links": np.int64(4), "histogram": {np.int64(0): 1}, "mean": np.float64("nan")}
    results = dataclasses.replace(results, maps=maps, graph_summary=graph)
    found = manifest_of(dataclasses.replace(publication, results=results), tmp_path)
    assert {entry["moran_i"] for entry in found["maps"]} == {None}
    assert found["graph"] == {"links": 4, "histogram": {"0": 1}, "mean": None}
    assert "NaN" not in (tmp_path / "manifest.json").read_text("utf-8")


@pytest.mark.parametrize("name", ["quarantine.csv", "firms_placed.parquet"])
def test_single_records_stand_beside_an_internal_manifest_only(publication, tmp_path, name):
    file = tmp_path / "x"
    file.write_bytes(b"")
    with pytest.raises(OutputError, match="NOT_PUBLIC"):
        manifest_of(publication, tmp_path, **{name: file})
    inside = dataclasses.replace(publication, audience="internal")
    assert list(manifest_of(inside, tmp_path, **{name: file})["outputs"]) == [name]


def test_the_stages_are_counted(publication, tmp_path):
    stages = manifest_of(publication, tmp_path)["stages"]
    assert stages["places"] == len(publication.results.places)
    assert stages["hotspots"] == len(publication.results.hotspots)
    assert stages["panel_cells"] == stages["places"] * stages["chains"] * stages["years"]
    assert stages["suppressed_cells"] == publication.suppressed


def test_the_versions_name_the_libraries_that_decide_the_figures(publication, tmp_path):
    versions = manifest_of(publication, tmp_path)["versions"]
    assert {"python", "numpy", "geopandas", "gdal", "proj", "libpysal"} <= set(versions)
    assert versions["numpy"] == np.__version__


def test_the_log_of_the_run_holds_clock_memory_and_stages(tmp_path):
    path = tmp_path / "run.json"
    write_run(path, [("read", 1.25), ("place", 0.5)])
    found = json.loads(path.read_text("utf-8"))
    assert found["stages"] == [
        {"name": "read", "seconds": 1.25},
        {"name": "place", "seconds": 0.5},
    ]
    assert found["seconds"] == 1.75
    assert found["peak_memory_mb"] > 1
    assert found["finished"].startswith("20")
