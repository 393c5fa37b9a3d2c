"""The metadata records: what a catalogue asks for is there, and says what the study says.

The record in ISO 19139 was also validated against the schemas of ISO (as packed in ckanext-spatial)
by hand; no package that CI could install carries them alone.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from geo_engine.outputs.metadata_dcat import NAMESPACES as RDF
from geo_engine.outputs.metadata_dcat import dcat_record
from geo_engine.outputs.metadata_facts import described
from geo_engine.outputs.metadata_iso import NAMESPACES as ISO
from geo_engine.outputs.metadata_iso import iso_record
from tests.outputs.example import example_publication

OWNER = {"publisher": "Camera di Prova", "contact": "dati@example.org", "licence": "CC BY 4.0"}
RDF_ABOUT = f"{{{RDF['rdf']}}}about"
RDF_RESOURCE = f"{{{RDF['rdf']}}}resource"
HOSTILE = "<img src=x>{{7*7}}]]>\x0b&"


@pytest.fixture(scope="module")
def facts():
    return described(example_publication(**OWNER))


@pytest.fixture(scope="module")
def iso(facts) -> ET.Element:
    return ET.fromstring(iso_record(facts))


@pytest.fixture(scope="module")
def dcat(facts) -> ET.Element:
    return ET.fromstring(dcat_record(facts))


@pytest.mark.parametrize(
    "path",
    [
        "gmd:fileIdentifier/gco:CharacterString",
        "gmd:language/gmd:LanguageCode",
        "gmd:characterSet/gmd:MD_CharacterSetCode",
        "gmd:hierarchyLevel/gmd:MD_ScopeCode",
        "gmd:contact//gmd:organisationName/gco:CharacterString",
        "gmd:contact//gmd:electronicMailAddress/gco:CharacterString",
        "gmd:dateStamp/gco:Date",
        "gmd:metadataStandardName/gco:CharacterString",
        "gmd:metadataStandardVersion/gco:CharacterString",
        ".//gmd:referenceSystemIdentifier//gmd:code/gmx:Anchor",
        ".//gmd:citation//gmd:title/gco:CharacterString",
        ".//gmd:citation//gmd:dateType/gmd:CI_DateTypeCode",
        ".//gmd:citation//gmd:identifier//gmd:code/gco:CharacterString",
        ".//gmd:abstract/gco:CharacterString",
        ".//gmd:pointOfContact//gmd:role/gmd:CI_RoleCode",
        ".//gmd:thesaurusName//gmd:title/gco:CharacterString",
        ".//gmd:useLimitation/gco:CharacterString",
        ".//gmd:accessConstraints/gmd:MD_RestrictionCode",
        ".//gmd:otherConstraints/gmx:Anchor",
        ".//gmd:spatialRepresentationType/gmd:MD_SpatialRepresentationTypeCode",
        ".//gmd:denominator/gco:Integer",
        ".//gmd:topicCategory/gmd:MD_TopicCategoryCode",
        ".//gmd:westBoundLongitude/gco:Decimal",
        ".//gmd:distributionFormat//gmd:version/gco:CharacterString",
        ".//gmd:DQ_ConformanceResult//gmd:explanation/gco:CharacterString",
        ".//gmd:lineage//gmd:statement/gco:CharacterString",
    ],
)
def test_each_element_that_rndt_asks_for_is_there_and_not_empty(iso, path):
    found = iso.findall(path, ISO)
    assert found
    assert all((element.text or "").strip() for element in found)


def test_the_extent_is_that_of_the_covered_municipalities(iso, facts):
    names = ("west", "south", "east", "north")
    ends = ("BoundLongitude", "BoundLatitude", "BoundLongitude", "BoundLatitude")
    places = example_publication().results.places.total_bounds
    for name, end, expected in zip(names, ends, places, strict=True):
        text = iso.findtext(f".//gmd:{name}{end}/gco:Decimal", namespaces=ISO)
        assert float(text or "nan") == pytest.approx(expected, abs=1e-6)


def test_a_study_that_names_nobody_says_so_instead_of_inventing():
    nobody = described(example_publication())
    root = ET.fromstring(iso_record(nobody))
    name = root.find(".//gmd:organisationName", ISO)
    assert name is not None
    assert name.get(f"{{{ISO['gco']}}}nilReason") == "missing"
    text = dcat_record(nobody)
    assert "non indicato" in text
    assert "C1_Unknown" in text


def test_simulated_data_are_called_so_in_both_records(facts):
    for text in (iso_record(facts), dcat_record(facts)):
        assert "(DATI SIMULATI)" in text
    real = described(example_publication(simulated=False))
    assert "SIMULATI" not in iso_record(real) + dcat_record(real)


@pytest.mark.parametrize(
    "name",
    [
        *("dct:identifier", "dct:title", "dct:description", "dct:modified", "dcat:theme"),
        *("dct:rightsHolder", "dct:accrualPeriodicity", "dcat:distribution", "dcat:contactPoint"),
        *("dct:publisher", "dct:spatial", "dct:temporal", "dct:language", "dcat:keyword"),
    ],
)
def test_each_property_that_dcat_ap_it_asks_of_a_dataset_is_there(dcat, name):
    assert dcat.findall(f"dcatapit:Dataset/{name}", RDF)


def test_the_distribution_has_its_address_format_and_licence(dcat):
    entries = dcat.findall(".//dcatapit:Distribution", RDF)
    assert len(entries) == 1
    for entry in entries:
        assert all(entry.find(name, RDF) is not None for name in ("dcat:accessURL", "dct:format"))
        licence = entry.find("dct:license/dcatapit:LicenseDocument", RDF)
        assert licence is not None
        assert licence.get(RDF_ABOUT, "").endswith("A21_CCBY40")


def test_the_contact_is_an_address_that_can_be_written_to(dcat):
    mail = dcat.find(".//vcard:hasEmail", RDF)
    assert mail is not None
    assert mail.get(RDF_RESOURCE) == "mailto:dati@example.org"


def test_hostile_names_leave_both_records_well_formed():
    hostile = described(example_publication(hostile=HOSTILE))
    for text in (iso_record(hostile), dcat_record(hostile)):
        assert any("{{7*7}}" in (element.text or "") for element in ET.fromstring(text).iter())
