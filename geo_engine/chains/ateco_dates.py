"""Codes that a spreadsheet turned into dates: which codes may stand behind one.

Where the point parts a date (Italy, Germany), a spreadsheet takes "10.1" for 10 January of this
year, "10.72" for October 1972 and "10.11.20" for 10 November 2020. It shows them as "10-gen",
"ott-72" or "10/11/2020"; programs write them as "2024-01-10 00:00:00" or as a number of days.
"""

from __future__ import annotations

import datetime as dt
import re

_NAMES = (
    ("GEN", "GENN", "GENNAIO", "JAN", "JANUARY"),
    ("FEB", "FEBB", "FEBBRAIO", "FEBRUARY"),
    ("MAR", "MARZO", "MARCH"),
    ("APR", "APRILE", "APRIL"),
    ("MAG", "MAGGIO", "MAY"),
    ("GIU", "GIUGNO", "JUN", "JUNE"),
    ("LUG", "LUGLIO", "JUL", "JULY"),
    ("AGO", "AGOSTO", "AUG", "AUGUST"),
    ("SET", "SETT", "SETTEMBRE", "SEP", "SEPT", "SEPTEMBER"),
    ("OTT", "OTTOBRE", "OCT", "OCTOBER"),
    ("NOV", "NOVEMBRE", "NOVEMBER"),
    ("DIC", "DICEMBRE", "DEC", "DECEMBER"),
)
_MONTHS = {name: month for month, names in enumerate(_NAMES, start=1) for name in names}
_CLOCK = r"(?:[ T][\d:.]+Z?)?"
_NUMERIC = re.compile(rf"^(\d{{1,2}})([./-])(\d{{1,2}})(?:\2(\d{{4}}|\d{{2}}))?{_CLOCK}$")
_YEAR_FIRST = re.compile(rf"^(\d{{4}})[/.-](\d{{1,2}})[/.-](\d{{1,2}}){_CLOCK}$")
_NAME_FIRST = re.compile(r"^([A-Z]{3,9})\.?[-/ .](\d{1,2}|\d{4})$")
_NAME_FIRST_FULL = re.compile(r"^([A-Z]{3,9})\.?[-/ ](\d{1,2})(?:,| ,|[-/ ]) ?(\d{4}|\d{2})$")
_NAME_SECOND = re.compile(r"^(\d{1,2})[-/ .]([A-Z]{3,9})\.?(?:[-/ .](\d{4}|\d{2}))?$")
_SERIAL = re.compile(r"^\d{5}$")
_DAY_ZERO = dt.date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 10959, 51135
"""1 January 1930 and 31 December 2039: what a spreadsheet makes of two digits, or of today."""
_LAST_MONTH = 12
_LAST_DAY = 31
_NO_DAY = 0
_FIRST_TODAY = 1990
_EPOCHS = (1900, 1904, 1970)
"""Years that programs put where none is written."""

_Date = tuple[int, int, int | None]
"""Day, month and year; the year is None where it is not written."""


def codes_behind_date(text: str) -> tuple[str, ...] | None:
    """List the codes that a spreadsheet may have turned into this date.

    Parameters
    ----------
    text : str
        In capitals, with single spaces.

    Returns
    -------
    tuple of str or None
        Dotted codes, whether they exist or not; None when the text is no date.
    """
    for read in (_numeric, _year_first, _name_first, _name_second):
        dates = read(text)
        if dates:
            return tuple(sorted({code for date in dates for code in _codes(date)}))
    return None


def codes_behind_serial(digits: str) -> tuple[str, ...]:
    """List the codes that may stand behind a date that was written as a number of days.

    Parameters
    ----------
    digits : str
        Figures alone, such as "45566" for 1 October 2024.

    Returns
    -------
    tuple of str
        Dotted codes; none when the number is no date of this century or of the years after 1930.
    """
    if not _SERIAL.match(digits) or not _FIRST_SERIAL <= int(digits) <= _LAST_SERIAL:
        return ()
    day = _DAY_ZERO + dt.timedelta(days=int(digits))
    both = [(day.day, day.month, day.year)]
    if day.day <= _LAST_MONTH:
        both.append((day.month, day.day, day.year))
    return tuple(sorted({code for date in both for code in _codes(date)}))


def _numeric(text: str) -> list[_Date]:
    """Read 10/1/2024, 10-01-24 or 10/1, day or month first; "10-1" and "10.1.24" are codes."""
    found = _NUMERIC.match(text)
    if found is None:
        return []
    first, mark, second = int(found[1]), found[2], int(found[3])
    year = found[4]
    if mark != "/" and (year is None or (mark == "." and len(year) == 2)):
        return []
    return _both_orders(first, second, int(year) if year else None)


def _year_first(text: str) -> list[_Date]:
    """Read 2024-01-10, with or without a time."""
    found = _YEAR_FIRST.match(text)
    return _both_orders(int(found[3]), int(found[2]), int(found[1])) if found else []


def _name_first(text: str) -> list[_Date]:
    """Read OTT-72 or MAR-01, whose number is a year or a day, and OCTOBER 1, 2024."""
    full = _NAME_FIRST_FULL.match(text)
    if full and full[1] in _MONTHS:
        return [(int(full[2]), _MONTHS[full[1]], int(full[3]))]
    found = _NAME_FIRST.match(text)
    if not found or found[1] not in _MONTHS:
        return []
    month, number = _MONTHS[found[1]], int(found[2])
    dates: list[_Date] = [(_NO_DAY, month, number)]
    if 1 <= number <= _LAST_DAY:
        dates.append((number, month, None))
    return dates


def _name_second(text: str) -> list[_Date]:
    """Read 10-GEN, 10 GENNAIO 2024 or 1-OCT."""
    found = _NAME_SECOND.match(text)
    if not found or found[2] not in _MONTHS:
        return []
    return [(int(found[1]), _MONTHS[found[2]], int(found[3]) if found[3] else None)]


def _both_orders(first: int, second: int, year: int | None) -> list[_Date]:
    """Read two numbers as day and month, and as month and day, where that is possible."""
    return [
        (day, month, year)
        for day, month in {(first, second), (second, first)}
        if 1 <= day <= _LAST_DAY and 1 <= month <= _LAST_MONTH
    ]


def _codes(date: _Date) -> set[str]:
    """Write a date as the codes from which it can come."""
    day, month, year = date
    codes = set()
    if day and (year is None or _is_typing_year(year)):
        for first, second in ((day, month), (month, day)):
            codes |= {f"{first:02d}.{second}", f"{first:02d}.{second:02d}"}
    if year is None:
        return codes
    short = year % 100
    if day in (_NO_DAY, 1):
        codes.add(f"{month:02d}.{short:02d}")
    if day:
        for first, second in ((day, month), (month, day)):
            codes |= {f"{first:02d}.{second:02d}.{short:02d}", f"{first:02d}.{second:02d}.{short}"}
    return codes


def _is_typing_year(year: int) -> bool:
    """Tell whether a year may be the one in which two numbers were typed, and not typed itself."""
    full = year if year >= 100 else year + (2000 if year < 30 else 1900)
    return full >= _FIRST_TODAY or full in _EPOCHS
