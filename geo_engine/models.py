"""What goes with digitalization: regressions on places and on firms, and what firms say."""

from __future__ import annotations

import pandas as pd
import xarray as xr
from libpysal.graph import Graph

from geo_engine.chains.weights import Memberships
from geo_engine.errors import StatisticsError
from geo_engine.firm_models import FittedFirms, firm_models
from geo_engine.intake import Intake
from geo_engine.place_models import FittedPlaces, place_models
from geo_engine.plan import Plan
from geo_engine.results import Models
from geo_engine.survey_answers import SurveyFound

MISSING = {
    "it": "Le regressioni chieste dallo studio non sono state stimate, perché manca l'estensione "
    'models: installarla con pip install "geo-engine[models]" e rifare lo studio.',
    "en": "The regressions that the study asks for were not fitted, because the extra models is "
    'missing: install it with pip install "geo-engine[models]" and run the study again.',
}
READING_COLUMNS = ("subject", "chain", "it", "en")


def all_models(
    plan: Plan,
    intake: Intake,
    memberships: Memberships,
    given: tuple[xr.Dataset, Graph],
    survey: SurveyFound,
    *,
    universe: int,
) -> Models:
    """Fit every model that a study asks for.

    Parameters
    ----------
    plan : Plan
        The resolved study.
    intake : Intake
        Its firms.
    memberships : Memberships
        Chains of its firms.
    given : tuple of Dataset and Graph
        Panel of municipalities, and neighbors among the covered ones.
    survey : SurveyFound
        Of the study.
    universe : int
        Position of the universe that the panel is of.

    Returns
    -------
    Models
        Where the extra ``models`` is not installed, a reading says so in place of regressions: a
        run of hours does not fail for them.
    """
    asked = plan.study.drivers
    try:
        places = place_models(plan, asked.places, *given)
        firms = firm_models(plan, asked.firms, intake, memberships, universe=universe)
    except StatisticsError as error:
        if error.code != "EXTRA_MISSING":
            raise
        missing = pd.DataFrame([{"chain": "", "it": MISSING["it"], "en": MISSING["en"]}])
        places, firms = FittedPlaces(sentences=missing), FittedFirms()
    said = {
        "places": places.sentences,
        "firms": firms.sentences,
        "survey": survey.sentences.assign(chain=""),
    }
    readings = [part.assign(subject=subject) for subject, part in said.items() if len(part)]
    return Models(
        places=places.table,
        local=places.local,
        firms=firms.table,
        survey=survey.table,
        readings=(
            pd.concat(readings, ignore_index=True)[list(READING_COLUMNS)]
            if readings
            else pd.DataFrame(columns=list(READING_COLUMNS))
        ),
    )
