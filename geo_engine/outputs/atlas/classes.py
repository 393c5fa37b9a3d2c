"""Quintiles of an indicator over all years, as the map makes them (``src/35_classes.js``)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo_engine.outputs.atlas import columns
from geo_engine.outputs.atlas.codec import nearest
from geo_engine.outputs.atlas.intervals import SHARE_STEPS

STEPS = {
    "share_eb": SHARE_STEPS,
    "share": SHARE_STEPS,
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
