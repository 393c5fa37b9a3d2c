"""What a reader of any artefact must know of a study and its sources, in Italian."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_engine.intake import Intake
from geo_engine.plan import Plan
from geo_engine.plan_signals import surveys_digital


def study_warnings(plan: Plan, intake: Intake) -> tuple[str, ...]:
    """Say what follows from the study and its sources.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    intake : Intake
        What was read and placed.

    Returns
    -------
    tuple of str
        Sentences in Italian, for every artefact.
    """
    study = plan.study
    homonyms = intake.account.flags.get("ATECO_HOMONYM", 0)
    unfiltered = any(
        getattr(source.columns, role) is not None and role not in source.keep
        for source in study.firms
        for role in ("unit_type", "firm_status")
    )
    said = {
        "DATI SIMULATI - a scopo dimostrativo: nessuna impresa è reale.": study.simulated,
        "Nessun segnale di digitalizzazione nella fonte: indicatori digitali non rilevati.": (
            not surveys_digital(study)
        ),
        "Copertura parziale: i confronti regionali e nazionali sono disponibili solo dove la "
        "fonte copre l'intera area o il totale è stato fornito; i comuni sul margine della "
        "copertura sono segnalati.": not study.coverage.is_national,
        _scattered(plan, intake): study.coverage.is_national,
        "Le imprese sono contate una volta a ogni livello: i comuni possono non sommare alla "
        "provincia.": study.unit == "impresa",
        "Tipo di unità o stato sono nella fonte ma nessun valore è stato scelto (keep): contano "
        "tutte le righe.": unfiltered,
        f"{homonyms} righe hanno un codice ATECO con significato diverso nelle due edizioni: "
        "contano solo nelle filiere su cui le edizioni concordano.": homonyms > 0,
    }
    return tuple(words for words, holds in said.items() if words and holds)


def _scattered(plan: Plan, intake: Intake) -> str:
    """Warn of an extract that looks regional but is studied as national."""
    province = pd.factorize(plan.places["cod_prov"])[0]
    found = len(np.unique(province[intake.firms["place"]]))
    total = plan.places["cod_prov"].nunique()
    if found * 2 > total:
        return ""
    return (
        f"Le unità cadono in {found} province su {total}, ma lo studio vale per tutta l'Italia: se "
        "la fonte copre solo una parte, dichiararla in [coverage]; altrimenti gli zeri sono veri."
    )
