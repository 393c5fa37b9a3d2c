"""The difference between the first and the last year, with its uncertainty."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.chains.breaks import crosses_break

FloatArray = npt.NDArray[np.float64]

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


def first_last_change(panel: xr.Dataset, breaks: pd.DataFrame | None = None) -> xr.Dataset:
    """Compare the last year of a panel with its first.

    Parameters
    ----------
    panel : Dataset
        firms, known, digital, share, status and share_status over (place, chain, year); years
        need not be sorted.
    breaks : DataFrame, optional
        Breaks of series, as ``chains.breaks.series_breaks``: the numbers of ``firms``, or the
        ``share``, of a chain that breaks between the years are not compared.

    Returns
    -------
    Dataset
        Over (place, chain), as ``Results.change``: ``firms_change`` (number), ``share_change``
        (0.01 is one point) with Newcombe's 95 % interval ``low``, ``high``, the two-sided
        ``p_value``, ``direction`` (1 or -1 only where the interval excludes 0) and ``status``
        (code of ``tables.STATUSES`` of the share that is missing). With one year only there is no
        change: all is NaN and the direction 0. ``series_break`` (bool) marks the chains whose
        number of firms or share breaks between the years: what breaks is NaN, its status
        ``series_break``.

    Notes
    -----
    Both years are treated as independent samples. They hold largely the same firms, whose signals
    resemble themselves, so the interval is too wide and the p-value too large: conservative. Where
    firms are divided among chains, known firms are sums of weights up to 1, which are no more than
    the effective number of firms (sum of weights, squared, over the sum of squares): conservative
    again.
    """
    years = np.sort(panel["year"].to_numpy())
    first, last = int(years[0]), int(years[-1])
    before = panel.sel(year=first, drop=True).transpose("place", "chain")
    after = panel.sel(year=last, drop=True).transpose("place", "chain")
    shape = before["firms"].shape
    chains = [str(key) for key in panel["chain"].to_numpy()]
    broken = {
        name: np.broadcast_to(_broken(breaks, name, chains, (first, last)), shape)
        for name in ("firms", "share")
    }
    status = _change_status(before, after, same_year=first == last)
    status = np.where((status == tables.OK) & broken["share"], tables.SERIES_BREAK, status)
    compared = status == tables.OK
    x1, n1, x2, n2 = (
        np.where(compared, values.to_numpy(), np.nan)
        for values in (before["digital"], before["known"], after["digital"], after["known"])
    )
    low, high = newcombe_interval(x1, n1, x2, n2)
    firms_change = (after["firms"] - before["firms"]).to_numpy()
    firms_change = np.where(broken["firms"] | (first == last), np.nan, firms_change)
    direction = np.where(low > 0, 1, np.where(high < 0, -1, 0))
    values = {
        "first_year": np.full(shape, first),
        "last_year": np.full(shape, last),
        "firms_change": firms_change,
        "share_change": x2 / n2 - x1 / n1,
        "low": low,
        "high": high,
        "p_value": two_proportions_p(x1, n1, x2, n2),
        "direction": direction.astype(np.int8),
        "status": status.astype(np.int8),
        "series_break": broken["firms"] | broken["share"],
    }
    return xr.Dataset(
        {name: (("place", "chain"), value) for name, value in values.items()},
        coords={"place": panel["place"], "chain": panel["chain"]},
    )


def _broken(
    breaks: pd.DataFrame | None, name: str, chains: list[str], years: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Tell of which chains a variable breaks between two years."""
    if breaks is None or breaks.empty or years[0] == years[1]:
        return np.zeros(len(chains), dtype=bool)
    return crosses_break(breaks, name, chains, years)


def newcombe_interval(
    x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Bound the difference of two independent proportions at 95 %.

    Parameters
    ----------
    x1, n1, x2, n2 : array of float
        Successes and trials of the two samples, n > 0; NaN gives NaN.

    Returns
    -------
    tuple of array
        Bounds of x2/n2 - x1/n1, within -1 and 1.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions.
    Statistics in Medicine 17, 873-890; method 10, from Wilson's score intervals.
    """
    p1, p2 = x1 / n1, x2 / n2
    low1, high1 = _wilson(p1, n1)
    low2, high2 = _wilson(p2, n2)
    difference = p2 - p1
    low = difference - np.hypot(p2 - low2, high1 - p1)
    high = difference + np.hypot(high2 - p2, p1 - low1)
    return low, high


def two_proportions_p(x1: FloatArray, n1: FloatArray, x2: FloatArray, n2: FloatArray) -> FloatArray:
    """Test whether two independent proportions are equal, two-sided, by the pooled z.

    Parameters
    ----------
    x1, n1, x2, n2 : array of float
        Successes and trials of the two samples, n > 0; NaN gives NaN.

    Returns
    -------
    array
        p-values; 1 where none or all of both samples are successes.
    """
    from scipy.special import ndtr

    pooled = (x1 + x2) / (n1 + n2)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.abs(x2 / n2 - x1 / n1) / np.sqrt(variance)
    return np.where(variance == 0, 1.0, 2 * ndtr(-z))


def _wilson(share: FloatArray, trials: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give Wilson's score interval of a proportion, exact at 0 and 1."""
    weight = Z95**2 / trials
    center = (share + weight / 2) / (1 + weight)
    half = Z95 * np.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    low = np.where(share == 0, 0.0, center - half)
    high = np.where(share == 1, 1.0, center + half)
    return low, high


def _change_status(
    before: xr.Dataset, after: xr.Dataset, *, same_year: bool
) -> npt.NDArray[np.int8]:
    """Say why a change of share is missing: the last year's reason first, then the first's."""
    early, late = before["share_status"].to_numpy(), after["share_status"].to_numpy()
    status = np.where(late != tables.OK, late, early)
    if same_year:
        status = np.where(status == tables.OK, tables.NOT_SURVEYED, status)
    return status.astype(np.int8)
