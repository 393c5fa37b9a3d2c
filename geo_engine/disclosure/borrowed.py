"""Protection of what borrows from other places: smoothed shares, own indicators, regressions.

The prior of a region is mean and variance of its shares, and both can be worked out from the
smoothed share of any shown place: with the mean, the sum of the hidden shares; with the variance,
the sum of their squares. So shares are smoothed again toward the shown places alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine.disclosure.cells import Hidden, few_firms
from geo_engine.indicators.expressions import evaluate_expression, parse_expression
from geo_engine.indicators.rates import empirical_bayes
from geo_engine.indicators.registry import Indicator, load_registry
from geo_engine.results import Models

SMOOTHED = ("share_eb", "share_eb_low", "share_eb_high", "reliability")
SMOOTHED_SCORES = ("mean_score_eb", "mean_score_eb_low", "mean_score_eb_high")
BORROWED = (*SMOOTHED, *SMOOTHED_SCORES, "digital_gap", "need_quadrant")
"""Variables of a place that rest on the signals of other places too."""
SIZES = ("population", "area_km2")


def smooth_again(panel: xr.Dataset, regions: pd.Series, hidden: Hidden) -> xr.Dataset:
    """Smooth the shares of the shown cells toward those of the shown cells of their region.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        Protected.
    regions : Series
        Region by ``pro_com_t``.
    hidden : Hidden
        Cells that must not be shown.

    Returns
    -------
    Dataset
        With ``SMOOTHED`` computed again, and ``SMOOTHED_SCORES`` withheld of maps on which a place
        is hidden: their variance within places is not at hand.
    """
    found: dict[str, xr.DataArray] = {}
    if SMOOTHED[0] in panel:
        known = panel["known"].where(~hidden.share).transpose(*panel["known"].dims)
        rates = empirical_bayes(panel["digital"], known, regions)
        found |= {name: rates[name] for name in SMOOTHED}
    secret = hidden.of(SMOOTHED_SCORES[0]).any("place")
    for name in SMOOTHED_SCORES:
        if name in panel:
            found[name] = panel[name].where(~secret).transpose(*panel[name].dims)
    return panel.assign(found)


def own_again(
    panel: xr.Dataset, places: pd.DataFrame, registry: Mapping[str, Indicator]
) -> xr.Dataset:
    """Compute the study's own indicators again that are made of what borrows from other places.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        Protected, with ``BORROWED`` as they are published.
    places : DataFrame
        ``SIZES`` by ``pro_com_t``, in the order of the panel.
    registry : mapping of str to Indicator
        Built-in and own indicators, in the order of their definition.

    Returns
    -------
    Dataset
    """
    touched = set(BORROWED)
    shown = panel.assign({name: ("place", places[name].to_numpy(np.float64)) for name in SIZES})
    for key, row in registry.items():
        if key in load_registry() or key not in panel:
            continue
        formula = parse_expression(row.formula)
        if touched.isdisjoint(formula.names):
            continue
        touched.add(key)
        before = panel[key]
        value = evaluate_expression(formula, {str(n): shown[n] for n in shown.data_vars})
        value = value.broadcast_like(before).transpose(*before.dims)
        shown = shown.assign({key: value.where(np.isfinite(before))})
    return shown.drop_vars([name for name in SIZES if name not in panel])


def protect_models(
    models: Models, panel: xr.Dataset, hidden: xr.DataArray, threshold: int
) -> Models:
    """Withhold the figures of regressions that were fitted to hidden shares.

    A public run fits shares of ``threshold`` firms or more only. What is hidden beyond these, as
    the difference of two universes, was fitted too; and local coefficients are as many sums of
    shares as there are places.

    Parameters
    ----------
    models : Models
        Of the study.
    panel : Dataset, dims ("place", "chain", "year")
        ``known``, unprotected.
    hidden : DataArray of bool, same dims
        Cells that must not be shown.
    threshold : int
        Smallest number of firms whose share may be public.

    Returns
    -------
    Models
        Without figures of the chains of which such a cell was fitted; sentences round theirs.
    """
    last = {"year": int(np.argmax(panel["year"].to_numpy()))}
    known, cells = (part.isel(last, drop=True) for part in (panel["known"], hidden))
    fitted = (cells & ~few_firms(known, threshold)).any("place")
    secret = fitted["chain"].to_numpy()[fitted.to_numpy()].tolist()
    kept = {
        name: table[~table["chain"].isin(secret)].reset_index(drop=True)
        for name in ("places", "local")
        if len(table := getattr(models, name))
    }
    return dataclasses.replace(models, **kept)
