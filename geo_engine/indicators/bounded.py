"""Amounts that may be known only within bounds: a number, a class such as 10-49, or nothing."""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.errors import TableError
from geo_engine.quality.numbers import Mark, read_numbers

FloatArray = npt.NDArray[np.float64]

_NUMBER = r"\d[\d.,']*(?:\s\d{3})*"
_NOTHING = (0.0, np.inf)
_CLASSES: tuple[tuple[re.Pattern[str], Callable[[float, float], tuple[float, float]]], ...] = (
    (re.compile(rf"({_NUMBER})"), lambda first, last: (first, last)),
    (
        re.compile(rf"(?:da|tra|fra|from)?\s*({_NUMBER})\s*(?:-|–|—|a|e|to)\s*({_NUMBER})"),
        lambda first, last: (first, last),
    ),
    (
        re.compile(
            rf"(?:>=|≥|almeno|da)\s*({_NUMBER})(?:\s*in su)?"
            rf"|({_NUMBER})\s*(?:\+|e oltre|ed oltre|e più|o più|and over|or more)"
        ),
        lambda first, _: (first, np.inf),
    ),
    (
        re.compile(rf"(?:oltre|più di|maggiore di|over|more than|>)\s*({_NUMBER})"),
        lambda first, _: (float(np.nextafter(first, np.inf)), np.inf),  # beyond the number itself
    ),
    (re.compile(rf"(?:fino a|al massimo|up to|<=|≤)\s*({_NUMBER})"), lambda _, last: (0.0, last)),
)
"""Ways of writing a class, and its bounds from its first and last number."""
_SIMPLE = {
    "": r"\d+(?:[.,](?:\d{1,2}|\d{4,}))?",
    ".": r"\d+(?:\.\d+)?",
    ",": r"\d+(?:,\d+)?",
}
"""Numbers with one reading, by decimal mark: read at once, the others one by one."""
_UNIT = re.compile(r"\b(?:addett[oi]|dipendent[ei]|person[ae]|persons|euro|eur)\b|€")
_SCALES = {"mila": 1e3, "mln": 1e6, "milione": 1e6, "milioni": 1e6, "mld": 1e9, "miliardi": 1e9}
_SCALE = re.compile(r"\s*(mila|mln|milione|milioni|mld|miliardi)\b(?:\s+di)?")
_LARGEST = 1e15


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """An amount of each firm of a batch, between two bounds which are possible values."""

    low: FloatArray
    """Lowest possible value; 0 where nothing is known."""
    high: FloatArray
    """Highest possible value; infinite where nothing is known."""

    @property
    def is_known(self) -> npt.NDArray[np.bool_]:
        """Tell where anything at all is known."""
        return np.asarray((self.low > 0) | np.isfinite(self.high))

    def below(self, limit: float, *, inclusive: bool = False) -> npt.NDArray[np.int8]:
        """Tell which amounts are below a limit, or at most at it.

        Parameters
        ----------
        limit : float
            In the unit of the amounts.
        inclusive : bool
            Whether the limit itself is still below.

        Returns
        -------
        array of int8
            1 surely, 0 surely not, -1 where the bounds leave it open.
        """
        surely = self.high <= limit if inclusive else self.high < limit
        never = self.low > limit if inclusive else self.low >= limit
        return np.where(surely, 1, np.where(never, 0, -1)).astype(np.int8)


def unknown_amounts(rows: int) -> Bounded:
    """Give amounts of which nothing is known.

    Parameters
    ----------
    rows : int
        How many.

    Returns
    -------
    Bounded
        From 0 to infinity.
    """
    return Bounded(low=np.zeros(rows), high=np.full(rows, np.inf))


def exact_amounts(values: npt.ArrayLike) -> Bounded:
    """Give amounts of known numbers.

    Parameters
    ----------
    values : array of float
        A missing, negative or infinite one is unknown.

    Returns
    -------
    Bounded
        Both bounds are the number.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = np.isfinite(numbers) & (numbers >= 0)
    return Bounded(low=np.where(known, numbers, 0.0), high=np.where(known, numbers, np.inf))


def read_amounts(texts: Any, *, mark: Mark, whole: bool = False) -> Bounded:
    """Read a column of numbers or of classes.

    "12", "3,5", "10-49", "da 10 a 49 addetti", "250 e oltre", "fino a 9", "100.001 - 500.000 euro"
    and "oltre 50 milioni" are understood; anything else is unknown.

    Parameters
    ----------
    texts : Series or array of str
        The column as text.
    mark : {"", ".", ","}
        Decimal mark of the column, as ``quality.numbers.decide_mark`` decides it; "" where no
        value depends on it.
    whole : bool
        Whether classes count whole things, so that "oltre 249 addetti" begins with 250.

    Returns
    -------
    Bounded
        Aligned with ``texts``.
    """
    which, distinct = _distinct(texts)
    plain = _plain_numbers(distinct, mark)
    # A missing text has number -1, which reads the last pair: nothing known.
    low = np.append(np.where(np.isnan(plain), 0.0, plain), 0.0)
    high = np.append(np.where(np.isnan(plain), np.inf, plain), np.inf)
    for position in np.flatnonzero(np.isnan(plain)).tolist():
        low[position], high[position] = _class_bounds(str(distinct[position]), mark, whole=whole)
    return Bounded(low=low[which], high=high[which])


def letter_amounts(texts: Any, name: str) -> Bounded:
    """Read a column of classes given as letters.

    Parameters
    ----------
    texts : Series or array of str
        Letters; case and spaces do not matter, and any other text is unknown.
    name : str
        Table of letters in ``universe.toml``: "startup_addetti" or "startup_produzione".

    Returns
    -------
    Bounded
        Aligned with ``texts``.

    Raises
    ------
    TableError
        ``SIZE_LETTERS`` for a table that does not exist.
    """
    tables = load_sizes()["letters"]
    if name not in tables:
        raise TableError(
            "SIZE_LETTERS", f"No classes are called {name!r}. Write one of: {', '.join(tables)}."
        )
    bounds = {letter: (*ends, np.inf)[:2] for letter, ends in tables[name].items()}
    which, distinct = _distinct(texts)
    read = [bounds.get(str(text).strip().upper(), _NOTHING) for text in distinct]
    ends = np.array([*read, _NOTHING], float)
    return Bounded(low=ends[which, 0], high=ends[which, 1])


def meet_amounts(first: Bounded, second: Bounded) -> Bounded:
    """Use two columns on one amount: a number and a class, say.

    Parameters
    ----------
    first, second : Bounded
        Of the same firms.

    Returns
    -------
    Bounded
        The common part of the bounds; those of ``first`` where they contradict each other.
    """
    low, high = np.maximum(first.low, second.low), np.minimum(first.high, second.high)
    agree = low <= high
    return Bounded(low=np.where(agree, low, first.low), high=np.where(agree, high, first.high))


def contradictions(first: Bounded, second: Bounded) -> int:
    """Count the firms of which two columns on one amount contradict each other.

    Parameters
    ----------
    first, second : Bounded
        Of the same firms.

    Returns
    -------
    int
        Firms whose bounds have no value in common.
    """
    apart = (first.low > second.high) | (second.low > first.high)
    return int(apart.sum())


def sum_by_firm(
    amounts: Bounded, firm: npt.NDArray[np.uint64], year: npt.NDArray[np.integer]
) -> Bounded:
    """Add up amounts of local units to those of their enterprise.

    Parameters
    ----------
    amounts : Bounded
        Of each unit.
    firm : array of uint64
        Key of the enterprise of each unit.
    year : array of int
        Year of each row.

    Returns
    -------
    Bounded
        Of the enterprise, at each of its units; a unit of unknown size leaves the sum open above.
    """
    if not len(firm):
        return amounts
    order = np.lexsort((year, firm))
    firms, years = np.asarray(firm)[order], np.asarray(year)[order]
    new = np.ones(len(order), bool)
    new[1:] = (firms[1:] != firms[:-1]) | (years[1:] != years[:-1])
    group = np.empty(len(order), np.int64)
    group[order] = np.cumsum(new) - 1
    size = int(new.sum())
    low = np.bincount(group, amounts.low, size).astype(np.float64)[group]
    high = np.bincount(group, amounts.high, size).astype(np.float64)[group]
    return Bounded(low=low, high=high)


@functools.cache
def load_sizes() -> Mapping[str, Any]:
    """Read limits, size classes, universes and classes given as letters.

    Returns
    -------
    mapping
        As ``universe.toml`` states it.
    """
    text = Path(__file__).with_name("universe.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _distinct(texts: Any) -> tuple[npt.NDArray[np.int64], Any]:
    """Give the number of each text among the distinct ones, -1 where it is missing, and these."""
    column = texts.to_pandas() if hasattr(texts, "to_pandas") else pd.Series(texts)
    which, distinct = pd.factorize(column)
    return which, distinct


def _plain_numbers(texts: Any, mark: Mark) -> FloatArray:
    """Read texts that are numbers; NaN for every other one, and for negative ones.

    Where no decimal mark is decided, figures in groups of three are thousands.
    """
    column = pd.Series(texts, dtype="str").reset_index(drop=True)
    values = np.full(len(column), np.nan)
    simple = column.str.fullmatch(_SIMPLE[mark]).fillna(value=False).to_numpy(bool)
    written = column[simple].str.replace(",", ".", regex=False)
    values[simple] = pd.to_numeric(written).to_numpy(float)
    read = read_numbers(column[~simple], largest=_LARGEST)
    rest = read.values(mark) if mark else np.fmax(read.by_point, read.by_comma)
    values[~simple] = rest
    return np.where((values >= 0) & (values < np.inf), values, np.nan)


def _class_bounds(text: str, mark: Mark, *, whole: bool) -> tuple[float, float]:
    """Give the bounds that a text of words states."""
    tidy = " ".join(_UNIT.sub(" ", text.casefold()).split())
    scales = {_SCALES[word] for word in _SCALE.findall(tidy)}
    if len(scales) > 1:
        return _NOTHING
    bare, scale = _SCALE.sub("", tidy).strip(), max(scales, default=1.0)
    for pattern, bounds in _CLASSES:
        match = pattern.fullmatch(bare)
        if match is None:
            continue
        parts = [part for part in match.groups() if part]
        numbers = _plain_numbers(parts, mark) * scale
        low, high = bounds(float(numbers[0]), float(numbers[-1]))
        low = math.ceil(low) if whole and math.isfinite(low) else low
        return (low, high) if low <= high else _NOTHING
    return _NOTHING
