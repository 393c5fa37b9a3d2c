"""How many firms another table knows, by chain, size and province, and what it holds besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_engine.indicators.signal_index import SignalTable
from geo_engine.indicators.signal_join import Match

_RULES = {
    "unknown": "non noto",
    "any": "basta una riga positiva",
    "all": "basta una riga negativa",
    "first": "vale la prima riga",
    "last": "vale l'ultima riga",
}
MATCH_STATES = ("matched", "unmatched", "without_key")
"""Columns of the counts of a match."""


def new_hits(table: SignalTable) -> tuple[npt.NDArray[np.bool_], ...]:
    """Begin to note which firms of the table were found.

    Parameters
    ----------
    table : SignalTable
        Of ``signal_index.index_table``.

    Returns
    -------
    tuple of array of bool
        By kind of key, all False.
    """
    return tuple(np.zeros(len(index.keys), bool) for index in table.indexes)


def note_hits(hits: Sequence[npt.NDArray[np.bool_]], match: Match) -> None:
    """Note what a batch found, in place.

    Parameters
    ----------
    hits : sequence of array of bool
        Of :func:`new_hits`.
    match : Match
        Of a batch.
    """
    for seen, positions in zip(hits, match.positions, strict=True):
        seen[positions[positions >= 0]] = True


def found_rows(table: SignalTable, hits: Sequence[npt.NDArray[np.bool_]]) -> int:
    """Count the rows of the table that belong to a firm of the study.

    Parameters
    ----------
    table : SignalTable
        Of ``signal_index.index_table``.
    hits : sequence of array of bool
        After all batches.

    Returns
    -------
    int
        Rows; the others with a key are of firms that the study does not hold.
    """
    found = np.zeros(table.rows, bool)
    for index, seen in zip(table.indexes, hits, strict=True):
        found |= np.append(seen, False)[index.group]
    return int(found.sum())


def match_counts(
    by: npt.NDArray[np.int8],
    group: npt.NDArray[np.integer],
    groups: int,
    *,
    counted: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.int64]:
    """Count firms by group and outcome; adds up over batches.

    Parameters
    ----------
    by : array of int8
        Of :class:`Match`.
    group : array of int
        Size class, province, or ATECO code (see :func:`match_table`) of each firm; -1 for none,
        which is counted last.
    groups : int
        How many groups there are.
    counted : array of bool, optional
        Firms that count; all by default.

    Returns
    -------
    array of int64, shape (groups + 1, ``MATCH_STATES``)
        Every counted firm stands once.
    """
    state = np.where(by >= 0, 0, -by.astype(np.int64))
    where = np.where(group < 0, groups, group).astype(np.int64)
    cell = where * len(MATCH_STATES) + state
    cell = cell if counted is None else cell[counted]
    size = (groups + 1) * len(MATCH_STATES)
    return np.bincount(cell, minlength=size).reshape(-1, len(MATCH_STATES)).astype(np.int64)


def match_table(
    counts: Mapping[str, tuple[Sequence[str], npt.NDArray[np.int64]]],
) -> pd.DataFrame:
    """Say how many firms were found, by chain, size, province or whatever else.

    Parameters
    ----------
    counts : mapping
        By dimension ("chain", "size", "province"): labels of the groups, and counts of
        :func:`match_counts`. Counts of chains are ``members.T @ counts_by_code[:-1]``, where a firm
        counts in each of its chains; a last row beyond the labels is of firms without a group.

    Returns
    -------
    DataFrame
        dimension, group, firms, matched, unmatched, without_key, rate (matched / firms, NaN
        without firms). Groups without a firm are left out.
    """
    parts = []
    for dimension, (labels, table) in counts.items():
        names = [*labels, "non noto"][: len(table)]
        part = pd.DataFrame(table, columns=list(MATCH_STATES))
        part.insert(0, "dimension", dimension)
        part.insert(1, "group", names)
        part.insert(2, "firms", table.sum(axis=1))
        parts.append(part[part["firms"] > 0])
    joined = pd.concat(parts, ignore_index=True)
    joined["rate"] = joined["matched"] / joined["firms"]
    return joined


def match_sentence(
    table: SignalTable, counts: npt.NDArray[np.int64], found: int, *, label: str = ""
) -> str:
    """Say in Italian what a join found.

    Parameters
    ----------
    table : SignalTable
        Of ``signal_index.index_table``.
    counts : array of int64, shape (groups, ``MATCH_STATES``)
        Of one dimension in which every firm stands once.
    found : int
        Of :func:`found_rows`.
    label : str
        What the table is called; its name by default.

    Returns
    -------
    str
        One paragraph.
    """
    matched, unmatched, without = counts.sum(axis=0).tolist()
    firms = matched + unmatched + without
    rate = f"{matched / firms:.1%}".replace(".", ",") if firms else "nessuna"
    others = table.rows - table.without_key - found
    said = (
        f"{label or table.name}: trovate {_italian(matched)} imprese di {_italian(firms)} "
        f"({rate}), {_italian(unmatched)} non presenti, {_italian(without)} senza codice. "
        f"Della tabella, {_italian(found)} righe di {_italian(table.rows)} riguardano imprese "
        f"dello studio, {_italian(others)} altre imprese, {_italian(table.without_key)} sono "
        f"senza codice; {_italian(table.repeated)} ripetono un'impresa."
    )
    clashes = [f"{key} {_italian(n)}" for key, n in table.conflicts.items() if n]
    if clashes:
        rule = _RULES[table.resolve]
        said += f" Imprese con righe in contrasto: {', '.join(clashes)} (regola: {rule})."
    return said


def _italian(number: int) -> str:
    """Write a whole number with points between thousands."""
    return f"{number:,}".replace(",", ".")
