"""Regressions of each chain's digital share on what municipalities are like, where asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import pandas as pd
import xarray as xr
from libpysal.graph import Graph

from geo_engine.drivers import (
    PlaceModel,
    PlaceRegression,
    SpatialRegression,
    geographically_weighted,
    local_table,
    place_ols,
    place_points,
    place_terms,
    spatial_regression,
)
from geo_engine.drivers.spatial_models import Form
from geo_engine.errors import StatisticsError
from geo_engine.plan import Plan
from geo_engine.study_drivers import PlaceModels
from geo_engine.words import LANGUAGES
from geo_engine.words.place_sentences import (
    gwr_sentences,
    impact_sentences,
    model_refusal,
    place_notes,
    place_sentence,
    small_groups,
)

MODEL_COLUMNS = (
    "chain",
    "model",
    "part",
    "name",
    "value",
    "standard_error",
    "low",
    "high",
    "p_value",
    "places",
)
"""Columns of the table of models: ``part`` is coefficient, impact or diagnostic."""

LEAST_IN_GROUP = 5
"""Complete places that a region needs to be compared within."""
OUTCOMES = {"it": "quota digitale (punti percentuali)", "en": "digital share (percentage points)"}
TERM_NAMES = {
    "it": {
        "population": "popolazione (una unità è un raddoppio)",
        "firm_density": "densità di imprese (una unità è un raddoppio)",
        "location_quotient": "specializzazione (una unità è un raddoppio)",
    },
    "en": {
        "population": "population (one unit is a doubling)",
        "firm_density": "density of firms (one unit is a doubling)",
        "location_quotient": "specialization (one unit is a doubling)",
    },
}


@dataclass(frozen=True, kw_only=True)
class FittedPlaces:
    """What the models found."""

    table: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(MODEL_COLUMNS)))
    """``MODEL_COLUMNS``; a chain without a model has none."""
    sentences: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["chain", "it", "en"])
    )
    """What each model says, in order; also why a chain has none."""
    local: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Local coefficients: chain, and the columns of ``drivers.local_table``."""


def place_models(plan: Plan, asked: PlaceModels, panel: xr.Dataset, graph: Graph) -> FittedPlaces:
    """Fit the models of a study.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    asked : PlaceModels
        Terms, form, estimator.
    panel : Dataset, dims ("place", "chain", "year")
        firms, known, share, location_quotient.
    graph : libpysal.graph.Graph
        Neighbors among the covered places.

    Returns
    -------
    FittedPlaces
        Empty where none are asked for.

    Raises
    ------
    StatisticsError
        ``EXTRA_MISSING``. What a chain's data do not allow is a sentence, not an error.
    """
    if not asked.enabled:
        return FittedPlaces()
    parts = [_chain_models(plan, asked, chain, (panel, graph)) for chain in plan.chains]
    tables = [part.table for part in parts if len(part.table)]
    local = [part.local for part in parts if len(part.local)]
    return FittedPlaces(
        table=pd.concat(tables, ignore_index=True) if tables else FittedPlaces().table,
        sentences=pd.concat([part.sentences for part in parts], ignore_index=True),
        local=pd.concat(local, ignore_index=True) if local else pd.DataFrame(),
    )


def _chain_models(
    plan: Plan, asked: PlaceModels, chain: str, given: tuple[xr.Dataset, Graph]
) -> FittedPlaces:
    """Fit the models of one chain; what its data do not allow is a sentence."""
    panel, graph = given
    study, covered = plan.study, plan.places.index[plan.places["covered"]]
    model = PlaceModel(
        outcome="share",
        terms=asked.terms,
        groups="cod_reg" if asked.within_regions else "",
        alpha=study.statistics.alpha,
        seed=study.seed,
    )
    # A public run fits only what may be shown: residuals and fits would give a share away.
    least = study.disclosure.threshold if study.audience == "public" else 1
    terms = place_terms(panel.sel(place=covered), plan.places.loc[covered], chain, min_known=least)
    terms, small = _large_groups(terms) if asked.within_regions else (terms, ())
    # With a single chain all firms are of it, and the location quotient is 1 everywhere.
    varying = tuple(name for name in asked.terms if terms[name].min() < terms[name].max())
    model = replace(model, terms=varying)
    try:
        regression = place_ols(terms, graph, model)
        form = regression.suggested if asked.form == "suggested" else asked.form
        spatial = (
            None
            if form == "ols"
            else spatial_regression(
                terms, graph, model, form=cast(Form, form), estimator=asked.estimator
            )
        )
        told = {lang: _said(regression, spatial, lang) for lang in LANGUAGES}
        local = pd.DataFrame()
        if asked.local:
            points = place_points(plan.places.loc[covered])
            weighted = geographically_weighted(terms, points, graph, replace(model, groups=""))
            local = local_table(weighted).assign(chain=chain)
            for lang in LANGUAGES:
                told[lang] += gwr_sentences(weighted, _labels(lang), lang)
    except StatisticsError as error:
        if error.code == "EXTRA_MISSING":
            raise
        told = {lang: (model_refusal(error.code, lang),) for lang in LANGUAGES}
        return FittedPlaces(sentences=_sentences(plan, chain, told, ()))
    said = _sentences(plan, chain, told, small)
    return FittedPlaces(table=_table(regression, spatial, chain), sentences=said, local=local)


def _large_groups(terms: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out regions of few complete places: one of these would decide the region's level."""
    complete = terms.dropna()["cod_reg"].value_counts()
    small = tuple(sorted(complete.index[complete < LEAST_IN_GROUP]))
    return terms[~terms["cod_reg"].isin(small)], small


def _sentences(
    plan: Plan, chain: str, told: Mapping[str, tuple[str, ...]], small: tuple[str, ...]
) -> pd.DataFrame:
    """Lay the sentences of one chain out, with the regions that were left out."""
    names = plan.places.drop_duplicates("cod_reg").set_index("cod_reg")["region"]
    groups = [str(names[code]) for code in small]
    return pd.DataFrame(
        {
            "chain": chain,
            **{
                lang: [*said, *small_groups(groups, LEAST_IN_GROUP, lang)]
                for lang, said in told.items()
            },
        }
    )


def _table(
    regression: PlaceRegression, spatial: SpatialRegression | None, chain: str
) -> pd.DataFrame:
    """Lay the figures of one chain out."""
    own = regression.terms.rename(columns={"term": "name", "coefficient": "value"})
    tests = regression.diagnostics.rename(columns={"diagnostic": "name", "statistic": "value"})
    parts = [
        own.assign(model="ols", part="coefficient", places=regression.places),
        tests.assign(model="ols", part="diagnostic", places=regression.places),
    ]
    if spatial is not None:
        coefficients = spatial.terms.assign(
            name=spatial.terms["term"] + " " + spatial.terms["role"]
        )
        impacts = spatial.impacts.assign(
            name=spatial.impacts["term"] + " " + spatial.impacts["impact"]
        )
        parts += [
            coefficients.rename(columns={"coefficient": "value"}).assign(part="coefficient"),
            impacts.assign(part="impact"),
        ]
        parts[2:] = [part.assign(model=spatial.form, places=spatial.places) for part in parts[2:]]
    whole = pd.concat([part.reindex(columns=MODEL_COLUMNS[1:]) for part in parts if len(part)])
    return whole.assign(chain=chain)[list(MODEL_COLUMNS)].reset_index(drop=True)


def _said(
    regression: PlaceRegression, spatial: SpatialRegression | None, language: str
) -> tuple[str, ...]:
    """Say what the models of a chain found."""
    labels = _labels(language)
    rows = regression.terms.to_dict("records")
    outcome = OUTCOMES[language]
    return (
        *(
            place_sentence(row, regression, outcome, labels, language)
            for row in rows
            if row["term"] in labels
        ),
        *place_notes(regression, language),
        *(impact_sentences(spatial, outcome, labels, language) if spatial else ()),
    )


def _labels(language: str) -> dict[str, str]:
    """Name the terms; each is a logarithm in base 2, so a unit more is a doubling."""
    return TERM_NAMES[language]
