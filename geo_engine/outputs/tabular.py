"""What several outputs say in the same way: hotspots, the chain to open on, shares of few firms."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_engine import tables
from geo_engine.outputs.long_tables import COUNTS, typed
from geo_engine.results import Results
from geo_engine.words.sentences import FEW_FIRMS


def hotspot_table(results: Results) -> gpd.GeoDataFrame:
    """Give the hotspots in a stable order, with their members as text.

    Parameters
    ----------
    results : Results
        What was found.

    Returns
    -------
    GeoDataFrame
        Sorted by chain, year and rank; ``members`` joined by commas.
    """
    hotspots = results.hotspots.copy()
    hotspots["members"] = pd.Series(
        [",".join(members) for members in hotspots["members"]], index=hotspots.index, dtype=object
    )
    for name in ("year", "rank", "places"):
        hotspots[name] = hotspots[name].astype("int32")
    for name in COUNTS:
        hotspots[name] = typed(name, hotspots[name].to_numpy(dtype=float))
    for name in ("province_scale", "without_main"):
        hotspots[name] = pd.Categorical(hotspots[name], categories=list(tables.CHECKED))
    for name in ("share", "share_outside", "min_q_value", "robustness"):
        hotspots[name] = hotspots[name].astype(float)
    order = ["chain", "year", "rank", "hotspot_id"]
    return hotspots.sort_values(order, kind="stable").reset_index(drop=True)


def leading_chain(results: Results) -> str:
    """Name the chain to open on: the one with the strongest hotspots in the latest year.

    Parameters
    ----------
    results : Results
        What was found.

    Returns
    -------
    str
        Key of the chain whose hotspots add most digital firms; without hotspots the one with
        most significant places, and without these the one with most firms.
    """
    last = results.panel["year"].max()
    keys = [chain.key for chain in results.facts.chains]
    firms = results.panel["firms"].sel(year=last, chain=keys).sum("place").to_numpy()
    significant = np.zeros(len(keys))
    if "share" in results.maps["variable"].to_numpy().tolist():
        found = results.maps["significant"].sel(variable="share", year=last, chain=keys)
        significant = np.nan_to_num(found.to_numpy().astype(float))
    return keys[int(np.lexsort((-firms, -significant, -_surplus(results, keys)))[0])]


def _surplus(results: Results, keys: list[str]) -> np.ndarray:
    """Add up the digital firms that the latest hotspots of each chain have above the others."""
    hotspots = results.hotspots
    last = hotspots[hotspots["year"].astype(int) == int(results.panel["year"].max())]
    outside = last["share_outside"].astype(float) * last["known"].astype(float)
    surplus = last["digital"].astype(float) - outside
    sums = surplus.groupby(last["chain"].astype(str)).sum().reindex(keys)
    return np.maximum(np.nan_to_num(sums.to_numpy(dtype=float)), 0)


def few_marks(known: object, share: object) -> pd.Categorical:
    """Mark the shares that rest on few firms, as the atlas does.

    Parameters
    ----------
    known : array-like of float
        Firms with a known signal.
    share : array-like of float
        The share, NaN where there is none to be warned of.

    Returns
    -------
    Categorical
        ``few``, or missing.
    """
    firms = pd.array(known, dtype="Float64").to_numpy(dtype=float, na_value=np.nan)
    shown = np.isfinite(np.asarray(share, dtype=float))
    few = shown & (firms < FEW_FIRMS)
    return pd.Categorical.from_codes(np.where(few, 0, -1), categories=["few"])
