"""Firms by kind: primary and secondary codes, territories, and the weights of several chains."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.chains.classification import titles
from geo_engine.chains.correspondence import recode
from geo_engine.chains.kinds import FirmCodes, classes_of, find_kinds, firm_kinds, place_classes
from geo_engine.chains.membership import (
    PHASE_NAMES,
    custom_chains,
    load_chains,
    membership,
    select_chains,
)
from geo_engine.chains.secondary import read_secondary, split_codes
from geo_engine.chains.weights import UNITS, MembershipRule, firm_memberships
from geo_engine.errors import ChainError
from geo_engine.indicators.counting import count_firms

SEA = {
    "mare": {
        "label": "Economia del mare",
        "lines": [
            {"phase": "monte", "ateco_2007": ["03.11"], "ateco_2025": ["03.11"]},
            {
                "phase": "servizi",
                "ateco_2007": ["55", "56"],
                "ateco_2025": ["55", "56"],
                "territory": "costieri",
                "weight": 0.5,
            },
        ],
    }
}
PLACES = ["001001", "010025", "099014"]
COAST = {"costieri": ["010025", "099014"], "isole": ["099014"]}
CODES = ["13.92.10", "62.01.00", "47.91.10", "55.10.00", "03.11.00", "74.10.10", "", "99"]
EDITIONS = ["2007"] * 6 + ["", "2007"]
ATECO = pd.DataFrame({"code": CODES, "edition": EDITIONS})
LISTS = ["", "62.01.00; 13.92.10", "55.10.00", "01.11.10|28.30.10", "nessuno"]


def one(code, *, rule, secondary="", place=None, chains=None):
    """Weights and phases of one firm, by chain, those above zero alone."""
    chains = chains or load_chains()
    ateco = pd.DataFrame({"code": [code], "edition": ["2007" if code else ""]})
    lists = read_secondary([secondary], [1], edition="2007")
    classes = place_classes(PLACES, chains, COAST)
    here = np.array([-1 if place is None else PLACES.index(place)])
    firm = FirmCodes(
        code=np.zeros(1, int), secondary=np.zeros(1, int), place_class=classes_of(here, classes)
    )
    found = firm_memberships(firm, ateco, chains, rule=rule, secondary=lists, classes=classes)
    inside = found.members[0]
    return {
        key: (round(float(weight), 6), PHASE_NAMES[phase])
        for key, weight, phase, here in zip(
            found.chains, found.units[0] / UNITS, found.phase[0], inside, strict=True
        )
        if here
    }


def test_a_firm_counts_whole_in_each_chain_or_is_divided_evenly():
    whole = one("13.92.10", rule=MembershipRule())
    assert whole == {"moda": (1.0, "produzione"), "arredo_design": (1.0, "produzione")}
    equal = one("13.92.10", rule=MembershipRule(weights="equal"))
    assert equal == {"moda": (0.5, "produzione"), "arredo_design": (0.5, "produzione")}


def test_given_weights_are_those_of_the_lines_and_never_exceed_one_firm():
    line = {"phase": "produzione", "ateco_2007": ["13.92"], "ateco_2025": ["13.92"]}
    chains = custom_chains(
        {
            "a": {"label": "A", "lines": [{**line, "weight": 0.9}]},
            "b": {"label": "B", "lines": [{**line, "weight": 0.6}]},
        }
    )
    rule = MembershipRule(weights="given")
    assert one("13.92.10", rule=rule, chains=chains) == {
        "a": (0.6, "produzione"),
        "b": (0.4, "produzione"),
    }
    alone = {"b": chains["b"]}
    assert one("13.92.10", rule=rule, chains=alone) == {"b": (0.6, "produzione")}
    assert one("13.92.10", rule=MembershipRule(), chains=alone) == {"b": (1.0, "produzione")}


def test_a_secondary_code_gives_its_stated_weight_and_never_replaces_the_primary_one():
    rule = MembershipRule(secondary_weight=0.25)
    assert one("62.01.00", rule=rule, secondary="62.02.00; 55.10.00") == {
        "ict_digitale": (1.0, "produzione"),
        "turismo": (0.25, "produzione"),
    }
    assert one("62.01.00", rule=MembershipRule(), secondary="55.10.00") == {
        "ict_digitale": (1.0, "produzione")
    }
    divided = MembershipRule(weights="equal", secondary_weight=0.25)
    assert one("62.01.00", rule=divided, secondary="55.10.00") == {
        "ict_digitale": (0.8, "produzione"),
        "turismo": (0.2, "produzione"),
    }
    assert one("", rule=divided, secondary="55.10.00") == {"turismo": (0.25, "produzione")}


def test_a_rule_of_codes_and_territory_holds_in_the_territory_alone():
    chains = custom_chains(SEA)
    rule = MembershipRule()
    assert one("55.10.00", rule=rule, chains=chains, place="010025") == {"mare": (1.0, "servizi")}
    assert one("55.10.00", rule=rule, chains=chains, place="001001") == {}
    assert one("55.10.00", rule=rule, chains=chains) == {}
    assert one("03.11.00", rule=rule, chains=chains, place="001001") == {"mare": (1.0, "monte")}
    given = MembershipRule(weights="given")
    assert one("55.10.00", rule=given, chains=chains, place="099014") == {"mare": (0.5, "servizi")}
    by_second = MembershipRule(secondary_weight=1.0)
    assert one("62", rule=by_second, secondary="56.10.11", chains=chains, place="099014") == {
        "mare": (1.0, "servizi")
    }


def test_a_line_of_a_territory_takes_precedence_over_one_of_everywhere():
    lines = [
        {"phase": "servizi", "ateco_2007": ["55"]},
        {"phase": "produzione", "ateco_2007": ["55"], "territory": "costieri"},
        {"phase": "esclusa", "ateco_2007": ["55"], "territory": "isole"},
    ]
    chains = custom_chains({"x": {"label": "X", "lines": lines}})
    assert membership(["55.10.00"], "2007", chains).iloc[0, 0] == "servizi"
    coast = membership(["55.10.00"], "2007", chains, territories={"costieri"})
    assert coast.iloc[0, 0] == "produzione"
    assert membership(["55.10.00"], "2007", chains, territories={"isole"}).iloc[0, 0] == ""


def test_a_recoded_code_counts_in_the_chains_of_its_targets_by_their_share():
    rule = MembershipRule(edition="2025")
    found = one("47.91.10", rule=rule)
    targets = recode(["47.91.10"])
    inside = membership(list(targets.targets), "2025", load_chains()) != ""
    expected = (inside.to_numpy() * targets.shares[:, None]).sum(axis=0)
    for key, share in zip(inside.columns, expected, strict=True):
        assert found.get(key, (0.0, ""))[0] == pytest.approx(share, abs=1e-5)
    assert 0 < found["moda"][0] < 1
    assert one("47.91.10", rule=MembershipRule()) == {}  # no chain has web retail in 2007


def test_a_divided_firm_of_an_apportioned_code_never_counts_more_than_once():
    rule = MembershipRule(weights="equal", edition="2025")
    found = one("47.99.10", rule=rule)
    targets = recode(["47.99.10"])
    inside = membership(list(targets.targets), "2025", load_chains()) != ""
    divided = inside.div(inside.sum(axis=1).clip(lower=1), axis=0).to_numpy()
    expected = (divided * targets.shares[:, None]).sum(axis=0)
    for key, share in zip(inside.columns, expected, strict=True):
        assert found.get(key, (0.0, ""))[0] == pytest.approx(share, abs=1e-5)
    assert sum(weight for weight, _ in found.values()) < 1


def test_shares_of_complex_recodes_may_be_given():
    weights = {("74.10.10", "74.11.20"): 1.0}
    chains = custom_chains({"stile": {"label": "S", "ateco_2025": {"servizi": ["74.11.2"]}}})
    equal = one("74.10.10", rule=MembershipRule(edition="2025"), chains=chains)
    assert equal == {"stile": (0.5, "servizi")}
    learned = MembershipRule(edition="2025", recode_weights=weights)
    assert one("74.10.10", rule=learned, chains=chains) == {"stile": (1.0, "servizi")}


def test_all_firms_together_have_every_firm_whole_and_take_no_part_in_the_division():
    chains = select_chains(("tutte", "moda", "arredo_design"))
    rule = MembershipRule(weights="equal", edition="2025")
    assert one("13.92.10", rule=rule, chains=chains) == {
        "tutte": (1.0, "tutte"),
        "moda": (0.5, "produzione"),
        "arredo_design": (0.5, "produzione"),
    }
    assert one("", rule=rule, chains=chains) == {"tutte": (1.0, "tutte")}


def test_recoded_codes_are_flagged_by_code():
    ateco = ATECO.iloc[:7]
    firms = FirmCodes(code=np.arange(7))
    flags = firm_memberships(
        firms, ateco, load_chains(), rule=MembershipRule(edition="2025")
    ).code_flags
    assert list(flags) == [
        "ATECO_APPORTIONED" if code in ("13.92.10", "47.91.10", "55.10.00", "03.11.00", "74.10.10")
        and len(recode([code]).targets) > 1 else "ATECO_RECODED" if code else ""
        for code in ateco["code"]
    ]  # fmt: skip
    own = firm_memberships(firms, ateco, load_chains(), rule=MembershipRule()).code_flags
    assert set(own) == {""}


def test_a_wrong_weight_of_secondary_codes_is_refused():
    with pytest.raises(ChainError, match="SECONDARY_WEIGHT"):
        one("62", rule=MembershipRule(secondary_weight=1.5))


def test_a_chain_that_refers_to_an_unknown_territory_is_refused():
    with pytest.raises(ChainError, match=r"CHAIN_TERRITORY_UNKNOWN.*costieri.*Known: none"):
        place_classes(PLACES, custom_chains(SEA), {})


@pytest.mark.parametrize("codes", [["010025", "999999"], []])
def test_a_territory_that_is_empty_or_of_another_date_is_refused(codes):
    with pytest.raises(ChainError, match="TERRITORY_CODES"):
        place_classes(PLACES, custom_chains(SEA), {"costieri": codes})


def test_places_are_grouped_by_the_territories_that_chains_use():
    classes = place_classes(PLACES, custom_chains(SEA), COAST)
    assert [classes.territories[which] for which in classes.which] == [
        frozenset(),
        {"costieri"},
        {"costieri"},
    ]
    assert set(place_classes(PLACES, load_chains(), COAST).which) == {0}


def test_all_codes_of_both_editions_are_few_kinds():
    codes = {edition: sorted(titles(edition)) for edition in ("2007", "2025")}
    ateco = pd.DataFrame(
        [(code, edition) for edition, own in codes.items() for code in own],
        columns=["code", "edition"],
    )
    firms = FirmCodes(code=np.arange(len(ateco)))
    found = firm_memberships(firms, ateco, load_chains(), rule=MembershipRule())
    assert len(found.kinds.table) < 120
    expected = membership(ateco["code"].tolist(), ateco["edition"].tolist(), load_chains())
    of_code = np.array(PHASE_NAMES, dtype=object)[found.phase[found.kinds.which]]
    assert (of_code == expected.to_numpy()).all()


def test_no_firms_have_no_kinds():
    firms = FirmCodes(code=np.zeros(0, int))
    found = firm_memberships(firms, ATECO.iloc[:1], load_chains(), rule=MembershipRule())
    assert found.units.shape == (0, 15)
    assert found.phase.shape == (0, 15)


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(ChainError, match="POSITION_RANGE"):
        firm_kinds(FirmCodes(code=np.zeros(3, int), secondary=np.zeros(2, int)))
    with pytest.raises(ChainError, match="POSITION_RANGE"):
        firm_kinds(FirmCodes(code=np.array([0, -2])))
    known = firm_kinds(FirmCodes(code=np.array([0, 2])))
    assert list(find_kinds(known, FirmCodes(code=np.array([2, 0, 2])))) == [1, 0, 1]
    for unknown in (1, 3):
        with pytest.raises(ChainError, match="POSITION_RANGE"):
            find_kinds(known, FirmCodes(code=np.array([0, unknown])))


def brute_force(firm, rule, chains):
    """Weights of one firm, by definition, chain by chain."""
    here = {name for name, codes in COAST.items() if firm["place"] in codes}
    second = [c for c in split_codes(firm["secondary"]) if c != "nessuno"]

    def strengths(code):
        inside = membership([code], "2007", chains, territories=here).iloc[0]
        weights = {}
        for key, chain in chains.items():
            lines = [x for x in chain.lines if not x.territory or x.territory in here]
            hits = [
                (len(p), x.weight)
                for x in lines
                for p in x.prefixes.get("2007", ())
                if code.startswith(p)
            ]
            own = max(hits)[1] if hits and rule.weights == "given" else 1.0
            weights[key] = own if inside[key] else 0.0
        return weights

    primary = strengths(firm["code"]) if firm["code"] else dict.fromkeys(chains, 0.0)
    others = [strengths(code) for code in second]
    raw = {
        key: primary[key]
        or rule.secondary_weight * max((other[key] for other in others), default=0.0)
        for key in chains
    }
    total = sum(raw.values())
    divides = rule.weights != "whole" and total > 1
    return {key: value / total if divides else value for key, value in raw.items()}


FIRMS = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(CODES[:7]),
            "secondary": st.sampled_from(LISTS),
            "place": st.sampled_from(PLACES),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(FIRMS, st.sampled_from(["whole", "equal", "given"]), st.sampled_from([0.0, 0.3, 1.0]))
def test_weights_agree_with_a_firm_by_firm_search(firms, weights, second):
    chains = {**load_chains(), **custom_chains(SEA)}
    rule = MembershipRule(weights=weights, secondary_weight=second)
    table = pd.DataFrame(firms)
    lists = read_secondary(LISTS, [1] * len(LISTS), edition="2007")
    classes = place_classes(PLACES, chains, COAST)
    codes = FirmCodes(
        code=table["code"].map(CODES.index).to_numpy(),
        secondary=table["secondary"].map(LISTS.index).to_numpy(),
        place_class=classes_of(table["place"].map(PLACES.index).to_numpy(), classes),
    )
    found = firm_memberships(codes, ATECO, chains, rule=rule, secondary=lists, classes=classes)
    assert found.kinds.table["rows"].sum() == len(firms)
    assert (found.find(codes) == found.kinds.which).all()
    for firm, kind in zip(firms, found.kinds.which, strict=True):
        expected = brute_force(firm, rule, chains)
        weights_found = found.units[kind] / UNITS
        np.testing.assert_allclose(weights_found, list(expected.values()), atol=2 / UNITS)
    if weights != "whole":
        assert (found.units.sum(axis=1) <= UNITS).all()


@settings(deadline=None, derandomize=True, max_examples=20)
@given(FIRMS, st.randoms())
def test_the_kinds_do_not_depend_on_the_order_of_the_firms(firms, random):
    table = pd.DataFrame(firms)
    order = random.sample(range(len(table)), len(table))

    def kinds_of(rows):
        return firm_kinds(
            FirmCodes(
                code=rows["code"].map(CODES.index).to_numpy(),
                secondary=rows["secondary"].map(LISTS.index).to_numpy(),
            )
        )

    one_way, other_way = kinds_of(table), kinds_of(table.iloc[order])
    pd.testing.assert_frame_equal(one_way.table, other_way.table)
    assert (one_way.which[order] == other_way.which).all()


def test_kinds_count_like_codes_in_the_counting_of_firms():
    chains = custom_chains(SEA)
    draw = np.random.default_rng(3)
    rows = 500
    firms = pd.DataFrame(
        {
            "place": draw.integers(0, 3, rows),
            "year": 0,
            "code": draw.integers(-1, len(CODES), rows),
            "firm": np.arange(rows, dtype=np.uint64),
            "firms": 1,
            "known": 1,
            "digital": draw.integers(0, 2, rows),
        }
    )
    classes = place_classes(PLACES, chains, COAST)
    codes = FirmCodes(
        code=firms["code"].to_numpy(), place_class=classes_of(firms["place"].to_numpy(), classes)
    )
    found = firm_memberships(codes, ATECO, chains, rule=MembershipRule(), classes=classes)
    assert len(found.kinds.table) == 6  # outside, fishing, hotels: in two classes of places
    counts = count_firms(
        firms.assign(code=found.kinds.which),
        found.members,
        areas=np.arange(3),
        shape=(3, 1),
        distinct=False,
    )
    for place, name in enumerate(PLACES):
        own = firms[firms["place"] == place]
        fishing = (own["code"] == CODES.index("03.11.00")).sum()
        hotels = (own["code"] == CODES.index("55.10.00")).sum()
        expected = fishing + (hotels if name in COAST["costieri"] else 0)
        assert counts.firms[place, 0, 0] == expected
        assert counts.firms[place, -1, 0] == len(own)
