"""A coverage of polygons as shared arcs: what two places share is stored once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo_engine.errors import OutputError

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Polygons as rings of arcs."""

    points: Floats
    """Coordinates of all arcs, one after another, both ends included."""
    arc_starts: Integers
    """Where each arc begins in ``points``, and the end of the last one."""
    refs: Integers
    """Arcs of all rings in order: twice the arc's number, plus one when walked backward."""
    ring_starts: Integers
    """Where each ring begins in ``refs``, and the end of the last one."""
    ring_places: Integers
    """Position of the polygon to which each ring belongs."""


@dataclass(frozen=True)
class _Rings:
    """Open rings as vertex numbers."""

    vertices: Floats
    ids: Integers
    starts: Integers
    places: Integers


def build_topology(polygons: npt.NDArray[np.object_]) -> Topology:
    """Cut the borders of polygons into arcs at the points where neighbors change.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
        A coverage: shared borders share their vertices.

    Returns
    -------
    Topology
        Arcs numbered by first appearance.

    Raises
    ------
    OutputError
        ``ATLAS_GEOMETRY`` when a geometry is missing, empty or no polygon.
    """
    rings = _read_rings(polygons)
    nodes = _find_nodes(rings)
    arcs: list[Integers] = []
    numbers: dict[tuple[int, int, int], int] = {}
    refs: list[int] = []
    ring_starts = [0]
    for start, end in zip(rings.starts[:-1], rings.starts[1:], strict=True):
        for walk in _cut(rings.ids[start:end], nodes):
            backward = _is_backward(walk)
            arc = walk[::-1] if backward else walk
            key = (int(arc[0]), int(arc[1]), int(arc[-1]))
            if key not in numbers:
                numbers[key] = len(arcs)
                arcs.append(arc)
            refs.append(2 * numbers[key] + backward)
        ring_starts.append(len(refs))
    lengths = [len(arc) for arc in arcs]
    return Topology(
        points=rings.vertices[np.concatenate(arcs)],
        arc_starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        refs=np.asarray(refs, dtype=np.int64),
        ring_starts=np.asarray(ring_starts, dtype=np.int64),
        ring_places=rings.places,
    )


def _read_rings(polygons: npt.NDArray[np.object_]) -> _Rings:
    """Open the rings and number their vertices; equal coordinates are one vertex."""
    kinds = np.isin(shapely.get_type_id(polygons), (3, 6)) & ~shapely.is_empty(polygons)
    if not len(polygons) or not kinds.all():
        bad = int(np.sum(~kinds))
        raise OutputError(
            "ATLAS_GEOMETRY",
            f"{bad} of {len(polygons)} municipalities have no polygon. Use a whole boundary layer.",
        )
    multi = np.array([_as_multi(polygon) for polygon in polygons], dtype=object)
    _, coordinates, (ring_ends, part_ends, place_ends) = shapely.to_ragged_array(multi)
    exact = np.ascontiguousarray(coordinates[:, :2], dtype=float).view(np.complex128).ravel()
    vertices, ids = np.unique(exact, return_inverse=True)
    first_rings = part_ends[place_ends]
    places = np.repeat(np.arange(len(polygons)), np.diff(first_rings))
    moves = np.ones(len(ids), dtype=bool)
    moves[1:] = ids[1:] != ids[:-1]
    moves[ring_ends[:-1]] = True
    moves[ring_ends[1:] - 1] = False
    counts = np.add.reduceat(moves.astype(np.int64), ring_ends[:-1])
    return _Rings(
        vertices=np.column_stack([vertices.real, vertices.imag]),
        ids=ids[moves].astype(np.int64),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        places=places.astype(np.int64),
    )


def _as_multi(polygon: shapely.Geometry) -> shapely.MultiPolygon:
    """Give a polygon as a multipolygon of one part."""
    return polygon if polygon.geom_type == "MultiPolygon" else shapely.MultiPolygon([polygon])


def _find_nodes(rings: _Rings) -> npt.NDArray[np.bool_]:
    """Mark the vertices where arcs end: not two edges, or other owners on either side."""
    size = len(rings.vertices)
    following = np.arange(1, len(rings.ids) + 1)
    following[rings.starts[1:] - 1] = rings.starts[:-1]
    ahead = rings.ids[following]
    low, high = np.minimum(rings.ids, ahead), np.maximum(rings.ids, ahead)
    owners = np.repeat(rings.places, np.diff(rings.starts)) + 1
    edges, edge = np.unique(low * size + high, return_inverse=True)
    least = np.full(len(edges), owners.max() + 1)
    most = np.zeros(len(edges), dtype=np.int64)
    np.minimum.at(least, edge, owners)
    np.maximum.at(most, edge, owners)
    sides = least * (owners.max() + 2) + np.where(np.bincount(edge) > 1, most, 0)
    ends = np.concatenate([edges // size, edges % size])
    both = np.concatenate([sides, sides])
    lowest = np.full(size, np.iinfo(np.int64).max)
    highest = np.zeros(size, dtype=np.int64)
    np.minimum.at(lowest, ends, both)
    np.maximum.at(highest, ends, both)
    nodes: npt.NDArray[np.bool_] = (np.bincount(ends, minlength=size) != 2) | (lowest != highest)
    return nodes


def _cut(ids: Integers, nodes: npt.NDArray[np.bool_]) -> list[Integers]:
    """Cut one open ring at its nodes; a ring without any begins at its lowest vertex."""
    at = np.flatnonzero(nodes[ids])
    first = int(at[0]) if len(at) else int(np.argmin(ids))
    turned = np.concatenate([ids[first:], ids[:first], ids[first : first + 1]])
    cuts = at - first if len(at) else np.zeros(1, dtype=np.int64)
    ends = np.append(cuts[1:], len(ids))
    return [turned[a : b + 1] for a, b in zip(cuts, ends, strict=True)]


def _is_backward(walk: Integers) -> bool:
    """Choose one direction for an arc, the same from both sides."""
    return (int(walk[0]), int(walk[1])) > (int(walk[-1]), int(walk[-2]))
