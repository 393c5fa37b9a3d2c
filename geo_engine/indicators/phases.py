"""What a chain is made of in a place: upstream, core, distribution, services."""

from __future__ import annotations

import numpy as np
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.intervals import LEVEL, wilson


def phase_composition(counts: xr.DataArray, *, level: float = LEVEL) -> xr.Dataset:
    """Divide the firms of a chain by phase.

    Parameters
    ----------
    counts : DataArray, dims (territory, "chain", "phase", ...)
        Firms of each phase, at least 0; NaN where not covered. A firm has one phase in a chain.
    level : float
        Probability of the interval.

    Returns
    -------
    Dataset
        ``phase_share`` with ``phase_share_low`` and ``phase_share_high`` (Wilson, each phase by
        itself), dims of ``counts``; and without "phase": ``phases_present`` (number of phases with
        a firm), ``phase_balance`` (entropy of the shares over its maximum: 0 one phase only, 1 all
        alike), ``main_phase`` (int8: position of the largest, the first of equal ones; -1 where
        missing) and ``status`` (int8, ``tables.STATUSES``).

    Raises
    ------
    StatisticsError
        ``UNKNOWN_DIM`` without a dim "phase".
    TableError
        ``COUNT_RANGE`` for negative counts.
    """
    if "phase" not in counts.dims:
        raise StatisticsError("UNKNOWN_DIM", f"There is no dim 'phase' in {counts.dims}.")
    axis = counts.dims.index("phase")
    x = counts.to_numpy().astype(np.float64)
    if (x < 0).any():
        raise TableError("COUNT_RANGE", f"{int((x < 0).sum()):,} of {x.size:,} are negative.")
    total = x.sum(axis=axis, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, x / total, np.nan)
        entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=axis)
    low, high = wilson(x, np.broadcast_to(total, x.shape), level=level)
    known = np.isfinite(total).squeeze(axis)
    shown = (total > 0).squeeze(axis)
    largest = np.argmax(np.where(np.isfinite(x), x, -1.0), axis=axis)
    phases = x.shape[axis]
    rest = {
        "phases_present": np.where(known, (x > 0).sum(axis=axis), np.nan),
        "phase_balance": entropy / np.log(phases) if phases > 1 else np.where(shown, 0.0, np.nan),
        "main_phase": np.where(shown, largest, -1).astype(np.int8),
        "status": np.where(
            known, np.where(shown, tables.OK, tables.NO_FIRMS), tables.NOT_COVERED
        ).astype(np.int8),
    }
    like = counts.isel(phase=0, drop=True)
    shares = {"phase_share": share, "phase_share_low": low, "phase_share_high": high}
    by_phase = tables.dataset_like(counts, shares)
    return by_phase.assign({name: (like.dims, value) for name, value in rest.items()})
