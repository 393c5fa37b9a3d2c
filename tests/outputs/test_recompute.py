"""Every local result can be recomputed from the GeoPackage alone, by other software."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import esda
import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pyogrio
import pytest
from libpysal.graph import Graph

from geo_engine.disclosure.protect import publish
from geo_engine.outputs.geopackage import write_geopackage
from geo_engine.outputs.graph_files import gal_text, gwt_text
from tests.conftest import ROOT
from tests.outputs.recomputable import recomputable_publication

GUIDE = (ROOT / "docs" / "gis.md").read_text("utf-8")


def examples(language: str) -> list[str]:
    """Give the examples of the guide in one language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def publication():
    return recomputable_publication()


@pytest.fixture(scope="module")
def package(publication, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recompute") / "territory.gpkg"
    write_geopackage(publication, path)
    return path


def table(package: Path, layer: str) -> pd.DataFrame:
    return pyogrio.read_dataframe(package, layer=layer, read_geometry=False)


def rows_of(package: Path, chain: str, variable: str) -> pd.DataFrame:
    found = table(package, "local_results")
    found = found[(found["chain"] == chain) & (found["variable"] == variable)]
    return found.set_index("pro_com_t")


def graph_of(package: Path, places: pd.Index) -> Graph:
    links = table(package, "neighbors")
    alone = places.difference(links["focal"])
    return Graph.from_arrays(
        [*links["focal"], *alone],
        [*links["neighbor"], *alone],
        [*links["weight"], *np.zeros(len(alone))],
    ).transform("r")


@pytest.mark.parametrize("variable", ["firms", "share"])
@pytest.mark.filterwarnings(
    "ignore:The weights matrix is not fully connected",
    "ignore:The alternative hypothesis",
    "ignore:invalid value encountered",
)
def test_esda_finds_the_same_local_moran_with_the_same_moments(package, variable):
    found = rows_of(package, "moda", variable)
    graph = graph_of(package, found.index)
    found = found.loc[graph.unique_ids]
    n, known = len(found), found["moran"].notna().to_numpy()
    assert known.sum() == n - 1
    theirs = esda.Moran_Local(found["value"].to_numpy(), graph, permutations=0)
    # esda divides by n - 1, geo-engine and spdep by n.
    scale = n / (n - 1)
    np.testing.assert_allclose(theirs.Is[known] * scale, found["moran"][known], rtol=1e-9)
    np.testing.assert_allclose(theirs.EIc[known], found["moran_expected"][known], rtol=1e-9)
    np.testing.assert_allclose(theirs.VIc[known], found["moran_variance"][known], rtol=1e-9)


def test_the_lag_is_the_mean_of_the_listed_neighbors(package):
    found = rows_of(package, "moda", "firms")
    graph = graph_of(package, found.index)
    lag = pd.Series(graph.lag(found["value"].loc[graph.unique_ids]), index=graph.unique_ids)
    known = found["lag"].notna()
    np.testing.assert_allclose(lag.loc[found.index][known], found["lag"][known], rtol=1e-12)


def test_the_share_comes_of_the_firms_that_stand_beside_it(package):
    found = rows_of(package, "moda", "share")
    share = (found["digital"] / found["known"]).dropna()
    assert share.corr(found["share_eb"]) > 0.5
    assert rows_of(package, "moda", "firms")[["known", "digital", "share_eb"]].isna().all(axis=None)


def test_the_guide_recomputes_with_spdep_to_the_last_digits(package):
    r = shutil.which("Rscript")
    probe = [r or "", "-e", "library(sf); library(spdep)"]
    if r is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no R with sf and spdep: apt-get install r-cran-spdep r-cran-sf")
    (example,) = [text for text in examples("r") if "localmoran" in text]
    for variable in ("firms", "share"):
        text = example.replace('"firms"', f'"{variable}"')
        done = subprocess.run(
            [r, "-e", text], cwd=package.parent, capture_output=True, text=True, check=True
        )
        assert float(done.stdout.split()[-1]) < 1e-12


@pytest.mark.filterwarnings(
    "ignore:The weights matrix is not fully connected",
    "ignore:The alternative hypothesis",
    "ignore:invalid value encountered",
)
def test_the_guide_recomputes_with_esda(package, monkeypatch, capsys):
    monkeypatch.chdir(package.parent)
    (example,) = [text for text in examples("python") if "esda" in text]
    exec(compile(example, "docs/gis.md", "exec"), {})
    assert float(capsys.readouterr().out) < 1e-12


def test_a_public_run_gives_no_statistic_of_a_share(publication, tmp_path):
    facts = dataclasses.replace(publication.results.facts, audience="public")
    shown = publish(dataclasses.replace(publication.results, facts=facts), threshold=5)
    path = tmp_path / "territory.gpkg"
    write_geopackage(shown, path)
    assert set(table(path, "local_results")["variable"]) == {"firms"}
    assert table(path, "local_results")[["known", "digital", "share_eb"]].isna().all(axis=None)
    assert len(table(path, "neighbors")) == len(publication.results.neighbors)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_gal_and_gwt_are_read_back_as_the_same_neighbors(publication, tmp_path):
    links = publication.results.neighbors
    places = sorted(publication.results.places.index)
    gal, gwt = tmp_path / "n.gal", tmp_path / "n.gwt"
    gal.write_text(gal_text(links, places, layer="municipalities"), encoding="utf-8")
    gwt.write_text(gwt_text(links, places, layer="municipalities"), encoding="utf-8")
    expected = {(a, b) for a, b in zip(links["focal"], links["neighbor"], strict=True)}
    for path in (gal, gwt):
        with contextlib.closing(libpysal.io.open(str(path))) as file:
            found = file.read()
        pairs = {(str(focal), str(n)) for focal, listed in found.neighbors.items() for n in listed}
        assert pairs == expected


def test_a_place_joins_by_every_official_code(package):
    found = gpd.read_file(package, layer="municipalities")
    assert found["pro_com"].astype(int).tolist() == [int(code) for code in found["pro_com_t"]]
    assert set(found["boundary_date"]) == {"2025-01-01"}
    assert {"cadastral_code", "cod_uts", "nuts3"} <= set(found.columns)
    assert "cod_uts" in pyogrio.read_info(package, layer="provinces")["fields"]
