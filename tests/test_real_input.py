"""The two public studies on real data, against independent truth."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geo_engine.intake import Intake, Placed, take_in
from geo_engine.plan import Plan, resolve
from geo_engine.sources.boundaries import read_layer
from geo_engine.study import read_study

STUDIES = Path(__file__).resolve().parent.parent / "studies"


def placed_rows(name: str, data: Path) -> tuple[Plan, Intake, pd.DataFrame]:
    plan = resolve(read_study(STUDIES / f"{name}.toml"), data)
    kept: list[Placed] = []
    intake = take_in(plan, data, report=lambda _: None, keep=kept.append)
    tables = []
    for batch in kept:
        table = batch.rows.to_pandas()
        table["place"] = plan.places.index.to_numpy()[batch.place]
        table["method"], table["flags"] = batch.method, batch.flags
        tables.append(table)
    return plan, intake, pd.concat(tables, ignore_index=True)


@pytest.mark.shared
def test_start_ups_are_placed_by_name_and_none_is_lost(shared_data: Path) -> None:
    plan, intake, rows = placed_rows("startup_innovative", shared_data)
    account = intake.account
    with (shared_data / "firms" / "innovative_startups_half.csv").open(encoding="utf-8") as file:
        records = sum(1 for _ in csv.reader(file)) - 1
    assert account.rows == records == 5430
    assert account.placed + account.quarantined == records
    assert account.placed >= 0.97 * records
    assert set(account.reasons) <= {"FOREIGN", "UNKNOWN_COMUNE", "AMBIGUOUS_COMUNE", "DUPLICATE"}
    sigla = plan.places["sigla"].reindex(rows["place"]).to_numpy()
    declared = rows["Provincia"].str.upper().to_numpy()
    accepted = {"NAN": "NA", "": "NA", "FO": "FC", "PS": "PU"}
    as_now = np.array([accepted.get(text, text) for text in declared])
    assert (sigla == as_now).mean() >= 0.995


@pytest.mark.shared
def test_every_fuel_station_agrees_with_a_spatial_join(shared_data: Path) -> None:
    _, intake, rows = placed_rows("distributori_carburante", shared_data)
    assert intake.account.rows == 21_659
    assert intake.account.placed + intake.account.quarantined == 21_659
    layer = read_layer(read_study(STUDIES / "distributori_carburante.toml").boundary_date)
    points = gpd.GeoDataFrame(
        rows,
        geometry=gpd.points_from_xy(rows["10"].astype(float), rows["9"].astype(float)),
        crs=layer.crs,
    )
    joined = gpd.sjoin(points, layer[["geometry"]], predicate="within", how="left")
    assert len(joined) == len(points)
    inside = joined["pro_com_t"].notna()
    assert (joined.loc[inside, "pro_com_t"] == joined.loc[inside, "place"]).all()
    outside = joined[~inside]
    assert outside["flags"].str.contains("SNAPPED").all()
    differs = rows["flags"].str.contains("DECLARED_DIFFERS").sum()
    assert 300 < differs < 763  # the sources' note counts every other spelling too
    aside = intake.quarantine["reason"].isin(["COORD_OUTSIDE", "COORD_NULL_ISLAND"]).sum()
    assert len(outside) + aside == 73


@pytest.mark.shared
def test_snapped_stations_lie_within_the_distance_of_the_study(shared_data: Path) -> None:
    _, _, rows = placed_rows("distributori_carburante", shared_data)
    layer = read_layer(read_study(STUDIES / "distributori_carburante.toml").boundary_date)
    snapped = rows[rows["method"] == "snapped"]
    assert len(snapped)
    points = gpd.GeoSeries(
        gpd.points_from_xy(snapped["10"].astype(float), snapped["9"].astype(float)), crs=layer.crs
    ).to_crs("EPSG:32632")
    owners = layer.loc[snapped["place"], "geometry"].to_crs("EPSG:32632").reset_index(drop=True)
    distance = points.distance(owners)
    assert (distance <= 501).all()
