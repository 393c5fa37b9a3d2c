"""The territory as a GeoPackage that QGIS opens colored, labeled and in Italian."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_engine import tables
from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs import gpkg_tables, qgis_style, qgis_text
from geo_engine.outputs.fields import (
    SEPARATOR,
    Field,
    clean_text,
    column_prefixes,
    describe_fields,
    distinct_note,
    units_word,
    words,
)
from geo_engine.outputs.gpkg_tables import Layer, LayerNote, Style
from geo_engine.outputs.gpkg_territory import territory_tables
from geo_engine.outputs.long_tables import panel_table
from geo_engine.outputs.qgis_symbols import area_symbol
from geo_engine.outputs.tabular import hotspot_table, leading_chain
from geo_engine.outputs.wide_tables import wide_level, wide_places
from geo_engine.results import Results
from geo_engine.words import word

GEOMETRY = "geom"
VERSION = "1.2"
"""Of the GeoPackage format: the newest that every QGIS 3 reads without a warning."""

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
"""Local results that only panel.parquet holds, as all of residuals: they would double the file."""


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
    layers = [*territories, _hotspots(every), _panel(every), *territory_tables(results)]
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
    layers = [_municipalities(results), _areas(results, "provinces"), _areas(results, "regions")]
    if not facts.names_universe:
        return layers
    main = facts.universe == facts.universes[0].key
    return [
        dataclasses.replace(
            layer,
            name=layer.name if main else f"{layer.name}_{facts.universe}",
            title=f"{layer.title} - {facts.universe_label}",
            description=f"{layer.description} Universo: {facts.universe_label}.",
        )
        for layer in layers
    ]


def _with_universe(tables: list[pd.DataFrame], every: list[Results], at: int) -> pd.DataFrame:
    """Put the rows of one universe under those of another; the universe is a column."""
    facts = every[0].facts
    keys = [each.key for each in facts.universes] or [facts.universe]
    for table, results in zip(tables, every, strict=True):
        codes = np.full(len(table), keys.index(results.facts.universe))
        table.insert(at, "universe", pd.Categorical.from_codes(codes, categories=keys))
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


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
            frame.to_crs(tables.CRS_DISTANCE),
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


def _municipalities(results: Results) -> Layer:
    """Describe the municipalities, wide, of the latest year."""
    frame = wide_places(results)
    fields = describe_fields(
        [c for c in frame.columns if c != "geometry"], results.facts, results.registry
    )
    leading = leading_chain(results)
    styles: list[Style] = []
    for chain, prefix in column_prefixes(results.facts).items():
        label = clean_text(next(c.label for c in results.facts.chains if c.key == chain))
        styles += _chain_styles(results, chain, f"{prefix}{SEPARATOR}", label)
    first = f"{column_prefixes(results.facts)[leading]}{SEPARATOR}"
    default = _value_renderer(results, leading, first)
    name_it = f"{qgis_text.quoted('name')}"
    labels = qgis_text.text_labels(name_it, size=7, color="#202020", nearest=200_000)
    text = qgis_style.qml(default, fields=fields, labels=labels, display=name_it)
    opening = Style(name="Predefinito", qml=text, default=True, description=_leading_note(results))
    year = results.facts.years[-1]
    return Layer(
        name="municipalities",
        title=f"Comuni, {year}",
        description=f"Comuni con i valori del {year}, una colonna per filiera e indicatore.",
        frame=frame,
        fields=fields,
        styles=(opening, *styles),
    )


def _chain_styles(results: Results, chain: str, prefix: str, label: str) -> list[Style]:
    """Offer, for one chain, its values and its local clusters."""
    clusters = [("firms_cluster", "concentrazione")]
    if results.facts.signal:
        clusters.insert(0, ("share_cluster", "aree"))
    drawn = [("valori", _value_renderer(results, chain, prefix))]
    for column, what in clusters:
        status = prefix + column.replace("_cluster", "_local_status")
        drawn.append((what, qgis_style.clusters(prefix + column, status, words("cluster"))))
    return [
        Style(name=f"{label}: {what}", qml=qgis_style.qml(renderer), default=False)
        for what, renderer in drawn
    ]


def _value_renderer(results: Results, chain: str, prefix: str) -> ET.Element:
    """Draw the smoothed share of a chain, or its density where no signal was surveyed."""
    surveyed = bool(results.facts.signal)
    measure = "share_eb" if surveyed else "firms_per_1000"
    values = results.panel[measure].sel(chain=chain).to_numpy()
    return qgis_style.graduated(
        prefix + measure,
        prefix + ("share_status" if surveyed else "status"),
        qgis_style.value_classes(values, measure),
    )


def _leading_note(results: Results) -> str:
    """Say what the default style shows."""
    facts = results.facts
    chain = next(c.label for c in facts.chains if c.key == leading_chain(results))
    what = (
        f"quota di {facts.signal} corretta per i piccoli numeri"
        if facts.signal
        else f"{units_word(facts)} per 1.000 abitanti"
    )
    return clean_text(f"{chain}, {facts.years[-1]}: {what}")


def _areas(results: Results, name: str) -> Layer:
    """Describe provinces or regions."""
    provinces = name == "provinces"
    areas = results.provinces if provinces else results.regions
    levels = results.province_panel if provinces else results.region_panel
    frame = wide_level(areas, levels, "province" if provinces else "region", results)
    fields = describe_fields(
        [c for c in frame.columns if c != "geometry"], results.facts, results.registry
    )
    what = "Province e città metropolitane" if provinces else "Regioni"
    width, nearest = (0.25, 2_500_000) if provinces else (0.5, 0)
    symbol = area_symbol("", outline="#606060" if provinces else "#202020", width_mm=width)
    label = qgis_text.quoted("sigla" if provinces else "region")
    labels = qgis_text.text_labels(label, size=7, color="#606060", nearest=nearest)
    display = qgis_text.quoted("province" if provinces else "region")
    style = Style(
        name="Predefinito",
        qml=qgis_style.qml(
            qgis_style.single(symbol), fields=fields, labels=labels, display=display
        ),
        default=True,
    )
    year = results.facts.years[-1]
    note = distinct_note(results.facts)
    return Layer(
        name=name,
        title=f"{what}, {year}",
        description=f"{what} con i valori del {year}. {note}".strip(),
        frame=frame,
        fields=fields,
        styles=(style,),
    )


def _hotspots(every: list[Results]) -> Layer:
    """Describe the hotspots: all chains and years; the leading chain's latest are drawn."""
    results = every[0]
    frame = _with_universe([hotspot_table(each) for each in every], every, 3)
    fields = describe_fields(
        [c for c in frame.columns if c != "geometry"], results.facts, results.registry
    )
    year = int(results.panel["year"].max())
    leading = leading_chain(results)
    entries = [
        qgis_style.Class(
            value=chain.key,
            label=f"{chain.label}, {year}",
            shown=chain.key == leading,
            symbol=area_symbol(
                qgis_style.CLUSTER_COLORS["HH"],
                outline=qgis_style.CLUSTER_COLORS["HH"],
                width_mm=0.6,
                alpha=0.0,
            ),
        )
        for chain in results.facts.chains
    ]
    drawn = f'"year" = {year} and "universe" = {qgis_text.literal(results.facts.universe)}'
    renderer = qgis_style.categorized(f'if({drawn}, "chain", NULL)', entries)
    name_it = 'to_string("rank") || \'. \' || "name"'
    labels = qgis_text.text_labels(name_it, size=9, color="#67000d")
    text = qgis_style.qml(renderer, fields=fields, labels=labels, display=name_it)
    return Layer(
        name="hotspots",
        title="Aree ad alta digitalizzazione (hotspot)",
        description="Gruppi di comuni contigui con quota alta e significativa, per filiera e anno.",
        frame=frame,
        fields=fields,
        styles=(Style(name="Predefinito", qml=text, default=True),),
    )


def _panel(every: list[Results]) -> Layer:
    """Describe the long panel, related to the municipalities by ``pro_com_t``."""
    results = every[0]
    frame = _with_universe([_short_panel(each) for each in every], every, 3)
    fields = _fields(frame, results)
    style = Style(
        name="Predefinito",
        qml=qgis_style.qml(None, fields=fields, display=qgis_text.quoted("pro_com_t")),
        default=True,
    )
    return Layer(
        name="panel",
        title="Comuni per filiera e anno",
        description="Una riga per comune, filiera e anno; si collega ai comuni con pro_com_t.",
        frame=frame,
        fields=fields,
        styles=(style,),
    )


def _short_panel(results: Results) -> pd.DataFrame:
    """Give the panel without what only panel.parquet holds."""
    frame = panel_table(results)
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
            keys = "pro_com_t, chain, year, universe"
            database.execute(f"CREATE INDEX panel_pro_com_t ON panel ({keys})")
            gpkg_tables.settle_dates(database, moment)
        database.execute("VACUUM")
