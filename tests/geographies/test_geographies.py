"""Territories above the municipality, and the coverage of an extract."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_engine.errors import TableError
from geo_engine.geographies.administrative import TERRITORY_COLUMNS, area_index, territories
from geo_engine.geographies.coverage import covered_places, edge_places
from geo_engine.graph.neighbors import contiguity


def five_places() -> gpd.GeoDataFrame:
    rows = [
        ("001001", "Alfa", "", "001", "Torino", "TO", "01", "Piemonte"),
        ("001002", "Castro", "", "001", "Torino", "TO", "01", "Piemonte"),
        ("007001", "Aosta", "Aoste", "007", "Valle d'Aosta/Vallée d'Aoste", "AO", "02", "VdA"),
        ("021001", "Bolzano", "Bozen", "021", "Bolzano/Bozen", "BZ", "04", "Trentino-Alto Adige"),
        ("040001", "Castro", "", "040", "Forlì-Cesena", "FC", "08", "Emilia-Romagna"),
    ]
    names = ["pro_com_t", "name", "name_other", "cod_prov", "province", "sigla", "cod_reg"]
    table = pd.DataFrame(rows, columns=[*names, "region"]).set_index("pro_com_t")
    return gpd.GeoDataFrame(
        table.assign(cadastral_code="", area_km2=1.0),
        geometry=[shapely.box(i, 0, i + 1, 1) for i in range(5)],
        crs="EPSG:4326",
    )


def codes(**keys) -> list[str]:
    covered = covered_places(five_places(), **keys)
    return covered.index[covered].tolist()


def test_territories_hold_every_municipality_once_at_each_level():
    table = territories(five_places())
    assert tuple(table.columns) == TERRITORY_COLUMNS
    assert table.groupby("geography").size().to_dict() == {"country": 5, "province": 5, "region": 5}
    assert (table["weight"] == 1).all()
    assert table[["valid_from", "valid_to"]].isna().all(axis=None)


def test_area_positions_follow_the_order_asked_and_the_sorted_codes():
    places = five_places()
    order = places.index[::-1]
    positions, zones = area_index(territories(places), "province", order)
    assert zones == ("001", "007", "021", "040")
    assert positions.tolist() == [3, 2, 1, 0, 0]
    assert area_index(territories(places), "country", order)[0].tolist() == [0] * 5


def test_a_municipality_in_no_zone_has_no_position():
    table = territories(five_places()).iloc[1:]
    assert area_index(table, "province", five_places().index)[0].tolist()[0] == -1


def test_zones_that_overlap_and_unknown_geographies_are_refused():
    table = territories(five_places())
    with pytest.raises(TableError, match="OVERLAPPING_ZONES"):
        area_index(pd.concat([table, table]), "region", five_places().index)
    with pytest.raises(TableError, match=r"UNKNOWN_GEOGRAPHY.*country, province, region"):
        area_index(table, "gal", five_places().index)


def test_naming_nothing_covers_the_country():
    assert covered_places(five_places()).all()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"regions": ["PIEMONTE"]}, ["001001", "001002"]),
        ({"regions": ["1"]}, ["001001", "001002"]),
        ({"regions": ["trentino alto adige"]}, ["021001"]),
        ({"provinces": ["fc"]}, ["040001"]),
        ({"provinces": ["FORLI'-CESENA"]}, ["040001"]),
        ({"provinces": ["Bozen"]}, ["021001"]),
        ({"provinces": ["Vallee d'Aoste", "21"]}, ["007001", "021001"]),
        ({"municipalities": ["1001"]}, ["001001"]),
        ({"municipalities": ["Bolzano", "aoste"]}, ["007001", "021001"]),
        ({"regions": ["08"], "municipalities": ["001002"]}, ["001002", "040001"]),
    ],
)
def test_areas_are_found_by_code_name_or_sigla(keys, expected):
    assert codes(**keys) == expected


def test_an_unknown_area_is_refused_with_what_is_near_it():
    with pytest.raises(TableError, match=r"UNKNOWN_AREA.*'Piemont'.*piemonte"):
        codes(regions=["Piemont"])
    with pytest.raises(TableError, match="UNKNOWN_AREA"):
        codes(provinces=["999"])


def test_an_ambiguous_name_is_refused_with_its_codes():
    with pytest.raises(TableError, match=r"AMBIGUOUS_AREA.*001002, 040001"):
        codes(municipalities=["Castro"])


def test_the_edge_is_where_the_covered_territory_meets_the_rest():
    places = five_places()
    covered = covered_places(places, provinces=["TO", "AO"])
    edge = edge_places(covered, contiguity(places))
    assert edge.tolist() == [False, False, True, False, False]
    assert edge.index.equals(places.index)
    assert not edge_places(covered_places(places), contiguity(places)).any()


def test_every_region_and_province_of_the_shipped_layer_is_found_by_its_own_name():
    from geo_engine.sources.boundaries import read_layer

    places = read_layer(dt.date(2025, 1, 1))
    for column, key in (("region", "regions"), ("province", "provinces"), ("sigla", "provinces")):
        for name, own in places.groupby(column):
            found = covered_places(places, **{key: [str(name)]})
            assert found[found].index.equals(own.index), name
    np.testing.assert_array_equal(covered_places(places, regions=["9"]), places["cod_reg"] == "09")
