"""Hotspots under many specifications: worked by hand, and laws."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from geo_engine.errors import StatisticsError
from geo_engine.space.robustness import hotspot_share, hotspots_at_scale
from geo_engine.tables import LOCAL_ISOLATE, LOCAL_MISSING, LOCAL_OK

HH, LL = 1, 2


def local_tests(q, quadrant=None, status=None, places="abc"):
    """Give local tests of one chain and year."""
    n = len(places)
    q = np.array(q, dtype=float)
    columns = {
        "q_value": q,
        "quadrant": np.array(quadrant or [HH] * n),
        "status": np.array(status or np.where(np.isnan(q), LOCAL_MISSING, LOCAL_OK)),
    }
    dims = ("place", "chain", "year")
    coords = {"place": list(places), "chain": ["wine"], "year": [2024]}
    return xr.Dataset({k: (dims, v.reshape(n, 1, 1)) for k, v in columns.items()}, coords=coords)


def shares(found, name="hotspot_share"):
    return found[name].to_numpy()[:, 0, 0].tolist()


def test_shares_count_the_specifications_in_which_a_place_was_tested():
    found = hotspot_share(
        {
            "queen": local_tests([0.01, 0.2, np.nan]),
            "rook": local_tests([0.04, 0.01, np.nan], [HH, LL, HH]),
            "knn": local_tests([0.2, 0.01, 0.001], status=[LOCAL_OK, LOCAL_OK, LOCAL_ISOLATE]),
        }
    )
    np.testing.assert_allclose(shares(found), [2 / 3, 1 / 3, np.nan])
    assert shares(found, "tested") == [3, 3, 0]
    assert shares(found, "hotspot") == [2, 1, 0]


def test_a_q_of_alpha_itself_is_no_hotspot_and_alpha_may_be_part_of_the_specification():
    one = local_tests([0.05, 0.01, 0.2])
    assert shares(hotspot_share({"a": one})) == [0, 1, 0]
    found = hotspot_share({"a": one, "b": one}, alpha={"a": 0.1, "b": 0.001})
    assert shares(found) == [0.5, 0.5, 0]
    with pytest.raises(StatisticsError, match="ALPHA_MISSING: No alpha for b"):
        hotspot_share({"a": one, "b": one}, alpha={"a": 0.1})


def test_the_order_of_specifications_and_of_their_rows_does_not_matter():
    rng = np.random.default_rng(1)
    results = {k: local_tests(rng.random(3) / 10, rng.integers(1, 3, 3).tolist()) for k in range(4)}
    first = hotspot_share(results)
    for order in itertools.permutations(range(4)):
        shuffled = {k: results[k].isel(place=rng.permutation(3)) for k in order}
        found = hotspot_share(shuffled)
        xr.testing.assert_equal(found.sortby("place"), first.sortby("place"))


def test_specifications_of_other_periods_and_places_are_joined():
    later = local_tests([0.01, 0.01], places="bd").assign_coords(year=[2025])
    found = hotspot_share({"a": local_tests([0.2, 0.01, 0.3]), "b": later})
    assert found.indexes["place"].tolist() == ["a", "b", "c", "d"]
    table = found.hotspot_share.to_numpy()[:, 0]
    np.testing.assert_array_equal(table, [[0, np.nan], [1, 1], [0, np.nan], [np.nan, 1]])


def test_no_specification_or_other_dims_are_refused():
    with pytest.raises(StatisticsError, match="NO_SPECIFICATIONS"):
        hotspot_share({})
    one = local_tests([0.1, 0.1, 0.1])
    with pytest.raises(StatisticsError, match="DIMENSIONS"):
        hotspot_share({"a": one, "b": one.isel(year=0)})


def hotspots(*members):
    return pd.DataFrame(
        {"chain": "wine", "year": 2024, "members": members},
        index=[f"h{i}" for i in range(len(members))],
    )


def test_a_hotspot_is_repeated_where_one_of_its_provinces_is_a_hotspot():
    provinces = local_tests([0.01, 0.3, np.nan], places=["051", "052", "053"])
    areas = pd.Series({"a": "051", "b": "052", "c": "052", "d": "053"})
    found = hotspots_at_scale(hotspots(("a", "b"), ("b", "c"), ("d",)), provinces, areas)
    assert found.index.tolist() == ["h0", "h1", "h2"]
    assert found["areas"].tolist() == [("051", "052"), ("052",), ("053",)]
    assert found["areas_hotspot"].tolist() == [1, 0, 0]
    assert found["areas_high"].tolist() == [2, 1, 0]
    assert found["repeated"].tolist() == [True, False, pd.NA]


def test_no_hotspots_give_an_empty_table():
    found = hotspots_at_scale(hotspots(), local_tests([0.1] * 3), pd.Series({"a": "a"}))
    assert len(found) == 0
    assert "repeated" in found.columns


def test_a_member_without_an_area_is_refused():
    with pytest.raises(StatisticsError, match="AREA_UNKNOWN"):
        hotspots_at_scale(hotspots(("z",)), local_tests([0.1] * 3), pd.Series({"a": "a"}))
    with pytest.raises(StatisticsError, match="AREA_UNKNOWN"):
        hotspots_at_scale(hotspots(("a",)), local_tests([0.1] * 3), pd.Series({"a": "x"}))
