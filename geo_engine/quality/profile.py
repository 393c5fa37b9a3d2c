"""What the columns of an extract hold: how full, of which kind, how many distinct values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from geo_engine.quality.scan import (
    BLANK,
    DATE,
    DECIMAL,
    INTEGER,
    KINDS,
    REGISTERS,
    TEXT,
    ZEROS,
    hash_column,
    scan_column,
)
from geo_engine.quality.texts import text_array, text_buffers

KIND_NAMES = {
    INTEGER: "integer",
    ZEROS: "code",
    DECIMAL: "decimal",
    DATE: "date",
    TEXT: "text",
}
"""Kinds of filled fields; a code is figures that begin with a zero."""
PURE = 0.99
"""Share of the filled fields from which a column is of one kind."""


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What one column holds; adds up over batches."""

    kinds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(KINDS, np.int64))
    """Fields by kind."""
    registers: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(REGISTERS, np.uint8))
    """From which the number of distinct values is estimated."""

    @property
    def rows(self) -> int:
        """Fields, blank or not."""
        return int(self.kinds.sum())

    @property
    def filled(self) -> int:
        """Fields that hold more than blanks."""
        return self.rows - int(self.kinds[BLANK])

    @property
    def distinct(self) -> int:
        """Distinct filled fields: an estimate, within about 2 %, and never above ``filled``."""
        return min(self.filled, _estimate(self.registers))

    @property
    def kind(self) -> str:
        """Name of the kind, "a+b" for the two most frequent of several, "" when all is blank."""
        counts = {name: int(self.kinds[kind]) for kind, name in KIND_NAMES.items()}
        if counts["code"]:  # figures of one column with and without a leading zero are one kind
            counts["code"] += counts.pop("integer")
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if not self.filled:
            return ""
        if ordered[0][1] >= PURE * self.filled:
            return ordered[0][0]
        return "+".join(name for name, rows in ordered[:2] if rows)


Profile = dict[str, ColumnProfile]
"""What each column holds, by its name."""


def scan_rows(rows: pa.Table, year: NDArray[np.generic]) -> tuple[NDArray[np.uint64], Profile]:
    """Give each row two keys, and sum up what the columns hold, in one pass.

    Parameters
    ----------
    rows : Table
        Text columns.
    year : ndarray of int
        Reference year of each row, part of its identity.

    Returns
    -------
    tuple
        Keys, uint64 of shape (rows, 2): equal for rows of equal text in columns of equal names, in
        whatever order, two independent hashes; and the profile, in the order of the columns.
    """
    keys = np.zeros((rows.num_rows, 2), np.uint64)
    for side in range(2):
        keys[:, side] = year.astype(np.int64).view(np.uint64) + np.uint64(side)
    profile = {name: ColumnProfile() for name in rows.column_names}
    for name in sorted(rows.column_names):
        data, offsets = text_buffers(rows.column(name))
        column = profile[name]
        scan_column(data, offsets, _salt(name), keys, column.kinds, column.registers)
    return keys, profile


def profile_columns(rows: pa.Table) -> Profile:
    """Sum up what the columns hold.

    Parameters
    ----------
    rows : Table
        Text columns.

    Returns
    -------
    dict
        Profile by column.
    """
    return scan_rows(rows, np.zeros(rows.num_rows, np.int64))[1]


def merge_profiles(profiles: Iterable[Profile]) -> Profile:
    """Add up the profiles of several batches, in order of first appearance.

    Parameters
    ----------
    profiles : iterable of dict
        As from :func:`scan_rows`.

    Returns
    -------
    dict
        The same form.
    """
    total: Profile = {}
    for profile in profiles:
        for name, column in profile.items():
            before = total.get(name)
            total[name] = column if before is None else _add(before, column)
    return total


def quality_table(profile: Mapping[str, ColumnProfile]) -> pd.DataFrame:
    """Give a profile as a table.

    Parameters
    ----------
    profile : mapping
        As from :func:`merge_profiles`.

    Returns
    -------
    DataFrame
        column, rows, filled, share_filled (0 to 1), distinct (an estimate), kind.
    """
    table = pd.DataFrame(
        [(name, *_facts(column)) for name, column in profile.items()],
        columns=["column", "rows", "filled", "distinct", "kind"],
    )
    share = table["filled"] / table["rows"].where(table["rows"] > 0)
    table.insert(3, "share_filled", share)
    return table


def text_hashes(values: pd.Series, role: str) -> NDArray[np.uint64]:
    """Hash texts of one role.

    Parameters
    ----------
    values : Series of str
        Texts.
    role : str
        Texts of different roles never share a key by being equal.

    Returns
    -------
    ndarray of uint64
        One key a value.
    """
    keys = np.zeros(len(values), np.uint64)
    data, offsets = text_buffers(values)
    hash_column(data, offsets, _salt(role), keys)
    return keys


def _salt(name: str) -> np.uint64:
    """Turn a name into a number that stays the same between runs and machines."""
    data, offsets = text_buffers(text_array(pa.array([name], pa.large_string())))
    keys = np.zeros(1, np.uint64)
    hash_column(data, offsets, np.uint64(0x9E6C63D0876A9A47), keys)
    return np.uint64(keys[0])


def _facts(column: ColumnProfile) -> tuple[int, int, int, str]:
    """Give the facts of one column."""
    return column.rows, column.filled, column.distinct, column.kind


def _add(one: ColumnProfile, other: ColumnProfile) -> ColumnProfile:
    """Add up two profiles of one column."""
    return ColumnProfile(
        kinds=one.kinds + other.kinds, registers=np.maximum(one.registers, other.registers)
    )


def _estimate(registers: NDArray[np.uint8]) -> int:
    """Estimate the distinct values behind the registers (Flajolet et al. 2007; linear below)."""
    size = len(registers)
    empty = int((registers == 0).sum())
    if empty == size:
        return 0
    raw = 0.7213 / (1 + 1.079 / size) * size**2 / np.exp2(-registers.astype(float)).sum()
    if empty and raw <= 2.5 * size:
        return max(1, round(size * np.log(size / empty)))
    return round(raw)
