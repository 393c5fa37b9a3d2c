"""Periods of all municipalities since 1861, from what ships and what was imported."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from geo_engine.sources import boundaries
from geo_engine.sources.codes_lists import OPEN_END, CodeList, plain, registry
from geo_engine.sources.codes_periods import (
    COLUMNS,
    FIRST_DATE,
    ONE_DAY,
    Period,
    Periods,
    cut,
    holder,
    holders_by_code,
    package_periods,
    period_at,
    same_province,
)

NUMBERINGS = {
    "code_2010": dt.date(2011, 10, 9),
    "code_2006": dt.date(2007, 1, 1),
    "code_1995": dt.date(1996, 1, 1),
}
"""A day on which each older numbering of ISTAT's list was in use."""


def build_units(lists: Sequence[CodeList]) -> pd.DataFrame:
    """Join what ships and what was imported into one table of periods.

    Parameters
    ----------
    lists : sequence of CodeList
        At most one archive, one list of variations, one of suppressed, any dated snapshots.

    Returns
    -------
    DataFrame
        ``COLUMNS``, sorted; istat_code is "" where no list tells it.
    """
    periods = _grouped(_base(lists))
    _end_as_told(periods)
    for day, snapshot in _snapshots(lists):
        _apply_snapshot(periods, day, snapshot)
    for each in lists:
        if each.kind == "snapshot":
            _fill_older_numberings(periods, each.table)
    for each in lists:
        if each.kind == "suppressed":
            _fill_by_name(_last_periods(periods), _suppressed_names(each.table), periods)
        if each.kind == "variations":
            _fill_by_name(_all_periods(periods), _variation_names(each.table), periods)
    _carry_codes(periods)
    _cut_at_divisions(periods, divisions(lists, periods))
    rows = [period for own in periods.values() for period in own]
    units = pd.DataFrame(rows, columns=list(COLUMNS))
    return units.sort_values(
        ["cadastral_code", "valid_from", "valid_to", "name", "istat_code"], ignore_index=True
    )


def divisions(
    lists: Sequence[CodeList], periods: Mapping[str, Sequence[Period]]
) -> list[tuple[dt.date, str, str]]:
    """List the municipalities made from parts of others that remained.

    Parameters
    ----------
    lists : sequence of CodeList
        The variations tell them by ISTAT code.
    periods : mapping of str to sequence of dict
        By cadastral code, in order.

    Returns
    -------
    list of (date, str, str)
        First day, cadastral code of the source, cadastral code of the new one; the facts of
        codes.toml are among them.
    """
    found = {
        (fact["date"], source, fact["new"])
        for fact in registry()["division"]
        for source in fact["parts_of"]
    }
    sources, holders = _founding_rows(lists), holders_by_code(periods)
    for code, own in periods.items():
        for period in own:
            day = period["valid_from"]
            if day <= FIRST_DATE or period_at(own, day - ONE_DAY) is not None:
                continue
            for source in sources.get(period["istat_code"], ()):
                parent = holder(holders, source, day - ONE_DAY)
                if parent and period_at(periods[parent], day) is not None:
                    found.add((day, parent, code))
    return sorted(found)


def _founding_rows(lists: Sequence[CodeList]) -> dict[str, set[str]]:
    """Map the ISTAT code of each constituted municipality to those of its sources."""
    sources: dict[str, set[str]] = defaultdict(set)
    for each in lists:
        if each.kind == "variations":
            for change, old, new in each.table[["change", "old_code", "new_code"]].itertuples(
                index=False
            ):
                if change.strip() == "CS":
                    sources[old].add(new)
                elif change.strip() == "CECS":
                    sources[new].add(old)
    sources.pop("", None)
    return sources


def _base(lists: Sequence[CodeList]) -> pd.DataFrame:
    """Take the periods of the later list, and the ISTAT codes of the archive."""
    package = package_periods()
    archive = next((each for each in lists if each.kind == "archive"), None)
    if archive is None:
        return package
    own = archive.table.reindex(columns=list(COLUMNS), fill_value="")
    ends = package.loc[package["valid_to"] < OPEN_END, "valid_to"]
    if archive.date is None or archive.date < max(ends.max(), package["valid_from"].max()):
        return package.assign(istat_code=_overlapping_codes(package, own))
    spelled = {(r.cadastral_code, plain(r.name)): r.name for r in package.itertuples()}
    names = [
        spelled.get((code, plain(name)), name)
        for code, name in zip(own["cadastral_code"], own["name"], strict=True)
    ]
    return own.assign(name=names)


def _overlapping_codes(periods: pd.DataFrame, archive: pd.DataFrame) -> list[str]:
    """Give each period the code that the archive has for most of its days."""
    by_code: dict[str, list[tuple[dt.date, dt.date, str, str]]] = defaultdict(list)
    for row in archive.itertuples():
        by_code[row.cadastral_code].append(
            (row.valid_from, row.valid_to, row.istat_code, plain(row.name))
        )
    codes = []
    for row in periods.itertuples():
        name = plain(row.name)
        best = max(
            (
                (name == other, min(row.valid_to, until) - max(row.valid_from, first), code)
                for first, until, code, other in by_code.get(row.cadastral_code, ())
                if first <= row.valid_to and row.valid_from <= until
            ),
            default=(False, None, ""),
        )
        codes.append(best[2] if row.cadastral_code or best[0] else "")
    return codes


def _grouped(table: pd.DataFrame) -> Periods:
    """Group periods by cadastral code, in order of time."""
    periods: Periods = defaultdict(list)
    ordered = table.sort_values(["cadastral_code", "valid_from", "valid_to"])
    for record in ordered.to_dict("records"):
        periods[record["cadastral_code"]].append(record)
    return periods


def _end_as_told(periods: Periods) -> None:
    """End what our dated changes end on their day: the package is a day late for one of them."""
    for change in boundaries.read_changes().itertuples():
        for code in change.old_cadastral:
            last = change.valid_from - ONE_DAY
            period = period_at(periods.get(code, []), last)
            if period is not None and code != change.new_cadastral:
                period["valid_to"] = last


def _snapshots(lists: Sequence[CodeList]) -> list[tuple[dt.date, list[Period]]]:
    """Give what is known of single dates: the shipped layer, its changes, imported lists."""
    layer = boundaries.read_layer(boundaries.FIRST_DATE)
    columns = ["cadastral_code", "name", "sigla", "province"]
    shipped = layer[columns].assign(istat_code=layer.index.astype(str))
    found = [(boundaries.FIRST_DATE, shipped.to_dict("records"))]
    for change in boundaries.read_changes().itertuples():
        fact = {
            "cadastral_code": change.new_cadastral,
            "istat_code": change.new_code,
            "name": change.name,
        }
        found.append((change.valid_from, [fact]))
    found += [
        (each.date, each.table.to_dict("records"))
        for each in lists
        if each.kind == "snapshot" and each.date is not None
    ]
    return sorted(found, key=lambda pair: pair[0])


def _apply_snapshot(periods: Periods, day: dt.date, snapshot: Iterable[Period]) -> None:
    """Take code, province and the spelling of the name from a list of one date."""
    for row in snapshot:
        own = periods.get(row["cadastral_code"], [])
        period = period_at(own, day)
        if period is None:
            continue
        if period["istat_code"] and period["istat_code"] != row["istat_code"]:
            since = _renumbering_date(period["istat_code"], day)
            period = cut(own, period, since) if since > period["valid_from"] else period
        period["istat_code"] = row["istat_code"]
        period["sigla"] = row.get("sigla") or period["sigla"]
        period["province"] = row.get("province") or period["province"]
        for other in own:
            for field in ("name_full", "name"):
                if row.get(field) and plain(row[field]) == plain(other["name"]):
                    other["name"] = row[field]
                    break


def _renumbering_date(old_code: str, day: dt.date) -> dt.date:
    """Give the day on which an old code became another one, as far as a fact tells it."""
    for fact in registry()["renumbering"]:
        if old_code[:3] in fact["provinces"] and fact["date"] <= day:
            return fact["date"]
    return day


def _fill_older_numberings(periods: Periods, table: pd.DataFrame) -> None:
    """Take the codes that ISTAT's list gives in older numberings of the provinces."""
    for field, day in NUMBERINGS.items():
        if field in table:
            for cadastral, code in zip(table["cadastral_code"], table[field], strict=True):
                period = period_at(periods.get(cadastral, []), day)
                if period is not None and not period["istat_code"]:
                    period["istat_code"] = code


def _suppressed_names(table: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    """Give code, name and sigla ("" not told) of suppressed municipalities."""
    siglas = table["sigla"] if "sigla" in table else [""] * len(table)
    return zip(table["istat_code"], table["name"], siglas, strict=True)


def _variation_names(table: pd.DataFrame) -> Iterable[tuple[str, str, str]]:
    """Give code and name of municipalities that changed, or had a part in a change."""
    for code, name in (("old_code", "old_name"), ("new_code", "new_name")):
        for each, called in zip(table[code], table[name], strict=True):
            if each and called:
                yield each, called, ""


def _all_periods(periods: Periods) -> Iterable[Period]:
    """Give all periods since the lists begin."""
    return (p for own in periods.values() for p in own if p["valid_to"] >= FIRST_DATE)


def _last_periods(periods: Periods) -> Iterable[Period]:
    """Give the last period of each municipality that ended since the lists begin."""
    last = (own[-1] for own in periods.values())
    return (period for period in last if FIRST_DATE <= period["valid_to"] < OPEN_END)


def _fill_by_name(
    candidates: Iterable[Period], named: Iterable[tuple[str, str, str]], periods: Periods
) -> None:
    """Give codes to periods without one by name and province, where only one code fits."""
    by_name: dict[str, list[Period]] = defaultdict(list)
    for period in candidates:
        if not period["istat_code"]:
            by_name[plain(period["name"])].append(period)
    provinces = _provinces(periods)
    wanted: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for code, name, sigla in named:
        wanted[plain(name)].add((code, sigla or provinces.get(code[:3], "")))
    for name, codes in wanted.items():
        for period in by_name.get(name, []):
            fitting = {code for code, sigla in codes if same_province(sigla, period["sigla"])}
            if len(fitting) == 1:
                period["istat_code"] = fitting.pop()


def _provinces(periods: Mapping[str, Sequence[Period]]) -> dict[str, str]:
    """Map the number of each province to its sigla, as periods with a code tell it."""
    votes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for own in periods.values():
        for period in own:
            if period["istat_code"]:
                votes[period["istat_code"][:3]][period["sigla"]] += 1
    told = {number: max(sorted(each), key=lambda s: each[s]) for number, each in votes.items()}
    return registry()["former_provinces"] | told


def _carry_codes(periods: Periods) -> None:
    """Carry codes over to periods that adjoin in the same province, back in time and forth."""
    for cadastral, own in periods.items():
        pairs = list(itertools.pairwise(own)) if cadastral else []
        for known, other in [(b, a) for a, b in reversed(pairs)] + pairs:
            first, second = sorted((known, other), key=lambda period: period["valid_from"])
            if (
                known["istat_code"]
                and not other["istat_code"]
                and second["valid_from"] - first["valid_to"] == ONE_DAY
                and same_province(known["sigla"], other["sigla"])
                and other["valid_to"] >= FIRST_DATE
            ):
                other["istat_code"] = known["istat_code"]


def _cut_at_divisions(periods: Periods, events: Iterable[tuple[dt.date, str, str]]) -> None:
    """End a period of a municipality on the day before a part of it leaves."""
    for day, source, _ in events:
        own = periods.get(source, [])
        period = period_at(own, day)
        if period is not None and period["valid_from"] < day:
            cut(own, period, day)
