"""Texts of a column as bytes and offsets, the form in which compiled checks read them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Texts: TypeAlias = pa.Array | pa.ChunkedArray | pd.Series
Bytes = NDArray[np.uint8]


def text_buffers(values: Texts) -> tuple[Bytes, NDArray[np.int64]]:
    """Give the UTF-8 bytes of a column, and where each text begins and ends.

    Parameters
    ----------
    values : Array, ChunkedArray or Series
        Texts; a missing one is read as "".

    Returns
    -------
    tuple of array
        Bytes of all texts, and ``len(values) + 1`` offsets into them.
    """
    array = text_array(values)
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return content, ends


def text_array(values: Texts) -> pa.LargeStringArray:
    """Bring a column to one array of text without missing values.

    Parameters
    ----------
    values : Array, ChunkedArray or Series
        Texts, as strings of any kind or as a dictionary of them.

    Returns
    -------
    LargeStringArray
        As long as ``values``; "" for a missing text.
    """
    array = pa.array(values, from_pandas=True) if isinstance(values, pd.Series) else values
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if not pa.types.is_large_string(array.type):
        array = array.cast(pa.large_string())
    if array.null_count:
        array = pc.fill_null(array, "")
    return array if len(array) else pa.array([""], pa.large_string())[:0]
