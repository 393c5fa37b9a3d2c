"""Writes a report in its own folder: the formats asked for, each figure and each table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geo_engine.outputs.quarantine import safe_cell
from geo_engine.outputs.report.content import Figure, Report, Table
from geo_engine.outputs.report.docx import docx_of
from geo_engine.outputs.report.html import html_of
from geo_engine.outputs.report.pdf import pdf_of, why_no_pdf
from geo_engine.storage import deliver, output_errors

FORMATS = ("html", "pdf", "docx")


@dataclass(frozen=True, kw_only=True)
class Written:
    """A report on disk."""

    folder: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]
    """What could not be written, and what was instead."""


def write_report(
    report: Report, folder: Path, formats: Sequence[str], template: Path | None = None
) -> Written:
    """Write a report and, beside it, every figure as PNG and SVG and every table as CSV.

    Parameters
    ----------
    report : Report
        Numbered.
    folder : Path
        Its own folder; earlier files stay whole unless all new ones are written.
    formats : sequence of str
        Of ``FORMATS``. Where no PDF can be written a printable HTML takes its place.
    template : Path, optional
        Of the DOCX.

    Returns
    -------
    Written

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    wanted, notes = list(dict.fromkeys(formats)), []
    if "pdf" in wanted and (reason := why_no_pdf()):
        notes.append(reason)
        wanted = [each for each in wanted if each not in ("pdf", "html")] + ["html"]
    contents = {f"{report.slug}.{form}": _content(report, form, template) for form in wanted}
    for block in report.blocks():
        if isinstance(block, Figure):
            stem = f"figure-{block.number}-{block.key}"
            contents[f"{stem}.png"], contents[f"{stem}.svg"] = block.png, block.svg
        elif isinstance(block, Table):
            contents[f"table-{block.number}-{block.key}.csv"] = csv_of(block, report)
    with deliver(folder) as delivery:
        for name, data in contents.items():
            with output_errors(name):
                delivery.path(name).write_bytes(data)
        stale = [path.name for path in _earlier(folder) if path.name not in contents]
        delivery.commit(remove=stale)
    return Written(folder=folder, files=tuple(contents), notes=tuple(notes))


def csv_of(table: Table, report: Report) -> bytes:
    """Write the data of a table as CSV, as Italian spreadsheets open it.

    Parameters
    ----------
    table : Table
        A table.
    report : Report
        Its language decides separator and decimal mark.

    Returns
    -------
    bytes
        UTF-8 with a mark; a text that a spreadsheet would take for a formula has an apostrophe
        before it. Simulated data say so in a column.
    """
    italian = report.language == "it"
    separator, mark = (";", ",") if italian else (",", ".")
    data = table.data
    if report.simulated:
        data = data.assign(note=report.simulated)
    lines = [separator.join(_field(str(name), separator, mark) for name in data.columns)]
    lines += [
        separator.join(_field(value, separator, mark) for value in row)
        for row in data.itertuples(index=False, name=None)
    ]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode("utf-8", errors="replace")


def _field(value: object, separator: str, mark: str) -> str:
    """Write one field."""
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        whole = value.is_integer() and abs(value) < 1e15
        return str(int(value)) if whole else repr(float(value)).replace(".", mark)
    text = str(safe_cell(value)).replace("\r", " ").replace("\n", " ")
    if separator in text or '"' in text:
        doubled = text.replace('"', '""')
        return f'"{doubled}"'
    return text


def _content(report: Report, form: str, template: Path | None) -> bytes:
    """Write one format."""
    if form == "pdf":
        return pdf_of(report)
    if form == "docx":
        return docx_of(report, template)
    return html_of(report).encode("utf-8", errors="replace")


def _earlier(folder: Path) -> list[Path]:
    """Find figures and tables of an earlier report of the same folder."""
    return [*folder.glob("figure-*.png"), *folder.glob("figure-*.svg"), *folder.glob("table-*.csv")]
