"""Places like a place: nearest in size, density, area, coast and specialization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from geo_engine.errors import StatisticsError, TableError

FloatArray = npt.NDArray[np.float64]

NUMBER = 15
"""Similar places of each."""
SPARE = 16
"""More neighbors asked for than shown, to order equally distant ones by code."""
LOGARITHMIC = ("population", "firms", "density", "area_km2")
"""Features whose ratios count, rather than their differences."""


@dataclass(frozen=True, kw_only=True)
class SimilarPlaces:
    """The most similar places of each, nearest first."""

    index: pd.Index
    """``pro_com_t`` of the places."""
    neighbors: npt.NDArray[np.int64]
    """Shape (places, number): positions in ``index``; -1 where the place lacks a feature."""
    distance: FloatArray
    """Of the same shape: root of the mean squared difference, in standard deviations."""
    features: tuple[str, ...]
    """What was compared; constant features are left out."""

    def matrix(self) -> csr_array:
        """Give the similar places as a matrix of ones, shape (places, places)."""
        row, column = np.nonzero(self.neighbors >= 0)
        at = (row, self.neighbors[row, column])
        return csr_array((np.ones(len(row)), at), shape=(len(self.index), len(self.index)))


def similar_places(
    features: pd.DataFrame,
    *,
    number: int = NUMBER,
    logarithmic: Sequence[str] = LOGARITHMIC,
    weights: Mapping[str, float] | None = None,
) -> SimilarPlaces:
    """Find the places nearest to each in standardized features.

    Parameters
    ----------
    features : DataFrame
        Indexed by ``pro_com_t``; numbers or booleans, for instance population (persons), density
        (persons per square kilometer), area_km2, coastal, altitude_m, degree_of_urbanization and
        location quotients. Text columns are categories: 0 or 1 apart, whatever they are.
    number : int
        Similar places of each.
    logarithmic : sequence of str
        Features taken as log(1 + x) before they are standardized; those absent do not matter.
    weights : mapping of str to float, optional
        Importance of features; 1 where not named. A category counts once, whatever its values.

    Returns
    -------
    SimilarPlaces
        Deterministic: equally distant places come in the order of their codes. A place lacking a
        feature has none and is nobody's.

    Raises
    ------
    TableError
        ``FEATURE_RANGE`` for negative values of a logarithmic feature, or an index with duplicates.
    StatisticsError
        ``NO_FEATURES`` when none varies; ``FEW_PLACES`` for fewer complete places than ``number``
        and one; ``WEIGHTS_INVALID``.
    """
    from scipy.spatial import cKDTree

    if not features.index.is_unique:
        raise TableError("FEATURE_RANGE", "A place stands twice in the features. Keep one row.")
    table, names = _standardized(features, logarithmic, weights or {})
    complete = np.flatnonzero(np.isfinite(table).all(axis=1))
    if len(complete) <= number or number < 1:
        raise StatisticsError(
            "FEW_PLACES",
            f"{len(complete):,} places have all of {', '.join(names)}; {number} similar ones need "
            f"more than {number}.",
        )
    order = complete[np.argsort(features.index[complete].astype(str), kind="stable")]
    points = table[order]
    asked = min(len(points), number + 1 + SPARE)
    distance, found = cKDTree(points).query(points, k=asked)
    near, far = _ordered(points, np.round(distance, 9), found, number)
    neighbors = np.full((len(features), number), -1, np.int64)
    lengths = np.full((len(features), number), np.nan)
    neighbors[order], lengths[order] = order[near], far
    return SimilarPlaces(
        index=features.index, neighbors=neighbors, distance=lengths, features=names
    )


def _standardized(
    features: pd.DataFrame, logarithmic: Sequence[str], weights: Mapping[str, float]
) -> tuple[FloatArray, tuple[str, ...]]:
    """Give the features that vary, in standard deviations and by their weight."""
    parts: list[FloatArray] = []
    names: list[str] = []
    loads: list[float] = []
    for name, column in features.items():
        block = _block(str(name), column, str(name) in logarithmic)
        load = float(weights.get(str(name), 1.0))
        if not 0 <= load < np.inf:
            raise StatisticsError("WEIGHTS_INVALID", f"The weight of {name} is {load}.")
        if block is not None and load > 0:
            parts.append(block * np.sqrt(load))
            names.append(str(name))
            loads.append(load)
    if not parts:
        raise StatisticsError("NO_FEATURES", "No feature varies between places; give others.")
    return np.hstack(parts) / np.sqrt(sum(loads)), tuple(names)


def _block(name: str, column: pd.Series, logarithmic: bool) -> FloatArray | None:
    """Standardize a number, or spread a category over columns whose distance is 1 in all."""
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        x = column.to_numpy(np.float64, na_value=np.nan)
        x = np.where(np.isfinite(x), x, np.nan)
        if logarithmic:
            if (x < 0).any():
                raise TableError("FEATURE_RANGE", f"{int((x < 0).sum()):,} values of {name} < 0.")
            x = np.log1p(x)
        known = x[np.isfinite(x)]
        spread = known.std() if len(known) else 0.0
        if spread <= 1e-12 * max(1.0, float(np.abs(known).max(initial=0.0))):
            return None
        return ((x - known.mean()) / spread)[:, None]
    codes, values = pd.factorize(column, sort=True)
    if len(values) < 2:
        return None
    ones = np.eye(len(values))[codes] / np.sqrt(2)
    return np.where((codes >= 0)[:, None], ones, np.nan)


def _ordered(
    points: FloatArray, distance: FloatArray, found: npt.NDArray[np.int64], number: int
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Leave out the place itself and order equally distant ones by position."""
    n, asked = found.shape
    own = found == np.arange(n)[:, None]
    distance = np.where(own, np.inf, distance)
    order = np.lexsort((found, distance), axis=1)[:, :number]
    near = np.take_along_axis(found, order, axis=1)
    far = np.take_along_axis(distance, order, axis=1)
    # where the last one asked for is as near as the last one shown, others may be too
    last = np.where(own, -np.inf, distance).max(axis=1)
    open_ = np.flatnonzero((far[:, -1] >= last) & (asked < n))
    for row in open_:
        whole = np.round(np.sqrt(((points - points[row]) ** 2).sum(axis=1)), 9)
        whole[row] = np.inf
        near[row] = np.argsort(whole, kind="stable")[:number]
        far[row] = whole[near[row]]
    return near, far
