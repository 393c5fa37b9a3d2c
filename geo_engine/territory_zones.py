"""The zones of a study (macro-areas, labor systems, GAL): the same figures as for provinces."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from geo_engine.errors import TableError
from geo_engine.geographies.aggregation import zone_sums
from geo_engine.geographies.zones import Membership, check_zones, zone_layers, zone_membership
from geo_engine.indicators.area_variables import Area, Whole, area_variables
from geo_engine.indicators.counting import Counts, FirmWeights, count_firms
from geo_engine.indicators.panel import AreaLevel, build_area_panel
from geo_engine.indicators.place_sums import PlaceSums, gather
from geo_engine.tables import with_variables

SHOWN = 5
"""Codes named in a note."""


@dataclass(frozen=True, kw_only=True)
class PlacedFirms:
    """The placed firms of a study, and what was made of them by place."""

    firms: pd.DataFrame
    """``indicators.counting.FIRM_COLUMNS``, years by position."""
    members: npt.NDArray[np.bool_] | FirmWeights
    """Shape (codes, chains)."""
    distinct: bool
    """Whether an enterprise counts once in each area."""
    surveyed: bool
    """Whether the study has a digital signal."""
    places: pd.DataFrame
    """By ``pro_com_t``: covered (bool), population (persons), area_km2, cod_reg."""
    panel: xr.Dataset
    """(place, chain, year): firms, known, digital; and ``all_firms`` (place, year)."""
    sums: PlaceSums
    whole: Whole
    score_bounds: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ZonePanel:
    """The figures of the zones of one geography."""

    panel: xr.Dataset
    """(zone, chain, year): the variables of ``Results.province_panel``; quotients compare with the
    covered territory. NaN where a municipality of the zone is not covered or unknown."""
    names: dict[str, str]
    """Name of each zone."""
    municipalities: dict[str, int]
    """Of each zone, wholly or in part."""
    members: pd.DataFrame
    """pro_com_t, zone, weight (part of the municipality inside)."""
    missing: tuple[str, ...] = ()
    """Codes of the table that are no municipality of the study's date."""
    outside: int = 0
    """Covered municipalities in no zone."""
    overlapping: int = 0
    """Municipalities in several zones: these zones do not add up."""
    weighted: bool = False
    """Whether municipalities are divided between zones: enterprises are then added up by
    municipality, not counted once."""
    source: str = ""
    """Source and licence."""
    notes: tuple[str, ...] = field(default=())
    """Sentences in Italian on what a reader must know of these zones."""


def zone_panels(
    tables: Sequence[pd.DataFrame], placed: PlacedFirms, date: dt.date
) -> dict[str, ZonePanel]:
    """Count firms by zone, and compute the variables of every zone.

    Parameters
    ----------
    tables : sequence of DataFrame
        pro_com_t, geography, zone_id; optional zone_name, source, valid_from, valid_to, weight.
    placed : PlacedFirms
        The firms, and the sums of their places.
    date : date
        Of the municipalities: rows valid then count.

    Returns
    -------
    dict of str to ZonePanel
        By geography, in the order of the tables.

    Raises
    ------
    TableError
        As :func:`geo_engine.geographies.zones.check_zones`; ``UNKNOWN_GEOGRAPHY``;
        ``ZONE_CODE`` when not one code of a geography is a municipality of the date.
    """
    found: dict[str, ZonePanel] = {}
    for table in tables:
        checked = check_zones(table)
        for geography in dict.fromkeys(table["geography"].str.strip()):
            member = zone_membership(checked, geography, date, placed.places.index)
            if len(member.weights.data) == 0:
                raise TableError(
                    "ZONE_CODE",
                    f"None of the {len(member.missing):,} codes of {geography} is a municipality "
                    f"of {date}. Check the column of codes and the date of the table.",
                )
            own = table[table["geography"].str.strip() == geography]
            found[geography] = _zone_panel(member, own, placed)
    return found


def _zone_panel(member: Membership, table: pd.DataFrame, placed: PlacedFirms) -> ZonePanel:
    """Give the figures of one geography."""
    covered = placed.places["covered"].to_numpy(bool)
    weighted = not np.allclose(member.weights.data, 1.0)
    inside = member.weights @ covered.astype(np.float64)
    total = np.asarray(member.weights.sum(axis=1)).ravel() + member.lost
    level = AreaLevel(dim="zone", codes=member.zones, covered=inside >= total - 1e-9)
    counts = _counts(member, placed) if placed.distinct and not weighted else _sums(member, placed)
    chains, years = (placed.panel[name].to_numpy().tolist() for name in ("chain", "year"))
    panel = build_area_panel(counts, level, chains=chains, years=years, surveyed=placed.surveyed)
    outside = int((member.outside & covered).sum())
    facts = {
        "missing": member.missing,
        "outside": outside,
        "overlapping": int(member.overlapping.sum()),
        "weighted": weighted,
    }
    return ZonePanel(
        panel=with_variables(
            panel, area_variables(panel, _area(member, counts, level, placed)).data_vars
        ),
        names=_names(member, table),
        municipalities=dict(
            zip(member.zones, np.diff(member.weights.indptr).tolist(), strict=True)
        ),
        members=_members(member, placed.places.index),
        source=str(table["source"].iloc[0]) if "source" in table else "",
        notes=_notes(member, outside, weighted),
        **facts,  # type: ignore[arg-type] # by name
    )


def _area(member: Membership, counts: Counts, level: AreaLevel, placed: PlacedFirms) -> Area:
    """Give what the further variables of zones are computed from."""
    everyone = xr.DataArray(
        np.where(level.covered[:, None], counts.firms[:, -1], np.nan),
        dims=("zone", "year"),
        coords={"zone": list(member.zones), "year": placed.panel["year"].to_numpy()},
    )
    sizes = {
        name: pd.Series(
            member.weights @ placed.places[name].to_numpy(np.float64), index=list(member.zones)
        )
        for name in ("population", "area_km2")
    }
    return Area(
        everyone=everyone,
        sums=gather(placed.sums, member.weights, member.zones, dim="zone", covered=level.covered),
        population=sizes["population"],
        area_km2=sizes["area_km2"],
        groups=pd.Series("", index=list(member.zones)),
        whole=placed.whole,
        score_bounds=placed.score_bounds,
    )


def _names(member: Membership, table: pd.DataFrame) -> dict[str, str]:
    """Give each zone its name, or its code where the table has none."""
    if "zone_name" not in table:
        return {zone: zone for zone in member.zones}
    named = table.assign(zone=table["zone_id"].str.strip()).drop_duplicates("zone")
    known = dict(zip(named["zone"], named["zone_name"].str.strip(), strict=True))
    return {zone: known.get(zone, zone) or zone for zone in member.zones}


def _members(member: Membership, places: pd.Index) -> pd.DataFrame:
    """List the municipalities of each zone."""
    zones, position = member.weights.tocoo().coords
    table = pd.DataFrame(
        {
            "pro_com_t": places.to_numpy(dtype=object).astype(str)[position],
            "zone": np.array(member.zones, dtype=object)[zones],
            "weight": member.weights.tocoo().data,
        }
    )
    return table.sort_values(["zone", "pro_com_t"], ignore_index=True)


def _notes(member: Membership, outside: int, weighted: bool) -> tuple[str, ...]:
    """Say in Italian what the figures of these zones leave out, or count twice."""
    missing = member.missing
    listed = ", ".join(missing[:SHOWN]) + (", ..." if len(missing) > SHOWN else "")
    over = int(member.overlapping.sum())
    few = "1 codice della tabella non è un comune"
    many = f"{len(missing)} codici della tabella non sono comuni"
    away = (
        "1 comune coperto dai dati non è"
        if outside == 1
        else (f"{outside} comuni coperti dai dati non sono")
    )
    shared = "1 comune è" if over == 1 else f"{over} comuni sono"
    said = {
        f"{few if len(missing) == 1 else many} alla data dei confini ({listed}): le loro "
        "zone non hanno dati. Tradurre la tabella alla data dello studio.": len(missing) > 0,
        f"{away} in alcuna zona.": outside > 0,
        f"{shared} in più zone: le zone non sommano al totale.": over > 0,
        "Alcuni comuni sono divisi tra zone secondo un peso: i numeri sono stime, e un'impresa di "
        "più comuni conta in ciascuno.": weighted,
    }
    return tuple(words for words, holds in said.items() if holds)


def _counts(member: Membership, placed: PlacedFirms) -> Counts:
    """Count firms in layers of zones that do not overlap, each enterprise once in a zone."""
    years = placed.panel.sizes["year"]
    parts: list[Counts] = []
    order: list[str] = []
    for areas, codes in zone_layers(member):
        parts.append(
            count_firms(
                placed.firms,
                placed.members,
                areas=areas,
                shape=(len(codes), years),
                distinct=placed.distinct,
            )
        )
        order += codes
    at = pd.Index(order).get_indexer(list(member.zones))
    firms, known, digital = (
        np.concatenate([getattr(part, name) for part in parts])[at]
        for name in ("firms", "known", "digital")
    )
    return Counts(firms=firms, known=known, digital=digital)


def _sums(member: Membership, placed: PlacedFirms) -> Counts:
    """Add up what municipalities have, by the part of them that lies in a zone: rows add up."""
    sums = zone_sums(placed.panel[["firms", "known", "digital", "all_firms"]], member)
    everyone = sums["all_firms"].transpose("zone", "year").to_numpy()[:, None]
    filled = {
        name: np.nan_to_num(sums[name].transpose("zone", "chain", "year").to_numpy())
        for name in ("firms", "known", "digital")
    }
    return Counts(
        firms=np.concatenate([filled["firms"], np.nan_to_num(everyone)], axis=1),
        known=filled["known"],
        digital=filled["digital"],
    )
