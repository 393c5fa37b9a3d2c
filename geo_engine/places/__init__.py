"""Where is each firm? Coordinates, codes and names to municipalities."""

from geo_engine.places.assign import Assigned, PlacingParameters, assign_places
from geo_engine.places.locator import Locator, build_index, locate, snap
from geo_engine.places.resolver import (
    Resolver,
    build_resolver,
    resolve_cadastral_codes,
    resolve_istat_codes,
    resolve_names,
    suggest,
)

__all__ = [
    "Assigned",
    "Locator",
    "PlacingParameters",
    "Resolver",
    "assign_places",
    "build_index",
    "build_resolver",
    "locate",
    "resolve_cadastral_codes",
    "resolve_istat_codes",
    "resolve_names",
    "snap",
    "suggest",
]
