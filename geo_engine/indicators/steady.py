"""Indicators made steady before they are compared: ratios of small numbers shrunk first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.indicators.marshall import marshall
from geo_engine.indicators.specialization import expected_firms

Z95 = 1.959963984540054


class Steady(NamedTuple):
    """Indicators as they enter, (indicator, place, chain, year)."""

    indicators: xr.DataArray
    errors: xr.DataArray
    """Standard errors of the latest year, (indicator, place, chain); NaN where none is known."""
    smoothed: tuple[str, ...]


def steady_indicators(
    panel: xr.Dataset, regions: pd.Series, indicators: Sequence[str], *, smooth: bool
) -> Steady:
    """Give the indicators of an index, ratios of few firms or residents shrunk first.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        Every indicator, ``firms``, the smoothed share with its interval; ``all_firms``
        (place, year) and ``population`` (place).
    regions : Series
        Region by ``pro_com_t``: ratios are shrunk toward its mean.
    indicators : sequence of str
        Variables of the panel.
    smooth : bool
        Whether to shrink.

    Returns
    -------
    Steady
        ``share`` becomes ``share_eb``; firms per 1,000 residents, location quotients and growth
        are Marshall's estimates. Without this the smallest places stand first and last in any
        ranking, for one firm more or less.
    """
    last = {"year": int(np.argmax(panel["year"].to_numpy()))}
    values, errors, smoothed = [], [], []
    for key in indicators:
        steady = _shrunk(panel, regions, key, last) if smooth else None
        own = panel[key].astype(np.float64) if steady is None else steady[0]
        values.append(own.transpose("place", "chain", "year").drop_attrs())
        if steady is not None:
            error = steady[1]
            smoothed.append(key)
        elif key == "share_eb":
            error = _posterior_error(panel.isel(last, drop=True))
        else:
            error = xr.full_like(own.isel(last, drop=True), np.nan)
        errors.append(error.transpose("place", "chain"))
    index = pd.Index(indicators, name="indicator")
    return Steady(
        xr.concat(values, dim=index, coords="minimal", compat="override", join="exact"),
        xr.concat(errors, dim=index, coords="minimal", compat="override", join="exact"),
        tuple(smoothed),
    )


def _posterior_error(panel: xr.Dataset) -> xr.DataArray:
    """Give the standard error of the smoothed share, from its interval."""
    return (panel["share_eb_high"] - panel["share_eb_low"]) / (2 * Z95)


def _shrunk(
    panel: xr.Dataset, regions: pd.Series, key: str, last: dict[str, int]
) -> tuple[xr.DataArray, xr.DataArray] | None:
    """Give a ratio shrunk toward its region, and its latest error; None for other indicators."""
    if key == "share":
        return panel["share_eb"], _posterior_error(panel.isel(last, drop=True))
    firms = panel["firms"]
    if key == "firms_per_1000":
        at_risk, scale, shift = panel["population"].broadcast_like(firms), 1000.0, 0.0
    elif key == "location_quotient":
        at_risk, scale, shift = expected_firms(firms, panel["all_firms"]), 1.0, 0.0
    elif key == "growth":
        years = firms["year"].to_numpy()
        at_risk = firms.reindex(year=years - 1).assign_coords(year=years)
        scale, shift = 1.0, -1.0
    else:
        return None
    at_risk = at_risk.transpose(*firms.dims)
    events, at_risk = firms.where(np.isfinite(at_risk)), at_risk.where(np.isfinite(firms))
    rate = marshall(events, at_risk, groups=regions, intervals=False)["rate_eb"]
    latest = marshall(events.isel(last, drop=True), at_risk.isel(last, drop=True), groups=regions)
    error = scale * (latest["rate_eb_high"] - latest["rate_eb_low"]) / (2 * Z95)
    return scale * rate + shift, error
