"""Specialization against digital need, and the order in which to act."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError
from geo_engine.indicators.priorities import (
    NEED_QUADRANTS,
    PRIORITIES,
    Need,
    need_quadrants,
    priority_table,
)

DIMS = ("place", "chain")
NAMES = ["001001", "001002", "001003", "001004", "001005", "001006"]


def column(*values) -> xr.DataArray:
    return xr.DataArray(
        np.array(values, float)[:, None], dims=DIMS,
        coords={"place": NAMES[: len(values)], "chain": ["moda"]},
    )  # fmt: skip


def need(quotients, shares, reference=0.5) -> Need:
    """Give a need from (low, value, high) of quotients and shares."""
    low, value, high = zip(*quotients, strict=True)
    share_low, share, share_high = zip(*shares, strict=True)
    return Need(
        specialization=xr.Dataset(
            {
                "location_quotient": column(*value),
                "location_quotient_low": column(*low),
                "location_quotient_high": column(*high),
            }
        ),
        share=column(*share),
        share_low=column(*share_low),
        share_high=column(*share_high),
        reference=xr.DataArray([reference], dims="chain", coords={"chain": ["moda"]}),
    )


CASE = need(
    [(1.5, 2, 3), (1.5, 2, 3), (0.8, 1.2, 2), (1.5, 2, 3), (0.2, 0.5, 0.9), (1, np.nan, 2)],
    [(0.2, 0.3, 0.4), (0.1, 0.2, 0.3), (0.2, 0.3, 0.6), (0.55, 0.6, 0.7), (0.1, 0.2, 0.3),
     (0.1, 0.2, 0.3)],
)  # fmt: skip


def test_quadrants_are_as_worked_by_hand():
    found = need_quadrants(CASE)
    names = [NEED_QUADRANTS[k] for k in found["need_quadrant"].to_numpy().ravel()]
    assert names == ["specialized_need", "specialized_need", "specialized_need",
                     "specialized_ready", "other_need", ""]  # fmt: skip
    assert found["need_certain"].to_numpy().ravel().tolist() == [1, 1, 0, 1, 1, 0]
    np.testing.assert_allclose(found["digital_gap"].to_numpy().ravel()[:3], [0.2, 0.3, 0.2])


def test_the_table_follows_its_rule_and_says_it():
    firms = column(100, 40, 30, 50, 900, 10)
    table = priority_table(CASE, firms, trend=column(0, 1, 0, 0, 0, 0))
    assert table["place"].tolist() == ["001001", "001002", "001003", "001004", "001005"]
    assert table["priority"].tolist() == list(PRIORITIES[1:])
    assert table["order"].tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(table["firms_to_reach"], [20, 12, 6, 0, 270])
    assert "at least 10 firms" in table.attrs["rule"]
    assert table["growth"].isna().all()


def test_within_a_class_the_most_firms_to_reach_come_first_and_few_firms_are_only_watched():
    firms = column(100, 80, 30, 50, 9, 10)
    table = priority_table(CASE, firms)
    assert table["place"].tolist()[:2] == ["001002", "001001"]  # 24 and 20 firms
    few = priority_table(CASE, column(9, 80, 30, 50, 9, 10))
    assert few.set_index("place").loc["001001", "priority"] == "watch"


def test_only_one_year_of_equal_dims_is_crossed():
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        priority_table(CASE, column(1, 2, 3, 4, 5, 6).T)
    odd = dataclasses.replace(CASE, share_low=CASE.share_low[:2])
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        need_quadrants(odd)


ends = st.tuples(st.floats(0, 3), st.floats(0, 1)).map(lambda t: (t[0] * t[1], t[0], t[0] + t[1]))
shares = st.tuples(st.floats(0, 0.9), st.floats(0, 0.1)).map(
    lambda t: (max(t[0] - t[1], 0), t[0], t[0] + t[1])
)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.tuples(ends, shares, st.integers(0, 60)), min_size=1, max_size=6))
def test_every_row_obeys_the_rule_read_one_by_one(drawn):
    crossing = need([d[0] for d in drawn], [d[1] for d in drawn])
    table = priority_table(crossing, column(*[d[2] for d in drawn])).set_index("place")
    for name, (quotient, share, firms) in zip(NAMES, drawn, strict=False):
        special, low = quotient[1] > 1, quotient[0] > 1
        if special and share[1] < 0.5:
            act = low and share[2] < 0.5 and firms >= 10
            expected = "act" if act else "watch"
        else:
            expected = "consolidate" if special and low and firms >= 10 else "none"
        assert table.loc[name, "priority"] == expected
