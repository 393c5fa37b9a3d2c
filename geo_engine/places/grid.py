"""Compiled grid of the locator: who owns a cell, and which places share a cut one.

The grid has two levels. A block is a square of cells; blocks that one place covers whole share
that place's block, so only the blocks on borders take memory.

numba's cache on disk watches one file: after a change of ``rays`` touch this one and ``lookup``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from geo_engine.places.rays import DOUBTFUL, INSIDE, exact_side, quick_side
from geo_engine.places.slots import UNSURE, Edges, Floats, Frame, Integers, Slots

EMPTY, CUT = -1, -2
SIDE_BITS = 3
SIDE = 1 << SIDE_BITS
"""Cells along the side of a block."""
AREA = SIDE * SIDE
MARGIN = 1e-6
"""Slack around edges in cells: far above rounding, far below a cell."""


class Grid(NamedTuple):
    """Blocks of cells with their owners."""

    blocks: Integers
    """By block: its number. Number 0 is nobody's, number 1 + p is covered by place p whole."""
    cells: Integers
    """By block and cell: the owner's position, EMPTY, or CUT - k for the k-th cut cell."""
    start: Integers
    """Offsets of each cut cell among the candidates."""
    candidates: Integers
    """By ascending place: 2 * piece, plus 1 where the rest of its slot turns inside into outside;
    or ``~position`` where a place covers the whole cut cell."""


class Painter(NamedTuple):
    """What painting a row needs, and its scratch."""

    edges: Edges
    slots: Slots
    frame: Frame
    spans: Integers
    """(n, 2): first and last column that each edge of the row touches."""
    tally: Integers
    """By column: candidates so far."""
    mark: Integers
    """By column: the last slot that touches it."""
    runs: Integers
    """By column: runs of the slot between whose ends it lies; 0 between slots."""
    run: Integers
    """By column: the last of these."""
    turns: Integers
    """By column: sum of crossings of the runs that begin there; 0 between slots."""


def painter(edges: Edges, slots: Slots, frame: Frame) -> Painter:
    """Give what painting needs; a thread needs its own.

    Parameters
    ----------
    edges : Edges
        By row and place.
    slots : Slots
        Of these edges.
    frame : Frame
        Of the grid.

    Returns
    -------
    Painter
        With scratch for the largest row.
    """
    per_row = np.diff(edges.piece_start[slots.slot_run[slots.row_slot]])
    spans = np.empty((int(per_row.max()), 2), np.int32)
    tally, mark, runs, run, turns = np.zeros((5, frame.columns), np.int32)
    mark[:] = -1
    return Painter(edges, slots, frame, spans, tally, mark, runs, run, turns)


@njit(cache=True, nogil=True)
def paint(painter: Painter, begin: int, end: int) -> tuple[Integers, Integers, Integers, Integers]:
    """Paint a band of the grid: the owner of each uncut cell, the candidates of each cut one.

    Parameters
    ----------
    painter : Painter
        From :func:`painter`.
    begin, end : int
        First row of blocks of the band, and the one after its last.

    Returns
    -------
    tuple of array
        Blocks, cells, start and candidates as in :class:`Grid`, counted from the band's first; a
        block that holds a border is the complement of its number.
    """
    columns = painter.frame.columns
    lines = np.empty((SIDE, columns), np.int32)
    notes = np.empty(2 * columns, np.int32)
    blocks = np.empty((end - begin) * (columns // SIDE), np.int32)
    cells, used = np.empty(columns * SIDE, np.int32), 0
    start, candidates = np.empty(columns + 1, np.int32), np.empty(columns, np.int32)
    cuts, start[0] = 0, 0
    for block_row in range(begin, end):
        for line in range(SIDE):
            row = block_row * SIDE + line
            _mark_cut_cells(painter, row, lines[line])
            noted = 0
            for slot in range(painter.slots.row_slot[row], painter.slots.row_slot[row + 1]):
                notes = _grown(notes, 2 * (noted + columns))
                noted = _visit(painter, row, slot, lines[line], (notes, noted))
            start = _grown(start, cuts + columns + 1)
            candidates = _grown(candidates, start[cuts] + noted)
            cuts = _number_cuts(
                lines[line], (notes, noted), painter.tally, (start, cuts), candidates
            )
        cells = _grown(cells, used + columns * SIDE)
        used = _pack(lines, blocks, (block_row - begin) * (columns // SIDE), cells, used)
    return blocks, cells[:used], start[: cuts + 1], candidates[: start[cuts]]


@njit(cache=True, nogil=True)
def _edges_until(edges: Edges, slots: Slots, row: int) -> int:
    """Count the edges of all rows before one."""
    return int(edges.piece_start[slots.slot_run[slots.row_slot[row]]])


@njit(cache=True, nogil=True)
def _grown(array: Integers, need: int) -> Integers:
    """Give an array with room for so many, at least twice as long where it has not."""
    if need <= len(array):
        return array
    larger = np.empty(max(need, 2 * len(array)), np.int32)
    for k in range(len(array)):
        larger[k] = array[k]
    return larger


@njit(cache=True, nogil=True)
def _mark_cut_cells(painter: Painter, row: int, line: Integers) -> None:
    """Mark the cells of a row that an edge touches, and keep the columns of each edge."""
    edges, frame = painter.edges, painter.frame
    for column in range(frame.columns):
        line[column] = EMPTY
    begin = _edges_until(edges, painter.slots, row)
    for k in range(begin, _edges_until(edges, painter.slots, row + 1)):
        left, right = _columns_of(edges.vertices, edges.edges[k], row, frame)
        painter.spans[k - begin, 0], painter.spans[k - begin, 1] = left, right
        for column in range(left, right + 1):
            line[column] = CUT


@njit(cache=True, nogil=True)
def _columns_of(vertices: Floats, edge: int, row: int, frame: Frame) -> tuple[int, int]:
    """Give the first and last column that an edge touches in a row, never too few."""
    ax, ay = vertices[edge, 0], vertices[edge, 1]
    bx, by = vertices[edge + 1, 0], vertices[edge + 1, 1]
    margin = MARGIN * frame.size
    low, high = min(ax, bx), max(ax, bx)
    rise = by - ay
    if abs(rise) > margin:  # a flatter edge would turn rounding of y into large errors of x
        slope = (bx - ax) / rise
        one = ax + (frame.y_min + row * frame.size - ay) * slope
        two = ax + (frame.y_min + (row + 1) * frame.size - ay) * slope
        low = max(low, min(one, two) - margin)
        high = min(high, max(one, two) + margin)
    first = int((low - margin - frame.x_min) * frame.per_degree)
    return first, int((high + margin - frame.x_min) * frame.per_degree)


@njit(cache=True, nogil=True)
def _visit(
    painter: Painter, row: int, slot: int, line: Integers, noted: tuple[Integers, int]
) -> int:
    """Walk along a slot: note it at cut cells, and paint the uncut ones that it covers.

    A note is a column and a candidate. Of several places that cover an uncut cell the first one
    owns it. The walk goes left, so that the runs to the right are known.
    """
    notes, count = noted
    place = painter.edges.piece_place[painter.slots.slot_run[slot]]
    left, right = _mark_slot(painter, row, slot)
    beyond, is_inside, is_known = 0, False, False
    for column in range(right, left - 1, -1):
        if painter.mark[column] == slot:
            is_known = False
            candidate = _piece_at(painter, slot, column, beyond)
        else:
            if not is_known:  # no edge of this place until its next cut cell: one answer
                is_inside, is_known = _covers(painter, row, slot, column, beyond), True
            candidate = ~place
        beyond += painter.turns[column]
        painter.turns[column] = painter.runs[column] = 0
        if candidate >= 0 or (is_inside and line[column] <= CUT):
            notes[2 * count], notes[2 * count + 1] = column, candidate
            count += 1
        elif is_inside and line[column] == EMPTY:
            line[column] = place
    return count


@njit(cache=True, nogil=True)
def _mark_slot(painter: Painter, row: int, slot: int) -> tuple[int, int]:
    """Mark the columns that a slot's edges touch, and those of its runs; give first and last."""
    edges, slots = painter.edges, painter.slots
    begin = _edges_until(edges, slots, row)
    first, last = painter.frame.columns, -1
    for run in range(slots.slot_run[slot], slots.slot_run[slot + 1]):
        left, right = painter.frame.columns, -1
        for k in range(edges.piece_start[run], edges.piece_start[run + 1]):
            low, high = painter.spans[k - begin, 0], painter.spans[k - begin, 1]
            left, right = min(left, low), max(right, high)
            for column in range(low, high + 1):
                painter.mark[column] = slot
        for column in range(left, right + 1):
            painter.runs[column] += 1
            painter.run[column] = run
        painter.turns[left] += slots.crossing[run]
        first, last = min(first, left), max(last, right)
    return first, last


@njit(cache=True, nogil=True)
def _piece_at(painter: Painter, slot: int, column: int, beyond: int) -> int:
    """Give the candidate for a cell that a slot cuts: the only run that may touch it, or all."""
    if painter.runs[column] == 1 and beyond < UNSURE:
        return 2 * painter.run[column] + (beyond & 1)
    return 2 * (len(painter.slots.crossing) + 1 + slot)


@njit(cache=True, nogil=True)
def _covers(painter: Painter, row: int, slot: int, column: int, beyond: int) -> bool:
    """Tell whether a place covers a cell that it does not cut."""
    if painter.runs[column] == 0 and beyond < UNSURE:
        return (beyond & 1) == 1
    edges, frame, run = painter.edges, painter.frame, painter.slots.slot_run
    x = frame.x_min + (column + 0.5) * frame.size
    y = frame.y_min + (row + 0.5) * frame.size
    first, last = edges.piece_start[run[slot]], edges.piece_start[run[slot + 1]]
    side = quick_side(edges.vertices, edges.edges, first, last, x, y)
    if side == DOUBTFUL:  # level with an edge, wherever in the row
        side = exact_side(edges.vertices, edges.edges, first, last, x, y)
    return side == INSIDE


@njit(cache=True, nogil=True)
def _number_cuts(
    line: Integers,
    noted: tuple[Integers, int],
    tally: Integers,
    numbered: tuple[Integers, int],
    candidates: Integers,
) -> int:
    """Give numbers to the cut cells of a row, and sort its notes by cell into candidates."""
    notes, count = noted
    start, cuts = numbered
    for k in range(count):
        tally[notes[2 * k]] += 1
    for column in range(len(line)):
        if line[column] == CUT:
            start[cuts + 1] = start[cuts] + tally[column]
            tally[column] = start[cuts]
            line[column] = CUT - cuts
            cuts += 1
    for k in range(count):
        candidates[tally[notes[2 * k]]] = notes[2 * k + 1]
        tally[notes[2 * k]] += 1
    for k in range(count):
        tally[notes[2 * k]] = 0
    return cuts


@njit(cache=True, nogil=True)
def _pack(lines: Integers, blocks: Integers, at: int, cells: Integers, used: int) -> int:
    """Cut rows of cells into blocks, and keep the cells of those that are not of one kind."""
    for block in range(lines.shape[1] // SIDE):
        owner, is_even = lines[0, block * SIDE], True
        for k in range(AREA):
            cell = lines[k >> SIDE_BITS, block * SIDE + (k & (SIDE - 1))]
            cells[used + k] = cell
            is_even &= cell == owner
        if is_even and owner > CUT:
            blocks[at + block] = owner + 1
        else:
            blocks[at + block] = ~(used // AREA)
            used += AREA
    return used


@njit(cache=True, nogil=True)
def join(
    painted: tuple[Integers, Integers, Integers, Integers],
    grid: Grid,
    at: tuple[int, int, int, int],
) -> None:
    """Copy a band into the whole grid.

    Parameters
    ----------
    painted : tuple of array
        From :func:`paint`.
    grid : Grid
        Of the right size; filled.
    at : tuple of int
        Where the band's blocks, cells, cut cells and candidates begin.
    """
    blocks, cells, start, candidates = painted
    first = at[1] // AREA
    for k in range(len(blocks)):
        grid.blocks[at[0] + k] = blocks[k] if blocks[k] >= 0 else first + ~blocks[k]
    for k in range(len(cells)):
        grid.cells[at[1] + k] = cells[k] if cells[k] > CUT else cells[k] - at[2]
    for k in range(len(start)):
        grid.start[at[2] + k] = start[k] + at[3]
    for k in range(len(candidates)):
        grid.candidates[at[3] + k] = candidates[k]
