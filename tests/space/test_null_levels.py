"""Pure noise is called significant no more often than the level says, by any of the local tests."""

import numpy as np
import pytest

from geo_engine.space.bivariate import local_bivariate_moran
from geo_engine.space.geary import local_geary
from geo_engine.space.join_counts import local_join_count, local_join_count_of_two
from geo_engine.space.panel_maps import Inference
from tests.space.conftest import lattice_graph, panel

GRAPH = lattice_graph(20, 20, islands=2)
SEEDS = range(20)
SETTINGS = Inference(seed=3)


def maps(draw):
    """Draw one map for each seed."""
    data = np.column_stack([draw(np.random.default_rng([13, seed])) for seed in SEEDS])
    return panel(data, GRAPH.unique_ids, ("null",), tuple(SEEDS))


def sparse_counts(share):
    return maps(lambda rng: (rng.random(402) < share) * rng.geometric(0.3, 402))


def level(found):
    """Give the share of tested places with p <= 0.05 by map, its mean and standard error."""
    p = found.p_value.to_numpy()[:, 0]
    with np.errstate(invalid="ignore"):
        shares = (p <= 0.05).sum(axis=0) / np.maximum((~np.isnan(p)).sum(axis=0), 1)
    return shares.mean(), shares.std(ddof=1) / np.sqrt(len(shares))


@pytest.mark.parametrize("share", [0.05, 0.2, 1.0])
def test_sparse_counts_hold_the_level(share):
    values = sparse_counts(share)
    present = (values > 0).astype(float) if share < 1 else (values > 2).astype(float)
    other = (sparse_counts(0.3) > 0).astype(float).roll(place=7, roll_coords=False)
    for found in (
        local_geary(values, GRAPH, SETTINGS),
        local_bivariate_moran(other, values, GRAPH, SETTINGS),
        local_join_count(present, GRAPH, SETTINGS),
        local_join_count_of_two(present, other, GRAPH, SETTINGS, kind="bivariate"),
        local_join_count_of_two(other, other, GRAPH, SETTINGS, kind="co_location"),
    ):
        mean, error = level(found)
        assert mean <= 0.05 + 2.6 * error


def test_continuous_noise_reaches_the_level_and_no_more():
    values = maps(lambda rng: rng.normal(size=402))
    other = maps(lambda rng: rng.gamma(1, size=402))
    for found in (
        local_geary(values, GRAPH, SETTINGS),
        local_geary([values, other], GRAPH, SETTINGS),
        local_bivariate_moran(values, other, GRAPH, SETTINGS),
    ):
        mean, error = level(found)
        assert abs(mean - 0.05) <= 3 * error
