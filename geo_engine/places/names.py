"""One spelling for names of places: keys under which equal names meet."""

from __future__ import annotations

import contextlib
import functools
import html
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from importlib import resources
from typing import Any

MISSING_WORDS = frozenset(("", "#N/D", "#N/A", "N/A", "N.D.", "-", "--", "?", "."))
"""Contents of a field that say nothing. Words stay: "NA" is Napoli, and what "None" meant to the
program that wrote it is not known here."""
_NOT_KEY = re.compile(r"[^A-Z0-9]+")
_SPELLED = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "ä": "ae", "ö": "oe", "ü": "ue"})
_LETTERS = str.maketrans(
    {
        "Ø": "O",
        "ø": "o",
        "Đ": "D",
        "đ": "d",
        "Ł": "L",
        "ł": "l",
        "Æ": "AE",
        "æ": "ae",
        "ß": "ss",
        "ẞ": "SS",
    }
)


@functools.cache
def vocabulary() -> Mapping[str, Any]:
    """Read the words that tell one spelling from another.

    Returns
    -------
    mapping
        The tables of ``names.toml``.
    """
    text = (resources.files("geo_engine.places") / "names.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def clean(text: object) -> str:
    """Trim a field and make its spaces single; words that mean nothing become "".

    Parameters
    ----------
    text : object
        A field as read; a missing one may be None or NaN.

    Returns
    -------
    str
        NFC, with plain spaces.
    """
    if not isinstance(text, str):
        return ""
    if "&" in text and ";" in text:
        text = html.unescape(text)  # "L&#39;Aquila"
    trimmed = " ".join(unicodedata.normalize("NFC", _decoded(text)).split())
    return "" if trimmed.upper() in MISSING_WORDS else trimmed


def _decoded(text: str) -> str:
    """Undo UTF-8 that was read as cp1252 or Latin-1 ("ForlÃ¬"), where all of it can be undone."""
    if any(letter in text for letter in "ÃÂÄÅ"):
        for encoding in ("cp1252", "latin-1"):
            with contextlib.suppress(UnicodeError):
                return text.encode(encoding).decode("utf-8")
    return text


@functools.lru_cache(maxsize=1 << 16)
def fold(text: str) -> str:
    """Write a name in capitals without accents and signs, words apart.

    Parameters
    ----------
    text : str
        Such as "Forlì", "FORLI'" or "San Donà di Piave".

    Returns
    -------
    str
        Such as "FORLI" or "SAN DONA DI PIAVE".
    """
    return _NOT_KEY.sub(" ", plain(text)).strip()


def plain(text: str) -> str:
    """Write a text in capitals without accents; signs stay.

    Parameters
    ----------
    text : str
        Such as "S.Donà/Piave".

    Returns
    -------
    str
        Such as "S.DONA/PIAVE".
    """
    if text.isascii():
        return text.upper()
    letters = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).upper()


def key(text: str) -> str:
    """Give the first key of a name: folded, without spaces.

    Parameters
    ----------
    text : str
        A name.

    Returns
    -------
    str
        Such as "SANTANGELODEILOMBARDI".
    """
    return fold(text).replace(" ", "")


def spelled_key(text: str) -> str:
    """Give the key of a German name written without umlauts ("Muehlbach").

    Parameters
    ----------
    text : str
        A name.

    Returns
    -------
    str
        The key with ae, oe and ue.
    """
    return key(unicodedata.normalize("NFC", text).translate(_SPELLED))


def accented_key(text: str) -> str:
    """Give the key that keeps accents, written as accents or as apostrophes.

    Parameters
    ----------
    text : str
        Such as "Paternò" or "PATERNO'".

    Returns
    -------
    str
        Such as "PATERNO'", which differs from that of "Paterno".
    """
    letters = unicodedata.normalize("NFKD", text.translate(_LETTERS)).upper()
    marked = re.sub(r"[\u0300\u0301\u2019\u2018`\u00b4]", "'", letters)
    return re.sub(r"[^A-Z0-9']+", "", marked)


def abbreviated_key(text: str) -> str:
    """Give the second key of a name: all forms of "saint" alike, abbreviations in full.

    Parameters
    ----------
    text : str
        Such as "S. Giovanni in Persiceto".

    Returns
    -------
    str
        The same key as that of "San Giovanni in Persiceto".
    """
    return " ".join(_words(text))


def joined_key(text: str) -> str:
    """Give the second key without spaces, for comparing beginnings.

    Parameters
    ----------
    text : str
        Such as "S. Giovanni in Persiceto".

    Returns
    -------
    str
        Such as "SGIOVANNIINPERSICETO".
    """
    return abbreviated_key(text).replace(" ", "")


def loose_key(text: str) -> str:
    """Give the third key of a name: the second without articles and prepositions.

    Parameters
    ----------
    text : str
        Such as "REGGIO CALABRIA".

    Returns
    -------
    str
        The same key as that of "Reggio di Calabria".
    """
    small = _word_set("small_words")
    return " ".join(word for word in _words(text) if word not in small)


@functools.lru_cache(maxsize=1 << 16)
def _words(text: str) -> tuple[str, ...]:
    """Split a folded name into words, with saints alike and abbreviations in full."""
    found = fold(text).split()
    full: list[str] = []
    longer = _abbreviations()
    while found:
        pair = longer.get(" ".join(found[:2])) if len(found) > 1 else None
        full.append(pair or longer.get(found[0], found[0]))
        del found[: 2 if pair else 1]
    saints = _word_set("saints")
    words = ("S" if word in saints else word for word in full)
    return tuple(word.replace("J", "I") for word in words)  # Montebello Jonico, Ionico


@functools.cache
def _abbreviations() -> Mapping[str, str]:
    """Give abbreviations of one or two words in full."""
    return dict(vocabulary()["abbreviations"])


@functools.cache
def _word_set(table: str) -> frozenset[str]:
    """Give the words of one table of the vocabulary."""
    return frozenset(vocabulary()[table]["words"])


@functools.cache
def foreign_keys() -> frozenset[str]:
    """Give the keys of marks, cities and countries that say a seat is abroad.

    Returns
    -------
    frozenset of str
        Keys as of :func:`key`.
    """
    foreign = vocabulary()["foreign"]
    words = (*foreign["marks"], *foreign["cities"], *foreign["countries"])
    return frozenset(key(word) for word in words)


@functools.cache
def null_keys() -> frozenset[str]:
    """Give the keys of names that programs also write for a missing value.

    Returns
    -------
    frozenset of str
        Keys as of :func:`key`; such a name counts only with its province or region.
    """
    return frozenset(key(word) for word in vocabulary()["null_words"]["words"])


def small_words() -> frozenset[str]:
    """Give the articles and prepositions that registers leave out.

    Returns
    -------
    frozenset of str
        In capitals.
    """
    return _word_set("small_words")


def saints() -> frozenset[str]:
    """Give the forms of "saint".

    Returns
    -------
    frozenset of str
        In capitals.
    """
    return _word_set("saints")
