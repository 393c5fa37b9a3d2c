"""Universes: size classes of the EU, what bounds settle, and what stays undecided."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.indicators.bounded import (
    Bounded,
    contradictions,
    exact_amounts,
    letter_amounts,
    meet_amounts,
    read_amounts,
    sum_by_firm,
    unknown_amounts,
)
from geo_engine.indicators.universe import (
    Size,
    eu_size_classes,
    from_universe_bits,
    keeps_limits,
    membership_of,
    size_classes,
    size_labels,
    universe_bits,
    universe_membership,
    universe_table,
)
from geo_engine.indicators.universe_definitions import (
    custom_universes,
    load_universes,
    select_universes,
)
from geo_engine.quality.numbers import read_numbers

KEYS = ("tutte", "micro", "pmi", "pmi_10_249")
NAN = float("nan")


def size(persons, turnover=None, assets=None) -> Size:
    rows = len(persons)
    return Size(
        persons=exact_amounts(persons),
        turnover=exact_amounts([NAN] * rows if turnover is None else turnover),
        assets=exact_amounts([NAN] * rows if assets is None else assets),
    )


def read(text: str, **keys) -> tuple[float, float]:
    found = read_amounts(pd.Series([text]), **{"mark": "", **keys})
    return float(found.low[0]), float(found.high[0])


# Amounts within bounds


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("12", (12, 12)),
        ("3,5", (3.5, 3.5)),
        ("10-49", (10, 49)),
        ("da 10 a 49 addetti", (10, 49)),
        ("tra 10 e 49", (10, 49)),
        ("250 e oltre", (250, np.inf)),
        ("250+", (250, np.inf)),
        (">= 250", (250, np.inf)),
        ("fino a 9", (0, 9)),
        ("100.001 - 500.000 euro", (100_001, 500_000)),
        ("0-100.000 euro", (0, 100_000)),
        ("Da 10 a 50mila euro", (10_000, 50_000)),
        ("2 milioni", (2e6, 2e6)),
        ("no data", (0, np.inf)),
        ("", (0, np.inf)),
        ("-3", (0, np.inf)),
        ("49-10", (0, np.inf)),
        ("500 mila - 1 milione", (0, np.inf)),
        ("2020-01-01", (0, np.inf)),
    ],
)
def test_a_number_or_a_class_is_read_as_the_bounds_that_it_states(text, bounds):
    assert read(text) == bounds


def test_over_249_persons_begins_with_250_and_over_50_million_just_above_it():
    assert read("oltre 249 addetti", whole=True) == (250, np.inf)
    low, _ = read("oltre 50 milioni di euro")
    assert 50e6 < low < 50e6 + 1


def test_a_point_between_thousands_is_read_by_the_mark_of_the_column():
    assert read("1.234", mark=",") == (1234, 1234)
    assert read("1.234", mark=".") == (1.234, 1.234)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.lists(st.text(alphabet="0123456789.,", max_size=9), min_size=1, max_size=20),
    st.sampled_from(["", ".", ","]),
)
def test_numbers_read_at_once_are_what_the_reader_of_numbers_reads_one_by_one(texts, mark):
    numbers = read_numbers(pd.Series(texts, dtype="str"), largest=1e15)
    expected = numbers.values(mark) if mark else np.fmax(numbers.by_point, numbers.by_comma)
    found = read_amounts(pd.Series(texts), mark=mark)
    np.testing.assert_array_equal(found.low, np.nan_to_num(expected, nan=0.0))
    np.testing.assert_array_equal(found.high, np.where(np.isnan(expected), np.inf, expected))


def test_a_missing_text_is_unknown_in_every_form_of_column():
    for column in (
        pd.Series(["5", None], dtype=object),
        pd.Series(["5", None], dtype="str"),
        pd.Series(["5", None], dtype="str").array._pa_array,
    ):
        found = read_amounts(column, mark="")
        assert found.is_known.tolist() == [True, False]


def test_letters_of_the_startup_register_lie_in_one_eu_class_each():
    persons = letter_amounts(
        pd.Series(["A", "b", " C ", "D", "E", "F", "", None]), "startup_addetti"
    )
    assert size_classes(persons).tolist() == [0, 0, 1, 1, 2, 3, -1, -1]
    money = letter_amounts(pd.Series(list("ABCDEFGH")), "startup_produzione")
    for limit, kept in ((2e6, 4), (10e6, 6), (50e6, 7)):
        assert money.below(limit, inclusive=True).tolist() == [1] * kept + [0] * (8 - kept)


def test_an_unknown_table_of_letters_is_refused():
    with pytest.raises(TableError, match="SIZE_LETTERS"):
        letter_amounts(pd.Series(["A"]), "altro")


def test_a_number_and_a_class_meet_and_the_first_wins_where_they_differ():
    number = exact_amounts([12.0, NAN, 300.0])
    letter = letter_amounts(pd.Series(["C", "C", "C"]), "startup_addetti")
    found = meet_amounts(number, letter)
    assert found.low.tolist() == [12, 10, 300]
    assert found.high.tolist() == [12, 19, 300]
    assert contradictions(number, letter) == contradictions(letter, number) == 1


def test_units_of_a_firm_add_up_within_a_year_and_an_unknown_one_leaves_the_sum_open():
    firm = np.array([7, 7, 9, 7, 9], np.uint64)
    year = np.array([2020, 2020, 2020, 2021, 2020])
    found = sum_by_firm(exact_amounts([4, 8, 30, 5, NAN]), firm, year)
    assert found.low.tolist() == [12, 12, 30, 5, 30]
    assert found.high.tolist() == [12, 12, np.inf, 5, np.inf]


# Classes and universes


def test_size_classes_begin_at_10_50_and_250_persons():
    persons = exact_amounts([0, 9, 9.5, 10, 49, 49.9, 50, 249, 249.5, 250, 1e5, NAN])
    assert size_classes(persons).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, -1]
    assert len(size_labels()) == len(size_labels("en")) == 4


def test_the_eu_class_takes_turnover_or_balance_sheet_whichever_keeps_the_limit():
    found = eu_size_classes(
        size(
            [5, 5, 5, 40, 40, 200, 200, 200, 300],
            [2e6, 2_000_001, 3e6, 10e6, 11e6, 50e6, 60e6, 60e6, 1e6],
            [9e9, 1e6, 3e6, 9e9, 11e6, 9e9, 43e6, 43_000_001, 1e6],
        )
    )
    assert found.tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 3]


def test_without_any_money_persons_decide_unless_the_study_wants_certainty():
    firms = size([5, 20, 100, 300, NAN])
    assert eu_size_classes(firms).tolist() == [0, 1, 2, 3, -1]
    strict = eu_size_classes(firms, unknown_money="undecided")
    assert strict.tolist() == [-1, -1, -1, 3, -1]


def test_presets_hold_by_hand():
    firms = size(
        [5, 5, 10, 100, 100, 100, 250, NAN, 100],
        [1e6, 3e6, 1e6, 60e6, 60e6, 60e6, 1e6, 1e6, NAN],
        [NAN, 3e6, NAN, 40e6, 50e6, NAN, 1e6, NAN, NAN],
    )
    found = universe_membership(firms, select_universes(KEYS))
    assert found.inside.astype(int).tolist() == [
        [1, 1, 0, 0],
        [1, 0, 0, 0],  # five persons, over both limits of a micro enterprise
        [1, 0, 1, 1],
        [1, 0, 1, 1],  # the balance sheet keeps its limit
        [1, 0, 0, 1],
        [1, 0, 0, 1],  # over in turnover, balance sheet unknown: undecided
        [1, 0, 0, 0],
        [1, 0, 0, 0],  # unknown persons
        [1, 0, 1, 1],  # no money known: persons decide, and are counted
    ]
    assert found.undecided[5].tolist() == [False, False, True, False]
    assert found.undecided[7].tolist() == [False, True, True, True]
    assert found.by_persons[8].tolist() == [False, False, True, False]
    assert found.counts.tolist() == [[9, 0, 0, 0], [1, 7, 1, 0], [3, 4, 2, 1], [5, 3, 1, 0]]


def test_the_table_says_in_italian_how_many_cannot_be_told():
    firms = size([NAN] * 1200 + [20], None, None)
    universes = select_universes(("tutte", "pmi"))
    table = universe_table(universes, universe_membership(firms, universes).counts)
    assert table["note"][0] == ""
    assert table["note"][1].startswith("1.200 imprese di 1.201 non sono assegnabili")
    assert table["note"][1].endswith("senza fatturato né attivo noti")
    assert table["label"].tolist() == [u.label for u in universes]


PERSONS = st.sampled_from([0, 5, 9, 10, 49, 50, 249, 250, 1000])
MONEY = st.sampled_from([0.0, 1e6, 2e6, 3e6, 10e6, 43e6, 43.5e6, 50e6, 51e6])


def bounded(values) -> st.SearchStrategy[tuple[float, float]]:
    pair = st.tuples(values, values).map(lambda two: (min(two), max(two)))
    return st.one_of(pair, values.map(lambda x: (x, x)), st.just((0, np.inf)))


def in_universe(universe, persons, turnover, assets) -> bool:
    """Decide for one enterprise of which all is known."""
    if universe.persons is not None:
        first, last = universe.persons
        if not first <= persons < last:
            return False
    if universe.turnover is None and universe.assets is None:
        return True
    return turnover <= universe.turnover or assets <= universe.assets


def completions(low: float, high: float, values: list[float]) -> list[float]:
    return [x for x in values if low <= x <= high]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.lists(st.tuples(bounded(PERSONS), bounded(MONEY), bounded(MONEY)), min_size=1, max_size=5)
)
def test_an_enterprise_is_inside_exactly_when_every_completion_of_its_bounds_is(rows):
    def amounts(position):
        pairs = np.array([row[position] for row in rows], float)
        return Bounded(low=pairs[:, 0], high=pairs[:, 1])

    universes = tuple(load_universes().values())
    firms = Size(persons=amounts(0), turnover=amounts(1), assets=amounts(2))
    found = universe_membership(firms, universes, unknown_money="undecided")
    grids = (
        [0, 5, 9, 10, 49, 50, 249, 250, 1000, 10**6],
        [0, 1e6, 2e6, 3e6, 10e6, 43e6, 43.5e6, 50e6, 51e6, 1e12],
        [0, 1e6, 2e6, 3e6, 10e6, 43e6, 43.5e6, 50e6, 51e6, 1e12],
    )
    for i, row in enumerate(rows):
        worlds = list(
            itertools.product(*(completions(*b, g) for b, g in zip(row, grids, strict=True)))
        )
        for j, universe in enumerate(universes):
            outcomes = {in_universe(universe, *world) for world in worlds}
            assert found.inside[i, j] == (outcomes == {True})
            assert found.undecided[i, j] == (len(outcomes) == 2)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(PERSONS, MONEY, MONEY), min_size=1, max_size=20))
def test_the_eu_classes_of_known_sizes_are_nested_in_their_limits(rows):
    persons, turnover, assets = (np.array(column, float) for column in zip(*rows, strict=True))
    found = eu_size_classes(size(persons, turnover, assets))
    limits = [(10, 2e6, 2e6), (50, 10e6, 10e6), (250, 50e6, 43e6)]
    expected = [
        next(
            (
                c
                for c, (p, t, a) in enumerate(limits)
                if row[0] < p and (row[1] <= t or row[2] <= a)
            ),
            3,
        )
        for row in rows
    ]
    assert found.tolist() == expected


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 16), st.integers(0, 30), st.integers(0, 2**32))
def test_packed_memberships_come_back_unchanged(universes, firms, seed):
    inside = np.random.default_rng(seed).random((firms, universes)) < 0.5
    bits = universe_bits(inside)
    assert bits.dtype == np.uint16
    np.testing.assert_array_equal(from_universe_bits(bits, universes), inside)


def test_persons_of_units_added_up_later_give_the_same_memberships():
    universes = select_universes(KEYS)
    firm, year = np.array([1, 1, 2], np.uint64), np.array([2024, 2024, 2024])
    units, turnover = exact_amounts([6, 6, 6]), exact_amounts([1e6, 1e6, 1e6])
    money = keeps_limits(turnover, unknown_amounts(3), universes)
    found = membership_of(sum_by_firm(units, firm, year), money, universes)
    assert found.inside.astype(int).tolist() == [[1, 0, 1, 1], [1, 0, 1, 1], [1, 1, 0, 0]]


def test_counts_of_batches_add_up():
    firms = [5, 20, NAN, 300, 40]
    universes = select_universes(KEYS)
    whole = universe_membership(size(firms), universes).counts
    parts = sum(universe_membership(size([one]), universes).counts for one in firms)
    np.testing.assert_array_equal(whole, parts)
    assert (whole[:, :3].sum(axis=1) == 5).all()


def test_a_study_may_define_its_own_universe_and_replace_a_shipped_one():
    own = {
        "grandi": {"label": "grandi imprese", "label_en": None, "persons": [250]},
        "pmi": {"label": "PMI", "persons": [10, 250], "turnover": 50e6, "limits": None},
    }
    grandi, pmi = select_universes(["grandi", "pmi"], own)
    assert grandi.persons == (250, np.inf)
    assert grandi.label_en == "grandi imprese"
    assert (pmi.turnover, pmi.assets) == (50e6, None)
    assert universe_membership(size([249, 250]), [grandi]).inside[:, 0].tolist() == [False, True]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"x": {"label": "x", "limits": "grande"}}, "no limits 'grande'"),
        ({"x": {"label": "x", "persons": [50, 10]}}, "holds no enterprise"),
    ],
)
def test_a_universe_that_cannot_be_is_refused(keys, message):
    with pytest.raises(TableError, match=rf"UNIVERSE.*{message}"):
        custom_universes(keys)


def test_an_unknown_universe_is_answered_with_the_nearest_and_two_of_one_key_are_refused():
    with pytest.raises(TableError, match=r"UNIVERSE_UNKNOWN.*Did you mean pmi"):
        select_universes(["pmmi"])
    with pytest.raises(TableError, match=r"UNIVERSE.*each once"):
        select_universes(["pmi", "pmi"])
    with pytest.raises(TableError, match="UNIVERSE"):
        select_universes([])


def test_no_firms_have_no_universe():
    empty = Size(persons=unknown_amounts(0), turnover=unknown_amounts(0), assets=unknown_amounts(0))
    found = universe_membership(empty, select_universes(KEYS))
    assert found.inside.shape == (0, 4)
    assert found.counts.tolist() == [[0] * 4] * 4
    assert len(sum_by_firm(unknown_amounts(0), np.zeros(0, np.uint64), np.zeros(0, int)).low) == 0


@pytest.mark.shared
def test_startups_have_a_size_wherever_the_register_gives_their_class(shared_data):
    path = shared_data / "firms" / "innovative_startups_half.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    letters = letter_amounts(table["classe_addetti"], "startup_addetti")
    words = read_amounts(table["addetti"], mark="", whole=True)
    both = letters.is_known & words.is_known
    np.testing.assert_array_equal(letters.low[both], words.low[both])
    np.testing.assert_array_equal(size_classes(letters)[both], size_classes(words)[both])
    assert (size_classes(letters) >= 0).sum() == (table["classe_addetti"] != "").sum()
