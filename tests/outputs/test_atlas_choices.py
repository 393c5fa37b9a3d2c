"""Universes, indicators, levels, classes, uncertainty and years, chosen in Chromium."""

import dataclasses

import numpy as np
import pytest

from geo_engine.outputs.atlas import write_atlas
from geo_engine.results import UniverseInfo
from tests.outputs.atlas_visitor import CANVAS
from tests.outputs.example import example_publication, with_facts

pytestmark = pytest.mark.chromium

YEARS = (2019, 2020, 2021, 2022, 2023, 2024)
UNIVERSES = (
    UniverseInfo(key="tutte", label="tutte le imprese", label_en="all enterprises"),
    UniverseInfo(key="pmi", label="PMI (10-249 addetti)", label_en="SMEs (10-249 persons)"),
)


def halved(publication):
    """Give a universe of half the firms."""
    panel = publication.results.panel
    less = panel.assign({name: np.floor(panel[name] / 2) for name in ("firms", "known")})
    less["digital"] = np.minimum(panel["digital"], less["known"])
    less["share"] = (less["digital"] / less["known"]).where(panel["share"].notnull())
    results = dataclasses.replace(publication.results, panel=less)
    facts = {"universe": "pmi", "universe_label": UNIVERSES[1].label}
    return with_facts(
        dataclasses.replace(publication, results=results, banner="Solo PMI."),
        universe_label_en=UNIVERSES[1].label_en,
        **facts,
    )


@pytest.fixture(scope="module")
def study():
    publication = example_publication(years=YEARS, universes=UNIVERSES)
    panel = publication.results.panel
    further = panel.assign(
        share_unknown=1 - panel["known"] / panel["firms"].where(panel["firms"] > 0),
        phase_balance=(panel["firms"] % 7) / 7,
    )
    results = dataclasses.replace(publication.results, panel=further)
    return dataclasses.replace(publication, results=results)


@pytest.fixture(scope="module")
def atlas(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("choices") / "atlas.html"
    write_atlas(study, path, others={"pmi": halved(study)})
    return path


def italian(text):
    """Read a number as Italians write it."""
    return float(text.strip("%").replace(".", "").replace(",", "."))


def test_another_universe_has_its_own_title_notice_and_figures(visit, atlas, study):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024&indicatore=share&comune=900075")
    assert page.text_content("#title").endswith("- tutte le imprese")
    before = page.evaluate(CANVAS)
    visitor.painted(lambda: page.select_option("#universe", "pmi"))
    assert page.text_content("#title").endswith("- PMI (10-249 addetti)")
    assert page.title() == page.text_content("#title")
    assert page.text_content("#banner") == "Solo PMI."
    firms = float(study.results.panel["firms"].sel(place="900075", chain="moda", year=2024))
    assert f"Numero di unità locali{int(firms // 2)}" in page.text_content("#card")
    assert page.evaluate(CANVAS) != before
    assert "universo=pmi" in page.url
    assert visitor.clean(), visitor.problems


def test_a_study_of_all_firms_alone_offers_no_universe(visit, tmp_path):
    write_atlas(example_publication(), tmp_path / "atlas.html")
    page = visit().open(tmp_path / "atlas.html")
    assert not page.is_visible("#universe-box")
    assert page.text_content("#title") == "Digitalizzazione delle filiere"


def test_each_indicator_says_what_it_measures_in_both_languages(visit, atlas):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&indicatore=share_unknown")
    page.click("#about-indicator summary")
    text = page.inner_text("#about-indicator")
    assert "Parte delle unità locali di cui non si sa se sono digitali" in text
    assert "percentuale" in text
    visitor.painted(lambda: page.click("[data-language=en]"))
    assert "local units" in page.text_content("#about-indicator")
    assert "percentage" in page.text_content("#about-indicator")
    options = page.locator("#indicator option").all_inner_texts()
    assert "Balance of phases" in options
    assert not page.is_visible("#unsure-box")


def test_an_indicator_without_a_test_has_no_outline_and_no_count_of_marks(visit, atlas):
    page = visit().open(atlas, "#filiera=moda&indicatore=phase_balance")
    legend = page.inner_text("#legend")
    assert "contorno" not in legend
    assert "significativi" not in legend
    assert "Moran" not in legend


def test_a_map_of_provinces_colors_whole_provinces_and_the_card_is_of_the_province(
    visit, atlas, study
):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024&comune=900075")
    visitor.painted(lambda: page.select_option("#level", "province"))
    assert page.text_content("#card h3") == "Provincia 900"
    level = study.results.province_panel.sel(chain="moda", year=2024, province="900")
    assert f"{100 * float(level['share']):.1f}%".replace(".", ",") in page.text_content("#card")
    counts = page.locator("#legend li b").all_inner_texts()
    assert sum(int(count) for count in counts if count) == 4
    assert page.is_disabled("[name=map][value=clusters]")
    visitor.painted(lambda: page.select_option("#level", "region"))
    assert page.text_content("#card h3") == "Regione Alta"
    visitor.picture("regions")
    assert visitor.clean(), visitor.problems


@pytest.mark.parametrize("method", ["jenks", "equal", "fixed"])
def test_each_way_of_classing_changes_the_classes_and_keeps_the_municipalities(
    visit, atlas, method
):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024")

    def classes():
        rows = page.locator("#legend li").filter(has=page.locator(".fill"))
        return [row.split("\n")[0] for row in rows.all_inner_texts()]

    before = classes()
    visitor.painted(lambda: page.select_option("#method", method))
    if method == "fixed":
        page.fill("#fixed", "20; 30,5")
        visitor.painted(lambda: page.keyboard.press("Tab"))
        assert classes() == ["30,5% e oltre", "da 20,0% a 30,5%", "meno di 20,0%"]
    assert classes() != before
    counts = page.locator("#legend li:has(.fill, .missing, .suppressed) b").all_inner_texts()
    assert sum(int(count) for count in counts) == 140
    assert visitor.clean(), visitor.problems


def test_uncertainty_is_hatched_on_and_off_and_counted(visit, atlas, study):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024")
    bare = page.evaluate(CANVAS)
    visitor.painted(lambda: page.check("#unsure"))
    assert page.evaluate(CANVAS) != bare
    panel = study.results.panel.sel(chain="moda", year=2024)
    expected = int(((panel["reliability"] < 0.5) & panel["share_eb"].notnull()).sum())
    row = page.locator("#legend li:has(.unsure)")
    assert abs(int(row.locator("b").inner_text()) - expected) <= 1  # a prior is stored rounded
    visitor.painted(lambda: page.uncheck("#unsure"))
    assert page.evaluate(CANVAS) == bare


def test_a_change_between_inner_years_is_that_of_the_published_shares(visit, atlas, study):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&mappa=variazione&dal=2021&anno=2023&comune=900075")
    panel = study.results.panel["share"].sel(chain="moda", place="900075")
    expected = 100 * float(panel.sel(year=2023) - panel.sel(year=2021))
    text = page.text_content("#card dl .long:last-child")
    assert "Variazione 2021-2023" in text
    shown = text.split("Variazione 2021-2023")[1].split(" ")[0]
    assert italian(shown.replace("+", "")) == pytest.approx(expected, abs=0.051)
    assert "2021-2023" in page.inner_text("#legend h2")
    visitor.painted(lambda: page.select_option("#since", "2019"))
    assert "2019-2023" in page.inner_text("#legend h2")


def test_hot_and_cold_neighborhoods_stand_under_the_expert_view(visit, atlas):
    visitor = visit()
    page = visitor.open(atlas, "#filiera=moda&anno=2024")
    assert not page.is_visible("[name=map][value=hotcold]")
    page.click("#expert summary")
    visitor.painted(lambda: page.check("[name=map][value=hotcold]"))
    assert "Vicinato caldo" in page.inner_text("#legend")
    visitor.painted(lambda: page.check("[name=map][value=robustness]"))
    assert "75% e oltre" in page.inner_text("#legend")
    assert "mappa=solidita" in page.url
    assert visitor.clean(), visitor.problems


def test_the_number_of_false_marks_to_expect_stands_beside_the_marks(visit, atlas):
    page = visit().open(atlas, "#mappa=aree&filiera=moda&anno=2024")
    legend = page.inner_text("#legend")
    marked = int(legend.split("5%): ")[1].split()[0])
    expected = int(legend.split("al più ")[1].split()[0])
    assert expected == int(np.ceil(marked * 0.05))


def test_every_choice_stands_in_the_address_and_comes_back(visit, atlas):
    address = (
        "#universo=pmi&filiera=arredo_design&indicatore=share&anno=2022&mappa=valori"
        "&livello=region&classi=soglie&soglie=20%3B+40&comune=900075&lingua=en"
    )
    page = visit().open(atlas, address)
    values = {key: page.input_value(f"#{key}") for key in ("universe", "chain", "level", "method")}
    assert values == {
        "universe": "pmi",
        "chain": "arredo_design",
        "level": "region",
        "method": "fixed",
    }
    assert page.input_value("#fixed") == "20; 40"
    assert page.get_attribute("html", "lang") == "en"
    assert page.text_content("#card h3") == "Regione Alta"
