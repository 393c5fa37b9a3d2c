"""Which formats a finished run can be given in, and how they are written."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from geo_engine.errors import OutputError
from geo_engine.exports.long_panel import write_panel_csv
from geo_engine.exports.run_files import (
    PANEL,
    SpatialLayer,
    open_package,
    require_file,
    spatial_layers,
    write_dictionary,
)
from geo_engine.exports.shapefile import write_shapefile
from geo_engine.exports.vector import write_flatgeobuf, write_geojson, write_geoparquet
from geo_engine.outputs.gpkg_tables import DCAT_AP_IT, ISO_19139
from geo_engine.outputs.graph_files import gal_text, gwt_text
from geo_engine.storage import deliver, output_errors

LAYER_FORMATS: dict[str, tuple[str, Callable[[SpatialLayer, Path], None]]] = {
    "geoparquet": (".parquet", write_geoparquet),
    "flatgeobuf": (".fgb", write_flatgeobuf),
    "geojson": (".geojson", write_geojson),
}
"""Ending and writer of the formats with one file for each layer."""
FORMATS = (*LAYER_FORMATS, "csv", "neighbors", "metadata", "sld", "shapefile")
USUAL = FORMATS[:-1]
"""All but Shapefile, which loses too much to be given unasked."""
RECORDS = {ISO_19139: "metadata_iso19139.xml", DCAT_AP_IT: "metadata_dcat_ap_it.rdf"}


def export_run(folder: Path, formats: Sequence[str], out: Path) -> list[Path]:
    """Give a finished run in other formats.

    Parameters
    ----------
    folder : Path
        Of the run. What is withheld from its files is in no export either.
    formats : sequence of str
        Of ``FORMATS``.
    out : Path
        Folder of the new files, which appear together or not at all.

    Returns
    -------
    list of Path
        What was written, by name.

    Raises
    ------
    OutputError
        ``FORMAT_UNKNOWN``, ``NOT_A_RUN``, or when something cannot be read or written.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown:
        raise OutputError(
            "FORMAT_UNKNOWN",
            f"{', '.join(unknown)} is not a format. Choose among {', '.join(FORMATS)}.",
        )
    wanted = [name for name in FORMATS if name in formats]
    with (
        deliver(out) as delivery,
        tempfile.TemporaryDirectory(dir=out, prefix=".export.tmp-") as name,
    ):
        work = Path(name)
        with output_errors(str(out)):
            _write(folder, wanted, work)
            for file in sorted(work.iterdir()):
                file.replace(delivery.path(file.name))
        files = delivery.commit()
    return [files[name] for name in sorted(files)]


def _write(folder: Path, wanted: Sequence[str], work: Path) -> None:
    """Write the wanted formats into a working folder."""
    layered = [name for name in wanted if name in LAYER_FORMATS or name == "shapefile"]
    if layered:
        date = _data_date(folder)
        for layer in spatial_layers(folder):
            for name in layered:
                _write_layer(layer, name, work, date)
    others = {
        "csv": lambda: write_panel_csv(require_file(folder, PANEL), work / "panel.csv"),
        "neighbors": lambda: _write_neighbors(folder, work),
        "metadata": lambda: _write_records(folder, work),
        "sld": lambda: _write_styles(folder, work),
    }
    for name in wanted:
        if name in others:
            others[name]()


def _write_layer(layer: SpatialLayer, form: str, work: Path, date: str) -> None:
    """Write one layer, and the dictionary that all its formats share."""
    if form == "shapefile":
        write_shapefile(layer, work / f"{layer.name}.shp", date)
        return
    ending, write = LAYER_FORMATS[form]
    write(layer, work / f"{layer.name}{ending}")
    book = work / f"{layer.name}_dizionario.csv"
    write_dictionary(layer.dictionary, book)


def _data_date(folder: Path) -> str:
    """Read the date of the data."""
    with open_package(folder) as database:
        (moment,) = database.execute("SELECT max(last_change) FROM gpkg_contents").fetchone()
    return str(moment)[:10]


def _write_neighbors(folder: Path, work: Path) -> None:
    """Write who neighbors whom as GAL and GWT."""
    with open_package(folder) as database:
        found = database.execute("SELECT 1 FROM gpkg_contents WHERE table_name = 'neighbors'")
        if found.fetchone() is None:
            raise OutputError(
                "NO_NEIGHBORS",
                "This run has no table of neighbors: it is of an earlier version, or no place has "
                "any. Run the study again.",
            )
        links = pd.read_sql_query("SELECT focal, neighbor, weight FROM neighbors", database)
        listed = database.execute(
            "SELECT pro_com_t FROM municipalities WHERE covered = 1 ORDER BY pro_com_t"
        ).fetchall()
    places = [code for (code,) in listed]
    for ending, text in (("gal", gal_text), ("gwt", gwt_text)):
        path = work / f"neighbors.{ending}"
        path.write_text(text(links, places, layer="municipalities"), encoding="utf-8", newline="\n")


def _write_records(folder: Path, work: Path) -> None:
    """Write the metadata records that the GeoPackage carries."""
    with open_package(folder) as database:
        records = dict(
            database.execute("SELECT md_standard_uri, metadata FROM gpkg_metadata").fetchall()
        )
    for standard, name in RECORDS.items():
        if standard in records:
            text = f'<?xml version="1.0" encoding="UTF-8"?>\n{records[standard]}\n'
            (work / name).write_text(text, encoding="utf-8", newline="\n")


def _write_styles(folder: Path, work: Path) -> None:
    """Write the styles for map servers, one file each."""
    with open_package(folder) as database:
        styles = database.execute(
            "SELECT f_table_name, styleName, styleSLD FROM layer_styles "
            "WHERE styleSLD != '' ORDER BY id"
        ).fetchall()
    used: set[str] = set()
    for layer, name, text in styles:
        plain = re.sub(r"[^0-9a-z]+", "_", f"{layer}_{name}".lower()).strip("_")
        stem = plain if plain not in used else f"{plain}_{len(used)}"
        used.add(stem)
        path = work / f"{stem}.sld"
        path.write_text(
            f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n', encoding="utf-8", newline="\n"
        )
