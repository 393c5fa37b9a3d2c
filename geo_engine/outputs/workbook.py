"""The workbook: what planners read and paste, one sheet for each question."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError
from geo_engine.outputs.fields import Field, clean_text, describe_fields
from geo_engine.outputs.workbook_chart import add_chart
from geo_engine.outputs.workbook_content import sheets_of
from geo_engine.outputs.workbook_sheet import Sheet

EXCEL_ROWS = 1_048_576
EXCEL_TEXT = 32_767

FORMATS = {
    "count": "#,##0",
    "number": "#,##0.00",
    "share": "0.0%",
    "points": "+0.0%;-0.0%;0.0%",
    "p": "0.0000",
    "year": "0",
    "flag": "0",
}
"""Number formats; a spreadsheet in Italian shows them with comma and point exchanged."""

WIDTHS = {"code": 11, "text": 22, "year": 7, "flag": 9, "p": 11}
DEFAULT_WIDTH = 13
LINE_HEIGHT = 15
"""Of a header's line, in points."""


@dataclass(frozen=True, kw_only=True)
class _Book:
    """An open workbook and its formats."""

    workbook: Any
    cells: dict[str, Any]
    title: Any
    notice: Any
    header: Any
    note: Any


def write_tables(
    publication: Publication, path: Path, *, others: Mapping[str, Publication] | None = None
) -> None:
    """Write the workbook.

    Parameters
    ----------
    publication : Publication
        What may be shown of the main universe.
    others : mapping of str to Publication, optional
        The further universes.
    path : Path
        File to write; the same results give the same bytes.

    Raises
    ------
    OutputError
        ``XLSX_WRITE`` when it cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import XlsxWriterException

    facts = publication.results.facts
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    try:
        # Asked first: XlsxWriter leaves its own temporary files open when it cannot write.
        path.open("wb").close()
        with xlsxwriter.Workbook(str(path), options) as workbook:
            created = dt.datetime.fromisoformat(facts.data_date)
            workbook.set_properties({"title": clean_text(facts.titled())[:255], "created": created})
            book = _formats(workbook)
            for sheet in sheets_of(publication, others):
                _write_sheet(book, sheet, publication)
    except (OSError, XlsxWriterException) as error:
        raise OutputError(
            "XLSX_WRITE", f"{path.name} cannot be written ({error}). Check space and permissions."
        ) from error


def _formats(workbook: Any) -> _Book:
    """Declare the formats of a workbook."""
    return _Book(
        workbook=workbook,
        cells={
            kind: workbook.add_format({"num_format": code, "valign": "top"})
            for kind, code in FORMATS.items()
        }
        | {
            "told": workbook.add_format({"num_format": "#,##0", "valign": "top", "align": "left"}),
            "year": workbook.add_format({"num_format": "0", "valign": "top", "align": "center"}),
        }
        | {
            "code": workbook.add_format({"num_format": "@", "valign": "top"}),
            "text": workbook.add_format({"valign": "top"}),
            "wide": workbook.add_format({"valign": "top", "text_wrap": True}),
        },
        title=workbook.add_format({"bold": True, "font_size": 14}),
        notice=workbook.add_format({"bold": True, "font_color": "#b2182b"}),
        header=workbook.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#dbe9f1", "bottom": 1}
        ),
        note=workbook.add_format({"italic": True, "font_color": "#505050"}),
    )


def _write_sheet(book: _Book, sheet: Sheet, publication: Publication) -> None:
    """Write notices, notes, header and rows, from top to bottom."""
    page = book.workbook.add_worksheet(sheet.name)
    fields = sheet.fields or describe_fields(
        sheet.frame.columns, publication.results.facts, publication.results.registry
    )
    widths = [sheet.widths.get(field.name, _width(field)) for field in fields]
    for number, width in enumerate(widths):
        page.set_column(number, number, width)
    row = 0
    page.write_string(row, 0, _cell_text(sheet.title), book.title)
    for text, style in _lines(sheet, publication, book):
        row += 1
        page.write_string(row, 0, _cell_text(text), style)
    header = row + 2
    limit = EXCEL_ROWS - header - 1
    page.freeze_panes(header + 1, sheet.frozen_columns)
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(header)
    if len(sheet.frame):
        last = header + min(len(sheet.frame), limit)
        page.autofilter(header, 0, last, len(fields) - 1)
    lines = max(map(_header_lines, fields, widths), default=1)
    page.set_row(header, LINE_HEIGHT * lines + 3)
    for number, field in enumerate(fields):
        page.write_string(header, number, _cell_text(field.label), book.header)
    _write_rows(book, page, fields, sheet.frame.iloc[:limit], header + 1)
    if sheet.chart is not None:
        kinds = {field.name: field.kind for field in fields}
        code = FORMATS.get(kinds[sheet.chart.value], "General")
        add_chart(book.workbook, page, sheet, header + 1, format_code=code)


def _lines(sheet: Sheet, publication: Publication, book: _Book) -> Iterable[tuple[str, Any]]:
    """Give the notices that every sheet carries, and the notes of this one."""
    if publication.results.facts.simulated:
        yield "DATI SIMULATI - a scopo dimostrativo", book.notice
    if publication.banner:
        yield publication.banner, book.notice
    for note in filter(None, sheet.notes):
        yield note, book.note
    rows = len(sheet.frame)
    if rows > EXCEL_ROWS - 100:
        yield f"Il foglio non contiene tutte le {rows} righe: sono in panel.parquet.", book.notice


def _write_rows(
    book: _Book, page: Any, fields: Sequence[Field], frame: pd.DataFrame, first: int
) -> None:
    """Write a table row by row, as constant memory asks."""
    columns = [_values(frame[field.name], field) for field in fields]
    texts = [book.cells.get(field.kind, book.cells["text"]) for field in fields]
    # A figure among texts, as on the first sheet, is still shown as a figure.
    figures = [
        book.cells["told" if field.kind in {"text", "wide"} else field.kind] for field in fields
    ]
    for offset, row in enumerate(zip(*columns, strict=True)):
        for number, value in enumerate(row):
            if value is None:
                continue
            if isinstance(value, str):
                page.write_string(first + offset, number, value, texts[number])
            else:
                page.write_number(first + offset, number, value, figures[number])


def _values(column: pd.Series, field: Field) -> list[Any]:
    """Give a column as numbers, texts and None."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        said = [field.words.get(str(c), str(c)) for c in column.cat.categories]
        texts = [_cell_text(word) or None for word in said]
        return [texts[code] if code >= 0 else None for code in column.cat.codes]
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype=float, na_value=np.nan)
        return [float(v) if np.isfinite(v) else None for v in numbers]
    return [_cell(value, field) for value in column]


def _cell(value: Any, field: Field) -> Any:
    """Give one value of a mixed column as a number, a text or None."""
    if isinstance(value, bool):
        return "sì" if value else "no"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return float(value) if np.isfinite(value) else None
    if value is None or value is pd.NA:
        return None
    return _cell_text(field.words.get(str(value), str(value)))


def _cell_text(text: str) -> str:
    """Give text that a cell can hold."""
    return clean_text(text)[:EXCEL_TEXT]


def _header_lines(field: Field, width: int) -> int:
    """Count the lines of a header in its column; bold letters and the filter's button take room."""
    return len(textwrap.wrap(field.label, max(width - 2, 4))) or 1


def _width(field: Field) -> int:
    """Give a column room for its values and for the longest word of its header."""
    longest = max((len(word) for word in field.label.split()), default=0)
    return max(WIDTHS.get(field.kind, DEFAULT_WIDTH), min(longest + 2, 24))
