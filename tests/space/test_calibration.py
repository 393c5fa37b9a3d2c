"""Pure noise is not called significant more often than announced."""

import numpy as np
import pytest

from geo_engine.space import LocalTest, local_autocorrelation
from tests.space.calibration import (
    CELLS,
    DENSITIES,
    FRESH_SEEDS,
    SEEDS,
    count_rejections,
    mean_and_error,
    rejections,
    share_rejections,
)
from tests.space.conftest import panel


@pytest.mark.parametrize("seeds", [SEEDS, FRESH_SEEDS], ids=["seeds", "fresh"])
@pytest.mark.parametrize("density", DENSITIES)
def test_random_counts_hold_the_level_at_every_density(italy, density, seeds):
    mean, error = mean_and_error(count_rejections(italy[0], density, seeds))
    assert mean <= 0.05 + 2 * error
    # Discreteness makes the test careful, not blind.
    assert mean > 0.005


@pytest.mark.parametrize("cell", CELLS)
def test_shares_at_constant_risk_hold_the_level_on_the_real_population(italy, cell):
    graph, population = italy
    mean, error = mean_and_error(share_rejections(graph, population, cell, FRESH_SEEDS))
    assert mean <= 0.05 + 2 * error
    assert mean > 0.002


def test_rates_alone_exceed_the_level_where_firms_are_few(italy):
    # Why shares must pass random labelling too; if this fails, that rule can go.
    graph, population = italy
    mean, error = mean_and_error(share_rejections(graph, population, CELLS[2], range(6), rule=None))
    assert mean > 0.05 + 2 * error


def test_random_continuous_values_reject_at_the_level(italy):
    graph, _ = italy
    values = np.random.default_rng(1).normal(size=(graph.n, 6))
    noise = panel(values, graph.unique_ids, ("noise",), range(6))
    shares = rejections(*local_autocorrelation(noise, graph, LocalTest(counts=False, seed=1)))
    assert abs(shares.mean() - 0.05) < 0.003
