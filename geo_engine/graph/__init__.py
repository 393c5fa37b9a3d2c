"""Who is a neighbor of whom: places become a libpysal Graph."""

from geo_engine.graph.changes import (
    add_links,
    graph_of_table,
    higher_order,
    intersection,
    settle_isolates,
    union,
)
from geo_engine.graph.distances import distance_band, k_nearest, kernel_weights
from geo_engine.graph.neighbors import contiguity, graph_summary, has_equal_rows, restrict
from geo_engine.graph.rules import NeighborRule, neighbors_by_rule

__all__ = [
    "NeighborRule",
    "add_links",
    "contiguity",
    "distance_band",
    "graph_of_table",
    "graph_summary",
    "has_equal_rows",
    "higher_order",
    "intersection",
    "k_nearest",
    "kernel_weights",
    "neighbors_by_rule",
    "restrict",
    "settle_isolates",
    "union",
]
