"""Sentences on what goes with digitalization say no more than the models do."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib import resources

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from geo_engine.drivers.firm_logit import FIRM_TERM_COLUMNS, FIRM_TERM_STATUSES, FirmRegression
from geo_engine.drivers.gwr import GwrResult
from geo_engine.drivers.place_ols import DIAGNOSTIC_COLUMNS, PLACE_TERM_COLUMNS, PlaceRegression
from geo_engine.drivers.spatial_models import IMPACT_COLUMNS, SpatialRegression
from geo_engine.drivers.survey import FIGURE_COLUMNS, SURVEY_STATUSES, YES, SurveyTable
from geo_engine.words.driver_templates import figure
from geo_engine.words.firm_sentences import firm_notes, firm_sentence
from geo_engine.words.place_sentences import (
    gwr_sentences,
    impact_sentences,
    place_notes,
    place_sentence,
)
from geo_engine.words.survey_sentences import survey_note, survey_sentence

SITE = {"it": "imprese con sito web", "en": "firms with a website"}
SIZE = {"size": "addetti"}


def firm_regression(**row):
    values = dict.fromkeys(FIRM_TERM_COLUMNS, np.nan)
    values |= {"term": "size", "kind": "factor", "level": "10-49", "reference": "0-9"}
    values |= {"status": "ok", "effect": 0.1234, "effect_low": 0.1, "effect_high": 0.147} | row
    return FirmRegression(
        terms=pd.DataFrame([values]),
        outcome="website",
        firms=12345.0,
        positive=3000.0,
        places=20,
        separated_firms=0.0,
        left_out={},
        log_likelihood=-1.0,
        pseudo_r_squared=0.1,
        alpha=0.05,
        few_clusters=True,
    )


def firm_words(language="it", **row):
    regression = firm_regression(**row)
    first = regression.terms.iloc[0].to_dict()
    return firm_sentence(first, regression, SITE[language], SIZE, language)


def test_a_difference_among_firms_is_told_with_its_interval_and_reference():
    assert firm_words() == (
        "A parità degli altri termini, la quota stimata di imprese con sito web è più alta di 12,3 "
        "punti percentuali per addetti «10-49» che per «0-9» (intervallo 95%: da +10 a +14,7 "
        "punti)."
    )
    assert firm_words("en", effect=-0.01, effect_low=-0.015, effect_high=-0.005) == (
        "Other terms being equal, the estimated share of firms with a website is 1 percentage "
        'point lower for addetti "10-49" than for "0-9" (95% interval: -1.5 to -0.5 points).'
    )


@pytest.mark.parametrize("kind", ["factor", "number"])
@pytest.mark.parametrize("language", ["it", "en"])
def test_an_interval_that_contains_zero_tells_no_direction(kind, language):
    text = firm_words(language, kind=kind, effect=0.02, effect_low=-0.01, effect_high=0.05)
    assert {"it": "i dati non dicono", "en": "the data do not tell"}[language] in text
    assert not re.search(r"è più alta|is [0-9.]+ percentage", text)


@pytest.mark.parametrize("status", FIRM_TERM_STATUSES[1:])
def test_a_term_without_an_estimate_says_why(status):
    text = firm_words(status=status, effect=np.nan)
    assert text.startswith("addetti «10-49»: nessuna stima, perché")
    assert "nan" not in text


def test_every_set_of_notes_says_association_and_few_municipalities_are_named():
    notes = firm_notes(firm_regression(), "it")
    assert notes[0] == (
        "Confronto tra 12.345 imprese di 20 comuni: un'associazione, non una prova di causa."
    )
    assert "solo 20" in notes[1]


def place_regression(moran_p=0.004, condition=12.0, groups=1):
    rows = [
        ("jarque_bera", 9.0, 2, np.nan, np.nan, 0.01),
        ("koenker", 9.0, 2, np.nan, np.nan, 0.0001),
        ("condition_number", condition, np.nan, np.nan, np.nan, np.nan),
        ("residual_moran", 0.222, np.nan, -0.03, 2.8, moran_p),
    ]
    return PlaceRegression(
        terms=pd.DataFrame([("income", -1.5973, 0.5, -2.7, -0.49, 0.01, 1.3)]).set_axis(
            list(PLACE_TERM_COLUMNS), axis=1
        ),
        diagnostics=pd.DataFrame(rows, columns=list(DIAGNOSTIC_COLUMNS)),
        suggested="lag",
        outcome="share",
        places=49,
        groups=groups,
        r_squared=0.5,
        adjusted_r_squared=0.5,
        residual=pd.Series(dtype=float),
        left_out={},
        isolates=0,
        alpha=0.05,
    )


def test_a_difference_among_places_is_told_and_its_residuals_are_judged():
    regression = place_regression(condition=45.0, groups=20)
    row = regression.terms.iloc[0].to_dict()
    assert place_sentence(row, regression, "quota (punti)", {"income": "reddito"}, "it") == (
        "A parità degli altri termini, tra 49 comuni a un'unità in più di reddito corrisponde in "
        "media -1,6 in quota (punti) (intervallo 95%: da -2,7 a -0,49)."
    )
    open_row = row | {"low": -3.0, "high": 0.2}
    assert "do not tell" in place_sentence(open_row, regression, "share", {}, "en")
    notes = " ".join(place_notes(regression, "it"))
    for part in ("suo gruppo", "I di Moran 0,222", "ritardo spaziale", "Koenker", "45"):
        assert part in notes
    assert notes.endswith("non riguarda le singole imprese.")
    calm = " ".join(place_notes(place_regression(moran_p=0.3), "it"))
    assert "non emerge" in calm
    assert "ritardo" not in calm
    assert "non è stata verificata" in " ".join(place_notes(place_regression(np.nan), "it"))


def spatial(status="ok", form="durbin"):
    rows = [("a", "direct", 1.03, 0.1, 0.8, 1.2), ("a", "indirect", 0.94, 0.1, 0.7, 1.1)]
    return SpatialRegression(
        form=form,
        estimator="gmm",
        terms=pd.DataFrame(),
        impacts=pd.DataFrame(rows, columns=list(IMPACT_COLUMNS)),
        status=status,
        draws=1000,
        outcome="share",
        places=100,
        groups=1,
        log_likelihood=np.nan,
        left_out={},
        alpha=0.05,
    )


def test_impacts_are_told_here_and_around_and_not_at_all_where_they_have_no_end():
    first, note = impact_sentences(spatial(), "quota", {"a": "reddito"}, "it")
    assert first == (
        "A un'unità in più di reddito in un comune corrisponde in media +1,03 in quota nel comune "
        "stesso (intervallo 95%: da +0,8 a +1,2) e +0,94 in tutto negli altri comuni (da +0,7 a "
        "+1,1)."
    )
    assert "non una prova di causa" in note
    (only,) = impact_sentences(spatial("unstable"), "quota", {}, "it")
    assert "non si possono calcolare" in only
    assert impact_sentences(spatial(form="error"), "quota", {}, "it") == ()


def local_fits(akaike):
    row = {"term": "a", "coefficient": 1.0, "minimum": -0.5, "lower_quartile": 0.0}
    row |= {"median": 0.4, "upper_quartile": 0.9, "maximum": 2.25, "positive": 12, "negative": 1}
    return GwrResult(
        local=xr.Dataset(),
        summary=pd.DataFrame([row | {"term": "intercept"}, row]),
        outcome="share",
        bandwidth=50,
        search=None,
        places=159,
        effective_parameters=14.0,
        alpha=0.05,
        alpha_corrected=0.014,
        akaike=akaike,
        akaike_global=908.3,
        r_squared=0.7,
        residual_moran=0.01,
        left_out={},
    )


def test_local_coefficients_are_counted_and_a_map_that_describes_no_better_is_not_read():
    better, term, note = gwr_sentences(local_fits(896.3), {"a": "reddito"}, "it")
    assert "descrive i dati meglio" in better
    assert term == (
        "Il coefficiente locale di reddito va da -0,5 a 2,25 (mediana 0,4). Con la correzione per "
        "test multipli è positivo in 12 comuni e negativo in 1 comune, su 159 comuni."
    )
    assert "non una prova di causa" in note
    assert "non vanno interpretate" in gwr_sentences(local_fits(907.0), {}, "it")[0]


def survey_row(**figures):
    row = dict.fromkeys(FIGURE_COLUMNS, np.nan)
    row |= {"question": "costs", "answer": YES, "chain": "moda", "size": "", "status": "ok"}
    return (
        row | {"respondents": 120, "share": 0.4321, "low": 0.34, "high": 0.53, "cv": 0.11} | figures
    )


TABLE = SurveyTable(
    frequencies=pd.DataFrame(columns=["question", "answer", "chain", "size", *FIGURE_COLUMNS]),
    respondents=500,
    single_strata=0,
    refused=0,
    max_cv=0.33,
    alpha=0.05,
)
LABELS = {"costs": "i costi", "moda": "Moda"}


def test_a_stated_barrier_is_told_with_interval_respondents_and_variation():
    assert survey_sentence(survey_row(), TABLE, LABELS, "it") == (
        "Moda: secondo le risposte ponderate, la quota di imprese che indica i costi è 43,2% "
        "(intervallo 95%: da 34,0% a 53,0%; 120 rispondenti, coefficiente di variazione 11,0%)."
    )
    total = survey_row(chain="", question="reason", answer="law")
    text = survey_sentence(total, TABLE, {"reason": "Motivo"}, "it")
    assert text.startswith("Totale: ")
    assert "Motivo: «law»" in text
    assert "dichiarano" in survey_note("it")


@pytest.mark.parametrize("status", SURVEY_STATUSES[1:])
@pytest.mark.parametrize("language", ["it", "en"])
def test_a_refused_cell_never_tells_its_share(status, language):
    row = survey_row(status=status, share=np.nan, low=np.nan, high=np.nan, cv=0.45)
    text = survey_sentence(row, TABLE, LABELS, language)
    assert "{" not in text
    assert "nan" not in text
    assert ("45" in text) == (status == "cv_above_limit")


def test_both_languages_have_the_same_templates_with_the_same_places():
    text = resources.files("geo_engine.words").joinpath("drivers.toml").read_text("utf-8")
    words = tomllib.loads(text)
    assert words["it"].keys() == words["en"].keys()
    for key, template in words["it"].items():
        names = [set(re.findall(r"\{(\w+)\}", t)) for t in (template, words["en"][key])]
        assert names[0] == names[1], key


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.5973, "1,6"), (-0.01234, "-0,0123"), (123.4, "123"), (99999.0, "99.999")],
)
def test_figures_have_three_digits_that_count(value, text):
    assert figure(value, "it") == text


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="is not one of"):
        survey_note("fr")


def test_a_label_that_looks_like_a_place_stays_as_it_is():
    regression = firm_regression(level="{signal}")
    row = regression.terms.iloc[0].to_dict()
    text = firm_sentence(row, replace(regression, alpha=0.1), "x", {}, "it")
    assert "«{signal}»" in text
    assert "90%" in text
