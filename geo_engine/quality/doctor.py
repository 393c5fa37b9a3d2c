"""The checks of a batch, row by row, and a small summary of it that adds up over a whole register.

:func:`check_rows` runs before the rows are placed, :func:`observe_rows` after it; the summaries of
both add up with :func:`merge_quality`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from geo_engine.quality.masking import masked_record
from geo_engine.quality.numbers import NumberEvidence, merge_evidence, read_numbers
from geo_engine.quality.profile import Profile, merge_profiles, scan_rows
from geo_engine.quality.tax_codes import STATES, check_tax_codes, is_person, tax_code_findings

EXAMPLES = 10
"""Examples of each reason and flag that are kept."""
NAMES = 20_000
"""Distinct unresolved names, and pairs of municipalities, that are counted one by one."""
UNRESOLVED = frozenset(
    ["UNKNOWN_COMUNE", "AMBIGUOUS_COMUNE", "DISMISSED_COMUNE", "PROVINCE_CONFLICT"]
)
"""Reasons of rows whose municipality was named and not found."""

NAME_FAILED = frozenset(["NAME_FAILED"])
"""Flag of rows whose municipality was named and not found, and that are placed otherwise."""

Key = TypeVar("Key")
Texts = NDArray[np.object_]
NO_STATES = np.zeros(len(STATES), np.int64)


@dataclass(frozen=True, kw_only=True)
class Example:
    """One row that a reason or a flag befell, masked."""

    source: str
    row: int
    fields: Mapping[str, str]
    """Masked values by column."""


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What the rows of a batch, or of a whole source, are like; adds up."""

    columns: Profile = field(default_factory=dict)
    tax_codes: NDArray[np.int64] = field(default_factory=NO_STATES.copy)
    """Rows by state, in the order of ``tax_codes.STATES``; all zeros where none is mapped."""
    persons: int = 0
    """Rows with the tax code of a natural person."""
    employees: NumberEvidence = field(default_factory=NumberEvidence)
    years: Mapping[int, int] = field(default_factory=dict)
    """Rows by reference year; 0 where it could not be read."""
    names: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Rows by municipality and province as written, where they were not found."""
    pairs: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """Rows by municipality of the coordinates and municipality declared, where they differ."""
    conflicts: int = 0
    """Rows of all such pairs."""
    examples: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)
    """The first ten rows of each reason and flag."""


@dataclass(frozen=True, kw_only=True)
class CheckedRows:
    """What the values of a batch say, row by row."""

    hashes: NDArray[np.uint64]
    """Two keys of each row, for ``duplicates.SeenRows``."""
    reason: Texts
    """``CF_INVALID``, ``CF_CHECKSUM``, ``VALUE_RANGE`` or ""."""
    detail: Texts
    flags: Texts
    """``REPAIRED_TAX_CODE``, ``NUMBER_INVALID``, or what is only flagged; joined by "|"."""
    tax_key: NDArray[np.uint64]
    """Key of the tax code, equal however it is written; 0 where there is none to tell by."""
    quality: Quality


def check_rows(
    rows: pa.Table,
    columns: Mapping[str, str | int],
    year: NDArray[np.generic],
    *,
    tax_codes: str = "quarantine",
) -> CheckedRows:
    """Check the values of a batch.

    Parameters
    ----------
    rows : Table
        Text columns.
    columns : mapping
        Column by role, as ``[firms.columns]`` states it; an integer counts columns from 1.
    year : ndarray of int
        Reference year of each row.
    tax_codes : str
        "quarantine" to give rows with a wrong tax code a reason, "flag" to flag them only.

    Returns
    -------
    CheckedRows
        Aligned with ``rows``.
    """
    hashes, profile = scan_rows(rows, year)
    count = rows.num_rows
    reason, detail, flags = (np.full(count, "", object) for _ in range(3))
    tax_key = np.zeros(count, np.uint64)
    quality = Quality(columns=profile, years=_tally_years(year))
    if "tax_code" in columns:
        codes = check_tax_codes(column_of(rows, columns["tax_code"]))
        tax_key = codes.keys
        reason, detail, flags = tax_code_findings(codes)
        if tax_codes == "flag":
            flags = np.where(reason == "", flags, reason)
            reason, detail = (np.full(count, "", object) for _ in range(2))
        persons = int(is_person(codes).sum())
        quality = replace(quality, tax_codes=codes.counts, persons=persons)
    if "employees" in columns:
        numbers = read_numbers(column_of(rows, columns["employees"]))
        fresh = (numbers.reasons != "") & (reason == "")
        reason = np.where(fresh, numbers.reasons, reason)
        detail = np.where(fresh, RANGE_DETAIL, detail)
        flags = join_flags(flags, numbers.flags)
        quality = replace(quality, employees=numbers.evidence)
    return CheckedRows(
        hashes=hashes, reason=reason, detail=detail, flags=flags, tax_key=tax_key, quality=quality
    )


RANGE_DETAIL = (
    "The number of employees is negative, not finite or above 1,000,000: correct it, or leave it "
    "empty where it is not known."
)


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What became of the rows of a batch."""

    source: str
    """Name of the file."""
    row_numbers: NDArray[np.int64]
    """Number of each record in its file."""
    reason: Texts
    """Why a row is set aside, "" when it is placed."""
    flags: Texts
    """What is to be known of a placed row; joined by "|"."""
    places: tuple[NDArray[np.int32], NDArray[np.int32]] | None = None
    """Position of the municipality of the coordinates and of the declared one, -1 for none; None
    where the rows have only one of the two."""


def observe_rows(rows: pa.Table, columns: Mapping[str, str | int], outcomes: Outcomes) -> Quality:
    """Sum up what became of the rows of a batch: names not found, conflicts, examples.

    Parameters
    ----------
    rows : Table
        Text columns.
    columns : mapping
        Column by role; an integer counts columns from 1.
    outcomes : Outcomes
        What became of them.

    Returns
    -------
    Quality
        To add to the one of :func:`check_rows`.
    """
    named = {role: _name(rows, column) for role, column in columns.items()}
    pairs, conflicts = _tally_pairs(outcomes.places)
    return Quality(
        names=_tally_names(rows, named, outcomes),
        pairs=pairs,
        conflicts=conflicts,
        examples=_collect(rows, named, outcomes),
    )


def merge_quality(parts: Iterable[Quality]) -> Quality:
    """Add up the summaries of several batches.

    Parameters
    ----------
    parts : iterable of Quality
        In the order of the file; examples are the first ones met.

    Returns
    -------
    Quality
        Of all rows.
    """
    listed = list(parts)
    return Quality(
        columns=merge_profiles(part.columns for part in listed),
        tax_codes=sum((part.tax_codes for part in listed), NO_STATES.copy()),
        persons=sum(part.persons for part in listed),
        employees=merge_evidence(part.employees for part in listed),
        years=_add_up((part.years for part in listed), limit=0),
        names=_add_up((part.names for part in listed), limit=NAMES),
        pairs=_add_up((part.pairs for part in listed), limit=NAMES),
        conflicts=sum(part.conflicts for part in listed),
        examples=merge_examples(part.examples for part in listed),
    )


def merge_examples(
    parts: Iterable[Mapping[str, tuple[Example, ...]]],
) -> dict[str, tuple[Example, ...]]:
    """Keep the first examples of each reason and flag.

    Parameters
    ----------
    parts : iterable of mapping
        Examples by reason or flag.

    Returns
    -------
    dict
        At most ten each.
    """
    total: dict[str, tuple[Example, ...]] = {}
    for part in parts:
        for name, examples in part.items():
            total[name] = (*total.get(name, ()), *examples)[:EXAMPLES]
    return total


def column_of(rows: pa.Table, column: str | int) -> pa.ChunkedArray:
    """Give a column by its name, or by its number from 1.

    Parameters
    ----------
    rows : Table
        Of a batch.
    column : str or int
        As a study states it.

    Returns
    -------
    ChunkedArray
        Its texts.
    """
    return rows.column(column - 1 if isinstance(column, int) else column)


def join_flags(one: Texts, other: Texts) -> Texts:
    """Join the flags of each row.

    Parameters
    ----------
    one, other : ndarray of object
        Flags joined by "|", "" for none.

    Returns
    -------
    ndarray of object
        The same form.
    """
    joined = one.copy()
    empty, further = one == "", other != ""
    joined[empty] = other[empty]
    both = np.flatnonzero(~empty & further)
    joined[both] = [f"{one[row]}|{other[row]}" for row in both]
    return joined


def _name(rows: pa.Table, column: str | int) -> str:
    """Give the name of a column."""
    return rows.column_names[column - 1] if isinstance(column, int) else column


def _tally_years(year: NDArray[np.generic]) -> dict[int, int]:
    """Count the rows of each year."""
    values, counts = np.unique(year, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _tally_names(
    rows: pa.Table, named: Mapping[str, str], outcomes: Outcomes
) -> dict[tuple[str, str], int]:
    """Count the names of municipalities that were not found, with their provinces."""
    if "municipality" not in named:
        return {}
    lost = _any_of(outcomes.reason, UNRESOLVED) | _any_of(outcomes.flags, NAME_FAILED)
    if not lost.any():
        return {}
    own = rows.filter(pa.array(lost))
    texts = [
        _trimmed(own, named[role]) if role in named else pd.Series("", index=range(own.num_rows))
        for role in ("municipality", "province")
    ]
    counts = pd.DataFrame(dict(enumerate(texts))).value_counts()
    pairs = {(str(name), str(province)): int(n) for (name, province), n in counts.items()}
    return _largest(pairs, NAMES)


def _any_of(joined: Texts, wanted: frozenset[str]) -> NDArray[np.bool_]:
    """Tell which texts, joined by "|", hold one of some words."""
    number, distinct = pd.factorize(joined)
    found = [not wanted.isdisjoint(text.split("|")) for text in distinct]
    return np.array(found, bool)[number]


def _trimmed(rows: pa.Table, column: str) -> pd.Series:
    """Give a column as trimmed text."""
    return rows.column(column).to_pandas().astype("str").fillna("").str.strip()


def _tally_pairs(
    places: tuple[NDArray[np.int32], NDArray[np.int32]] | None,
) -> tuple[dict[tuple[int, int], int], int]:
    """Count the pairs of municipalities that contradict each other."""
    if places is None:
        return {}, 0
    found, declared = (each.astype(np.int64) for each in places)
    differs = (found >= 0) & (declared >= 0) & (found != declared)
    codes, counts = np.unique((found[differs] << 32) | declared[differs], return_counts=True)
    pairs = {
        (code >> 32, code & 0xFFFFFFFF): count
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
    }
    return _largest(pairs, NAMES), int(differs.sum())


def _collect(
    rows: pa.Table, named: Mapping[str, str], outcomes: Outcomes
) -> dict[str, tuple[Example, ...]]:
    """Take the first rows of each reason, and of each flag."""
    chosen: dict[str, list[int]] = {}
    for texts in (outcomes.reason, outcomes.flags):
        number, distinct = pd.factorize(texts)
        order = np.argsort(number, kind="stable")
        ends = np.cumsum(np.bincount(number, minlength=len(distinct)))
        for joined, end, begin in zip(distinct, ends, np.append(0, ends), strict=False):
            for name in filter(None, joined.split("|")):
                chosen.setdefault(name, []).extend(order[begin : min(end, begin + EXAMPLES)])
    found = {}
    for name, positions in sorted(chosen.items()):
        first = sorted(int(position) for position in positions)[:EXAMPLES]
        records = rows.take(pa.array(first)).to_pylist()
        found[name] = tuple(
            Example(
                source=outcomes.source,
                row=int(outcomes.row_numbers[position]),
                fields=masked_record(record, named, name),
            )
            for position, record in zip(first, records, strict=True)
        )
    return found


def _add_up(parts: Iterable[Mapping[Key, int]], *, limit: int) -> dict[Key, int]:
    """Add up counts; where there are more than ``limit`` keys, the rarest are forgotten."""
    total: dict[Key, int] = {}
    for part in parts:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return _largest(total, limit or len(total))


def _largest(counts: dict[Key, int], limit: int) -> dict[Key, int]:
    """Keep the largest counts, in an order that does not depend on the rows'."""
    if len(counts) <= limit:
        return counts
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return dict(ordered[:limit])
