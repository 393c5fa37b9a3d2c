"""The municipalities of any date since 2022, from the layer that ships and the dated changes."""

from __future__ import annotations

import datetime as dt
import functools
import tomllib
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo_engine import tables
from geo_engine.errors import BoundaryError
from geo_engine.storage import sha256_of

LAYER = "comuni_2022-01-01.parquet"
FIRST_DATE = dt.date(2022, 1, 1)
LICENCE = "Confini: ISTAT (CC BY 4.0)"
POPULATION_LICENCE = "Popolazione residente: ISTAT (CC BY 4.0)"


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


@functools.lru_cache(maxsize=4)
def read_layer(date: dt.date) -> gpd.GeoDataFrame:
    """Read the municipalities valid on a date.

    Parameters
    ----------
    date : date
        From 1 January 2022 on.

    Returns
    -------
    GeoDataFrame
        Columns ``tables.PLACE_COLUMNS``, indexed by ``pro_com_t``, sorted, EPSG:4326. It is
        cached: take a copy before changing it.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_DATE`` for a date before the shipped layer; ``INVALID_BOUNDARY`` naming codes.
    """
    if date < FIRST_DATE:
        raise BoundaryError(
            "BOUNDARY_DATE",
            f"The shipped layer begins on {FIRST_DATE}; {date} is earlier. "
            "Set boundary_date = 2022-01-01 or later.",
        )
    layer = gpd.read_parquet(boundaries_folder() / LAYER)
    for change in read_changes().itertuples():
        if change.valid_from <= date:
            layer = _apply(layer, change)
    layer = layer.sort_index()[list(tables.PLACE_COLUMNS)]
    broken = layer.index[~layer.is_valid]
    if len(broken):
        raise BoundaryError("INVALID_BOUNDARY", f"Invalid polygons: {', '.join(broken)}.")
    tables.check_places(layer)
    return layer


def layer_digest() -> str:
    """Digest the shipped layer and its changes, for the manifest and for caches."""
    folder = boundaries_folder()
    return sha256_of(folder / LAYER)[:32] + sha256_of(folder / "changes.toml")[:32]


@functools.lru_cache(maxsize=4)
def read_population(date: dt.date, year: int = 2023) -> pd.Series:
    """Read the residents of the municipalities valid on a date.

    Parameters
    ----------
    date : date
        Boundary date.
    year : int
        2022 or 2023.

    Returns
    -------
    Series of float
        Persons on 1 January of the year, indexed by ``pro_com_t``.

    Raises
    ------
    BoundaryError
        ``POPULATION_YEAR`` naming the years at hand.
    """
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
    return persons.reindex(read_layer(date).index).rename("population")


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
    """Unite the old municipalities of one change under the new code."""
    old = layer.loc[change.old_codes]
    new = old.iloc[[0]].copy()
    new.index = pd.Index([change.new_code], name=layer.index.name)
    new["name"] = change.name
    new["name_other"] = ""
    new["cadastral_code"] = change.new_cadastral
    new["area_km2"] = old["area_km2"].sum()
    new["geometry"] = [shapely.coverage_union_all(old.geometry.array)]
    united = pd.concat([layer.drop(index=old.index), new])
    return gpd.GeoDataFrame(united, geometry="geometry", crs=layer.crs)
