"""Compiled kernels of the locator: exact ray casting over edges bucketed by rows of a grid."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

ORIENTATION_ERROR = 3.3306690738754716e-16
"""Relative error of the floating-point orientation test, (3 + 16 u) u with u = 2**-53."""
SPLITTER = 134217729.0
"""2**27 + 1: splits a double into halves whose products are exact (Dekker 1971)."""
CUT, EMPTY = -2, -1
OUTSIDE, BORDER, INSIDE = 0, 1, 2


@njit(cache=True, nogil=True, inline="always")
def _two_sum(a, b):  # type: ignore[no-untyped-def]
    """Add two doubles exactly: rounded sum and its error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@njit(cache=True, nogil=True)
def _two_product(a, b):  # type: ignore[no-untyped-def]
    """Multiply two doubles exactly: rounded product and its error (Dekker)."""
    product = a * b
    c = SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return product, error


@njit(cache=True, nogil=True)
def exact_orientation(ax, ay, bx, by, px, py):  # type: ignore[no-untyped-def]
    """Give the sign of the area of the triangle a, b, p without any rounding.

    The determinant is a sum of six products of input doubles; each becomes two doubles, and the
    twelve are added into an expansion without loss, whose last term carries the sign
    (Shewchuk 1997, grow-expansion).

    Parameters
    ----------
    ax, ay, bx, by : float
        Ends of the edge.
    px, py : float
        The point.

    Returns
    -------
    int
        1 when the point lies left of a -> b, -1 right of it, 0 exactly on the line.
    """
    left = (ax, -ax, -px, -ay, ay, py)
    right = (by, py, by, bx, px, bx)
    expansion = np.zeros(12)
    size = 0
    for i in range(6):
        high, low = _two_product(left[i], right[i])
        for term in (low, high):
            carry = term
            for j in range(size):
                carry, expansion[j] = _two_sum(carry, expansion[j])
            expansion[size] = carry
            size += 1
    for j in range(size - 1, -1, -1):
        if expansion[j] != 0.0:
            return 1 if expansion[j] > 0.0 else -1
    return 0


@njit(cache=True, nogil=True)
def orientation(ax, ay, bx, by, px, py):  # type: ignore[no-untyped-def]
    """Give the sign of the triangle a, b, p: fast where certain, exact where in doubt.

    Parameters
    ----------
    ax, ay, bx, by : float
        Ends of the edge.
    px, py : float
        The point.

    Returns
    -------
    int
        1 left of a -> b, -1 right of it, 0 exactly on the line.
    """
    left = (ax - px) * (by - py)
    right = (ay - py) * (bx - px)
    determinant = left - right
    bound = ORIENTATION_ERROR * (abs(left) + abs(right))
    if determinant > bound:
        return 1
    if determinant < -bound:
        return -1
    return exact_orientation(ax, ay, bx, by, px, py)


@njit(cache=True, nogil=True)
def side_of_rings(edges, first, last, px, py):  # type: ignore[no-untyped-def]
    """Tell where a point lies, from the edges that share its row of the grid.

    Parameters
    ----------
    edges : array (n, 4)
        x and y of both ends.
    first, last : int
        The edges of one place in the point's row.
    px, py : float
        The point.

    Returns
    -------
    int
        OUTSIDE, BORDER or INSIDE (even-odd rule, so holes and parts need no care).
    """
    odd = False
    for k in range(first, last):
        ax, ay, bx, by = edges[k, 0], edges[k, 1], edges[k, 2], edges[k, 3]
        if (py < ay and py < by) or (py > ay and py > by) or (px > ax and px > bx):
            continue
        if ay == by:
            if px >= ax or px >= bx:
                return BORDER
            continue
        if px < ax and px < bx:
            odd ^= (ay > py) != (by > py)
            continue
        sign = orientation(ax, ay, bx, by, px, py)
        if sign == 0:
            return BORDER
        if (ay > py) != (by > py):
            odd ^= (sign > 0) == (by > ay)
    return INSIDE if odd else OUTSIDE


@njit(cache=True, nogil=True)
def bucket_edges(edges, owner, y_min, size, bounds):  # type: ignore[no-untyped-def]
    """Sort edges into the rows of the grid that they cross, place by place.

    Parameters
    ----------
    edges : array (n, 4)
        x and y of both ends, grouped by place.
    owner : array (n,)
        Position of each edge's place.
    y_min, size : float
        Lower end of the grid, and side of its cells.
    bounds : array (places, 2)
        Lowest row of each place and the row after its highest.

    Returns
    -------
    tuple of array
        Edges ordered by place and row (repeated where they span rows), start of each place among
        the row offsets, and the row offsets.
    """
    rows = bounds[:, 1] - bounds[:, 0]
    place_start = np.zeros(len(rows) + 1, np.int64)
    place_start[1:] = np.cumsum(rows)
    row_start = np.zeros(place_start[-1] + 1, np.int64)
    for k in range(len(edges)):
        low, high = _rows_of(edges[k, 1], edges[k, 3], y_min, size)
        shift = place_start[owner[k]] - bounds[owner[k], 0]
        for row in range(low, high + 1):
            row_start[shift + row + 1] += 1
    row_start = np.cumsum(row_start)
    cursor = row_start[:-1].copy()
    bucketed = np.empty((row_start[-1], 4))
    for k in range(len(edges)):
        low, high = _rows_of(edges[k, 1], edges[k, 3], y_min, size)
        shift = place_start[owner[k]] - bounds[owner[k], 0]
        for row in range(low, high + 1):
            bucketed[cursor[shift + row]] = edges[k]
            cursor[shift + row] += 1
    return bucketed, place_start, row_start


@njit(cache=True, nogil=True, inline="always")
def _rows_of(a, b, y_min, size):  # type: ignore[no-untyped-def]
    """Give the first and last row that an edge between heights a and b touches."""
    return int((min(a, b) - y_min) / size), int((max(a, b) - y_min) / size)


@njit(cache=True, nogil=True)
def _cells_of_edge(edge, row, frame, margin):  # type: ignore[no-untyped-def]
    """Give the first and last column that an edge touches in a row, never too few."""
    x_min, y_min, size = frame
    ax, ay, bx, by = edge[0], edge[1], edge[2], edge[3]
    low, high = min(ax, bx), max(ax, bx)
    if abs(by - ay) > margin:  # a flatter edge would turn rounding of y into large errors of x
        slope = (bx - ax) / (by - ay)
        one = ax + (y_min + row * size - ay) * slope
        two = ax + (y_min + (row + 1) * size - ay) * slope
        low = max(low, min(one, two) - margin)
        high = min(high, max(one, two) + margin)
    return int((low - margin - x_min) / size), int((high + margin - x_min) / size)


@njit(cache=True, nogil=True)
def paint(bucketed, place_start, row_start, bounds, frame, shape):  # type: ignore[no-untyped-def]
    """Paint the grid: the owner of each uncut cell, and the candidates of each cut one.

    Parameters
    ----------
    bucketed, place_start, row_start : array
        From :func:`bucket_edges`.
    bounds : array (places, 2)
        Rows of each place.
    frame : tuple of float
        x and y of the grid's corner, and side of its cells.
    shape : tuple of int
        Rows and columns.

    Returns
    -------
    tuple of array
        The grid (position of the owner, EMPTY, or CUT - k for the k-th cut cell), offsets of the
        cut cells' candidates, and the candidates in ascending order; ``~place`` says that the
        place covers the whole cell.
    """
    grid = np.full(shape[0] * shape[1], EMPTY, np.int32)
    mark = np.full(shape[1], -1, np.int64)
    cuts = 0
    for place in range(len(bounds)):
        for row in range(bounds[place, 0], bounds[place, 1]):
            k = place_start[place] + row - bounds[place, 0]
            for e in range(row_start[k], row_start[k + 1]):
                low, high = _cells_of_edge(bucketed[e], row, frame, size_margin(frame))
                for cell in range(row * shape[1] + low, row * shape[1] + high + 1):
                    if grid[cell] == EMPTY:
                        grid[cell] = CUT - cuts
                        cuts += 1
    count = np.zeros(cuts + 1, np.int64)
    _visit(grid, mark, count, np.empty(0, np.int32), bucketed, place_start, row_start, bounds, frame)
    start = np.cumsum(count)
    candidates = np.empty(start[-1], np.int32)
    mark[:] = -1
    _visit(
        grid, mark, start[:-1].copy(), candidates, bucketed, place_start, row_start, bounds, frame
    )
    return grid, start, candidates


@njit(cache=True, nogil=True, inline="always")
def size_margin(frame):  # type: ignore[no-untyped-def]
    """Give the slack added around edges, far above rounding and far below a cell."""
    return frame[2] * 1e-6


@njit(cache=True, nogil=True)
def _visit(  # type: ignore[no-untyped-def]  # noqa: PLR0913  # numba takes no dataclass
    grid, mark, tally, candidates, bucketed, place_start, row_start, bounds, frame
):
    """Count (no candidates given) or write the places of every cut cell, and paint uncut ones."""
    columns = len(mark)
    stamp = np.int64(0)
    for place in range(len(bounds)):
        for row in range(bounds[place, 0], bounds[place, 1]):
            k = place_start[place] + row - bounds[place, 0]
            first, last = row_start[k], row_start[k + 1]
            left, right = columns, -1
            for e in range(first, last):
                low, high = _cells_of_edge(bucketed[e], row, frame, size_margin(frame))
                left, right = min(left, low), max(right, high)
                for column in range(low, high + 1):
                    mark[column] = stamp
            _visit_row(grid, mark, tally, candidates, bucketed, (first, last), (place, row, left, right, stamp), frame)
            stamp += 1


@njit(cache=True, nogil=True)
def _visit_row(grid, mark, tally, candidates, bucketed, edges, where, frame):  # type: ignore[no-untyped-def]  # noqa: PLR0913  # numba takes no dataclass
    """Treat one place in one row: cells that it cuts, and runs of cells inside it."""
    place, row, left, right, stamp = where
    x_min, y_min, size = frame
    columns = len(mark)
    inside, fresh = False, True
    for column in range(left, right + 1):
        cell = row * columns + column
        cut = mark[column] == stamp
        if cut:
            fresh = True
        elif fresh:
            x, y = x_min + (column + 0.5) * size, y_min + (row + 0.5) * size
            inside = side_of_rings(bucketed, edges[0], edges[1], x, y) == INSIDE
            fresh = False
        if not cut and not inside:
            continue
        owner = grid[cell]
        if owner > CUT:
            if owner == EMPTY:
                grid[cell] = place
            continue
        k = CUT - owner
        if len(candidates) == 0:
            tally[k + 1] += 1
        else:
            candidates[tally[k]] = place if cut else ~place
            tally[k] += 1


@njit(cache=True, nogil=True)
def find(lon, lat, found, grid, start, candidates, bucketed, place_start, row_start, bounds, frame, shape):  # type: ignore[no-untyped-def]  # noqa: PLR0913  # numba takes no dataclass
    """Write the position of the place of each point, or EMPTY.

    Parameters
    ----------
    lon, lat : array
        Points; NaN and infinite ones are in no place.
    found : array of int32
        Filled.
    grid, start, candidates : array
        From :func:`paint`.
    bucketed, place_start, row_start, bounds : array
        From :func:`bucket_edges`.
    frame, shape : tuple
        Corner and cell of the grid, rows and columns.
    """
    x_min, y_min, size = frame
    for i in range(len(lon)):
        found[i] = EMPTY
        x, y = (lon[i] - x_min) / size, (lat[i] - y_min) / size
        if not (x >= 0.0 and y >= 0.0 and x < shape[1] and y < shape[0]):
            continue
        row = int(y)
        owner = grid[row * shape[1] + int(x)]
        if owner > CUT:
            found[i] = owner
            continue
        k = CUT - owner
        for c in range(start[k], start[k + 1]):
            place = candidates[c]
            if place < 0:
                found[i] = ~place
                break
            r = place_start[place] + row - bounds[place, 0]
            if side_of_rings(bucketed, row_start[r], row_start[r + 1], lon[i], lat[i]) != OUTSIDE:
                found[i] = place
                break


@njit(cache=True, nogil=True, inline="always")
def _meters_to_edge(edge, px, py, scale_x, scale_y):  # type: ignore[no-untyped-def]
    """Measure from a point to an edge on the plane that touches the ellipsoid at the point."""
    ax, ay = (edge[0] - px) * scale_x, (edge[1] - py) * scale_y
    dx, dy = (edge[2] - edge[0]) * scale_x, (edge[3] - edge[1]) * scale_y
    length = dx * dx + dy * dy
    t = 0.0
    if length > 0.0:
        t = min(1.0, max(0.0, -(ax * dx + ay * dy) / length))
    return math.hypot(ax + t * dx, ay + t * dy)


@njit(cache=True, nogil=True)
def nearest(points, limit_m, scales, grid, start, candidates, bucketed, place_start, row_start, bounds, frame, shape):  # type: ignore[no-untyped-def]  # noqa: PLR0913  # numba takes no dataclass
    """Find the nearest place of each point within a distance.

    Parameters
    ----------
    points : array (n, 2)
        Longitude and latitude of points in no place.
    limit_m : float
        Largest distance in metres.
    scales : array (n, 2)
        Metres per degree of longitude and of latitude at each point.
    grid, start, candidates : array
        From :func:`paint`.
    bucketed, place_start, row_start, bounds : array
        From :func:`bucket_edges`.
    frame, shape : tuple
        Corner and cell of the grid, rows and columns.

    Returns
    -------
    tuple of array
        Positions (EMPTY when none) and distances in metres (NaN when none); of two places equally
        near, the lower position.
    """
    found = np.full(len(points), EMPTY, np.int32)
    distance_m = np.full(len(points), np.nan)
    x_min, y_min, size = frame
    for i in range(len(points)):
        px, py = points[i]
        reach_x, reach_y = limit_m / scales[i, 0], limit_m / scales[i, 1]
        if not (math.isfinite(px) and math.isfinite(py)):
            continue
        first_row = max(0, math.floor((py - reach_y - y_min) / size))
        last_row = min(shape[0] - 1, math.floor((py + reach_y - y_min) / size))
        first_column = max(0, math.floor((px - reach_x - x_min) / size))
        last_column = min(shape[1] - 1, math.floor((px + reach_x - x_min) / size))
        best, owner = np.inf, EMPTY
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                k = CUT - grid[row * shape[1] + column]
                if k < 0:
                    continue
                for c in range(start[k], start[k + 1]):
                    place = candidates[c]
                    if place < 0:
                        continue
                    r = place_start[place] + row - bounds[place, 0]
                    for e in range(row_start[r], row_start[r + 1]):
                        d = _meters_to_edge(bucketed[e], px, py, scales[i, 0], scales[i, 1])
                        if d < best or (d == best and place < owner):
                            best, owner = d, place
        if best <= limit_m:
            found[i], distance_m[i] = owner, best
    return found, distance_m
