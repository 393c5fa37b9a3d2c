"""The interactive map: one HTML file that opens from disk without network."""

from geo_engine.outputs.atlas.page import write_atlas

__all__ = ["write_atlas"]
