"""Places of a regression: rows that are complete, in one order, with their graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from libpysal.graph import Graph
from scipy.sparse import csr_array

from geo_engine.errors import StatisticsError, TableError
from geo_engine.tables import require_columns

FloatArray = npt.NDArray[np.float64]

MIN_PLACES_PER_TERM = 5
"""Fewer places for each coefficient are refused."""


@dataclass(frozen=True, kw_only=True)
class PlaceModel:
    """What a regression on places asks for."""

    outcome: str
    """Numeric column that is explained, e.g. the digital share."""
    terms: tuple[str, ...]
    """Numeric columns; a coefficient is per unit of the column."""
    groups: str = ""
    """Categorical column (``cod_reg``) with an intercept for each level; "" has one in all. Each
    place is then compared with places of its group."""
    alpha: float = 0.05
    """One less the level of the intervals."""
    seed: int = 20250101
    """Of the draws behind the intervals of impacts, and of the sample of a bandwidth search."""


@dataclass(frozen=True, kw_only=True)
class PlaceSample:
    """Complete places of a regression."""

    index: pd.Index
    """``pro_com_t``, sorted."""
    outcome: FloatArray
    design: FloatArray
    """Intercept, terms, then one column for each group but the first."""
    terms: tuple[str, ...]
    groups: int
    """Levels of the groups; 1 without groups."""
    weights: csr_array
    """Row-standardized; rows of isolates are empty."""
    left_out: dict[str, int]
    """Places that left, by the column that was missing first, and as ``isolate``."""
    isolates: int
    """Places of the sample without a neighbor in it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the reported columns: intercept and terms."""
        return ("intercept", *self.terms)


def sample_places(
    table: pd.DataFrame, graph: Graph, model: PlaceModel, *, drop_isolates: bool = False
) -> PlaceSample:
    """Keep the places that have every value, and their links.

    Parameters
    ----------
    table : DataFrame
        Columns of the model by ``pro_com_t``, one row per place.
    graph : Graph
        Neighbors; places of the table that it does not know count as isolates.
    model : PlaceModel
        The model.
    drop_isolates : bool
        Leave out places without a neighbor, as models with a spatial lag must.

    Returns
    -------
    PlaceSample
        The sample; what left is counted.

    Raises
    ------
    TableError
        ``MISSING_COLUMN`` or ``PLACE_INDEX``.
    StatisticsError
        ``FEW_PLACES``, ``CONSTANT`` or ``COLLINEAR``.
    """
    named = (model.outcome, *model.terms, *((model.groups,) if model.groups else ()))
    require_columns(table, named, "The table of places")
    if not table.index.is_unique:
        raise TableError("PLACE_INDEX", "Index the places by a unique pro_com_t.")
    table = table.set_axis(table.index.astype(str), axis=0).sort_index()
    numbers = table[[model.outcome, *model.terms]].astype(np.float64)
    left_out: dict[str, int] = {}
    kept = np.ones(len(table), dtype=bool)
    for name in named:
        known = np.isfinite(numbers[name]) if name in numbers else table[name].notna()
        missing = kept & ~known.to_numpy()
        kept &= ~missing
        if missing.any():
            left_out[name] = int(missing.sum())
    links = _links(graph, table.index)
    alone = _isolates(links, kept)
    if drop_isolates:
        while alone.any():
            # A place may have been the only neighbor of another.
            left_out["isolate"] = left_out.get("isolate", 0) + int(alone.sum())
            kept &= ~alone
            alone = _isolates(links, kept)
    design, groups = _design(numbers[kept], table[kept], model)
    outcome = numbers[model.outcome].to_numpy()[kept]
    _check(outcome, design, model)
    return PlaceSample(
        index=table.index[kept],
        outcome=outcome,
        design=design,
        terms=model.terms,
        groups=groups,
        weights=_standardized(links[kept][:, kept]),
        left_out=left_out,
        isolates=int(alone.sum()),
    )


def _links(graph: Graph, index: pd.Index) -> csr_array:
    """Give the graph's weights between places of the index, without loops."""
    adjacency = graph.adjacency.reset_index()
    focal = index.get_indexer(adjacency["focal"].astype(str))
    neighbor = index.get_indexer(adjacency["neighbor"].astype(str))
    weight = adjacency["weight"].to_numpy(np.float64)
    inside = (focal >= 0) & (neighbor >= 0) & (focal != neighbor) & (weight != 0)
    if (weight[inside] < 0).any():
        raise StatisticsError("WEIGHT_INVALID", "The graph has negative weights; give others.")
    shape = (len(index), len(index))
    return csr_array((weight[inside], (focal[inside], neighbor[inside])), shape=shape)


def _isolates(links: csr_array, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Mark the kept places without a kept neighbor."""
    return kept & (np.asarray(links @ kept.astype(np.float64)) <= 0)


def _standardized(links: csr_array) -> csr_array:
    """Make each row sum to one; empty rows stay."""
    total = np.asarray(links.sum(axis=1)).ravel()
    rows = csr_array(links)
    rows.data = rows.data / np.repeat(np.where(total > 0, total, 1), np.diff(rows.indptr))
    rows.sort_indices()
    return rows


def _design(
    numbers: pd.DataFrame, table: pd.DataFrame, model: PlaceModel
) -> tuple[FloatArray, int]:
    """Put the columns side by side."""
    blocks = [np.ones((len(numbers), 1)), numbers[list(model.terms)].to_numpy()]
    levels = 1
    if model.groups:
        codes, found = pd.factorize(table[model.groups].astype(str), sort=True)
        levels = len(found)
        blocks.append((codes[:, None] == np.arange(1, levels)).astype(np.float64))
    return np.hstack(blocks), levels


def _check(outcome: FloatArray, design: FloatArray, model: PlaceModel) -> None:
    """Refuse samples on which no coefficient is determined."""
    places, columns = design.shape
    if places < MIN_PLACES_PER_TERM * columns:
        raise StatisticsError(
            "FEW_PLACES",
            f"{places} places are complete and the model has {columns} coefficients; "
            f"{MIN_PLACES_PER_TERM * columns} places are needed. Leave out terms or groups.",
        )
    if np.ptp(outcome) == 0:
        raise StatisticsError("CONSTANT", f"{model.outcome} is the same in all {places} places.")
    length = np.sqrt((design**2).sum(axis=0))
    rank = np.linalg.matrix_rank(design / np.where(length > 0, length, 1), tol=1e-8)
    if rank < columns:
        constant = [n for n, x in zip(model.terms, design[:, 1:].T, strict=False) if np.ptp(x) == 0]
        which = f"{', '.join(constant)} never varies" if constant else "some terms say the same"
        raise StatisticsError(
            "COLLINEAR",
            f"The {columns} columns of the model carry {rank} pieces of information: {which}"
            f"{' within groups' if model.groups and not constant else ''}. Leave terms out.",
        )
