"""Counts by old code brought to new codes, without losing or inventing one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pandas as pd

from geo_engine.errors import TableError

Shares = dict[str, list[tuple[str, float]]]


def apportion(counts: pd.Series | pd.DataFrame, table: pd.DataFrame) -> pd.Series | pd.DataFrame:
    """Bring counts by old code to new codes, conserving every total exactly.

    Parameters
    ----------
    counts : Series or DataFrame
        Indexed by old ISTAT code, each code once.
    table : DataFrame
        From :func:`crosswalk`.

    Returns
    -------
    Series or DataFrame
        Indexed by the new codes that the counts reach, sorted ("" holds what has no known new
        code). Whole numbers stay whole: the parts of a divided municipality are rounded by the
        largest remainder, ties to the lower code. The parts of a fractional number add up to it
        exactly, and so do the sums wherever a float can hold the column's total; otherwise each
        sum is correctly rounded. A missing value makes its heirs missing.

    Raises
    ------
    TableError
        ``UNKNOWN_CODES`` naming codes that the crosswalk lacks; ``DUPLICATE_CODES``;
        ``NOT_A_NUMBER`` for a column that holds no numbers.
    """
    frame = counts.to_frame() if isinstance(counts, pd.Series) else counts
    _check_counts(frame, table)
    shares: Shares = {code: [] for code in frame.index}
    for old, new, weight in zip(table["old"], table["new"], table["weight"], strict=True):
        if old in shares:
            shares[old].append((new, weight))
    targets = sorted({new for heirs in shares.values() for new, _ in heirs})
    columns = [_apportion_column(frame.iloc[:, i], shares, targets) for i in range(frame.shape[1])]
    result = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=targets)
    result.columns = frame.columns
    result.index = pd.Index(targets, name=frame.index.name, dtype=object)
    return result.iloc[:, 0].rename(counts.name) if isinstance(counts, pd.Series) else result


def largest_remainder(
    value: int, heirs: Sequence[tuple[str, float]] | Sequence[tuple[int, float]]
) -> list[int]:
    """Divide a whole number by the largest remainder.

    Parameters
    ----------
    value : int
        What is divided; the parts of a negative number are those of its opposite, negative.
    heirs : sequence of (str or int, float)
        Code or position, and weight, of each part; weights are positive and need not add up to 1.

    Returns
    -------
    list of int
        In the order of ``heirs``, adding up to ``value``; equal remainders favor the lower code.

    Examples
    --------
    >>> largest_remainder(8, [("a", 1.0), ("b", 1.0), ("c", 1.0)])
    [3, 3, 2]
    """
    sign, amount = (-1, -value) if value < 0 else (1, value)
    weights = [Fraction(weight) for _, weight in heirs]
    total = sum(weights)
    quotas = [amount * weight / total for weight in weights]
    parts = [math.floor(quota) for quota in quotas]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - quotas[i], heirs[i][0]))
    for i in order[: amount - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def _check_counts(frame: pd.DataFrame, table: pd.DataFrame) -> None:
    """Refuse counts that cannot be apportioned without loss."""
    if not frame.index.is_unique:
        twice = sorted({str(code) for code in frame.index[frame.index.duplicated()]})
        raise TableError(
            "DUPLICATE_CODES",
            f"{len(twice)} codes stand twice: {', '.join(twice[:5])}. Sum them first.",
        )
    unknown = sorted({str(code) for code in frame.index.difference(pd.Index(table["old"]))})
    if unknown:
        raise TableError(
            "UNKNOWN_CODES",
            f"{len(unknown)} codes are not of that date: {', '.join(unknown[:5])}. "
            "Check the date of the data, or import the official lists: geo-engine codes fetch.",
        )
    words = [str(c) for c, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if words:
        raise TableError("NOT_A_NUMBER", f"Columns without numbers: {', '.join(words[:5])}.")


def _apportion_column(column: pd.Series, shares: Shares, targets: Sequence[str]) -> pd.Series:
    """Apportion one column; whole numbers and fractions each in their own arithmetic."""
    whole = pd.api.types.is_integer_dtype(column.dtype) and not column.isna().any()
    values = column.to_numpy(dtype=object, na_value=np.nan)
    digit = 1.0 if whole else _last_digit(column)
    parts: dict[str, list[float]] = {new: [] for new in targets}
    for old, value in zip(column.index, values, strict=True):
        heirs = shares[old]
        if len(heirs) == 1:
            parts[heirs[0][0]].append(value)
        elif whole:
            for (new, _), count in zip(heirs, largest_remainder(int(value), heirs), strict=True):
                parts[new].append(count)
        else:
            for (new, _), part in zip(heirs, _exact_parts(float(value), digit, heirs), strict=True):
                parts[new].append(part)
    if whole:
        return pd.Series([sum(int(n) for n in parts[new]) for new in targets], dtype="int64")
    return pd.Series([math.fsum(parts[new]) for new in targets], dtype="float64")


def _last_digit(column: pd.Series) -> float:
    """Give the last binary digit that a sum of the whole column can hold."""
    values = column.to_numpy(dtype=float, na_value=np.nan)
    total = math.fsum(np.abs(values[np.isfinite(values)]) / 2) * 2
    return math.ulp(total) if math.isfinite(total) else 0.0


def _exact_parts(value: float, digit: float, heirs: Sequence[tuple[str, float]]) -> list[float]:
    """Divide a fraction into multiples of a binary digit, that add up to it exactly.

    Of the last digit of the column's sum where the value has none smaller, so that no sum needs
    rounding; of its own last digit otherwise.
    """
    if not math.isfinite(value):
        return [value] * len(heirs)
    if not digit or math.fmod(value, digit):
        digit = math.ulp(value)
    return [part * digit for part in largest_remainder(int(value / digit), heirs)]
