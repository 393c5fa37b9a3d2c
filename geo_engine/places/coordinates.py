"""Coordinates as written in registers: parse, convert, and say what is wrong with each pair."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_engine.errors import TableError
from geo_engine.places.locator import Locator, locate, snap
from geo_engine.tables import CRS_WEB

REASONS = {
    "": "",
    "COORD_MISSING": "Longitude or latitude is empty.",
    "COORD_INVALID": "Longitude or latitude is no finite number of this reference system.",
    "COORD_NULL_ISLAND": "The point is (0, 0): the geocoder found nothing.",
    "COORD_SWAPPED": "Longitude and latitude are swapped: swap the two columns in the study.",
    "COORD_OUTSIDE": "The point lies in no municipality, nor within the snapping distance.",
}
"""What can be wrong with coordinates, with what to do; the order gives the code of each."""
_CODES = {reason: i for i, reason in enumerate(REASONS)}
_Floats = NDArray[np.float64]
_MISSING = re.compile(r"\s*(?:nan|null|none|n/?a|n\.?d\.?|<na>|-+)?\s*", re.IGNORECASE)
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
CENTROID_ROWS = 50
"""Rows at exactly one point from which they look geocoded to a centroid."""


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
    """Of these, numbers that cannot be of the stated reference system: see :func:`check_fit`."""
    is_heap: NDArray[np.bool_]
    """At least ``CENTROID_ROWS`` rows of the batch stand at exactly this point."""


def place_points(
    locator: Locator,
    x: pd.Series,
    y: pd.Series,
    *,
    snap_distance_m: float,
    decimal: Literal["auto", ".", ","] = "auto",
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
    easting, x_state = parse_numbers(x, decimal=decimal)
    northing, y_state = parse_numbers(y, decimal=decimal)
    reason = np.maximum(x_state, y_state)
    reason[(reason == 0) & (easting == 0) & (northing == 0)] = _CODES["COORD_NULL_ISLAND"]
    to_degrees = _converter(crs)
    is_number = reason == 0
    is_misfit = is_number & _misfits(easting, northing, crs)
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
    reason[lost[swapped]] = _CODES["COORD_SWAPPED"]
    missing = _CODES["COORD_MISSING"]
    return Points(
        lon=lon,
        lat=lat,
        position=position,
        distance_m=distance_m,
        reason=reason,
        is_number=is_number,
        is_misfit=is_misfit,
        is_blank=(x_state == missing) & (y_state == missing),
        is_heap=_heaps(lon, lat),
    )


def parse_numbers(
    column: pd.Series, *, decimal: Literal["auto", ".", ","] = "auto"
) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """Read a column of numbers written with point or comma.

    Parameters
    ----------
    column : Series
        Text or numbers.
    decimal : {"auto", ".", ","}
        Decimal mark.

    Returns
    -------
    tuple of array
        Numbers (NaN where there is none), exactly as Python's ``float`` reads them, and for each
        the index among ``REASONS``: 0, missing or invalid.
    """
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers, _state(np.isnan(numbers), np.isinf(numbers))
    text = column.astype("str").str.strip()
    numeric = _matches(text, _NUMBER) if decimal != "," else np.zeros(len(text), bool)
    left = np.flatnonzero(~numeric)
    values = text.to_numpy(dtype=object, na_value="")
    if len(left):
        distinct, which = _distinct(values[left])
        values[left] = np.array([_plain(each, decimal) for each in distinct], object)[which]
        numeric[left] = _matches(pd.Series(values[left], dtype="str"), _NUMBER)
    numbers = np.full(len(values), np.nan)
    numbers[numeric] = values[numeric].astype(np.float64)
    missing = values == ""
    return numbers, _state(missing, ~missing & ~np.isfinite(numbers))


def _distinct(values: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Give the distinct values, and the index of each value among them."""
    which, distinct = pd.factorize(values)
    return distinct, which


def _matches(text: pd.Series, pattern: str) -> NDArray[np.bool_]:
    """Tell which texts match a pattern whole."""
    return text.str.fullmatch(pattern, na=False).to_numpy(dtype=bool).copy()


def _plain(value: str, decimal: str) -> str:
    """Write a number with a decimal point; "" when missing, "?" when it is no number."""
    if _MISSING.fullmatch(value):
        return ""
    compact = "".join(value.split()).replace("\u2212", "-")
    mark = decimal if decimal != "auto" else _guess_mark(compact)
    whole, _, fraction = compact.partition(mark)
    first, *groups = whole.lstrip("+-").split("." if mark == "," else ",")
    if any(len(group) != 3 for group in groups) or (groups and not 1 <= len(first) <= 3):
        return "?"
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{first}{''.join(groups)}" + (f".{fraction}" if fraction else "")


def _guess_mark(number: str) -> str:
    """Tell the decimal mark: the last of two kinds, or the only one when it stands once."""
    if "." in number and "," in number:
        return "," if number.rfind(",") > number.rfind(".") else "."
    if "," in number:
        return "," if number.count(",") == 1 else "."
    return "." if number.count(".") <= 1 else ","


def _state(missing: NDArray[np.bool_], invalid: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Turn two masks into indices among ``REASONS``."""
    state = np.zeros(len(missing), np.int8)
    state[missing] = _CODES["COORD_MISSING"]
    state[invalid] = _CODES["COORD_INVALID"]
    return state


def _converter(crs: str) -> Callable[[_Floats, _Floats], tuple[_Floats, _Floats]]:
    """Give the function from a reference system to degrees of EPSG:4326."""
    if not crs:
        raise TableError("CRS_MISSING", "The coordinates have no reference system: set crs.")
    if crs.upper() == CRS_WEB:
        return lambda x, y: (x, y)
    import pyproj

    try:
        transformer = pyproj.Transformer.from_crs(crs, CRS_WEB, always_xy=True)
    except pyproj.exceptions.CRSError as error:
        raise TableError(
            "CRS_UNKNOWN", f"crs = {crs!r} is no reference system. Write it as EPSG:32632."
        ) from error

    def to_degrees(x: _Floats, y: _Floats) -> tuple[_Floats, _Floats]:
        lon, lat = transformer.transform(x, y)
        return np.asarray(lon, np.float64), np.asarray(lat, np.float64)

    return to_degrees


def _misfits(x: _Floats, y: _Floats, crs: str) -> NDArray[np.bool_]:
    """Tell which numbers are degrees in a system of metres, or the reverse."""
    import pyproj

    in_degrees = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    is_geographic = pyproj.CRS.from_user_input(crs).is_geographic
    return np.asarray(~in_degrees if is_geographic else in_degrees)


def check_fit(numbers: int, misfits: int, example: str, crs: str) -> None:
    """Refuse a file of which at least half of the coordinates cannot be of its reference system.

    It takes a whole file: of a single batch, a few wrong rows at its end could be half.

    Parameters
    ----------
    numbers, misfits : int
        Rows of the file with two numbers, and of these the ones that do not fit.
    example : str
        One of those, for the message.
    crs : str
        The stated reference system.

    Raises
    ------
    TableError
        ``CRS_MISMATCH``.
    """
    if not misfits or 2 * misfits < numbers:
        return
    import pyproj

    found = "metres" if pyproj.CRS.from_user_input(crs).is_geographic else "degrees"
    raise TableError(
        "CRS_MISMATCH",
        f"{misfits:,} of {numbers:,} coordinates look like {found}, such as {example}, but crs is "
        f"{crs}. State the right crs (for Italy in metres often EPSG:32632).",
    )


def _heaps(lon: _Floats, lat: _Floats) -> NDArray[np.bool_]:
    """Tell which points carry at least ``CENTROID_ROWS`` rows of the batch."""
    heap = np.isfinite(lon)
    for values in (lon, lat):
        number, _ = pd.factorize(values[heap])
        heap[heap] = np.bincount(number, minlength=1)[number] >= CENTROID_ROWS
    one, distinct = pd.factorize(lon[heap])
    two, _ = pd.factorize(lat[heap])
    number, _ = pd.factorize(two * max(1, len(distinct)) + one)
    heap[heap] = np.bincount(number, minlength=1)[number] >= CENTROID_ROWS
    return heap
