"""Random labelling against scipy's hypergeometric, and the level it holds where rates do not."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from geo_engine.errors import StatisticsError
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space import Labels, LocalTest, local_autocorrelation
from geo_engine.space.links import Links
from geo_engine.space.random_labelling import labelling_p
from tests.space.calibration import share_rejections
from tests.space.conftest import lattice_graph, panel

TEST = LocalTest(counts=False, seed=1)


@pytest.fixture(scope="module")
def graph():
    return lattice_graph(7, 8, islands=1)


def firms_of(graph, seed=0, mean=12):
    rng = np.random.default_rng(seed)
    known = rng.poisson(mean, graph.n) + 1
    return rng.binomial(known, 0.3), known


def rates_of(graph, digital, known):
    return assuncao_reis(panel(digital, graph.unique_ids), panel(known, graph.unique_ids))


def labelled(graph, digital, known, rule="both"):
    labels = Labels(
        digital=panel(digital, graph.unique_ids), known=panel(known, graph.unique_ids), rule=rule
    )
    values = rates_of(graph, digital, known)
    return local_autocorrelation(values, graph, TEST, labels=labels)


@pytest.mark.parametrize("mean", [0.5, 12, 3000])
def test_both_tails_equal_those_of_scipy(graph, mean):
    digital, known = firms_of(graph, mean=mean)
    links = Links.of(graph, graph.unique_ids)
    for high in (True, False):
        sides = np.full(graph.n, high)
        p = labelling_p(digital.astype(float), known.astype(float), links, high=sides)
        for i in range(graph.n - 1):
            near = links.neighbors[links.starts[i] : links.starts[i + 1]]
            chance = stats.hypergeom(
                known.sum() - known[i], digital.sum() - digital[i], known[near].sum()
            )
            hits = digital[near].sum()
            tail = chance.sf(hits - 1) if high else chance.cdf(hits)
            assert p[i] == pytest.approx(min(1, 2 * tail), rel=1e-6, abs=1e-13)


def test_neighbors_without_firms_are_certain(graph):
    links = Links.of(graph, graph.unique_ids)
    known = np.zeros(graph.n)
    known[[0, 30]] = 5
    p = labelling_p(known, known, links, high=np.ones(graph.n, bool))
    assert p[-1] == 1
    assert p[15] == 1


def test_the_rule_both_never_gives_less_than_either_test(graph):
    digital, known = firms_of(graph)
    both, _ = labelled(graph, digital, known)
    alone, _ = labelled(graph, digital, known, rule="labels")
    rates, _ = local_autocorrelation(rates_of(graph, digital, known), graph, TEST)
    expected = np.maximum(alone.p_value, rates.p_value)
    np.testing.assert_array_equal(both.p_value, expected)
    assert (both.status == rates.status).all()
    assert np.isnan(both.p_value[-1]).all()
    assert np.isnan(alone.p_value[-1]).all()


def test_shuffled_places_give_the_same_bits(graph):
    digital, known = firms_of(graph)
    plain, _ = labelled(graph, digital, known)
    order = np.random.default_rng(3).permutation(graph.n)
    ids = graph.unique_ids[order]
    labels = Labels(digital=panel(digital[order], ids), known=panel(known[order], ids))
    values = rates_of(graph, digital, known)
    moved, _ = local_autocorrelation(values[::-1], graph, TEST, labels=labels)
    xr.testing.assert_identical(moved.sel(place=values.place), plain)


def test_more_digital_firms_than_firms_are_refused(graph):
    digital, known = firms_of(graph)
    with pytest.raises(StatisticsError, match="LABELS_INVALID: 2 cells"):
        labelled(graph, np.where(np.arange(graph.n) < 2, known + 1, digital), known)


def test_firms_of_other_places_are_refused(graph):
    digital, known = firms_of(graph)
    ids = graph.unique_ids[:-1]
    labels = Labels(digital=panel(digital[:-1], ids), known=panel(known[:-1], ids))
    with pytest.raises(StatisticsError, match="INDEX_MISMATCH"):
        local_autocorrelation(panel(digital / known, graph.unique_ids), graph, TEST, labels=labels)


@pytest.mark.parametrize(("firms", "risk"), [(5_000, 0.05), (20_000, 0.05), (20_000, 0.3)])
def test_random_labelling_alone_holds_the_level_at_constant_risk(italy, firms, risk):
    # Small places lie beside small places, as they do in Italy.
    graph, population = italy
    shares = share_rejections(graph, population, (firms, risk), range(6), rule="labels")
    assert shares.mean() <= 0.05 + 2 * shares.std(ddof=1) / np.sqrt(len(shares))
