"""Local bivariate Moran: one variable here, another around."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.space.column_tails import LocalP, drawn_p, exact_p
from geo_engine.space.conditional_moments import moments_of_others, moments_of_sums
from geo_engine.space.drawn import drawn_tails
from geo_engine.space.panel_maps import Found, Inference, OneMap, local_maps
from geo_engine.space.weights import Weights

if TYPE_CHECKING:
    from libpysal.graph import Graph

FloatArray = npt.NDArray[np.float64]


def local_bivariate_moran(
    values: xr.DataArray, around: xr.DataArray, graph: Graph, inference: Inference
) -> xr.Dataset:
    """Test where neighbors are high or low in another variable, given the place itself.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        The variable at the place (chain A, digitalization).
    around : DataArray
        The variable at the neighbors (chain B, a context variable); it may lack chain and year. A
        place counts where both have a value.
    graph : libpysal.graph.Graph
        Neighbors of the same places; each row is scaled to one.
    inference : Inference
        Seed, alternative (``greater``: both high or both low), least number of places.

    Returns
    -------
    Dataset, dims ("place", "chain", "year")
        ``statistic``: z of the place times the mean z of its neighbors, both standardized with the
        variance over n - 1, as GeoDa, esda and spdep do here. ``lag``: mean of ``around``
        over the neighbors. ``expected`` and ``variance`` given the place, ``p_value``,
        ``p_error``, ``q_value`` (within the map), ``quadrant`` (own value, then the neighbors'),
        ``method``, ``status``.

    Raises
    ------
    StatisticsError
        ``DIMENSIONS`` or ``INDEX_MISMATCH``.

    Notes
    -----
    Given the place, its statistic is a straight line in the sum of its neighbors, which is one of
    k values drawn from the other n - 1: the own value gives the sign only, and the two-sided
    p-value is that of ``around``. It says nothing about correlation at the place itself.

    References
    ----------
    Anselin, L., Syabri, I., Smirnov, O. (2002). Visualizing multivariate spatial correlation with
    dynamically linked windows. University of California, Santa Barbara.
    """

    def one_map(one: OneMap) -> Found:
        x, y = ((c - c.mean()) / c.std(ddof=1) for c in one.columns)
        weights = one.weights.scaled("row")
        lag = weights.lag(y)
        mean, variance = moments_of_sums(*moments_of_others(y), weights)
        p = _p_values(one, x, weights, inference)
        return Found(
            results={
                "statistic": x * lag,
                "expected": x * mean,
                "variance": x**2 * variance,
                "lag": weights.lag(one.columns[1]) * one.units[1],
                "p_value": p.p_value,
                "p_error": p.p_error,
                "method": p.method,
                "quadrant": _quadrants(x, lag),
            }
        )

    extra = {"lag": float, "quadrant": np.int8}
    return local_maps("local_bivariate", [values, around], graph, inference, one_map, extra)


def chain_pair(values: xr.DataArray, here: str, around: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Give two chains of a panel as the two variables of a bivariate statistic.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        A panel of counts or standardized rates.
    here, around : str
        Chains.

    Returns
    -------
    here, around : DataArray
        With one chain, named ``here|around`` in both.

    Raises
    ------
    StatisticsError
        ``CHAIN_UNKNOWN``.
    """
    absent = [chain for chain in (here, around) if chain not in values.indexes["chain"]]
    if absent:
        raise StatisticsError(
            "CHAIN_UNKNOWN", f"{', '.join(absent)} is no chain of this panel: check the names."
        )
    label = [f"{here}|{around}"]
    first, second = (
        values.sel(chain=[chain]).assign_coords(chain=label) for chain in (here, around)
    )
    return first, second


def _p_values(one: OneMap, x: FloatArray, weights: Weights, inference: Inference) -> LocalP:
    """Choose between exact tails and random draws."""
    low = None
    if inference.alternative != "two-sided":
        # The statistic grows with the sum where the place is above the mean, and falls elsewhere.
        low = (x >= 0) == (inference.alternative == "less")
    y = one.columns[1]
    if weights.is_equal_in_rows:
        return exact_p(y, weights.links(), one.seed, low)
    return drawn_p(drawn_tails((y - y.mean(),), weights, one.seed, squared_differences=False), low)


def _quadrants(x: FloatArray, lag: FloatArray) -> npt.NDArray[np.int8]:
    """Name quadrants by code of ``tables.QUADRANTS``; 0 at the mean and without neighbors."""
    clear = (np.abs(x) > 1e-12) & (np.abs(np.nan_to_num(lag)) > 1e-12)
    codes = np.where(x > 0, np.where(lag > 0, 1, 4), np.where(lag > 0, 3, 2))
    return np.where(clear, codes, 0).astype(np.int8)
