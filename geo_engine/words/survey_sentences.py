"""Sentences on what firms of a survey say, in Italian and English."""

from __future__ import annotations

import math

from geo_engine.drivers.survey import YES, SurveyTable
from geo_engine.words.driver_templates import (
    Labels,
    Row,
    label,
    level_words,
    number_of,
    say,
)
from geo_engine.words.sentences import number, percent


def survey_sentence(row: Row, table: SurveyTable, labels: Labels, language: str) -> str:
    """Say what firms of a cell answered, or why it is not shown.

    Parameters
    ----------
    row : mapping
        A row of ``table.frequencies``.
    table : SurveyTable
        The table.
    labels : mapping
        Names of questions, answers and levels of dimensions.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        One sentence.
    """
    columns = list(table.frequencies.columns)
    dimensions = columns[columns.index("answer") + 1 : columns.index("respondents")]
    cell = ", ".join(label(labels, row[name]) for name in dimensions if row[name])
    question = label(labels, row["question"])
    answer = question
    if row["answer"] != YES:
        asked = {"question": question, "answer": label(labels, row["answer"])}
        answer = say("survey_choice", asked, language)
    values: dict[str, object] = {
        "cell": cell or say("survey_all", {}, language),
        "answer": answer,
        "respondents": number(number_of(row["respondents"]), language),
        "max_cv": percent(table.max_cv, language),
        "level_percent": level_words(table.alpha, language),
    }
    shown = {name: number_of(row[name]) for name in ("share", "low", "high", "cv")}
    values |= {key: percent(v, language) for key, v in shown.items() if not math.isnan(v)}
    key = "survey" if row["status"] == "ok" else f"survey_{row['status']}"
    return say(key, values, language)


def survey_note(language: str) -> str:
    """Say what a table of stated barriers and motives is.

    Parameters
    ----------
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        One sentence.
    """
    return say("survey_note", {}, language)
