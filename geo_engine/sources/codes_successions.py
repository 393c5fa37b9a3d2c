"""Who followed whom: mergers, divisions and moved borders since 1991, dated."""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from geo_engine.sources import boundaries
from geo_engine.sources.codes_history import divisions
from geo_engine.sources.codes_lists import OPEN_END, CodeList, registry
from geo_engine.sources.codes_periods import (
    FIRST_DATE,
    ONE_DAY,
    Period,
    holder,
    holders_by_code,
)

COLUMNS = ("date", "until", "old_cadastral", "new_cadastral", "kind", "source")


class _Change(NamedTuple):
    """One row of a list of variations."""

    order: int
    change: str
    old: str
    new: str
    date: dt.date | None


def build_successions(units: pd.DataFrame, lists: Sequence[CodeList]) -> pd.DataFrame:
    """Tell for each municipality that ended since 1991 who holds its territory.

    Parameters
    ----------
    units : DataFrame
        From :func:`codes_history.build_units`.
    lists : sequence of CodeList
        The imported lists.

    Returns
    -------
    DataFrame
        date (first day of the new state), until (the same, or the last day on which it can have
        been), old_cadastral, new_cadastral, kind (``merged``, ``divided``, ``border``), source.
    """
    periods: dict[str, list[Period]] = defaultdict(list)
    for record in units.to_dict("records"):
        periods[record["cadastral_code"]].append(record)
    holders = holders_by_code(periods)
    changes = _changes(lists)
    rows = _mergers(periods, holders, changes, lists)
    rows += [
        (day, day, source, new, "divided", "divisione")
        for day, source, new in divisions(lists, periods)
    ]
    rows += _borders(periods, holders, changes)
    table = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    return table.drop_duplicates().sort_values(
        ["date", "kind", "new_cadastral", "old_cadastral", "until"], ignore_index=True
    )


def _changes(lists: Sequence[CodeList]) -> list[_Change]:
    """Read the rows of the variations, ``AQES`` as the extinction of the other one."""
    found: list[_Change] = []
    for each in lists:
        if each.kind != "variations":
            continue
        dates = each.table["date"] if "date" in each.table else [None] * len(each.table)
        columns = (each.table[c] for c in ("change", "old_code", "new_code"))
        for i, (change, old, new, date) in enumerate(zip(*columns, dates, strict=True)):
            word = change.strip().upper()
            if word == "AQES":
                word, old, new = "ES", new, old
            found.append(_Change(i, word, old, new, date))
    return found


def _mergers(
    periods: Mapping[str, Sequence[Period]],
    holders: Mapping[str, Sequence[Period]],
    changes: Sequence[_Change],
    lists: Sequence[CodeList],
) -> list[tuple[Any, ...]]:
    """Find who took each municipality that ended: from our changes, then ISTAT's lists."""
    facts = {
        (old, change.valid_from): change.new_cadastral
        for change in boundaries.read_changes().itertuples()
        for old in change.old_cadastral
    } | {(fact["old"], fact["date"]): fact["new"] for fact in registry()["succession"]}
    heirs = _heirs_by_code(changes, lists)
    rows: list[tuple[Any, ...]] = []
    for code, day, istat in _ends(periods):
        new, source = facts.get((code, day), ""), "fatto"
        if not new:
            source = "elenco ISTAT"
            found = [holder(holders, heir, day) for heir in heirs.get(istat, ())]
            new = next((each for each in found if each and each != code), "")
        if not new and istat:
            source = "stesso codice"
            new = holder(holders, istat, day)
        if new:
            rows.append((day, day, code, new, "merged", source))
    return rows


def _ends(periods: Mapping[str, Sequence[Period]]) -> Iterable[tuple[str, dt.date, str]]:
    """Give code, first day without it, and last ISTAT code of what ended since 1991."""
    for code, own in periods.items():
        if not code:
            continue
        starts = {period["valid_from"] for period in own}
        for period in own:
            if FIRST_DATE <= period["valid_to"] < OPEN_END:
                day = period["valid_to"] + ONE_DAY
                if day not in starts:
                    yield code, day, period["istat_code"]


def _heirs_by_code(changes: Sequence[_Change], lists: Sequence[CodeList]) -> dict[str, list[str]]:
    """Map the ISTAT code of each extinct municipality to those into which it went."""
    found: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        if change.change == "ES" and change.new:
            found[change.old].append(change.new)
    for each in lists:
        if each.kind == "suppressed" and "new_code" in each.table:
            for old, new in zip(each.table["istat_code"], each.table["new_code"], strict=True):
                if new:
                    found[old].append(new)
    return found


def _borders(
    periods: Mapping[str, Sequence[Period]],
    holders: Mapping[str, Sequence[Period]],
    changes: Sequence[_Change],
) -> list[tuple[Any, ...]]:
    """Find parts that moved between two municipalities that remained (``AQ`` and ``CE``)."""
    whole = {frozenset((c.old, c.new)) for c in changes if c.change in ("ES", "CS", "CECS")}
    moves: dict[tuple[str, str], list[_Change]] = defaultdict(list)
    for change in changes:
        pair = frozenset((change.old, change.new))
        if change.change in ("AQ", "CE") and change.new and pair not in whole:
            giver, taker = (
                (change.old, change.new) if change.change == "CE" else (change.new, change.old)
            )
            known = moves[giver, taker]
            if not known or change.order > known[-1].order + SAME_EVENT:
                known.append(change)
    dated = _dated(periods, holders, changes, moves)
    bounds = _bounds(changes, dated)
    rows: list[tuple[Any, ...]] = []
    for (giver, taker), found in moves.items():
        for event in found:
            first, last = bounds[event.order]
            old, new = (_ever(holders, code, first, last) for code in (giver, taker))
            if old and new and last >= FIRST_DATE:
                rows.append((first, last, old, new, "border", "elenco ISTAT"))
    return rows


SAME_EVENT = 8
"""Rows of one event stand together; a pair that returns later is another event."""
YEAR = dt.timedelta(days=366)
AROUND = 6
"""An undated row lies between the dates of as many dated rows on either side: the list is in
order of years, not of days."""


def _dated(
    periods: Mapping[str, Sequence[Period]],
    holders: Mapping[str, Sequence[Period]],
    changes: Sequence[_Change],
    moves: Mapping[tuple[str, str], Sequence[_Change]],
) -> dict[int, tuple[dt.date, dt.date]]:
    """Date rows by themselves, by an end or a beginning, or by a day that breaks both periods."""
    found: dict[int, tuple[dt.date, dt.date]] = {}
    for change in changes:
        day = _known_date(holders, change)
        if day is not None:
            found[change.order] = (day, day)
    for (giver, taker), events in moves.items():
        common = _common_breaks(periods, holders, giver, taker)
        for i, event in enumerate(events):
            if event.order in found or not common:
                continue
            alone = len(common) == len(events)
            found[event.order] = (common[i], common[i]) if alone else (common[0], common[-1])
    return found


def _common_breaks(
    periods: Mapping[str, Sequence[Period]],
    holders: Mapping[str, Sequence[Period]],
    giver: str,
    taker: str,
) -> list[dt.date]:
    """List the days since 1991 on which the archive begins a period of both with the same code."""
    days = []
    for istat in (giver, taker):
        owners = {period["cadastral_code"] for period in holders.get(istat, ())}
        own: set[dt.date] = set()
        for owner in owners:
            pairs = itertools.pairwise(periods[owner])
            own |= {
                second["valid_from"]
                for first, second in pairs
                if first["istat_code"] == second["istat_code"] == istat
                and second["valid_from"] > FIRST_DATE
            }
        days.append(own)
    return sorted(days[0] & days[1])


def _bounds(
    changes: Sequence[_Change], dated: Mapping[int, tuple[dt.date, dt.date]]
) -> dict[int, tuple[dt.date, dt.date]]:
    """Bound every row: by its own date, or by the dated rows around it."""
    orders = sorted(dated)
    found: dict[int, tuple[dt.date, dt.date]] = {}
    for change in changes:
        if change.order in dated:
            found[change.order] = dated[change.order]
            continue
        at = bisect.bisect(orders, change.order)
        around = [dated[order] for order in orders[max(0, at - AROUND) : at + AROUND]]
        first = min((day for day, _ in around), default=FIRST_DATE)
        last = max((day for _, day in around), default=OPEN_END)
        found[change.order] = (
            first if at >= AROUND else FIRST_DATE,
            last if at + AROUND <= len(orders) else last + YEAR if orders else OPEN_END,
        )
    return found


def _known_date(holders: Mapping[str, Sequence[Period]], change: _Change) -> dt.date | None:
    """Date a row by the end of the municipality that it extinguishes, or by its beginning."""
    if change.date is not None:
        return change.date
    if change.change == "ES":
        ends = [p["valid_to"] for p in holders.get(change.old, ()) if p["valid_to"] < OPEN_END]
        return max(ends) + ONE_DAY if ends and max(ends) >= FIRST_DATE else None
    if change.change == "AP":
        starts = [p["valid_from"] for p in holders.get(change.new, ())]
        return min(starts) if starts and min(starts) > FIRST_DATE else None
    return None


def _ever(holders: Mapping[str, Sequence[Period]], code: str, first: dt.date, last: dt.date) -> str:
    """Find the municipality that had an ISTAT code at some time between two dates."""
    for period in holders.get(code, ()):
        if period["valid_from"] <= last and first - ONE_DAY <= period["valid_to"]:
            return str(period["cadastral_code"])
    return ""
