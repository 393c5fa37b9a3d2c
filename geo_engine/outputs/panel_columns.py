"""Columns of the long panel beyond the counts and shares that every study has."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
import xarray as xr

from geo_engine.indicators.priorities import NEED_QUADRANTS


def further_columns(panel: xr.Dataset, given: Collection[str]) -> dict[str, object]:
    """Give the columns of the other variables of a panel, those of the study last.

    Parameters
    ----------
    panel : Dataset, dims ("place", "chain", "year")
        In the order of the rows.
    given : collection of str
        Variables that have their column already.

    Returns
    -------
    dict of str to array
        One value per place, chain and year; quadrants of need as words.
    """
    columns: dict[str, object] = {}
    for name, values in panel.data_vars.items():
        if name not in given:
            flat = values.transpose("place", "chain", "year").to_numpy().ravel()
            columns[str(name)] = (
                pd.Categorical.from_codes(flat, categories=list(NEED_QUADRANTS))
                if name == "need_quadrant"
                else flat
            )
    return columns
