"""Turns the columns of another table into keys and signals, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import TableError
from geo_engine.indicators.bounded import read_amounts
from geo_engine.indicators.signal_index import TableRows
from geo_engine.indicators.signal_keys import NO_KEY, Keys, dated_keys, rea_keys, tax_keys
from geo_engine.indicators.signal_values import ateco_signal, column_signal
from geo_engine.indicators.signals import SignalDefinition
from geo_engine.quality.numbers import Mark

_YEAR = (
    r"^(?:([12]\d{3})(?:\.0+|[/.-]\d{1,2}[/.-]\d{1,2}(?:\D.*)?)?"
    r"|\d{1,2}[/.-]\d{1,2}[/.-]([12]\d{3})(?:\D.*)?)$"
)
ColumnOf = Callable[[str | int], Any]
"""Gives a column of a batch as text, by its name or its number from 1."""


@dataclass(frozen=True, kw_only=True)
class KeyColumns:
    """Where a table writes who its rows are about; for the firms' own extract too."""

    tax_code: str | int | None = None
    """Tax code or VAT number."""
    rea: str | int | None = None
    province: str | int | None = None
    """Province of the REA number, where the number does not hold it."""
    year: str | int | None = None
    """Year for which a row speaks; it is then joined to that year's rows alone."""
    since: str | int | None = None
    """Year or date from which a row speaks, such as that of a grant; not with ``year``."""
    pseudonyms: bool = False
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    """Abbreviation of a province by its name."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Name the kinds of key, the one that counts first in front."""
        return tuple(kind for kind in ("tax_code", "rea") if getattr(self, kind) is not None)


def read_keys(column: ColumnOf, columns: KeyColumns, kinds: Sequence[str]) -> tuple[Keys, ...]:
    """Read the keys of a batch.

    Parameters
    ----------
    column : callable
        Gives a column of the batch.
    columns : KeyColumns
        Where they are.
    kinds : sequence of str
        Of the table that is looked up, in its order: "tax_code", "rea".

    Returns
    -------
    tuple of array of uint64
        One a kind; all 0 for a kind that the batch does not have.

    Raises
    ------
    TableError
        ``SIGNAL_KEYS`` for a kind that does not exist, or where the batch has none of them.
    """
    unknown = sorted(set(kinds) - {"tax_code", "rea"})
    if unknown or not set(kinds) & set(columns.kinds):
        raise TableError(
            "SIGNAL_KEYS",
            f"Tables are joined by tax_code or rea: asked {', '.join(kinds) or 'none'}, mapped "
            f"{', '.join(columns.kinds) or 'none'}. Map a column that both tables have.",
        )
    return tuple(_keys_of(column, columns, kind) for kind in kinds)


def table_rows(
    column: ColumnOf,
    columns: KeyColumns,
    signals: Sequence[SignalDefinition],
    *,
    mark: Mark = "",
    edition: str = "",
) -> TableRows:
    """Read keys and signals of a batch of another table.

    Parameters
    ----------
    column : callable
        Gives a column of the batch.
    columns : KeyColumns
        Of the table.
    signals : sequence of SignalDefinition
        Those whose ``source`` is the table; ``listed`` ones need no column.
    mark : {"", ".", ","}
        Decimal mark of the numbers.
    edition : str
        Edition of its ATECO codes, "" where it is undecided.

    Returns
    -------
    TableRows
        Of the batch. With ``year`` the years are part of the keys (see :func:`dated_firm_keys`);
        with ``since`` they stand beside them. A row whose year cannot be read has no key.

    Raises
    ------
    TableError
        ``SIGNAL_KEYS`` for ``year`` and ``since`` together.
    """
    if columns.year is not None and columns.since is not None:
        raise TableError(
            "SIGNAL_KEYS", "A row speaks of one year, or from a year on: map year or since."
        )
    keys = read_keys(column, columns, columns.kinds)
    since = None
    dated = columns.year if columns.since is None else columns.since
    if dated is not None:
        years = _years(column(dated))
        keys = tuple(np.where(years > 0, each, NO_KEY) for each in keys)
        since = years if columns.since is not None else None
        keys = keys if since is not None else dated_firm_keys(keys, years)
    verdicts, amounts = {}, {}
    for signal in signals:
        if signal.kind == "count":
            amounts[signal.key] = _amounts(column, signal, len(keys[0]), mark)
        elif signal.kind == "ateco_prefix" and signal.column is not None:
            verdicts[signal.key] = ateco_signal(signal, column(signal.column), edition)
        elif signal.kind != "listed" and signal.column is not None:
            verdicts[signal.key] = column_signal(signal, column(signal.column))
    return TableRows(keys=keys, signals=verdicts, amounts=amounts, since=since)


def thresholds_of(signals: Sequence[SignalDefinition]) -> dict[str, float]:
    """Give the thresholds of the counts of a table, for ``signal_index.index_table``.

    Parameters
    ----------
    signals : sequence of SignalDefinition
        As for :func:`table_rows`, checked.

    Returns
    -------
    dict of str to float
        By key of the signal.
    """
    return {
        signal.key: 1.0 if signal.threshold is None else signal.threshold
        for signal in signals
        if signal.kind == "count"
    }


def dated_firm_keys(keys: Sequence[Keys], years: np.ndarray) -> tuple[Keys, ...]:
    """Tie the keys of firms to the year of their row, for a table with a year of its own.

    Parameters
    ----------
    keys : sequence of array of uint64
        Of :func:`read_keys`.
    years : array of int
        Year of each row.

    Returns
    -------
    tuple of array of uint64
        For ``signal_join.match_firms``.
    """
    return tuple(dated_keys(each, years) for each in keys)


def _keys_of(column: ColumnOf, columns: KeyColumns, kind: str) -> Keys:
    """Read one kind of key."""
    if kind == "tax_code" and columns.tax_code is not None:
        return tax_keys(column(columns.tax_code), pseudonyms=columns.pseudonyms)
    if kind == "rea" and columns.rea is not None:
        provinces = None if columns.province is None else column(columns.province)
        return rea_keys(column(columns.rea), provinces, abbreviations=columns.abbreviations)
    other = columns.tax_code if columns.rea is None else columns.rea
    return np.zeros(0 if other is None else len(column(other)), np.uint64)


def _years(texts: Any) -> npt.NDArray[np.int64]:
    """Read years, also of dates; 0 where there is none."""
    column = texts.to_pandas() if hasattr(texts, "to_pandas") else pd.Series(texts)
    which, distinct = pd.factorize(column.astype("str").fillna("").str.strip())
    parts = pd.Series(distinct, dtype="str").str.extract(_YEAR)
    found = parts[0].fillna(parts[1]).fillna("0").to_numpy(object)
    return np.append(found.astype(np.int64), 0)[which]


def _amounts(column: ColumnOf, signal: SignalDefinition, rows: int, mark: Mark) -> np.ndarray:
    """Read the numbers of a count; ones where rows are counted."""
    if signal.column is None:
        return np.ones(rows)
    read = read_amounts(column(signal.column), mark=mark)
    return np.where(read.low == read.high, read.low, np.nan)
