"""``geo-engine codes fetch``, ``import``, ``list`` and ``trace``."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
from rich.markup import escape
from rich.table import Table

from geo_engine.cli.console import err, number, out
from geo_engine.errors import StudyError
from geo_engine.places.vintages import heirs_at, units_on
from geo_engine.sources import boundaries, codes
from geo_engine.sources.codes_fetch import fetch_codes
from geo_engine.sources.codes_lists import plain

CENSUS_DATES = ("1991-10-20", "2001-10-21", "2011-10-09", "2019-01-01", "2022-01-01", "2026-08-14")


def fetch_lists() -> None:
    """Download the official lists, check them, and keep them."""
    results = fetch_codes(began=lambda title: err.print(f"scarico: {title}", markup=False))
    for each in results:
        if each.entry is not None:
            _tell(each.entry)
        elif each.error is not None:
            err.print(
                f"non scaricato: {each.title}. {each.error.code}: {each.error.message}",
                style="yellow",
                markup=False,
            )
    _tell_counts()


def import_list(path: Path, date: str | None = None) -> None:
    """Import a list that was downloaded by hand.

    Parameters
    ----------
    path : Path
        The file.
    date : str or None
        ISO date of a list that is of one date and does not tell it.

    Raises
    ------
    StudyError
        ``DATE_INVALID`` when it is no ISO date.
    """
    _tell(codes.import_codes(path, None if date is None else _date(date)))


def list_lists() -> None:
    """Print the lists at hand, and how many municipalities they tell of."""
    entries = codes.list_codes()
    table = Table("elenco", "file", "data", "righe", "impronta")
    for each in entries:
        day = each.date.isoformat() if each.date else "senza data"
        table.add_row(each.title, escape(each.name), day, number(each.rows), each.sha256[:12])
    if entries:
        out.print(table)
    else:
        out.print(
            "Nessun elenco importato: valgono quelli inclusi. "
            "Per gli altri: geo-engine codes fetch, oppure geo-engine codes import FILE."
        )
    _tell_counts()


def trace_municipality(word: str, date: str = "2025-01-01") -> None:
    """Print the history of a municipality, by code or name.

    Parameters
    ----------
    word : str
        ISTAT code, cadastral code or name.
    date : str
        ISO date on which to name its heirs.

    Raises
    ------
    StudyError
        ``DATE_INVALID``; ``UNKNOWN_MUNICIPALITY`` when there never was one.
    """
    day = _date(date)
    history = codes.read_history()
    places = boundaries.read_layer(day)
    rows = _matching(history.units, word)
    if rows.empty:
        raise StudyError(
            "UNKNOWN_MUNICIPALITY",
            f"No municipality since 1861 has the code or name {word!r}. Check the spelling; "
            "ISTAT codes before 2022 need the lists: geo-engine codes fetch.",
        )
    own = history.units[history.units["cadastral_code"].isin(set(rows["cadastral_code"]) - {""})]
    weights = codes.read_sizes()
    heirs = heirs_at(history.units, history.successions, places, day, weights)
    heirs = heirs.loc[own.index.union(rows.index)].sort_values(["cadastral_code", "valid_from"])
    table = Table("dal", "al", "ISTAT", "catasto", "comune", "sigla", f"al {day}", "come")
    for row in heirs.itertuples():
        until = "oggi" if row.valid_to.year == dt.MAXYEAR else row.valid_to.isoformat()
        names = [
            f"{code} {places.loc[code, 'name']}" + ("" if share == 1 else f" ({share:.1%})")
            for code, share in zip(row.heirs, row.weights, strict=True)
        ]
        table.add_row(
            row.valid_from.isoformat(),
            until,
            row.istat_code or "?",
            row.cadastral_code or "?",
            escape(row.name),
            row.sigla,
            escape(", ".join(names)) or "?",
            HOW[row.kind],
        )
    out.print(table)


HOW = {
    "same": "lo stesso",
    "renamed": "nuovo nome",
    "renumbered": "nuovo codice",
    "merged": "fuso o incorporato",
    "divided": "diviso",
    "unknown": "non noto: geo-engine codes fetch",
}


def _matching(units: pd.DataFrame, word: str) -> pd.DataFrame:
    """Find the periods with a code or a name."""
    text = word.strip()
    if text.isdigit():
        return units[units["istat_code"] == text.zfill(6)]
    by_code = units[units["cadastral_code"] == text.upper()]
    if len(by_code):
        return by_code
    key = plain(text)
    names = units["name"].map(plain)
    return units[(names == key) | (units["name_other"].map(plain) == key)]


def _tell(entry: codes.CodeEntry) -> None:
    """Print what was kept."""
    day = f" del {entry.date}" if entry.date else ""
    out.print(
        f"importato: {entry.title}{day}, {number(entry.rows)} righe ({entry.sha256[:12]})",
        markup=False,
    )


def _tell_counts() -> None:
    """Print the number of municipalities on some dates, and the digest of all that was used."""
    history = codes.read_history()
    table = Table("data", "comuni", "con codice ISTAT", "province")
    for text in CENSUS_DATES:
        valid = units_on(history.units, dt.date.fromisoformat(text))
        known = valid.loc[valid["istat_code"] != "", "istat_code"]
        provinces = number(known.str[:3].nunique()) if len(known) == len(valid) else "?"
        table.add_row(text, number(len(valid)), number(len(known)), provinces)
    out.print(table)
    out.print(f"Impronta: {history.digest}", markup=False)


def _date(text: str) -> dt.date:
    """Read an ISO date."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise StudyError("DATE_INVALID", f"{text!r} is not a date such as 2025-01-01.") from None
