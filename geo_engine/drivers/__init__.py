"""What goes with digitalization: association among places, never cause."""

from geo_engine.drivers.association import ASSOCIATION_COLUMNS, digital_associations

__all__ = ["ASSOCIATION_COLUMNS", "digital_associations"]
