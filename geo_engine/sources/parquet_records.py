"""Reads Parquet as text columns, row group by row group, with its checksums verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from geo_engine.errors import SourceError
from geo_engine.sources.batches import (
    BATCH_ROWS,
    FirmBatch,
    SourceDialect,
    quarantine_table,
    unique_names,
)

_LONG, _SHORT = 1e9, 1e-4
"""Between them Arrow writes a number as Python does; beyond, it writes 1e-7 for 1e-07."""
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises on a damaged file; a name may be no text."""
_NO_CHECKSUMS = (
    "the pages of this Parquet file carry no checksums, so damage may pass unseen: state its sha256"
)


def parquet_dialect(path: Path) -> SourceDialect:
    """Understand a Parquet file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    SourceDialect
        Columns and number of records, from the file's own metadata.

    Raises
    ------
    SourceError
        ``PARQUET_CORRUPT``, ``DUPLICATE_COLUMN`` or ``NO_ROWS``.
    """
    with _open(path) as file:
        try:
            names = unique_names(list(file.schema_arrow.names), path)
            records = file.metadata.num_rows
        except _DAMAGE as error:
            raise _corrupt(path, error) from error
        has_checksums = _has_checksums(path)
    if not records:
        raise SourceError("NO_ROWS", f"{path.name} has no record. Export it again.")
    notes = () if has_checksums else (_NO_CHECKSUMS,)
    return SourceDialect(format="parquet", columns=names, records=records, notes=notes)


def read_parquet_batches(path: Path, dialect: SourceDialect) -> Iterator[FirmBatch]:
    """Read a Parquet file as text, in batches.

    Parameters
    ----------
    path : Path
        The file.
    dialect : SourceDialect
        Of :func:`parquet_dialect`.

    Yields
    ------
    FirmBatch
        At most ``BATCH_ROWS`` records each; a missing value stays missing.

    Raises
    ------
    SourceError
        ``PARQUET_CORRUPT`` or ``RECORDS_LOST``.
    """
    row = 0
    with _open(path) as file:
        batches = file.iter_batches(batch_size=BATCH_ROWS)
        while (batch := _next(batches, path)) is not None:
            rows = text_table(pa.Table.from_batches([batch])).rename_columns(list(dialect.columns))
            yield FirmBatch(
                first_row=row + 1,
                rows=rows,
                row_numbers=np.arange(row + 1, row + 1 + rows.num_rows, dtype=np.int64),
                quarantined=quarantine_table([]),
            )
            row += rows.num_rows
    if row != dialect.records:
        raise SourceError(
            "RECORDS_LOST",
            f"{path.name}: {row:,} of {dialect.records:,} records came out. Export it again.",
        )


def text_table(table: pa.Table) -> pa.Table:
    """Write every column of a table as text, exactly.

    Parameters
    ----------
    table : Table
        Columns of any type.

    Returns
    -------
    Table
        Text columns; integers without a fraction, floats as their shortest text, dates in ISO
        order, booleans as ``true`` and ``false``; a missing value stays missing.
    """
    columns = [
        pa.chunked_array([_as_text(c) for c in column.chunks], pa.string())
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _open(path: Path) -> pq.ParquetFile:
    """Open a Parquet file; its page checksums are verified where it has them."""
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except _DAMAGE as error:
        raise _corrupt(path, error) from error


def _has_checksums(path: Path) -> bool:
    """Tell whether the first page of a file, which follows its signature, carries a checksum.

    Its header, in Thrift's compact form, begins with three numbers (kind and two sizes); a fourth
    number directly after them is the checksum. The file is read by its bytes because asking
    pyarrow for a damaged column's place may end the process.
    """
    with path.open("rb") as file:
        head = file.read(64)
    place = 4
    for _ in range(3):
        place += 1  # the number's own header
        while place < len(head) and head[place] & 0x80:
            place += 1
        place += 1
    return head[place : place + 1] == b"\x15"


def _next(batches: Iterator[pa.RecordBatch], path: Path) -> pa.RecordBatch | None:
    """Give the next batch; None at the end."""
    try:
        batch = next(batches, None)
        if batch is not None:
            batch.validate(full=True)  # damaged bytes may be no UTF-8
        return batch
    except _DAMAGE as error:
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: Exception) -> SourceError:
    """Say that a Parquet file is damaged."""
    return SourceError(
        "PARQUET_CORRUPT", f"{path.name} cannot be read ({error}). Copy or export it again."
    )


def _as_text(values: pa.Array) -> pa.Array:
    """Write one column as text."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _as_text(values.dictionary_decode())
    if pa.types.is_floating(kind):
        return float_text(values)
    if pa.types.is_nested(kind):
        texts = [
            None if value is None else json.dumps(value, ensure_ascii=False, default=str)
            for value in values.to_pylist()
        ]
        return pa.array(texts, pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        texts = [None if value is None else value.hex() for value in values.to_pylist()]
        return pa.array(texts, pa.string())
    return pc.cast(values, pa.string())


def float_text(values: pa.Array) -> pa.Array:
    """Write floats as the shortest text that reads back equal, as Python does.

    Parameters
    ----------
    values : Array
        Floats of any size; a missing value stays missing.

    Returns
    -------
    Array
        "9.19", "63049.0", "1e-07".
    """
    if not pa.types.is_float64(values.type):
        return _python_text(values)
    size = pc.abs(values)
    common = pc.and_(
        pc.less(size, _LONG), pc.or_(pc.greater_equal(size, _SHORT), pc.equal(size, 0))
    )
    short = pc.cast(values, pa.string())
    whole = pc.equal(pc.floor(values), values)
    text = pc.if_else(whole, pc.binary_join_element_wise(short, ".0", ""), short)
    odd = pc.fill_null(pc.invert(common), False)
    if not pc.any(odd).as_py():
        return text
    return pc.replace_with_mask(text, odd, _python_text(values.filter(odd)))


def _python_text(values: pa.Array) -> pa.Array:
    """Write floats one by one."""
    texts = [
        None if value is None else str(value) for value in values.to_numpy(zero_copy_only=False)
    ]
    missing = values.is_null().to_numpy(zero_copy_only=False)
    return pa.array(texts, pa.string(), mask=missing)
