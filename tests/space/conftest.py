"""Maps for the tests of local statistics: a grid of squares, and the real municipalities."""

import datetime as dt

import numpy as np
import pytest
import xarray as xr
from libpysal.graph import Graph

from geo_engine.graph import contiguity
from geo_engine.sources.boundaries import read_layer, read_population


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
def italy():
    """Give the queen contiguity of the municipalities that ship, and their residents."""
    date = dt.date(2022, 1, 1)
    return contiguity(read_layer(date)), read_population(date, 2022).to_numpy()
