"""Legal forms of enterprises in five groups, from codes or names."""

from __future__ import annotations

import functools
import tomllib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

UNKNOWN_FORM = -1
SOLE = 0
"""Position of sole proprietorships: their owners are natural persons."""


@functools.cache
def legal_forms() -> Mapping[str, Any]:
    """Give the groups by key.

    Returns
    -------
    mapping
        As ``legal_forms.toml`` states them; positions are in this order.
    """
    text = Path(__file__).with_name("legal_forms.toml").read_text(encoding="utf-8")
    groups: Mapping[str, Any] = tomllib.loads(text)["forms"]
    return groups


def form_labels(language: Literal["it", "en"] = "it") -> tuple[str, ...]:
    """Name the groups.

    Parameters
    ----------
    language : {"it", "en"}
        Of the names.

    Returns
    -------
    tuple of str
        In the order of their positions.
    """
    key = "label" if language == "it" else "label_en"
    return tuple(group[key] for group in legal_forms().values())


def read_legal_forms(
    texts: Any, *, is_person: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.int8]:
    """Give the group of each legal form.

    Parameters
    ----------
    texts : Series or array of str
        "SR", "S.R.L.", "SOCIETA' A RESPONSABILITA' LIMITATA", "Impresa individuale".
    is_person : array of bool, optional
        Firms whose tax code is a natural person's (``quality.tax_codes.is_person``): sole
        proprietorships where the text does not say.

    Returns
    -------
    array of int8
        Position among :func:`legal_forms`, -1 unknown.
    """
    column = texts.to_pandas() if hasattr(texts, "to_pandas") else pd.Series(texts)
    which, distinct = pd.factorize(column)
    found = [_form(str(text)) for text in distinct]
    forms = np.array([*found, UNKNOWN_FORM], np.int8)[which]
    if is_person is not None:
        forms = np.where((forms == UNKNOWN_FORM) & is_person, SOLE, forms).astype(np.int8)
    return forms


def forms_in_names(names: Any) -> npt.NDArray[np.int8]:
    """Find the legal form that stands in the name of a firm, where there is no column of it.

    Parameters
    ----------
    names : Series or array of str
        "Rossi S.R.L.", "alfa societa' a responsabilita' limitata semplificata".

    Returns
    -------
    array of int8
        Position among :func:`legal_forms`; -1 where no form is written, as in the names of most
        sole proprietorships.
    """
    column = names.to_pandas() if hasattr(names, "to_pandas") else pd.Series(names)
    which, distinct = pd.factorize(column)
    found = [_form_inside(str(name)) for name in distinct]
    return np.array([*found, UNKNOWN_FORM], np.int8)[which]


def _form_inside(name: str) -> int:
    """Find the longest words of a form in a name."""
    text = f" {_plain(name)} "
    best, longest = UNKNOWN_FORM, 0
    for position, group in enumerate(legal_forms().values()):
        for words in (*group["starts"], *group["short"]):
            if len(words) > longest and f" {words} " in text:
                best, longest = position, len(words)
    return best


def _plain(text: str) -> str:
    """Drop accents, apostrophes, points and case."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    words = "".join(char for char in decomposed if char.isalnum() or char.isspace() or char in "-/")
    return " ".join(words.replace("-", " ").replace("/", " ").split())


def _form(text: str) -> int:
    """Find the group of one text: by code, else by the longest beginning that fits."""
    plain = _plain(text)
    code = plain.replace(" ", "").upper()
    best, longest = UNKNOWN_FORM, 0
    for position, group in enumerate(legal_forms().values()):
        if code in group["codes"]:
            return position
        for start in group["starts"]:
            if len(start) > longest and f"{plain} ".startswith(f"{start} "):
                best, longest = position, len(start)
    return best
