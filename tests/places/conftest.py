"""A layer of squares that can be checked by eye, and the layer that ships."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo_engine.places import Locator, Resolver, build_index, build_resolver
from geo_engine.sources.boundaries import read_changes, read_layer

ROWS = [
    # code, name, sigla, province, cod_reg, region, cadastral, other name
    ("015001", "Alba Nuova", "MI", "Milano", "03", "Lombardia", "A001", ""),
    ("016002", "Castro", "BG", "Bergamo", "03", "Lombardia", "C337", ""),
    ("063003", "Paternò", "NA", "Napoli", "15", "Campania", "G271", ""),
    ("075004", "Castro", "LE", "Lecce", "16", "Puglia", "M261", ""),
    (
        "108005",
        "Sant'Elmo di Brianza",
        "MB",
        "Monza e della Brianza",
        "03",
        "Lombardia",
        "A005",
        "",
    ),
]


def square(x: float, y: float, side: float = 1.0) -> shapely.Polygon:
    return shapely.box(x, y, x + side, y + side)


@pytest.fixture(scope="session")
def squares() -> gpd.GeoDataFrame:
    """Four squares around a corner at (10, 42); the first has a hole with the fifth in half of it,
    and an exclave."""
    hole = shapely.box(9.2, 42.2, 9.8, 42.8)
    first = shapely.MultiPolygon(
        [square(9, 42).difference(hole), shapely.box(12.0, 42.0, 12.1, 42.1)]
    )
    geometry = [
        first,
        square(10, 42),
        square(9, 41),
        square(10, 41),
        shapely.box(9.2, 42.2, 9.5, 42.8),
    ]
    names = [
        "pro_com_t", "name", "sigla", "province", "cod_reg", "region", "cadastral_code",
        "name_other",
    ]  # fmt: skip
    table = pd.DataFrame(ROWS, columns=names)
    table["cod_prov"] = table["pro_com_t"].str[:3]
    table["area_km2"] = 1.0
    return gpd.GeoDataFrame(table, geometry=geometry, crs="EPSG:4326").set_index("pro_com_t")


@pytest.fixture(scope="session")
def changes() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "valid_from": [dt.date(2023, 1, 1), dt.date(2026, 1, 1)],
            "kind": ["merger", "merger"],
            "old_codes": [["015098", "015099"], ["016002", "063003"]],
            "old_cadastral": [["A098", "A099"], ["C337", "G271"]],
            "old_names": [["Alba", "Nuova Alba"], ["Castro", "Paternò"]],
            "new_code": ["015001", "016777"],
            "new_cadastral": ["A001", "M777"],
            "name": ["Alba Nuova", "Castro con Paternò"],
        }
    )


@pytest.fixture(scope="session")
def small(squares: gpd.GeoDataFrame) -> Locator:
    return build_index(squares)


@pytest.fixture(scope="session")
def small_names(squares: gpd.GeoDataFrame, changes: pd.DataFrame) -> Resolver:
    return build_resolver(squares, changes)


@pytest.fixture(scope="session")
def layer() -> gpd.GeoDataFrame:
    return read_layer(dt.date(2022, 1, 1))


@pytest.fixture(scope="session")
def locator(layer: gpd.GeoDataFrame) -> Locator:
    return build_index(layer)


@pytest.fixture(scope="session")
def resolver() -> Resolver:
    return build_resolver(read_layer(dt.date(2025, 1, 1)), read_changes())
