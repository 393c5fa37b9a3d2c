"""Provinces and regions in every way of writing them, and the postal codes they have."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from geo_engine.places import names

_AROUND = re.compile(r"^[(\[]\s*|\s*[)\]]$")
_BESIDE = re.compile(r"\s*[(\[/,;]\s*|\s+-\s+|\s+\.")
_METROPOLITAN = re.compile(r"2[0-9]{2}")
POSTAL_CODE = re.compile(r"[0-9]{5}")


@dataclass(frozen=True, kw_only=True)
class Areas:
    """The provinces and regions of one layer."""

    provinces: Mapping[str, str]
    """cod_prov by key of sigla, name or code."""
    once: Mapping[str, frozenset[str]]
    """By cod_prov, the provinces from which its municipalities may have come."""
    moved: Mapping[str, frozenset[str]]
    """By name or code of a municipality, the provinces that it has left."""
    regions: Mapping[str, str]
    """cod_reg by key of name or code."""
    sigle: Mapping[str, str]
    """cod_prov by sigla in force on the layer's date."""


def build_areas(places: pd.DataFrame) -> Areas:
    """Collect the provinces and regions of a layer.

    Parameters
    ----------
    places : DataFrame
        sigla, province, cod_prov, region, cod_reg.

    Returns
    -------
    Areas
        With former sigle and names, as far as their heirs are in the layer.
    """
    rows = places[["sigla", "cod_prov"]].drop_duplicates()
    sigle = dict(zip(rows["sigla"], rows["cod_prov"], strict=True))
    return Areas(
        provinces=_provinces(places, sigle),
        once=_inverse(names.vocabulary()["former_provinces"], sigle, sigle),
        moved=_inverse(names.vocabulary()["moved"], sigle, {}),
        regions=_regions(places),
        sigle=sigle,
    )


def _inverse(
    heirs: Mapping[str, Sequence[str]], sigle: Mapping[str, str], words: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Turn a table of heirs by sigla into one of former provinces by heir."""
    table: dict[str, set[str]] = defaultdict(set)
    for sigla, left in heirs.items():
        for word in left if sigla in sigle else ():
            table[words.get(word, word)].add(sigle[sigla])
    return {word: frozenset(found) for word, found in table.items()}


def _forms(word: str) -> tuple[str, ...]:
    """Give the keys of the name of an area: strict, with ae oe ue, and without small words."""
    return names.key(word), names.spelled_key(word), names.loose_key(word).replace(" ", "")


def _provinces(places: pd.DataFrame, sigle: Mapping[str, str]) -> dict[str, str]:
    """Map every way of writing a province to its code."""
    table: dict[str, str] = {}
    rows = places[["sigla", "province", "cod_prov"]].drop_duplicates()
    for sigla, province, code in rows.itertuples(index=False):
        for word in (sigla, code):
            table[names.key(word)] = code
        for word in (province, *province.split("/")):
            for form in _forms(word):
                table.setdefault(form, code)
    for word, sigla in names.vocabulary()["provinces"].items():
        if sigla in sigle:
            for form in _forms(word):
                table.setdefault(form, sigle[sigla])
    table.pop("", None)
    return table


def _regions(places: pd.DataFrame) -> dict[str, str]:
    """Map every way of writing a region to its code."""
    table: dict[str, str] = {}
    rows = places[["region", "cod_reg"]].drop_duplicates()
    for region, code in rows.itertuples(index=False):
        for word in (region, *region.split("/")):
            for form in _forms(word):
                table[form] = code
        table[code] = table[code.lstrip("0")] = code
    for word, official in names.vocabulary()["regions"].items():
        if names.key(official) in table:
            for form in _forms(word):
                table.setdefault(form, table[names.key(official)])
    table.pop("", None)
    return table


def province_code(areas: Areas, province: str) -> str:
    """Read a province.

    Parameters
    ----------
    areas : Areas
        From :func:`build_areas`.
    province : str
        Sigla, name or code, also with words before it, in two languages or "Milano (MI)".

    Returns
    -------
    str
        cod_prov, "" when it is not known or its parts say different things.
    """
    whole = _province(areas, _AROUND.sub("", province))
    if whole:
        return whole
    known = {_province(areas, part) for part in _BESIDE.split(province)} - {""}
    return known.pop() if len(known) == 1 else ""


def _province(areas: Areas, word: str) -> str:
    """Read a province that is written once."""
    for form in _forms(word):
        if form in areas.provinces:
            return areas.provinces[form]
    folded = names.fold(word)
    for prefix in names.vocabulary()["province_words"]["prefixes"]:
        if folded.startswith(f"{prefix} "):
            return _province(areas, folded[len(prefix) + 1 :])
    if folded.isdigit():
        number = int(folded)
        if _METROPOLITAN.fullmatch(folded):  # 215 is the metropolitan city of 015
            number -= 200
        return areas.provinces.get(f"{number:03d}", "")
    return ""


def region_code(areas: Areas, region: str) -> str:
    """Read a region.

    Parameters
    ----------
    areas : Areas
        From :func:`build_areas`.
    region : str
        Name or code.

    Returns
    -------
    str
        cod_reg, "" when it is not known.
    """
    for form in _forms(region):
        if form in areas.regions:
            return areas.regions[form]
    folded = names.fold(region)
    for prefix in ("REGIONE AUTONOMA", "REGIONE"):
        if folded.startswith(f"{prefix} "):
            return region_code(areas, folded[len(prefix) + 1 :])
    return ""


@functools.cache
def _sigle_by_prefix() -> Mapping[str, tuple[str, ...]]:
    """Read the provinces of each beginning of a postal code."""
    return {
        prefix: tuple(sigle.split()) for prefix, sigle in names.vocabulary()["postal_codes"].items()
    }


def postal_provinces(areas: Areas, postal_code: str) -> frozenset[str]:
    """Give the provinces in which a postal code may lie.

    Parameters
    ----------
    areas : Areas
        From :func:`build_areas`.
    postal_code : str
        Five digits, those at the front perhaps lost ("184" for 00184).

    Returns
    -------
    frozenset of str
        cod_prov, empty when it is no Italian postal code.
    """
    compact = re.sub(r"\.0+$", "", postal_code.replace(" ", ""))
    digits = compact.zfill(5) if len(compact) >= 3 else compact
    if not POSTAL_CODE.fullmatch(digits):
        return frozenset()
    table = _sigle_by_prefix()
    sigle = table.get(digits[:3]) or table.get(digits[:2], ())
    return frozenset(areas.sigle[each] for each in sigle if each in areas.sigle)
