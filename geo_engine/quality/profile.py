"""How full each column of an extract is."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Profile = dict[str, tuple[int, int]]
"""Rows and filled fields by column."""


def profile_columns(rows: pa.Table) -> Profile:
    """Count the filled fields of each column.

    Parameters
    ----------
    rows : Table
        Text columns.

    Returns
    -------
    dict
        Column -> (rows, fields that hold more than blanks).
    """
    return {name: (rows.num_rows, _filled(rows.column(name))) for name in rows.column_names}


def merge_profiles(profiles: Iterable[Profile]) -> Profile:
    """Add up the profiles of several batches, in order of first appearance.

    Parameters
    ----------
    profiles : iterable of dict
        As from :func:`profile_columns`.

    Returns
    -------
    dict
        The same form.
    """
    total: Profile = {}
    for profile in profiles:
        for name, (rows, filled) in profile.items():
            before = total.get(name, (0, 0))
            total[name] = (before[0] + rows, before[1] + filled)
    return total


def quality_table(profile: Profile) -> pd.DataFrame:
    """Give a profile as a table.

    Parameters
    ----------
    profile : dict
        As from :func:`merge_profiles`.

    Returns
    -------
    DataFrame
        column, rows, filled, share_filled (0 to 1).
    """
    table = pd.DataFrame(
        [(name, rows, filled) for name, (rows, filled) in profile.items()],
        columns=["column", "rows", "filled"],
    )
    table["share_filled"] = table["filled"] / table["rows"].where(table["rows"] > 0)
    return table


def _filled(column: pa.ChunkedArray) -> int:
    """Count fields that hold more than blanks."""
    found = pc.sum(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0)).as_py()
    return int(found or 0)
