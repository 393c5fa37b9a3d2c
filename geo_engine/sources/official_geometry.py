"""Judges and repairs the polygons of an official layer: valid, one per municipality, a coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo_engine.errors import BoundaryError
from geo_engine.tables import CRS_AREA, CRS_WEB

TOLERANCE_KM2 = 0.01
"""A repair that moves more area than this is none."""

_ITALY = (6.0, 35.0, 19.0, 48.0)  # degrees
_SNAPPING_DEGREES = 1e-7  # a centimetre
_POLYGONS = (3, 6)  # polygon and multipolygon, as GEOS numbers them
_SMALLEST_HOLE_KM2 = 1e-3
_NAMED = 5

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class GeometryReport:
    """What was found and done, by code.

    Parameters
    ----------
    joined : tuple of str
        Municipalities of several records, made one.
    repaired : tuple of str
        With rings that touched themselves.
    cleaned : tuple of str
        Whose border was not the neighbor's.
    holes : tuple of tuple of float
        Ground that no municipality and no enclave covers: km2, longitude, latitude.
    """

    joined: tuple[str, ...]
    repaired: tuple[str, ...]
    cleaned: tuple[str, ...]
    holes: tuple[tuple[float, float, float], ...]


def judge_geometry(
    records: gpd.GeoDataFrame, enclaves: Mapping[str, Sequence[float]]
) -> tuple[gpd.GeoDataFrame, GeometryReport]:
    """Make one valid polygon per municipality, and a coverage of all.

    Parameters
    ----------
    records : GeoDataFrame
        ``pro_com_t``, ``name`` and geometry, in metres.
    enclaves : mapping of str to sequence of float
        Longitude and latitude of a point in each state enclosed by Italy.

    Returns
    -------
    GeoDataFrame
        One row per municipality, indexed by ``pro_com_t`` and sorted, in degrees, with
        ``area_km2`` in the equal-area projection.
    GeometryReport
        What was done to get there.

    Raises
    ------
    BoundaryError
        ``INVALID_BOUNDARY`` naming codes, ``BOUNDARY_DUPLICATE``, ``BOUNDARY_OVERLAP``,
        ``CRS_MISMATCH`` when the polygons are not in Italy.
    """
    records = records.sort_values("pro_com_t", kind="stable", ignore_index=True)
    _check_usable(records)
    records = records.to_crs(CRS_WEB)
    _check_place(records)
    shapes, repaired = _repair(_array(records), records["pro_com_t"].to_numpy(dtype=str))
    layer, joined = _join(records, shapes)
    shapes, cleaned = _clean(_array(layer), layer.index.to_numpy(dtype=str))
    layer = layer.set_geometry(gpd.GeoSeries(shapes, index=layer.index, crs=CRS_WEB))
    layer["area_km2"] = (layer.geometry.to_crs(CRS_AREA).area / 1e6).round(6)
    report = GeometryReport(
        joined=joined, repaired=repaired, cleaned=cleaned, holes=_holes(shapes, enclaves)
    )
    return layer, report


def _array(layer: gpd.GeoDataFrame) -> Shapes:
    """Give the polygons as an array of shapely's."""
    return np.asarray(layer.geometry.array, dtype=object)


def _check_usable(records: gpd.GeoDataFrame) -> None:
    """Refuse records without a polygon, or with coordinates that are no numbers."""
    shapes = _array(records)
    usable = (
        ~shapely.is_missing(shapes)
        & ~shapely.is_empty(shapes)
        & np.isin(shapely.get_type_id(shapes), _POLYGONS)
        & np.isfinite(shapely.bounds(shapes)).all(axis=1)
    )
    _refuse(records["pro_com_t"].to_numpy(dtype=str)[~usable], "no polygon")


def _repair(shapes: Shapes, codes: npt.NDArray[np.str_]) -> tuple[Shapes, tuple[str, ...]]:
    """Make polygons valid where this moves no area; name the municipalities where it would."""
    broken = np.flatnonzero(~shapely.is_valid(shapes))
    if not len(broken):
        return shapes, ()
    made = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    moved = np.abs(_km2(made) - _km2(shapes[broken]))
    lost = (moved > TOLERANCE_KM2) | ~np.isin(shapely.get_type_id(made), _POLYGONS)
    reasons = shapely.is_valid_reason(shapes[broken[lost]])
    _refuse(codes[broken[lost]], str(reasons[0]) if len(reasons) else "")
    whole = shapes.copy()
    whole[broken] = made
    return whole, tuple(str(code) for code in codes[broken])


def _join(records: gpd.GeoDataFrame, shapes: Shapes) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Unite the records of one municipality; two municipalities under one code are refused."""
    table = records.set_geometry(gpd.GeoSeries(shapes, index=records.index, crs=records.crs))
    several = table[table["pro_com_t"].duplicated(keep=False)]
    single = table.drop_duplicates("pro_com_t").set_index("pro_com_t")
    for code, parts in several.groupby("pro_com_t"):
        pieces = np.asarray(parts.geometry.array, dtype=object)
        united = shapely.union_all(pieces)
        overlap = _km2(pieces).sum() - _km2(np.array([united], dtype=object))[0]
        if len(set(parts["name"])) > 1 or overlap > TOLERANCE_KM2:
            raise BoundaryError(
                "BOUNDARY_DUPLICATE",
                f"Code {code} stands {len(parts)} times ({', '.join(parts['name'].unique())}; "
                f"{overlap:.2f} km2 twice). Take ISTAT's archive as it is.",
            )
        single.loc[code, "geometry"] = united
    return single, tuple(sorted(several["pro_com_t"].unique()))


def _clean(shapes: Shapes, codes: npt.NDArray[np.str_]) -> tuple[Shapes, tuple[str, ...]]:
    """Make borders that were drawn twice one line; refuse real overlaps."""
    flagged = _unmatched(shapes)
    if not len(flagged):
        return shapes, ()
    around = np.unique(shapely.STRtree(shapes).query(shapes[flagged], predicate="intersects")[1])
    clean = shapes.copy()
    clean[around] = shapely.coverage_clean(shapes[around], snapping_distance=_SNAPPING_DEGREES)
    left = _unmatched(clean)
    if len(left):  # snapping reached beyond the neighbors
        around = np.arange(len(shapes))
        clean = shapely.coverage_clean(shapes, snapping_distance=_SNAPPING_DEGREES)
        left = _unmatched(clean)
    moved = np.abs(_km2(clean[around]) - _km2(shapes[around]))
    beyond = np.concatenate([_overlapping(shapes, flagged), around[moved > TOLERANCE_KM2], left])
    worst = codes[np.unique(beyond)]
    if len(worst):
        raise BoundaryError(
            "BOUNDARY_OVERLAP",
            f"{len(worst)} municipalities overlap a neighbor by more than {TOLERANCE_KM2} "
            f"km2: {_some(worst)}. Take ISTAT's archive as it is.",
        )
    return clean, tuple(str(code) for code in codes[flagged])


def _unmatched(shapes: Shapes) -> npt.NDArray[np.intp]:
    """Find the polygons whose border is not exactly that of their neighbors."""
    edges = shapely.coverage_invalid_edges(shapes)
    return np.flatnonzero(~(shapely.is_missing(edges) | shapely.is_empty(edges)))


def _overlapping(shapes: Shapes, flagged: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Find the polygons that share more ground with another one than a border drawn twice does."""
    tree = shapely.STRtree(shapes[flagged])
    left, right = tree.query(shapes[flagged], predicate="intersects")
    left, right = flagged[left[left < right]], flagged[right[left < right]]
    shared = _km2(shapely.intersection(shapes[left], shapes[right])) > TOLERANCE_KM2
    return np.union1d(left[shared], right[shared])


def _holes(
    shapes: Shapes, enclaves: Mapping[str, Sequence[float]]
) -> tuple[tuple[float, float, float], ...]:
    """Find ground inside the outline that belongs to nobody."""
    united = shapely.coverage_union_all(shapes)
    rings = [ring for part in shapely.get_parts(united) for ring in part.interiors]
    holes = gpd.GeoSeries([shapely.Polygon(ring) for ring in rings], crs=CRS_WEB)
    east, north = np.array(list(enclaves.values()), dtype=float).reshape(-1, 2).T
    found = []
    for hole, km2 in zip(holes, holes.to_crs(CRS_AREA).area / 1e6, strict=True):
        if km2 > _SMALLEST_HOLE_KM2 and not shapely.contains_xy(hole, east, north).any():
            point = hole.representative_point()
            found.append((round(float(km2), 4), round(point.x, 4), round(point.y, 4)))
    return tuple(sorted(found, reverse=True))


def _check_place(degrees: gpd.GeoDataFrame) -> None:
    """Refuse polygons that are not in Italy: the .prj file is another one's."""
    west, south, east, north = degrees.total_bounds
    if west < _ITALY[0] or south < _ITALY[1] or east > _ITALY[2] or north > _ITALY[3]:
        raise BoundaryError(
            "CRS_MISMATCH",
            f"The municipalities lie between {west:.1f}, {south:.1f} and {east:.1f}, {north:.1f} "
            "degrees, which is not Italy: the .prj does not belong to the .shp. Take ISTAT's "
            "archive as it is.",
        )


def _km2(degrees: Shapes) -> npt.NDArray[np.float64]:
    """Measure areas in the equal-area projection."""
    return gpd.GeoSeries(degrees, crs=CRS_WEB).to_crs(CRS_AREA).area.to_numpy() / 1e6


def _refuse(codes: npt.NDArray[np.str_], reason: str) -> None:
    """Raise when polygons cannot be used, naming them."""
    if len(codes):
        raise BoundaryError(
            "INVALID_BOUNDARY",
            f"{len(codes)} municipalities have no valid polygon: {_some(codes)} ({reason}). Take "
            "ISTAT's archive as it is.",
        )


def _some(codes: npt.NDArray[np.str_]) -> str:
    """Name a few codes, and count the others."""
    listed = ", ".join(sorted(set(codes))[:_NAMED])
    return f"{listed} and {len(codes) - _NAMED} more" if len(codes) > _NAMED else listed
