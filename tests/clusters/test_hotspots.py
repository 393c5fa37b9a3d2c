"""Hotspots: contiguous High-High places, named, ranked, with their figures."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from libpysal.graph import Graph

from geo_engine.clusters.hotspots import HOTSPOT_COLUMNS, find_hotspots
from geo_engine.errors import StatisticsError
from geo_engine.graph.neighbors import contiguity, restrict

DIMS = ("place", "chain", "year")
HH, LL = 1, 2


def row_of_places(n=8) -> gpd.GeoDataFrame:
    codes = [f"{i:06d}" for i in range(n)]
    return gpd.GeoDataFrame(
        {
            "name": [f"Comune {i}" for i in range(n)],
            "cod_reg": ["01"] * (n // 2) + ["02"] * (n - n // 2),
            "region": ["Prima"] * (n // 2) + ["Seconda"] * (n - n // 2),
        },
        geometry=[shapely.box(i, 0, i + 1, 1) for i in range(n)],
        crs="EPSG:4326",
        index=pd.Index(codes, name="pro_com_t"),
    )


def arrays(values, places, chains, years) -> xr.Dataset:
    coords = {"place": places.index.to_numpy(str), "chain": list(chains), "year": list(years)}
    return xr.Dataset(
        {name: (DIMS, np.asarray(value)) for name, value in values.items()}, coords=coords
    )


def one_map(values, places):
    shaped = {name: np.asarray(value)[:, None, None] for name, value in values.items()}
    return arrays(shaped, places, ["moda"], [2024])


def example(q=None, quadrant=None, firms=None, known=None, digital=None):
    """Places 0-1 and 3-5 are hotspots; 7 is High-High but not significant."""
    places = row_of_places()
    local = one_map(
        {
            "quadrant": np.array(quadrant or [HH, HH, LL, HH, HH, HH, LL, HH], np.int8),
            "q_value": q or [0.01, 0.02, 0.001, 0.04, 0.03, 0.001, np.nan, 0.05],
        },
        places,
    )
    local["q_value_panel"] = local["q_value"] * 2
    panel = one_map(
        {
            "firms": firms or [10.0, 30, 20, 5, 5, 2, 20, 20],
            "known": known or [10.0, 20, 20, 5, 5, 0, 20, 20],
            "digital": digital or [8.0, 12, 2, 4, 5, 0, 2, 6],
        },
        places,
    )
    return local, panel, places, contiguity(places)


def test_contiguous_places_make_one_hotspot_with_figures_worked_by_hand():
    found = find_hotspots(*example(), alpha=0.05)
    assert tuple(found.columns) == HOTSPOT_COLUMNS
    assert found["members"].tolist() == [("000000", "000001"), ("000003", "000004", "000005")]
    first, second = found.iloc[0], found.iloc[1]
    # 20 of 30 inside; outside 19 of 70
    assert first[["places", "firms", "known", "digital"]].tolist() == [2, 40, 30, 20]
    assert first["share"] == pytest.approx(20 / 30)
    assert first["share_outside"] == pytest.approx(19 / 70)
    assert first["excess"] == pytest.approx(20 - 30 * 19 / 70)
    assert first["min_q_value"] == 0.01
    assert second["share_outside"] == pytest.approx(30 / 90)
    assert found["rank"].tolist() == [1, 2]
    assert first["geometry"].equals(shapely.box(0, 0, 2, 1))
    assert found.crs == "EPSG:4326"


def test_a_hotspot_bears_the_name_of_the_member_with_most_firms_or_the_lowest_code():
    found = find_hotspots(*example(), alpha=0.05)
    assert found["name"].tolist() == ["Comune 1", "Comune 3"]
    assert found["hotspot_id"].tolist() == ["moda-2024-000001", "moda-2024-000003"]
    assert found["region"].tolist() == ["Prima", "Prima"]


def test_only_high_high_places_below_alpha_count_in_the_family_that_decides():
    assert find_hotspots(*example(), alpha=0.02)["members"].tolist() == [("000000",), ("000005",)]
    by_panel = find_hotspots(*example(), alpha=0.05, q="q_value_panel")
    assert by_panel["members"].tolist() == [("000000", "000001"), ("000005",)]


def test_hotspots_are_ranked_by_excess_and_not_by_share():
    known = [100.0, 100, 20, 2, 2, 2, 100, 100]
    digital = [40.0, 40, 2, 2, 2, 2, 10, 10]
    found = find_hotspots(*example(known=known, digital=digital, firms=known), alpha=0.05)
    assert found["share"].tolist() == [0.4, 1.0]
    assert found["rank"].tolist() == [1, 2]
    assert found["excess"].is_monotonic_decreasing


def test_places_outside_the_coverage_are_neither_members_nor_outside():
    nan = float("nan")
    local, panel, places, graph = example()
    cut = {"place": places.index[6:]}
    for name in panel.data_vars:
        panel[name].loc[cut] = nan
    found = find_hotspots(local, panel, places, restrict(graph, places.index[:6]), alpha=0.05)
    assert found["share_outside"].iloc[0] == pytest.approx((2 + 4 + 5) / (20 + 5 + 5))


def test_a_hotspot_of_the_whole_territory_has_nothing_outside():
    every = [HH] * 8
    found = find_hotspots(*example(quadrant=every, q=[0.01] * 8), alpha=0.05)
    assert len(found) == 1
    assert np.isnan(found["share_outside"].iloc[0])
    assert found["excess"].iloc[0] == 0


def test_no_hotspot_gives_an_empty_table_of_the_same_form():
    some, none = (find_hotspots(*example(), alpha=alpha) for alpha in (0.05, 1e-9))
    assert len(none) == 0
    assert none.columns.tolist() == some.columns.tolist()
    assert none.crs == some.crs
    assert none.dtypes.drop("geometry").equals(some.dtypes.drop("geometry"))


def test_each_chain_and_year_has_its_own_ranking_in_the_order_of_the_panel():
    places = row_of_places()
    shape = (8, 2, 2)
    quadrant, q = np.zeros(shape, np.int8), np.full(shape, 0.01)
    quadrant[0, 0, 1] = quadrant[0, 1, 0] = quadrant[[2, 4], 1, 0] = HH
    rng = np.random.default_rng(1)
    known = np.full(shape, 50.0)
    panel = arrays(
        {"firms": known, "known": known, "digital": rng.integers(1, 50, shape).astype(float)},
        places,
        ["moda", "arredo"],
        [2023, 2024],
    )
    local = arrays({"quadrant": quadrant, "q_value": q}, places, ["moda", "arredo"], [2023, 2024])
    found = find_hotspots(local, panel, places, contiguity(places), alpha=0.05)
    keys = list(zip(found["chain"], found["year"], found["rank"], strict=True))
    assert keys == [
        ("moda", 2024, 1),
        ("arredo", 2023, 1),
        ("arredo", 2023, 2),
        ("arredo", 2023, 3),
    ]
    assert found["hotspot_id"].is_unique


def test_an_island_makes_a_hotspot_of_its_own():
    local, panel, places, _ = example()
    alone = Graph.from_arrays(places.index, places.index, np.zeros(len(places)))
    found = find_hotspots(local, panel, places, alone, alpha=0.05)
    assert sorted(found["places"]) == [1] * 5


def test_tables_in_another_order_are_refused():
    local, panel, places, graph = example()
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        find_hotspots(local, panel.isel(place=slice(None, None, -1)), places, graph, alpha=0.05)
