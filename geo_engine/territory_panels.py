"""Counts the firms of a study, and computes every variable of every territory."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.sparse import csr_array

from geo_engine.chains.breaks import crosses_break
from geo_engine.chains.membership import PHASES
from geo_engine.chains.weights import Memberships
from geo_engine.geographies.administrative import area_index, territories
from geo_engine.geographies.statistical import statistical_territories
from geo_engine.indicators.area_variables import Area, area_variables, whole_territory
from geo_engine.indicators.counting import Counts, FirmWeights, count_firms
from geo_engine.indicators.panel import AreaLevel, build_area_panel, build_panel
from geo_engine.indicators.place_sums import Frame, PlaceSums, gather, place_sums
from geo_engine.indicators.priorities import need_quadrants
from geo_engine.indicators.registry import Indicator, load_registry
from geo_engine.indicators.user_indicators import UserIndicator, define_indicators, names_of
from geo_engine.memberships import counted_members
from geo_engine.plan import Plan
from geo_engine.plan_signals import surveys_digital
from geo_engine.tables import with_variables
from geo_engine.territory_comparison import need_of
from geo_engine.territory_zones import PlacedFirms, ZonePanel, zone_panels

LEVELS = ("province", "region", "country")
PLACE_ONLY = ("mean_score_eb", "mean_score_eb_low", "mean_score_eb_high")
"""Variables that borrow from other territories of the region."""
SCORE_BOUNDS = {"dii": (0.0, 12.0), "score": (0.0, 100.0)}
"""Least and largest score of a firm, by kind of index."""
GROWTH = ("growth", "growth_low", "growth_high")
SIZES = ("population", "area_km2")


@dataclass(frozen=True, kw_only=True)
class Panels:
    """Every territory's variables."""

    levels: dict[str, xr.Dataset]
    """``place``, ``province``, ``region`` and ``country``, as ``Results`` has them."""
    zones: dict[str, ZonePanel]
    registry: dict[str, Indicator]
    """What each variable is, those of the study included."""
    everyone: xr.DataArray
    """(place, year): all firms, whatever their chain."""
    sums: PlaceSums
    """By place."""


def build_panels(
    plan: Plan,
    firms: pd.DataFrame,
    memberships: Memberships,
    years: tuple[int, ...],
    breaks: pd.DataFrame | None = None,
) -> Panels:
    """Count firms, and compute the variables of all territories.

    Parameters
    ----------
    plan : Plan
        Places, chains, zones, and the study's own indicators.
    firms : DataFrame
        ``counting.FIRM_COLUMNS`` with years by position and kinds of firms for codes, and where
        known ``employees``, ``score``.
    memberships : Memberships
        Chains of each kind of firm.
    years : tuple of int
        Of the panel.
    breaks : DataFrame, optional
        Of series (``chains.breaks.series_breaks``): growth over one is missing.

    Returns
    -------
    Panels

    Raises
    ------
    TableError
        Whatever tables of zones are refused for.
    StudyError
        Whatever the study's own indicators are refused for.
    """
    places = plan.places
    frame = _frame(plan, years, firms)
    members = counted_members(memberships, plan.rule)
    counter = _Counter(plan=plan, firms=firms, members=members, frame=frame)
    by_phase = {phase: counted_members(memberships, plan.rule, phase=phase) for phase in PHASES}
    sums = place_sums(firms, members, by_phase, frame)
    panel, everyone = counter.place_panel()
    area = _area(panel, everyone, sums, places, plan)
    levels = {"place": with_variables(panel, area_variables(panel, area).data_vars)}
    levels["place"] = with_variables(levels["place"], _need(levels["place"], plan))
    table = territories(places)
    for dim in LEVELS:
        levels[dim] = _level(counter, sums, table, dim)
    zones = _zones(counter, panel.assign(all_firms=everyone), sums, area)
    if breaks is not None and len(breaks):
        levels = {dim: _unbroken(level, breaks) for dim, level in levels.items()}
        zones = {
            key: dataclasses.replace(zone, panel=_unbroken(zone.panel, breaks))
            for key, zone in zones.items()
        }
    return _with_own(
        plan, Panels(levels=levels, zones=zones, registry={}, everyone=everyone, sums=sums)
    )


def _unbroken(panel: xr.Dataset, breaks: pd.DataFrame) -> xr.Dataset:
    """Take out growth from one year to the next where the numbers of firms break between them."""
    chains = [str(key) for key in panel["chain"].to_numpy()]
    years = panel["year"].to_numpy().tolist()
    broken = np.stack(
        [crosses_break(breaks, "firms", chains, (year - 1, year)) for year in years], axis=1
    )
    kept = xr.DataArray(~broken, dims=("chain", "year"), coords={"chain": chains, "year": years})
    return panel.assign(
        {name: panel[name].where(kept).transpose(*panel[name].dims) for name in GROWTH}
    )


def _stand_again(firms: pd.DataFrame) -> bool:
    """Tell whether an enterprise may stand twice in a year; if not, counting rows is enough.

    Equal keys of one year give equal numbers. Unequal ones may too, which only costs time.
    """
    year = firms["year"].to_numpy().astype(np.uint64) + np.uint64(1)
    mixed = firms["firm"].to_numpy(np.uint64) ^ (year * np.uint64(0x9E3779B97F4A7C15))
    return not pd.Index(mixed).is_unique


def _zones(
    counter: _Counter, panel: xr.Dataset, sums: PlaceSums, area: Area
) -> dict[str, ZonePanel]:
    """Compute the variables of macro-areas, NUTS and the study's own zones."""
    plan = counter.plan
    zones = zone_panels(
        (statistical_territories(plan.places), *plan.files.zones),
        PlacedFirms(
            firms=counter.firms,
            members=counter.members,
            distinct=counter.frame.distinct,
            surveyed=surveys_digital(plan.study),
            places=plan.places,
            panel=panel,
            sums=sums,
            whole=area.whole,
            score_bounds=area.score_bounds,
        ),
        plan.study.boundary_date,
    )
    return {
        key: dataclasses.replace(zone, panel=zone.panel.drop_vars(PLACE_ONLY, errors="ignore"))
        for key, zone in zones.items()
    }


def whole_panels(
    plan: Plan, firms: pd.DataFrame, memberships: Memberships, years: tuple[int, ...]
) -> dict[str, xr.Dataset]:
    """Count each firm as one in every chain that it belongs to.

    Parameters
    ----------
    plan : Plan
        Places and chains.
    firms : DataFrame
        As :func:`build_panels`.
    memberships : Memberships
        Chains of each kind of firm.
    years : tuple of int
        Of the panel.

    Returns
    -------
    dict of str to Dataset
        ``place``, ``province``, ``region`` and ``country``: counts, shares and quotients.
    """
    frame = _frame(plan, years, firms)
    counter = _Counter(plan=plan, firms=firms, members=memberships.members, frame=frame)
    panels = {"place": counter.place_panel()[0]}
    table = territories(plan.places)
    for dim in LEVELS:
        panels[dim] = counter.level_panel(*_areas(plan, table, dim))[0]
    return {**panels, "country": panels["country"].isel(country=0, drop=True)}


def _frame(plan: Plan, years: tuple[int, ...], firms: pd.DataFrame) -> Frame:
    """Say into what firms are counted."""
    study = plan.study
    return Frame(
        places=plan.places.index,
        covered=plan.places["covered"].to_numpy(bool),
        chains=tuple(plan.chains),
        years=years,
        distinct=study.unit == "impresa" and (not plan.rule.is_whole or _stand_again(firms)),
        shared_persons=study.universe.employees_of == "enterprise",
    )


@dataclass(frozen=True, kw_only=True)
class _Counter:
    """Counts the same firms in different territories."""

    plan: Plan
    firms: pd.DataFrame
    members: npt.NDArray[np.bool_] | FirmWeights
    frame: Frame

    def count(self, areas: np.ndarray, number: int) -> Counts:
        """Count firms by area, chain and year; where rows add up, their places do."""
        frame = self.frame
        if not frame.distinct and number != len(frame.places):
            matrix = csr_array(
                (np.ones(len(areas)), (areas, np.arange(len(areas)))), shape=(number, len(areas))
            )
            return Counts(
                **{
                    name: (matrix @ table.reshape(len(areas), -1)).reshape(number, *table.shape[1:])
                    for name in ("firms", "known", "digital")
                    for table in [getattr(self.by_place, name)]
                }
            )
        shape = (number, len(frame.years))
        return count_firms(
            self.firms, self.members, areas=areas, shape=shape, distinct=frame.distinct
        )

    @functools.cached_property
    def by_place(self) -> Counts:
        """Count firms by place."""
        return self.count(np.arange(len(self.frame.places)), len(self.frame.places))

    def place_panel(self) -> tuple[xr.Dataset, xr.DataArray]:
        """Build the panel of places, and count all firms."""
        frame, places = self.frame, self.plan.places
        counts = self.by_place
        panel = build_panel(
            counts,
            places,
            chains=frame.chains,
            years=frame.years,
            surveyed=surveys_digital(self.plan.study),
        )
        return panel, _everyone(counts, frame.covered, panel)

    def level_panel(self, areas: np.ndarray, level: AreaLevel) -> tuple[xr.Dataset, xr.DataArray]:
        """Build the panel of wider areas, and count all firms."""
        reference = self.plan.reference
        counts = self.count(areas, len(level.codes))
        panel = build_area_panel(
            counts,
            level,
            chains=self.frame.chains,
            years=self.frame.years,
            surveyed=surveys_digital(self.plan.study),
            reference=reference[reference["level"] == level.dim].drop(columns="level"),
        )
        if level.dim == "country":
            panel = panel.expand_dims({"country": list(level.codes)})
        return panel, _everyone(counts, level.covered, panel)


def _everyone(counts: Counts, covered: np.ndarray, panel: xr.Dataset) -> xr.DataArray:
    """Label the number of all firms; NaN where not covered."""
    like = panel["firms"].isel(chain=0, drop=True)
    return like.copy(data=np.where(covered[:, None], counts.firms[:, -1], np.nan))


def _area(
    panel: xr.Dataset, everyone: xr.DataArray, sums: PlaceSums, sizes: pd.DataFrame, plan: Plan
) -> Area:
    """Put together what the further variables are computed from."""
    groups = plan.places["cod_reg"] if "place" in panel.dims else pd.Series("", index=sizes.index)
    kind = plan.index.kind if plan.index else ""
    return Area(
        everyone=everyone,
        sums=sums,
        population=sizes["population"],
        area_km2=sizes["area_km2"],
        groups=groups,
        whole=whole_territory(panel["firms"], everyone, sums),
        score_bounds=SCORE_BOUNDS.get(kind, (0.0, np.inf)),
    )


def _areas(plan: Plan, table: pd.DataFrame, dim: str) -> tuple[np.ndarray, AreaLevel]:
    """Give the area of each place at a level, and the level."""
    areas, codes = area_index(table, dim, plan.places.index)
    uncovered = np.bincount(areas, weights=~plan.places["covered"], minlength=len(codes))
    return areas, AreaLevel(dim=dim, codes=tuple(codes), covered=uncovered == 0)


def _level(counter: _Counter, sums: PlaceSums, table: pd.DataFrame, dim: str) -> xr.Dataset:
    """Compute the variables of provinces, regions or the country."""
    plan, places = counter.plan, counter.plan.places
    areas, level = _areas(plan, table, dim)
    codes, covered = list(level.codes), level.covered
    matrix = csr_array(
        (np.ones(len(areas)), (areas, np.arange(len(areas)))), shape=(len(codes), len(areas))
    )
    panel, everyone = counter.level_panel(areas, level)
    sizes = pd.DataFrame(
        {name: matrix @ places[name].to_numpy(float) for name in SIZES}, index=list(codes)
    )
    gathered = gather(sums, matrix, codes, dim=dim, covered=covered)
    area = _area(panel, everyone, gathered, sizes, plan)
    found = with_variables(panel, area_variables(panel, area).data_vars)
    found = found.drop_vars(PLACE_ONLY, errors="ignore")
    return found.isel(country=0, drop=True) if dim == "country" else found


def _need(panel: xr.Dataset, plan: Plan) -> dict[str, xr.DataArray]:
    """Cross specialization with need, against the covered territory's share or a target."""
    found = need_quadrants(need_of(panel, plan.study.priorities.target))
    return {name: found[name] for name in ("digital_gap", "need_quadrant")}


def _with_own(plan: Plan, panels: Panels) -> Panels:
    """Add the study's own indicators to every territory, where it has their variables."""
    own = [UserIndicator(**one.model_dump()) for one in plan.study.indicator]
    registry = load_registry()
    places = plan.places
    added: dict[str, Indicator] = {}
    sizes: dict[str, Mapping[str, xr.DataArray]] = {
        dim: {name: _size(panel, plan, dim, name) for name in SIZES}
        for dim, panel in panels.levels.items()
    }
    levels = {}
    for dim, panel in panels.levels.items():
        defined = define_indicators(_possible(own, panel), panel.assign(sizes[dim]), registry)
        levels[dim] = with_variables(panel, defined.variables.data_vars)
        added |= defined.registry if dim == "place" else {}
    zones = {}
    for key, zone in panels.zones.items():
        parts = {name: _zone_size(zone, places[name], zone.panel) for name in SIZES}
        defined = define_indicators(_possible(own, zone.panel), zone.panel.assign(parts), registry)
        whole = with_variables(zone.panel, defined.variables.data_vars)
        zones[key] = dataclasses.replace(zone, panel=whole)
    known = {**registry, **added}
    rows = {str(name): known[str(name)] for name in levels["place"].data_vars}
    ordered = {key: row for key, row in known.items() if key in rows}
    return dataclasses.replace(panels, levels=levels, zones=zones, registry=ordered)


def _possible(own: Sequence[UserIndicator], panel: xr.Dataset) -> list[UserIndicator]:
    """Keep the indicators whose variables a territory has; municipalities have all."""
    if "place" in panel.dims:
        return list(own)
    known = {*map(str, panel.data_vars), *SIZES}
    kept = []
    for one in own:
        if set(names_of(one)) <= known:
            kept.append(one)
            known.add(one.key)
    return kept


def _size(panel: xr.Dataset, plan: Plan, dim: str, name: str) -> xr.DataArray:
    """Give residents or square kilometers of the territories of a level."""
    places = plan.places
    if dim == "country":
        return xr.DataArray(float(places[name].sum()))
    if dim == "place":
        values = places[name].to_numpy(float)
    else:
        column = {"province": "cod_prov", "region": "cod_reg"}[dim]
        values = places[name].groupby(places[column]).sum().reindex(panel[dim].to_index())
        values = values.to_numpy(float)
    return xr.DataArray(values, dims=dim, coords={dim: panel[dim]})


def _zone_size(zone: ZonePanel, sizes: pd.Series, panel: xr.Dataset) -> xr.DataArray:
    """Give residents or square kilometers of zones."""
    parts = zone.members["weight"] * sizes.reindex(zone.members["pro_com_t"]).to_numpy(float)
    total = parts.groupby(zone.members["zone"]).sum().reindex(panel["zone"].to_index())
    return xr.DataArray(total.to_numpy(float), dims="zone", coords={"zone": panel["zone"]})
