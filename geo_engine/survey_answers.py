"""Barriers and motives: what firms of a survey say, where a study has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from geo_engine.drivers import SurveyDesign, survey_frequencies
from geo_engine.sources.survey_tables import read_answers
from geo_engine.study import Study
from geo_engine.study_drivers import SurveyKeys
from geo_engine.words import LANGUAGES
from geo_engine.words.survey_sentences import survey_note, survey_sentence


@dataclass(frozen=True, kw_only=True)
class SurveyFound:
    """What the survey says."""

    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    """question, answer, cell, and ``drivers.survey.FIGURE_COLUMNS``."""
    sentences: pd.DataFrame = field(default_factory=pd.DataFrame)
    """it, en: one for each row of the table, and what it is."""


def survey_answers(study: Study, root: Path) -> SurveyFound:
    """Tabulate the survey of a study.

    Parameters
    ----------
    study : Study
        ``drivers.survey``.
    root : Path
        Folder under which its paths lie.

    Returns
    -------
    SurveyFound
        Empty without a survey.

    Raises
    ------
    GeoEngineError
        As ``sources.survey_tables.read_answers`` and ``drivers.survey_frequencies``.
    """
    keys = study.drivers.survey
    if keys is None:
        return SurveyFound()
    design = SurveyDesign(
        weight=keys.weight,
        domains=keys.domains,
        respondent=keys.respondent,
        stratum=keys.stratum,
        cluster=keys.cluster,
        population=keys.population,
        alpha=study.statistics.alpha,
    )
    found = survey_frequencies(read_answers(keys, root), tuple(keys.questions), design, by=keys.by)
    frequencies = found.frequencies
    columns = list(frequencies.columns)
    dimensions = columns[columns.index("answer") + 1 : columns.index("respondents")]
    labels = {"it": keys.questions | keys.dimensions, "en": _english(keys)}
    rows = frequencies.to_dict("records")
    said = {
        lang: [
            *(survey_sentence(row, found, labels[lang], lang) for row in rows),
            survey_note(lang),
        ]
        for lang in LANGUAGES
    }
    cells = frequencies[dimensions].apply(lambda row: ", ".join(filter(None, row)), axis=1)
    table = frequencies.drop(columns=dimensions).assign(
        question=frequencies["question"].map(keys.questions),
        cell=cells if len(dimensions) else "",
    )
    table.insert(2, "cell", table.pop("cell"))
    return SurveyFound(table=table, sentences=pd.DataFrame(said))


def _english(keys: SurveyKeys) -> dict[str, str]:
    """Name the questions in English where the study does."""
    return keys.questions | keys.dimensions | {k: v for k, v in keys.questions_en.items() if v}
