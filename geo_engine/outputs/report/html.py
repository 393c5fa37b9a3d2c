"""Writes a report as one HTML file: text escaped, pictures inside, nothing from the network."""

from __future__ import annotations

import base64
import html
from importlib import resources

from geo_engine.outputs.report.content import (
    Block,
    Bullets,
    Card,
    Cell,
    Column,
    Figure,
    KeyFigures,
    Paragraph,
    Report,
    Table,
    Terms,
)
from geo_engine.outputs.report.words import Labels, labels_of

SHORT = 10
"""Rows of a table that is not divided between pages."""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html_of(report: Report, *, paged: bool = False) -> str:
    """Write a report as HTML.

    Parameters
    ----------
    report : Report
        Numbered.
    paged : bool
        For the PDF: fonts that come with matplotlib, and what stands on each page.

    Returns
    -------
    str
        A whole page; printed from a browser it is an A4 document too.
    """
    labels = labels_of(report.language)
    body = "\n".join(
        [
            f"<header><p class='mark'>{_text(report.simulated)}</p>"
            if report.simulated
            else "<header>",
            f"<h1>{_text(report.title)}</h1>",
            f"<p class='subtitle'>{_text(report.subtitle)}</p>",
            *(
                f"<p class='notice'>{_text(notice)}</p>"
                for notice in report.notices
                if notice != report.simulated
            ),
            "</header>",
            "<main>",
            *(
                f"<section id='{section.key}'><h2>{_text(section.title)}</h2>\n"
                + "\n".join(_block(block, labels) for block in section.blocks)
                + "</section>"
                for section in report.sections
            ),
            "</main>",
            f"<footer class='screen'>{_text(report.stamp)}</footer>",
        ]
    )
    style = _style("report.css") + (_style("paged.css") if paged else "") + _page_rules(report)
    return (
        f"<!DOCTYPE html>\n<html lang='{report.language}'>\n<head>\n<meta charset='utf-8'>\n"
        f"<meta http-equiv='Content-Security-Policy' content=\"{POLICY}\">\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>{_text(report.title)}</title>\n"
        f"<meta name='dcterms.created' content='{report.date}'>\n"
        f"<meta name='description' content='{_text(report.subtitle)}'>\n"
        f"<meta name='generator' content='geo-engine'>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _style(name: str) -> str:
    """Read a style sheet of the package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _page_rules(report: Report) -> str:
    """Give what stands on each printed page; the texts are quoted for CSS."""
    before, between, after = (part.strip() for part in _page_parts(report.page))
    count = f'"{before} " counter(page) " {between} " counter(pages){_quoted_after(after)}'
    mark = f"@top-center {{ content: {_quoted(report.simulated)}; }}" if report.simulated else ""
    return (
        f"@page {{ @bottom-left {{ content: {_quoted(report.stamp)}; }} "
        f"@bottom-right {{ content: {count}; }} {mark} }}\n"
    )


def _page_parts(text: str) -> tuple[str, str, str]:
    """Split ``Pagina {page} di {pages}`` around its numbers."""
    before, _, rest = text.partition("{page}")
    between, _, after = rest.partition("{pages}")
    return before, between, after


def _quoted_after(text: str) -> str:
    """Quote what follows the numbers, if anything."""
    return f" {_quoted(text)}" if text else ""


def _quoted(text: str) -> str:
    """Write a text as a CSS string: no quote, backslash or tag can leave it."""
    safe = (f"\\{ord(letter):x} " if letter in "\"'\\<>&\n\r" else letter for letter in text)
    return f'"{"".join(safe)}"'


def _text(text: str) -> str:
    """Escape a text."""
    return html.escape(text, quote=True)


def _block(block: Block, labels: Labels) -> str:
    """Write one block."""
    match block:
        case Paragraph():
            tag = "h3" if block.role == "head" else "p"
            return f"<{tag} class='{block.role}'>{_text(block.text)}</{tag}>"
        case Bullets():
            items = "".join(f"<li>{_text(item)}</li>" for item in block.items)
            return f"<ul>{items}</ul>"
        case KeyFigures():
            return _key_figures(block)
        case Table():
            return _table(block, labels)
        case Figure():
            return _figure(block, labels)
        case Card():
            lines = "".join(f"<p>{_text(line)}</p>" for line in block.lines)
            return f"<div class='card'><h3>{_text(block.title)}</h3>{lines}</div>"
        case Terms():
            terms = "".join(
                f"<dt>{_text(term)}</dt><dd>{_text(meaning)}</dd>" for term, meaning in block.terms
            )
            return f"<dl>{terms}</dl>"


def _key_figures(block: KeyFigures) -> str:
    """Write the figures at the top."""
    items = "".join(
        f"<li><strong>{_text(each.value)}</strong> <span>{_text(each.label)}</span>"
        f"{f' <small>{_text(each.note)}</small>' if each.note else ''}</li>"
        for each in block.figures
    )
    return f"<ul class='key'>{items}</ul>"


def _table(table: Table, labels: Labels) -> str:
    """Write a table."""
    total = sum(column.width for column in table.columns)
    widths = "".join(
        f"<col style='width:{100 * column.width / total:.2f}%'>" for column in table.columns
    )
    heads = "".join(
        f"<th scope='col'{_numeric(column)}>{_text(column.label)}</th>" for column in table.columns
    )
    rows = "\n".join(
        f"<tr{' class=strong' if at in table.strong_rows else ''}>"
        + "".join(
            _cell(cell, column, first=number == 0)
            for number, (cell, column) in enumerate(zip(row, table.columns, strict=True))
        )
        + "</tr>"
        for at, row in enumerate(table.rows)
    )
    note = f"<p class='note'>{_text(table.note)}</p>" if table.note else ""
    caption = f"{labels.table(table.number)}. {table.caption}"
    kind = "table short" if len(table.rows) <= SHORT else "table"
    return (
        f"<div class='{kind}'><table id='table-{table.number}'><caption>{_text(caption)}</caption>"
        f"<colgroup>{widths}</colgroup><thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody>"
        f"</table>{note}</div>"
    )


def _numeric(column: Column) -> str:
    """Mark a column of numbers."""
    return " class='n'" if column.numeric else ""


def _cell(cell: Cell, column: Column, *, first: bool) -> str:
    """Write a cell; the first of a row is its heading."""
    tag, scope = ("th", " scope='row'") if first else ("td", "")
    classes = " ".join(name for name in ("n" if column.numeric else "", cell.tone) if name)
    small = f"<br><small>{_text(cell.small)}</small>" if cell.small else ""
    marked = f" class='{classes}'" if classes else ""
    return f"<{tag}{scope}{marked}>{_text(cell.text)}{small}</{tag}>"


def _figure(figure: Figure, labels: Labels) -> str:
    """Write a figure with its picture inside the page."""
    data = base64.b64encode(figure.png).decode("ascii")
    caption = f"{labels.figure(figure.number)}. {figure.caption}."
    return (
        f"<figure id='figure-{figure.number}'><img alt='{_text(figure.alt)}' "
        f"style='width:{figure.width_cm:g}cm' src='data:image/png;base64,{data}'>"
        f"<figcaption>{_text(caption)} <span class='source'>"
        f"{_text(labels.source(figure.source))}</span></figcaption></figure>"
    )
