"""The official lists of municipalities, each recognized by its header and checked whole."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import json
import re
import tomllib
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import python_calamine

from geo_engine.errors import SourceError

OPEN_END = dt.date(9999, 12, 31)
MAX_BYTES = 200 << 20
"""No official list is as large; a zip that unpacks to more is refused."""
HEADER_ROWS = 6
"""Titles stand above the header in some editions."""
CODE = re.compile(r"\d{6}")
CADASTRAL = re.compile(r"[A-Z]\d{3}")
BROKEN_TEXT = re.compile("�|Ã[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
"""Replacement signs, and UTF-8 read as cp1252."""
DAY_IN_NAME = re.compile(r"(?<!\d)(\d{4})[-_](\d{2})[-_](\d{2})(?!\d)")
DAY_IN_SHEET = re.compile(r"(\d{1,2})_(\d{1,2})_(\d{4})")
DATE_FIELDS = ("valid_from", "valid_to", "date")
CODE_FIELDS = (
    "istat_code",
    "old_code",
    "new_code",
    "code_1995",
    "code_2006",
    "code_2010",
)


@dataclass(frozen=True, kw_only=True)
class CodeList:
    """One list, read."""

    kind: str
    """``archive``, ``variations``, ``suppressed`` or ``snapshot``."""
    title: str
    """What it is, in Italian."""
    table: pd.DataFrame
    """Its columns under our names (codes.toml), texts; dates are ``datetime.date`` or None."""
    date: dt.date | None
    """Snapshot: the date it names; otherwise the last date it holds, where it holds dates."""


@functools.cache
def registry() -> dict[str, Any]:
    """Read what codes.toml says of sources, lists and facts."""
    path = Path(__file__).with_name("codes.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read_list(path: Path) -> CodeList:
    """Read an official list of municipalities.

    Parameters
    ----------
    path : Path
        CSV (UTF-8 or cp1252; comma or semicolon), XLSX, JSON of SITUAS, or a zip that holds one.

    Returns
    -------
    CodeList
        Recognized by its header.

    Raises
    ------
    SourceError
        ``CODES_UNKNOWN_LIST`` when no known list has such a header; ``CODES_DAMAGED`` naming what
        is wrong in it; ``CODES_NOT_READABLE`` when it cannot be opened.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(
            "CODES_NOT_READABLE", f"{path} cannot be read ({error.strerror}). Check the path."
        ) from error
    name, data = _unpacked(path.name, data)
    rows, sheet = _rows(name, data)
    form, at, columns = _recognized(path.name, rows)
    table = _table(path.name, rows[at + 1 :], len(rows[at]), columns)
    _check_rows(path.name, form, table)
    table = _checked(path.name, form["kind"], table)
    _check_counts(path.name, form, table)
    return CodeList(
        kind=form["kind"],
        title=form["title"],
        table=table,
        date=_date_of(form["kind"], path.name, sheet, table),
    )


@functools.lru_cache(maxsize=1 << 17)
def plain(text: str) -> str:
    r"""Reduce a header or a name to what two spellings of it share.

    Parameters
    ----------
    text : str
        A header or a name.

    Returns
    -------
    str
        Lower case, without accents and signs, one blank between words.

    Examples
    --------
    >>> plain("Codice Provincia (Storico)(1)\n")
    'codice provincia storico'
    """
    folded = unicodedata.normalize("NFKD", re.sub(r"\(\d\)", " ", text))
    kept = "".join(c for c in folded if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", kept).lower().split())


def _unpacked(name: str, data: bytes) -> tuple[str, bytes]:
    """Take the one list out of a zip; give anything else as it is."""
    if name.lower().endswith((".xlsx", ".xlsm")) or not data.startswith(b"PK\x03\x04"):
        return name, data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = [
                member
                for member in archive.infolist()
                if member.filename.lower().endswith((".csv", ".xlsx", ".json"))
            ]
            inside.sort(key=lambda member: (not member.filename.lower().endswith(".csv"),))
            if not inside or inside[0].file_size > MAX_BYTES:
                raise _damaged(name, "the zip holds no list (CSV, XLSX, JSON) of a plausible size")
            return Path(inside[0].filename).name, archive.read(inside[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise _damaged(name, f"the zip is broken ({error})") from error


def _rows(name: str, data: bytes) -> tuple[list[list[str]], str]:
    """Read all cells as text, and the name of the sheet."""
    if data.startswith(b"PK\x03\x04"):
        return _workbook_rows(name, data)
    text = _text(name, data)
    if text.lstrip()[:1] in ("{", "["):
        return _json_rows(name, text), ""
    head = text[:20000]
    separator = ";" if head.count(";") > head.count(",") else ","
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)), ""
    except csv.Error as error:
        raise _damaged(name, f"the records cannot be told apart ({error})") from error


def _text(name: str, data: bytes) -> str:
    """Decode strictly: UTF-8, else cp1252, in which ISTAT writes."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _damaged(name, "it is neither UTF-8 nor cp1252 text")


def _workbook_rows(name: str, data: bytes) -> tuple[list[list[str]], str]:
    """Read the first sheet whose header is known, or the first."""
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        sheet = book.sheet_names[0]
        values = book.get_sheet_by_name(sheet).to_python()
    except (python_calamine.CalamineError, IndexError) as error:
        raise _damaged(name, f"the workbook cannot be read ({error})") from error
    return [[_cell(value) for value in row] for row in values], sheet


def _cell(value: object) -> str:
    """Write a cell as the list would in text; 1001.0 is a code without its zeros."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _json_rows(name: str, text: str) -> list[list[str]]:
    """Read SITUAS' answer: a list of objects, alone or as ``resultset``."""
    try:
        found = json.loads(text)
        records = found.get("resultset", found.get("items")) if isinstance(found, dict) else found
        records = list(records or ())
        keys = list(dict.fromkeys(key for record in records for key in record))
    except (json.JSONDecodeError, AttributeError, TypeError) as error:
        raise _damaged(name, "the JSON is cut short or is no list of records") from error
    return [keys, *([_cell(record.get(key)) for key in keys] for record in records)]


def _recognized(
    name: str, rows: Sequence[Sequence[str]]
) -> tuple[Mapping[str, Any], int, dict[str, int]]:
    """Find the list whose needed columns all stand in one of the first rows."""
    for at, row in enumerate(rows[:HEADER_ROWS]):
        header = [plain(cell) for cell in row]
        for form in registry()["list"]:
            columns = _positions(header, form["columns"])
            if len(columns) == len(form["columns"]):
                return form, at, columns | _positions(header, form.get("optional", {}))
    titles = "; ".join(form["title"] for form in registry()["list"])
    first = ", ".join(cell for cell in (rows[0] if rows else []) if cell)[:120]
    raise SourceError(
        "CODES_UNKNOWN_LIST",
        f"{name} is none of the known lists ({titles}). Its first row is: {first or 'empty'}. "
        "Download one of them as it is, without opening it in Excel.",
    )


def _positions(header: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Find each wanted column: by its whole title, or by the beginning of a long one."""
    found: dict[str, int] = {}
    for field, titles in wanted.items():
        whole = [i for title in titles for i, cell in enumerate(header) if cell == title]
        long = [
            i
            for title in titles
            for i, cell in enumerate(header)
            if cell.startswith(f"{title} ") and len(title.split()) > 3
        ]
        if whole or long:
            found[field] = (whole or long)[0]
    return found


def _table(
    name: str, rows: Sequence[Sequence[str]], width: int, columns: Mapping[str, int]
) -> pd.DataFrame:
    """Keep the known columns of the records; a record of another width is damage."""
    records = [(i, row) for i, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    while records and sum(bool(cell.strip()) for cell in records[-1][1]) == 1:
        records.pop()  # a note below the table
    ragged = [i for i, row in records if len(row) != width]
    if ragged:
        raise _damaged(name, f"{len(ragged)} records have not {width} fields; first: {ragged[0]}")
    return pd.DataFrame(
        {field: [row[i].strip() for _, row in records] for field, i in columns.items()},
        index=pd.Index([i for i, _ in records], name="record"),
    )


def _check_rows(name: str, form: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Refuse a list that was cut, or glued."""
    least, most = form["rows"]
    if not least <= len(table) <= most:
        raise _damaged(
            name,
            f"it looks like {form['title']} but has {len(table)} records, "
            f"not between {least} and {most}",
        )


def _checked(name: str, kind: str, table: pd.DataFrame) -> pd.DataFrame:
    """Check and normalize codes, dates and names."""
    table = table.copy()
    for field in [each for each in CODE_FIELDS if each in table]:
        table[field] = [code.zfill(6) if code.isdigit() else code for code in table[field]]
        empty = (table[field] == "") & (field not in ("istat_code", "old_code"))
        _refuse(name, f"no ISTAT code ({field})", ~(table[field].str.fullmatch(CODE) | empty))
    if "cadastral_code" in table:
        table["cadastral_code"] = table["cadastral_code"].str.upper().replace("ND", "")
        good = table["cadastral_code"].str.fullmatch(CADASTRAL) | (
            (table["cadastral_code"] == "") & (kind == "archive")
        )
        _refuse(name, "no cadastral code", ~good)
    for field in [each for each in DATE_FIELDS if each in table]:
        days = [_day(value) for value in table[field]]
        missing = pd.Series([day is None for day in days], index=table.index)
        _refuse(name, f"no date ({field})", missing & ((table[field] != "") | (kind == "archive")))
        table[field] = pd.Series(days, index=table.index, dtype=object)
    if kind == "archive":
        _refuse(name, "an end before its beginning", table["valid_from"] > table["valid_to"])
    for field in [each for each in ("name", "old_name", "new_name") if each in table]:
        _refuse(name, "a name in the wrong encoding", table[field].str.contains(BROKEN_TEXT))
    if kind == "snapshot":
        for field in ("istat_code", "cadastral_code"):
            _refuse(name, f"a {field} that stands twice", table[field].duplicated())
    return table.reset_index(drop=True)


def _check_counts(name: str, form: Mapping[str, Any], table: pd.DataFrame) -> None:
    """Hold an archive to the number of municipalities of the censuses."""
    for date, number in form.get("valid_on", {}).items():
        day = dt.date.fromisoformat(date)
        count = int(((table["valid_from"] <= day) & (day <= table["valid_to"])).sum())
        if abs(count - number) > form["tolerance"]:
            raise _damaged(name, f"it has {count} municipalities on {date}, not {number}")


def _refuse(name: str, what: str, wrong: pd.Series) -> None:
    """Raise naming how many records are wrong, and the first."""
    if wrong.any():
        raise _damaged(name, f"{int(wrong.sum())} records have {what}; first: {wrong.idxmax()}")


def _day(value: str) -> dt.date | None:
    """Read a date as ISO or as day/month/year, a time after it left aside."""
    text = value.strip()[:10]
    try:
        if "/" in text:
            day, month, year = text.split("/")
            return dt.date(int(year), int(month), int(day))
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _date_of(kind: str, name: str, sheet: str, table: pd.DataFrame) -> dt.date | None:
    """Date a list: a snapshot by its sheet or file name, another by the last date in it."""
    if kind == "snapshot":
        if found := DAY_IN_SHEET.search(sheet):
            return _day("/".join(found.groups()))
        found = DAY_IN_NAME.search(name)
        return _day("-".join(found.groups())) if found else None
    days = [
        day
        for field in DATE_FIELDS
        if field in table
        for day in table[field]
        if day is not None and day < OPEN_END
    ]
    return max(days, default=None)


def _damaged(name: str, what: str) -> SourceError:
    """Make the error of a list that cannot be trusted."""
    return SourceError(
        "CODES_DAMAGED",
        f"{name}: {what}. Download it again, and do not open it in Excel before importing.",
    )
