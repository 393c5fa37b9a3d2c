"""Sums of what firms have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.indicators.amounts import label_amounts, sum_amounts

MEMBERS = np.array([[True, False], [True, True], [False, False]])


def rows(*values) -> pd.DataFrame:
    return pd.DataFrame(values, columns=["place", "year", "code", "amount"])


def test_four_firms_are_summed_as_worked_by_hand():
    firms = rows((0, 0, 0, 3.0), (0, 0, 1, 4.0), (1, 0, -1, 2.0), (1, 0, 2, np.nan), (-1, 0, 0, 9))
    found = sum_amounts(firms, MEMBERS, areas=np.arange(2), shape=(2, 1))
    assert found.total[:, :, 0].tolist() == [[7, 4, 7], [0, 0, 2]]
    assert found.squares[:, :, 0].tolist() == [[25, 16, 25], [0, 0, 4]]
    assert found.number[:, :, 0].tolist() == [[2, 1, 2], [0, 0, 1]]
    assert found.missing[:, :, 0].tolist() == [[0, 0, 0], [0, 0, 1]]
    by_chain, everyone = label_amounts(found, ["001001", "001002"], ["a", "b"], [2024])
    assert float(by_chain["total"].sel(place="001001", chain="b", year=2024)) == 4
    assert float(everyone["missing"].sel(place="001002", year=2024)) == 1


def test_weights_of_memberships_divide_a_firm_between_chains():
    found = sum_amounts(
        rows((0, 0, 0, 8.0)), np.array([[0.25, 0.75]]), areas=np.array([0]), shape=(1, 1)
    )
    assert found.total[0, :, 0].tolist() == [2, 6, 8]
    assert found.number[0, :, 0].tolist() == [0.25, 0.75, 1]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((5, 0, 0, 1.0), "POSITION_RANGE"),
        ((0, 0, 7, 1.0), "POSITION_RANGE"),
        ((0, 0, 0, np.inf), "AMOUNT_RANGE"),
    ],
)
def test_positions_outside_and_infinite_amounts_are_refused(row, code):
    with pytest.raises(TableError, match=code):
        sum_amounts(rows(row), MEMBERS, areas=np.arange(2), shape=(2, 1))


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 500))
def test_sums_equal_those_of_pandas_in_any_order(seed):
    rng = np.random.default_rng(seed)
    firms = pd.DataFrame(
        {name: rng.integers(0, high, 80) for name, high in (("place", 4), ("year", 2), ("code", 3))}
    ).assign(amount=rng.integers(0, 9, 80).astype(float))
    found = sum_amounts(firms, MEMBERS, areas=np.array([0, 1, 1, -1]), shape=(2, 2))
    again = sum_amounts(firms[::-1], MEMBERS, areas=np.array([0, 1, 1, -1]), shape=(2, 2))
    np.testing.assert_array_equal(found.squares, again.squares)
    kept = firms[firms["place"] < 3].assign(area=lambda t: np.minimum(t["place"], 1))
    for chain in range(2):
        own = kept[MEMBERS[kept["code"], chain]]
        expected = own.pivot_table("amount", "area", "year", aggfunc="sum")
        expected = expected.reindex(index=[0, 1], columns=[0, 1]).fillna(0)
        np.testing.assert_array_equal(found.total[:, chain], expected)
