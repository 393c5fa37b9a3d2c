"""Which municipalities lie on the sea."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_engine.errors import TableError
from geo_engine.geographies.coast import coastal_places
from geo_engine.sources.boundaries import read_layer

DATE = dt.date(2023, 1, 1)
MUGGIA, VENTIMIGLIA, CAMPIONE = "032003", "008065", "013040"


def squares(codes: dict[str, tuple[int, int]]) -> gpd.GeoDataFrame:
    """Give unit squares by their lower left corner."""
    boxes = [shapely.box(x, y, x + 1, y + 1) for x, y in codes.values()]
    return gpd.GeoDataFrame(geometry=boxes, index=list(codes), crs="EPSG:4326")


# Three rows of four; the sea is south, another country north, and a hole in the middle:
# the upper row is the border, Ventimiglia (west) and Muggia (east) stand at its ends.
LAND = {
    VENTIMIGLIA: (0, 2), "000001": (1, 2), "000002": (2, 2), MUGGIA: (3, 2),
    "000003": (0, 1), "000004": (1, 1), "000005": (3, 1),
    "000006": (0, 0), "000007": (1, 0), "000008": (2, 0), "000009": (3, 0),
}  # fmt: skip


def coast_of(places: gpd.GeoDataFrame) -> set[str]:
    coast = coastal_places(places)
    assert coast.index.equals(places.index)
    return set(coast.index[coast])


def test_coast_is_the_outline_from_muggia_to_ventimiglia_and_neither_border_nor_hole() -> None:
    sea = {VENTIMIGLIA, MUGGIA, "000003", "000005", "000006", "000007", "000008", "000009"}
    assert coast_of(squares(LAND)) == sea


def test_islands_are_coast_and_an_exclave_is_not() -> None:
    apart = {"000010": (8, 0), CAMPIONE: (1, 6)}
    assert coast_of(squares(LAND | apart)) == coast_of(squares(LAND)) | {"000010"}


def test_the_order_of_places_and_the_direction_of_rings_do_not_matter() -> None:
    places = squares(LAND)
    mixed = places.iloc[np.random.default_rng(3).permutation(len(places))].copy()
    mixed.geometry = mixed.geometry.reverse()
    assert coast_of(mixed) == coast_of(places)


def test_without_an_end_of_the_land_border_the_coast_is_refused() -> None:
    with pytest.raises(TableError, match=r"COAST_UNKNOWN.*032003"):
        coastal_places(squares({code: at for code, at in LAND.items() if code != MUGGIA}))


@pytest.mark.shared
def test_the_coast_of_italy_is_that_of_istat_and_two_more(shared_data) -> None:
    table = pd.read_excel(
        shared_data
        / "codes"
        / "Classificazioni_statistiche-e-dimensione-dei-comuni_01_01_2023.xlsx",
        engine="calamine",
        dtype=str,
    )
    code, listed = table.iloc[:, 1], table["Comune litoraneo"].astype(float) == 1
    official, ours = set(code[listed]), coast_of(read_layer(DATE))
    assert (len(official), len(ours)) == (645, 647)
    assert official <= ours
    assert ours - official == {"032004", "095065"}  # San Dorligo della Valle, Terralba
