"""Coordinates as written in registers: parse, convert, and say what is wrong with each pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_engine.places.heaps import CENTROID_ROWS, heaped, point_keys
from geo_engine.places.locator import Locator, locate, snap
from geo_engine.places.systems import (
    Floats,
    check_fit,
    converter,
    explain,
    is_geographic,
    restore_points,
)
from geo_engine.places.written_numbers import Decimal, parse_numbers
from geo_engine.tables import CRS_WEB

__all__ = [
    "CENTROID_ROWS",
    "REASONS",
    "Points",
    "are_coarse",
    "check_fit",
    "heaped",
    "parse_numbers",
    "place_points",
    "point_keys",
]
REASONS = {
    "": "",
    "COORD_MISSING": "Longitude or latitude is empty.",
    "COORD_INVALID": "Longitude or latitude is no finite number of this reference system.",
    "COORD_MASKED": "The coordinates are hidden or too coarse (999, xx, 0 in one of the two, whole "
    "degrees): ask the source for the exact ones, or place these rows by code or name.",
    "COORD_NULL_ISLAND": "The point is (0, 0): the geocoder found nothing.",
    "COORD_SWAPPED": "Longitude and latitude are swapped: swap the two columns in the study.",
    "COORD_OUTSIDE": "The point lies in no municipality, nor within the snapping distance.",
    "COORD_SCALED": "These are degrees without their decimal point (9190000 for 9.19): restore it "
    "in the source.",
}
"""What can be wrong with coordinates, with what to do; the order gives the code of each. The first
ones are also what can be wrong with one number."""
_CODES = {reason: i for i, reason in enumerate(REASONS)}
_NINES_FROM = 90.0
"""Numbers of nothing but nines from here on stand for none: 99, 99.9999, 999, -9999."""


@dataclass(frozen=True, kw_only=True)
class Points:
    """What became of the coordinates of a batch."""

    lon: NDArray[np.float64]
    """Degrees, NaN where there are none."""
    lat: NDArray[np.float64]
    position: NDArray[np.int32]
    """Row of the municipality in the layer, -1 for none."""
    distance_m: NDArray[np.float64]
    """Distance to the place, where snapped; NaN elsewhere."""
    reason: NDArray[np.int8]
    """Index among ``REASONS``; 0 where placed."""
    is_blank: NDArray[np.bool_]
    """Neither coordinate is filled."""
    is_number: NDArray[np.bool_]
    """Two finite numbers, and not (0, 0)."""
    is_misfit: NDArray[np.bool_]
    """Of these, numbers that cannot be of the stated reference system: see :func:`check_fit`;
    numbers that stand for none are not among them."""
    hint: str = ""
    """What the misfits may be, where they are at least half of the batch."""


def place_points(
    locator: Locator,
    x: pd.Series,
    y: pd.Series,
    *,
    snap_distance_m: float,
    decimal: Decimal = "auto",
    crs: str = CRS_WEB,
) -> Points:
    """Place a batch by its coordinates.

    Parameters
    ----------
    locator : Locator
        From :func:`geo_engine.places.locator.build_index`.
    x, y : Series
        Longitude or easting, latitude or northing, as text or numbers.
    snap_distance_m : float
        How far from a municipality a point may lie to be given to the nearest; 0 for never.
    decimal : {"auto", ".", ","}
        Decimal mark; ``auto`` takes either, value by value.
    crs : str
        Reference system of the coordinates.

    Returns
    -------
    Points
        Arrays as long as the batch.

    Raises
    ------
    TableError
        ``CRS_MISSING`` or ``CRS_UNKNOWN``.
    """
    to_degrees = converter(crs)
    easting, x_state = parse_numbers(x, decimal=decimal)
    northing, y_state = parse_numbers(y, decimal=decimal)
    reason = np.maximum(x_state, y_state)
    reason[(reason == 0) & (easting == 0) & (northing == 0)] = _CODES["COORD_NULL_ISLAND"]
    pairs = _judge(easting, northing, reason == 0, crs)
    reason[pairs.is_whole] = _CODES["COORD_MASKED"]
    lon, lat = to_degrees(easting, northing)
    on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    reason[(reason == 0) & ~on_earth] = _CODES["COORD_INVALID"]
    lon, lat = np.where(reason == 0, lon, np.nan), np.where(reason == 0, lat, np.nan)
    position = locate(locator, lon, lat)
    distance_m = np.full(len(lon), np.nan)
    lost = np.flatnonzero((position < 0) & (reason == 0))
    if snap_distance_m > 0 and len(lost):
        position[lost], distance_m[lost] = snap(locator, lon[lost], lat[lost], snap_distance_m)
        lost = lost[position[lost] < 0]
    reason[lost] = _CODES["COORD_OUTSIDE"]
    swapped = locate(locator, *to_degrees(northing[lost], easting[lost])) >= 0
    reason[pairs.is_blanked & (position < 0)] = _CODES["COORD_MASKED"]
    reason[lost[swapped]] = _CODES["COORD_SWAPPED"]
    reason[_scaled(locator, easting, northing, pairs)] = _CODES["COORD_SCALED"]
    missing = _CODES["COORD_MISSING"]
    return Points(
        lon=lon,
        lat=lat,
        position=position,
        distance_m=distance_m,
        reason=reason,
        is_number=pairs.is_number,
        is_misfit=pairs.is_misfit,
        is_blank=(x_state == missing) & (y_state == missing),
        hint=_hint(locator, easting, northing, pairs),
    )


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """What pairs of numbers are by themselves, wherever they lie."""

    is_number: NDArray[np.bool_]
    """Two finite numbers, and not (0, 0)."""
    is_misfit: NDArray[np.bool_]
    """Not of the stated reference system."""
    is_whole: NDArray[np.bool_]
    """Whole degrees."""
    is_blanked: NDArray[np.bool_]
    """One of the two is nothing but nines, or 0."""
    in_degrees: bool
    """Whether the reference system is one of degrees."""


def _judge(x: Floats, y: Floats, is_number: NDArray[np.bool_], crs: str) -> _Pairs:
    """Look at the numbers alone."""
    in_degrees = is_geographic(crs)
    nines = _are_nines(x) | _are_nines(y)
    could_be_degrees = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    is_misfit = is_number & ~nines & (could_be_degrees != in_degrees)
    is_whole = is_number & could_be_degrees & _are_whole(x, 1) & _are_whole(y, 1)
    return _Pairs(
        is_number=is_number,
        is_misfit=is_misfit,
        is_whole=is_whole if in_degrees else np.zeros(len(x), bool),
        is_blanked=is_number & (nines | ((x == 0) != (y == 0))),
        in_degrees=in_degrees,
    )


def _hint(locator: Locator, x: Floats, y: Floats, pairs: _Pairs) -> str:
    """Say what the misfits may be, where they are at least half of the pairs."""
    if 2 * pairs.is_misfit.sum() < max(1, pairs.is_number.sum()):
        return ""
    return explain(locator, x[pairs.is_misfit], y[pairs.is_misfit])


def are_coarse(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Tell which points have at most one decimal in both coordinates: some 10 km.

    One such point may be chance or written by hand; when most of a file's points are coarse, they
    were rounded for privacy, and the municipality that they give is as often as not a neighbor.

    Parameters
    ----------
    lon, lat : array of float
        Degrees, NaN where there are none.

    Returns
    -------
    array of bool
        False where there are none.
    """
    return _are_whole(lon, 10) & _are_whole(lat, 10)


def _are_whole(values: Floats, times: int) -> NDArray[np.bool_]:
    """Tell which numbers are whole after multiplying, within what a decimal loses as a double."""
    scaled = values * times
    return np.abs(scaled - np.round(scaled)) < 1e-9


def _are_nines(values: Floats) -> NDArray[np.bool_]:
    """Tell which numbers stand for none: nothing but nines, whatever the sign."""
    nines = np.isfinite(values) & (np.abs(values) >= _NINES_FROM)
    size = np.abs(values[nines])
    gap = 10.0 ** np.ceil(np.log10(size + 1e-9)) - size
    decimals = np.round(np.log10(np.where(gap > 0, gap, 10.0)))
    short = (decimals <= 0) & (decimals >= -6) & (gap > 0)
    nines[nines] = short & (np.abs(gap - 10.0**decimals) < 1e-3 * 10.0**decimals)
    return nines


def _scaled(locator: Locator, x: Floats, y: Floats, pairs: _Pairs) -> NDArray[np.int64]:
    """Give the misfits that lie in a municipality once their decimal point is restored.

    Metres may do so by chance: those that lie in one as metres of a usual system are left out.
    """
    rows = np.flatnonzero(pairs.is_misfit & pairs.in_degrees)
    rows = rows[locate(locator, *restore_points(locator, x[rows], y[rows])) >= 0]
    for crs in ("EPSG:32632", "EPSG:32633") if len(rows) else ():
        rows = rows[locate(locator, *converter(crs)(x[rows], y[rows])) < 0]
    return rows
