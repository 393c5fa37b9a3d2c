"""Open a GeoPackage as a QGIS user does, and draw every layer to a picture.

Run with the Python that has PyQGIS: ``QT_QPA_PLATFORM=offscreen /usr/bin/python3
scripts/render_qgis.py territory.gpkg FOLDER``. Prints one JSON object: what each layer shows when
it is opened, and its picture. The file is opened through a copy, because QGIS writes into a
GeoPackage (its journal mode) on opening.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (
    QgsApplication,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsLayoutExporter,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsProviderRegistry,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage
from qgis.PyQt.QtXml import QDomDocument

SIZE = 1100


def classes_of(renderer: Any) -> list[dict[str, Any]]:
    """List the legend of a renderer: label, color and whether it is drawn."""
    kinds = {"graduatedSymbol": "ranges", "categorizedSymbol": "categories"}
    kind = renderer.type()
    if kind not in kinds:
        return [{"label": "", "color": renderer.symbol().color().name(), "shown": True}]
    # Each symbol is read while its class is alive: PyQGIS hands out bare pointers.
    return [
        {
            "label": item.label(),
            "color": item.symbol().color().name(),
            "shown": item.renderState(),
        }
        for item in getattr(renderer, kinds[kind])()
    ]


def describe(layer: Any) -> dict[str, Any]:
    """Tell what QGIS knows of a layer right after opening it."""
    facts = {
        "features": layer.featureCount(),
        "crs": layer.crs().authid(),
        "aliases": {field.name(): field.alias() for field in layer.fields()},
        "widgets": {
            field.name(): field.editorWidgetSetup().type()
            for field in layer.fields()
            if field.editorWidgetSetup().type()
        },
        "display": layer.displayExpression(),
    }
    if layer.isSpatial():
        facts["renderer"] = layer.renderer().type()
        facts["classes"] = classes_of(layer.renderer())
        facts["labels"] = layer.labelsEnabled()
        facts["spatial_index"] = layer.hasSpatialIndex() == 2
    return facts


def draw(layers: list[Any], picture: Path, extent: Any = None) -> dict[str, int]:
    """Draw layers, the first on top, on white; nothing for a layer without features."""
    if extent is None and layers[-1].featureCount() == 0:
        return {}
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setBackgroundColor(QColor("#ffffff"))
    settings.setDestinationCrs(layers[-1].crs())
    if extent is None:
        extent = QgsRectangle(layers[-1].extent())
        extent.scale(1.05)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(SIZE, round(SIZE * extent.height() / extent.width())))
    context = QgsExpressionContext()
    context.appendScope(QgsExpressionContextUtils.mapSettingsScope(settings))
    settings.setExpressionContext(context)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(str(picture))
    return colors_of(image)


def colors_of(image: Any) -> dict[str, int]:
    """Count the pixels of each color that covers more than a few."""
    image = image.convertToFormat(QImage.Format_RGB32)
    pixels = memoryview(bytes(image.bits().asarray(image.sizeInBytes()))).cast("I")
    counts = Counter(pixels)
    return {f"#{key & 0xFFFFFF:06x}": n for key, n in sorted(counts.items()) if n >= 20}


def open_layers(package: Path) -> dict[str, Any]:
    """Open every layer of a GeoPackage, with the style it carries."""
    metadata = QgsProviderRegistry.instance().providerMetadata("ogr")
    parts = [part.uri() for part in metadata.querySublayers(str(package))]
    layers = {}
    for uri in parts:
        name = uri.split("layername=")[-1].split("|")[0]
        layer = QgsVectorLayer(uri, name, "ogr")
        if not layer.isValid():
            raise SystemExit(f"QGIS cannot open {name}")
        layers[name] = layer
    return layers


def draw_styles(layer: Any, folder: Path) -> dict[str, Any]:
    """Draw a layer once with each style kept in the file."""
    pictures = {}
    count, ids, names, _, _ = layer.listStylesInDatabase()
    for key, name in zip(ids[:count], names[:count]):  # noqa: B905  Debian's Python may be 3.9
        text, _ = layer.getStyleFromDatabase(key)
        if not text:
            continue
        document = QDomDocument()
        document.setContent(text)
        layer.importNamedStyle(document)
        picture = folder / f"{layer.name()}_style{key}.png"
        colors = draw([layer], picture)
        pictures[name] = {
            "picture": str(picture),
            "classes": classes_of(layer.renderer()),
            "colors": colors,
        }
    return pictures


def draw_slds(layer: Any, package: Path, folder: Path) -> dict[str, Any]:
    """Draw a layer once with each SLD kept in the file, as a program without QML would."""
    pictures = {}
    with contextlib.closing(sqlite3.connect(package)) as database:
        styles = database.execute(
            "SELECT id, styleName, styleSLD FROM layer_styles "
            "WHERE f_table_name = ? AND styleSLD != ''",
            (layer.name(),),
        ).fetchall()
    for key, name, text in styles:
        path = folder / f"{layer.name()}_{key}.sld"
        path.write_text(text, encoding="utf-8")
        message, done = layer.loadSldStyle(str(path))
        picture = folder / f"{layer.name()}_sld{key}.png"
        pictures[name] = {
            "loaded": done,
            "message": message,
            "colors": draw([layer], picture),
            "picture": str(picture),
        }
    return pictures


def open_project(package: Path, folder: Path) -> dict[str, Any]:
    """Open the project inside a GeoPackage: its groups, joins and relations, its printed page."""
    project = QgsProject.instance()
    read = project.read(f"geopackage:{package}?projectName=filiere")
    groups = [
        (
            group.name(),
            [
                {
                    "name": node.name(),
                    "shown": node.isVisible(),
                    "valid": node.layer() is not None and node.layer().isValid(),
                    "features": node.layer().featureCount() if node.layer() is not None else -1,
                }
                for node in group.children()
            ],
        )
        for group in project.layerTreeRoot().children()
    ]
    joined = [
        field.name()
        for layer in project.mapLayers().values()
        if layer.vectorJoins()
        for field in layer.fields()
        if field.name().startswith("priorita_")
    ]
    pages = {}
    for layout in project.layoutManager().printLayouts():
        picture = folder / "page.png"
        settings = QgsLayoutExporter.ImageExportSettings()
        settings.dpi = 110
        QgsLayoutExporter(layout).exportToImage(str(picture), settings)
        pages[layout.name()] = {"colors": colors_of(QImage(str(picture))), "picture": str(picture)}
    return {
        "read": read,
        "crs": project.crs().authid(),
        "groups": groups,
        "joined": joined,
        "relations": [
            relation.isValid() for relation in project.relationManager().relations().values()
        ],
        "pages": pages,
    }


def zoom(window: str) -> Any:
    """Read a window "west,south,east,north"."""
    return QgsRectangle(*(float(part) for part in window.split(",")))


def main(package: str, destination: str, *options: str) -> None:
    """Open, describe and draw; print the description."""
    folder = Path(destination)
    folder.mkdir(parents=True, exist_ok=True)
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "territory.gpkg"
        shutil.copyfile(package, copy)
        layers = open_layers(copy)
        report = {}
        for name, layer in layers.items():
            report[name] = describe(layer)
            if layer.isSpatial():
                report[name]["picture"] = str(folder / f"{name}.png")
                report[name]["colors"] = draw([layer], folder / f"{name}.png")
        stack = [
            layers[n] for n in ("hotspots", "regions", "provinces", "municipalities") if n in layers
        ]
        windows = [o.partition("=")[2] for o in options if o.startswith("--window=")]
        extent = zoom(windows[0]) if windows else None
        report["all"] = {
            "picture": str(folder / "all.png"),
            "colors": draw(stack, folder / "all.png", extent),
        }
        if "--styles" in options:
            report["styles"] = draw_styles(layers["municipalities"], folder)
        if "--sld" in options:
            report["sld"] = draw_slds(layers["municipalities"], copy, folder)
        if "--project" in options:
            report["project"] = open_project(copy, folder)
        print(json.dumps(report, ensure_ascii=False, sort_keys=True))
        sys.stdout.flush()
        # Qt's teardown is not reliable without a window: leave at once.
        shutil.rmtree(temporary, ignore_errors=True)
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
