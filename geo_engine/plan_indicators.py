"""Checks the further indicators of a study before anything is read, and reads their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geo_engine.errors import StatisticsError, StudyError, TableError
from geo_engine.geographies.zones import check_zones
from geo_engine.indicators.goalposts import parse_goalposts
from geo_engine.indicators.registry import Indicator, load_registry
from geo_engine.indicators.user_indicators import (
    PUBLIC_VARIABLES,
    UserIndicator,
    check_definition,
    names_of,
)
from geo_engine.sources.zone_tables import read_indicator_files
from geo_engine.study import Study
from geo_engine.study_signals import Index
from geo_engine.territory_composite import composite_polarity

OF_PERSONS = ("employees", "employers", "employment_quotient")
OF_SCORES = ("scored", "mean_score")
OF_COMPOSITE = ("composite",)
SHIPPED = ("macro_area", "nuts1", "nuts2")
"""Geographies that every study has."""


@dataclass(frozen=True, kw_only=True)
class StudyFiles:
    """What stands in the files of a study's further indicators."""

    zones: tuple[pd.DataFrame, ...] = ()
    """Checked tables, one per ``[[zones]]``, with zone_name and source."""
    features: pd.DataFrame | None = None
    """Of places, by ``pro_com_t``."""
    goalposts: Mapping[str, object] | None = None
    """Frozen ones; None when they are to be made."""


def study_files(study: Study, index: Index | None, root: Path) -> StudyFiles:
    """Check the further indicators of a study, and read their files.

    Parameters
    ----------
    study : Study
        Checked keys.
    index : Index or None
        How signals make a firm digital.
    root : Path
        Folder under which the paths of the study lie.

    Returns
    -------
    StudyFiles

    Raises
    ------
    StudyError
        ``UNKNOWN_VARIABLE``, ``INDICATOR_INVALID``, ``INDICATOR_REPEATED``,
        ``EXPRESSION_INVALID``, ``UNKNOWN_INDICATOR`` or ``UNKNOWN_POLARITY`` for indicators that
        cannot be computed; ``ZONES_TABLE``, ``FEATURES_TABLE`` or ``GOALPOSTS_FILE`` for files.
    """
    _check_composite(study, _check_own(study, panel_registry(study, index)))
    files = read_indicator_files(study, root)
    try:
        zones = tuple(_checked(table) for table in files.zones)
        posts = parse_goalposts(files.goalposts) if files.goalposts else None
    except TableError as error:
        raise StudyError("ZONES_TABLE", f"{error.code}: {error.message}") from error
    except StatisticsError as error:
        raise StudyError("GOALPOSTS_FILE", error.message) from error
    _check_geographies(zones)
    return StudyFiles(zones=zones, features=files.features, goalposts=posts)


def panel_registry(study: Study, index: Index | None) -> dict[str, Indicator]:
    """Give the built-in variables that the panel of a study has, the composite left aside.

    Parameters
    ----------
    study : Study
        Checked keys.
    index : Index or None
        Of the study.

    Returns
    -------
    dict of str to Indicator
        In the order of the registry.
    """
    absent: tuple[str, ...] = OF_COMPOSITE
    if all(source.columns.employees is None for source in study.firms):
        absent += OF_PERSONS
    if index is None or index.kind == "signals":
        absent += OF_SCORES
    return {key: row for key, row in load_registry().items() if not key.startswith(absent)}


def _check_own(study: Study, known: dict[str, Indicator]) -> dict[str, Indicator]:
    """Check the indicators that the study defines, and give all with theirs."""
    found = dict(known)
    for own in study.indicator:
        definition = UserIndicator(**own.model_dump())
        check_definition(definition, taken=(*load_registry(), *found, *PUBLIC_VARIABLES))
        for name in names_of(definition):
            if name in PUBLIC_VARIABLES:
                continue
            if name not in found:
                listed = ", ".join([*found, *PUBLIC_VARIABLES])
                raise StudyError(
                    "UNKNOWN_VARIABLE",
                    f"[[indicator]] {own.key} names {name}, which this study does not have. "
                    f"It has {listed}.",
                )
            if found[name].kind == "text":
                raise StudyError(
                    "VARIABLE_NOT_NUMERIC", f"[[indicator]] {own.key}: {name} is a code."
                )
        found[own.key] = Indicator(
            key=own.key,
            formula=own.numerator,
            unit=own.unit,
            polarity=own.polarity,
            decimals=own.decimals,
            confidential=True,
            source="",
        )
    return found


def _check_composite(study: Study, known: Mapping[str, Indicator]) -> None:
    """Check that a composite is made of numbers of the panel whose polarity is known."""
    if study.composite is None:
        return
    numeric = {key: row for key, row in known.items() if row.kind != "text"}
    composite_polarity(study.composite, numeric)


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    """Check a table of zones, and keep it as it is written."""
    check_zones(table)
    return table


def _check_geographies(tables: tuple[pd.DataFrame, ...]) -> None:
    """Refuse a geography that stands in two tables, or has the name of a shipped one."""
    named = [name for table in tables for name in dict.fromkeys(table["geography"].str.strip())]
    twice = sorted({name for name in named if named.count(name) > 1 or name in SHIPPED})
    if twice:
        raise StudyError(
            "ZONES_TABLE",
            f"{', '.join(twice)}: the name stands in two tables of zones, or is one of "
            f"{', '.join(SHIPPED)}, which every study has. Give each geography its own name.",
        )
