"""Rows of one tax code: local units of one firm, or one seat told in several ways."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

CONFLICT = "CF_CONFLICT"
"""Reason: another municipality holds more rows of the tax code and year (at a tie, it has the lower
code), and the study asks for one seat."""
CONFLICT_DETAIL = (
    "The tax code has rows of this year in several municipalities, and another one is kept: state "
    'seats = "keep" where they are local units.'
)
ENOUGH = 100
"""Tax codes from which the number of rows of each says what the rows are."""
SMALL = 32
"""Rows of one tax code that are sorted by insertion."""
MANY = 0.1
"""Share of tax codes with several rows from which rows look like local units."""


@dataclass(frozen=True, kw_only=True)
class Seats:
    """How the rows share the tax codes, year by year."""

    rows: int
    """Rows with a tax code."""
    codes: int
    """Pairs of tax code and year."""
    several_rows: int
    """Of these, the ones with more than one row."""
    conflicting: int
    """Of these, the ones with rows in more than one municipality."""
    conflicting_rows: int
    """Rows of those."""
    largest: int
    """Most rows of one tax code and year."""
    out: NDArray[np.bool_] = field(repr=False)
    """Per row: in another municipality than the one that its tax code and year keep."""
    group: NDArray[np.int64] = field(repr=False)
    """Per row: number of its conflict, from 0 in the order of the keys; -1 outside all."""


def find_seats(
    firm: NDArray[np.uint64],
    year: NDArray[np.integer],
    place: NDArray[np.integer],
    has_code: NDArray[np.bool_],
) -> Seats:
    """Find the tax codes with rows in several municipalities in one year.

    Of each, the municipality with most rows is kept, at a tie the one of the lowest code: the rule
    does not look at the order of the rows.

    Parameters
    ----------
    firm : ndarray of uint64
        Key of the tax code of each row.
    year : ndarray of int
        Reference year.
    place : ndarray of int
        Municipality, as its position in the layer (which is sorted by code).
    has_code : ndarray of bool
        Whether the key is one of a tax code; other rows are no firm's.

    Returns
    -------
    Seats
        Arrays aligned with the rows.
    """
    chosen = np.flatnonzero(has_code)
    order = chosen[np.argsort(firm[chosen], kind="stable")]
    out = np.zeros(len(firm), bool)
    group = np.full(len(firm), -1, np.int64)
    facts = _walk(order, _span(order, firm), (year, place), out, group)
    return Seats(
        rows=len(order),
        codes=int(facts[0]),
        several_rows=int(facts[1]),
        conflicting=int(facts[2]),
        conflicting_rows=int(facts[3]),
        largest=int(facts[4]),
        out=out,
        group=group,
    )


def seat_warning(seats: Seats, unit: str) -> str:
    """Say when the rows do not look like the unit that the study states.

    Parameters
    ----------
    seats : Seats
        Of all rows.
    unit : str
        ``impresa``, ``sede`` or ``unita_locale``.

    Returns
    -------
    str
        ``looks_like_seats``, ``looks_like_units`` or "".
    """
    if seats.codes < ENOUGH:
        return ""
    if unit == "unita_locale" and not seats.several_rows:
        return "looks_like_seats"
    if unit in ("sede", "impresa") and seats.several_rows > MANY * seats.codes:
        return "looks_like_units"
    return ""


def _span(order: NDArray[np.int64], firm: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Give the bounds of the runs of equal keys."""
    keys = firm[order]
    starts = np.flatnonzero(np.concatenate([np.ones(1, bool), keys[1:] != keys[:-1]]))
    return np.append(starts[: len(keys)], len(keys)) if len(keys) else np.zeros(1, np.int64)


@njit(cache=True, nogil=True)
def _sort_rows(
    rows: NDArray[np.int64], year: NDArray[np.integer], place: NDArray[np.integer]
) -> None:
    """Sort the rows of one tax code by year and municipality, in place."""
    if len(rows) > SMALL:
        keys = year[rows] * np.int64(1 << 32) + place[rows]
        rows[:] = rows[np.argsort(keys, kind="mergesort")]
        return
    for i in range(1, len(rows)):
        row = rows[i]
        j = i - 1
        while j >= 0 and (
            year[rows[j]] > year[row]
            or (year[rows[j]] == year[row] and place[rows[j]] > place[row])
        ):
            rows[j + 1] = rows[j]
            j -= 1
        rows[j + 1] = row


@njit(cache=True, nogil=True)
def _most_rows(rows: NDArray[np.int64], place: NDArray[np.integer]) -> int:
    """Give the municipality of most rows, sorted by municipality; the lowest at a tie."""
    best, best_size, size = place[rows[0]], 0, 0
    for i in range(len(rows)):
        size = size + 1 if i and place[rows[i]] == place[rows[i - 1]] else 1
        if size > best_size:
            best, best_size = place[rows[i]], size
    return best


@njit(cache=True, nogil=True)
def _walk(
    order: NDArray[np.int64],
    span: NDArray[np.int64],
    columns: tuple[NDArray[np.integer], NDArray[np.integer]],
    out: NDArray[np.bool_],
    group: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Go through the tax codes, year by year; sum up codes, several, conflicts, rows, largest."""
    year, place = columns
    facts = np.zeros(5, np.int64)
    for k in range(len(span) - 1):
        rows = order[span[k] : span[k + 1]]
        _sort_rows(rows, year, place)
        begin = 0
        for i in range(1, len(rows) + 1):
            if i < len(rows) and year[rows[i]] == year[rows[begin]]:
                continue
            own = rows[begin:i]
            begin = i
            facts[0] += 1
            facts[1] += len(own) > 1
            facts[4] = max(facts[4], len(own))
            if place[own[0]] == place[own[-1]]:
                continue
            kept = _most_rows(own, place)
            for row in own:
                group[row] = facts[2]
                out[row] = place[row] != kept
            facts[2] += 1
            facts[3] += len(own)
    return facts
