"""Text in QGIS: labels on the map, and names and values in expressions."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from geo_engine.outputs.qgis_symbols import rgba


def text_labels(expression: str, *, size: float, color: str, nearest: int = 0) -> ET.Element:
    """Write a text on each feature.

    Parameters
    ----------
    expression : str
        QGIS expression of the text, shown as it is (no HTML).
    size : float
        Points.
    color : str
        ``#rrggbb``.
    nearest : int
        Denominator of the smallest scale with labels; 0 for all scales.

    Returns
    -------
    Element
        Labeling with a white buffer.
    """
    labeling = ET.Element("labeling", type="simple")
    settings = ET.SubElement(labeling, "settings", calloutType="simple")
    style = ET.SubElement(
        settings,
        "text-style",
        fieldName=expression,
        isExpression="1",
        allowHtml="0",
        fontFamily="Open Sans",
        namedStyle="Bold",
        fontWeight="75",
        fontSize=f"{size:g}",
        fontSizeUnit="Point",
        textColor=rgba(color),
        textOpacity="1",
    )
    families = ET.SubElement(style, "families")
    for name in ("Open Sans", "DejaVu Sans", "Arial"):
        ET.SubElement(families, "family", name=name)
    ET.SubElement(
        style,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.8",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,230",
        bufferOpacity="1",
        bufferJoinStyle="128",
    )
    ET.SubElement(settings, "text-format", wrapChar="", multilineAlign="3")
    ET.SubElement(settings, "placement", placement="1", centroidInside="1", priority="5")
    ET.SubElement(
        settings,
        "rendering",
        drawLabels="1",
        obstacle="1",
        scaleVisibility="1" if nearest else "0",
        scaleMax=str(nearest),
        scaleMin="0",
    )
    return labeling


def quoted(column: str) -> str:
    """Quote a column for a QGIS expression or for SQL.

    Parameters
    ----------
    column : str
        Its name.

    Returns
    -------
    str
        In double quotes, those inside doubled.

    Examples
    --------
    >>> quoted("moda__share")
    '"moda__share"'
    """
    return '"' + column.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text for a QGIS expression.

    Parameters
    ----------
    text : str
        Any.

    Returns
    -------
    str
        In single quotes, those inside doubled, backslashes too.
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
