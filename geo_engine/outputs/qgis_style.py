"""QML: how QGIS draws each layer when it is opened."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from geo_engine.outputs.atlas.classes import STEPS, breaks
from geo_engine.outputs.fields import Field, clean_text
from geo_engine.outputs.qgis_symbols import add_options, area_symbol, hatched_symbol
from geo_engine.outputs.qgis_text import quoted
from geo_engine.words.sentences import number, percent

SEQUENTIAL = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
"""YlGnBu, five classes: the atlas's palette."""
CLUSTER_COLORS = {
    "HH": "#b2182b",
    "LL": "#2166ac",
    "LH": "#92c5de",
    "HL": "#f4a582",
    "ns": "#f0f0f0",
}
OUTSIDE_COLOR = "#dfe3e7"
OUTSIDE = -3.0
HIDDEN = -2.0
ABSENT = -1.0
"""Stand for places outside, suppressed and missing values in a graduated renderer: no measure is
negative."""


@dataclass(frozen=True, kw_only=True)
class Class:
    """One entry of a legend."""

    label: str
    symbol: ET.Element
    lower: float = 0.0
    upper: float = 0.0
    value: str = ""
    shown: bool = True


def qml(
    renderer: ET.Element | None,
    *,
    fields: Sequence[Field] = (),
    labels: ET.Element | None = None,
    display: str = "",
) -> str:
    """Assemble the style of one layer.

    Parameters
    ----------
    renderer : Element or None
        What draws the features; None for a table without geometry.
    fields : sequence of Field
        Their aliases, and the words of their values; none for a style that only draws.
    labels : Element, optional
        Labels of the features.
    display : str
        Expression that names a feature in lists.

    Returns
    -------
    str
        A QML document that QGIS 3.10 and later read.
    """
    categories = "AllStyleCategories" if fields else "Symbology|Labeling"
    root = ET.Element(
        "qgis",
        version="3.22.0",
        styleCategories=categories,
        labelsEnabled="1" if labels is not None else "0",
    )
    if renderer is not None:
        root.append(renderer)
    if labels is not None:
        root.append(labels)
    if fields:
        _add_fields(root, fields)
        ET.SubElement(root, "previewExpression").text = display
    if renderer is None:
        ET.SubElement(root, "layerGeometryType").text = "4"
    else:
        ET.SubElement(root, "layerGeometryType").text = "2"
    ET.indent(root, " ")
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(
        root, encoding="unicode"
    )


def value_classes(values: np.ndarray, measure: str) -> list[Class]:
    """Cut values into the very classes of the atlas.

    Parameters
    ----------
    values : ndarray
        Of all places and years, missing ones NaN.
    measure : str
        An indicator of the atlas: ``share_eb``, ``firms_per_km2``, ...

    Returns
    -------
    list of Class
        From low to high; none without values.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return []
    steps = STEPS[measure]
    cuts = breaks(values, steps)
    # The atlas knows values in whole steps, and counts a value on a break as above it.
    inner = [(cut - 0.5) / steps for cut in cuts]
    bounds = [float(finite.min()), *inner, float(finite.max())]
    shown = [bounds[0], *(cut / steps for cut in cuts), bounds[-1]]
    picks = np.linspace(0, len(SEQUENTIAL) - 1, len(bounds) - 1).round().astype(int).tolist()
    as_share = measure.startswith("share")
    return [
        Class(
            lower=bounds[i],
            upper=bounds[i + 1],
            label=_range_label(shown[i], shown[i + 1], as_share=as_share),
            symbol=area_symbol(SEQUENTIAL[pick]),
        )
        for i, pick in enumerate(picks)
    ]


def graduated(column: str, status: str, classes: Sequence[Class]) -> ET.Element:
    """Draw a measure in classes, hatching what is missing.

    Parameters
    ----------
    column : str
        Column of the measure.
    status : str
        Column that says why it is missing.
    classes : sequence of Class
        Classes of the values.

    Returns
    -------
    Element
        A graduated renderer.
    """
    expression = (
        f"CASE WHEN {quoted(column)} IS NOT NULL THEN {quoted(column)} "
        f"WHEN {quoted(status)} = 'suppressed' THEN {HIDDEN:g} "
        f"WHEN {quoted(status)} = 'not_covered' THEN {OUTSIDE:g} ELSE {ABSENT:g} END"
    )
    return _classed("graduatedSymbol", expression, [*classes, *missing_entries()])


def categorized(expression: str, entries: Sequence[Class]) -> ET.Element:
    """Draw one symbol for each value of an expression.

    Parameters
    ----------
    expression : str
        QGIS expression.
    entries : sequence of Class
        Legend, in order.

    Returns
    -------
    Element
        A categorized renderer.
    """
    return _classed("categorizedSymbol", expression, entries)


def clusters(column: str, status: str, words: Mapping[str, str]) -> ET.Element:
    """Draw a map of local clusters; a place without a test says why.

    Parameters
    ----------
    column : str
        Column of the class.
    status : str
        Column that says why there is none.
    words : mapping of str to str
        Italian word of each class.

    Returns
    -------
    Element
        A categorized renderer: quadrants, not significant, and the reasons for having no test.
    """
    expression = (
        f"CASE WHEN {quoted(column)} IS NOT NULL THEN {quoted(column)} "
        f"WHEN {quoted(status)} IN ('suppressed', 'not_covered') THEN {quoted(status)} "
        f"ELSE '' END"
    )
    entries = [
        Class(value=value, label=words[value], symbol=area_symbol(color))
        for value, color in CLUSTER_COLORS.items()
    ]
    reasons = zip(("", "suppressed", "not_covered"), missing_entries(), strict=True)
    return categorized(
        expression,
        [*entries, *(dataclasses.replace(entry, value=value) for value, entry in reasons)],
    )


def missing_entries() -> list[Class]:
    """Give the legend of what cannot be shown, the same under every measure.

    Returns
    -------
    list of Class
        No data, suppressed, and outside the coverage.
    """
    return [
        Class(lower=ABSENT, upper=ABSENT, label="dato non disponibile", symbol=hatched_symbol(45)),
        Class(
            lower=HIDDEN,
            upper=HIDDEN,
            label="oscurato per riservatezza",
            symbol=hatched_symbol(135),
        ),
        Class(
            lower=OUTSIDE,
            upper=OUTSIDE,
            label="fuori copertura",
            symbol=area_symbol(OUTSIDE_COLOR),
        ),
    ]


def single(symbol: ET.Element) -> ET.Element:
    """Draw all features alike.

    Parameters
    ----------
    symbol : Element
        How.

    Returns
    -------
    Element
        A single-symbol renderer.
    """
    renderer = _renderer("singleSymbol")
    _add_symbols(renderer, [symbol])
    return renderer


def _range_label(lower: float, upper: float, *, as_share: bool) -> str:
    """Say a class in Italian."""
    if as_share:
        return f"{percent(lower, 'it')} - {percent(upper, 'it')}"
    return f"{_italian(lower)} - {_italian(upper)}"


def _italian(value: float) -> str:
    """Write a number with about three significant digits."""
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3
    return number(value, "it", decimals=decimals)


def _renderer(kind: str) -> ET.Element:
    """Begin a renderer."""
    return ET.Element(
        "renderer-v2", type=kind, forceraster="0", symbollevels="0", enableorderby="0"
    )


def _classed(kind: str, expression: str, entries: Sequence[Class]) -> ET.Element:
    """Build a renderer with one symbol for each class."""
    renderer = _renderer(kind)
    renderer.set("attr", expression)
    graded = kind == "graduatedSymbol"
    if graded:
        renderer.set("graduatedMethod", "GraduatedColor")
    listing = ET.SubElement(renderer, "ranges" if graded else "categories")
    for place, entry in enumerate(entries):
        item = ET.SubElement(
            listing,
            "range" if graded else "category",
            symbol=str(place),
            label=clean_text(entry.label),
            render="true" if entry.shown else "false",
        )
        if graded:
            item.set("lower", repr(entry.lower))
            item.set("upper", repr(entry.upper))
        else:
            item.set("value", clean_text(entry.value))
            item.set("type", "string")
    _add_symbols(renderer, [entry.symbol for entry in entries])
    return renderer


def _add_symbols(renderer: ET.Element, symbols: Sequence[ET.Element]) -> None:
    """List the symbols of a renderer by number."""
    listing = ET.SubElement(renderer, "symbols")
    for place, symbol in enumerate(symbols):
        symbol.set("name", str(place))
        for inner in symbol.iterfind("./layer/symbol"):
            inner.set("name", f"@{place}@1")
        listing.append(symbol)


def _add_fields(root: ET.Element, fields: Sequence[Field]) -> None:
    """Write aliases, and the words of closed lists."""
    configuration = ET.SubElement(root, "fieldConfiguration")
    for field in fields:
        item = ET.SubElement(configuration, "field", name=field.name, configurationFlags="None")
        kind = "ValueMap" if field.words else ""
        widget = ET.SubElement(item, "editWidget", type=kind)
        config = ET.SubElement(widget, "config")
        if field.words:
            holder = ET.SubElement(config, "Option", type="Map")
            pairs = ET.SubElement(holder, "Option", type="List", name="map")
            for value, word in field.words.items():
                add_options(pairs, "", {word: value})
    aliases = ET.SubElement(root, "aliases")
    for place, field in enumerate(fields, start=1):
        # The feature identifier is field 0.
        ET.SubElement(aliases, "alias", index=str(place), field=field.name, name=field.label)
