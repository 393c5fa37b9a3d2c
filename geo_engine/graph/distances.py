"""Neighbors by distance: nearest places, distance bands and kernels, never in degrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo_engine.errors import StatisticsError
from geo_engine.graph.canonical import build_graph, check_index
from geo_engine.tables import CRS_AREA, CRS_DISTANCE

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph
    from scipy.spatial import cKDTree

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Kernel = Literal["uniform", "triangular", "epanechnikov", "quartic", "gaussian"]

MOST_LINKS = 20_000_000
"""A graph with more links than this is refused before it fills the memory."""
TIED_M = 1e-4
"""Distances that differ by less are equal, and the codes of the places decide."""
KERNELS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "uniform": lambda u: (u <= 1).astype(np.float64),
    "triangular": lambda u: np.maximum(1 - u, 0),
    "epanechnikov": lambda u: np.maximum(1 - u**2, 0),
    "quartic": lambda u: np.maximum(1 - u**2, 0) ** 2,
    "gaussian": lambda u: np.where(u <= GAUSSIAN_REACH, np.exp(-(u**2) / 2), 0),
}
"""Weight at the distance u in bandwidths; all are 1 at distance zero."""
GAUSSIAN_REACH = 3.0
"""Bandwidths after which the gaussian kernel, 0.011 there, is cut off."""


def representative_points(places: gpd.GeoDataFrame, *, crs: str = CRS_DISTANCE) -> FloatArray:
    """Give one point inside each place, in meters.

    Parameters
    ----------
    places : GeoDataFrame
        Any geometries with a reference system; points stand for themselves.
    crs : {"EPSG:32632", "EPSG:3035"}
        Where distances are measured. The point is chosen on the layer as it is, then projected.

    Returns
    -------
    ndarray, shape (places, 2)
        Easting and northing.

    Raises
    ------
    StatisticsError
        ``CRS_MISSING``, ``CRS_DEGREES`` for another system, or ``GEOMETRY_MISSING``.
    """
    import geopandas as gpd

    if places.crs is None:
        raise StatisticsError("CRS_MISSING", "The places have no reference system; set it.")
    if crs not in (CRS_DISTANCE, CRS_AREA):
        raise StatisticsError(
            "CRS_DEGREES", f"Distances are measured in {CRS_DISTANCE} or {CRS_AREA}, not in {crs}."
        )
    inside = gpd.GeoSeries(shapely.point_on_surface(places.geometry.to_numpy()), crs=places.crs)
    points = np.asarray(shapely.get_coordinates(inside.to_crs(crs).to_numpy()))
    if len(points) != len(places) or not np.isfinite(points).all():
        lost = int((inside.is_empty | inside.isna()).sum())
        raise StatisticsError(
            "GEOMETRY_MISSING",
            f"{lost} of {len(places)} places have no geometry to measure from, or lie outside "
            f"{crs}. Drop them, or give the layer of the same date.",
        )
    return points


def k_nearest(places: gpd.GeoDataFrame, k: int, *, crs: str = CRS_DISTANCE) -> Graph:
    """Link each place with its k nearest others.

    Parameters
    ----------
    places : GeoDataFrame
        Geometries with a reference system; unique index.
    k : int
        From 1 to the number of places less one.
    crs : {"EPSG:32632", "EPSG:3035"}
        Where distances are measured.

    Returns
    -------
    libpysal.graph.Graph
        Binary and not symmetric. Among places at the same distance the lowest codes come first,
        so that the order of rows does not matter; places at one point are neighbors like others.

    Raises
    ------
    StatisticsError
        ``K_INVALID``, ``INDEX_MISMATCH``, or as :func:`representative_points`.
    """
    check_index(places.index)
    points = representative_points(places, crs=crs)
    neighbor, _ = _nearest(points, places.index, k)
    focal = np.repeat(np.arange(len(places)), k)
    return build_graph(focal, neighbor.ravel(), np.ones(focal.size), places.index)


def distance_band(places: gpd.GeoDataFrame, band_km: float, *, crs: str = CRS_DISTANCE) -> Graph:
    """Link the places whose points are at most so far apart.

    Parameters
    ----------
    places : GeoDataFrame
        Geometries with a reference system; unique index.
    band_km : float
        Largest distance.
    crs : {"EPSG:32632", "EPSG:3035"}
        Where distances are measured.

    Returns
    -------
    libpysal.graph.Graph
        Binary and symmetric.

    Raises
    ------
    StatisticsError
        ``BAND_INVALID``, ``GRAPH_TOO_DENSE``, ``INDEX_MISMATCH``, or as
        :func:`representative_points`.
    """
    check_index(places.index)
    points = representative_points(places, crs=crs)
    focal, neighbor, _ = _within(points, _in_meters(band_km) + TIED_M)
    return build_graph(focal, neighbor, np.ones(len(focal)), places.index)


def kernel_weights(
    places: gpd.GeoDataFrame,
    kernel: Kernel,
    *,
    bandwidth_km: float | None = None,
    k: int | None = None,
    crs: str = CRS_DISTANCE,
) -> Graph:
    """Weigh neighbors by a kernel of their distance.

    Parameters
    ----------
    places : GeoDataFrame
        Geometries with a reference system; unique index.
    kernel : str
        One of ``KERNELS``; 1 at distance zero.
    bandwidth_km : float, optional
        The same bandwidth everywhere.
    k : int, optional
        Instead of it, a bandwidth of each place: the distance of its neighbor k + 1, so that k
        neighbors have a weight (fewer where distances tie). Gaussian weights end with neighbor k.
    crs : {"EPSG:32632", "EPSG:3035"}
        Where distances are measured.

    Returns
    -------
    libpysal.graph.Graph
        Weights above 0 and at most 1; symmetric for a bandwidth in km.

    Raises
    ------
    StatisticsError
        ``KERNEL_INVALID`` unless exactly one bandwidth is given and the kernel is known;
        ``BAND_INVALID``, ``K_INVALID``, ``GRAPH_TOO_DENSE``, ``INDEX_MISMATCH``, or as
        :func:`representative_points`.
    """
    check_kernel(kernel)
    if (bandwidth_km is None) == (k is None):
        raise StatisticsError("KERNEL_INVALID", "Give bandwidth_km or k to a kernel, not both.")
    check_index(places.index)
    points = representative_points(places, crs=crs)
    if bandwidth_km is not None:
        width = _in_meters(bandwidth_km)
        reach = width * (GAUSSIAN_REACH if kernel == "gaussian" else 1.0)
        focal, neighbor, distance = _within(points, reach)
        weight = KERNELS[kernel](distance / width)
    else:
        focal, neighbor, weight = _adaptive(points, places.index, kernel, int(k or 0))
    real = weight > 0
    return build_graph(focal[real], neighbor[real], weight[real], places.index)


def check_kernel(kernel: str) -> None:
    """Raise when a kernel is not known.

    Parameters
    ----------
    kernel : str
        Its name.

    Raises
    ------
    StatisticsError
        ``KERNEL_INVALID``.
    """
    if kernel not in KERNELS:
        raise StatisticsError("KERNEL_INVALID", f"{kernel} is no kernel: use {', '.join(KERNELS)}.")


def _adaptive(
    points: FloatArray, index: pd.Index, kernel: str, k: int
) -> tuple[IntArray, IntArray, FloatArray]:
    """Weigh the k nearest by a bandwidth that reaches to the next one."""
    neighbor, distance = _nearest(points, index, min(k + 1, len(points) - 1) if k > 0 else k)
    width = distance[:, -1:]
    if distance.shape[1] <= k:  # all others are neighbors: the farthest keeps a little weight
        width = width * (1 + 1 / len(points))
    neighbor, distance = neighbor[:, :k], distance[:, :k]
    share = np.divide(distance, width, out=np.zeros_like(distance), where=width > 0)
    focal = np.repeat(np.arange(len(points)), neighbor.shape[1])
    return focal, neighbor.ravel(), KERNELS[kernel](share).ravel()


def _in_meters(km: float) -> float:
    """Check a distance and convert it."""
    if not np.isfinite(km) or km <= 0:
        raise StatisticsError("BAND_INVALID", f"{km} km is no distance: give a number above 0.")
    return 1000.0 * km


def _within(points: FloatArray, reach: float) -> tuple[IntArray, IntArray, FloatArray]:
    """List the pairs at most so far apart, in both directions, with their distance."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    links = int(tree.count_neighbors(tree, reach)) - len(points)
    if links > MOST_LINKS:
        raise StatisticsError(
            "GRAPH_TOO_DENSE",
            f"{reach / 1000:g} km make {links:,} links (limit {MOST_LINKS:,}). Use a shorter "
            "distance, or the k nearest.",
        )
    pairs = tree.query_pairs(reach, output_type="ndarray").astype(np.int64)
    distance = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    focal, neighbor = pairs.ravel(), pairs[:, ::-1].ravel()
    return focal, neighbor, np.repeat(distance, 2)


def _nearest(points: FloatArray, index: pd.Index, k: int) -> tuple[IntArray, FloatArray]:
    """Give the k nearest others of each point and their distances, ties in the order of codes."""
    from scipy.spatial import cKDTree

    n = len(points)
    if not 1 <= k <= n - 1:
        raise StatisticsError(
            "K_INVALID", f"{k} nearest of {n} places do not exist: give a k from 1 to {n - 1}."
        )
    tree = cKDTree(points)
    rank = np.argsort(np.argsort(index.astype(str).to_numpy(), kind="stable"))
    neighbor, distance = np.empty((n, k), np.int64), np.empty((n, k))
    rows, asked = np.arange(n), min(n, k + 5)
    while len(rows):
        near, far = _ordered(tree, rows, asked, rank)
        # A tie may go on beyond what was asked for.
        settled = (far[:, -1] > far[:, k - 1]) | (asked == n)
        neighbor[rows[settled]] = near[settled, :k]
        distance[rows[settled]] = far[settled, :k]
        rows, asked = rows[~settled], min(n, 4 * asked)
    return neighbor, distance


def _ordered(
    tree: cKDTree, rows: IntArray, asked: int, rank: IntArray
) -> tuple[IntArray, FloatArray]:
    """Ask for near points, leave the point itself out, and order by distance and code."""
    distance, near = tree.query(tree.data[rows], k=asked)
    distance = np.rint(distance / TIED_M) * TIED_M
    own = near == rows[:, None]
    # Among many places at one point, the point itself may not be in its own list.
    own[~own.any(axis=1), -1] = True
    near = near[~own].reshape(len(rows), asked - 1).astype(np.int64)
    distance = distance[~own].reshape(len(rows), asked - 1)
    order = np.lexsort((rank[near], distance), axis=1)
    return np.take_along_axis(near, order, 1), np.take_along_axis(distance, order, 1)
