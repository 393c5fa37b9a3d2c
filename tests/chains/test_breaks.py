"""Where an indicator of a chain cannot be followed from year to year, and why."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.chains.breaks import (
    COLUMNS,
    CodedSignal,
    crosses_break,
    editions_by_year,
    series_breaks,
)
from geo_engine.chains.classification import links, titles
from geo_engine.chains.membership import custom_chains, load_chains, membership, select_chains
from geo_engine.errors import ChainError

GRAPES = {  # 01.21.00 is 01.21.00 and nothing else in both editions
    "vite": {
        "label": "Vite",
        "ateco_2007": {"monte": ["01.21"]},
        "ateco_2025": {"monte": ["01.21"]},
    }
}
STYLE = {  # 74.10.10 became 74.11.10 and 74.11.20
    "stile": {
        "label": "Stile",
        "ateco_2007": {"servizi": ["74.10.1"]},
        "ateco_2025": {"servizi": ["74.11.2"]},
    }
}


def years(**counts):
    """Rows by year of the two editions: years(y2023=(9, 0))."""
    index = pd.Index([int(year[1:]) for year in counts], name="year")
    return pd.DataFrame(list(counts.values()), index=index, columns=["2007", "2025"])


CHANGE = years(y2022=(100, 0), y2024=(100, 0), y2025=(0, 100))


def causes(table, chain, indicator="firms"):
    own = table[(table["chain"] == chain) & (table["indicator"] == indicator)]
    return {(row.year, row.before, row.cause) for row in own.itertuples()}


def test_years_of_one_edition_have_no_break():
    found = series_breaks(load_chains(), CHANGE.iloc[:2], indicators=("firms",))
    assert found.empty
    assert tuple(found.columns) == COLUMNS


def test_a_chain_of_codes_with_one_successor_has_no_break():
    found = series_breaks(custom_chains(GRAPES), CHANGE, indicators=("firms",))
    assert found.empty


def test_a_chain_that_keeps_one_of_two_successors_loses_an_uncertain_half():
    found = series_breaks(custom_chains(STYLE), CHANGE, indicators=("firms", "share"))
    assert causes(found, "stile") == {(2025, 2024, "perimeter")}
    row = found.iloc[0]
    assert (row["codes_staying"], row["codes_leaving"], row["codes_entering"]) == (0, 1, 0)
    assert row["share_uncertain"] == 0.5
    assert (row["edition_before"], row["edition"]) == ("2007", "2025")
    assert list(found["indicator"]) == ["firms", "share"]
    assert found["note"].str.len().gt(20).all()
    assert found["note_en"].str.len().gt(20).all()


def test_the_end_of_web_retail_marks_the_chains_that_its_firms_enter_and_no_other():
    found = series_breaks(load_chains(), CHANGE, indicators=("firms",))
    new = membership(sorted({t for ts in links().values() for t in ts}), "2025", load_chains())
    web = [code for code in links() if code.startswith("47.91")]
    entered = {
        chain
        for chain in new.columns
        if any(new.loc[target, chain] for code in web for target in links()[code])
    }
    marked = set(found.loc[found["cause"] == "online_retail", "chain"])
    assert marked == entered
    assert {"moda", "agroalimentare"} <= marked
    assert "meccanica_automazione" not in marked
    assert "47.91" in found.loc[found["cause"] == "online_retail", "note"].iloc[0]


def test_platforms_mark_the_chains_that_hold_their_new_classes():
    found = series_breaks(load_chains(), CHANGE, indicators=("firms",))
    marked = set(found.loc[found["cause"] == "platforms", "chain"])
    assert {"turismo", "costruzioni", "logistica"} <= marked
    assert not {"moda", "chimica_plastica"} & marked


def test_a_signal_told_from_web_retail_breaks_in_every_chain_and_in_all_firms():
    chains = select_chains(("tutte", "meccanica_automazione"))
    signal = CodedSignal(prefixes={"2007": ("47.91",)}, indicators=("digital", "share"))
    found = series_breaks(chains, CHANGE, indicators=("firms",), signals={"web": signal})
    assert causes(found, "tutte", "share") == {(2025, 2024, "online_retail")}
    assert causes(found, "tutte", "firms") == set()
    assert causes(found, "meccanica_automazione", "digital") == {(2025, 2024, "online_retail")}


def test_a_signal_whose_codes_have_the_same_firms_in_both_editions_does_not_break():
    one = custom_chains(GRAPES)
    same = CodedSignal(prefixes={"2007": ("01.21",), "2025": ("01.21",)}, indicators=("share",))
    assert series_breaks(one, CHANGE, indicators=(), signals={"s": same}).empty
    lacking = CodedSignal(prefixes={"2007": ("01.21",)}, indicators=("share",))
    found = series_breaks(one, CHANGE, indicators=(), signals={"s": lacking})
    assert set(found["cause"]) == {"signal_codes"}


def test_a_year_with_both_editions_is_marked_in_itself_and_against_its_neighbors():
    found = series_breaks(
        custom_chains(STYLE),
        years(y2023=(100, 0), y2024=(50, 50), y2025=(0, 100)),
        indicators=("firms",),
    )
    assert causes(found, "stile") == {
        (2024, 2024, "mixed_editions"),
        (2024, 2023, "perimeter"),
        (2025, 2024, "perimeter"),
    }


def test_a_few_stray_codes_of_the_other_edition_are_no_break():
    found = series_breaks(
        custom_chains(STYLE), years(y2023=(1000, 0), y2024=(1000, 3)), indicators=("firms",)
    )
    assert found.empty


def test_firms_recoded_to_one_edition_are_marked_as_apportioned():
    both = {"stile": {**STYLE["stile"], "ateco_2025": {"servizi": ["74.11"]}}}
    whole = series_breaks(custom_chains(both), CHANGE, indicators=("firms",), recoded=True)
    assert whole.empty  # both successors are inside: no firm is uncertain
    half = series_breaks(custom_chains(STYLE), CHANGE, indicators=("firms",), recoded=True)
    assert causes(half, "stile") == {(2025, 2024, "apportioned")}


def test_firms_weigh_what_is_uncertain():
    chains = custom_chains(
        {
            "due": {
                "label": "Due",
                "ateco_2007": {"servizi": ["74.10.1", "74.10.21"]},
                "ateco_2025": {"servizi": ["74.11.2", "74.12.01"]},
            }
        }
    )
    plain = series_breaks(chains, CHANGE, indicators=("firms",))
    assert plain["share_uncertain"].iloc[0] == 0.25
    firms = {("2007", "74.10.10"): 10, ("2007", "74.10.21"): 90}
    weighed = series_breaks(chains, CHANGE, indicators=("firms",), firms=firms)
    assert weighed["share_uncertain"].iloc[0] == pytest.approx(0.05)
    rare = firms | {("2007", "74.10.10"): 0.5}  # a quarter of a firm in 90 may leave
    assert series_breaks(chains, CHANGE, indicators=("firms",), firms=rare).empty


def test_a_named_cause_needs_firms_that_have_its_codes():
    chains = select_chains(("moda",))
    weaver, shop = ("2007", "13.20.00"), ("2007", "47.91.10")
    for firms, found in (({weaver: 10}, False), ({weaver: 10, shop: 10}, True)):
        table = series_breaks(chains, CHANGE, indicators=("firms",), firms=firms)
        assert ("online_retail" in set(table["cause"])) == found


def test_editions_are_counted_by_year():
    ateco = pd.DataFrame(
        {"code": ["62.01", "62.10", "10", ""], "edition": ["2007", "2025", "", ""]}
    )
    found = editions_by_year(
        np.array([2024, 2023, 2024, 2024, 2023]), np.array([0, 0, 1, 2, -1]), ateco
    )
    assert found.index.tolist() == [2023, 2024]
    assert found.to_numpy().tolist() == [[1, 0], [1, 1]]


def test_a_change_crosses_the_breaks_after_its_first_year():
    found = series_breaks(load_chains(), CHANGE, indicators=("firms",))
    keys = ("moda", "tutte")
    assert crosses_break(found, "firms", keys, (2024, 2025)).tolist() == [True, False]
    assert crosses_break(found, "firms", keys, (2025, 2022)).tolist() == [True, False]
    assert crosses_break(found, "firms", keys, (2022, 2024)).tolist() == [False, False]
    assert crosses_break(found, "share", keys, (2024, 2025)).tolist() == [False, False]


def test_a_change_from_a_mixed_year_crosses_a_break():
    found = series_breaks(
        custom_chains(STYLE), years(y2024=(50, 50), y2025=(0, 100)), indicators=("firms",)
    )
    assert crosses_break(found, "firms", ("stile",), (2024, 2024)).tolist() == [True]


def test_an_unknown_edition_or_a_chain_without_one_is_refused():
    with pytest.raises(ChainError, match="ATECO_EDITION_UNKNOWN"):
        series_breaks(load_chains(), CHANGE.rename(columns={"2007": "1991"}), indicators=())
    fish = custom_chains({"pesce": {"label": "Pesce", "ateco_2007": {"monte": ["03"]}}})
    with pytest.raises(ChainError, match="CHAIN_EDITION_MISSING"):
        series_breaks(fish, CHANGE, indicators=("firms",))


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    st.lists(
        st.sampled_from([c for c in sorted(titles("2007")) if len(c) == 5]),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_a_chain_with_every_target_of_its_codes_loses_nothing_and_no_share_leaves_0_to_1(classes):
    codes = [code for code in links() if code[:5] in classes]
    targets = sorted({target for code in codes for target in links()[code]})
    keys = {"label": "X", "ateco_2007": {"monte": classes}, "ateco_2025": {"monte": targets}}
    found = series_breaks(custom_chains({"x": keys}), CHANGE, indicators=("firms",))
    assert (found["codes_leaving"] == 0).all()
    assert found["share_uncertain"].between(0, 1).all()
