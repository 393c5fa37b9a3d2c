"""Writes the data-quality report: one page that needs nothing else, and two tables (CSV)."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from geo_engine.outputs.quarantine import FORMULA_STARTS

ITEM_COLUMNS = ("section", "item", "rows", "share")
EXAMPLE_COLUMNS = ("source", "row", "reason", "column", "value")
_MISSING = "–"
_PAGE = """<!DOCTYPE html>
<html lang="it">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="generator" content="geo-engine">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


@dataclass(frozen=True)
class Share:
    """A share from 0 to 1, shown as a percentage with a bar; NaN where there is none."""

    value: float


Cell = str | int | float | Share
"""A field of a table: text, whole number, number with two decimals, or share."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the report: a table under a title."""

    key: str
    """Short English name: the section of ``quality.csv``, and the anchor in the page."""
    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    marked: frozenset[int] = frozenset()
    """Numbers of rows to which attention is drawn; their first cell says why in words."""


@dataclass(frozen=True, kw_only=True)
class MaskedExample:
    """One masked value of one row."""

    source: str
    row: int
    reason: str
    column: str
    value: str


@dataclass(frozen=True, kw_only=True)
class QualityReport:
    """All that the report says."""

    title: str
    """Of the study."""
    is_simulated: bool
    facts: tuple[tuple[str, str], ...]
    """Reference date of the data and what else stands on top: label and value."""
    figures: tuple[tuple[str, int], ...]
    """Rows read, placed and set aside."""
    messages: tuple[str, ...]
    """What to do first."""
    sections: tuple[Section, ...]
    examples: tuple[MaskedExample, ...]
    meanings: dict[str, str]
    """What a reason or a flag means, in Italian."""
    items: tuple[tuple[str, str, int, float], ...]
    """Long table: section, item, rows, share (NaN for none)."""


def write_quality_page(report: QualityReport, path: Path) -> None:
    """Write the report as one page: no script, no request, the same bytes for the same report.

    Parameters
    ----------
    report : QualityReport
        What to say.
    path : Path
        Where to write; the caller gives a temporary path and renames it.
    """
    path.write_text(render_quality_page(report), encoding="utf-8", newline="\n")


def render_quality_page(report: QualityReport) -> str:
    """Assemble the page; every text is escaped.

    Parameters
    ----------
    report : QualityReport
        What to say.

    Returns
    -------
    str
        HTML.
    """
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        _header(report),
        "<main>",
        _messages(report),
        _contents(report),
        *(_section(section) for section in report.sections),
        _examples(report),
        "</main>",
        "<footer><p>Prodotto da geo-engine. Gli esempi sono mascherati: nessun codice fiscale né "
        "nome di persona è intero. Documento di lavoro, non da pubblicare.</p></footer>",
    ]
    return _PAGE.format(
        policy=policy,
        title=_text(f"Qualità dei dati – {report.title}"),
        style=style,
        body="\n".join(part for part in parts if part),
    )


def write_quality_items(report: QualityReport, path: Path) -> None:
    """Write the long table of the report.

    Parameters
    ----------
    report : QualityReport
        What to say.
    path : Path
        CSV to write: UTF-8 with a mark that Excel understands; a cell that a spreadsheet would
        take for a formula is preceded by an apostrophe.
    """
    rows = (
        (section, item, rows, "" if math.isnan(share) else f"{share:.6f}")
        for section, item, rows, share in report.items
    )
    _write_csv(path, ITEM_COLUMNS, rows)


def write_quality_examples(report: QualityReport, path: Path) -> None:
    """Write the masked examples, one value a row.

    Parameters
    ----------
    report : QualityReport
        What to say.
    path : Path
        CSV to write, as for :func:`write_quality_items`.
    """
    rows = (
        (each.source, each.row, each.reason, each.column, each.value) for each in report.examples
    )
    _write_csv(path, EXAMPLE_COLUMNS, rows)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table whose texts no spreadsheet runs."""
    with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([_safe(value) for value in row])


def _safe(value: object) -> object:
    """Disarm a text; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    text = _visible(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def _visible(text: str) -> str:
    """Replace control characters and lone surrogates by a blank."""
    kept = [" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text]
    return "".join(kept)


def _text(value: str) -> str:
    """Escape a text for HTML; marks that turn the direction of writing are dropped."""
    plain = "".join(char for char in _visible(value) if unicodedata.category(char) != "Cf")
    return html.escape(plain)


def _header(report: QualityReport) -> str:
    """Write title, warning of simulated data, facts and figures."""
    facts = "".join(
        f"<div><dt>{_text(label)}</dt><dd>{_text(value)}</dd></div>"
        for label, value in report.facts
    )
    total = max(report.figures[0][1], 1) if report.figures else 1
    parts = [
        "" if i == 0 else f' <span class="part">({_percent(rows / total)})</span>'
        for i, (_, rows) in enumerate(report.figures)
    ]
    figures = "".join(
        f'<li><span class="big">{_whole(rows)}</span> {_text(label)}{part}</li>'
        for (label, rows), part in zip(report.figures, parts, strict=True)
    )
    badge = '<p class="badge">DATI SIMULATI</p>' if report.is_simulated else ""
    return (
        f'<header>{badge}<p class="kind">Qualità dei dati</p><h1>{_text(report.title)}</h1>'
        f'<dl class="facts">{facts}</dl><ul class="figures">{figures}</ul></header>'
    )


def _messages(report: QualityReport) -> str:
    """Write what to do first."""
    if not report.messages:
        return '<section id="messages" class="good"><p>Nessun avviso.</p></section>'
    listed = "".join(f"<li>{_text(message)}</li>" for message in report.messages)
    return (
        '<section id="messages" class="warn" aria-labelledby="h-messages">'
        f'<h2 id="h-messages">Avvisi</h2><ul>{listed}</ul></section>'
    )


def _contents(report: QualityReport) -> str:
    """Write links to the sections."""
    links = [(section.key, section.title) for section in report.sections]
    if report.examples:
        links.append(("examples", "Esempi mascherati"))
    listed = "".join(f'<li><a href="#{_text(key)}">{_text(title)}</a></li>' for key, title in links)
    return f'<nav aria-label="Sezioni"><ul>{listed}</ul></nav>'


def _section(section: Section) -> str:
    """Write one table."""
    note = f'<p class="note">{_text(section.note)}</p>' if section.note else ""
    numeric = _numeric_columns(section)
    head = "".join(
        f'<th scope="col"{" class=n" if i in numeric else ""}>{_text(title)}</th>'
        for i, title in enumerate(section.headers)
    )
    body = "".join(
        f"<tr{' class=mark' if number in section.marked else ''}>{_cells(row)}</tr>"
        for number, row in enumerate(section.rows)
    )
    key = _text(section.key)
    return (
        f'<section id="{key}" aria-labelledby="h-{key}"><h2 id="h-{key}">{_text(section.title)}'
        f'</h2>{note}<div class="scroll" role="region" tabindex="0" aria-labelledby="h-{key}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )


def _numeric_columns(section: Section) -> set[int]:
    """Tell the columns of numbers."""
    return {
        i
        for i in range(len(section.headers))
        if any(not isinstance(row[i], str) for row in section.rows)
    }


def _cells(row: Sequence[Cell]) -> str:
    """Write the cells of a row; the first one is its header."""
    first, *rest = row
    return f'<th scope="row">{_shown(first)}</th>' + "".join(
        f"<td{'' if isinstance(cell, str) else ' class=n'}>{_shown(cell)}</td>" for cell in rest
    )


def _shown(cell: Cell) -> str:
    """Write one cell as Italians do."""
    if isinstance(cell, str):
        return _text(cell) or _MISSING
    if isinstance(cell, Share):
        return _bar(cell.value)
    if isinstance(cell, int):
        return _whole(cell)
    return _MISSING if math.isnan(cell) else f"{cell:.2f}".replace(".", ",")


def _bar(share: float) -> str:
    """Draw a share."""
    if math.isnan(share):
        return _MISSING
    width = f"{60 * min(max(share, 0.0), 1.0):.1f}"
    return (
        f"{_percent(share)}&nbsp;"
        '<svg class="bar" width="60" height="8" aria-hidden="true" focusable="false">'
        f'<rect class="all" width="60" height="8"/><rect class="own" width="{width}" height="8"/>'
        "</svg>"
    )


def _examples(report: QualityReport) -> str:
    """Write the examples, one table for each reason."""
    if not report.examples:
        return ""
    by_reason: dict[str, list[MaskedExample]] = {}
    for example in report.examples:
        by_reason.setdefault(example.reason, []).append(example)
    tables = "".join(
        f"<h3>{_text(reason)}</h3>"
        f'<p class="note">{_text(report.meanings.get(reason, ""))}</p>{_example_table(own)}'
        for reason, own in by_reason.items()
    )
    return (
        '<section id="examples" aria-labelledby="h-examples"><h2 id="h-examples">Esempi mascherati'
        '</h2><p class="note">Al più dieci righe per motivo. La riga è il numero del record nel '
        f"file, senza l'intestazione.</p>{tables}</section>"
    )


def _example_table(examples: Sequence[MaskedExample]) -> str:
    """Write the examples of one reason, a record a row."""
    columns = list(dict.fromkeys(each.column for each in examples if each.column))
    records: dict[tuple[str, int], dict[str, str]] = {}
    for each in examples:
        records.setdefault((each.source, each.row), {})[each.column] = each.value
    head = "".join(f'<th scope="col">{_text(title)}</th>' for title in ("File", "Riga", *columns))
    body = "".join(
        f'<tr><th scope="row">{_text(source)}</th><td class="n">{_whole(row)}</td>'
        + "".join(f"<td>{_text(fields.get(column, '')) or _MISSING}</td>" for column in columns)
        + "</tr>"
        for (source, row), fields in records.items()
    )
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="Esempi"><table class="small">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _whole(value: int) -> str:
    """Write a whole number with a point every three digits."""
    return f"{value:,}".replace(",", ".")


def _percent(share: float) -> str:
    """Write a share as a percentage; a small one is never shown as nothing."""
    if 0 < share < 0.001:
        return "&lt;0,1&nbsp;%"
    if 0.999 < share < 1:
        return "&gt;99,9&nbsp;%"
    return f"{100 * share:.1f}".replace(".", ",") + "&nbsp;%"


def _style() -> str:
    """Read the style beside this module."""
    folder = resources.files("geo_engine.outputs.quality_report")
    return folder.joinpath("page.css").read_text("utf-8").replace("\r\n", "\n")
