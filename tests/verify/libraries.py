"""What esda makes of the inputs of the guide's table, beside the engine."""

import warnings

import numpy as np

from geo_engine.space import LocalTest, local_autocorrelation
from tests.space.conftest import lattice_graph, panel
from tests.verify.nulls import placed_counts

PERMUTATIONS = 99


def by_esda(values, graph):
    """Give the p-values of esda's local Moran, as it is called by default."""
    import esda

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = esda.Moran_Local(values, graph, permutations=PERMUTATIONS, seed=1, n_jobs=1)
    return found.p_sim


def by_engine(values, graph):
    """Give ours; NaN where there is no test."""
    test = LocalTest(counts=False, seed=1, min_positive=0)
    local, _ = local_autocorrelation(panel(values, graph.unique_ids), graph, test)
    return local.p_value.to_numpy().ravel()


def rows():
    """Give name, and the share of places at or below 5 %, of esda and of the engine."""
    graph, island = lattice_graph(20, 20), lattice_graph(20, 20, islands=1)
    rng = np.random.default_rng(59)
    noise = rng.normal(size=(10, 400))
    gap = noise[0].copy()
    gap[33] = np.nan
    sparse = [
        [placed_counts(np.random.default_rng([61, s]), 400, share) for s in range(10)]
        for share in (0.01, 0.05)
    ]
    cases = (
        ("one value missing", [gap], graph, None),
        ("a constant", [np.full(400, 0.3)], graph, None),
        ("an isolate (that place)", list(np.append(noise, noise[:, :1], 1)), island, 400),
        ("counts at random, 1 % of places", sparse[0], graph, None),
        ("counts at random, 5 % of places", sparse[1], graph, None),
        ("normal noise", list(noise), graph, None),
    )
    found = []
    for name, maps, where, only in cases:
        at = slice(None) if only is None else slice(only, only + 1)
        shares = [
            float(np.mean([np.mean(p(values, where)[at] <= 0.05) for values in maps]))
            for p in (by_esda, by_engine)
        ]
        found.append((name, *shares))
    return found
