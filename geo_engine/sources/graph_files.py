"""Reads lists of neighbors from files: GAL and GWT of GeoDa, Parquet, and CSV of links.

Whatever the file, the result is one table with the columns ``focal``, ``neighbor`` and ``weight``,
codes as text. Which places they are is for :func:`geo_engine.graph.graph_of_table` to say.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geo_engine.errors import SourceError

MOST_BYTES = 2_000_000_000
"""Larger files are refused before they are read."""
MOST_LINKS = 20_000_000
"""More links than this are refused while the file is read."""
COLUMNS = ("focal", "neighbor", "weight")
SUFFIXES = (".gal", ".gwt", ".parquet", ".csv")
SEPARATORS = (";", ",", "\t", "|")


def read_graph_file(path: Path, *, columns: tuple[str, str, str] = COLUMNS) -> pd.DataFrame:
    """Read links between places from a file.

    Parameters
    ----------
    path : Path
        ``.gal`` (binary), ``.gwt``, ``.parquet`` or ``.csv`` (separator ``;``, ``,``, tab or
        ``|``; UTF-8).
    columns : tuple of str
        Names of the columns in Parquet and CSV: from, to, and weight or cost.

    Returns
    -------
    DataFrame
        ``focal``, ``neighbor`` (text, as written) and ``weight``; places that a GAL file lists
        without neighbors have no row.

    Raises
    ------
    SourceError
        ``GRAPH_MISSING``, ``GRAPH_SUFFIX``, ``GRAPH_TOO_LARGE``, ``GRAPH_ENCODING``,
        ``GRAPH_SYNTAX`` with the line, ``GRAPH_COLUMNS``, ``GRAPH_WEIGHT``, ``GRAPH_TRUNCATED``,
        ``GRAPH_EMPTY`` or ``PARQUET_CORRUPT``.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SourceError(
            "GRAPH_SUFFIX", f"{path.name} is no list of neighbors: give {', '.join(SUFFIXES)}."
        )
    if not path.is_file():
        raise SourceError("GRAPH_MISSING", f"{path} does not exist or is no file.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise SourceError(
            "GRAPH_TOO_LARGE",
            f"{path.name} has {size:,} bytes (limit {MOST_BYTES:,}). Keep the nearest links only.",
        )
    if suffix == ".parquet":
        links = _read_parquet(path, columns)
    else:
        rows = {".gal": _gal_rows, ".gwt": _gwt_rows}.get(suffix)
        links = _collected(path, rows(path) if rows else _csv_rows(path, columns))
    if not len(links):
        raise SourceError("GRAPH_EMPTY", f"{path.name} holds no link between two places.")
    return links


def _collected(path: Path, rows: Iterator[tuple[str, str, float]]) -> pd.DataFrame:
    """Put rows into a table, and stop where there are too many."""
    focal: list[str] = []
    neighbor: list[str] = []
    weight: list[float] = []
    for a, b, value in rows:
        if len(focal) == MOST_LINKS:
            raise _too_many(path)
        focal.append(a)
        neighbor.append(b)
        weight.append(value)
    # Typed also when empty, so that what follows never meets a column of objects.
    return pd.DataFrame(
        {
            "focal": pd.Series(focal, dtype="str"),
            "neighbor": pd.Series(neighbor, dtype="str"),
            "weight": pd.Series(weight, dtype="float64"),
        }
    )


def _too_many(path: Path) -> SourceError:
    """Say that a file has more links than can be used."""
    return SourceError(
        "GRAPH_TOO_LARGE",
        f"{path.name} has more than {MOST_LINKS:,} links. Keep the nearest ones of each place.",
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Go through the lines that are not empty, with their numbers."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if "\0" in line:
                    raise _syntax(path, number, "it holds a zero byte")
                if line.strip():
                    yield number, line
    except UnicodeDecodeError as error:
        raise SourceError(
            "GRAPH_ENCODING", f"{path.name} is not UTF-8 ({error.reason}). Save it as UTF-8 text."
        ) from None


def _syntax(path: Path, number: int, what: str) -> SourceError:
    """Say what is wrong with a line."""
    return SourceError("GRAPH_SYNTAX", f"{path.name}, line {number}: {what}. Export it again.")


def _number(path: Path, number: int, text: str, decimal: str = ".") -> float:
    """Read a weight: finite, and not below zero."""
    try:
        value = float(text.replace(decimal, ".")) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise SourceError(
            "GRAPH_WEIGHT",
            f"{path.name}, line {number}: {text.strip()[:40]!r} is no weight. Give a number from 0 "
            "up.",
        )
    return value


def _declared(path: Path, lines: Iterator[tuple[int, str]]) -> int:
    """Read the header of GAL and GWT: ``n``, or ``0 n layer key``."""
    number, line = next(lines, (1, ""))
    fields = line.split()
    text = fields[1] if len(fields) > 1 else (fields[0] if fields else "")
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise _syntax(path, number, "the header should be the number of places, or 0, number, name")
    return int(text)


def _gal_rows(path: Path) -> Iterator[tuple[str, str, float]]:
    """Read pairs of lines: a place with the number of its neighbors, and the neighbors."""
    lines = _lines(path)
    places = _declared(path, lines)
    seen: set[str] = set()
    for number, line in lines:
        fields = line.split()
        if len(fields) != 2 or not (fields[1].isascii() and fields[1].isdigit()):
            raise _syntax(path, number, "a place and the number of its neighbors are expected")
        focal, wanted = fields[0], int(fields[1])
        if focal in seen:
            raise _syntax(path, number, f"{focal[:40]} stands twice")
        seen.add(focal)
        neighbors = next(lines, (number, ""))[1].split() if wanted else []
        if len(neighbors) != wanted:
            raise _syntax(
                path, number, f"{wanted} neighbors are announced, {len(neighbors)} follow"
            )
        for neighbor in neighbors:
            yield focal, neighbor, 1.0
    if len(seen) != places:
        raise SourceError(
            "GRAPH_TRUNCATED",
            f"{path.name} announces {places:,} places and lists {len(seen):,}. Export it again.",
        )


def _gwt_rows(path: Path) -> Iterator[tuple[str, str, float]]:
    """Read lines of place, neighbor, weight."""
    lines = _lines(path)
    places = _declared(path, lines)
    seen: set[str] = set()
    for number, line in lines:
        fields = line.split()
        if len(fields) != 3:
            raise _syntax(
                path, number, f"place, neighbor and weight expected, not {len(fields)} fields"
            )
        seen.update(fields[:2])
        yield fields[0], fields[1], _number(path, number, fields[2])
    if len(seen) > places:
        raise SourceError(
            "GRAPH_SYNTAX",
            f"{path.name} announces {places:,} places and names {len(seen):,}. Export it again.",
        )


def _csv_rows(path: Path, columns: tuple[str, str, str]) -> Iterator[tuple[str, str, float]]:
    """Read the rows of a CSV with a header."""
    lines = _lines(path)
    number, header = next(lines, (1, ""))
    separator = max(SEPARATORS, key=header.count)
    names = [name.strip().strip('"') for name in header.rstrip("\r\n").split(separator)]
    at = _columns_at(path, names, columns)
    decimal = "," if separator == ";" else "."
    for number, line in lines:
        try:
            fields = next(csv.reader([line], delimiter=separator, strict=True))
        except (csv.Error, StopIteration):
            raise _syntax(path, number, "it is no row of a CSV") from None
        if len(fields) != len(names):
            raise _syntax(path, number, f"{len(names)} fields expected, {len(fields)} found")
        focal, neighbor = fields[at[0]].strip(), fields[at[1]].strip()
        if not focal or not neighbor:
            raise _syntax(path, number, "a code is empty")
        yield focal, neighbor, _number(path, number, fields[at[2]], decimal)


def _columns_at(path: Path, names: list[str], wanted: tuple[str, str, str]) -> list[int]:
    """Find the three columns."""
    absent = [name for name in wanted if names.count(name) != 1]
    if absent:
        raise SourceError(
            "GRAPH_COLUMNS",
            f"{path.name} has not exactly one column {', '.join(absent)}; it has "
            f"{', '.join(names)[:200]}. Name the columns of place, neighbor and weight.",
        )
    return [names.index(name) for name in wanted]


def _read_parquet(path: Path, columns: tuple[str, str, str]) -> pd.DataFrame:
    """Read three columns of a Parquet file, checksums verified."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _columns_at(path, list(file.schema_arrow.names), columns)
            if file.metadata.num_rows > MOST_LINKS:
                raise _too_many(path)
            table = file.read(columns=list(columns))
        codes = [table[name].cast(pa.string()) for name in columns[:2]]
        weight = table[columns[2]].cast(pa.float64())
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            "PARQUET_CORRUPT", f"{path.name} cannot be read: {str(error)[:200]}. Write it again."
        ) from None
    lost = sum(column.null_count for column in codes)
    if lost:
        raise SourceError("GRAPH_SYNTAX", f"{path.name}: {lost:,} codes are missing.")
    finite = pc.is_finite(weight.fill_null(math.nan))
    wrong = len(weight) - (pc.sum(pc.and_(finite, pc.greater_equal(weight, 0))).as_py() or 0)
    if wrong:
        raise SourceError(
            "GRAPH_WEIGHT", f"{path.name}: {wrong:,} weights are missing, infinite or below zero."
        )
    values = {"focal": codes[0], "neighbor": codes[1], "weight": weight}
    return pd.DataFrame({name: column.to_pandas() for name, column in values.items()}).astype(
        {"focal": "str", "neighbor": "str"}
    )
