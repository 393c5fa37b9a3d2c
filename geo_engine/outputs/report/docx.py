"""Writes a report as DOCX: real headings, tables and numbered captions, in the template's style."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_engine.errors import OutputError, StudyError
from geo_engine.outputs.report import docx_parts as parts
from geo_engine.outputs.report import docx_tables as tables
from geo_engine.outputs.report.content import (
    Block,
    Bullets,
    Card,
    Figure,
    KeyFigures,
    Paragraph,
    Report,
    Table,
    Terms,
)
from geo_engine.outputs.report.words import labels_of

if TYPE_CHECKING:
    from docx.document import Document

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
LANGUAGES = {"it": "it-IT", "en": "en-GB"}
NO_DOCX = "The DOCX needs python-docx: `pip install geo-engine[report]`."


def docx_of(report: Report, template: Path | None = None) -> bytes:
    """Write a report as DOCX.

    Parameters
    ----------
    report : Report
        Numbered.
    template : Path, optional
        A DOCX whose styles, page, headers and footers are kept, and whose text is replaced.

    Returns
    -------
    bytes
        The same report and template give the same bytes.

    Raises
    ------
    OutputError
        ``NO_DOCX`` without the library.
    StudyError
        ``TEMPLATE`` when the template cannot be read.
    """
    try:
        import docx  # noqa: F401  (only whether it is there)
    except ImportError as error:
        raise OutputError("NO_DOCX", NO_DOCX) from error
    document = _opened(template)
    _prepare(document, report, own=template is None)
    document.add_heading(report.title, 0)
    parts.paragraph(document, report.subtitle, parts.SUBTITLE)
    for notice in report.notices:
        parts.paragraph(document, notice, parts.NOTICE)
    for section in report.sections:
        document.add_heading(section.title, 1)
        for block in section.blocks:
            _write(document, block, report.language)
    buffer = io.BytesIO()
    document.save(buffer)
    return _fixed(buffer.getvalue())


def _opened(template: Path | None) -> Document:
    """Open a template, and empty its body."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    if template is None:
        return docx.Document()
    try:
        document = docx.Document(str(template))
    except (PackageNotFoundError, KeyError, ValueError, OSError) as error:
        raise StudyError(
            "TEMPLATE", f"{template} is no readable DOCX ({error}). Save it from Word as .docx."
        ) from error
    body = document.element.body
    for element in list(body):
        if not element.tag.endswith("sectPr"):
            body.remove(element)
    return document


def _prepare(document: Document, report: Report, *, own: bool) -> None:
    """Set language, page, what stands on each page, and properties without a clock."""
    if own:
        parts.set_styles(document)
    parts.set_language(document, LANGUAGES[report.language])
    section = document.sections[-1]
    if own:
        parts.set_page(section)
    if own or not _has_text(section.footer):
        parts.set_footer(section, report.stamp, report.page)
    if report.simulated:
        parts.set_mark(section, report.simulated)
    moment = dt.datetime.combine(dt.date.fromisoformat(report.date), dt.time())
    properties = document.core_properties
    properties.title, properties.subject = report.title[:255], report.subtitle[:255]
    properties.author = properties.last_modified_by = "geo-engine"
    properties.created = properties.modified = moment
    properties.language, properties.comments = LANGUAGES[report.language], report.stamp[:255]
    properties.revision = 1


def _has_text(part: Any) -> bool:
    """Tell whether a header or footer says something."""
    return any(paragraph.text.strip() for paragraph in part.paragraphs)


def _write(document: Document, block: Block, language: str) -> None:
    """Write one block."""
    labels = labels_of(language)
    match block:
        case Paragraph() | Bullets() | Terms():
            _write_text(document, block)
        case KeyFigures():
            tables.key_figures(document, block)
        case Table():
            parts.caption(document, labels.table_word, block.number, block.caption)
            tables.table(document, block)
            if block.note:
                parts.paragraph(document, block.note, parts.NOTE)
        case Figure():
            parts.picture(document, block)
            parts.caption(document, labels.figure_word, block.number, block.caption)
            parts.paragraph(document, labels.source(block.source), parts.NOTE)
        case Card():
            document.add_heading(block.title, 2)
            for line in block.lines:
                parts.paragraph(document, line, parts.TEXT)


def _write_text(document: Document, block: Paragraph | Bullets | Terms) -> None:
    """Write a paragraph, a list or a glossary."""
    match block:
        case Paragraph(role="head"):
            document.add_heading(block.text, 2)
        case Paragraph():
            styles = {"lead": parts.LEAD, "note": parts.NOTE, "text": parts.TEXT}
            parts.paragraph(document, block.text, styles[block.role])
        case Bullets():
            for item in block.items:
                parts.paragraph(document, item, parts.BULLET)
        case Terms():
            for term, meaning in block.terms:
                parts.term(document, term, meaning)


def _fixed(data: bytes) -> bytes:
    """Write the archive again with one date for all its parts."""
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as given,
        zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as written,
    ):
        for name in given.namelist():
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            written.writestr(entry, given.read(name))
    return result.getvalue()
