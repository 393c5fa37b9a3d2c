import base64
import hashlib
import os
import re
import subprocess
import sys

import pytest

from geo_engine.outputs.atlas import write_atlas
from geo_engine.outputs.atlas.element import render_map
from geo_engine.outputs.atlas.page import render_page
from tests.conftest import ROOT
from tests.outputs.example import example_publication, real_places

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}{% if %}{#</script>${x}`\u2028"


@pytest.fixture(scope="module")
def page():
    return render_page(example_publication())


def test_two_renders_are_the_same_bytes(page):
    assert render_page(example_publication()) == page


def test_another_process_with_another_hash_seed_renders_the_same_bytes(page):
    code = (
        "import hashlib; from geo_engine.outputs.atlas.page import render_page;"
        "from tests.outputs.example import example_publication;"
        "print(hashlib.sha256(render_page(example_publication()).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "12345"},
    )
    assert done.stdout.strip() == hashlib.sha256(page.encode()).hexdigest()


def test_the_page_states_its_language_and_title(page):
    assert page.startswith('<!DOCTYPE html>\n<html lang="it">')
    assert "<title>Digitalizzazione delle filiere</title>" in page


def test_the_policy_forbids_all_but_the_two_inline_elements(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(script) == len(style) == 1
    for kind, text in (("script", script[0]), ("style", style[0])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_the_page_names_no_file_to_load(page):
    assert not re.search(r"<(script|img|iframe|object|embed)[^>]*\b(src|data)=", page)
    assert re.findall(r"<link[^>]*>", page) == ['<link rel="icon" href="data:,">']
    assert "sourceMappingURL" not in page
    assert not re.search(r"url\((?!\s*#)", re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1])
    assert "@import" not in page


def test_folium_s_usual_assets_are_left_out(page):
    assert not re.search(r"jquery|bootstrap|awesome|cdn\.", page, re.IGNORECASE)


def test_folium_renders_the_same_text_whatever_the_study():
    rendered = render_map()
    assert rendered == render_map()
    assert 'id="map_atlas"' in rendered.html
    assert "geoAtlas.start(map_atlas);" in rendered.script


def test_hostile_names_stand_in_the_data_only_and_escaped():
    page = render_page(example_publication(hostile=HOSTILE))
    assert "onerror=alert(1)>" not in page
    assert page.count("</script>") == 2
    assert "{{7*7}}" in page
    assert "49" not in re.search(r"<title>(.*?)</title>", page)[1]


def test_the_file_written_is_the_page(page, tmp_path):
    write_atlas(example_publication(), tmp_path / "atlas.html")
    assert (tmp_path / "atlas.html").read_bytes() == page.encode()


@pytest.mark.shared
def test_the_whole_country_with_6_chains_and_6_years_fits_in_3_megabytes(shared_data, tmp_path):
    publication = example_publication(real_places(shared_data), chains=6, years=range(2019, 2025))
    write_atlas(publication, tmp_path / "atlas.html")
    assert (tmp_path / "atlas.html").stat().st_size <= 3_000_000
