"""Weights from the data: the first principal component of the indicators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from geo_engine.errors import StatisticsError


@dataclass(frozen=True, kw_only=True)
class PrincipalWeights:
    """Weights from the first principal component, and what a reader must know of it."""

    weights: Mapping[str, float]
    """Squared loadings, by indicator; they add up to one."""
    loadings: Mapping[str, float]
    """Correlation of each oriented indicator with the component."""
    explained: float
    """Part of the variance that the component explains, 0 to 1."""
    units: int
    """Places (and years) with all indicators."""
    coherent: bool
    """True where all loadings have one sign: otherwise indicators pull in opposite directions, and
    one index hides it."""


def principal_weights(values: xr.DataArray, polarity: Mapping[str, int]) -> PrincipalWeights:
    """Weight indicators by what they share, as their first principal component.

    Parameters
    ----------
    values : DataArray, dims ("indicator", ...)
        Simple indicators; units with a missing one are left out.
    polarity : mapping of str to int
        1 where more is better, -1 where less is.

    Returns
    -------
    PrincipalWeights
        The component of the correlation matrix, turned so that the loadings add up to more than 0.

    Raises
    ------
    StatisticsError
        ``NO_VARIATION`` with fewer complete units than indicators and one, or a constant one.

    Notes
    -----
    Weights by PCA follow correlation, not importance: they are a variant to compare with, rather
    than a reason. With two indicators they are always equal.

    References
    ----------
    OECD, JRC (2008). Handbook on Constructing Composite Indicators. OECD Publishing, p. 89-90.
    """
    keys = [str(key) for key in values["indicator"].to_numpy()]
    first = ("indicator", *(name for name in values.dims if name != "indicator"))
    table = values.transpose(*first).to_numpy().reshape(len(keys), -1)
    complete = table[:, np.isfinite(table).all(axis=0)]
    units = complete.shape[1]
    deviation = complete.std(axis=1) if units else np.zeros(len(keys))
    if units <= len(keys) or (deviation == 0).any():
        flat = [key for key, size in zip(keys, deviation, strict=True) if size == 0]
        raise StatisticsError(
            "NO_VARIATION",
            f"{units:,} complete units for {len(keys)} indicators, constant: "
            f"{', '.join(flat) or 'none'}. Leave indicators out, or give weights.",
        )
    sign = np.array([polarity[key] for key in keys], np.float64)
    z = sign[:, None] * (complete - complete.mean(axis=1, keepdims=True)) / deviation[:, None]
    sizes, vectors = np.linalg.eigh(z @ z.T / units)
    vector = vectors[:, -1] * (1 if vectors[:, -1].sum() >= 0 else -1)
    loadings = vector * np.sqrt(sizes[-1])
    return PrincipalWeights(
        weights=dict(zip(keys, (vector**2).tolist(), strict=True)),
        loadings=dict(zip(keys, loadings.tolist(), strict=True)),
        explained=float(sizes[-1] / sizes.sum()),
        units=units,
        coherent=bool((vector > 0).all()),
    )
