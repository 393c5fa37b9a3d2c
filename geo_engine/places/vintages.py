"""Codes of any date from 1991 on to the municipalities of another date, without losing a firm."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import TableError
from geo_engine.places.apportionment import apportion as apportion
from geo_engine.places.lineages import (
    FIRST_DATE,
    LAST_DATE,
    SUCCESSION_COLUMNS,
    UNIT_COLUMNS,
    Lineages,
    build_lineages,
    holders_on,
    piece_sizes,
)
from geo_engine.places.lineages import units_on as units_on
from geo_engine.tables import require_columns

HEIR_COLUMNS = (
    "istat_code",
    "cadastral_code",
    "name",
    "name_other",
    "sigla",
    "valid_from",
    "valid_to",
    "heirs",
    "weights",
    "kind",
)
KINDS = ("same", "renamed", "renumbered", "border", "merged", "divided", "unknown")
"""How an old municipality became a new one, from the harmless to the unknown."""


def crosswalk(
    units: pd.DataFrame,
    successions: pd.DataFrame,
    from_date: dt.date,
    to_date: dt.date,
    weights: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Map the ISTAT codes of one date to those of another, earlier or later.

    Parameters
    ----------
    units, successions : DataFrame
        ``UNIT_COLUMNS`` and ``SUCCESSION_COLUMNS``.
    from_date, to_date : date
        From 1991 on, in either order.
    weights : DataFrame or None
        date, cadastral_code, size (residents, or km²); divided municipalities are shared out by
        it. None shares equally.

    Returns
    -------
    DataFrame
        old, new, weight, kind (``KINDS``); the weights of each old code add up to 1. ``new`` is
        "" where the municipality, or its code, of that date is not known (``unknown``).
        ``border`` keeps all with the old municipality: the share of the part that moved is not in
        the official lists. ``attrs["assumed"]`` lists old codes shared equally for want of sizes,
        ``attrs["without_code"]`` the cadastral codes whose ISTAT code of ``from_date`` is unknown.

    Raises
    ------
    TableError
        ``DATE_TOO_EARLY`` before 1991.
    """
    _check(units, successions, (from_date, to_date))
    lineages = build_lineages(units, successions)
    before, after = units_on(units, from_date), units_on(units, to_date)
    shares = _shares(lineages, from_date, to_date, weights)
    shares["old"] = shares["was"].map(_by_cadastral(before, "istat_code")).fillna("")
    shares["new"] = shares["becomes"].map(_by_cadastral(after, "istat_code")).fillna("")
    unnamed = sorted(set(shares.loc[shares["old"] == "", "was"]))
    shares = shares[shares["old"] != ""]
    names = [_by_cadastral(each, "name") for each in (before, after)]
    shares["kind"] = _kinds(shares, _moved(successions, from_date, to_date), names)
    shares = shares.sort_values(["old", "new", "was", "becomes"], ignore_index=True)
    table = shares.groupby(["old", "new"], as_index=False, sort=True).agg(
        weight=("weight", "sum"), kind=("kind", "first")
    )
    table.attrs["assumed"] = sorted(set(shares.loc[shares["assumed"], "old"]))
    table.attrs["without_code"] = unnamed
    return table


def heirs_at(
    units: pd.DataFrame,
    successions: pd.DataFrame,
    places: pd.DataFrame,
    date: dt.date,
    weights: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Tell, for every municipality there has been since 1861, who holds its territory on a date.

    Parameters
    ----------
    units, successions : DataFrame
        ``UNIT_COLUMNS`` and ``SUCCESSION_COLUMNS``.
    places : DataFrame
        The municipalities of the study, indexed by ``pro_com_t``, with cadastral_code and name.
    date : date
        The date of ``places``, from 1991 on.
    weights : DataFrame or None
        As for :func:`crosswalk`.

    Returns
    -------
    DataFrame
        ``HEIR_COLUMNS``, one row per period: ``heirs`` is a tuple of codes of ``places`` (empty:
        not known), ``weights`` the shares of the territory, adding up to 1, ``kind`` one of
        ``same``, ``renamed``, ``renumbered``, ``merged``, ``divided``, ``unknown``.

    Raises
    ------
    TableError
        ``DATE_TOO_EARLY`` before 1991; ``MISSING_COLUMN``.
    """
    _check(units, successions, (date,))
    require_columns(places, ("cadastral_code", "name"), "The table of municipalities")
    lineages = build_lineages(units, successions)
    table = units[list(HEIR_COLUMNS[:7])].reset_index(drop=True)
    homes = holders_on(lineages, date)
    sizes, _ = piece_sizes(lineages, weights)
    code_of = dict(zip(places["cadastral_code"], places.index.astype(str), strict=True))
    name_of = dict(zip(places.index.astype(str), places["name"], strict=True))
    whole = pd.Series(homes).value_counts().to_dict()
    pieces_of = _pieces_of(lineages, table)
    rows = []
    for row, pieces in zip(table.itertuples(), pieces_of, strict=True):
        heirs, shares = _heirs(pieces, homes, sizes, code_of)
        merged = len(heirs) == 1 and len(pieces) < whole[homes[pieces[0]]]
        rows.append((heirs, shares, _heir_kind(row, heirs, merged, name_of)))
    found = pd.DataFrame(rows, columns=["heirs", "weights", "kind"], index=table.index)
    return pd.concat([table, found], axis=1)[list(HEIR_COLUMNS)]


def rebase(
    counts: pd.DataFrame,
    units: pd.DataFrame,
    successions: pd.DataFrame,
    to_date: dt.date,
    weights: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Bring a table of several dates to the geography of one.

    Parameters
    ----------
    counts : DataFrame
        Indexed by (date, code): the codes of each date.
    units, successions, weights
        As for :func:`crosswalk`.
    to_date : date
        The geography that all years get.

    Returns
    -------
    DataFrame
        Indexed by (date, code of ``to_date``), totals by date as they were.

    Raises
    ------
    TableError
        As for :func:`crosswalk` and :func:`apportion`.
    """
    parts = {}
    for date, part in counts.groupby(level=0, sort=True):
        table = crosswalk(units, successions, date, to_date, weights)
        parts[date] = apportion(part.droplevel(0), table)
    if not parts:
        return counts.copy()
    return pd.concat(parts, names=list(counts.index.names))


def _check(units: pd.DataFrame, successions: pd.DataFrame, dates: Sequence[dt.date]) -> None:
    """Refuse tables without their columns, and dates that no list reaches."""
    require_columns(units, UNIT_COLUMNS, "The table of periods")
    require_columns(successions, SUCCESSION_COLUMNS, "The table of successions")
    for date in dates:
        if date < FIRST_DATE:
            raise TableError(
                "DATE_TOO_EARLY",
                f"Changes of municipalities are known from {FIRST_DATE} on; {date} is earlier. "
                "Use a date from 1991 on.",
            )


def _by_cadastral(valid: pd.DataFrame, column: str) -> dict[str, str]:
    """Map the cadastral code of valid municipalities to a column."""
    return dict(zip(valid["cadastral_code"], valid[column], strict=True))


def _shares(
    lineages: Lineages, from_date: dt.date, to_date: dt.date, weights: pd.DataFrame | None
) -> pd.DataFrame:
    """Share each municipality of one date among those of another: was, becomes, weight, assumed."""
    sizes, equal = piece_sizes(lineages, weights)
    table = pd.DataFrame(
        {
            "was": holders_on(lineages, from_date),
            "becomes": holders_on(lineages, to_date),
            "size": sizes,
            "assumed": equal,
        }
    )
    table = table[table["was"] != ""]
    unknown = table["size"].isna().groupby(table["was"]).transform("any")
    unknown |= table.groupby("was")["size"].transform("sum") <= 0
    table.loc[unknown, "assumed"] = True
    table.loc[unknown, "size"] = 1.0
    pairs = table.groupby(["was", "becomes"], as_index=False, sort=True).agg(
        size=("size", "sum"), assumed=("assumed", "any")
    )
    pairs["weight"] = pairs["size"] / pairs.groupby("was")["size"].transform("sum")
    several = pairs.groupby("was")["was"].transform("size") > 1
    pairs.loc[~several, "weight"] = 1.0
    pairs["assumed"] &= several
    exact = pairs["weight"].to_numpy(copy=True)
    for rows in pairs[several].groupby("was").indices.values():
        at = np.flatnonzero(several.to_numpy())[rows]
        largest = at[np.argmax(exact[at])]
        exact[largest] = 1.0 - math.fsum(exact[i] for i in at if i != largest)
    pairs["weight"] = exact
    return pairs


def _moved(successions: pd.DataFrame, from_date: dt.date, to_date: dt.date) -> set[str]:
    """List the municipalities whose borders may have moved between two dates."""
    first, last = sorted((from_date, to_date))
    if first == last:
        return set()
    rows = successions[
        (successions["kind"] == "border")
        & (successions["until"] > first)
        & (successions["date"] <= last)
    ]
    return set(rows["old_cadastral"]) | set(rows["new_cadastral"])


def _kinds(
    shares: pd.DataFrame, moved: set[str], names: Sequence[dict[str, str]]
) -> npt.NDArray[np.object_]:
    """Say how each old municipality became each new one."""
    into = shares.groupby("was")["becomes"].transform("size")
    out_of = shares.groupby("becomes")["was"].transform("size")
    conditions = [
        (shares["new"] == "").to_numpy(),
        (into > 1).to_numpy(),
        (out_of > 1).to_numpy(),
        (shares["was"].isin(moved) | shares["becomes"].isin(moved)).to_numpy(),
        (shares["old"] != shares["new"]).to_numpy(),
        (shares["was"].map(names[0]) != shares["becomes"].map(names[1])).to_numpy(),
    ]
    chosen = ["unknown", "divided", "merged", "border", "renumbered", "renamed"]
    return np.select(conditions, chosen, default="same").astype(object)


def _pieces_of(lineages: Lineages, units: pd.DataFrame) -> list[list[int]]:
    """Find the pieces of each period, on its first day since 1991.

    Of a municipality that ended before, those of the next one with the same cadastral code.
    """
    held: dict[str, list[tuple[int, dt.date, dt.date]]] = defaultdict(list)
    for i, (days, codes) in enumerate(zip(lineages.days, lineages.holders, strict=True)):
        for code, first, until in zip(codes, days, (*days[1:], LAST_DATE), strict=True):
            held[code].append((i, first, until))
    spans = list(zip(units["cadastral_code"], units["valid_from"], units["valid_to"], strict=True))
    later: dict[str, dt.date] = {}
    for code, first, until in spans:
        if until >= FIRST_DATE:
            later[code] = min(later.get(code, LAST_DATE), max(first, FIRST_DATE))
    found = []
    for code, first, until in spans:
        day = max(first, FIRST_DATE) if until >= FIRST_DATE else later.get(code, LAST_DATE)
        rows = held.get(code, ()) if code else ()
        found.append(sorted(i for i, begun, ended in rows if begun <= day < ended))
    return found


def _heirs(
    pieces: Sequence[int],
    homes: Sequence[str],
    sizes: npt.NDArray[np.float64],
    code_of: dict[str, str],
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Share a municipality's pieces among the codes of the layer."""
    codes = [code_of.get(homes[i], "") for i in pieces]
    if not codes or "" in codes:
        return (), ()
    heirs = tuple(sorted(set(codes)))
    if len(heirs) == 1:
        return heirs, (1.0,)
    own = sizes[list(pieces)]
    if not (np.isfinite(own).all() and own.sum() > 0):
        own = np.ones(len(own))
    by_heir = [math.fsum(own[i] for i, code in enumerate(codes) if code == heir) for heir in heirs]
    shares = [size / math.fsum(by_heir) for size in by_heir]
    largest = shares.index(max(shares))
    shares[largest] = 1.0 - math.fsum(shares[:largest] + shares[largest + 1 :])
    return heirs, tuple(shares)


def _heir_kind(row: object, heirs: tuple[str, ...], merged: bool, name_of: dict[str, str]) -> str:
    """Say how a period's municipality became its heirs."""
    if not heirs:
        return "unknown"
    if len(heirs) > 1:
        return "divided"
    if merged:
        return "merged"
    code, name = getattr(row, "istat_code", ""), getattr(row, "name", "")
    if code and code != heirs[0]:
        return "renumbered"
    return "same" if name == name_of[heirs[0]] else "renamed"
