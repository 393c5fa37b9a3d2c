"""Share of firms at or above a level, with the interval of what was counted."""

from __future__ import annotations

import numpy as np
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.intervals import LEVEL, wilson


def share_intervals(hits: xr.DataArray, known: xr.DataArray, *, level: float = LEVEL) -> xr.Dataset:
    """Give a share of known firms with Wilson's interval, for a territory taken by itself.

    Parameters
    ----------
    hits, known : DataArray, same dims
        Firms at or above the level (the basic one, say), and firms whose level is known; NaN where
        not covered. :func:`geo_engine.indicators.rates.empirical_bayes` borrows from the region
        instead, which is better where firms are few.
    level : float
        Probability of the interval.

    Returns
    -------
    Dataset, same dims
        ``share``, ``share_low``, ``share_high`` (0 to 1; NaN where no firm is known) and
        ``status`` (int8: ``not_surveyed`` where no firm is known, ``not_covered``).

    Raises
    ------
    StatisticsError
        ``INDEX_MISMATCH`` when dims or sizes differ.
    TableError
        ``COUNT_RANGE`` unless 0 <= hits <= known.
    """
    if hits.dims != known.dims or hits.shape != known.shape:
        raise StatisticsError("INDEX_MISMATCH", f"dims {hits.dims} and {known.dims} differ.")
    x, n = (part.to_numpy().astype(np.float64) for part in (hits, known))
    wrong = (x < 0) | (x > n * (1 + 1e-9))
    if wrong.any():
        raise TableError(
            "COUNT_RANGE", f"{int(wrong.sum()):,} of {x.size:,} cells break 0 <= hits <= known."
        )
    low, high = wilson(x, n, level=level)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(n > 0, x / n, np.nan)
    status = np.where(n > 0, tables.OK, tables.NOT_SURVEYED)
    status = np.where(np.isnan(n), tables.NOT_COVERED, status).astype(np.int8)
    values = {"share": share, "share_low": low, "share_high": high, "status": status}
    return tables.dataset_like(known, values)
