"""The further variables of any territory by chain and year: bounds, specialization, persons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from geo_engine import tables
from geo_engine.indicators.bounds import share_bounds
from geo_engine.indicators.concentration import per_km2, per_thousand
from geo_engine.indicators.demography import growth
from geo_engine.indicators.inequality import herfindahl
from geo_engine.indicators.mean_scores import mean_scores
from geo_engine.indicators.phases import phase_composition
from geo_engine.indicators.place_sums import PlaceSums
from geo_engine.indicators.shares import share_intervals
from geo_engine.indicators.specialization import employment_quotient, specialization

EVERYONE = "tutte"
"""The chain of all firms, which is no specialization."""
QUOTIENTS = ("location_quotient", "location_quotient_low", "location_quotient_high")


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What quotients compare with: sums over the covered territory."""

    firms: xr.DataArray
    """(chain, year)."""
    everyone: xr.DataArray
    """(year)."""
    employees: xr.Dataset | None = None
    """(chain, year): total and squares."""
    all_employees: xr.Dataset | None = None
    """(year)."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """What the variables of one kind of territory are computed from."""

    everyone: xr.DataArray
    """(territory, year): all firms, NaN where not wholly covered."""
    sums: PlaceSums
    population: pd.Series
    """Persons, by code of the territory."""
    area_km2: pd.Series
    groups: pd.Series
    """Region of each territory: scores are shrunk toward its mean."""
    whole: Whole
    score_bounds: tuple[float, float]
    """Least and largest score of a firm."""


def whole_territory(firms: xr.DataArray, everyone: xr.DataArray, sums: PlaceSums) -> Whole:
    """Add the covered territories of one kind up.

    Parameters
    ----------
    firms : DataArray, dims (territory, "chain", "year")
        NaN where not covered.
    everyone : DataArray, dims (territory, "year")
        All firms, NaN where not covered.
    sums : PlaceSums
        Of the same territories.

    Returns
    -------
    Whole
    """
    dim, persons, all_persons = str(firms.dims[0]), sums.employees, sums.all_employees
    return Whole(
        firms=firms.where(np.isfinite(everyone)).sum(dim).transpose("chain", "year"),
        everyone=everyone.sum(dim),
        employees=None if persons is None else persons.sum(dim),
        all_employees=None if all_persons is None else all_persons.sum(dim),
    )


def area_variables(panel: xr.Dataset, area: Area) -> xr.Dataset:
    """Compute the further variables of every territory, chain and year.

    Parameters
    ----------
    panel : Dataset, dims (territory, "chain", "year")
        ``firms``, ``known`` and ``digital``; NaN where not covered, or not surveyed.
    area : Area
        Sums of the same territories.

    Returns
    -------
    Dataset, same dims
        ``share_low``, ``share_high`` (Wilson), ``share_at_least``, ``share_at_most``,
        ``share_unknown``, ``location_quotient_low``, ``location_quotient_high``, ``specialized``
        (int8), ``growth``, ``growth_low``, ``growth_high``, ``herfindahl`` (over the chains but
        ``EVERYONE``, repeated in each), ``phase_balance``, ``firms_per_1000``, ``firms_per_km2``;
        where there are persons ``employees``, ``employers`` and ``employment_quotient`` with its
        ends; where there are scores ``scored`` and ``mean_score`` with its ends and, shrunk,
        ``mean_score_eb``; where firms are dated ``births``, ``birth_rate`` and, in years of which
        firms that ceased are listed, ``deaths``, ``death_rate``, with the ends of the rates.

    Raises
    ------
    TableError
        ``COUNT_RANGE``.
    """
    firms = panel["firms"]
    moved = growth(firms)
    found = _shares(panel) | _specialization(firms, area)
    found |= {name: moved[name] for name in ("growth", "growth_low", "growth_high")}
    found |= {
        "herfindahl": _herfindahl(firms),
        "phase_balance": phase_composition(area.sums.phases)["phase_balance"],
        "firms_per_1000": per_thousand(firms, area.population),
        "firms_per_km2": per_km2(firms, area.area_km2),
    }
    if area.sums.employees is not None:
        found |= _persons(firms, area)
    if area.sums.scores is not None:
        found |= _scores(area)
    if area.sums.flows is not None:
        found |= _flows(firms, area.sums.flows)
    dims = tuple(str(name) for name in firms.dims)
    ordered = {name: value.transpose(*dims).to_numpy() for name, value in found.items()}
    return tables.dataset_like(firms, ordered)


def _shares(panel: xr.Dataset) -> dict[str, xr.DataArray]:
    """Give the interval of the share, and the bounds that unknown signals leave."""
    parts = [panel[name] for name in ("digital", "known", "firms")]
    interval = share_intervals(parts[0], parts[1])
    bounds = share_bounds(parts[0], parts[1], parts[2])
    surveyed = np.isfinite(parts[1])
    found = {name: interval[name] for name in ("share_low", "share_high")}
    return found | {
        name: bounds[name].where(surveyed)
        for name in ("share_at_least", "share_at_most", "share_unknown")
    }


def _specialization(firms: xr.DataArray, area: Area) -> dict[str, xr.DataArray]:
    """Give the interval of the quotient, and what it tells."""
    inside = firms.where(np.isfinite(area.everyone))
    whole = (area.whole.firms, area.whole.everyone)
    found = specialization(inside, totals=area.everyone, whole=whole)
    return {name: found[name] for name in (*QUOTIENTS, "specialized")}


def _herfindahl(firms: xr.DataArray) -> xr.DataArray:
    """Give how much of a territory is of few chains."""
    chains = firms["chain"].to_numpy() != EVERYONE
    if not chains.any():
        return xr.full_like(firms, np.nan)
    one = herfindahl(firms.isel(chain=np.flatnonzero(chains)), dim="chain")["herfindahl"]
    return firms.copy(data=tables.spread(one, firms).copy())


def _persons(firms: xr.DataArray, area: Area) -> dict[str, xr.DataArray]:
    """Give persons employed, how many firms they are known of, and their quotient."""
    sums, everyone = area.sums.employees, area.sums.all_employees
    assert sums is not None
    assert everyone is not None
    whole = (area.whole.employees, area.whole.all_employees)
    found = employment_quotient(sums, everyone, whole=whole)  # type: ignore[arg-type] # as sums
    told = (sums["number"] > 0) | (firms == 0)
    return {
        "employees": sums["total"].where(told),
        "employers": sums["number"],
    } | {name.replace("location", "employment"): found[name].where(told) for name in QUOTIENTS}


def _scores(area: Area) -> dict[str, xr.DataArray]:
    """Give mean scores."""
    sums = area.sums.scores
    assert sums is not None
    found = mean_scores(sums, area.groups, bounds=area.score_bounds)
    ends = ("", "_low", "_high")
    names = [f"{name}{end}" for name in ("mean_score", "mean_score_eb") for end in ends]
    return {"scored": sums["number"]} | {name: found[name] for name in names}


def _flows(firms: xr.DataArray, flows: xr.Dataset) -> dict[str, xr.DataArray]:
    """Give births among dated firms and deaths among all of the year, with Wilson's intervals."""
    found = {"births": flows["births"], "deaths": flows["deaths"]}
    whole = {"birth_rate": flows["dated"], "death_rate": firms.where(np.isfinite(flows["deaths"]))}
    for (name, base), hits in zip(whole.items(), found.copy().values(), strict=True):
        rate = share_intervals(hits, base)
        found |= {f"{name}{end}": rate[f"share{end}"] for end in ("", "_low", "_high")}
    return found
