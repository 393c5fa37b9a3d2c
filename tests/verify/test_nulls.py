"""A small part of the calibration grid; ``scripts/verify.py`` runs the whole."""

import tomllib

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.verify.nulls import (
    CONTINUOUS,
    COUNTED,
    LEVEL,
    NORTH_WEST,
    allowed,
    cells,
    constant_risk_rejections,
    rejections,
    summary,
    territory,
)
from tests.verify.panels import FAMILIES, false_shares

SEEDS = range(100, 104)
GRID = [
    *cells(kinds=COUNTED, steps=(0, 1, 2, 4)),
    *cells(kinds=("shares", "rates"), steps=(2, 4), graphs=("queen", "knn")),
    *cells(kinds=("rates and labels",), steps=(0, 1, 4)),
]
SMOOTH = cells(kinds=CONTINUOUS, steps=(2, 4), graphs=("queen", "knn"))


@pytest.fixture(scope="module")
def north_west():
    return territory(NORTH_WEST)


@pytest.mark.parametrize("cell", GRID, ids=lambda c: f"{c.kind}-{c.density}-{c.graph}")
def test_noise_is_significant_at_the_level_at_most(cell):
    mean, error, seeds = summary(rejections(cell, territory(), SEEDS))
    assert seeds == len(SEEDS)
    assert mean <= LEVEL + allowed(seeds, len(GRID)) * error


@pytest.mark.parametrize("cell", SMOOTH, ids=lambda c: f"{c.kind}-{c.density}-{c.graph}")
def test_continuous_noise_is_significant_at_the_level(cell):
    mean, error, seeds = summary(rejections(cell, territory(), SEEDS))
    assert mean <= LEVEL + allowed(seeds, len(SMOOTH)) * error
    assert mean >= LEVEL - allowed(seeds, len(SMOOTH), 3.0) * error


def test_maps_of_fewer_than_ten_positive_places_are_refused_and_not_tested(north_west):
    # 0.2 % of the north-west are six places, of Italy sixteen.
    assert summary(rejections(GRID[0], north_west, SEEDS[:2]))[2] == 0
    assert summary(rejections(GRID[0], territory(), SEEDS[:2]))[2] == 2


@pytest.mark.parametrize("graph", ["queen", "knn", "band"])
def test_at_constant_risk_rates_with_labels_hold_and_counts_follow_the_population(graph):
    found = constant_risk_rejections(territory(), 20_000, 0.3, SEEDS[:5], graph)
    mean, error, _ = summary(found["rates and labels"])
    assert mean <= LEVEL + 2 * error
    mean, error, _ = summary(found["labels alone"])
    assert mean <= LEVEL + 2 * error
    if graph == "knn":  # towns are no more alike than chance among the nearest eight
        return
    for counts in ("firms", "digital firms"):
        mean, error, _ = summary(found[counts])
        assert mean > LEVEL + 2 * error


@pytest.mark.parametrize(("language", "word"), [("it", "concentrazione"), ("en", "concentration")])
def test_tests_of_counts_are_titled_concentration_and_never_digital(language, word):
    path = ROOT / "geo_engine" / "words" / f"{language}.toml"
    words = tomllib.loads(path.read_text(encoding="utf-8"))
    titles = [
        text
        for section in words.values()
        for key, text in section.items()
        if key in ("concentration", "map_concentration", "contour_high_firms", "contour_low_firms")
    ]
    assert len(titles) == 4
    for title in titles:
        assert word in title.lower()
        assert "digital" not in title.lower()


def test_ten_panels_of_noise_have_no_more_false_discoveries_than_alpha(north_west):
    found = false_shares(north_west, "queen", "counts", range(10))
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(10)
    for family, share, spread in zip(FAMILIES, mean, error, strict=True):
        assert share <= 0.05 + 2 * spread, family
