"""What the chains that ship are made of, and what a study may say of its own."""

import importlib.resources
import tomllib

import ateco
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.chains.classification import links, titles
from geo_engine.chains.definitions import (
    EXCLUDED,
    PHASES,
    built_in_lines,
    load_chains,
    load_perimeter,
)
from geo_engine.chains.membership import membership
from geo_engine.chains.own import custom_chains, select_chains
from geo_engine.errors import ChainError

TOML = tomllib.loads(
    importlib.resources.files("geo_engine.chains").joinpath("chains.toml").read_text("utf-8")
)
LEAVES = {
    edition: [code for code in sorted(titles(edition)) if len(code) == 8]
    for edition in ("2007", "2025")
}
FISH = {"label": "Pesce", "ateco_2007": {"monte": ["03"], "produzione": ["10.2"]}}
LEFT_OUT = {  # one target each, in another chain's business
    ("arredo_design", "28.49.01"),  # electroplating machines: electrical equipment
    ("automotive_mobilita", "45.40.30"),  # repair of motorcycles: services in 2025
    ("meccanica_automazione", "28.23.01"),  # toner: computers
    ("costruzioni", "43.99.01"),  # sandblasting: cleaning
    ("salute_farma", "86.90.13"),  # laboratories of hygiene: technical testing
    ("chimica_plastica", "22.19.01"),  # rubber soles: shoes
}


def phases(codes, edition, perimeter="wide"):
    return membership(codes, edition, load_chains(perimeter))


def inside(codes, edition):
    """Codes of each chain."""
    found = phases(codes, edition)
    return {chain: set(found.index[found[chain] != ""]) for chain in found.columns}


def test_the_file_of_definitions_has_its_keys_and_no_others():
    assert set(TOML) == {"perimeter", "sources", "phases", "chains"}
    assert set(TOML["phases"]) == set(PHASES)
    assert len(TOML["chains"]) == 15
    texts = {"label", "label_en", "description", "description_en", "note", "note_en"}
    for key, chain in TOML["chains"].items():
        assert set(chain) == {*texts, "lines"}, key
        assert all(chain[name].strip() for name in texts), key


def test_every_line_has_phase_perimeter_prefixes_reason_and_a_known_source():
    keys = {"phase", "perimeter", "ateco_2007", "ateco_2025", "reason", "source"}
    for key, chain in TOML["chains"].items():
        for line in chain["lines"]:
            assert set(line) == keys, key
            assert line["phase"] in (*PHASES, EXCLUDED)
            assert line["perimeter"] in ("both", "wide", "strict")
            assert line["ateco_2007"] or line["ateco_2025"]
            assert len(line["reason"]) >= 5, line
            assert line["source"] in TOML["sources"]
            assert (line["perimeter"] == "strict") == (line["phase"] == EXCLUDED), line
    assert all(TOML["sources"].values())


@pytest.mark.parametrize(("edition", "published"), [("2007", "2022"), ("2025", "2025")])
def test_every_prefix_exists_in_its_edition_and_stands_once_in_its_chain(edition, published):
    for key, chain in TOML["chains"].items():
        listed = [prefix for line in chain["lines"] for prefix in line[f"ateco_{edition}"]]
        for prefix in listed:
            assert ateco.validate(prefix, edition=published), (key, prefix)
            assert ateco.lookup(prefix, edition=published).code == prefix, (key, prefix)
        assert len({prefix.replace(".", "") for prefix in listed}) == len(listed), key


def test_every_phase_of_every_chain_has_codes_in_both_editions_of_the_wide_perimeter():
    for key, chain in load_chains().items():
        for edition in ("2007", "2025"):
            assert set(chain.prefixes[edition].values()) == set(PHASES), key


def test_the_strict_perimeter_lies_inside_the_wide_one_and_keeps_production():
    for edition, leaves in LEAVES.items():
        wide, strict = phases(leaves, edition), phases(leaves, edition, "strict")
        assert ((strict == "") | (strict == wide)).all().all()
        assert ((strict != "").sum() < (wide != "").sum()).all()
        assert (strict == "produzione").any().all()


def test_no_code_is_in_the_strict_perimeter_of_two_chains():
    for edition, leaves in LEAVES.items():
        assert ((phases(leaves, edition, "strict") != "").sum(axis=1) <= 1).all()


def test_the_strict_agri_food_chain_leaves_out_restaurants_supermarkets_and_tobacco():
    strict = phases(
        ["56.10.11", "47.11.20", "20.15.00", "01.15.00", "01.16.00", "47.26.00"], "2007", "strict"
    )
    assert set(strict["agroalimentare"]) == {""}
    kept = phases(["01.11.10", "03.11.00", "10.11.00", "46.31.10", "47.21.01"], "2007", "strict")
    assert "" not in set(kept["agroalimentare"])


def test_real_estate_and_restaurants_are_a_matter_of_the_perimeter():
    for code, chain in (("68.20.01", "costruzioni"), ("56.10.11", "agroalimentare")):
        assert phases([code], "2007").loc[code, chain] == "servizi"
        assert phases([code], "2007", "strict").loc[code, chain] == ""


def test_a_code_with_one_successor_keeps_chain_and_phase_but_for_known_exceptions():
    old, new = phases(list(links()), "2007"), phases(LEAVES["2025"], "2025")
    moved = {
        (chain, code)
        for code, targets in links().items()
        for chain in old.columns
        if len(targets) == 1
        and old.loc[code, chain]
        and new.loc[targets[0], chain] != old.loc[code, chain]
    }
    assert moved == LEFT_OUT


def test_a_code_of_2025_whose_origins_are_all_in_a_chain_is_in_it_but_for_known_exceptions():
    old, new = inside(list(links()), "2007"), inside(LEAVES["2025"], "2025")
    origins = {}
    for code, targets in links().items():
        for target in targets:
            origins.setdefault(target, []).append(code)
    lost = {
        (chain, code)
        for code, codes in origins.items()
        for chain in old
        if code not in new[chain] and old[chain].issuperset(codes)
    }
    assert lost == {
        ("arredo_design", "16.26.00"),  # pellets: a fuel
        ("meccanica_automazione", "32.99.91"),  # electronic cigarettes
        ("meccanica_automazione", "70.20.02"),  # certification: consultancy
        ("ambiente_circolare", "70.20.02"),
        ("salute_farma", "72.10.22"),  # diagnostics of works of art
        ("logistica", "35.24.00"),  # gas storage: energy
    }


def test_the_perimeter_has_a_version_says_that_it_is_a_proposal_and_explains_its_two_widths():
    perimeter = load_perimeter()
    assert perimeter.version
    assert not perimeter.is_official
    for text in (perimeter.note, perimeter.note_en):
        assert "InfoCamere" in text
    assert "non replica" in perimeter.note
    assert all([perimeter.wide, perimeter.wide_en, perimeter.strict, perimeter.strict_en])
    assert dict(perimeter.phase_labels) == {
        "monte": ("Monte", "Upstream"),
        "produzione": ("Produzione", "Core production"),
        "distribuzione": ("Distribuzione", "Distribution"),
        "servizi": ("Servizi", "Services"),
    }


def test_a_perimeter_is_chosen_for_all_chains_or_for_some():
    assert select_chains("all", perimeter="strict")["moda"].perimeter == "strict"
    some = select_chains(("moda", "costruzioni"), perimeter={"costruzioni": "strict"})
    assert [chain.perimeter for chain in some.values()] == ["wide", "strict"]
    assert "68" not in some["costruzioni"].prefixes["2007"]
    with pytest.raises(ChainError, match="CHAIN_PERIMETER_UNKNOWN"):
        select_chains("all", perimeter="narrow")
    with pytest.raises(ChainError, match=r"CHAIN_UNKNOWN.*costruzioni"):
        select_chains("all", perimeter={"costruzione": "strict"})


def test_a_chain_of_a_study_changes_one_that_ships():
    keys = {
        "based_on": "agroalimentare",
        "ateco_2007": {"esclusa": ["01.15"], "produzione": ["12"], "distribuzione": ["56"]},
    }
    chain = select_chains(("agroalimentare",), {"agroalimentare": keys})["agroalimentare"]
    assert chain.label == "Agroalimentare"
    assert chain.label_en == "Agri-food"
    assert chain.origin == "study_based"
    found = membership(
        ["01.15.00", "01.11.10", "12.00.00", "56.10.11"], "2007", {chain.key: chain}
    )[chain.key]
    assert found.tolist() == ["", "monte", "produzione", "distribuzione"]
    assert membership(["56.11.11"], "2025", {chain.key: chain}).iloc[0, 0] == "servizi"
    assert built_in_lines("agroalimentare")[0].prefixes["2007"] == ("01",)  # unchanged


def test_an_excluded_prefix_takes_codes_out_and_a_longer_one_puts_them_back():
    prefixes = {"monte": ["01", "01.15.00"], "esclusa": ["01.1"]}
    chains = custom_chains({"campi": {"label": "Campi", "ateco_2007": prefixes}})
    found = membership(["01.41.00", "01.11.10", "01.15.00", "01.1", "01"], "2007", chains)["campi"]
    assert found.tolist() == ["monte", "", "monte", "", "monte"]
    assert dict(chains["campi"].prefixes["2007"]) == {"01": "monte", "01.15.00": "monte"}


def test_lines_of_a_study_have_perimeter_territory_and_weight():
    lines = [
        {"phase": "monte", "ateco_2007": ["03.1"], "ateco_2025": ["03.1"], "reason": "Pesca"},
        {"phase": "servizi", "ateco_2007": ["55"], "territory": "costieri", "weight": 0.5},
        {"phase": "servizi", "ateco_2007": ["56"], "perimeter": "wide"},
    ]
    keys = {"mare": {"label": "Economia del mare", "label_en": "Sea economy", "lines": lines}}
    chain = custom_chains(keys)["mare"]
    assert chain.territories == ("costieri",)
    assert [line.weight for line in chain.lines] == [1.0, 0.5, 1.0]
    assert set(chain.prefixes) == {"2007", "2025"}
    assert "56" not in custom_chains(keys, perimeter="strict")["mare"].prefixes["2007"]


def test_empty_keys_of_a_study_are_as_if_they_were_absent():
    keys = {**FISH, "label_en": "", "based_on": None, "lines": None, "ateco_2025": None}
    chain = custom_chains({"pesce": keys})["pesce"]
    assert chain.label_en == "Pesce"
    assert chain.origin == "study"


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"ateco_2007": {"monte": ["03"]}}, "CHAIN_LABEL_MISSING"),
        ({**FISH, "etichetta": "Pesce"}, "CHAIN_KEY_UNKNOWN"),
        ({**FISH, "based_on": "agro"}, "CHAIN_BASE_UNKNOWN"),
        ({"label": "X", "lines": [{"phase": "monte", "ateco": ["03"]}]}, "CHAIN_KEY_UNKNOWN"),
        ({"label": "X", "lines": [{"ateco_2007": ["03"]}]}, "CHAIN_PHASE_UNKNOWN"),
        (
            {"label": "X", "lines": [{"phase": "monte", "ateco_2007": ["03"], "weight": 0}]},
            "CHAIN_WEIGHT",
        ),
        (
            {"label": "X", "lines": [{"phase": "monte", "ateco_2007": ["03"], "weight": 1.5}]},
            "CHAIN_WEIGHT",
        ),
        (
            {
                "label": "X",
                "lines": [{"phase": "monte", "ateco_2007": ["03"], "perimeter": "largo"}],
            },
            "CHAIN_PERIMETER_UNKNOWN",
        ),
        (
            {"label": "X", "lines": [{"phase": "monte", "ateco_2025": ["45"]}]},
            "CHAIN_PREFIX_UNKNOWN",
        ),
        (
            {"label": "X", "lines": [{"phase": "esclusa", "ateco_2007": ["03"]}]},
            "CHAIN_EMPTY",
        ),
        (
            {
                "label": "X",
                "lines": [
                    {"phase": "monte", "ateco_2007": ["03"]},
                    {"phase": "servizi", "ateco_2007": ["03"], "perimeter": "wide"},
                ],
            },
            "CHAIN_PREFIX_TWICE",
        ),
    ],
)
def test_a_wrong_chain_of_a_study_is_refused_with_its_own_code(keys, code):
    with pytest.raises(ChainError) as caught:
        custom_chains({"mia": keys})
    assert caught.value.code == code
    assert "mia" in caught.value.message or code == "CHAIN_BASE_UNKNOWN"


def test_an_unknown_key_is_named_with_a_near_one():
    with pytest.raises(ChainError, match=r"'lable'. Did you mean label\?"):
        custom_chains({"mia": {**FISH, "lable": "x"}})


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.sampled_from(sorted(TOML["chains"])), st.sampled_from(["2007", "2025"]), st.data())
def test_a_chain_based_on_another_with_nothing_changed_has_the_same_codes(key, edition, data):
    codes = data.draw(st.lists(st.sampled_from(LEAVES[edition]), min_size=1, max_size=30))
    copy = custom_chains({"copia": {"based_on": key}})["copia"]
    same = membership(codes, edition, {"copia": copy, key: load_chains()[key]})
    assert (same["copia"] == same[key]).all()


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.sampled_from(LEAVES["2025"]), st.sampled_from(sorted(TOML["chains"])))
def test_an_excluded_code_is_out_and_every_other_stays_as_it_was(code, key):
    keys = {"x": {"based_on": key, "ateco_2025": {"esclusa": [code]}}}
    chain = custom_chains(keys)["x"]
    beside = [leaf for leaf in LEAVES["2025"][::37] if leaf != code]
    found = membership([code, *beside], "2025", {"x": chain, key: load_chains()[key]})
    assert found["x"].iloc[0] == ""
    assert (found["x"].iloc[1:] == found[key].iloc[1:]).all()
