"""The ranks of a composite index as tables."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.indicators.composite import Composite
from geo_engine.indicators.composite_choices import leave_one_out

RANK_COLUMNS = (
    "pro_com_t",
    "chain",
    "score",
    "rank",
    "rank_low",
    "rank_median",
    "rank_high",
    "top_tenth",
    "penalty",
    "leading",
    "lagging",
    "known_indicators",
)
LEFT_OUT = pd.DataFrame(columns=["chain", "indicator", "mean_shift", "spearman"])
"""No indicator was left out."""


def rank_table(scored: xr.Dataset, intervals: xr.Dataset | None) -> pd.DataFrame:
    """List the places of one year that have a rank, by chain and rank.

    Parameters
    ----------
    scored : Dataset, dims ("place", "chain", "year")
        Of :func:`geo_engine.indicators.composite.composite`, one year.
    intervals : Dataset, optional
        Of :func:`geo_engine.indicators.composite_choices.rank_intervals`, dims ("place", "chain").

    Returns
    -------
    DataFrame
        ``RANK_COLUMNS``; the interval is missing without ``intervals``.
    """
    last = scored.isel(year=0, drop=True).transpose("place", "chain", ...)
    names = np.array([*last["component"].to_numpy().astype(str), ""], dtype=object)
    place, chain = np.nonzero(np.isfinite(last["rank"].to_numpy()))
    table = pd.DataFrame(
        {
            "pro_com_t": last["place"].to_numpy().astype(str)[place],
            "chain": last["chain"].to_numpy().astype(str)[chain],
        }
    )
    for name in ("score", "rank", "penalty", "known_indicators"):
        table[name] = last[name].to_numpy()[place, chain]
    for name in ("leading", "lagging"):
        table[name] = names[last[name].to_numpy()[place, chain]]
    for name in ("rank_low", "rank_median", "rank_high", "top_tenth"):
        drawn = None if intervals is None else intervals[name].transpose("place", "chain")
        table[name] = np.nan if drawn is None else drawn.to_numpy()[place, chain]
    order = ["chain", "rank", "pro_com_t"]
    return table[list(RANK_COLUMNS)].sort_values(order, ignore_index=True)


def left_out_table(
    values: xr.DataArray, spec: Composite, goalposts: Mapping[str, object] | None
) -> pd.DataFrame:
    """See how the ranks of one year move without each indicator.

    Parameters
    ----------
    values : DataArray, dims ("indicator", "place", "chain", "year")
        Of one year.
    spec, goalposts
        As :func:`geo_engine.indicators.composite.composite`.

    Returns
    -------
    DataFrame
        chain, indicator, mean_shift, spearman.
    """
    moved = leave_one_out(values.isel(year=0, drop=True), spec, goalposts=goalposts)
    table = moved[["mean_shift", "spearman"]].to_dataframe().reset_index()
    table = table[["chain", "indicator", "mean_shift", "spearman"]]
    return table.sort_values(["chain", "indicator"], ignore_index=True)
