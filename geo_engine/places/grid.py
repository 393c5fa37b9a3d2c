"""Compiled grid of the locator: who owns a cell, and which places share a cut one.

numba's cache on disk watches one file: after a change of ``rays`` touch this one too.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geo_engine.places.rays import INSIDE, OUTSIDE, meters_to_edge, side_of_rings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Positions = NDArray[np.int32]

EMPTY, CUT = -1, -2
MARGIN = 1e-6
"""Slack around edges in cells: far above rounding, far below a cell."""


class Rows(NamedTuple):
    """Edges of all places, bucketed by the rows of the grid that they cross."""

    edges: Floats
    """(n, 4): x and y of both ends, by place and row; repeated where they span rows."""
    place_start: Integers
    """Offsets of each place among the rows."""
    row_start: Integers
    """Offsets of each place's row among the edges."""
    bounds: Integers
    """First row of each place, and the row after its last."""


class Grid(NamedTuple):
    """Cells with their owners."""

    x_min: float
    y_min: float
    size: float
    columns: int
    owner: Positions
    """By cell: the owner's position, EMPTY, or CUT - k for the k-th cut cell."""
    start: Integers
    """Offsets of each cut cell among the candidates."""
    candidates: Positions
    """Positions, ascending; ``~position`` where the place covers the whole cut cell."""


@njit(cache=True, nogil=True)
def _row(y: float, y_min: float, size: float) -> int:
    """Give the row of a height."""
    return int((y - y_min) / size)


@njit(cache=True, nogil=True)
def bucket_edges(
    edges: Floats, place: Integers, y_min: float, size: float, bounds: Integers
) -> Rows:
    """Sort edges into the rows of the grid that they cross, place by place.

    Parameters
    ----------
    edges : array (n, 4)
        x and y of both ends, grouped by place.
    place : array (n,)
        Position of each edge's place.
    y_min, size : float
        Lower end of the grid, and side of its cells.
    bounds : array (places, 2)
        First row of each place, and the row after its last.

    Returns
    -------
    Rows
        The bucketed edges.
    """
    place_start = np.zeros(len(bounds) + 1, np.int64)
    place_start[1:] = np.cumsum(bounds[:, 1] - bounds[:, 0])
    count = np.zeros(place_start[-1] + 1, np.int64)
    low, high = np.empty(len(edges), np.int64), np.empty(len(edges), np.int64)
    for k in range(len(edges)):
        shift = place_start[place[k]] - bounds[place[k], 0]
        low[k] = shift + _row(min(edges[k, 1], edges[k, 3]), y_min, size)
        high[k] = shift + _row(max(edges[k, 1], edges[k, 3]), y_min, size)
        count[low[k] + 1 : high[k] + 2] += 1
    row_start = np.cumsum(count)
    cursor = row_start[:-1].copy()
    bucketed = np.empty((row_start[-1], 4))
    for k in range(len(edges)):
        for row in range(low[k], high[k] + 1):
            bucketed[cursor[row]] = edges[k]
            cursor[row] += 1
    return Rows(bucketed, place_start, row_start, bounds)


@njit(cache=True, nogil=True)
def _columns_of(edge: Floats, row: int, grid: Grid) -> tuple[int, int]:
    """Give the first and last column that an edge touches in a row, never too few."""
    margin = MARGIN * grid.size
    low, high = min(edge[0], edge[2]), max(edge[0], edge[2])
    rise = edge[3] - edge[1]
    if abs(rise) > margin:  # a flatter edge would turn rounding of y into large errors of x
        slope = (edge[2] - edge[0]) / rise
        one = edge[0] + (grid.y_min + row * grid.size - edge[1]) * slope
        two = edge[0] + (grid.y_min + (row + 1) * grid.size - edge[1]) * slope
        low = max(low, min(one, two) - margin)
        high = min(high, max(one, two) + margin)
    first = int((low - margin - grid.x_min) / grid.size)
    return first, int((high + margin - grid.x_min) / grid.size)


@njit(cache=True, nogil=True)
def paint(rows: Rows, x_min: float, y_min: float, size: float, shape: tuple[int, int]) -> Grid:
    """Paint the grid: the owner of each uncut cell, and the candidates of each cut one.

    Parameters
    ----------
    rows : Rows
        Bucketed edges.
    x_min, y_min, size : float
        Corner of the grid, and side of its cells.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    Grid
        Ready for :func:`find`.
    """
    owner = np.full(shape[0] * shape[1], EMPTY, np.int32)
    none, nobody = np.zeros(1, np.int64), np.empty(0, np.int32)
    grid = Grid(x_min, y_min, size, shape[1], owner, none, nobody)
    cuts = _mark_cut_cells(rows, grid)
    tally = np.zeros(cuts + 1, np.int64)
    _visit(rows, grid, tally)
    start = np.cumsum(tally)
    grid = Grid(x_min, y_min, size, shape[1], owner, start, np.empty(start[-1], np.int32))
    _visit(rows, grid, start[:-1].copy())
    return grid


@njit(cache=True, nogil=True)
def _mark_cut_cells(rows: Rows, grid: Grid) -> int:
    """Give a number to each cell that an edge touches, and return how many there are."""
    cuts = 0
    for place in range(len(rows.bounds)):
        for row in range(rows.bounds[place, 0], rows.bounds[place, 1]):
            k = rows.place_start[place] + row - rows.bounds[place, 0]
            for e in range(rows.row_start[k], rows.row_start[k + 1]):
                first, last = _columns_of(rows.edges[e], row, grid)
                for cell in range(row * grid.columns + first, row * grid.columns + last + 1):
                    if grid.owner[cell] == EMPTY:
                        grid.owner[cell] = CUT - cuts
                        cuts += 1
    return cuts


@njit(cache=True, nogil=True)
def _visit(rows: Rows, grid: Grid, tally: Integers) -> None:
    """Count (no candidates yet) or write the places of every cut cell, and paint uncut ones."""
    mark = np.full(grid.columns, -1, np.int64)
    for place in range(len(rows.bounds)):
        for row in range(rows.bounds[place, 0], rows.bounds[place, 1]):
            k = rows.place_start[place] + row - rows.bounds[place, 0]
            left, right = grid.columns, -1
            for e in range(rows.row_start[k], rows.row_start[k + 1]):
                first, last = _columns_of(rows.edges[e], row, grid)
                left, right = min(left, first), max(right, last)
                mark[first : last + 1] = k
            inside, is_known = False, False
            for column in range(left, right + 1):
                if mark[column] == k:
                    _note(grid, tally, row * grid.columns + column, place, True)
                    is_known = False
                    continue
                if not is_known:  # no edge of this place until the next cut cell: one answer
                    inside = _covers_center(rows, grid, k, row, column)
                    is_known = True
                if inside:
                    _note(grid, tally, row * grid.columns + column, place, False)


@njit(cache=True, nogil=True)
def _covers_center(rows: Rows, grid: Grid, k: int, row: int, column: int) -> bool:
    """Tell whether a place covers the center of a cell that it does not cut."""
    x = grid.x_min + (column + 0.5) * grid.size
    y = grid.y_min + (row + 0.5) * grid.size
    return side_of_rings(rows.edges, rows.row_start[k], rows.row_start[k + 1], x, y) == INSIDE


@njit(cache=True, nogil=True)
def _note(grid: Grid, tally: Integers, cell: int, place: int, is_cut: bool) -> None:
    """Note that a place touches a cell; of several that cover an uncut one the first owns it."""
    owner = grid.owner[cell]
    if owner == EMPTY:
        grid.owner[cell] = place
    elif owner <= CUT:
        k = CUT - owner
        if len(grid.candidates) == 0:
            tally[k + 1] += 1
        else:
            grid.candidates[tally[k]] = place if is_cut else ~place
            tally[k] += 1


@njit(cache=True, nogil=True)
def find(lon: Floats, lat: Floats, found: Positions, rows: Rows, grid: Grid) -> None:
    """Write the position of the place of each point, or EMPTY.

    Parameters
    ----------
    lon, lat : array
        Points; NaN and infinite ones are in no place.
    found : array of int32
        Filled.
    rows : Rows
        Bucketed edges.
    grid : Grid
        From :func:`paint`.
    """
    height = len(grid.owner) // grid.columns
    for i in range(len(lon)):
        found[i] = EMPTY
        x, y = (lon[i] - grid.x_min) / grid.size, (lat[i] - grid.y_min) / grid.size
        if not (x >= 0.0 and y >= 0.0 and x < grid.columns and y < height):
            continue
        row = int(y)
        owner = grid.owner[row * grid.columns + int(x)]
        if owner > CUT:
            found[i] = owner
        else:
            found[i] = _find_cut(lon[i], lat[i], row, CUT - owner, rows, grid)


@njit(cache=True, nogil=True)
def _find_cut(px: float, py: float, row: int, k: int, rows: Rows, grid: Grid) -> int:
    """Find the first of a cut cell's candidates that covers a point, border included."""
    for c in range(grid.start[k], grid.start[k + 1]):
        place = grid.candidates[c]
        if place < 0:
            return ~place
        r = rows.place_start[place] + row - rows.bounds[place, 0]
        first, last = rows.row_start[r], rows.row_start[r + 1]
        if side_of_rings(rows.edges, first, last, px, py) != OUTSIDE:
            return place
    return EMPTY


@njit(cache=True, nogil=True)
def nearest(
    points: Floats, limit_m: float, scales: Floats, rows: Rows, grid: Grid
) -> tuple[Positions, Floats]:
    """Find the nearest place of each point within a distance.

    Parameters
    ----------
    points : array (n, 2)
        Longitude and latitude of points in no place.
    limit_m : float
        Largest distance in metres.
    scales : array (n, 2)
        Metres per degree of longitude and of latitude at each point.
    rows : Rows
        Bucketed edges.
    grid : Grid
        From :func:`paint`.

    Returns
    -------
    tuple of array
        Positions (EMPTY when none) and distances in metres (NaN when none); of two places equally
        near, the lower position.
    """
    found = np.full(len(points), EMPTY, np.int32)
    distance_m = np.full(len(points), np.nan)
    height = len(grid.owner) // grid.columns
    for i in range(len(points)):
        x, y = points[i]
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        reach = limit_m / scales[i, 1]
        first = max(0, math.floor((y - reach - grid.y_min) / grid.size))
        last = min(height - 1, math.floor((y + reach - grid.y_min) / grid.size))
        best, place = np.inf, EMPTY
        for row in range(first, last + 1):
            near, who = _nearest_in_row(points[i], limit_m, scales[i], row, rows, grid)
            if near < best or (near == best and who < place):
                best, place = near, who
        if best <= limit_m:
            found[i], distance_m[i] = place, best
    return found, distance_m


@njit(cache=True, nogil=True)
def _nearest_in_row(
    point: Floats, limit_m: float, scale: Floats, row: int, rows: Rows, grid: Grid
) -> tuple[float, int]:
    """Find the nearest place among the cut cells of one row within reach."""
    reach = limit_m / scale[0]
    first = max(0, math.floor((point[0] - reach - grid.x_min) / grid.size))
    last = min(grid.columns - 1, math.floor((point[0] + reach - grid.x_min) / grid.size))
    best, nearest_place = np.inf, EMPTY
    for column in range(first, last + 1):
        k = CUT - grid.owner[row * grid.columns + column]
        if k < 0:
            continue
        for c in range(grid.start[k], grid.start[k + 1]):
            place = grid.candidates[c]
            if place < 0:
                continue
            r = rows.place_start[place] + row - rows.bounds[place, 0]
            for e in range(rows.row_start[r], rows.row_start[r + 1]):
                d = meters_to_edge(rows.edges[e], point[0], point[1], scale[0], scale[1])
                if d < best or (d == best and place < nearest_place):
                    best, nearest_place = d, place
    return best, nearest_place
