"""Reads firm extracts: CSV, Parquet, XLSX and GeoPackage, as text, every record accounted for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import pyarrow as pa

from geo_engine.errors import SourceError
from geo_engine.sources.batches import FirmBatch, SourceDialect, set_totals_aside
from geo_engine.sources.file_formats import file_format, format_of
from geo_engine.storage import sha256_of
from geo_engine.study import FirmSource

__all__ = [
    "FirmBatch",
    "SourceDialect",
    "check_digest",
    "check_mapping",
    "decimal_mark",
    "detect",
    "file_format",
    "open_source",
    "read_batches",
]

_COMMA_NUMBER = r"^\s*[-+]?\d{1,8},\d+\s*$"
_SHOWN = 80
"""Characters of a path that a message repeats."""
_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]+://|^/vsi|^\\\\|^//", re.IGNORECASE)


def open_source(source: FirmSource, root: Path) -> list[Path]:
    """Find the files of a source under its root folder.

    Parameters
    ----------
    source : FirmSource
        Its ``path`` is a file or a glob such as ``estratti/*.csv``.
    root : Path
        The study's folder, or the data root given by the user.

    Returns
    -------
    list of Path
        Existing files, sorted.

    Raises
    ------
    SourceError
        ``REMOTE_NOT_ALLOWED`` for an address, ``PATH_OUTSIDE`` for a path or link that leaves the
        root, ``PATH_INVALID`` for one that no file can have, ``SOURCE_MISSING`` when nothing is
        found, ``SHA256_MISMATCH`` when the source states another digest.
    """
    text = source.path
    if _REMOTE.search(text):
        raise SourceError(
            "REMOTE_NOT_ALLOWED", f"{text}: only local files are read. Download it, then name it."
        )
    relative = _under(text, root)
    try:
        found = [root / relative] if (root / relative).is_file() else _matches(root, relative)
    except (OSError, ValueError, RecursionError) as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(
            "PATH_INVALID", f"{shown} is no path or pattern of files ({reason}). Correct it."
        ) from error
    inside = root.resolve()
    for path in found:
        if not path.resolve().is_relative_to(inside):
            raise SourceError(
                "PATH_OUTSIDE",
                f"{path.name} is a link to a file outside {inside}. Copy it there, or give "
                "another --data-root.",
            )
    if not found:
        raise SourceError(
            "SOURCE_MISSING", f"{text} is not under {inside}.{_near(root / relative)}"
        )
    check_digest(source, found)
    return found


def check_digest(source: FirmSource, files: list[Path]) -> None:
    """Refuse a file that is not, byte for byte, the one that a study states.

    Parameters
    ----------
    source : FirmSource
        Its ``sha256`` is "" where the study states none.
    files : list of Path
        The files of the source.

    Raises
    ------
    SourceError
        ``SHA256_MISMATCH``, with both digests; also when one digest is stated of several files.
    """
    if not source.sha256:
        return
    if len(files) > 1:
        raise SourceError(
            "SHA256_MISMATCH",
            f"{source.path} names {len(files)} files, and sha256 is the digest of one. Give each "
            "file a source of its own.",
        )
    found = sha256_of(files[0])
    if found != source.sha256:
        raise SourceError(
            "SHA256_MISMATCH",
            f"{files[0].name} has the digest {found}, and the study states {source.sha256}: it is "
            "another file, or a damaged one. Copy it again, or correct sha256.",
        )


def detect(source: FirmSource, path: Path) -> SourceDialect:
    """Understand how a file is written.

    Parameters
    ----------
    source : FirmSource
        What the study says of it; ``auto`` values are decided by evidence.
    path : Path
        One file of :func:`open_source`.

    Returns
    -------
    SourceDialect
        For the manifest, and for :func:`read_batches`.

    Raises
    ------
    SourceError
        For a file that cannot be read whole and unchanged; each code is in the class that raises.
    """
    dialect = _dialect(source, path, format_of(source, path))
    return replace(dialect, decimal=_decimal(source, path, dialect))


def read_batches(
    source: FirmSource, path: Path, *, dialect: SourceDialect | None = None
) -> Iterator[FirmBatch]:
    """Read a file as text, in batches; memory does not grow with a CSV's size.

    Parameters
    ----------
    source : FirmSource
        What the study says of it.
    path : Path
        One file of :func:`open_source`.
    dialect : SourceDialect, optional
        Of :func:`detect`, where it was called already.

    Yields
    ------
    FirmBatch
        Records in the file's order; rows and quarantined together are all records of the file.

    Raises
    ------
    SourceError
        As :func:`detect`; ``RECORDS_LOST`` when the independent count differs.
    """
    known = dialect or detect(source, path)
    for batch in _batches(source, path, known):
        yield set_totals_aside(batch, source.total_rows, path.name)


def check_mapping(columns_present: tuple[str, ...], wanted: dict[str, str | int]) -> dict[str, str]:
    """Find the columns that a study names.

    Parameters
    ----------
    columns_present : tuple of str
        Of :class:`SourceDialect`.
    wanted : dict of str to str or int
        Column by role; a number is a position from 1.

    Returns
    -------
    dict of str to str
        Name of the column by role.

    Raises
    ------
    SourceError
        ``MISSING_COLUMN``, with each absent column and the near names.
    """
    found: dict[str, str] = {}
    absent: list[str] = []
    for role, column in wanted.items():
        name = _column(columns_present, column)
        if name is None:
            absent.append(f"{column!r} ({role}){_near_columns(columns_present, column)}")
        else:
            found[role] = name
    if absent:
        raise SourceError(
            "MISSING_COLUMN",
            f"{len(absent)} of {len(wanted)} columns are not in the file: {'; '.join(absent)}. "
            f"It has: {', '.join(columns_present)}.",
        )
    return found


def _under(text: str, root: Path) -> Path:
    """Give a path relative to the root, or refuse one that leaves it."""
    parts = {*PurePosixPath(text).parts, *PureWindowsPath(text).parts}
    if ".." in parts or text.startswith("~"):
        raise SourceError("PATH_OUTSIDE", f"{text} leaves {root.resolve()}. Give a path below it.")
    path = Path(text)
    if not path.is_absolute() and not PureWindowsPath(text).drive:
        return path
    try:
        return path.relative_to(root.absolute())
    except ValueError:
        raise SourceError(
            "PATH_OUTSIDE",
            f"{text} is not below {root.resolve()}. Give its folder as --data-root.",
        ) from None


def _matches(root: Path, relative: Path) -> list[Path]:
    """Give the files that a pattern matches, sorted."""
    if not any(mark in str(relative) for mark in "*?["):
        return []
    return sorted(path for path in root.glob(str(relative)) if path.is_file())


def _near(path: Path) -> str:
    """Name files that a user may have meant."""
    folder = path.parent
    if not folder.is_dir():
        return f" The folder {folder} does not exist."
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f" Near names: {', '.join(near or names[:5]) or 'none'}."


def _dialect(source: FirmSource, path: Path, form: str) -> SourceDialect:
    """Understand a file of a known format."""
    if form == "csv":
        from geo_engine.sources.csv_dialect import csv_dialect

        return csv_dialect(source, path)
    if form == "parquet":
        from geo_engine.sources.parquet_records import parquet_dialect

        return parquet_dialect(path)
    if form == "xlsx":
        from geo_engine.sources.workbook_records import workbook_dialect

        return workbook_dialect(path, source.sheet, source.header)
    from geo_engine.sources.geopackage_records import check_crs, geopackage_dialect

    dialect = geopackage_dialect(path, source.layer)
    if (source.columns.lon, source.columns.lat) == ("lon", "lat"):
        check_crs(path, dialect, source.crs, stated="crs" in source.model_fields_set)
    return dialect


def _batches(source: FirmSource, path: Path, dialect: SourceDialect) -> Iterator[FirmBatch]:
    """Read a file that was understood."""
    if dialect.format == "csv":
        from geo_engine.sources.csv_records import read_csv_batches

        return read_csv_batches(path, dialect, suspect=source.quote == "auto")
    if dialect.format == "parquet":
        from geo_engine.sources.parquet_records import read_parquet_batches

        return read_parquet_batches(path, dialect)
    if dialect.format == "xlsx":
        from geo_engine.sources.workbook_records import read_workbook_batches

        return read_workbook_batches(path, dialect)
    from geo_engine.sources.geopackage_records import read_geopackage_batches

    return read_geopackage_batches(path, dialect)


def _decimal(source: FirmSource, path: Path, dialect: SourceDialect) -> str:
    """Decide the decimal mark of the coordinates by their values in the first batch."""
    if source.decimal != "auto":
        return source.decimal
    wanted = (source.columns.lon, source.columns.lat)
    names = [_column(dialect.columns, column) for column in wanted if column is not None]
    present = [name for name in names if name is not None]
    if not present:
        return "."
    first = next(_batches(source, path, dialect)).rows
    return decimal_mark([first[name] for name in present])


def decimal_mark(columns: list[pa.ChunkedArray]) -> str:
    """Tell whether numbers are written with a comma.

    Parameters
    ----------
    columns : list of ChunkedArray
        Columns of text.

    Returns
    -------
    str
        ``,`` when more than half of the filled values are numbers with a comma, otherwise ``.``.
    """
    import pyarrow.compute as pc

    commas = filled = 0
    for values in columns:
        commas += pc.sum(pc.match_substring_regex(values, _COMMA_NUMBER)).as_py() or 0
        filled += pc.sum(pc.not_equal(pc.utf8_trim_whitespace(values), "")).as_py() or 0
    return "," if commas * 2 > filled else "."


def _column(present: tuple[str, ...], column: str | int) -> str | None:
    """Find one column by name or position."""
    if isinstance(column, str):
        return column if column in present else None
    return present[column - 1] if 1 <= column <= len(present) else None


def _near_columns(present: tuple[str, ...], column: str | int) -> str:
    """Name columns that a user may have meant."""
    by_plain_name = {name.strip().casefold(): name for name in present}
    near = difflib.get_close_matches(str(column).strip().casefold(), list(by_plain_name), n=2)
    return f", near: {', '.join(by_plain_name[name] for name in near)}" if near else ""
