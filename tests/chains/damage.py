"""What spreadsheets and programs do to ATECO codes, each way written out on its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

MONTHS_IT = ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"]
MONTHS_EN = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
TODAY = 2024


def as_number(code: str) -> str | None:
    """Read as a decimal number: 01.10 is 1.1."""
    return repr(float(code)) if code.count(".") == 1 else None


def as_number_comma(code: str) -> str | None:
    number = as_number(code)
    return number.replace(".", ",") if number else None


def as_whole_number(code: str) -> str:
    """Write without points, read as a whole number: 01.11.10 is 11110."""
    return str(int(code.replace(".", "")))


def as_float(code: str) -> str:
    """The same in a column with a blank: 11110.0."""
    return f"{int(code.replace('.', ''))}.0"


def filled_up(code: str) -> str:
    """Write without points, filled up to six digits: 01.1 is 011000."""
    return code.replace(".", "").ljust(6, "0")


def without_first_zero(code: str) -> str | None:
    return code[1:] if code.startswith("0") else None


def typed_date(code: str) -> tuple[dt.date, str] | None:
    """What a spreadsheet of a country of points in dates takes a code for, and how it shows it."""
    parts = [int(part) for part in code.split(".")]
    full = [part + (2000 if part < 30 else 1900) for part in parts]
    tries = []
    if len(parts) == 2:
        tries = [((TODAY, parts[1], parts[0]), "day"), ((full[1], parts[0], 1), "month")]
    if len(parts) == 3:
        tries = [((full[2], parts[1], parts[0]), "whole")]
    for numbers, shown in tries:
        try:
            return dt.date(*numbers), shown
        except ValueError:
            continue
    return None


def _shown(names: list[str]) -> Callable[[str], str | None]:
    def show(code: str) -> str | None:
        found = typed_date(code)
        if found is None:
            return None
        day, shown = found
        month = names[day.month - 1]
        if shown == "day":
            return f"{day.day:02d}-{month}"
        return f"{month}-{day:%y}" if shown == "month" else f"{day:%d/%m/%Y}"

    return show


def _formatted(form: str) -> Callable[[str], str | None]:
    def show(code: str) -> str | None:
        found = typed_date(code)
        return format(found[0], form) if found else None

    return show


def as_serial(code: str) -> str | None:
    found = typed_date(code)
    return str((found[0] - dt.date(1899, 12, 30)).days) if found else None


DATES = {
    "as Excel shows it": _shown(MONTHS_IT),
    "as an English Excel shows it": _shown(MONTHS_EN),
    "day/month/year": _formatted("%d/%m/%Y"),
    "month/day/year": _formatted("%m/%d/%Y"),
    "with a time": _formatted("%Y-%m-%d 00:00:00"),
    "ISO": _formatted("%Y-%m-%d"),
    "short": _formatted("%d/%m/%y"),
    "with points": _formatted("%d.%m.%Y"),
    "serial": as_serial,
}
NUMBERS = {
    "decimal number": as_number,
    "decimal comma": as_number_comma,
    "whole number": as_whole_number,
    "float": as_float,
    "filled up": filled_up,
    "first zero lost": without_first_zero,
}
HARMLESS = {
    "no points": lambda code: code.replace(".", ""),
    "section": lambda code: f"C{code}",
    "section and space": lambda code: f"C {code}",
    "commas": lambda code: code.replace(".", ","),
    "spaces": lambda code: f"  {code} ",
}
