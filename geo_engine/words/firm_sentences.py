"""Sentences on regressions among firms, in Italian and English: no more than the model says."""

from __future__ import annotations

from collections.abc import Sequence

from geo_engine.drivers.firm_logit import FirmRegression
from geo_engine.words.driver_templates import (
    Labels,
    Row,
    figure,
    interval,
    label,
    level_words,
    number_of,
    say,
)
from geo_engine.words.sentences import number


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
    term, level = (label(labels, row[key]) for key in ("term", "level"))
    name = f"{term} «{level}»" if level and language == "it" else term
    name = f'{term} "{level}"' if level and language == "en" else name
    values: dict[str, object] = {
        "name": name,
        "term": term,
        "level": level,
        "reference": label(labels, row["reference"]),
        "signal": signal,
        "level_percent": level_words(regression.alpha, language),
    }
    if row["status"] != "ok":
        return say(f"firm_{row['status']}", values, language)
    effect, low, high = (100 * number_of(row[k]) for k in ("effect", "effect_low", "effect_high"))
    values["interval"] = interval(low, high, language)
    kind = "firm_level" if row["kind"] == "factor" else "firm_number"
    if low <= 0 <= high:
        return say(f"{kind}_open", values, language)
    points = figure(abs(effect), language)
    way = ("higher" if effect > 0 else "lower") + ("_one" if points == "1" else "")
    values["difference"] = say(way, {"points": points}, language)
    return say(kind, values, language)


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
    return tuple(say(key, values, language) for key in notes)


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
    named = ", ".join(label(labels, term) for term in terms)
    return (say("firm_unused", {"terms": named}, language),)
