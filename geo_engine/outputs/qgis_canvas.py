"""What surrounds the layers of a QGIS project: reference system, extent, relative paths."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import pyproj

from geo_engine.outputs.gpkg_layers import LAYER
from geo_engine.outputs.gpkg_tables import Layer


def add_reference_system(parent: ET.Element, crs: str) -> None:
    """Describe a reference system.

    Parameters
    ----------
    parent : Element
        Where it goes.
    crs : str
        ``EPSG:`` and its number.
    """
    found = pyproj.CRS(crs)
    system = ET.SubElement(parent, "spatialrefsys")
    ET.SubElement(system, "wkt").text = found.to_wkt()
    ET.SubElement(system, "srid").text = crs.rpartition(":")[2]
    ET.SubElement(system, "authid").text = crs
    ET.SubElement(system, "description").text = found.name
    ET.SubElement(system, "geographicflag").text = "true" if found.is_geographic else "false"


def extent_of(layers: Sequence[Layer]) -> tuple[float, float, float, float]:
    """Give the bounds of the municipalities in the system of the file.

    Parameters
    ----------
    layers : sequence of Layer
        All tables of the file.

    Returns
    -------
    tuple of float
        West, south, east, north.
    """
    frame = next(layer.frame for layer in layers if layer.name == LAYER)
    west, south, east, north = (float(v) for v in frame.total_bounds)
    return west, south, east, north


def map_canvas(layers: Sequence[Layer], crs: str) -> ET.Element:
    """Open on the whole territory.

    Parameters
    ----------
    layers : sequence of Layer
        All tables of the file.
    crs : str
        Their reference system.

    Returns
    -------
    Element
        The main map of a project.
    """
    canvas = ET.Element("mapcanvas", name="theMapCanvas", annotationsVisible="1")
    ET.SubElement(canvas, "units").text = "degrees" if crs == "EPSG:4326" else "meters"
    extent = ET.SubElement(canvas, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), extent_of(layers), strict=True):
        ET.SubElement(extent, name).text = repr(value)
    add_reference_system(ET.SubElement(canvas, "destinationsrs"), crs)
    return canvas


def properties() -> ET.Element:
    """Keep paths relative, and draw in the project's system.

    Returns
    -------
    Element
        Properties of a project.
    """
    found = ET.Element("properties")
    paths = ET.SubElement(found, "Paths")
    ET.SubElement(paths, "Absolute", type="bool").text = "false"
    system = ET.SubElement(found, "SpatialRefSys")
    ET.SubElement(system, "ProjectionsEnabled", type="int").text = "1"
    return found
