"""Sums of what firms have (persons employed, scores) by area, chain and year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import TableError
from geo_engine.tables import require_columns

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

AMOUNT_COLUMNS = ("place", "year", "code", "amount")
"""place, year, code: positions (-1: none); amount: of the row, NaN where not known."""


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """Sums over firms, shape (areas, chains + 1, years); the last chain is all firms."""

    number: FloatArray
    """Firms with a known amount; weighted where memberships are."""
    total: FloatArray
    """Sum of their amounts."""
    squares: FloatArray
    """Sum of their squared amounts."""
    missing: FloatArray
    """Firms whose amount is not known."""


def sum_amounts(
    firms: pd.DataFrame,
    members: npt.NDArray[np.bool_] | FloatArray,
    *,
    areas: npt.NDArray[np.integer],
    shape: tuple[int, int],
) -> Amounts:
    """Add up an amount of each firm, and its square.

    Parameters
    ----------
    firms : DataFrame
        Columns ``AMOUNT_COLUMNS``, one row per firm (or local unit) and year.
    members : array of bool or float, shape (codes, chains)
        Which code belongs to which chain, or with which weight; a weight multiplies the number,
        the amount and its square.
    areas : array of int
        Area of each place by position; -1 for none.
    shape : tuple of int
        Number of areas and of years.

    Returns
    -------
    Amounts
        Independent of the order of rows up to rounding.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``; ``POSITION_RANGE`` for a position outside its table; ``AMOUNT_RANGE``
        for an infinite amount or a negative weight.
    """
    require_columns(firms, AMOUNT_COLUMNS, "The table of amounts")
    place, year, code = (
        np.ascontiguousarray(firms[name].to_numpy(np.int32)) for name in ("place", "year", "code")
    )
    limits = {"place": (place, len(areas)), "year": (year, shape[1]), "code": (code, len(members))}
    for name, (positions, size) in limits.items():
        wrong = int(((positions >= size) | (positions < -1)).sum())
        if wrong:
            raise TableError(
                "POSITION_RANGE",
                f"{wrong:,} of {len(positions):,} positions of {name} are outside 0 to {size - 1}.",
            )
    amount = firms["amount"].to_numpy(np.float64, na_value=np.nan)
    if np.isinf(amount).any():
        raise TableError("AMOUNT_RANGE", "Amounts must be finite; leave unknown ones empty.")
    links = chains_of_codes(members)
    zone = np.append(np.asarray(areas, np.int64), -1)[place]
    zone[year < 0] = -1
    summed = np.zeros((4, shape[0], members.shape[1] + 1, shape[1]))
    _add_rows(_Rows(zone, year, code, amount, *links), summed)
    number, total, squares, missing = summed
    return Amounts(number=number, total=total, squares=squares, missing=missing)


def chains_of_codes(
    members: npt.NDArray[np.bool_] | FloatArray,
) -> tuple[IntArray, IntArray, FloatArray]:
    """List the chains of each code, and the weight of the code in each.

    Parameters
    ----------
    members : array of bool or float, shape (codes, chains)
        Which code belongs to which chain, or with which weight.

    Returns
    -------
    tuple of array
        ``first``, ``chains`` and ``loads``: those of code i are at first[i] to first[i + 1] - 1.

    Raises
    ------
    TableError
        ``AMOUNT_RANGE`` for a negative or infinite weight.
    """
    loads = np.asarray(members, np.float64)
    if not ((loads >= 0) & np.isfinite(loads)).all():
        raise TableError("AMOUNT_RANGE", "Weights of memberships must be at least 0 and finite.")
    rows, chains = np.nonzero(loads)
    first = np.concatenate([[0], np.cumsum((loads > 0).sum(axis=1))])
    return first.astype(np.int64), chains.astype(np.int64), loads[rows, chains]


def label_amounts(
    amounts: Amounts, labels: Sequence[str], chains: Sequence[str], years: Sequence[int]
) -> tuple[xr.Dataset, xr.Dataset]:
    """Give the sums their labels.

    Parameters
    ----------
    amounts : Amounts
        Sums by place.
    labels, chains, years : sequence
        Codes of the places, keys of the chains and years, in the order of the sums.

    Returns
    -------
    tuple of Dataset
        ``number``, ``total``, ``squares`` and ``missing`` over (place, chain, year), and of all
        firms over (place, year).
    """
    names = ("number", "total", "squares", "missing")
    coords = {"place": list(labels), "chain": list(chains), "year": list(years)}
    by_chain = {
        name: (("place", "chain", "year"), getattr(amounts, name)[:, :-1]) for name in names
    }
    everyone = {name: (("place", "year"), getattr(amounts, name)[:, -1]) for name in names}
    overall = {"place": coords["place"], "year": coords["year"]}
    return xr.Dataset(by_chain, coords=coords), xr.Dataset(everyone, coords=overall)


class _Rows(NamedTuple):
    """The rows as the kernel takes them; chains of code i are chains[first[i] : first[i + 1]]."""

    zone: IntArray
    year: npt.NDArray[np.int32]
    code: npt.NDArray[np.int32]
    amount: FloatArray
    first: IntArray
    chains: IntArray
    loads: FloatArray


@numba.njit(cache=True)
def _add_rows(rows: _Rows, summed: FloatArray) -> None:  # pragma: no cover
    """Add every row to its area and year, in each of its chains and in all firms."""
    everyone = summed.shape[2] - 1
    for row in range(len(rows.zone)):
        zone, year, code = rows.zone[row], rows.year[row], rows.code[row]
        if zone < 0:
            continue
        value = rows.amount[row]
        _add_row(summed[:, zone, everyone, year], value, 1.0)
        if code >= 0:
            for j in range(rows.first[code], rows.first[code + 1]):
                _add_row(summed[:, zone, rows.chains[j], year], value, rows.loads[j])


@numba.njit(cache=True)
def _add_row(cell: FloatArray, value: float, load: float) -> None:  # pragma: no cover
    """Add an amount, or that it is missing, to the four sums of a cell."""
    if np.isnan(value):
        cell[3] += load
    else:
        cell[0] += load
        cell[1] += load * value
        cell[2] += load * value * value
