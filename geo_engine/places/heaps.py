"""Heaps: many rows at exactly one point, as geocoders leave them that found only the town."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CENTROID_ROWS = 50
"""Rows at exactly one point from which they look geocoded to a centroid."""
Keys = NDArray[np.uint64]


def point_keys(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> Keys:
    """Give each point a number, so that a file's points can be counted in 8 bytes a row.

    Parameters
    ----------
    lon, lat : array of float
        Degrees.

    Returns
    -------
    array of uint64
        0 where a coordinate is not finite. Different points have different keys but for one pair
        in 1.8e19: among ten million points, two share a key with a probability of 3e-6.
    """
    is_point = np.isfinite(lon) & np.isfinite(lat)
    keys = np.zeros(len(lon), np.uint64)
    for values in (lon, lat):
        bits = np.where(is_point, values + 0.0, 0.0).view(np.uint64)  # -0.0 is 0.0
        keys = _mixed(keys ^ bits)
    keys[keys == 0] = 1
    keys[~is_point] = 0
    return keys


def _mixed(bits: Keys) -> Keys:
    """Mix bits so that any change of the input changes half of them (SplitMix64)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def heaped(keys: Keys, at_least: int = CENTROID_ROWS) -> Keys:
    """Give the points at which many rows of a file stand.

    Parameters
    ----------
    keys : array of uint64
        From :func:`point_keys`, of the whole file in any order.
    at_least : int
        Rows that make a heap.

    Returns
    -------
    array of uint64
        Keys of heaps, ascending; for ``np.isin``. It takes 9 bytes a row while it counts.
    """
    ordered = np.sort(keys)
    far = at_least - 1
    repeated = ordered[far:] == ordered[: max(0, len(ordered) - far)]
    heaps = np.unique(ordered[far:][repeated])
    return heaps[heaps != 0]
