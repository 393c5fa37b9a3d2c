"""Other territories than the municipality: provinces, regions, the country, and the coverage."""

from geo_engine.geographies.administrative import area_index, territories
from geo_engine.geographies.coverage import covered_places, edge_places

__all__ = ["area_index", "covered_places", "edge_places", "territories"]
