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
from geo_engine.sources.batches import BATCH_ROWS, FirmBatch, SourceDialect, quarantine_table


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
        ``PARQUET_CORRUPT`` or ``NO_ROWS``.
    """
    with _open(path) as file:
        names = tuple(file.schema_arrow.names)
        records = file.metadata.num_rows
    if not records:
        raise SourceError("NO_ROWS", f"{path.name} has no record. Export it again.")
    return SourceDialect(format="parquet", columns=names, records=records)


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
            rows = text_table(pa.Table.from_batches([batch]))
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
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, error) from error


def _next(batches: Iterator[pa.RecordBatch], path: Path) -> pa.RecordBatch | None:
    """Give the next batch; None at the end."""
    try:
        batch = next(batches, None)
        if batch is not None:
            batch.validate(full=True)  # damaged bytes may be no UTF-8
        return batch
    except (pa.ArrowException, OSError) as error:
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
        return _float_text(values)
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


def _float_text(values: pa.Array) -> pa.Array:
    """Write floats as the shortest text that reads back equal."""
    shortest = [
        None if value is None else str(value) for value in values.to_numpy(zero_copy_only=False)
    ]
    missing = values.is_null().to_numpy(zero_copy_only=False)
    return pa.array(shortest, pa.string(), mask=missing)
