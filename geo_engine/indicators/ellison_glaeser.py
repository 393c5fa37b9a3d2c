"""Ellison and Glaeser: how far a chain gathers in places beyond what its plants explain."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError

FloatArray = npt.NDArray[np.float64]

LEAST_PLANTS = 2.0
"""With fewer effective plants nothing can be said of where plants agglomerate."""


def plant_herfindahl(employees: xr.Dataset, *, fourths: xr.DataArray | None = None) -> xr.Dataset:
    """Give the concentration of a chain in its plants.

    Parameters
    ----------
    employees : Dataset, dims ("place" or another territory, "chain", ...)
        ``total`` (persons employed) and ``squares`` (sum over plants of their persons squared).
    fourths : DataArray, same dims, optional
        Sum over plants of the fourth power of their persons, for the test of the index.

    Returns
    -------
    Dataset, dims without the territory
        ``herfindahl`` (sum of z^2 over plants, z the part of a plant in the chain) and, with
        ``fourths``, ``fourth`` (sum of z^4). NaN without persons employed.
    """
    territory = str(employees["total"].dims[0])
    total = employees["total"].sum(territory)
    total = total.where(total > 0)
    found = {"herfindahl": employees["squares"].sum(territory) / total**2}
    if fourths is not None:
        found["fourth"] = fourths.sum(territory) / total**4
    return xr.Dataset(found)


def ellison_glaeser(
    amounts: xr.DataArray, plants: xr.Dataset, *, totals: xr.DataArray | None = None
) -> xr.Dataset:
    """Measure agglomeration beyond the size of plants and the size of places.

    With s and x the parts of a place in the chain and in all activity, G = sum (s - x)^2, and with
    H the Herfindahl index of plants, gamma = (G - (1 - sum x^2) H) / ((1 - sum x^2)(1 - H)).

    Parameters
    ----------
    amounts : DataArray, dims ("place" or another territory, "chain", ...)
        Persons employed, or firms, at least 0; NaN where not covered (left out).
    plants : Dataset, dims ("chain", ...)
        ``herfindahl`` and optionally ``fourth``, as :func:`plant_herfindahl`. For firms that all
        count one: 1/N and 1/N^3 with N firms of the chain.
    totals : DataArray, dims without "chain", optional
        The same of all activity; by default the sum over the chains.

    Returns
    -------
    Dataset, dims without the territory
        ``gamma`` (0: as if plants fell on the map at random; the authors call above 0.05 strongly
        and below 0.02 weakly concentrated), ``concentration`` (G), ``expected`` (G of random
        plants), and, with ``fourth``, ``z`` and ``p_value`` (two-sided, normal). NaN for a chain
        without amounts, in fewer than ``LEAST_PLANTS`` effective plants, or with a single place.

    Raises
    ------
    TableError
        ``AMOUNT_RANGE`` for negative amounts or a Herfindahl index outside 0 to 1.
    StatisticsError
        ``INDEX_MISMATCH`` when the tables differ in their labels.

    References
    ----------
    Ellison, G., Glaeser, E. L. (1997). Geographic concentration in U.S. manufacturing industries:
    a dartboard approach. Journal of Political Economy 105, 889-927.
    """
    s, x, plant = _parts(amounts, plants, totals)
    concentration = ((s - x) ** 2).sum(axis=0)
    squares = (x**2).sum(axis=0)
    spread = 1 - squares
    expected = spread * plant
    defined = np.isfinite(concentration) & (plant * LEAST_PLANTS <= 1) & (spread > 1e-12)
    with np.errstate(invalid="ignore", divide="ignore"):
        gamma = (concentration - expected) / (spread * (1 - plant))
    found = {"gamma": gamma, "concentration": concentration, "expected": expected}
    if "fourth" in plants:
        fourth = _like(plants["fourth"], amounts)
        cubes = (x**3).sum(axis=0)
        variance = 2 * (
            plant**2 * (squares - 2 * cubes + squares**2)
            - fourth * (squares - 4 * cubes + 3 * squares**2)
        )
        found |= _test(concentration - expected, variance)
    like = amounts.isel({amounts.dims[0]: 0}, drop=True)
    return tables.dataset_like(
        like, {name: np.where(defined, value, np.nan) for name, value in found.items()}
    )


def _parts(
    amounts: xr.DataArray, plants: xr.Dataset, totals: xr.DataArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Check, and give parts of the chain and of all activity, and the Herfindahl of plants."""
    territory = str(amounts.dims[0])
    if territory in ("chain", "year"):
        raise StatisticsError("INDEX_MISMATCH", f"dims {amounts.dims}: give place first.")
    everyone = amounts.sum("chain", skipna=False) if totals is None else totals
    if not amounts[territory].to_index().equals(everyone[territory].to_index()):
        raise StatisticsError("INDEX_MISMATCH", "Amounts and totals differ in their places.")
    own, overall = xr.broadcast(amounts, everyone)
    y, n = (part.transpose(*amounts.dims).to_numpy() for part in (own, overall))
    plant = _like(plants["herfindahl"], amounts)
    wrong = int(((y < 0) | (n < 0)).sum()) + int(((plant <= 0) | (plant > 1 + 1e-9)).sum())
    if wrong:
        raise TableError(
            "AMOUNT_RANGE",
            f"{wrong:,} amounts are negative, or Herfindahl indices outside 0 to 1.",
        )
    inside = np.isfinite(y) & np.isfinite(n)
    y, n = np.where(inside, y, 0.0), np.where(inside, n, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return y / y.sum(axis=0), n / n.sum(axis=0), plant


def _like(values: xr.DataArray, amounts: xr.DataArray) -> FloatArray:
    """Give a value of each chain and year in the order of the amounts."""
    like = amounts.isel({amounts.dims[0]: 0}, drop=True)
    fitted, _ = xr.broadcast(values, like)
    if fitted.sizes != like.sizes:
        raise StatisticsError("INDEX_MISMATCH", "Plants and amounts differ in their chains.")
    return fitted.transpose(*like.dims).reindex_like(like).to_numpy().astype(np.float64)


def _test(excess: FloatArray, variance: FloatArray) -> dict[str, FloatArray]:
    """Compare an excess with its standard deviation under random plants."""
    from scipy.special import ndtr

    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(variance > 0, excess / np.sqrt(variance), np.nan)
    return {"z": z, "p_value": 2 * ndtr(-np.abs(z))}
