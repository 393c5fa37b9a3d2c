"""Firms that share their characteristics, counted together: six million rows become thousands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geo_engine.errors import StatisticsError, TableError
from geo_engine.tables import require_columns

CELL_COUNTS = ("firms", "positive")
"""Firms of a cell, and those with the signal; sums of weights where firms carry weights."""


@dataclass(frozen=True, kw_only=True)
class FirmModel:
    """What the logistic regression of a signal on firms' characteristics asks for."""

    outcome: str
    """Boolean column: has the firm the signal? Missing means unknown, and leaves."""
    factors: dict[str, str] = field(default_factory=dict)
    """Categorical columns and their reference level; "" takes the level with most firms."""
    numbers: tuple[str, ...] = ()
    """Numeric columns of firms, e.g. age in years; an effect is per unit of the column."""
    context: tuple[str, ...] = ()
    """Numeric columns of the table of places, the same for all firms of a place."""
    place: str = "pro_com_t"
    """Column of the municipality: errors are clustered by it."""
    weight: str = ""
    """Column of weights, e.g. the part of a firm that belongs to a chain; "" weighs all one."""
    alpha: float = 0.05
    """One less the level of the intervals."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of firms that make a cell, the place first."""
        return (self.place, *self.factors, *self.numbers)


def collapse_firms(firms: pd.DataFrame, model: FirmModel) -> pd.DataFrame:
    """Count firms that the model cannot tell apart.

    The likelihood, its maximum and the clustered errors depend on these counts only, so the
    estimates are those of the single firms.

    Parameters
    ----------
    firms : DataFrame
        One row per firm (or per firm and chain, with ``model.weight``).
    model : FirmModel
        Columns to use.

    Returns
    -------
    DataFrame
        ``model.columns`` and ``CELL_COUNTS``, sorted, without rows where a column is missing;
        ``attrs["left_out"]`` counts those by column (a row counts at its first missing column).

    Raises
    ------
    TableError
        ``MISSING_COLUMN``, ``SIGNAL_NOT_BOOLEAN`` or ``WEIGHT_INVALID``.
    """
    named = (model.outcome, *model.columns, *((model.weight,) if model.weight else ()))
    require_columns(firms, named, "The table of firms")
    kept = np.ones(len(firms), dtype=bool)
    left_out: dict[str, int] = {}
    for name in named:
        missing = firms[name].isna().to_numpy() & kept
        left_out[name] = int(missing.sum())
        kept &= ~missing
    rows = firms.loc[kept, list(dict.fromkeys(named))]
    weight = _weights(rows, model)
    rows = rows[list(model.columns)].assign(
        firms=weight, positive=weight * _outcome(rows[model.outcome])
    )
    cells = _sum(rows, model)
    cells.attrs["left_out"] = {name: count for name, count in left_out.items() if count}
    return cells


def merge_cells(parts: Iterable[pd.DataFrame], model: FirmModel) -> pd.DataFrame:
    """Add up the cells of several batches of firms.

    Parameters
    ----------
    parts : iterable of DataFrame
        Results of ``collapse_firms`` with the same model.
    model : FirmModel
        The model.

    Returns
    -------
    DataFrame
        As if all firms had been collapsed at once.

    Raises
    ------
    StatisticsError
        ``NO_FIRMS`` when there is no part.
    """
    parts = list(parts)
    if not parts:
        raise StatisticsError("NO_FIRMS", "No batch of firms was given; the extract is empty.")
    cells = _sum(pd.concat([part.copy(deep=False) for part in parts]), model)
    left_out: dict[str, int] = {}
    for part in parts:
        for name, count in part.attrs.get("left_out", {}).items():
            left_out[name] = left_out.get(name, 0) + count
    cells.attrs["left_out"] = left_out
    return cells


def _sum(rows: pd.DataFrame, model: FirmModel) -> pd.DataFrame:
    """Sum the counts of equal rows, first as they come and then by the text of their levels."""
    keys, counts = list(model.columns), list(CELL_COUNTS)
    cells = rows.groupby(keys, sort=False, observed=True)[counts].sum().reset_index()
    texts = {name: cells[name].astype(str) for name in (model.place, *model.factors)}
    numbers = {name: cells[name].astype(np.float64) for name in model.numbers}
    cells = cells.assign(**texts, **numbers)
    return cells.groupby(keys, sort=True)[counts].sum().reset_index()


def _outcome(values: pd.Series) -> np.ndarray:
    """Read a signal as 0 and 1."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    other = ~np.isin(numbers, (0.0, 1.0))
    if other.any():
        raise TableError(
            "SIGNAL_NOT_BOOLEAN",
            f"{int(other.sum())} of {len(values)} values of {values.name} are neither true nor "
            f"false, e.g. {values[other].iloc[0]!r}. Derive a yes-or-no signal first.",
        )
    return numbers


def _weights(rows: pd.DataFrame, model: FirmModel) -> np.ndarray:
    """Read the weights; all one without a column."""
    if not model.weight:
        return np.ones(len(rows))
    weight = rows[model.weight].to_numpy(np.float64)
    wrong = ~(np.isfinite(weight) & (weight > 0))
    if wrong.any():
        raise TableError(
            "WEIGHT_INVALID",
            f"{int(wrong.sum())} of {len(weight)} weights in {model.weight} are not positive.",
        )
    return weight
