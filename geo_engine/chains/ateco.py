"""Reads ATECO codes as extracts write them: with or without points, or damaged by a spreadsheet."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo_engine.chains.classification import EDITIONS, digits_of, dotted, exists
from geo_engine.errors import ChainError

REPAIRED = "ATECO_REPAIRED"
"""Flag: the spelling was damaged and one code alone fits."""
MISSING = "ATECO_MISSING"
"""Flag: no code was given; the row counts among all firms and in no chain."""
INVALID = "ATECO_INVALID"
"""Flag: well written, but no code of the edition; the row counts among all firms and in no chain.
Reason: damaged beyond one reading (1E5, a date); the row is quarantined."""
AMBIGUOUS = "ATECO_AMBIGUOUS"
"""Reason: a leading zero may be lost and two codes fit; the row is quarantined."""

_ABSENT = frozenset(
    [
        "NC",
        "N.C",
        "N/C",
        "ND",
        "N.D",
        "N/D",
        "NA",
        "N.A",
        "N/A",
        "NULL",
        "NONE",
        "NAN",
        "NESSUNO",
        "ASSENTE",
        "X",
        "?",
        "#N/D",
        "#N/A",
    ]
)
_CODE = re.compile(r"^(?:[A-V] ?)?(\d{2})(?:\.(\d{1,2})(?:\.(\d{1,2}))?)?$")
_DIGITS = re.compile(r"^(?:[A-V] ?)?(\d{2,6})$")
_SHORT = re.compile(r"^(\d)(?:\.(\d{1,2})(?:\.(\d{1,2}))?)?$")
_DESCRIBED = re.compile(r"^((?:[A-V] ?)?\d[\d.]*)\s*[-–—:]?\s*[^\W\d_]{2}.*$")
_SCIENTIFIC = re.compile(r"^\d+(?:\.\d+)?E[+-]?\d+$")
_MONTHS = {
    name: 1 + position // 2
    for position, name in enumerate(
        [
            "GEN",
            "JAN",
            "FEB",
            "FEB",
            "MAR",
            "MAR",
            "APR",
            "APR",
            "MAG",
            "MAY",
            "GIU",
            "JUN",
            "LUG",
            "JUL",
            "AGO",
            "AUG",
            "SET",
            "SEP",
            "OTT",
            "OCT",
            "NOV",
            "NOV",
            "DIC",
            "DEC",
        ]
    )
}
_DAY_MONTH_YEAR = re.compile(r"^(\d{1,2})[/-](\d{1,2})(?:[/-](\d{4}|\d{2}))?(?: [\d:.]+)?$")
_YEAR_MONTH_DAY = re.compile(r"^(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?:[ T][\d:.]+)?$")
_NAMED_FIRST = re.compile(r"^([A-Z]{3})[A-Z]*[-/ .](\d{1,2}|\d{4})$")
_NAMED_SECOND = re.compile(r"^(\d{1,2})[-/ .]([A-Z]{3})[A-Z]*(?:[-/ .](\d{4}|\d{2}))?$")

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class AtecoCodes:
    """Codes read from texts; the four arrays are aligned with the input."""

    codes: Texts
    """Dotted codes ("62.01.00"), "" where there is none to use."""
    flags: Texts
    """``ATECO_REPAIRED``, ``ATECO_MISSING``, ``ATECO_INVALID`` or ""."""
    reasons: Texts
    """Why the row is quarantined: ``ATECO_INVALID``, ``ATECO_AMBIGUOUS`` or ""."""
    details: Texts
    """A sentence that says what to do, "" where all is well."""


@dataclass(frozen=True)
class _Reading:
    """One text, read: a plain code, or the codes that may stand behind a damaged one."""

    kind: str
    """``plain``, ``short`` (zero lost for certain), ``damaged``, ``missing`` or ``unreadable``."""
    plain: str = ""
    candidates: tuple[str, ...] = ()
    odd: bool = False
    """Without points and of odd length: the shape of a code that lost its leading zero."""
    repaired: bool = False
    """Something was already cut off: the decimal tail of a number."""


def normalize_ateco(values: Sequence[str | None], *, edition: str) -> AtecoCodes:
    """Read ATECO codes from the distinct texts of one column.

    "62.01.00", "620100", "6201", "62", " 62.01 ", "J62.01" and "62.01 - Software" are accepted, at
    any level from two to six digits. A lost zero ("1.11", "11100"), an added one ("01.10" for
    01.1), the tail of a decimal number ("620100.0") and a date made by a spreadsheet ("10-gen") are
    repaired where exactly one code of the edition fits; of two codes one of which contains the
    other, the wider one fits. An undotted code of odd length is read as written, unless other codes
    of the column show that zeros were lost.

    Parameters
    ----------
    values : sequence of str or None
        Distinct texts of the whole column: the evidence for lost zeros is among them.
    edition : str
        "2007", "2025", or "either" where a code of any edition is accepted.

    Returns
    -------
    AtecoCodes
        Aligned with ``values``.

    Raises
    ------
    ChainError
        ``ATECO_EDITION_UNKNOWN``.
    """
    if edition not in (*EDITIONS, "either"):
        raise ChainError(
            "ATECO_EDITION_UNKNOWN",
            f"{edition!r} is not an edition of ATECO. Write one of: {', '.join(EDITIONS)}.",
        )
    editions = EDITIONS if edition == "either" else (edition,)
    readings = [_read(value) for value in values]
    zeros_lost = _zeros_are_lost(readings, editions)
    settled = [_settle(reading, editions, zeros_lost) for reading in readings]
    columns = [np.array(column, dtype=object) for column in zip(*settled, strict=True)]
    if not columns:
        columns = [np.array([], dtype=object) for _ in range(4)]
    codes, flags, reasons, details = columns
    return AtecoCodes(codes=codes, flags=flags, reasons=reasons, details=details)


def _read(value: str | None) -> _Reading:
    """Say what kind of text this is and which codes may stand behind it."""
    text = _tidy(value)
    if text.rstrip(".") in _ABSENT or not text.strip("-.0 /"):
        return _Reading("missing")
    if _SCIENTIFIC.match(text):
        return _Reading("unreadable")
    dates = _codes_behind_date(text)
    if dates is not None:
        return _Reading("damaged", candidates=dates)
    described = _DESCRIBED.match(text)
    if described:
        text = described[1]
    return _read_digits(re.sub(r"(?<=\d)[,\s/-]+(?=\d)", ".", text).rstrip("."))


def _tidy(value: str | None) -> str:
    """Bring a text to one form: compatible characters, capitals, single spaces."""
    text = unicodedata.normalize("NFKC", value or "")
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Cc"))
    return " ".join(text.upper().split()).strip("'\"` ")


def _read_digits(text: str) -> _Reading:
    """Read a code of figures and points, or one without them."""
    tail = re.match(r"^(\d{3,6})\.0+$", text)
    if tail:
        return replace(_read_digits(tail[1]), repaired=True)
    digits = _DIGITS.match(text)
    if digits:
        return _read_undotted(digits[1])
    code = _CODE.match(text)
    if code and not (code[3] and len(code[2]) == 1):
        return _Reading("plain", plain=".".join(part for part in code.groups() if part))
    short = _SHORT.match(text)
    if short:
        return _Reading("short", candidates=_padded(short))
    return _Reading("unreadable")


def _read_undotted(digits: str) -> _Reading:
    """Read figures alone; those of odd length may have lost a leading zero."""
    padded = (dotted("0" + digits),) if len(digits) < 6 and digits[0] != "0" else ()
    odd = len(digits) % 2 == 1
    return _Reading("plain", plain=dotted(digits), candidates=padded, odd=odd)


def _padded(short: re.Match[str]) -> tuple[str, ...]:
    """List the codes behind a number such as 1.1: 01.1, or 01.10 less its last zero."""
    parts = [part for part in short.groups() if part]
    parts[0] = "0" + parts[0]
    code = ".".join(parts)
    return (code, code + "0") if len(parts[-1]) == 1 else (code,)


def _codes_behind_date(text: str) -> tuple[str, ...] | None:
    """List the codes that a spreadsheet may have turned into this date; None when it is no date."""
    date = _date_parts(text)
    if date is None:
        return None
    first, second, year = date
    pairs = {(first, second), (second, first)}
    codes = {form for pair in pairs for form in _two_parts(*pair)}
    if year is not None and year % 100 > 31 and 1 in date[:2]:
        codes |= {f"{max(first, second):02d}.{year % 100:02d}"}
    if year is not None:
        codes |= {f"{a:02d}.{b:02d}.{year % 100:02d}" for a, b in pairs}
    return tuple(sorted(codes))


def _two_parts(first: int, second: int) -> tuple[str, ...]:
    """Write two numbers as codes: 10 and 1 may be 10.1 or 10.01."""
    return (f"{first:02d}.{second}", f"{first:02d}.{second:02d}") if first < 100 else ()


def _date_parts(text: str) -> tuple[int, int, int | None] | None:
    """Give two numbers and the year of a date in any usual form."""
    numeric = _DAY_MONTH_YEAR.match(text)
    if numeric and int(numeric[1]) <= 31 and int(numeric[2]) <= 31 and (numeric[3] or "/" in text):
        return int(numeric[1]), int(numeric[2]), int(numeric[3]) if numeric[3] else None
    iso = _YEAR_MONTH_DAY.match(text)
    if iso:
        return int(iso[3]), int(iso[2]), int(iso[1])
    named = _NAMED_FIRST.match(text)
    if named and named[1] in _MONTHS:
        return _MONTHS[named[1]], int(named[2]) % 100, None
    named = _NAMED_SECOND.match(text)
    if named and named[2] in _MONTHS:
        return int(named[1]), _MONTHS[named[2]], int(named[3]) if named[3] else None
    return None


def _known(codes: Sequence[str], editions: Sequence[str]) -> list[str]:
    """Keep the codes that one of the editions has."""
    return [code for code in codes if any(exists(code, edition) for edition in editions)]


def _zeros_are_lost(readings: Sequence[_Reading], editions: Sequence[str]) -> bool:
    """Decide whether the column lost leading zeros: some code exists only with its zero back."""
    undotted = [reading for reading in readings if reading.kind == "plain"]
    if any(reading.plain.startswith("0") for reading in undotted):
        return False
    return any(
        reading.candidates
        and not _known((reading.plain,), EDITIONS)
        and _known(reading.candidates, editions)
        for reading in undotted
    )


def _settle(
    reading: _Reading, editions: Sequence[str], zeros_lost: bool
) -> tuple[str, str, str, str]:
    """Choose code, flag, reason and detail for one reading."""
    if reading.kind == "missing":
        return "", MISSING, "", ""
    if reading.kind == "unreadable":
        return "", "", INVALID, "The text is not an ATECO code; correct it in the source."
    if reading.kind == "plain":
        return _settle_plain(reading, editions, zeros_lost)
    fitting = _widest(_known(reading.candidates, editions))
    if len(fitting) == 1:
        return fitting[0], REPAIRED, "", ""
    reason = AMBIGUOUS if reading.kind == "short" and fitting else INVALID
    return "", "", reason, _damage(fitting)


def _settle_plain(
    reading: _Reading, editions: Sequence[str], zeros_lost: bool
) -> tuple[str, str, str, str]:
    """Choose for a text that is written like a code."""
    code = reading.plain
    padded = _known(reading.candidates, editions)
    if _known((code,), editions):
        if reading.odd and zeros_lost and padded:
            return "", "", AMBIGUOUS, _damage([code, *padded])
        return code, REPAIRED if reading.repaired else "", "", ""
    if _known((code,), EDITIONS) and not (padded and zeros_lost):
        return "", INVALID, "", f"{code} exists in the other edition of ATECO only."
    # of a code written at full length both damages are possible, but a lost zero is the usual one
    whole = padded[0] if padded else _without_added_zeros(code, editions)
    if whole:
        return whole, REPAIRED, "", ""
    return "", INVALID, "", f"{code} is not a code of ATECO {' or '.join(editions)}."


def _without_added_zeros(code: str, editions: Sequence[str]) -> str:
    """Find the wider code behind one filled up with zeros (01.10 for 01.1), "" when none."""
    digits = digits_of(code)
    while len(digits) > 2 and digits.endswith("0"):
        digits = digits[:-1]
        if _known((dotted(digits),), editions):
            return dotted(digits)
    return ""


def _widest(codes: Sequence[str]) -> list[str]:
    """Drop codes that lie inside another one of the list."""
    kept: list[str] = []
    for code in sorted(set(codes), key=lambda code: (len(code), code)):
        if not any(digits_of(code).startswith(digits_of(wider)) for wider in kept):
            kept.append(code)
    return kept


def _damage(fitting: Sequence[str]) -> str:
    """Say which codes fit a damaged text."""
    if not fitting:
        return "No ATECO code fits; export the column as text and read it again."
    named = ", ".join(itertools.islice(fitting, 5))
    return f"{len(fitting)} codes fit ({named}); export the column as text and read it again."
