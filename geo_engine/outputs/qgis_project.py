"""A QGIS project inside the GeoPackage: a group of layers for each chain, and a page to print."""

from __future__ import annotations

import dataclasses
import io
import json
import uuid
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd

from geo_engine.outputs import qgis_style, qgis_text
from geo_engine.outputs.fields import clean_text
from geo_engine.outputs.gpkg_layers import LAYER, hotspot_symbol, value_note
from geo_engine.outputs.gpkg_tables import Layer
from geo_engine.outputs.qgis_canvas import (
    add_reference_system,
    extent_of,
    map_canvas,
    properties,
)
from geo_engine.outputs.qgis_layout import Page, page_layout
from geo_engine.outputs.tabular import leading_chain
from geo_engine.results import Results

FILE_NAME = "territory.gpkg"
"""The file beside which QGIS looks for the layers: itself, under the name a run gives it."""
PROJECT_NAME = "filiere"
QGIS_VERSION = "3.22.0"
BORDERS = {"regions": "Regioni", "provinces": "Province e città metropolitane"}
TABLES_GROUP = "Tabelle"


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One layer of the project."""

    key: str
    """Decides the identifier, the same for the same results."""
    table: str
    title: str
    qml: str
    """Style, with its aliases."""
    spatial: bool
    shown: bool = False
    subset: str = ""
    joins: tuple[tuple[str, str], ...] = ()
    """Key of a joined layer, and the prefix of its columns."""

    @property
    def identifier(self) -> str:
        """Name the layer in the project."""
        return f"{self.table}_{uuid.uuid5(uuid.NAMESPACE_URL, self.key).hex}"

    @property
    def source(self) -> str:
        """Say where the layer is, from the folder of the file."""
        where = f"|subset={self.subset}" if self.subset else ""
        return f"./{FILE_NAME}|layername={self.table}{where}"


def project_file(results: Results, layers: Sequence[Layer], banner: str) -> bytes:
    """Write the project as QGIS keeps it in a GeoPackage.

    Parameters
    ----------
    results : Results
        What may be shown of the main universe.
    layers : sequence of Layer
        All tables of the file.
    banner : str
        A notice for the printed page, "" without.

    Returns
    -------
    bytes
        A zip archive with one document; the same results give the same bytes.
    """
    text = project_document(results, layers, banner)
    buffer = io.BytesIO()
    member = zipfile.ZipInfo(f"{PROJECT_NAME}.qgs", date_time=(1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, text.encode("utf-8"))
    return buffer.getvalue()


def project_note(moment: str) -> str:
    """Say when a project was written: QGIS lists it so.

    Parameters
    ----------
    moment : str
        ISO time of the data.

    Returns
    -------
    str
        JSON.
    """
    return json.dumps({"last_modified_time": moment[:19], "last_modified_user": "geo-engine"})


def project_document(results: Results, layers: Sequence[Layer], banner: str) -> str:
    """Describe the project in QGIS's own XML.

    Parameters
    ----------
    results : Results
        What may be shown of the main universe.
    layers : sequence of Layer
        All tables of the file.
    banner : str
        A notice for the printed page.

    Returns
    -------
    str
        The document.
    """
    facts = results.facts
    title = clean_text(facts.titled())
    groups = list(_groups(results, layers))
    entries = [entry for _, listed in groups for entry in listed]
    root = ET.Element("qgis", version=QGIS_VERSION, projectname=title)
    ET.SubElement(root, "homePath", path="")
    ET.SubElement(root, "title").text = title
    add_reference_system(ET.SubElement(root, "projectCrs"), facts.crs)
    root.append(_tree(groups))
    root.append(_relations(entries))
    root.append(map_canvas(layers, facts.crs))
    listing = ET.SubElement(root, "projectlayers")
    for entry in entries:
        listing.append(_map_layer(entry, entries, facts.crs))
    order = ET.SubElement(root, "layerorder")
    for entry in _drawing_order(entries):
        ET.SubElement(order, "layer", id=entry.identifier)
    root.append(properties())
    page = Page(
        title=title,
        subtitle=value_note(results, leading_chain(results)),
        notices=tuple(
            note
            for note in ("DATI SIMULATI - a scopo dimostrativo" if facts.simulated else "", banner)
            if note
        ),
        sources=facts.source_notes,
        date=facts.data_date,
        extent=extent_of(layers),
        legend=_tree([(name, [e for e in listed if e.shown]) for name, listed in groups]),
        unit_degrees=facts.crs == "EPSG:4326",
    )
    ET.SubElement(root, "Layouts").append(page_layout(page))
    ET.indent(root, " ")
    heading = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
    return heading + ET.tostring(root, encoding="unicode")


def _groups(results: Results, layers: Sequence[Layer]) -> Iterator[tuple[str, list[_Entry]]]:
    """Give the groups from top to bottom: borders, chains, further universes, tables."""
    by_name = {layer.name: layer for layer in layers}
    yield (
        "Confini",
        [
            dataclasses.replace(_whole(by_name[name], shown=True), title=title)
            for name, title in BORDERS.items()
        ],
    )
    leading = leading_chain(results)
    for chain in results.facts.chains:
        shown = chain.key == leading
        areas = _hotspots(results, by_name["hotspots"], chain.key, shown=shown)
        yield clean_text(chain.label), [areas, *_drawn(by_name, chain.key, shown=shown)]
    spatial = [layer for layer in layers if isinstance(layer.frame, gpd.GeoDataFrame)]
    further = [layer for layer in spatial if layer.name not in (LAYER, "hotspots", *BORDERS)]
    if further:
        yield "Altri universi", [_whole(layer) for layer in further]
    plain = [_whole(one) for one in layers if not isinstance(one.frame, gpd.GeoDataFrame)]
    yield TABLES_GROUP, [*plain, *_priorities(results, by_name)]


def _drawn(by_name: Mapping[str, Layer], chain: str, *, shown: bool) -> Iterator[_Entry]:
    """Draw the municipalities once with each style of a chain; priorities join the first."""
    layer = by_name[LAYER]
    own = [style for style in layer.styles if style.chain == chain]
    joins = ((f"priorities of {chain}", "priorita_"),) if "priorities" in by_name else ()
    for number, style in enumerate(own):
        yield _Entry(
            key=f"{LAYER} {style.name}",
            table=LAYER,
            title=style.name,
            qml=_with_aliases(style.qml, layer),
            spatial=True,
            shown=shown and number == 0,
            joins=joins if number == 0 else (),
        )


def _priorities(results: Results, by_name: Mapping[str, Layer]) -> Iterator[_Entry]:
    """Give the priorities of each chain, one row for each municipality."""
    if "priorities" not in by_name:
        return
    for chain in results.facts.chains:
        yield _Entry(
            key=f"priorities of {chain.key}",
            table="priorities",
            title=f"Priorità: {clean_text(chain.label)}",
            qml=by_name["priorities"].styles[0].qml,
            spatial=False,
            subset=f'"chain" = {qgis_text.literal(chain.key)}',
        )


def _whole(layer: Layer, *, shown: bool = False) -> _Entry:
    """Show a layer as it opens by itself."""
    return _Entry(
        key=layer.name,
        table=layer.name,
        title=clean_text(layer.title),
        qml=layer.styles[0].qml,
        spatial=isinstance(layer.frame, gpd.GeoDataFrame),
        shown=shown,
    )


def _hotspots(results: Results, layer: Layer, chain: str, *, shown: bool) -> _Entry:
    """Show the latest hotspots of one chain."""
    facts = results.facts
    chosen = {"chain": chain, "universe": facts.universe}
    where = [f'"{name}" = {qgis_text.literal(value)}' for name, value in chosen.items()]
    label = clean_text(next(c.label for c in facts.chains if c.key == chain))
    name_it = 'to_string("rank") || \'. \' || "name"'
    return _Entry(
        key=f"hotspots {chain}",
        table=layer.name,
        title=f"{label}: aree ad alta digitalizzazione",
        qml=qgis_style.qml(
            qgis_style.single(hotspot_symbol()),
            fields=layer.fields,
            labels=qgis_text.text_labels(name_it, size=9, color="#67000d"),
            display=name_it,
        ),
        spatial=True,
        shown=shown,
        subset=" AND ".join([*where, f'"year" = {facts.years[-1]}']),
    )


def _with_aliases(text: str, layer: Layer) -> str:
    """Give a style that only draws the aliases of its layer, and its labels."""
    style = ET.fromstring(text)
    default = ET.fromstring(layer.styles[0].qml)
    for tag in ("labeling", "fieldConfiguration", "aliases", "previewExpression"):
        found = default.find(tag)
        if found is not None and style.find(tag) is None:
            style.append(found)
    style.set("labelsEnabled", default.get("labelsEnabled") or "0")
    return ET.tostring(style, encoding="unicode")


def _map_layer(entry: _Entry, entries: Sequence[_Entry], crs: str) -> ET.Element:
    """Describe one layer: where it is, and how it is drawn."""
    style = ET.fromstring(entry.qml)
    layer = ET.Element(
        "maplayer",
        type="vector",
        geometry="Polygon" if entry.spatial else "No geometry",
        wkbType="MultiPolygon" if entry.spatial else "NoGeometry",
        labelsEnabled=style.get("labelsEnabled") or "0",
        readOnly="1",
    )
    ET.SubElement(layer, "id").text = entry.identifier
    ET.SubElement(layer, "datasource").text = entry.source
    ET.SubElement(layer, "layername").text = entry.title
    if entry.spatial:
        add_reference_system(ET.SubElement(layer, "srs"), crs)
    ET.SubElement(layer, "provider", encoding="UTF-8").text = "ogr"
    joins = ET.SubElement(layer, "vectorjoins")
    named = {other.key: other.identifier for other in entries}
    for key, prefix in entry.joins:
        ET.SubElement(
            joins,
            "join",
            joinFieldName="pro_com_t",
            targetFieldName="pro_com_t",
            hasCustomPrefix="1",
            customPrefix=prefix,
            memoryCache="1",
            joinLayerId=named[key],
            editable="0",
            dynamicForm="0",
            upsertOnEdit="0",
            cascadedDelete="0",
        )
    layer.extend(list(style))
    return layer


def _tree(groups: Sequence[tuple[str, list[_Entry]]]) -> ET.Element:
    """Arrange the layers as the panel of layers shows them."""
    tree = ET.Element("layer-tree-group")
    for name, entries in groups:
        if not entries:
            continue
        shown = any(entry.shown for entry in entries)
        group = ET.SubElement(
            tree,
            "layer-tree-group",
            name=name,
            checked="Qt::Checked",
            expanded="1" if shown else "0",
        )
        for entry in entries:
            ET.SubElement(
                group,
                "layer-tree-layer",
                id=entry.identifier,
                name=entry.title,
                source=entry.source,
                providerKey="ogr",
                checked="Qt::Checked" if entry.shown else "Qt::Unchecked",
                expanded="1" if entry.shown else "0",
            )
    return tree


def _drawing_order(entries: Sequence[_Entry]) -> list[_Entry]:
    """Put the spatial layers in the order of the tree."""
    return [entry for entry in entries if entry.spatial]


def _relations(entries: Sequence[_Entry]) -> ET.Element:
    """Relate every table by municipality to the municipalities: a form shows its rows."""
    relations = ET.Element("relations")
    places = next(entry for entry in entries if entry.table == LAYER)
    for entry in entries:
        if entry.spatial or entry.subset or 'field="pro_com_t"' not in entry.qml:
            continue
        relation = ET.SubElement(
            relations,
            "relation",
            id=f"{LAYER}_{entry.table}",
            name=entry.title,
            referencedLayer=places.identifier,
            referencingLayer=entry.identifier,
            strength="Association",
        )
        ET.SubElement(
            relation, "fieldRef", referencingField="pro_com_t", referencedField="pro_com_t"
        )
    return relations
