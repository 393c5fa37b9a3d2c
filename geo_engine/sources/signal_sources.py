"""Reads another table about firms: its wanted columns as text, every record accounted for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from geo_engine.errors import SourceError
from geo_engine.sources.firms import check_mapping, detect, open_source, read_batches
from geo_engine.study import FirmSource


@dataclass(frozen=True, kw_only=True)
class SignalBatch:
    """Consecutive records of a file, of its wanted columns alone."""

    file: str
    """Its name."""
    columns: Mapping[str, pa.ChunkedArray]
    """By role, as text, missing where the file has none."""
    rows: int
    damaged: int
    """Records that could not be read, which are in no column."""


@dataclass(frozen=True, kw_only=True)
class SignalAccount:
    """What was read of one file."""

    file: str
    read: int
    damaged: int
    """Records that could not be read; with the read ones they are all records of the file."""


def read_signal_batches(
    source: FirmSource, root: Path, columns: Mapping[str, str | int]
) -> Iterator[SignalBatch]:
    """Read the files of a table in batches; memory does not grow with their size.

    Parameters
    ----------
    source : FirmSource
        Where the table is and how it is written; its ``columns`` are not looked at.
    root : Path
        Folder under which its path lies.
    columns : mapping of str to str or int
        Wanted column by role, such as "tax_code" or the key of a signal.

    Yields
    ------
    SignalBatch
        In the order of the files and of their records.

    Raises
    ------
    SourceError
        ``MISSING_COLUMN``; ``RECORDS_LOST`` when the independent count differs; whatever the
        readers raise.
    """
    for path in open_source(source, root):
        dialect = detect(source, path)
        names = check_mapping(dialect.columns, dict(columns))
        read = damaged = 0
        for batch in read_batches(source, path, dialect=dialect):
            read += batch.rows.num_rows
            damaged += len(batch.quarantined)
            yield SignalBatch(
                file=path.name,
                columns={role: batch.rows.column(name) for role, name in names.items()},
                rows=batch.rows.num_rows,
                damaged=len(batch.quarantined),
            )
        if read + damaged != dialect.records:
            raise SourceError(
                "RECORDS_LOST",
                f"{path.name} holds {dialect.records:,} records but {read + damaged:,} were read "
                f"({damaged:,} damaged). Please report.",
            )


def signal_account(batches: Iterable[SignalBatch]) -> list[SignalAccount]:
    """Add up what was read of each file.

    Parameters
    ----------
    batches : iterable of SignalBatch
        All of :func:`read_signal_batches`.

    Returns
    -------
    list of SignalAccount
        In the order of the files.
    """
    found: dict[str, tuple[int, int]] = {}
    for batch in batches:
        read, damaged = found.get(batch.file, (0, 0))
        found[batch.file] = (read + batch.rows, damaged + batch.damaged)
    return [
        SignalAccount(file=file, read=read, damaged=damaged)
        for file, (read, damaged) in found.items()
    ]
