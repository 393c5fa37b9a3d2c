"""The codes and names of one layer, indexed by every way of writing them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from geo_engine.places import names
from geo_engine.places.areas import Areas, build_areas
from geo_engine.places.codes import Outcome, code_tables, highest_numbers
from geo_engine.places.units import Shares, Unit, alive_on, dated_units, layer_units, spelled
from geo_engine.tables import require_columns

__all__ = ["Outcome", "Resolver", "build_resolver"]

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
HEIRS_COLUMNS = (
    "istat_code",
    "cadastral_code",
    "name",
    "name_other",
    "sigla",
    "valid_from",
    "valid_to",
    "heirs",
    "weights",
    "kind",
)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The names of one province, for names that are not quite one of them."""

    folded: tuple[str, ...]
    """By :func:`names.fold`."""
    folded_units: tuple[int, ...]
    keys: tuple[str, ...]
    """By :func:`names.key` and :func:`names.spelled_key`."""
    key_units: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """The codes and names of one layer, and of the municipalities of other dates."""

    labels: tuple[str, ...]
    """Code, name and sigla by position, for messages."""
    cod_prov: tuple[str, ...]
    """Province by position."""
    cod_reg: tuple[str, ...]
    """Region by position."""
    areas: Areas
    """Provinces and regions."""
    units: tuple[Unit, ...]
    """What names mean: first the municipalities of the layer, by position, then others."""
    istat: Mapping[str, Outcome]
    """Outcome by ISTAT code, those of other dates too."""
    cadastral: Mapping[str, Outcome]
    """Outcome by cadastral code, those of other dates too."""
    later: Mapping[str, str]
    """Since when, by code or name key of municipalities founded after the layer's date."""
    highest: Mapping[str, int]
    """By province the highest number of its ISTAT codes, where those of the abolished are not
    known."""
    exact: Mapping[str, tuple[int, ...]]
    """Units by :func:`names.key`."""
    abbreviated: Mapping[str, tuple[int, ...]]
    """Units by :func:`names.abbreviated_key`."""
    loose: Mapping[str, tuple[int, ...]]
    """Units by :func:`names.loose_key`."""
    beginnings: tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]
    """Keys in order with their units, for names that were cut."""
    around: Mapping[str, Surroundings]
    """By cod_prov what registers of today may hold of it."""
    absorbed: frozenset[tuple[str, int]]
    """Name keys that mean a position as its predecessor."""
    has_dates: bool
    """The units of other dates are known, with their provinces."""
    memory: dict[tuple[str, ...], Outcome] = field(default_factory=dict, repr=False, compare=False)
    """Names read already: registers come in batches, and repeat."""


def build_resolver(
    places: pd.DataFrame,
    changes: pd.DataFrame,
    heirs: pd.DataFrame | None = None,
    *,
    codes_date: dt.date | None = None,
) -> Resolver:
    """Prepare the codes and names of a layer.

    Parameters
    ----------
    places : DataFrame
        Columns ``tables.PLACE_COLUMNS`` (no geometry is needed), indexed by ``pro_com_t``.
    changes : DataFrame
        valid_from, old_codes, old_cadastral, old_names (sequences), new_code, new_cadastral, name.
        Through those already in the layer, old codes and names resolve to the successor.
    heirs : DataFrame, optional
        One row per period of a municipality: istat_code ("" unknown), cadastral_code, name,
        name_other, sigla (then), valid_from, valid_to (dates, inclusive; 9999-12-31 when open),
        heirs (tuple of pro_com_t of the layer, empty when not known), weights (tuple that sums
        to 1), kind (same, renamed, renumbered, merged, divided or unknown).
    codes_date : date, optional
        Only municipalities valid on that date are meant by codes and names. Without it those of
        any date are, the layer's own first.

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
    areas = build_areas(places)
    applied, later = _split_changes(changes, position)
    layer = layer_units(places, areas)
    absorbed = _absorbed(layer, applied, position)
    layer = _with_old_names(layer, applied, position)
    periods = _periods(heirs)
    dated = None if heirs is None else codes_date
    alive = None if dated is None else alive_on(periods, position, dated)
    own = [str(code).upper() for code in places["cadastral_code"]]
    layer = _as_on_date(layer, own, alive)
    units = [*layer, *dated_units(periods, layer, position, areas, alive)]
    istat, cadastral = code_tables(own, applied, periods, position, alive, dated)
    return Resolver(
        labels=tuple(unit.label for unit in layer),
        cod_prov=tuple(places["cod_prov"]),
        cod_reg=tuple(places["cod_reg"]),
        areas=areas,
        units=tuple(units),
        istat=istat,
        cadastral=cadastral,
        later=later,
        highest=highest_numbers(periods, position),
        exact=_index(units, (names.key, names.spelled_key)),
        abbreviated=_index(units, (names.abbreviated_key,)),
        loose=_with_short_names(_index(units, (names.loose_key,)), position),
        beginnings=_beginnings(units),
        around=_around(units),
        absorbed=absorbed,
        has_dates=bool(periods),
    )


def _periods(heirs: pd.DataFrame | None) -> tuple[Any, ...]:
    """Give the rows of heirs, checked once."""
    if heirs is None:
        return ()
    require_columns(heirs, HEIRS_COLUMNS, "The table of heirs")
    return tuple(heirs.astype(object).itertuples(index=False))


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


def _absorbed(
    layer: Sequence[Unit], applied: Iterable[Any], position: Mapping[str, int]
) -> frozenset[tuple[str, int]]:
    """Find the old names that are not also the new one (Sovizzo stayed Sovizzo)."""
    pairs: set[tuple[str, int]] = set()
    for change in applied:
        place = position[change.new_code]
        own = {names.key(each) for each in layer[place].writings}
        pairs.update((names.key(old), place) for old in change.old_names)
        pairs.difference_update((each, place) for each in own)
    return frozenset(pairs)


def _with_old_names(
    layer: Sequence[Unit], applied: Iterable[Any], position: Mapping[str, int]
) -> list[Unit]:
    """Add the names of what a municipality has absorbed."""
    units = list(layer)
    for change in applied:
        place = position[change.new_code]
        unit = units[place]
        units[place] = replace(
            unit,
            writings=(*unit.writings, *change.old_names),
            spellings=unit.spellings | spelled(change.old_names),
        )
    return units


def _as_on_date(
    layer: Sequence[Unit], cadastral: Sequence[str], alive: Mapping[str, Shares] | None
) -> list[Unit]:
    """Let the names of the layer mean what they meant on the date of the codes."""
    if alive is None:
        return list(layer)
    units = []
    for unit, code in zip(layer, cadastral, strict=True):
        if code in alive:
            units.append(replace(unit, shares=alive[code] or unit.shares))
        else:
            refusal = f"{unit.label} did not exist on the date of these codes and names."
            units.append(replace(unit, shares=(), refusal=refusal))
    return units


def _index(
    units: Sequence[Unit], forms: Iterable[Callable[[str], str]]
) -> dict[str, tuple[int, ...]]:
    """Map each key to all units that are written so."""
    table: dict[str, set[int]] = defaultdict(set)
    for number, unit in enumerate(units):
        for form in forms:
            for each in unit.writings:
                table[form(each)].add(number)
    table.pop("", None)
    return {form: tuple(sorted(found)) for form, found in table.items()}


def _with_short_names(
    loose: dict[str, tuple[int, ...]], position: Mapping[str, int]
) -> dict[str, tuple[int, ...]]:
    """Add names of every day, which need the province (Caldaro for 021015)."""
    for written, code in names.vocabulary()["short_names"].items():
        if code in position:
            form = names.loose_key(written)
            loose[form] = tuple(sorted({*loose.get(form, ()), position[code]}))
    return loose


def _beginnings(units: Sequence[Unit]) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """Order the keys of names, strict and abbreviated, for a search by their beginning."""
    table: dict[str, set[int]] = defaultdict(set)
    for number, unit in enumerate(units):
        for each in unit.writings:
            for form in (names.key(each), names.spelled_key(each), names.joined_key(each)):
                table[form].add(number)
    keys = tuple(sorted(table))
    return keys, tuple(tuple(sorted(table[key])) for key in keys)


def _around(units: Sequence[Unit]) -> dict[str, Surroundings]:
    """Group the names of units that are not long gone by province."""
    members: dict[str, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        for province in unit.provinces if unit.is_recent else ():
            members[province].append(number)
    table = {}
    for province, numbers in members.items():
        folded = {(names.fold(each), i): None for i in numbers for each in units[i].writings}
        keys = {
            (form(each), i): None
            for i in numbers
            for each in units[i].writings
            for form in (names.key, names.spelled_key)
        }
        table[province] = Surroundings(
            folded=tuple(word for word, _ in folded),
            folded_units=tuple(i for _, i in folded),
            keys=tuple(word for word, _ in keys),
            key_units=tuple(i for _, i in keys),
        )
    return table
