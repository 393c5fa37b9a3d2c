"""SLD 1.1: the same styles for GeoServer, QGIS Server and others, derived from those of QGIS."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping, Sequence

from geo_engine.outputs.fields import clean_text
from geo_engine.outputs.qgis_style import CLUSTER_COLORS, Class, missing_entries
from geo_engine.outputs.qgis_symbols import area_symbol

SLD = "http://www.opengis.net/sld"
SE = "http://www.opengis.net/se"
OGC = "http://www.opengis.net/ogc"
PIXELS_PER_MM = 3.571
"""A pixel of the standard is 0.28 mm."""
HATCH_PIXELS = "6"

Filter = Callable[[ET.Element], None]
"""Adds the condition of a rule to its filter."""


def sld_of_values(
    layer: str, column: str, status: str, classes: Sequence[Class], title: str
) -> str:
    """Draw a measure in classes, hatching what is missing.

    Parameters
    ----------
    layer : str
        Name of the layer.
    column, status : str
        Column of the measure, and the one that says why it is missing.
    classes : sequence of Class
        From low to high.
    title : str
        Of the style.

    Returns
    -------
    str
        An SLD document.
    """
    rules = [(entry, _inside(column, number, classes)) for number, entry in enumerate(classes)]
    return _document(layer, title, [*rules, *_missing_rules(column, status)])


def sld_of_clusters(
    layer: str, column: str, status: str, words: Mapping[str, str], title: str
) -> str:
    """Draw a map of local clusters; a place without a test says why.

    Parameters
    ----------
    layer : str
        Name of the layer.
    column, status : str
        Column of the class, and the one that says why there is none.
    words : mapping of str to str
        Italian word of each class.
    title : str
        Of the style.

    Returns
    -------
    str
        An SLD document.
    """
    rules = [
        (Class(label=words[value], symbol=area_symbol(color)), _equal({column: value}))
        for value, color in CLUSTER_COLORS.items()
    ]
    return _document(layer, title, [*rules, *_missing_rules(column, status)])


def sld_of_outline(
    layer: str, symbol: ET.Element, title: str, only: Mapping[str, str | int] | None = None
) -> str:
    """Draw features alike.

    Parameters
    ----------
    layer : str
        Name of the layer.
    symbol : Element
        How, as QGIS has it.
    title : str
        Of the style.
    only : mapping of str to str or int, optional
        Values that a feature must have to be drawn.

    Returns
    -------
    str
        An SLD document.
    """
    entry = Class(label=title, symbol=symbol)
    return _document(layer, title, [(entry, _equal(only) if only else None)])


def _missing_rules(column: str, status: str) -> list[tuple[Class, Filter]]:
    """Give the rules of what cannot be shown, the same under every measure."""
    absent, hidden, outside = missing_entries()
    return [
        (absent, _null(column, status, unlike=("suppressed", "not_covered"))),
        (hidden, _null(column, status, like="suppressed")),
        (outside, _null(column, status, like="not_covered")),
    ]


def _document(layer: str, title: str, rules: Iterable[tuple[Class, Filter | None]]) -> str:
    """Assemble a document of one layer."""
    for prefix, uri in (("", SLD), ("se", SE), ("ogc", OGC)):
        ET.register_namespace(prefix, uri)
    root = ET.Element(f"{{{SLD}}}StyledLayerDescriptor", version="1.1.0")
    named = ET.SubElement(root, f"{{{SLD}}}NamedLayer")
    ET.SubElement(named, f"{{{SE}}}Name").text = layer
    style = ET.SubElement(named, f"{{{SLD}}}UserStyle")
    ET.SubElement(style, f"{{{SE}}}Name").text = clean_text(title)
    listing = ET.SubElement(style, f"{{{SE}}}FeatureTypeStyle")
    for entry, condition in rules:
        rule = ET.SubElement(listing, f"{{{SE}}}Rule")
        ET.SubElement(rule, f"{{{SE}}}Name").text = clean_text(entry.label)
        description = ET.SubElement(rule, f"{{{SE}}}Description")
        ET.SubElement(description, f"{{{SE}}}Title").text = clean_text(entry.label)
        if condition is not None:
            condition(ET.SubElement(rule, f"{{{OGC}}}Filter"))
        for symbol_layer in entry.symbol.iterfind("layer"):
            _symbolize(rule, symbol_layer)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode")


def _symbolize(rule: ET.Element, layer: ET.Element) -> None:
    """Translate one layer of a QGIS symbol."""
    options = {o.get("name"): o.get("value") or "" for o in layer.iterfind("Option/Option")}
    polygon = ET.SubElement(rule, f"{{{SE}}}PolygonSymbolizer")
    if layer.get("class") == "LinePatternFill":
        pen = {o.get("name"): o.get("value") or "" for o in layer.iterfind("symbol//Option")}
        _hatch(polygon, int(options["angle"]), _color(pen["line_color"])[0])
        return
    if options.get("style") == "solid":
        color, opacity = _color(options["color"])
        fill = ET.SubElement(polygon, f"{{{SE}}}Fill")
        _parameters(fill, {"fill": color, "fill-opacity": opacity})
    if options.get("outline_style") != "no":
        color, opacity = _color(options["outline_color"])
        width = f"{float(options['outline_width']) * PIXELS_PER_MM:.2f}"
        stroke = ET.SubElement(polygon, f"{{{SE}}}Stroke")
        drawn = {"stroke": color, "stroke-opacity": opacity, "stroke-width": width}
        _parameters(stroke, drawn | {"stroke-linejoin": "round"})


def _hatch(polygon: ET.Element, angle: int, color: str) -> None:
    """Fill with parallel lines; a server that does not know them shows the plain fill below."""
    fill = ET.SubElement(ET.SubElement(polygon, f"{{{SE}}}Fill"), f"{{{SE}}}GraphicFill")
    graphic = ET.SubElement(fill, f"{{{SE}}}Graphic")
    mark = ET.SubElement(graphic, f"{{{SE}}}Mark")
    ET.SubElement(mark, f"{{{SE}}}WellKnownName").text = "horline"
    stroke = ET.SubElement(mark, f"{{{SE}}}Stroke")
    _parameters(stroke, {"stroke": color, "stroke-width": "0.7"})
    ET.SubElement(graphic, f"{{{SE}}}Size").text = HATCH_PIXELS
    rotation = ET.SubElement(graphic, f"{{{SE}}}Rotation")
    ET.SubElement(rotation, f"{{{OGC}}}Literal").text = str(angle)


def _parameters(parent: ET.Element, values: Mapping[str, str]) -> None:
    """Write the parameters of a fill or a stroke."""
    for name, value in values.items():
        ET.SubElement(parent, f"{{{SE}}}SvgParameter", name=name).text = value


def _color(text: str) -> tuple[str, str]:
    """Read a color of QGIS as hexadecimal and opacity."""
    red, green, blue, alpha = (int(part) for part in text.split(","))
    return f"#{red:02x}{green:02x}{blue:02x}", f"{alpha / 255:.2f}"


def _inside(column: str, number: int, classes: Sequence[Class]) -> Filter:
    """Ask for a value of a class; the outer ones are open, since servers round what they read."""

    def add(parent: ET.Element) -> None:
        both = ET.SubElement(parent, f"{{{OGC}}}And")
        filled = ET.SubElement(ET.SubElement(both, f"{{{OGC}}}Not"), f"{{{OGC}}}PropertyIsNull")
        ET.SubElement(filled, f"{{{OGC}}}PropertyName").text = column
        if number > 0:
            _compare(both, "PropertyIsGreaterThan", column, repr(classes[number].lower))
        if number < len(classes) - 1:
            _compare(both, "PropertyIsLessThanOrEqualTo", column, repr(classes[number].upper))

    return add


def _equal(wanted: Mapping[str, str | int]) -> Filter:
    """Ask for given values."""

    def add(parent: ET.Element) -> None:
        holder = ET.SubElement(parent, f"{{{OGC}}}And") if len(wanted) > 1 else parent
        for column, value in wanted.items():
            _compare(holder, "PropertyIsEqualTo", column, clean_text(value))

    return add


def _null(column: str, status: str, *, like: str = "", unlike: tuple[str, ...] = ()) -> Filter:
    """Ask for a missing value with a reason, or without the reasons given."""

    def add(parent: ET.Element) -> None:
        both = ET.SubElement(parent, f"{{{OGC}}}And")
        missing = ET.SubElement(both, f"{{{OGC}}}PropertyIsNull")
        ET.SubElement(missing, f"{{{OGC}}}PropertyName").text = column
        for reason in unlike:
            _compare(both, "PropertyIsNotEqualTo", status, reason)
        if like:
            _compare(both, "PropertyIsEqualTo", status, like)

    return add


def _compare(parent: ET.Element, operator: str, column: str, value: str) -> None:
    """Compare a column with a value."""
    comparison = ET.SubElement(parent, f"{{{OGC}}}{operator}")
    ET.SubElement(comparison, f"{{{OGC}}}PropertyName").text = column
    ET.SubElement(comparison, f"{{{OGC}}}Literal").text = value
