"""What a share could be, whatever the firms whose signal nobody knows (Manski's bounds)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.intervals import LEVEL, wilson

UNINFORMATIVE = 0.5
"""Bounds wider than this say little about a share, and are marked."""


def share_bounds(
    digital: xr.DataArray,
    known: xr.DataArray,
    firms: xr.DataArray,
    *,
    assumption: Literal["none", "unknown_not_more"] = "none",
    level: float = LEVEL,
) -> xr.Dataset:
    """Bound the digital share of all firms, known signal or not.

    Parameters
    ----------
    digital, known, firms : DataArray, same dims
        Digital firms, firms with a known signal, all firms; NaN where not covered.
    assumption : {"none", "unknown_not_more"}
        What is supposed of firms without a known signal: nothing, or that they are not more
        digital than the others (monotone selection), which lowers the upper end to the raw share.
    level : float
        Probability of the outer interval.

    Returns
    -------
    Dataset, same dims
        ``share_at_least`` = digital/firms and ``share_at_most`` = (digital + unknown)/firms;
        ``share_unknown`` = unknown/firms, the width without assumption; ``share_outer_low`` and
        ``share_outer_high``, Wilson's ends of the two, for a territory whose firms are seen as a
        draw; ``uninformative`` (int8: 1 where the bounds are wider than ``UNINFORMATIVE``);
        ``status`` (int8, ``tables.STATUSES``: ``no_firms``, ``not_covered``).

    Raises
    ------
    TableError
        ``COUNT_RANGE`` unless 0 <= digital <= known <= firms.
    StatisticsError
        ``INDEX_MISMATCH`` when the tables differ in dims or labels.

    References
    ----------
    Manski, C. F. (2003). Partial Identification of Probability Distributions. Springer, ch. 1-2.
    """
    for part in (known, firms):
        if part.dims != digital.dims or part.shape != digital.shape:
            raise StatisticsError("INDEX_MISMATCH", f"dims {digital.dims} and {part.dims} differ.")
    x, n, total = (part.to_numpy().astype(np.float64) for part in (digital, known, firms))
    unseen = np.isnan(n) & np.isfinite(total)
    x, n = np.where(unseen, 0.0, x), np.where(unseen, 0.0, n)
    wrong = (x < 0) | (x > n + 1e-9) | (n > total + 1e-9)
    if wrong.any():
        raise TableError(
            "COUNT_RANGE",
            f"{int(wrong.sum()):,} of {wrong.size:,} cells break 0 <= digital <= known <= firms.",
        )
    unknown = np.maximum(total - n, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high, hidden = x / total, (x + unknown) / total, unknown / total
        if assumption == "unknown_not_more":
            high = np.where(n > 0, x / n, high)
    outer_low, _ = wilson(x, total, level=level)
    _, outer_high = wilson(high * total, total, level=level)
    shown = total > 0
    values = {
        "share_at_least": low,
        "share_at_most": high,
        "share_unknown": hidden,
        "share_outer_low": outer_low,
        "share_outer_high": outer_high,
    }
    arrays = {name: np.where(shown, value, np.nan) for name, value in values.items()}
    wide = (arrays["share_at_most"] - arrays["share_at_least"] > UNINFORMATIVE).astype(np.int8)
    status = np.where(shown, tables.OK, tables.NO_FIRMS)
    status = np.where(np.isnan(total), tables.NOT_COVERED, status).astype(np.int8)
    return tables.dataset_like(firms, {**arrays, "uninformative": wide, "status": status})
