"""The territories above municipalities: provinces, regions, the country, and a study's zones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.results import Results
from geo_engine.territory_zones import ZonePanel

Integers = npt.NDArray[np.int64]
TAKEN = ("place", "province", "region", "country")
"""Names of the page's own levels: a study's zones of that name get another one."""
RATES = (("firms_per_1000", "population", 1000), ("firms_per_km2", "area_km2", 1))
"""Rates of a level: of which column of the municipalities, and for how much of it."""


@dataclass(frozen=True, kw_only=True)
class Geography:
    """One way of joining municipalities."""

    key: str
    names: tuple[str, ...]
    codes: tuple[str, ...]
    members: Integers
    """Position of each municipality's territory; -1 where it lies in none."""
    notes: tuple[str, ...] = ()
    """What a reader must know of it, in Italian."""


def geographies(results: Results) -> list[Geography]:
    """List the territories of a study, smallest first.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    list of Geography
        ``province``, ``region``, ``country``, then the zones. A municipality of several zones of
        one geography is drawn in the one that holds most of it, or in the first by code.
    """
    places = results.places
    return [
        _named(places, "province", "cod_prov", "province"),
        _named(places, "region", "cod_reg", "region"),
        Geography(
            key="country",
            names=("Italia",),
            codes=("IT",),
            members=np.zeros(len(places), dtype=np.int64),
        ),
        *(_zoned(places, key, zone) for key, zone in results.zones.items()),
    ]


def level_panels(results: Results) -> list[xr.Dataset]:
    """Give the panels of :func:`geographies`, in the same order.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    list of Dataset, dims ("chain", "year", "area")
        One row for each province, region and zone in use; rates per inhabitant and square
        kilometer are worked out where a panel lacks them.
    """
    places = results.places
    provinces, regions = (sorted(places[code].unique()) for code in ("cod_prov", "cod_reg"))
    administrative = (
        results.province_panel.reindex(province=provinces).rename(province="area"),
        results.region_panel.reindex(region=regions).rename(region="area"),
        results.country_panel.expand_dims(area=["IT"]),
    )
    levels = geographies(results)[: len(administrative)]
    return [
        *(
            _with_rates(panel, level, places)
            for panel, level in zip(administrative, levels, strict=True)
        ),
        *(
            zone.panel.reindex(zone=sorted(map(str, zone.names))).rename(zone="area")
            for zone in results.zones.values()
        ),
    ]


def _with_rates(panel: xr.Dataset, level: Geography, places: pd.DataFrame) -> xr.Dataset:
    """Add the rates that a panel lacks."""
    rates = {}
    for name, column, scale in RATES:
        if name not in panel:
            sums = np.bincount(level.members, weights=places[column].to_numpy(float))
            size = xr.DataArray(np.where(sums > 0, sums, np.nan), dims="area")
            rates[name] = scale * panel["firms"] / size
    return panel.assign(rates)


def _named(places: pd.DataFrame, key: str, code: str, name: str) -> Geography:
    """Read an administrative level from the columns of the municipalities."""
    first = places.drop_duplicates(code).sort_values(code)
    return Geography(
        key=key,
        names=tuple(first[name].astype(str)),
        codes=tuple(first[code].astype(str)),
        members=pd.factorize(places[code], sort=True)[0].astype(np.int64),
    )


def _zoned(places: pd.DataFrame, key: str, zone: ZonePanel) -> Geography:
    """Read a geography of zones from its table of members."""
    codes = sorted(map(str, zone.names))
    heaviest = zone.members.sort_values(["weight", "zone"], ascending=[False, True], kind="stable")
    first = heaviest.drop_duplicates("pro_com_t").set_index("pro_com_t")["zone"].astype(str)
    position = {code: number for number, code in enumerate(codes)}
    members = [position.get(code, -1) for code in first.reindex(places.index).fillna("").tolist()]
    return Geography(
        key=f"zone_{key}" if key in TAKEN else key,
        names=tuple(str(zone.names[code]) for code in codes),
        codes=tuple(codes),
        members=np.array(members, dtype=np.int64),
        notes=tuple(note for note in (*zone.notes, zone.source) if note),
    )
