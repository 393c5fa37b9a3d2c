"""Profiles of SELFI4.0, from their names or from a score."""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import TableError
from geo_engine.indicators.digital import NO, UNKNOWN, YES, Signals

_STEMS = ("esordient", "apprendist", "specialist", "espert", "campion")


@functools.cache
def selfi_table() -> Mapping[str, Any]:
    """Read profiles, scale, thresholds and notes.

    Returns
    -------
    mapping
        As ``selfi.toml`` states them.
    """
    return tomllib.loads(Path(__file__).with_name("selfi.toml").read_text(encoding="utf-8"))


def profile_labels(language: Literal["it", "en"] = "it") -> tuple[str, ...]:
    """Name the five profiles.

    Parameters
    ----------
    language : {"it", "en"}
        Of the names.

    Returns
    -------
    tuple of str
        From the lowest to the highest.
    """
    key = "label" if language == "it" else "label_en"
    return tuple(profile[key] for profile in selfi_table()["profiles"])


def read_profiles(texts: Any) -> Signals:
    """Read a column of names of profiles.

    Parameters
    ----------
    texts : Series or array of str
        "Esordiente", "apprendista digitale", "Campioni digitali"; anything else is unknown.

    Returns
    -------
    array of int8
        0 Esordiente to 4 Campione digitale, -1 unknown.
    """
    column = texts.to_pandas() if hasattr(texts, "to_pandas") else pd.Series(texts)
    which, distinct = pd.factorize(column)
    found = [_profile(str(text)) for text in distinct]
    return np.array([*found, UNKNOWN], np.int8)[which]


def selfi_profiles(
    scores: npt.NDArray[np.float64], *, thresholds: Sequence[float] | None = None
) -> Signals:
    """Give the profile of each score.

    Parameters
    ----------
    scores : array of float
        From 1 to 4; a value outside, or missing, is unknown.
    thresholds : sequence of float, optional
        The four scores from which a profile begins. The official ones are not public: the default
        parts the scale into five equal parts.

    Returns
    -------
    array of int8
        0 to 4, -1 unknown.

    Raises
    ------
    TableError
        ``SELFI_THRESHOLDS`` unless they are four, ascending, within the scale.
    """
    first, last = selfi_table()["scale"]
    limits = list(selfi_table()["thresholds"] if thresholds is None else thresholds)
    bounds = [first, *limits, last]
    if len(limits) != len(_STEMS) - 1 or any(a >= b for a, b in itertools.pairwise(bounds)):
        raise TableError(
            "SELFI_THRESHOLDS",
            f"{limits}: give four ascending scores between {first} and {last}, where the profiles "
            "from Apprendista to Campione digitale begin.",
        )
    values = np.asarray(scores, float)
    inside = (values >= first) & (values <= last)
    found = np.searchsorted(limits, values, side="right")
    return np.where(inside, found, UNKNOWN).astype(np.int8)


def at_least_profile(profiles: Signals, profile: str) -> Signals:
    """Turn profiles into a signal.

    Parameters
    ----------
    profiles : array of int8
        0 to 4, -1 unknown.
    profile : str
        Key of the lowest profile that counts: "specialista".

    Returns
    -------
    array of int8
        1, 0 or -1.

    Raises
    ------
    TableError
        ``SELFI_PROFILE`` for a profile that does not exist.
    """
    keys = [each["key"] for each in selfi_table()["profiles"]]
    if profile not in keys:
        raise TableError(
            "SELFI_PROFILE", f"{profile!r} is no profile. Write one of: {', '.join(keys)}."
        )
    reached = np.where(profiles >= keys.index(profile), YES, NO)
    return np.where(profiles == UNKNOWN, UNKNOWN, reached).astype(np.int8)


def _profile(text: str) -> int:
    """Find the profile that a text names, -1 for none or several."""
    words = text.casefold().split()
    named = {i for i, stem in enumerate(_STEMS) if any(word.startswith(stem) for word in words)}
    return named.pop() if len(named) == 1 else UNKNOWN
