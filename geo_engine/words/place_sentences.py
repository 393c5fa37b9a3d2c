"""Sentences on regressions among places, in Italian and English: no more than models say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from geo_engine.drivers.gwr import GwrResult
from geo_engine.drivers.place_ols import PlaceRegression
from geo_engine.drivers.spatial_models import SpatialRegression
from geo_engine.words.driver_templates import (
    Labels,
    Row,
    figure,
    interval,
    label,
    level_words,
    number_of,
    say,
    signed,
    templates,
)
from geo_engine.words.sentences import number, places, small

LARGE_CONDITION = 30.0
CRITERION_MARGIN = 3.0
"""Smaller differences of the corrected criterion say nothing (Fotheringham et al. 2002)."""


def model_refusal(code: str, language: str) -> str:
    """Say why the data allow no model.

    Parameters
    ----------
    code : str
        Of the error.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        One sentence.
    """
    key = f"refused_{code}"
    return say(key if key in templates(language) else "refused", {}, language)


def small_groups(groups: Sequence[str], least: int, language: str) -> tuple[str, ...]:
    """Say which groups have too few places to be compared within.

    Parameters
    ----------
    groups : sequence of str
        Names.
    least : int
        Places that a group needs.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    tuple of str
        One sentence, or none.
    """
    if not groups:
        return ()
    return (say("small_groups", {"groups": ", ".join(groups), "least": least}, language),)


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
    low, high = number_of(row["low"]), number_of(row["high"])
    values = {
        "term": label(labels, row["term"]),
        "outcome": outcome,
        "places": places(regression.places, language),
        "difference": signed(number_of(row["coefficient"]), language),
        "interval": interval(low, high, language),
        "level_percent": level_words(regression.alpha, language),
    }
    return say("place_term_open" if low <= 0 <= high else "place_term", values, language)


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
    moran = number_of(p_value["residual_moran"])
    values = {"p": "", "number": figure(number_of(statistic["condition_number"]), language)}
    notes = [say("place_groups", values, language)] if regression.groups > 1 else []
    if math.isnan(moran):
        notes.append(say("moran_none", values, language))
    else:
        near = {
            "moran": figure(number_of(statistic["residual_moran"]), language),
            "p": small(moran, language),
            "model": say(f"model_{regression.suggested}", {}, language),
        }
        notes.append(say("moran_yes" if moran < alpha else "moran_no", near, language))
    for test, key in (("koenker", "variance"), ("jarque_bera", "normality")):
        p = number_of(p_value[test])
        if p < alpha:
            notes.append(say(key, {"p": small(p, language)}, language))
    if number_of(statistic["condition_number"]) > LARGE_CONDITION:
        notes.append(say("condition", values, language))
    return (*notes, say("place_note", values, language))


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
        return (say("unstable", {}, language),)
    rows = regression.impacts.set_index(["term", "impact"])
    sentences = []
    for term in dict.fromkeys(regression.impacts["term"]):
        values = {
            "term": label(labels, term),
            "outcome": outcome,
            "level_percent": level_words(regression.alpha, language),
        }
        for impact in ("direct", "indirect"):
            row = rows.loc[(term, impact)]
            values[impact] = signed(float(row["value"]), language)
            values[f"{impact}_interval"] = interval(row["low"], row["high"], language)
        sentences.append(say("impact", values, language))
    return (*sentences, say("impact_note", {}, language))


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
    sentences = [say("gwr_better" if better else "gwr_not_better", criteria, language)]
    for row in result.summary.to_dict("records"):
        if row["term"] == "intercept":
            continue
        values = {key: figure(number_of(row[key]), language) for key in ("minimum", "maximum")}
        values |= {
            "term": label(labels, row["term"]),
            "median": figure(number_of(row["median"]), language),
            "positive": places(int(row["positive"]), language),
            "negative": places(int(row["negative"]), language),
            "places": places(result.places, language),
        }
        sentences.append(say("gwr", values, language))
    return (*sentences, say("gwr_note", {}, language))
