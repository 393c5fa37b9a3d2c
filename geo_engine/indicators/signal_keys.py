"""Keys by which a firm is found in another table: tax code, REA number, and a year beside them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from numba import njit

from geo_engine.quality.profile import text_hashes
from geo_engine.quality.tax_codes import STATES, check_tax_codes
from geo_engine.quality.texts import text_buffers

Keys = npt.NDArray[np.uint64]

NO_KEY = np.uint64(0)
"""Key of a row that cannot be told from others."""
RENAMED = {"FO": "FC", "PS": "PU"}
"""Abbreviations that registers still write, and the present ones."""
_REA_DIGITS = 9
_WORDS = re.compile(r"\b(?:R\.?\s?E\.?\s?A\.?|NUMERO|NUM|NR|N)\b[.:°º]?|[°º]")
_BEFORE = re.compile(r"([A-Z]{2})[\s./:_-]*([\d.\s]+)")
_BEHIND = re.compile(r"([\d.\s]+?)[\s/:_-]*([A-Z]{2})")
_ALONE = re.compile(r"([\d.\s]+)")
_TAIL = re.compile(r"\.0+$")


def tax_keys(texts: Any, *, pseudonyms: bool = False) -> Keys:
    """Give the key of each tax code, the same one that places firms by enterprise.

    Parameters
    ----------
    texts : Series or array of str
        Tax codes or VAT numbers, however they are written.
    pseudonyms : bool
        Whether texts that are no tax code stand for one firm each; both tables must then hold the
        same pseudonyms.

    Returns
    -------
    array of uint64
        Equal for equal codes; 0 where there is no code to tell by.
    """
    column = _column(texts)
    found = check_tax_codes(column)
    keys = found.keys.copy()
    if pseudonyms:
        odd = np.flatnonzero(found.states == STATES.index("invalid"))
        if len(odd):
            written = column.iloc[odd].str.strip().str.upper()
            keys[odd] = text_hashes(written, "tax_code")
    return keys


def rea_keys(
    texts: Any, provinces: Any = None, *, abbreviations: Mapping[str, str] | None = None
) -> Keys:
    """Give the key of each REA number: province of the register, and number.

    "MI-1234567", "MI 01234567", "REA n. MI/1.234.567", "1234567 MI" and "1234567" with a column of
    provinces are one number. The province written in the number itself counts before the column's.

    Parameters
    ----------
    texts : Series or array of str
        REA numbers.
    provinces : Series or array of str, optional
        Province of each, as abbreviation or name.
    abbreviations : mapping of str to str, optional
        Abbreviation by name of the province, for a column of names; case and accents do not matter.

    Returns
    -------
    array of uint64
        Equal for equal numbers of one province; 0 where province or number is missing.
    """
    column = _column(texts)
    which, beside = pd.factorize(_column([""] * len(column) if provinces is None else provinces))
    names = {_plain(name): short for name, short in (abbreviations or {}).items()}
    shorts = [_abbreviation(str(province), names) for province in beside]
    province = np.array([_place(short) for short in shorts], np.int64)[which]
    keys = np.zeros(len(column), np.uint64)
    odd = np.zeros(len(column), bool)
    _read_simple(*text_buffers(column), province, keys, odd)
    for row in np.flatnonzero(odd).tolist():
        keys[row] = _rea_key(column.iloc[row], shorts[which[row]])
    return keys


def dated_keys(keys: Keys, years: npt.NDArray[np.integer] | int) -> Keys:
    """Tie keys to a year, where the other table says what was true in each year.

    Parameters
    ----------
    keys : array of uint64
        Of firms.
    years : array of int, or int
        Year of each row.

    Returns
    -------
    array of uint64
        Other keys for other years; 0 stays 0.
    """
    mixed = keys ^ (np.asarray(years).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return np.where(keys == NO_KEY, NO_KEY, np.maximum(mixed, np.uint64(1)))


def _column(texts: Any) -> pd.Series:
    """Give a column as text with "" for missing ones, numbered from 0."""
    column = texts.to_pandas() if hasattr(texts, "to_pandas") else pd.Series(texts)
    return column.astype("str").fillna("").reset_index(drop=True)


def _plain(text: str) -> str:
    """Drop accents, apostrophes and case."""
    decomposed = unicodedata.normalize("NFKD", text.upper())
    kept = "".join(char for char in decomposed if char.isalnum() or char.isspace() or char == "-")
    return " ".join(kept.replace("-", " ").split())


def _rea_key(text: str, beside: str) -> int:
    """Give the key of one number, 0 for none."""
    tidy = unicodedata.normalize("NFKC", text).upper()
    tidy = " ".join(_WORDS.sub(" ", _TAIL.sub("", tidy.strip())).split()).strip("-/.: ")
    for pattern, province_first in ((_BEFORE, True), (_BEHIND, False)):
        match = pattern.fullmatch(tidy)
        if match:
            province, number = match.groups() if province_first else match.groups()[::-1]
            return _numbered(_place(province), number)
    match = _ALONE.fullmatch(tidy)
    return _numbered(_place(beside), match[1]) if match else 0


def _abbreviation(province: str, names: Mapping[str, str]) -> str:
    """Give the abbreviation of a province, "" where it has none."""
    plain = _plain(province)
    return plain if re.fullmatch("[A-Z]{2}", plain) else names.get(plain, "")


def _place(short: str) -> int:
    """Give a province its number, from 1; 0 for none."""
    now = RENAMED.get(short, short)
    return (ord(now[0]) - 65) * 26 + ord(now[1]) - 64 if re.fullmatch("[A-Z]{2}", now) else 0


def _numbered(place: int, number: str) -> int:
    """Join province and number into one key."""
    digits = re.sub(r"\D", "", number).lstrip("0")
    if not digits or len(digits) > _REA_DIGITS or not place:
        return 0
    return int(place * 10**_REA_DIGITS + int(digits))


_NOW = np.arange(26 * 26 + 1)
"""Number of each province now, by number."""
for _old, _new in RENAMED.items():
    _NOW[(ord(_old[0]) - 65) * 26 + ord(_old[1]) - 64] = _place(_new)


@njit(cache=True, nogil=True)
def _read_simple(
    data: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.int64],
    beside: npt.NDArray[np.int64],
    keys: Keys,
    odd: npt.NDArray[np.bool_],
) -> None:  # pragma: no cover
    """Read "MI-1234567", "MI1234567" and "1234567"; mark every other text as odd."""
    for row in range(len(keys)):
        at, end = offsets[row], offsets[row + 1]
        place = beside[row]
        if end - at > 2 and _capital(data[at]) and _capital(data[at + 1]):
            place = _NOW[(_upper(data[at]) - 65) * 26 + _upper(data[at + 1]) - 64]
            at += 2
            if data[at] == 45 or data[at] == 32:
                at += 1
        number, figures = 0, 0
        while at < end and 48 <= data[at] <= 57 and number < 10**_REA_DIGITS:
            number = number * 10 + data[at] - 48
            figures += 1
            at += 1
        if at < end or figures == 0:
            odd[row] = at < end
        elif place > 0 and 0 < number < 10**_REA_DIGITS:
            keys[row] = place * 10**_REA_DIGITS + number


@njit(cache=True, nogil=True)
def _capital(byte: int) -> bool:  # pragma: no cover
    return 65 <= byte <= 90 or 97 <= byte <= 122


@njit(cache=True, nogil=True)
def _upper(byte: int) -> int:  # pragma: no cover
    return byte - 32 if byte >= 97 else byte
