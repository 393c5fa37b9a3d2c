"""Which outlines share a vertex or an edge: one pass over all vertices through a hash table.

Vertices come place after place. The table finds where a feature was seen first, by a full
comparison of coordinates, so that no collision of keys can make a link; a chain from there leads
through the places that have it. A mark for each pair makes every link come out once, and nothing
depends on how the table is laid out.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
import shapely

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_HALF = np.uint64(32)
_MIX_X, _MIX_Y = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


def touching_pairs(
    geometries: npt.NDArray[np.object_], *, by_edge: bool
) -> tuple[IntArray, IntArray]:
    """List the pairs of places that share a vertex or an edge, in both directions.

    Parameters
    ----------
    geometries : ndarray of polygons
        One for each place; empty and missing ones touch nothing.
    by_edge : bool
        An edge must be shared; a vertex alone is not enough.

    Returns
    -------
    focal, neighbor : ndarray of int
        Positions, sorted by focal and neighbor, each pair once.
    """
    corners, owner = shapely.get_coordinates(geometries, return_index=True)
    corners += 0.0  # the bits of -0.0 and 0.0 differ, the numbers do not
    is_feature = np.ones(len(corners), np.bool_)
    if by_edge:
        is_feature = _starts_an_edge(geometries, owner)
    if np.isnan(corners.sum()):
        is_feature &= ~np.isnan(corners).any(axis=1)
    found = _pairs_of(corners, owner.astype(np.int32), is_feature, by_edge, len(geometries))
    n = max(len(geometries), 1)
    both = np.sort(np.concatenate([found[:, 0] * n + found[:, 1], found[:, 1] * n + found[:, 0]]))
    return both // n, both % n


def _starts_an_edge(
    geometries: npt.NDArray[np.object_], owner: npt.NDArray[np.integer]
) -> npt.NDArray[np.bool_]:
    """Tell which vertices are followed by another one of the same ring."""
    starts = np.ones(len(owner), np.bool_)
    if not len(owner):
        return starts
    starts[-1] = False
    starts[:-1] = owner[1:] == owner[:-1]
    # Only places of several rings have to be taken apart, which is slow.
    whole = (shapely.get_type_id(geometries) == 3) & (
        shapely.get_num_interior_rings(geometries) == 0
    )
    rings = shapely.get_rings(shapely.get_parts(geometries[~whole]))
    inside = np.flatnonzero(~whole[owner])
    starts[inside[np.cumsum(shapely.get_num_coordinates(rings)) - 1]] = False
    return starts


def _pairs_of(
    corners: FloatArray,
    owner: npt.NDArray[np.int32],
    is_feature: npt.NDArray[np.bool_],
    by_edge: bool,
    n: int,
) -> IntArray:
    """Run the pass again with more room in the rare case that the first guess was short."""
    room = 6 * n + 16
    while True:
        pairs = np.empty((room, 2), np.int64)
        marks = np.full(n, -1, np.int32)
        total = _sharing(corners.view(np.uint64), owner, (is_feature, by_edge), (marks, pairs))
        if total <= room:
            return pairs[:total]
        room = total


@numba.njit(cache=True, nogil=True, inline="always")
def _key(bits: npt.NDArray[np.uint64], i: int) -> np.uint64:  # pragma: no cover
    """Scatter a vertex over 64 bits."""
    x, y = bits[i, 0], bits[i, 1]
    key = (x * _MIX_X) ^ ((y + (x >> _HALF)) * _MIX_Y)
    return (key ^ (key >> _HALF)) * _MIX_X


@numba.njit(cache=True, nogil=True, inline="always")
def _same(bits: npt.NDArray[np.uint64], a: int, b: int) -> bool:  # pragma: no cover
    """Tell whether two vertices have the same coordinates."""
    return bits[a, 0] == bits[b, 0] and bits[a, 1] == bits[b, 1]


@numba.njit(cache=True, nogil=True)
def _sharing(
    bits: npt.NDArray[np.uint64],
    owner: npt.NDArray[np.int32],
    features: tuple[npt.NDArray[np.bool_], bool],
    found: tuple[npt.NDArray[np.int32], IntArray],
) -> int:  # pragma: no cover
    """Write the pairs of places with a feature in common; give their number."""
    is_feature, by_edge = features
    size = 4
    while (1 << size) < 2 * len(owner):
        size += 1
    table = np.full(1 << size, -1, np.int32)
    chains = np.full((len(owner), 3), -1, np.int32)
    total = 0
    guess = -1
    for i in range(len(owner)):
        # An edge without length is a vertex that is written twice.
        if not is_feature[i] or (by_edge and _same(bits, i, i + 1)):
            continue
        # Two places draw their border in opposite directions: the next feature of this one is
        # likely the one before in the other, and a look there is cheaper than the table.
        if guess >= 0 and chains[guess, 2] >= 0 and _is_feature(bits, guess, i, by_edge):
            first = chains[guess, 2]
            guess -= 1
        else:
            first = _first_seen(bits, i, by_edge, table)
            guess = first - 1 if first < i else -1
        chains[i, 2] = first
        if first == i:
            chains[i, 0] = i
        else:
            total = _meet((first, i), owner, chains, found, total)
    return total


@numba.njit(cache=True, nogil=True, inline="always")
def _first_seen(
    bits: npt.NDArray[np.uint64], i: int, by_edge: bool, table: npt.NDArray[np.int32]
) -> int:  # pragma: no cover
    """Find where a feature was seen first; write it down where that is here."""
    key = _key(bits, i)
    if by_edge:
        # A sum does not tell which end comes first, nor should it.
        key = (key + _key(bits, i + 1)) * _MIX_Y
    mask = len(table) - 1
    slot = np.int64(key >> _HALF) & mask
    while table[slot] >= 0:
        if _is_feature(bits, table[slot], i, by_edge):
            return table[slot]
        slot = (slot + 1) & mask
    table[slot] = i
    return i


@numba.njit(cache=True, nogil=True, inline="always")
def _is_feature(
    bits: npt.NDArray[np.uint64], a: int, b: int, by_edge: bool
) -> bool:  # pragma: no cover
    """Tell whether two features are one, edges whichever way they are drawn."""
    if not by_edge:
        return _same(bits, a, b)
    if _same(bits, a, b) and _same(bits, a + 1, b + 1):
        return True
    return _same(bits, a, b + 1) and _same(bits, a + 1, b)


@numba.njit(cache=True, nogil=True)
def _meet(
    met: tuple[int, int],
    owner: npt.NDArray[np.int32],
    chains: npt.NDArray[np.int32],
    found: tuple[npt.NDArray[np.int32], IntArray],
    total: int,
) -> int:  # pragma: no cover
    """Link the owner of a feature with the places that had it before, each pair once."""
    first, i = met
    marks, pairs = found
    place = owner[i]
    latest = chains[first, 0]  # of a feature's first vertex: the last place that has it
    if owner[latest] == place:
        return total
    at = latest
    while at >= 0:
        other = owner[at]
        if marks[other] != place:
            marks[other] = place
            if total < len(pairs):
                pairs[total, 0] = other
                pairs[total, 1] = place
            total += 1
        at = chains[at, 1]  # the place before
    chains[i, 1] = latest
    chains[first, 0] = i
    return total
