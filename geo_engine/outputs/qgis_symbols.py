"""Symbols of QGIS: how one polygon is filled, hatched or outlined, as QML elements."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

MISSING_COLOR = "#8c8c8c"
"""Lines that hatch a place without a value."""

Options = Mapping[str, "str | bool | Options"]


def area_symbol(
    fill: str, *, outline: str = "", width_mm: float = 0.1, alpha: float = 1.0
) -> ET.Element:
    """Fill a polygon.

    Parameters
    ----------
    fill : str
        Color ``#rrggbb``, or "" for none.
    outline : str
        Color of the border; by default the fill's own at country scale, light grey nearer.
    width_mm : float
        Width of the border.
    alpha : float
        Opacity of the fill. A stated border has a white casing: it is seen on dark fills too.

    Returns
    -------
    Element
        A fill symbol.
    """
    options: dict[str, str | bool | Options] = {
        "color": rgba(fill or "#ffffff", alpha),
        "style": "solid" if fill else "no",
        "outline_color": rgba(outline or fill),
        "outline_style": "solid",
        "outline_width": f"{width_mm:g}",
        "outline_width_unit": "MM",
        "joinstyle": "round",
    }
    symbol = _symbol("fill")
    if outline:
        casing = {"outline_color": "255,255,255,170", "outline_width": f"{2 * width_mm:g}"}
        _add_layer(symbol, "SimpleFill", {**options, **casing, "style": "no"})
    layer = _add_layer(symbol, "SimpleFill", options)
    if not outline:
        # No municipal border at country scale; the fill's own color closes the seams.
        _add_dynamic(
            layer, "outlineColor", "if(@map_scale > 1500000, @symbol_color, '160,160,160')"
        )
    return symbol


def hatched_symbol(angle: int) -> ET.Element:
    """Hatch a polygon: there is nothing to read here.

    Parameters
    ----------
    angle : int
        Direction of the lines in degrees.

    Returns
    -------
    Element
        A fill symbol.
    """
    symbol = _symbol("fill")
    plain: Options = {"color": "245,245,245,255", "style": "solid", "outline_style": "no"}
    _add_layer(symbol, "SimpleFill", plain)
    lines = _add_layer(
        symbol,
        "LinePatternFill",
        {"angle": str(angle), "distance": "0.9", "distance_unit": "MM", "line_width": "0.2"},
    )
    line = _symbol("line")
    pen: Options = {"line_color": rgba(MISSING_COLOR), "line_width": "0.2", "line_style": "solid"}
    _add_layer(line, "SimpleLine", pen)
    lines.append(line)
    return symbol


def rgba(color: str, alpha: float = 1.0) -> str:
    """Write a color as QGIS does.

    Parameters
    ----------
    color : str
        ``#rrggbb``; anything else is white.
    alpha : float
        Opacity.

    Returns
    -------
    str
        Four numbers from 0 to 255.

    Examples
    --------
    >>> rgba("#b2182b")
    '178,24,43,255'
    """
    if not re.fullmatch("#[0-9a-f]{6}", color):
        return "255,255,255,255"
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"{red},{green},{blue},{round(255 * alpha)}"


def _symbol(kind: str) -> ET.Element:
    """Begin a symbol."""
    return ET.Element("symbol", type=kind, name="0", alpha="1", clip_to_extent="1", force_rhr="0")


def _add_layer(symbol: ET.Element, kind: str, options: Options) -> ET.Element:
    """Add a layer to a symbol."""
    layer = ET.SubElement(
        symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"}
    )
    add_options(layer, "", options)
    return layer


def add_options(parent: ET.Element, name: str, options: Options) -> None:
    """Write nested options.

    Parameters
    ----------
    parent : Element
        Where they go.
    name : str
        Name of the group, "" for the outermost.
    options : mapping
        Texts, flags and groups by name.
    """
    group = ET.SubElement(parent, "Option", type="Map")
    if name:
        group.set("name", name)
    for key, value in options.items():
        if isinstance(value, bool):
            ET.SubElement(group, "Option", type="bool", name=key, value=str(value).lower())
        elif isinstance(value, str):
            ET.SubElement(group, "Option", type="QString", name=key, value=value)
        else:
            add_options(group, key, value)


def _add_dynamic(layer: ET.Element, name: str, expression: str) -> None:
    """Let an expression decide a property of a symbol layer."""
    holder = ET.SubElement(layer, "data_defined_properties")
    add_options(
        holder,
        "",
        {
            "name": "",
            "properties": {name: {"active": True, "expression": expression, "type": "3"}},
            "type": "collection",
        },
    )
