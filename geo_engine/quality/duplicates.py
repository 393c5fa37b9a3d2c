"""Duplicates, by keys of rows: equal text, equal key, whatever the order of the columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

KEYS = ("geo-engine row 1", "geo-engine row 2")  # 16 bytes each, as pandas' SipHash wants them


def text_hashes(values: pd.Series, role: str) -> np.ndarray:
    """Hash texts of one role.

    Parameters
    ----------
    values : Series of str
        Texts without missing values.
    role : str
        Texts of different roles never share a key by being equal.

    Returns
    -------
    ndarray of uint64
        One key a value.
    """
    hashed = pd.util.hash_array(values.to_numpy(dtype=object), hash_key=KEYS[0])
    salt = pd.util.hash_array(np.array([role], dtype=object), hash_key=KEYS[1])[0]
    return np.asarray(hashed ^ salt, dtype=np.uint64)


def row_hashes(rows: pa.Table, year: np.ndarray) -> np.ndarray:
    """Hash whole rows twice, so that two different rows never look the same.

    Parameters
    ----------
    rows : Table
        Text columns.
    year : ndarray of int
        Reference year of each row, part of its identity.

    Returns
    -------
    ndarray of uint64, shape (rows, 2)
        Two independent keys; columns are taken by name, not by position.
    """
    hashes = np.zeros((rows.num_rows, 2), dtype=np.uint64)
    if not rows.num_rows:
        return hashes
    for side, key in enumerate(KEYS):
        total = pd.util.hash_array(year.astype(np.int64), hash_key=key)
        for name in sorted(rows.column_names):
            encoded = rows.column(name).combine_chunks().dictionary_encode()
            words = np.array([*encoded.dictionary.to_pylist(), ""], dtype=object)
            keys = pd.util.hash_array(words + f"\x1f{name}", hash_key=key, categorize=False)
            index = encoded.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
            total = _mix(total ^ keys[index])
        hashes[:, side] = total
    return hashes


def _mix(values: np.ndarray) -> np.ndarray:
    """Spread the bits, so that the XOR of columns does not cancel (SplitMix64's finalizer)."""
    with np.errstate(over="ignore"):
        mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


class SeenRows:
    """The rows met so far, as sorted keys: 16 bytes a row."""

    def __init__(self) -> None:
        self._keys = np.zeros((0, 2), dtype=np.uint64)

    def repeated(self, hashes: np.ndarray) -> np.ndarray:
        """Tell which rows were met before, in this call or an earlier one, and remember all.

        Parameters
        ----------
        hashes : ndarray of uint64, shape (rows, 2)
            From :func:`row_hashes`.

        Returns
        -------
        ndarray of bool
            True for every row but the first of its kind.
        """
        pairs = np.concatenate([self._keys, hashes])
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))  # stable: earlier rows come first
        ordered = pairs[order]
        same = np.zeros(len(pairs), dtype=bool)
        same[1:] = (ordered[1:] == ordered[:-1]).all(axis=1)
        again = np.zeros(len(pairs), dtype=bool)
        again[order] = same
        self._keys = ordered[~same]
        return again[len(pairs) - len(hashes) :]
