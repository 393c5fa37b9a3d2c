"""Which column holds what: a guess from the names of columns and from their values."""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pandas as pd

from geo_engine.sources.boundaries import boundaries_folder

_TAX_CODE = re.compile(r"\d{9,11}(\.0)?|[A-Z]{6}\d\d[A-Z]\d\d[A-Z]\d{3}[A-Z]", re.IGNORECASE)
_ATECO = re.compile(r"[A-U]?\s?\d{1,2}(\.?\d{1,2}){0,2}|N\.?[CD]\.?", re.IGNORECASE)
_DOTTED_ATECO = re.compile(r"\d\d\.\d{1,2}(\.\d{1,2})?")
_ISTAT = re.compile(r"\d{1,3}\.?\d{3}(\.0)?")
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
_FRACTION = re.compile(r"[-+]?\d+[.,]\d+")
_YEAR = re.compile(r"(19|20)\d\d(\.0)?")
_WEB = re.compile(
    r"(https?://|www\.)\S+|[\w-]+(\.[\w-]+)*\.(it|com|eu|net|org|shop)/?", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"\S+@\S+\.\S+|((https?:/*|www\.)\S+|[\w-]+(\.[\w-]+)*\.([a-z]{2}|[a-z]{3,10}))(/\S*)?",
    re.IGNORECASE,
)
"""Under the name of a column of websites: any address, also of a page or a mailbox."""
_COUNT = re.compile(r"\d{1,3}([.,]\d{3})+|\d+([.,]0*)?")
_POSTAL = re.compile(r"\d{4,5}(\.0)?")
_YES_NO = frozenset({"si", "no", "s", "n", "true", "false", "vero", "falso", "0", "1", "y", "yes"})
_LAT, _LON = (35.0, 47.5), (6.0, 19.0)

_MOST = 0.5
"""Share of the filled values that must agree with a column's name."""
_NEARLY_ALL = 0.95
"""Share of the filled values that must agree where the name says nothing."""


@dataclass(frozen=True, kw_only=True)
class Territory:
    """Words of the shipped municipalities, for telling columns by their values."""

    municipalities: frozenset[str]
    siglas: dict[str, str]
    """Region by province abbreviation."""
    province_regions: dict[str, str]
    """Region by plain province name."""
    regions: dict[str, str]
    """Region's own name by plain name."""
    cadastral_codes: frozenset[str]


@functools.cache
def territory() -> Territory:
    """Read the words of the shipped municipalities.

    Returns
    -------
    Territory
        Read once.
    """
    columns = ["name", "sigla", "province", "region", "cadastral_code"]
    files = sorted(boundaries_folder().glob("comuni_*.parquet"))
    table = pd.read_parquet(files[0], columns=columns)
    pairs = table.drop_duplicates("sigla")
    return Territory(
        municipalities=frozenset(part for name in table["name"] for part in _names(name)),
        siglas=dict(zip(pairs["sigla"], pairs["region"], strict=True)),
        province_regions={
            part: region
            for name, region in zip(pairs["province"], pairs["region"], strict=True)
            for part in _names(name)
        },
        regions={part: name for name in table["region"].unique() for part in _names(name)},
        cadastral_codes=frozenset(table["cadastral_code"]),
    )


def _names(name: str) -> set[str]:
    """Give a name and, where it has two languages, each of them."""
    return {plain(name), *map(plain, name.split("/"))}


@functools.cache
def known_names() -> dict[str, Any]:
    """Read the patterns of column names.

    Returns
    -------
    dict
        Groups ``roles``, ``signals`` and ``words`` of ``guess_roles.toml``.
    """
    text = resources.files("geo_engine.sources").joinpath("guess_roles.toml").read_text("utf-8")
    return tomllib.loads(text)


def plain(text: str) -> str:
    """Write a name without case, accents, signs and camel case.

    Parameters
    ----------
    text : str
        Such as "AtecoCode" or "Comune (sede)".

    Returns
    -------
    str
        "ateco code", "comune sede".
    """
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    bare = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[^0-9a-z]+", " ", bare.lower()).split())


def guess_roles(columns: dict[str, list[str]], *, named: bool) -> dict[str, str]:
    """Guess which column has which role in a study.

    Parameters
    ----------
    columns : dict of str to list of str
        Some values of each column, empty ones left out.
    named : bool
        Whether the columns have names; otherwise only values count.

    Returns
    -------
    dict of str to str
        Column by role; a role without a likely column is absent.
    """
    found: dict[str, str] = {}
    if named:
        for role, patterns in known_names()["roles"].items():
            name = _by_name(columns, patterns, _FITS.get(role, _anything), set(found.values()))
            if name is not None:
                found[role] = name
    for role, fits in _BY_VALUE.items():
        free = {name: values for name, values in columns.items() if name not in found.values()}
        name = _by_value(free, role, fits) if role not in found else None
        if name is not None:
            found[role] = name
    return _coordinates_in_order(found, columns)


def role_by_name(name: str) -> bool:
    """Tell whether a text is a known name of a column.

    Parameters
    ----------
    name : str
        A cell that may stand in a header.

    Returns
    -------
    bool
        True when a role or a signal has such a name.
    """
    bare = plain(name)
    groups = [*known_names()["roles"].values(), known_names()["signals"]["website"]]
    return any(re.fullmatch(pattern, bare) for patterns in groups for pattern in patterns)


def guess_signals(columns: dict[str, list[str]], taken: set[str]) -> list[tuple[str, str]]:
    """Guess which columns say that a firm is digital.

    Parameters
    ----------
    columns : dict of str to list of str
        Some values of each column, empty ones left out.
    taken : set of str
        Columns that have a role already.

    Returns
    -------
    list of tuple
        Column and rule (``website`` or ``flag``), in the file's order.
    """
    patterns = known_names()["signals"]
    found = []
    for name, values in columns.items():
        if name in taken or not values:
            continue
        if _holds_websites(name, values):
            found.append((name, "website"))
        elif share(values, is_yes_or_no) >= _NEARLY_ALL and any(
            re.fullmatch(pattern, plain(name)) for pattern in patterns["flag"]
        ):
            found.append((name, "flag"))
    return found


def _holds_websites(name: str, values: list[str]) -> bool:
    """Tell whether a column holds websites.

    Under the name of one, most firms may have a page on a social network or declare that they have
    none; under any other name, nearly all values must be websites.
    """
    patterns = known_names()["signals"]["website"]
    if not any(re.fullmatch(pattern, plain(name)) for pattern in patterns):
        return share(values, lambda text: bool(_WEB.fullmatch(text.strip()))) >= _NEARLY_ALL
    if share(values, is_yes_or_no) == 1:
        return False  # a flag
    return share(values, _tells_of_website) >= _MOST


def _tells_of_website(text: str) -> bool:
    """Tell an address, a social network, or a way to say that there is no website."""
    words = known_names()["words"]
    bare = plain(text)
    return (
        bool(_ADDRESS.fullmatch(text.strip()))
        or bare in words["no_website"]
        or any(word in words["social"] for word in bare.split())
    )


def is_yes_or_no(text: str) -> bool:
    """Tell whether a text is a yes or a no.

    Parameters
    ----------
    text : str
        A value.

    Returns
    -------
    bool
        True for "Sì", "no", "1" and the like.
    """
    return plain(text) in _YES_NO


def share(values: list[str], fits: Callable[[str], bool]) -> float:
    """Give the share of values that fit.

    Parameters
    ----------
    values : list of str
        Filled values.
    fits : callable
        Tells whether one fits.

    Returns
    -------
    float
        0 where there is no value.
    """
    return sum(map(fits, values)) / len(values) if values else 0.0


def as_number(text: str) -> float | None:
    """Read a number with a point or a comma.

    Parameters
    ----------
    text : str
        A value.

    Returns
    -------
    float or None
        None where it is no number.
    """
    bare = text.strip()
    return float(bare.replace(",", ".")) if _NUMBER.fullmatch(bare) else None


def _by_name(
    columns: dict[str, list[str]],
    patterns: list[str],
    fits: Callable[[str], bool],
    taken: set[str],
) -> str | None:
    """Find the first column of the most certain name, whose values agree with it."""
    for pattern in patterns:
        for name, values in columns.items():
            agrees = not values or share(values, fits) >= _MOST
            if name not in taken and agrees and re.fullmatch(pattern, plain(name)):
                return name
    return None


def _by_value(columns: dict[str, list[str]], role: str, fits: Callable[[str], bool]) -> str | None:
    """Find the column whose values fit best, where nearly all of them do."""
    needed = _MOST if role == "municipality" else _NEARLY_ALL
    shares = {name: share(values, fits) for name, values in columns.items() if len(values) > 1}
    best = max(shares, key=lambda name: shares[name], default=None)
    return best if best is not None and shares[best] >= needed else None


def _coordinates_in_order(found: dict[str, str], columns: dict[str, list[str]]) -> dict[str, str]:
    """Exchange longitude and latitude where their values say so; half a pair is none."""
    if not {"lon", "lat"} <= set(found):
        return {role: name for role, name in found.items() if role not in {"lon", "lat"}}
    if (
        share(columns[found["lon"]], _is_lat) >= _NEARLY_ALL
        and share(columns[found["lat"]], _is_lon) >= _NEARLY_ALL
    ):
        return found | {"lon": found["lat"], "lat": found["lon"]}
    return found


def _within(text: str, limits: tuple[float, float]) -> bool:
    number = as_number(text)
    return number is not None and limits[0] <= number <= limits[1]


def _is_lat(text: str) -> bool:
    return _within(text, _LAT) and bool(_FRACTION.fullmatch(text.strip()))


def _is_lon(text: str) -> bool:
    return _within(text, _LON) and bool(_FRACTION.fullmatch(text.strip()))


def _is_number(text: str) -> bool:
    return as_number(text) is not None


def _is_count(text: str) -> bool:
    return text.strip().replace(".0", "").isdecimal()


def _is_employees(text: str) -> bool:
    return bool(_COUNT.fullmatch(text.strip()))


def _is_region(text: str) -> bool:
    return plain(text) in territory().regions


def _is_sigla(text: str) -> bool:
    return text.strip().upper() in territory().siglas


def _is_municipality(text: str) -> bool:
    return plain(text) in territory().municipalities


def _is_cadastral(text: str) -> bool:
    return text.strip().upper() in territory().cadastral_codes


def _anything(text: str) -> bool:
    return bool(text)


def _no_number(text: str) -> bool:
    return as_number(text) is None


def _is_unit(text: str) -> bool:
    return bool(re.search(r"\b(sede|unita|ul|filiale|principale|secondaria)\b", plain(text)))


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: bool(pattern.fullmatch(text.strip()))


_FITS: dict[str, Callable[[str], bool]] = {
    "istat_code": _matches(_ISTAT),
    "cadastral_code": _is_cadastral,
    "tax_code": _matches(_TAX_CODE),
    "name": _no_number,
    "municipality": _no_number,
    "province": _no_number,
    "postal_code": _matches(_POSTAL),
    "region": _no_number,
    "lon": _is_number,
    "lat": _is_number,
    "ateco": _matches(_ATECO),
    "year": _matches(_YEAR),
    "unit_type": _is_unit,
    "employees": _is_employees,
    "firms": _is_count,
    "known": _is_count,
    "digital": _is_count,
}
_BY_VALUE: dict[str, Callable[[str], bool]] = {
    "province": _is_sigla,
    "region": _is_region,
    "cadastral_code": _is_cadastral,
    "municipality": _is_municipality,
    "lat": _is_lat,
    "lon": _is_lon,
    "tax_code": _matches(_TAX_CODE),
    "ateco": _matches(_DOTTED_ATECO),
}
