"""Tax codes with several rows, against a count by hand."""

from __future__ import annotations

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.quality.seats import Seats, find_seats, seat_warning

ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(2023, 2024), st.integers(0, 4), st.booleans()),
    max_size=80,
)


def seats_of(rows: list[tuple[int, int, int, bool]]) -> Seats:
    firm, year, place, has_code = (
        np.array([row[i] for row in rows], kind)
        for i, kind in enumerate((np.uint64, np.int16, np.int32, bool))
    )
    return find_seats(firm, year, place, has_code)


def by_hand(rows: list[tuple[int, int, int, bool]]) -> tuple[list[int], list[bool]]:
    groups = collections.defaultdict(list)
    for firm, year, place, has_code in rows:
        if has_code:
            groups[firm, year].append(place)
    kept = {
        key: min(places, key=lambda place: (-places.count(place), place))
        for key, places in groups.items()
    }
    sizes = [len(places) for places in groups.values()]
    conflicts = [places for places in groups.values() if len(set(places)) > 1]
    facts = [
        sum(sizes),
        len(groups),
        sum(size > 1 for size in sizes),
        len(conflicts),
        sum(map(len, conflicts)),
        max(sizes, default=0),
    ]
    return facts, [has and place != kept[firm, year] for firm, year, place, has in rows]


@settings(deadline=None, derandomize=True)
@given(ROWS)
def test_seats_are_those_counted_by_hand(rows: list[tuple[int, int, int, bool]]) -> None:
    found = seats_of(rows)
    facts, out = by_hand(rows)
    assert facts == [
        found.rows,
        found.codes,
        found.several_rows,
        found.conflicting,
        found.conflicting_rows,
        found.largest,
    ]
    assert found.out.tolist() == out
    conflicts = {int(number) for number in found.group} - {-1}
    assert conflicts == set(range(found.conflicting))


@settings(deadline=None, derandomize=True)
@given(ROWS, st.randoms(use_true_random=False))
def test_which_rows_stay_does_not_depend_on_their_order(rows, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = rows.copy()
    random.shuffle(shuffled)

    def fates(listed):  # type: ignore[no-untyped-def]
        return sorted(zip(listed, seats_of(listed).out.tolist(), strict=True))

    assert fates(rows) == fates(shuffled)


def test_a_firm_of_many_local_units_is_sorted_too() -> None:
    rows = [(1, 2024, place % 50, True) for place in range(2000)] + [(1, 2024, 49, True)]
    found = seats_of(rows)
    assert (found.codes, found.largest, found.conflicting_rows) == (1, 2001, 2001)
    assert found.out.sum() == 2001 - 41  # municipality 49 has one row more


@pytest.mark.parametrize(
    ("rows_of_each", "unit", "warning"),
    [
        (1, "unita_locale", "looks_like_seats"),
        (1, "sede", ""),
        (1, "impresa", ""),
        (2, "unita_locale", ""),
        (2, "sede", "looks_like_units"),
        (2, "impresa", "looks_like_units"),
    ],
)
def test_rows_that_do_not_look_like_the_stated_unit_are_told(
    rows_of_each: int, unit: str, warning: str
) -> None:
    rows = [(firm, 2024, 1, True) for firm in range(200) for _ in range(rows_of_each)]
    assert seat_warning(seats_of(rows), unit) == warning


def test_a_few_tax_codes_prove_nothing() -> None:
    assert seat_warning(seats_of([(1, 2024, 1, True)] * 5), "sede") == ""
    assert seat_warning(seats_of([]), "unita_locale") == ""
