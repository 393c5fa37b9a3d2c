"""Opens the files of a finished run, without changing a byte of them."""

from __future__ import annotations

import contextlib
import csv
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo_engine.errors import OutputError
from geo_engine.outputs.quarantine import safe_cell

PACKAGE = "territory.gpkg"
PANEL = "panel.parquet"
DICTIONARY_COLUMNS = ("name", "label", "description", "values")


@dataclass(frozen=True, kw_only=True)
class SpatialLayer:
    """One layer of the GeoPackage, with what its columns mean."""

    name: str
    title: str
    description: str
    frame: gpd.GeoDataFrame
    dictionary: pd.DataFrame
    """``DICTIONARY_COLUMNS``, one row for each column."""


def require_file(folder: Path, name: str) -> Path:
    """Give the path of a file of a run.

    Parameters
    ----------
    folder : Path
        Of the run.
    name : str
        Of the file.

    Returns
    -------
    Path
        An existing file.

    Raises
    ------
    OutputError
        ``NOT_A_RUN`` when it is not there.
    """
    path = folder / name
    if not path.is_file():
        form = "geopackage" if name == PACKAGE else "panel"
        raise OutputError(
            "NOT_A_RUN",
            f"{folder} has no {name}. Give the folder of a finished run "
            f'(geo-engine run STUDY --out DIR) whose outputs.formats include "{form}".',
        )
    return path


@contextlib.contextmanager
def open_package(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the GeoPackage of a run for reading only.

    Parameters
    ----------
    folder : Path
        Of the run.

    Yields
    ------
    Connection
        To its tables.

    Raises
    ------
    OutputError
        ``NOT_A_RUN`` or ``GPKG_READ``.
    """
    path = require_file(folder, PACKAGE).resolve()
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        ) as database:
            yield database
    except sqlite3.Error as error:
        raise OutputError(
            "GPKG_READ", f"{path.name} cannot be read ({error}). Run the study again."
        ) from error


def spatial_layers(folder: Path) -> Iterator[SpatialLayer]:
    """Read the layers with a geometry, one at a time.

    Parameters
    ----------
    folder : Path
        Of the run.

    Yields
    ------
    SpatialLayer
        In the order of the file.
    """
    import pyogrio

    path = require_file(folder, PACKAGE)
    with open_package(folder) as database:
        listed = database.execute(
            "SELECT c.table_name, c.identifier, c.description FROM gpkg_contents AS c "
            "JOIN gpkg_geometry_columns AS g ON g.table_name = c.table_name ORDER BY g.rowid"
        ).fetchall()
        dictionaries = {name: layer_dictionary(database, name) for name, _, _ in listed}
    for name, title, description in listed:
        yield SpatialLayer(
            name=name,
            title=title,
            description=description,
            frame=pyogrio.read_dataframe(path, layer=name),
            dictionary=dictionaries[name],
        )


def write_dictionary(table: pd.DataFrame, path: Path) -> None:
    """Write a data dictionary as CSV that a spreadsheet opens; no text in it is a formula.

    Parameters
    ----------
    table : DataFrame
        One row for each column of some file.
    path : Path
        CSV to write.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(table.columns)
        for row in table.itertuples(index=False, name=None):
            writer.writerow([safe_cell(value) for value in row])


def layer_dictionary(database: sqlite3.Connection, table: str) -> pd.DataFrame:
    """Say what the columns of a table are.

    Parameters
    ----------
    database : Connection
        An open GeoPackage.
    table : str
        Name of the table.

    Returns
    -------
    DataFrame
        ``DICTIONARY_COLUMNS``; ``values`` is the closed list, "" where there is none.
    """
    words = pd.read_sql_query(
        "SELECT constraint_name, value, description FROM gpkg_data_column_constraints "
        "ORDER BY rowid",
        database,
    )
    pairs = words["value"] + " = " + words["description"]
    lists = pairs.groupby(words["constraint_name"]).agg("; ".join)
    columns = pd.read_sql_query(
        "SELECT column_name AS name, title AS label, description, constraint_name "
        "FROM gpkg_data_columns WHERE table_name = ? ORDER BY rowid",
        database,
        params=(table,),
    )
    columns["values"] = columns.pop("constraint_name").map(lists).fillna("")
    return columns[list(DICTIONARY_COLUMNS)]
