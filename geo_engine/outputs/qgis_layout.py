"""The page to print of the QGIS project: title, map, legend, scale bar, sources."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from geo_engine.outputs.fields import clean_text

LAYOUT_NAME = "Mappa A4"
PAGE, LEGEND, LABEL, MAP, SCALE_BAR = "65638", "65642", "65641", "65639", "65646"
"""Kinds of items of a layout."""
MAP_BOX = (10.0, 30.0, 190.0, 154.0)
"""Of the map on the page: left, top, width, height in millimeters."""
FONT = "Open Sans"
SEGMENTS_KM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
METERS_PER_DEGREE = 79_000
"""Of longitude, in the middle of Italy."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What stands on the page."""

    title: str
    subtitle: str
    notices: tuple[str, ...]
    sources: tuple[str, ...]
    date: str
    extent: tuple[float, float, float, float]
    legend: ET.Element
    """The shown layers, as a tree of QGIS."""
    unit_degrees: bool


def page_layout(page: Page) -> ET.Element:
    """Describe an A4 page, landscape.

    Parameters
    ----------
    page : Page
        Its texts and the extent of its map.

    Returns
    -------
    Element
        A layout of QGIS.
    """
    layout = ET.Element("Layout", name=LAYOUT_NAME, printResolution="300", units="mm")
    collection = ET.SubElement(layout, "PageCollection")
    _item(collection, PAGE, "page", (0, 0, 297, 210))
    map_item = _map(layout, page)
    _legend(layout, map_item, page.legend)
    _scale_bar(layout, map_item, page)
    _label(layout, "title", page.title, (10, 6, 277, 9), size=15)
    _label(layout, "subtitle", page.subtitle, (10, 14, 277, 7), size=11)
    if page.notices:
        box = (10, 20, 277, 9)
        _label(layout, "notice", " · ".join(page.notices), box, size=7.5, color=(178, 24, 43))
    note = f"Fonti: {'; '.join(page.sources)}. Dati al {page.date}."
    _label(layout, "sources", note, (10, 190, 277, 16), size=7.5)
    ET.SubElement(layout, "Atlas", enabled="0")
    return layout


def _item(
    parent: ET.Element, kind: str, name: str, box: tuple[float, float, float, float]
) -> ET.Element:
    """Put an item on the page."""
    left, top, width, height = box
    identifier = f"{{{uuid.uuid5(uuid.NAMESPACE_URL, f'layout {name}')}}}"
    place = f"{left:g},{top:g},mm"
    return ET.SubElement(
        parent,
        "LayoutItem",
        type=kind,
        id=name,
        uuid=identifier,
        templateUuid=identifier,
        position=place,
        positionOnPage=place,
        size=f"{width:g},{height:g},mm",
        referencePoint="0",
        visibility="1",
        opacity="1",
        background="true" if kind in (PAGE, MAP) else "false",
        frame="false",
    )


def _map(layout: ET.Element, page: Page) -> ET.Element:
    """Show the visible layers of the project over the whole territory."""
    item = _item(layout, MAP, "map", MAP_BOX)
    item.set("followPreset", "false")
    item.set("keepLayerSet", "false")
    west, south, east, north = _fitted(page.extent)
    extent = {"xmin": west, "ymin": south, "xmax": east, "ymax": north}
    ET.SubElement(item, "Extent", {name: repr(value) for name, value in extent.items()})
    return item


def _fitted(extent: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Widen an extent to the proportions of the map, with a margin."""
    west, south, east, north = extent
    _, _, width, height = MAP_BOX
    ratio = width / height
    half_height = 0.52 * max(north - south, (east - west) / ratio)
    half_width = half_height * ratio
    x, y = (west + east) / 2, (south + north) / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def _legend(layout: ET.Element, map_item: ET.Element, tree: ET.Element) -> None:
    """List what the map shows."""
    item = _item(layout, LEGEND, "legend", (204, 30, 84, 150))
    settings = {
        "title": "Legenda",
        "map_uuid": map_item.get("uuid") or "",
        "resizeToContents": "1",
        "legendFilterByAtlas": "0",
        "symbolWidth": "6",
        "symbolHeight": "3.5",
        "boxSpace": "2",
        "columnCount": "1",
        "wrapChar": "",
    }
    for name, value in settings.items():
        item.set(name, value)
    styles = ET.SubElement(item, "styles")
    for name, size in (("title", 11), ("group", 10), ("subgroup", 8.5), ("symbolLabel", 8)):
        style = ET.SubElement(styles, "style", name=name, alignment="1", marginTop="1.5")
        if name == "symbolLabel":
            style.set("marginLeft", "2")
        _font(style, "styleFont", size)
    item.append(tree)


def _scale_bar(layout: ET.Element, map_item: ET.Element, page: Page) -> None:
    """Measure the map in kilometers."""
    item = _item(layout, SCALE_BAR, "scale", (204, 176, 60, 10))
    west, _, east, _ = _fitted(page.extent)
    meters = (east - west) * (METERS_PER_DEGREE if page.unit_degrees else 1)
    segment_km = next(km for km in SEGMENTS_KM if km * 1000 >= meters / 12)
    settings = {
        "mapUuid": map_item.get("uuid") or "",
        "style": "Single Box",
        "unitType": "km",
        "unitLabel": "km",
        "numSegments": "2",
        "numSegmentsLeft": "0",
        "numUnitsPerSegment": str(segment_km),
        "segmentMillimeters": f"{segment_km * 1000 * MAP_BOX[2] / meters:.3f}",
        "numMapUnitsPerScaleBarUnit": "1",
        "segmentSizeMode": "0",
        "height": "2",
        "labelBarSpace": "1",
        "boxContentSpace": "1",
        "outlineWidth": "0.2",
        "minBarWidth": "20",
        "maxBarWidth": "80",
        "alignment": "0",
    }
    for name, value in settings.items():
        item.set(name, value)
    ET.SubElement(item, "text-style", fontFamily=FONT, fontSize="8", fontSizeUnit="Point")
    for name, level in (("fillColor", "60"), ("fillColor2", "255"), ("strokeColor", "60")):
        ET.SubElement(item, name, red=level, green=level, blue=level, alpha="255")


def _label(
    layout: ET.Element,
    name: str,
    text: str,
    box: tuple[float, float, float, float],
    *,
    size: float,
    color: tuple[int, int, int] = (32, 32, 32),
) -> None:
    """Write a text; an expression of QGIS in it stays text."""
    item = _item(layout, LABEL, name, box)
    plain = clean_text(text).replace("[%", "[\u2060%")
    settings = {"labelText": plain, "htmlState": "0", "halign": "1", "valign": "32"}
    for key, value in settings.items():
        item.set(key, value)
    _font(item, "LabelFont", size)
    red, green, blue = (str(part) for part in color)
    ET.SubElement(item, "FontColor", red=red, green=green, blue=blue, alpha="255")


def _font(parent: ET.Element, tag: str, size: float) -> None:
    """Name a font as Qt does."""
    ET.SubElement(parent, tag, style="", description=f"{FONT},{size:g},-1,5,50,0,0,0,0,0")
