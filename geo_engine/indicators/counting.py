"""Counts of firms by area, chain and year, from rows of local units or of counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import TableError
from geo_engine.tables import require_columns

FIRM_COLUMNS = ("place", "year", "code", "firm", "firms", "known", "digital")
"""place, year, code: positions (-1: none); firm: key of the enterprise; the rest: amounts."""

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Firms of each area, chain and year; the last chain is all firms, whatever their code."""

    firms: FloatArray
    """Shape (areas, chains + 1, years)."""
    known: FloatArray
    """Of these, firms with a known digital signal."""
    digital: FloatArray
    """Of these, digital firms."""


@dataclass(frozen=True, kw_only=True)
class FirmWeights:
    """How much of a firm each chain has, in whole units, so that sums have no order."""

    units: npt.NDArray[np.integer]
    """Shape (codes, chains)."""
    whole: int
    """Units of a whole firm."""
    divides: npt.NDArray[np.bool_]
    """Shape (chains,): chains that divide firms among them. Together they have no more than one
    whole of an enterprise, whatever its units do; all False where each counts it by itself."""


def count_firms(
    firms: pd.DataFrame,
    members: npt.NDArray[np.bool_] | FirmWeights,
    *,
    areas: npt.NDArray[np.integer],
    shape: tuple[int, int],
    distinct: bool,
) -> Counts:
    """Count firms by area, chain and year.

    Parameters
    ----------
    firms : DataFrame
        Columns ``FIRM_COLUMNS``. A row without a place is left out; a row without a code counts
        among all firms and in no chain.
    members : array of bool, shape (codes, chains), or FirmWeights
        Which code belongs to which chains, or how much of a firm each chain has.
    areas : array of int
        Area of each place by position; -1 for none.
    shape : tuple of int
        Number of areas and of years.
    distinct : bool
        True: an enterprise (``firm``) counts once in each area, chain and year; its signal is
        known where that of any unit is, and digital where any unit is. A row that stands for
        several firms counts whole when its key is its own. False: rows add up. With weights an
        enterprise has in each chain the largest weight of its units; where the sum over the chains
        that divide firms exceeds a whole, it is brought down to a whole in proportion.

    Returns
    -------
    Counts
        Independent of the order of the rows; whole numbers, but where weights are given. All firms
        together are always whole.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``; ``POSITION_RANGE`` for a position outside its table; ``COUNT_RANGE``
        unless 0 <= digital <= known <= firms.
    """
    require_columns(firms, FIRM_COLUMNS, "The table of placed firms")
    place, year, code = (_positions(firms[name]) for name in ("place", "year", "code"))
    amounts = np.stack([firms[name].to_numpy(np.int64) for name in ("firms", "known", "digital")])
    if not isinstance(members, FirmWeights):
        members = FirmWeights(
            units=members.astype(np.int8),
            whole=1,
            divides=np.zeros(members.shape[1], dtype=np.bool_),
        )
    chains = members.units.shape[1]
    _check_positions(
        place=(place, len(areas)), code=(code, len(members.units)), year=(year, shape[1])
    )
    _check_positions(area=(areas, shape[0]))
    _check_amounts(amounts, members.whole)
    zone = np.append(np.asarray(areas, np.int64), -1)[place]
    zone[year < 0] = -1
    rows = _Rows(zone, year, code, amounts, *_chains_of_codes(members))
    counted = np.zeros((*shape, chains + 1, 3), np.int64)  # what a row adds to lies together
    if distinct:
        cell = np.where(zone < 0, -1, zone * shape[1] + year)
        order, bounds = _rows_by_cell(cell, shape[0] * shape[1])
        divides = np.flatnonzero(members.divides).astype(np.int64)
        key = firms["firm"].to_numpy(np.uint64)
        _count_distinct(rows, key, (order, bounds), divides, counted)
    else:
        _count_rows(rows, counted)
    total = np.ascontiguousarray(counted.transpose(3, 0, 2, 1)) / members.whole
    return Counts(firms=total[0], known=total[1], digital=total[2])


class _Rows(NamedTuple):
    """The rows as the kernels take them."""

    zone: IntArray
    year: npt.NDArray[np.int32]
    code: npt.NDArray[np.int32]
    amounts: IntArray
    first: IntArray
    chains: IntArray
    units: IntArray
    """Of each of ``chains``."""
    whole: int


def _positions(column: pd.Series) -> npt.NDArray[np.int32]:
    """Give a column of positions as the kernels take it."""
    return np.ascontiguousarray(column.to_numpy(np.int32))


def _check_positions(**columns: tuple[npt.NDArray[np.integer], int]) -> None:
    """Refuse positions outside their table; -1 means none."""
    for name, (positions, size) in columns.items():
        if len(positions) and (positions.max() >= size or positions.min() < -1):
            wrong = int(((positions >= size) | (positions < -1)).sum())
            raise TableError(
                "POSITION_RANGE",
                f"{wrong:,} of {len(positions):,} positions of {name} are outside 0 to "
                f"{size - 1}. Build them on the same table.",
            )


def _check_amounts(amounts: IntArray, whole: int) -> None:
    """Refuse negative amounts, more digital than known or known than all, and too many to add."""
    firms, known, digital = amounts
    wrong = int(((digital < 0) | (digital > known) | (known > firms)).sum())
    if wrong:
        raise TableError(
            "COUNT_RANGE",
            f"{wrong:,} of {len(firms):,} rows break 0 <= digital <= known <= firms. "
            "Check which columns of the counts are mapped.",
        )
    if float(firms.sum(dtype=np.float64)) * whole >= 2.0**63:
        raise TableError(
            "COUNT_RANGE",
            f"The rows stand for {firms.sum(dtype=np.float64):,.0f} firms, more than can be added "
            "up. Check which columns of the counts are mapped.",
        )


def _chains_of_codes(members: FirmWeights) -> tuple[IntArray, IntArray, IntArray, int]:
    """List chains and units of each code: those of code i are at first[i] : first[i + 1]."""
    inside = members.units > 0
    _, chains = np.nonzero(inside)
    first = np.concatenate([[0], np.cumsum(inside.sum(axis=1))])
    units = members.units[inside].astype(np.int64)
    return first.astype(np.int64), chains.astype(np.int64), units, members.whole


@numba.njit(cache=True)
def _count_rows(rows: _Rows, counted: IntArray) -> None:  # pragma: no cover
    """Add every row to its area and year, in each of its chains and in all firms."""
    for row in range(len(rows.zone)):
        if rows.zone[row] >= 0:
            _add_row(rows, row, counted[rows.zone[row], rows.year[row]])


@numba.njit(cache=True, inline="always")
def _add_row(rows: _Rows, row: int, cell: IntArray) -> None:  # pragma: no cover
    """Add a row to its area and year."""
    code = rows.code[row]
    for kind in range(3):
        cell[len(cell) - 1, kind] += rows.amounts[kind, row] * rows.whole
    if code >= 0:
        for j in range(rows.first[code], rows.first[code + 1]):
            for kind in range(3):
                cell[rows.chains[j], kind] += rows.amounts[kind, row] * rows.units[j]


@numba.njit(cache=True)
def _rows_by_cell(cell: IntArray, cells: int) -> tuple[IntArray, IntArray]:  # pragma: no cover
    """Sort rows by cell in linear time: rows of cell i are order[bounds[i] : bounds[i + 1]]."""
    bounds = np.zeros(cells + 1, np.int64)
    for row in range(len(cell)):
        if cell[row] >= 0:
            bounds[cell[row] + 1] += 1
    for i in range(cells):
        bounds[i + 1] += bounds[i]
    filled = bounds[:-1].copy()
    order = np.empty(bounds[-1], np.int64)
    for row in range(len(cell)):
        if cell[row] >= 0:
            order[filled[cell[row]]] = row
            filled[cell[row]] += 1
    return order, bounds


@numba.njit(cache=True)
def _count_distinct(
    rows: _Rows,
    key: npt.NDArray[np.uint64],
    cells: tuple[IntArray, IntArray],
    divides: IntArray,
    counted: IntArray,
) -> None:  # pragma: no cover
    """Take, for each enterprise of a cell and chain, the largest amount of its units."""
    order, bounds = cells
    years = counted.shape[1]
    largest = np.zeros(counted.shape[2:], np.int64)
    again = np.zeros(len(key), np.bool_)
    for cell in range(len(bounds) - 1):
        inside, here = order[bounds[cell] : bounds[cell + 1]], counted[cell // years, cell % years]
        _mark_again(key, inside, again)
        twice = again[inside]
        alone, shared = inside[~twice], inside[twice]
        if len(divides) == 0:
            for row in alone:
                _add_row(rows, row, here)
        else:  # the parts of one unit may add up to more than a whole too
            shared = np.concatenate((alone, shared))
        shared = shared[np.argsort(key[shared])]
        for i in range(len(shared)):
            _raise_to_row(largest, rows, shared[i])
            if i + 1 == len(shared) or key[shared[i + 1]] != key[shared[i]]:
                _bring_down(largest, divides)
                here += largest
                largest[:] = 0


@numba.njit(cache=True)
def _mark_again(
    key: npt.NDArray[np.uint64], inside: IntArray, again: npt.NDArray[np.bool_]
) -> None:  # pragma: no cover
    """Mark the rows of a cell whose enterprise may have another row there.

    A table of marks by hash: rows that share a slot without sharing an enterprise are marked too,
    which costs time and changes nothing.
    """
    slots = 64
    while slots < 4 * len(inside):
        slots *= 2
    first = np.full(slots, -1, np.int64)
    for row in inside:
        at = np.int64(_mixed(key[row]) & np.uint64(slots - 1))
        if first[at] < 0:
            first[at] = row
        else:
            again[row] = True
            again[first[at]] = True


@numba.njit(cache=True, inline="always")
def _mixed(key: np.uint64) -> np.uint64:  # pragma: no cover
    """Spread a key over all bits (the finalizer of SplitMix64)."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@numba.njit(cache=True)
def _raise_to_row(largest: IntArray, rows: _Rows, row: int) -> None:  # pragma: no cover
    """Raise the amounts of an enterprise to those of one of its units."""
    everyone, code = len(largest) - 1, rows.code[row]
    for kind in range(3):
        amount = rows.amounts[kind, row]
        largest[everyone, kind] = max(largest[everyone, kind], amount * rows.whole)
        if code >= 0:
            for j in range(rows.first[code], rows.first[code + 1]):
                chain = rows.chains[j]
                largest[chain, kind] = max(largest[chain, kind], amount * rows.units[j])


@numba.njit(cache=True)
def _bring_down(largest: IntArray, divides: IntArray) -> None:  # pragma: no cover
    """Let the chains that divide an enterprise have no more than all of it together.

    Rounded on the running sum, so that the parts add up to the whole; known and digital firms of a
    chain shrink with its firms.
    """
    whole = largest[len(largest) - 1, 0]
    total = 0
    for chain in divides:
        total += largest[chain, 0]
    if total <= whole:
        return
    sums, given = np.int64(0), np.int64(0)
    for chain in divides:
        had = largest[chain, 0]
        sums += had
        part = np.int64(np.rint(whole * (sums / total))) - given
        given += part
        if had > 0:
            for kind in range(1, 3):
                largest[chain, kind] = np.int64(np.rint(largest[chain, kind] * (part / had)))
        largest[chain, 0] = part
