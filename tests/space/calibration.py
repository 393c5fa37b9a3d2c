"""How often pure noise is called significant: the whole grid, as a script.

``python -m tests.space.calibration`` prints, for two sets of seeds, the share of places with
p <= 0.05 and its standard error over seeds: counts placed at random, and constant risk on the real
population with the pipeline's own rates and rules.
"""

import datetime as dt

import numpy as np

from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space import Labels, LocalTest, local_autocorrelation
from tests.space.conftest import panel

DENSITIES = (0.002, 0.01, 0.05, 0.2, 1.0)
CELLS = tuple((firms, risk) for firms in (5_000, 20_000, 100_000) for risk in (0.05, 0.3))
SEEDS = range(20)
FRESH_SEEDS = range(1000, 1020)
"""No choice of this project was made by looking at these."""


def random_counts(places, density, seeds):
    """Place counts at random: a share of the places has 1 to some firms, the others none."""
    maps = []
    for seed in seeds:
        rng = np.random.default_rng([7, seed])
        values = np.zeros(places)
        chosen = rng.permutation(places)[: round(density * places)]
        values[chosen] = 1 + rng.geometric(0.3, len(chosen))
        maps.append(values)
    return np.array(maps).T


def constant_risk(weights, firms, risk, seeds):
    """Draw firms on the weights, and digital firms among them at one risk."""
    known, digital = [], []
    for seed in seeds:
        rng = np.random.default_rng([11, seed])
        known.append(rng.multinomial(firms, weights / weights.sum()))
        digital.append(rng.binomial(known[-1], risk))
    return np.array(digital).T, np.array(known).T


def count_rejections(graph, density, seeds):
    """Give, for each seed, the share of tested places with p <= 0.05 on random counts."""
    values = panel(random_counts(graph.n, density, seeds), graph.unique_ids, ("null",), seeds)
    return rejections(*local_autocorrelation(values, graph, LocalTest(counts=True, seed=1)))


def share_rejections(graph, weights, cell, seeds, rule="both"):
    """Give the same under constant risk, tested as the pipeline does; no rule: rates alone."""
    digital, known = (
        panel(part, graph.unique_ids, ("null",), seeds)
        for part in constant_risk(weights, *cell, seeds)
    )
    labels = None if rule is None else Labels(digital=digital, known=known, rule=rule)
    test = LocalTest(counts=False, seed=1)
    values = assuncao_reis(digital, known)
    return rejections(*local_autocorrelation(values, graph, test, labels=labels))


def rejections(local, maps):
    """Share of tested places with p <= 0.05, by map."""
    return (local.p_value <= 0.05).sum("place").to_numpy()[0] / maps.tested.to_numpy()[0]


def mean_and_error(shares):
    """Summarize the seeds."""
    return shares.mean(), shares.std(ddof=1) / np.sqrt(len(shares))


def _main():
    from geo_engine.graph import contiguity
    from geo_engine.sources.boundaries import read_layer, read_population

    date = dt.date(2022, 1, 1)
    graph = contiguity(read_layer(date))
    weights = read_population(date, 2022).to_numpy()
    for name, seeds in (("0-19", SEEDS), ("1000-1019", FRESH_SEEDS)):
        for density in DENSITIES:
            found = mean_and_error(count_rejections(graph, density, seeds))
            print(f"seeds {name} counts {density:.1%}: {found[0]:.4f} (se {found[1]:.4f})")  # noqa: T201
        for cell in CELLS:
            for rule in (None, "labels", "both"):
                found = mean_and_error(share_rejections(graph, weights, cell, seeds, rule))
                line = f"{cell[0]:,} firms, risk {cell[1]}, {rule or 'rates'}"
                print(f"seeds {name} {line}: {found[0]:.4f} (se {found[1]:.4f})")  # noqa: T201


if __name__ == "__main__":
    _main()
