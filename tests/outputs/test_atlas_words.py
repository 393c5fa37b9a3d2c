"""The sentences of the page, made by its own script in Node: golden ones, singular and plural."""

import json
import re
import shutil
import subprocess

import pytest

from geo_engine import tables
from geo_engine.outputs.atlas.data import page_words
from geo_engine.words import LANGUAGES, load_atlas_words
from geo_engine.words.sentences import hotspot_sentence, probes_sentence
from tests.conftest import ROOT, skip_or_fail

NODE = shutil.which("node")
LOAD = json.dumps(str(ROOT / "tests" / "js" / "load.js"))


def said(body, given):
    """Run a few lines on the page's script; they return what is compared."""
    if NODE is None:
        skip_or_fail("node is not installed: make system")
    script = (
        f"const parts = require({LOAD});"
        "const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        f"const run = (parts, given) => {{ {body} }};"
        "process.stdout.write(JSON.stringify(run(parts, given)));"
    )
    done = subprocess.run(
        [str(NODE), "-e", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


AREA = {
    "id": "H1",
    "chain": "moda",
    "year": 2024,
    "rank": 1,
    "name": "Prato",
    "region": "Toscana",
    "members": [1, 2, 3],
    "firms": 2600,
    "known": 2559,
    "digital": 1234,
    "share": 0.4823,
    "share_outside": 0.301,
    "robustness": 0.75,
    "province_scale": "confirmed",
    "without_main": "not_confirmed",
    "min_q_value": 0.00002,
}
ALONE = AREA | {
    "members": [1],
    "firms": 1,
    "known": 9,
    "digital": 8,
    "robustness": None,
    "province_scale": "untested",
    "without_main": "untested",
}
SENTENCES = """
  const { words, area, earlier, language } = given;
  const atlas = {
    words, language,
    facts: { years: [2022, 2023, 2024], unit: 'impresa' },
    set: { hotspots: new Map(earlier.map(([year, members]) => [`moda/${year}`, [{ members }]])) },
    names: () => ({ signal: language === 'it' ? 'imprese con sito web' : 'firms with a website' }),
    chainName: () => 'Moda',
  };
  return parts.areas.sentences(atlas, area);
"""


def sentences(area, language, earlier=()):
    given = {
        "words": page_words(language),
        "area": area,
        "earlier": list(earlier),
        "language": language,
    }
    return said(SENTENCES, given)


def test_an_area_of_several_places_there_for_years_in_italian():
    assert sentences(AREA, "it", [(2023, [3, 4])]) == [
        "3 comuni: la quota di imprese con sito web, qui e nei comuni confinanti considerati "
        "insieme, è più alta di quanto spieghi il caso. Nell'area è del 48,2% (1.234 su 2.559 con "
        "segnale rilevato), nel resto del territorio del 30,1%. Valore q più basso: <0,001. "
        "È un'associazione tra comuni vicini, non una prova di causa.",
        "Presente senza interruzioni dal 2023. Nell'area: 2.600 imprese della filiera Moda.",
        "Regge nel 75,0% delle specifiche provate (altri vicinati, livelli, anni e lisciamenti). "
        "È confermata a scala provinciale. Non resta senza il suo comune maggiore.",
    ]


def test_an_area_of_one_place_and_one_firm_that_is_new():
    assert sentences(ALONE, "it") == [
        "1 comune: la quota di imprese con sito web, qui e nei comuni confinanti considerati "
        "insieme, è più alta di quanto spieghi il caso. Nell'area è del 48,2% (8 su 9 con "
        "segnale rilevato), nel resto del territorio del 30,1%. Valore q più basso: <0,001. "
        "È un'associazione tra comuni vicini, non una prova di causa. "
        "Poche imprese: leggere con cautela.",
        "Nuova nel 2024: nel 2023 nessuna area comprendeva questi comuni. "
        "Nell'area: 1 impresa della filiera Moda.",
    ]


def test_an_area_there_in_all_years_in_english_is_plural_and_singular():
    both = [(2023, [1]), (2022, [1])]
    many, one = (sentences(area, "en", both) for area in (AREA, ALONE))
    assert many[0].startswith("3 municipalities: the share of firms with a website")
    assert one[0].startswith("1 municipality: the share of firms with a website")
    assert many[1] == (
        "There in all years since 2022, the first of the data. "
        "In the area: 2,600 firms of the supply chain Moda."
    )
    assert one[1].endswith("In the area: 1 firm of the supply chain Moda.")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("area", [AREA, ALONE])
def test_the_page_says_of_a_hotspot_what_the_other_artefacts_say(area, language):
    signal = "imprese con sito web" if language == "it" else "firms with a website"
    row = {**area, "places": len(area["members"])}
    found = sentences(area, language)
    assert found[0] == hotspot_sentence(row, signal, language)
    probes = probes_sentence(
        row | {"robustness": float("nan") if row["robustness"] is None else row["robustness"]},
        language,
    )
    assert (found[2] if len(found) > 2 else "") == probes


def test_a_suppressed_area_gives_no_figure():
    hidden = AREA | dict.fromkeys(("share", "share_outside", "digital", "known"))
    found = sentences(hidden, "it")
    assert "%" not in found[0]
    assert "oscurate per riservatezza" in found[0]


TESTED = """
  const { words, edges, language } = given;
  const found = [];
  for (let q = 1; q <= edges.length + 1; q++) {
    for (let quadrant = 0; quadrant < 5; quadrant++) {
      for (const marked of [0, 1]) {
        for (const hot of [false, true]) {
          const tests = { p: [q], q: [q], mark: [2 * quadrant + marked], status: [0] };
          const atlas = {
            words, language, data: { edges }, chain: { tests: { share: tests } },
            base: { places: 1 }, year: () => 0,
          };
          found.push([marked, parts.sayings.test(atlas, 0, 'share', hot)]);
        }
      }
    }
  }
  return found;
"""


def test_nothing_above_alpha_is_called_significant():
    edges = [0.001, 0.005, 0.05, 0.1]
    given = {"words": page_words("it"), "edges": edges, "language": "it"}
    for marked, text in said(TESTED, given):
        if not marked:
            assert not text.startswith(("Significativo", "Vicinato")), text
            assert "ignificativo" in text
    given = {"words": page_words("en"), "edges": edges, "language": "en"}
    for marked, text in said(TESTED, given):
        if not marked:
            assert "ot significant" in text


def test_words_of_the_page_exist_in_both_languages_with_the_same_placeholders():
    italian, english = (load_atlas_words(language) for language in LANGUAGES)
    assert {key: set(words) for key, words in italian.items()} == {
        key: set(words) for key, words in english.items()
    }
    for section, words in italian.items():
        for key, text in words.items():
            both = (text, english[section][key])
            names = [set(re.findall(r"\{(\w+)\}", one)) for one in both]
            assert names[0] == names[1], (section, key)


def test_every_word_that_the_script_asks_for_exists():
    folder = ROOT / "geo_engine" / "outputs" / "atlas" / "src"
    words = page_words("it")
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.*")))
    for section, key in re.findall(r"\bwords\.(\w+)\.(\w+)\b", text):
        assert key in words[section], (section, key)
    for key in re.findall(r"\bcontrols\.(\w+)\b(?!\()", text):
        if key not in ("allowed", "coherent", "fill", "sync", "listen"):
            assert key in words["controls"], key
    for key in re.findall(r'data-(?:word|label)="(\w+)"', text):
        assert key in words["atlas"] or key in words["controls"], key
    assert set(words["statuses"]) == set(tables.STATUSES)
