"""Reads the records of a CSV as text columns, and accounts for every line of the file."""

from __future__ import annotations

from collections.abc import Iterator
from json.encoder import encode_basestring
from pathlib import Path

import numpy as np
import pyarrow as pa
from numba import njit
from pyarrow import csv as arrow_csv

from geo_engine.errors import SourceError
from geo_engine.sources import csv_scan
from geo_engine.sources.batches import (
    BATCH_ROWS,
    FirmBatch,
    QuarantineRow,
    SourceDialect,
    quarantine_table,
)
from geo_engine.sources.csv_blocks import (
    BLOCK_BYTES,
    Block,
    CsvShape,
    LineCount,
    ahead,
    count_line_ends,
    record_blocks,
)
from geo_engine.sources.csv_census import count_characters

_BOM = np.frombuffer(b"\xef\xbb\xbf", dtype=np.uint8)
_PARSE_BYTES = 1 << 22


def csv_shape(dialect: SourceDialect, *, suspect: bool) -> CsvShape:
    """Say how to find the records of a CSV that was understood.

    Parameters
    ----------
    dialect : SourceDialect
        Of :func:`geo_engine.sources.csv_dialect.csv_dialect`.
    suspect : bool
        Whether quotes may be stray ones.

    Returns
    -------
    CsvShape
        For :func:`geo_engine.sources.csv_blocks.record_blocks`.
    """
    return CsvShape(
        separator=dialect.separator,
        quoting=dialect.quoting == '"',
        width=len(dialect.columns),
        suspect=suspect,
        offset=dialect.data_offset,
        line=dialect.data_line,
    )


def read_csv_batches(
    path: Path, dialect: SourceDialect, *, suspect: bool, block_bytes: int = BLOCK_BYTES
) -> Iterator[FirmBatch]:
    """Read a CSV as text, in batches.

    Parameters
    ----------
    path : Path
        The file.
    dialect : SourceDialect
        How it is written.
    suspect : bool
        Whether quotes may be stray ones (``quote = "auto"``).
    block_bytes : int
        Bytes to read at once.

    Yields
    ------
    FirmBatch
        At most ``BATCH_ROWS`` records each.

    Raises
    ------
    SourceError
        ``RECORDS_LOST`` when rows, quarantined records and blank lines do not add up to the lines
        of the file, counted apart.
    """
    shape = csv_shape(dialect, suspect=suspect)
    counted = LineCount()
    accounted = row = 0
    for block in ahead(record_blocks(path, shape, count=counted, block_bytes=block_bytes)):
        for part in _parts(block):
            batch, lines = _read_part(part, path.name, dialect, row)
            accounted += lines
            row += batch.rows.num_rows + len(batch.quarantined)
            yield batch
    if accounted != counted.lines or row != dialect.records:
        raise SourceError(
            "RECORDS_LOST",
            f"{path.name}: {accounted:,} of {counted.lines:,} lines and {row:,} of "
            f"{dialect.records:,} records were accounted for. The file changed while it was read, "
            "or the reader failed: run again, and report it if it happens twice.",
        )


def bad_records(block: Block, width: int) -> np.ndarray:
    """Tell which records of a block cannot be used as they are.

    Parameters
    ----------
    block : Block
        Records with their flags.
    width : int
        Fields of a whole record.

    Returns
    -------
    ndarray of bool
        True for a record with another number of fields, cut by a quote, or with a NUL; blank
        lines are not bad.
    """
    records = block.records
    unusable = csv_scan.CUT | csv_scan.UNCLOSED | csv_scan.HAS_NUL
    bad = (records.fields != width) | ((records.flags & unusable) != 0)
    return np.asarray(bad & (records.fields > 0))


def _parts(block: Block) -> Iterator[Block]:
    """Cut a block into parts of at most ``BATCH_ROWS`` records."""
    for first in range(0, len(block.lines), BATCH_ROWS):
        part = slice(first, first + BATCH_ROWS)
        records = block.records
        yield Block(
            data=block.data,
            records=csv_scan.Records(
                starts=records.starts[part],
                ends=records.ends[part],
                nexts=records.nexts[part],
                fields=records.fields[part],
                lines=records.lines[part],
                flags=records.flags[part],
            ),
            lines=block.lines[part],
        )


def _read_part(
    block: Block, source: str, dialect: SourceDialect, before: int
) -> tuple[FirmBatch, int]:
    """Parse the whole records of a block; give also the lines that are accounted for."""
    records = block.records
    width = len(dialect.columns)
    bad = bad_records(block, width)
    undecodable = _undecodable(block, dialect.encoding) & (records.fields > 0)
    good = (records.fields > 0) & ~bad & ~undecodable
    numbers = before + np.cumsum(records.fields > 0)
    table = _parse(block, good, dialect)
    set_aside: list[QuarantineRow] = []
    for i in np.flatnonzero(bad | undecodable):
        reason, detail = _reason(block, int(i), width)
        set_aside.append((source, int(numbers[i]), reason, detail, _text(block, int(i), dialect)))
    if table.num_rows != good.sum():
        raise SourceError(
            "RECORDS_LOST",
            f"{source}: the parser gave {table.num_rows:,} of {int(good.sum()):,} records after "
            f"line {block.lines[0]:,}. Report it with the file: nothing of it was used.",
        )
    several = bool((records.lines[good] > 1).any())
    inside = _line_ends_inside(table) if several else 0  # the parser splits at each line end
    lines = table.num_rows + inside + int(records.lines[~good].sum())
    batch = FirmBatch(
        first_row=before + 1,
        rows=table,
        row_numbers=numbers[good].astype(np.int64),
        quarantined=quarantine_table(set_aside),
    )
    return batch, lines


def _parse(block: Block, good: np.ndarray, dialect: SourceDialect) -> pa.Table:
    """Parse the good records of a block, every column as text."""
    columns = list(dialect.columns)
    if not good.any():
        return pa.table({name: pa.array([], pa.string()) for name in columns})
    data = _joined(block, good)
    if dialect.encoding == "cp1252":
        data = _as_utf8(data, _CP1252)
    if (data[:3] == _BOM[: len(data)]).all():
        # The parser would strip it: here it is text of the first field.
        data = np.concatenate([_BOM, data])
    several = bool((block.records.lines[good] > 1).any())
    return arrow_csv.read_csv(
        pa.BufferReader(pa.py_buffer(data)),
        read_options=arrow_csv.ReadOptions(column_names=columns, block_size=_PARSE_BYTES),
        parse_options=arrow_csv.ParseOptions(
            delimiter=dialect.separator,
            quote_char='"' if dialect.quoting == '"' else False,
            newlines_in_values=several,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            strings_can_be_null=False,
            check_utf8=False,  # checked already, record by record where it must be
        ),
    )


def _joined(block: Block, good: np.ndarray) -> np.ndarray:
    """Join the bytes of the good records."""
    starts, nexts = block.records.starts, block.records.nexts
    if good.all():
        return block.data[starts[0] : nexts[-1]]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]])))
    runs = zip(starts[edges[::2]].tolist(), nexts[edges[1::2] - 1].tolist(), strict=True)
    data = block.data.data
    return np.frombuffer(b"".join(data[start:end] for start, end in runs), dtype=np.uint8)


def _undecodable(block: Block, encoding: str) -> np.ndarray:
    """Tell which records hold bytes that are no text in the file's encoding."""
    records = block.records
    found = np.zeros(len(records.starts), dtype=bool)
    if _decodes(block.data, encoding):
        return found
    for i, (start, end) in enumerate(zip(records.starts, records.ends, strict=True)):
        found[i] = not _decodes(block.data[start:end], encoding)
    return found


def _decodes(data: np.ndarray, encoding: str) -> bool:
    """Tell whether bytes are text in an encoding."""
    if encoding == "cp1252":
        return not _holds_any(data, _UNDEFINED)
    return bool(count_characters(data, final=True)[0][1] == 0)


@njit(cache=True, nogil=True)
def _holds_any(data: np.ndarray, wanted: np.ndarray) -> bool:
    """Tell whether any byte is a wanted one: ``wanted`` has 0 or 1 for each of 256."""
    held = 0
    for i in range(data.size):
        held |= wanted[data[i]]
    return held > 0


@njit(cache=True, nogil=True)
def _as_utf8(data: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Write bytes of one code page as UTF-8: ``table`` has size and bytes for each of 256."""
    text = np.empty(data.size * 3, dtype=np.uint8)
    filled = 0
    for i in range(data.size):
        letter = table[data[i]]
        text[filled] = letter[1]
        if letter[0] > 1:
            text[filled + 1], text[filled + 2] = letter[2], letter[3]
        filled += letter[0]
    return text[:filled]


def _code_page() -> tuple[np.ndarray, np.ndarray]:
    """Give the table of cp1252 for :func:`_as_utf8`, and which bytes have no character in it."""
    table = np.zeros((256, 4), dtype=np.uint8)
    undefined = np.zeros(256, dtype=np.uint8)
    for byte in range(256):
        letter = bytes([byte]).decode("cp1252", errors="ignore").encode()
        table[byte, : len(letter) + 1] = [len(letter), *letter]
        undefined[byte] = not letter
    return table, undefined


_CP1252, _UNDEFINED = _code_page()


def _reason(block: Block, i: int, width: int) -> tuple[str, str]:
    """Say why a record is set aside, and what to do about it."""
    records = block.records
    line, flags, fields = int(block.lines[i]), int(records.flags[i]), int(records.fields[i])
    if flags & csv_scan.HAS_NUL:
        return "CONTROL_CHAR", f"Line {line} holds a NUL byte: export the record again."
    if flags & (csv_scan.CUT | csv_scan.UNCLOSED):
        return "RAGGED_ROW", f"Line {line} has an unbalanced quote: double it or remove it."
    if fields != width:
        detail = f"Line {line} has {fields} fields instead of {width}: quote fields that hold "
        return "RAGGED_ROW", detail + "the separator, or add the missing ones."
    return "ENCODING", f"Line {line} holds bytes that are no text in the file's encoding."


def _text(block: Block, i: int, dialect: SourceDialect) -> str:
    """Give a record that was not parsed as JSON: its line, unchanged but for damaged bytes."""
    data = block.data[block.records.starts[i] : block.records.ends[i]].tobytes()
    return f'{{"text": {encode_basestring(data.decode(dialect.encoding, errors="replace"))}}}'


def _line_ends_inside(table: pa.Table) -> int:
    """Count the line ends inside the values of a table."""
    return sum(_column_line_ends(chunk) for column in table.columns for chunk in column.chunks)


def _column_line_ends(values: pa.Array) -> int:
    """Count the line ends inside the values of one column."""
    data = values.buffers()[2]
    if data is None or not values:
        return 0
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int32)
    first, last = offsets[values.offset], offsets[values.offset + len(values)]
    joined = data[int(first) : int(last)].to_pybytes()
    if b"\r" not in joined:
        return joined.count(b"\n")
    # Value by value: the CR that ends one and the LF that begins the next are two line ends.
    return sum(count_line_ends(value.encode()) for value in values.to_pylist())
