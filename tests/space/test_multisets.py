"""The commonest sums, listed one by one, against enumeration and draws."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.space.exact import conditional_tails
from geo_engine.space.multisets import Read, heavy_multisets, narrowed
from tests.space.brute import drawn_tails
from tests.space.test_exact import SEED, links_from, ring

ROOTS = np.sqrt([0, 0, 0, 1, 1, 1, 1, 4, 4, 9, 9, 2, 3, 8])


def kinds_of(values):
    distinct, own, times = np.unique(values, return_inverse=True, return_counts=True)
    return distinct, own, times.astype(np.int64)


def known_nothing(count):
    return Read(away=np.array([1.0]), below=np.zeros((count, 1)), upto=np.ones((count, 1)))


def test_two_draws_of_three_values_are_listed_with_their_chances():
    # 0, 0, 0, 1, 1, 4: fifteen pairs, of which three are (0, 0), six (0, 1), one (1, 1), and so on.
    listed = heavy_multisets(np.array([0.0, 1.0, 4.0]), np.array([3, 2, 1]), 2)
    np.testing.assert_array_equal(listed.sums, [0, 1, 2, 4, 5])
    np.testing.assert_allclose(listed.shares * 15, [3, 6, 1, 3, 2], rtol=1e-14)


@pytest.mark.parametrize("draws", [2, 3, 5])
def test_every_multiset_of_a_small_map_has_the_chance_that_its_subsets_have(draws):
    distinct, own, times = kinds_of(ROOTS)
    listed = heavy_multisets(distinct, times, draws)
    found = {
        tuple(sorted(row)): share for row, share in zip(listed.kinds, listed.shares, strict=True)
    }
    counted = dict.fromkeys(found, 0)
    for subset in itertools.combinations(own, draws):
        counted[tuple(sorted(subset))] += 1
    assert all(
        math.isclose(found[row], count / math.comb(len(ROOTS), draws), rel_tol=1e-12)
        for row, count in counted.items()
    )


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    values=st.lists(st.sampled_from([0, 1, 2, 3, 5, 8]), min_size=7, max_size=11),
    draws=st.integers(2, 4),
    focal=st.integers(0, 6),
)
def test_a_whole_list_gives_both_tails_without_the_own_value(values, draws, focal):
    # Equal sums of different roots tie: 1 + 1 = 0 + 2 among whole numbers.
    values = np.array(values, float) * 0.3
    distinct, own, times = kinds_of(values)
    listed = heavy_multisets(distinct, times, draws)
    if listed is None:
        assert times.max() == 1
        return
    others = np.delete(values, focal)
    sums = np.array([sum(part) for part in itertools.combinations(others, draws)])
    observed = others[:draws].sum()
    asked = np.array([observed]), own[[focal]].astype(np.int64), 1e-9
    low, low_high, high_low, high = narrowed(
        listed, times, asked, known_nothing(1).at(np.array([0]))
    )[0]
    below, upto = np.mean(sums < observed - 1e-9), np.mean(sums <= observed + 1e-9)
    np.testing.assert_allclose([low, low_high], below, atol=2e-11)
    np.testing.assert_allclose([high_low, high], upto, atol=2e-11)


def test_a_list_only_narrows_and_never_crosses_the_truth():
    # Bounds that are loose by what lies within half a unit: the list takes it off.
    distinct, own, times = kinds_of(ROOTS)
    draws, focal = 4, 8
    listed = heavy_multisets(distinct, times, draws)
    others = np.delete(ROOTS, focal)
    sums = np.array([sum(part) for part in itertools.combinations(others, draws)])
    observed = float(np.sort(sums)[400])
    away = np.array([0.0, 0.5])
    blurred = [
        [[np.mean(sums < observed - step - 0.25) for step in away]],
        [[np.mean(sums <= observed + step + 0.25) for step in away]],
    ]
    read = Read(away=away, below=np.array(blurred[0]), upto=np.array(blurred[1]))
    asked = np.array([observed]), own[[focal]].astype(np.int64), 1e-9
    low, low_high, high_low, high = narrowed(listed, times, asked, read)[0]
    below, upto = np.mean(sums < observed - 1e-9), np.mean(sums <= observed + 1e-9)
    assert blurred[0][0][0] < low <= below + 1e-12
    assert upto - 1e-12 <= high < blurred[1][0][0]
    assert below - 1e-12 <= low_high <= high
    assert low <= high_low <= upto + 1e-12


def test_values_that_do_not_repeat_have_no_list():
    assert heavy_multisets(np.arange(50.0), np.ones(50, np.int64), 3) is None


def test_roots_of_counts_tie_in_many_ways_and_their_p_is_certain():
    n = 1_500
    values = np.sqrt(np.random.default_rng(3).poisson(1.0, n))
    lists = ring(n, 7)
    found = conditional_tails(values, links_from(lists), seed=SEED)
    error = found.p_error
    assert (found.method != 3).all()
    assert np.mean((error <= 0.02 * found.p_value) & (error <= 1e-4)) > 0.99
    draws = 1_000_000
    for i in np.argsort(-error, kind="stable")[:3]:
        tails = drawn_tails(values, i, 7, values[lists[i]].sum(), draws, int(i))
        forced = min(1.0, 2 * min(tails) / draws)
        spread = 4 * 2 * np.sqrt(0.25 / draws)
        assert found.p_value[i] - error[i] - spread <= forced <= found.p_value[i] + spread
