"""Builds the graphs that a study asks for: its own, and those that only robustness looks at."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd
from libpysal.graph import Graph

from geo_engine.errors import StudyError
from geo_engine.graph.rules import NeighborRule, neighbors_by_rule
from geo_engine.sources.graph_files import read_graph_file
from geo_engine.study import Neighborhood, Statistics


def build_neighbors(asked: Neighborhood, root: Path, layer: gpd.GeoDataFrame) -> Graph:
    """Build the neighbors that one rule of a study describes.

    Parameters
    ----------
    asked : Neighborhood
        Kind of neighbors and what it needs.
    root : Path
        Folder under which the paths of the study lie.
    layer : GeoDataFrame
        All municipalities.

    Returns
    -------
    libpysal.graph.Graph
        In the order of ``layer``.

    Raises
    ------
    StudyError
        ``PATH_OUTSIDE``.
    GeoEngineError
        Whatever the file of links and the builders raise.
    """
    rule = NeighborRule(
        kind=asked.neighbors,
        order=asked.order,
        k=asked.k,
        band_km=asked.band_km,
        kernel=asked.kernel,
        bandwidth=asked.bandwidth,
        isolates=asked.isolates,
    )
    links = None
    if asked.neighbors == "file" and asked.neighbors_file is not None:
        path = (root / asked.neighbors_file).resolve()
        if not path.is_relative_to(root.resolve()):
            raise StudyError(
                "PATH_OUTSIDE", f"{asked.neighbors_file} leaves {root}. Give a path below it."
            )
        links = read_graph_file(path, columns=asked.neighbors_columns)
    extra = pd.DataFrame(list(asked.extra_links), columns=["focal", "neighbor"], dtype="str")
    return neighbors_by_rule(layer, rule, file_links=links, extra_links=extra)


def other_neighbors(
    statistics: Statistics, root: Path, layer: gpd.GeoDataFrame
) -> dict[str, Graph]:
    """Build the neighbors under which the hotspots are looked for again.

    Parameters
    ----------
    statistics : Statistics
        With the rules of its robustness; one that equals the study's own is left out.
    root : Path
        Folder under which the paths of the study lie.
    layer : GeoDataFrame
        All municipalities.

    Returns
    -------
    dict of str to Graph
        By the description of the rule, in its order; empty where robustness is not asked for.
    """
    robustness = statistics.robustness
    if not robustness.enabled:
        return {}
    return {
        asked.described: build_neighbors(asked, root, layer)
        for asked in robustness.neighbors
        if asked.described != statistics.described
    }
