"""P-values of the engine against what needs no theory: all subsets, exact sums, and fresh draws."""

import functools
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import stats

from geo_engine.indicators.rates import assuncao_reis
from geo_engine.space.exact import conditional_tails
from geo_engine.space.links import Links
from geo_engine.space.monte_carlo import map_seed
from geo_engine.tables import TAIL_METHODS
from tests.space.brute import drawn_tails, enumerated_tails, programmed_tails
from tests.space.conftest import panel
from tests.verify.nulls import at_constant_risk, territory

SEED = map_seed(1, "verify", 2022)
MONTE_CARLO = TAIL_METHODS.index("monte_carlo")
KINDS = (
    "sparse count",
    "heavy-tailed count",
    "share with gaps",
    "zero-inflated real",
    "normal",
    "log-normal, sigma 2.5",
    "Cauchy",
)
WANTED = (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4, 3e-5, 1e-5, 3e-6)
"""For each kind one place near each of these p-values."""


@dataclass(frozen=True)
class Case:
    """One map: its values, NaN where there is none."""

    values: np.ndarray
    links: Links


@functools.cache
def case(kind):
    """Make a map of the whole country."""
    where = territory()
    rng = np.random.default_rng([37, KINDS.index(kind)])
    share = where.population / where.population.sum()
    values = {
        "sparse count": lambda: rng.multinomial(2_000, share) * 1.0,
        "heavy-tailed count": lambda: rng.multinomial(4_500_000, share) * 1.0,
        "share with gaps": lambda: _rates(rng, where),
        "zero-inflated real": lambda: np.maximum(_smooth(rng, where) - 0.5, 0.0) ** 1.5,
        "normal": lambda: _smooth(rng, where),
        "log-normal, sigma 2.5": lambda: np.exp(2.5 * _smooth(rng, where)),
        "Cauchy": lambda: stats.cauchy.ppf(stats.norm.cdf(_smooth(rng, where))),
    }[kind]()
    seen = np.isfinite(values)
    links = Links.of(where.graphs["queen"], where.places).among(seen)
    return Case(values=values[seen], links=links)


def _rates(rng, where):
    """Standardize shares of 60,000 firms, more digital in the first places, with their gaps."""
    digital, known = at_constant_risk(rng, where.population, 60_000, 0.3)
    digital[:300] = np.minimum(known[:300], 2 * digital[:300])
    maps = [panel(part, where.places) for part in (digital, known)]
    return assuncao_reis(*maps).to_numpy().ravel()


def _smooth(rng, where):
    """Draw normal values that resemble their neighbors a little, for small p-values."""
    noise = rng.normal(size=len(where.population))
    links = Links.of(where.graphs["queen"], where.places)
    mixed = noise + 0.4 * np.nan_to_num(links.lag(noise))
    return mixed / mixed.std()


def chosen_places(p, links):
    """Choose one place near each p-value wanted, by a rule and not by eye."""
    distance = np.abs(np.log(np.where(links.draws > 0, p, np.nan))[:, None] - np.log(WANTED))
    chosen = []
    for column in range(len(WANTED)):
        order = np.argsort(distance[:, column], kind="stable")
        chosen.append(next(int(i) for i in order if int(i) not in chosen))
    return np.array(chosen)


def against_draws(kind, draws, chosen=None):
    """Compare p-values with fresh draws of each place's own.

    Gives a row for each place: p, its bound, method, and p by force with its standard error.
    """
    one = case(kind)
    found = conditional_tails(one.values, one.links, seed=SEED)
    chosen = chosen_places(found.p_value, one.links) if chosen is None else chosen
    sums = one.links.sums(one.values)

    def force(i):
        seed = 41_000_000 + int(i)
        return drawn_tails(one.values, i, one.links.draws[i], sums[i], draws, seed)

    with ThreadPoolExecutor(2) as pool:
        tails = np.array(list(pool.map(force, chosen))) / draws
    tail = tails.min(axis=1)
    # Where the draws have few hits or none, the error is that of the p-value to be tested.
    expected = np.minimum(found.p_value[chosen] / 2, 0.5)
    spread = np.maximum(tail * (1 - tail), expected * (1 - expected))
    return np.column_stack(
        [
            found.p_value[chosen],
            found.p_error[chosen],
            found.method[chosen],
            np.minimum(1.0, 2 * tail),
            2 * np.sqrt(spread / draws),
        ]
    )


def deviations(rows):
    """Give how far p lies outside its bound, in standard errors of the draws, with the sign."""
    p, bound, method, forced, error = rows.T
    low = p - bound - forced
    high = p + np.where(method == MONTE_CARLO, bound, 0.0) - forced
    outside = np.where(low > 0, low, np.where(high < 0, high, 0.0))
    return outside / error


def ring(n, k):
    """Give each place the k places after it."""
    starts = np.arange(n + 1, dtype=np.int64) * k
    neighbors = (np.arange(n)[:, None] + np.arange(1, k + 1)) % n
    return Links(starts=starts, neighbors=np.sort(neighbors, axis=1).ravel().astype(np.int64))


SMALL = ("counts", "shares", "ties", "reals", "heavy")


def small_units(rng, kind, n):
    """Make a small map of whole numbers, and what they are divided by."""
    if kind == "counts":
        return rng.poisson(1.0, n) + 5 * (np.arange(n) == 0), 1
    if kind == "shares":
        known = rng.integers(1, 9, n)
        return rng.binomial(known, 0.4) * (840 // known), 840
    if kind == "ties":
        return rng.choice([0, 1, 1, 3, 4], n) + (np.arange(n) == 0), 3
    if kind == "reals":
        return rng.integers(0, 1 << 40, n), 1 << 40
    return np.floor(2.0**20 * np.exp(2.0 * rng.normal(size=n))).astype(np.int64), 1 << 20


def against_all_subsets(kind, seeds, sizes=(7, 10, 13)):
    """Give the largest difference from full enumeration, and how many p-values were compared."""
    worst = compared = 0
    for seed in seeds:
        for n in sizes:
            rng = np.random.default_rng([43, SMALL.index(kind), seed, n])
            units, divisor = small_units(rng, kind, n)
            k = int(rng.integers(1, n - 1))
            links = ring(n, k)
            found = conditional_tails(units / divisor, links, seed=SEED)
            for i in range(n):
                some = links.neighbors[links.starts[i] : links.starts[i + 1]]
                true = min(1.0, 2 * min(enumerated_tails(units, some, i)))
                worst = max(worst, abs(found.p_value[i] - true))
                compared += 1
    return worst, compared


LARGE = ("gamma", "log-normal", "half zero", "normal")


def large_units(kind, n):
    """Make whole numbers too fine for the engine to take them as such: it sees real values."""
    rng = np.random.default_rng([47, LARGE.index(kind)])
    values = {
        "gamma": lambda: rng.gamma(0.5, size=n),
        "log-normal": lambda: np.exp(2.0 * rng.normal(size=n)),
        "half zero": lambda: np.where(rng.random(n) < 0.5, 0.0, rng.random(n)),
        "normal": lambda: rng.normal(size=n),
    }[kind]()
    values -= values.min()
    return np.rint(values / values.max() * 250_007).astype(np.int64)


def against_exact_sums(kind, n, k, places):
    """Compare with exact probabilities on a map of many places.

    Gives rows of p, its bound, the exact p, and the method.
    """
    units, links = large_units(kind, n), ring(n, k)
    # The root of two hides the common divisor.
    found = conditional_tails(units * math.sqrt(2), links, seed=SEED)
    order = np.argsort(found.p_value, kind="stable")
    chosen = order[np.unique(np.geomspace(1, n, places).astype(int) - 1)]

    def exact(i):
        some = links.neighbors[links.starts[i] : links.starts[i + 1]]
        return min(1.0, 2 * min(programmed_tails(units, some, i)))

    with ThreadPoolExecutor(2) as pool:
        true = np.array(list(pool.map(exact, chosen)))
    return np.column_stack(
        [found.p_value[chosen], found.p_error[chosen], true, found.method[chosen]]
    )


WORK = 1.5e9
"""Steps that the exact sums of one place may take."""


def against_exact_counts(kind):
    """Compare counts of the whole country with exact probabilities.

    Gives rows of p, its bound, and the exact p, for the places of :func:`chosen_places` whose
    sums are small enough to be counted.
    """
    one = case(kind)
    found = conditional_tails(one.values, one.links, seed=SEED)
    sums, starts = one.links.sums(one.values), one.links.starts
    rows = []
    for i in chosen_places(found.p_value, one.links):
        if sums[i] * one.links.draws[i] * len(sums) > WORK:
            continue
        some = one.links.neighbors[starts[i] : starts[i + 1]]
        true = min(1.0, 2 * min(programmed_tails(one.values.astype(np.int64), some, i)))
        rows.append((found.p_value[i], found.p_error[i], true))
    return np.array(rows)
