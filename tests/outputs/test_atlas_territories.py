"""The card, two maps, the own territory, the table and what is downloaded, in Chromium."""

import csv
import io
import struct
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from geo_engine import tables
from geo_engine.indicators.intervals import wilson
from geo_engine.outputs.atlas import write_atlas
from geo_engine.outputs.atlas.similar import NUMBER, similar_positions
from tests.outputs.atlas_visitor import CANVAS
from tests.outputs.example import example_publication

pytestmark = pytest.mark.chromium

YEARS = (2019, 2022, 2024)
MINE = ("900075", "900076", "950031")


@pytest.fixture(scope="module")
def study():
    return example_publication(years=YEARS)


@pytest.fixture(scope="module")
def atlas(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("territories") / "atlas.html"
    write_atlas(study, path)
    return path


def italian(text):
    """Read a number as Italians write it."""
    return float(text.strip("%").replace(".", "").replace(",", "."))


def test_the_rank_of_a_place_holds_all_that_are_not_surely_above_or_below(visit, atlas, study):
    page = visit().open(atlas, "#filiera=moda&anno=2024&comune=900075")
    panel = study.results.panel.sel(chain="moda", year=2024)
    low, high = (
        np.floor(1000 * panel[name].to_numpy() + 0.5) for name in ("share_eb_low", "share_eb_high")
    )
    own = panel["place"].to_numpy().tolist().index("900075")
    first = 1 + int((low > high[own]).sum())
    last = int(np.isfinite(low).sum() - (high < low[own]).sum())
    said = page.inner_text(".rank-of")
    assert said == f"Tra il {first}º e il {last}º posto su 140 comuni con quota pubblicata"


def test_the_card_compares_with_province_region_and_country_now_and_over_time(visit, atlas, study):
    page = visit().open(atlas, "#filiera=moda&anno=2024&comune=900075")
    rows = [row.split("\t") for row in page.locator("#card table tbody tr").all_inner_texts()]
    results = study.results
    levels = (
        results.panel.sel(place="900075"),
        results.province_panel.sel(province="900"),
        results.region_panel.sel(region="90"),
        results.country_panel,
    )
    for row, level in zip(rows, levels, strict=True):
        share = level["share"].sel(chain="moda")
        now, then = (100 * float(share.sel(year=year)) for year in (2024, 2019))
        assert italian(row[1]) == pytest.approx(now, abs=0.051)
        assert italian(row[2].replace("+", "")) == pytest.approx(now - then, abs=0.11)
    assert page.locator("#card svg.trend .band").count() == len(YEARS)
    label = page.get_attribute("#card svg.trend", "aria-label")
    assert "Regione Alta" in label
    assert "2024" in label


def test_similar_places_are_stored_nearest_first_and_only_known_ones(study):
    assert similar_positions(study.results) == ""

    class WithSimilar:
        places = study.results.places
        similar = pd.DataFrame(
            {
                "pro_com_t": ["900075", "900075", "900075", "xxxxxx"],
                "order": [2, 1, NUMBER + 1, 1],
                "neighbor": ["900076", "950031", "900001", "900075"],
                "distance": 0.1,
            }
        )

    text = similar_positions(WithSimilar())
    assert text.startswith("H4sI")


def test_two_maps_move_together_and_say_how_they_differ(visit, atlas, study):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024")
    visitor.painted(lambda: page.select_option("#other", "filiera:arredo_design"))
    assert page.is_visible("#map_second")
    assert page.text_content("#caption-b") == "Arredo e design · 2024"
    panel = study.results.panel.sel(year=2024)["share_eb"]
    a, b = (np.floor(1000 * panel.sel(chain=key) + 0.5) for key in ("moda", "arredo_design"))
    text = page.inner_text("#compare-text")
    both = int((np.isfinite(a) & np.isfinite(b)).sum())
    assert text.startswith(f"Su {both} territori")
    assert f"più alto che in «Moda · 2024» in {int((b > a).sum())}" in text
    local = study.results.local.sel(variable="share", year=2024)
    hot = (local["quadrant"] == 1) & (local["q_value"] < 0.05)
    overlap = hot.sel(chain="moda").to_numpy() & hot.sel(chain="arredo_design").to_numpy()
    assert f"in entrambe le mappe {overlap.sum()} comun" in text
    second = "document.querySelector('#map_second canvas').toDataURL()"
    before = page.evaluate(second)
    page.click("#zoom-in")
    page.wait_for_function(f"before => {second} !== before", arg=before)
    visitor.picture("compare")
    visitor.painted(lambda: page.select_option("#other", "anno:2019"))
    assert page.text_content("#caption-b") == "Moda · 2019"
    visitor.painted(lambda: page.select_option("#other", ""))
    assert not page.is_visible("#map_second")
    assert visitor.clean(), visitor.problems


def test_the_own_territory_sums_published_figures_only(visit, atlas, study):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=arredo_design&anno=2024")
    panel = study.results.panel.sel(chain="arredo_design", year=2024)
    hidden = panel["place"].to_numpy()[panel["share_status"].to_numpy() == tables.SUPPRESSED]
    codes = [*MINE, str(hidden[0])]
    page.fill("#mine-text", "\n".join([*codes[:-1], f"{codes[-1]}; Nessuno"]))
    visitor.painted(lambda: page.click("#mine-use"))
    assert "Non riconosciuti: Nessuno." in page.text_content("#mine-said")
    part = panel.sel(place=codes)
    known = part["known"].where(np.isfinite(part["share"]))
    digital, known = float(part["digital"].sum()), float(known.sum())
    table = page.inner_text("#mine-figures table >> nth=0")
    assert f"{int(digital)} su {int(known)} con segnale rilevato" in table
    low, high = (float(end[0]) for end in wilson(np.array([digital]), np.array([known])))
    shown = f"{100 * digital / known:.1f}% (IC 95%: {100 * low:.1f}-{100 * high:.1f})"
    assert shown.replace(".", ",") in table
    assert "Comuni con quota oscurata (esclusi dalla somma)\t1" in table
    assert f"territorio={'%2C'.join(sorted(codes))}" in page.url
    assert visitor.clean(), visitor.problems


def test_a_click_adds_to_the_territory_and_its_own_classes_are_of_it_alone(visit, atlas):
    visitor = visit()
    page = visitor.open(atlas, f"#filiera=moda&anno=2024&territorio={','.join(MINE)}")
    page.check("#mine-click")
    box = page.locator("#map_atlas").bounding_box()
    visitor.painted(
        lambda: page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.6 * box["height"])
    )
    assert len(page.url.split("territorio=")[1].split("%2C")) == 4
    before = page.inner_text("#legend ul")
    visitor.painted(lambda: page.check("#mine-local"))
    assert page.inner_text("#legend ul") != before
    visitor.picture("territory")
    visitor.painted(lambda: page.click("#mine-clear"))
    assert "territorio" not in page.url
    assert visitor.clean(), visitor.problems


def test_the_table_draws_what_is_seen_and_holds_all(visit, atlas, study):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024")
    page.click("#table-section summary")
    assert page.text_content("#table-count") == "Righe: 140"
    assert page.locator("#table-body tr:not(.gap)").count() < 60
    page.click("#table-head button[data-key=value]")
    first = page.locator("#table-body tr:not(.gap)").first.inner_text().split("\t")
    panel = study.results.panel["share_eb"].sel(chain="moda", year=2024)
    assert italian(first[3]) == pytest.approx(100 * float(panel.max()), abs=0.051)
    page.click("#table-head button[data-key=value]")
    last = page.locator("#table-body tr:not(.gap)").first.inner_text().split("\t")
    assert italian(last[3]) == pytest.approx(100 * float(panel.min()), abs=0.051)
    page.evaluate("document.getElementById('table-box').scrollTop = 1e6")
    page.wait_for_selector("#table-body tr:last-child[aria-rowindex='141']")
    page.select_option("#table-region", "Regione Alta")
    assert page.text_content("#table-count") == "Righe: 70"
    page.focus("#table-body button >> nth=0")
    visitor.painted(lambda: page.keyboard.press("Enter"))
    assert page.locator("#card h3").count() == 1
    assert visitor.clean(), visitor.problems


def saved(page, button):
    with page.expect_download() as found:
        page.click(button)
    return found.value


def test_the_table_is_saved_as_spreadsheets_and_programs_read_it(visit, atlas, study):
    page = visit().open(atlas, "#filiera=arredo_design&anno=2024")
    page.click("#table-section summary")
    page.select_option("#table-province", "BX")
    download = saved(page, "#save-csv")
    assert download.suggested_filename == "atlante-arredo_design-share_eb-2024.csv"
    text = download.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert len(rows) == 1 + 35
    assert {row[-1] for row in rows[1:]} == {"DATI SIMULATI - a scopo dimostrativo"}
    panel = study.results.panel.sel(chain="arredo_design", year=2024)
    for row in rows[1:]:
        share = float(panel["share_eb"].sel(place=row[0]))
        if np.isnan(share):
            assert row[7] == row[11] == ""
        else:
            assert float(row[7].replace(",", ".")) == pytest.approx(share, abs=5.1e-4)
        assert float(row[13]) == float(panel["firms"].sel(place=row[0]))


def test_the_map_is_saved_as_svg_and_png_with_title_legend_and_source(visit, atlas):
    page = visit().open(atlas, "#filiera=moda&anno=2024&mappa=aree")
    svg = saved(page, "#save-svg").path().read_text(encoding="utf-8")
    root = ET.fromstring(svg)
    words = " ".join(text.strip() for text in root.itertext())
    for part in ("Digitalizzazione delle filiere", "DATI SIMULATI", "hotspot", "ISTAT, CC BY 4.0"):
        assert part in words, part
    fills = {one.get("fill") for one in root.iter("{http://www.w3.org/2000/svg}path")}
    assert "#b2182b" in fills
    png = saved(page, "#save-png").path().read_bytes()
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">I", png[16:20])[0] == 2400


def test_keys_choose_a_municipality_and_walk_to_its_neighbors(visit, atlas):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024")
    page.focus("#map_atlas")
    visitor.painted(lambda: page.keyboard.press("Enter"))
    first = page.text_content("#card h3")
    visitor.painted(lambda: page.keyboard.press("Shift+ArrowRight"))
    second = page.text_content("#card h3")
    row, column = (int(part) for part in first.split()[1].split("-"))
    assert second.startswith(f"Comune {row}-{column + 1} ")
    visitor.painted(lambda: page.keyboard.press("Shift+ArrowUp"))
    assert page.text_content("#card h3").startswith(f"Comune {row + 1}-{column + 1} ")
    assert page.text_content("#card h3") in page.text_content("#live")
    drawn = page.evaluate(CANVAS)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"before => {CANVAS} !== before", arg=drawn)
    assert visitor.clean(), visitor.problems
