"""Hostile text through every surface of the page: shown literally, nothing of it runs."""

import csv
import dataclasses
import io
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from geo_engine.indicators.registry import load_registry
from geo_engine.outputs.atlas import write_atlas
from geo_engine.outputs.atlas.page import render_page
from geo_engine.results import ChainInfo, UniverseInfo
from geo_engine.territory_zones import ZonePanel
from tests.conftest import SHARED, skip_or_fail
from tests.outputs.example import example_publication, with_facts
from tests.outputs.standing import standing

PAYLOADS = (
    "{{7*7}}",
    "{% if %}",
    "{#",
    "{{ self._TemplateReference__context }}",
    "{{''.__class__}}",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//x>",
    "<meta http-equiv=refresh content='0;url=//x'>",
    "<base href=//x>",
    "<object data=//x>",
    "<embed src=//x>",
    "<form action=//x>",
    "<input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    "<math><mtext></mtext></math>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml version='1.0'?>",
    "<!DOCTYPE html>",
    "&lt;b&gt;",
    "&#60;b&#62;",
    "${alert(1)}",
    "`${alert(1)}`",
    "\\u003cscript\\u003e",
    "\\",
    "\\\\x3cb\\\\x3e",
    "';alert(1);//",
    '";alert(1);//',
    "\u2028alert(1)",
    "\u2029alert(1)",
    "%3Cscript%3E",
    "javascript:alert(1)",
    "data:text/html,<b>",
    '=HYPERLINK("//x")',
    "+1+1",
    "-1-1",
    "@SUM(1)",
    "__proto__",
    "constructor",
    "{name} {q} {0}",
    "$& $1 $`",
    "\u202egnp.exe",
    "a\u0301\u0323",
    "\U0001f1ee\U0001f1f9",
    "NULL",
    "NaN",
)
"""Templates, markup, script, spreadsheets, placeholders and odd letters: our own."""


def listed_payloads():
    """Read the hostile inputs that the project keeps, where its folder is there."""
    path = SHARED / "guide" / "bad_inputs.csv"
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        texts = [row["how_to_make"] for row in csv.DictReader(file) if row["category"] == "hostile"]
    texts = [text.replace("\\x0b", "\x0b").replace("TAB", "\t1") for text in texts]
    return tuple(dict.fromkeys([*texts, *(part for text in texts for part in text.split(", "))]))


LISTED = listed_payloads()
EVERY = (*PAYLOADS, *(text for text in LISTED if text not in PAYLOADS))
ALL = " | ".join(EVERY)
"""All of them in one text."""


def named_by_all(results):
    """Put all payloads in what a study names besides: indicators, zones, signals, breaks."""
    registry = load_registry()
    own = dataclasses.replace(
        registry["share_unknown"],
        key="own",
        **dict.fromkeys(
            ("label", "label_en", "definition", "definition_en", "formula", "source", "unit"), ALL
        ),
    )
    panel = results.panel.assign(own=results.panel["firms"] / 7)
    members = pd.DataFrame(
        {"pro_com_t": results.places.index, "zone": ["1", "2"] * 70, "weight": 1.0}
    )
    zones = results.province_panel.isel(province=[0, 1]).rename(province="zone")
    zone = ZonePanel(
        panel=zones.assign_coords(zone=["1", "2"]),
        names={"1": ALL, "2": EVERY[5]},
        municipalities={"1": 70, "2": 70},
        members=members,
        notes=(ALL,),
        source=ALL,
    )
    columns = ("firms", "known", "yes", "coverage", "share", "share_low", "share_high")
    coverage = pd.DataFrame(
        {"label": EVERY, "label_en": EVERY[::-1], "dimension": "size", "group": EVERY}
    ).assign(**dict.fromkeys(columns, 0.5))
    breaks = pd.DataFrame(
        [["moda", "share", 2024, 2022, "perimeter", ALL, ALL]],
        columns=["chain", "indicator", "year", "before", "cause", "note", "note_en"],
    )
    return dataclasses.replace(
        results,
        panel=panel,
        registry=results.registry | {"own": own},
        zones={"constructor": zone},
        signal_coverage=coverage,
        series_breaks=breaks,
    )


@pytest.fixture(scope="module")
def hostile():
    """Put each payload in names of places, and all of them in every other text."""
    publication = standing(example_publication(years=(2022, 2024)))
    results = publication.results
    count = len(results.places)
    places = results.places.assign(
        name=[f"{i} {EVERY[i % len(EVERY)]}" for i in range(count)],
        province=ALL,
        region=[ALL + code for code in results.places["cod_reg"]],
        name_other=[EVERY[-i % len(EVERY)] for i in range(count)],
    )
    hotspots = results.hotspots.assign(
        name=[EVERY[i % len(EVERY)] for i in range(len(results.hotspots))], region=ALL
    )
    changed = dataclasses.replace(
        named_by_all(results),
        places=places,
        hotspots=hotspots,
        warnings=(ALL, *EVERY),
        match_notes=EVERY,
    )
    chains = tuple(
        ChainInfo(key=chain.key, label=ALL + chain.label, label_en=ALL)
        for chain in results.facts.chains
    )
    universe = UniverseInfo(key="tutte", label=ALL, label_en=ALL)
    return with_facts(
        dataclasses.replace(publication, results=changed, banner=ALL, banner_en=ALL),
        title=ALL,
        title_en=ALL,
        signal=ALL,
        signal_en=ALL,
        coverage=ALL,
        is_national=False,
        chains=chains,
        universes=(universe, UniverseInfo(key="pmi", label=ALL, label_en=ALL)),
        universe_label=ALL,
        universe_label_en=ALL,
        source_notes=EVERY,
        perimeter=ALL,
        perimeter_en=ALL,
        coverage_en=ALL,
        membership=ALL,
        membership_en=ALL,
        basemap_tiles="https://tiles.example.org/{z}/{x}/{y}.png",
        basemap_attribution=ALL,
    )


@pytest.fixture(scope="module")
def atlas(hostile, tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "atlas.html"
    other = with_facts(hostile, universe="pmi")
    write_atlas(hostile, path, others={"pmi": other})
    return path


def test_there_are_forty_payloads_of_our_own_and_those_listed():
    assert len(set(PAYLOADS)) >= 40
    if not LISTED:
        skip_or_fail(f"no list of bad inputs at {SHARED}: set GEO_ENGINE_SHARED to its folder")
    for text in ("{{7*7}}", "{% if %}", "<img onerror>", "${x}", "\x0b", "=HYPERLINK"):
        assert any(text in one for one in LISTED), text


def test_the_page_is_built_with_two_scripts_and_no_payload_as_markup(hostile):
    page = render_page(hostile)
    assert page.count("<script") == 2
    for payload in ("<img", "<svg", "<iframe", "<object", "<embed", "<base", "<form action"):
        assert payload not in page.split("</style>")[1].split("<body>")[0], payload
    assert "49" not in page.split("<title>")[1].split("</title>")[0]


@pytest.mark.chromium
def test_every_surface_shows_the_text_literally_and_runs_nothing(visit, atlas):
    visitor = visit()
    page = visitor.open(
        atlas, "#filiera=moda&anno=2024&comune=900075&confronta=filiera%3Aarredo_design"
    )
    shown = {
        "#title": ALL,
        "#banner": ALL,
        "#card": "75 ",
        "#notes": PAYLOADS[6],
        "#signals": EVERY[-1],
        "#indicator": ALL,
        "#level": "Constructor",
        "#attribution": ALL,
        "#legend": ALL,
        "#chain": ALL,
        "#universe": ALL,
        "#caption-b": ALL,
    }
    flat = " ".join
    for selector, text in shown.items():
        assert flat(text.split()) in flat(page.text_content(selector).split()), selector
    notes = flat(page.text_content("#notes").split())
    for payload in EVERY:
        assert flat(payload.split()) in notes, payload
    for button in page.locator("#areas-list button").all()[:3]:
        button.click()
    page.click("#table-section summary")
    names = page.locator("#table-body th").all_inner_texts()
    assert len(names) > 10
    page.click("#card-mine")
    page.fill("#mine-text", "\n".join(PAYLOADS))
    page.click("#mine-use")
    assert PAYLOADS[5] in page.text_content("#mine-said")
    page.fill("#search", PAYLOADS[5])
    page.keyboard.press("Enter")
    page.fill("#table-text", "</script>")
    for level in page.eval_on_selector_all("#level option", "all => all.map(o => o.value)"):
        visitor.painted(lambda level=level: page.select_option("#level", level)) if (
            level != "place"
        ) else None
    visitor.painted(lambda: page.select_option("#indicator", "own"))
    assert flat(ALL.split()) in flat(page.text_content("#about-indicator").split())
    visitor.painted(lambda: page.click("[data-language=en]"))
    assert page.locator("img, iframe, object, embed, base").count() == 0
    assert page.evaluate("document.scripts.length") == 2
    assert visitor.clean(), visitor.problems


@pytest.mark.chromium
@pytest.mark.parametrize(
    "address",
    [
        "#comune=%3Cimg%20src=x%20onerror=alert(1)%3E",
        "#filiera=__proto__&mappa=constructor&livello=toString",
        "#territorio=%3Cscript%3E,900075&soglie=%22%3E%3Cb%3E&classi=soglie",
        "#confronta=filiera%3A__proto__&anno=NaN&dal=Infinity",
        "#%",
        "#filiera=" + "a" * 5000,
    ],
)
def test_a_hostile_address_changes_nothing_and_runs_nothing(visit, atlas, address):
    visitor = visit()
    page = visitor.open(atlas, address)
    assert page.is_checked("[name=map][value=values]")
    assert visitor.clean(), visitor.problems


@pytest.mark.chromium
def test_files_saved_of_hostile_names_are_text_and_well_formed(visit, atlas):
    page = visit().open(atlas, "#filiera=moda&anno=2024")
    page.click("#table-section summary")
    with page.expect_download() as found:
        page.click("#save-csv")
    text = found.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    assert len(rows) == 141
    assert all(len(row) == len(rows[0]) for row in rows)
    cells = [cell for row in rows for cell in (row[1], row[4], row[6])]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
    with page.expect_download() as found:
        page.click("#save-svg")
    root = ET.fromstring(found.value.path().read_text(encoding="utf-8"))
    tags = {one.tag.split("}")[1] for one in root.iter()}
    assert tags <= {"svg", "defs", "pattern", "rect", "path", "circle", "clipPath", "g", "text"}
