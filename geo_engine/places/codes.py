"""What ISTAT and cadastral codes mean, on the layer's date and on others."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo_engine.places.units import (
    FIRST_REGISTER_DATE,
    OPEN_END,
    SAME_MUNICIPALITY,
    Shares,
    meaning,
)

SUCCESSOR, RENUMBERED = 0.95, 0.98


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one distinct key."""

    position: int = -1
    """Row of the municipality in the layer, -1 when not resolved."""
    confidence: float = 0.0
    flags: tuple[str, ...] = ()
    reason: str = ""
    """Why it is not resolved, "" when it is."""
    detail: str = ""
    """What was found instead, and what to do."""
    shares: Shares = ()
    """Positions with weights, where several municipalities of the layer are meant."""
    score: float = 1.0
    """Similarity of the name as written with the one found; below 1 only with ``FUZZY``."""


def place_shares(shares: Shares, confidence: float, flags: Sequence[str] = ()) -> Outcome:
    """Make the outcome of a meaning that is known.

    Parameters
    ----------
    shares : tuple
        Not empty.
    confidence : float
        Were it one municipality.
    flags : sequence of str
        What is to be known about it.

    Returns
    -------
    Outcome
        Of the largest share; with ``APPORTIONED`` where there are several.
    """
    if len(shares) == 1:
        return Outcome(position=shares[0][0], confidence=confidence, flags=tuple(flags))
    position, weight = max(shares, key=lambda share: (share[1], -share[0]))
    return Outcome(
        position=position,
        confidence=round(min(confidence, weight), 4),
        flags=(*flags, "APPORTIONED"),
        shares=shares,
    )


def code_tables(
    own: Sequence[str],
    applied: Iterable[Any],
    periods: Sequence[Any],
    position: Mapping[str, int],
    alive: Mapping[str, Shares] | None,
    date: dt.date | None,
) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
    """Map ISTAT and cadastral codes to outcomes.

    Parameters
    ----------
    own : sequence of str
        Cadastral code of each municipality of the layer.
    applied : iterable
        Changes that the layer has applied.
    periods : sequence of named tuple
        Rows of heirs.
    position : mapping
        Row of the layer by ``pro_com_t``.
    alive : mapping or None
        Shares by cadastral code on the date of the codes.
    date : date or None
        Of the codes; with None the layer's own come first, then the latest.

    Returns
    -------
    istat, cadastral : dict
        Outcome by code.
    """
    istat: dict[str, Outcome] = {}
    cadastral: dict[str, Outcome] = {}
    if alive is None:
        istat = {code: Outcome(position=i, confidence=1.0) for code, i in position.items()}
        cadastral = {code: Outcome(position=i, confidence=1.0) for i, code in enumerate(own)}
        _add_absorbed(istat, cadastral, applied, position)
    for table, column in ((istat, "istat_code"), (cadastral, "cadastral_code")):
        for code, rows in _rows_by_code(periods, column).items():
            if code not in table:
                table[code] = _of_rows(rows, code, position, alive, date)
    on_date = alive or {}
    for code, i in position.items():
        if own[i] in on_date:  # periods may come without their ISTAT code
            found = place_shares(on_date[own[i]] or ((i, 1.0),), 1.0)
            istat.setdefault(code, found)
            cadastral.setdefault(own[i], found)
    istat.pop("", None)
    cadastral.pop("", None)
    return istat, cadastral


def highest_numbers(periods: Sequence[Any], position: Mapping[str, int]) -> dict[str, int]:
    """Give the highest number of each province, where the codes of the abolished are not known.

    ISTAT numbers the municipalities of a province one after the other: a number below the highest
    that is nobody's was somebody's.

    Parameters
    ----------
    periods : sequence of named tuple
        Rows of heirs.
    position : mapping
        Row of the layer by ``pro_com_t``.

    Returns
    -------
    dict
        By the first three digits; empty when most codes of the abolished are known, or no period.
    """
    ended = [row for row in periods if FIRST_REGISTER_DATE <= row.valid_to < OPEN_END]
    known = sum(bool(row.istat_code) for row in ended)
    if not ended or 2 * known > len(ended):
        return {}
    highest: dict[str, int] = {}
    for code in position:
        highest[code[:3]] = max(highest.get(code[:3], 0), int(code[3:]))
    return highest


def _add_absorbed(
    istat: dict[str, Outcome],
    cadastral: dict[str, Outcome],
    applied: Iterable[Any],
    position: Mapping[str, int],
) -> None:
    """Add the codes of what the layer has absorbed."""
    for change in applied:
        found = place_shares(((position[change.new_code], 1.0),), SUCCESSOR, ("SUCCESSOR",))
        for code in change.old_codes:
            istat.setdefault(code, found)
        for code in change.old_cadastral:
            cadastral.setdefault(code, found)


def _rows_by_code(periods: Sequence[Any], column: str) -> dict[str, list[Any]]:
    """Group the periods by one of their codes."""
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in periods:
        rows[getattr(row, column)].append(row)
    return rows


def _of_rows(
    rows: Sequence[Any],
    code: str,
    position: Mapping[str, int],
    alive: Mapping[str, Shares] | None,
    date: dt.date | None,
) -> Outcome:
    """Say what a code means: on its date, or at its latest."""
    if date is not None:
        rows = [row for row in rows if row.valid_from <= date <= row.valid_to] or rows
    latest = max(row.valid_to for row in rows)
    meanings: dict[Shares, Any] = {}
    refusal = ""
    for row in rows:
        if row.valid_to == latest:
            shares, why = meaning(row, position, alive)
            refusal = refusal or why
            if shares:
                meanings.setdefault(shares, row)
    if len(meanings) == 1:
        shares, row = next(iter(meanings.items()))
        return _of_row(shares, row, code, position)
    if meanings:
        return Outcome(
            reason="AMBIGUOUS_COMUNE",
            detail=f"The code {code} is of several municipalities: state the date of the codes.",
        )
    return Outcome(reason="DISMISSED_COMUNE", detail=f"{code}: {refusal}")


def _of_row(shares: Shares, row: Any, code: str, position: Mapping[str, int]) -> Outcome:
    """Place a code by the one period that it means."""
    is_successor = row.kind not in SAME_MUNICIPALITY
    if position.get(code) == shares[0][0] or (row.cadastral_code == code and not is_successor):
        return place_shares(shares, 1.0)
    if is_successor:
        return place_shares(shares, SUCCESSOR, ("SUCCESSOR",))
    return place_shares(shares, RENUMBERED, ("RENUMBERED",))
