"""Compiled reading of Italian tax codes: shape, check character, and a key for each code.

Codes of companies and VAT numbers have eleven digits: seven of the firm, three of the office that
gave them, one by Luhn's rule. Codes of persons have sixteen characters (DM 23 December 1976), whose
digits may be letters where two persons would share a code (omocodia).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

MISSING, COMPANY, PERSON, REPAIRED, INVALID, CHECKSUM, UNREAD = range(7)
"""States of a code; ``UNREAD`` is for texts that only Python can read (letters beyond ASCII)."""

COMPANY_LENGTH = 11
PERSON_LENGTH = 16
_SHORTEST = 5  # one digit of the firm, three of the office, the check digit
_LONGEST = 40
_ODD = np.array(
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23],
    np.int64,
)
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


def _numbers(letters: str) -> NDArray[np.int64]:
    """Give each byte its number among some letters, -1 to every other one."""
    numbers = np.full(256, -1, np.int64)
    for number, letter in enumerate(letters):
        numbers[ord(letter)] = number
    return numbers


_MONTHS = _numbers("ABCDEHLMPRST")
_DIGITS = np.maximum(_numbers("0123456789"), _numbers("LMNPQRSTUV"))
_VALUES = np.maximum(_numbers("0123456789"), _numbers("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
_PERSON_SHAPE = "AAAAAADDMDDADDDA"
_SHAPE = np.array([ord(letter) for letter in _PERSON_SHAPE], np.uint8)


@njit(cache=True, nogil=True)
def _is_digit(byte: int) -> bool:
    return 48 <= byte <= 57


@njit(cache=True, nogil=True)
def _company(code: NDArray[np.uint8]) -> int:
    """Give the state of eleven digits."""
    office = (code[7] - 48) * 100 + (code[8] - 48) * 10 + (code[9] - 48)
    nothing = True
    for i in range(7):
        nothing &= code[i] == 48
    known = 1 <= office <= 100 or office in (120, 121, 888, 999)
    if nothing or not known:
        return INVALID
    total = 0
    for i in range(COMPANY_LENGTH):
        digit = code[i] - 48
        if i % 2 == 1:
            digit = digit * 2 if digit < 5 else digit * 2 - 9
        total += digit
    return COMPANY if total % 10 == 0 else CHECKSUM


@njit(cache=True, nogil=True)
def _has_shape(code: NDArray[np.uint8]) -> bool:
    """Tell whether sixteen characters are letters and digits where a person's code has them."""
    for i in range(PERSON_LENGTH):
        kind, byte = _SHAPE[i], code[i]
        if kind == 65:  # A: a letter
            fits = 65 <= byte <= 90
        elif kind == 68:  # D: a digit, or the letter that stands for it
            fits = _DIGITS[byte] >= 0
        else:
            fits = _MONTHS[byte] >= 0
        if not fits:
            return False
    return True


@njit(cache=True, nogil=True)
def _person(code: NDArray[np.uint8]) -> int:
    """Give the state of sixteen characters."""
    if not _has_shape(code):
        return INVALID
    total = 0
    for i in range(PERSON_LENGTH - 1):
        value = _VALUES[code[i]]
        total += _ODD[value] if i % 2 == 0 else value
    if total % 26 != code[15] - 65:
        return CHECKSUM
    year = _DIGITS[code[6]] * 10 + _DIGITS[code[7]]
    month = _MONTHS[code[8]]
    day = (_DIGITS[code[9]] * 10 + _DIGITS[code[10]]) % 40  # women: 40 more
    last = _DAYS[month]
    if month == 1 and year % 4 == 0:
        last = 29
    return PERSON if 1 <= day <= last else INVALID


@njit(cache=True, nogil=True)
def _tidy(data: NDArray[np.uint8], begin: int, end: int, text: NDArray[np.uint8]) -> int:
    """Copy capitals, digits and marks of numbers; give the length, or -1 when Python must read."""
    size = 0
    for i in range(begin, end):
        byte = data[i]
        if byte >= 128:
            return -1
        if byte in (32, 45, 58, 39, 34, 9) and not (
            byte == 45 and size > 0 and text[size - 1] == 69 and _is_digit(text[0])
        ):
            continue  # spaces, hyphens, colons and quotes stand between the characters
        if size == _LONGEST:
            return size + 1
        text[size] = byte - 32 if 97 <= byte <= 122 else byte
        size += 1
    return size


@njit(cache=True, nogil=True)
def _find_power(text: NDArray[np.uint8], size: int) -> int:
    """Give the position of the E of a power of ten; ``size`` where there is none."""
    for i in range(1, size):
        if text[i] == 69:
            return i
    return size


@njit(cache=True, nogil=True)
def _unfold(text: NDArray[np.uint8], size: int) -> int:
    """Turn a number as spreadsheets write it into its digits, in place; -1 where digits are lost.

    "1234567890.0", "12.345.678.901" and "1.2345678901E+10" show every digit; "1.23E+10" does not.
    """
    power_at = _find_power(text, size)
    mark, marks, first = np.uint8(0), 0, -1
    for i in range(power_at):
        if text[i] in (44, 46) and (marks == 0 or text[i] == mark):
            first = i if marks == 0 else first
            mark, marks = text[i], marks + 1
        elif not _is_digit(text[i]):
            return -1
    if power_at < size:
        return _unfold_power(text, size, power_at, first, marks)
    if marks == 1:
        return _cut_zeros(text, size, first)
    return _join_groups(text, size, mark, first)


@njit(cache=True, nogil=True)
def _unfold_power(text: NDArray[np.uint8], size: int, at: int, mark: int, marks: int) -> int:
    """Write d.ddd...E+nn out, where all its nn decimals are shown."""
    if mark != 1 or marks != 1 or not _is_digit(text[0]):
        return -1
    power = 0
    begin = at + 2 if at + 1 < size and text[at + 1] == 43 else at + 1
    for i in range(begin, size):
        if not _is_digit(text[i]):
            return -1
        power = power * 10 + text[i] - 48
    if begin == size or power != at - 2:
        return -1
    for i in range(2, at):
        text[i - 1] = text[i]
    return at - 1


@njit(cache=True, nogil=True)
def _cut_zeros(text: NDArray[np.uint8], size: int, mark: int) -> int:
    """Cut a decimal part of zeros off."""
    if mark == 0 or mark == size - 1:
        return -1
    for i in range(mark + 1, size):
        if text[i] != 48:
            return -1
    return mark


@njit(cache=True, nogil=True)
def _join_groups(text: NDArray[np.uint8], size: int, mark: np.uint8, first: int) -> int:
    """Join groups of three digits."""
    if mark == 0 or not 1 <= first <= 3 or (size - first) % 4 != 0:
        return -1
    written = first
    for i in range(first, size):
        if (i - first) % 4 == 0:
            if text[i] != mark:
                return -1
        elif text[i] == mark:
            return -1
        else:
            text[written] = text[i]
            written += 1
    return written


@njit(cache=True, nogil=True)
def _all_digits(text: NDArray[np.uint8], size: int) -> bool:
    wrong = 0
    for i in range(size):
        wrong += not _is_digit(text[i])
    return wrong == 0


@njit(cache=True, nogil=True)
def _read_one(text: NDArray[np.uint8], size: int, code: NDArray[np.uint8]) -> int:
    """Read one tidied text into ``code``; give its state."""
    start = 0
    if size > 2 and text[0] == 73 and text[1] == 84 and _is_digit(text[2]):  # IT
        start = 2
    text = text[start:]
    size -= start
    repaired = False
    if not _all_digits(text, size):
        if size == PERSON_LENGTH and not _is_digit(text[0]):
            code[:] = text[:PERSON_LENGTH]
            return _person(code)
        if size > 0 and not _is_digit(text[0]):
            return UNREAD
        size = _unfold(text, size)
        repaired = True
        if size < 0:
            return INVALID
    if not _SHORTEST <= size <= COMPANY_LENGTH:
        return INVALID
    lost = COMPANY_LENGTH - size
    code[:] = 0
    code[:lost] = 48
    code[lost:COMPANY_LENGTH] = text[:size]
    state = _company(code)
    if lost == 0 and not repaired:
        return state
    return REPAIRED if state == COMPANY else INVALID


@njit(cache=True, nogil=True)
def _key(code: NDArray[np.uint8]) -> np.uint64:
    """Hash sixteen bytes (FNV-1a, then SplitMix64's finalizer)."""
    value = np.uint64(0xCBF29CE484222325)
    for i in range(PERSON_LENGTH):
        value = (value ^ np.uint64(code[i])) * np.uint64(0x100000001B3)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True)
def read_codes(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    states: NDArray[np.int8],
    codes: NDArray[np.uint8],
    keys: NDArray[np.uint64],
) -> None:
    """Read every code of a column.

    Parameters
    ----------
    data, offsets : ndarray
        UTF-8 bytes, and where each text begins and ends.
    states : ndarray of int8
        Written: state of each.
    codes : ndarray of uint8, shape (rows, 16)
        Written: characters of each usable code, zeros behind; those of a wrong one too, when it
        has the length of a code.
    keys : ndarray of uint64
        Written: a key of each code that can be told from others, 0 for none.
    """
    text = np.zeros(_LONGEST + 2, np.uint8)
    for row in range(len(states)):
        size = _tidy(data, offsets[row], offsets[row + 1], text)
        if size == 0:
            states[row] = MISSING
            continue
        if size < 0:
            states[row] = UNREAD
            continue
        state = _read_one(text, size, codes[row])
        states[row] = state
        if state in (COMPANY, PERSON, REPAIRED, CHECKSUM):
            keys[row] = _key(codes[row])
        else:
            codes[row][:] = 0
