"""Which of the formats that are read a file has, by its name and by its first bytes."""

from __future__ import annotations

from pathlib import Path

from geo_engine.errors import SourceError
from geo_engine.study import FirmSource

_SUFFIXES = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".dat": "csv",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".gpkg": "gpkg",
}
_SIGNATURES = {
    b"PK\x03\x04": "xlsx",
    b"PAR1": "parquet",
    b"SQLite format 3\0": "gpkg",
    b"\xd0\xcf\x11\xe0": "xls",
    b"\x1f\x8b": "gzip",
    b"%PDF": "pdf",
    b"FGB\x03": "flatgeobuf",
}
_HTML = (b"<!doctype html", b"<html")


def file_format(path: Path) -> str:
    """Tell a file's format from its name, and refuse content of another one.

    Parameters
    ----------
    path : Path
        A file.

    Returns
    -------
    str
        ``csv``, ``parquet``, ``xlsx`` or ``gpkg``.

    Raises
    ------
    SourceError
        ``FORMAT_UNKNOWN``, ``FORMAT_MISMATCH``, ``DRIVER_NOT_ALLOWED`` or ``EMPTY_INPUT``.
    """
    return format_of(FirmSource(path=path.name), path)


def format_of(source: FirmSource, path: Path) -> str:
    """Decide the format of a file by its name or the study, and refuse content of another one.

    Parameters
    ----------
    source : FirmSource
        What the study says of it.
    path : Path
        A file.

    Returns
    -------
    str
        As :func:`file_format`.

    Raises
    ------
    SourceError
        As :func:`file_format`.
    """
    asked = _SUFFIXES.get(path.suffix.lower()) if source.format == "auto" else source.format
    if asked is None:
        raise SourceError(
            "FORMAT_UNKNOWN",
            f"{path.name}: the ending {path.suffix or '(none)'} is not known. Set format to csv, "
            "parquet, xlsx or gpkg.",
        )
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise SourceError("EMPTY_INPUT", f"{path.name} has 0 bytes. Export it again.")
    content = _content(head)
    if content == "vrt":
        raise SourceError(
            "DRIVER_NOT_ALLOWED",
            f"{path.name} is a GDAL virtual dataset, which may name any other file. Give the data.",
        )
    if content != asked and not (asked in {"parquet", "xlsx", "gpkg"} and content == "csv"):
        raise SourceError(
            "FORMAT_MISMATCH",
            f"{path.name} is read as {asked}, and its content is {content}. Rename it or save it "
            "as CSV, Parquet, XLSX or GeoPackage.",
        )
    if content != asked:
        return _refuse_damaged(asked, path)
    return asked


def _refuse_damaged(asked: str, path: Path) -> str:
    """Say that a file does not begin as its format does."""
    code = {"parquet": "PARQUET_CORRUPT", "xlsx": "XLSX_CORRUPT", "gpkg": "GPKG_CORRUPT"}[asked]
    raise SourceError(code, f"{path.name} does not begin as {asked} does. Copy or export it again.")


def _content(head: bytes) -> str:
    """Tell the format from a file's first bytes; text that is nothing else is ``csv``."""
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return name
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<ogrvrtdatasource" in start or start.startswith(b"<vrtdataset"):
        return "vrt"
    if start.startswith(_HTML):
        return "html"
    if start.startswith((b"<?xml", b"<kml", b"<gml")):
        return "xml"
    return "csv"
