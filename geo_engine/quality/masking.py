"""Examples without persons: what is wrong stays readable, whose it is does not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

SHOWN = 40
"""Characters of a masked value that are shown."""
KEPT = 3
"""Letters of a word that are kept where the word itself is what is wrong."""
_LIKE_TAX_CODE = re.compile(
    r"(?<!\d)\d{7,}(?!\d)|(?<![A-Z0-9])[A-Z]{6}[0-9A-Z]{10}(?![A-Z0-9])", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+")
_DIGIT = re.compile(r"\d")
_DEGREES = re.compile(r"^([^\d]*\d+(?:[.,]\d)?)(.*)$", re.DOTALL)
_NO_DEGREES = re.compile(r"^\D*\d{8}|^\D*\d*[^\W\d].*\d")
_LONG_CODE = re.compile(r"\w")

REASON_ROLES: dict[str, tuple[str, ...]] = {
    "CF_": ("tax_code",),
    "VALUE_RANGE": ("employees",),
    "NUMBER_INVALID": ("employees",),
    "YEAR_INVALID": ("year",),
    "DATE_INVALID": ("registered", "ceased"),
    "COUNT_INVALID": ("firms", "known", "digital"),
    "OUT_OF_STUDY": ("year", "firm_status", "unit_type"),
    "REPAIRED_TAX_CODE": ("tax_code",),
    "REPAIRED_ATECO": ("ateco",),
    "ATECO_": ("ateco", "ateco_version"),
    "COORD_COMUNE_CONFLICT": ("lon", "lat", "municipality", "province", "istat_code"),
    "DECLARED_": ("lon", "lat", "municipality", "province", "istat_code"),
    "COORD_": ("lon", "lat"),
    "SNAPPED": ("lon", "lat"),
    "GEOCODE_": ("lon", "lat"),
    "DUPLICATE": ("tax_code", "name"),
}
"""Roles whose values are wrong, by the beginning of a reason or flag."""
PLACE_ROLES = ("istat_code", "cadastral_code", "municipality", "province", "region", "postal_code")
"""Roles of every other reason: where the firm is said to be."""


def wrong_roles(reason: str) -> tuple[str, ...]:
    """Name the roles to which a reason or a flag points.

    Parameters
    ----------
    reason : str
        ``CF_INVALID``, ``UNKNOWN_COMUNE``, ``SNAPPED``, ...

    Returns
    -------
    tuple of str
        Roles of ``[firms.columns]``.
    """
    for start, roles in REASON_ROLES.items():
        if reason.startswith(start):
            return roles
    return PLACE_ROLES


def masked(value: str | None, role: str, reason: str = "") -> str:
    """Mask one value.

    Parameters
    ----------
    value : str or None
        As the extract has it.
    role : str
        What its column holds; "" for a column without a role, which is masked most.
    reason : str
        Why it is an example.

    Returns
    -------
    str
        On one line, at most ``SHOWN`` characters.
    """
    text = _one_line(value or "")
    if role == "tax_code":
        return _cut(_mask_code(text, keeps_check=reason == "CF_CHECKSUM"))
    if role in ("lon", "lat"):
        return _cut(_mask_degrees(text))
    if role in ("", "name", "firm_id", "address"):
        return _cut(mask_words(_DIGIT.sub("*", text), kept=1))
    if role == "ateco":
        return _cut(mask_words(scrub(text), kept=KEPT, short=KEPT))
    return _cut(mask_words(scrub(text), kept=KEPT))


def masked_record(
    record: Mapping[str, str | None], columns: Mapping[str, str], reason: str
) -> dict[str, str]:
    """Mask the values to which a reason points.

    Parameters
    ----------
    record : mapping
        Fields by column.
    columns : mapping
        Column by role.
    reason : str
        Why the record is an example.

    Returns
    -------
    dict of str to str
        Masked values by column, in the order of the roles; empty when none is mapped.
    """
    return {
        columns[role]: masked(record.get(columns[role]), role, reason)
        for role in wrong_roles(reason)
        if role in columns
    }


def mask_words(text: str, *, kept: int, short: int = 2) -> str:
    """Keep the first letters of each word.

    Parameters
    ----------
    text : str
        Any text.
    kept : int
        Letters that stay of a long word; of a shorter one half of them, at least one.
    short : int
        Words up to this length stay as they are where ``kept`` is more than one (VA, NA).

    Returns
    -------
    str
        As long as the text; figures and marks stay.
    """

    def mask(found: re.Match[str]) -> str:
        word = found[0]
        if kept > 1 and len(word) <= short:
            return word
        stays = max(1, min(kept, len(word) // 2))
        return word[:stays] + "*" * (len(word) - stays)

    return _WORD.sub(mask, text)


def scrub(text: str) -> str:
    """Hide what looks like a tax code or a telephone number inside a text.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Runs of seven or more digits, and sixteen characters of a person's code, as asterisks.
    """
    return _LIKE_TAX_CODE.sub(lambda found: "*" * len(found[0]), text)


def _mask_code(text: str, *, keeps_check: bool) -> str:
    """Keep a code's first letter, its marks, and the check character where that is wrong."""
    hidden = _LONG_CODE.sub("*", text)
    if text[:1].isalpha():
        hidden = text[0] + hidden[1:]
    return hidden[:-1] + text[-1] if keeps_check and text else hidden


def _mask_degrees(text: str) -> str:
    """Keep whole degrees (or metres, which have seven figures at most) and one decimal."""
    found = None if _NO_DEGREES.search(text) else _DEGREES.match(text)
    if not found:
        return mask_words(_DIGIT.sub("*", text), kept=1)
    return found[1] + _DIGIT.sub("*", mask_words(found[2], kept=1))


def _one_line(text: str) -> str:
    """Drop what is no visible character."""
    visible = [" " if unicodedata.category(char)[0] in "CZ" else char for char in text]
    return " ".join("".join(visible).split())


def _cut(text: str) -> str:
    """Cut a long text."""
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
