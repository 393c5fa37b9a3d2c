"""The pure steps that every batch of records goes through: year, scope, place, signals, keys."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from geo_engine.intake.dates import Dates, read_dates, read_year
from geo_engine.intake.joined import Joined
from geo_engine.intake.signals import Signs, Where, read_signs, unknown_signs
from geo_engine.intake.sizes import Sizes, read_forms, read_sizes
from geo_engine.places.assign import Assigned, assign_places
from geo_engine.places.heaps import point_keys
from geo_engine.places.units import Shares
from geo_engine.plan import Plan
from geo_engine.quality.doctor import CheckedRows, Quality, check_rows, join_flags
from geo_engine.quality.profile import text_hashes
from geo_engine.sources.batches import FirmBatch, SourceDialect
from geo_engine.study import FIRST_YEAR, LAST_YEAR, FirmSource

PLACING_ROLES = (
    "istat_code",
    "cadastral_code",
    "municipality",
    "province",
    "region",
    "postal_code",
    "lon",
    "lat",
)
OF_ANOTHER_DATE = ("UNKNOWN_COMUNE", "DISMISSED_COMUNE", "NEW_CODE_2026")
"""Reasons of rows whose municipality may be one of another date."""
ISTAT_PATTERN = r"0?(?:0\d{2}|1[01]\d|\d{2}|\d)\d{3}(?:\.0+)?"
"""Codes whose first three digits were those of a province at some time."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One batch after the pure steps: arrays over its rows, ``reason`` "" where usable."""

    rows: pa.Table
    row_numbers: np.ndarray
    read_quarantine: pd.DataFrame
    reason: np.ndarray
    detail: np.ndarray
    place: np.ndarray
    method: np.ndarray
    confidence: np.ndarray
    flags: np.ndarray
    year: np.ndarray
    ateco: np.ndarray
    version: np.ndarray
    secondary: np.ndarray
    """Secondary codes as written, "" where there are none or none count."""
    counts: np.ndarray
    sizes: tuple[Sizes, Sizes]
    """With the point as decimal mark, and with the comma; one object where they are the same."""
    legal_form: np.ndarray
    dates: Dates
    signs: Signs
    hashes: np.ndarray
    firm: np.ndarray
    has_tax_code: np.ndarray
    """Rows whose key in ``firm`` is one of a tax code."""
    point: np.ndarray
    """Key of the point at which a row stands; 0 where it has none."""
    pointed: np.ndarray
    """Municipality of the coordinates, -1 for none."""
    declared: np.ndarray
    """Municipality that codes or names declare, -1 for none."""
    shares: dict[int, Shares]
    """By row, the municipalities among which it is divided."""
    quality: Quality
    dated_codes: tuple[int, int]
    """Rows with an ISTAT code, and of these the unplaced ones whose code may be of another date."""
    numbers: int
    """Rows with two coordinates that are numbers."""
    misfits: int
    """Of these, the ones that cannot be of the source's reference system."""
    misfit: str
    """One of those as written, "" without any."""
    hint: str
    """What they may be, where they are many."""


def take_steps(
    batch: FirmBatch, *, plan: Plan, source: FirmSource, dialect: SourceDialect, joined: Joined
) -> Part:
    """Give every row of a batch its year, scope, place, signals and keys."""
    rows = batch.rows
    text = functools.partial(_text, rows, source)
    reason = np.full(rows.num_rows, "", dtype=object)
    detail = np.full(rows.num_rows, "", dtype=object)
    year = _years(text("year"), source, reason, detail)
    checked = check_rows(rows, mapped_columns(source), year, tax_codes=source.tax_codes)
    _scope(text, source, plan, year, reason, detail)
    counts = _counts(text, source, rows.num_rows, reason, detail)
    _set_reason(reason, detail, checked.reason, checked.detail)
    assigned = _assign(text, plan, source, dialect, checked)
    _set_reason(reason, detail, assigned.reason, assigned.detail)
    placed = assigned.position >= 0
    where = Where(year=year, place=np.where(reason == "", assigned.position, -1))
    signs = _signs(rows, plan, source, joined, where)
    dates = read_dates(text, source, year)
    told = join_flags(checked.flags, dates.flags)
    if source.kind == "records":
        counts[:, 1], counts[:, 2] = signs.digital >= 0, signs.digital == 1
    return Part(
        rows=rows,
        row_numbers=batch.row_numbers,
        read_quarantine=batch.quarantined,
        reason=reason,
        detail=detail,
        place=assigned.position,
        method=np.asarray(assigned.method, dtype=object),
        confidence=assigned.confidence,
        flags=join_flags(assigned.flags, np.where(placed, told, "")),
        year=year,
        ateco=_ateco(text("ateco"), source),
        version=text("ateco_version").to_numpy(dtype=object),
        secondary=_secondary(text, plan, rows.num_rows),
        counts=counts,
        sizes=read_sizes(text, rows.num_rows, plan, source),
        legal_form=read_forms(text, source, checked.tax_key != 0),
        dates=dates,
        signs=signs,
        hashes=checked.hashes,
        firm=_enterprises(text, checked),
        has_tax_code=checked.tax_key != 0,
        point=point_keys(assigned.lon, assigned.lat),
        pointed=assigned.pointed,
        declared=assigned.declared,
        shares=dict(assigned.shares),
        quality=checked.quality,
        dated_codes=_dated_codes(text("istat_code"), reason),
        numbers=int(assigned.is_number.sum()),
        misfits=int(assigned.is_misfit.sum()),
        misfit=_first_misfit(text, assigned.is_misfit),
        hint=assigned.hint,
    )


def mapped_columns(source: FirmSource) -> dict[str, str | int]:
    """Give the columns that a source maps, by role."""
    return {role: name for role, name in source.columns if name is not None}


def _set_reason(
    reason: np.ndarray, detail: np.ndarray, further: np.ndarray, told: np.ndarray
) -> None:
    """Set aside rows for a further reason, where there is none yet."""
    fresh = (further != "") & (reason == "")
    reason[fresh] = further[fresh]
    detail[fresh] = told[fresh]


def _assign(
    text: Callable[[str], pd.Series],
    plan: Plan,
    source: FirmSource,
    dialect: SourceDialect,
    checked: CheckedRows,
) -> Assigned:
    """Place the rows."""
    records = pd.DataFrame(
        {role: text(role) for role in PLACING_ROLES if _column(source, role) is not None}
    )
    return assign_places(
        records,
        order=plan.placing_order(source),
        locator=plan.locator,
        resolver=plan.resolver(source),
        parameters=plan.placing_parameters(source, "," if dialect.decimal == "," else "."),
        checks=plan.placing_checks(source),
        keys=checked.hashes[:, 0],
    )


def _dated_codes(codes: pd.Series, reason: np.ndarray) -> tuple[int, int]:
    """Count ISTAT codes, and those of unplaced rows that look like codes of another date."""
    lost = np.isin(reason, OF_ANOTHER_DATE)
    shaped = codes[lost].str.fullmatch(ISTAT_PATTERN, na=False)
    return int((codes != "").sum()), int(shaped.sum())


def _first_misfit(text: Callable[[str], pd.Series], is_misfit: np.ndarray) -> str:
    """Write the first pair of coordinates that does not fit."""
    if not is_misfit.any():
        return ""
    first = int(np.argmax(is_misfit))
    return f"({text('lon').iloc[first]}, {text('lat').iloc[first]})"


def _column(source: FirmSource, role: str) -> str | int | None:
    """Give the column that a source maps to a role."""
    found: str | int | None = getattr(source.columns, role)
    return found


def _text(rows: pa.Table, source: FirmSource, role: str) -> pd.Series:
    """Give one role as trimmed text, "" where it is empty or not mapped."""
    name = _column(source, role)
    if name is None:
        return pd.Series("", index=range(rows.num_rows), dtype="str")
    return _named_text(rows, name)


def _named_text(rows: pa.Table, name: str | int) -> pd.Series:
    """Give one column as trimmed text; an integer counts columns from 1."""
    column = rows.column(name - 1 if isinstance(name, int) else name)
    return column.to_pandas().astype("str").fillna("").str.strip()


def _years(
    texts: pd.Series, source: FirmSource, reason: np.ndarray, detail: np.ndarray
) -> np.ndarray:
    """Read the reference year of each row, from its column or from the source."""
    if source.columns.year is None:
        return np.full(len(texts), source.year, dtype=np.int16)
    number = read_year(texts)
    bad = (number < FIRST_YEAR) | (number > LAST_YEAR)
    reason[bad] = "YEAR_INVALID"
    detail[bad] = (
        f"The year is not a year or a date from {FIRST_YEAR} to {LAST_YEAR}: correct it, or map "
        "columns.year to the reference year of the row."
    )
    return number


def _scope(
    text: Callable[[str], pd.Series],
    source: FirmSource,
    plan: Plan,
    year: np.ndarray,
    reason: np.ndarray,
    detail: np.ndarray,
) -> None:
    """Set aside the rows of other years, statuses and kinds of unit."""
    years = plan.study.years
    if years is not None:
        other = ~np.isin(year, years) & (reason == "")
        reason[other] = "OUT_OF_STUDY"
        detail[other] = "The year is not among the years of the study."
    for role, accepted in source.keep.items():
        values = text(role).str.casefold()
        other = ~values.isin([word.casefold() for word in accepted]).to_numpy() & (reason == "")
        reason[other] = "OUT_OF_STUDY"
        detail[other] = f"{role} is not among: {', '.join(accepted)}."


def _counts(
    text: Callable[[str], pd.Series],
    source: FirmSource,
    rows: int,
    reason: np.ndarray,
    detail: np.ndarray,
) -> np.ndarray:
    """Give firms, known and digital of each row, as far as signals are not needed: (rows, 3)."""
    if source.kind == "counts":
        return _given_counts(text, source, reason, detail)
    return np.repeat(np.array([[1, 0, 0]], dtype=np.int32), rows, axis=0)


def _signs(rows: pa.Table, plan: Plan, source: FirmSource, joined: Joined, where: Where) -> Signs:
    """Read the signals of single firms."""
    if source.kind == "counts":
        return unknown_signs(plan, rows.num_rows)
    return read_signs(functools.partial(_named_text, rows), plan, source, joined, where)


def _given_counts(
    text: Callable[[str], pd.Series],
    source: FirmSource,
    reason: np.ndarray,
    detail: np.ndarray,
) -> np.ndarray:
    """Read pre-aggregated counts, and set aside those that are not counts."""
    columns = []
    digital_gap = (text("digital") == "").to_numpy()
    for role in ("firms", "known", "digital"):
        values = text(role)
        if role == "known" and source.columns.known is None and source.columns.digital is not None:
            values = text("firms").where(~digital_gap, "0")  # unknown is not no
        number = pd.to_numeric(values, errors="coerce").to_numpy(float)
        if role != "firms":
            number = np.where((values == "").to_numpy(), 0.0, number)
        bad = ~(np.isfinite(number) & (number >= 0) & (number == np.floor(number)))
        bad |= number > np.iinfo(np.int32).max
        fresh = bad & (reason == "")
        reason[fresh] = "COUNT_INVALID"
        detail[fresh] = f"{role} is not a whole number >= 0."
        columns.append(np.where(bad, 0, number))
    firms, known, yes = columns
    wrong = ((yes > known) | (known > firms)) & (reason == "")
    reason[wrong] = "COUNT_INVALID"
    detail[wrong] = "digital may not exceed known, nor known exceed firms."
    surveyed = source.columns.digital is not None
    gap = digital_gap & (known > 0) & (reason == "") if surveyed else np.zeros(len(known), bool)
    reason[gap] = "COUNT_INVALID"
    detail[gap] = "digital is empty, and known is not: how many are digital?"
    return np.stack(columns, axis=1).astype(np.int32)


def _ateco(texts: pd.Series, source: FirmSource) -> np.ndarray:
    """Give the ATECO code of each row as written, or the one of the whole source."""
    if source.columns.ateco is None:
        return np.full(len(texts), source.ateco, dtype=object)
    return texts.to_numpy(dtype=object)


def _secondary(text: Callable[[str], pd.Series], plan: Plan, rows: int) -> np.ndarray:
    """Give the secondary codes of each row as written, where they count."""
    if plan.rule.secondary_weight == 0:
        return np.full(rows, "", dtype=object)
    return text("secondary_ateco").to_numpy(dtype=object)


def _enterprises(text: Callable[[str], pd.Series], checked: CheckedRows) -> np.ndarray:
    """Give each row the key of its enterprise: tax code, else identifier, else the row itself."""
    key = checked.hashes[:, 0].copy()
    values = text("firm_id").str.upper()
    filled = (values != "").to_numpy()
    if filled.any():
        key[filled] = text_hashes(values[filled], "firm_id")
    kept = pd.Series(checked.flags).str.contains("CF_INVALID", regex=False).to_numpy(bool)
    if kept.any():  # of a study that only flags them, such as pseudonyms
        key[kept] = text_hashes(text("tax_code").str.upper()[kept], "tax_code")
    return np.where(checked.tax_key != 0, checked.tax_key, key)
