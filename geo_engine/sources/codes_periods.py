"""Periods of municipalities: the table that ships, and how periods are found and cut."""

from __future__ import annotations

import datetime as dt
import functools
import importlib.metadata
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import codicefiscale
import pandas as pd

from geo_engine.errors import SourceError
from geo_engine.sources.codes_lists import OPEN_END, registry

PACKAGE = "python-codicefiscale"
FIRST_DATE = dt.date(1991, 1, 1)
"""Before it, a municipality's code may have been another even in the same province."""
COLUMNS = (
    "istat_code",
    "cadastral_code",
    "name",
    "name_other",
    "sigla",
    "province",
    "valid_from",
    "valid_to",
)
ONE_DAY = dt.timedelta(days=1)

Period = dict[str, Any]
Periods = dict[str, list[Period]]


def package_file() -> Path:
    """Find the municipalities of the package python-codicefiscale.

    Returns
    -------
    Path
        Its JSON file.

    Raises
    ------
    SourceError
        ``CODES_PACKAGE`` when this edition of the package has none.
    """
    path = Path(codicefiscale.__file__).parent / "data" / "municipalities.json"
    if not path.is_file():
        version = importlib.metadata.version(PACKAGE)
        raise SourceError(
            "CODES_PACKAGE", f"{PACKAGE} {version} has no data/municipalities.json. Install 0.12."
        )
    return path


@functools.cache
def package_periods() -> pd.DataFrame:
    """Read name, cadastral code, sigla and dates of every municipality since 1861.

    Returns
    -------
    DataFrame
        ``COLUMNS``; istat_code and province are "".
    """
    records = json.loads(package_file().read_text(encoding="utf-8"))
    return pd.DataFrame(
        {
            "istat_code": "",
            "cadastral_code": ["" if r["code"] == "ND" else r["code"] for r in records],
            "name": [r["name"].strip() for r in records],
            "name_other": [r["name_alt"].strip() for r in records],
            "sigla": [r["province"] for r in records],
            "province": "",
            "valid_from": [dt.date.fromisoformat(r["date_created"][:10]) for r in records],
            "valid_to": [
                dt.date.fromisoformat(r["date_deleted"][:10]) if r["date_deleted"] else OPEN_END
                for r in records
            ],
        }
    )


def holders_by_code(periods: Mapping[str, Sequence[Period]]) -> dict[str, list[Period]]:
    """Index periods by ISTAT code.

    Parameters
    ----------
    periods : mapping of str to sequence of dict
        By cadastral code.

    Returns
    -------
    dict of str to list of dict
        By ISTAT code, those with a cadastral code.
    """
    found: dict[str, list[Period]] = defaultdict(list)
    for own in periods.values():
        for period in own:
            if period["istat_code"] and period["cadastral_code"]:
                found[period["istat_code"]].append(period)
    return found


def holder(holders: Mapping[str, Sequence[Period]], code: str, day: dt.date) -> str:
    """Find the cadastral code of the municipality with an ISTAT code on a day.

    Parameters
    ----------
    holders : mapping of str to sequence of dict
        From :func:`holders_by_code`.
    code : str
        ISTAT code.
    day : date
        The day.

    Returns
    -------
    str
        "" where there is none.
    """
    period = period_at(holders.get(code, ()), day)
    return "" if period is None else str(period["cadastral_code"])


def same_province(sigla: str, other: str) -> bool:
    """Compare siglas, by which provinces changed their name.

    Parameters
    ----------
    sigla, other : str
        Such as FO and FC.

    Returns
    -------
    bool
        True for one province.

    Examples
    --------
    >>> same_province("FO", "FC"), same_province("FO", "FI")
    (True, False)
    """
    renamed = registry()["renamed_provinces"]
    return renamed.get(sigla, sigla) == renamed.get(other, other)


def period_at(own: Sequence[Period], day: dt.date) -> Period | None:
    """Find the period that holds a day.

    Parameters
    ----------
    own : sequence of dict
        Periods of one municipality.
    day : date
        The day.

    Returns
    -------
    dict or None
        The first one that holds it.
    """
    for period in own:
        if period["valid_from"] <= day <= period["valid_to"]:
            return period
    return None


def cut(own: list[Period], period: Period, day: dt.date) -> Period:
    """Begin a new period on a day.

    Parameters
    ----------
    own : list of dict
        Periods of one municipality; gets the new one.
    period : dict
        One of them that holds the day; ends on the day before.
    day : date
        First day of the new one.

    Returns
    -------
    dict
        The new period.
    """
    new = period | {"valid_from": day}
    period["valid_to"] = day - ONE_DAY
    own.insert(own.index(period) + 1, new)
    return new
