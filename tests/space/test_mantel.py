"""Mean and variance over all exchanges, against all exchanges."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from geo_engine.space.mantel import moments, of_differences, of_products, of_weights


@pytest.mark.parametrize("with_diagonal", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_mean_and_variance_are_those_of_all_exchanges(seed, with_diagonal):
    rng = np.random.default_rng(seed)
    n = 6
    weights = rng.random((n, n)) * (rng.random((n, n)) < 0.5)
    if not with_diagonal:
        np.fill_diagonal(weights, 0)
    x, y = rng.normal(size=(2, n))
    symmetric = (weights + weights.T) / 2
    for matrix, likeness, pairs in (
        (weights, np.outer(x, x), of_products(x, x)),
        (weights, (x[:, None] - x) ** 2, of_differences(x)),
        (symmetric, np.outer(x, y), of_products(x, y)),
    ):
        sums = [
            (matrix * likeness[np.ix_(order, order)]).sum()
            for order in map(list, itertools.permutations(range(n)))
        ]
        mean, variance = moments(of_weights(csr_array(matrix)), pairs)
        assert mean == pytest.approx(np.mean(sums), abs=1e-12)
        assert variance == pytest.approx(np.var(sums), abs=1e-12)
