"""Compiled pass over the fields of a column: two keys, the kind of each field, distinct values."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLANK, INTEGER, ZEROS, DECIMAL, DATE, TEXT = range(6)
"""Kinds of a field: nothing but blanks; figures; figures after a zero (a code); a number with one
mark, or a power of ten; three groups of figures as in dates; anything else."""
KINDS = 6

REGISTER_BITS = 12
REGISTERS = 1 << REGISTER_BITS
"""Registers of the estimate of distinct values (HyperLogLog): its error is about 1.6 %."""

_FIRST = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
_THIRD = np.uint64(0x165667B19E3779F9)


@njit(cache=True, nogil=True, inline="always")
def mix(value: np.uint64) -> np.uint64:
    """Spread the bits of a number (SplitMix64's finalizer)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True, inline="always")
def _load(data: NDArray[np.uint8], at: np.uintp) -> np.uint64:
    """Read eight bytes as one number, the first one lowest."""
    word = np.uint64(data[at])
    word |= np.uint64(data[at + np.uintp(1)]) << np.uint64(8)
    word |= np.uint64(data[at + np.uintp(2)]) << np.uint64(16)
    word |= np.uint64(data[at + np.uintp(3)]) << np.uint64(24)
    word |= np.uint64(data[at + np.uintp(4)]) << np.uint64(32)
    word |= np.uint64(data[at + np.uintp(5)]) << np.uint64(40)
    word |= np.uint64(data[at + np.uintp(6)]) << np.uint64(48)
    return word | np.uint64(data[at + np.uintp(7)]) << np.uint64(56)


@njit(cache=True, nogil=True)
def _hash_field(
    data: NDArray[np.uint8], begin: np.uintp, end: np.uintp, salt: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """Hash some bytes twice, eight at a time, each key with its own constants."""
    size = np.uint64(end - begin)
    one = salt ^ size
    two = (salt * _THIRD) ^ size
    at = begin
    while at < end:
        if at + np.uintp(8) <= end:
            word = _load(data, at)
        else:
            word = np.uint64(0)
            for j in range(end - at):
                word |= np.uint64(data[at + np.uintp(j)]) << np.uint64(8 * j)
        one = (one ^ word) * _FIRST
        one ^= one >> np.uint64(32)
        two = (two ^ (word * _THIRD)) * _SECOND
        two ^= two >> np.uint64(29)
        at += np.uintp(8)
    return mix(one), mix(two)


@njit(cache=True, nogil=True)
def _blank_size(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Give the bytes of the blank that begins here, 0 for none (as ``str.isspace``)."""
    byte = data[at]
    if byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31:
        return 1
    if byte < 128 or at + 1 >= end:
        return 0
    second = data[at + 1]
    if byte == 0xC2:
        return 2 if second in (0x85, 0xA0) else 0
    if at + 2 >= end:
        return 0
    third = data[at + 2]
    space = (
        (byte == 0xE1 and second == 0x9A and third == 0x80)
        or (byte == 0xE2 and second == 0x80 and (third <= 0x8A or third in (0xA8, 0xA9, 0xAF)))
        or (byte == 0xE2 and second == 0x81 and third == 0x9F)
        or (byte == 0xE3 and second == 0x80 and third == 0x80)
    )
    return 3 if space else 0


@njit(cache=True, nogil=True)
def _first_letter(data: NDArray[np.uint8], begin: int, end: int) -> int:
    """Give the position of the first byte that is no blank; ``end`` where all are."""
    if begin < end and 32 < data[begin] < 128:
        return begin
    while begin < end:
        size = _blank_size(data, begin, end)
        if size == 0:
            return begin
        begin += size
    return end


@njit(cache=True, nogil=True)
def _figures(data: NDArray[np.uint8], begin: int, end: int) -> int:
    """Count the figures from a position on."""
    size = 0
    while begin + size < end and 48 <= data[begin + size] <= 57:
        size += 1
    return size


@njit(cache=True, nogil=True)
def _is_power(data: NDArray[np.uint8], at: int, end: int) -> bool:
    """Tell whether E+nn stands here, and nothing behind."""
    if at >= end or data[at] not in (69, 101):
        return False
    at += 1
    if at < end and data[at] in (43, 45):
        at += 1
    size = _figures(data, at, end)
    return size > 0 and at + size == end


@njit(cache=True, nogil=True)
def _kind_of_pair(data: NDArray[np.uint8], begin: int, first: int, end: int) -> int:
    """Tell the kind of a field that begins with some figures and a mark."""
    mark = data[begin + first]
    at = begin + first + 1
    second = _figures(data, at, end)
    at += second
    if mark in (44, 46) and (at == end or _is_power(data, at, end)):
        return DECIMAL
    if at >= end or data[at] != mark or not 1 <= second <= 2:
        return TEXT
    third = _figures(data, at + 1, end)
    at += 1 + third
    clock = at == end or data[at] in (32, 84)
    groups = first + third
    return DATE if clock and mark != 44 and groups in (3, 4, 5, 6) and third > 0 else TEXT


@njit(cache=True, nogil=True)
def _kind(data: NDArray[np.uint8], begin: int, end: int) -> int:
    """Tell the kind of a trimmed field by its bytes."""
    if begin == end:
        return BLANK
    signed = data[begin] in (43, 45)
    start = begin + 1 if signed else begin
    first = _figures(data, start, end)
    after = start + first
    if after == end:
        if first == 0:
            return TEXT
        return ZEROS if first > 1 and data[start] == 48 and not signed else INTEGER
    if first == 0:
        return TEXT
    if data[after] in (44, 45, 46, 47):
        kind = _kind_of_pair(data, start, first, end)
        return TEXT if signed and kind == DATE else kind
    return DECIMAL if _is_power(data, after, end) else TEXT


@njit(cache=True, nogil=True)
def scan_column(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    salt: np.uint64,
    keys: NDArray[np.uint64],
    kinds: NDArray[np.int64],
    registers: NDArray[np.uint8],
) -> None:
    """Fold the fields of one column into the keys of their rows, and sum them up.

    Parameters
    ----------
    data, offsets : ndarray
        UTF-8 bytes, and where each field begins and ends.
    salt : uint64
        Of the column's name: equal fields of two columns have different keys.
    keys : ndarray of uint64, shape (rows, 2)
        Changed: keys of the rows.
    kinds : ndarray of int64, shape (6,)
        Changed: fields by kind.
    registers : ndarray of uint8
        Changed: highest rank by register, over fields that are not blank.
    """
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        one, two = _hash_field(data, np.uintp(begin), np.uintp(end), salt)
        keys[row, 0] = mix(keys[row, 0] ^ one)
        keys[row, 1] = mix(keys[row, 1] ^ two)
        start = _first_letter(data, begin, end)
        stop = end
        while stop > start and data[stop - 1] <= 32:
            stop -= 1
        kind = _kind(data, start, stop)
        kinds[kind] += 1
        if kind == BLANK:
            continue
        place = one >> np.uint64(64 - REGISTER_BITS)
        rest = (one << np.uint64(REGISTER_BITS)) | np.uint64(1 << (REGISTER_BITS - 1))
        rank = 1
        while not rest >> np.uint64(63):
            rest <<= np.uint64(1)
            rank += 1
        if rank > registers[place]:
            registers[place] = rank


@njit(cache=True, nogil=True)
def hash_column(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], salt: np.uint64, keys: NDArray[np.uint64]
) -> None:
    """Give each field of a column one key.

    Parameters
    ----------
    data, offsets : ndarray
        UTF-8 bytes, and where each field begins and ends.
    salt : uint64
        Of the column's role.
    keys : ndarray of uint64
        Written.
    """
    for row in range(len(keys)):
        begin, end = np.uintp(offsets[row]), np.uintp(offsets[row + 1])
        keys[row], _ = _hash_field(data, begin, end, salt)
