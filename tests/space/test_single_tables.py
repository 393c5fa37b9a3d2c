"""Periodic tables in single precision, and the tolerances that they serve."""

import numpy as np
import pytest
import xarray as xr

from geo_engine.space import LocalTest, local_autocorrelation
from geo_engine.space.chernoff import beyond
from geo_engine.space.record import MONTE_CARLO
from geo_engine.space.single_tables import SINGLE_NOISE, periodic_tails
from geo_engine.space.sum_tables import Questions, lower_tails


def questions(rng, values, most):
    n = len(values)
    draws = rng.integers(1, most + 1, n)
    sums = np.array([rng.choice(values, k, replace=False).sum() for k in draws])
    return Questions(draws=draws, own=values, thresholds=np.column_stack([sums, sums - 1]))


def test_a_table_of_one_period_equals_the_whole_one_within_its_noise():
    rng = np.random.default_rng(1)
    values = rng.binomial(rng.integers(1, 40, 2_000), 0.3).astype(np.int64) * 7
    asked = questions(rng, values, 9)
    whole = lower_tails(values, len(values), asked).tails
    found = periodic_tails(values, 9 * int(values.max()) + 2, asked)
    assert np.abs(found - whole).max() < SINGLE_NOISE / 2


@pytest.mark.parametrize("deviations", [5.0, 7.0])
def test_what_a_short_period_confuses_is_within_chernoffs_bound(deviations):
    rng = np.random.default_rng(2)
    values = np.minimum(rng.gamma(0.7, 30, 2_000), 900).astype(np.int64)
    asked = questions(rng, values, 8)
    whole = lower_tails(values, len(values), asked).tails
    period = int(deviations * values.std() * np.sqrt(8))
    found = periodic_tails(values, period, asked)
    distinct, times = np.unique(values, return_counts=True)
    far = (asked.draws, asked.thresholds[:, 0] * 1.0)
    outside = beyond(distinct * 1.0, times.astype(np.int64), far, period - 1.0)
    wrong = np.abs(found - whole).max(axis=1)
    assert (wrong <= outside + SINGLE_NOISE).all()
    assert wrong.max() > SINGLE_NOISE


def test_a_sum_many_periods_away_counts_once_for_each():
    values = np.zeros(1_000)
    values[0] = 50.0
    distinct, times = np.unique(values, return_counts=True)
    found = beyond(distinct, times.astype(np.int64), (np.array([4]), np.array([0.0])), 1.0)
    # The outlier is among four of 1,000 with chance 0.004, and lies fifty periods away.
    assert found[0] >= 0.004 * 50


def test_shares_of_a_whole_country_hold_both_tolerances_at_more_than_95_percent(italy):
    graph, population = italy
    rng = np.random.default_rng(8)
    weights = population / population.sum()
    known = np.array([rng.multinomial(size, weights) for size in (3_000, 30_000)]).T
    digital = rng.binomial(known, 0.3)
    shares = np.where(known > 0, digital / np.maximum(known, 1), np.nan)
    coords = {"place": list(graph.unique_ids), "chain": ["a", "b"], "year": [2024]}
    values = xr.DataArray(shares[:, :, None], dims=("place", "chain", "year"), coords=coords)
    local, _ = local_autocorrelation(values, graph, LocalTest(counts=False, seed=1))
    method = local["method"].to_numpy()
    for chain in range(2):
        tested = method[:, chain, 0] > 0
        p, error = (local[name].to_numpy()[tested, chain, 0] for name in ("p_value", "p_error"))
        assert (method[tested, chain, 0] != MONTE_CARLO).all()
        assert (error <= 0.02 * p).all()
        assert np.mean((p > 0.01) & (error > 1e-4)) < 0.05
