"""Local join counts: enumeration, esda's counts, and laws."""

import dataclasses
import itertools
from fractions import Fraction

import esda
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_engine.errors import StatisticsError
from geo_engine.space.join_counts import local_join_count, local_join_count_of_two
from geo_engine.tables import LOCAL_CONSTANT, LOCAL_ISOLATE, LOCAL_MISSING, LOCAL_OK
from tests.space.conftest import lattice_graph
from tests.space.lattice_cases import GRAPH, SETTINGS, B, Y, of, on

SMALL = dataclasses.replace(SETTINGS, min_places=4)
C = (Y > 7).astype(float)


def enumerated(around, graph, focal):
    """Give the count, its mean and both tails over all choices of neighbors, as fractions."""
    neighbors = [int(name) for name in graph[graph.unique_ids[focal]].index]
    others = [j for j in range(len(around)) if j != focal]
    observed = sum(int(around[j]) for j in neighbors)
    counts = [
        sum(int(around[j]) for j in chosen)
        for chosen in itertools.combinations(others, len(neighbors))
    ]
    n = len(counts)
    tails = (
        Fraction(sum(c <= observed for c in counts), n),
        Fraction(sum(c >= observed for c in counts), n),
    )
    return observed, Fraction(sum(counts), n), np.var(counts), tails


@settings(deadline=None, derandomize=True, max_examples=20)
@given(
    data=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=12, max_size=12),
    kind=st.sampled_from(["univariate", "bivariate", "co_location"]),
)
def test_counts_and_tails_are_those_of_all_choices(data, kind):
    graph = lattice_graph(3, 4)
    first, second = np.array(data).T
    if len(set(first)) == 1 or len(set(second)) == 1:
        return
    here = {"univariate": first, "bivariate": first & ~second, "co_location": first & second}[kind]
    around = {"univariate": first, "bivariate": second & ~first, "co_location": here}[kind]
    for alternative in ("two-sided", "greater", "less"):
        asked = dataclasses.replace(SMALL, alternative=alternative)
        a, b = on(first, graph), on(second, graph)
        if kind == "univariate":
            found = local_join_count(a, graph, asked)
        else:
            found = local_join_count_of_two(a, b, graph, asked, kind=kind)
        for focal in range(12):
            if not here[focal]:
                assert of(found, "status")[focal] == LOCAL_CONSTANT
                assert of(found, "statistic")[focal] == 0
                assert np.isnan(of(found, "p_value")[focal])
                continue
            observed, mean, variance, tails = enumerated(around, graph, focal)
            assert of(found, "statistic")[focal] == observed
            assert of(found, "expected")[focal] == pytest.approx(float(mean))
            assert of(found, "variance")[focal] == pytest.approx(variance)
            p = {"less": tails[0], "greater": tails[1], "two-sided": min(1, 2 * min(tails))}
            assert of(found, "p_value")[focal] == pytest.approx(float(p[alternative]), abs=1e-12)


def test_a_one_amid_three_ones_of_four_places_is_as_worked_by_hand():
    # corner of two by two: three neighbors, all others; 1 1 1 0: count 2 whatever is drawn
    graph = lattice_graph(2, 2)
    found = local_join_count(on([1, 1, 1, 0], graph), graph, SMALL)
    assert of(found, "statistic").tolist() == [2, 2, 2, 0]
    np.testing.assert_allclose(of(found, "p_value"), [1, 1, 1, np.nan])


@pytest.mark.filterwarnings("ignore:The alternative hypothesis")
def test_counts_are_those_of_esda():
    one = esda.Join_Counts_Local(connectivity=GRAPH).fit(B, permutations=0)
    np.testing.assert_array_equal(
        of(local_join_count(on(B), GRAPH, SETTINGS), "statistic"), one.LJC
    )
    for kind, case in (("bivariate", "BJC"), ("co_location", "CLC")):
        two = esda.Join_Counts_Local_BV(connectivity=GRAPH, permutations=0).fit(B, C, case=case)
        found = local_join_count_of_two(on(B), on(C), GRAPH, SETTINGS, kind=kind)
        np.testing.assert_array_equal(of(found, "statistic"), two.LJC)


def test_islands_gaps_and_zeros_have_no_test():
    graph = lattice_graph(6, 6, islands=1)
    values = np.append(np.arange(36) % 2, 1).astype(float)
    values[3] = np.nan
    found = local_join_count(on(values, graph), graph, SETTINGS)
    status = of(found, "status")
    assert (status[3], status[36]) == (LOCAL_MISSING, LOCAL_ISOLATE)
    assert status[1] == LOCAL_OK
    assert status[0] == LOCAL_CONSTANT
    assert (np.isnan(of(found, "p_value")) == (status != LOCAL_OK)).all()


def test_what_is_not_zero_or_one_is_refused():
    with pytest.raises(StatisticsError, match="NOT_BINARY"):
        local_join_count(on(Y), GRAPH, SETTINGS)
    with pytest.raises(StatisticsError, match="NOT_BINARY"):
        local_join_count_of_two(on(B), on(Y), GRAPH, SETTINGS, kind="bivariate")
    with pytest.raises(StatisticsError, match="KIND_UNKNOWN"):
        local_join_count_of_two(on(B), on(C), GRAPH, SETTINGS, kind="both")
