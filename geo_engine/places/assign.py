"""The municipality of each row of a batch, how it was found, or why it was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_engine.errors import TableError
from geo_engine.places.attempts import (
    BIT,
    FLAGS,
    Attempt,
    by_coordinates,
    by_declaration,
    settle_shares,
)
from geo_engine.places.coordinates import Points, place_points
from geo_engine.places.locator import Locator
from geo_engine.places.resolver import Resolver
from geo_engine.places.units import Shares
from geo_engine.tables import CRS_WEB

METHODS = ("coordinates", "snapped", "istat_code", "cadastral_code", "name")
"""How a row was placed."""
_NEEDS = {
    "coordinates": ("lon", "lat"),
    "istat_code": ("istat_code",),
    "cadastral_code": ("cadastral_code",),
    "name": ("municipality",),
}
CONFLICTING = 0.8


@dataclass(frozen=True, kw_only=True)
class PlacingParameters:
    """How rows are placed."""

    snap_distance_m: float = 500.0
    """How far from a municipality a point may lie to be given to the nearest."""
    trust: Literal["coordinates", "declared", "quarantine"] = "coordinates"
    """Which one counts when coordinates and declaration differ."""
    decimal: Literal["auto", ".", ","] = "auto"
    """Decimal mark of the coordinates."""
    crs: str = CRS_WEB
    """Reference system of the coordinates."""


@dataclass(frozen=True, kw_only=True)
class Assigned:
    """Where the rows of a batch are; arrays as long as the batch, in its order."""

    position: NDArray[np.int32]
    """Row of the municipality in the layer, -1 when not placed."""
    method: pd.Categorical
    """One of ``METHODS``, missing when not placed."""
    confidence: NDArray[np.float64]
    """1.0 by coordinates or a code as written, 0.9 snapped, 0.95 by name and province; see the
    resolver for its own; at most 0.8 where coordinates and declaration differ; 0 not placed."""
    flags: NDArray[np.object_]
    """Some of ``FLAGS`` joined by "|", "" for none and when not placed."""
    reason: NDArray[np.object_]
    """Why not placed, in capitals; "" when placed."""
    detail: NDArray[np.object_]
    """What was found and what to do, when not placed."""
    score: NDArray[np.float64]
    """Similarity of the name as written with the one found; below 1 only with ``FUZZY``."""
    pointed: NDArray[np.int32]
    """Where the coordinates are, -1 where they do not tell, placed or not."""
    declared: NDArray[np.int32]
    """What the first code or name that resolves says, -1 for none, placed or not."""
    shares: Mapping[int, Shares]
    """By row, the municipalities with weights among which it was given to one (``APPORTIONED``)."""
    lon: NDArray[np.float64]
    """Longitude in degrees of EPSG:4326, NaN where there is none."""
    lat: NDArray[np.float64]
    """Latitude in degrees of EPSG:4326, NaN where there is none."""
    distance_m: NDArray[np.float64]
    """Distance from the point to its municipality where snapped, NaN elsewhere."""
    is_number: NDArray[np.bool_]
    """Rows with two coordinates that are numbers."""
    is_misfit: NDArray[np.bool_]
    """Of these, the ones that cannot be of the stated reference system; see ``check_fit``."""
    hint: str
    """What coordinates that do not fit may be, where they are many."""


def assign_places(  # noqa: PLR0913 - the rows, the layer and how to place, each its own
    records: pd.DataFrame,
    *,
    order: Sequence[str],
    locator: Locator | None,
    resolver: Resolver,
    parameters: PlacingParameters,
    checks: Sequence[str] = (),
    keys: NDArray[np.uint64] | None = None,
) -> Assigned:
    """Place each row of a batch in a municipality.

    Methods are tried in the stated order; the first that resolves places the row. When
    coordinates and declaration both resolve and differ, ``parameters.trust`` decides, whatever
    the order. A row that no method places gets the reason of the first method that had content.
    Heaps at one point are for a whole file to tell: see :mod:`geo_engine.places.heaps`.

    Parameters
    ----------
    records : DataFrame
        Text columns, any of istat_code, cadastral_code, municipality, province, region,
        postal_code, lon, lat.
    order : sequence of str
        Some of coordinates, istat_code, cadastral_code, name; those whose columns are absent are
        passed over.
    locator : Locator or None
        May be None when there are no coordinates.
    resolver : Resolver
        Of the same layer as the locator.
    parameters : PlacingParameters
        Distance, trust, decimal mark and reference system.
    checks : sequence of str
        Further methods that place no row, but contradict: ``trust`` decides as for the others.
    keys : ndarray of uint64, optional
        One evenly spread number for each row, such as its hash: it decides among municipalities
        into which one code or name divides. Without keys the largest share gets the row.

    Returns
    -------
    Assigned
        Independent of the order of rows.

    Raises
    ------
    TableError
        ``PLACING_ORDER`` for an unknown method, ``MISSING_COLUMN`` when no method has its columns;
        ``CRS_MISSING`` and ``CRS_UNKNOWN`` as in :func:`place_points`.
    """
    usable = _usable(records, order, locator)
    further = [method for method in _with_columns(records, checks) if method not in usable]
    attempts: list[Attempt] = []
    points = _no_points(len(records))
    for method in [*usable, *further]:
        if method == "coordinates" and locator is not None:
            points = place_points(
                locator,
                records["lon"],
                records["lat"],
                snap_distance_m=parameters.snap_distance_m,
                decimal=parameters.decimal,
                crs=parameters.crs,
            )
            attempts.append(by_coordinates(points))
        else:
            attempts.append(by_declaration(method, records, resolver))
    attempts, is_open = settle_shares(attempts, keys)
    trusted = _Ground(trust=parameters.trust, placing=len(usable), labels=resolver.labels)
    return _settle(attempts, points, is_open, trusted)


def _usable(records: pd.DataFrame, order: Sequence[str], locator: Locator | None) -> list[str]:
    """Give the methods of the order whose columns are there."""
    unknown = [method for method in order if method not in _NEEDS]
    if unknown:
        raise TableError(
            "PLACING_ORDER", f"{', '.join(unknown)}: no such method. Use {', '.join(_NEEDS)}."
        )
    usable = [
        method
        for method in _with_columns(records, order)
        if method != "coordinates" or locator is not None
    ]
    if not usable:
        raise TableError(
            "MISSING_COLUMN",
            f"No column tells where the rows are: {', '.join(order)} need "
            f"{', '.join(column for method in order for column in _NEEDS[method])}.",
        )
    return usable


def _with_columns(records: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """Give the methods whose columns are there, each once."""
    return [
        method
        for method in dict.fromkeys(methods)
        if all(column in records.columns for column in _NEEDS[method])
    ]


def _no_points(rows: int) -> Points:
    """Stand for the coordinates of a batch that has none."""
    nothing = np.full(rows, np.nan)
    return Points(
        lon=nothing,
        lat=nothing,
        position=np.full(rows, -1, np.int32),
        distance_m=nothing,
        reason=np.zeros(rows, np.int8),
        is_number=np.zeros(rows, bool),
        is_misfit=np.zeros(rows, bool),
        is_blank=np.ones(rows, bool),
    )


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """What the choice among methods goes by."""

    trust: str
    placing: int
    """How many of the attempts, at the front, may place a row."""
    labels: tuple[str, ...]


def _settle(
    attempts: Sequence[Attempt],
    points: Points,
    is_open: Sequence[NDArray[np.bool_]],
    ground: _Ground,
) -> Assigned:
    """Choose one of the placing methods for each row, and collect what all others say."""
    row = np.arange(len(points.lon))
    nowhere = np.full(len(row), -1, np.int32)
    positions = np.array([*(each.position for each in attempts), nowhere])  # -1 is the last row
    by_points = next((i for i, each in enumerate(attempts) if each.name == "coordinates"), -1)
    chosen = _first(attempts[: ground.placing], positions)
    first = _first(attempts, positions, skip="coordinates")
    declared = positions[first, row]
    differs = (points.position >= 0) & (declared >= 0)
    differs &= (declared != points.position) & (chosen >= 0)
    chosen[differs] = first[differs] if ground.trust == "declared" else by_points
    refused = differs & (ground.trust == "quarantine")
    chosen[refused] = -1
    position = positions[chosen, row]
    is_snapped = np.isfinite(points.distance_m) & (chosen == by_points) & (position >= 0)
    reason, detail = _reasons(attempts[: ground.placing], position < 0)
    reason[refused] = "COORD_COMUNE_CONFLICT"
    detail[refused] = _conflicts(points.position[refused], declared[refused], ground.labels)
    return Assigned(
        position=position,
        method=_methods(attempts, chosen, is_snapped),
        confidence=_confidence(attempts, chosen, differs),
        flags=_flags(attempts, chosen, positions),
        reason=reason,
        detail=detail,
        score=_of_chosen(attempts, chosen, "score", 1.0),
        pointed=points.position,
        declared=declared,
        shares=_shares(attempts, chosen, is_open),
        lon=points.lon,
        lat=points.lat,
        distance_m=np.where(is_snapped, points.distance_m, np.nan),
        is_number=points.is_number,
        is_misfit=points.is_misfit,
        hint=points.hint,
    )


def _conflicts(
    pointed: NDArray[np.int32], declared: NDArray[np.int32], labels: Sequence[str]
) -> NDArray[np.object_]:
    """Name both municipalities of contradicted rows."""
    which, pairs = pd.factorize(pointed.astype(np.int64) * len(labels) + declared)
    told = [
        f"The point lies in {labels[pair // len(labels)]}, but {labels[pair % len(labels)]} is "
        "declared: correct one of the two."
        for pair in pairs
    ]
    return np.array(told, object)[which]


def _shares(
    attempts: Sequence[Attempt],
    chosen: NDArray[np.int64],
    is_open: Sequence[NDArray[np.bool_]],
) -> dict[int, Shares]:
    """Give the shares of the rows that their key has decided."""
    return {
        int(row): attempt.shares[attempt.which[row]]
        for i, (attempt, left) in enumerate(zip(attempts, is_open, strict=True))
        for row in np.flatnonzero(left & (chosen == i))
    }


def _first(
    attempts: Sequence[Attempt], positions: NDArray[np.int32], skip: str = ""
) -> NDArray[np.int64]:
    """Give the index of the first method that resolves each row, -1 for none."""
    first = np.full(positions.shape[1], -1, np.int64)
    for i, attempt in reversed(list(enumerate(attempts))):
        if attempt.name != skip:
            first[positions[i] >= 0] = i
    return first


def _methods(
    attempts: Sequence[Attempt], chosen: NDArray[np.int64], is_snapped: NDArray[np.bool_]
) -> pd.Categorical:
    """Name the method of each row."""
    codes = np.array([*(METHODS.index(each.name) for each in attempts), -1], np.int8)[chosen]
    codes[is_snapped] = METHODS.index("snapped")
    return pd.Categorical.from_codes(codes, categories=list(METHODS))


def _confidence(
    attempts: Sequence[Attempt], chosen: NDArray[np.int64], differs: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Give the confidence of each row's method, lowered where it is contradicted."""
    confidence = _of_chosen(attempts, chosen, "confidence", 0.0)
    confidence[differs] = np.minimum(confidence[differs], CONFLICTING)
    return confidence


def _of_chosen(
    attempts: Sequence[Attempt], chosen: NDArray[np.int64], field: str, default: float
) -> NDArray[np.float64]:
    """Take one field of each row's method."""
    values = np.full(len(chosen), default)
    for i, attempt in enumerate(attempts):
        values[chosen == i] = getattr(attempt, field)[chosen == i]
    return values


def _flags(
    attempts: Sequence[Attempt],
    chosen: NDArray[np.int64],
    positions: NDArray[np.int32],
) -> NDArray[np.object_]:
    """Join the flags of each placed row."""
    position = positions[chosen, np.arange(len(chosen))]
    bits = np.zeros(len(position), np.int64)
    for i, attempt in enumerate(attempts):
        is_chosen = chosen == i
        bits[is_chosen] |= attempt.bits[is_chosen]
        failed = positions[i] < 0
        bits[failed] |= attempt.failure[failed]
        other = ~failed & (positions[i] != position)
        bits[other] |= _contradiction(attempts, attempt, chosen)[other]
    bits[position < 0] = 0
    number, distinct = pd.factorize(bits)
    joined = ["|".join(flag for flag in FLAGS if mask & BIT[flag]) for mask in distinct]
    return np.array(joined, object)[number]


def _contradiction(
    attempts: Sequence[Attempt], attempt: Attempt, chosen: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give the flag of a method that says otherwise than the chosen one."""
    is_point = np.array([*(each.name == "coordinates" for each in attempts), False])[chosen]
    across = is_point | (attempt.name == "coordinates")
    return np.where(across, BIT["DECLARED_DIFFERS"], BIT["DECLARED_INCONSISTENT"])


def _reasons(
    attempts: Sequence[Attempt], lost: NDArray[np.bool_]
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Say why rows are not placed: the reason of the first method that had content."""
    only_points = all(each.name == "coordinates" for each in attempts)
    rows = np.flatnonzero(lost)
    told = np.full(len(rows), "COORD_MISSING" if only_points else "MISSING_KEY", object)
    why = np.full(len(rows), "No column that tells where it is has content.", object)
    for attempt in reversed(attempts):
        reasons = attempt.reasons[attempt.which[rows]]
        says = attempt.has_content[rows] & (reasons != "")
        told[says] = reasons[says]
        why[says] = attempt.details[attempt.which[rows[says]]]
    reason, detail = np.full(len(lost), "", object), np.full(len(lost), "", object)
    reason[rows], detail[rows] = told, why
    return reason, detail
