"""Compiled predicates of the locator: on which side of an edge, and inside which rings, exactly."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]

ORIENTATION_ERROR = 3.3306690738754716e-16
"""Relative error of the floating-point orientation test, (3 + 16 u) u with u = 2**-53."""
SPLITTER = 134217729.0
"""2**27 + 1: splits a double into halves whose products are exact (Dekker 1971)."""
OUTSIDE, BORDER, INSIDE, DOUBTFUL = 0, 1, 2, 3


@njit(cache=True, nogil=True)
def _two_sum(a: float, b: float) -> tuple[float, float]:
    """Add two doubles exactly: rounded sum and its error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@njit(cache=True, nogil=True)
def two_product(a: float, b: float) -> tuple[float, float]:
    """Multiply two doubles exactly (Dekker).

    Parameters
    ----------
    a, b : float
        Far from overflow and underflow.

    Returns
    -------
    tuple of float
        Rounded product, and its error.
    """
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
def exact_orientation(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Give the side of an edge on which a point lies, without any rounding.

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
        1 left of the edge, -1 right of it, 0 exactly on its line.
    """
    left = (ax, -ax, -px, -ay, ay, py)
    right = (by, py, by, bx, px, bx)
    expansion = np.zeros(12)
    size = 0
    for i in range(6):
        high, low = two_product(left[i], right[i])
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
def orientation(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> int:
    """Give the side of an edge on which a point lies: fast where certain, exact where in doubt.

    Parameters
    ----------
    ax, ay, bx, by : float
        Ends of the edge.
    px, py : float
        The point.

    Returns
    -------
    int
        1 left of the edge, -1 right of it, 0 exactly on its line.
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
def quick_side(
    vertices: Floats, edges: Integers, first: int, last: int, px: float, py: float
) -> int:
    """Tell where a point lies, from the edges of one place that share its row of the grid.

    All edges are read without a branch, which costs less than skipping some. The caller settles
    doubts with :func:`exact_side` (called from here, it would keep this one from being inlined).

    Parameters
    ----------
    vertices : array (n, 2)
        x and y.
    edges : array of int32
        First vertex of each edge; the second one is the next.
    first, last : int
        The edges of the place in the point's row.
    px, py : float
        The point.

    Returns
    -------
    int
        OUTSIDE, INSIDE (even-odd rule, so holes and parts need no care), or DOUBTFUL: so near an
        edge, or on one, that doubles do not tell.
    """
    is_odd, in_doubt = 0, 0
    for k in range(first, last):
        e = edges[k]
        ax, ay = vertices[e, 0] - px, vertices[e, 1] - py
        bx, by = vertices[e + 1, 0] - px, vertices[e + 1, 1] - py
        left, right = ax * by, ay * bx
        determinant = left - right
        is_near = int(abs(determinant) <= ORIENTATION_ERROR * (abs(left) + abs(right)))
        a_above, b_above = int(ay > 0.0), int(by > 0.0)
        apart = (a_above & b_above) | (int(ay < 0.0) & int(by < 0.0))
        in_doubt |= is_near & ~apart
        is_odd ^= (a_above ^ b_above) & ~(int(determinant > 0.0) ^ b_above)
    return DOUBTFUL if in_doubt else (INSIDE if is_odd else OUTSIDE)


@njit(cache=True, nogil=True)
def exact_side(
    vertices: Floats, edges: Integers, first: int, last: int, px: float, py: float
) -> int:
    """Tell where a point lies, from the edges of one place in its row, with exact orientations.

    Parameters
    ----------
    vertices, edges, first, last, px, py
        As in :func:`quick_side`.

    Returns
    -------
    int
        OUTSIDE, BORDER or INSIDE.
    """
    is_odd = False
    for k in range(first, last):
        e = edges[k]
        ax, ay = vertices[e, 0], vertices[e, 1]
        bx, by = vertices[e + 1, 0], vertices[e + 1, 1]
        if (py < ay and py < by) or (py > ay and py > by) or (px > ax and px > bx):
            continue  # a ray to the right does not meet it
        touches = px >= ax or px >= bx
        if ay == by:
            if touches:
                return BORDER
            continue
        sign = orientation(ax, ay, bx, by, px, py) if touches else 0
        if touches and sign == 0:
            return BORDER
        if (ay > py) != (by > py):
            is_odd ^= sign == 0 or (sign > 0) == (by > ay)
    return INSIDE if is_odd else OUTSIDE


@njit(cache=True, nogil=True)
def meters_to_edge(vertices: Floats, edge: int, point: Floats, scale: Floats) -> float:
    """Measure from a point to an edge on the plane that touches the ellipsoid at the point.

    Parameters
    ----------
    vertices : array (n, 2)
        Longitude and latitude.
    edge : int
        First vertex of the edge; the second one is the next.
    point : array (2,)
        Longitude and latitude.
    scale : array (2,)
        Metres per degree of longitude and of latitude at the point.

    Returns
    -------
    float
        Metres.
    """
    ax, ay = (vertices[edge, 0] - point[0]) * scale[0], (vertices[edge, 1] - point[1]) * scale[1]
    dx = (vertices[edge + 1, 0] - vertices[edge, 0]) * scale[0]
    dy = (vertices[edge + 1, 1] - vertices[edge, 1]) * scale[1]
    length = dx * dx + dy * dy
    t = 0.0
    if length > 0.0:
        t = min(1.0, max(0.0, -(ax * dx + ay * dy) / length))
    return math.hypot(ax + t * dx, ay + t * dy)
