"""Local join counts: how many neighbors are of the kind that a place is, or of another kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.space.bounds import SMALLEST_P
from geo_engine.space.global_statistics import check_binary
from geo_engine.space.panel_maps import EXACT, Found, Inference, OneMap, local_maps
from geo_engine.space.random_labelling import ROUNDING
from geo_engine.tables import LOCAL_CONSTANT, LOCAL_OK

if TYPE_CHECKING:
    from libpysal.graph import Graph

FloatArray = npt.NDArray[np.float64]


def local_join_count(values: xr.DataArray, graph: Graph, inference: Inference) -> xr.Dataset:
    """Count, around each place that has something, the neighbors that have it too.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        1 or 0; NaN where there is no value.
    graph : libpysal.graph.Graph
        Neighbors of the same places; weights do not count.
    inference : Inference
        Alternative (``greater``: more neighbors than by chance), least number of places.

    Returns
    -------
    Dataset, dims ("place", "chain", "year")
        ``statistic`` (0 where the place has 0), ``expected``, ``variance``, ``p_value``,
        ``p_error``, ``q_value`` (within the map), ``method``, ``status``. Places with 0 have no
        test: whatever their neighbors are, the count is 0 (status ``constant``).

    Raises
    ------
    StatisticsError
        ``NOT_BINARY``, ``DIMENSIONS`` or ``INDEX_MISMATCH``.

    Notes
    -----
    Given that the place has it, the count is hypergeometric: k draws from the other n - 1 places,
    of which all ones but its own count. P-values are exact.

    References
    ----------
    Anselin, L., Li, X. (2019). Operational local join count statistics for cluster detection.
    Journal of Geographical Systems 21, 189-210.
    """
    check_binary(values)
    return local_maps(
        "local_join_count",
        [values],
        graph,
        inference,
        lambda one: _counted(one, one.columns[0] == 1, one.columns[0] == 1, inference),
    )


def local_join_count_of_two(
    values: xr.DataArray,
    other: xr.DataArray,
    graph: Graph,
    inference: Inference,
    *,
    kind: Literal["bivariate", "co_location"],
) -> xr.Dataset:
    """Count neighbors that have something else, or both things together.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        1 or 0: what the place has.
    other : DataArray
        1 or 0; it may lack chain and year. A place counts where both have a value.
    graph : libpysal.graph.Graph
        Neighbors of the same places; weights do not count.
    inference : Inference
        Alternative, least number of places.
    kind : {"bivariate", "co_location"}
        Around places that have the first and not the other: neighbors with the other and not the
        first. Or around places with both: neighbors with both.

    Returns
    -------
    Dataset, dims ("place", "chain", "year")
        As :func:`local_join_count`; places without what is asked at the place have no test.

    Raises
    ------
    StatisticsError
        ``NOT_BINARY``, ``KIND_UNKNOWN``, ``DIMENSIONS`` or ``INDEX_MISMATCH``.
    """
    if kind not in ("bivariate", "co_location"):
        raise StatisticsError("KIND_UNKNOWN", f"{kind} is neither bivariate nor co_location.")
    check_binary(values)
    check_binary(other)

    def one_map(one: OneMap) -> Found:
        first, second = one.columns[0] == 1, one.columns[1] == 1
        if kind == "co_location":
            return _counted(one, first & second, first & second, inference)
        return _counted(one, first & ~second, second & ~first, inference)

    return local_maps(f"join_{kind}", [values, other], graph, inference, one_map)


def _counted(
    one: OneMap,
    here: npt.NDArray[np.bool_],
    around: npt.NDArray[np.bool_],
    inference: Inference,
) -> Found:
    """Count neighbors of a kind around places of a kind, and test the counts."""
    weights = one.weights.scaled("binary")
    draws, others = weights.draws, len(here) - 1
    count = np.rint(weights.matrix @ around.astype(np.float64)).astype(np.int64)
    marked = int(around.sum()) - around.astype(np.int64)
    share = marked / others
    variance = draws * share * (1 - share) * (others - draws) / max(others - 1, 1)
    p = np.maximum(_p_values(count, draws, marked, others, inference), SMALLEST_P)
    return Found(
        results={
            "statistic": np.where(draws > 0, np.where(here, count, 0), np.nan),
            "expected": np.where(here, draws * share, 0.0),
            "variance": np.where(here, variance, 0.0),
            "p_value": p,
            "p_error": np.where(p <= SMALLEST_P, p, ROUNDING),
            "method": np.full(len(here), EXACT, np.int8),
        },
        untested=np.where(here, LOCAL_OK, LOCAL_CONSTANT).astype(np.int8),
    )


def _p_values(
    count: npt.NDArray[np.int64],
    draws: npt.NDArray[np.int64],
    marked: npt.NDArray[np.int64],
    others: int,
    inference: Inference,
) -> FloatArray:
    """Give hypergeometric tails, ties counted on both sides."""
    from scipy.stats import hypergeom

    # Few combinations are distinct: each is computed once.
    asked, inverse = np.unique(np.column_stack([count, draws, marked]), axis=0, return_inverse=True)
    lower = hypergeom.cdf(asked[:, 0], others, asked[:, 2], asked[:, 1])
    upper = hypergeom.sf(asked[:, 0] - 1, others, asked[:, 2], asked[:, 1])
    sides = {"less": lower, "greater": upper, "two-sided": 2 * np.minimum(lower, upper)}
    return np.clip(sides[inference.alternative], 0.0, 1.0)[inverse.ravel()]
