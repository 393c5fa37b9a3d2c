"""The single firms of a study: each enterprise once a year where it counts once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SingleFirms:
    """Firms, and the rows of a table that are of each."""

    order: Positions
    """Rows of the table, those of one firm together."""
    starts: Positions
    """Where in ``order`` each firm begins."""
    years: npt.NDArray[np.int64]
    """Year of each."""
    table: pd.DataFrame

    def largest(self, name: str) -> npt.NDArray[np.int64]:
        """Give the largest value that any row of a firm has."""
        values = self.table[name].to_numpy()[self.order]
        if not len(values):
            return np.zeros(0, np.int64)
        return np.maximum.reduceat(values, self.starts).astype(np.int64)

    def any_bits(self, name: str) -> npt.NDArray[np.uint16]:
        """Give the bits that any row of a firm has."""
        values = self.table[name].to_numpy()[self.order]
        if not len(values):
            return np.zeros(0, np.uint16)
        return np.bitwise_or.reduceat(values, self.starts).astype(np.uint16)

    @property
    def first(self) -> Positions:
        """Give the position of the first row of each."""
        return self.order[self.starts]


def single_firms(
    firms: pd.DataFrame, single: npt.NDArray[np.bool_], *, distinct: bool
) -> SingleFirms:
    """Give the rows of single firms, those of one enterprise and year together.

    Parameters
    ----------
    firms : DataFrame
        ``Intake.firms``: year, and firm, the key of the enterprise.
    single : ndarray of bool
        Rows that are single firms, not counts.
    distinct : bool
        Whether an enterprise counts once a year; otherwise each row is a firm.

    Returns
    -------
    SingleFirms
        In the order of the keys, or of the rows.
    """
    rows = np.flatnonzero(single)
    year = firms["year"].to_numpy()[rows]
    if not distinct:
        starts = np.arange(len(rows))
        return SingleFirms(order=rows, starts=starts, years=year.astype(np.int64), table=firms)
    key = firms["firm"].to_numpy()[rows]
    order = np.lexsort((year, key))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(year[order]) != 0) | (key[order][1:] != key[order][:-1])
    starts = np.flatnonzero(new)
    years = year[order][starts].astype(np.int64)
    return SingleFirms(order=rows[order], starts=starts, years=years, table=firms)
