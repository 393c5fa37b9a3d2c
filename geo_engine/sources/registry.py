"""Where the official sources are published, read from ``registry.toml``."""

from __future__ import annotations

import datetime as dt
import functools
import os
import tomllib
from pathlib import Path
from typing import Any

from geo_engine.errors import BoundaryError

MIRROR_VARIABLE = "GEO_ENGINE_ISTAT_URL"
"""Environment variable that names a mirror of ISTAT's folder."""


@functools.cache
def read_registry() -> dict[str, Any]:
    """Read the registry of official sources.

    Returns
    -------
    dict
        Table ``boundaries`` of ``registry.toml``; do not change it.
    """
    text = (Path(__file__).parent / "registry.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def istat_base(url: str | None = None) -> str:
    """Give the address of ISTAT's folder, or of the mirror that the user names.

    Parameters
    ----------
    url : str, optional
        The mirror of the command line; it wins over ``GEO_ENGINE_ISTAT_URL``.

    Returns
    -------
    str
        Without a slash at the end.
    """
    base = url or os.environ.get(MIRROR_VARIABLE) or read_registry()["boundaries"]["base"]
    return str(base).rstrip("/")


def edition_date(year: int) -> dt.date:
    """Give the date that ISTAT's edition of a year describes.

    Parameters
    ----------
    year : int
        Year of the edition.

    Returns
    -------
    date
        1 January, or the day of the census.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_YEAR`` for a year without an edition.
    """
    boundaries = read_registry()["boundaries"]
    census = boundaries["census_dates"].get(str(year))
    if census is not None:
        return dt.date.fromisoformat(str(census))
    if not boundaries["first_annual"] <= year <= dt.date.max.year:
        raise BoundaryError(
            "BOUNDARY_YEAR",
            f"ISTAT publishes no boundaries of {year}: there are those of the censuses of 1991 and "
            f"2001, and of every year from {boundaries['first_annual']} on.",
        )
    return dt.date(year, 1, 1)


def edition_of(date: dt.date) -> int:
    """Find the edition that describes a date: the last one not after it.

    Parameters
    ----------
    date : date
        Boundary date of a study.

    Returns
    -------
    int
        Year of the edition: 2010 for March 2011, as that of 2011 describes October.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_DATE`` before the first edition.
    """
    boundaries = read_registry()["boundaries"]
    census = {int(year) for year in boundaries["census_dates"]}
    first = boundaries["first_annual"]
    for year in range(date.year, min(census) - 1, -1):
        if (year >= first or year in census) and edition_date(year) <= date:
            return year
    raise BoundaryError(
        "BOUNDARY_DATE",
        f"ISTAT's boundaries begin on {edition_date(min(census))}; {date} is earlier. "
        "Set a later boundary_date.",
    )


def version_rules(version: str) -> dict[str, Any]:
    """Give folder, names and caps of a version.

    Parameters
    ----------
    version : str
        ``generalized`` or ``detailed``.

    Returns
    -------
    dict
        As in ``registry.toml``.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_VERSION`` for another word.
    """
    versions = read_registry()["boundaries"]["versions"]
    if version not in versions:
        raise BoundaryError(
            "BOUNDARY_VERSION", f"{version!r} is no version; choose {' or '.join(versions)}."
        )
    return versions[version]


def boundary_addresses(year: int, version: str, url: str | None = None) -> list[str]:
    """Give the addresses at which ISTAT's archive of a year may stand, likeliest first.

    Parameters
    ----------
    year : int
        Year of the edition.
    version : str
        ``generalized`` or ``detailed``.
    url : str, optional
        A mirror of ISTAT's folder, or the archive itself where it ends with ``.zip``.

    Returns
    -------
    list of str
        One or two addresses.
    """
    rules, census = version_rules(version), read_registry()["boundaries"]["census_dates"]
    edition_date(year)
    if url and url.lower().endswith(".zip"):
        return [url]
    name = rules["census" if str(year) in census else "annual"].format(year=year)
    folder = f"{istat_base(url)}/{rules['folder']}"
    plain, nested = f"{folder}/{name}", f"{folder}/{year}/{name}"
    return [nested, plain] if year >= rules["nested_since"] else [plain, nested]
