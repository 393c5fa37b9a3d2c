"""What a report holds, before anybody knows how it is written: sections, tables, figures, words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A paragraph of text."""

    text: str
    role: str = "text"
    """``text``, ``lead``, ``note`` or ``head`` (a title within a section)."""


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class KeyFigure:
    """One figure that a reader takes home."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class KeyFigures:
    """The figures at the top."""

    figures: tuple[KeyFigure, ...]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table."""

    label: str
    numeric: bool = True
    width: float = 1.0
    """Relative to the other columns."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a table."""

    text: str
    small: str = ""
    """A second line: interval and number of firms."""
    tone: str = ""
    """``high``, ``low`` or ``muted``; the text says the same."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with a caption; ``data`` holds the same figures, and those left out, as numbers."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    data: pd.DataFrame
    note: str = ""
    strong_rows: frozenset[int] = frozenset()
    """Rows of totals and terms of comparison."""
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A map or a chart as bytes."""

    key: str
    caption: str
    source: str
    alt: str
    """What a reader who cannot see it should know."""
    png: bytes
    svg: bytes
    width_cm: float
    height_cm: float
    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Card:
    """An area of high digitalization in plain words."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """A glossary."""

    terms: tuple[tuple[str, str], ...]


Block = Paragraph | Bullets | KeyFigures | Table | Figure | Card | Terms


@dataclass(frozen=True, kw_only=True)
class Section:
    """A chapter."""

    key: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole sheet or report."""

    slug: str
    """Name of its folder."""
    language: str
    title: str
    subtitle: str
    notices: tuple[str, ...]
    """Stand at the top: simulated data, what a public version hides."""
    stamp: str
    """Stands on each page: date and version of the data."""
    date: str
    """ISO date of the data; the report has no other."""
    page: str
    """``Pagina {page} di {pages}``."""
    simulated: str
    """The words that stand on each page of simulated data, "" otherwise."""
    sections: tuple[Section, ...] = field(default=())

    def blocks(self) -> Iterator[Block]:
        """Give the blocks of all sections in order."""
        for section in self.sections:
            yield from section.blocks


def numbered(report: Report) -> Report:
    """Give numbers to figures, tables and sections in the order in which they stand.

    Parameters
    ----------
    report : Report
        Without numbers.

    Returns
    -------
    Report
        The same with numbers from 1.
    """
    counts = {Table: 0, Figure: 0}
    sections = []
    for order, section in enumerate(report.sections, 1):
        blocks: list[Block] = []
        for block in section.blocks:
            if isinstance(block, (Table, Figure)):
                counts[type(block)] += 1
                block = dataclasses.replace(block, number=counts[type(block)])
            blocks.append(block)
        title = f"{order}. {section.title}"
        sections.append(dataclasses.replace(section, title=title, blocks=tuple(blocks)))
    return dataclasses.replace(report, sections=tuple(sections))
