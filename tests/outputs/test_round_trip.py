"""The same cell is the same number in GeoPackage, workbook, CSV and atlas."""

from __future__ import annotations

import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest

from geo_engine.exports.formats import export_run
from geo_engine.outputs.atlas.codec import nearest
from geo_engine.outputs.geopackage import write_geopackage
from geo_engine.outputs.parquet import write_panel
from geo_engine.outputs.workbook import write_tables
from tests.outputs.example import example_publication
from tests.outputs.test_atlas_data import decoded, floats
from tests.outputs.test_workbook import table_of

CELLS = 500
YEAR = 2024
CHAIN = "moda"
MEASURES = {
    "firms": ("Numero di unità locali", 1),
    "known": ("Unità locali con segnale noto", 1),
    "share": ("Quota di imprese con sito web", 1000),
    "share_eb": ("Quota corretta per i piccoli numeri", 1000),
    "location_quotient": ("Quoziente di localizzazione", 100),
    "firms_per_1000": ("Unità locali per 1.000 abitanti", 100),
}
"""Name in the workbook, and steps per unit in the atlas."""


@pytest.fixture(scope="module")
def publication():
    return example_publication()


@pytest.fixture(scope="module")
def written(publication, tmp_path_factory):
    folder = tmp_path_factory.mktemp("round")
    write_geopackage(publication, folder / "territory.gpkg")
    write_panel(publication, folder / "panel.parquet")
    write_tables(publication, folder / "tables.xlsx")
    export_run(folder, ["csv"], folder / "export")
    return folder


def test_500_random_cells_are_the_same_everywhere(publication, written, tmp_path):
    package = pyogrio.read_dataframe(
        written / "territory.gpkg", layer="municipalities", read_geometry=False
    ).set_index("pro_com_t")
    long = pyogrio.read_dataframe(written / "territory.gpkg", layer="panel")
    long = long[(long["year"] == YEAR) & (long["chain"] == CHAIN)].set_index("pro_com_t")
    text = pd.read_csv(written / "export" / "panel.csv", dtype={"pro_com_t": str})
    text = text[(text["year"] == YEAR) & (text["chain"] == CHAIN)].set_index("pro_com_t")
    book = table_of(openpyxl.load_workbook(written / "tables.xlsx")["Comuni"])
    book = book[book.iloc[:, 4] == "Moda"].set_index(book.columns[0])
    chain = decoded(publication, tmp_path)["chain"]
    panel = publication.results.panel
    places = panel["place"].to_numpy().tolist()
    start = panel["year"].to_numpy().tolist().index(YEAR) * len(places)
    rng = np.random.default_rng(20241231)
    compared = 0
    for _ in range(CELLS):
        place = places[rng.integers(len(places))]
        name = list(MEASURES)[rng.integers(len(MEASURES))]
        label, steps = MEASURES[name]
        truth = float(panel[name].sel(place=place, chain=CHAIN, year=YEAR))
        for table, column in ((package, f"{CHAIN}__{name}"), (long, name), (text, name)):
            np.testing.assert_equal(float(table.loc[place, column]), truth)
        if place in book.index:
            value = book.loc[place, label]
            shown = np.nan if value is None else float(value)
            # A workbook keeps sixteen digits, of a double's seventeen.
            np.testing.assert_allclose(shown, truth, rtol=1e-15)
        drawn = floats(chain[name])[start + places.index(place)] / steps
        np.testing.assert_allclose(drawn, truth, atol=0.51 / steps)
        if name != "share":
            np.testing.assert_equal(np.rint(drawn * steps), nearest([truth], steps)[0])
        compared += np.isfinite(truth)
    assert compared > 0.9 * CELLS
