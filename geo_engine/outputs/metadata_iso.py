"""Metadata record in ISO 19139, profile of the Italian register of territorial data (RNDT 2.0)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from geo_engine.outputs.metadata_facts import LICENCES, Described

GMD = "http://www.isotc211.org/2005/gmd"
GCO = "http://www.isotc211.org/2005/gco"
GML = "http://www.opengis.net/gml"
GMX = "http://www.isotc211.org/2005/gmx"
XLINK = "http://www.w3.org/1999/xlink"
NAMESPACES = {"gmd": GMD, "gco": GCO, "gml": GML, "gmx": GMX, "xlink": XLINK}
CODE_LISTS = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"
LANGUAGES = "http://www.loc.gov/standards/iso639-2/"
INSPIRE_REGULATION = (
    "REGOLAMENTO (UE) N. 1089/2010 DELLA COMMISSIONE del 23 novembre 2010 recante attuazione "
    "della direttiva 2007/2/CE del Parlamento europeo e del Consiglio per quanto riguarda "
    "l'interoperabilità dei set di dati territoriali e dei servizi di dati territoriali"
)
NO_LIMITS = (
    "http://inspire.ec.europa.eu/metadata-codelist/LimitationsOnPublicAccess/noLimitations",
    "nessuna limitazione",
)
UNKNOWN_USE = (
    "http://inspire.ec.europa.eu/metadata-codelist/ConditionsApplyingToAccessAndUse/"
    "conditionsUnknown",
    "condizioni sconosciute",
)
SCALE = 10_000
"""Equivalent scale of the outlines that ship."""


def iso_record(facts: Described) -> str:
    """Write the record.

    Parameters
    ----------
    facts : Described
        What it says.

    Returns
    -------
    str
        XML.
    """
    for prefix, uri in NAMESPACES.items():
        ET.register_namespace(prefix, uri)
    title = _text("metadataStandardName", "Linee Guida RNDT")
    version = _text("metadataStandardVersion", "2.0")
    root = _node(
        "MD_Metadata",
        _text("fileIdentifier", facts.identifier),
        _language("language"),
        _coded("characterSet", "MD_CharacterSetCode", "utf8"),
        _coded("hierarchyLevel", "MD_ScopeCode", "dataset"),
        _party("contact", facts),
        _node("dateStamp", _leaf("gco:Date", facts.date)),
        title,
        version,
        _system(facts),
        _node("identificationInfo", _identification(facts)),
        _distribution(),
        _quality(facts),
    )
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode")


def _identification(facts: Described) -> ET.Element:
    """Say what the data are, whose, and under which conditions."""
    themes = ("GEMET - INSPIRE themes, version 1.0", "2008-06-01", "publication")
    reach = ("Ambito di applicazione territoriale", "2019-05-22", "publication")
    fraction = _node(
        "MD_RepresentativeFraction", _node("denominator", _leaf("gco:Integer", str(SCALE)))
    )
    return _node(
        "MD_DataIdentification",
        _node("citation", _citation(facts.title, facts.date, "revision", facts.identifier)),
        _text("abstract", facts.abstract),
        _party("pointOfContact", facts, role="owner"),
        _keywords(["Unità statistiche"], *themes),
        _keywords(["Nazionale" if facts.coverage == "Italia" else "Regionale"], *reach),
        _keywords(facts.keywords),
        _constraints(facts),
        _coded("spatialRepresentationType", "MD_SpatialRepresentationTypeCode", "vector"),
        _node("spatialResolution", _node("MD_Resolution", _node("equivalentScale", fraction))),
        _language("language"),
        _coded("characterSet", "MD_CharacterSetCode", "utf8"),
        _node("topicCategory", _leaf("gmd:MD_TopicCategoryCode", "economy")),
        _node("extent", _extent(facts)),
    )


def _extent(facts: Described) -> ET.Element:
    """State territory and years."""
    west, south, east, north = facts.bounds
    box = {
        "westBoundLongitude": west,
        "eastBoundLongitude": east,
        "southBoundLatitude": south,
        "northBoundLatitude": north,
    }
    corners = [_node(name, _leaf("gco:Decimal", f"{value:.6f}")) for name, value in box.items()]
    return _node(
        "EX_Extent",
        _text("description", facts.coverage),
        _node("geographicElement", _node("EX_GeographicBoundingBox", *corners)),
        _period(facts),
    )


def _constraints(facts: Described) -> ET.Element:
    """State limits of use and licence."""
    _, address, _ = LICENCES[facts.licence]
    use = _anchor(*((address, facts.licence) if facts.licence else UNKNOWN_USE))
    restricted = "MD_RestrictionCode"
    return _node(
        "resourceConstraints",
        _node(
            "MD_LegalConstraints",
            *([_text("useLimitation", facts.limits)] if facts.limits else []),
            _coded("accessConstraints", restricted, "otherRestrictions"),
            _coded("useConstraints", restricted, "otherRestrictions"),
            _node("otherConstraints", _anchor(*NO_LIMITS)),
            _node("otherConstraints", use),
        ),
    )


def _period(facts: Described) -> ET.Element:
    """State the years."""
    period = ET.Element(f"{{{GML}}}TimePeriod", {f"{{{GML}}}id": "anni"})
    for name, value in zip(("begin", "end"), facts.years, strict=True):
        ET.SubElement(period, f"{{{GML}}}{name}Position").text = str(value)
    return _node("temporalElement", _node("EX_TemporalExtent", _node("extent", period)))


def _system(facts: Described) -> ET.Element:
    """Name the reference system."""
    code = facts.crs.rpartition(":")[2]
    address = f"http://www.opengis.net/def/crs/EPSG/0/{code}"
    identifier = _node("RS_Identifier", _node("code", _anchor(address, facts.crs)))
    return _node(
        "referenceSystemInfo",
        _node("MD_ReferenceSystem", _node("referenceSystemIdentifier", identifier)),
    )


def _distribution() -> ET.Element:
    """Name the format."""
    form = _node("MD_Format", _text("name", "OGC GeoPackage"), _text("version", "1.2"))
    return _node("distributionInfo", _node("MD_Distribution", _node("distributionFormat", form)))


def _quality(facts: Described) -> ET.Element:
    """Say where the data come from, and that conformity with INSPIRE was not evaluated."""
    scope = _node("scope", _node("DQ_Scope", _coded("level", "MD_ScopeCode", "dataset")))
    passed = ET.Element(f"{{{GMD}}}pass", {f"{{{GCO}}}nilReason": "unknown"})
    conformance = _node(
        "DQ_ConformanceResult",
        _node("specification", _citation(INSPIRE_REGULATION, "2010-12-08", "publication")),
        _text("explanation", "non valutato"),
        passed,
    )
    return _node(
        "dataQualityInfo",
        _node(
            "DQ_DataQuality",
            scope,
            _node("report", _node("DQ_DomainConsistency", _node("result", conformance))),
            _node("lineage", _node("LI_Lineage", _text("statement", facts.lineage))),
        ),
    )


def _party(name: str, facts: Described, role: str = "pointOfContact") -> ET.Element:
    """Name who answers for the data; a record without is refused by the register."""
    mail = _text("electronicMailAddress", facts.contact)
    address = _node("CI_Contact", _node("address", _node("CI_Address", mail)))
    return _node(
        name,
        _node(
            "CI_ResponsibleParty",
            _text("organisationName", facts.publisher),
            _node("contactInfo", address),
            _coded("role", "CI_RoleCode", role),
        ),
    )


def _keywords(
    listed: Iterable[str], thesaurus: str = "", date: str = "", kind: str = ""
) -> ET.Element:
    """List keywords, of a thesaurus or free."""
    parts = [_text("keyword", keyword) for keyword in listed]
    if thesaurus:
        parts.append(_node("thesaurusName", _citation(thesaurus, date, kind)))
    return _node("descriptiveKeywords", _node("MD_Keywords", *parts))


def _citation(title: str, date: str, kind: str, identifier: str = "") -> ET.Element:
    """Cite something with its date."""
    parts = [
        _text("title", title),
        _node(
            "date",
            _node(
                "CI_Date",
                _node("date", _leaf("gco:Date", date)),
                _coded("dateType", "CI_DateTypeCode", kind),
            ),
        ),
    ]
    if identifier:
        parts.append(_node("identifier", _node("MD_Identifier", _text("code", identifier))))
    return _node("CI_Citation", *parts)


def _language(name: str) -> ET.Element:
    """Name the language."""
    code = ET.Element(f"{{{GMD}}}LanguageCode", {"codeList": LANGUAGES, "codeListValue": "ita"})
    code.text = "ita"
    return _node(name, code)


def _coded(name: str, code_list: str, value: str) -> ET.Element:
    """Give a value of a list of the standard."""
    attributes = {"codeList": f"{CODE_LISTS}#{code_list}", "codeListValue": value}
    code = ET.Element(f"{{{GMD}}}{code_list}", attributes)
    code.text = value
    return _node(name, code)


def _anchor(address: str, text: str) -> ET.Element:
    """Give a text with its address."""
    anchor = ET.Element(f"{{{GMX}}}Anchor", {f"{{{XLINK}}}href": address})
    anchor.text = text
    return anchor


def _text(name: str, text: str) -> ET.Element:
    """Give a text, or say that it is missing."""
    if not text:
        return ET.Element(f"{{{GMD}}}{name}", {f"{{{GCO}}}nilReason": "missing"})
    return _node(name, _leaf("gco:CharacterString", text))


def _leaf(name: str, text: str) -> ET.Element:
    """Give an element with text."""
    prefix, _, local = name.partition(":")
    element = ET.Element(f"{{{NAMESPACES[prefix]}}}{local}")
    element.text = text
    return element


def _node(name: str, *children: ET.Element) -> ET.Element:
    """Give an element of the standard with others in it."""
    element = ET.Element(f"{{{GMD}}}{name}")
    element.extend(children)
    return element
