"""Streams a CSV in blocks of whole records, and counts its lines on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from geo_engine.errors import SourceError
from geo_engine.sources.csv_scan import Records, byte_classes, find_records

BLOCK_BYTES = 1 << 24
"""Bytes read at once: bounds the memory, whatever the size of the file."""


@dataclass(frozen=True, kw_only=True)
class CsvShape:
    """What must be known to find records: where they begin and how fields are separated."""

    separator: str
    quoting: bool
    width: int
    """Fields of a whole record."""
    suspect: bool
    """Whether quotes may be stray ones (``quote = "auto"``)."""
    offset: int = 0
    """Byte at which the records begin."""
    line: int = 1
    """Line at which the records begin, from 1."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole records of a CSV, with their bytes."""

    data: bytes
    """Bytes of the records and of nothing else."""
    records: Records
    lines: np.ndarray
    """Line of the file at which each record begins, from 1."""


@dataclass
class LineCount:
    """Lines of a stream of bytes, counted without looking at quotes or separators.

    It is the evidence against which the reader's own account is held, so it shares nothing with
    the state machine that finds records.
    """

    ends: int = 0
    _last: bytes = field(default=b"")

    def add(self, data: bytes) -> None:
        """Count the line ends of the next bytes.

        Parameters
        ----------
        data : bytes
            The bytes that follow those of the last call.
        """
        if not data:
            return
        self.ends += count_line_ends(data)
        if self._last == b"\r" and data[:1] == b"\n":
            self.ends -= 1
        self._last = data[-1:]

    @property
    def lines(self) -> int:
        """Lines so far; a last line without its end counts."""
        return self.ends + (self._last not in {b"", b"\n", b"\r"})


def count_line_ends(data: bytes) -> int:
    """Count LF, CR and CR LF, each pair once.

    Parameters
    ----------
    data : bytes
        Any bytes.

    Returns
    -------
    int
        Line ends in them.
    """
    ends = data.count(b"\n")
    if b"\r" in data:
        ends += data.count(b"\r") - data.count(b"\r\n")
    return ends


def record_blocks(
    path: Path, shape: CsvShape, *, count: LineCount | None = None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Stream the records of a CSV.

    Parameters
    ----------
    path : Path
        The file.
    shape : CsvShape
        Where the records begin, and how their fields are separated.
    count : LineCount, optional
        Counts the lines of the bytes as they come from the file.
    block_bytes : int
        Bytes to read at once.

    Yields
    ------
    Block
        Whole records, in order.

    Raises
    ------
    SourceError
        ``RECORD_TOO_LONG`` when a block holds no line end.
    """
    classes = byte_classes(shape.separator, quoting=shape.quoting)
    line = shape.line
    waiting = b""
    with path.open("rb") as file:
        file.seek(shape.offset)
        while True:
            fresh = file.read(block_bytes)
            if count is not None:
                count.add(fresh)
            block, final = waiting + fresh, not fresh
            records = find_records(block, classes, shape.width, final=final, suspect=shape.suspect)
            if len(records.starts):
                starts = line + np.concatenate([[0], np.cumsum(records.lines)[:-1]])
                line += int(records.lines.sum())
                yield Block(data=block[: records.consumed], records=records, lines=starts)
            waiting = block[records.consumed :]
            if final:
                return
            if len(waiting) > 4 * BLOCK_BYTES:
                raise SourceError(
                    "RECORD_TOO_LONG",
                    f"{path.name}: the record at line {line} is longer than "
                    f"{4 * BLOCK_BYTES // 2**20} MB. It is not a table of firms, or its line "
                    "ends are missing.",
                )
