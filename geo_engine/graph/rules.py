"""One entry for all kinds of neighbors that a study can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from geo_engine.errors import StatisticsError
from geo_engine.graph.changes import (
    Isolates,
    add_links,
    graph_of_table,
    higher_order,
    settle_isolates,
)
from geo_engine.graph.distances import Kernel, distance_band, k_nearest, kernel_weights
from geo_engine.graph.neighbors import contiguity
from geo_engine.tables import CRS_DISTANCE

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from libpysal.graph import Graph

KINDS = ("queen", "rook", "k_nearest", "distance_band", "kernel", "file")


@dataclass(frozen=True, kw_only=True)
class NeighborRule:
    """Who counts as a neighbor."""

    kind: Literal["queen", "rook", "k_nearest", "distance_band", "kernel", "file"] = "queen"
    order: int = 1
    """Steps of contiguity; those of fewer steps are neighbors too."""
    k: int | None = None
    """Number of nearest places; for a kernel, its bandwidth in neighbors."""
    band_km: float | None = None
    """Largest distance; for a kernel, its bandwidth."""
    kernel: Kernel | None = None
    """Kernel of the distance, or of the costs of a file."""
    bandwidth: float | None = None
    """File only: cost at which the kernel ends, in the unit of the file (minutes, km)."""
    isolates: Isolates = "exclude"
    """What becomes of places without a neighbor."""
    crs: str = CRS_DISTANCE
    """Where distances are measured."""


def neighbors_by_rule(
    places: gpd.GeoDataFrame,
    rule: NeighborRule,
    *,
    file_links: pd.DataFrame | None = None,
    extra_links: pd.DataFrame | None = None,
) -> Graph:
    """Build the graph that a rule describes.

    Parameters
    ----------
    places : GeoDataFrame
        Municipalities with their geometry and reference system.
    rule : NeighborRule
        What was asked for.
    file_links : DataFrame, optional
        Links of the kind ``file``: ``focal``, ``neighbor``, ``weight``.
    extra_links : DataFrame, optional
        Bridges and ferries, ``focal`` and ``neighbor``, added in both directions before the
        isolates are settled.

    Returns
    -------
    libpysal.graph.Graph
        In the order of ``places``.

    Raises
    ------
    StatisticsError
        ``NEIGHBORS_INVALID`` when the rule lacks what its kind needs, and the errors of the
        builders.
    """
    graph = _plain(places, rule, file_links)
    if rule.order != 1:
        graph = higher_order(graph, rule.order)
    if extra_links is not None and len(extra_links):
        graph = add_links(graph, extra_links)
    return settle_isolates(graph, places, rule.isolates, crs=rule.crs)


def _plain(places: gpd.GeoDataFrame, rule: NeighborRule, file_links: pd.DataFrame | None) -> Graph:
    """Build the graph before anything is added to it."""
    if rule.kind == "queen" or rule.kind == "rook":
        return contiguity(places, kind=rule.kind)
    if rule.kind == "k_nearest" and rule.k is not None:
        return k_nearest(places, rule.k, crs=rule.crs)
    if rule.kind == "distance_band" and rule.band_km is not None:
        return distance_band(places, rule.band_km, crs=rule.crs)
    if rule.kind == "kernel" and rule.kernel is not None:
        return kernel_weights(
            places, rule.kernel, bandwidth_km=rule.band_km, k=rule.k, crs=rule.crs
        )
    if rule.kind == "file" and file_links is not None:
        return graph_of_table(
            file_links, places.index, kernel=rule.kernel, bandwidth=rule.bandwidth
        )
    raise StatisticsError(
        "NEIGHBORS_INVALID",
        f"Neighbors of kind {rule.kind} need: k_nearest a k, distance_band a band_km, kernel a "
        f"kernel with band_km or k, file a table of links. Known kinds: {', '.join(KINDS)}.",
    )
