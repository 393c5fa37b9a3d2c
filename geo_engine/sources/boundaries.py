"""The municipalities of a date: of the layer that ships, or of an official one in the cache."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import tomllib
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import pandas as pd
import shapely

from geo_engine import tables
from geo_engine.errors import BoundaryError
from geo_engine.sources import official_cache, official_changes
from geo_engine.sources.registry import edition_of, version_rules
from geo_engine.storage import sha256_of

LAYER = "comuni_2022-01-01.parquet"
FIRST_DATE = dt.date(2022, 1, 1)
RENUMBERED = dt.date(2026, 1, 1)
"""Since when Sardinia's municipalities have other codes."""
LICENCE = "Confini: ISTAT (CC BY 4.0)"
POPULATION_LICENCE = "Popolazione residente: ISTAT (CC BY 4.0)"

Version = Literal["shipped", "generalized", "detailed"]
"""The layer that ships, or ISTAT's own after ``geo-engine boundaries fetch``."""

_SAME_GROUND = 0.1  # of the area: two outlines of one municipality differ by less


def boundaries_folder() -> Path:
    """Find the folder of the shipped layer.

    Returns
    -------
    Path
        Inside an installed wheel, or beside the package in a checkout.

    Raises
    ------
    BoundaryError
        ``BOUNDARIES_MISSING`` when the installation lacks it.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_boundaries", package.parent / "boundaries"):
        if (folder / LAYER).is_file():
            return folder
    raise BoundaryError(
        "BOUNDARIES_MISSING", f"{LAYER} is not in this installation. Install geo-engine again."
    )


@functools.cache
def read_changes() -> pd.DataFrame:
    """Read the administrative changes since the shipped layer.

    Returns
    -------
    DataFrame
        valid_from (date), kind, old_codes, old_cadastral, old_names (lists), new_code,
        new_cadastral, name; in order of date.
    """
    text = (boundaries_folder() / "changes.toml").read_text(encoding="utf-8")
    changes = pd.DataFrame(tomllib.loads(text)["change"])
    return changes.sort_values("valid_from", kind="stable", ignore_index=True)


def read_layer(date: dt.date, version: Version = "shipped") -> gpd.GeoDataFrame:
    """Read the municipalities valid on a date.

    Parameters
    ----------
    date : date
        From 1 January 2022 on for the layer that ships; since the census of 1991 for others.
    version : str
        ``shipped``, or ``generalized`` or ``detailed`` for ISTAT's own edition of the year, which
        must have been fetched, with the changes since its date.

    Returns
    -------
    GeoDataFrame
        Columns ``tables.PLACE_COLUMNS``, indexed by ``pro_com_t``, sorted, EPSG:4326. It is
        cached: take a copy before changing it.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_DATE`` for a date that the layer does not reach; ``BOUNDARY_NOT_FETCHED`` with
        the command to type; ``BOUNDARY_DAMAGED``; ``INVALID_BOUNDARY`` naming codes.
    """
    if version == "shipped":
        return _shipped_layer(date)
    facts = _official_facts(date, version)
    if date.year < FIRST_DATE.year and not official_changes.is_unchanged(facts.date, date):
        return _carried_layer(facts, date, _history().digest)
    return _official_layer(facts, date, _codes_of(date))


def layer_digest(date: dt.date | None = None, version: Version = "shipped") -> str:
    """Digest what a layer is made of, for the manifest and for caches.

    Parameters
    ----------
    date : date, optional
        Needed for an official layer.
    version : str
        As for :func:`read_layer`.

    Returns
    -------
    str
        64 hexadecimal characters: of the layer, and of the changes applied to it.
    """
    folder = boundaries_folder()
    changes = sha256_of(folder / "changes.toml")[:32]
    if date is not None and date >= RENUMBERED:
        changes = hashlib.sha256(f"{changes}{_codes_of(date)}".encode()).hexdigest()[:32]
    if version == "shipped" or date is None:
        return sha256_of(folder / LAYER)[:32] + changes
    facts = _official_facts(date, version)
    if date.year < FIRST_DATE.year and not official_changes.is_unchanged(facts.date, date):
        changes = str(_history().digest)[:32]
    return facts.sha256[:32] + changes


def read_population(date: dt.date, year: int = 2023, version: Version = "shipped") -> pd.Series:
    """Read the residents of the municipalities valid on a date.

    Parameters
    ----------
    date : date
        Boundary date.
    year : int
        2022 or 2023.
    version : str
        As for :func:`read_layer`.

    Returns
    -------
    Series of float
        Persons on 1 January of the year, indexed by ``pro_com_t``. NaN where they are not known:
        in an official layer, municipalities that were no longer, or not the same, in 2022.

    Raises
    ------
    BoundaryError
        ``POPULATION_YEAR`` naming the years at hand.
    """
    if version == "shipped":
        return _shipped_population(date, year)
    base = max(date, FIRST_DATE)
    known = pd.DataFrame(
        {"persons": _shipped_population(base, year), "km2": _shipped_layer(base)["area_km2"]}
    ).set_index(_shipped_layer(base)["cadastral_code"])
    layer = read_layer(date, version)
    cadastral = layer["cadastral_code"]
    same = (cadastral.map(known["km2"]) / layer["area_km2"] - 1).abs() <= _SAME_GROUND
    return cadastral.map(known["persons"]).where(same).astype(float).rename("population")


def dissolve(places: gpd.GeoDataFrame, by: str, keep: list[str]) -> gpd.GeoDataFrame:
    """Unite municipalities into provinces or regions.

    Parameters
    ----------
    places : GeoDataFrame
        Municipalities without overlaps or gaps.
    by : str
        Code column (``cod_prov``, ``cod_reg``).
    keep : list of str
        Columns that are constant within a group.

    Returns
    -------
    GeoDataFrame
        Indexed by ``by``, sorted, with ``keep`` and geometry in the same reference system.
    """
    groups = places.groupby(by, sort=True)
    united = {code: shapely.coverage_union_all(part.geometry.array) for code, part in groups}
    table = groups[keep].first()
    return gpd.GeoDataFrame(table, geometry=pd.Series(united), crs=places.crs)


def _apply(layer: gpd.GeoDataFrame, change: Any) -> gpd.GeoDataFrame:
    """Unite the old municipalities of one change under the new code, unless that is done."""
    present = layer.index.intersection(change.old_codes)
    if set(present) <= {change.new_code}:
        return layer
    old = layer.loc[present]
    new = old.iloc[[0]].copy()
    new.index = pd.Index([change.new_code], name=layer.index.name)
    new["name"] = change.name
    new["name_other"] = ""
    new["cadastral_code"] = change.new_cadastral
    new["area_km2"] = old["area_km2"].sum()
    new["geometry"] = [shapely.coverage_union_all(old.geometry.array)]
    united = pd.concat([layer.drop(index=old.index), new])
    return gpd.GeoDataFrame(united, geometry="geometry", crs=layer.crs)


def _shipped_layer(date: dt.date) -> gpd.GeoDataFrame:
    """Read the layer that ships, with the changes until a date."""
    return _shipped_layer_of(date, _codes_of(date))


def _codes_of(date: dt.date) -> str:
    """Digest the lists that decide the codes of a layer; "" where none does."""
    return str(_history().digest) if date >= RENUMBERED else ""


@functools.lru_cache(maxsize=4)
def _shipped_layer_of(date: dt.date, _codes: str) -> gpd.GeoDataFrame:
    """Read the layer that ships, once for each state of the imported lists."""
    if date < FIRST_DATE:
        raise BoundaryError(
            "BOUNDARY_DATE",
            f"The shipped layer begins on {FIRST_DATE}; {date} is earlier. "
            'Set boundary_date = 2022-01-01 or later, or set boundary_layer = "generalized" after '
            f"`{official_cache.fetch_command(edition_of(date), 'generalized')}`.",
        )
    return _finished(gpd.read_parquet(boundaries_folder() / LAYER), FIRST_DATE, date)


def _shipped_population(date: dt.date, year: int) -> pd.Series:
    """Read the residents of the layer that ships, mergers until a date summed."""
    return _shipped_population_of(date, year, _codes_of(date))


@functools.lru_cache(maxsize=8)
def _shipped_population_of(date: dt.date, year: int, _codes: str) -> pd.Series:
    """Read the residents once for each state of the imported lists."""
    table = pd.read_parquet(boundaries_folder() / "population.parquet")
    column = f"population_{year}"
    if column not in table.columns:
        at_hand = ", ".join(name.removeprefix("population_") for name in table.columns)
        raise BoundaryError("POPULATION_YEAR", f"No population of {year}; there is {at_hand}.")
    persons = table[column].astype(float)
    for change in read_changes().itertuples():
        if change.valid_from <= date:
            total = persons[change.old_codes].sum()
            persons = persons.drop(change.old_codes)
            persons[change.new_code] = total
    layer = _shipped_layer(date)
    if _codes and not layer.index.isin(persons.index).all():  # by cadastral code: ISTAT's changed
        before = _shipped_layer(RENUMBERED - dt.timedelta(days=1))["cadastral_code"]
        before = before.where(before.index.isin(persons.index)).dropna()
        known = persons[before.index].set_axis(before.to_numpy())
        persons = persons.reindex(layer.index).fillna(layer["cadastral_code"].map(known))
    return persons.reindex(layer.index).rename("population")


@functools.lru_cache(maxsize=4)
def _official_layer(
    facts: official_cache.OfficialLayer, date: dt.date, _codes: str
) -> gpd.GeoDataFrame:
    """Read an official layer, with the changes of ours since its date."""
    return _finished(official_cache.read_official(facts), facts.date, date)


@functools.lru_cache(maxsize=4)
def _carried_layer(
    facts: official_cache.OfficialLayer, date: dt.date, _digest: str
) -> gpd.GeoDataFrame:
    """Read an official layer, with the changes of the official lists since its date."""
    layer = official_cache.read_official(facts)
    layer = official_changes.carry_forward(layer, facts.date, date, _history())
    return _finished(layer, date, date)


def _official_facts(date: dt.date, version: str) -> official_cache.OfficialLayer:
    """Find the official layer for a date in the cache."""
    version_rules(version)
    year = edition_of(date)
    facts = official_cache.find_layer(year, version)
    if facts is None:
        raise BoundaryError(
            "BOUNDARY_NOT_FETCHED",
            f"ISTAT's {version} boundaries for {date} are not here. Type "
            f'`{official_cache.fetch_command(year, version)}`, or set boundary_layer = "shipped" '
            f"with a boundary_date from {FIRST_DATE} on.",
        )
    return facts


def _history() -> Any:
    """Read the official lists of codes; they are built on the layer that ships."""
    from geo_engine.sources.codes import read_history

    return read_history()


def _finished(layer: gpd.GeoDataFrame, since: dt.date, date: dt.date) -> gpd.GeoDataFrame:
    """Apply the dated changes between two dates, and check what comes out."""
    for change in read_changes().itertuples():
        if since < change.valid_from <= date:
            layer = _apply(layer, change)
    layer = _renumbered(layer, since, date).sort_index()[list(tables.PLACE_COLUMNS)]
    broken = layer.index[~layer.is_valid]
    if len(broken):
        raise BoundaryError("INVALID_BOUNDARY", f"Invalid polygons: {', '.join(broken)}.")
    tables.check_places(layer)
    return layer


def _renumbered(layer: gpd.GeoDataFrame, since: dt.date, date: dt.date) -> gpd.GeoDataFrame:
    """Give codes that change without a change of borders; the one place where this happens.

    Sardinia's codes of 1 January 2026 are known once ISTAT's list of municipalities is imported;
    until then a later layer keeps the old ones.
    """
    if not since < RENUMBERED <= date:
        return layer
    from geo_engine.sources.codes_renumber import renumber_layer

    return renumber_layer(layer, _history().units, date)
