"""What ``scripts/verify.py`` checks: each function gives the lines of its section and a verdict."""

import dataclasses

import numpy as np

from geo_engine.tables import TAIL_METHODS
from tests.conftest import SHARED
from tests.verify import agreement, force, libraries, nulls, panels


@dataclasses.dataclass(frozen=True)
class Section:
    """One section of the report."""

    lines: list
    passed: bool


def table(head, rows):
    """Write a table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)]


def percent(value):
    """Write a share."""
    return "no test" if not np.isfinite(value) else f"{100 * value:.2f} %"


def null_grid(say, seeds=20):
    """Reject pure noise in no more than five percent of places, in every cell of the grid."""
    grid = nulls.cells()
    where, rows, failed = nulls.territory(), {}, []
    upper = nulls.allowed(seeds, len(grid))
    worst = -np.inf
    for at, cell in enumerate(grid):
        shares = nulls.rejections(cell, where, range(2000, 2000 + seeds))
        mean, error, tested = nulls.summary(shares)
        say(f"{at + 1}/{len(grid)} {cell.kind} {cell.density} {cell.graph}: {percent(mean)}")
        above, below = (mean - nulls.LEVEL) / error, (nulls.LEVEL - mean) / error
        worst = max(worst, above)
        late = cell.kind in nulls.CONTINUOUS and below > 3
        if above > upper or late or tested < seeds:
            failed.append(f"{cell.kind} at {cell.density} on {cell.graph}")
        text = f"{percent(mean)} ({100 * error:.2f})" + ("" if tested == seeds else " !")
        rows.setdefault((cell.kind, cell.density), []).append(text)
    lines = [
        f"Share of tested places with p <= 0.05 on noise, mean over {seeds} seeds (2000 on) and "
        "its standard error in points. Density: share of places with something, or with a value "
        f"where the variable is continuous. {len(grid)} cells; one may exceed 5 % by {upper:.2f} "
        "of its standard errors (two, shared among the cells by Bonferroni, Student's t); "
        "continuous variables may fall short by three.",
        "",
        *table(
            ("noise", "density", *nulls.GRAPHS),
            [(kind, f"{density:.1%}", *cells) for (kind, density), cells in rows.items()],
        ),
        "",
        f"Largest excess: {worst:.2f} standard errors. "
        f"What fails: {', '.join(failed) or 'nothing'}.",
    ]
    return Section(lines, not failed)


def constant_risk(say, seeds=20):
    """Hold the level where firms follow the population and one risk holds for all."""
    where, rows, failed = nulls.territory(), [], []
    for firms, risk in nulls.CONSTANT_RISK:
        found = nulls.constant_risk_rejections(where, firms, risk, range(2000, 2000 + seeds))
        summaries = {name: nulls.summary(shares) for name, shares in found.items()}
        say(f"{firms} firms, risk {risk}: {percent(summaries['rates and labels'][0])}")
        for name in ("labels alone", "rates and labels"):
            mean, error, _ = summaries[name]
            if mean > nulls.LEVEL + nulls.allowed(seeds, 12) * error:
                failed.append(f"{name} at {firms} firms, risk {risk}")
        mean, error, _ = summaries["firms"]
        if mean <= nulls.LEVEL + 2 * error:
            failed.append(f"counts of {firms} firms do not exceed the level")
        cells = [f"{percent(m)} ({100 * e:.2f})" for m, e, _ in summaries.values()]
        rows.append((f"{firms:,}", risk, *cells))
    lines = [
        "Firms multinomial on residents, digital firms binomial among them, queen neighbors; share "
        f"of tested places with p <= 0.05, mean over {seeds} seeds and standard error in points. "
        "Rates with labels are what a study publishes. Counts of firms follow the population, so "
        "their tests must exceed the level: they are titled concentration, never digitalization.",
        "",
        *table(("firms", "risk", *found), rows),
        "",
        f"What fails: {', '.join(failed) or 'nothing'}.",
    ]
    return Section(lines, not failed)


REPEATS = {"counts": 200, "rates and labels": 48, "continuous": 40}
"""Panels by kind: 200 where one takes a second; of the others as many as some minutes allow."""
QUICK_REPEATS = {"counts": 200, "rates and labels": 6, "continuous": 4}


def null_panels(say, repeats=None):
    """Discover nothing in panels of nothing, at most as often as alpha says."""
    where, rows, failed = nulls.territory(), [], []
    for kind, many in (repeats or REPEATS).items():
        found = []
        for start in range(0, many, 8):
            part = range(start, min(start + 8, many))
            found.append(panels.false_shares(where, "queen", kind, part))
            say(f"{kind}: {part.stop}/{many} panels")
        shares = np.concatenate(found)
        mean, error = shares.mean(axis=0), shares.std(axis=0, ddof=1) / np.sqrt(many)
        for family, share, spread in zip(panels.FAMILIES, mean, error, strict=True):
            if share > panels.ALPHA + 2 * spread:
                failed.append(f"{kind} by {family}")
        cells = [f"{percent(m)} ({100 * e:.2f})" for m, e in zip(mean, error, strict=True)]
        rows.append((kind, many, *cells))
    lines = [
        f"Panels of {panels.CHAINS} chains and {panels.YEARS} years of noise on all places, "
        f"from sparse chains to common ones; share of false discoveries at q < {panels.ALPHA} "
        "(1 for a family with any, 0 for others), mean over families and panels, standard error "
        "over panels in points; allowed: alpha plus two standard errors.",
        "",
        *table(("noise", "panels", *(f"family: {name}" for name in panels.FAMILIES)), rows),
        "",
        f"What fails: {', '.join(failed) or 'nothing'}.",
    ]
    return Section(lines, not failed)


def brute_force(say, draws=10_000_000):
    """Agree with ten million fresh draws for each of ten places of every kind."""
    rows, worst, loose, counted = [], 0.0, 0, 0
    for kind in force.KINDS:
        found = force.against_draws(kind, draws)
        off = force.deviations(found)
        say(f"{kind}: largest deviation {np.abs(off).max():.2f}")
        worst, counted = max(worst, float(np.abs(off).max())), counted + len(found)
        p, bound, method, forced, _ = found.T
        loose += int((bound > 0.02 * p).sum())
        raw = (p - forced) / found[:, 4]
        names = ", ".join(
            f"{name} {int((method == code).sum())}"
            for code, name in enumerate(TAIL_METHODS)
            if (method == code).any()
        )
        rows.append(
            (
                kind,
                len(found),
                f"{p.min():.1e} to {p.max():.2f}",
                names,
                f"{off.min():.2f} to {off.max():.2f}",
                f"{raw.mean():.2f}",
                f"{np.max(bound / p):.2g}",
            )
        )
    lines = [
        f"{counted} places of the real contiguity, p from 1 down to 1e-6, {draws:,} independent "
        "draws for each place (not a pool), sums within 1e-9 counted as tied. Deviation: how far "
        "the drawn p lies outside the interval from p - p_error to p, in standard errors of the "
        "draws; the mean is that of p itself, without its bound. Allowed: 4.",
        "",
        *table(
            ("values", "places", "p", "methods", "deviation", "mean", "largest p_error / p"), rows
        ),
        "",
        f"Largest deviation: {worst:.2f}. Places with p_error above 2 % of p: {loose}.",
    ]
    return Section(lines, worst <= 4)


def exact_truth(say, seeds=25):
    """Equal full enumeration on small maps, and hold exact probabilities on large ones."""
    small, failed, national = [], [], []
    for kind in force.KINDS[:2]:
        p, bound, true = force.against_exact_counts(kind).T
        say(f"exact sums of a national {kind}: {len(p)} places")
        national.append((kind, len(p), f"{np.abs(p - true).max():.1e}", f"{bound.max():.1e}"))
        if not ((p >= true - 1e-12) & (p - bound <= true + 1e-12)).all():
            failed.append(f"exact sums of a national {kind}")
    for kind in force.SMALL:
        worst, compared = force.against_all_subsets(kind, range(seeds))
        say(f"enumeration of {kind}: {worst:.1e}")
        small.append((kind, compared, f"{worst:.1e}"))
        if worst > 1e-12:
            failed.append(f"enumeration of {kind}")
    large = []
    for kind in force.LARGE:
        for n, k in ((300, 4), (1_100, 3), (1_100, 5)):
            p, bound, true, method = force.against_exact_sums(kind, n, k, 6).T
            certain = method != force.MONTE_CARLO
            slack = 1e-12 + 1e-11 * true
            held = (p >= true - slack) & (p - bound <= true + slack)
            say(f"exact sums of {kind}, n {n}, k {k}: {int(held.sum())} of {len(p)} held")
            if not held[certain].all():
                failed.append(f"exact sums of {kind}, {n} places, {k} neighbors")
            drawn = int((~certain).sum())
            large.append(
                (
                    kind,
                    n,
                    k,
                    len(p),
                    f"{np.max((p - true) / true):.1e}",
                    f"{np.max(bound / p):.1e}",
                    drawn,
                )
            )
    lines = [
        "Small maps (7 to 13 places, every number of neighbors): all subsets are added up as whole "
        "numbers, ties without any rounding. Allowed difference: 1e-12.",
        "",
        *table(("values", "p-values", "largest difference"), small),
        "",
        "Counts of all municipalities, where their sums are small enough to count the subsets of "
        "each by dynamic programming (positive numbers only); the exact p must lie between "
        "p - p_error and p.",
        "",
        *table(("values", "p-values", "largest difference", "largest p_error"), national),
        "",
        "Larger maps: whole numbers of a range of 250,007, which the engine takes for real values; "
        "the number of subsets of each sum is counted by dynamic programming (positive numbers "
        "only). The exact p must lie between p - p_error and p.",
        "",
        *table(
            (
                "values",
                "places",
                "neighbors",
                "p-values",
                "largest excess / p",
                "largest p_error / p",
                "by draws",
            ),
            large,
        ),
        "",
        f"What fails: {', '.join(failed) or 'nothing'}.",
    ]
    return Section(lines, not failed)


def peers(say):
    """Agree with esda, spdep and GeoDa after the documented scaling."""
    by_esda, by_spdep = agreement.with_esda(), agreement.with_spdep()
    largest = [max(row[-1] for row in rows) for rows in (by_esda, by_spdep)]
    say(f"esda: {largest[0]:.1e}; spdep: {largest[1]:.1e}")
    failed = [row[0] for row in by_esda if not row[-1] < 1e-9]
    failed += [row[0] for row in by_spdep if not row[-1] < 1e-8]
    lines = [
        "esda, on all municipalities with a neighbor, gamma noise; largest relative difference, "
        "allowed 1e-9.",
        "",
        *table(
            ("statistic", "scaling", "difference"),
            [(*row[:-1], f"{row[-1]:.1e}") for row in by_esda],
        ),
        "",
        "spdep 1.2-7, numbers printed by R and held by the tests with their calls; allowed 1e-8.",
        "",
        *table(("call", "difference"), [(row[0], f"{row[-1]:.1e}") for row in by_spdep]),
        "",
    ]
    if (SHARED / "data").is_dir():
        ours = agreement.with_guerry(SHARED / "data")
        lines.append(
            f"Guerry's France, local bivariate Moran of Crm_prs and Litercy, unit 1: {ours:.15f}; "
            f"GeoDa prints {agreement.GUERRY_FIRST:.15f}."
        )
        if abs(ours / agreement.GUERRY_FIRST - 1) > 1e-12:
            failed.append("Guerry")
    else:
        lines.append("Guerry's France: data not at hand, not compared.")
    lines += ["", f"What fails: {', '.join(failed) or 'nothing'}."]
    return Section(lines, not failed)


def library_table(say):
    """Give no false significance where a library does."""
    rows = libraries.rows()
    say(f"{len(rows)} inputs")
    failed = [name for name, _, ours in rows if ours > 0.065]
    lines = [
        "Share of places with p <= 0.05 on 20 rows of 20 squares, queen neighbors; esda as it is "
        f"called by default with {libraries.PERMUTATIONS} permutations. A place without a test is "
        "not counted as significant. No row holds a pattern.",
        "",
        *table(("input", "esda", "engine"), [(n, percent(a), percent(b)) for n, a, b in rows]),
        "",
        f"What fails: {', '.join(failed) or 'nothing'}.",
    ]
    return Section(lines, not failed)


QUICK = {
    "grid": {"seeds": 8},
    "constant-risk": {"seeds": 8},
    "panels": {"repeats": QUICK_REPEATS},
    "draws": {"draws": 1_000_000},
    "exact": {"seeds": 5},
}
"""Smaller sizes of some checks."""

CHECKS = {
    "peers": ("Agreement with esda, spdep and GeoDa", peers),
    "exact": ("Exact p-values: full enumeration and exact sums", exact_truth),
    "draws": ("Exact p-values: ten million fresh draws", brute_force),
    "grid": ("Pure noise on three neighborhoods", null_grid),
    "constant-risk": ("Constant risk", constant_risk),
    "panels": ("Panels in which nothing is to be found", null_panels),
    "libraries": ("Inputs on which a library marks noise", library_table),
}
