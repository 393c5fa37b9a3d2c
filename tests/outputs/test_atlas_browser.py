"""The page in Chromium, opened from disk with the network cut."""

import dataclasses
import re

import numpy as np
import pytest
import xarray as xr

from geo_engine import tables
from geo_engine.outputs.atlas import write_atlas
from tests.outputs.atlas_visitor import CANVAS
from tests.outputs.example import example_publication

pytestmark = pytest.mark.chromium

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}{% if %}{#</script>${x}`\u2028\"'"


@pytest.fixture(scope="module")
def atlases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlases")
    made = {
        "plain": example_publication(),
        "hostile": example_publication(hostile=HOSTILE),
        "empty": example_publication(effect=0),
        "counts": example_publication(signal=""),
        "one_year": example_publication(years=(2024,), chains=1, simulated=False),
    }
    made["partial"] = covering(made["counts"], "901")
    for name, publication in made.items():
        write_atlas(publication, folder / f"{name}.html")
    return folder


def covering(publication, province):
    """Take away all that lies outside a province, as a study with a coverage does."""
    results = publication.results
    inside = (results.places["cod_prov"] == province).to_numpy()

    def less(levels, dim, keep):
        here = xr.DataArray(keep, dims=dim)
        kept = {n: v.where(here) for n, v in levels.items() if v.dtype.kind == "f"}
        status = {
            n: v.where(here, tables.NOT_COVERED) for n, v in levels.items() if n.endswith("status")
        }
        return levels.assign(kept | status)

    local = less(results.local.drop_vars("status"), "place", inside)
    outside = xr.DataArray(inside, dims="place")
    return dataclasses.replace(
        publication,
        results=dataclasses.replace(
            results,
            facts=dataclasses.replace(results.facts, is_national=False, coverage="Provincia 901"),
            panel=less(results.panel, "place", inside),
            province_panel=less(
                results.province_panel, "province", results.province_panel["province"] == province
            ),
            region_panel=less(results.region_panel, "region", np.zeros(2, bool)),
            country_panel=results.country_panel.assign(
                {n: v * np.nan for n, v in results.country_panel.items() if v.dtype.kind == "f"}
            ),
            local=local.assign(
                status=results.local["status"].where(outside, tables.LOCAL_NOT_COVERED)
            ),
        ),
    )


@pytest.mark.parametrize("name", ["plain", "hostile", "empty", "counts", "one_year"])
def test_the_page_opens_without_complaint_and_without_a_request(visit, atlases, name):
    visitor = visit()
    visitor.open(atlases / f"{name}.html")
    assert visitor.clean(), (visitor.problems, visitor.requests)
    assert len([u for u in visitor.requests if u.startswith("file:")]) == 1


@pytest.mark.parametrize("selector", ["chain", "indicator"])
def test_every_value_of_a_selector_is_reached_by_keyboard_and_changes_the_map(
    visit, atlases, selector
):
    visitor = visit()
    page = visitor.open(atlases / "plain.html", "#filiera=moda")
    values = page.eval_on_selector_all(f"#{selector} option", "all => all.map(o => o.value)")
    assert len(values) > 1
    page.focus(f"#{selector}")
    page.keyboard.press("Home")
    page.wait_for_function(f"document.getElementById('{selector}').value === '{values[0]}'")
    seen, pictures = [page.input_value(f"#{selector}")], [page.evaluate(CANVAS)]
    for _ in values[1:]:
        visitor.painted(lambda: page.keyboard.press("ArrowDown"))
        seen.append(page.input_value(f"#{selector}"))
        pictures.append(page.evaluate(CANVAS))
    assert seen == values
    assert len(set(pictures)) == len(values)
    assert visitor.clean()


def test_every_year_and_every_map_is_reached_by_keyboard_and_changes_the_map(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "plain.html", "#filiera=moda&anno=2019")
    pictures = [page.evaluate(CANVAS)]
    page.focus("#year")
    for year in ("2022", "2024"):
        visitor.painted(lambda: page.keyboard.press("ArrowRight"))
        assert page.text_content("#year-text") == year
        pictures.append(page.evaluate(CANVAS))
    page.focus("[name=map][value=values]")
    for name in ("clusters", "concentration", "change"):
        visitor.painted(lambda: page.keyboard.press("ArrowRight"))
        assert page.is_checked(f"[name=map][value={name}]")
        pictures.append(page.evaluate(CANVAS))
    assert len(set(pictures)) == 6
    assert visitor.clean()


def test_the_colors_of_the_map_are_those_of_the_legend(visit, atlases):
    page = visit().open(atlases / "plain.html", "#mappa=aree&filiera=moda&anno=2024")
    drawn = page.evaluate("""() => {
      const canvas = document.querySelector('.leaflet-overlay-pane canvas');
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      const counts = {};
      for (let i = 0; i < data.length; i += 4) {
        const key = `rgb(${data[i]}, ${data[i + 1]}, ${data[i + 2]})`;
        counts[key] = (counts[key] || 0) + 1;
      }
      return counts;
    }""")
    rows = page.eval_on_selector_all(
        "#legend li",
        """rows => rows.map(r => [getComputedStyle(r.querySelector('.swatch')).backgroundColor,
             r.querySelector('b').textContent, r.querySelector('.swatch').className])""",
    )
    colored = [(color, int(count)) for color, count, kind in rows if kind.endswith("fill")]
    assert colored[0][0] == "rgb(178, 24, 43)"
    for color, count in colored:
        assert (drawn.get(color, 0) > 100) == (count > 0), (color, count)
    assert sum(int(count) for _, count, kind in rows if count) == 140


def test_the_count_of_hotspot_places_is_that_of_the_results(visit, atlases):
    publication = example_publication()
    local = publication.results.local.sel(variable="share", chain="moda", year=2024)
    expected = int(((local["q_value"] < 0.05) & (local["quadrant"] == 1)).sum())
    page = visit().open(atlases / "plain.html", "#mappa=aree&filiera=moda&anno=2024")
    assert page.text_content("#legend li:first-child b") == str(expected)
    hotspots = publication.results.hotspots
    count = int(((hotspots["chain"] == "moda") & (hotspots["year"] == 2024)).sum())
    assert f"({count})" in page.text_content("#areas-title")
    assert page.locator("#areas-list li").count() == count


def test_a_click_on_an_area_explains_it_and_zooms_to_it(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "plain.html", "#filiera=moda&anno=2024")
    before = page.evaluate(CANVAS)
    page.focus("#areas-list button")
    page.keyboard.press("Enter")
    assert "più alta di quanto spieghi il caso" in page.text_content("#areas-list li p")
    assert page.evaluate(CANVAS) != before
    assert page.get_attribute("#areas-list button", "aria-pressed") == "true"
    assert visitor.clean()


def test_the_search_finds_a_place_by_name_and_code_and_shows_its_figures(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "plain.html", "#filiera=moda&anno=2024")
    panel = example_publication().results.panel.sel(chain="moda", year=2024)
    for query in ("comune 2-3", "950031"):
        page.fill("#search", query)
        assert page.locator("#search-list option").count() >= 1
        page.keyboard.press("Enter")
        page.wait_for_selector("#card h3")
        text = page.text_content("#card")
        assert "Comune 2-3 (AX)" in text
        share = float(panel["share_eb"].sel(place="950031"))
        assert f"{100 * share:.1f}%".replace(".", ",") in text
        firms, known = (int(panel[name].sel(place="950031")) for name in ("firms", "known"))
        assert f"Numero di unità locali{firms}" in text
        assert f"su {known} con segnale rilevato" in text
        assert "comune=950031" in page.url
        page.click("#card-close")
    page.fill("#search", "nessuno così")
    page.keyboard.press("Enter")
    assert "Nessun comune corrisponde" in page.text_content("#search-note")
    assert visitor.clean()


def test_the_pointer_shows_the_place_under_it_and_a_click_opens_its_card(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "plain.html", "#filiera=moda&anno=2024&comune=900075")
    page.click("#card-zoom")
    box = page.locator("#map_atlas").bounding_box()
    hit = page.evaluate("""() => document.querySelector('#card h3').textContent""")
    middle = ((316 + box["width"] - 60) / 2 + box["x"], box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.wait_for_selector("#tip:not([hidden])")
    assert hit in page.text_content("#tip")
    assert "su " in page.text_content("#tip")
    page.click("#card-close")
    page.mouse.click(*middle)
    page.wait_for_selector("#card h3")
    assert page.text_content("#card h3") == hit
    assert visitor.clean()


def test_hostile_text_is_shown_literally_on_every_surface(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "hostile.html", "#filiera=moda&anno=2024&comune=900075")
    for selector in ("#title", "#banner", "#card h3", "#areas-list .name", "#notes", "#legend h2"):
        assert HOSTILE in page.text_content(selector), selector
    assert page.title().startswith("Digitalizzazione delle filiere<img")
    assert HOSTILE in page.text_content("#chain option")
    page.click("#areas-list button")
    assert HOSTILE in page.text_content("#areas-list li p")
    page.fill("#search", "comune 2-3")
    value = page.get_attribute("#search-list option", "value")
    assert value == f"Comune 2-3{HOSTILE} (AX) · 950031"
    page.fill("#search", HOSTILE)
    page.keyboard.press("Enter")
    box = page.locator("#map_atlas").bounding_box()
    page.mouse.move(box["x"] + 600, box["y"] + box["height"] / 2)
    page.wait_for_selector("#tip:not([hidden])")
    assert HOSTILE in page.text_content("#tip")
    assert page.locator("img").count() == 0
    assert "49" not in page.text_content("#title")
    assert visitor.clean(), visitor.problems


def test_an_empty_result_is_a_sentence_and_not_an_empty_list(visit, atlases):
    page = visit().open(atlases / "empty.html", "#mappa=aree")
    assert "Nessuna area significativa dopo la correzione per 139 confronti" in page.text_content(
        "#areas-hint"
    )
    assert page.locator("#areas-list li").count() == 0


def test_without_a_signal_only_counts_are_offered_and_the_page_says_why(visit, atlases):
    page = visit().open(atlases / "counts.html", "#mappa=aree&indicatore=share")
    assert page.input_value("#indicator") == "firms_per_1000"
    assert page.is_visible("#unsurveyed")
    assert "non è stata rilevata" in page.text_content("#unsurveyed")
    offered = page.eval_on_selector_all("#indicator option", "all => all.map(o => o.value)")
    assert "share" not in offered
    assert not page.is_visible("label:has([value=clusters])")


def test_counts_are_called_concentration_and_never_hotspots(visit, atlases):
    page = visit().open(atlases / "plain.html", "#mappa=concentrazione")
    legend = page.text_content("#legend").lower()
    assert "concentrazione" in legend
    assert "hotspot" not in legend
    assert "digitalizzazione" not in legend


def test_one_year_offers_neither_slider_nor_change_and_real_data_no_ribbon(visit, atlases):
    page = visit().open(atlases / "one_year.html")
    assert not page.is_visible("#year-box")
    assert not page.is_visible("label:has([value=change])")
    assert not page.is_visible("#ribbon")


def test_simulated_data_are_called_so(visit, atlases):
    page = visit().open(atlases / "plain.html")
    assert page.text_content("#ribbon") == "DATI SIMULATI - a scopo dimostrativo"
    assert page.is_visible("#ribbon")


def test_english_replaces_every_italian_word_of_the_page(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "plain.html")
    visitor.painted(lambda: page.click("[data-language=en]"))
    assert page.get_attribute("html", "lang") == "en"
    text = page.inner_text("header") + page.inner_text("#legend") + page.inner_text("#areas-hint")
    assert "Filiera" not in text
    assert "Supply chain" in text
    assert page.text_content("#title") == "Digitalization of supply chains"
    visitor.painted(lambda: page.go_back())
    assert page.get_attribute("html", "lang") == "it"


def test_the_address_restores_the_view_and_back_returns(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "plain.html", "#filiera=moda&anno=2019&mappa=variazione")
    assert page.is_checked("[name=map][value=change]")
    visitor.painted(lambda: page.select_option("#chain", "arredo_design"))
    assert "filiera=arredo_design" in page.url
    visitor.painted(lambda: page.go_back())
    assert page.input_value("#chain") == "moda"


def test_every_control_has_a_name_and_a_visible_focus(visit, atlases):
    page = visit().open(atlases / "plain.html", "#comune=900075")
    unnamed = page.evaluate("""() => [...document.querySelectorAll('button, select, input')]
      .filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim()))
      .map(e => e.outerHTML)""")
    assert unnamed == []
    for tag in ("header", "main", "aside", "footer", "h1", "[role=search]", "[aria-live=polite]"):
        assert page.locator(tag).count() >= 1, tag
    page.focus("#chain")
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_the_live_region_tells_what_the_map_shows(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "plain.html", "#filiera=moda")
    visitor.painted(lambda: page.select_option("#chain", "arredo_design"))
    assert page.text_content("#live").startswith("Arredo e design, ")


@pytest.mark.parametrize("width", [320, 768])
def test_a_narrow_screen_needs_no_sideways_scrolling(visit, atlases, width):
    page = visit(width, 640).open(atlases / "hostile.html", "#comune=900075")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 320:
        sizes = page.evaluate("""() =>
          [...document.querySelectorAll('header button, header select')]
          .filter(e => e.offsetParent).map(e => [e.id, e.offsetHeight, e.offsetWidth])""")
        assert all(h >= 44 and w >= 44 for _, h, w in sizes), sizes


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_the_map_comes_right_after_the_chain(visit, atlases, width):
    page = visit(width, 700).open(atlases / "plain.html")
    tops = {
        name: page.locator(selector).bounding_box()["y"]
        for name, selector in (
            ("ribbon", "#ribbon"),
            ("chain", "#chain"),
            ("map", "section.map"),
            ("banner", "#banner"),
            ("indicator", "#indicator"),
            ("search", "#search"),
            ("card", "#card-section"),
        )
    }
    assert tops["ribbon"] == 0
    assert tops["chain"] < tops["map"] < 350
    assert tops["map"] < tops["banner"] < tops["search"] < tops["indicator"] < tops["card"]


def test_a_partial_coverage_opens_on_what_is_covered_and_says_so_elsewhere(visit, atlases):
    scale = ".leaflet-control-scale-line"
    whole = visit().open(atlases / "counts.html").text_content(scale)
    visitor = visit()
    page = visitor.open(atlases / "partial.html", "#comune=950031")
    near = page.text_content(scale)
    assert int(near.split()[0]) < int(whole.split()[0])
    assert page.text_content("#card .big") == "fuori copertura"
    rows = page.locator("#card table tbody tr").all_inner_texts()
    said = [row.split("\t")[1] for row in rows]
    assert said == ["fuori copertura", *["non disponibile"] * 3]
    assert rows[3].startswith("Italia")
    assert not page.is_visible("#areas")
    page.click("#table-section summary")
    assert page.text_content("#table-count") == "Righe: 35"
    assert visitor.clean(), visitor.problems


def test_without_a_signal_a_place_is_compared_by_firms_per_1000_inhabitants(visit, atlases):
    page = visit().open(atlases / "counts.html", "#comune=950031")
    rows = [row.split("\t")[:2] for row in page.locator("#card table tbody tr").all_inner_texts()]
    results = example_publication(signal="").results
    chain = page.input_value("#chain")
    firms = results.panel["firms"].sel(chain=chain, year=2024)
    persons = results.places["population"]
    inside = {
        "Comune": persons.index == "950031",
        "Provincia": results.places["cod_prov"] == "950",
        "Regione": results.places["cod_reg"] == "95",
        "Italia": persons.notna(),
    }
    for (label, shown), (name, where) in zip(rows, inside.items(), strict=True):
        assert label.startswith(name)
        rate = 1000 * float(firms.to_numpy()[where].sum()) / persons[where].sum()
        assert float(shown.replace(".", "").replace(",", ".")) == pytest.approx(rate, abs=0.0051)


def test_paper_repeats_the_simulated_ribbon_and_names_the_chain(visit, atlases):
    page = visit().open(atlases / "plain.html", "#filiera=moda")
    screen = page.locator("#maps").bounding_box()
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    paper = page.locator("#maps").bounding_box()
    assert paper["width"] <= 701
    assert paper["height"] <= 541
    assert page.is_visible("#ribbon")
    assert "Moda" in page.inner_text("#legend")
    assert "Confini: ISTAT" in page.inner_text("#notes")
    assert not page.is_visible("#card-section")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert page.locator("#maps").bounding_box() == screen


def pages_of(pdf):
    """Count the pages of a PDF of Chromium, whose objects are plain."""
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def test_the_map_prints_on_one_sheet_and_so_does_the_own_territory(visit, atlases):
    page = visit().open(atlases / "plain.html", "#filiera=moda&territorio=900075,900076,950031")
    assert pages_of(page.pdf(prefer_css_page_size=True)) == 1
    page.evaluate("window.print = () => { document.body.dataset.sheet = 'mine'; }")
    page.click("#mine-print")
    assert page.evaluate("document.body.dataset.sheet") == "mine"
    assert pages_of(page.pdf(prefer_css_page_size=True)) == 1


def test_play_moves_from_the_first_year_to_the_last_and_stops(visit, atlases):
    visitor = visit()
    page = visitor.open(atlases / "plain.html", "#filiera=moda&anno=2024")
    page.clock.install()
    visitor.painted(lambda: page.click("#play"))
    assert page.text_content("#year-text") == "2019"
    for year in ("2022", "2024"):
        visitor.painted(lambda: page.clock.run_for(1200))
        assert page.text_content("#year-text") == year
    page.clock.run_for(1200)
    assert page.get_attribute("#play", "aria-label") == "Avvia l'animazione degli anni"


def test_a_browser_that_cannot_unpack_gzip_is_helped(visit, atlases):
    visitor = visit()
    visitor.page.add_init_script("delete window.DecompressionStream")
    page = visitor.open(atlases / "plain.html", "#filiera=moda&anno=2024")
    assert page.locator("#legend li").count() > 3
    assert visitor.clean(), visitor.problems


def test_an_old_browser_and_a_cut_file_say_what_to_do(visit, atlases, tmp_path):
    visitor = visit()
    visitor.page.add_init_script("delete window.Path2D")
    visitor.page.goto((atlases / "plain.html").as_uri())
    visitor.page.wait_for_function(
        "document.getElementById('loading').textContent.includes('troppo vecchio')"
    )
    assert visitor.page.locator("#loading").is_visible()
    text = (atlases / "plain.html").read_text(encoding="utf-8")
    at = text.index('"hotspots":"') + 60
    (tmp_path / "cut.html").write_text(text[:at] + "AAAA" + text[at + 4 :], encoding="utf-8")
    other = visit()
    other.page.goto((tmp_path / "cut.html").as_uri())
    other.page.wait_for_function(
        "document.getElementById('loading').textContent.includes('incompleto')"
    )
    assert other.page.locator("#loading").is_visible()
