"""Measure how fast and how rightly names find their municipality: ours and the peers, same rows.

``python benchmarks/resolve.py [--quick] [--json] [--rows N]``. Rows are names with the sigla of
their province, nine in ten as the Registro Imprese writes them and the rest dirty: bilingual, cut,
abbreviated, without accents, with a slip. The right answer is known, so every way of resolving
shows its share of wrong and of unplaced rows beside its time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import sys
import time
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from geo_engine.places import PlacingParameters, assign_places, build_resolver, resolve_names
from geo_engine.sources.boundaries import read_changes, read_layer

Positions = NDArray[np.integer[Any]]
DIRTY_SHARE = 0.1


def bare(name: str) -> str:
    """Write a name in capitals, accents as apostrophes."""
    letters = unicodedata.normalize("NFKD", name.upper())
    return "".join("'" if unicodedata.combining(each) else each for each in letters)


def dirty(name: str, kind: int) -> str:
    """Write a name as one of six kinds of registers would."""
    text = bare(name).replace("'", "")
    return [
        text,
        text.replace("SAN ", "S. ").replace("SANTA ", "S. "),
        text.replace("/", " .") + ("." if "/" in name else ""),
        text[:25],
        " ".join(text.replace("-", " ").split()),
        text[:3] + text[4:] if len(text) > 9 else text,
    ][kind]


def draw_rows(layer: pd.DataFrame, rows: int) -> tuple[pd.Series, pd.Series, Positions]:
    """Draw names and sigle; large places more often than small ones."""
    rng = np.random.default_rng(20250101)
    weight = rng.lognormal(0, 1.3, len(layer))
    truth = rng.choice(len(layer), rows, p=weight / weight.sum())
    kinds = np.where(rng.uniform(size=rows) < DIRTY_SHARE, rng.integers(1, 7, rows), 0)
    first = layer["name"].str.split("/").str[0]
    forms = [first.map(bare), *(layer["name"].map(lambda n, k=k: dirty(n, k)) for k in range(6))]
    written = np.array([each.to_numpy(object) for each in forms])[kinds, truth]
    sigla = layer["sigla"].to_numpy(object)[truth]
    return pd.Series(written, dtype="str"), pd.Series(sigla, dtype="str"), truth


def by_merge(layer: pd.DataFrame, names: pd.Series, sigle: pd.Series) -> Positions:
    """Merge on the name in capitals without accents, and the sigla."""
    first = layer["name"].str.split("/").str[0]
    right = pd.DataFrame({"key": first.map(bare).str.replace("'", ""), "sigla": layer["sigla"]})
    right["position"] = np.arange(len(layer))
    left = pd.DataFrame({"key": names.str.upper().str.replace("'", ""), "sigla": sigle})
    found = left.merge(right.drop_duplicates(["key", "sigla"]), how="left", on=["key", "sigla"])
    return found["position"].fillna(-1).to_numpy(np.int64)


def by_rapidfuzz(layer: pd.DataFrame, names: pd.Series, sigle: pd.Series) -> Positions:
    """Take the best score among all names of the layer, for each distinct pair."""
    choices = (layer["name"].map(bare) + " " + layer["sigla"]).tolist()
    which, pairs = pd.factorize(names + " " + sigle)
    best = [process.extractOne(pair, choices, scorer=fuzz.ratio, score_cutoff=80) for pair in pairs]
    return np.array([-1 if each is None else each[2] for each in best])[which]


def timed(work: Callable[[], Positions]) -> tuple[float, Positions]:
    """Measure one call."""
    begin = time.perf_counter()
    answer = work()
    return time.perf_counter() - begin, answer


def shares(found: Positions, truth: Positions) -> dict[str, float]:
    """Give right, wrong and unplaced rows in percent."""
    right = float((found == truth).mean())
    lost = float((found < 0).mean())
    wrong = float(((found != truth) & (found >= 0)).mean())
    figures = {"right": right, "wrong": wrong, "unplaced": lost}
    return {name: round(100 * each, 4) for name, each in figures.items()}


def peak_mb() -> float:
    """Give the largest memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def measure(rows: int) -> dict[str, Any]:
    """Run ours and the peers; give the figures."""
    layer = read_layer(dt.date(2025, 1, 1))
    names, sigle, truth = draw_rows(layer, rows)
    drawn_mb = peak_mb()
    build, _ = timed(lambda: np.array([len(build_resolver(layer, read_changes()).labels)]))
    resolver = build_resolver(layer, read_changes())
    resolve_names(resolver, names[:1000], sigle[:1000])

    def resolve() -> Positions:
        resolver.memory.clear()
        return resolve_names(resolver, names, sigle).positions

    seconds, ours = min((timed(resolve) for _ in range(3)), key=lambda pair: pair[0])
    records = pd.DataFrame({"municipality": names, "province": sigle})

    def assign() -> Positions:
        resolver.memory.clear()
        return assign_places(
            records,
            order=["name"],
            locator=None,
            resolver=resolver,
            parameters=PlacingParameters(),
        ).position

    whole, _ = timed(assign)
    ours_mb = peak_mb()
    merged, merge_answer = timed(lambda: by_merge(layer, names, sigle))
    sample = min(rows, 2_000_000)
    fuzzy, fuzzy_answer = timed(lambda: by_rapidfuzz(layer, names[:sample], sigle[:sample]))
    return {
        "name": "resolve",
        "rows": rows,
        "distinct": int((names + "|" + sigle).nunique()),
        "seconds": {
            "resolver built": round(build, 3),
            "names": round(seconds, 3),
            "assign_places": round(whole, 3),
        },
        "peers": {"pandas merge": round(merged, 3), "rapidfuzz extractOne": round(fuzzy, 3)},
        "ratios": {
            "pandas merge": round(merged / seconds, 1),
            "rapidfuzz extractOne": round(fuzzy / seconds, 1),
        },
        "percent": {
            "ours": shares(ours, truth),
            "pandas merge": shares(merge_answer, truth),
            "rapidfuzz extractOne": shares(fuzzy_answer, truth[:sample]),
        },
        "rapidfuzz rows": sample,
        "rows_mb": round(drawn_mb),
        "peak_mb": round(ours_mb),
    }


def main() -> None:
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows, under 50 s")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    parser.add_argument("--rows", type=int, default=6_000_000)
    options = parser.parse_args()
    figures = measure(300_000 if options.quick else options.rows)
    print(
        f"{figures['rows']:,} rows, {figures['distinct']:,} distinct; ours: {figures['seconds']}, "
        f"peak {figures['peak_mb']} MB"
    )
    for name, ratio in figures["ratios"].items():
        print(f"{name}: {figures['peers'][name]} s, {ratio} times ours")
    for name, percent in figures["percent"].items():
        print(f"{name}: {percent}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
