"""geo-engine: territorial analysis of firms.

Firm locations are joined to ISTAT municipalities, exact local statistics find digitalization
hotspots for each supply chain, and folium renders interactive maps.
"""

__version__ = "0.1.0"
