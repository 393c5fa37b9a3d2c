"""What a reader of extracts gives: batches of text columns, and how the file was understood."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geo_engine.errors import SourceError
from geo_engine.tables import QUARANTINE_COLUMNS

BATCH_ROWS = 200_000
"""Largest number of records in one batch."""

_JSON = json.JSONEncoder(ensure_ascii=False)

QuarantineRow = tuple[str, int, str, str, str]
"""One row of a quarantine table, in the order of ``tables.QUARANTINE_COLUMNS``."""


@dataclass(frozen=True, kw_only=True)
class FirmBatch:
    """Consecutive records of one file: those that can be used, and those set aside."""

    first_row: int
    """Record number of the first record of the batch, from 1."""
    rows: pa.Table
    """Every column of the source as text, under the source's own names."""
    row_numbers: np.ndarray
    """Record number of each row (int64), from 1; header and title rows are not counted."""
    quarantined: pd.DataFrame
    """Records set aside, with ``tables.QUARANTINE_COLUMNS``."""


@dataclass(frozen=True, kw_only=True)
class SourceDialect:
    """How a file was understood: logged in the manifest, and enough to read the file."""

    format: str
    """``csv``, ``parquet``, ``xlsx`` or ``gpkg``."""
    columns: tuple[str, ...]
    """Names of the columns; numbers from "1" where the file has no header."""
    records: int
    """Records in the file; blank lines, title rows and the header are not counted."""
    encoding: str = ""
    separator: str = ""
    quoting: str = ""
    """``"`` or ``none`` for a CSV."""
    header_line: int = 0
    """Line of the header from 1; 0 where there is none."""
    decimal: str = "."
    """Decimal mark of the coordinates."""
    part: str = ""
    """Sheet of a workbook or layer of a GeoPackage."""
    parts: tuple[str, ...] = ()
    """All sheets or layers of the file."""
    blank_lines: int = 0
    """Empty lines between the records, which are not records."""
    data_offset: int = 0
    """CSV: byte at which the records begin."""
    data_line: int = 1
    """Line at which the records begin, from 1."""
    notes: tuple[str, ...] = field(default=())
    """What a reader of the manifest should know, in English."""


def quarantine_table(rows: Iterable[QuarantineRow]) -> pd.DataFrame:
    """Build a quarantine table.

    Parameters
    ----------
    rows : iterable of tuple
        Source, row, reason, detail and record of each.

    Returns
    -------
    DataFrame
        With ``tables.QUARANTINE_COLUMNS``, ``row`` as int64; possibly empty.
    """
    table = pd.DataFrame(list(rows), columns=list(QUARANTINE_COLUMNS), dtype=object)
    return table.astype({"row": "int64"}).astype(
        {name: "str" for name in QUARANTINE_COLUMNS if name != "row"}
    )


def quarantine_rows(
    source: str,
    numbers: np.ndarray,
    why: tuple[np.ndarray, np.ndarray],
    rows: pa.Table,
) -> pd.DataFrame:
    """Build the quarantine of many records of one file.

    Parameters
    ----------
    source : str
        Name of the file.
    numbers : ndarray of int
        Record numbers.
    why : tuple of ndarray
        Reason and detail of each.
    rows : Table
        The records, text columns.

    Returns
    -------
    DataFrame
        As :func:`quarantine_table`.
    """
    if not len(numbers):
        return quarantine_table([])
    reason, detail = (pd.Series(texts, dtype="str") for texts in why)
    return pd.DataFrame(
        {
            "source": pd.Series(source, index=reason.index, dtype="str"),
            "row": numbers.astype(np.int64),
            "reason": reason,
            "detail": detail,
            "record": records_as_json(rows).to_pandas().astype("str"),
        }
    )


def as_json(record: dict[str, str | None]) -> str:
    """Write a record as one JSON object, readable and on one line.

    Parameters
    ----------
    record : dict
        Fields by name.

    Returns
    -------
    str
        JSON text.
    """
    return _JSON.encode(record)


def records_as_json(rows: pa.Table) -> pa.ChunkedArray:
    """Write every record of a table as :func:`as_json` does, all at once.

    Parameters
    ----------
    rows : Table
        Text columns.

    Returns
    -------
    ChunkedArray of large_string
        JSON texts in the order of the rows.
    """
    pieces: list[pa.Array | pa.Scalar] = []
    for number, name in enumerate(rows.column_names):
        pieces.append(f"{', ' if number else '{'}{_JSON.encode(name)}: ")
        pieces.append(_quoted(rows.column(name).cast(pa.large_string())))
    texts = [
        pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in pieces
    ]
    glue = pa.scalar("", pa.large_string())
    return pc.binary_join_element_wise(*texts, pa.scalar("}", pa.large_string()), glue)


def _quoted(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write texts as JSON strings, and missing ones as null."""
    escaped = column
    for letter, written in (("\\", "\\\\"), ('"', '\\"')):
        escaped = pc.replace_substring(escaped, letter, written)
    quote = pa.scalar('"', pa.large_string())
    quoted = pc.binary_join_element_wise(quote, escaped, quote, pa.scalar("", pa.large_string()))
    quoted = pc.fill_null(quoted, "null")
    odd = pc.fill_null(pc.match_substring_regex(column, "[\\x00-\\x1f]"), fill_value=False)
    if not pc.any(odd).as_py():
        return quoted
    encoded = [_JSON.encode(text) for text in column.filter(odd).to_pylist()]
    return pc.replace_with_mask(
        quoted.combine_chunks(), odd.combine_chunks(), pa.array(encoded, pa.large_string())
    )


def unique_names(names: list[str], path: Path) -> tuple[str, ...]:
    """Give a column without a name its number, and refuse two of one name.

    Parameters
    ----------
    names : list of str
        As the header has them.
    path : Path
        The file, for the message.

    Returns
    -------
    tuple of str
        One name a column.

    Raises
    ------
    SourceError
        ``DUPLICATE_COLUMN``.
    """
    full = [name if name.strip() else str(i) for i, name in enumerate(names, start=1)]
    twice = [name for name, count in Counter(full).items() if count > 1]
    if twice:
        raise SourceError(
            "DUPLICATE_COLUMN",
            f"{path.name}: {len(twice)} names stand twice in the header ({', '.join(twice)}). "
            "Rename them, so that it is clear which one is meant.",
        )
    return tuple(full)


def total_rows(table: pa.Table, words: tuple[str, ...]) -> np.ndarray:
    """Find rows of totals: their first filled field begins with one of some words.

    Parameters
    ----------
    table : Table
        Text columns.
    words : tuple of str
        Words such as "Totale"; case and surrounding spaces do not matter.

    Returns
    -------
    ndarray of bool
        True for a row of totals.
    """
    if not words or not table.num_rows or not table.num_columns:
        return np.zeros(table.num_rows, dtype=bool)
    trimmed = [pc.utf8_trim_whitespace(column) for column in table.columns]
    filled = [pc.if_else(pc.equal(column, ""), None, column) for column in trimmed]
    first = pc.utf8_lower(pc.fill_null(pc.coalesce(*filled), ""))
    found = np.zeros(table.num_rows, dtype=bool)
    for word in words:
        found |= _begins_with_word(first, word.strip().lower())
    return found


def _begins_with_word(values: pa.ChunkedArray, word: str) -> np.ndarray:
    """Tell which values are a word, or begin with it followed by no letter or digit."""
    size = len(word)
    same = pc.starts_with(values, word)
    after = pc.utf8_slice_codeunits(values, size, size + 1)
    ends = pc.invert(pc.utf8_is_alnum(after))
    return np.asarray(pc.and_(same, ends).to_numpy(zero_copy_only=False), dtype=bool)


def set_totals_aside(batch: FirmBatch, words: tuple[str, ...], source: str) -> FirmBatch:
    """Move rows of totals from a batch to its quarantine.

    Parameters
    ----------
    batch : FirmBatch
        As read.
    words : tuple of str
        Words that mark a row of totals; none means no change.
    source : str
        Name of the file.

    Returns
    -------
    FirmBatch
        The same records, those of totals quarantined with reason ``TOTAL_ROW``.
    """
    found = total_rows(batch.rows, words)
    if not found.any():
        return batch
    detail = "A row of totals, not a firm; it is left out."
    totals = [
        (source, int(number), "TOTAL_ROW", detail, as_json(record))
        for number, record in zip(
            batch.row_numbers[found], batch.rows.filter(pa.array(found)).to_pylist(), strict=True
        )
    ]
    quarantined = pd.concat([batch.quarantined, quarantine_table(totals)], ignore_index=True)
    return FirmBatch(
        first_row=batch.first_row,
        rows=batch.rows.filter(pa.array(~found)),
        row_numbers=batch.row_numbers[~found],
        quarantined=quarantined.sort_values("row", kind="stable", ignore_index=True),
    )
