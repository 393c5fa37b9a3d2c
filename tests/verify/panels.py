"""Panels of chains and years in which nothing is to be found, and how often something is."""

import numpy as np

from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space import Labels, LocalTest, local_autocorrelation
from tests.space.conftest import panel
from tests.verify.nulls import at_constant_risk, placed_counts

ALPHA = 0.05
CHAINS, YEARS = 15, 10
KINDS = ("counts", "rates and labels", "continuous")
FAMILIES = {"map": "q_value", "year": "q_value_year", "panel": "q_value_panel"}


def all_null(where, graph, kind, seed):
    """Test one panel of noise, from sparse chains to common ones."""
    rng = np.random.default_rng([23, KINDS.index(kind), seed])
    graph, places = where.graphs[graph], len(where.population)
    shape = (places, CHAINS, YEARS)

    def shaped(maps):
        data = np.moveaxis(np.array(maps).reshape(CHAINS, YEARS, places), 2, 0)
        return panel(data, graph.unique_ids, range(CHAINS), range(YEARS))

    test = LocalTest(counts=kind == "counts", seed=seed, alpha=ALPHA, details=True)
    if kind == "continuous":
        values = panel(rng.gamma(2.0, size=shape), graph.unique_ids, range(CHAINS), range(YEARS))
        return local_autocorrelation(values, graph, test)
    if kind == "counts":
        densities = np.repeat(np.geomspace(0.01, 1.0, CHAINS), YEARS)
        values = shaped([placed_counts(rng, places, density) for density in densities])
        return local_autocorrelation(values, graph, test)
    firms = np.repeat(np.geomspace(0.3, 15, CHAINS) * places, YEARS).astype(int)
    drawn = [at_constant_risk(rng, where.population, many, 0.3) for many in firms]
    digital, known = (shaped(part) for part in zip(*drawn, strict=True))
    values = assuncao_reis(digital, known)
    labels = Labels(digital=digital, known=known)
    return local_autocorrelation(values, graph, test, labels=labels)


def false_share(local, family):
    """Give the share of false discoveries, averaged over the families of a panel.

    Where all is noise it is 1 in a family that has any discovery, and 0 in others.
    """
    found = (local[FAMILIES[family]] < ALPHA).any("place")
    if family == "map":
        return float(found.mean())
    return float(found.any("chain").mean()) if family == "year" else float(found.any())


def false_shares(where, graph, kind, repeats):
    """Give those of many panels: rows, by family: columns."""
    rows = []
    for seed in repeats:
        local, _ = all_null(where, graph, kind, seed)
        rows.append([false_share(local, family) for family in FAMILIES])
    return np.array(rows)
