"""Streams a CSV in blocks of whole records, and counts its lines on the way."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numba import njit

from geo_engine.errors import SourceError
from geo_engine.sources.csv_scan import Records, byte_classes, find_records

BLOCK_BYTES = 1 << 24
"""Bytes read at once: bounds the memory, whatever the size of the file."""

Item = TypeVar("Item")
_LF, _CR = 10, 13


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

    data: np.ndarray
    """Bytes (uint8) of the records and of nothing else."""
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
    _last: int = -1

    def add(self, data: bytes | np.ndarray) -> None:
        """Count the line ends of the next bytes.

        Parameters
        ----------
        data : bytes or ndarray of uint8
            The bytes that follow those of the last call.
        """
        if not len(data):
            return
        self.ends += count_line_ends(data)
        if self._last == _CR and data[0] == _LF:
            self.ends -= 1
        self._last = int(data[-1])

    @property
    def lines(self) -> int:
        """Lines so far; a last line without its end counts."""
        return self.ends + (self._last not in {-1, _CR, _LF})


def count_line_ends(data: bytes | np.ndarray) -> int:
    """Count LF, CR and CR LF, each pair once.

    Parameters
    ----------
    data : bytes or ndarray of uint8
        Any bytes.

    Returns
    -------
    int
        Line ends in them.
    """
    return int(_line_ends(np.frombuffer(data, dtype=np.uint8)))


@njit(cache=True, nogil=True)
def _line_ends(data: np.ndarray) -> int:
    """Count each LF, and each CR that no LF follows."""
    ends = 0
    for i in range(data.size - 1):
        ends += (data[i] == _LF) | ((data[i] == _CR) & (data[i + 1] != _LF))
    return ends + (data.size > 0 and (data[-1] == _LF or data[-1] == _CR))


def read_after(file: io.FileIO, before: np.ndarray, size: int) -> np.ndarray:
    """Read the next bytes of a file behind some that wait.

    Parameters
    ----------
    file : FileIO
        Open for reading, without a buffer.
    before : ndarray of uint8
        Bytes that wait for what follows them.
    size : int
        Bytes to read; fewer come only at the end of the file.

    Returns
    -------
    ndarray of uint8
        Both, one after the other.
    """
    data = np.empty(len(before) + size, dtype=np.uint8)
    data[: len(before)] = before
    filled = len(before)
    while filled < len(data) and (more := file.readinto(data[filled:].data)):
        filled += more
    return data[:filled]


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Prepare each item in a second thread while the one before it is used.

    Parameters
    ----------
    items : iterator
        Whatever it raises is raised here, in its place.

    Yields
    ------
    object
        The same items in the same order.
    """
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


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
    line, swallowed = shape.line, 0
    waiting = np.empty(0, dtype=np.uint8)
    with path.open("rb", buffering=0) as file:
        file.seek(shape.offset)
        while True:
            block = read_after(file, waiting, block_bytes)
            final = len(block) == len(waiting)
            if count is not None:
                count.add(block[len(waiting) :])
            records = find_records(
                block,
                classes,
                shape.width,
                final=final,
                suspect=shape.suspect,
                swallowed=swallowed,
            )
            swallowed = records.swallowed
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
