"""The records that were set aside, for those who may repair them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from geo_engine import tables
from geo_engine.disclosure.publication import Publication
from geo_engine.errors import OutputError

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell of a CSV for a formula."""


def write_quarantine(publication: Publication, path: Path) -> None:
    """Write the records that were set aside, for those who may repair them.

    Parameters
    ----------
    publication : Publication
        Of an internal run.
    path : Path
        CSV to write: UTF-8 with a mark that Excel understands; a cell that a spreadsheet would take
        for a formula is preceded by an apostrophe.

    Raises
    ------
    OutputError
        ``NOT_PUBLIC`` in a public run: records hold names and tax codes.
    """
    if publication.audience != "internal":
        raise OutputError(
            "NOT_PUBLIC",
            "Quarantined records are internal. Set audience = 'internal' to keep them.",
        )
    table = publication.results.quarantine[list(tables.QUARANTINE_COLUMNS)]
    with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(tables.QUARANTINE_COLUMNS)
        for row in table.itertuples(index=False, name=None):
            writer.writerow([safe_cell(value) for value in row])


def safe_cell(value: object) -> object:
    """Disarm text that a spreadsheet would run; numbers stay numbers.

    Parameters
    ----------
    value : object
        Of one cell.

    Returns
    -------
    object
        An int as it is, and text; a missing value is empty.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell("063049"), safe_cell(None)
    ("'=1+1", '063049', '')
    """
    if isinstance(value, (int, np.integer)):
        return int(value)
    text = "" if value is None or value is pd.NA or value != value else str(value)
    text = text.replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
