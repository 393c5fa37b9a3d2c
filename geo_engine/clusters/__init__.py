"""Where the groups are: contiguous places that are significantly high together."""

from geo_engine.clusters.hotspots import HOTSPOT_COLUMNS, find_hotspots

__all__ = ["HOTSPOT_COLUMNS", "find_hotspots"]
