"""Whole numbers as few bytes: zigzag, varints, gzip and base64, all without a clock.

``src/10_codec.js`` reads what this module writes.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
LEVEL = 7
"""Of gzip: level 8 takes more than twice as long and saves a sixteenth."""
GZIP = 31
"""Tells zlib to write a gzip header, which holds no time."""
MEMORY = 6
"""Of zlib, 1 to 9: short blocks suit columns that differ from each other."""


def zigzag(values: npt.ArrayLike) -> Integers:
    """Map signed integers to unsigned ones, small magnitudes first.

    Parameters
    ----------
    values : array of int
        Any integers below 2**31 in magnitude.

    Returns
    -------
    ndarray of int64
        0, -1, 1, -2 become 0, 1, 2, 3.
    """
    signed = np.asarray(values, dtype=np.int64)
    return np.where(signed < 0, -2 * signed - 1, 2 * signed)


def varints(values: npt.ArrayLike) -> bytes:
    """Write unsigned integers seven bits at a time, lowest first (LEB128).

    Parameters
    ----------
    values : array of int
        Integers from 0 to 2**35 - 1, flattened in C order.

    Returns
    -------
    bytes
        One to five bytes a number.
    """
    numbers = np.ascontiguousarray(values, dtype=np.int64).ravel()
    if np.max(numbers, initial=0) < 0x80:
        short: bytes = numbers.astype(np.uint8).tobytes()
        return short
    shifts = np.arange(0, 35, 7)
    septets = (numbers[:, None] >> shifts) & 0x7F
    length = 1 + np.sum(numbers[:, None] >= (1 << shifts[1:]), axis=1)
    column = np.arange(len(shifts))
    septets |= np.where(column < (length - 1)[:, None], 0x80, 0)
    written: bytes = septets[column < length[:, None]].astype(np.uint8).tobytes()
    return written


def nullable(values: npt.ArrayLike, prediction: npt.ArrayLike = 0) -> Integers:
    """Code whole numbers with gaps as distances from a prediction that the reader shares.

    Parameters
    ----------
    values : array of float
        Whole numbers, NaN where missing.
    prediction : array of float
        What the reader expects there; what is not finite counts as 0.

    Returns
    -------
    ndarray of int64
        0 where missing, otherwise one more than the zigzag of the distance.
    """
    numbers = np.asarray(values, dtype=float)
    expected = np.asarray(prediction, dtype=float)
    expected = np.where(np.isfinite(expected), expected, 0)
    missing = np.isnan(numbers)
    distance = np.where(missing, 0, numbers - expected)
    return np.where(missing, 0, zigzag(distance) + 1)


def surprises(codes: npt.ArrayLike, expected: npt.ArrayLike) -> Integers:
    """Code small whole numbers as 0 where they are what the reader expects.

    Parameters
    ----------
    codes : array of int
        Numbers from 0.
    expected : array of int
        What the reader works out.

    Returns
    -------
    ndarray of int64
        0 where equal, otherwise one more than the code.
    """
    actual = np.asarray(codes, dtype=np.int64)
    return np.where(actual == np.asarray(expected), 0, actual + 1)


def nearest(values: npt.ArrayLike, scale: float = 1) -> npt.NDArray[np.float64]:
    """Round to whole steps, halves upward as JavaScript does, keeping NaN.

    Parameters
    ----------
    values : array of float
        What to round.
    scale : float
        Steps per unit.

    Returns
    -------
    ndarray of float64
        Whole numbers or NaN.
    """
    return np.floor(np.asarray(values, dtype=float) * scale + 0.5)


def packed(data: bytes) -> str:
    """Compress bytes for a page.

    Parameters
    ----------
    data : bytes
        What to pack.

    Returns
    -------
    str
        Base64 of gzip, without a time stamp.
    """
    # The bytes are small distances: strings that repeat are rarer in them than in text.
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP, MEMORY, zlib.Z_FILTERED)
    compressed = deflate.compress(data) + deflate.flush()
    return base64.b64encode(compressed).decode("ascii")
