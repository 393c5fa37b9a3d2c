"""Reads a sheet of an XLSX workbook as text columns."""

from __future__ import annotations

import datetime as dt
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import python_calamine

from geo_engine.errors import SourceError
from geo_engine.sources.batches import (
    BATCH_ROWS,
    FirmBatch,
    QuarantineRow,
    SourceDialect,
    as_json,
    quarantine_table,
    unique_names,
)

MOST_BYTES = 4 << 30
"""A workbook that unpacks to more than this is refused."""


def workbook_dialect(path: Path, sheet: str | None, header: bool | int) -> SourceDialect:
    """Understand a sheet of a workbook.

    Parameters
    ----------
    path : Path
        The file; its first bytes are those of a zip archive.
    sheet : str, optional
        Name of the sheet; the first by default.
    header : bool or int
        Whether the first filled row names the columns, or the row that does, from 1.

    Returns
    -------
    SourceDialect
        Columns, and records counted in the sheet's XML rather than by the reader.

    Raises
    ------
    SourceError
        ``XLSX_CORRUPT``, ``ZIP_TOO_LARGE``, ``SHEET_MISSING``, ``EMPTY_INPUT``,
        ``HEADER_MISSING``, ``DUPLICATE_COLUMN`` or ``NO_ROWS``.
    """
    _refuse_bomb(path)
    book = _open(path)
    sheets = tuple(book.sheet_names)
    name = sheet or sheets[0]
    if name not in sheets:
        raise SourceError(
            "SHEET_MISSING", f"{path.name} has no sheet {name!r}; it has {', '.join(sheets)}."
        )
    filled = _filled_lines(path, name)
    if not filled:
        raise SourceError("EMPTY_INPUT", f"Sheet {name} of {path.name} is empty.")
    rows = _texts(book, name)
    header_line, columns = _columns(path, rows, filled, header)
    records = sum(line > header_line for line in filled)
    if not records:
        raise SourceError("NO_ROWS", f"Sheet {name} of {path.name} has a header and no record.")
    return SourceDialect(
        format="xlsx",
        columns=columns,
        records=records,
        header_line=header_line,
        data_line=header_line + 1,
        part=name,
        parts=sheets,
        blank_lines=max(filled) - header_line - records,
    )


def read_workbook_batches(path: Path, dialect: SourceDialect) -> Iterator[FirmBatch]:
    """Read a sheet of a workbook as text, in batches.

    Parameters
    ----------
    path : Path
        The file.
    dialect : SourceDialect
        Of :func:`workbook_dialect`.

    Yields
    ------
    FirmBatch
        At most ``BATCH_ROWS`` records each; an empty cell is an empty text.

    Raises
    ------
    SourceError
        ``XLSX_CORRUPT`` or ``RECORDS_LOST``.
    """
    rows = islice(_texts(_open(path), dialect.part), dialect.header_line, None)
    numbered = enumerate(
        ((line, row) for line, row in enumerate(rows, start=dialect.data_line) if any(row)),
        start=1,
    )
    done = 0
    while part := list(islice(numbered, BATCH_ROWS)):
        yield _batch(part, dialect, path.name)
        done = part[-1][0]
    if done != dialect.records:
        raise SourceError(
            "RECORDS_LOST",
            f"{path.name}: the reader gave {done:,} of {dialect.records:,} rows of sheet "
            f"{dialect.part}. Save the workbook again.",
        )


def cell_text(value: Any) -> str:
    """Write a cell as text.

    Parameters
    ----------
    value : Any
        As the reader gives it.

    Returns
    -------
    str
        A whole number without a fraction, a date in ISO order, ``true`` or ``false``; an empty
        cell is "".
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return "" if value is None else str(value)


def sheet_texts(path: Path) -> Iterator[tuple[str, Iterator[list[str]]]]:
    """Give the rows of every sheet of a workbook as texts.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    tuple
        Name of the sheet and its rows.

    Raises
    ------
    SourceError
        ``XLSX_CORRUPT`` or ``ZIP_TOO_LARGE``.
    """
    _refuse_bomb(path)
    book = _open(path)
    for name in book.sheet_names:
        yield name, _texts(book, name)


def _batch(
    part: list[tuple[int, tuple[int, list[str]]]], dialect: SourceDialect, source: str
) -> FirmBatch:
    """Build a batch from numbered rows; a row wider than the header is set aside."""
    width = len(dialect.columns)
    good: list[list[str]] = []
    numbers: list[int] = []
    aside: list[QuarantineRow] = []
    for number, (line, row) in part:
        if any(row[width:]):
            detail = (
                f"Row {line} has a cell right of the header's {width} columns: name or move it."
            )
            cells = {str(i): text for i, text in enumerate(row, start=1)}
            aside.append((source, number, "RAGGED_ROW", detail, as_json(dict(cells))))
            continue
        good.append(row[:width] + [""] * (width - len(row)))
        numbers.append(number)
    columns = [pa.array([row[i] for row in good], pa.string()) for i in range(width)]
    return FirmBatch(
        first_row=part[0][0],
        rows=pa.table(columns, names=list(dialect.columns)),
        row_numbers=np.array(numbers, dtype=np.int64),
        quarantined=quarantine_table(aside),
    )


def _columns(
    path: Path, rows: Iterator[list[str]], filled: list[int], header: bool | int
) -> tuple[int, tuple[str, ...]]:
    """Find the row of the header (0: none) and the names of the columns."""
    if header is False:
        return 0, tuple(str(i + 1) for i in range(max(_widths(rows))))
    line = filled[0] if header is True else header
    row = next(islice(rows, line - 1, None), [])
    while row and not row[-1].strip():
        row = row[:-1]
    if not row:
        raise SourceError(
            "HEADER_MISSING", f"Row {line} of {path.name} is empty. Correct the source's header."
        )
    return line, unique_names(row, path)


def _widths(rows: Iterator[list[str]]) -> Iterator[int]:
    """Give the number of cells of each row up to the last filled one."""
    for row in rows:
        yield max((i for i, text in enumerate(row, start=1) if text), default=0)


def _open(path: Path) -> python_calamine.CalamineWorkbook:
    """Open a workbook."""
    try:
        return python_calamine.CalamineWorkbook.from_path(path)
    except (python_calamine.CalamineError, OSError) as error:
        raise _corrupt(path, error) from error


def _texts(book: python_calamine.CalamineWorkbook, sheet: str) -> Iterator[list[str]]:
    """Give the rows of a sheet from its first one, as texts; empty columns at its left are not."""
    for row in book.get_sheet_by_name(sheet).iter_rows():
        yield [cell_text(value) for value in row]


def _refuse_bomb(path: Path) -> None:
    """Refuse a file that is no zip archive, or unpacks to far more than it seems."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise _corrupt(path, error) from error
    if unpacked > MOST_BYTES:
        raise SourceError(
            "ZIP_TOO_LARGE",
            f"{path.name} unpacks to {unpacked:,} bytes. Save it as CSV or Parquet.",
        )


def _filled_lines(path: Path, sheet: str) -> list[int]:
    """List the rows of a sheet with a value, from its XML: what the reader must give."""
    try:
        with zipfile.ZipFile(path) as archive:
            empty = _empty_strings(archive)
            with archive.open(_sheet_part(archive, sheet)) as xml:
                return list(_filled_rows(xml, empty))
    except (zipfile.BadZipFile, zlib.error, KeyError, ElementTree.ParseError, OSError) as error:
        raise _corrupt(path, error) from error


def _sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Name the archive's member that holds a sheet."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for entry in book.iter():
        if _local(entry) == "sheet" and entry.get("name") == sheet:
            link = next((value for key, value in entry.items() if key.endswith("}id")), None)
            target = targets[link]
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(sheet)


def _empty_strings(archive: zipfile.ZipFile) -> set[str]:
    """Give the numbers of shared strings that are empty."""
    if "xl/sharedStrings.xml" not in archive.namelist():
        return set()
    empty = set()
    number = 0
    with archive.open("xl/sharedStrings.xml") as xml:
        for _, element in ElementTree.iterparse(xml):
            if _local(element) == "si":
                if not _string(element):
                    empty.add(str(number))
                number += 1
                element.clear()
    return empty


def _filled_rows(xml: IO[bytes], empty: set[str]) -> Iterator[int]:
    """Give the numbers of the rows of a sheet that hold a value."""
    number = 0
    for _, element in ElementTree.iterparse(xml):
        if _local(element) == "row":
            number = int(element.get("r") or number + 1)
            if any(_has_value(cell, empty) for cell in element):
                yield number
            element.clear()


def _has_value(cell: ElementTree.Element, empty: set[str]) -> bool:
    """Tell whether a cell shows anything; an error value such as #N/A shows nothing."""
    kind = cell.get("t")
    if kind == "e":
        return False
    if kind == "inlineStr":
        return any(_string(part) for part in cell if _local(part) == "is")
    value = next((part.text for part in cell if _local(part) == "v"), None)
    return bool(value) and not (kind == "s" and value in empty)


def _string(element: ElementTree.Element) -> str:
    """Join the text of a rich string."""
    return "".join(part.text or "" for part in element.iter() if _local(part) == "t")


def _local(element: ElementTree.Element) -> str:
    """Give an element's name without its namespace; two are in use for workbooks."""
    return element.tag.rpartition("}")[2]


def _corrupt(path: Path, error: Exception) -> SourceError:
    """Say that a workbook is damaged."""
    return SourceError(
        "XLSX_CORRUPT", f"{path.name} cannot be read ({error}). Save it again as XLSX, or as CSV."
    )
