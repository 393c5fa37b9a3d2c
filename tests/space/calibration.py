"""How often pure noise is called significant: the whole grid, as a script.

``python -m tests.space.calibration LAYER.parquet`` prints the share of places with p <= 0.05, with
its standard error over seeds, for counts placed at random and for constant risk.
"""

import sys

import numpy as np

from geo_engine.space import Labels, LocalTest, local_autocorrelation
from tests.space.conftest import panel

DENSITIES = (0.002, 0.01, 0.05, 0.2, 1.0)
FIRMS = (5_000, 20_000, 100_000)
RISKS = (0.05, 0.3)


def assuncao_reis(digital, firms):
    """Standardize rates so that places of every size have one variance; NaN without firms."""
    some = firms > 0
    rate = np.full(len(firms), np.nan)
    rate[some] = digital[some] / firms[some]
    share = digital.sum() / firms.sum()
    between = (firms * np.nan_to_num(rate - share) ** 2).sum() / firms.sum()
    between -= share / firms[some].mean()
    variance = np.full(len(firms), np.nan)
    variance[some] = between + share / firms[some]
    variance[some & ~(variance > 0)] = (share / np.maximum(firms, 1))[some & ~(variance > 0)]
    return (rate - share) / np.sqrt(variance)


def random_counts(places, density, seeds):
    """Place counts at random: a share of the places has 1 to some firms, the others none."""
    maps = []
    for seed in range(seeds):
        rng = np.random.default_rng([7, seed])
        values = np.zeros(places)
        chosen = rng.permutation(places)[: round(density * places)]
        values[chosen] = 1 + rng.geometric(0.3, len(chosen))
        maps.append(values)
    return np.array(maps).T


def clustered_weights(graph, seed):
    """Draw sizes of places that resemble their neighbors', as populations do."""
    from geo_engine.space.links import Links

    size = np.random.default_rng(seed).normal(size=graph.n)
    links = Links.of(graph, graph.unique_ids)
    for _ in range(2):
        size = (size + links.sums(size)) / (1 + links.draws)
    own = np.random.default_rng(seed + 1).normal(size=graph.n)
    return np.exp(1.0 * size / size.std() + 0.8 * own)


def constant_risk(weights, firms, risk, seeds):
    """Draw firms on the weights, and digital firms among them at one risk."""
    known, digital = [], []
    for seed in range(seeds):
        rng = np.random.default_rng([11, seed])
        known.append(rng.multinomial(firms, weights / weights.sum()))
        digital.append(rng.binomial(known[-1], risk))
    return np.array(digital).T, np.array(known).T


def constant_risk_shares(graph, weights, how, *, seeds, rule):
    """Give, for each seed, the share of tested places with p <= 0.05; no rule: rates alone."""
    digital, known = constant_risk(weights, *how, seeds)
    rates = np.array([assuncao_reis(d, k) for d, k in zip(digital.T, known.T, strict=True)]).T
    years = range(seeds)
    firms = [panel(part, graph.unique_ids, ("null",), years) for part in (digital, known)]
    labels = None if rule is None else Labels(digital=firms[0], known=firms[1], rule=rule)
    return false_positives(rates, graph, counts=False, labels=labels)


def false_positives(values, graph, *, counts, labels=None):
    """Give, for each map, the share of tested places with p <= 0.05."""
    years = range(values.shape[1])
    test = LocalTest(counts=counts, seed=1)
    local, _ = local_autocorrelation(
        panel(values, graph.unique_ids, ("null",), years), graph, test, labels=labels
    )
    p = local["p_value"].to_numpy()[:, 0, :]
    return (p <= 0.05).sum(axis=0) / np.isfinite(p).sum(axis=0)


def mean_and_error(shares):
    """Summarize the seeds."""
    return shares.mean(), shares.std(ddof=1) / np.sqrt(len(shares))


def _main(layer, seeds=20):
    import geopandas as gpd

    from geo_engine.graph import contiguity

    table = gpd.read_parquet(layer, columns=["geometry", "com_istat_code"])
    places = table.set_index("com_istat_code").sort_index()
    graph = contiguity(places)
    for density in DENSITIES:
        shares = false_positives(random_counts(len(places), density, seeds), graph, counts=True)
        mean, error = mean_and_error(shares)
        print(f"counts at {density:6.1%}: {mean:.4f} (se {error:.4f})")  # noqa: T201
    weights = clustered_weights(graph, seed=1)
    for firms in FIRMS:
        for risk in RISKS:
            for rule in (None, "both", "labels"):
                shares = constant_risk_shares(graph, weights, (firms, risk), seeds=seeds, rule=rule)
                mean, error = mean_and_error(shares)
                name = rule or "rates"
                print(f"{firms:7,} firms at {risk} {name:6}: {mean:.4f} (se {error:.4f})")  # noqa: T201


if __name__ == "__main__":
    _main(sys.argv[1])
