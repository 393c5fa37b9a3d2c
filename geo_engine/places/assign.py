"""The municipality of each row of a batch, how it was found, or why it was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_engine.errors import TableError
from geo_engine.places.coordinates import REASONS, Points, place_points
from geo_engine.places.locator import Locator
from geo_engine.places.resolver import (
    Resolved,
    Resolver,
    resolve_cadastral_codes,
    resolve_istat_codes,
    resolve_names,
)
from geo_engine.tables import CRS_WEB

METHODS = ("coordinates", "snapped", "istat_code", "cadastral_code", "name")
"""How a row was placed."""
FLAGS = (
    "SNAPPED",
    "DECLARED_DIFFERS",
    "DECLARED_INCONSISTENT",
    "DECLARED_FOREIGN",
    "REPAIRED_CODE",
    "SUCCESSOR",
    "FORMER_PROVINCE",
    "PROVINCE_DIFFERS",
    "PROVINCE_RESTORED",
    "PROVINCE_UNKNOWN",
    "NAME_NORMALIZED",
    "GEOCODE_CENTROID",
    "COORD_INVALID",
    "COORD_NULL_ISLAND",
    "COORD_SWAPPED",
    "COORD_OUTSIDE",
    "ISTAT_CODE_FAILED",
    "CADASTRAL_CODE_FAILED",
    "NAME_FAILED",
)
"""What is to be known about a placed row; ``flags`` joins them in this order."""
_BIT = {flag: np.int64(1 << i) for i, flag in enumerate(FLAGS)}
_NEEDS = {
    "coordinates": ("lon", "lat"),
    "istat_code": ("istat_code",),
    "cadastral_code": ("cadastral_code",),
    "name": ("municipality",),
}
EXACT, SNAPPED, CONFLICTING = 1.0, 0.9, 0.8


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


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """What one method says about each row."""

    name: str
    position: NDArray[np.int32]
    confidence: NDArray[np.float64]
    bits: NDArray[np.int64]
    """Flags when this method places the row."""
    failure: NDArray[np.int64]
    """Flags when it fails and another one places the row."""
    reason: NDArray[np.object_]
    detail: NDArray[np.object_]
    has_content: NDArray[np.bool_]


def assign_places(
    records: pd.DataFrame,
    *,
    order: Sequence[str],
    locator: Locator | None,
    resolver: Resolver,
    parameters: PlacingParameters,
    checks: Sequence[str] = (),
) -> Assigned:
    """Place each row of a batch in a municipality.

    Methods are tried in the stated order; the first that resolves places the row. When
    coordinates and declaration both resolve and differ, ``parameters.trust`` decides, whatever
    the order. A row that no method places gets the reason of the first method that had content.
    Heaps of rows at one point are counted within the batch.

    Parameters
    ----------
    records : DataFrame
        Text columns, any of istat_code, cadastral_code, municipality, province, region, lon, lat.
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
    attempts, points = [], _no_points(len(records))
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
            attempts.append(_by_coordinates(points))
        else:
            attempts.append(_declared(method, records, resolver))
    return _settle(attempts, points, parameters.trust, placing=len(usable))


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
        is_heap=np.zeros(rows, bool),
    )


def _by_coordinates(points: Points) -> _Attempt:
    """State what coordinates say."""
    is_snapped = np.isfinite(points.distance_m)
    reasons = np.array(list(REASONS), object)
    details = np.array(list(REASONS.values()), object)
    failures = np.array([_BIT.get(reason, np.int64(0)) for reason in REASONS], np.int64)
    return _Attempt(
        name="coordinates",
        position=points.position,
        confidence=np.where(is_snapped, SNAPPED, EXACT),
        bits=np.where(is_snapped, _BIT["SNAPPED"], np.int64(0)),
        failure=failures[points.reason],
        reason=reasons[points.reason],
        detail=details[points.reason],
        has_content=~points.is_blank,
    )


def _declared(method: str, records: pd.DataFrame, resolver: Resolver) -> _Attempt:
    """State what a declared code or name says."""
    if method == "istat_code":
        found = resolve_istat_codes(resolver, records["istat_code"])
    elif method == "cadastral_code":
        found = resolve_cadastral_codes(resolver, records["cadastral_code"])
    else:
        province, region = (
            records[column] if column in records.columns else None
            for column in ("province", "region")
        )
        found = resolve_names(resolver, records["municipality"], province, region)
    return _attempt(method, found)


def _attempt(method: str, found: Resolved) -> _Attempt:
    """Spread outcomes of distinct keys over the rows."""
    outcomes = found.outcomes
    failed = {
        "": np.int64(0),
        "MISSING_KEY": np.int64(0),
        "FOREIGN": _BIT["DECLARED_FOREIGN"],
    }
    other = _BIT[f"{method.upper()}_FAILED"]
    bits = [sum((_BIT[flag] for flag in each.flags), np.int64(0)) for each in outcomes]
    failure = [failed.get(each.reason, other) for each in outcomes]
    which = found.which
    return _Attempt(
        name=method,
        position=found.positions,
        confidence=np.array([each.confidence for each in outcomes], np.float64)[which],
        bits=np.array(bits, np.int64)[which],
        failure=np.array(failure, np.int64)[which],
        reason=np.array([each.reason for each in outcomes], object)[which],
        detail=np.array([each.detail for each in outcomes], object)[which],
        has_content=np.array([each.reason != "MISSING_KEY" for each in outcomes], bool)[which],
    )


def _settle(attempts: Sequence[_Attempt], points: Points, trust: str, *, placing: int) -> Assigned:
    """Choose one of the placing methods for each row, and collect what all others say."""
    row = np.arange(len(points.lon))
    nowhere = np.full(len(row), -1, np.int32)
    positions = np.array([*(each.position for each in attempts), nowhere])  # -1 is the last row
    by_points = next((i for i, each in enumerate(attempts) if each.name == "coordinates"), -1)
    chosen = _first(attempts[:placing], positions)
    declared = _first(attempts, positions, skip="coordinates")
    differs = (points.position >= 0) & (declared >= 0)
    differs &= (positions[declared, row] != points.position) & (chosen >= 0)
    chosen[differs] = declared[differs] if trust == "declared" else by_points
    refused = differs & (trust == "quarantine")
    chosen[refused] = -1
    position = positions[chosen, row]
    is_snapped = np.isfinite(points.distance_m) & (chosen == by_points) & (position >= 0)
    reason, detail = _reasons(attempts[:placing], position < 0, refused)
    return Assigned(
        position=position,
        method=_methods(attempts, chosen, is_snapped),
        confidence=_confidence(attempts, chosen, differs),
        flags=_flags(attempts, chosen, positions, points),
        reason=reason,
        detail=detail,
        lon=points.lon,
        lat=points.lat,
        distance_m=np.where(is_snapped, points.distance_m, np.nan),
        is_number=points.is_number,
        is_misfit=points.is_misfit,
    )


def _first(
    attempts: Sequence[_Attempt], positions: NDArray[np.int32], skip: str = ""
) -> NDArray[np.int64]:
    """Give the index of the first method that resolves each row, -1 for none."""
    first = np.full(positions.shape[1], -1, np.int64)
    for i, attempt in reversed(list(enumerate(attempts))):
        if attempt.name != skip:
            first[positions[i] >= 0] = i
    return first


def _methods(
    attempts: Sequence[_Attempt], chosen: NDArray[np.int64], is_snapped: NDArray[np.bool_]
) -> pd.Categorical:
    """Name the method of each row."""
    codes = np.array([*(METHODS.index(each.name) for each in attempts), -1], np.int8)[chosen]
    codes[is_snapped] = METHODS.index("snapped")
    return pd.Categorical.from_codes(codes, categories=list(METHODS))


def _confidence(
    attempts: Sequence[_Attempt], chosen: NDArray[np.int64], differs: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Give the confidence of each row's method, lowered where it is contradicted."""
    confidence = np.zeros(len(chosen))
    for i, attempt in enumerate(attempts):
        confidence[chosen == i] = attempt.confidence[chosen == i]
    confidence[differs] = np.minimum(confidence[differs], CONFLICTING)
    return confidence


def _flags(
    attempts: Sequence[_Attempt],
    chosen: NDArray[np.int64],
    positions: NDArray[np.int32],
    points: Points,
) -> NDArray[np.object_]:
    """Join the flags of each placed row."""
    position = positions[chosen, np.arange(len(chosen))]
    bits = np.where(points.is_heap, _BIT["GEOCODE_CENTROID"], np.int64(0))
    for i, attempt in enumerate(attempts):
        is_chosen = chosen == i
        bits[is_chosen] |= attempt.bits[is_chosen]
        failed = positions[i] < 0
        bits[failed] |= attempt.failure[failed]
        other = ~failed & (positions[i] != position)
        bits[other] |= _contradiction(attempts, attempt, chosen)[other]
    bits[position < 0] = 0
    number, distinct = pd.factorize(bits)
    joined = ["|".join(flag for flag in FLAGS if mask & _BIT[flag]) for mask in distinct]
    return np.array(joined, object)[number]


def _contradiction(
    attempts: Sequence[_Attempt], attempt: _Attempt, chosen: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Give the flag of a method that says otherwise than the chosen one."""
    is_point = np.array([*(each.name == "coordinates" for each in attempts), False])[chosen]
    across = is_point | (attempt.name == "coordinates")
    return np.where(across, _BIT["DECLARED_DIFFERS"], _BIT["DECLARED_INCONSISTENT"])


def _reasons(
    attempts: Sequence[_Attempt], lost: NDArray[np.bool_], refused: NDArray[np.bool_]
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Say why rows are not placed: the reason of the first method that had content."""
    only_points = all(each.name == "coordinates" for each in attempts)
    reason = np.where(lost, "COORD_MISSING" if only_points else "MISSING_KEY", "").astype(object)
    detail = np.where(lost, "No column that tells where it is has content.", "").astype(object)
    for attempt in reversed(attempts):
        says = lost & attempt.has_content & (attempt.reason != "")
        reason[says], detail[says] = attempt.reason[says], attempt.detail[says]
    reason[refused] = "COORD_COMUNE_CONFLICT"
    detail[refused] = "The point lies in another municipality than the declared one: correct one."
    return reason, detail
