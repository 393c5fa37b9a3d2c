"""Numbers as written in extracts, such as employees: which mark is the decimal one, and who errs.

"1.234" is 1234 to one reader and 1.234 to another. The other values of the column may decide:
"1.234.567" or "3,5" show that the point parts thousands, "12.5" that it is the decimal mark. Where
nothing decides, the whole column is refused, never guessed.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo_engine.errors import SourceError
from geo_engine.quality.texts import Texts, text_array

LARGEST = 1_000_000.0
"""Persons above which a number of employees is absurd."""
RANGE = "VALUE_RANGE"
"""Reason: negative, too large or not finite; the row is quarantined."""
UNREADABLE = "NUMBER_INVALID"
"""Flag: a text that is no number; the value is unknown."""
EXAMPLES = 3

_MISSING = re.compile(
    r"(?:nan|null|none|n/?a|n\.?d\.?|n\.?c\.?|no data|<na>|[-–—.]*)", re.IGNORECASE
)
_PLAIN = re.compile(r"\d+")
_POWER = re.compile(r"(?:\d+[.,]?\d*|[.,]\d+)[eE][+-]?\d+")
_POINT_GROUPS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")
_COMMA_GROUPS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_POINT_DECIMAL = re.compile(r"\d*\.\d+|\d+\.")
_COMMA_DECIMAL = re.compile(r"\d*,\d+|\d+,")

Mark = Literal["", ".", ","]


@dataclass(frozen=True)
class _Number:
    """One text, read: its value with the point as decimal mark, and with the comma."""

    by_point: float = math.nan
    by_comma: float = math.nan
    is_text: bool = False
    """Neither blank nor a number."""

    @property
    def is_missing(self) -> bool:
        """Tell a blank from everything else."""
        return not self.is_text and math.isnan(self.by_point) and math.isnan(self.by_comma)

    @property
    def vote(self) -> Mark:
        """The only decimal mark with which the text is a number, "" when both or none are."""
        if math.isnan(self.by_point) == math.isnan(self.by_comma):
            return ""
        return "," if math.isnan(self.by_point) else "."

    @property
    def is_ambiguous(self) -> bool:
        """Tell whether the two marks give two values."""
        both = not (math.isnan(self.by_point) or math.isnan(self.by_comma))
        return both and self.by_point != self.by_comma


@dataclass(frozen=True, kw_only=True)
class NumberEvidence:
    """What the values of a column say about its decimal mark; adds up over batches."""

    rows: int = 0
    missing: int = 0
    unreadable: int = 0
    out_of_range: int = 0
    point: int = 0
    """Rows that are numbers only where the point is the decimal mark ("12.5", "1,234.5")."""
    comma: int = 0
    """Rows that are numbers only where the comma is ("3,5", "1.234.567")."""
    ambiguous: int = 0
    """Rows such as "1.234", with two readings."""
    examples: tuple[str, ...] = ()
    """The first ambiguous values."""

    @property
    def mark(self) -> Mark:
        """The decimal mark that the column shows; "" where nothing, or both, speak."""
        if bool(self.point) == bool(self.comma):
            return ""
        return "." if self.point else ","


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers of a batch, aligned with its rows."""

    by_point: NDArray[np.float64]
    """Value where the point is the decimal mark; NaN where it is none, or unknown."""
    by_comma: NDArray[np.float64]
    """Value where the comma is the decimal mark."""
    reasons: NDArray[np.object_]
    """``VALUE_RANGE`` or ""; the same whichever the decimal mark is."""
    flags: NDArray[np.object_]
    """``NUMBER_INVALID`` or ""."""
    evidence: NumberEvidence

    def values(self, mark: Mark) -> NDArray[np.float64]:
        """Give the values once the decimal mark is known (either one where it is "")."""
        first, other = self.by_point, self.by_comma
        if mark == ",":
            first, other = other, first
        return first if mark else np.where(np.isnan(first), other, first)


def read_numbers(values: Texts, *, largest: float = LARGEST) -> Numbers:
    """Read a batch of numbers without deciding what a point means.

    Parameters
    ----------
    values : Array, ChunkedArray or Series
        Texts; blanks and words such as "n.d." are unknown.
    largest : float
        Largest value that is possible.

    Returns
    -------
    Numbers
        Aligned with ``values``.
    """
    encoded = text_array(values).dictionary_encode()
    which = encoded.indices.to_numpy(zero_copy_only=False)
    distinct = encoded.dictionary.to_pylist()
    read = [_read(text) for text in distinct]
    rows = np.bincount(which, minlength=len(read))
    wrong = np.array([_is_out_of_range(number, largest) for number in read], bool)
    return Numbers(
        by_point=np.array([number.by_point for number in read], float)[which],
        by_comma=np.array([number.by_comma for number in read], float)[which],
        reasons=np.where(wrong, RANGE, "").astype(object)[which],
        flags=np.where([number.is_text for number in read], UNREADABLE, "").astype(object)[which],
        evidence=_weigh(distinct, read, rows.tolist(), wrong),
    )


def merge_evidence(parts: Iterable[NumberEvidence]) -> NumberEvidence:
    """Add up the evidence of several batches of one column.

    Parameters
    ----------
    parts : iterable of NumberEvidence
        In the order of the file.

    Returns
    -------
    NumberEvidence
        Of all rows.
    """
    total = NumberEvidence()
    for part in parts:
        total = NumberEvidence(
            rows=total.rows + part.rows,
            missing=total.missing + part.missing,
            unreadable=total.unreadable + part.unreadable,
            out_of_range=total.out_of_range + part.out_of_range,
            point=total.point + part.point,
            comma=total.comma + part.comma,
            ambiguous=total.ambiguous + part.ambiguous,
            examples=tuple(dict.fromkeys((*total.examples, *part.examples)))[:EXAMPLES],
        )
    return total


def decide_mark(evidence: NumberEvidence, column: str, *, stated: str = "auto") -> Mark:
    """Decide what the point and the comma mean in a column, or refuse the column.

    Parameters
    ----------
    evidence : NumberEvidence
        Of the whole file.
    column : str
        Its name, for the message.
    stated : str
        Decimal mark that the study states; "auto" to let the values decide.

    Returns
    -------
    str
        The decimal mark; "" where no value depends on it.

    Raises
    ------
    SourceError
        ``NUMBER_FORMAT_AMBIGUOUS`` when values have two readings and nothing decides.
    """
    if stated in (".", ","):
        return "." if stated == "." else ","
    if evidence.mark or not evidence.ambiguous:
        return evidence.mark
    shown = ", ".join(evidence.examples)
    why = "and no other value of the column tells which"
    if evidence.point and evidence.comma:
        why = f"and {evidence.point:,} values use the point, {evidence.comma:,} the comma"
    raise SourceError(
        "NUMBER_FORMAT_AMBIGUOUS",
        f"Column {column}: {evidence.ambiguous:,} of {evidence.rows:,} values such as {shown} may "
        f"hold thousands or decimals, {why}. Export the column without separators of thousands, "
        'or state decimal = "," (thousands with a point) or "." in the source.',
    )


def _is_out_of_range(number: _Number, largest: float) -> bool:
    """Tell whether every reading of a number is impossible."""
    readings = [value for value in (number.by_point, number.by_comma) if not math.isnan(value)]
    return bool(readings) and not any(0 <= value <= largest for value in readings)


def _weigh(
    texts: list[str], read: list[_Number], rows: list[int], wrong: NDArray[np.bool_]
) -> NumberEvidence:
    """Count the rows of each kind."""
    weight = np.array(rows, np.int64)

    def count(chosen: Iterable[bool]) -> int:
        return int(weight[np.fromiter(chosen, bool, len(read))].sum())

    doubtful = [
        text.strip() for text, number in zip(texts, read, strict=True) if number.is_ambiguous
    ]
    return NumberEvidence(
        rows=sum(rows),
        missing=count(number.is_missing for number in read),
        unreadable=count(number.is_text for number in read),
        out_of_range=int(weight[wrong].sum()),
        point=count(number.vote == "." for number in read),
        comma=count(number.vote == "," for number in read),
        ambiguous=count(number.is_ambiguous for number in read),
        examples=tuple(doubtful[:EXAMPLES]),
    )


@functools.lru_cache(maxsize=1 << 16)
def _read(text: str) -> _Number:
    """Read one text under both decimal marks."""
    plain = "".join(text.split()).replace("\u2212", "-").strip("'\"")
    if _MISSING.fullmatch(plain) or _MISSING.fullmatch(text.strip()):
        return _Number()
    sign = -1.0 if plain.startswith("-") else 1.0
    figures = plain.lstrip("+-")
    if figures.lower() in ("inf", "infinity", "∞"):
        return _Number(sign * math.inf, sign * math.inf)
    by_point = _value(figures, _COMMA_GROUPS, _POINT_DECIMAL, ",", ".")
    by_comma = _value(figures, _POINT_GROUPS, _COMMA_DECIMAL, ".", ",")
    if math.isnan(by_point) and math.isnan(by_comma):
        return _Number(is_text=True)
    return _Number(sign * by_point, sign * by_comma)


def _value(
    figures: str, grouped: re.Pattern[str], decimal: re.Pattern[str], group: str, mark: str
) -> float:
    """Read figures where one mark parts thousands, the other decimals; NaN when they do not fit."""
    if _PLAIN.fullmatch(figures):
        return float(figures)
    if _POWER.fullmatch(figures):
        return float(figures.replace(",", "."))
    if grouped.fullmatch(figures):
        return float(figures.replace(group, "").replace(mark, "."))
    if decimal.fullmatch(figures):
        return float(figures.replace(mark, "."))
    return math.nan
