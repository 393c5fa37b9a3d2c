"""Reads ATECO codes as extracts write them: with or without points, or damaged by a spreadsheet."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo_engine.chains.ateco_dates import codes_behind_date, codes_behind_serial
from geo_engine.chains.classification import (
    EDITIONS,
    digits_of,
    dotted,
    exists,
    is_same_activity,
)
from geo_engine.errors import ChainError

REPAIRED = "REPAIRED_ATECO"
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
_SECTION = r"(?:[A-V][ .-]?)?"
_CODE = re.compile(rf"^{_SECTION}(\d{{2}})(?:\.(\d{{1,2}})(?:\.(\d{{1,2}}))?)?$")
_DIGITS = re.compile(rf"^{_SECTION}(\d{{2,6}})$")
_SHORT = re.compile(rf"^{_SECTION}(\d)(?:\.(\d{{1,2}})(?:\.(\d{{1,2}}))?)?$")
_DESCRIBED = re.compile(rf"^({_SECTION}\d[\d.]*)\s*[-–—:]?\s*[^\W\d_]{{2}}.*$")
_SCIENTIFIC = re.compile(r"^\d+(?:[.,]\d+)?E[+-]?\d+$")
_TAIL = re.compile(r"^(\d{3,6})\.0+$")
_LONGEST = 6
_ENOUGH = 5
"""Well written codes from which the column's one number of digits is evidence."""

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class AtecoCodes:
    """Codes read from texts; the four arrays are aligned with the input."""

    codes: Texts
    """Dotted codes ("62.01.00"), "" where there is none to use."""
    flags: Texts
    """``REPAIRED_ATECO``, ``ATECO_MISSING``, ``ATECO_INVALID`` or ""."""
    reasons: Texts
    """Why the row is quarantined: ``ATECO_INVALID``, ``ATECO_AMBIGUOUS`` or ""."""
    details: Texts
    """A sentence that says what to do, "" where all is well."""


@dataclass(frozen=True)
class _Reading:
    """One text, read: a code as written, and the codes that may stand behind a damaged text."""

    kind: str
    """``plain``, ``short`` (zero lost for certain), ``date``, ``missing`` or ``unreadable``."""
    plain: str = ""
    candidates: tuple[str, ...] = ()
    """Behind a short one or a date; behind a plain one the code with a leading zero back."""
    undotted: bool = False
    from_number: bool = False
    """The decimal tail of a number was cut off: a leading zero cannot have been kept."""

    @property
    def is_odd(self) -> bool:
        """Tell whether it has the shape of an undotted code that lost its leading zero."""
        return self.undotted and len(digits_of(self.plain)) % 2 == 1


@dataclass(frozen=True)
class _Column:
    """What the other texts of a column say about a doubtful one."""

    zeros_kept: bool
    """Some undotted code begins with a zero."""
    zeros_lost: bool
    """Some undotted code exists only with its zero back."""
    odd_lengths: frozenset[int]
    """Odd numbers of digits in which some undotted code is right as written alone."""
    odd_numbers: frozenset[int]
    """The same of numbers with a decimal tail, which show no zeros."""
    level: int
    """The number of digits of all its well written codes, 0 where it varies."""
    is_dotted: bool
    """At least some well written codes have points, and none goes without that could be a date."""
    is_undotted: bool
    """Some well written code goes without points, and is no date."""


def normalize_ateco(values: Sequence[str | None], *, edition: str) -> AtecoCodes:
    """Read ATECO codes from the distinct texts of one column.

    "62.01.00", "620100", "6201", "62", " 62.01 ", "J62.01" and "62.01 - Software" are accepted, at
    any level from two to six digits. A lost zero ("1.11", "11100"), an added one ("01.10" for
    01.1), the tail of a decimal number ("620100.0") and a date made by a spreadsheet ("10-gen",
    "ott-72", 45566) are repaired where exactly one activity of the edition fits; of two codes of
    one activity (01.5 holds 01.50 alone) the wider one is given. An undotted code of odd length is
    read as written where it cannot have lost a zero, or where other codes of the column show that
    zeros were kept or that codes have this length; else it is ambiguous.

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
    readings = _read_decimals([_read(value) for value in values])
    column = _look_over(readings, editions)
    settled = [_settle(reading, editions, column) for reading in readings]
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
    dates = codes_behind_date(text)
    if dates is not None:
        return _Reading("date", candidates=dates)
    described = _DESCRIBED.match(text)
    if described:
        text = described[1]
    return _read_digits(re.sub(r"(?<=\d)[,\s/-]+(?=\d)", ".", text).rstrip("."))


def _read_decimals(readings: list[_Reading]) -> list[_Reading]:
    """Read 11.0 as the number 11 where other texts of the column are such numbers."""
    if not any(reading.from_number for reading in readings):
        return readings
    return [
        replace(_read_undotted(reading.plain[:2]), from_number=True)
        if reading.plain[2:] == ".0" and not reading.undotted
        else reading
        for reading in readings
    ]


def _tidy(value: str | None) -> str:
    """Bring a text to one form: compatible characters, capitals, single spaces."""
    text = unicodedata.normalize("NFKC", value or "")
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Cc"))
    return " ".join(text.upper().split()).strip("'\"` ")


def _read_digits(text: str) -> _Reading:
    """Read a code of figures and points, or one without them."""
    tail = _TAIL.match(text)
    if tail:
        return replace(_read_digits(tail[1]), from_number=True)
    digits = _DIGITS.match(text)
    if digits:
        return _read_undotted(digits[1])
    code = _CODE.match(text)
    if code and not (code[3] and len(code[2]) == 1):
        return _Reading("plain", plain=".".join(part for part in code.groups() if part))
    short = _SHORT.match(text)
    if short and not (short[3] and len(short[2]) == 1):
        return _Reading("short", candidates=_padded(short))
    return _Reading("unreadable")


def _read_undotted(digits: str) -> _Reading:
    """Read figures alone; they may have lost a leading zero."""
    padded = (dotted("0" + digits),) if len(digits) < _LONGEST and digits[0] != "0" else ()
    return _Reading("plain", plain=dotted(digits), candidates=padded, undotted=True)


def _padded(short: re.Match[str]) -> tuple[str, ...]:
    """List the codes behind a number such as 1.1: 01.1, or 01.10 less its last zero; 1.0 is 01."""
    parts = [part for part in short.groups() if part]
    parts[0] = "0" + parts[0]
    code = ".".join(parts)
    if parts[1:] == ["0"]:
        return (code, code + "0", parts[0])
    return (code, code + "0") if len(parts[-1]) == 1 else (code,)


def _known(codes: Sequence[str], editions: Sequence[str]) -> list[str]:
    """Keep the codes that one of the editions has."""
    return [code for code in codes if any(exists(code, edition) for edition in editions)]


def _look_over(readings: Sequence[_Reading], editions: Sequence[str]) -> _Column:
    """Collect what the well written codes of a column say."""
    undotted = [reading for reading in readings if reading.undotted]
    zeros_kept = any(reading.plain.startswith("0") for reading in undotted)
    alone = [
        reading
        for reading in readings
        if reading.plain
        and _known((reading.plain,), editions)
        and not (reading.undotted and _known(reading.candidates, editions))
    ]
    lengths = [len(digits_of(reading.plain)) for reading in alone]
    bare = any(
        reading.undotted and "." in reading.plain and not _dates_behind(reading, editions)
        for reading in alone
    )
    return _Column(
        zeros_kept=zeros_kept,
        zeros_lost=not zeros_kept
        and any(_has_lost_its_zero(reading, editions) for reading in undotted),
        odd_lengths=_odd_lengths(alone, from_number=False),
        odd_numbers=_odd_lengths(alone, from_number=True),
        level=lengths[0] if len(set(lengths)) == 1 and len(lengths) >= _ENOUGH else 0,
        is_dotted=not bare and sum("." in reading.plain for reading in alone) >= _ENOUGH,
        is_undotted=bare,
    )


def _odd_lengths(readings: Sequence[_Reading], *, from_number: bool) -> frozenset[int]:
    """Collect the odd numbers of digits of undotted codes, or of numbers."""
    return frozenset(
        len(digits_of(reading.plain))
        for reading in readings
        if reading.is_odd and reading.from_number == from_number
    )


def _has_lost_its_zero(reading: _Reading, editions: Sequence[str]) -> bool:
    """Tell whether an undotted code exists with its zero back, and in no other way."""
    return bool(
        not _known((reading.plain,), EDITIONS)
        and _known(reading.candidates, editions)
        and not _without_added_zeros(reading.plain, editions)
    )


def _settle(
    reading: _Reading, editions: Sequence[str], column: _Column
) -> tuple[str, str, str, str]:
    """Choose code, flag, reason and detail for one reading."""
    if reading.kind == "missing":
        return "", MISSING, "", ""
    if reading.kind == "unreadable":
        return "", "", INVALID, "The text is not an ATECO code; correct it in the source."
    if reading.kind == "plain":
        return _settle_plain(reading, editions, column)
    fitting = _known(reading.candidates, editions)
    chosen = _one_activity(fitting, editions, column.level)
    if chosen:
        return chosen, REPAIRED, "", ""
    reason = AMBIGUOUS if reading.kind == "short" and fitting else INVALID
    return "", "", reason, _damage(fitting)


def _settle_plain(
    reading: _Reading, editions: Sequence[str], column: _Column
) -> tuple[str, str, str, str]:
    """Choose for a text that is written like a code."""
    code = reading.plain
    padded = _known(reading.candidates, editions)
    if _known((code,), editions):
        repaired = REPAIRED if reading.from_number else ""
        dates = _dates_behind(reading, editions) if column.is_dotted else []
        if dates:
            return "", "", AMBIGUOUS, _damage([code, *dates])
        if not padded or not _may_lack_zero(reading, column):
            return code, repaired, "", ""
        if column.level in (len(digits_of(code)), len(digits_of(padded[0]))):
            is_written = column.level == len(digits_of(code))
            return (code, repaired, "", "") if is_written else (padded[0], REPAIRED, "", "")
        return "", "", AMBIGUOUS, _damage([code, *padded])
    if _known((code,), EDITIONS) and not (padded and column.zeros_lost):
        return "", INVALID, "", f"{code} exists in the other edition of ATECO only."
    return _settle_unknown(reading, padded, editions, column)


def _may_lack_zero(reading: _Reading, column: _Column) -> bool:
    """Tell whether an undotted code that is right as written may yet have lost a zero."""
    if column.zeros_kept and not reading.from_number:
        return False
    length = len(digits_of(reading.plain))
    if not reading.is_odd:  # 1610 is 16.10, unless codes of five digits are used here
        return length + 1 in column.odd_lengths | column.odd_numbers
    return reading.from_number or column.zeros_lost or length not in column.odd_lengths


def _settle_unknown(
    reading: _Reading, padded: list[str], editions: Sequence[str], column: _Column
) -> tuple[str, str, str, str]:
    """Choose for a text that is written like a code but is none of these editions."""
    code = reading.plain
    fitting = list(padded)
    if not (padded and reading.is_odd and column.zeros_lost):
        fitting += _without_added_zeros(code, editions)
        if reading.is_odd and reading.candidates and not padded:
            fitting += _without_added_zeros(reading.candidates[0], editions)
    if not padded and not column.is_undotted:
        fitting += _dates_behind(reading, editions)
    chosen = _one_activity(fitting, editions, column.level)
    if chosen:
        return chosen, REPAIRED, "", ""
    if fitting:
        return "", "", AMBIGUOUS, _damage(fitting)
    return "", INVALID, "", f"{code} is not a code of ATECO {' or '.join(editions)}."


def _dates_behind(reading: _Reading, editions: Sequence[str]) -> list[str]:
    """List the codes behind an undotted number that may be a date."""
    if not reading.undotted:
        return []
    return _known(codes_behind_serial(digits_of(reading.plain)), editions)


def _without_added_zeros(code: str, editions: Sequence[str]) -> list[str]:
    """Find the wider code behind one filled up with zeros (01.10 for 01.1), if there is one."""
    digits = digits_of(code)
    while len(digits) > 2 and digits.endswith("0"):
        digits = digits[:-1]
        if _known((dotted(digits),), editions):
            return [dotted(digits)]
    return []


def _one_activity(codes: Sequence[str], editions: Sequence[str], level: int) -> str:
    """Give the widest of codes that all stand for one activity, "" where they do not."""
    ordered = sorted(set(codes), key=lambda code: (len(code), code))
    if level and len(ordered) > 1:
        of_level = [code for code in ordered if len(digits_of(code)) == level]
        ordered = of_level if len(of_level) == 1 else ordered
    if not ordered:
        return ""
    widest = ordered[0]
    alike = all(
        is_same_activity(widest, code, edition)
        for code in ordered[1:]
        for edition in editions
        if exists(widest, edition) or exists(code, edition)
    )
    return widest if alike else ""


def _damage(fitting: Sequence[str]) -> str:
    """Say which codes fit a damaged text."""
    if not fitting:
        return "No ATECO code fits; export the column as text and read it again."
    named = ", ".join(itertools.islice(sorted(set(fitting)), 5))
    return f"{len(set(fitting))} codes fit ({named}); export the column as text and read it again."
