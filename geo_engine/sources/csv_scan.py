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

OTHER, SEPARATOR, QUOTE, NUL, CR, LF = range(6)
_START, _PLAIN, _QUOTED, _CLOSED = range(4)
_FINAL, _ONE_LINE = 1, 2

# Next state by state and class of byte; line ends change none: outside quotes they end the record.
_NEXT = np.array(
    [
        [_PLAIN, _START, _QUOTED, _PLAIN],
        [_PLAIN, _START, _PLAIN, _PLAIN],
        [_QUOTED, _QUOTED, _CLOSED, _QUOTED],
        [_PLAIN, _START, _QUOTED, _PLAIN],
    ],
    dtype=np.int64,
)
_FLAGS = np.array(
    [
        [0, 0, QUOTED, HAS_NUL],
        [0, 0, STRAY_QUOTE, HAS_NUL],
        [0, 0, 0, HAS_NUL],
        [AFTER_QUOTE, 0, 0, HAS_NUL | AFTER_QUOTE],
    ],
    dtype=np.int64,
)


_Found = tuple[int, int, int, int, int, int]
"""Of one record: next start, end, fields, lines, flags, first special byte after it."""


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
    swallowed: int = 0
    """Bytes after the last record that a quote before them swallowed."""

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
    block: bytes | np.ndarray,
    classes: np.ndarray,
    width: int,
    *,
    final: bool,
    suspect: bool,
    swallowed: int = 0,
) -> Records:
    """Find the records of a block of bytes.

    Parameters
    ----------
    block : bytes or ndarray of uint8
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
    swallowed : int
        ``Records.swallowed`` of the bytes before these.

    Returns
    -------
    Records
        In order. A record whose quote swallowed lines is cut: its first line alone is given,
        flagged ``CUT``, and reading resumes at its second line.
    """
    data = np.frombuffer(block, dtype=np.uint8)
    options = np.array([width, final, suspect, swallowed], dtype=np.int64)
    table, swallowed_to = _find(data, classes, options)
    found = np.ascontiguousarray(table.T)
    return Records(
        starts=found[0],
        ends=found[1],
        nexts=found[2],
        fields=found[3],
        lines=found[4],
        flags=found[5],
        swallowed=max(swallowed_to - int(found[2, -1]), 0) if len(table) else swallowed_to,
    )


@njit(cache=True, nogil=True)
def _find(data: np.ndarray, classes: np.ndarray, options: np.ndarray) -> tuple[np.ndarray, int]:
    """Fill a table of records: starts, ends, nexts, fields, lines, flags; and where quotes end."""
    width, suspect, mode = options[0], options[2] == 1, options[1] * _FINAL
    special = _special_bytes(data, classes)
    found = np.empty((special.size + 1, 6), dtype=np.int64)
    count = position = first = 0
    swallowed_to = options[3]
    while position < data.size:
        record = _scan(data, special, first, position, classes, mode)
        if record[0] < 0:
            break
        if record[3] > 1 and _swallows(data, special[first:], record, classes, width, suspect):
            swallowed_to = max(swallowed_to, record[0])
            unclosed = record[4] & UNCLOSED
            record = _scan(data, special, first, position, classes, mode | _ONE_LINE)
            flags = (record[4] & ~UNCLOSED) | CUT | unclosed
            record = (record[0], record[1], record[2], record[3], flags, record[5])
        elif position < swallowed_to and record[4] & STRAY_QUOTE:
            # The line that closes a swallowing quote: what stands before the quote is not known.
            record = (record[0], record[1], record[2], record[3], record[4] | CUT, record[5])
        found[count, 0] = position
        found[count, 1] = record[1]
        found[count, 2] = record[0]
        found[count, 3] = record[2]
        found[count, 4] = record[3]
        found[count, 5] = record[4]
        count += 1
        position, first = record[0], record[5]
    return found[:count], swallowed_to


@njit(cache=True, nogil=True)
def _special_bytes(data: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """List the places of the bytes that are not plain text."""
    places = np.empty(data.size + 8, dtype=np.int32)
    whole = data.size // 8 * 8
    count = _special_in_words(data[:whole].view(np.uint64), np.flatnonzero(classes), places)
    for i in range(whole, data.size):
        places[count] = i
        count += classes[data[i]] != OTHER
    return places[:count]


@njit(cache=True, nogil=True)
def _special_in_words(words: np.ndarray, special: np.ndarray, places: np.ndarray) -> int:
    """Look for special bytes eight at a time: most words of a table hold none or one."""
    a, b, c, d = _eight(special[0]), _eight(special[1]), _eight(special[2]), _eight(special[3])
    e = _eight(special[-1])  # the fifth, or the fourth again where quotes do not quote
    place_of = np.uint64(0x0001020304050607)  # times a power of 256: its exponent in the top byte
    count = 0
    for j in range(words.size):
        word = words[j]
        nowhere = _differ(word, a) & _differ(word, b) & _differ(word, c) & _differ(word, d)
        nowhere &= _differ(word, e)
        found = (~nowhere >> np.uint64(7)) & _eight(1)
        while found:
            last = found & (~found + np.uint64(1))
            places[count] = j * 8 + np.int64((last * place_of) >> np.uint64(56))
            count += 1
            found &= found - np.uint64(1)
    return count


@njit(cache=True, nogil=True)
def _eight(byte: int) -> np.uint64:
    """Repeat a byte in a word."""
    return np.uint64(byte) * np.uint64(0x0101010101010101)


@njit(cache=True, nogil=True)
def _differ(word: np.uint64, pattern: np.uint64) -> np.uint64:
    """Set the top bit of each byte in which two words differ."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    differ = word ^ pattern
    return ((differ & low) + low) | differ


@njit(cache=True, nogil=True)
def _scan(
    data: np.ndarray,
    special: np.ndarray,
    first: int,
    start: int,
    classes: np.ndarray,
    mode: int,
) -> _Found:
    """Follow one record; its next start is -1 where the block ends before it.

    Only special bytes change the state, ``first`` being the first of them; however many plain
    bytes stand before one, they act as one.
    """
    state, fields, lines, flags = _START, 1, 1, 0
    seen, k = start, first
    while k < special.size:
        i = special[k]
        kind = classes[data[i]]
        if kind == SEPARATOR and state < _QUOTED:  # nearly all: no flag, and the same next state
            fields, state, seen, k = fields + 1, _START, i + 1, k + 1
            continue
        flags, state = _past_text(flags, state, i > seen)
        if kind < CR:
            fields += kind == SEPARATOR and state != _QUOTED
            flags, state = flags | _FLAGS[state, kind], _NEXT[state, kind]
            seen, k = i + 1, k + 1
            continue
        after = _line_end(data, i, kind, mode & _FINAL)
        if after < 0:
            return -1, 0, 0, 0, 0, 0
        seen, k = after, k + after - i
        if state != _QUOTED or mode & _ONE_LINE or i - start > LONGEST_QUOTED:
            return _ended(i, after, fields, lines, flags | _left_open(state, start, i), k)
        lines += 1
    if not mode & _FINAL:
        return -1, 0, 0, 0, 0, 0
    flags, state = _past_text(flags, state, data.size > seen)
    flags |= NO_END | _left_open(state, start, data.size)
    return _ended(data.size, data.size, fields, lines, flags, k)


@njit(cache=True, nogil=True)
def _past_text(flags: int, state: int, is_any: bool) -> tuple[int, int]:
    """Give flags and state after plain text, where there is any."""
    if is_any:
        return flags | _FLAGS[state, OTHER], _NEXT[state, OTHER]
    return flags, state


@njit(cache=True, nogil=True)
def _left_open(state: int, start: int, end: int) -> int:
    """Flag what the state at a record's end means: open quote, trailing separator, blank line."""
    if state == _QUOTED:
        return UNCLOSED
    if start == end:
        return _BLANK
    return TRAILING if state == _START else 0


@njit(cache=True, nogil=True)
def _ended(end: int, after: int, fields: int, lines: int, flags: int, k: int) -> _Found:
    """Put a record together; a blank line has no field."""
    return after, end, 0 if flags & _BLANK else fields, lines, flags, k


@njit(cache=True, nogil=True)
def _line_end(data: np.ndarray, i: int, kind: int, final: int) -> int:
    """Give the byte after a line end; -1 where the block stops between CR and LF."""
    if kind == LF:
        return i + 1
    if i + 1 == data.size:
        return i + 1 if final else -1
    return i + 2 if data[i + 1] == 10 else i + 1


@njit(cache=True, nogil=True)
def _swallows(
    data: np.ndarray,
    special: np.ndarray,
    record: _Found,
    classes: np.ndarray,
    width: int,
    suspect: bool,
) -> bool:
    """Tell whether a record of several lines is really several records."""
    if record[4] & (UNCLOSED | AFTER_QUOTE):
        return True
    if width < 3:
        # Two fields a line are no evidence: text with one separator a line is common.
        return False
    whole = _whole_lines(data, special, record[1], classes, width)
    if record[2] != width:
        return whole >= 2
    return suspect and whole == record[3]


@njit(cache=True, nogil=True)
def _whole_lines(
    data: np.ndarray, special: np.ndarray, end: int, classes: np.ndarray, width: int
) -> int:
    """Count the lines of a record that have all fields when quotes do not quote."""
    whole = 0
    fields = 1
    for i in special:
        if i >= end:
            break
        kind = classes[data[i]]
        if kind == SEPARATOR:
            fields += 1
        elif kind == LF or (kind == CR and (i + 1 >= end or data[i + 1] != 10)):
            whole += fields == width
            fields = 1
    return whole + (fields == width)
