"""The page for everyone: axe-core, keys, contrast, 320 pixels, 200 % zoom, reduced motion."""

from importlib import resources

import pytest

from geo_engine.outputs.atlas import write_atlas
from tests.outputs.example import example_publication, with_facts
from tests.outputs.standing import standing

pytestmark = pytest.mark.chromium

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js")
VIEWS = {
    "values": "#filiera=moda&comune=900075&incertezza=si",
    "areas": "#filiera=moda&mappa=aree&lingua=en",
    "change": "#filiera=moda&mappa=variazione&territorio=900075%2C900076",
    "expert": "#filiera=moda&mappa=solidita",
    "provinces": "#filiera=moda&livello=province&comune=900075",
    "two": "#filiera=moda&confronta=filiera%3Aarredo_design&lingua=en",
    "counts": "#mappa=concentrazione",
    "categories": "#filiera=moda&mappa=bisogno&comune=900075&lingua=en",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def atlas(tmp_path_factory):
    path = tmp_path_factory.mktemp("access") / "atlas.html"
    basemap = {"basemap_tiles": "https://tiles.example.org/{z}/{x}/{y}.png"}
    write_atlas(with_facts(standing(example_publication()), **basemap), path)
    return path


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (320, 640)])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation(visit, atlas, view, width, height):
    visitor = visit(width, height)
    page = visitor.open(atlas, VIEWS[view])
    page.evaluate("document.getElementById('table-section').open = true")
    page.evaluate("document.getElementById('more').open = true")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "rules => axe.run(document, { runOnly: rules }).then(r => r.violations.map("
        "v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary]))",
        RULES,
    )
    assert found == []
    assert visitor.clean(), visitor.problems


def test_every_control_in_sight_is_reached_by_tab_and_shows_its_focus(visit, atlas):
    page = visit().open(atlas, "#filiera=moda&comune=900075&territorio=900075%2C900076")
    wanted = page.evaluate("""() => {
      const all = [...document.querySelectorAll('button, select, input, textarea, summary')];
      const seen = all.filter(e => e.checkVisibility() && !e.disabled && e.type !== 'radio');
      seen.forEach(e => e.dataset.wanted = 'yes');
      return seen.length;
    }""")
    bare = []
    for _ in range(wanted + 60):
        page.keyboard.press("Tab")
        tag, outline = page.evaluate("""() => {
          const e = document.activeElement;
          delete e.dataset.wanted;
          return [e.tagName + e.id, getComputedStyle(e).outlineStyle];
        }""")
        if tag.startswith("BODY"):
            break
        if outline == "none":
            bare.append(tag)
    assert set(bare) <= {"INPUT"}  # a radio shows the focus on its label
    left = page.eval_on_selector_all("[data-wanted]", "all => all.map(e => e.outerHTML)")
    assert left == []


def test_the_skip_link_leads_to_the_map_and_keeps_the_choice(visit, atlas):
    page = visit().open(atlas, VIEWS["values"])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "map_atlas"
    assert "comune=900075" in page.url
    assert page.input_value("#chain") == "moda"


def luminance(color):
    """Relative luminance of ``rgb(...)``, as WCAG has it."""
    parts = [int(part) / 255 for part in color.strip("rgba()").split(",")[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    """Contrast of two colors, from 1 to 21."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stands_out_from_its_ground_by_four_and_a_half_to_one(visit, atlas):
    page = visit().open(atlas, "#filiera=moda&comune=900075")
    pairs = page.evaluate("""() => {
      const ground = e => {
        for (; e; e = e.parentElement) {
          const c = getComputedStyle(e).backgroundColor;
          if (!c.startsWith('rgba') || c.split(',')[3].trim() !== '0)') return c;
        }
        return 'rgb(255, 255, 255)';
      };
      const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
      return [...document.querySelectorAll('body *')]
        .filter(e => e.offsetParent && own(e) && !e.closest('select, noscript, :disabled'))
        .map(e => [getComputedStyle(e).color, ground(e), e.textContent.slice(0, 40)]);
    }""")
    assert len(pairs) > 60
    weak = [pair for pair in pairs if contrast(pair[0], pair[1]) < 4.5]
    assert weak == []


@pytest.mark.parametrize("view", ["values", "two", "provinces"])
def test_at_320_pixels_nothing_runs_out_of_the_screen(visit, atlas, view):
    visitor = visit(320, 640)
    page = visitor.open(atlas, VIEWS[view])
    page.evaluate("document.getElementById('more').open = true")
    page.evaluate("document.getElementById('table-section').open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    small = page.evaluate("""() => [...document.querySelectorAll('button, select, summary')]
      .filter(e => e.offsetParent && !e.closest('table') && e.getBoundingClientRect().height < 24)
      .map(e => e.outerHTML.slice(0, 80))""")
    assert small == []
    visitor.picture(f"phone-{view}", full_page=True)


def test_at_200_percent_zoom_the_map_and_all_controls_are_still_there(visit, atlas):
    page = visit(640, 400).open(atlas, VIEWS["values"])  # 1280 x 800 at 200 %
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
    box = page.locator("#map_atlas").bounding_box()
    assert box["height"] >= 200
    for selector in ("#chain", "#indicator", "#search", "#play", "#card h3"):
        page.locator(selector).scroll_into_view_if_needed()
        assert page.is_visible(selector), selector


def test_who_wants_no_motion_sees_none(visit, atlas):
    visitor = visit()
    visitor.page.emulate_media(reduced_motion="reduce")
    page = visitor.open(atlas)
    moving = page.evaluate("""() => [...document.querySelectorAll('*')].filter(e => {
      const s = getComputedStyle(e);
      return parseFloat(s.transitionDuration) > 0 || s.animationName !== 'none';
    }).length""")
    assert moving == 0
    assert page.evaluate("map_atlas._zoomAnimated") is False


def test_a_tap_on_the_map_opens_the_card_and_the_page_stays_at_its_scale(visit, atlas):
    page = visit(390, 800).open(atlas, "#filiera=moda&anno=2024")
    box = page.locator("#map_atlas").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#card .card-head h3").wait_for()
    assert "comune=" in page.url
    assert page.evaluate("visualViewport.scale") == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 390
