"""Counts: units and distinct enterprises by area, chain and year."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.indicators.counting import FIRM_COLUMNS, FirmWeights, count_firms

# Codes 0, 1, 2; chains A = {0, 1}, B = {1}; code 2 is in none.
MEMBERS = np.array([[True, False], [True, True], [False, False]])


def table(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(FIRM_COLUMNS)).astype(
        {"place": "int32", "year": "int16", "code": "int32", "firm": "uint64"}
    )


# place, year, code, firm, firms, known, digital
ROWS = [
    (0, 0, 0, 7, 1, 1, 0),
    (0, 0, 1, 7, 1, 1, 1),  # the same enterprise, another unit: digital
    (1, 0, 1, 7, 1, 0, 0),  # and another municipality, signal unknown
    (1, 0, 2, 8, 1, 1, 1),
    (1, 1, -1, 9, 1, 1, 0),  # no code
    (-1, 0, 0, 10, 1, 1, 1),  # no place
]


def count(rows, areas, n_areas, *, distinct):
    return count_firms(
        table(rows), MEMBERS, areas=np.array(areas), shape=(n_areas, 2), distinct=distinct
    )


def test_units_add_up():
    counts = count(ROWS, [0, 1], 2, distinct=False)
    # area x (A, B, all) x year
    np.testing.assert_array_equal(
        counts.firms, [[[2, 0], [1, 0], [2, 0]], [[1, 0], [1, 0], [2, 1]]]
    )
    np.testing.assert_array_equal(
        counts.known, [[[2, 0], [1, 0], [2, 0]], [[0, 0], [0, 0], [1, 1]]]
    )
    np.testing.assert_array_equal(
        counts.digital, [[[1, 0], [1, 0], [1, 0]], [[0, 0], [0, 0], [1, 0]]]
    )


def test_an_enterprise_counts_once_in_each_municipality_and_once_in_the_province():
    places = count(ROWS, [0, 1], 2, distinct=True)
    np.testing.assert_array_equal(
        places.firms, [[[1, 0], [1, 0], [1, 0]], [[1, 0], [1, 0], [2, 1]]]
    )
    province = count(ROWS, [0, 0], 1, distinct=True)
    np.testing.assert_array_equal(province.firms, [[[1, 0], [1, 0], [2, 1]]])
    np.testing.assert_array_equal(province.known, [[[1, 0], [1, 0], [2, 1]]])
    np.testing.assert_array_equal(province.digital, [[[1, 0], [1, 0], [2, 0]]])


def test_a_row_of_counts_with_its_own_key_counts_whole():
    counts = count([(0, 0, 0, 1, 25, 20, 5), (0, 0, 0, 2, 4, 0, 0)], [0], 1, distinct=True)
    assert counts.firms[0, :, 0].tolist() == [29, 0, 29]
    assert counts.digital[0, 0, 0] == 5


def test_no_rows_give_zeros():
    for distinct in (True, False):
        assert count([], [0], 1, distinct=distinct).firms.tolist() == [[[0, 0], [0, 0], [0, 0]]]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((2, 0, 0, 1, 1, 1, 1), "POSITION_RANGE.*place"),
        ((0, 2, 0, 1, 1, 1, 1), "POSITION_RANGE.*year"),
        ((0, 0, 3, 1, 1, 1, 1), "POSITION_RANGE.*code"),
        ((0, 0, 0, 1, 1, 2, 1), "COUNT_RANGE"),
        ((0, 0, 0, 1, 1, 0, 1), "COUNT_RANGE"),
        ((0, 0, 0, 1, 1, 1, -1), "COUNT_RANGE"),
    ],
)
def test_rows_that_fit_no_table_are_refused(row, code):
    with pytest.raises(TableError, match=code):
        count([row], [0, 1], 2, distinct=False)


@pytest.mark.parametrize("distinct", [True, False])
def test_a_row_without_a_year_counts_in_no_year(distinct):
    counts = count([(0, -1, 0, 1, 1, 1, 1)], [0], 1, distinct=distinct)
    assert counts.firms.sum() == counts.known.sum() == counts.digital.sum() == 0


@st.composite
def firm_rows(draw):
    n = draw(st.integers(0, 40))
    rows = []
    for _ in range(n):
        known = draw(st.integers(0, 1))
        rows.append(
            (
                draw(st.integers(-1, 3)),
                draw(st.integers(0, 1)),
                draw(st.integers(-1, 2)),
                draw(st.integers(0, 6)),
                1,
                known,
                draw(st.integers(0, known)),
            )
        )
    return rows


AREAS = [0, 0, 1, -1]


def brute_force(rows, *, distinct):
    """Count by sets of Python objects."""
    out = np.zeros((3, 2, 3, 2))
    seen: dict = {}
    for i, (place, year, code, firm, *amounts) in enumerate(rows):
        if place < 0 or AREAS[place] < 0:
            continue
        chains = [2, *np.flatnonzero(MEMBERS[code])] if code >= 0 else [2]
        for chain in chains:
            key = (AREAS[place], int(chain), year, firm if distinct else i)
            seen[key] = [max(a, b) for a, b in zip(seen.get(key, [0, 0, 0]), amounts, strict=True)]
    for (area, chain, year, _), amounts in seen.items():
        out[:, area, chain, year] += amounts
    return out


@settings(deadline=None, derandomize=True)
@given(rows=firm_rows(), distinct=st.booleans(), order=st.randoms(use_true_random=False))
def test_counts_agree_with_sets_and_do_not_depend_on_the_order_of_rows(rows, distinct, order):
    counts = count(rows, AREAS, 2, distinct=distinct)
    expected = brute_force(rows, distinct=distinct)
    for name, values in zip(("firms", "known", "digital"), expected, strict=True):
        np.testing.assert_array_equal(getattr(counts, name), values)
    order.shuffle(rows)
    again = count(rows, AREAS, 2, distinct=distinct)
    np.testing.assert_array_equal(again.firms, counts.firms)


@settings(deadline=None, derandomize=True)
@given(rows=firm_rows())
def test_municipalities_add_up_to_the_province_for_units_and_to_no_less_for_enterprises(rows):
    province = np.array([0, 0, 1, -1])
    for distinct in (False, True):
        fine = count(rows, [0, 1, 2, -1], 3, distinct=distinct).firms
        coarse = count(rows, province, 2, distinct=distinct).firms
        added = np.stack([fine[:2].sum(axis=0), fine[2]])
        assert (added >= coarse).all()
        if not distinct:
            np.testing.assert_array_equal(added, coarse)


WHOLE = 12
weights = st.lists(
    st.tuples(*[st.sampled_from([0, 3, 4, 6, 12]) for _ in range(3)]), min_size=3, max_size=3
)


def weighted(rows, units, *, divides, distinct):
    return count_firms(
        table(rows),
        FirmWeights(units=np.array(units), whole=WHOLE, divides=np.array(divides)),
        areas=np.array(AREAS),
        shape=(2, 2),
        distinct=distinct,
    )


def test_parts_of_firms_add_up():
    rows = [(0, 0, 0, 1, 1, 1, 1), (0, 0, 1, 2, 1, 1, 0), (0, 0, -1, 3, 1, 0, 0)]
    found = weighted(rows, [(6, 6, 0), (3, 0, 0), (0, 0, 0)], divides=[True] * 3, distinct=False)
    np.testing.assert_array_equal(found.firms[0, :, 0], [0.75, 0.5, 0, 3])
    np.testing.assert_array_equal(found.known[0, :, 0], [0.75, 0.5, 0, 2])
    np.testing.assert_array_equal(found.digital[0, :, 0], [0.5, 0.5, 0, 1])


def test_units_of_an_enterprise_in_other_chains_do_not_make_it_more_than_one():
    rows = [(0, 0, 0, 1, 1, 1, 1), (1, 0, 1, 1, 1, 1, 0), (1, 0, 2, 1, 1, 0, 0)]
    units = [(12, 0, 0), (0, 12, 0), (0, 0, 12)]
    divided = weighted(rows, units, divides=[True, True, False], distinct=True)
    np.testing.assert_array_equal(divided.firms[0, :, 0], [0.5, 0.5, 1, 1])
    np.testing.assert_array_equal(divided.known[0, :, 0], [0.5, 0.5, 0, 1])
    np.testing.assert_array_equal(divided.digital[0, :, 0], [0.5, 0, 0, 1])
    apart = weighted(rows, units, divides=[False] * 3, distinct=True)
    np.testing.assert_array_equal(apart.firms[0, :, 0], [1, 1, 1, 1])


@settings(deadline=None, derandomize=True, max_examples=150)
@given(firm_rows(), weights, st.booleans(), st.randoms(use_true_random=False))
def test_weighted_counts_agree_with_fractions(rows, units, distinct, order):
    """Brute force in exact fractions: largest weight of an enterprise's units, then a whole."""
    divides = [True, True, False]
    found = weighted(rows, units, divides=divides, distinct=distinct)
    cells: dict[tuple[int, int, int], list[tuple[int, int, int, int]]] = {}
    for at, (place, year, code, firm, *amounts) in enumerate(rows):
        if place >= 0 and AREAS[place] >= 0:
            key = (AREAS[place], year, firm if distinct else at)
            cells.setdefault(key, []).append((code, *amounts))
    expected = np.zeros((3, 2, 4, 2))
    for (area, year, _), listed in cells.items():
        parts = [
            [
                max(
                    Fraction(n[kind] * (units[code][chain] if code >= 0 else 0), WHOLE)
                    for code, *n in listed
                )
                for chain in range(3)
            ]
            for kind in range(3)
        ]
        whole = max(n[0] for _, *n in listed)
        total = parts[0][0] + parts[0][1]
        factor = [Fraction(1)] * 3
        if distinct and total > whole:
            factor[:2] = [Fraction(whole) / total] * 2
        for kind in range(3):
            for chain in range(3):
                expected[kind, area, chain, year] += float(parts[kind][chain] * factor[chain])
            expected[kind, area, 3, year] += max(n[kind] for _, *n in listed)
    counted = np.stack([found.firms, found.known, found.digital])
    rounding = 3.0 * len(rows) / WHOLE if distinct else 0.0
    np.testing.assert_allclose(counted, expected, atol=rounding + 1e-9)
    if distinct:
        both = found.firms[:, :2].sum(axis=1)
        np.testing.assert_allclose(both, expected[0][:, :2].sum(axis=1), atol=1e-9)
    order.shuffle(rows)
    again = weighted(rows, units, divides=divides, distinct=distinct)
    np.testing.assert_array_equal(counted, [again.firms, again.known, again.digital])


def test_more_firms_than_can_be_added_are_refused():
    rows = [(0, 0, 0, firm, 2**62, 0, 0) for firm in range(2)]
    with pytest.raises(TableError, match="COUNT_RANGE"):
        weighted(rows, [(12, 0, 0)] * 3, divides=[True] * 3, distinct=False)
