"""Five questions of a planner, answered by the page and checked against the results."""

import csv
import dataclasses
import io

import numpy as np
import pandas as pd
import pytest

from geo_engine.outputs.atlas import write_atlas
from geo_engine.results import Results
from tests.outputs.example import example_publication

pytestmark = pytest.mark.chromium

YEARS = (2019, 2022, 2023, 2024)
PLACE = "900075"
SIMILAR = ["900076", "901082", "950031", "951010"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class WithSimilar(Results):
    """Results that know which places are alike."""

    similar: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)


@pytest.fixture(scope="module")
def study():
    publication = example_publication(years=YEARS)
    results = publication.results
    fields = {one.name: getattr(results, one.name) for one in dataclasses.fields(Results)}
    fields.pop("similar", None)
    similar = pd.DataFrame(
        {"pro_com_t": PLACE, "order": range(1, 5), "neighbor": SIMILAR, "distance": 0.2}
    )
    known = {one.name for one in dataclasses.fields(Results)}
    kind = Results if "similar" in known else WithSimilar
    return dataclasses.replace(publication, results=kind(**fields, similar=similar))


@pytest.fixture(scope="module")
def atlas(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("questions") / "atlas.html"
    write_atlas(study, path)
    return path


def italian(text):
    """Read a number as Italians write it."""
    return float(text.strip("%+").replace(".", "").replace(",", "."))


def test_which_municipalities_of_a_province_are_hotspots_and_how_sure(visit, atlas, study):
    visitor = visit()
    local = study.results.local.sel(variable="share", chain="moda", year=2024)
    places = study.results.places
    high = (local["q_value"] < 0.05).to_numpy() & (local["quadrant"] == 1).to_numpy()
    province = places["sigla"][high].mode()[0]
    page = visitor.open(atlas, "#filiera=moda&anno=2024&mappa=aree")
    page.click("#table-section summary")
    page.select_option("#table-province", province)
    page.check("#table-only")
    rows = [row.split("\t") for row in page.locator("#table-body tr").all_inner_texts()]
    high &= (places["sigla"] == province).to_numpy()
    found = {row[0] for row in rows if row[3].startswith("Area ad alta")}
    assert found == set(places["name"][high])
    assert len(found) > 0
    said = [row[-1] for row in rows if row[0] in found]
    assert all(text.startswith("Alto-Alto (q < 0,0") for text in said)
    visitor.picture("question-1", full_page=True)


def test_how_a_municipality_changed_against_similar_ones(visit, atlas, study):
    visitor = visit()
    page = visitor.open(atlas, f"#filiera=moda&anno=2024&comune={PLACE}")
    rows = [row.split("\t") for row in page.locator("#card table tbody tr").all_inner_texts()]
    own, alike = rows[0], rows[-1]
    assert alike[0] == "Comuni simili (4) considerati insieme"
    panel = study.results.panel.sel(chain="moda")
    one = panel["share"].sel(place=PLACE)
    assert italian(own[2]) == pytest.approx(
        100 * float(one.sel(year=2024) - one.sel(year=2019)), abs=0.11
    )
    sums = panel[["digital", "known"]].sel(place=SIMILAR).sum("place")
    share = sums["digital"] / sums["known"]
    assert italian(alike[1]) == pytest.approx(100 * float(share.sel(year=2024)), abs=0.051)
    change = 100 * float(share.sel(year=2024) - share.sel(year=2019))
    assert italian(alike[2]) == pytest.approx(change, abs=0.11)
    assert "Variazione 2019-2024" in page.inner_text("#card")


def test_where_the_hotspots_of_two_chains_overlap(visit, atlas, study):
    page = visit().open(
        atlas, "#filiera=moda&anno=2024&mappa=aree&confronta=filiera%3Aarredo_design"
    )
    local = study.results.local.sel(variable="share", year=2024)
    hot = (local["q_value"] < 0.05) & (local["quadrant"] == 1)
    both = hot.sel(chain="moda").to_numpy() & hot.sel(chain="arredo_design").to_numpy()
    names = {text.split(" (")[0] for text in page.locator("#overlap li").all_inner_texts()}
    assert names == set(study.results.places["name"][both])
    assert len(names) > 0


def new_areas(hotspots, chain, year, before):
    """Name the hotspots without a member in any hotspot of the year before."""
    of = hotspots[hotspots["chain"] == chain]
    earlier = {code for members in of[of["year"] == before]["members"] for code in members}
    now = of[of["year"] == year]
    fresh = [not earlier & set(members) for members in now["members"]]
    return now["name"][fresh].tolist()


def test_which_hotspots_are_new(visit, atlas, study):
    page = visit().open(atlas, "#filiera=moda&anno=2022")
    hotspots = study.results.hotspots
    chain, year = "moda", 2022
    for key in ("moda", "arredo_design"):
        for one, before in ((2022, 2019), (2023, 2022), (2024, 2023)):
            if new_areas(hotspots, key, one, before):
                chain, year = key, one
    previous = YEARS[YEARS.index(year) - 1]
    page.goto(f"{page.url.split('#')[0]}#filiera={chain}&anno={year}")
    page.wait_for_selector(f"#areas-list[data-view='{chain}/{year}']", state="attached")
    page.check("#areas-new")
    names = page.locator("#areas-list .name").all_inner_texts()
    assert names == new_areas(hotspots, chain, year, previous)
    if names:
        page.click("#areas-list button")
        assert f"Nuova nel {year}: nel {previous} nessuna area" in page.inner_text("#areas-list")


def test_this_as_a_table_and_a_picture(visit, atlas, study):
    page = visit().open(atlas, "#filiera=moda&anno=2024&mappa=aree")
    page.click("#table-section summary")
    page.check("#table-only")
    with page.expect_download() as table:
        page.click("#save-csv")
    text = table.value.path().read_bytes().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))[1:]
    local = study.results.local.sel(variable="share", chain="moda", year=2024)
    marked = study.results.places.index[(local["q_value"] < 0.05).to_numpy()]
    assert sorted(row[0] for row in rows) == sorted(marked)
    assert all(np.isfinite(float(row[13])) for row in rows)
    with page.expect_download() as picture:
        page.click("#save-png")
    assert picture.value.suggested_filename == "atlante-moda-clusters-2024.png"
    assert picture.value.path().stat().st_size > 20_000
