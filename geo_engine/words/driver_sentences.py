"""Sentences on what goes with digitalization, in Italian and English: no more than models say."""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources

from geo_engine.drivers.firm_logit import FirmRegression
from geo_engine.drivers.gwr import GwrResult
from geo_engine.drivers.place_ols import PlaceRegression
from geo_engine.drivers.spatial_models import SpatialRegression
from geo_engine.drivers.survey import YES, SurveyTable
from geo_engine.words import LANGUAGES
from geo_engine.words.sentences import fill, number, percent, places, small

Row = Mapping[str, object]
Labels = Mapping[str, str]
"""Names of terms, levels, questions and dimensions in the language; a missing one names itself."""

LARGE_CONDITION = 30.0
CRITERION_MARGIN = 3.0
"""Smaller differences of the corrected criterion say nothing (Fotheringham et al. 2002)."""


def firm_sentence(
    row: Row, regression: FirmRegression, signal: str, labels: Labels, language: str
) -> str:
    """Say what goes with a term among firms.

    Parameters
    ----------
    row : mapping
        A row of ``regression.terms``, not the intercept.
    regression : FirmRegression
        The regression.
    signal : str
        Name of the signal in the language ("imprese con sito web").
    labels : mapping
        Names of terms and levels.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        The difference and its interval, that the data do not tell, or why there is no estimate.
    """
    term, level = (_label(labels, row[key]) for key in ("term", "level"))
    name = f"{term} «{level}»" if level and language == "it" else term
    name = f'{term} "{level}"' if level and language == "en" else name
    values: dict[str, object] = {
        "name": name,
        "term": term,
        "level": level,
        "reference": _label(labels, row["reference"]),
        "signal": signal,
        "level_percent": _level(regression.alpha, language),
    }
    if row["status"] != "ok":
        return _say(f"firm_{row['status']}", values, language)
    effect, low, high = (100 * _float(row[k]) for k in ("effect", "effect_low", "effect_high"))
    values["interval"] = _interval(low, high, language)
    kind = "firm_level" if row["kind"] == "factor" else "firm_number"
    if low <= 0 <= high:
        return _say(f"{kind}_open", values, language)
    points = figure(abs(effect), language)
    way = ("higher" if effect > 0 else "lower") + ("_one" if points == "1" else "")
    values["difference"] = _say(way, {"points": points}, language)
    return _say(kind, values, language)


def firm_notes(regression: FirmRegression, language: str) -> tuple[str, ...]:
    """Say what a regression of firms compares, and what to be wary of.

    Parameters
    ----------
    regression : FirmRegression
        The regression.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    tuple of str
        Always that it is an association.
    """
    values = {
        "firms": number(regression.firms, language),
        "places": number(regression.places, language),
    }
    notes = ["firm_note", *(["firm_few_places"] if regression.few_clusters else [])]
    return tuple(_say(key, values, language) for key in notes)


def firm_unused(terms: Sequence[str], labels: Labels, language: str) -> tuple[str, ...]:
    """Say which characteristics are known of too few firms to be compared.

    Parameters
    ----------
    terms : sequence of str
        Left out.
    labels : mapping
        Names of terms.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    tuple of str
        One sentence, or none.
    """
    if not terms:
        return ()
    named = ", ".join(_label(labels, term) for term in terms)
    return (_say("firm_unused", {"terms": named}, language),)


def place_sentence(
    row: Row, regression: PlaceRegression, outcome: str, labels: Labels, language: str
) -> str:
    """Say what goes with a term among places.

    Parameters
    ----------
    row : mapping
        A row of ``regression.terms``, not the intercept.
    regression : PlaceRegression
        The regression.
    outcome : str
        Name of the outcome with its unit.
    labels : mapping
        Names of terms with their units.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        The difference and its interval, or that the data do not tell.
    """
    low, high = _float(row["low"]), _float(row["high"])
    values = {
        "term": _label(labels, row["term"]),
        "outcome": outcome,
        "places": places(regression.places, language),
        "difference": _signed(_float(row["coefficient"]), language),
        "interval": _interval(low, high, language),
        "level_percent": _level(regression.alpha, language),
    }
    return _say("place_term_open" if low <= 0 <= high else "place_term", values, language)


def place_notes(regression: PlaceRegression, language: str) -> tuple[str, ...]:
    """Say what is wrong with a regression on places, and what it does not mean.

    Parameters
    ----------
    regression : PlaceRegression
        The regression.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    tuple of str
        Of residuals among neighbors, of their variance and distribution, of similar terms, and
        always that it is an association.
    """
    tests = regression.diagnostics.set_index("diagnostic")
    p_value, statistic = tests["p_value"], tests["statistic"]
    alpha = regression.alpha
    moran = _float(p_value["residual_moran"])
    values = {"p": "", "number": figure(_float(statistic["condition_number"]), language)}
    notes = [_say("place_groups", values, language)] if regression.groups > 1 else []
    if math.isnan(moran):
        notes.append(_say("moran_none", values, language))
    else:
        near = {
            "moran": figure(_float(statistic["residual_moran"]), language),
            "p": small(moran, language),
            "model": _say(f"model_{regression.suggested}", {}, language),
        }
        notes.append(_say("moran_yes" if moran < alpha else "moran_no", near, language))
    for test, key in (("koenker", "variance"), ("jarque_bera", "normality")):
        p = _float(p_value[test])
        if p < alpha:
            notes.append(_say(key, {"p": small(p, language)}, language))
    if _float(statistic["condition_number"]) > LARGE_CONDITION:
        notes.append(_say("condition", values, language))
    return (*notes, _say("place_note", values, language))


def impact_sentences(
    regression: SpatialRegression, outcome: str, labels: Labels, language: str
) -> tuple[str, ...]:
    """Say how far a term's association spreads over neighbors.

    Parameters
    ----------
    regression : SpatialRegression
        With a lag.
    outcome : str
        Name of the outcome with its unit.
    labels : mapping
        Names of terms with their units.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    tuple of str
        One sentence for each term and a note; one sentence where impacts have no end; none for a
        model of spatial errors.
    """
    if regression.form == "error":
        return ()
    if regression.status != "ok":
        return (_say("unstable", {}, language),)
    rows = regression.impacts.set_index(["term", "impact"])
    sentences = []
    for term in dict.fromkeys(regression.impacts["term"]):
        values = {
            "term": _label(labels, term),
            "outcome": outcome,
            "level_percent": _level(regression.alpha, language),
        }
        for impact in ("direct", "indirect"):
            row = rows.loc[(term, impact)]
            values[impact] = _signed(float(row["value"]), language)
            values[f"{impact}_interval"] = _interval(row["low"], row["high"], language)
        sentences.append(_say("impact", values, language))
    return (*sentences, _say("impact_note", {}, language))


def gwr_sentences(result: GwrResult, labels: Labels, language: str) -> tuple[str, ...]:
    """Say how an association differs from area to area.

    Parameters
    ----------
    result : GwrResult
        The local fits.
    labels : mapping
        Names of terms.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    tuple of str
        Whether local fits describe the data better at all, one sentence for each term, and what
        they do not mean.
    """
    better = result.akaike < result.akaike_global - CRITERION_MARGIN
    criteria = {
        "local": number(result.akaike, language, decimals=1),
        "whole": number(result.akaike_global, language, decimals=1),
    }
    sentences = [_say("gwr_better" if better else "gwr_not_better", criteria, language)]
    for row in result.summary.to_dict("records"):
        if row["term"] == "intercept":
            continue
        values = {key: figure(_float(row[key]), language) for key in ("minimum", "maximum")}
        values |= {
            "term": _label(labels, row["term"]),
            "median": figure(_float(row["median"]), language),
            "positive": places(int(row["positive"]), language),
            "negative": places(int(row["negative"]), language),
            "places": places(result.places, language),
        }
        sentences.append(_say("gwr", values, language))
    return (*sentences, _say("gwr_note", {}, language))


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
    cell = ", ".join(_label(labels, row[name]) for name in dimensions if row[name])
    question = _label(labels, row["question"])
    answer = question
    if row["answer"] != YES:
        asked = {"question": question, "answer": _label(labels, row["answer"])}
        answer = _say("survey_choice", asked, language)
    values: dict[str, object] = {
        "cell": cell or _say("survey_all", {}, language),
        "answer": answer,
        "respondents": number(_float(row["respondents"]), language),
        "max_cv": percent(table.max_cv, language),
        "level_percent": _level(table.alpha, language),
    }
    shown = {name: _float(row[name]) for name in ("share", "low", "high", "cv")}
    values |= {key: percent(v, language) for key, v in shown.items() if not math.isnan(v)}
    key = "survey" if row["status"] == "ok" else f"survey_{row['status']}"
    return _say(key, values, language)


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
    return _say("survey_note", {}, language)


def figure(value: float, language: str) -> str:
    """Write a figure with three digits that count, at least one decimal below 100.

    Parameters
    ----------
    value : float
        Any number.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        ``0,0123``, ``1,2``, ``123``; very small ones as ``0``.
    """
    if value == 0 or abs(value) < 1e-9:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    text = number(value, language, decimals=min(max(digits, 0), 12))
    mark = "," if language == "it" else "."
    return text.rstrip("0").rstrip(mark) if mark in text else text


def _signed(value: float, language: str) -> str:
    """Write a difference with its sign."""
    return f"+{figure(value, language)}" if value > 0 else figure(value, language)


def _interval(low: float, high: float, language: str) -> str:
    """Write an interval."""
    ends = {"low": _signed(low, language), "high": _signed(high, language)}
    return _say("from_to", ends, language)


def _level(alpha: float, language: str) -> str:
    """Write the level of an interval."""
    return f"{figure(100 * (1 - alpha), language)}%"


def _label(labels: Labels, key: object) -> str:
    """Name a term; one without a label names itself."""
    return labels.get(str(key), str(key))


def _say(key: str, values: Mapping[str, object], language: str) -> str:
    """Fill a template of the language."""
    return fill(_templates(language)[key], values)


@functools.cache
def _templates(language: str) -> Mapping[str, str]:
    """Read the templates of a language."""
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not one of {', '.join(LANGUAGES)}")
    text = resources.files("geo_engine.words").joinpath("drivers.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)[language])


def _float(value: object) -> float:
    """Read a figure of a table's row; a missing one is NaN."""
    return math.nan if value is None else float(str(value))
