"""Years of registration and of cessation of the firms of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.study import LAST_YEAR, FirmSource

YEAR_PATTERN = (
    r"^(?:(\d{4})(?:\.0+)?|(\d{4})[/.-]\d{1,2}[/.-]\d{1,2}(?:[ T].*)?"
    r"|\d{1,2}[/.-]\d{1,2}[/.-](\d{4})(?: .*)?)$"
)
"""A year, a date that begins with it, or one that ends with it."""
EARLIEST = 1800
"""Registers of firms hold none that are older."""
UNKNOWN = np.int16(0)
DATE_INVALID = "DATE_INVALID"
"""Flag of a row whose dates cannot be read, or contradict each other; they are then unknown."""


@dataclass(frozen=True, kw_only=True)
class Dates:
    """When the firms of a batch began and ended; arrays over its rows."""

    registered: npt.NDArray[np.int16]
    """Calendar year, 0 unknown."""
    ceased: npt.NDArray[np.int16]
    """Calendar year, 0 unknown or still there."""
    flags: npt.NDArray[np.object_]
    """``DATE_INVALID`` or ""."""


def read_year(texts: pd.Series) -> npt.NDArray[np.int16]:
    """Read the year of texts that hold a year or a date.

    Parameters
    ----------
    texts : Series of str
        As written.

    Returns
    -------
    ndarray of int16
        0 where there is neither.
    """
    which, distinct = pd.factorize(texts)  # few distinct dates, however many rows
    parts = pd.Series(distinct, dtype="str").str.extract(YEAR_PATTERN)
    year = parts[0].fillna(parts[1]).fillna(parts[2]).fillna("0")
    return np.asarray(year.to_numpy().astype(np.int16)[which], np.int16)


def read_dates(
    text: Callable[[str], pd.Series], source: FirmSource, year: npt.NDArray[np.integer]
) -> Dates:
    """Read registration and cessation of each row.

    Parameters
    ----------
    text : callable
        Gives the column of a role as text.
    source : FirmSource
        Of the batch.
    year : ndarray of int
        Reference year of each row.

    Returns
    -------
    Dates
        A registration after the reference year, and a cessation before the registration, are
        errors of the extract: both dates of such a row are unknown, and it is flagged.
    """
    read = {}
    wrong = np.zeros(len(year), dtype=bool)
    for role in ("registered", "ceased"):
        found = np.full(len(year), UNKNOWN)
        if getattr(source.columns, role) is not None and source.kind == "records":
            texts = text(role)
            found = read_year(texts)
            wrong |= (texts != "").to_numpy() & ((found < EARLIEST) | (found > LAST_YEAR))
        read[role] = found
    registered, ceased = read["registered"], read["ceased"]
    dated = registered != UNKNOWN
    wrong |= dated & (registered > year)
    wrong |= dated & (ceased != UNKNOWN) & (ceased < registered)
    return Dates(
        registered=np.where(wrong, UNKNOWN, registered),
        ceased=np.where(wrong, UNKNOWN, ceased),
        flags=np.where(wrong, DATE_INVALID, "").astype(object),
    )
