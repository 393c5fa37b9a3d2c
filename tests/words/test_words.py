import re

import pytest

from geo_engine import tables
from geo_engine.space import REASONS
from geo_engine.words import LANGUAGES, load_words, word
from geo_engine.words.sentences import (
    empty_sentence,
    fill,
    hotspot_sentence,
    number,
    percent,
    places,
    probes_sentence,
    small,
)

HOTSPOT = {
    "places": 12,
    "share": 0.4823,
    "share_outside": 0.301,
    "digital": 1234.0,
    "known": 2559.0,
    "min_q_value": 0.00002,
}


def test_every_key_exists_in_both_languages_with_the_same_placeholders():
    italian, english = (load_words(language) for language in LANGUAGES)
    assert {s: set(w) for s, w in italian.items()} == {s: set(w) for s, w in english.items()}
    for section, words in italian.items():
        for key, text in words.items():
            found = [set(re.findall(r"\{(\w+)\}", t)) for t in (text, english[section][key])]
            assert found[0] == found[1], (section, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_status_and_quadrant_of_the_tables_has_a_name(language):
    words = load_words(language)
    assert set(words["statuses"]) == set(tables.STATUSES)
    assert set(words["local_statuses"]) == set(tables.LOCAL_STATUSES)
    assert set(words["quadrants"]) == set(tables.QUADRANTS) - {""}
    assert set(words["methods"]) == set(tables.TAIL_METHODS)


def test_italian_words_carry_accents_and_not_apostrophes_in_their_place():
    text = " ".join(t for words in load_words("it").values() for t in words.values())
    assert not re.search(r"\b(e'|piu'|perche'|citta'|unita'|puo'|cosi'|E')(\s|$)", text)
    assert not re.search(r"\b(unita|citta|piu|puo|perche|cosi|credibilita|affidabilita)\b", text)


def test_a_column_without_a_name_keeps_its_own():
    assert word("it", "variables", "moda_firms") == "moda_firms"
    assert word("it", "variables", "firms_per_km2") == "Imprese per km²"


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="'fr'"):
        load_words("fr")


@pytest.mark.parametrize(
    ("value", "decimals", "italian", "english"),
    [
        (1234.5, 1, "1.234,5", "1,234.5"),
        (1234567, 0, "1.234.567", "1,234,567"),
        (0.05, 1, "0,1", "0.1"),
        (-0.04, 1, "0,0", "0.0"),
        (-2.5, 0, "-3", "-3"),
        (1.005, 2, "1,01", "1.01"),
    ],
)
def test_numbers_follow_the_language(value, decimals, italian, english):
    assert number(value, "it", decimals=decimals) == italian
    assert number(value, "en", decimals=decimals) == english


def test_small_p_values_are_bounded_and_not_zero():
    assert small(0.0004, "it") == "<0,001"
    assert small(0.0123, "it") == "0,012"
    assert small(0.049999, "it") == "<0,05"
    assert small(0.05, "it") == "0,050"
    assert percent(0.4823, "it") == "48,2%"


def test_one_place_is_singular():
    assert places(1, "it") == "1 comune"
    assert places(7896, "it") == "7.896 comuni"


def test_a_value_is_never_filled_twice():
    assert fill("{a}-{b}", {"a": "{b}", "b": "x"}) == "{b}-x"


def test_a_hotspot_is_described_with_size_certainty_and_limit():
    sentence = hotspot_sentence(HOTSPOT, "imprese con sito web", "it")
    assert sentence == (
        "12 comuni: la quota di imprese con sito web, qui e nei comuni confinanti considerati "
        "insieme, è più alta di quanto spieghi il caso. Nell'area è del 48,2% (1.234 su 2.559 con "
        "segnale rilevato), nel resto del territorio del 30,1%. Valore q più basso: <0,001. "
        "È un'associazione tra comuni vicini, non una prova di causa."
    )


def test_a_hotspot_of_few_firms_carries_a_warning():
    few = HOTSPOT | {"places": 1, "known": 9.0, "digital": 8.0}
    sentence = hotspot_sentence(few, "imprese", "it")
    assert sentence.startswith("1 comune: la quota di imprese, qui e")
    assert sentence.endswith("Poche imprese: leggere con cautela.")


def test_a_suppressed_hotspot_says_so_and_gives_no_figure():
    hidden = HOTSPOT | {"share": float("nan"), "digital": float("nan")}
    sentence = hotspot_sentence(hidden, "imprese", "it")
    assert "oscurate per riservatezza" in sentence
    assert "%" not in sentence


def test_what_was_tried_on_a_hotspot_is_said_and_nothing_else():
    tried = {"robustness": 0.256, "province_scale": "not_confirmed", "without_main": "confirmed"}
    assert probes_sentence(HOTSPOT | tried, "it") == (
        "Regge nel 25,6% delle specifiche provate (altri vicinati, livelli, anni e lisciamenti). "
        "A scala provinciale non emerge. Resta anche senza il suo comune maggiore."
    )
    alone = HOTSPOT | tried | {"places": 1, "without_main": "not_confirmed"}
    assert probes_sentence(alone, "en").endswith("It does not remain without its largest neighbor.")
    untried = {"robustness": float("nan"), "province_scale": "untested", "without_main": "untested"}
    assert probes_sentence(HOTSPOT | untried, "it") == ""


@pytest.mark.parametrize("reason", REASONS[1:])
def test_a_map_without_tests_says_why_and_what_to_do(reason):
    for language in LANGUAGES:
        plain, said = (empty_sentence(0, 0.0, language, why) for why in ("", reason))
        assert said.startswith(plain)
        assert len(said) > len(plain) + 20


def test_an_empty_result_is_a_sentence():
    assert empty_sentence(7896, 39.48, "it") == (
        "Nessuna area significativa dopo la correzione per 7.896 confronti; senza correzione circa "
        "39 comuni scenderebbero sotto lo 0,5% per caso."
    )
    assert "un comune scenderebbe" in empty_sentence(200, 1.0, "it")
    assert "troppo pochi dati" in empty_sentence(0, 0.0, "it")
