"""Pure noise of every kind, on every neighborhood, and how often it is called significant.

Noise is what the engine's null says: values that are exchanged between places. Counts and zeros and
ones are placed at random; shares and standardized rates are drawn as firms and digital firms on the
real population and then exchanged between the places that have firms, so that the gaps are those of
real chains; real values are missing at random. Constant risk is another null, and apart: firms
where people live, digital ones among them at one risk for all, nothing exchanged.
"""

import datetime as dt
import functools
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from geo_engine.graph import contiguity, distance_band, k_nearest
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.sources.boundaries import read_layer, read_population
from geo_engine.space import Labels, LocalTest, local_autocorrelation
from tests.space.conftest import panel

DATE = dt.date(2022, 1, 1)
LEVEL = 0.05
GRAPHS = ("queen", "knn", "band")
NEAREST, BAND_KM = 8, 12
DENSITIES = (0.002, 0.01, 0.05, 0.2, 1.0)
KINDS = ("counts", "binary", "shares", "rates", "rates and labels")
CONTINUOUS = ("normal", "lognormal")
COUNTED = ("counts", "binary")
COVERED = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Share of places with a value, of continuous variables."""
FIRMS = (10_000, 10_000, 20_000, 60_000, 1_000_000)
"""Firms behind shares, by density."""
MOST_RISK = 0.5
NORTH_WEST = ("01", "02", "03", "07")
CONSTANT_RISK = tuple((firms, risk) for firms in (5_000, 20_000, 100_000) for risk in (0.05, 0.3))
"""Firms and risk, for the constant risk of the whole country."""


@dataclass(frozen=True)
class Territory:
    """Places, their residents and who is a neighbor of whom."""

    graphs: dict
    population: np.ndarray

    @property
    def places(self):
        return next(iter(self.graphs.values())).unique_ids


@functools.cache
def territory(regions=()):
    """Give the municipalities that ship, or those of some regions."""
    layer, population = read_layer(DATE), read_population(DATE, 2022)
    if regions:
        layer = layer[layer["cod_reg"].astype(str).str.zfill(2).isin(regions)]
        population = population.reindex(layer.index)
    graphs = {
        "queen": contiguity(layer),
        "knn": k_nearest(layer, NEAREST),
        "band": distance_band(layer, BAND_KM),
    }
    return Territory(graphs=graphs, population=population.to_numpy().astype(float))


def placed_counts(rng, places, density):
    """Give 1 to some firms to a share of the places, and none to the others."""
    values = np.zeros(places)
    chosen = rng.permutation(places)[: round(density * places)]
    values[chosen] = rng.geometric(0.3, len(chosen))
    return values


def zeros_and_ones(rng, places, density):
    """Give one to a share of the places; to half of them where all would have it."""
    values = np.zeros(places)
    values[rng.permutation(places)[: round(min(density, 0.5) * places)]] = 1.0
    return values


def at_constant_risk(rng, population, firms, risk):
    """Draw firms where people live, and digital ones among them."""
    known = rng.multinomial(firms, population / population.sum())
    return rng.binomial(known, risk) * 1.0, known * 1.0


def risk_for(population, firms, density):
    """Find the risk at which this share of the places has a digital firm."""
    mean = firms * population / population.sum()

    def excess(risk):
        return (1 - np.exp(-mean * risk)).mean() - density

    return MOST_RISK if excess(MOST_RISK) < 0 else optimize.brentq(excess, 1e-9, MOST_RISK)


def exchanged(rng, digital, known):
    """Exchange firms and digital firms together, between the places that have firms."""
    there = np.flatnonzero(known)
    move = rng.permutation(there)
    digital, known = digital.copy(), known.copy()
    digital[there], known[there] = digital[move], known[move]
    return digital, known


def continuous(rng, places, kind, covered):
    """Draw real values at a share of the places."""
    values = rng.normal(size=places)
    if kind == "lognormal":
        values = np.exp(2.5 * values)
    values[rng.permutation(places)[round(covered * places) :]] = np.nan
    return values


@dataclass(frozen=True)
class Cell:
    """One cell of the grid."""

    kind: str
    step: int
    graph: str

    @property
    def density(self):
        return (COVERED if self.kind in CONTINUOUS else DENSITIES)[self.step]


def cells(kinds=(*KINDS, *CONTINUOUS), steps=range(5), graphs=GRAPHS):
    """Give the cells of the grid."""
    return [Cell(kind, step, graph) for kind in kinds for step in steps for graph in graphs]


def drawn(cell, where, seed):
    """Draw the values of a map, or its digital firms and firms."""
    rng, places = np.random.default_rng([17, cell.step, seed]), len(where.population)
    if cell.kind in CONTINUOUS:
        return continuous(rng, places, cell.kind, cell.density)
    if cell.kind in COUNTED:
        draw = placed_counts if cell.kind == "counts" else zeros_and_ones
        return draw(rng, places, cell.density)
    firms = FIRMS[cell.step]
    risk = risk_for(where.population, firms, cell.density)
    pair = at_constant_risk(rng, where.population, firms, risk)
    return pair if cell.kind == "rates and labels" else exchanged(rng, *pair)


def rejections(cell, where, seeds):
    """Give, for each seed, the share of tested places with p <= 0.05; NaN without any test."""
    graph = where.graphs[cell.graph]
    maps = [drawn(cell, where, seed) for seed in seeds]
    test = LocalTest(counts=cell.kind in COUNTED, seed=1)
    if cell.kind in (*COUNTED, *CONTINUOUS):
        values = panel(np.array(maps).T, graph.unique_ids, ("null",), seeds)
        return shares_below(*local_autocorrelation(values, graph, test))
    digital, known = (
        panel(np.array(part).T, graph.unique_ids, ("null",), seeds)
        for part in zip(*maps, strict=True)
    )
    raw = cell.kind == "shares"
    values = digital / known.where(known > 0) if raw else assuncao_reis(digital, known)
    labels = Labels(digital=digital, known=known) if cell.kind == "rates and labels" else None
    return shares_below(*local_autocorrelation(values, graph, test, labels=labels))


def constant_risk_rejections(where, firms, risk, seeds, graph="queen"):
    """Give the same at constant risk for counts of firms, rates, and rates and labels."""
    graph = where.graphs[graph]
    drawn = [
        at_constant_risk(np.random.default_rng([19, seed]), where.population, firms, risk)
        for seed in seeds
    ]
    digital, known = (
        panel(np.array(part).T, graph.unique_ids, ("null",), seeds)
        for part in zip(*drawn, strict=True)
    )
    rates = assuncao_reis(digital, known)
    counts, shares = LocalTest(counts=True, seed=1), LocalTest(counts=False, seed=1)
    labels = {rule: Labels(digital=digital, known=known, rule=rule) for rule in ("both", "labels")}
    return {
        "firms": shares_below(*local_autocorrelation(known, graph, counts)),
        "digital firms": shares_below(*local_autocorrelation(digital, graph, counts)),
        "rates alone": shares_below(*local_autocorrelation(rates, graph, shares)),
        "labels alone": shares_below(
            *local_autocorrelation(rates, graph, shares, labels=labels["labels"])
        ),
        "rates and labels": shares_below(
            *local_autocorrelation(rates, graph, shares, labels=labels["both"])
        ),
    }


def shares_below(local, maps):
    """Give the share of tested places with p <= 0.05, by map."""
    tested = maps.tested.to_numpy()[0].astype(float)
    below = (local.p_value <= LEVEL).sum("place").to_numpy()[0]
    return np.divide(below, tested, out=np.full(len(tested), np.nan), where=tested > 0)


def summary(shares):
    """Give mean and standard error over the seeds that had a test."""
    shares = shares[np.isfinite(shares)]
    if len(shares) < 2:
        return np.nan, np.nan, len(shares)
    return shares.mean(), shares.std(ddof=1) / np.sqrt(len(shares)), len(shares)


def allowed(seeds, of_cells, standard_errors=2.0):
    """Give how many standard errors a cell may be off: two for one cell, more for the worst.

    The chance of exceeding two is shared among the cells (Bonferroni), and the error itself is
    estimated from the seeds (Student).
    """
    return float(stats.t.isf(stats.norm.sf(standard_errors) / of_cells, seeds - 1))
