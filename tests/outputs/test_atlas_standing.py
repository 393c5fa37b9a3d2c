"""What a whole study adds to the page: categories, priorities, ranks, cuts of lines, a basemap."""

import csv
import dataclasses
import io
import re

import numpy as np
import pandas as pd
import pytest

from geo_engine.outputs.atlas import write_atlas
from geo_engine.outputs.atlas.page import render_page
from geo_engine.words import load_atlas_words
from tests.outputs.example import example_publication, with_facts
from tests.outputs.standing import standing

pytestmark = pytest.mark.chromium

TILES = "https://tiles.example.org/{z}/{x}/{y}.png"
ATTRIBUTION = "© Esempio <b>libero</b>"
PLACE = "900075"
NOTE, NOTE_EN = "Elenco di codici cambiato.", "List of codes changed."
ITALIAN = re.compile(
    r"\b(di|del|della|delle|dei|degli|il|gli|le|una|non|più|sono|comuni?|filiera|imprese|unità"
    r"|quota|addetti|regione|regioni|provincia|province e|nessun[oa]?|variazione|posto|noto)\b",
    re.IGNORECASE,
)
"""Words that no English sentence of the page has; names of places are renamed before."""


@pytest.fixture(scope="module")
def study():
    publication = standing(example_publication(years=(2019, 2021, 2022, 2024)))
    results = publication.results
    places = results.places.assign(
        name=[f"Alpha {i}" for i in range(len(results.places))],
        province=results.places["province"].str.replace("Provincia", "Beta"),
        region=results.places["region"].map({"Regione Alta": "North", "Regione Bassa": "South"}),
    )
    names = places["name"].to_dict()
    hotspots = results.hotspots.assign(
        name=[names[members[0]] for members in results.hotspots["members"]], region="North"
    )
    coverage = pd.DataFrame(
        {
            "signal": "sito",
            "label": "sito delle imprese",
            "label_en": "website of firms",
            "dimension": ["size", "size", "legal_form", "year"],
            "group": ["0-9 addetti", "non noto", "società di persone", "2024"],
            "firms": 100,
            "known": 80,
            "yes": 40,
            "coverage": 0.8,
            "share": 0.5,
            "share_low": 0.4,
            "share_high": 0.6,
        }
    )
    breaks = pd.DataFrame(
        [["moda", "firms", 2022, 2021, "perimeter", NOTE, NOTE_EN]],
        columns=["chain", "indicator", "year", "before", "cause", "note", "note_en"],
    )
    changed = dataclasses.replace(
        results, places=places, hotspots=hotspots, signal_coverage=coverage, series_breaks=breaks
    )
    return with_facts(
        dataclasses.replace(publication, results=changed),
        coverage="Marche (140 comuni)",
        coverage_en="Marche (140 municipalities)",
        is_national=False,
        index_versions=(3, 3, 4, 4),
        basemap_tiles=TILES,
        basemap_attribution=ATTRIBUTION,
    )


@pytest.fixture(scope="module")
def atlas(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("standing") / "atlas.html"
    write_atlas(study, path)
    return path


def test_maps_of_categories_count_what_the_results_say(visit, atlas, study):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024&mappa=bisogno")
    panel = study.results.panel.sel(chain="moda", year=2024)
    words = load_atlas_words("it")
    counts = [int((panel["need_quadrant"] == code).sum()) for code in (1, 2, 3, 4)]
    assert legend_of(page) == dict(zip(words["need"].values(), counts, strict=True))
    assert page.is_disabled("#indicator")
    visitor.painted(lambda: page.check("[name=map][value=specialized]"))
    counts = [int((panel["specialized"] == side).sum()) for side in (1, 0, -1)]
    assert legend_of(page) == dict(zip(words["specialized"].values(), counts, strict=True))
    assert "mappa=specializzazione" in page.url
    visitor.painted(lambda: page.select_option("#level", "province"))
    assert page.is_checked("[name=map][value=values]")


def legend_of(page):
    """Read the classes of the legend with their counts, gaps left out."""
    rows = [row.split("\n") for row in page.locator("#legend li").all_inner_texts()]
    return {row[0]: int(row[1]) for row in rows if row[0] != "dato non disponibile"}


def test_card_table_and_file_tell_priority_and_rank_with_its_interval(visit, atlas, study):
    results = study.results
    table = results.priorities[results.priorities["chain"] == "moda"]
    first = table.sort_values("order").iloc[0]
    word = load_atlas_words("it")["priorities"][first["priority"]]
    place = first["pro_com_t"]
    rank = results.composite.ranks.set_index(["chain", "pro_com_t"]).loc[("moda", place)]
    page = visit().open(atlas, f"#filiera=moda&anno=2024&comune={place}")
    said = " ".join(page.locator("#card .standing").all_inner_texts())
    assert f"Priorità, 2024: {word} (posto {first['order']} nell'ordine" in said
    assert f"Indice di prova, 2024: {rank['rank']:.0f}º posto su 139 comuni" in said
    assert f"tra il {np.floor(rank['rank_low'] + 0.5):.0f}º" in said
    page.click("#table-section summary")
    page.click("#table-head [data-key=priority]")
    row = page.locator("#table-body tr").first.inner_text().split("\t")
    assert row[0] == results.places["name"][place]
    assert f"{word} ({first['order']})" in row
    with page.expect_download() as found:
        page.click("#save-csv")
    rows = list(csv.reader(io.StringIO(found.value.path().read_text("utf-8-sig")), delimiter=";"))
    at = rows[0].index("Priorità, 2024")
    assert rows[1][at] == f"{word} ({first['order']})"
    assert results.priority_rule.italian[1:] in page.text_content("#notes")


def test_lines_are_cut_where_series_break_and_between_versions_of_the_index(visit, atlas):
    page = visit().open(atlas, f"#filiera=moda&anno=2024&comune={PLACE}&territorio={PLACE}")
    assert page.locator("#card .trend .series-break").count() == 1
    assert page.get_attribute("#card .trend .line", "d").count("M") == 2
    assert page.get_attribute("#card .trend .other", "d").count("M") == 2
    assert page.get_attribute("#mine-figures .trend .line", "d").count("M") == 2
    assert "2021 v3, 2022 v4" in page.inner_text("#card")
    changes = page.locator("#card table tbody td:last-child").all_inner_texts()
    assert set(changes) == {"–"}


def test_counts_break_on_their_own_and_say_why(visit, study, tmp_path):
    path = tmp_path / "atlas.html"
    write_atlas(with_facts(study, signal="", signal_en=""), path)
    page = visit().open(path, f"#filiera=moda&anno=2024&comune={PLACE}")
    assert page.locator("#card .trend .series-break").count() == 1
    assert f"2022: {NOTE}" in page.inner_text("#card")
    page = visit().open(path, f"#filiera=arredo_design&anno=2024&comune={PLACE}")
    assert page.locator("#card .trend .series-break").count() == 0


def test_a_basemap_is_off_until_the_reader_asks_and_comes_from_one_server_only(visit, atlas):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024")
    assert not page.is_checked("#basemap")
    assert "tiles.example.org" in page.inner_text("#basemap-note")
    assert page.is_hidden("#attribution")
    assert visitor.clean(), visitor.requests
    with page.expect_request("https://tiles.example.org/**"):
        page.check("#basemap")
    assert ATTRIBUTION in page.inner_text("#attribution")
    wanted = {url.split("/")[2] for url in visitor.requests if url.startswith("http")}
    assert wanted == {"tiles.example.org"}
    refused = page.evaluate(
        """() => new Promise(resolve => {
          document.addEventListener("securitypolicyviolation", e => resolve(e.blockedURI));
          new Image().src = "https://elsewhere.example.org/x.png";
        })"""
    )
    assert refused == "https://elsewhere.example.org/x.png"
    assert "tiles" not in page.url
    asked = len(visitor.requests)
    page.uncheck("#basemap")
    page.click("#zoom-in")
    assert len(visitor.requests) == asked
    assert page.is_hidden("#attribution")


def test_without_a_basemap_the_policy_allows_no_server_and_no_box_is_shown(visit, study, tmp_path):
    bare = with_facts(study, basemap_tiles="", basemap_attribution="")
    html = render_page(bare)
    assert "img-src data:; " in html.split("</head>")[0]
    assert "img-src data: https://tiles.example.org; " in render_page(study).split("</head>")[0]
    path = tmp_path / "atlas.html"
    path.write_text(html, encoding="utf-8")
    assert visit().open(path).is_hidden("#basemap-box")


VISIBLE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const box = node.parentElement;
    if (box.closest("script, style, noscript, [lang=it]")) continue;
    if (node.textContent.trim()) found.push(node.textContent.trim());
  }
  for (const box of document.querySelectorAll("[aria-label], [placeholder], [title]"))
    for (const name of ["aria-label", "placeholder", "title"])
      if (box.hasAttribute(name) && !box.closest("[lang=it]")) found.push(box.getAttribute(name));
  return found;
}"""


VIEWS = (
    "mappa=valori&territorio=900075,900076&incertezza=si",
    "mappa=aree",
    "mappa=concentrazione",
    "mappa=variazione",
    "mappa=caldi&confronta=filiera%3Aarredo_design",
    "mappa=solidita",
    "mappa=bisogno",
    "mappa=specializzazione",
    "livello=province&indicatore=share",
)


def test_in_english_no_italian_word_is_left_in_any_view(visit, atlas):
    visitor = visit()
    start = f"#filiera=moda&anno=2024&comune={PLACE}&lingua=en&"
    page = visitor.open(atlas, f"{start}anno=2022")
    assert page.inner_text("#subtitle").endswith("Marche (140 municipalities)")
    for name in ("#table-section", "#signals details"):
        page.eval_on_selector_all(name, "all => all.forEach(one => (one.open = true))")
    page.locator("#table-body tr").nth(3).wait_for()
    for view in VIEWS:
        visitor.painted(
            lambda view=view: page.evaluate("hash => { location.hash = hash; }", start + view)
        )
        texts = page.evaluate(VISIBLE)
        assert len(texts) > 150
        assert [text for text in texts if ITALIAN.search(text)] == [], view
    assert "0-9 persons" in texts
    page.click("#areas-list button >> nth=0")
    assert not ITALIAN.search(page.inner_text("#areas-list"))
