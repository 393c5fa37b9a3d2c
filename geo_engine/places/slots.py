"""Compiled sorting of edges by the rows of the locator's grid that they cross.

One place's edges in one row are a *slot*. It consists of *runs*: edges that follow one another
along a ring. A point's place is told by the edges to its right in its row, so a run to the right
of a cell turns inside into outside for all of the cell's points, or for none of them: only the
runs that touch the cell have to be looked at. Runs and slots are *pieces*.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

EVEN, ODD, UNSURE = 0, 1, 1 << 16
"""Whether a run crosses every height of its row an even or odd number of times; their sum over
several runs tells it of all of them."""


class Frame(NamedTuple):
    """Where the grid lies; its first and last rows and columns hold no edge."""

    x_min: float
    y_min: float
    size: float
    """Side of a cell in degrees."""
    per_degree: float
    """Cells per degree: 1 / size, rounded once so that all cells are found alike."""
    columns: int
    rows: int


class Edges(NamedTuple):
    """Edges of all places, by the rows of the grid that they cross."""

    vertices: Floats
    """(n, 2): x and y, ring after ring."""
    edges: Integers
    """First vertex of each edge, by row, place and ring; repeated where an edge spans rows."""
    piece_start: Integers
    """Offsets of pieces among the edges: first of all runs, then of all slots."""
    piece_place: Integers
    """Position of each piece's place."""


class Slots(NamedTuple):
    """How edges are grouped, as painting needs it."""

    row_slot: Integers
    """Offsets of rows among the slots."""
    slot_run: Integers
    """Offsets of slots among the runs."""
    crossing: Integers
    """EVEN, ODD or UNSURE, by run."""


@njit(cache=True, nogil=True)
def rows_of(vertices: Floats, frame: Frame) -> Integers:
    """Give the row of each vertex.

    Parameters
    ----------
    vertices : array (n, 2)
        x and y.
    frame : Frame
        Of the grid.

    Returns
    -------
    array of int32
        Rows.
    """
    rows = np.empty(len(vertices), np.int32)
    for k in range(len(vertices)):
        rows[k] = int((vertices[k, 1] - frame.y_min) * frame.per_degree)
    return rows


@njit(cache=True, nogil=True)
def count_edges(rows: Integers, rings: Integers, height: int) -> Integers:
    """Count the edges that cross each row.

    Parameters
    ----------
    rows : array of int32
        Row of each vertex.
    rings : array of int32
        Offsets of rings among the vertices.
    height : int
        Rows of the grid.

    Returns
    -------
    array of int32
        Edges by row.
    """
    count = np.zeros(height, np.int32)
    for ring in range(len(rings) - 1):
        for k in range(rings[ring], rings[ring + 1] - 1):
            for row in range(min(rows[k], rows[k + 1]), max(rows[k], rows[k + 1]) + 1):
                count[row] += 1
    return count


@njit(cache=True, nogil=True)
def place_edges(
    rows: Integers,
    rings: Integers,
    owner: Integers,
    cursor: Integers,
    edges: Integers,
    places: Integers,
) -> None:
    """Write edges, and the positions of their places, where each row's cursor points.

    Parameters
    ----------
    rows : array of int32
        Row of each vertex.
    rings : array of int32
        Offsets of rings among the vertices.
    owner : array of int32
        Position of each ring's place.
    cursor : array of int32
        By row: where the next edge goes; moved on.
    edges, places : array of int32
        First vertex and place of each edge; filled.
    """
    for ring in range(len(rings) - 1):
        for k in range(rings[ring], rings[ring + 1] - 1):
            for row in range(min(rows[k], rows[k + 1]), max(rows[k], rows[k + 1]) + 1):
                edges[cursor[row]] = k
                places[cursor[row]] = owner[ring]
                cursor[row] += 1


def cut_slots(
    edges: Integers, places: Integers, row_start: Integers, rows: Integers
) -> tuple[Slots, Integers, Integers]:
    """Cut the edges of each row into slots and runs.

    Parameters
    ----------
    edges, places : array of int32
        First vertex and place of each edge, by row, place and ring.
    row_start : array of int32
        Offsets of each row among the edges.
    rows : array of int32
        Row of each vertex.

    Returns
    -------
    tuple
        The slots; and of the pieces, offsets and places.
    """
    row_slot = np.zeros(len(row_start), np.int32)
    slot_run, run_start = np.empty((2, len(edges) + 1), np.int32)
    slots, runs = _cut(edges, places, row_start, row_slot, slot_run, run_start)
    run_start, slot_run = run_start[: runs + 1], slot_run[: slots + 1].copy()
    crossing = np.empty(runs, np.int32)
    _cross(edges, run_start, row_start, rows, crossing)
    piece_start = np.concatenate([run_start, run_start[slot_run]])
    piece_place = places[np.minimum(piece_start, len(edges) - 1)]
    return Slots(row_slot, slot_run, crossing), piece_start, piece_place


@njit(cache=True, nogil=True)
def _cut(
    edges: Integers,
    places: Integers,
    row_start: Integers,
    row_slot: Integers,
    slot_run: Integers,
    run_start: Integers,
) -> tuple[int, int]:
    """Write the offsets of slots and runs, and return how many there are."""
    runs = slots = 0
    for row in range(len(row_start) - 1):
        place = vertex = -1
        for k in range(row_start[row], row_start[row + 1]):
            if places[k] != place:
                place, vertex = places[k], -1
                slot_run[slots] = runs
                slots += 1
            if edges[k] != vertex:
                run_start[runs] = k
                runs += 1
            vertex = edges[k] + 1
        row_slot[row + 1] = slots
    run_start[runs], slot_run[slots] = len(edges), runs
    return slots, runs


@njit(cache=True, nogil=True)
def _cross(
    edges: Integers,
    run_start: Integers,
    row_start: Integers,
    rows: Integers,
    crossing: Integers,
) -> None:
    """Write how often each run crosses the heights of its row; unsure where it ends in there."""
    row = 0
    for run in range(len(crossing)):
        while row_start[row + 1] <= run_start[run]:
            row += 1
        first, last = rows[edges[run_start[run]]], rows[edges[run_start[run + 1] - 1] + 1]
        if first == row or last == row:
            crossing[run] = UNSURE
        else:
            crossing[run] = EVEN if (first < row) == (last < row) else ODD
