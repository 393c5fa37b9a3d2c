"""Who is a neighbor of whom: places become a libpysal Graph."""

from geo_engine.graph.neighbors import contiguity, graph_summary, restrict

__all__ = ["contiguity", "graph_summary", "restrict"]
