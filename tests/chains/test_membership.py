"""Which codes belong to which chains."""

import csv

import ateco
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.chains.classification import leaves_under, titles
from geo_engine.chains.membership import (
    PHASES,
    custom_chains,
    load_chains,
    load_perimeter,
    membership,
    select_chains,
)
from geo_engine.errors import ChainError
from geo_engine.study_chains import CustomChain

FISH = {"pesce": {"label": "Pesce", "ateco_2007": {"monte": ["03"], "produzione": ["10.2"]}}}
LEAVES = {
    edition: [c for c in sorted(titles(edition)) if len(c) == 8] for edition in ("2007", "2025")
}
REVIEWED = {
    ("arredo_design", "15.20.10"),
    ("arredo_design", "27.90.09"),
    ("arredo_design", "47.52.10"),
    ("arredo_design", "47.69.12"),
    ("meccanica_automazione", "26.20.00"),
    ("costruzioni", "81.22.09"),
    ("salute_farma", "71.20.19"),
    ("chimica_plastica", "15.20.10"),
}


def phase(code, chain, edition="2007"):
    return membership([code], edition, load_chains()).loc[code, chain]


def test_every_prefix_of_every_chain_exists_in_its_edition():
    for chain in load_chains().values():
        for edition, published in (("2007", "2022"), ("2025", "2025")):
            for prefix in chain.prefixes[edition]:
                assert ateco.validate(prefix, edition=published), (chain.key, edition, prefix)


def test_fifteen_chains_are_labelled_in_two_languages_and_have_production_in_both_editions():
    chains = load_chains()
    assert len(chains) == 15
    for key, chain in chains.items():
        assert key == chain.key
        assert chain.label
        assert chain.label_en
        for edition in ("2007", "2025"):
            assert "produzione" in chain.prefixes[edition].values()
            assert set(chain.prefixes[edition].values()) <= set(PHASES)


def test_the_perimeter_says_that_it_is_a_proposal():
    perimeter = load_perimeter()
    assert not perimeter.is_official
    assert "non è una definizione ufficiale" in perimeter.note
    assert "non è pubblico" in perimeter.note


def test_the_longest_prefix_wins_inside_a_chain():
    assert phase("35.11", "energia", "2025") == "produzione"  # by 35.1
    assert phase("35.14.00", "energia", "2025") == "distribuzione"  # by 35.14, although in 35.1
    nested = {"monte": ["10"], "produzione": ["10.1", "10.13.00"], "servizi": ["10.13"]}
    chains = custom_chains({"carne": {"label": "Carne", "ateco_2007": nested}})
    found = membership(["10.20.00", "10.11.00", "10.13", "10.13.00"], "2007", chains)
    assert found["carne"].tolist() == ["monte", "produzione", "servizi", "produzione"]


def test_neighboring_prefixes_keep_their_own_phase():
    assert phase("16.23.10", "arredo_design") == "produzione"
    assert phase("16.10.00", "arredo_design") == "monte"
    assert phase("28.30.90", "agroalimentare") == "monte"
    assert phase("28.30.90", "meccanica_automazione") == "produzione"
    assert phase("49.32.10", "turismo") == "monte"


def test_a_prefix_matches_by_figures_and_not_by_points():
    assert phase("01.11", "agroalimentare") == "monte"
    assert phase("47.11.10", "agroalimentare") == "distribuzione"
    assert phase("47.11", "agroalimentare") == "distribuzione"
    assert phase("47.19", "agroalimentare") == ""
    assert phase("49.41.00", "logistica") == "produzione"


def test_a_code_wider_than_the_prefixes_belongs_when_all_below_it_does():
    assert phase("49.3", "turismo") == "monte"  # 49.31, 49.32 and 49.39 are all of it
    assert phase("47.1", "agroalimentare") == ""  # 47.19 is not food
    assert phase("74.11", "moda", "2025") == "servizi"
    assert phase("28", "agroalimentare") == ""


def test_tobacco_is_outside_and_eyewear_moves_between_editions():
    assert phase("12.00.00", "agroalimentare") == ""
    assert phase("32.50.50", "moda") == "produzione"
    assert phase("32.50.40", "moda", "2025") == "produzione"
    assert phase("32.50.51", "moda", "2025") == ""


def test_homonyms_follow_their_edition():
    assert phase("47.81.10", "agroalimentare") == "distribuzione"  # food stalls
    assert phase("47.81.10", "agroalimentare", "2025") == ""  # cars
    assert phase("47.81.10", "automotive_mobilita", "2025") == "distribuzione"


def test_an_undecided_code_belongs_only_where_both_editions_agree():
    found = membership(["47.81", "10.13", "35.12.00", "46.72"], [""] * 4, load_chains())
    assert phase("46.72", "automotive_mobilita", "2025")  # motor vehicles; metals in 2007
    assert set(found.loc["46.72"]) == {""}
    assert set(found.loc["47.81"]) == {""}  # food stalls, or cars
    assert found.loc["10.13", "agroalimentare"] == "produzione"
    assert found.loc["35.12.00", "energia"] == "produzione"  # in both; the newer phase


def test_no_code_belongs_to_no_chain():
    assert set(membership([""], "2007", load_chains()).iloc[0]) == {""}


def test_codes_of_two_editions_are_answered_together():
    found = membership(["62.01", "62.10"], ["2007", "2025"], load_chains())
    assert list(found["ict_digitale"]) == ["produzione", "produzione"]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.sampled_from(["2007", "2025"]), st.data())
def test_membership_of_a_full_code_agrees_with_a_search_through_all_prefixes(edition, data):
    code = data.draw(st.sampled_from(LEAVES[edition]))
    found = membership([code], edition, load_chains())
    for key, chain in load_chains().items():
        plain = code.replace(".", "")
        hits = [
            (len(prefix.replace(".", "")), phase)
            for prefix, phase in chain.prefixes[edition].items()
            if plain.startswith(prefix.replace(".", ""))
        ]
        assert found.loc[code, key] == (max(hits)[1] if hits else "")


@settings(deadline=None, derandomize=True)
@given(st.sampled_from([c for c in sorted(titles("2025")) if len(c) < 8]))
def test_a_wide_code_is_in_a_chain_only_if_every_code_below_is(code):
    wide = membership([code], "2025", load_chains()).iloc[0]
    below = membership(list(leaves_under(code, "2025")), "2025", load_chains())
    assert ((wide != "") == (below != "").all()).all()


def test_membership_agrees_code_by_code_with_the_project_s_crosswalk(shared_data):
    path = shared_data / "codes" / "chains_ateco_2007_2025.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for edition, column in (("2007", "ateco2007_6"), ("2025", "ateco2025_rappr")):
        codes = sorted({row[column] for row in rows if row[column]})
        found = membership(codes, edition, load_chains())
        differing = {
            (row["filiera"], row[column])
            for row in rows
            if row[column] and found.loc[row[column], row["filiera"]] != row["fase"]
        }
        repair = {("automotive_mobilita", code) for code in codes if code.startswith("95.3")}
        assert differing - repair == (set() if edition == "2007" else REVIEWED)


def test_chains_are_chosen_by_key_in_the_asked_order():
    assert list(select_chains(("turismo", "moda"))) == ["turismo", "moda"]
    assert len(select_chains("all")) == 15
    assert list(select_chains("all", FISH))[-1] == "pesce"
    assert list(select_chains(("pesce",), FISH)) == ["pesce"]


def test_an_unknown_chain_is_named_with_a_near_one():
    with pytest.raises(ChainError, match=r"CHAIN_UNKNOWN.*Did you mean turismo\?"):
        select_chains(("turisimo",))


def test_a_chain_of_a_study_is_used_as_it_stands():
    chains = custom_chains(FISH)
    assert chains["pesce"].label_en == "Pesce"
    found = membership(["03.11.00", "10.20.00", "10.13.00"], "2007", chains)
    assert list(found["pesce"]) == ["monte", "produzione", ""]


def test_a_chain_of_a_study_is_given_as_the_study_model_dumps_it():
    model = CustomChain(label="Pesce", ateco_2007={"produzione": ("10.2",)})
    chains = custom_chains({"pesce": model.model_dump()})
    assert dict(chains["pesce"].prefixes) == {"2007": {"10.2": "produzione"}}


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"label": "X", "ateco_2007": {"produzione": ["62.10"]}}, "CHAIN_PREFIX_UNKNOWN"),
        ({"label": "X", "ateco_2007": {"produzione": ["10", "10.99"]}}, "CHAIN_PREFIX_UNKNOWN"),
        (
            {"label": "X", "ateco_2007": {"produzione": ["10.1"], "monte": ["101"]}},
            "CHAIN_PREFIX_TWICE",
        ),
        ({"label": "X", "ateco_2007": {"vendita": ["10"]}}, "CHAIN_PHASE_UNKNOWN"),
        ({"label": "X"}, "CHAIN_EMPTY"),
    ],
)
def test_a_wrong_chain_of_a_study_is_refused(keys, code):
    with pytest.raises(ChainError) as caught:
        custom_chains({"mia": keys})
    assert caught.value.code == code


def test_a_chain_s_key_is_a_plain_word():
    with pytest.raises(ChainError, match="CHAIN_KEY"):
        custom_chains({"La mia": FISH["pesce"]})


def test_a_chain_without_the_edition_of_the_codes_is_refused_and_never_counted_as_empty():
    with pytest.raises(ChainError, match=r"CHAIN_EDITION_MISSING.*ateco_2025"):
        membership(["62.10"], "2025", custom_chains(FISH))
