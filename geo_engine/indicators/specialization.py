"""How specialized a place is in a chain: location quotients with intervals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from geo_engine import tables
from geo_engine.errors import TableError
from geo_engine.indicators.intervals import LEVEL, ratio_of_shares

FloatArray = npt.NDArray[np.float64]

LEAST_FIRMS = 10.0
"""A place of fewer firms is never called specialized: one firm of a rare chain would do."""


def specialization(
    counts: xr.DataArray,
    *,
    totals: xr.DataArray | None = None,
    whole: tuple[xr.DataArray, xr.DataArray] | None = None,
    level: float = LEVEL,
    least_firms: float = LEAST_FIRMS,
) -> xr.Dataset:
    """Compare each place's share of a chain with the whole territory's, and say how surely.

    The quotient is a rising function of the ratio R between the share of the chain here and in the
    rest of the territory: with w the part of all firms that are here, LQ = R / (w R + 1 - w). So
    an interval of R, a ratio of two independent shares, is one of LQ.

    Parameters
    ----------
    counts : DataArray, dims (territory, "chain", ...)
        Firms, at least 0; NaN where not covered. Weighted counts need not be whole.
    totals : DataArray, dims of ``counts`` without "chain", optional
        All firms whatever their chain; by default the sum over the chains.
    whole : tuple of DataArray, optional
        Firms of each chain, and all firms, in the whole territory: dims without the first. By
        default the sums over the places given; needed where these overlap, or are not all.
    level : float
        Probability of the interval.
    least_firms : float
        Fewer firms in a place, whatever their chain, are never called specialized.

    Returns
    -------
    Dataset, same dims
        ``location_quotient`` (ratio), ``location_quotient_low`` and ``location_quotient_high``
        (MOVER-R, from Clopper and Pearson's interval here and Wilson's elsewhere), ``specialized``
        (int8: 1 where the interval lies above 1, -1 where below, 0 where it holds 1, is missing or
        rests on too few firms), ``status`` (int8, ``tables.STATUSES``). A place without firms, or
        a chain without firms anywhere, is NaN (``no_firms``).

    Raises
    ------
    TableError
        ``COUNT_RANGE`` for negative counts, or more in a chain than in all.

    Notes
    -----
    In simulations of places of 1 to 1,000 firms the interval held the true quotient in 95.4 to
    100 %. With Wilson's here it held it in 85 to 98 % of places of three firms.

    References
    ----------
    Isard, W. (1960). Methods of Regional Analysis. MIT Press.

    Beyene, J., Moineddin, R. (2005). Methods for confidence interval estimation of a ratio
    parameter with application to location quotients. BMC Medical Research Methodology 5, 32; the
    delta method there is, but for its quantile, :func:`employment_quotient` with firms of one.
    """
    x, n = _numbers(counts, totals)
    inside = np.isfinite(x) & np.isfinite(n)
    here = np.where(inside, x, 0.0), np.where(inside, n, 0.0)
    all_x, all_n = (part.sum(axis=0, keepdims=True) for part in here)
    if whole is not None:
        all_x, all_n = (_whole(part, counts) for part in whole)
    rest = np.maximum(all_x - here[0], 0.0), np.maximum(all_n - here[1], 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        quotient = (here[0] / here[1]) / (all_x / all_n)
        part = here[1] / all_n
    bounds = ratio_of_shares(here, rest, level=level, exact=True)
    low, high = (_quotient(ratio, part) for ratio in bounds)
    alone = part == 1
    low, high = np.where(alone, quotient, low), np.where(alone, quotient, high)
    defined = inside & (here[1] > 0) & (all_x > 0)
    values = {
        "location_quotient": quotient,
        "location_quotient_low": np.minimum(low, quotient),
        "location_quotient_high": np.maximum(high, quotient),
    }
    return _dataset(counts, values, (inside, defined, here[1] >= least_firms))


def employment_quotient(
    employees: xr.Dataset,
    everyone: xr.Dataset,
    *,
    whole: tuple[xr.Dataset, xr.Dataset] | None = None,
    level: float = LEVEL,
    least_firms: float = LEAST_FIRMS,
) -> xr.Dataset:
    """Compare shares of persons employed; the firm, not the person, is what varies by chance.

    Parameters
    ----------
    employees : Dataset, dims (territory, "chain", ...)
        ``total`` (persons employed) and ``squares`` (sum over firms of their persons squared), as
        :func:`geo_engine.indicators.amounts.sum_amounts` gives them; NaN where not covered.
    everyone : Dataset, dims of ``employees`` without "chain"
        The same of all firms, whatever their chain.
    whole : tuple of Dataset, optional
        Both of the whole territory, without the first dim; by default the sums over the places.
    level : float
        Probability of the interval.
    least_firms : float
        Fewer effective firms in a place, whatever their chain, are never called specialized.

    Returns
    -------
    Dataset, same dims
        ``location_quotient``, ``location_quotient_low``, ``location_quotient_high``,
        ``specialized`` and ``status`` as :func:`specialization`, and ``effective_firms``, the
        number of equal firms with the same concentration, (sum e)^2 / sum e^2. Without persons
        employed in the chain here the quotient is 0 and has no interval.

    Raises
    ------
    TableError
        ``COUNT_RANGE`` as in :func:`specialization`.

    Notes
    -----
    Log-normal interval by the delta method, firms being drawn one by one: the variance of the
    logarithm of a share x/n is s/x^2 + S/n^2 - 2 s/(x n), with s and S the sums of squares of the
    chain and of all. With one person in each firm it is 1/x - 1/n, Katz's. The quantile is
    Student's with n^2/S - 1 degrees of freedom, so that a place of few or unequal firms is unsure.
    In simulations of 5 to 500 firms it held the true quotient in 92 to 96 % of the places.

    References
    ----------
    Katz, D., Baptista, J., Azen, S. P., Pike, M. C. (1978). Obtaining confidence intervals for the
    risk ratio in cohort studies. Biometrics 34, 469-474.
    """
    from scipy.special import stdtrit

    x, n = _numbers(employees["total"], everyone["total"])
    s, t = _numbers(employees["squares"], everyone["squares"])
    inside = np.isfinite(x) & np.isfinite(n) & np.isfinite(s) & np.isfinite(t)
    x, n, s, t = (np.where(inside, part, 0.0) for part in (x, n, s, t))
    sums = [part.sum(axis=0, keepdims=True) for part in (x, n, s, t)]
    if whole is not None:
        like = employees["total"]
        sums = [_whole(part[name], like) for name in ("total", "squares") for part in whole]
    rest = [np.maximum(all_ - part, 0.0) for all_, part in zip(sums, (x, n, s, t), strict=True)]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        quotient = (x / n) / (sums[0] / sums[1])
        ratio = (x / n) / (rest[0] / rest[1])
        freedom = np.maximum(n**2 / t - 1, 0.5)
        spread = np.sqrt(_log_variance(x, n, s, t) + _log_variance(*rest))
        half = stdtrit(freedom, (1 + level) / 2) * spread
        part = n / sums[1]
        low, high = (_quotient(ratio * np.exp(sign * half), part) for sign in (-1, 1))
        effective = np.where(s > 0, x**2 / s, np.nan)
    values = {
        "location_quotient": quotient,
        "location_quotient_low": low,
        "location_quotient_high": high,
        "effective_firms": effective,
    }
    defined = inside & (n > 0) & (sums[0] > 0)
    enough = np.divide(n**2, t, out=np.zeros_like(n), where=t > 0) >= least_firms
    return _dataset(employees["total"], values, (inside, defined, enough))


def expected_firms(firms: xr.DataArray, everyone: xr.DataArray) -> xr.DataArray:
    """Give the firms of a chain that a place would have at the territory's share of it.

    Parameters
    ----------
    firms : DataArray, dims ("place", "chain", "year")
        Firms of each chain; NaN where not covered.
    everyone : DataArray, dims ("place", "year")
        All firms.

    Returns
    -------
    DataArray, dims of ``firms``
        Firms over it are the location quotient.
    """
    total = everyone.sum("place")
    part = firms.sum("place") / total.where(total > 0)
    return (everyone * part).transpose(*firms.dims)


def _whole(total: xr.DataArray, counts: xr.DataArray) -> FloatArray:
    """Give a total of the territory as one row above those of the places."""
    like = counts.isel({counts.dims[0]: 0}, drop=True)
    return tables.spread(total, like).astype(np.float64)[None]


def _numbers(counts: xr.DataArray, totals: xr.DataArray | None) -> tuple[FloatArray, FloatArray]:
    """Check and give counts and totals, both shaped as the counts."""
    everyone = counts.sum("chain", skipna=False) if totals is None else totals
    if not all(
        name in counts.indexes and index.equals(counts.indexes[name])
        for name, index in everyone.indexes.items()
    ):
        raise TableError(
            "COUNT_RANGE", f"Counts {counts.shape} and totals {everyone.shape} do not match."
        )
    amounts = counts.to_numpy().astype(np.float64)
    all_amounts = tables.spread(everyone, counts).astype(np.float64)
    wrong = (amounts < 0) | (amounts > all_amounts * (1 + 1e-9) + 1e-9)
    if wrong.any():
        raise TableError(
            "COUNT_RANGE",
            f"{int(wrong.sum()):,} of {wrong.size:,} counts are negative or larger than the total "
            "of their place. Count chain and total on the same firms.",
        )
    return amounts, all_amounts


def _quotient(ratio: FloatArray, part: FloatArray) -> FloatArray:
    """Turn the ratio to the rest into the ratio to the whole."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return 1.0 / (part + (1 - part) / ratio)


def _log_variance(x: FloatArray, n: FloatArray, s: FloatArray, t: FloatArray) -> FloatArray:
    """Give the variance of log(x/n) when firms of s = sum of squares are drawn."""
    return np.maximum(s / x**2 + t / n**2 - 2 * s / (x * n), 0.0)


def _dataset(
    like: xr.DataArray,
    values: dict[str, FloatArray],
    where: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
) -> xr.Dataset:
    """Label the quotients, say where they lie of 1, and why they are missing."""
    inside, defined, enough = where
    shown = {name: np.where(defined, value, np.nan) for name, value in values.items()}
    low, high = shown["location_quotient_low"], shown["location_quotient_high"]
    side = np.where(low > 1, 1, np.where(high < 1, -1, 0))
    side = np.where(enough, side, 0).astype(np.int8)
    status = np.where(defined, tables.OK, tables.NO_FIRMS)
    status = np.where(inside, status, tables.NOT_COVERED).astype(np.int8)
    arrays = {**shown, "specialized": side, "status": status}
    return tables.dataset_like(like, arrays)
