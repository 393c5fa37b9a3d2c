"""Looks at an extract and writes a commented study for it (``geo-engine init``)."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from geo_engine.errors import SourceError
from geo_engine.sources import guess_columns, guess_header
from geo_engine.sources.batches import FirmBatch, SourceDialect, total_rows
from geo_engine.sources.firms import decimal_mark, detect, file_format, read_batches
from geo_engine.sources.guess_columns import plain, share, territory
from geo_engine.sources.guess_text import study_text
from geo_engine.study import FirmSource

SAMPLE = 2_000
"""Values of a column that are looked at, spread over the first batch."""

MOST_DISTINCT = 500
"""A column with more values than this is no list of provinces, years or statuses."""

_COUNT_ROLES = ("firms", "known", "digital")
_ONE_FIRM = ("firm_id", "tax_code", "name")
_DATE = re.compile(r"(?:(\d\d)[/.-](\d\d)[/.-]((?:19|20)\d\d)|((?:19|20)\d\d)-(\d\d)-(\d\d).*)")
_FILE_DATE = re.compile(r"(?<!\d)(20\d\d)(?:[-_]?(\d\d)[-_]?(\d\d))?(?!\d)")
_SAME_YEAR = 0.95
_TERRITORY_SHARE = 0.99


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What was seen in an extract: enough to write a study for it."""

    path: Path
    source: FirmSource
    """How to read the file; its columns are not filled in."""
    dialect: SourceDialect
    kind: str
    """``records`` or ``counts``."""
    roles: dict[str, str]
    """Column by role."""
    signals: tuple[tuple[str, str, str], ...]
    """Column, rule and meaning of an empty field of each digital signal."""
    crs: str
    decimal: str
    totals: tuple[str, ...]
    """Words that mark rows of totals."""
    regions: tuple[str, ...]
    """Regions that the provinces or regions of the rows belong to."""
    provinces: tuple[str, ...]
    """Province abbreviations of the rows, when there are at most two."""
    data_date: dt.date | None
    registration_year: str
    """A column of years that only repeats a date of registration; "" where there is none."""
    unit: str
    status: str
    notes: tuple[str, ...] = field(default=())


def inspect_extract(path: Path) -> Inspection:
    """Look at an extract: how it is written, and which column holds what.

    Parameters
    ----------
    path : Path
        A CSV, Parquet, XLSX or GeoPackage file.

    Returns
    -------
    Inspection
        For :func:`write_study`.

    Raises
    ------
    SourceError
        ``SOURCE_MISSING``, or as :func:`geo_engine.sources.firms.detect`.
    """
    if not path.is_file():
        raise SourceError("SOURCE_MISSING", f"{path} is not a file. Name an extract.")
    source, notes = _how_to_read(path)
    dialect = detect(source, path)
    seen = _look(source, path, dialect)
    roles = guess_columns.guess_roles(seen.values, named=source.header is not False)
    kind = _kind(roles)
    roles, registration_year = _without_registration_year(roles, seen)
    points = [seen.first[roles[role]] for role in ("lon", "lat") if role in roles]
    regions, provinces = _territory(seen, roles)
    return Inspection(
        path=path,
        source=source,
        dialect=dialect,
        kind=kind,
        roles=roles,
        signals=() if kind == "counts" else _signals(seen, roles),
        crs=_crs(seen, roles),
        decimal=decimal_mark(points) if points else ".",
        totals=seen.totals,
        regions=regions,
        provinces=provinces,
        data_date=_data_date(path, seen, roles),
        registration_year=registration_year,
        unit=_unit(seen, roles),
        status=_status(seen, roles),
        notes=notes,
    )


def write_study(inspection: Inspection) -> str:
    """Write a study for an extract, with a comment wherever a guess must be checked.

    Parameters
    ----------
    inspection : Inspection
        Of :func:`inspect_extract`.

    Returns
    -------
    str
        TOML with Italian comments; doubtful lines carry ``DA VERIFICARE``.
    """
    return study_text(inspection)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Values of an extract: a sample, the first batch, and what all batches hold."""

    first: pa.Table
    values: dict[str, list[str]]
    """Filled values of each column, sampled over the first batch."""
    distinct: dict[str, Counter[str]]
    """Rows by value of each column with few values, over the whole file."""
    totals: tuple[str, ...]


def _how_to_read(path: Path) -> tuple[FirmSource, tuple[str, ...]]:
    """Decide sheet, header and encoding, so that the file can be read at all."""
    form = file_format(path)
    if form == "xlsx":
        grids = guess_header.workbook_grids(path)
        sheet = max(grids, key=lambda name: guess_header.header_score(grids[name]))
        header = guess_header.find_header(grids[sheet])
        notes = (f"Fogli: {', '.join(grids)}.",) if len(grids) > 1 else ()
        named = sheet if sheet != next(iter(grids)) else None
        return FirmSource(path=path.name, header=header, sheet=named), notes
    if form != "csv":
        return FirmSource(path=path.name), ()
    source, notes = FirmSource(path=path.name, header=False), ()
    try:
        dialect = detect(source, path)
    except SourceError as error:
        if error.code != "ENCODING_SUSPECT":
            raise
        source = source.model_copy(update={"encoding": "utf-8"})
        dialect = detect(source, path)
        notes = ("Alcuni testi sono già guasti nel file (p. es. «CittÃ »): sono letti come sono.",)
    header = guess_header.find_header(guess_header.csv_grid(path, dialect))
    return source.model_copy(update={"header": header}), notes


def _look(source: FirmSource, path: Path, dialect: SourceDialect) -> _Seen:
    """Read an extract whole; keep a sample and the values of columns that have few."""
    distinct: dict[str, Counter[str]] = {name: Counter() for name in dialect.columns}
    first: pa.Table | None = None
    totals: set[str] = set()
    words = tuple(guess_columns.known_names()["words"]["totals"])
    for batch in read_batches(source, path, dialect=dialect):
        rows, found = _without_totals(batch, words)
        totals |= found
        first = rows if first is None else first
        _count_values(rows, distinct)
    if first is None or not first.num_rows:
        raise SourceError("NO_ROWS", f"{path.name} has no record but totals. Export it again.")
    return _Seen(
        first=first,
        values={name: _sample(first[name]) for name in first.column_names},
        distinct=distinct,
        totals=tuple(sorted(totals)),
    )


def _without_totals(batch: FirmBatch, words: tuple[str, ...]) -> tuple[pa.Table, set[str]]:
    """Leave out rows of totals; give also the words that marked them."""
    found = total_rows(batch.rows, words)
    if not found.any():
        return batch.rows, set()
    shortest = sorted(words, key=len)
    marked: set[str] = set()
    for word in shortest:
        if total_rows(batch.rows, (word,)).any() and not any(word.startswith(w) for w in marked):
            marked.add(word)
    return batch.rows.filter(pa.array(~found)), marked


def _count_values(rows: pa.Table, distinct: dict[str, Counter[str]]) -> None:
    """Add the values of a batch to the counts, and drop columns that have too many values."""
    for name in list(distinct):
        counts = pc.value_counts(rows[name].combine_chunks())
        if len(counts) > MOST_DISTINCT:
            del distinct[name]
            continue
        for pair in counts.to_pylist():
            if (pair["values"] or "").strip():
                distinct[name][pair["values"].strip()] += pair["counts"]
        if len(distinct[name]) > MOST_DISTINCT:
            del distinct[name]


def _sample(values: pa.ChunkedArray) -> list[str]:
    """Take filled values spread evenly over a column."""
    filled = values.filter(pc.not_equal(pc.utf8_trim_whitespace(values), ""))
    step = max(len(filled) // SAMPLE, 1)
    return list(filled.take(pa.array(range(0, len(filled), step))).to_pylist())


def _kind(roles: dict[str, str]) -> str:
    """Tell counts from records, and forget the roles of counts where rows are firms."""
    if "firms" in roles and not any(role in roles for role in _ONE_FIRM):
        return "counts"
    for role in _COUNT_ROLES:
        roles.pop(role, None)
    return "records"


def _without_registration_year(roles: dict[str, str], seen: _Seen) -> tuple[dict[str, str], str]:
    """Refuse a year that repeats a date of registration: past years are never survivors'."""
    year = roles.get("year")
    if year is None:
        return roles, ""
    years = seen.first[year].to_pylist()
    for name in _date_columns(seen):
        pairs = list(zip(years, map(_as_date, seen.first[name].to_pylist()), strict=True))
        dated = [str(date.year) == (text or "").strip() for text, date in pairs if date]
        if len(dated) > 1 and sum(dated) >= _SAME_YEAR * len(dated):
            return {role: column for role, column in roles.items() if role != "year"}, year
    return roles, ""


def _date_columns(seen: _Seen) -> Iterator[str]:
    """Name the columns of dates."""
    for name, values in seen.values.items():
        if share(values, lambda text: _as_date(text) is not None) >= _SAME_YEAR:
            yield name


def _as_date(text: str | None) -> dt.date | None:
    """Read a date written 31/12/2024 or 2024-12-31."""
    match = _DATE.fullmatch((text or "").strip())
    if match is None:
        return None
    day, month, year = match.group(1, 2, 3) if match[1] else match.group(6, 5, 4)
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _data_date(path: Path, seen: _Seen, roles: dict[str, str]) -> dt.date | None:
    """Guess the date of the data: the file's name, its last year, or its latest date."""
    named = _FILE_DATE.search(path.stem)
    if named and named[2]:
        return _as_date("-".join(named.groups())) or dt.date(int(named[1]), 12, 31)
    if named:
        return dt.date(int(named[1]), 12, 31)
    if "year" in roles:
        years = [
            int(text[:4]) for text in seen.distinct.get(roles["year"], ()) if text[:4].isdecimal()
        ]
        return dt.date(max(years), 12, 31) if years else None
    dates = [
        date
        for name in _date_columns(seen)
        for date in map(_as_date, pc.unique(seen.first[name]).to_pylist())
        if date is not None
    ]
    return max(dates, default=None)


def _territory(seen: _Seen, roles: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Find the regions, and the few provinces, that nearly all rows lie in."""
    words = territory()
    provinces: Counter[str] = Counter()
    regions: Counter[str] = Counter()
    for text, rows in seen.distinct.get(roles.get("province", ""), Counter()).items():
        if text.upper() in words.siglas:
            provinces[text.upper()] += rows
            regions[words.siglas[text.upper()]] += rows
        elif plain(text) in words.province_regions:
            regions[words.province_regions[plain(text)]] += rows
    if not regions:
        for text, rows in seen.distinct.get(roles.get("region", ""), Counter()).items():
            if plain(text) in words.regions:
                regions[words.regions[plain(text)]] += rows
    few = _nearly_all(provinces) if provinces.total() == regions.total() else ()
    return _nearly_all(regions), few if len(few) <= 2 else ()


def _nearly_all(rows: Counter[str]) -> tuple[str, ...]:
    """Name the territories that together hold nearly all rows; a stray row makes no coverage."""
    kept: list[str] = []
    held = 0
    for name, count in sorted(rows.items(), key=lambda pair: (-pair[1], pair[0])):
        if held >= _TERRITORY_SHARE * rows.total():
            break
        kept.append(name)
        held += count
    return tuple(sorted(kept))


def _signals(seen: _Seen, roles: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Find the digital signals, and what an empty field means in each."""
    signals = []
    for name, rule in guess_columns.guess_signals(seen.values, set(roles.values())):
        addresses = share(seen.values[name], lambda text: "." in text)
        # Where nobody wrote "assente", an empty field is the only way to say no.
        signals.append((name, rule, "no" if rule == "website" and addresses == 1 else "unknown"))
    return tuple(signals)


def _crs(seen: _Seen, roles: dict[str, str]) -> str:
    """Guess the reference system of the coordinates by their size."""
    if "lon" not in roles:
        return "EPSG:4326"
    x, y = (
        _median([guess_columns.as_number(text) for text in seen.values[roles[role]]])
        for role in ("lon", "lat")
    )
    if abs(x) <= 180 and abs(y) <= 90:
        return "EPSG:4326"
    if y < 3e6:
        return "EPSG:3035"
    if x > 2e6:
        return "EPSG:3004"
    return "EPSG:3003" if x > 1.2e6 else "EPSG:32632"


def _median(numbers: list[float | None]) -> float:
    """Give the middle one of some numbers."""
    present = sorted(number for number in numbers if number is not None)
    return present[len(present) // 2] if present else 0.0


def _unit(seen: _Seen, roles: dict[str, str]) -> str:
    """Guess what a row is: a firm's seat, unless units or repeated tax codes are seen."""
    words = guess_columns.known_names()["words"]["branch"]
    if "unit_type" in roles:
        kinds = {plain(text) for text in seen.distinct.get(roles["unit_type"], ())}
        if any(word in kind.split() or kind == word for kind in kinds for word in words):
            return "unita_locale"
    if "tax_code" in roles and "year" not in roles:
        codes = [code for code in seen.first[roles["tax_code"]].to_pylist() if code]
        return "unita_locale" if len(set(codes)) < 0.99 * len(codes) else "sede"
    return "sede"


def _status(seen: _Seen, roles: dict[str, str]) -> str:
    """Guess whether rows are active firms."""
    if "firm_status" not in roles:
        return "registrata"
    counts = seen.distinct.get(roles["firm_status"], Counter())
    active = sum(n for text, n in counts.items() if plain(text) in {"attiva", "attivo", "a"})
    return "attiva" if active * 2 > sum(counts.values()) else "registrata"
