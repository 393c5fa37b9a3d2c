"""How sentences on what goes with digitalization are filled in."""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Mapping
from importlib import resources

from geo_engine.words import LANGUAGES
from geo_engine.words.sentences import fill, number

Row = Mapping[str, object]
Labels = Mapping[str, str]
"""Names of terms, levels, questions and dimensions in the language; a missing one names itself."""


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


def signed(value: float, language: str) -> str:
    """Write a difference with its sign.

    Parameters
    ----------
    value : float
        The difference.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        ``+1,2``.
    """
    return f"+{figure(value, language)}" if value > 0 else figure(value, language)


def interval(low: float, high: float, language: str) -> str:
    """Write an interval.

    Parameters
    ----------
    low, high : float
        Its ends.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        ``da -1 a +2``.
    """
    ends = {"low": signed(low, language), "high": signed(high, language)}
    return say("from_to", ends, language)


def level_words(alpha: float, language: str) -> str:
    """Write the level of an interval.

    Parameters
    ----------
    alpha : float
        One less the level.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        ``95%``.
    """
    return f"{figure(100 * (1 - alpha), language)}%"


def label(labels: Labels, key: object) -> str:
    """Name a term; one without a label names itself.

    Parameters
    ----------
    labels : mapping
        Names.
    key : object
        Of the term.

    Returns
    -------
    str
        Its name.
    """
    return labels.get(str(key), str(key))


def say(key: str, values: Mapping[str, object], language: str) -> str:
    """Fill a template of the language.

    Parameters
    ----------
    key : str
        Of the template in ``drivers.toml``.
    values : mapping
        What stands in its places.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        The sentence.
    """
    return fill(templates(language)[key], values)


@functools.cache
def templates(language: str) -> Mapping[str, str]:
    """Read the templates of a language.

    Parameters
    ----------
    language : str
        ``it`` or ``en``.

    Returns
    -------
    mapping of str to str
        By key; treat it as read-only.

    Raises
    ------
    ValueError
        For another language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not one of {', '.join(LANGUAGES)}")
    text = resources.files("geo_engine.words").joinpath("drivers.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)[language])


def number_of(value: object) -> float:
    """Read a figure of a table's row.

    Parameters
    ----------
    value : object
        A number, or None.

    Returns
    -------
    float
        NaN where it is missing.
    """
    return math.nan if value is None else float(str(value))
