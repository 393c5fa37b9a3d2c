"""Which places are like a place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError, TableError
from geo_engine.indicators.similar_places import similar_places


def features(**columns) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=[f"{i:06d}" for i in range(size)])


def near(found, place: int) -> list[int]:
    return found.neighbors[place].tolist()


def test_four_places_on_a_line_are_as_worked_by_hand():
    found = similar_places(features(altitude_m=[0.0, 10, 30, 100]), number=2)
    assert [near(found, i) for i in range(4)] == [[1, 2], [0, 2], [1, 0], [2, 1]]
    spread = np.std([0, 10, 30, 100])
    np.testing.assert_allclose(found.distance[0], [10 / spread, 30 / spread], atol=1e-8)
    assert found.matrix().toarray()[3].tolist() == [0, 1, 1, 0]


def test_ratios_of_residents_count_and_not_their_differences():
    data = features(population=[100.0, 1000, 10_000, 10_900])
    assert near(similar_places(data, number=1), 1) == [0]
    assert near(similar_places(data, number=1, logarithmic=()), 1) == [0]
    assert near(similar_places(features(population=[1.0, 50, 1000, 1040]), number=1), 1) == [2]
    plain = similar_places(features(population=[1.0, 50, 1000, 1040]), number=1, logarithmic=())
    assert near(plain, 1) == [0]


def test_coast_and_categories_separate_places_and_weights_say_how_much():
    data = features(
        altitude_m=[0.0, 1, 2, 3],
        coastal=[True, False, True, False],
        zone=["pianura", "collina", "pianura", "collina"],
    )
    assert near(similar_places(data, number=1), 0) == [2]
    only = similar_places(data, number=1, weights={"coastal": 0, "zone": 0})
    assert near(only, 0) == [1]
    assert only.features == ("altitude_m",)


def test_a_place_without_a_feature_has_no_similar_ones_and_is_nobody_s():
    found = similar_places(features(altitude_m=[0.0, np.nan, 2, 3], flat=[1.0] * 4), number=2)
    assert near(found, 1) == [-1, -1]
    assert 1 not in found.neighbors[[0, 2, 3]]
    assert np.isnan(found.distance[1]).all()
    assert found.features == ("altitude_m",)
    assert found.matrix().sum() == 6


def test_equally_distant_places_come_in_the_order_of_their_codes_however_many():
    found = similar_places(features(altitude_m=[5.0] + [1.0] * 60 + [9.0]), number=3)
    assert near(found, 1) == [2, 3, 4]
    assert near(found, 40) == [1, 2, 3]
    assert near(found, 0) == [1, 2, 3]  # 4 below and 4 above: codes decide


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(StatisticsError, match="NO_FEATURES"):
        similar_places(features(flat=[1.0, 1.0, 1.0]), number=1)
    with pytest.raises(StatisticsError, match="FEW_PLACES"):
        similar_places(features(altitude_m=[1.0, 2.0]), number=2)
    with pytest.raises(StatisticsError, match="WEIGHTS_INVALID"):
        similar_places(features(altitude_m=[1.0, 2.0]), number=1, weights={"altitude_m": -1})
    with pytest.raises(TableError, match="FEATURE_RANGE"):
        similar_places(features(population=[-1.0, 2.0]), number=1)
    with pytest.raises(TableError, match="FEATURE_RANGE"):
        similar_places(features(altitude_m=[1.0, 2.0]).iloc[[0, 0, 1]], number=1)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(0, 500), st.booleans())
def test_neighbors_are_those_of_a_plain_search_in_any_order(seed, whole):
    rng = np.random.default_rng(seed)
    data = features(
        a=rng.integers(0, 3, 40).astype(float) if whole else rng.random(40),
        b=rng.integers(0, 2, 40).astype(float),
    )
    found = similar_places(data, number=5)
    z = (data - data.mean()) / data.std(ddof=0)
    gap = (((z.to_numpy()[:, None] - z.to_numpy()[None]) ** 2).sum(axis=2) / 2) ** 0.5
    for place in range(40):
        row = np.round(gap[place], 9)
        row[place] = np.inf
        assert near(found, place) == np.argsort(row, kind="stable")[:5].tolist()
    order = rng.permutation(40)
    turned = similar_places(data.iloc[order], number=5)
    codes = data.index.to_numpy()
    expected = codes[found.neighbors[order]]
    assert (codes[order][turned.neighbors] == expected).all()
