"""The municipalities of the map: simplified once, shared borders kept, a few hundred kilobytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from geo_engine import storage, tables
from geo_engine.outputs.atlas.codec import packed, varints, zigzag
from geo_engine.outputs.atlas.topology import Topology, build_topology

FORM = 1
"""Raise it when the encoding changes: older cached geometries are then left alone."""
MAX_SHIFT_M = 250.0
"""No border may stand farther than this from where it is."""
TOLERANCES_M = (260.0, 130.0, 60.0, 0.0)
"""Roots of the triangle areas that may vanish: the first that holds the shift is used, by arc.
Areas alone do not bound a shift: a narrow spike has little area."""
GRID = 65535
"""Steps along the longer side of the territory in web Mercator (about 25 m for Italy)."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def encoded_geometry(places: gpd.GeoDataFrame) -> dict[str, Any]:
    """Encode the borders of municipalities for the page, from the cache when they are known.

    Parameters
    ----------
    places : GeoDataFrame
        ``places`` with a reference system.

    Returns
    -------
    dict
        ``places``, ``arcs``, ``points``, ``rings`` (counts), ``west``, ``north``, ``step`` (web
        Mercator meters), ``max_shift_m`` and ``data`` (packed varints).
    """
    path = storage.cache_folder() / f"atlas-geometry-{_digest(places)}.json"
    if path.exists():
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        if hashlib.sha256(body.encode()).hexdigest() == head:
            known: dict[str, Any] = json.loads(body)
            return known
    geometry = encode_geometry(places)
    body = json.dumps(geometry, sort_keys=True)
    with storage.replacing(path) as temporary:
        digest = hashlib.sha256(body.encode()).hexdigest()
        temporary.write_text(f"{digest}\n{body}", encoding="utf-8")
    return geometry


def encode_geometry(places: gpd.GeoDataFrame) -> dict[str, Any]:
    """Simplify, quantize and encode the borders of municipalities.

    Parameters
    ----------
    places : GeoDataFrame
        ``places`` with a reference system.

    Returns
    -------
    dict
        As :func:`encoded_geometry` gives it.
    """
    topology, shift = simplified(places)
    grid, frame = _on_grid(topology)
    lengths = np.diff(grid.arc_starts)
    steps = np.diff(grid.points.astype(np.int64), axis=0, prepend=0)
    rings_of_place = np.bincount(grid.ring_places, minlength=len(places))
    columns = (
        lengths - 2,
        rings_of_place,
        np.diff(grid.ring_starts),
        zigzag(np.diff(grid.refs, prepend=0)),
        zigzag(steps[:, 0]),
        zigzag(steps[:, 1]),
    )
    return {
        "places": len(places),
        "arcs": len(lengths),
        "points": len(grid.points),
        "rings": len(grid.ring_places),
        "refs": len(grid.refs),
        **frame,
        "max_shift_m": round(shift + frame["step"] * 0.5**0.5, 1),
        "data": packed(b"".join(varints(column) for column in columns)),
    }


def simplified(places: gpd.GeoDataFrame) -> tuple[Topology, float]:
    """Drop vertices of the borders without moving any border more than ``MAX_SHIFT_M``.

    Parameters
    ----------
    places : GeoDataFrame
        ``places`` with a reference system.

    Returns
    -------
    Topology
        Arcs in ``tables.CRS_DISTANCE``.
    float
        Largest distance in meters between a dropped vertex and the line that replaced it.
    """
    polygons = places.geometry.to_crs(tables.CRS_DISTANCE).to_numpy()
    topology = build_topology(polygons)
    keep = np.zeros(len(topology.points), dtype=bool)
    open_arcs = np.ones(len(topology.arc_starts) - 1, dtype=bool)
    reached = 0.0
    margin = 0.92 * MAX_SHIFT_M  # the rest is for the grid
    for tolerance in TOLERANCES_M:
        kept = _kept(topology, polygons, tolerance)
        shifts = _shifts(topology, kept)
        good = open_arcs & (shifts <= margin)
        inside = np.repeat(good, np.diff(topology.arc_starts))
        keep[inside] = kept[inside]
        reached = max(reached, float(shifts[good].max(initial=0)))
        open_arcs &= ~good
    counts = np.add.reduceat(keep.astype(np.int64), topology.arc_starts[:-1])
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return replace(topology, points=topology.points[keep], arc_starts=starts), reached


def _kept(
    topology: Topology, polygons: npt.NDArray[np.object_], tolerance: float
) -> npt.NDArray[np.bool_]:
    """Mark the vertices that survive a coverage simplification; ends of arcs always do."""
    if tolerance == 0:
        return np.ones(len(topology.points), dtype=bool)
    left = shapely.get_coordinates(shapely.coverage_simplify(polygons, tolerance))
    survivors = np.unique(np.ascontiguousarray(left).view(np.complex128).ravel())
    vertices = np.ascontiguousarray(topology.points).view(np.complex128).ravel()
    kept = np.isin(vertices, survivors)
    kept[topology.arc_starts[:-1]] = True
    kept[topology.arc_starts[1:] - 1] = True
    return kept


def _shifts(topology: Topology, kept: npt.NDArray[np.bool_]) -> Floats:
    """Measure by arc how far dropped vertices stand from the line that replaces them."""
    index = np.arange(len(kept))
    before = np.maximum.accumulate(np.where(kept, index, 0))
    after = np.minimum.accumulate(np.where(kept, index, len(kept) - 1)[::-1])[::-1]
    start, end = topology.points[before], topology.points[after]
    along = end - start
    square = np.einsum("ij,ij->i", along, along)
    offset = topology.points - start
    part = np.einsum("ij,ij->i", offset, along) / np.where(square == 0, 1, square)
    foot = start + np.clip(part, 0, 1)[:, None] * along
    distance = np.hypot(*(topology.points - foot).T)
    shifts: Floats = np.maximum.reduceat(distance, topology.arc_starts[:-1])
    return shifts


def _on_grid(topology: Topology) -> tuple[Topology, dict[str, float]]:
    """Put the arcs on a whole-number grid in web Mercator, y downward, without repeated points."""
    project = pyproj.Transformer.from_crs(tables.CRS_DISTANCE, "EPSG:3857", always_xy=True)
    x, y = project.transform(topology.points[:, 0], topology.points[:, 1])
    west, north = float(np.floor(np.min(x))), float(np.ceil(np.max(y)))
    extent = max(float(np.max(x)) - west, north - float(np.min(y)), 1.0)
    step = float(np.ceil(100 * extent / GRID) / 100)
    grid = np.column_stack([np.rint((x - west) / step), np.rint((north - y) / step)])
    fresh = np.ones(len(grid), dtype=bool)
    fresh[1:] = np.any(grid[1:] != grid[:-1], axis=1)
    fresh[topology.arc_starts[:-1]] = True
    fresh[topology.arc_starts[1:] - 1] = True
    counts = np.add.reduceat(fresh.astype(np.int64), topology.arc_starts[:-1])
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    moved = replace(topology, points=grid[fresh], arc_starts=starts)
    return moved, {"west": west, "north": north, "step": step}


def _digest(places: gpd.GeoDataFrame) -> str:
    """Name a layer by its codes, its borders and the form of the encoding."""
    digest = hashlib.sha256()
    settings = (FORM, MAX_SHIFT_M, TOLERANCES_M, GRID, str(places.crs), shapely.geos_version)
    digest.update(repr(settings).encode())
    digest.update("\n".join(map(str, places.index)).encode())
    for geometry in shapely.to_wkb(places.geometry.to_numpy()):
        digest.update(geometry or b"")
    return digest.hexdigest()
