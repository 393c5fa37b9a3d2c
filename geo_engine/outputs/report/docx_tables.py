"""Tables of a DOCX: key figures, headings repeated on each page, horizontal rules only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from geo_engine.outputs.report.content import Cell, Column, KeyFigures, Table
from geo_engine.outputs.report.docx_parts import (
    DARK,
    GREY,
    HEAD,
    SMALL,
    Look,
    element,
    run,
    text_width,
)

if TYPE_CHECKING:
    from docx.document import Document

COLORS = {"high": "9C1523", "low": "1D5B98", "muted": "666666"}


def key_figures(document: Document, block: KeyFigures) -> None:
    """Add the figures at the top as a table of one row.

    Parameters
    ----------
    document : Document
        To add to.
    block : KeyFigures
        The figures.
    """
    made = document.add_table(rows=1, cols=len(block.figures))
    for cell, figure in zip(made.rows[0].cells, block.figures, strict=True):
        first = cell.paragraphs[0]
        run(first, figure.value, Look(style="Normal", size=14, bold=True, color=DARK))
        run(cell.add_paragraph(), figure.label, Look(style="Normal", size=7.5))
        if figure.note:
            run(cell.add_paragraph(), figure.note, Look(style="Normal", size=7, color=GREY))
        for each in cell.paragraphs:
            each.paragraph_format.space_after = 0
    document.add_paragraph()


def table(document: Document, block: Table) -> None:
    """Add a table whose heading is repeated on each page.

    Parameters
    ----------
    document : Document
        To add to.
    block : Table
        The table.
    """
    made = document.add_table(rows=1 + len(block.rows), cols=len(block.columns))
    made.autofit = False
    widths = _widths(document, block.columns)
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
    rows = list(made.rows)
    head = rows[0]
    _fill(
        head.cells,
        [Cell(text=column.label) for column in block.columns],
        block.columns,
        widths,
        bold=True,
        size=HEAD,
    )
    head._tr.get_or_add_trPr().append(element("w:tblHeader", {"w:val": "true"}))
    for at, cells in enumerate(block.rows):
        strong = at in block.strong_rows
        _fill(rows[at + 1].cells, cells, block.columns, widths, bold=strong)
    for row in rows:
        row._tr.get_or_add_trPr().append(element("w:cantSplit", {"w:val": "true"}))
    if len(rows) <= 14:
        for row in rows[:-1]:
            for cell in row.cells:
                for each in cell.paragraphs:
                    each.paragraph_format.keep_with_next = True
    _rules(made, head)
    described = made._tbl.tblPr
    described.append(element("w:tblCaption", {"w:val": block.caption[:255]}))


def _widths(document: Document, columns: Sequence[Column]) -> list[int]:
    """Divide the width of the page among the columns."""
    section = document.sections[-1]
    whole = text_width(section)
    total = sum(column.width for column in columns)
    return [int(whole * column.width / total) for column in columns]


def _fill(
    cells: Sequence[Any],
    texts: Sequence[Cell],
    columns: Sequence[Column],
    widths: Sequence[int],
    *,
    bold: bool,
    size: float = 7.5,
) -> None:
    """Write the cells of a row."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    for cell, text, column, width in zip(cells, texts, columns, widths, strict=True):
        cell.width = width
        first = cell.paragraphs[0]
        look = Look(
            style="Normal",
            size=size,
            bold=bold or text.tone in ("high", "low"),
            color=COLORS.get(text.tone, ""),
        )
        run(first, text.text, look)
        if text.small:
            run(cell.add_paragraph(), text.small, SMALL)
        for each in cell.paragraphs:
            each.paragraph_format.space_after = each.paragraph_format.space_before = Pt(0)
            each.paragraph_format.line_spacing = 1.0
            if column.numeric:
                each.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _rules(made: Any, head: Any) -> None:
    """Draw horizontal rules only: above, below the heading, thin between rows, below."""
    borders = element("w:tblBorders", {})
    for side, size in (("top", "8"), ("bottom", "8"), ("insideH", "2")):
        color = "BBBBBB" if side == "insideH" else "222222"
        borders.append(
            element(
                f"w:{side}", {"w:val": "single", "w:sz": size, "w:space": "0", "w:color": color}
            )
        )
    made._tbl.tblPr.append(borders)
    margins = element("w:tblCellMar", {})
    for side, width in (("top", "25"), ("left", "50"), ("bottom", "25"), ("right", "50")):
        margins.append(element(f"w:{side}", {"w:w": width, "w:type": "dxa"}))
    made._tbl.tblPr.append(margins)
    for cell in head.cells:
        ends = element("w:tcBorders", {})
        ends.append(
            element(
                "w:bottom", {"w:val": "single", "w:sz": "6", "w:space": "0", "w:color": "222222"}
            )
        )
        cell._tc.get_or_add_tcPr().append(ends)
