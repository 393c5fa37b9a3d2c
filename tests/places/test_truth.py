"""Real registers, placed and compared with an independent answer."""

from __future__ import annotations

import csv

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geo_engine.places import PlacingParameters, assign_places, locate, names

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def stations(shared_data) -> pd.DataFrame:
    columns = ["id", "manager", "brand", "type", "name", "address", "comune", "sigla", "lat", "lon"]
    return pd.read_csv(
        shared_data / "firms" / "fuel_stations_2018.csv",
        sep=";",
        header=None,
        names=columns,
        quoting=csv.QUOTE_NONE,
        dtype=str,
        keep_default_na=False,
    )


def place(records, order, locator, resolver, **parameters):
    return assign_places(
        records,
        order=order,
        locator=locator,
        resolver=resolver,
        parameters=PlacingParameters(**parameters),
    )


def test_every_fuel_station_is_where_sjoin_says_and_73_are_outside(
    stations, layer, locator, resolver
):
    assigned = place(stations, ("coordinates",), locator, resolver)
    has_point = ~np.isnan(assigned.lon)
    points = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(
            pd.to_numeric(stations["lon"], errors="coerce"),
            pd.to_numeric(stations["lat"], errors="coerce"),
        ),
        crs="EPSG:4326",
    )
    joined = gpd.sjoin(points[has_point], layer[["geometry"]], predicate="within", how="left")
    expected = joined["pro_com_t"].fillna("").to_numpy()
    found = np.append(locator.codes, "")[locate(locator, assigned.lon, assigned.lat)[has_point]]
    assert len(stations) == 21_659
    assert (found != expected).sum() == 0
    assert (expected == "").sum() == 73
    assert (assigned.method == "snapped").sum() == 70
    assert pd.Series(assigned.reason).value_counts().to_dict() == {
        "": 21_655,
        "COORD_OUTSIDE": 3,
        "COORD_MISSING": 1,
    }


def test_declared_municipalities_of_fuel_stations_agree_with_their_points(
    stations, locator, resolver, layer
):
    from geo_engine.places import build_resolver
    from geo_engine.sources.boundaries import read_changes

    same_date = build_resolver(layer, read_changes())
    records = stations.rename(columns={"comune": "municipality", "sigla": "province"})
    assigned = place(records, ("coordinates", "name"), locator, same_date)
    differs = pd.Series(assigned.flags).str.contains("DECLARED_DIFFERS").mean()
    assert (assigned.position >= 0).all()
    assert differs < 0.02


def test_at_least_97_of_100_startups_are_placed_in_the_region_they_state(shared_data, resolver):
    table = pd.read_csv(
        shared_data / "firms" / "innovative_startups_half.csv", dtype=str, keep_default_na=False
    )
    records = table.rename(columns={"Comune": "municipality", "Provincia": "province"})
    assigned = place(records[["municipality", "province"]], ("name",), None, resolver)
    placed = assigned.position >= 0
    assert placed.mean() >= 0.97
    assert set(assigned.reason[~placed]) == {"FOREIGN"}
    stated = table["Regione"][placed].map(lambda region: resolver.areas.regions[names.key(region)])
    found = np.array(resolver.cod_reg)[assigned.position[placed]]
    assert (stated.to_numpy() == found).all()


@pytest.mark.parametrize(
    ("file", "code", "lon", "lat", "least"),
    [
        ("pharmacies_lombardia.csv", "CODICE_ISTAT", "LONGITUDINE", "LATITUDINE", 0.98),
        ("schools_lombardia.csv", "COD_ISTAT_SEDE", "coorX", "coorY", 0.98),
    ],
)
def test_codes_that_lost_zeros_agree_with_decimal_comma_points(
    shared_data, locator, layer, file, code, lon, lat, least
):
    from geo_engine.places import build_resolver
    from geo_engine.sources.boundaries import read_changes

    table = pd.read_csv(shared_data / "firms" / file, dtype=str, keep_default_na=False)
    records = table.rename(columns={code: "istat_code", lon: "lon", lat: "lat"})
    resolver = build_resolver(layer, read_changes())
    by_code = place(records, ("istat_code",), locator, resolver).position
    by_point = place(records, ("coordinates",), locator, resolver).position
    both = (by_code >= 0) & (by_point >= 0)
    assert both.mean() > 0.97
    assert (by_code[both] == by_point[both]).mean() > least
