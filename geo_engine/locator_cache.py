"""The locator of a boundary layer, built once and kept in the user's cache folder."""

from __future__ import annotations

import dataclasses
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from geo_engine import __version__
from geo_engine.array_cache import Arrays, cached_arrays
from geo_engine.places.locator import INDEX_FORMAT, Locator, build_index, check_layer

_SCALARS = ("x_min", "y_min", "size", "columns", "rows")


def cached_locator(places: gpd.GeoDataFrame, digest: str) -> Locator:
    """Give the locator of a layer, from the cache where it is there and whole.

    The cached index is compared with the layer, code by code and vertex by vertex (10 ms for
    Italy): a digest that stands for another layer costs time, never a wrong place.

    Parameters
    ----------
    places : GeoDataFrame
        As for :func:`geo_engine.places.locator.build_index`.
    digest : str
        Identifies the layer; two layers of one source but different dates differ in it.

    Returns
    -------
    Locator
        The same as :func:`geo_engine.places.locator.build_index` gives.

    Raises
    ------
    TableError, BoundaryError
        As :func:`geo_engine.places.locator.build_index`.
    """
    check_layer(places)
    arrays = cached_arrays(
        "locator",
        f"{__version__} {INDEX_FORMAT} {digest}",
        lambda: _as_arrays(build_index(places)),
        fits=lambda found: _is_of(found, places),
    )
    values: dict[str, Any] = dict(arrays)
    values.update({name: arrays[name].item() for name in _SCALARS})
    return Locator(**values)


def _as_arrays(locator: Locator) -> Arrays:
    """Give all fields as arrays."""
    return {
        field.name: np.asarray(getattr(locator, field.name))
        for field in dataclasses.fields(Locator)
    }


def _is_of(arrays: Arrays, places: gpd.GeoDataFrame) -> bool:
    """Tell whether arrays hold all fields, and were made of this layer."""
    if set(arrays) != {field.name for field in dataclasses.fields(Locator)}:
        return False
    vertices = shapely.get_coordinates(places.geometry.to_numpy())
    return np.array_equal(arrays["codes"], places.index.to_numpy(dtype=str)) and np.array_equal(
        arrays["vertices"], vertices
    )
