"""Builds the graphs that a study asks for: its own, and those that only robustness looks at."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path

import pandas as pd
from libpysal.graph import Graph

from geo_engine.errors import StudyError
from geo_engine.graph.rules import NeighborRule, neighbors_by_rule
from geo_engine.sources import boundaries
from geo_engine.sources.graph_files import read_graph_file
from geo_engine.study import Neighborhood, Study


def build_neighbors(asked: Neighborhood, root: Path, study: Study) -> Graph:
    """Build the neighbors that one rule of a study describes.

    Parameters
    ----------
    asked : Neighborhood
        Kind of neighbors and what it needs.
    root : Path
        Folder under which the paths of the study lie.
    study : Study
        Names the boundaries.

    Returns
    -------
    libpysal.graph.Graph
        Of all municipalities, in the order of their layer.

    Raises
    ------
    StudyError
        ``PATH_OUTSIDE``.
    GeoEngineError
        Whatever the file of links and the builders raise.
    """
    if asked.neighbors != "file" or asked.neighbors_file is None:
        digest = boundaries.layer_digest(study.boundary_date, study.boundary_layer)
        return _of_geometry(asked, study.boundary_date, study.boundary_layer, digest)
    path = (root / asked.neighbors_file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise StudyError(
            "PATH_OUTSIDE", f"{asked.neighbors_file} leaves {root}. Give a path below it."
        )
    links = read_graph_file(path, columns=asked.neighbors_columns)
    return _built(asked, study.boundary_date, study.boundary_layer, links)


def other_neighbors(study: Study, root: Path) -> dict[str, Graph]:
    """Build the neighbors under which the hotspots are looked for again.

    Parameters
    ----------
    study : Study
        With the rules of its robustness; one that equals the study's own is left out.
    root : Path
        Folder under which the paths of the study lie.

    Returns
    -------
    dict of str to Graph
        By the description of the rule, in its order; empty where robustness is not asked for.
    """
    statistics = study.statistics
    if not statistics.robustness.enabled:
        return {}
    return {
        asked.described: build_neighbors(asked, root, study)
        for asked in statistics.robustness.neighbors
        if asked.described != statistics.described
    }


@functools.lru_cache(maxsize=8)
def _of_geometry(asked: Neighborhood, date: dt.date, version: boundaries.Version, _: str) -> Graph:
    """Build the neighbors of a layer, once for all studies of a process."""
    return _built(asked, date, version, None)


def _built(
    asked: Neighborhood, date: dt.date, version: boundaries.Version, links: pd.DataFrame | None
) -> Graph:
    """Build the graph of a rule."""
    rule = NeighborRule(
        kind=asked.neighbors,
        order=asked.order,
        k=asked.k,
        band_km=asked.band_km,
        kernel=asked.kernel,
        bandwidth=asked.bandwidth,
        isolates=asked.isolates,
    )
    layer = boundaries.read_layer(date, version)
    extra = pd.DataFrame(list(asked.extra_links), columns=["focal", "neighbor"], dtype="str")
    return neighbors_by_rule(layer, rule, file_links=links, extra_links=extra)
