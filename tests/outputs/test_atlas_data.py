import dataclasses
import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine import tables
from geo_engine.indicators.priorities import PRIORITIES
from geo_engine.outputs.atlas import classes
from geo_engine.outputs.atlas.codec import nearest, nullable, surprises, varints, zigzag
from geo_engine.outputs.atlas.columns import make_base
from geo_engine.outputs.atlas.data import as_json, atlas_data, opening
from geo_engine.outputs.atlas.geographies import geographies
from geo_engine.outputs.atlas.geometry import encoded_geometry
from geo_engine.results import UniverseInfo
from geo_engine.territory_comparison import similar_of_table
from geo_engine.territory_zones import ZonePanel
from tests.conftest import ROOT, skip_or_fail
from tests.outputs.example import example_publication, with_facts
from tests.outputs.standing import standing

NODE = shutil.which("node")


def decoded(publication, tmp_path, chain="moda"):
    """Decode the page's data with the page's own script, in Node."""
    if NODE is None:
        skip_or_fail("node is not installed: make system")
    path = tmp_path / "page.json"
    path.write_text(as_json(atlas_data(publication)), encoding="utf-8")
    script = ROOT / "tests" / "js" / "decode.js"
    done = subprocess.run(
        [str(NODE), str(script), str(path), chain], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def floats(values):
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def test_the_script_passes_its_own_tests():
    if NODE is None:
        skip_or_fail("node is not installed: make system")
    done = subprocess.run(
        [str(NODE), "--test", str(ROOT / "tests" / "js" / "atlas.test.js")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(-(2**31), 2**31)))
def test_varints_of_zigzag_read_back(numbers):
    data = varints(zigzag(np.array(numbers, dtype=np.int64)))
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(value >> 1 if value % 2 == 0 else -((value + 1) >> 1))
            value, shift = 0, 0
    assert found == numbers


def test_a_gap_is_coded_zero_and_an_exact_guess_one():
    codes = nullable([np.nan, 5.0, 7.0, 3.0], [1.0, 5.0, np.nan, np.inf])
    assert codes.tolist() == [0, 1, 15, 7]
    assert surprises([0, 2], [0, 1]).tolist() == [0, 3]
    assert nearest([0.5, -0.5, 1.25], 10).tolist() == [5.0, -5.0, 13.0]


@pytest.mark.parametrize("signal", ["imprese con sito web", ""])
def test_the_page_reads_every_figure_as_it_was(tmp_path, signal):
    publication = example_publication(signal=signal, years=(2019, 2021, 2022, 2024))
    chain = decoded(publication, tmp_path)["chain"]
    panel = publication.results.panel.sel(chain="moda").transpose("year", "place")
    for name, steps in {
        "firms": 1,
        "known": 1,
        "share_eb": 1000,
        "location_quotient": 100,
        "firms_per_1000": 100,
        "firms_per_km2": 1000,
    }.items():
        np.testing.assert_array_equal(
            floats(chain[name]), nearest(panel[name].to_numpy().ravel(), steps), err_msg=name
        )
    np.testing.assert_allclose(
        floats(chain["share"]) / 1000, panel["share"].to_numpy().ravel(), atol=5.1e-4
    )
    for name, source in (("low", "share_eb_low"), ("high", "share_eb_high")):
        np.testing.assert_array_equal(
            floats(chain[name]), nearest(panel[source].to_numpy().ravel(), 1000)
        )
    assert chain["shareStatus"] == panel["share_status"].to_numpy().ravel().tolist()
    assert chain["status"] == panel["status"].to_numpy().ravel().tolist()


def test_the_page_reads_every_test_as_it_was(tmp_path):
    publication = example_publication()
    tests = decoded(publication, tmp_path)["chain"]["tests"]
    edges = make_base(publication.results).edges
    for variable in ("firms", "share"):
        local = publication.results.local.sel(variable=variable, chain="moda")
        local = local.transpose("year", "place")
        q = local["q_value"].to_numpy().ravel()
        mark = np.array(tests[variable]["mark"])
        np.testing.assert_array_equal(mark % 2 == 1, q < 0.05)
        np.testing.assert_array_equal(
            mark[q < 0.05] // 2, local["quadrant"].to_numpy().ravel()[q < 0.05]
        )
        assert tests[variable]["status"] == local["status"].to_numpy().ravel().tolist()
        for name, values in (("q", q), ("p", local["p_value"].to_numpy().ravel())):
            bins = np.array(tests[variable][name])
            np.testing.assert_array_equal(bins == 0, np.isnan(values))
            known = (bins > 0) & (bins <= len(edges))
            assert (values[known] < edges[bins[known] - 1]).all()
            assert (values[bins > len(edges)] >= edges[-1]).all()


def test_the_page_reads_every_change_as_it_was(tmp_path):
    publication = example_publication()
    found = decoded(publication, tmp_path)["chain"]["change"]
    change = publication.results.change.sel(chain="moda")
    np.testing.assert_array_equal(floats(found["firms"]), change["firms_change"].to_numpy())
    for name, source in (("share", "share_change"), ("low", "low"), ("high", "high")):
        np.testing.assert_array_equal(
            floats(found[name]), nearest(change[source].to_numpy(), 1000), err_msg=name
        )
    assert found["direction"] == change["direction"].to_numpy().tolist()
    assert found["status"] == change["status"].to_numpy().tolist()


def test_the_page_draws_the_borders_of_the_right_places(tmp_path):
    publication = example_publication()
    found = decoded(publication, tmp_path)
    places = publication.results.places
    head = encoded_geometry(places)
    web = places.geometry.to_crs("EPSG:3857").to_numpy()
    for place, points in found["rings"]:
        grid = np.array(points, dtype=float)
        ring = np.column_stack(
            [head["west"] + grid[:, 0] * head["step"], head["north"] - grid[:, 1] * head["step"]]
        )
        drawn = shapely.polygons(ring)
        overlap = shapely.area(shapely.intersection(drawn, web[place]))
        assert overlap / shapely.area(web[place]) > 0.99


def test_a_suppressed_share_leaves_neither_share_nor_digital_firms_in_the_page(tmp_path):
    publication = example_publication()
    panel = publication.results.panel
    leaky = panel.assign(digital=panel["digital"].fillna(1))
    results = dataclasses.replace(publication.results, panel=leaky)
    leaked = dataclasses.replace(publication, results=results)
    chain = decoded(leaked, tmp_path, chain="arredo_design")["chain"]
    status = np.array(chain["shareStatus"])
    assert (status == tables.SUPPRESSED).any()
    for name in ("digital", "share", "share_eb", "low", "high"):
        assert np.isnan(floats(chain[name])[status == tables.SUPPRESSED]).all(), name


def test_classes_are_quintiles_of_all_years_together():
    values = np.arange(1, 101).reshape(20, 5) / 1000
    assert classes.breaks(values, 1000) == [20, 40, 60, 80]


def test_ties_and_constants_make_fewer_classes_and_not_empty_ones():
    assert classes.breaks([0.0, 0.5, 0.5, 0.5], 1000) == [500]
    assert classes.breaks([0.3, 0.3, 0.3], 1000) == []
    assert classes.breaks([np.nan], 1000) == []


def test_the_page_opens_on_the_chain_with_the_largest_surplus_of_digital_firms():
    publication = example_publication()
    hotspots = publication.results.hotspots
    last = hotspots[hotspots["year"] == 2024]
    surplus = last["digital"] - last["share_outside"] * last["known"]
    assert opening(publication.results)["chain"] == surplus.groupby(last["chain"]).sum().idxmax()


def test_without_a_signal_the_page_opens_on_counts():
    assert opening(example_publication(signal="").results)["indicator"] == "firms_per_1000"


def test_the_family_that_decides_is_the_study_s():
    publication = example_publication()
    local = publication.results.local
    strict = local.assign(q_value_panel=local["q_value"] * 0 + 1)
    results = dataclasses.replace(publication.results, local=strict)
    panel = with_facts(dataclasses.replace(publication, results=results), family="panel")
    mine, other = (atlas_data(each)["universes"]["tutte"] for each in (panel, publication))
    assert mine["chains"] != other["chains"]
    assert mine["hotspots"] == other["hotspots"]


def test_json_holds_no_character_that_could_end_a_script():
    text = as_json({"a": "</script><!--\u2028\u2029&", "b": "{{7*7}}"})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"a": "</script><!--\u2028\u2029&", "b": "{{7*7}}"}


def with_panel(publication, **variables):
    """Add variables to the municipal panel."""
    panel = publication.results.panel.assign(variables)
    return dataclasses.replace(
        publication, results=dataclasses.replace(publication.results, panel=panel)
    )


def test_the_page_reads_every_further_indicator_as_it_was(tmp_path):
    publication = example_publication()
    panel = publication.results.panel
    firms, known, digital = (panel[name] for name in ("firms", "known", "digital"))
    shown = ~np.isnan(panel["share"])
    before = firms.shift(year=1).where(firms.shift(year=1) > 0)
    given = {
        "share_at_least": (digital / firms).where(shown & (firms > 0)),
        "share_unknown": (1 - known / firms).where(firms > 0),
        "growth": (firms - before) / before,
        "phase_balance": (firms % 7) / 7 - 0.2,
        "digital_gap": 0.4 - panel["share_eb"],
        "composite": 100 + 10 * (panel["share"] - 0.3),
    }
    publication = with_panel(publication, **given)
    found = decoded(publication, tmp_path)["extras"]
    assert set(found) == set(given)
    steps = {row["key"]: row["steps"] for row in atlas_data(publication)["indicators"]}
    for name, values in given.items():
        part = values.sel(chain="moda").transpose("year", "place").to_numpy().ravel()
        expected = nearest(np.where(np.isfinite(part), part, np.nan), steps[name])
        np.testing.assert_array_equal(floats(found[name]["place"]), expected, err_msg=name)
        assert found[name]["province"] is None


def test_a_confidential_indicator_of_a_suppressed_cell_never_enters_the_page(tmp_path):
    publication = example_publication()
    leaky = publication.results.panel["firms"] * 0 + 41.5
    publication = with_panel(publication, mean_score=leaky)
    found = decoded(publication, tmp_path, chain="arredo_design")
    hidden = np.array(found["chain"]["shareStatus"]) == tables.SUPPRESSED
    assert hidden.any()
    score = floats(found["extras"]["mean_score"]["place"])
    np.testing.assert_array_equal(np.isnan(score), hidden)


def test_totals_codes_and_ends_of_intervals_make_no_map():
    publication = example_publication()
    firms = publication.results.panel["firms"]
    names = ("location_quotient_low", "employees", "births", "specialized", "composite_rank")
    publication = with_panel(publication, **dict.fromkeys(names, firms))
    keys = [row["key"] for row in atlas_data(publication)["indicators"]]
    assert keys == ["share_eb", "share", "firms_per_1000", "firms_per_km2", "location_quotient"]


def test_every_level_is_read_as_it_was_and_says_why_a_figure_is_missing(tmp_path):
    publication = example_publication()
    results = publication.results
    provinces = results.province_panel
    status = provinces["share_status"].copy()
    status[0] = tables.SUPPRESSED
    leaky = provinces.assign(
        share_status=status, share=provinces["share"].where(status != tables.SUPPRESSED)
    )
    results = dataclasses.replace(results, province_panel=leaky)
    publication = dataclasses.replace(publication, results=results)
    found = decoded(publication, tmp_path)["chain"]["levels"]["province"]
    part = leaky.sel(chain="moda").transpose("year", "province")
    share = floats(found["share"])
    np.testing.assert_array_equal(share, nearest(part["share"].to_numpy().ravel(), 1000))
    assert found["shareStatus"] == part["share_status"].to_numpy().ravel().tolist()
    assert np.isnan(floats(found["digital"])[np.isnan(share)]).all()
    people = results.places.groupby("cod_prov")["population"].sum().to_numpy()
    rate = 1000 * part["firms"].to_numpy() / people
    np.testing.assert_array_equal(floats(found["firms_per_1000"]), nearest(rate.ravel(), 100))


def smaller(publication):
    """Give another universe of the same study."""
    panel = publication.results.panel
    less = panel.assign({name: np.floor(panel[name] / 2) for name in ("firms", "known", "digital")})
    results = dataclasses.replace(publication.results, panel=less)
    return with_facts(
        dataclasses.replace(publication, results=results),
        universe="pmi",
        universe_label="PMI (10-249 addetti)",
        universe_label_en="SMEs (10-249)",
    )


UNIVERSES = (
    UniverseInfo(key="tutte", label="tutte le imprese", label_en="all enterprises"),
    UniverseInfo(key="pmi", label="PMI (10-249 addetti)", label_en="SMEs (10-249)"),
)


def test_a_further_universe_has_its_own_figures_and_its_name_in_its_title(tmp_path):
    publication = example_publication(universes=UNIVERSES)
    data = atlas_data(publication, {"pmi": smaller(publication)})
    assert list(data["universes"]) == ["tutte", "pmi"]
    titles = [each["title"] for each in data["universes"].values()]
    assert titles == [
        "Digitalizzazione delle filiere - tutte le imprese",
        "Digitalizzazione delle filiere - PMI (10-249 addetti)",
    ]
    assert data["universes"]["pmi"]["title_en"].endswith("- SMEs (10-249)")
    assert data["universes"]["pmi"]["chains"] != data["universes"]["tutte"]["chains"]


def test_quintiles_of_the_page_are_those_of_the_other_artefacts(tmp_path):
    if NODE is None:
        skip_or_fail("node is not installed: make system")
    publication = example_publication()
    values = publication.results.panel["share_eb"].sel(chain="moda").to_numpy().ravel()
    whole = nearest(values, 1000).tolist()
    script = (
        f"const {{classes}} = require({json.dumps(str(ROOT / 'tests' / 'js' / 'load.js'))});"
        "const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "const list = Float64Array.from(given, x => x === null ? NaN : x);"
        "process.stdout.write(JSON.stringify(classes.breaks('quantile', list)));"
    )
    done = subprocess.run(
        [str(NODE), "-e", script],
        input=json.dumps([None if np.isnan(value) else value for value in whole]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == classes.breaks(values, 1000)


def test_tables_on_signals_are_rounded_short_and_without_provinces():
    publication = example_publication()
    coverage = pd.DataFrame(
        {
            "signal": "sito",
            "label": "sito web",
            "dimension": ["year", "province"],
            "group": ["2024", "Prato"],
            "firms": [10, 5],
            "known": [8, 4],
            "yes": [4, 2],
            "coverage": [0.8, 0.8],
            "share": [0.5, np.nan],
            "share_low": [1 / 3, 0.4],
            "share_high": [np.nan, 0.6],
        }
    )
    results = dataclasses.replace(publication.results, signal_coverage=coverage)
    found = atlas_data(dataclasses.replace(publication, results=results))["signals"]
    assert found["coverage"] == [["sito web", "year", "2024", 10, 8, 0.8, 0.333333, None]]
    assert found["english"]["non noto"] == "not known"
    assert found["english"]["250 addetti e oltre"] == "250 persons and over"


def test_parts_of_firms_are_read_to_a_hundredth(tmp_path):
    publication = example_publication(whole_counts=False)
    panel = publication.results.panel
    parts = {name: panel[name] * 0.37 for name in ("firms", "known", "digital")}
    publication = with_panel(publication, **parts)
    chain = decoded(publication, tmp_path)["chain"]
    for name in ("firms", "known"):
        expected = nearest(parts[name].sel(chain="moda").transpose("year", "place"), 100) / 100
        np.testing.assert_allclose(floats(chain[name]), expected.ravel(), atol=1e-9)
    eb = panel["share_eb"].sel(chain="moda").transpose("year", "place").to_numpy().ravel()
    np.testing.assert_array_equal(floats(chain["share_eb"]), nearest(eb, 1000))


def test_zones_are_read_as_they_were_and_each_place_is_drawn_in_the_one_that_holds_most(tmp_path):
    publication = example_publication()
    results = publication.results
    codes = results.places.index
    panel = results.province_panel.isel(province=[0, 1]).rename(province="zone")
    members = pd.DataFrame(
        {
            "pro_com_t": [codes[0], codes[0], codes[1], codes[2]],
            "zone": ["a", "b", "b", "a"],
            "weight": [0.4, 0.6, 1.0, 1.0],
        }
    )
    zone = ZonePanel(
        panel=panel.assign_coords(zone=["b", "a"]),
        names={"a": "Zona A", "b": "Zona B"},
        municipalities={"a": 2, "b": 2},
        members=members,
        source="CC BY 4.0",
    )
    results = dataclasses.replace(results, zones={"gal": zone, "region": zone})
    publication = dataclasses.replace(publication, results=results)
    levels = geographies(results)
    assert [level.key for level in levels[3:]] == ["gal", "zone_region"]
    assert levels[3].members[:4].tolist() == [1, 1, 0, -1]
    assert "CC BY 4.0" in levels[3].notes
    found = decoded(publication, tmp_path)["chain"]["levels"]
    expected = panel["firms"].sel(chain="moda").transpose("year", "zone").to_numpy()[:, ::-1]
    np.testing.assert_array_equal(floats(found["gal"]["firms"]), expected.ravel())
    assert found["gal"] == found["zone_region"]
    assert len(found["province"]["firms"]) == 4 * 3


def test_breaks_of_series_reach_the_page_with_their_reason():
    publication = example_publication()
    breaks = pd.DataFrame(
        [["moda", "share", 2022, 2019, "perimeter", "Elenco cambiato.", "List changed."]],
        columns=["chain", "indicator", "year", "before", "cause", "note", "note_en"],
    )
    results = dataclasses.replace(publication.results, series_breaks=breaks)
    data = atlas_data(dataclasses.replace(publication, results=results))
    assert data["series_breaks"] == [
        ["moda", "share", 2022, "Elenco cambiato.", "List changed.", 0],
    ]


@pytest.fixture(scope="module")
def compared():
    return standing(example_publication())


def test_the_page_reads_every_category_priority_and_rank_as_it_was(tmp_path, compared):
    results = compared.results
    found = decoded(compared, tmp_path, "arredo_design")["chain"]["kinds"]
    panel = results.panel.sel(chain="arredo_design").transpose("year", "place")
    np.testing.assert_array_equal(found["need"], panel["need_quadrant"].to_numpy().ravel())
    expected = panel["specialized"].to_numpy().ravel() + 1
    np.testing.assert_array_equal(found["specialized"], expected)
    assert len(set(found["need"])) == 5
    assert len(set(found["specialized"])) == 3
    table = results.priorities[results.priorities["chain"] == "arredo_design"].set_index(
        "pro_com_t"
    )
    table = table.reindex(results.places.index)
    names = [PRIORITIES[int(code)] for code in found["priority"]["code"]]
    assert names == table["priority"].fillna("").tolist()
    listed = table["priority"].isin(("act", "accompany", "watch"))
    order = table["order"].where(listed, 0).fillna(0)
    np.testing.assert_array_equal(found["priority"]["order"], order)
    assert listed.any()
    ranks = results.composite.ranks
    ranks = (
        ranks[ranks["chain"] == "arredo_design"]
        .set_index("pro_com_t")
        .reindex(results.places.index)
    )
    for ours, theirs in (("rank", "rank"), ("low", "rank_low"), ("high", "rank_high")):
        expected = np.floor(ranks[theirs].to_numpy(float) + 0.5)
        np.testing.assert_array_equal(floats(found["ranks"][ours]), expected)


@pytest.mark.parametrize("signal", ["imprese con sito web", ""])
def test_similar_places_show_the_figure_that_the_study_compares_with(tmp_path, compared, signal):
    publication = compared if signal else without_signal(compared)
    results = publication.results
    found = floats(decoded(publication, tmp_path)["chain"]["alike"]).reshape(3, -1)
    name, steps = ("reference", 1000) if signal else ("firms_per_1000_reference", 100)
    latest = results.benchmarks[name].sel(benchmark="similar", chain="moda").to_numpy()
    np.testing.assert_array_equal(found[-1], np.floor(latest * steps + 0.5))
    members = similar_of_table(results.similar, results.places.index).neighbors[0]
    assert len(members) == 20
    panel = results.panel.sel(chain="moda").isel(year=0, place=members)
    if signal:
        expected = panel["digital"].sum() / panel["known"].where(panel["digital"] >= 0).sum()
    else:
        people = results.places["population"].to_numpy()[members].sum()
        expected = 1000 * panel["firms"].sum() / people
    assert found[0, 0] == pytest.approx(float(expected) * steps, abs=0.51)


def without_signal(publication):
    """Leave counts only; similar places and their density stay."""
    bare = example_publication(signal="").results
    results = dataclasses.replace(
        bare, similar=publication.results.similar, benchmarks=publication.results.benchmarks
    )
    return dataclasses.replace(publication, results=results)
