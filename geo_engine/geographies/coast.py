"""Which municipalities lie on the sea, told from their borders alone."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo_engine.errors import TableError

COASTAL = "costieri"
"""Name of the territory that every study has."""
FIRST, LAST = "032003", "008065"
"""Muggia and Ventimiglia: where the border with Slovenia ends at the sea, and that with France."""
EXCLAVES = ("013040",)
"""Campione d'Italia: a part of its own that lies in Switzerland, not in the sea."""

IntArray = npt.NDArray[np.int64]


def coastal_places(places: gpd.GeoDataFrame) -> pd.Series:
    """Tell which municipalities have a stretch of coast.

    The outline of the mainland is coast from Muggia around the peninsula to Ventimiglia; the rest
    of it is the border with four countries. Outlines of islands are coast. Holes are other
    countries, and lagoons and lakes that no municipality has.

    Parameters
    ----------
    places : GeoDataFrame
        All municipalities of Italy on one date, a coverage without gaps, by ``pro_com_t``.

    Returns
    -------
    Series of bool
        By ``pro_com_t``. Derived from the borders: it is not ISTAT's list of *comuni litoranei*,
        of which it has every one in 2023, and two more where a border reaches a lagoon or a bay.

    Raises
    ------
    TableError
        ``COAST_UNKNOWN`` where Muggia or Ventimiglia is not on the outline of the mainland.
    """
    whole = shapely.get_parts(shapely.coverage_union_all(places.geometry.to_numpy()))
    rings = [_vertices(ring) for ring in shapely.get_exterior_ring(shapely.normalize(whole))]
    mainland = int(np.argmax(shapely.area(whole)))
    owners = _owners_of(rings, places)
    codes = places.index.to_numpy(dtype=object).astype(str)
    owners[mainland] = _between(owners[mainland], codes)
    coast = np.zeros(len(places), dtype=bool)
    for at, own in enumerate(owners):
        if at == mainland or not np.isin(codes[own], EXCLAVES).all():
            coast[own] = True
    return pd.Series(coast, index=places.index, name="coastal")


def _vertices(ring: shapely.LinearRing) -> npt.NDArray[np.complex128]:
    """Give the vertices of a ring clockwise, the first one again at its end."""
    points = shapely.get_coordinates(ring)
    if shapely.is_ccw(ring):
        points = points[::-1]
    return points[:, 0] + 1j * points[:, 1]


def _owners_of(rings: list[npt.NDArray[np.complex128]], places: gpd.GeoDataFrame) -> list[IntArray]:
    """Give the place that each segment of the outlines belongs to."""
    outlines = pd.DataFrame(
        {
            "start": np.concatenate([ring[:-1] for ring in rings]),
            "end": np.concatenate([ring[1:] for ring in rings]),
        }
    )
    drawn = _segments(places)
    on_outline = drawn["start"].isin(outlines["start"]) & drawn["end"].isin(outlines["start"])
    owner = outlines.merge(drawn[on_outline], on=["start", "end"], how="left")["place"]
    ends = np.cumsum([len(ring) - 1 for ring in rings])
    return np.split(owner.to_numpy(np.int64), ends[:-1])


def _segments(places: gpd.GeoDataFrame) -> pd.DataFrame:
    """List the segments of all rings in both directions."""
    parts, place = shapely.get_parts(places.geometry.to_numpy(), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    vertex = points[:, 0] + 1j * points[:, 1]
    inside = ring[1:] == ring[:-1]
    one, other = vertex[:-1][inside], vertex[1:][inside]
    owner = place[part][ring[:-1][inside]]
    return pd.DataFrame(
        {
            "start": np.concatenate([one, other]),
            "end": np.concatenate([other, one]),
            "place": np.concatenate([owner, owner]),
        }
    )


def _between(owners: IntArray, codes: npt.NDArray[np.str_]) -> IntArray:
    """Keep the part of the mainland's outline, clockwise, from Muggia to Ventimiglia."""
    named = codes[owners]
    first, last = np.flatnonzero(named == FIRST), np.flatnonzero(named == LAST)
    if not len(first) or not len(last):
        raise TableError(
            "COAST_UNKNOWN",
            f"{FIRST} (Muggia) or {LAST} (Ventimiglia) is not on the outline of the mainland: "
            "without both, land border and coast cannot be told apart.",
        )
    turned = np.roll(np.arange(len(owners)), -first[0])
    return owners[turned[: int((last[-1] - first[0]) % len(owners)) + 1]]
