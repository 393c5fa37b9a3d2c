"""Compiled reading of plain decimal numbers, exactly as Python's ``float`` reads them.

What is not plain (an exponent, two kinds of marks, a word) is left to the caller.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo_engine.places.rays import two_product

Floats = NDArray[np.float64]

READ, BLANK, OTHER = 0, 1, 2
EITHER = 0
"""In place of a decimal mark: point or comma, value by value."""
_NEWLINE, _SPACE, _PLUS, _MINUS, _POINT, _COMMA, _ZERO, _NINE = 10, 32, 43, 45, 46, 44, 48, 57
_MOST_DIGITS = 19
"""Digits of which any number fits into 64 bits."""
POWERS = 10.0 ** np.arange(_MOST_DIGITS + 1)
"""Powers of ten: exact up to 10**22."""
_SLACK = 1e-12


@njit(cache=True, nogil=True)
def read_lines(text: NDArray[np.uint8], mark: int, numbers: Floats, state: NDArray[np.int8]) -> int:
    """Read one number per line.

    Parameters
    ----------
    text : array of uint8
        Lines, the last one without its end.
    mark : int
        Decimal mark as a character code, or EITHER.
    numbers : array
        Filled where READ.
    state : array of int8
        Filled with READ, BLANK or OTHER, line by line.

    Returns
    -------
    int
        Lines in the text; where they are not as many as numbers, nothing read is of use.
    """
    line = begin = 0
    for k in range(len(text) + 1):
        if k < len(text) and text[k] != _NEWLINE:
            continue
        if line < len(numbers):
            state[line], numbers[line] = _read(text, begin, k, mark)
        line, begin = line + 1, k + 1
    return line


@njit(cache=True, nogil=True)
def _read(text: NDArray[np.uint8], begin: int, end: int, mark: int) -> tuple[int, float]:
    """Read one number: an optional sign, digits, at most one mark."""
    while begin < end and text[begin] == _SPACE:
        begin += 1
    while begin < end and text[end - 1] == _SPACE:
        end -= 1
    if begin == end:
        return BLANK, np.nan
    is_negative = text[begin] == _MINUS
    if is_negative or text[begin] == _PLUS:
        begin += 1
    whole, decimals = _digits(text, begin, end, mark)
    if whole < 0:
        return OTHER, np.nan
    number, is_certain = _divided(whole, decimals)
    return READ if is_certain else OTHER, -number if is_negative else number


@njit(cache=True, nogil=True)
def _digits(text: NDArray[np.uint8], begin: int, end: int, mark: int) -> tuple[int, int]:
    """Read digits with at most one mark as a whole number, -1 where it is none; count decimals."""
    whole = seen = decimals = significant = marks = 0
    for k in range(begin, end):
        c = text[k]
        if _ZERO <= c <= _NINE:
            whole = whole * 10 + (c - _ZERO)
            significant += significant > 0 or c != _ZERO
            seen += 1
            decimals += marks
        else:
            marks += 1 if _is_mark(c, mark) else 2
        if marks > 1 or max(significant, decimals) >= _MOST_DIGITS:
            return -1, 0
    return whole if seen else -1, decimals


@njit(cache=True, nogil=True)
def _is_mark(c: int, mark: int) -> bool:
    """Tell whether a character is the decimal mark."""
    return bool(c == mark or (mark == EITHER and c in (_POINT, _COMMA)))


@njit(cache=True, nogil=True)
def _divided(whole: int, decimals: int) -> tuple[float, bool]:
    """Divide by a power of ten with one rounding; tell whether that rounding is certain."""
    power = POWERS[decimals]
    high = float(whole)
    quotient = high / power
    product, error = two_product(quotient, power)
    low = float(whole - np.int64(high))
    correction = ((high - product) - error + low) / power
    least = quotient + correction * (1 - _SLACK)
    return least, least == quotient + correction * (1 + _SLACK)
