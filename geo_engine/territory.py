"""What a study says of places beyond their variables: index, likeness, benchmarks, priorities."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import pandas as pd
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.indicators.registry import Indicator
from geo_engine.plan import Plan
from geo_engine.territory_comparison import (
    PriorityRule,
    compare,
    find_similar,
    place_features,
    priorities,
    similar_table,
)
from geo_engine.territory_composite import (
    CompositeFound,
    Ground,
    choices_sensitivity,
    composite_found,
    composite_rows,
    with_context,
)
from geo_engine.territory_concentration import concentration, phase_shares
from geo_engine.territory_panels import Panels
from geo_engine.territory_zones import ZonePanel

LEAST_IN_SCALE = 10
"""Cells of fewer firms set no goalposts; of more where the threshold of disclosure is higher."""
TOO_LITTLE = ("NO_VARIATION", "NO_REFERENCE", "NOT_POSITIVE", "FEW_PLACES")
"""Errors of a composite that the data make, and not the study: said in a warning."""
NO_SALIB = (
    "Indice composito: l'analisi di sensibilità non è stata fatta, manca il pacchetto SALib "
    "(pip install geo-engine[models])."
)


class TerritoryFields(NamedTuple):
    """What a run says of places; fields of ``Results``, which says what each holds."""

    panel: xr.Dataset
    """With the composite in it."""
    registry: dict[str, Indicator]
    zones: dict[str, ZonePanel]
    composite: CompositeFound | None
    similar: pd.DataFrame
    benchmarks: xr.Dataset
    priorities: pd.DataFrame
    priority_rule: PriorityRule
    phase_shares: xr.Dataset
    concentration: pd.DataFrame
    all_firms: xr.DataArray


def describe_territory(
    plan: Plan, panels: Panels, change: xr.Dataset
) -> tuple[TerritoryFields, tuple[str, ...]]:
    """Compute composite, similar places, benchmarks, priorities and concentration.

    Parameters
    ----------
    plan : Plan
        Keys and files of the study.
    panels : Panels
        Every territory's variables.
    change : Dataset, dims ("place", "chain")
        ``Results.change``.

    Returns
    -------
    fields, warnings : TerritoryFields, tuple of str
        Fields of ``Results``, and what a reader must know, in Italian.

    Raises
    ------
    StudyError, StatisticsError
        Where what the study asks cannot be; too few firms for a scale is a warning instead.
    """
    study, places = plan.study, plan.places
    panel = panels.levels["place"]
    found, warnings = _composite(plan, panels)
    registry = panels.registry
    if found is not None:
        panel = panel.assign(found.scores.data_vars)
        registry = registry | composite_rows(found)
    features = place_features(plan.coastal, plan.files.features)
    similar = find_similar(places, panel, panels.everyone, features, study.similar)
    rule = PriorityRule(target=study.priorities.target, least_firms=study.priorities.least_firms)
    fields = TerritoryFields(
        panel=panel,
        registry=registry,
        zones=panels.zones,
        composite=found,
        similar=similar_table(similar),
        benchmarks=compare(panel, places, similar, national=study.coverage.is_national),
        priorities=priorities(panel, change, rule),
        priority_rule=rule,
        phase_shares=phase_shares(panels.sums),
        concentration=concentration(
            panel["firms"],
            panels.everyone,
            panels.sums,
            places["cod_reg"],
            whole=plan.rule.is_whole,
        ),
        all_firms=panels.everyone,
    )
    return fields, warnings


def _composite(plan: Plan, panels: Panels) -> tuple[CompositeFound | None, tuple[str, ...]]:
    """Compute the composite index that a study asks for; say why there is none."""
    keys, study = plan.study.composite, plan.study
    if keys is None:
        return None, ()
    ground = Ground(
        panel=with_context(panels.levels["place"], plan.places, panels.everyone),
        regions=plan.places["cod_reg"],
        registry=panels.registry,
        goalposts=plan.files.goalposts,
        least_firms=max(LEAST_IN_SCALE, study.disclosure.threshold),
        seed=study.seed,
    )
    try:
        found = composite_found(ground, keys)
    except StatisticsError as error:
        if error.code not in TOO_LITTLE:
            raise
        return None, (f"{keys.label}: non calcolato. {error.message}",)
    if keys.draws == 0:
        return found, ()
    try:
        return dataclasses.replace(found, sensitivity=choices_sensitivity(ground, keys)), ()
    except StatisticsError as error:
        if error.code != "EXTRA_MISSING":
            raise
        return dataclasses.replace(found, notes=(*found.notes, NO_SALIB)), ()
