"""What each way of placing says about the rows of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_engine.places.coordinates import REASONS, Points
from geo_engine.places.resolver import (
    Resolved,
    Resolver,
    resolve_cadastral_codes,
    resolve_istat_codes,
    resolve_names,
)
from geo_engine.places.units import Shares

FLAGS = (
    "SNAPPED",
    "DECLARED_DIFFERS",
    "DECLARED_INCONSISTENT",
    "DECLARED_FOREIGN",
    "REPAIRED_CODE",
    "RENUMBERED",
    "SUCCESSOR",
    "APPORTIONED",
    "FORMER_PROVINCE",
    "PROVINCE_DIFFERS",
    "PROVINCE_RESTORED",
    "PROVINCE_UNKNOWN",
    "POSTAL_CODE",
    "NAME_NORMALIZED",
    "NAME_CUT",
    "OLD_NAME",
    "HAMLET",
    "FUZZY",
    "COORD_INVALID",
    "COORD_NULL_ISLAND",
    "COORD_SWAPPED",
    "COORD_MASKED",
    "COORD_SCALED",
    "COORD_OUTSIDE",
    "ISTAT_CODE_FAILED",
    "CADASTRAL_CODE_FAILED",
    "NAME_FAILED",
)
"""What is to be known about a placed row; ``flags`` joins them in this order."""
BIT = {flag: np.int64(1 << i) for i, flag in enumerate(FLAGS)}
EXACT, SNAPPED, AGREED = 1.0, 0.9, 0.9


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What one method says about each row."""

    name: str
    position: NDArray[np.int32]
    confidence: NDArray[np.float64]
    score: NDArray[np.float64]
    bits: NDArray[np.int64]
    """Flags when this method places the row."""
    failure: NDArray[np.int64]
    """Flags when it fails and another one places the row."""
    has_content: NDArray[np.bool_]
    which: NDArray[np.integer[Any]]
    """Which of ``reasons``, ``details`` and ``shares`` is a row's."""
    reasons: NDArray[np.object_]
    """By distinct key: why it is not resolved, "" when it is."""
    details: NDArray[np.object_]
    shares: tuple[Shares, ...] = ()
    """By distinct key; not empty where several municipalities are meant."""

    def divided(self) -> list[tuple[Shares, NDArray[np.int64]]]:
        """Give the rows that mean several municipalities, by what they mean."""
        kinds = [i for i, each in enumerate(self.shares) if each]
        if not kinds:
            return []
        rows = np.flatnonzero(np.isin(self.which, kinds))
        return [(self.shares[i], rows[self.which[rows] == i]) for i in kinds]


def by_coordinates(points: Points) -> Attempt:
    """State what coordinates say.

    Parameters
    ----------
    points : Points
        From ``place_points``.

    Returns
    -------
    Attempt
        Confidence 1.0, or 0.9 where snapped.
    """
    is_snapped = np.isfinite(points.distance_m)
    failures = np.array([BIT.get(reason, np.int64(0)) for reason in REASONS], np.int64)
    return Attempt(
        name="coordinates",
        position=points.position,
        confidence=np.where(is_snapped, SNAPPED, EXACT),
        score=np.ones(len(is_snapped)),
        bits=np.where(is_snapped, BIT["SNAPPED"], np.int64(0)),
        failure=failures[points.reason],
        has_content=~points.is_blank,
        which=points.reason,
        reasons=np.array(list(REASONS), object),
        details=np.array(list(REASONS.values()), object),
    )


def by_declaration(method: str, records: pd.DataFrame, resolver: Resolver) -> Attempt:
    """State what a declared code or name says.

    Parameters
    ----------
    method : str
        istat_code, cadastral_code or name.
    records : DataFrame
        With the columns of the method.
    resolver : Resolver
        Of the layer.

    Returns
    -------
    Attempt
        Outcomes of distinct keys, spread over the rows.
    """
    if method == "istat_code":
        found = resolve_istat_codes(resolver, records["istat_code"])
    elif method == "cadastral_code":
        found = resolve_cadastral_codes(resolver, records["cadastral_code"])
    else:
        beside = (
            records[column] if column in records.columns else None
            for column in ("province", "region", "postal_code")
        )
        found = resolve_names(resolver, records["municipality"], *beside)
    return _attempt(method, found)


def _attempt(method: str, found: Resolved) -> Attempt:
    """Spread outcomes of distinct keys over the rows."""
    outcomes = found.outcomes
    failed = {
        "": np.int64(0),
        "MISSING_KEY": np.int64(0),
        "FOREIGN": BIT["DECLARED_FOREIGN"],
    }
    other = BIT[f"{method.upper()}_FAILED"]
    bits = [sum((BIT[flag] for flag in each.flags), np.int64(0)) for each in outcomes]
    failure = [failed.get(each.reason, other) for each in outcomes]
    which = found.which
    return Attempt(
        name=method,
        position=found.positions,
        confidence=np.array([each.confidence for each in outcomes], np.float64)[which],
        score=np.array([each.score for each in outcomes], np.float64)[which],
        bits=np.array(bits, np.int64)[which],
        failure=np.array(failure, np.int64)[which],
        has_content=np.array([each.reason != "MISSING_KEY" for each in outcomes], bool)[which],
        which=which,
        reasons=np.array([each.reason for each in outcomes], object),
        details=np.array([each.detail for each in outcomes], object),
        shares=tuple(each.shares for each in outcomes),
    )


def settle_shares(
    attempts: Sequence[Attempt], keys: NDArray[np.uint64] | None
) -> tuple[list[Attempt], list[NDArray[np.bool_]]]:
    """Choose one municipality where a code or name means several.

    What another method says decides, coordinates first, where it is one of them; else the key of
    the row, or without keys the largest share.

    Parameters
    ----------
    attempts : sequence of Attempt
        Of one batch.
    keys : ndarray of uint64 or None
        One for each row, evenly spread.

    Returns
    -------
    attempts : list of Attempt
        With one position for each row.
    is_open : list of ndarray of bool
        By attempt, the rows that nothing but their key has decided.
    """
    settled, opened = [], []
    first = sorted(attempts, key=lambda each: each.name != "coordinates")
    for attempt in attempts:
        is_open = np.zeros(len(attempt.position), bool)
        divided = attempt.divided()
        if divided:
            position, confidence = attempt.position.copy(), attempt.confidence.copy()
            bits = attempt.bits.copy()
            for shares, rows in divided:
                others = [each for each in first if each is not attempt]
                told = _told_by_others(shares, rows, others)
                drawn = _draw(shares, None if keys is None else keys[rows])
                position[rows] = np.where(told >= 0, told, drawn)
                agreed = rows[told >= 0]
                bits[agreed] &= ~BIT["APPORTIONED"]
                confidence[agreed] = AGREED
                is_open[rows[told < 0]] = True
            attempt = replace(attempt, position=position, confidence=confidence, bits=bits)
        settled.append(attempt)
        opened.append(is_open)
    return settled, opened


def _told_by_others(
    shares: Shares, rows: NDArray[np.int64], others: Sequence[Attempt]
) -> NDArray[np.int32]:
    """Give the one of some municipalities that another method names, -1 where none does."""
    places = np.array([place for place, _ in shares], np.int32)
    told = np.full(len(rows), -1, np.int32)
    for other in others:
        said = other.position[rows]
        is_divided = np.zeros(len(rows), bool)
        if any(other.shares):
            is_divided = np.array([bool(each) for each in other.shares])[other.which[rows]]
        fits = (told < 0) & np.isin(said, places) & ~is_divided
        told[fits] = said[fits]
    return told


def _draw(shares: Shares, keys: NDArray[np.uint64] | None) -> NDArray[np.int32] | np.int32:
    """Give each row one municipality by its key, or the one with the largest share."""
    places = np.array([place for place, _ in shares], np.int32)
    weights = np.array([weight for _, weight in shares])
    if keys is None:
        return np.int32(places[np.argmax(weights)])
    ends = np.cumsum(weights)
    at = np.searchsorted(ends / ends[-1], keys / np.float64(2**64), side="right")
    return places[np.minimum(at, len(places) - 1)]
