"""Pure noise is not called significant more often than announced."""

import numpy as np
import pytest

from tests.space.calibration import DENSITIES, false_positives, random_counts


@pytest.mark.shared
@pytest.mark.parametrize("density", DENSITIES)
def test_random_counts_hold_the_level_at_every_density(italy, density):
    places, graph = italy
    shares = false_positives(random_counts(len(places), density, 20), graph, counts=True)
    assert shares.mean() <= 0.05 + 2 * shares.std(ddof=1) / np.sqrt(len(shares))
    # Discreteness makes the test careful, not blind.
    assert shares.mean() > 0.005


@pytest.mark.shared
def test_random_continuous_values_reject_at_the_level(italy):
    places, graph = italy
    values = np.random.default_rng(1).normal(size=(len(places), 6))
    shares = false_positives(values, graph, counts=False)
    assert abs(shares.mean() - 0.05) < 0.003
