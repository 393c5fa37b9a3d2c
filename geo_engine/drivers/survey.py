"""Barriers and motives: what firms say holds them back or drives them, from a survey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.drivers.survey_design import (
    Draw,
    Share,
    SurveyDesign,
    domain_share,
    read_draw,
    share_interval,
)
from geo_engine.errors import StatisticsError, TableError
from geo_engine.tables import require_columns

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

FIGURE_COLUMNS = (
    "respondents",
    "unanswered",
    "firms",
    "share",
    "standard_error",
    "low",
    "high",
    "cv",
    "effective_size",
    "design_effect",
    "status",
)
SURVEY_STATUSES = ("ok", "no_answers", "few_respondents", "no_variation", "cv_above_limit")
"""``no_variation``: all of the cell gave the answer, or none; no error can be computed."""
YES = "yes"
"""Answer of a question whose column is true or false."""


@dataclass(frozen=True, kw_only=True)
class SurveyTable:
    """Frequencies of answers by chain, size and territory."""

    frequencies: pd.DataFrame
    """``question``, ``answer``, one column for each dimension ("" for all), ``FIGURE_COLUMNS``. A
    refused cell keeps ``respondents``, ``unanswered``, ``firms``, ``effective_size`` and, where it
    was refused for it, ``cv``; its share cannot be computed from them."""
    respondents: int
    single_strata: int
    """Strata of which one unit was drawn: their part of the error is a guess."""
    refused: int
    max_cv: float
    alpha: float


def survey_frequencies(
    answers: pd.DataFrame,
    questions: tuple[str, ...],
    design: SurveyDesign,
    *,
    by: tuple[tuple[str, ...], ...] = ((),),
) -> SurveyTable:
    """Count answers by chain, size and territory, never below the survey's design domain.

    Parameters
    ----------
    answers : DataFrame
        One row per respondent; with ``design.respondent`` one per respondent and chain, so that a
        firm counts fully in each of its chains and once in all of them together.
    questions : tuple of str
        Columns: true or false (one row, answer ``YES``), or a choice (one row per answer). Missing
        means not answered, and leaves that question.
    design : SurveyDesign
        Weights, strata, and the crossings that the survey speaks for.
    by : tuple of tuple of str
        Crossings of columns to tabulate; () is the total.

    Returns
    -------
    SurveyTable
        ``share`` of firms that gave the answer among those of the cell whose respondents
        answered; ``standard_error`` by Taylor's linearization; ``low`` and ``high`` by Korn and
        Graubard; ``cv`` the error over the share; ``firms`` that the answers stand for;
        ``design_effect`` the variance over that of a simple sample of as many.

    Raises
    ------
    StatisticsError
        ``BELOW_DESIGN_DOMAIN`` or ``FEW_RESPONDENTS``.
    TableError
        ``MISSING_COLUMN``, ``WEIGHT_INVALID``, ``DESIGN_MISSING`` or ``RESPONDENT_CONFLICT``.
    """
    dimensions = tuple(dict.fromkeys(name for crossing in by for name in crossing))
    require_columns(answers, (*questions, *dimensions), "The table of answers")
    for crossing in by:
        _check_domain(crossing, design)
    draw, row = read_draw(answers, design)
    replies = {name: _reply(answers[name], row, len(draw.weight)) for name in questions}
    rows = []
    for crossing in by:
        for levels, inside in _cells(answers, crossing, row, len(draw.weight)):
            place = dict.fromkeys(dimensions, "") | levels
            for question, (reply, names) in replies.items():
                known = inside & (reply >= 0)
                asked = {"question": question, **place}
                for code, answer in names:
                    figures = _figures(draw, inside, known, reply == code, design)
                    rows.append(asked | {"answer": answer} | figures)
    columns = ["question", "answer", *dimensions, *FIGURE_COLUMNS]
    table = pd.DataFrame(rows, columns=columns)
    return SurveyTable(
        frequencies=table,
        respondents=len(draw.weight),
        single_strata=draw.single,
        refused=int((table["status"] != "ok").sum()),
        max_cv=design.max_cv,
        alpha=design.alpha,
    )


def _check_domain(crossing: tuple[str, ...], design: SurveyDesign) -> None:
    """Refuse a crossing finer than the survey was designed for."""
    if crossing and not any(set(crossing) <= set(domain) for domain in design.domains):
        allowed = "; ".join(" x ".join(domain) for domain in design.domains) or "the total only"
        raise StatisticsError(
            "BELOW_DESIGN_DOMAIN",
            f"{' x '.join(crossing)} is finer than what the survey was designed for ({allowed}). "
            f"Ask for one of these or for a part of one; smaller cells are no estimates.",
        )


def _reply(values: pd.Series, row: IntArray, people: int) -> tuple[IntArray, list[tuple[int, str]]]:
    """Give each respondent's answer as a code, -1 where there is none, and the answers."""
    truth = values.dropna().isin([True, False]).all()
    texts = values.convert_dtypes().astype("boolean") if truth and values.notna().any() else values
    codes, levels = pd.factorize(texts.astype("string"), sort=True)
    reply = np.full(people, -1, dtype=np.int64)
    np.maximum.at(reply, row, codes)
    if (codes != reply[row]).any():
        raise TableError(
            "RESPONDENT_CONFLICT",
            f"{len(np.unique(row[codes != reply[row]]))} respondents answer {values.name} in "
            f"several ways; a respondent's rows may differ in the chain only.",
        )
    if truth:
        yes = int(np.flatnonzero(levels == "True")[0]) if "True" in levels else len(levels)
        return reply, [(yes, YES)]
    return reply, [(code, str(level)) for code, level in enumerate(levels)]


def _cells(
    answers: pd.DataFrame, crossing: tuple[str, ...], row: IntArray, people: int
) -> Iterator[tuple[dict[str, str], BoolArray]]:
    """Give the levels of each cell of a crossing, and the respondents in it."""
    if not crossing:
        yield {}, np.ones(people, dtype=bool)
        return
    known = answers[list(crossing)].notna().all(axis=1).to_numpy()
    texts = answers.loc[known, list(crossing)].astype(str)
    for levels, at in sorted(texts.groupby(list(crossing)).indices.items()):
        inside = np.zeros(people, dtype=bool)
        inside[row[known][at]] = True
        named = levels if isinstance(levels, tuple) else (levels,)
        yield dict(zip(crossing, map(str, named), strict=True)), inside


def _figures(
    draw: Draw, inside: BoolArray, known: BoolArray, hit: BoolArray, design: SurveyDesign
) -> dict[str, object]:
    """Estimate one cell, or say why not."""
    counts: dict[str, object] = {
        "respondents": int(known.sum()),
        "unanswered": int((inside & ~known).sum()),
        "firms": float(draw.weight[known].sum()),
    }
    if not known.any():
        return counts | {"status": "no_answers"}
    share = domain_share(draw, known, hit & known)
    counts["effective_size"] = share.effective_size
    if share.respondents < design.min_respondents:
        return counts | {"status": "few_respondents"}
    chosen = int((hit & known).sum())
    if chosen in (0, share.respondents):
        return counts | {"status": "no_variation"}
    error = np.sqrt(share.variance)
    if error > design.max_cv * share.value:
        return counts | {"cv": error / share.value, "status": "cv_above_limit"}
    return counts | _estimate(share, design.alpha)


def _estimate(share: Share, alpha: float) -> dict[str, object]:
    """Lay out the figures of a cell that is shown."""
    low, high = share_interval(share, alpha)
    simple = share.value * (1 - share.value) / (share.respondents - 1)
    return {
        "share": share.value,
        "standard_error": float(np.sqrt(share.variance)),
        "low": low,
        "high": high,
        "cv": float(np.sqrt(share.variance)) / share.value,
        "design_effect": share.variance / simple,
        "status": "ok",
    }
