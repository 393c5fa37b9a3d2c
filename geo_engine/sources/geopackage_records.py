"""Reads a layer of a GeoPackage as text columns; a point becomes two columns, lon and lat."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import pyogrio.raw
import shapely

from geo_engine.errors import SourceError
from geo_engine.sources.batches import BATCH_ROWS, FirmBatch, SourceDialect, quarantine_table
from geo_engine.sources.parquet_records import float_text, text_table

_SIDE_FILES = ("-journal", "-wal")
_CRS_NOTE = "lon and lat are in "


def geopackage_dialect(path: Path, layer: str | None) -> SourceDialect:
    """Understand a layer of a GeoPackage.

    Parameters
    ----------
    path : Path
        The file; its first bytes are those of an SQLite database.
    layer : str, optional
        Name of the layer; the first by default.

    Returns
    -------
    SourceDialect
        Columns (``lon`` and ``lat`` last, in the layer's own reference system) and records,
        counted by SQLite rather than by the reader.

    Raises
    ------
    SourceError
        ``GPKG_UNFINISHED``, ``GPKG_CORRUPT``, ``LAYER_MISSING``, ``GEOMETRY_TYPE`` or ``NO_ROWS``.
    """
    _refuse_unfinished(path)
    layers = _layers(path)
    name = layer or (layers[0] if layers else "")
    if name not in layers:
        raise SourceError(
            "LAYER_MISSING", f"{path.name} has no layer {name!r}; it has {', '.join(layers)}."
        )
    info = _try(path, lambda: pyogrio.read_info(path, layer=name, IMMUTABLE="YES"))
    columns = [str(field) for field in info["fields"]]
    if info["geometry_type"] is not None:
        if info["geometry_type"] not in {"Point", "Point Z", "Point M", "Point ZM", "Unknown"}:
            raise SourceError(
                "GEOMETRY_TYPE",
                f"Layer {name} of {path.name} holds {info['geometry_type']}; firms are points.",
            )
        columns += ["lon", "lat"]
    _refuse_duplicates(path, columns)
    records = _count(path, name)
    if not records:
        raise SourceError("NO_ROWS", f"Layer {name} of {path.name} has no record.")
    notes = (f"{_CRS_NOTE}{info['crs']}",) if _is_known(info["crs"]) else ()
    return SourceDialect(
        format="gpkg",
        columns=tuple(columns),
        records=records,
        encoding="utf-8",
        part=name,
        parts=tuple(layers),
        notes=notes,
    )


def check_crs(path: Path, dialect: SourceDialect, asked: str, *, stated: bool) -> None:
    """Raise when the points of a layer are in another reference system than the study says.

    Parameters
    ----------
    path : Path
        The file, for messages.
    dialect : SourceDialect
        Of :func:`geopackage_dialect`.
    asked : str
        Reference system of the source in the study.
    stated : bool
        Whether the study states it, or it is the default.

    Raises
    ------
    SourceError
        ``CRS_MISSING`` when neither the layer nor the study states one, ``CRS_MISMATCH`` when
        they differ.
    """
    import pyproj

    own = next((n.removeprefix(_CRS_NOTE) for n in dialect.notes if n.startswith(_CRS_NOTE)), "")
    if not own:
        if not stated:
            raise SourceError(
                "CRS_MISSING",
                f"Layer {dialect.part} of {path.name} has no reference system. State the crs of "
                "the source, such as EPSG:32632.",
            )
        return
    try:
        same = pyproj.CRS(own).equals(pyproj.CRS(asked), ignore_axis_order=True)
    except pyproj.exceptions.CRSError:
        return  # the study's own is refused with its name where points are placed
    if not same:
        raise SourceError(
            "CRS_MISMATCH",
            f"Layer {dialect.part} of {path.name} is in {own}, but crs is {asked}. Set crs to "
            "that of the layer.",
        )


def read_geopackage_batches(path: Path, dialect: SourceDialect) -> Iterator[FirmBatch]:
    """Read a layer of a GeoPackage as text, in batches.

    Parameters
    ----------
    path : Path
        The file.
    dialect : SourceDialect
        Of :func:`geopackage_dialect`.

    Yields
    ------
    FirmBatch
        At most ``BATCH_ROWS`` records each.

    Raises
    ------
    SourceError
        ``GPKG_CORRUPT`` or ``RECORDS_LOST``.
    """
    row = 0
    try:
        with pyogrio.raw.open_arrow(
            path, layer=dialect.part, batch_size=BATCH_ROWS, use_pyarrow=True, IMMUTABLE="YES"
        ) as (meta, reader):
            geometry = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                rows = _rows(pa.Table.from_batches([batch]), geometry, dialect.columns)
                yield FirmBatch(
                    first_row=row + 1,
                    rows=rows,
                    row_numbers=np.arange(row + 1, row + 1 + rows.num_rows, dtype=np.int64),
                    quarantined=quarantine_table([]),
                )
                row += rows.num_rows
    except (pyogrio.errors.DataSourceError, pa.ArrowException) as error:
        raise _corrupt(path, error) from error
    if row != dialect.records:
        raise SourceError(
            "RECORDS_LOST",
            f"{path.name}: the reader gave {row:,} of {dialect.records:,} records. Save it again.",
        )


def _rows(table: pa.Table, geometry: str, columns: tuple[str, ...]) -> pa.Table:
    """Turn a batch into text columns, its points into lon and lat."""
    plain = table.select([name for name in columns if name in table.column_names])
    rows = text_table(plain)
    if geometry not in table.column_names:
        return rows
    points = shapely.from_wkb(np.array(table[geometry].to_pylist(), dtype=object))
    missing = shapely.is_missing(points) | shapely.is_empty(points)
    points[missing] = None
    for name, values in (("lon", shapely.get_x(points)), ("lat", shapely.get_y(points))):
        rows = rows.append_column(name, float_text(pa.array(values, mask=missing)))
    return rows


def _refuse_unfinished(path: Path) -> None:
    """Refuse a database that a writer left, or is, in the middle of a change."""
    for ending in _SIDE_FILES:
        side = path.with_name(path.name + ending)
        if side.exists() and side.stat().st_size and side.read_bytes()[:8].strip(b"\0"):
            raise SourceError(
                "GPKG_UNFINISHED",
                f"{side.name} stands beside {path.name}: a program stopped while it wrote, or "
                "still writes. Open it once in QGIS and close it, then run again.",
            )


def _refuse_duplicates(path: Path, columns: list[str]) -> None:
    """Refuse a layer with its own lon or lat beside its points."""
    if len(set(columns)) != len(columns):
        raise SourceError(
            "DUPLICATE_COLUMN",
            f"{path.name} has points and also a column lon or lat: rename the column.",
        )


def _layers(path: Path) -> list[str]:
    """List the layers with features, in the file's order."""
    query = "SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes')"
    return [str(name) for (name,) in _query(path, query + " ORDER BY rowid")]


def _count(path: Path, layer: str) -> int:
    """Count the records of a layer by SQLite."""
    quoted = layer.replace('"', '""')
    return int(_query(path, f'SELECT count(*) FROM "{quoted}"')[0][0])


def _query(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the database, which stays as it is."""
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            return database.execute(query).fetchall()
    except sqlite3.DatabaseError as error:
        raise _corrupt(path, error) from error


def _is_known(crs: str | None) -> bool:
    """Tell a reference system from GeoPackage's two words for an unknown one."""
    return bool(crs) and "Undefined" not in str(crs)


def _try(path: Path, action: Any) -> Any:
    """Run an action of the reader; its failure means a damaged file."""
    try:
        return action()
    except pyogrio.errors.DataSourceError as error:
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: Exception) -> SourceError:
    """Say that a GeoPackage is damaged."""
    return SourceError(
        "GPKG_CORRUPT", f"{path.name} cannot be read ({error}). Copy or export it again."
    )
