"""Reference systems of coordinates: conversion, and what numbers that do not fit may be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geo_engine.errors import TableError
from geo_engine.places.locator import Locator, locate
from geo_engine.tables import CRS_WEB

Floats = NDArray[np.float64]
CANDIDATES = ("EPSG:32632", "EPSG:32633", "EPSG:3003", "EPSG:3004", "EPSG:3035", "EPSG:3857")
"""Systems in which Italian coordinates in metres come; the RDN2008 and ETRS89 ones are the same."""
SAMPLE = 2_000
"""Pairs by which a system is guessed."""


def converter(crs: str) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    """Give the function from a reference system to degrees of EPSG:4326.

    Parameters
    ----------
    crs : str
        The reference system.

    Returns
    -------
    callable
        From eastings and northings to longitudes and latitudes.

    Raises
    ------
    TableError
        ``CRS_MISSING`` or ``CRS_UNKNOWN``.
    """
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

    def to_degrees(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        lon, lat = transformer.transform(x, y)
        return np.asarray(lon, np.float64), np.asarray(lat, np.float64)

    return to_degrees


def is_geographic(crs: str) -> bool:
    """Tell whether a reference system is one of degrees.

    Parameters
    ----------
    crs : str
        A known reference system.

    Returns
    -------
    bool
        True for degrees, False for metres.
    """
    if crs.upper() == CRS_WEB:
        return True
    import pyproj

    return bool(pyproj.CRS.from_user_input(crs).is_geographic)


def check_fit(numbers: int, misfits: int, example: str, crs: str, *, hint: str = "") -> None:
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
    hint : str
        What they may be, from :func:`explain`.

    Raises
    ------
    TableError
        ``CRS_MISMATCH``.
    """
    if not misfits or 2 * misfits < numbers:
        return
    found = "metres" if is_geographic(crs) else "degrees"
    advice = hint or "State the right crs (for Italy in metres often EPSG:32632)."
    raise TableError(
        "CRS_MISMATCH",
        f"{misfits:,} of {numbers:,} coordinates look like {found}, such as {example}, but crs is "
        f"{crs}. {advice}",
    )


def explain(locator: Locator, x: Floats, y: Floats) -> str:
    """Say what coordinates that do not fit their reference system most probably are.

    Parameters
    ----------
    locator : Locator
        Of the layer in which they should lie.
    x, y : array of float
        Pairs as given; the first ones are looked at.

    Returns
    -------
    str
        What to do, with the share that it would bring into a municipality; "" when nothing brings
        half of them there.
    """
    x, y = x[:SAMPLE], y[:SAMPLE]
    if not len(x):
        return ""
    tried = {
        "Their decimal point is lost: restore it in both columns": restore_points(locator, x, y)
    }
    for crs in (*CANDIDATES, CRS_WEB):
        to_degrees = converter(crs)
        tried[f'Set crs = "{crs}"'] = to_degrees(x, y)
        tried[f'Set crs = "{crs}" and swap the two columns'] = to_degrees(y, x)
    shares = {what: float((locate(locator, *point) >= 0).mean()) for what, point in tried.items()}
    best = max(shares, key=lambda what: shares[what])
    if shares[best] < 0.5:
        return ""
    return f"{best}: {shares[best]:.0%} of them then lie in a municipality."


def restore_points(locator: Locator, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Divide degrees that lost their decimal point by the power of ten that brings them back.

    Parameters
    ----------
    locator : Locator
        Of the layer in which they should lie; its extent tells the power.
    x, y : array of float
        Pairs.

    Returns
    -------
    tuple of array
        Longitudes and latitudes, NaN where no power from 10 to 10**8 does it.
    """
    width, height = locator.columns * locator.size, locator.rows * locator.size
    return (
        _divided(x, locator.x_min, locator.x_min + width),
        _divided(y, locator.y_min, locator.y_min + height),
    )


def _divided(values: Floats, low: float, high: float) -> Floats:
    """Divide each value by the smallest power of ten that brings it into a range."""
    found = np.full(len(values), np.nan)
    for power in range(8, 0, -1):
        divided = values / 10.0**power
        fits = (divided >= low) & (divided <= high)
        found[fits] = divided[fits]
    return found
