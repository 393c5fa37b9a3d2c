"""Coordinates to municipality: exact, one place per point, over the full geometry."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo_engine import tables
from geo_engine.errors import BoundaryError, TableError

if TYPE_CHECKING:  # numba is slow to import: the kernels are imported where they are used
    from geo_engine.places.grid import Grid
    from geo_engine.places.lookup import Index
    from geo_engine.places.slots import Edges, Frame, Slots

CELL_DEG = 0.0025
"""Side of a grid cell where the layer is as large as Italy: about 280 by 200 m."""
MAX_CELLS = 40_000_000
INDEX_FORMAT = 4
"""Goes up with every change of what :func:`build_index` gives, so that cached ones are not used."""
LARGEST_CHUNK, SMALLEST_CHUNK = 2_000_000, 20_000
"""Points in one chunk: many, so that neighbors meet, but not more memory with more points."""
EQUATOR_M = 6378137.0
FLATTENING = 1 / 298.257223563
_Part = TypeVar("_Part")
_Done = TypeVar("_Done")


@dataclass(frozen=True, kw_only=True)
class Locator:
    """A layer of places prepared for points: arrays only, so that it can be saved as it is.

    Positions count the rows of the layer from 0; its rows are sorted by ``pro_com_t``, hence the
    lowest position is the lowest code. The arrays are explained in
    :mod:`geo_engine.places.slots` and :mod:`geo_engine.places.grid`.
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
    rows: int
    """Rows of the grid."""
    vertices: NDArray[np.float64]
    """(n, 2): longitude and latitude of all vertices, in the order of the layer."""
    edges: NDArray[np.int32]
    """First vertex of each edge, by row of the grid and place."""
    piece_start: NDArray[np.int32]
    """Offsets of pieces among the edges: parts of one place's border in one row."""
    piece_place: NDArray[np.int32]
    """Position of each piece's place."""
    blocks: NDArray[np.int32]
    """Number of each block of cells."""
    cells: NDArray[np.int32]
    """By block and cell: the owner's position, -1 for none, or -2 - k for the k-th cut cell."""
    start: NDArray[np.int32]
    """Offsets of each cut cell among the candidates."""
    candidates: NDArray[np.int32]
    """By place: a piece and how to read it, or ``~position`` where it covers the whole cell."""


def build_index(places: gpd.GeoDataFrame) -> Locator:
    """Prepare a layer of places for locating points.

    Parameters
    ----------
    places : GeoDataFrame
        Indexed by ``pro_com_t``, sorted and unique, in EPSG:4326; polygons with holes and parts.

    Returns
    -------
    Locator
        About 45 MB for Italy at full resolution; the same whatever the number of threads.

    Raises
    ------
    TableError
        ``CRS_MISSING``, ``CRS_MISMATCH`` or ``PLACE_INDEX``.
    BoundaryError
        ``INVALID_BOUNDARY``, naming the places that are empty or not polygons.
    """
    check_layer(places)
    vertices, rings, owner = _rings(places.geometry.to_numpy())
    frame = _frame(vertices)
    edges, slots = _bucket(vertices, rings, owner, frame)
    grid = _paint(edges, slots, frame, len(places))
    return Locator(
        codes=places.index.to_numpy(dtype=str),
        x_min=frame.x_min,
        y_min=frame.y_min,
        size=frame.size,
        columns=frame.columns,
        rows=frame.rows,
        **edges._asdict(),
        **grid._asdict(),
    )


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
    from geo_engine.places import lookup

    x, y = _points(lon, lat)
    found = np.empty(len(x), np.int32)
    index = _index(locator)

    def part(chunk: slice) -> None:
        lookup.find(_writable(x[chunk]), _writable(y[chunk]), found[chunk], index)

    _in_threads(part, _chunks(len(x)))
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
    from geo_engine.places import lookup

    points = np.column_stack(_points(lon, lat))
    scales = _meters_per_degree(points[:, 1])
    index = _index(locator)

    def part(chunk: slice) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        return lookup.nearest(points[chunk], float(distance_m), scales[chunk], index)

    found, meters = zip(*_in_threads(part, _chunks(len(points))), strict=True)
    return np.concatenate(found), np.concatenate(meters)


def _index(locator: Locator) -> Index:
    """Give the index as the kernels take it."""
    from geo_engine.places import grid, lookup, slots

    return lookup.Index(
        slots.Edges(*(getattr(locator, name) for name in slots.Edges._fields)),
        grid.Grid(*(getattr(locator, name) for name in grid.Grid._fields)),
        slots.Frame(
            locator.x_min,
            locator.y_min,
            locator.size,
            1 / locator.size,
            locator.columns,
            locator.rows,
        ),
    )


def _workers() -> int:
    """Give the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _in_threads(work: Callable[[_Part], _Done], parts: Iterable[_Part]) -> list[_Done]:
    """Do the parts of a work, in threads where there are several."""
    todo = list(parts)
    if len(todo) == 1:
        return [work(todo[0])]
    with ThreadPoolExecutor(_workers()) as pool:
        return list(pool.map(work, todo))


def _chunks(rows: int) -> list[slice]:
    """Cut points into chunks, at least one."""
    even = -(-rows // _workers())
    size = min(LARGEST_CHUNK, max(SMALLEST_CHUNK, even))
    return [slice(begin, min(begin + size, rows)) for begin in range(0, max(rows, 1), size)]


def _points(lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check that longitudes and latitudes are two arrays of one length."""
    x = np.ascontiguousarray(lon, dtype=np.float64)
    y = np.ascontiguousarray(lat, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise TableError(
            "COORDINATE_SHAPE", f"{x.shape} longitudes and {y.shape} latitudes: give pairs."
        )
    return x, y


def _writable(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Copy a chunk that may not be written: to numba it is of another type, compiled anew."""
    return values if values.flags.writeable else values.copy()


def _meters_per_degree(lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give metres per degree of longitude and of latitude on the ellipsoid."""
    phi = np.radians(np.clip(np.nan_to_num(lat), -89.0, 89.0))
    squared = FLATTENING * (2 - FLATTENING)
    root = np.sqrt(1 - squared * np.sin(phi) ** 2)
    east = EQUATOR_M / root * np.cos(phi)
    north = EQUATOR_M * (1 - squared) / root**3
    return np.radians(np.column_stack([east, north]))


def check_layer(places: gpd.GeoDataFrame) -> None:
    """Refuse a layer in another system, unsorted, or with something else than polygons.

    Parameters
    ----------
    places : GeoDataFrame
        For :func:`build_index`.

    Raises
    ------
    TableError, BoundaryError
        As :func:`build_index`.
    """
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


def _rings(
    geometry: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
    """Take polygons apart: all vertices, the offsets of rings, and the position of each ring."""
    parts, owner_of_part = shapely.get_parts(geometry, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    start = np.zeros(len(rings) + 1, np.int32)
    np.cumsum(shapely.get_num_coordinates(rings), out=start[1:])
    vertices = np.ascontiguousarray(shapely.get_coordinates(rings))
    return vertices, start, owner_of_part[part_of_ring].astype(np.int32)


def _frame(vertices: NDArray[np.float64]) -> Frame:
    """Lay the grid: whole blocks, with a margin, since points off the grid are told by cell 0."""
    from geo_engine.places.grid import SIDE
    from geo_engine.places.slots import Frame

    low, high = vertices.min(axis=0), vertices.max(axis=0)
    size = max(CELL_DEG, float(np.sqrt(np.prod(high - low + 2 * CELL_DEG) / MAX_CELLS)))
    cells = ((high - low) / size).astype(np.int64) + 5
    columns, rows = (-(-cells // SIDE) * SIDE).tolist()
    x_min, y_min = (low - 2 * size).tolist()
    return Frame(x_min, y_min, size, 1 / size, columns, rows)


def _bucket(
    vertices: NDArray[np.float64],
    rings: NDArray[np.int32],
    owner: NDArray[np.int32],
    frame: Frame,
) -> tuple[Edges, Slots]:
    """Sort edges by row and place (a counting sort, in threads), and group them."""
    from geo_engine.places import slots

    rows = slots.rows_of(vertices, frame)
    bounds = np.searchsorted(rings, np.linspace(0, rings[-1], _workers() + 1)[1:-1]).tolist()
    bands = [
        (rings[first : last + 1], owner[first:last])
        for first, last in itertools.pairwise([0, *bounds, len(owner)])
    ]
    counts = _in_threads(lambda band: slots.count_edges(rows, band[0], frame.rows), bands)
    ends = np.cumsum(np.column_stack(counts).ravel(), dtype=np.int32).reshape(frame.rows, -1)
    row_start = np.append(np.int32(0), ends[:, -1])
    edges, places = np.empty((2, row_start[-1]), np.int32)
    cursors = [np.ascontiguousarray(ends[:, i] - counts[i]) for i in range(len(bands))]

    def write(i: int) -> None:
        slots.place_edges(rows, *bands[i], cursors[i], edges, places)

    _in_threads(write, range(len(bands)))
    grouped, piece_start, piece_place = slots.cut_slots(edges, places, row_start, rows)
    return slots.Edges(vertices, edges, piece_start, piece_place), grouped


def _paint(edges: Edges, slots: Slots, frame: Frame, places: int) -> Grid:
    """Paint the grid in bands of about as many slots, in threads, and join them."""
    from geo_engine.places import grid

    per_block = slots.row_slot[:: grid.SIDE]
    even = np.linspace(0, per_block[-1], _workers() + 1)[1:-1]
    bounds = [0, *np.searchsorted(per_block, even).tolist(), frame.rows // grid.SIDE]
    painted = _in_threads(
        lambda band: grid.paint(grid.painter(edges, slots, frame), *band),
        itertools.pairwise(bounds),
    )
    whole = np.repeat(np.arange(-1, places, dtype=np.int32), grid.AREA)
    sizes = np.array([[len(each) for each in band] for band in painted])
    sizes[:, 2] -= 1  # offsets have one entry more than cut cells
    ends = np.cumsum(sizes, axis=0)
    ends[:, 1] += len(whole)
    blocks, cells, start, candidates = (
        np.zeros(n, np.int32) for n in ends[-1] + np.array((0, 0, 1, 0))
    )
    cells[: len(whole)] = whole
    joined = grid.Grid(blocks, cells, start, candidates)
    begins = (ends - sizes).tolist()
    _in_threads(
        lambda band: grid.join(painted[band], joined, tuple(begins[band])), range(len(painted))
    )
    return joined
