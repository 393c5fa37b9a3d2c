"""Coordinates to municipality: exact, one place per point, over the full geometry."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo_engine import tables
from geo_engine.errors import BoundaryError, TableError

if TYPE_CHECKING:  # numba is slow to import: the kernels are imported where they are used
    from geo_engine.places.grid import Grid, Rows

CELL_DEG = 0.0025
"""Side of a grid cell where the layer is as large as Italy: about 280 by 200 m."""
MAX_CELLS = 40_000_000
CHUNK = 250_000
EQUATOR_M = 6378137.0
FLATTENING = 1 / 298.257223563


@dataclass(frozen=True, kw_only=True)
class Locator:
    """A layer of places prepared for points: arrays only, so that it can be saved as it is.

    Positions count the rows of the layer from 0; its rows are sorted by ``pro_com_t``, hence the
    lowest position is the lowest code.
    """

    codes: NDArray[np.str_]
    """``pro_com_t`` by position."""
    x_min: float
    """Longitude of the grid's corner."""
    y_min: float
    """Latitude of the grid's corner."""
    size: float
    """Side of the grid's cells in degrees."""
    columns: int
    """Columns of the grid."""
    owner: NDArray[np.int32]
    """By cell: the owner's position, -1 for none, or -2 - k for the k-th cell cut by an edge."""
    start: NDArray[np.int64]
    """Offsets of each cut cell among the candidates."""
    candidates: NDArray[np.int32]
    """Positions, ascending; ``~position`` where the place covers the whole cut cell."""
    edges: NDArray[np.float64]
    """(n, 4): both ends of each edge, by place and by row of the grid."""
    place_start: NDArray[np.int64]
    """Offsets of each place among the rows."""
    row_start: NDArray[np.int64]
    """Offsets of each place's row among the edges."""
    bounds: NDArray[np.int64]
    """First row of each place, and the row after its last."""


def build_index(places: gpd.GeoDataFrame) -> Locator:
    """Prepare a layer of places for locating points.

    Parameters
    ----------
    places : GeoDataFrame
        Indexed by ``pro_com_t``, sorted and unique, in EPSG:4326; polygons with holes and parts.

    Returns
    -------
    Locator
        About 200 MB for Italy at full resolution.

    Raises
    ------
    TableError
        ``CRS_MISSING``, ``CRS_MISMATCH`` or ``PLACE_INDEX``.
    BoundaryError
        ``INVALID_BOUNDARY``, naming the places that are empty or not polygons.
    """
    from geo_engine.places import grid

    _check_layer(places)
    edges, owner = _edges(places.geometry.to_numpy())
    low, high = edges.reshape(-1, 2).min(axis=0), edges.reshape(-1, 2).max(axis=0)
    size = max(CELL_DEG, float(np.sqrt(np.prod(high - low + 2 * CELL_DEG) / MAX_CELLS)))
    x_min, y_min = (low - size).tolist()
    shape = (int((high[1] - y_min) / size) + 2, int((high[0] - x_min) / size) + 2)
    bounds = _row_bounds(edges, owner, y_min, size)
    rows = grid.bucket_edges(edges, owner, y_min, size, bounds)
    painted = grid.paint(rows, x_min, y_min, size, shape)
    return Locator(codes=places.index.to_numpy(dtype=str), **rows._asdict(), **painted._asdict())


def locate(locator: Locator, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int32]:
    """Find the place of each point.

    An interior point gets what ``geopandas.sjoin(predicate="within")`` says; a point on a border
    gets the lowest of the codes that share it. Orientation tests in doubt are repeated in exact
    arithmetic, so the answer does not depend on rounding, row order or threads.

    Parameters
    ----------
    locator : Locator
        From :func:`build_index`.
    lon, lat : array of float
        Degrees; NaN and infinite coordinates are in no place.

    Returns
    -------
    array of int32
        Positions in the layer, -1 for none.
    """
    from geo_engine.places import grid

    x, y = _points(lon, lat)
    found = np.empty(len(x), np.int32)
    index = _index(locator)

    def part(begin: int) -> None:
        end = begin + CHUNK
        grid.find(x[begin:end], y[begin:end], found[begin:end], *index)

    starts = range(0, len(x), CHUNK)
    workers = min(len(starts), os.cpu_count() or 1)
    if workers <= 1:
        for begin in starts:
            part(begin)
        return found
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(part, starts))
    return found


def snap(
    locator: Locator, lon: ArrayLike, lat: ArrayLike, distance_m: float
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Find the nearest place within a distance, for points that lie in none.

    Distances are measured on the plane that touches the WGS 84 ellipsoid at each point: right to
    0.1 % up to 5 km, that is within half a metre at the default of 500 m.

    Parameters
    ----------
    locator : Locator
        From :func:`build_index`.
    lon, lat : array of float
        Degrees; points in no place (one in a place is measured to the nearest border).
    distance_m : float
        Largest distance in metres.

    Returns
    -------
    tuple of array
        Positions (int32, -1 when none is so near; the lowest code of two equally near) and
        distances in metres (NaN when none).
    """
    from geo_engine.places import grid

    points = np.column_stack(_points(lon, lat))
    scales = _meters_per_degree(points[:, 1])
    found, meters = grid.nearest(points, float(distance_m), scales, *_index(locator))
    return found, meters


def _index(locator: Locator) -> tuple[Rows, Grid]:
    """Give the index as the kernels take it."""
    from geo_engine.places import grid

    return (
        grid.Rows(*(getattr(locator, name) for name in grid.Rows._fields)),
        grid.Grid(*(getattr(locator, name) for name in grid.Grid._fields)),
    )


def _points(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check that longitudes and latitudes are two arrays of one length."""
    x = np.ascontiguousarray(lon, dtype=np.float64)
    y = np.ascontiguousarray(lat, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise TableError(
            "COORDINATE_SHAPE", f"{x.shape} longitudes and {y.shape} latitudes: give pairs."
        )
    return x, y


def _meters_per_degree(lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give metres per degree of longitude and of latitude on the ellipsoid."""
    phi = np.radians(np.clip(np.nan_to_num(lat), -89.0, 89.0))
    squared = FLATTENING * (2 - FLATTENING)
    root = np.sqrt(1 - squared * np.sin(phi) ** 2)
    east = EQUATOR_M / root * np.cos(phi)
    north = EQUATOR_M * (1 - squared) / root**3
    return np.radians(np.column_stack([east, north]))


def _check_layer(places: gpd.GeoDataFrame) -> None:
    """Refuse a layer in another system, unsorted, or with something else than polygons."""
    if places.crs is None:
        raise TableError("CRS_MISSING", "The municipalities have no reference system; set it.")
    if not places.crs.equals(tables.CRS_WEB, ignore_axis_order=True):
        raise TableError(
            "CRS_MISMATCH", f"The locator takes a layer in {tables.CRS_WEB}: convert it first."
        )
    if not (places.index.is_unique and places.index.is_monotonic_increasing):
        raise TableError("PLACE_INDEX", "Sort the municipalities by a unique pro_com_t.")
    geometry = places.geometry.to_numpy()
    polygons = np.isin(shapely.get_type_id(geometry), (3, 6)) & ~shapely.is_empty(geometry)
    if not polygons.all() or not len(places):
        names = ", ".join(map(str, places.index[~polygons][:5])) or "the layer is empty"
        raise BoundaryError(
            "INVALID_BOUNDARY",
            f"{(~polygons).sum()} municipalities have no polygon: {names}. Repair the layer.",
        )


def _edges(geometry: NDArray[np.object_]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Take polygons apart into edges, with the position of each edge's polygon."""
    parts, owner_of_part = shapely.get_parts(geometry, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[1:] == ring[:-1]
    edges = np.concatenate([points[:-1], points[1:]], axis=1)[inner]
    owner = owner_of_part[part_of_ring[ring[1:][inner]]]
    moves = (edges[:, 0] != edges[:, 2]) | (edges[:, 1] != edges[:, 3])
    return np.ascontiguousarray(edges[moves]), np.ascontiguousarray(owner[moves])


def _row_bounds(
    edges: NDArray[np.float64], owner: NDArray[np.int64], y_min: float, size: float
) -> NDArray[np.int64]:
    """Give the first row of each place and the row after its last."""
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    low = np.minimum.reduceat(np.minimum(edges[:, 1], edges[:, 3]), first)
    high = np.maximum.reduceat(np.maximum(edges[:, 1], edges[:, 3]), first)
    bounds = ((np.column_stack([low, high]) - y_min) / size).astype(np.int64)
    bounds[:, 1] += 1
    return bounds
