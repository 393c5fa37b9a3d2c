"""Growth of firms from year to year."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.intervals import LEVEL, wilson

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def growth(counts: xr.DataArray, *, periods: int = 1, level: float = LEVEL) -> xr.Dataset:
    """Compare each year with an earlier one.

    Parameters
    ----------
    counts : DataArray, dims (..., "year")
        Firms or other counts, at least 0; NaN where missing.
    periods : int
        Years between the two; only years that are that far apart in the calendar are compared.
    level : float
        Probability of the interval.

    Returns
    -------
    Dataset, same dims
        ``growth`` (0.1 is 10 % over the whole time), ``growth_yearly`` (per year, compound),
        ``growth_low`` and ``growth_high``: interval of the ratio of two Poisson counts, and
        ``difference``. NaN where the earlier count is 0 or missing, or there is no earlier year.

    Raises
    ------
    StatisticsError
        ``UNKNOWN_DIM`` without years; ``PERIODS_INVALID`` unless one or more.
    TableError
        ``COUNT_RANGE`` for negative counts.

    Notes
    -----
    The interval treats the years as independent. They hold largely the same firms, so it is too
    wide: what it calls growth is growth. It is Wilson's on the part of the later year in the sum.
    """
    if "year" not in counts.dims:
        raise StatisticsError("UNKNOWN_DIM", f"There is no dim 'year' in {counts.dims}.")
    if periods < 1:
        raise StatisticsError("PERIODS_INVALID", f"periods is {periods}; one or more.")
    negative = int((counts.to_numpy() < 0).sum())
    if negative:
        raise TableError("COUNT_RANGE", f"{negative:,} of {counts.size:,} counts are negative.")
    years = counts["year"].to_numpy()
    before = counts.reindex(year=years - periods).assign_coords(year=years)
    x0, x1 = before.transpose(*counts.dims).to_numpy(), counts.to_numpy()
    given = (x0 > 0) & np.isfinite(x1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(given, x1 / x0, np.nan)
        low, high = wilson(
            np.where(given, x1, np.nan), np.where(given, x0 + x1, np.nan), level=level
        )
        found = {
            "growth": ratio - 1,
            "growth_yearly": ratio ** (1 / periods) - 1,
            "growth_low": low / (1 - low) - 1,
            "growth_high": high / (1 - high) - 1,
            "difference": x1 - x0,
        }
    return tables.dataset_like(counts, found)
