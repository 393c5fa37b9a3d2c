"""The territory as a GeoPackage that QGIS opens colored, labeled and in Italian."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs import gpkg_tables, qgis_project, qgis_style, qgis_text
from geo_engine.outputs.fields import (
    Field,
    describe_fields,
)
from geo_engine.outputs.gpkg_layers import (
    areas_layer,
    hotspots_layer,
    municipalities_layer,
    with_universe,
)
from geo_engine.outputs.gpkg_local import recomputing_tables
from geo_engine.outputs.gpkg_tables import Layer, LayerNote, Style
from geo_engine.outputs.gpkg_territory import territory_tables
from geo_engine.outputs.long_tables import panel_table
from geo_engine.results import Results
from geo_engine.words import word

GEOMETRY = "geom"
VERSION = "1.2"
"""Of the GeoPackage format: the newest that every QGIS 3 reads without a warning."""

INDEXED = ("panel", "local_results")
"""Tables that are joined by ``pro_com_t``."""
PAGE_BYTES = 16384
"""Outlines fill whole pages: with SQLite's usual 4,096 bytes a fifth of their room stays empty."""

PANEL_LEFT_OUT = (
    "moran",
    "moran_expected",
    "moran_variance",
    "gi",
    "gi_star",
    "gi_star_expected",
    "gi_star_variance",
    "lag",
    "p_error",
    "q_value_year",
    "method",
)
"""Local results of all years that only panel.parquet holds, as all of residuals: they would double
the file. Those of the latest year are in ``local_results``."""


def write_geopackage(
    publication: Publication, path: Path, *, others: Mapping[str, Publication] | None = None
) -> None:
    """Write municipalities, provinces, regions, hotspots and the long panel.

    Parameters
    ----------
    publication : Publication
        What may be shown of the main universe.
    path : Path
        File to write; the same results give the same bytes.
    others : mapping of str to Publication, optional
        The further universes: layers of their own, and rows of the panel and of the hotspots.

    Raises
    ------
    OutputError
        ``GPKG_WRITE`` when GDAL cannot write it.
    """
    import pyogrio.errors

    results = publication.results
    every = [results, *(other.results for other in (others or {}).values())]
    territories = [layer for each in every for layer in _territories(each)]
    tables = (_panel(every), *recomputing_tables(results), *territory_tables(results))
    layers = [*territories, hotspots_layer(every), *tables]
    layers = [_in_system(layer, results.facts.crs) for layer in layers]
    if results.facts.simulated:
        layers = [_marked_simulated(layer) for layer in layers]
    path.unlink(missing_ok=True)
    try:
        for number, layer in enumerate(layers):
            _write_layer(layer, path, append=number > 0)
        _finish(layers, publication, path)
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        sqlite3.Error,
        OSError,
    ) as error:
        raise OutputError(
            "GPKG_WRITE", f"{path.name} cannot be written ({error}). Check space and permissions."
        ) from error


def _territories(results: Results) -> list[Layer]:
    """Describe the territories of one universe; those of a further one carry its key and name."""
    facts = results.facts
    layers = [
        municipalities_layer(results),
        areas_layer(results, "provinces"),
        areas_layer(results, "regions"),
    ]
    if not facts.names_universe:
        return layers
    main = facts.universe == facts.universes[0].key
    return [
        dataclasses.replace(
            layer,
            name=layer.name if main else f"{layer.name}_{facts.universe}",
            styles=layer.styles if main else tuple(_of_universe(layer, facts.universe)),
            title=f"{layer.title} - {facts.universe_label}",
            description=f"{layer.description} Universo: {facts.universe_label}.",
        )
        for layer in layers
    ]


def _of_universe(layer: Layer, universe: str) -> Iterator[Style]:
    """Give the styles of a layer that carries the key of its universe."""
    old, new = (f"<se:Name>{name}</se:Name>" for name in (layer.name, f"{layer.name}_{universe}"))
    for style in layer.styles:
        yield dataclasses.replace(style, sld=style.sld.replace(old, new, 1))


def _in_system(layer: Layer, crs: str) -> Layer:
    """Give a layer in the reference system of the file."""
    if not isinstance(layer.frame, gpd.GeoDataFrame):
        return layer
    frame = layer.frame.to_crs(crs)
    # Outer rings against the clock, as the standard and GeoJSON have them.
    turned = shapely.orient_polygons(frame.geometry.to_numpy())
    return dataclasses.replace(layer, frame=frame.set_geometry(turned, crs=crs))


def _marked_simulated(layer: Layer) -> Layer:
    """Say in the name and the description of a layer that its data are simulated."""
    notice = word("it", "atlas", "simulated")
    return dataclasses.replace(
        layer,
        title=f"{layer.title} (DATI SIMULATI)",
        description=f"{notice}. {layer.description}",
    )


def _write_layer(layer: Layer, path: Path, *, append: bool) -> None:
    """Write one table with GDAL."""
    import pyogrio

    options = {"FID": "fid", "IDENTIFIER": layer.title, "DESCRIPTION": layer.description}
    frame = _plain(layer.frame)
    if isinstance(frame, gpd.GeoDataFrame):
        pyogrio.write_dataframe(
            frame,
            path,
            layer=layer.name,
            driver="GPKG",
            geometry_type="MultiPolygon",
            promote_to_multi=True,
            append=append,
            dataset_options={} if append else {"VERSION": VERSION},
            layer_options={**options, "GEOMETRY_NAME": GEOMETRY, "SPATIAL_INDEX": "YES"},
        )
    else:
        pyogrio.write_dataframe(
            frame, path, layer=layer.name, driver="GPKG", append=append, layer_options=options
        )


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Give words as text: GDAL knows no categories."""
    plain = {
        name: column.astype(object).where(column.notna(), None)
        for name, column in frame.items()
        if isinstance(column.dtype, pd.CategoricalDtype)
    }
    return frame.assign(**plain)


def _fields(frame: pd.DataFrame, results: Results) -> tuple[Field, ...]:
    """Describe the columns of a table."""
    names = [name for name in frame.columns if name != "geometry"]
    return describe_fields(names, results.facts, results.registry)


def _panel(every: list[Results]) -> Layer:
    """Describe the long panel, related to the municipalities by ``pro_com_t``."""
    results = every[0]
    frame = with_universe([_short_panel(each) for each in every], every, 3)
    fields = _fields(frame, results)
    style = Style(
        name="Predefinito",
        qml=qgis_style.qml(None, fields=fields, display=qgis_text.quoted("pro_com_t")),
        default=True,
    )
    return Layer(
        name="panel",
        title="Comuni per filiera e anno",
        description="Una riga per comune coperto, filiera e anno; si collega ai comuni con "
        "pro_com_t.",
        frame=frame,
        fields=fields,
        styles=(style,),
    )


def _short_panel(results: Results) -> pd.DataFrame:
    """Give the panel without what only panel.parquet holds, and without places not covered."""
    frame = panel_table(results)
    covered = results.places.index[results.places["covered"].astype(bool)]
    if len(covered) < len(results.places):
        frame = frame[frame["pro_com_t"].isin(covered)].reset_index(drop=True)
    variables = [str(v) for v in results.local["variable"].to_numpy()]
    out = [f"{v}_{name}" for v in variables for name in PANEL_LEFT_OUT]
    out += [name for name in frame.columns if name.startswith("residual_")]
    return frame.drop(columns=out, errors="ignore")


def _finish(layers: Sequence[Layer], publication: Publication, path: Path) -> None:
    """Add dictionary, styles and metadata, and take every clock out of the file."""
    facts = publication.results.facts
    notes = [
        LayerNote(
            name=layer.name,
            geometry=GEOMETRY if isinstance(layer.frame, gpd.GeoDataFrame) else "",
            fields=layer.fields,
            styles=layer.styles,
        )
        for layer in layers
    ]
    moment = f"{facts.data_date}T00:00:00.000Z"
    with contextlib.closing(sqlite3.connect(path)) as database:
        with database:
            gpkg_tables.add_dictionary(database, notes)
            gpkg_tables.add_styles(database, notes, moment)
            gpkg_tables.add_metadata(database, publication, moment)
            content = qgis_project.project_file(publication.results, layers, publication.banner)
            note = qgis_project.project_note(moment)
            gpkg_tables.add_project(database, qgis_project.PROJECT_NAME, content, note)
            for name in [each.name for each in layers if each.name in INDEXED]:
                database.execute(f"CREATE INDEX {name}_pro_com_t ON {name} (pro_com_t)")
            gpkg_tables.settle_dates(database, moment)
        database.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        database.execute("VACUUM")
