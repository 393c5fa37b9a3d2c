"""The answers of a survey of firms, as the study's table gives them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from geo_engine.errors import StudyError
from geo_engine.sources.small_tables import path_under, read_small_table
from geo_engine.study_drivers import SurveyKeys

YES_WORDS = frozenset({"si", "sì", "s", "yes", "y", "true", "vero", "1", "x"})
NO_WORDS = frozenset({"no", "n", "false", "falso", "0"})


def read_answers(keys: SurveyKeys, root: Path) -> pd.DataFrame:
    """Read the answers of a survey.

    Parameters
    ----------
    keys : SurveyKeys
        Where they are, and what the columns hold.
    root : Path
        Folder under which the paths of the study lie.

    Returns
    -------
    DataFrame
        The columns that the keys name: questions as booleans where every answer is yes or no, as
        text otherwise, missing where blank; weights and population as numbers; the rest as text.

    Raises
    ------
    StudyError
        ``SURVEY_TABLE`` for a path outside the root, a file that cannot be read or lacks a column,
        or a weight that is no number.
    """
    dimensions = {name for crossing in keys.by for name in crossing}
    design = {keys.respondent, keys.stratum, keys.cluster} - {""}
    numbers = [name for name in (keys.weight, keys.population) if name]
    wanted = [*keys.questions, *sorted(dimensions | design), *numbers]
    code, key = "SURVEY_TABLE", "drivers.survey.path"
    path = path_under(root, keys.path, code, key)
    table = read_small_table(path, keys.separator, wanted, code, key)
    read = table[list(dict.fromkeys(wanted))].apply(lambda column: column.str.strip())
    answers = {name: _answer(read[name]) for name in keys.questions}
    levels = {name: read[name].where(read[name] != "") for name in dimensions}
    return read.assign(**levels, **answers, **{n: _numbers(read[n], keys) for n in numbers})


def _answer(texts: pd.Series) -> pd.Series:
    """Read one question."""
    given = texts.where(texts != "")
    low = given.str.casefold()
    if low.dropna().isin(YES_WORDS | NO_WORDS).all() and low.notna().any():
        return low.isin(YES_WORDS).astype("boolean").mask(low.isna())
    return given


def _numbers(texts: pd.Series, keys: SurveyKeys) -> pd.Series:
    """Read a column of numbers; none may be missing."""
    plain = texts.str.replace(",", ".", regex=False) if keys.decimal == "," else texts
    numbers = pd.to_numeric(plain, errors="coerce")
    wrong = int(numbers.isna().sum())
    if wrong:
        raise StudyError(
            "SURVEY_TABLE",
            f"{keys.path}: {wrong} of {len(texts)} values of {texts.name} are no numbers "
            f"(decimal mark {keys.decimal!r}). Correct them, or state decimal.",
        )
    return numbers
