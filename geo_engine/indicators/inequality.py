"""How unequally something is spread over places or chains: Gini, Herfindahl, Theil."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.errors import StatisticsError, TableError

FloatArray = npt.NDArray[np.float64]


def gini(
    values: xr.DataArray, *, dim: str = "place", weights: xr.DataArray | None = None
) -> xr.DataArray:
    """Measure how far the Lorenz curve lies from equality.

    Parameters
    ----------
    values : DataArray
        Amounts, at least 0; NaN is left out.
    dim : str
        What the amounts are spread over.
    weights : DataArray, dims among those of ``values``, optional
        What an equal spread would follow (all firms, residents, area); by default each unit counts
        one. With all firms it is the locational Gini of a chain, on location quotients.

    Returns
    -------
    DataArray, dims without ``dim``
        0 (as the weights) to nearly 1 (all in one unit); NaN where nothing is spread.

    Raises
    ------
    TableError
        ``AMOUNT_RANGE`` for negative amounts or weights.

    References
    ----------
    Krugman, P. (1991). Geography and Trade. MIT Press; the weighted Lorenz curve.
    """
    y, w = _amounts(values, dim, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(w > 0, y / w, np.inf)
    order = np.argsort(np.where((w == 0) & (y == 0), -1.0, ratio), axis=0, kind="stable")
    y, w = (np.take_along_axis(part, order, axis=0) for part in (y, w))
    with np.errstate(invalid="ignore", divide="ignore"):
        y, w = y / y.sum(axis=0), w / w.sum(axis=0)
    upper = np.cumsum(y, axis=0)
    area = (w * (2 * upper - y)).sum(axis=0)
    return values.isel({dim: 0}, drop=True).copy(data=np.clip(1 - area, 0.0, 1.0))


def herfindahl(values: xr.DataArray, *, dim: str) -> xr.Dataset:
    """Measure how far amounts are concentrated in few units.

    Parameters
    ----------
    values : DataArray
        Amounts, at least 0; NaN is left out.
    dim : str
        What the amounts are spread over: "chain" for the diversification of a place, "place" for
        the concentration of a chain.

    Returns
    -------
    Dataset, dims without ``dim``
        ``herfindahl``: sum of squared shares, 1/n to 1; ``herfindahl_normalized``: 0 to 1 whatever
        the number n of units with a value; ``effective_number``: 1 / Herfindahl, the number of
        equal units with the same concentration. NaN where nothing is spread.

    Raises
    ------
    TableError
        ``AMOUNT_RANGE`` for negative amounts.

    References
    ----------
    Herfindahl, O. C. (1950). Concentration in the Steel Industry. Columbia University.
    """
    y, counted = _amounts(values, dim, None)
    number = counted.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        index = ((y / y.sum(axis=0)) ** 2).sum(axis=0)
        normalized = np.where(number > 1, (index - 1 / number) / (1 - 1 / number), 1.0)
        effective = 1 / index
    normalized = np.where(np.isfinite(index), np.clip(normalized, 0.0, 1.0), np.nan)
    found = {
        "herfindahl": index,
        "herfindahl_normalized": normalized,
        "effective_number": effective,
    }
    return tables.dataset_like(values.isel({dim: 0}, drop=True), found)


def theil(
    values: xr.DataArray,
    groups: pd.Series | None = None,
    *,
    dim: str = "place",
    weights: xr.DataArray | None = None,
) -> xr.Dataset:
    """Measure inequality, and split it into that between groups and that within them.

    With s and w the parts of a unit in amounts and weights, T = sum s log(s/w); with S and W those
    of a group, between = sum S log(S/W), and within is the rest.

    Parameters
    ----------
    values : DataArray
        Amounts, at least 0; NaN is left out.
    groups : Series, optional
        Group of each unit by its label, for instance the region by ``pro_com_t``.
    dim : str
        What the amounts are spread over.
    weights : DataArray, dims among those of ``values``, optional
        What an equal spread would follow; by default each unit counts one.

    Returns
    -------
    Dataset, dims without ``dim``
        ``theil`` (0 equal, at most log of the number of units when unweighted); with groups also
        ``theil_between``, ``theil_within`` and ``between_share`` (NaN where all is equal).
        Infinite where an amount has no weight; NaN where nothing is spread.

    Raises
    ------
    TableError
        ``AMOUNT_RANGE`` for negative amounts or weights; ``GROUP_MISSING`` for a unit with a value
        and no group.

    References
    ----------
    Theil, H. (1967). Economics and Information Theory. North-Holland.

    Brülhart, M., Traeger, R. (2005). An account of geographic concentration patterns in Europe.
    Regional Science and Urban Economics 35, 597-624; weights.
    """
    y, w = _amounts(values, dim, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        y, w = y / y.sum(axis=0), w / w.sum(axis=0)
    found = {"theil": _relative_entropy(y, w)}
    if groups is not None:
        codes, size = _group_codes(values, dim, groups, (w > 0) | (y > 0))
        between = _relative_entropy(_by_group(y, codes, size), _by_group(w, codes, size))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(found["theil"] > 1e-12, between / found["theil"], np.nan)
            within = np.maximum(found["theil"] - between, 0.0)
        found |= {"theil_between": between, "theil_within": within, "between_share": share}
    return tables.dataset_like(values.isel({dim: 0}, drop=True), found)


def _amounts(
    values: xr.DataArray, dim: str, weights: xr.DataArray | None
) -> tuple[FloatArray, FloatArray]:
    """Check and give amounts and weights with the unit first; left out is zero in both."""
    if dim not in values.dims:
        raise StatisticsError("UNKNOWN_DIM", f"There is no dim {dim!r} in {values.dims}.")
    if weights is None:
        y, w = values, values.copy(data=np.ones(values.shape))
    else:
        y, w = xr.broadcast(values, weights)
    if y.sizes != values.sizes:
        raise StatisticsError("INDEX_MISMATCH", "Amounts and weights differ in their labels.")
    first = (dim, *(name for name in values.dims if name != dim))
    amounts, loads = (part.transpose(*first).to_numpy().astype(np.float64) for part in (y, w))
    wrong = (amounts < 0) | (loads < 0)
    if wrong.any():
        raise TableError(
            "AMOUNT_RANGE",
            f"{int(wrong.sum()):,} of {wrong.size:,} amounts or weights are negative.",
        )
    given = np.isfinite(amounts) & np.isfinite(loads)
    return np.where(given, amounts, 0.0), np.where(given, loads, 0.0)


def _relative_entropy(part: FloatArray, expected: FloatArray) -> FloatArray:
    """Sum s log(s/w) over the units; 0 log 0 is 0."""
    from scipy.special import rel_entr

    with np.errstate(invalid="ignore"):
        total = rel_entr(part, expected).sum(axis=0)
    return np.where(np.isnan(total), np.nan, np.maximum(total, 0.0))


def _group_codes(
    values: xr.DataArray, dim: str, groups: pd.Series, present: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], int]:
    """Give the group of each unit as a number; every unit with a value must have one."""
    codes, names = pd.factorize(groups.reindex(values[dim].to_index()), sort=True)
    missing = (codes < 0) & present.reshape(len(codes), -1).any(axis=1)
    if missing.any():
        first = values[dim].to_numpy()[missing][0]
        raise TableError(
            "GROUP_MISSING", f"{int(missing.sum()):,} units have no group (first: {first})."
        )
    return codes, len(names)


def _by_group(part: FloatArray, codes: npt.NDArray[np.intp], size: int) -> FloatArray:
    """Add the units of each group."""
    total = np.zeros((size, *part.shape[1:]))
    known = codes >= 0
    np.add.at(total, codes[known], part[known])
    return total
