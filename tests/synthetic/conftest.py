"""The whole simulated register, once, and a small one."""

import datetime as dt

import pytest

from geo_engine.sources.boundaries import read_changes, read_layer, read_population
from geo_engine.synthetic.register import RegisterParameters, generate_register

DATE = dt.date(2025, 1, 1)
SMALL = RegisterParameters(units=4_000)


@pytest.fixture(scope="session")
def layer():
    return read_layer(DATE)


@pytest.fixture(scope="session")
def residents():
    return read_population(DATE)


@pytest.fixture(scope="session")
def register(layer, residents):
    return generate_register(layer, residents, seed=20250101, changes=read_changes())


@pytest.fixture(scope="session")
def small(layer, residents):
    return generate_register(layer, residents, seed=7, parameters=SMALL, changes=read_changes())
