"""Draw the figures of docs/methods/exact-local-inference.md.

``python scripts/figures_local.py``: needs matplotlib (an extra); the same figures on every run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "methods" / "images"
FloatArray = npt.NDArray[np.float64]
BLACK, ORANGE, BLUE, GREEN, RED = "#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00"
SEEDS = range(3000, 3010)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def save(figure: Any, name: str) -> None:
    """Write a figure without the time or the name of a program in it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(FOLDER / f"{name}.png", dpi=120, metadata={"Software": None})
    print(f"{name}.png", flush=True)


def tidy(axes: Axes, title: str, x: str, y: str) -> None:
    """Give axes their words."""
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def exact_upper(values: FloatArray, draws: int, sums: npt.NDArray[np.int64]) -> FloatArray:
    """Give P(S >= s) of draws from all values but the first, by the engine's table."""
    from geo_engine.space.sum_tables import Questions, lower_tails

    steps = values.astype(np.int64)
    questions = Questions(
        draws=np.full(len(sums), draws),
        own=np.full(len(sums), steps[0]),
        thresholds=(sums - 1)[:, None],
    )
    return 1 - lower_tails(steps, len(steps), questions).tails[:, 0]


def tail_figure(plt: Any) -> None:
    """Draw one tail exactly, by the normal approximation, and by 999 permutations."""
    from tests.verify.nulls import placed_counts

    rng = np.random.default_rng(71)
    values, draws = placed_counts(rng, 7_904, 0.05), 6
    values[0] = 0.0
    sums = np.arange(1, 26)
    exact = exact_upper(values, draws, sums)
    others = values[1:]
    n = len(values)
    spread = np.sqrt(draws * others.var() * (n - 1 - draws) / (n - 2))
    normal = stats.norm.sf((sums - 0.5 - draws * others.mean()) / spread)
    drawn = np.array([rng.choice(others, draws, replace=False).sum() for _ in range(999)])
    permuted = (1 + (drawn[:, None] >= sums).sum(axis=0)) / 1_000
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    axes.semilogy(sums, exact, "o", color=BLUE, ms=4, label="exact")
    axes.semilogy(sums, permuted, "s", color=ORANGE, ms=3.5, mfc="none", label="999 permutations")
    axes.semilogy(sums, normal, "-", color=BLACK, lw=1, label="normal approximation")
    axes.axhline(1e-3, color=ORANGE, lw=0.8, ls=":")
    axes.set_ylim(1e-13, 1.5)
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    tidy(
        axes,
        "Firms among six neighbors, a chain present in 5 % of 7,904 places",
        "observed sum s",
        "P(S ≥ s)",
    )
    save(figure, "tail")


def bound_figure(plt: Any) -> None:
    """Draw the bound of the error against p, for three kinds of real values."""
    from geo_engine.space.exact import conditional_tails
    from tests.verify.force import MONTE_CARLO, SEED, case

    figure, axes = plt.subplots(1, 3, figsize=(8.4, 3.2), layout="constrained", sharey=True)
    kinds = ("share with gaps", "normal", "log-normal, sigma 2.5")
    titles = ("standardized shares", "normal", "log-normal, σ = 2.5")
    for one, kind, title in zip(axes, kinds, titles, strict=True):
        found = conditional_tails(case(kind).values, case(kind).links, seed=SEED)
        p, error = found.p_value, found.p_error
        by_draws = found.method == MONTE_CARLO
        bounded = (error > 0) & ~by_draws
        one.loglog(p[bounded], error[bounded], ",", color=BLUE, alpha=0.6)
        one.loglog(p[by_draws], error[by_draws], "x", color=RED, ms=4)
        line = np.geomspace(1e-6, 1, 50)
        one.loglog(line, 0.02 * line, "-", color=BLACK, lw=0.8)
        one.axhline(1e-4, color=BLACK, lw=0.8, ls=":")
        one.set_xlim(1e-6, 1.5)
        one.set_ylim(1e-9, 1e-1)
        exact = int(((error == 0) & (p > 0)).sum())
        one.text(
            0.04,
            0.96,
            f"{exact:,} counted, {int(bounded.sum()):,} bounded,\n{int(by_draws.sum())} by draws",
            transform=one.transAxes,
            fontsize=8,
            va="top",
        )
        tidy(one, title, "p", "p_error" if one is axes[0] else "")
    save(figure, "bound")


def null_p_values() -> dict[str, FloatArray]:
    """Give the p-values of pure noise: by name, those of ten maps together."""
    from geo_engine.indicators.rates import assuncao_reis
    from geo_engine.space import Labels, LocalTest, local_autocorrelation
    from tests.space.conftest import panel
    from tests.verify.nulls import at_constant_risk, placed_counts, territory

    where = territory()
    graph, places = where.graphs["queen"], len(where.population)

    def shaped(maps: list[FloatArray]) -> Any:
        return panel(np.array(maps).T, graph.unique_ids, ("null",), SEEDS)

    def p_of(values: Any, counts: bool, labels: Labels | None = None) -> FloatArray:
        test = LocalTest(counts=counts, seed=1)
        local, _ = local_autocorrelation(values, graph, test, labels=labels)
        p = local.p_value.to_numpy().ravel()
        return np.asarray(p[np.isfinite(p)])

    generators = [np.random.default_rng([73, seed]) for seed in SEEDS]
    normal = shaped([rng.normal(size=places) for rng in generators])
    sparse = shaped([placed_counts(rng, places, 0.05) for rng in generators])
    drawn = [at_constant_risk(rng, where.population, 20_000, 0.05) for rng in generators]
    digital, known = (shaped(list(part)) for part in zip(*drawn, strict=True))
    rates, labels = assuncao_reis(digital, known), Labels(digital=digital, known=known)
    return {
        "normal values": p_of(normal, counts=False),
        "counts in 5 % of places": p_of(sparse, counts=True),
        "constant risk: counts of firms": p_of(known, counts=True),
        "constant risk: rates alone": p_of(rates, counts=False),
        "constant risk: rates and labels": p_of(rates, counts=False, labels=labels),
    }


def null_figure(plt: Any) -> None:
    """Draw how often p falls below each level on noise."""
    styles = ((BLUE, "-"), (GREEN, "-"), (ORANGE, "--"), (RED, "--"), (BLACK, "-"))
    levels = np.geomspace(1e-4, 1, 200)
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for (name, p), (color, dashes) in zip(null_p_values().items(), styles, strict=True):
        ordered = np.sort(p)
        share = np.searchsorted(ordered, levels, side="right") / len(ordered)
        axes.loglog(levels, np.maximum(share, 1e-6), dashes, color=color, lw=1.4, label=name)
    axes.loglog(levels, levels, ":", color="#777777", lw=1.2, label="share = level")
    axes.axvline(0.05, color="#bbbbbb", lw=0.8)
    axes.set_ylim(1e-5, 1.5)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    tidy(axes, "Noise on 7,904 places, ten maps each", "level", "share of places with p ≤ level")
    save(figure, "null")


def main() -> None:
    """Draw all figures."""
    sys.path.insert(0, str(ROOT))
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "geo-engine"
    from matplotlib import pyplot as plt

    tail_figure(plt)
    bound_figure(plt)
    null_figure(plt)


if __name__ == "__main__":
    main()
