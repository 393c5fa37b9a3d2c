"""Where the records of a CSV begin and end: a state machine over its bytes.

Readers of CSV lose records in silence when quotes are not balanced, so this project finds the
records itself, counts their fields, and hands a parser only those that are whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

HAS_NUL = 1
"""The record holds a NUL byte."""
AFTER_QUOTE = 2
"""Text follows a closing quote: the quote was not a quoting one."""
STRAY_QUOTE = 4
"""A quote stands inside a field that no quote opened; it is kept as text."""
UNCLOSED = 8
"""A quote is still open at the end of the file, or after ``LONGEST_QUOTED`` bytes."""
CUT = 16
"""One line of a record whose quote swallowed the following lines."""
TRAILING = 32
"""The last field is empty and follows a separator."""
NO_END = 64
"""The last record of the file has no line end."""

QUOTED = 128
"""A field of the record begins with a quote."""

_BLANK = 256

LONGEST_QUOTED = 1 << 17
"""A record of several lines longer than this is taken for an unclosed quote."""

OTHER, SEPARATOR, QUOTE, CR, LF, NUL = range(6)
_START, _PLAIN, _QUOTED, _CLOSED = range(4)

# Next state by state and class of byte; line ends outside quotes end the record instead.
_NEXT = np.array(
    [
        [_PLAIN, _START, _QUOTED, _START, _START, _PLAIN],
        [_PLAIN, _START, _PLAIN, _START, _START, _PLAIN],
        [_QUOTED, _QUOTED, _CLOSED, _QUOTED, _QUOTED, _QUOTED],
        [_PLAIN, _START, _QUOTED, _START, _START, _PLAIN],
    ],
    dtype=np.int64,
)
_FLAGS = np.array(
    [
        [0, 0, QUOTED, 0, 0, HAS_NUL],
        [0, 0, STRAY_QUOTE, 0, 0, HAS_NUL],
        [0, 0, 0, 0, 0, HAS_NUL],
        [AFTER_QUOTE, 0, 0, 0, 0, HAS_NUL | AFTER_QUOTE],
    ],
    dtype=np.int64,
)


_Found = tuple[int, int, int, int, int]
"""Of one record: next start, end, fields, lines, flags."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """Records found in a block of bytes, in order; blank lines among them have no field."""

    starts: np.ndarray
    """First byte of each."""
    ends: np.ndarray
    """Byte after the content of each, before its line end."""
    nexts: np.ndarray
    """First byte after the line end of each."""
    fields: np.ndarray
    """Number of fields; 0 for a blank line."""
    lines: np.ndarray
    """Physical lines that each spans."""
    flags: np.ndarray
    """Sum of the flags of this module."""

    @property
    def consumed(self) -> int:
        """Bytes that the records cover; the rest of the block waits for more input."""
        return int(self.nexts[-1]) if len(self.nexts) else 0


def byte_classes(separator: str, *, quoting: bool) -> np.ndarray:
    """Classify the 256 bytes for one dialect.

    Parameters
    ----------
    separator : str
        One ASCII character.
    quoting : bool
        Whether a double quote quotes.

    Returns
    -------
    ndarray of int8, 256
        Class of each byte.
    """
    classes = np.zeros(256, dtype=np.int8)
    classes[[0, 10, 13]] = [NUL, LF, CR]
    if quoting:
        classes[ord('"')] = QUOTE
    classes[ord(separator)] = SEPARATOR
    return classes


def find_records(
    block: bytes, classes: np.ndarray, width: int, *, final: bool, suspect: bool
) -> Records:
    """Find the records of a block of bytes.

    Parameters
    ----------
    block : bytes
        Begins at a record's first byte.
    classes : ndarray of int8, 256
        Of :func:`byte_classes`.
    width : int
        Number of fields of a whole record.
    final : bool
        Whether the file ends with this block; otherwise a record without its end is left out.
    suspect : bool
        Whether a well-formed record of several lines, each of which is a whole record when
        quotes do not quote, is taken for lines that a stray quote swallowed.

    Returns
    -------
    Records
        In order. A record whose quote swallowed lines is cut: its first line alone is given,
        flagged ``CUT``, and reading resumes at its second line.
    """
    data = np.frombuffer(block, dtype=np.uint8)
    room = int((data == 10).sum() + (data == 13).sum()) + 1
    found, count = _find(data, classes, np.array([width, final, suspect], dtype=np.int64), room)
    found = found[:, :count]
    return Records(
        starts=found[0],
        ends=found[1],
        nexts=found[2],
        fields=found[3],
        lines=found[4],
        flags=found[5],
    )


@njit(cache=True, nogil=True)
def _find(
    data: np.ndarray, classes: np.ndarray, options: np.ndarray, room: int
) -> tuple[np.ndarray, int]:
    """Fill a table of records: starts, ends, nexts, fields, lines, flags."""
    width, final, suspect = options[0], options[1] == 1, options[2] == 1
    found = np.empty((6, room), dtype=np.int64)
    count = 0
    position = 0
    swallowed_to = 0
    while position < data.size:
        record = _scan(data, position, classes, final, False)
        if record[0] < 0:
            break
        if _swallows(data, position, record, classes, width, suspect):
            swallowed_to = max(swallowed_to, record[0])
            unclosed = record[4] & UNCLOSED
            record = _scan(data, position, classes, final, True)
            flags = (record[4] & ~UNCLOSED) | CUT | unclosed
            record = (record[0], record[1], record[2], record[3], flags)
        elif position < swallowed_to and record[4] & STRAY_QUOTE:
            # The line that closes a swallowing quote: what stands before the quote is not known.
            record = (record[0], record[1], record[2], record[3], record[4] | CUT)
        found[0, count] = position
        found[1, count] = record[1]
        found[2, count] = record[0]
        found[3, count] = record[2]
        found[4, count] = record[3]
        found[5, count] = record[4]
        count += 1
        position = record[0]
    return found, count


@njit(cache=True, nogil=True)
def _scan(data: np.ndarray, start: int, classes: np.ndarray, final: bool, one_line: bool) -> _Found:
    """Follow one record; its next start is -1 where the block ends before it."""
    state, fields, lines, flags = _START, 1, 1, 0
    i = start
    while i < data.size:
        kind = classes[data[i]]
        flags |= _FLAGS[state, kind]
        if kind == CR or kind == LF:  # noqa: SIM109 - numba compares faster than it searches
            after = _line_end(data, i, kind, final)
            if after < 0:
                return -1, 0, 0, 0, 0
            too_long = state == _QUOTED and i - start > LONGEST_QUOTED
            if state != _QUOTED or one_line or too_long:
                return _ended(i, after, fields, lines, flags | _left_open(state, start, i))
            lines += 1
            i = after
            continue
        fields += kind == SEPARATOR and state != _QUOTED
        state = _NEXT[state, kind]
        i += 1
    if not final:
        return -1, 0, 0, 0, 0
    return _ended(i, data.size, fields, lines, flags | NO_END | _left_open(state, start, i))


@njit(cache=True, nogil=True)
def _left_open(state: int, start: int, end: int) -> int:
    """Flag what the state at a record's end means: open quote, trailing separator, blank line."""
    if state == _QUOTED:
        return UNCLOSED
    if start == end:
        return _BLANK
    return TRAILING if state == _START else 0


@njit(cache=True, nogil=True)
def _ended(end: int, after: int, fields: int, lines: int, flags: int) -> _Found:
    """Put a record together; a blank line has no field."""
    return after, end, 0 if flags & _BLANK else fields, lines, flags


@njit(cache=True, nogil=True)
def _line_end(data: np.ndarray, i: int, kind: int, final: bool) -> int:
    """Give the byte after a line end; -1 where the block stops between CR and LF."""
    if kind == LF:
        return i + 1
    if i + 1 == data.size:
        return i + 1 if final else -1
    return i + 2 if data[i + 1] == 10 else i + 1


@njit(cache=True, nogil=True)
def _swallows(
    data: np.ndarray, start: int, record: _Found, classes: np.ndarray, width: int, suspect: bool
) -> bool:
    """Tell whether a record of several lines is really several records."""
    if record[3] == 1:
        return False
    if record[4] & (UNCLOSED | AFTER_QUOTE):
        return True
    if width < 3:
        # Two fields a line are no evidence: text with one separator a line is common.
        return False
    whole = _whole_lines(data, start, record[1], classes, width)
    if record[2] != width:
        return whole >= 2
    return suspect and whole == record[3]


@njit(cache=True, nogil=True)
def _whole_lines(data: np.ndarray, start: int, end: int, classes: np.ndarray, width: int) -> int:
    """Count the lines of a record that have all fields when quotes do not quote."""
    whole = 0
    fields = 1
    for i in range(start, end):
        kind = classes[data[i]]
        if kind == SEPARATOR:
            fields += 1
        elif kind == LF or (kind == CR and (i + 1 >= end or data[i + 1] != 10)):
            whole += fields == width
            fields = 1
    return whole + (fields == width)
