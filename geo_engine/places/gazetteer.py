"""The codes and names of one layer, indexed by every way of writing them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geo_engine.places import names
from geo_engine.tables import require_columns

NEEDED = (
    "name",
    "name_other",
    "sigla",
    "province",
    "cod_prov",
    "region",
    "cod_reg",
    "cadastral_code",
)
HYPHENATED = frozenset(("031", "032"))
"""Provinces (Gorizia, Trieste) that join the names in two languages by a hyphen."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one distinct key."""

    position: int = -1
    """Row of the municipality in the layer, -1 when not resolved."""
    confidence: float = 0.0
    flags: tuple[str, ...] = ()
    reason: str = ""
    """Why it is not resolved, "" when it is."""
    detail: str = ""
    """What was found instead, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """The codes and names of one layer, and of the municipalities that it has absorbed."""

    labels: tuple[str, ...]
    """Code, name and sigla by position, for messages."""
    spellings: tuple[frozenset[str], ...]
    """Keys by position that tell apart names with one key (Paternò and Paterno)."""
    cod_prov: tuple[str, ...]
    """Province by position."""
    cod_reg: tuple[str, ...]
    """Region by position."""
    istat: Mapping[str, Outcome]
    """Outcome by ISTAT code, those of predecessors too."""
    cadastral: Mapping[str, Outcome]
    """Outcome by cadastral code, those of predecessors too."""
    later: Mapping[str, str]
    """Since when, by code or name key of municipalities founded after the layer's date."""
    exact: Mapping[str, tuple[int, ...]]
    """Positions by :func:`names.key`."""
    abbreviated: Mapping[str, tuple[int, ...]]
    """Positions by :func:`names.abbreviated_key`."""
    loose: Mapping[str, tuple[int, ...]]
    """Positions by :func:`names.loose_key`."""
    absorbed: frozenset[tuple[str, int]]
    """Name keys that mean a position as its predecessor."""
    provinces: Mapping[str, str]
    """cod_prov by key of sigla, name or code."""
    formerly: Mapping[str, frozenset[str]]
    """By cod_prov, the provinces that hold municipalities once in it."""
    regions: Mapping[str, str]
    """cod_reg by key of name or code."""


def build_resolver(places: pd.DataFrame, changes: pd.DataFrame) -> Resolver:
    """Prepare the codes and names of a layer.

    Parameters
    ----------
    places : DataFrame
        Columns ``tables.PLACE_COLUMNS`` (no geometry is needed), indexed by ``pro_com_t``.
    changes : DataFrame
        valid_from, old_codes, old_cadastral, old_names (sequences), new_code, new_cadastral, name.
        Through those already in the layer, old codes and names resolve to the successor.

    Returns
    -------
    Resolver
        For :mod:`geo_engine.places.resolver`.

    Raises
    ------
    TableError
        ``MISSING_COLUMN``.
    """
    require_columns(places, NEEDED, "The table of municipalities")
    position = {str(code): i for i, code in enumerate(places.index)}
    applied, later = _split_changes(changes, position)
    spellings = _spellings(places)
    absorbed = _absorbed(spellings, applied, position)
    for change in applied:
        spellings[position[change.new_code]].extend(change.old_names)
    cadastral = [str(code).upper() for code in places["cadastral_code"]]
    return Resolver(
        labels=tuple(
            f"{code} {name} ({sigla})"
            for code, name, sigla in zip(position, places["name"], places["sigla"], strict=True)
        ),
        spellings=tuple(
            frozenset(form(each) for each in own for form in (names.fold, names.accented_key))
            for own in spellings
        ),
        cod_prov=tuple(places["cod_prov"]),
        cod_reg=tuple(places["cod_reg"]),
        istat=_codes(list(position), [(c.old_codes, position[c.new_code]) for c in applied]),
        cadastral=_codes(cadastral, [(c.old_cadastral, position[c.new_code]) for c in applied]),
        later=later,
        exact=_positions(spellings, (names.key, names.spelled_key)),
        abbreviated=_positions(spellings, (names.abbreviated_key,)),
        loose=_positions(spellings, (names.loose_key,)),
        absorbed=absorbed,
        provinces=_provinces(places),
        formerly=_formerly(places),
        regions=_regions(places),
    )


def _split_changes(
    changes: pd.DataFrame, position: Mapping[str, int]
) -> tuple[list[Any], dict[str, str]]:
    """Tell the changes that the layer has applied from those after its date."""
    applied: list[Any] = []
    later: dict[str, str] = {}
    for change in changes.itertuples():
        gone = [code for code in change.old_codes if code != change.new_code]
        if change.new_code in position and not any(code in position for code in gone):
            applied.append(change)
        elif any(code in position for code in gone):
            for word in (change.new_code, change.new_cadastral, names.key(change.name)):
                later.setdefault(word, str(change.valid_from))
    return applied, later


def _spellings(places: pd.DataFrame) -> list[list[str]]:
    """List the ways in which each municipality is written."""
    aliases: dict[str, list[str]] = defaultdict(list)
    for written, official in names.vocabulary()["aliases"].items():
        aliases[official].append(written)
    spellings = []
    for code, name, other, province in zip(
        places.index, places["name"], places["name_other"], places["cod_prov"], strict=True
    ):
        own = [name, *name.split("/"), *(part for part in str(other).split("/") if part)]
        if province in HYPHENATED and "-" in name:
            own.extend(part.strip() for part in name.split("-", 1))
        spellings.append(own + aliases[name] + aliases[code])
    return spellings


def _absorbed(
    spellings: Sequence[Sequence[str]], applied: Iterable[Any], position: Mapping[str, int]
) -> frozenset[tuple[str, int]]:
    """Find the old names that are not also the new one (Sovizzo stayed Sovizzo)."""
    pairs: set[tuple[str, int]] = set()
    for change in applied:
        place = position[change.new_code]
        own = {names.key(each) for each in spellings[place]}
        pairs.update((names.key(old), place) for old in change.old_names)
        pairs.difference_update((each, place) for each in own)
    return frozenset(pairs)


def _codes(codes: Sequence[str], old: Iterable[tuple[Iterable[str], int]]) -> dict[str, Outcome]:
    """Map codes of the layer, and of what it has absorbed, to outcomes."""
    table = {code: Outcome(position=i, confidence=1.0) for i, code in enumerate(codes)}
    for gone, place in old:
        for code in gone:
            table.setdefault(code, Outcome(position=place, confidence=0.95, flags=("SUCCESSOR",)))
    table.pop("", None)
    return table


def _positions(
    spellings: Sequence[Sequence[str]], forms: Iterable[Callable[[str], str]]
) -> dict[str, tuple[int, ...]]:
    """Map each key to all municipalities that are written so."""
    table: dict[str, set[int]] = defaultdict(set)
    for place, own in enumerate(spellings):
        for form in forms:
            for each in own:
                table[form(each)].add(place)
    table.pop("", None)
    return {form: tuple(sorted(found)) for form, found in table.items()}


def _provinces(places: pd.DataFrame) -> dict[str, str]:
    """Map every way of writing a province to its code."""
    table: dict[str, str] = {}
    code_of = {}
    rows = places[["sigla", "province", "cod_prov"]].drop_duplicates()
    for sigla, province, code in rows.itertuples(index=False):
        code_of[sigla] = code
        for word in (sigla, province, *province.split("/"), code):
            table[names.key(word)] = code
    for word, sigla in names.vocabulary()["provinces"].items():
        if sigla in code_of:
            table.setdefault(names.key(word), code_of[sigla])
    return table


def _formerly(places: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Map each province to those that hold municipalities once in it."""
    rows = places[["sigla", "cod_prov"]].drop_duplicates()
    code_of = dict(zip(rows["sigla"], rows["cod_prov"], strict=True))
    return {
        code_of[sigla]: frozenset(code_of[each] for each in heirs if each in code_of)
        for sigla, heirs in names.vocabulary()["former_provinces"].items()
        if sigla in code_of
    }


def _regions(places: pd.DataFrame) -> dict[str, str]:
    """Map every way of writing a region to its code."""
    table: dict[str, str] = {}
    rows = places[["region", "cod_reg"]].drop_duplicates()
    for region, code in rows.itertuples(index=False):
        for word in (region, *region.split("/"), code, code.lstrip("0")):
            table[names.key(word)] = code
    for word, official in names.vocabulary()["regions"].items():
        if names.key(official) in table:
            table.setdefault(names.key(word), table[names.key(official)])
    return table
