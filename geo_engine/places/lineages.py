"""Pieces of territory that no dated change divides, and the municipality that held each on a date.

Every pair of dates is compared through the same pieces, so that going from one date to another and
then to a third equals going there at once, and no total can be lost on the way.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FIRST_DATE = dt.date(1991, 1, 1)
"""Successions are listed from here on (ISTAT, Variazioni amministrative e territoriali)."""
LAST_DATE = dt.date(9999, 12, 31)

UNIT_COLUMNS = (
    "istat_code",
    "cadastral_code",
    "name",
    "name_other",
    "sigla",
    "province",
    "valid_from",
    "valid_to",
)
"""One row per period of a municipality; dates are inclusive, 9999-12-31 is open."""
SUCCESSION_COLUMNS = ("date", "until", "old_cadastral", "new_cadastral", "kind", "source")
"""One row per change: ``merged`` (the whole), ``divided`` (a part becomes a municipality) or
``border`` (a part moves between two that remain, on a day between ``date`` and ``until``)."""

Steps = list[tuple[dt.date, str]]
Move = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Lineages:
    """The pieces, in a fixed order."""

    days: tuple[tuple[dt.date, ...], ...]
    """By piece, the days on which it changes hands; the first is when it is first known."""
    holders: tuple[tuple[str, ...], ...]
    """By piece, the cadastral code of its municipality from each of these days ("" not known)."""


def units_on(units: pd.DataFrame, date: dt.date) -> pd.DataFrame:
    """Select the municipalities valid on a date.

    Parameters
    ----------
    units : DataFrame
        ``UNIT_COLUMNS``.
    date : date
        Any date since 1861.

    Returns
    -------
    DataFrame
        Same columns, the periods that hold the date, both ends included.
    """
    return units[(units["valid_from"] <= date) & (date <= units["valid_to"])]


def build_lineages(units: pd.DataFrame, successions: pd.DataFrame) -> Lineages:
    """Cut the territory into pieces that no change since 1991 divides.

    Parameters
    ----------
    units : DataFrame
        Periods of municipalities: cadastral_code, valid_from, valid_to (inclusive dates).
    successions : DataFrame
        date, old_cadastral, new_cadastral, kind (``merged``: the whole of it; ``divided``: a part
        that becomes a municipality; others leave the pieces as they are).

    Returns
    -------
    Lineages
        One piece for each municipality of 1991, and one for each part that left one since.
    """
    alive = (units["valid_from"] <= FIRST_DATE) & (units["valid_to"] >= FIRST_DATE)
    codes = sorted({code for code in units.loc[alive, "cadastral_code"] if code})
    pieces: list[Steps] = [[(FIRST_DATE, code)] for code in codes]
    known = {(code, code): i for i, code in enumerate(codes)}
    held = defaultdict(list, {code: [i] for i, code in enumerate(codes)})
    for day, moves in _moves_by_day(units, successions):
        taken = [_moving(move, pieces, known, held) for move in moves]
        for (_, _, new), indices in zip(moves, taken, strict=True):
            for i in indices:
                if pieces[i] and pieces[i][-1][1]:
                    held[pieces[i][-1][1]].remove(i)
                pieces[i].append((day, new))
                if new:
                    held[new].append(i)
    return Lineages(
        days=tuple(tuple(day for day, _ in steps) for steps in pieces),
        holders=tuple(tuple(code for _, code in steps) for steps in pieces),
    )


def holders_on(lineages: Lineages, date: dt.date) -> list[str]:
    """Give the municipality that holds each piece on a date.

    Parameters
    ----------
    lineages : Lineages
        From :func:`build_lineages`.
    date : date
        From 1991 on.

    Returns
    -------
    list of str
        Cadastral code by piece; "" where it is not known.
    """
    found = []
    for days, codes in zip(lineages.days, lineages.holders, strict=True):
        at = bisect_right(days, date)
        found.append(codes[at - 1] if at else "")
    return found


def piece_sizes(
    lineages: Lineages, weights: pd.DataFrame | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Measure each piece by the table in which it stands most alone.

    Parameters
    ----------
    lineages : Lineages
        From :func:`build_lineages`.
    weights : DataFrame or None
        date, cadastral_code, size: residents or km² of municipalities on a date; None for equal
        pieces. A municipality's size is divided equally among its pieces; of several tables, that
        one counts in which the piece shares its municipality with the fewest others, then the
        latest.

    Returns
    -------
    tuple of arrays
        Size by piece (NaN not known), and whether it comes from an equal division.
    """
    count = len(lineages.days)
    if weights is None:
        return np.ones(count), np.zeros(count, dtype=bool)
    sizes = np.full(count, np.nan)
    shared = np.full(count, np.iinfo(np.int64).max, dtype=np.int64)
    for date in sorted(set(weights["date"]), reverse=True):
        own = weights[weights["date"] == date].set_index("cadastral_code")["size"]
        holders = pd.Series(holders_on(lineages, date))
        total = holders.map(own.astype(float)).to_numpy(dtype=float)
        among = holders.groupby(holders).transform("size").to_numpy()
        better = np.isfinite(total) & (among < shared)
        sizes[better] = total[better] / among[better]
        shared[better] = among[better]
    return sizes, shared > 1


def _moves_by_day(
    units: pd.DataFrame, successions: pd.DataFrame
) -> Iterable[tuple[dt.date, list[Move]]]:
    """List the moves of each day; what ends or begins untold is moved to or from nowhere."""
    moves: dict[dt.date, list[Move]] = defaultdict(list)
    for row in successions.sort_values(["date", "new_cadastral", "old_cadastral"]).itertuples():
        if row.kind in ("merged", "divided") and row.date > FIRST_DATE:
            moves[row.date].append((row.kind, row.old_cadastral, row.new_cadastral))
    begun, ended = edges(units)
    for code, day in begun:
        if day > FIRST_DATE and all(new != code for _, _, new in moves[day]):
            moves[day].append(("begun", "", code))
    for code, day in ended:
        whole = [old for kind, old, _ in moves[day] if kind == "merged"] if day > FIRST_DATE else []
        if day > FIRST_DATE and code not in whole:
            moves[day].append(("merged", code, ""))
    return sorted((day, sorted(each)) for day, each in moves.items() if each)


def edges(
    units: pd.DataFrame,
) -> tuple[list[tuple[str, dt.date]], list[tuple[str, dt.date]]]:
    """Find the days on which municipalities begin, and those on which they are no more.

    Parameters
    ----------
    units : DataFrame
        cadastral_code, valid_from, valid_to.

    Returns
    -------
    tuple of lists
        (code, first day) of each that does not continue one of the same code, and (code, first
        day without it) of each that no period of the same code continues.
    """
    begun: list[tuple[str, dt.date]] = []
    ended: list[tuple[str, dt.date]] = []
    columns = ["cadastral_code", "valid_from", "valid_to"]
    previous, last = "", LAST_DATE
    for code, first, until in units[columns].sort_values(columns).itertuples(index=False):
        if not code:
            continue
        follows = code == previous and last < LAST_DATE and first <= last + dt.timedelta(1)
        if not follows:
            begun.append((code, first))
            if previous and last < LAST_DATE:
                ended.append((previous, last + dt.timedelta(1)))
        last = max(last, until) if follows else until
        previous = code
    if previous and last < LAST_DATE:
        ended.append((previous, last + dt.timedelta(1)))
    return begun, ended


def _moving(
    move: Move,
    pieces: list[Steps],
    known: dict[tuple[str, str], int],
    held: Mapping[str, list[int]],
) -> list[int]:
    """Find the pieces that a move takes; the part that leaves for the first time is cut here."""
    kind, old, new = move
    if kind == "merged":
        return list(held[old])
    key = (new, old)
    if key in known and known[key] in held[old]:
        return [known[key]]
    parent = known.get((old, old))
    if parent not in held[old]:
        parent = held[old][0] if held[old] else None
    known[key] = len(pieces)
    pieces.append([] if parent is None else list(pieces[parent]))
    if parent is not None:
        held[old].append(known[key])
    return [known[key]]
