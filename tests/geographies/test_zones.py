"""Zones as dated many-to-many tables, and what they add up to."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import TableError
from geo_engine.geographies.administrative import TERRITORY_COLUMNS, territories
from geo_engine.geographies.aggregation import zone_sums
from geo_engine.geographies.statistical import statistical_territories
from geo_engine.geographies.zones import check_zones, zone_layers, zone_membership

DAY = dt.date(2024, 6, 30)
PLACES = pd.Index(["001001", "001002", "001003", "002001"], name="pro_com_t")


def zones(*rows, **columns) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["code", "zone_id"])
    return table.assign(geography="gal", **columns)


def counts(values) -> xr.Dataset:
    firms = xr.DataArray(
        np.asarray(values, float).reshape(4, -1),
        dims=("place", "year"),
        coords={"place": PLACES.to_numpy(dtype=object).astype(str)},
    )
    return xr.Dataset({"firms": firms})


def test_a_table_with_code_and_without_dates_or_weights_gets_one_form():
    found = check_zones(zones((" 001002 ", "B"), (1001, "A")))
    assert tuple(found.columns) == TERRITORY_COLUMNS
    assert found["pro_com_t"].tolist() == ["001001", "001002"]
    assert found["weight"].tolist() == [1, 1]
    assert found[["valid_from", "valid_to"]].isna().all(axis=None)
    again = check_zones(found)
    pd.testing.assert_frame_equal(found, again)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (pd.DataFrame({"code": ["001001"]}), "MISSING_COLUMN"),
        (zones(), "EMPTY_ZONES"),
        (zones(("Torino", "A")), "ZONE_CODE"),
        (zones(("0010011", "A")), "ZONE_CODE"),
        (zones((None, "A")), "ZONE_CODE"),
        (zones(("001001", " ")), "ZONE_NAME"),
        (zones(("001001", "A"), valid_from="31/12/2023"), "ZONE_DATE"),
        (zones(("001001", "A"), valid_from="2024-02-01", valid_to="2024-01-01"), "ZONE_DATE"),
        (zones(("001001", "A"), weight=0), "ZONE_WEIGHT"),
        (zones(("001001", "A"), weight="1,5"), "ZONE_WEIGHT"),
        (zones(("001001", "A"), weight=1.2), "ZONE_WEIGHT"),
        (zones(("001001", "A"), ("001001", "A")), "ZONE_REPEATED"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(table, code):
    with pytest.raises(TableError, match=code):
        check_zones(table)


def test_a_message_counts_the_rows_and_names_the_first():
    with pytest.raises(TableError, match=r"2 of 3 rows .*'Torino'"):
        check_zones(zones(("001001", "A"), ("Torino", "A"), ("x", "B")))


def test_only_rows_valid_on_the_date_count_ends_included():
    table = check_zones(
        zones(("001001", "A"), ("001001", "A"), ("001002", "A")).assign(
            valid_from=["", "2024-07-01", "2024-06-30"], valid_to=["2024-06-30", "", ""]
        )
    )
    for day, expected in ((DAY, [1, 1, 0, 0]), (dt.date(2024, 7, 1), [1, 1, 0, 0]),
                          (dt.date(2024, 6, 29), [1, 0, 0, 0])):  # fmt: skip
        found = zone_membership(table, "gal", day, PLACES)
        assert found.weights.toarray()[0].tolist() == expected
    late = zones(("001001", "A"), valid_from="2025-01-01")
    with pytest.raises(TableError, match=r"UNKNOWN_GEOGRAPHY.*valid on"):
        zone_membership(check_zones(late), "gal", DAY, PLACES)
    with pytest.raises(TableError, match=r"UNKNOWN_GEOGRAPHY.*there is gal"):
        zone_membership(check_zones(late), "sll", DAY, PLACES)


def test_zones_overlap_leave_gaps_and_name_what_is_missing():
    table = check_zones(
        zones(
            ("001001", "A"),
            ("001002", "A"),
            ("001002", "B"),
            ("001003", "B"),
            ("099001", "B"),
            weight=[1, 1, 1, 0.5, 1],
        )
    )
    found = zone_membership(table, "gal", DAY, PLACES)
    assert found.zones == ("A", "B")
    assert found.weights.toarray().tolist() == [[1, 1, 0, 0], [0, 1, 0.5, 0]]
    assert found.missing == ("099001",)
    assert found.lost.tolist() == [0, 1]
    assert found.outside.tolist() == [False, False, False, True]
    assert found.overlapping.tolist() == [False, True, False, False]


def test_sums_are_weighted_and_those_of_a_part_of_a_zone_are_missing_unless_allowed():
    table = check_zones(
        zones(
            ("001001", "A"),
            ("001002", "A"),
            ("001002", "B"),
            ("001003", "B"),
            weight=[1, 1, 1, 0.5],
        )
    )
    membership = zone_membership(table, "gal", DAY, PLACES)
    found = zone_sums(counts([[1, 2], [10, np.nan], [4, 6], [7, 7]]), membership)
    np.testing.assert_array_equal(found["firms"], [[11, np.nan], [12, np.nan]])
    np.testing.assert_allclose(found["coverage"], [0.5, 1 / 3])
    found = zone_sums(
        counts([[1, 2], [10, np.nan], [4, 6], [7, 7]]), membership, least_coverage=0.5
    )
    np.testing.assert_array_equal(found["firms"], [[11, 2], [12, np.nan]])
    assert found["zone"].to_numpy().tolist() == ["A", "B"]


def test_a_zone_with_an_abolished_municipality_is_not_whole():
    table = check_zones(zones(("001001", "A"), ("099001", "A"), ("001002", "B")))
    found = zone_sums(counts([1, 2, 3, 4]), zone_membership(table, "gal", DAY, PLACES))
    np.testing.assert_array_equal(found["firms"].to_numpy().ravel(), [np.nan, 2])
    np.testing.assert_allclose(found["coverage"], [0.5, 1])
    with pytest.raises(TableError, match="PLACE_INDEX"):
        zone_sums(counts([1, 2, 3, 4]).isel(place=[0]), zone_membership(table, "gal", DAY, PLACES))


def test_overlapping_zones_part_into_layers_that_hold_each_zone_once():
    table = check_zones(
        zones(("001001", "A"), ("001002", "A"), ("001002", "B"), ("001003", "B"), ("002001", "C"))
    )
    layers = zone_layers(zone_membership(table, "gal", DAY, PLACES))
    assert [(layer.tolist(), codes) for layer, codes in layers] == [
        ([0, 0, -1, 1], ("A", "C")),
        ([-1, 0, 0, -1], ("B",)),
    ]
    part = check_zones(zones(("001001", "A"), weight=0.5))
    with pytest.raises(TableError, match="ZONE_WEIGHT"):
        zone_layers(zone_membership(part, "gal", DAY, PLACES))


def italy() -> gpd.GeoDataFrame:
    rows = [
        ("001001", "001", "01"),
        ("021008", "021", "04"),
        ("022205", "022", "04"),
        ("058091", "058", "12"),
        ("082053", "082", "19"),
    ]
    table = pd.DataFrame(rows, columns=["pro_com_t", "cod_prov", "cod_reg"]).set_index("pro_com_t")
    others = ("name", "province", "sigla", "region", "cadastral_code", "name_other")
    return gpd.GeoDataFrame(
        table.assign(area_km2=1.0, **dict.fromkeys(others, "x")),
        geometry=[shapely.box(i, 0, i + 1, 1) for i in range(5)],
        crs="EPSG:4326",
    )


def test_macro_areas_and_nuts_follow_from_region_and_province():
    table = statistical_territories(italy())
    assert tuple(table.columns) == TERRITORY_COLUMNS
    by = {g: t["zone_id"].tolist() for g, t in table.groupby("geography")}
    assert by["nuts2"] == ["ITC1", "ITH1", "ITH2", "ITI4", "ITG1"]
    assert by["nuts1"] == ["ITC", "ITH", "ITH", "ITI", "ITG"]
    assert by["macro_area"] == ["Nord-ovest", "Nord-est", "Nord-est", "Centro", "Isole"]
    assert set(table.dtypes.astype(str)) == set(territories(italy()).dtypes.astype(str))
    odd = italy().assign(cod_reg="99")
    with pytest.raises(TableError, match="UNKNOWN_AREA"):
        statistical_territories(odd)


@pytest.mark.shared
def test_nuts_regions_are_those_of_istat_s_list_of_2026(shared_data):
    listed = pd.read_csv(
        shared_data / "codes" / "2026-08-14_situas_comuni.csv", sep=";", dtype=str,
        encoding="utf-8-sig",
    )  # fmt: skip
    places = italy().iloc[[0] * len(listed)].assign(
        pro_com_t=listed["Codice Comune (alfanumerico)"].to_numpy(),
        cod_reg=listed["Codice Regione"].to_numpy(),
        cod_prov=listed["Codice Provincia (Storico)"].to_numpy(),
    ).set_index("pro_com_t").sort_index()  # fmt: skip
    table = statistical_territories(places)
    listed = listed.set_index("Codice Comune (alfanumerico)")
    for geography, column in (("nuts1", "Codice NUTS1 2024"), ("nuts2", "Codice NUTS2 2024"),
                              ("macro_area", "Ripartizione geografica")):  # fmt: skip
        own = table[table["geography"] == geography].set_index("pro_com_t")["zone_id"]
        assert own.to_dict() == listed[column].to_dict()


@settings(deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ABC")), min_size=1, unique=True))
def test_sums_over_layers_equal_those_over_the_matrix(pairs):
    table = check_zones(zones(*[(PLACES[place], zone) for place, zone in pairs]))
    membership = zone_membership(table, "gal", DAY, PLACES)
    values = np.array([3.0, 5, 7, 11])
    sums = zone_sums(counts(values), membership)["firms"].to_numpy().ravel()
    by_layer = {}
    for layer, codes in zone_layers(membership):
        for at, code in enumerate(codes):
            by_layer[code] = values[layer == at].sum()
    assert by_layer == dict(zip(membership.zones, sums.tolist(), strict=True))


def test_provinces_as_a_table_of_zones_add_up_to_the_country():
    table = territories(italy())
    index = italy().index
    firms = xr.Dataset({"firms": ("place", np.arange(5.0))}, coords={"place": list(index)})
    whole = zone_sums(firms, zone_membership(table, "country", DAY, index))["firms"]
    parts = zone_sums(firms, zone_membership(table, "province", DAY, index))["firms"]
    assert float(whole[0]) == float(parts.sum()) == 10
