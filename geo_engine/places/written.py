"""How a field that names a municipality is put together: parts, hamlets, cut and lost letters."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from geo_engine.places import names

LOST_LETTERS = "?\ufffd"
"""What stands for a letter that a program could not write ("FORL?")."""
LEAST_LITERAL = 4
"""Letters of the longest word written in full, of a name with abbreviations."""
_DOTTED = re.compile(r"(.+?)\s*\.\s*([^.]+?)\s*\.?")
_SEPARATED = re.compile(r"\s*(?<!\s[A-Za-z])/\s*|\s+[-\u2013]\s+")
_BRACKETED = re.compile(r"(.+?)\s*[(\[]\s*([^)\]]+?)\s*[)\]]?")
_COMMA = re.compile(r"(.+?)\s*[,;]\s*(.+)")
_POSTAL_BEFORE = re.compile(r"(?:I\s*-\s*)?([0-9]{5})\s*[-,]?\s+(.+)", re.IGNORECASE)
_POSTAL_AFTER = re.compile(r"(.+?)\s*[-,]?\s+([0-9]{5})")
_SIGLA_AFTER = re.compile(r"(.+?)[\s,.-]+([A-Za-z]{2})\.?")
_OFFICE = re.compile(
    r"(?:COMUNE|CITTA['\u2019`]?|MUNICIPIO|GEMEINDE|COMMUNE|CITT\u00c0)\s+"
    r"(?:DI\s+|DE\s+|DELL['\u2019`]\s*|DEL\s+|DELLA\s+|D['\u2019`]\s*)?(.+)",
    re.IGNORECASE,
)
_SAINT = re.compile(r"\bS\.?T[AOIE]\b\.?\s*")
"""All forms of saint are alike: S.TA stands for any of them."""
_STATED = re.compile(r"\bFR(?:AZ|\.)|\bLOC", re.IGNORECASE)
_HAMLET_OF = re.compile(
    r"(.+?)[\s,(-]+(?:FRAZIONE|FRAZ\.?|FR\.|LOC\.?|LOCALIT\w*['\u2019`]?)\s+"
    r"(?:DI\s+|DEL\s+COMUNE\s+DI\s+|D['\u2019`])(.+?)\)?",
    re.IGNORECASE,
)
_WITH_HAMLET = re.compile(
    r"(.+?)[\s,(-]+(?:FRAZIONE|FRAZ\.?|FR\.|LOC\.?|LOCALIT\w*['\u2019`]?)\s+(.+?)\)?",
    re.IGNORECASE,
)
_SHORE = re.compile(
    r"(?:MARINA|LIDO|STAZIONE|SCALO)\s+(?:DI|D['\u2019`]|DEL)\s*(.+)", re.IGNORECASE
)
_SHORE_AFTER = re.compile(r"(.+?)\s+(?:LIDO|SCALO|STAZIONE)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A name as one way of reading its field gives it."""

    name: str
    beside: str = ""
    """What stands beside it: a province, perhaps."""
    postal_code: str = ""


@functools.lru_cache(maxsize=4096)
def readings(text: str) -> tuple[Written, ...]:
    """Read a field that holds more than a name.

    Parameters
    ----------
    text : str
        Such as "20121 MILANO", "CASTRO (LE)", "Castro LE" or "Comune di Roma".

    Returns
    -------
    tuple of Written
        The name without what was around it.
    """
    found = []
    for pattern in (_BRACKETED, _COMMA, _SIGLA_AFTER):
        match = pattern.fullmatch(text)
        if match:
            found.append(Written(name=match[1], beside=match[2]))
    before, after = _POSTAL_BEFORE.fullmatch(text), _POSTAL_AFTER.fullmatch(text)
    if before:
        found.append(Written(name=before[2], postal_code=before[1]))
    if after:
        found.append(Written(name=after[1], postal_code=after[2]))
    office = _OFFICE.fullmatch(text)
    if office:
        found.append(Written(name=office[1]))
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def languages(text: str) -> tuple[str, ...]:
    """Split a name in several languages.

    Parameters
    ----------
    text : str
        Such as "Bozen / Bolzano", "FUNES .VILLNOESS." or "Trieste (Trst)".

    Returns
    -------
    tuple of str
        One part when it is written once.
    """
    parts = tuple(part for part in _SEPARATED.split(text) if names.key(part))
    if len(parts) > 1:
        return parts
    for pattern in (_BRACKETED, _DOTTED):
        match = pattern.fullmatch(text)
        if match and names.key(match[1]) and names.key(match[2]):
            return match[1], match[2]
    return (text,)


def hamlets(text: str) -> Iterator[tuple[str, str]]:
    """Read a hamlet written with its municipality.

    Parameters
    ----------
    text : str
        Such as "Lido di Ostia frazione di Roma", "Marina di Massa" or "Porto Mantovano - Bancole".

    Yields
    ------
    municipality, hamlet : str
        The hamlet is "" where the municipality's name is part of it.
    """
    is_stated = _STATED.search(text) is not None
    stated = _HAMLET_OF.fullmatch(text) if is_stated else None
    if stated:
        yield stated[2], stated[1]
        return
    stated = _WITH_HAMLET.fullmatch(text) if is_stated else None
    if stated:
        yield stated[1], stated[2]
        return
    for pattern in (_SHORE, _SHORE_AFTER):
        match = pattern.fullmatch(text)
        if match:
            yield match[1], ""
    parts = languages(text)
    comma = _COMMA.fullmatch(text)
    if len(parts) == 1 and comma:
        parts = comma[1], comma[2]
    if len(parts) == 2:
        yield parts[0], parts[1]
        yield parts[1], parts[0]


@functools.lru_cache(maxsize=4096)
def pattern(text: str) -> re.Pattern[str] | None:
    """Give what an abbreviated or damaged name may stand for.

    Parameters
    ----------
    text : str
        Such as "S.GIO. IN PERSICETO", "C.LLO DI ANNONE" or "CANT?".

    Returns
    -------
    Pattern or None
        To be matched against whole folded names; None where nothing is abbreviated or lost, or
        too little is left.
    """
    plain = _SAINT.sub("SANTA ", names.plain(text))
    pieces = re.findall(rf"([A-Z0-9{LOST_LETTERS}]+)([./]?)", plain)
    short = [len(body) == 1 or bool(mark) for body, mark in pieces]
    lost = any(letter in text for letter in LOST_LETTERS)
    whole = [
        sum(letter not in LOST_LETTERS for letter in body)
        for (body, _), is_short in zip(pieces, short, strict=True)
        if not is_short
    ]
    if not (any(short) or lost) or max(whole, default=0) < LEAST_LITERAL - lost:
        return None
    small = "|".join(names.small_words())
    glue = rf"(?:(?:{small}) )*"
    parts = [
        _piece(body, is_short, mark) for (body, mark), is_short in zip(pieces, short, strict=True)
    ]
    return re.compile(glue.join(parts).rstrip() + " ?")


def _piece(body: str, is_short: bool, mark: str) -> str:
    """Give the pattern of one word."""
    if body in names.saints() and mark != "/":  # "S/" is "sul" and the like
        return rf"(?:{'|'.join(sorted(names.saints(), key=len, reverse=True))}) "
    letters = re.sub(rf"[{LOST_LETTERS}]+", lambda lost: f"[A-Z ]{{0,{len(lost[0])}}}", body)
    return f"{letters}[A-Z]* ?" if is_short else f"{letters} "
