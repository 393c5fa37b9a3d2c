"""System tables of a GeoPackage: data dictionary, styles and metadata, in SQL."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from geo_engine.disclosure.publication import Publication
from geo_engine.outputs.fields import Field, clean_text, units_word, words
from geo_engine.outputs.metadata_dcat import dcat_record
from geo_engine.outputs.metadata_facts import SIMULATED, described, method_words
from geo_engine.outputs.metadata_iso import iso_record

SCHEMA_EXTENSION = "http://www.geopackage.org/spec121/#extension_schema"
METADATA_EXTENSION = "http://www.geopackage.org/spec121/#extension_metadata"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
ISO_19139 = "http://www.isotc211.org/2005/gmd"
DCAT_AP_IT = "http://dati.gov.it/onto/dcatapit"
"""Standards of the metadata records."""
STYLE_NAME_LENGTH = 30

DICTIONARY_SQL = """
CREATE TABLE gpkg_data_columns (
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  name TEXT,
  title TEXT,
  description TEXT,
  mime_type TEXT,
  constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name)
);
CREATE TABLE gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL,
  constraint_type TEXT NOT NULL,
  value TEXT,
  min NUMERIC,
  min_is_inclusive BOOLEAN,
  max NUMERIC,
  max_is_inclusive BOOLEAN,
  description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value)
);
"""
STYLES_SQL = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  f_table_catalog TEXT(256),
  f_table_schema TEXT(256),
  f_table_name TEXT(256),
  f_geometry_column TEXT(256),
  styleName TEXT(30),
  styleQML TEXT,
  styleSLD TEXT,
  useAsDefault BOOLEAN,
  description TEXT,
  owner TEXT(30),
  ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
);
"""
METADATA_SQL = """
CREATE TABLE gpkg_metadata (
  id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL,
  md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL,
  mime_type TEXT NOT NULL DEFAULT 'text/xml',
  metadata TEXT NOT NULL DEFAULT ''
);
CREATE TABLE gpkg_metadata_reference (
  reference_scope TEXT NOT NULL,
  table_name TEXT,
  column_name TEXT,
  row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  md_file_id INTEGER NOT NULL,
  md_parent_id INTEGER,
  CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id)
);
"""


@dataclass(frozen=True, kw_only=True)
class Style:
    """One way to draw a layer, kept in the file."""

    name: str
    qml: str
    default: bool
    description: str = ""
    sld: str = ""
    chain: str = ""
    """Key of the chain that it draws, "" for a style of all."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One table of the GeoPackage, with what QGIS should know of it."""

    name: str
    title: str
    description: str
    frame: pd.DataFrame
    fields: tuple[Field, ...]
    styles: tuple[Style, ...]


@dataclass(frozen=True, kw_only=True)
class LayerNote:
    """What the system tables must know of a layer."""

    name: str
    geometry: str
    """Name of the geometry column, "" for a plain table."""
    fields: tuple[Field, ...]
    styles: tuple[Style, ...]


def add_dictionary(database: sqlite3.Connection, layers: Sequence[LayerNote]) -> None:
    """Write the aliases, descriptions and closed lists of all columns.

    Parameters
    ----------
    database : Connection
        An open GeoPackage.
    layers : sequence of LayerNote
        Its layers.
    """
    _run_script(database, DICTIONARY_SQL)
    for table in ("gpkg_data_columns", "gpkg_data_column_constraints"):
        _register(database, table, "gpkg_schema", SCHEMA_EXTENSION)
    domains = sorted({f.domain for layer in layers for f in layer.fields if f.domain})
    database.executemany(
        "INSERT INTO gpkg_data_column_constraints VALUES (?, 'enum', ?, NULL, NULL, NULL, NULL, ?)",
        [(domain, value, word) for domain in domains for value, word in words(domain).items()],
    )
    database.executemany(
        "INSERT INTO gpkg_data_columns VALUES (?, ?, ?, ?, ?, NULL, ?)",
        [
            (layer.name, f.name, f.name, f.label, f.description, f.domain or None)
            for layer in layers
            for f in layer.fields
        ],
    )


def add_styles(database: sqlite3.Connection, layers: Sequence[LayerNote], moment: str) -> None:
    """Write the styles that QGIS offers, and applies on opening.

    Parameters
    ----------
    database : Connection
        An open GeoPackage.
    layers : sequence of LayerNote
        Its layers.
    moment : str
        Time stamp of the data.
    """
    _run_script(database, STYLES_SQL)
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', 'Stili dei livelli per QGIS')"
    )
    rows = []
    for layer in layers:
        used: set[str] = set()
        for style in layer.styles:
            name = _short_name(style.name, used)
            used.add(name)
            flag = int(style.default)
            place = (layer.name, layer.geometry)
            texts = (style.qml, style.sld, flag, style.description)
            rows.append((*place, name, *texts, moment))
    database.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
        "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, "
        "update_time) VALUES ('', '', ?, ?, ?, ?, ?, ?, ?, '', ?)",
        rows,
    )


def add_project(database: sqlite3.Connection, name: str, content: bytes, note: str) -> None:
    """Keep a QGIS project in the file, as QGIS does.

    Parameters
    ----------
    database : Connection
        An open GeoPackage.
    name : str
        Under which QGIS lists it.
    content : bytes
        The zipped document.
    note : str
        Who wrote it and when, in JSON.
    """
    database.execute(
        "CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)"
    )
    database.execute("INSERT INTO qgis_projects VALUES (?, ?, ?)", (name, note, content.hex()))


def add_metadata(database: sqlite3.Connection, publication: Publication, moment: str) -> None:
    """Write title, sources, licences, date and notices.

    Parameters
    ----------
    database : Connection
        An open GeoPackage.
    publication : Publication
        What the file shows.
    moment : str
        Time stamp of the data.
    """
    _run_script(database, METADATA_SQL)
    for table in ("gpkg_metadata", "gpkg_metadata_reference"):
        _register(database, table, "gpkg_metadata", METADATA_EXTENSION)
    facts = described(publication)
    records = (
        (DUBLIN_CORE, "text/xml", metadata_record(publication)),
        (ISO_19139, "text/xml", iso_record(facts)),
        (DCAT_AP_IT, "application/rdf+xml", dcat_record(facts)),
    )
    for number, record in enumerate(records, start=1):
        database.execute(
            "INSERT INTO gpkg_metadata VALUES (?, 'dataset', ?, ?, ?)", (number, *record)
        )
        database.execute(
            "INSERT INTO gpkg_metadata_reference "
            "VALUES ('geopackage', NULL, NULL, NULL, ?, ?, NULL)",
            (moment, number),
        )


def metadata_record(publication: Publication) -> str:
    """Describe a publication in Dublin Core.

    Parameters
    ----------
    publication : Publication
        What is described.

    Returns
    -------
    str
        XML with title, date, sources, rights and every notice, in Italian.
    """
    facts = publication.results.facts
    ET.register_namespace("dc", DUBLIN_CORE)
    root = ET.Element("metadata")
    counted = f"{units_word(facts)} {words('firm_status').get(facts.status, facts.status)}"
    entries = [
        ("title", facts.titled()),
        ("date", facts.data_date),
        ("language", "it"),
        ("type", "Dataset"),
        ("format", f"GeoPackage, {facts.crs}"),
        ("coverage", f"{facts.coverage}; confini al {facts.boundary_date}"),
        ("subject", f"Filiere, {counted}; segnale digitale: {facts.signal or 'non rilevato'}"),
        ("description", method_words(facts)),
        *(("source", note) for note in facts.source_notes),
        ("rights", "Licenze come indicato per ciascuna fonte."),
    ]
    if facts.simulated:
        entries.append(("description", SIMULATED))
    notices = (publication.banner, *publication.results.warnings)
    entries += [("description", notice) for notice in notices if notice]
    for name, text in entries:
        ET.SubElement(root, f"{{{DUBLIN_CORE}}}{name}").text = clean_text(text)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode")


def settle_dates(database: sqlite3.Connection, moment: str) -> None:
    """Date every layer by its data, not by the clock.

    Parameters
    ----------
    database : Connection
        An open GeoPackage.
    moment : str
        Time stamp of the data.
    """
    database.execute("UPDATE gpkg_contents SET last_change = ?", (moment,))


def _register(database: sqlite3.Connection, table: str, extension: str, definition: str) -> None:
    """Declare an extension that a table belongs to."""
    database.execute(
        "INSERT INTO gpkg_extensions VALUES (?, NULL, ?, ?, 'read-write')",
        (table, extension, definition),
    )


def _run_script(database: sqlite3.Connection, script: str) -> None:
    """Run statements inside the open transaction, which ``executescript`` would commit."""
    for statement in script.split(";\n"):
        if statement.strip():
            database.execute(statement)


def _short_name(name: str, used: set[str]) -> str:
    """Fit a style's name in its column, still unique within its layer."""
    short, number = name, 1
    if len(short) > STYLE_NAME_LENGTH:
        start, colon, what = name.rpartition(": ")
        short = start[: STYLE_NAME_LENGTH - len(colon + what) - 1] + "…" + colon + what
        short = short[:STYLE_NAME_LENGTH]
    while short in used:
        number += 1
        short = f"{short[: STYLE_NAME_LENGTH - 3]} {number}"
    return short
