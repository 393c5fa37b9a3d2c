"""Maps for the tests of local statistics: a grid of squares, and the real municipalities."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from libpysal.graph import Graph

from geo_engine.graph import contiguity


def panel(values, places, chains=("a",), years=(2024,)):
    """Shape values (place) or (place, chain, year) as the entry wants them."""
    data = np.asarray(values, dtype=float)
    data = data.reshape(len(places), len(chains), len(years))
    coords = {"place": list(places), "chain": list(chains), "year": list(years)}
    return xr.DataArray(data, dims=("place", "chain", "year"), coords=coords)


def lattice_graph(rows, columns, islands=0):
    """Squares that touch by edge or corner, and places without a neighbor after them."""
    names = [f"{i:06d}" for i in range(rows * columns + islands)]
    links = []
    for a in range(rows * columns):
        for b in range(rows * columns):
            across, down = abs(a % columns - b % columns), abs(a // columns - b // columns)
            if a != b and max(across, down) == 1:
                links.append((names[a], names[b], 1.0))
    links += [(name, name, 0.0) for name in names[rows * columns :]]
    focal, neighbor, weight = zip(*sorted(links), strict=True)
    return Graph.from_arrays(np.array(focal), np.array(neighbor), np.array(weight))


@pytest.fixture(scope="session")
def italy(shared_data):
    """Give the municipalities of 2022-01-01 and their queen contiguity."""
    table = gpd.read_parquet(
        shared_data / "boundaries" / "comuni_2022-01.parquet",
        columns=["geometry", "com_istat_code"],
    )
    places = table.set_index("com_istat_code").sort_index()
    places.index = pd.Index(places.index.astype(str), name="pro_com_t")
    return places, contiguity(places)
