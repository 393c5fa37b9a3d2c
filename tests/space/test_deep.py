"""P-values far below what transforms can see, against whole numbers of subsets."""

import math
from fractions import Fraction

import numpy as np
import pytest

from tests.space.test_exact import ring, tails_of


def exact_upper(values, focal, k, limit):
    """Count subsets of others with a sum of at least the limit, in whole numbers."""
    ways = [{} for _ in range(k + 1)]
    ways[0][0] = 1
    kinds, times = np.unique(np.delete(values, focal), return_counts=True)
    for kind, many in zip(kinds.tolist(), times.tolist(), strict=True):
        for size in range(k, 0, -1):
            for c in range(1, min(size, many) + 1):
                for total, count in ways[size - c].items():
                    now = total + c * kind
                    ways[size][now] = ways[size].get(now, 0) + count * math.comb(many, c)
    tail = sum(count for total, count in ways[k].items() if total >= limit)
    return Fraction(tail, math.comb(len(values) - 1, k))


def test_rare_counts_beside_each_other_have_all_their_digits():
    rng = np.random.default_rng(1)
    values = np.where(rng.random(3_000) < 0.02, rng.integers(1, 9, 3_000), 0)
    values[100:108] = [9, 12, 15, 9, 11, 10, 14, 13]
    found = tails_of(values, ring(3_000, 6))
    for i in (99, 100, 101):
        some = ring(3_000, 6)[i]
        true = 2 * exact_upper(values, i, 6, int(values[some].sum()))
        assert true < 1e-12
        assert found.p_value[i] == pytest.approx(float(true), rel=1e-10)
        assert found.p_error[i] <= 1e-10 * found.p_value[i]
        assert found.method[i] == 1


def test_the_lower_tail_has_all_its_digits_too():
    # Nearly all places are large: small neighbors are the rare thing.
    values = np.full(4_000, 7)
    values[50:56] = 0
    found = tails_of(values, ring(4_000, 5))
    assert found.p_value[50] == pytest.approx(2 / math.comb(3_999, 5), rel=1e-10)


def test_small_tails_of_reals_lie_within_their_error():
    rng = np.random.default_rng(2)
    whole = np.round(rng.gamma(0.3, size=1_500) * 400).astype(int)
    whole[700:707] = [9_000, 9_500, 8_800, 9_100, 9_700, 9_050, 9_333]
    # The same map in a unit without a quantum that floats could find.
    noisy = whole * np.pi + rng.uniform(-1e-7, 1e-7, 1_500)
    found = tails_of(noisy, ring(1_500, 5))
    for i in (699, 700):
        some = ring(1_500, 5)[i]
        true = float(2 * exact_upper(whole, i, 5, int(whole[some].sum())))
        assert true < 1e-9
        assert found.p_value[i] >= true * (1 - 1e-6)
        assert found.p_value[i] - true <= found.p_error[i] + 1e-6 * true
        assert found.p_error[i] <= found.p_value[i]


def test_a_one_sided_small_tail_is_not_doubled():
    from geo_engine.space.exact import conditional_tails
    from tests.space.test_exact import SEED, links_from

    values = np.zeros(4_000)
    values[:6] = 1
    links = links_from(ring(4_000, 5))
    upper = conditional_tails(values, links, seed=SEED, side=np.ones(4_000, np.int8))
    lower = conditional_tails(values, links, seed=SEED, side=-np.ones(4_000, np.int8))
    assert upper.p_value[0] == pytest.approx(1 / math.comb(3_999, 5), rel=1e-10)
    assert lower.p_value[0] == pytest.approx(1.0)


def test_a_bound_that_is_known_better_is_kept(monkeypatch):
    rng = np.random.default_rng(2)
    values = rng.gamma(0.3, size=1_500)
    values[700:707] += np.pi * np.arange(6, 13)
    sharp = tails_of(values, ring(1_500, 5))
    monkeypatch.setattr("geo_engine.space.deep.MOST_STEPS", 1 << 9)
    coarse = tails_of(values, ring(1_500, 5))
    both = (sharp.p_value < 1e-9) & (coarse.p_value < 1e-9)
    assert both.sum() >= 2
    # With fewer steps the bound is looser, but never by more than transforms leave open.
    assert (sharp.p_error <= coarse.p_error * (1 + 1e-9))[both].all()
    assert (coarse.p_value - coarse.p_error <= sharp.p_value)[both].all()
    assert (sharp.p_value - sharp.p_error <= coarse.p_value)[both].all()
