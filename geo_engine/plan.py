"""Resolves a study against boundaries, chains and columns, and names what is wrong in it."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import geopandas as gpd
import pandas as pd
from libpysal.graph import Graph

from geo_engine.chains.kinds import PlaceClasses
from geo_engine.chains.membership import Chain
from geo_engine.chains.weights import MembershipRule
from geo_engine.errors import ChainError, StudyError, TableError
from geo_engine.geographies.administrative import COUNTRY
from geo_engine.geographies.coast import COASTAL, coastal_places
from geo_engine.geographies.coverage import covered_places, edge_places
from geo_engine.indicators.signals import SignalDefinition
from geo_engine.indicators.universe_definitions import Universe
from geo_engine.locator_cache import cached_locator
from geo_engine.neighborhoods import build_neighbors, other_neighbors
from geo_engine.places.assign import PlacingParameters
from geo_engine.places.locator import Locator
from geo_engine.places.resolver import Resolver, build_resolver
from geo_engine.places.vintages import heirs_at
from geo_engine.plan_chains import chain_plan
from geo_engine.plan_indicators import StudyFiles, study_files
from geo_engine.plan_signals import (
    digital_index,
    study_signals,
    study_universes,
    surveys_digital,
)
from geo_engine.sources import boundaries, codes
from geo_engine.sources.firms import open_source
from geo_engine.sources.population import read_own_population
from geo_engine.study import FirmSource, Neighborhood, Placing, Study
from geo_engine.study_signals import Index
from geo_engine.study_statistics import Context

POPULATION_YEAR = 2023
Decimal = Literal["auto", ".", ","]
NEEDED: dict[Placing, tuple[str, ...]] = {
    "coordinates": ("lon", "lat"),
    "istat_code": ("istat_code",),
    "cadastral_code": ("cadastral_code",),
    "name": ("municipality",),
}
"""Columns without which a way of placing cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study with everything it names at hand."""

    study: Study
    places: gpd.GeoDataFrame
    """``Results.places``."""
    provinces: gpd.GeoDataFrame
    regions: gpd.GeoDataFrame
    graph: Graph
    """Neighbors among all municipalities."""
    other_graphs: dict[str, Graph]
    """The same under the other rules of robustness, by their description."""
    chains: dict[str, Chain]
    rule: MembershipRule
    """How codes become weights of chains."""
    place_classes: PlaceClasses
    """Municipalities by the territories that chains refer to."""
    universes: tuple[Universe, ...]
    """Which enterprises; the first is the main universe."""
    signals: tuple[SignalDefinition, ...]
    """Every signal after those that it is made of."""
    index: Index | None
    """How signals make a firm digital; None without any."""
    locator: Locator
    resolvers: dict[dt.date | None, Resolver]
    """What codes and names mean, by the date that sources state for theirs."""
    coastal: pd.Series
    """Whether each municipality has a stretch of coast, told from the boundaries."""
    codes_digest: str
    """Digest of the lists of codes that the resolvers were built from."""
    population_year: int
    population_note: str
    reference: pd.DataFrame
    """Totals given by the user: level, area (code), chain, year, firms, known, digital."""
    files: StudyFiles
    """Zones, features of places and frozen goalposts that the study brings."""

    def placing_order(self, source: FirmSource) -> tuple[Placing, ...]:
        """Give the ways of placing that the columns of a source allow, in the study's order."""
        columns = source.columns
        return tuple(
            way
            for way in self.study.place.order
            if all(getattr(columns, role) is not None for role in NEEDED[way])
        )

    def placing_checks(self, source: FirmSource) -> tuple[Placing, ...]:
        """Give the declarations that place no row of a source, but check its coordinates."""
        placing = self.placing_order(source)
        return tuple(way for way in NEEDED if way != "coordinates" and way not in placing)

    def resolver(self, source: FirmSource) -> Resolver:
        """Give what the codes and names of a source mean."""
        return self.resolvers[source.codes_date]

    def placing_parameters(self, source: FirmSource, decimal: Decimal) -> PlacingParameters:
        """Give the parameters of placing for a source."""
        place = self.study.place
        return PlacingParameters(
            snap_distance_m=place.snap_distance_m,
            trust=place.trust,
            decimal=decimal if source.decimal == "auto" else source.decimal,
            crs=source.crs,
        )


def resolve(study: Study, root: Path) -> Plan:
    """Resolve a study.

    Parameters
    ----------
    study : Study
        Checked keys.
    root : Path
        Folder under which the paths of the study lie.

    Returns
    -------
    Plan
        Boundaries of the study's date, chains, signals, and the indexes for placing.

    Raises
    ------
    StudyError
        ``NO_PLACING`` when a source has no column by which to place; ``POPULATION_TABLE``.
    GeoEngineError
        Whatever boundaries, chains and coverage raise.
    """
    for source in study.firms:  # before the indexes are built: a wrong path is told at once
        open_source(source, root)
    _check_placing(study)
    universes, signals = study_universes(study), study_signals(study)
    index = digital_index(study)
    files = study_files(study, index, root)
    layer = _layer(study)
    ground = _prepare_ground(
        study.boundary_date,
        study.boundary_layer,
        boundaries.layer_digest(study.boundary_date, study.boundary_layer),
    )
    coast = tuple(layer.index[ground.coastal.to_numpy()])
    chosen = chain_plan(study, root, layer.index.tolist(), {COASTAL: coast})
    reference, covered = _named_in_study(study, chosen.chains)
    population, year, note = _population(study, root)
    graph = build_neighbors(_own_neighbors(study), root, study)
    history = codes.read_history()
    places = layer.assign(population=population, covered=covered, edge=edge_places(covered, graph))
    return Plan(
        study=study,
        places=places,
        provinces=ground.provinces,
        regions=ground.regions,
        graph=graph,
        other_graphs=other_neighbors(study, root) if surveys_digital(study) else {},
        chains=chosen.chains,
        rule=chosen.rule,
        place_classes=chosen.classes,
        universes=universes,
        signals=signals,
        index=index,
        locator=ground.locator,
        resolvers={
            date: _prepare_resolver(
                study.boundary_date,
                study.boundary_layer,
                study.place.apportion,
                date,
                history.digest,
            )
            for date in {source.codes_date for source in study.firms}
        },
        coastal=ground.coastal,
        codes_digest=history.digest,
        population_year=year,
        population_note=note,
        reference=reference,
        files=files,
    )


def _own_neighbors(study: Study) -> Neighborhood:
    """Give the rule of the study's own neighbors, without the rest of its statistics."""
    keys = {name: getattr(study.statistics, name) for name in Neighborhood.model_fields}
    return Neighborhood(**keys)


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """What depends on the boundaries alone."""

    provinces: gpd.GeoDataFrame
    regions: gpd.GeoDataFrame
    locator: Locator
    coastal: pd.Series


def _layer(study: Study) -> gpd.GeoDataFrame:
    """Read the municipalities of a study."""
    return boundaries.read_layer(study.boundary_date, study.boundary_layer)


@functools.lru_cache(maxsize=2)
def _prepare_ground(
    date: dt.date,
    version: boundaries.Version,
    digest: str,
) -> _Ground:
    """Build wider areas and locator of a layer, once for all studies of a process."""
    layer = boundaries.read_layer(date, version)
    return _Ground(
        provinces=boundaries.dissolve(
            layer, "cod_prov", ["province", "sigla", "cod_reg", "region"]
        ),
        regions=boundaries.dissolve(layer, "cod_reg", ["region"]),
        locator=cached_locator(layer, f"{digest} {date} {version}"),
        coastal=coastal_places(layer),
    )


@functools.lru_cache(maxsize=4)
def _prepare_resolver(
    date: dt.date, version: boundaries.Version, apportion: str, codes_date: dt.date | None, _: str
) -> Resolver:
    """Build what codes and names mean on a date, once for all studies of a process."""
    layer = boundaries.read_layer(date, version)
    history = codes.read_history()
    sizes = codes.read_sizes(apportion)
    heirs = heirs_at(history.units, history.successions, layer, date, sizes)
    return build_resolver(layer, boundaries.read_changes(), heirs, codes_date=codes_date)


def _check_placing(study: Study) -> None:
    """Raise when the rows of a source could not be placed at all."""
    for source in study.firms:
        usable = [
            way
            for way in study.place.order
            if all(getattr(source.columns, role) is not None for role in NEEDED[way])
        ]
        if not usable:
            raise StudyError(
                "NO_PLACING",
                f"{source.path}: no column to place its rows by. Map lon and lat, istat_code, "
                "cadastral_code, or municipality (with province) under columns.",
            )


def _population(study: Study, root: Path) -> tuple[pd.Series, int, str]:
    """Read the residents that ship, or the user's own table."""
    index = _layer(study).index
    own = study.population
    if own is None:
        persons = boundaries.read_population(
            study.boundary_date, POPULATION_YEAR, study.boundary_layer
        )
        return persons, POPULATION_YEAR, boundaries.POPULATION_LICENCE
    persons = read_own_population(own, root, index, study.boundary_date)
    return persons, own.year, own.source


def _named_in_study(study: Study, chains: dict[str, Chain]) -> tuple[pd.DataFrame, pd.Series]:
    """Find the areas and totals that a study names; an unknown name is a study's error."""
    layer, coverage = _layer(study), study.coverage
    try:
        reference = _reference(study, layer, chains)
        named = (coverage.regions, coverage.provinces, coverage.municipalities)
        covered = covered_places(layer, *named)
        _check_further(study, chains)
    except (ChainError, TableError) as error:
        raise StudyError(error.code, error.message) from error
    return reference, covered


def _check_further(study: Study, chains: dict[str, Chain]) -> None:
    """Raise when a further test names a chain that is not studied."""
    for further in study.statistics.further:
        for name in (further.chain, further.other):
            if name is not None and name not in chains and name not in get_args(Context):
                raise ChainError(
                    "UNKNOWN_CHAIN",
                    f"further test {further.test}: {name} is neither a studied chain nor a context "
                    f"variable. Chains: {', '.join(chains)}; {', '.join(get_args(Context))}.",
                )


def _reference(study: Study, layer: gpd.GeoDataFrame, chains: dict[str, Chain]) -> pd.DataFrame:
    """Give each total of reference the level and code of its area."""
    rows = []
    for total in study.reference:
        if total.chain not in chains or (study.years and total.year not in study.years):
            raise StudyError(
                "UNKNOWN_REFERENCE",
                f"reference of {total.area}: {total.chain} {total.year} is not studied. "
                f"Chains: {', '.join(chains)}; years: {study.years or 'those of the data'}.",
            )
        if total.area.strip().casefold() == "italia":
            level, code = "country", COUNTRY
        else:
            inside = covered_places(layer, (total.area,))
            level, code = "region", str(layer.loc[inside, "cod_reg"].iloc[0])
        counts = (total.firms, total.known, total.digital)
        rows.append((level, code, total.chain, total.year, *counts))
    columns = ["level", "area", "chain", "year", "firms", "known", "digital"]
    numbers = dict.fromkeys(columns[-3:], float)
    return pd.DataFrame(rows, columns=columns).astype(numbers)
