import dataclasses
import json
import shutil
import subprocess

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine import tables
from geo_engine.outputs.atlas import classes
from geo_engine.outputs.atlas.codec import nearest, nullable, surprises, varints, zigzag
from geo_engine.outputs.atlas.columns import make_base
from geo_engine.outputs.atlas.data import as_json, atlas_data, opening
from geo_engine.outputs.atlas.geometry import encoded_geometry
from tests.conftest import ROOT, skip_or_fail
from tests.outputs.example import example_publication, with_facts

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


def test_classes_of_change_are_symmetric_around_zero():
    cuts = classes.change_breaks([-0.3, -0.1, 0.02, 0.05, np.nan, 0.2], 1000)
    assert cuts == [-cut for cut in reversed(cuts)]
    assert classes.change_breaks([0.0, 0.0], 1000) == []


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
    assert atlas_data(panel)["chains"] != atlas_data(publication)["chains"]


def test_json_holds_no_character_that_could_end_a_script():
    text = as_json({"a": "</script><!--\u2028\u2029&", "b": "{{7*7}}"})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == {"a": "</script><!--\u2028\u2029&", "b": "{{7*7}}"}
