"""Numbers as registers write them: point or comma, thousands, signs, and what stands for none."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

READ, MISSING, INVALID, MASKED = 0, 1, 2, 3
"""What became of a value."""
Decimal = Literal["auto", ".", ","]
_NONE = re.compile(r"(?:nan|null|none|n/?a|n\.?d\.?|<na>|-+)?", re.IGNORECASE)
_MASK = re.compile(
    r"[+-]?[\d.,\s]*[x*#\u2022]+[x*#\u2022.,\s]*|omissis|oscurat\w+|riservat\w+|privacy|anonim\w+",
    re.IGNORECASE,
)
"""Digits may stand before the mask, not after it: ``0x10`` is no mask."""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def parse_numbers(
    column: pd.Series, *, decimal: Decimal = "auto"
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Read a column of numbers written with point or comma.

    Parameters
    ----------
    column : Series
        Text or numbers.
    decimal : {"auto", ".", ","}
        Decimal mark.

    Returns
    -------
    tuple of array
        Numbers (NaN where there is none), exactly as Python's ``float`` reads them, and for each
        READ, MISSING, INVALID (also what is not finite) or MASKED.
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        state = np.zeros(len(numbers), np.int8)
        state[np.isnan(numbers)] = MISSING
        state[np.isinf(numbers)] = INVALID
        return numbers, state
    values = column.astype("str").to_numpy(dtype=object, na_value="")
    numbers, state = _read_plain(values, decimal)
    left = np.flatnonzero(state > MISSING)
    if len(left):
        which, distinct = pd.factorize(values[left])
        read = np.array([_read_other(each, decimal) for each in distinct], np.float64)
        numbers[left] = read[which, 0]
        state[left] = read[which, 1]
    return numbers, state


def _read_plain(
    values: NDArray[np.object_], decimal: Decimal
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Read plain numbers in compiled code; INVALID where it takes a second look."""
    from geo_engine.places.numerals import EITHER, read_lines

    numbers, state = np.full(len(values), np.nan), np.full(len(values), INVALID, np.int8)
    if not len(values):
        return numbers, state
    text = np.array(bytearray("\n".join(values).encode("utf-8", "replace")), np.uint8, copy=False)
    mark = EITHER if decimal == "auto" else ord(decimal)
    if read_lines(text, mark, numbers, state) != len(values):  # some value holds a line's end
        state[:] = INVALID
    return numbers, state


def _read_other(value: str, decimal: Decimal) -> tuple[float, int]:
    """Read a value that is no plain number."""
    value = value.strip()
    if _NONE.fullmatch(value):
        return np.nan, MISSING
    if _MASK.fullmatch(value):
        return np.nan, MASKED
    written = value
    if decimal == "," or not _NUMBER.fullmatch(value):
        written = _with_point(value, decimal)
    number = float(written) if _NUMBER.fullmatch(written) else np.nan
    return (number, READ) if np.isfinite(number) else (np.nan, INVALID)


def _with_point(value: str, decimal: Decimal) -> str:
    """Write a number with a decimal point and no thousands; "?" when it is no number."""
    compact = "".join(value.split()).replace("\u2212", "-")
    mark = decimal if decimal != "auto" else _guess_mark(compact)
    whole, _, fraction = compact.partition(mark)
    first, *groups = whole.lstrip("+-").split("." if mark == "," else ",")
    if any(len(group) != 3 for group in groups) or (groups and not 1 <= len(first) <= 3):
        return "?"
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{first}{''.join(groups)}" + (f".{fraction}" if fraction else "")


def _guess_mark(number: str) -> str:
    """Tell the decimal mark: the last of two kinds, or the only one when it stands once."""
    if "." in number and "," in number:
        return "," if number.rfind(",") > number.rfind(".") else "."
    if "," in number:
        return "," if number.count(",") == 1 else "."
    return "." if number.count(".") <= 1 else ","
