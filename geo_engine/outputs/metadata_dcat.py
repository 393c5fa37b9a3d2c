"""Metadata record in DCAT-AP_IT, for open-data catalogues (RDF/XML)."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from geo_engine.outputs.metadata_facts import LICENCES, UNSTATED, Described

NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "dcatapit": "http://dati.gov.it/onto/dcatapit#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "locn": "http://www.w3.org/ns/locn#",
    "owl": "http://www.w3.org/2002/07/owl#",
}
XSD_DATE = "http://www.w3.org/2001/XMLSchema#date"
WKT = "http://www.opengis.net/ont/geosparql#wktLiteral"
AUTHORITY = "http://publications.europa.eu/resource/authority"
FILE = "territory.gpkg"
FORM = "GPKG"
"""In the European vocabulary of file types."""
MEDIA_TYPE = "application/geopackage+sqlite3"


def dcat_record(facts: Described) -> str:
    """Write the record; addresses of files are relative to where the record is published.

    Parameters
    ----------
    facts : Described
        What it says.

    Returns
    -------
    str
        RDF/XML.
    """
    for prefix, uri in NAMESPACES.items():
        ET.register_namespace(prefix, uri)
    root = ET.Element(_name("rdf:RDF"))
    dataset = _part(root, "dcatapit:Dataset", about=f"urn:uuid:{facts.identifier}")
    _resource(dataset, "rdf:type", NAMESPACES["dcat"] + "Dataset")
    _text(dataset, "dct:identifier", facts.identifier)
    _text(dataset, "dct:title", facts.title, language="it")
    _text(dataset, "dct:description", _description(facts), language="it")
    for name in ("dct:issued", "dct:modified"):
        _typed(dataset, name, facts.date, XSD_DATE)
    for theme in ("ECON", "REGI"):
        _resource(dataset, "dcat:theme", f"{AUTHORITY}/data-theme/{theme}")
    for keyword in facts.keywords:
        _text(dataset, "dcat:keyword", keyword, language="it")
    _resource(dataset, "dct:language", f"{AUTHORITY}/language/ITA")
    _resource(dataset, "dct:accrualPeriodicity", f"{AUTHORITY}/frequency/UNKNOWN")
    for name in ("dct:publisher", "dct:rightsHolder"):
        _agent(_part(dataset, name), facts)
    _contact(_part(dataset, "dcat:contactPoint"), facts)
    _place(_part(dataset, "dct:spatial"), facts)
    _period(_part(dataset, "dct:temporal"), facts)
    _distribution(_part(dataset, "dcat:distribution"), facts)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode")


def _description(facts: Described) -> str:
    """Say what the data are, how they were made, and what to know before they are used."""
    return " ".join(part for part in (facts.abstract, facts.lineage, facts.limits) if part)


def _agent(parent: ET.Element, facts: Described) -> None:
    """Name who publishes."""
    agent = _part(parent, "dcatapit:Agent")
    _resource(agent, "rdf:type", NAMESPACES["foaf"] + "Agent")
    _text(agent, "dct:identifier", facts.publisher or UNSTATED)
    _text(agent, "foaf:name", facts.publisher or UNSTATED, language="it")


def _contact(parent: ET.Element, facts: Described) -> None:
    """Say whom to write to."""
    point = _part(parent, "dcatapit:Organization")
    _resource(point, "rdf:type", NAMESPACES["vcard"] + "Organization")
    _text(point, "vcard:fn", facts.publisher or UNSTATED)
    if facts.contact:
        _resource(point, "vcard:hasEmail", f"mailto:{facts.contact}")


def _place(parent: ET.Element, facts: Described) -> None:
    """State the territory."""
    west, south, east, north = facts.bounds
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ", ".join(f"{x:.6f} {y:.6f}" for x, y in corners)
    place = _part(parent, "dct:Location")
    _text(place, "rdfs:label", facts.coverage, language="it")
    _typed(place, "locn:geometry", f"POLYGON (({ring}))", WKT)


def _period(parent: ET.Element, facts: Described) -> None:
    """State the years."""
    first, last = facts.years
    period = _part(parent, "dct:PeriodOfTime")
    _typed(period, "dcat:startDate", f"{first}-01-01", XSD_DATE)
    _typed(period, "dcat:endDate", f"{last}-12-31", XSD_DATE)
    for name, value in (("startDate", f"{first}-01-01"), ("endDate", f"{last}-12-31")):
        _typed(period, f"dcatapit:{name}", value, XSD_DATE)


def _distribution(parent: ET.Element, facts: Described) -> None:
    """Describe the file that the record is in; the study does not know what else is published."""
    entry = _part(parent, "dcatapit:Distribution")
    _resource(entry, "rdf:type", NAMESPACES["dcat"] + "Distribution")
    _text(entry, "dct:title", "GeoPackage con tutti i livelli", language="it")
    for name in ("dcat:accessURL", "dcat:downloadURL"):
        _resource(entry, name, FILE)
    _resource(entry, "dct:format", f"{AUTHORITY}/file-type/{FORM}")
    _resource(entry, "dcat:mediaType", f"https://www.iana.org/assignments/media-types/{MEDIA_TYPE}")
    address, text, kind = LICENCES[facts.licence]
    licence = _part(_part(entry, "dct:license"), "dcatapit:LicenseDocument", about=address)
    _resource(licence, "rdf:type", NAMESPACES["dct"] + "LicenseDocument")
    _resource(licence, "dct:type", f"http://purl.org/adms/licencetype/{kind}")
    _text(licence, "foaf:name", facts.licence or "Licenza sconosciuta", language="it")
    if text:
        _resource(licence, "owl:sameAs", text)


def _name(qualified: str) -> str:
    """Spell a name with its namespace."""
    prefix, _, local = qualified.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def _part(parent: ET.Element, name: str, about: str = "") -> ET.Element:
    """Add an element."""
    return ET.SubElement(parent, _name(name), {_name("rdf:about"): about} if about else {})


def _resource(parent: ET.Element, name: str, address: str) -> None:
    """Point at something by its address."""
    ET.SubElement(parent, _name(name), {_name("rdf:resource"): address})


def _text(parent: ET.Element, name: str, text: str, language: str = "") -> None:
    """Add a text, in a language."""
    spoken = {"{http://www.w3.org/XML/1998/namespace}lang": language} if language else {}
    ET.SubElement(parent, _name(name), spoken).text = text


def _typed(parent: ET.Element, name: str, text: str, kind: str) -> None:
    """Add a value of a type."""
    ET.SubElement(parent, _name(name), {_name("rdf:datatype"): kind}).text = text
