"""Words of the artefacts: analysis returns facts, this package puts them in words."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

LANGUAGES = ("it", "en")
"""Languages of every artefact; the first is the default."""

Words = dict[str, dict[str, str]]


@functools.cache
def load_words(language: str) -> Words:
    """Read all words of one language.

    Parameters
    ----------
    language : str
        One of ``LANGUAGES``.

    Returns
    -------
    dict of str to dict of str to str
        Sections (``statuses``, ``variables``, ``atlas``, ...), then words by key; treat it as
        read-only.

    Raises
    ------
    ValueError
        When the language is not one of ``LANGUAGES``.
    """
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not one of {', '.join(LANGUAGES)}")
    text = resources.files(__name__).joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def load_atlas_words(language: str) -> Words:
    """Read the words of the map's controls, tables and cards.

    Parameters
    ----------
    language : str
        One of ``LANGUAGES``.

    Returns
    -------
    dict of str to dict of str to str
        Sections, then words by key; treat it as read-only.
    """
    text = resources.files(__name__).joinpath(f"atlas_{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def load_report_words(language: str) -> Words:
    """Read the words of territorial sheets and reports of a chain.

    Parameters
    ----------
    language : str
        One of ``LANGUAGES``.

    Returns
    -------
    dict of str to dict of str to str
        Sections, then words by key; treat it as read-only.
    """
    text = resources.files(__name__).joinpath(f"report_{language}.toml").read_text("utf-8")
    return tomllib.loads(text)


def word(language: str, section: str, key: str) -> str:
    """Give one word.

    Parameters
    ----------
    language : str
        One of ``LANGUAGES``.
    section : str
        A table of the language's file.
    key : str
        A key of that table.

    Returns
    -------
    str
        The word, or the key itself where there is none: an unnamed column still has a name.
    """
    return load_words(language).get(section, {}).get(key, key)
