"""Compiled look-ups of the locator: the place of each point, and the nearest one.

Points in uncut cells, most of them, take two reads without a branch. The others are first sorted
roughly by cell, so that neighbors find the same edges in the processor's cache; the answer does not
depend on the order. numba's cache watches one file: after a change of ``rays`` touch this one.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from geo_engine.places.grid import (
    AREA,
    CUT,
    EMPTY,
    SIDE,
    SIDE_BITS,
    Grid,
)
from geo_engine.places.rays import (
    BORDER,
    DOUBTFUL,
    INSIDE,
    exact_side,
    meters_to_edge,
    quick_side,
)
from geo_engine.places.slots import Edges, Floats, Frame, Integers

TILE = 2048
"""Points whose cells are computed at once, in the nearest cache."""
BUCKETS = 4096
"""Groups of neighboring cut cells into which points are sorted."""


class Index(NamedTuple):
    """A locator as the kernels take it."""

    edges: Edges
    grid: Grid
    frame: Frame


class _Waiting(NamedTuple):
    """Points in cut cells, by group of cells."""

    lon: Floats
    lat: Floats
    point: Integers
    """Where the point stands in the chunk."""
    cut: Integers
    """Number of its cell among the cut ones."""


@njit(cache=True, nogil=True)
def find(lon: Floats, lat: Floats, found: Integers, index: Index) -> None:
    """Write the position of the place of each point, or EMPTY.

    Parameters
    ----------
    lon, lat : array
        Points; NaN and infinite ones are in no place.
    found : array of int32
        Filled.
    index : Index
        The locator.
    """
    block, cell = np.empty(TILE, np.int32), np.empty(TILE, np.int32)
    in_cut = np.empty(len(lon), np.int32)
    cuts = 0
    for begin in range(0, len(lon), TILE):
        end = min(begin + TILE, len(lon))
        _cells_of(lon[begin:end], lat[begin:end], index.frame, block, cell)
        for i in range(end - begin):
            block[i] = index.grid.blocks[block[i]]
        for i in range(end - begin):
            owner = index.grid.cells[np.int64(block[i]) * AREA + cell[i]]
            found[begin + i] = owner
            in_cut[cuts] = begin + i
            cuts += owner <= CUT
    waiting = _sorted_by_cell(lon, lat, found, in_cut[:cuts], len(index.grid.start) - 1)
    _settle(waiting, found, index.edges, index.grid)


@njit(cache=True, nogil=True)
def _cells_of(lon: Floats, lat: Floats, frame: Frame, block: Integers, cell: Integers) -> None:
    """Write each point's block, and its cell in there; nobody's first one when off the grid."""
    width, height = float(frame.columns), float(frame.rows)
    across = frame.columns >> SIDE_BITS
    for i in range(len(lon)):
        x, y = (lon[i] - frame.x_min) * frame.per_degree, (lat[i] - frame.y_min) * frame.per_degree
        is_on = (x >= 0.0) & (x < width) & (y >= 0.0) & (y < height)
        column, row = np.int32(x if is_on else 0.0), np.int32(y if is_on else 0.0)
        block[i] = (row >> SIDE_BITS) * across + (column >> SIDE_BITS)
        cell[i] = ((row & (SIDE - 1)) << SIDE_BITS) | (column & (SIDE - 1))


@njit(cache=True, nogil=True)
def _sorted_by_cell(
    lon: Floats, lat: Floats, found: Integers, in_cut: Integers, cells: int
) -> _Waiting:
    """Sort points by groups of neighboring cut cells (counting sort)."""
    width = cells // BUCKETS + 1
    cursor = np.zeros(BUCKETS + 1, np.int32)
    for i in in_cut:
        cursor[(CUT - found[i]) // width + 1] += 1
    for k in range(BUCKETS):
        cursor[k + 1] += cursor[k]
    n = len(in_cut)
    waiting = _Waiting(np.empty(n), np.empty(n), np.empty(n, np.int32), np.empty(n, np.int32))
    for i in in_cut:
        cut = CUT - found[i]
        k = cursor[cut // width]
        cursor[cut // width] = k + 1
        waiting.lon[k], waiting.lat[k] = lon[i], lat[i]
        waiting.point[k], waiting.cut[k] = i, cut
    return waiting


@njit(cache=True, nogil=True)
def _settle(waiting: _Waiting, found: Integers, edges: Edges, grid: Grid) -> None:
    """Find the first candidate that covers each point in a cut cell, border included."""
    vertices, ids = edges.vertices, edges.edges
    for j in range(len(waiting.cut)):
        px, py, cut = waiting.lon[j], waiting.lat[j], waiting.cut[j]
        owner = EMPTY
        for c in range(grid.start[cut], grid.start[cut + 1]):
            candidate = grid.candidates[c]
            if candidate < 0:
                owner = ~candidate
                break
            piece = candidate >> 1
            first, last = edges.piece_start[piece], edges.piece_start[piece + 1]
            side = quick_side(vertices, ids, first, last, px, py)
            if side == DOUBTFUL:
                side = exact_side(vertices, ids, first, last, px, py)
            if side == BORDER or (side == INSIDE) != (candidate & 1):
                owner = edges.piece_place[piece]
                break
        found[waiting.point[j]] = owner


@njit(cache=True, nogil=True)
def nearest(
    points: Floats, limit_m: float, scales: Floats, index: Index
) -> tuple[Integers, Floats]:
    """Find the nearest place of each point within a distance.

    Parameters
    ----------
    points : array (n, 2)
        Longitude and latitude of points in no place.
    limit_m : float
        Largest distance in metres.
    scales : array (n, 2)
        Metres per degree of longitude and of latitude at each point.
    index : Index
        The locator.

    Returns
    -------
    tuple of array
        Positions (EMPTY when none) and distances in metres (NaN when none); of two places equally
        near, the lower position.
    """
    frame = index.frame
    found, distance_m = np.empty(len(points), np.int32), np.empty(len(points))
    for i in range(len(points)):
        found[i], distance_m[i] = EMPTY, np.nan
        y = points[i, 1]
        if not (math.isfinite(points[i, 0]) and math.isfinite(y)):
            continue
        reach = limit_m / scales[i, 1]
        first = max(0, math.floor((y - reach - frame.y_min) * frame.per_degree))
        last = min(frame.rows - 1, math.floor((y + reach - frame.y_min) * frame.per_degree))
        best, place = np.inf, EMPTY
        for row in range(first, last + 1):
            near, who = _nearest_in_row(points[i], limit_m, scales[i], row, index)
            if near < best or (near == best and who < place):
                best, place = near, who
        if best <= limit_m:
            found[i], distance_m[i] = place, best
    return found, distance_m


@njit(cache=True, nogil=True)
def _nearest_in_row(
    point: Floats, limit_m: float, scale: Floats, row: int, index: Index
) -> tuple[float, int]:
    """Find the nearest place among the cut cells of one row within reach."""
    edges, grid, frame = index
    reach = limit_m / scale[0]
    first = max(0, math.floor((point[0] - reach - frame.x_min) * frame.per_degree))
    last = min(frame.columns - 1, math.floor((point[0] + reach - frame.x_min) * frame.per_degree))
    best, nearest_place = np.inf, EMPTY
    for column in range(first, last + 1):
        cut = CUT - _owner(grid, frame, row, column)
        if cut < 0:
            continue
        for c in range(grid.start[cut], grid.start[cut + 1]):
            piece = grid.candidates[c] >> 1
            if piece < 0:
                continue
            place = edges.piece_place[piece]
            for k in range(edges.piece_start[piece], edges.piece_start[piece + 1]):
                d = meters_to_edge(edges.vertices, edges.edges[k], point, scale)
                if d < best or (d == best and place < nearest_place):
                    best, nearest_place = d, place
    return best, nearest_place


@njit(cache=True, nogil=True)
def _owner(grid: Grid, frame: Frame, row: int, column: int) -> int:
    """Give what a cell holds."""
    block = grid.blocks[(row // SIDE) * (frame.columns // SIDE) + column // SIDE]
    return grid.cells[np.int64(block) * AREA + (row % SIDE) * SIDE + column % SIDE]
