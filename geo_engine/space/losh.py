"""The one wrapper of esda: local spatial heteroscedasticity (LOSH).

esda is given only what it computes correctly: places with a value and a neighbor, in the order of
their codes, on a map that is not constant, with weights that add up to one in each row. LOSH has
no random numbers in esda; statistics that have some would be given their seed and ``n_jobs`` here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine.space.panel_maps import Found, Inference, OneMap, local_maps
from geo_engine.space.weights import Weights
from geo_engine.tables import LOCAL_CONSTANT, LOCAL_OK

if TYPE_CHECKING:
    from libpysal.graph import Graph

FloatArray = npt.NDArray[np.float64]


def local_heteroscedasticity(
    values: xr.DataArray, graph: Graph, inference: Inference
) -> xr.Dataset:
    """Test where values scatter more around their local mean than elsewhere.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        NaN where there is no value.
    graph : libpysal.graph.Graph
        Neighbors of the same places; each row is scaled to one.
    inference : Inference
        Alternative (``greater``: more scattered), least number of places.

    Returns
    -------
    Dataset, dims ("place", "chain", "year")
        ``statistic`` H with residuals squared, ``expected`` (1), ``variance``, ``p_value`` by the
        chi-square approximation of Ord and Getis (``method`` is ``none``: no tail is exact and no
        bound is known, so ``p_error`` is NaN), ``q_value``, ``status``.

    Raises
    ------
    StatisticsError
        ``DIMENSIONS`` or ``INDEX_MISMATCH``.

    References
    ----------
    Ord, J. K., Getis, A. (2012). Local spatial heteroscedasticity (LOSH). The Annals of Regional
    Science 48, 529-539.
    """

    def one_map(one: OneMap) -> Found:
        n = len(one.columns[0])
        results = {
            name: np.full(n, np.nan) for name in ("statistic", "variance", "p_value", "p_error")
        }
        linked = _linked(one.weights)
        if linked.any():
            found = _by_esda(one.columns[0][linked], one.weights.among(linked), inference)
            for name, part in found.items():
                results[name][linked] = part
        untested = np.where(np.isnan(results["p_value"]), LOCAL_CONSTANT, LOCAL_OK)
        expected = np.where(np.isnan(results["statistic"]), np.nan, 1.0)
        return Found(
            results=results | {"expected": expected, "method": np.zeros(n, np.int8)},
            untested=untested.astype(np.int8),
        )

    return local_maps("losh", [values], graph, inference, one_map)


def _linked(weights: Weights) -> npt.NDArray[np.bool_]:
    """Tell which places have a neighbor that is left, until no more places drop out."""
    linked = weights.draws > 0
    while True:
        inside = np.asarray((weights.matrix @ linked) > 0) & linked
        if (inside == linked).all():
            return inside
        linked = inside


def _by_esda(column: FloatArray, weights: Weights, inference: Inference) -> dict[str, FloatArray]:
    """Call esda on places that all have a neighbor."""
    from esda import LOSH
    from libpysal.graph import Graph
    from scipy.stats import chi2

    z = (column - column.mean()) / column.std()
    coordinates = weights.scaled("row").matrix.tocoo()
    order = np.lexsort((coordinates.col, coordinates.row))
    graph = Graph.from_arrays(
        coordinates.row[order], coordinates.col[order], coordinates.data[order]
    )
    nothing = np.full(len(z), np.nan)
    residual = (z - weights.lag(z)) ** 2
    if np.ptp(residual) <= 1e-12 * max(float(residual.max()), 1e-12):
        # Every place is as far from its local mean: esda would divide by zero.
        return {"statistic": nothing, "variance": nothing, "p_value": nothing}
    fitted = LOSH(connectivity=graph, inference=None).fit(z)
    scale = 2 / fitted.VarHi
    tails = {
        "less": chi2.cdf(scale * fitted.Hi, scale),
        "greater": chi2.sf(scale * fitted.Hi, scale),
    }
    tails["two-sided"] = np.minimum(1.0, 2 * np.minimum(tails["less"], tails["greater"]))
    return {
        "statistic": fitted.Hi,
        "variance": fitted.VarHi,
        "p_value": tails[inference.alternative],
    }
