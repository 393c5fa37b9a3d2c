"""Local Geary: how far a place is from its neighbors, in one variable or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine.space.column_tails import LocalP, drawn_p, exact_p, low_wanted
from geo_engine.space.conditional_moments import moments_of_differences, moments_of_sums
from geo_engine.space.drawn import drawn_tails
from geo_engine.space.panel_maps import Found, Inference, OneMap, local_maps
from geo_engine.space.weights import Weights

if TYPE_CHECKING:
    from libpysal.graph import Graph

FloatArray = npt.NDArray[np.float64]

FEW_VALUES = 48
"""Up to so many distinct values, every place is tested exactly: one column for each value."""
SETTLE_BELOW = 0.002
"""Random draws that leave a smaller two-sided p are followed by an exact test."""
MOST_EXACT = 25
"""At most so many places of a map, the smallest p first: each has a column of its own, which takes
some tenths of a second."""


def local_geary(
    values: xr.DataArray | Sequence[xr.DataArray], graph: Graph, inference: Inference
) -> xr.Dataset:
    """Test where neighbors are nearer to a place, or farther from it, than other places are.

    Parameters
    ----------
    values : DataArray or sequence of DataArray
        One variable with dims ("place", "chain", "year"), or several of which the others may lack
        chain and year: then the mean over variables, standardized each (Anselin 2019).
    graph : libpysal.graph.Graph
        Neighbors of the same places; each row is scaled to one.
    inference : Inference
        Seed, alternative (``less`` means that neighbors are alike), least number of places.

    Returns
    -------
    Dataset, dims ("place", "chain", "year")
        ``statistic``: weighted mean of squared differences of values standardized with the
        variance over n, as esda; spdep divides by n - 1, so its values are these times (n - 1)/n.
        ``expected`` and ``variance`` given the place's own value; ``p_value``, ``p_error``,
        ``q_value`` (within the map), ``method``, ``status``.

    Raises
    ------
    StatisticsError
        ``DIMENSIONS`` or ``INDEX_MISMATCH``.

    Notes
    -----
    Given a place's values, the sum is one of k squared differences drawn from the other n - 1, so
    each distinct value has a distribution of its own. With equal weights within rows and few
    distinct values (sparse counts) all are exact. Otherwise shared random draws decide, ended
    early where p is large, and places below ``SETTLE_BELOW`` are then tested exactly, up to
    ``MOST_EXACT`` of a map; ``method`` says which.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association. Geographical Analysis 27, 93-115.

    Anselin, L. (2019). A local indicator of multivariate spatial association: extending Geary's c.
    Geographical Analysis 51, 133-150.
    """
    variables = [values] if isinstance(values, xr.DataArray) else list(values)

    def one_map(one: OneMap) -> Found:
        table = np.column_stack([(c - c.mean()) / c.std() for c in one.columns])
        table /= np.sqrt(table.shape[1])
        weights = one.weights.scaled("row")
        mean, variance = moments_of_sums(*moments_of_differences(table), weights)
        p = _p_values(one, table, weights, inference)
        return Found(
            results={
                "statistic": _statistic(table, weights),
                "expected": mean,
                "variance": variance,
                "p_value": p.p_value,
                "p_error": p.p_error,
                "method": p.method,
            }
        )

    return local_maps("local_geary", variables, graph, inference, one_map)


def _statistic(table: FloatArray, weights: Weights) -> FloatArray:
    """Average the squared differences from the neighbors."""
    matrix = weights.matrix
    focal = np.repeat(np.arange(len(table)), weights.draws)
    parts = ((table[focal] - table[matrix.indices]) ** 2).sum(axis=1) * matrix.data
    sums = np.bincount(focal, weights=parts, minlength=len(table))
    return np.where(weights.draws > 0, sums, np.nan)


def _p_values(one: OneMap, table: FloatArray, weights: Weights, inference: Inference) -> LocalP:
    """Choose between exact tails and random draws."""
    low = low_wanted(inference.alternative, len(table))
    if weights.is_equal_in_rows and len(one.columns) == 1:
        distinct, kind = np.unique(one.columns[0], return_inverse=True)
        if len(distinct) <= FEW_VALUES:
            groups = [kind == code for code in range(len(distinct))]
            return _exactly(one, weights, groups, low, None)
    found = drawn_p(drawn_tails(tuple(table.T), weights, one.seed, squared_differences=True), low)
    if not weights.is_equal_in_rows:
        return found
    small = np.flatnonzero(found.p_value < SETTLE_BELOW)
    small = small[np.argsort(found.p_value[small], kind="stable")][:MOST_EXACT]
    groups = [np.arange(len(table)) == i for i in np.sort(small)]
    return _exactly(one, weights, groups, low, found)


def _exactly(
    one: OneMap,
    weights: Weights,
    groups: list[npt.NDArray[np.bool_]],
    low: npt.NDArray[np.bool_] | None,
    found: LocalP | None,
) -> LocalP:
    """Test groups of places that share their values, each on the column of its differences."""
    n = len(weights.draws)
    p, error = np.full(n, np.nan), np.full(n, np.nan)
    method = np.zeros(n, np.int8)
    if found is not None:
        p, error, method = found.p_value.copy(), found.p_error.copy(), found.method.copy()
    for group in groups:
        focal = int(np.flatnonzero(group)[0])
        links = weights.links(group)
        if not len(links.neighbors):
            continue
        tested = exact_p(_differences(one.columns, focal), links, one.seed, low)
        p[group], error[group] = tested.p_value[group], tested.p_error[group]
        method[group] = tested.method[group]
    return LocalP(p_value=p, p_error=error, method=method)


def _differences(columns: tuple[FloatArray, ...], focal: int) -> FloatArray:
    """Give the squared differences from one place; whole numbers of one variable stay whole."""
    if len(columns) == 1:
        return (columns[0] - columns[0][focal]) ** 2
    return np.sum([((c - c[focal]) / c.std()) ** 2 for c in columns], axis=0)
