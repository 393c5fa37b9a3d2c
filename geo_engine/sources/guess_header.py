"""Which line of an extract names its columns: titles may stand above it, or there is none."""

from __future__ import annotations

import csv
import io
from itertools import islice
from pathlib import Path

from geo_engine.sources.batches import SourceDialect
from geo_engine.sources.csv_dialect import HEAD_BYTES
from geo_engine.sources.guess_columns import as_number, role_by_name

_LINES = 200
_FIRST = 30
"""Lines among which a header is looked for."""
_FILLED = 0.6
"""Share of the usual width that a header fills."""

Grid = list[tuple[int, list[str]]]
"""Line number from 1 and cells of each filled line."""


def csv_grid(path: Path, dialect: SourceDialect) -> Grid:
    """Read the first lines of a CSV, title lines included.

    Parameters
    ----------
    path : Path
        The file.
    dialect : SourceDialect
        Understood as a file without header.

    Returns
    -------
    list of tuple
        Line number and cells of each filled line.
    """
    with path.open("rb") as file:
        text = file.read(HEAD_BYTES).decode(dialect.encoding, errors="replace")
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    if dialect.quoting == "none":
        reader = csv.reader(lines, delimiter=dialect.separator, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=dialect.separator)
    grid: Grid = []
    before = 0
    for cells in islice(reader, _LINES):
        if any(cells):
            grid.append((before + 1, cells))
        before = reader.line_num
    return grid


def workbook_grids(path: Path) -> dict[str, Grid]:
    """Read the first rows of every sheet of a workbook.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict of str to list of tuple
        Row number and cells of each filled row, by sheet.
    """
    from geo_engine.sources.workbook_records import sheet_texts

    grids = {}
    for sheet, rows in sheet_texts(path):
        numbered = enumerate(islice(rows, _LINES), start=1)
        grids[sheet] = [(line, cells) for line, cells in numbered if any(cells)]
    return grids


def find_header(grid: Grid) -> bool | int:
    """Find the line that names the columns.

    Parameters
    ----------
    grid : list of tuple
        Of :func:`csv_grid` or :func:`workbook_grids`.

    Returns
    -------
    bool or int
        True for the first filled line, its number for a later one, False where there is none.
    """
    width = _usual_width(grid)
    for line, cells in grid[:_FIRST]:
        if _names_columns(cells, width):
            return True if line == grid[0][0] else line
    return False


def header_score(grid: Grid) -> tuple[int, int]:
    """Say how much a sheet looks like a table of firms.

    Parameters
    ----------
    grid : list of tuple
        Of :func:`workbook_grids`.

    Returns
    -------
    tuple of int
        Known names in its header, then its lines.
    """
    header = find_header(grid)
    if header is False:
        return 0, len(grid)
    line = grid[0][0] if header is True else header
    cells = next(cells for number, cells in grid if number == line)
    return sum(map(role_by_name, cells)), len(grid)


def _usual_width(grid: Grid) -> int:
    """Give the number of cells that most lines fill up to."""
    widths = [
        max((i for i, text in enumerate(cells, start=1) if text.strip()), default=0)
        for _, cells in grid
    ]
    return max(set(widths), key=lambda width: (widths.count(width), width), default=0)


def _names_columns(cells: list[str], width: int) -> bool:
    """Tell whether a line names columns: filled, distinct, no number, one known name at least."""
    filled = [text.strip() for text in cells if text.strip()]
    return (
        len(filled) >= max(_FILLED * width, 1)
        and len(set(filled)) == len(filled)
        and not any(as_number(text) is not None for text in filled)
        and any(map(role_by_name, filled))
    )
