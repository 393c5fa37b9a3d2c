"""Carries an official layer from its own date to a later day before the next edition."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_engine.errors import BoundaryError
from geo_engine.sources.official_names import roster

if TYPE_CHECKING:
    from geo_engine.sources.codes import CodeHistory


_DIVIDED = "The new border is in ISTAT's next edition only: take the date of that one, or"


def is_unchanged(since: dt.date, date: dt.date) -> bool:
    """Tell whether the same municipalities, in the same provinces, were valid on two dates.

    Parameters
    ----------
    since, date : date
        In this order.

    Returns
    -------
    bool
        True when a layer of the first is one of the second.
    """
    before, after = roster(since), roster(date)
    return since == date or before["sigla"].equals(after["sigla"])


def carry_forward(
    layer: gpd.GeoDataFrame, since: dt.date, date: dt.date, history: CodeHistory
) -> gpd.GeoDataFrame:
    """Apply the mergers and renumberings between the date of a layer and a later one.

    Parameters
    ----------
    layer : GeoDataFrame
        Columns ``tables.PLACE_COLUMNS``, indexed by ``pro_com_t``; every cadastral code known.
    since : date
        What the layer describes.
    date : date
        What it shall describe.
    history : CodeHistory
        Official lists.

    Returns
    -------
    GeoDataFrame
        Same columns, not sorted. Borders that moved between municipalities that remain are those
        of the layer.

    Raises
    ------
    BoundaryError
        ``BOUNDARY_DATE`` when the lists at hand do not tell all, or a municipality was divided.
    """
    valid = history.units
    valid = valid[(valid["valid_from"] <= date) & (date <= valid["valid_to"])]
    valid = valid.set_index("cadastral_code")
    parts = _parts(layer, since, date, history)
    untold = set(valid.index) ^ set(parts)
    if untold or (valid["istat_code"] == "").any():
        raise _unknown(since, date, "the lists at hand do not tell all of it")
    moved = {
        cadastral: codes for cadastral, codes in parts.items() if _moves(codes, valid, cadastral)
    }
    rows = [
        _row(layer, codes, cadastral, valid.loc[cadastral]) for cadastral, codes in moved.items()
    ]
    gone = [code for codes in moved.values() for code in codes]
    made = pd.concat([layer.drop(index=gone), *rows])
    return gpd.GeoDataFrame(made, geometry="geometry", crs=layer.crs)


def _parts(
    layer: gpd.GeoDataFrame, since: dt.date, date: dt.date, history: CodeHistory
) -> dict[str, list[str]]:
    """List the municipalities of the layer that make up each later one, by cadastral code."""
    parts: dict[str, list[str]] = defaultdict(list)
    for code, cadastral in layer["cadastral_code"].items():
        parts[cadastral].append(str(code))
    changes = history.successions
    changes = changes[(changes["date"] > since) & (changes["date"] <= date)]
    for change in changes.sort_values("date", kind="stable").itertuples():
        if change.kind == "divided":
            raise _unknown(
                since, date, f"{change.new_cadastral} was made from a part of another", _DIVIDED
            )
        if change.kind == "merged" and change.old_cadastral in parts:
            parts[change.new_cadastral] += parts.pop(change.old_cadastral)
    return dict(parts)


def _moves(codes: list[str], valid: pd.DataFrame, cadastral: str) -> bool:
    """Tell whether a municipality is more than before, or has another code."""
    return len(codes) > 1 or codes[0] != valid.loc[cadastral, "istat_code"]


def _row(
    layer: gpd.GeoDataFrame, codes: list[str], cadastral: str, unit: Mapping[str, str]
) -> gpd.GeoDataFrame:
    """Make one municipality of several, with the names and codes of the later date."""
    old = layer.loc[codes]
    new = old.iloc[[0]].copy()
    new.index = pd.Index([unit["istat_code"]], name=layer.index.name)
    if len(codes) > 1:
        new["name"], new["name_other"] = unit["name"], unit["name_other"]
    new["cadastral_code"] = cadastral
    province = layer[layer["cod_prov"] == new.index[0][:3]]
    if len(province):
        for column in ("cod_prov", "province", "sigla", "cod_reg", "region"):
            new[column] = province[column].iloc[0]
    new["area_km2"] = old["area_km2"].sum()
    new["geometry"] = [shapely.coverage_union_all(np.asarray(old.geometry.array, dtype=object))]
    return new


def _unknown(
    since: dt.date,
    date: dt.date,
    why: str,
    remedy: str = "Run `geo-engine codes fetch` for them, or",
) -> BoundaryError:
    """Say that the way from one date to the other is not known."""
    return BoundaryError(
        "BOUNDARY_DATE",
        f"ISTAT's boundaries describe {since}, and the municipalities changed until {date}: {why}. "
        f"{remedy} set boundary_date = {since}.",
    )
