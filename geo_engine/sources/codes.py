"""Official lists of municipalities: imported once, kept by digest, joined with what ships."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from geo_engine.errors import SourceError
from geo_engine.sources import boundaries
from geo_engine.sources.codes_history import build_units
from geo_engine.sources.codes_lists import OPEN_END, CodeList, read_list, registry
from geo_engine.sources.codes_periods import PACKAGE, package_file, package_periods
from geo_engine.sources.codes_successions import build_successions
from geo_engine.storage import cache_folder, deliver, sha256_of

INDEX = "index.json"
DIFFERING = 0.01
"""Share of municipalities by which a list may differ from those of its date: corrections."""
SIZES = ("population", "area", "equal")


@dataclass(frozen=True, kw_only=True)
class CodeEntry:
    """One imported list."""

    kind: str
    """``archive``, ``variations``, ``suppressed`` or ``snapshot``."""
    title: str
    """What it is, in Italian."""
    name: str
    """Name of the file that was imported."""
    date: dt.date | None
    """Date of a snapshot; last date in another list, None where it has no dates."""
    rows: int
    """Records."""
    sha256: str
    """Digest of the file."""
    file: str
    """Its name in the cache."""


@dataclass(frozen=True, kw_only=True)
class CodeHistory:
    """All that is known of municipalities and their codes."""

    units: pd.DataFrame
    """Periods: istat_code, cadastral_code, name, name_other, sigla, province, valid_from,
    valid_to."""
    successions: pd.DataFrame
    """Changes: date, until, old_cadastral, new_cadastral, kind, source."""
    digest: str
    """SHA-256 of everything that was used."""
    sources: tuple[str, ...]
    """What was used, in Italian."""
    snapshot: dt.date | None
    """Date of the latest imported list of one date."""


def import_codes(path: Path, date: dt.date | None = None) -> CodeEntry:
    """Check an official list and keep it for later studies.

    Parameters
    ----------
    path : Path
        The file as downloaded: see :func:`codes_lists.read_list`.
    date : date or None
        Of a list that is of one date and does not tell it; None infers it.

    Returns
    -------
    CodeEntry
        What was kept; importing a file again changes nothing.

    Raises
    ------
    SourceError
        ``CODES_UNKNOWN_LIST``, ``CODES_DAMAGED``, ``CODES_NOT_READABLE``, or ``CODES_DATE`` when
        the list does not fit the municipalities of its date.
    """
    found = read_list(path)
    if found.kind == "snapshot":
        found = dataclasses.replace(found, date=_snapshot_date(path.name, found, date))
    digest = sha256_of(path)
    entry = CodeEntry(
        kind=found.kind,
        title=found.title,
        name=path.name,
        date=found.date,
        rows=len(found.table),
        sha256=digest,
        file=f"{digest}{path.suffix.lower()}",
    )
    with deliver(codes_folder()) as delivery:
        kept = [each for each in list_codes() if each.sha256 != digest]
        delivery.path(entry.file).write_bytes(path.read_bytes())
        entries = sorted([*kept, entry], key=lambda each: (each.kind, each.sha256))
        delivery.path(INDEX).write_text(_index_text(entries), encoding="utf-8")
        delivery.commit()
    return entry


def list_codes() -> list[CodeEntry]:
    """List what was imported.

    Returns
    -------
    list of CodeEntry
        By kind and digest; empty when nothing was.

    Raises
    ------
    SourceError
        ``CODES_DAMAGED`` when the index cannot be read.
    """
    path = codes_folder() / INDEX
    if not path.is_file():
        return []
    try:
        records = json.loads(path.read_text(encoding="utf-8"))["lists"]
        return [_entry(record) for record in records]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise SourceError(
            "CODES_DAMAGED",
            f"{path} is damaged. Delete the folder {path.parent} and import the lists again.",
        ) from error


def read_history() -> CodeHistory:
    """Join what was imported with what ships.

    Returns
    -------
    CodeHistory
        The same for the same lists, whatever their order of import. It is cached: take copies
        of its tables before changing them.

    Raises
    ------
    SourceError
        ``CODES_DAMAGED`` when a kept list is not what was imported; ``CODES_PACKAGE``.
    """
    return _history(codes_folder(), tuple(_used(list_codes())))


def expected_codes(date: dt.date) -> set[str] | None:
    """List the ISTAT codes valid on a date, to hold a boundary layer against.

    Parameters
    ----------
    date : date
        Any date.

    Returns
    -------
    set of str or None
        None when one of them is not known: before 1991, after the latest list at hand, or for
        want of the archive or of the list that tells a renumbering.
    """
    history = read_history()
    units = history.units
    ends = units.loc[units["valid_to"] < OPEN_END, "valid_to"]
    horizon = max(ends.max(), units["valid_from"].max(), history.snapshot or dt.date.min)
    untold = [
        fact["date"]
        for fact in registry()["renumbering"]
        if history.snapshot is None or history.snapshot < fact["date"]
    ]
    if date < dt.date(1991, 1, 1) or date > horizon or any(date >= each for each in untold):
        return None
    codes = units.loc[(units["valid_from"] <= date) & (date <= units["valid_to"]), "istat_code"]
    return None if (codes == "").any() else set(codes)


def read_sizes(by: str = "population") -> pd.DataFrame | None:
    """Read the sizes by which divided municipalities are shared out.

    Parameters
    ----------
    by : str
        ``population`` (residents of 1 January 2022), ``area`` (km²) or ``equal``.

    Returns
    -------
    DataFrame or None
        date, cadastral_code, size, for :mod:`geo_engine.places.vintages`; None for ``equal``.

    Raises
    ------
    SourceError
        ``CODES_WEIGHTS`` for another word.
    """
    if by not in SIZES:
        raise SourceError("CODES_WEIGHTS", f"{by!r} is none of {', '.join(SIZES)}.")
    if by == "equal":
        return None
    layer = boundaries.read_layer(boundaries.FIRST_DATE)
    sizes = (
        boundaries.read_population(boundaries.FIRST_DATE, 2022)
        if by == "population"
        else layer["area_km2"]
    )
    return pd.DataFrame(
        {
            "date": boundaries.FIRST_DATE,
            "cadastral_code": layer["cadastral_code"].to_numpy(),
            "size": sizes.reindex(layer.index).to_numpy(dtype=float),
        }
    )


def codes_folder() -> Path:
    """Give the folder of imported lists; it exists."""
    folder = cache_folder() / "codes"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _snapshot_date(name: str, found: CodeList, date: dt.date | None) -> dt.date:
    """Date a list of one date, and hold it against the municipalities of that date."""
    periods = package_periods()
    listed = set(found.table["cadastral_code"])
    day = date or found.date or _fitting_date(periods, found.table)
    if day is None:
        raise SourceError(
            "CODES_DATE",
            f"{name} does not tell its date, and its {len(listed)} municipalities are those of no "
            "date we know. Give it: geo-engine codes import FILE --date 2026-01-01.",
        )
    differing = listed ^ _valid(periods, day)
    if len(differing) > DIFFERING * len(listed):
        raise SourceError(
            "CODES_DATE",
            f"{len(differing)} municipalities of {name} differ from those of {day}. "
            "Give the right date: geo-engine codes import FILE --date 2026-01-01.",
        )
    return day


def _fitting_date(periods: pd.DataFrame, table: pd.DataFrame) -> dt.date | None:
    """Find the latest day since 1991 on which exactly these municipalities began to be valid.

    Codes of provinces that began later tell that the list is later.
    """
    listed = set(table["cadastral_code"])
    since = [
        fact["date"]
        for fact in registry()["renumbering"]
        if table["istat_code"].str[:3].isin(fact["new_provinces"]).any()
    ]
    for day in since:
        if _valid(periods, day) == listed:
            return day
    ends = {day + dt.timedelta(1) for day in periods["valid_to"] if day < OPEN_END}
    days = sorted(ends | set(periods["valid_from"]), reverse=True)
    for day in days:
        if day.year < 1991:
            return None
        if _valid(periods, day) == listed:
            return day
    return None


def _valid(periods: pd.DataFrame, day: dt.date) -> set[str]:
    """List the cadastral codes valid on a day."""
    valid = (periods["valid_from"] <= day) & (day <= periods["valid_to"])
    return set(periods.loc[valid, "cadastral_code"])


def _used(entries: Sequence[CodeEntry]) -> list[CodeEntry]:
    """Choose the latest of each kind, and one list of each date."""
    chosen: dict[tuple[str, dt.date | None], CodeEntry] = {}

    def rank(entry: CodeEntry) -> tuple[dt.date, int, str]:
        return (entry.date or dt.date.min, entry.rows, entry.sha256)

    for entry in entries:
        key = (entry.kind, entry.date if entry.kind == "snapshot" else None)
        if key not in chosen or rank(entry) > rank(chosen[key]):
            chosen[key] = entry
    return sorted(chosen.values(), key=lambda each: (each.kind, *rank(each)))


@functools.lru_cache(maxsize=4)
def _history(folder: Path, entries: tuple[CodeEntry, ...]) -> CodeHistory:
    """Build the history of a set of lists."""
    lists = [_kept(folder, entry) for entry in entries]
    units = build_units(lists)
    dates = [entry.date for entry in entries if entry.kind == "snapshot" and entry.date]
    version = importlib.metadata.version(PACKAGE)
    told = [f"{e.title}, {e.name}, {e.date or 'senza data'}, {e.sha256[:12]}" for e in entries]
    return CodeHistory(
        units=units,
        successions=build_successions(units, lists),
        digest=_digest(entries),
        sources=(f"{PACKAGE} {version}", "confini e variazioni di geo-engine", *told),
        snapshot=max(dates, default=None),
    )


def _kept(folder: Path, entry: CodeEntry) -> CodeList:
    """Read a kept list, if it still is what was imported."""
    path = folder / entry.file
    if not path.is_file() or sha256_of(path) != entry.sha256:
        raise SourceError(
            "CODES_DAMAGED",
            f"The kept list {entry.name} ({path}) is missing or damaged. Import it again: "
            "geo-engine codes import FILE, or geo-engine codes fetch.",
        )
    return dataclasses.replace(read_list(path), date=entry.date)


def _digest(entries: Sequence[CodeEntry]) -> str:
    """Digest everything that the history is made of."""
    parts = [
        importlib.metadata.version(PACKAGE),
        sha256_of(package_file()),
        boundaries.layer_digest(),
        sha256_of(Path(__file__).with_name("codes.toml")),
        *(f"{entry.kind} {entry.date} {entry.sha256}" for entry in entries),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _index_text(entries: Sequence[CodeEntry]) -> str:
    """Write the index."""
    records = [
        dataclasses.asdict(each) | {"date": each.date.isoformat() if each.date else None}
        for each in entries
    ]
    return json.dumps({"lists": records}, indent=1, ensure_ascii=False) + "\n"


def _entry(record: dict[str, Any]) -> CodeEntry:
    """Read one record of the index."""
    date = record["date"]
    return CodeEntry(**(record | {"date": dt.date.fromisoformat(date) if date else None}))
