"""The classes of the map: the same breaks for all years of a chain and indicator."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo_engine.outputs.atlas import columns
from geo_engine.outputs.atlas.codec import nearest
from geo_engine.results import Results

STEPS = {
    "share_eb": columns.SHARE_STEPS,
    "share": columns.SHARE_STEPS,
    "location_quotient": columns.QUOTIENT_STEPS,
    "firms_per_1000": columns.PER_1000_STEPS,
    "firms_per_km2": columns.PER_KM2_STEPS,
}
"""Indicators of the map and the steps in which the page knows them."""
CLASSES = 5


def breaks(values: npt.ArrayLike, steps: int) -> list[int]:
    """Cut values into quintiles of those above zero.

    Parameters
    ----------
    values : array of float
        Values of all places and years, NaN where missing.
    steps : int
        Steps per unit.

    Returns
    -------
    list of int
        At most four rising breaks in steps; a value equal to a break is in the upper class.
    """
    whole = nearest(values, steps)
    positive = whole[whole > 0]
    if len(positive) == 0:
        return []
    cuts = np.quantile(positive, np.arange(1, CLASSES) / CLASSES, method="inverted_cdf")
    lowest = float(np.min(whole[~np.isnan(whole)]))
    return sorted({int(cut) for cut in cuts if cut > lowest})


def change_breaks(values: npt.ArrayLike, steps: int) -> list[int]:
    """Cut differences around zero: half of them small, a seventh large.

    Parameters
    ----------
    values : array of float
        Differences, NaN where missing.
    steps : int
        Steps per unit.

    Returns
    -------
    list of int
        Four rising breaks, symmetric around zero; none where nothing differs.
    """
    size = np.abs(nearest(values, steps))
    size = size[size > 0]
    if len(size) == 0:
        return []
    inner, outer = np.quantile(size, (0.5, 0.85), method="inverted_cdf")
    outer = max(outer, inner + 1)
    return [-int(outer), -int(inner), int(inner), int(outer)]


def all_breaks(results: Results, chain: str) -> dict[str, list[int]]:
    """Find the breaks of every map of one chain.

    Parameters
    ----------
    results : Results
        What may be shown.
    chain : str
        Key of the chain.

    Returns
    -------
    dict of str to list of int
        By indicator, and ``change_share`` and ``change_firms`` (per 1,000 inhabitants).
    """
    panel, change = results.panel.sel(chain=chain), results.change.sel(chain=chain)
    found = {name: breaks(panel[name].to_numpy(), steps) for name, steps in STEPS.items()}
    found["change_share"] = change_breaks(change["share_change"].to_numpy(), columns.SHARE_STEPS)
    population = results.places["population"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = 1000 * change["firms_change"].to_numpy().astype(float) / population
    density = np.where(np.isfinite(density), density, np.nan)
    found["change_firms"] = change_breaks(density, columns.PER_1000_STEPS)
    return found
