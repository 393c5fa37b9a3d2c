"""Sentences from facts, in Italian and English; the atlas's script makes the same ones."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from geo_engine.words import word

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
FEW_FIRMS = 10
"""A share of fewer firms is shown with a warning."""


def fill(template: str, values: Mapping[str, object]) -> str:
    """Put values in a template, once: a value that looks like a placeholder stays as it is.

    Parameters
    ----------
    template : str
        Text with ``{names}``.
    values : mapping
        What replaces each name; an unknown name stays.

    Returns
    -------
    str
        The sentence.
    """
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), template)


def number(value: float, language: str, *, decimals: int = 0) -> str:
    """Write a number as the language does, halves upward.

    Parameters
    ----------
    value : float
        A finite number.
    language : str
        ``it`` or ``en``.
    decimals : int
        Digits after the decimal mark.

    Returns
    -------
    str
        ``1.234,5`` in Italian, ``1,234.5`` in English.
    """
    scale = 10**decimals
    whole = math.floor(abs(value) * scale + 0.5 + 1e-9) / scale
    text = f"{whole:,.{decimals}f}"
    if language == "it":
        text = text.translate(str.maketrans(",.", ".,"))
    return f"-{text}" if value < 0 and whole != 0 else text


def percent(share: float, language: str) -> str:
    """Write a share with one decimal.

    Parameters
    ----------
    share : float
        From 0 to 1.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        ``48,2%``.
    """
    return f"{number(100 * share, language, decimals=1)}%"


def small(value: float, language: str) -> str:
    """Write a p- or q-value.

    Parameters
    ----------
    value : float
        From 0 to 1.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        ``<0,001``, three decimals, or ``<0,05`` just below a level that rounding would reach.
    """
    if value < 0.001:
        return f"<{number(0.001, language, decimals=3)}"
    level = round(value, 2)
    if value < level == round(value, 3):
        return f"<{number(level, language, decimals=2)}"
    return number(value, language, decimals=3)


def places(count: int, language: str) -> str:
    """Count municipalities.

    Parameters
    ----------
    count : int
        How many.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        ``1 comune``, ``12 comuni``.
    """
    form = "count_one" if count == 1 else "count_many"
    return fill(word(language, "atlas", form), {"n": number(count, language)})


def hotspot_sentence(hotspot: Mapping[str, object], signal: str, language: str) -> str:
    """Describe a hotspot: what, how much, how sure, and what it does not mean.

    Parameters
    ----------
    hotspot : mapping
        A row of ``Results.hotspots``.
    signal : str
        Name of the digital signal in the language.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        Two or three sentences.
    """
    figures = {key: _float(hotspot[key]) for key in ("share", "share_outside", "digital", "known")}
    values: dict[str, object] = {
        "places": places(int(_float(hotspot["places"])), language),
        "signal": signal,
        "q": small(_float(hotspot["min_q_value"]), language),
    }
    if any(math.isnan(figure) for figure in figures.values()):
        return fill(word(language, "sentences", "hotspot_suppressed"), values)
    values |= {
        "share": percent(figures["share"], language),
        "outside": percent(figures["share_outside"], language),
        "digital": number(figures["digital"], language),
        "known": number(figures["known"], language),
    }
    sentence = fill(word(language, "sentences", "hotspot"), values)
    few = figures["known"] < FEW_FIRMS
    return f"{sentence} {word(language, 'sentences', 'hotspot_few')}" if few else sentence


def probes_sentence(hotspot: Mapping[str, object], language: str) -> str:
    """Say how a hotspot stands under other choices; nothing of what was not tried.

    Parameters
    ----------
    hotspot : mapping
        A row of ``Results.hotspots``: ``robustness``, ``province_scale``, ``without_main``,
        ``places``.
    language : str
        ``it`` or ``en``.

    Returns
    -------
    str
        Up to three sentences, "" where nothing was tried.
    """
    said = []
    robustness = _float(hotspot["robustness"])
    if not math.isnan(robustness):
        values = {"robustness": percent(robustness, language)}
        said.append(fill(word(language, "sentences", "robust"), values))
    alone = int(_float(hotspot["places"])) == 1
    left_out = "without_neighbor" if alone else "without_main"
    for kind, column in (("province_scale", "province_scale"), (left_out, "without_main")):
        if hotspot[column] in ("confirmed", "not_confirmed"):
            said.append(word(language, "sentences", f"{kind}_{hotspot[column]}"))
    return " ".join(said)


def empty_sentence(tested: int, expected: float, language: str, reason: str = "") -> str:
    """Say that no area is significant, and what chance alone would have shown.

    Parameters
    ----------
    tested : int
        Places with a p-value.
    expected : float
        Places that chance alone leaves below p = 0.005.
    language : str
        ``it`` or ``en``.
    reason : str
        Why a map without tests has none (``space.REASONS``), "" when not known.

    Returns
    -------
    str
        One sentence or two.
    """
    if tested == 0:
        said = word(language, "sentences", "untested")
        return f"{said} {word(language, 'sentences', f'reason_{reason}')}" if reason else said
    count = math.floor(expected + 0.5)
    form = "empty_one" if count == 1 else "empty"
    values = {"tested": number(tested, language), "expected": places(count, language)}
    return fill(word(language, "sentences", form), values)


def _float(value: object) -> float:
    """Read a figure of a table's row; a missing one is NaN."""
    return math.nan if value is None else float(str(value))
