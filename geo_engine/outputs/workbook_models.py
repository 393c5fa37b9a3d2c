"""The sheets of the workbook about what goes with digitalization."""

from __future__ import annotations

import pandas as pd

from geo_engine.outputs.workbook_sheet import Sheet, chain_labels, plain_field
from geo_engine.results import Results
from geo_engine.words.firm_terms import firm_labels

PART_NAMES = {"coefficient": "coefficiente", "impact": "impatto", "diagnostic": "diagnostica"}
FORM_NAMES = {
    "ols": "minimi quadrati",
    "lag": "ritardo spaziale",
    "error": "errori spaziali",
    "durbin": "Durbin spaziale",
}
TERM_NAMES = {
    "intercept": "intercetta",
    "population": "popolazione (raddoppio)",
    "firm_density": "densità di imprese (raddoppio)",
    "location_quotient": "specializzazione (raddoppio)",
    "jarque_bera": "Jarque-Bera (normalità)",
    "breusch_pagan": "Breusch-Pagan (varianza)",
    "koenker": "Koenker (varianza)",
    "condition_number": "numero di condizione",
    "residual_moran": "I di Moran dei residui",
    "lm_lag": "LM ritardo",
    "lm_error": "LM errore",
    "robust_lm_lag": "LM ritardo robusto",
    "robust_lm_error": "LM errore robusto",
    "lm_durbin": "LM Durbin",
}
ROLE_NAMES = {
    "own": "nel comune",
    "neighbors": "nei vicini",
    "spatial": "parametro spaziale",
    "direct": "diretto",
    "indirect": "indiretto",
    "total": "totale",
}
MODEL_FIELDS = (
    plain_field("chain_label", "Filiera"),
    plain_field("model", "Modello"),
    plain_field("part", "Che cosa"),
    plain_field("name", "Termine"),
    plain_field("value", "Valore", "number"),
    plain_field("standard_error", "Errore standard", "number"),
    plain_field("low", "Estremo inferiore", "number"),
    plain_field("high", "Estremo superiore", "number"),
    plain_field("p_value", "p", "p"),
    plain_field("places", "Comuni", "count"),
)
FIRM_FIELDS = (
    plain_field("chain_label", "Filiera"),
    plain_field("term", "Caratteristica"),
    plain_field("level", "Livello"),
    plain_field("reference", "Rispetto a"),
    plain_field("effect", "Effetto medio, punti", "number"),
    plain_field("effect_low", "Estremo inferiore", "number"),
    plain_field("effect_high", "Estremo superiore", "number"),
    plain_field("effect_p_value", "p", "p"),
    plain_field("odds_ratio", "Rapporto di odds", "number"),
    plain_field("odds_ratio_low", "Rapporto, estremo inferiore", "number"),
    plain_field("odds_ratio_high", "Rapporto, estremo superiore", "number"),
    plain_field("firms", "Imprese", "count"),
    plain_field("positive", "Con il segnale", "count"),
    plain_field("status", "Stato"),
)
SURVEY_FIELDS = (
    plain_field("question", "Domanda", "wide"),
    plain_field("answer", "Risposta"),
    plain_field("cell", "Gruppo"),
    plain_field("share", "Quota", "share"),
    plain_field("low", "Estremo inferiore", "share"),
    plain_field("high", "Estremo superiore", "share"),
    plain_field("cv", "Coefficiente di variazione", "share"),
    plain_field("respondents", "Rispondenti", "count"),
    plain_field("unanswered", "Senza risposta", "count"),
    plain_field("firms", "Imprese rappresentate", "count"),
    plain_field("effective_size", "Numerosità effettiva", "number"),
    plain_field("design_effect", "Effetto del disegno", "number"),
    plain_field("status", "Stato"),
)
STATUS_NAMES = {
    "ok": "",
    "separated": "nessuna stima: tutte le imprese o nessuna",
    "collinear": "nessuna stima: altri termini dicono lo stesso",
    "no_answers": "nessuna risposta",
    "few_respondents": "non mostrata: pochi rispondenti",
    "no_variation": "non mostrata: risposte tutte uguali",
    "cv_above_limit": "non mostrata: troppo incerta",
}
SUBJECT_NAMES = {"places": "comuni", "firms": "imprese", "survey": "indagine"}
READING_FIELDS = (
    plain_field("subject", "Confronto tra"),
    plain_field("chain_label", "Filiera"),
    plain_field("it", "Lettura", "wide"),
    plain_field("en", "In inglese", "wide"),
)
ALL_CHAINS = "Tutte le filiere"


def models_sheets(results: Results) -> tuple[Sheet, ...]:
    """Give the regressions and the survey of a study, and what they say.

    Parameters
    ----------
    results : Results
        What may be shown.

    Returns
    -------
    tuple of Sheet
        Modelli, Imprese, Indagine and Letture, each where there is something in it.
    """
    models, labels = results.models, {"": ALL_CHAINS} | chain_labels(results)
    sheets = []
    if len(models.places):
        sheets.append(_places(models.places, labels))
    if len(models.firms):
        sheets.append(_firms(results, labels))
    if len(models.survey):
        sheets.append(_survey(models.survey))
    if len(models.readings):
        sheets.append(_readings(models.readings, labels))
    return tuple(sheets)


def _places(table: pd.DataFrame, labels: dict[str, str]) -> Sheet:
    """Give the regressions on municipalities."""
    named = table.assign(
        chain_label=table["chain"].map(labels),
        model=table["model"].map(FORM_NAMES),
        part=table["part"].map(PART_NAMES),
        name=[_term(str(name)) for name in table["name"]],
    )
    return Sheet(
        name="Modelli",
        title="Regressioni della quota digitale dei comuni, ultimo anno",
        notes=(
            "Punti percentuali di quota per ogni raddoppio del termine; intervalli al livello "
            "dei test. Associazioni fra comuni, non cause; non riguardano le singole imprese.",
        ),
        frame=named[[field.name for field in MODEL_FIELDS]],
        fields=MODEL_FIELDS,
        frozen_columns=1,
        widths={"chain_label": 28, "model": 20, "name": 40},
    )


def _firms(results: Results, labels: dict[str, str]) -> Sheet:
    """Give the regressions among firms; effects in percentage points."""
    table = results.models.firms
    names = firm_labels(results.facts.chains, "it")
    points = {name: 100 * table[name] for name in ("effect", "effect_low", "effect_high")}
    named = table.assign(
        chain_label=table["chain"].map(labels),
        term=table["term"].replace("intercept", "intercetta").replace(names),
        level=table["level"].replace(names),
        reference=table["reference"].replace(names),
        status=table["status"].map(STATUS_NAMES),
        **points,
    )
    return Sheet(
        name="Imprese",
        title="Quali imprese hanno il segnale: regressione logistica, ultimo anno",
        notes=(
            "Effetto medio in punti percentuali, a parità degli altri termini; errori per gruppi "
            "di imprese dello stesso comune. Associazioni, non cause.",
        ),
        frame=named[[field.name for field in FIRM_FIELDS]],
        fields=FIRM_FIELDS,
        frozen_columns=1,
        widths={"chain_label": 28, "term": 34, "level": 24, "reference": 24, "status": 30},
    )


def _survey(table: pd.DataFrame) -> Sheet:
    """Give what firms of the survey say."""
    named = table.assign(
        answer=table["answer"].replace("yes", "sì"),
        cell=table["cell"].replace("", "totale"),
        status=table["status"].map(STATUS_NAMES),
    )
    return Sheet(
        name="Indagine",
        title="Che cosa frena e che cosa spinge: risposte delle imprese, ponderate",
        notes=(
            "Stime con i pesi dell'indagine. Non mostrate: meno di 10 rispondenti, risposte tutte "
            "uguali, coefficiente di variazione sopra il 33 %.",
        ),
        frame=named[[field.name for field in SURVEY_FIELDS]],
        fields=SURVEY_FIELDS,
        frozen_columns=1,
        widths={"question": 50, "answer": 24, "cell": 30, "status": 30},
    )


def _readings(said: pd.DataFrame, labels: dict[str, str]) -> Sheet:
    """Give the sentences."""
    named = said.assign(
        chain_label=said["chain"].map(labels), subject=said["subject"].map(SUBJECT_NAMES)
    )
    return Sheet(
        name="Letture",
        title="Che cosa dicono modelli e indagine, e che cosa no",
        frame=named[[field.name for field in READING_FIELDS]],
        fields=READING_FIELDS,
        frozen_columns=2,
        widths={"subject": 14, "chain_label": 28, "it": 90, "en": 90},
    )


def _term(name: str) -> str:
    """Name a term, with its role in a spatial model."""
    term, _, role = name.partition(" ")
    named = TERM_NAMES.get(term, term)
    return f"{named}, {ROLE_NAMES.get(role, role)}" if role else named
