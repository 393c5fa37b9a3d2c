"""From cells of firms to the columns of a regression, and which of them data can tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.drivers.firm_cells import FirmModel
from geo_engine.errors import StatisticsError, TableError
from geo_engine.tables import require_columns

FloatArray = npt.NDArray[np.float64]
INTERCEPT = "intercept"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the regression."""

    term: str
    """Name of the characteristic."""
    kind: str
    """``intercept``, ``factor``, ``number`` or ``context``."""
    level: str = ""
    """Level of a factor."""
    reference: str = ""
    """Level of the factor that this one is compared with."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """Columns of the regression for each cell."""

    columns: tuple[Column, ...]
    matrix: FloatArray
    """Cells x columns."""
    firms: FloatArray
    positive: FloatArray
    cluster: npt.NDArray[np.int64]
    """Position of each cell's place among the places, from 0."""
    left_out: dict[str, int]
    """Rows that left, by the column that was missing."""

    def rows(self, kept: npt.NDArray[np.bool_]) -> Design:
        """Keep some cells; the clusters are numbered anew."""
        _, cluster = np.unique(self.cluster[kept], return_inverse=True)
        return Design(
            columns=self.columns,
            matrix=self.matrix[kept],
            firms=self.firms[kept],
            positive=self.positive[kept],
            cluster=cluster.astype(np.int64),
            left_out=self.left_out,
        )


def design_of(cells: pd.DataFrame, places: pd.DataFrame | None, model: FirmModel) -> Design:
    """Build the columns: an intercept, one per level but the reference, and the numbers.

    Parameters
    ----------
    cells : DataFrame
        From ``collapse_firms``.
    places : DataFrame or None
        ``model.context`` by ``pro_com_t``; None where there is no context.
    model : FirmModel
        The model.

    Returns
    -------
    Design
        Cells whose place is unknown to ``places``, or lacks a context value, are left out and
        counted in firms.

    Raises
    ------
    TableError
        ``MISSING_COLUMN`` or ``COUNTS_INVALID``.
    StatisticsError
        ``NO_FIRMS``, ``REFERENCE_UNKNOWN`` or ``FEW_CLUSTERS``.
    """
    require_columns(cells, (*model.columns, "firms", "positive"), "The table of cells")
    _check_cells(cells, model)
    left_out = dict(cells.attrs.get("left_out", {}))
    context, known = _context(cells, places, model, left_out)
    cells, context = cells[known], context[known]
    if len(cells) == 0:
        raise StatisticsError(
            "NO_FIRMS", "No firm has a known signal and all characteristics; nothing to compare."
        )
    firms = cells["firms"].to_numpy(np.float64)
    columns: list[Column] = [Column(term=INTERCEPT, kind="intercept")]
    blocks: list[FloatArray] = [np.ones((len(cells), 1))]
    for name, reference in model.factors.items():
        levels, dummies = _factor(cells[name], firms, name, reference)
        columns += levels
        blocks.append(dummies)
    columns += [Column(term=name, kind="number") for name in model.numbers]
    columns += [Column(term=name, kind="context") for name in model.context]
    blocks += [cells[list(model.numbers)].to_numpy(np.float64), context]
    cluster, clusters = pd.factorize(cells[model.place], sort=True)
    if len(clusters) < 2:
        raise StatisticsError(
            "FEW_CLUSTERS",
            f"All firms are in {len(clusters)} municipality: errors clustered by municipality "
            f"need at least two. Widen the coverage.",
        )
    return Design(
        columns=tuple(columns),
        matrix=np.hstack(blocks),
        firms=firms,
        positive=cells["positive"].to_numpy(np.float64),
        cluster=cluster.astype(np.int64),
        left_out=left_out,
    )


def _check_cells(cells: pd.DataFrame, model: FirmModel) -> None:
    """Refuse counts that cannot be: the user may have made them."""
    firms, positive = (cells[name].to_numpy(np.float64) for name in ("firms", "positive"))
    numbers = cells[list(model.numbers)].to_numpy(np.float64)
    sound = (firms > 0) & (positive >= 0) & (positive <= firms * (1 + 1e-12))
    sound &= np.isfinite(firms) & np.isfinite(numbers).all(axis=1)
    sound &= cells[list(model.columns)].notna().all(axis=1).to_numpy()
    if not sound.all():
        raise TableError(
            "COUNTS_INVALID",
            f"{int((~sound).sum())} of {len(cells)} cells lack a characteristic, have no firm, or "
            f"have more positive firms than firms. Correct them, or collapse single firms.",
        )


def _context(
    cells: pd.DataFrame, places: pd.DataFrame | None, model: FirmModel, left_out: dict[str, int]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Give each cell the context of its place, and which cells have all of it."""
    if not model.context:
        return np.empty((len(cells), 0)), np.ones(len(cells), dtype=bool)
    table = pd.DataFrame() if places is None else places
    require_columns(table, model.context, "The table of places")
    by_place = table[list(model.context)].set_axis(table.index.astype(str), axis=0)
    values = by_place.reindex(cells[model.place].astype(str)).to_numpy(np.float64)
    known: npt.NDArray[np.bool_] = np.isfinite(values).all(axis=1)
    lost = float(cells["firms"].to_numpy()[~known].sum())
    if lost:
        left_out["context"] = round(lost)
    return values, known


def _factor(
    values: pd.Series, firms: FloatArray, name: str, reference: str
) -> tuple[list[Column], FloatArray]:
    """Give one column per level but the reference, levels in the order of their names."""
    codes, levels = pd.factorize(values.astype(str), sort=True)
    counts = np.bincount(codes, weights=firms)
    names = [str(level) for level in levels]
    base = reference or names[int(np.argmax(counts))]
    if base not in names:
        raise StatisticsError(
            "REFERENCE_UNKNOWN",
            f"No firm has {name} = {base!r}; the levels found are {', '.join(names)}.",
        )
    others = [level for level in names if level != base]
    columns = [Column(term=name, kind="factor", level=level, reference=base) for level in others]
    positions = np.array([names.index(level) for level in others], dtype=np.int64)
    return columns, (codes[:, None] == positions[None, :]).astype(np.float64)
