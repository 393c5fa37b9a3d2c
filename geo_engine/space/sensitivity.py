"""Local tests again, of the residuals of a regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.space.autocorrelation import DIMS, LocalTest, local_autocorrelation

if TYPE_CHECKING:
    from libpysal.graph import Graph

RESIDUAL_NOTE = (
    "Residuals are tested as if any order of them over the places were equally likely. Those of a "
    "regression are not quite: they sum to zero, are correlated through the fitted coefficients, "
    "and vary less where a place has leverage. With few coefficients for many places the difference"
    " is small, and the p-values are approximate, not exact."
)
"""What must stand beside the local tests of residuals."""
EXACT_FIT = 1e-12
"""Residuals of a map that are all below this part of its largest value are zero."""
PLACES_PER_TERM = 10
"""A map with fewer places for each coefficient is not fitted."""


def residual_autocorrelation(
    observed: xr.DataArray, fitted: xr.DataArray, graph: Graph, test: LocalTest
) -> tuple[xr.Dataset, xr.Dataset]:
    """Test where the residuals of a regression of near places resemble each other.

    What a model explains is no longer a cluster; what is left beside each other is.

    Parameters
    ----------
    observed, fitted : DataArray, dims ("place", "chain", "year")
        Values and what the regression gives for them; NaN where there is none.
    graph : libpysal.graph.Graph
        Neighbors of the same places.
    test : LocalTest
        As for the values; residuals are no counts, whatever ``test.counts`` says.

    Returns
    -------
    local, maps : Dataset
        As :func:`local_autocorrelation` gives them. ``attrs["note"]`` of both is
        ``RESIDUAL_NOTE``.

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when the two differ in labels; what the tests raise.

    References
    ----------
    Cliff, A. D. and Ord, J. K. (1981). Spatial Processes. Pion, London, chapter 8.
    """
    if set(observed.dims) != set(fitted.dims) or any(
        set(observed.indexes[dim]) != set(fitted.indexes[dim]) for dim in observed.dims
    ):
        raise StatisticsError(
            "INDEX_MISMATCH", "Values and fitted values are not of the same maps."
        )
    aligned = fitted.sel({dim: observed.indexes[dim] for dim in observed.dims})
    residuals = observed - aligned.transpose(*observed.dims)
    # What a perfect fit leaves is rounding, and no pattern.
    left, largest = abs(residuals).max("place"), abs(observed).max("place")
    residuals = residuals.where(left > EXACT_FIT * largest, residuals * 0)
    local, maps = local_autocorrelation(residuals, graph, replace(test, counts=False))
    return local.assign_attrs(note=RESIDUAL_NOTE), maps.assign_attrs(note=RESIDUAL_NOTE)


def linear_fit(values: xr.DataArray, terms: Sequence[xr.DataArray]) -> xr.DataArray:
    """Fit each map by least squares on its terms and an intercept.

    Parameters
    ----------
    values : DataArray, dims ("place", "chain", "year")
        What is explained; NaN where there is none.
    terms : sequence of DataArray
        What explains it, same dims. A term that adds nothing to the others of a map has no effect.

    Returns
    -------
    DataArray, same dims
        NaN where the value or a term is missing, and on maps with fewer than ten places for each
        coefficient.
    """
    ordered = values.transpose(*DIMS)
    order = np.argsort(ordered.indexes["place"].astype(str).to_numpy(), kind="stable")
    table = ordered.to_numpy().astype(np.float64)[order]
    stack = np.stack([term.transpose(*DIMS).to_numpy()[order] for term in terms], axis=-1)
    fitted = np.full(table.shape, np.nan)
    for c, y in np.ndindex(table.shape[1:]):
        usable = np.isfinite(table[:, c, y]) & np.isfinite(stack[:, c, y]).all(axis=-1)
        if usable.sum() >= PLACES_PER_TERM * (len(terms) + 1):
            fitted[usable, c, y] = _fitted(table[usable, c, y], stack[usable, c, y])
    back = np.empty_like(fitted)
    back[order] = fitted
    return ordered.copy(data=back).transpose(*values.dims)


def _fitted(y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Project on standardized terms; sums run in a fixed order, so no thread changes a bit."""
    spread = x.std(axis=0)
    varying = spread > 1e-12 * np.maximum(np.abs(x).max(axis=0), 1e-300)
    z = (x[:, varying] - x[:, varying].mean(axis=0)) / spread[varying]
    cross = (z[:, :, None] * z[:, None, :]).sum(axis=0)
    beta = np.linalg.pinv(cross, rcond=1e-10, hermitian=True) @ (z * y[:, None]).sum(axis=0)
    return np.asarray(y.mean() + (z * beta).sum(axis=1))
