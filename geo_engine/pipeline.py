"""A study is a pipeline of plain functions over tables: read it from top to bottom."""

from __future__ import annotations

import dataclasses
import functools
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from libpysal.graph import Graph

from geo_engine import inference, tables
from geo_engine.chains.weights import Memberships
from geo_engine.change.difference import first_last_change
from geo_engine.clusters.hotspots import find_hotspots
from geo_engine.drivers.association import digital_associations
from geo_engine.firm_tables import (
    FirmTables,
    comparable_change,
    disjoint_universes,
    firm_tables,
    nested_universes,
)
from geo_engine.further_tests import further_tests
from geo_engine.graph.neighbors import graph_summary, restrict
from geo_engine.indicators.counting import FIRM_COLUMNS
from geo_engine.indicators.universe_definitions import Universe
from geo_engine.intake import Intake, Keep, take_in
from geo_engine.memberships import (
    code_flags,
    membership_warnings,
    phase_table,
    read_memberships,
    study_breaks,
    tested_panels,
)
from geo_engine.models import all_models
from geo_engine.plan import Plan, resolve
from geo_engine.plan_facts import state_facts
from geo_engine.quality.profile import quality_table
from geo_engine.results import NEIGHBOR_COLUMNS, Account, Models, Results
from geo_engine.study import Study
from geo_engine.study_warnings import study_warnings
from geo_engine.survey_answers import SurveyFound, survey_answers
from geo_engine.territory import describe_territory
from geo_engine.territory_panels import build_panels, whole_panels


class Progress(Protocol):
    """Whoever wants to know how far a run is."""

    def stage(self, name: str) -> None:
        """Begin a stage."""

    def advance(self, records: int) -> None:
        """Tell that records were read."""


class Silent:
    """Nobody watches."""

    def stage(self, name: str) -> None:
        """Ignore a stage."""

    def advance(self, records: int) -> None:
        """Ignore records."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run found, and what the files of a run need beside it."""

    results: Results
    """Of the main universe."""
    others: dict[str, Results] = field(default_factory=dict)
    """Of the further universes, by key: their own panels, tests, hotspots, change and drivers;
    places, neighbors and account are those of ``results``."""
    nested: tuple[tuple[str, str], ...] = ()
    """Universes of which the first holds no firm that the second does not."""
    disjoint: tuple[tuple[str, str], ...] = ()
    """Universes without a common firm."""
    plan: Plan
    intake: Intake
    memberships: Memberships
    """Chains of the firms, in the order of ``intake.firms``."""
    seconds: tuple[tuple[str, float], ...]
    """Stage and its duration, in order."""


def run(
    study: Study, root: Path, *, progress: Progress | None = None, keep: Keep | None = None
) -> Run:
    """Carry out a study.

    Parameters
    ----------
    study : Study
        What to do.
    root : Path
        Folder under which the paths of the study lie.
    progress : Progress, optional
        Told of stages and records.
    keep : callable, optional
        Given the placed rows of each batch.

    Returns
    -------
    Run
        Results, not yet protected for publication.

    Raises
    ------
    GeoEngineError
        Whatever a user can cause and fix, in any stage.
    """
    clock = _Clock(progress or Silent())
    clock.stage("Confini e vicinati")
    plan = resolve(study, root)
    survey = survey_answers(study, root)
    clock.stage("Lettura e localizzazione")
    intake = take_in(plan, root, report=clock.advance, keep=keep or (lambda _: None))
    clock.stage("Filiere")
    years = _years(study, intake)
    memberships = read_memberships(plan, intake)
    shared = _Shared(
        plan=plan,
        intake=intake,
        memberships=memberships,
        survey=survey,
        years=years,
        firms=_by_year_position(intake.firms.assign(code=memberships.kinds.which), years),
        graph=restrict(plan.graph, plan.places.index[plan.places["covered"]]),
    )
    found = {universe.key: _study_universe(shared, universe, clock) for universe in plan.universes}
    keys, inside = list(found), intake.firms["inside"].to_numpy()
    return Run(
        results=found.pop(keys[0]),
        others=found,
        nested=nested_universes(inside, keys),
        disjoint=disjoint_universes(inside, keys),
        plan=plan,
        intake=intake,
        memberships=memberships,
        seconds=clock.stop(),
    )


@dataclass(frozen=True, kw_only=True)
class _Shared:
    """What all universes of a study have in common."""

    plan: Plan
    intake: Intake
    memberships: Memberships
    survey: SurveyFound
    years: tuple[int, ...]
    firms: pd.DataFrame
    """With positions of years, and kinds of firms (``memberships.kinds``) for codes."""
    graph: Graph

    @functools.cached_property
    def tables(self) -> FirmTables:
        """Give the tables of all firms, whatever their universe."""
        return firm_tables(self.plan, self.intake, self.memberships)

    @functools.cached_property
    def breaks(self) -> pd.DataFrame:
        """Tell where series break, whatever the universe."""
        return study_breaks(self.plan, self.intake)

    def inside(self, universe: Universe) -> pd.DataFrame:
        """Give the firms of one universe."""
        position = [each.key for each in self.plan.universes].index(universe.key)
        mask = (self.firms["inside"].to_numpy() >> position & 1).astype(bool)
        further = ["registered", "ceased"]
        further += [name for name in ("employees", "score") if name in self.firms]
        columns = [*FIRM_COLUMNS, *further]
        return self.firms[columns] if mask.all() else self.firms.loc[mask, columns]


def _study_universe(shared: _Shared, universe: Universe, clock: _Clock) -> Results:
    """Carry out every stage for the firms of one universe."""
    plan, years = shared.plan, shared.years
    clock.stage("Indicatori")
    firms = shared.inside(universe)
    panels = build_panels(plan, firms, shared.memberships, years, shared.breaks)
    tested = panels.levels
    if not plan.rule.is_whole:
        tested = tested_panels(tested, whole_panels(plan, firms, shared.memberships, years))
    spatial = _spatial(shared, panels.levels["place"], tested, clock)
    clock.stage("Variazione e fattori")
    followed = _followed(shared, universe, panels.levels["place"])
    clock.stage("Confronti e priorità")
    territory, said = describe_territory(plan, panels, followed.change)
    told = shared.tables
    return Results(
        facts=state_facts(plan, years, universe),
        account=_account(plan, shared.intake, shared.memberships),
        quarantine=shared.intake.quarantine,
        places=plan.places,
        provinces=plan.provinces,
        regions=plan.regions,
        **territory._asdict(),
        province_panel=panels.levels["province"],
        region_panel=panels.levels["region"],
        country_panel=panels.levels["country"],
        phases=phase_table(plan, firms, shared.memberships, years),
        graph_summary=graph_summary(shared.graph),
        neighbors=_neighbor_table(shared.graph),
        **spatial._asdict(),
        **followed._asdict(),
        quality=quality_table(shared.intake.quality.columns),
        universes=told.universes,
        signal_matches=told.matches,
        match_notes=told.match_notes,
        signal_coverage=told.coverage,
        index_levels=told.levels,
        series_breaks=shared.breaks,
        warnings=(*_warnings(shared), *said),
    )


class _Spatial(NamedTuple):
    """What is where, and how sure; fields of ``Results``."""

    local: xr.Dataset
    maps: xr.Dataset
    whole_maps: pd.DataFrame
    further: pd.DataFrame
    robustness: xr.Dataset
    hotspots: gpd.GeoDataFrame


def _spatial(
    shared: _Shared, panel: xr.Dataset, tested: dict[str, xr.Dataset], clock: _Clock
) -> _Spatial:
    """Test every map, and find hotspots; ``tested`` counts whole firms."""
    plan, graph, places = shared.plan, shared.graph, tested["place"]
    clock.stage("Autocorrelazione spaziale")
    local, maps = inference.local_tests(plan, places, graph)
    clock.stage("Statistiche d'insieme")
    whole_maps = inference.whole_maps(plan, places, graph)
    further = further_tests(plan, places, graph)
    clock.stage("Robustezza")
    robust = inference.robustness(plan, places, graph, local)
    clock.stage("Aree ad alta digitalizzazione")
    found = find_hotspots(
        local.sel(variable="share", drop=True),
        panel,
        plan.places,
        graph,
        alpha=plan.study.statistics.alpha,
        q=tables.q_column(plan.study.statistics.family),
    )
    return _Spatial(
        local=local,
        maps=maps,
        whole_maps=whole_maps,
        further=further,
        robustness=robust,
        hotspots=inference.probed_hotspots(plan, found, tested, graph, robust),
    )


class _Followed(NamedTuple):
    """What changed, and what goes with it; fields of ``Results``."""

    change: xr.Dataset
    drivers: pd.DataFrame
    models: Models


def _followed(shared: _Shared, universe: Universe, panel: xr.Dataset) -> _Followed:
    """Compare first and last year, and relate the share to places and firms."""
    plan = shared.plan
    return _Followed(
        change=comparable_change(first_last_change(panel, shared.breaks), plan.index),
        drivers=digital_associations(panel, plan.places),
        models=all_models(
            plan,
            shared.intake,
            shared.memberships,
            (panel, shared.graph),
            shared.survey,
            universe=plan.universes.index(universe),
        ),
    )


class _Clock:
    """Passes stages on, and times them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._marks: list[tuple[str, float]] = []

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self._marks.append((name, time.perf_counter()))
        self._progress.stage(name)

    def advance(self, records: int) -> None:
        """Pass on."""
        self._progress.advance(records)

    def stop(self) -> tuple[tuple[str, float], ...]:
        """Give the duration of each stage in seconds."""
        ends = [start for _, start in self._marks[1:]] + [time.perf_counter()]
        return tuple(
            (name, end - start) for (name, start), end in zip(self._marks, ends, strict=True)
        )


def _years(study: Study, intake: Intake) -> tuple[int, ...]:
    """Give the years of the panel: those asked, or all found."""
    found = study.years or np.unique(intake.firms["year"]).tolist()
    return tuple(sorted(int(year) for year in set(found)))


def _by_year_position(firms: pd.DataFrame, years: tuple[int, ...]) -> pd.DataFrame:
    """Replace each year by its position."""
    position = np.searchsorted(np.array(years), firms["year"].to_numpy())
    return firms.assign(year=position.astype(np.int16))


def _neighbor_table(graph: Graph) -> pd.DataFrame:
    """List the links of a graph; an isolate has none."""
    links = graph.adjacency.reset_index()
    links = links[links["weight"] > 0]
    columns = [*NEIGHBOR_COLUMNS, "weight"]
    return links[columns].sort_values(list(NEIGHBOR_COLUMNS), ignore_index=True)


def _account(plan: Plan, intake: Intake, memberships: Memberships) -> Account:
    """Complete the account with chains, recoded codes and coverage."""
    covered = plan.places["covered"].to_numpy()
    flags = intake.account.flags | code_flags(memberships, intake)
    in_chain = np.any(memberships.members, axis=1)
    return dataclasses.replace(
        intake.account,
        flags=dict(sorted(flags.items())),
        in_chains=int(memberships.kinds.table["rows"].to_numpy()[in_chain].sum()),
        outside_coverage=int((~covered[intake.firms["place"]]).sum()),
    )


def _warnings(shared: _Shared) -> tuple[str, ...]:
    """Say in Italian what a reader of any artefact must know."""
    plan, intake = shared.plan, shared.intake
    return (
        *study_warnings(plan, intake),
        *membership_warnings(plan, intake, shared.breaks),
        *shared.tables.warnings,
    )
