"""Measure local tests of whole panels against esda, pygeoda and spdep, in one run.

``python benchmarks/local.py [--quick] [--json]``, on the real municipalities and their residents:

- ``counts``: 120 maps of sparse counts of firms;
- ``shares``: 120 maps of digital shares, missing where a chain has no firm (the conditional test of
  real values);
- ``rates``: the same as a study tests them, Assuncao-Reis rates with random labelling (esda has no
  test of labels: it permutes the same rates);
- ``all_firms``: one count with a heavy tail, some 190,000 in the largest city.

Ours runs on all maps, on all cores and on one. esda runs on some of the maps, spread evenly, with
999 and 9,999 permutations, and its time is scaled to the panel; on one core, and beside it on all
of them (one round). All take turns, after a warm-up each; medians. Beside them, 999 permutations
of one map by pygeoda and, where Rscript has it, by spdep. What is left out is named.

Compiling is apart: one process with an empty cache of kernels, and a second one that finds it full.
Both import the engine, build the graph (libpysal's import is counted there) and test a map of each
kind; ``import_and_first_map`` is the statistics part, without the graph.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

BEGIN = time.perf_counter()

import numpy as np  # noqa: E402 (a cold start includes all imports)
import numpy.typing as npt  # noqa: E402
import xarray as xr  # noqa: E402

from geo_engine.space import Labels, LocalTest, local_autocorrelation  # noqa: E402

if TYPE_CHECKING:
    from libpysal.graph import Graph

IMPORTED = time.perf_counter() - BEGIN

FloatArray = npt.NDArray[np.float64]
Work = Callable[[], Any]
DATE = dt.date(2022, 1, 1)
YEARS = 10
METHODS = {1: "exact", 2: "bounded", 3: "drawn"}
SPDEP = """
suppressMessages(library(spdep)); a <- commandArgs(TRUE); x <- scan(a[1], quiet = TRUE)
w <- nb2listw(read.gal(a[2], override.id = TRUE), style = "W", zero.policy = TRUE); set.seed(1)
f <- function() localmoran_perm(x, w, nsim = 999, zero.policy = TRUE)
cat(system.time(f())[["elapsed"]])
"""


def shaped(values: FloatArray, graph: Graph) -> xr.DataArray:
    """Shape places by maps as the engine wants them: ten years each, or one."""
    years = YEARS if values.shape[1] % YEARS == 0 else 1
    cube = values.reshape(len(values), -1, years)
    names = [range(length) for length in cube.shape[1:]]
    coords = {"place": list(graph.unique_ids), "chain": names[0], "year": names[1]}
    return xr.DataArray(cube, dims=("place", "chain", "year"), coords=coords)


def firms(population: FloatArray, sizes: npt.NDArray[np.int64], seed: int) -> FloatArray:
    """Draw the firms of each map where people live."""
    rng = np.random.default_rng(seed)
    weights = population / population.sum()
    return np.array([rng.multinomial(size, weights) for size in sizes]).T * 1.0


def jobs(graph: Graph, population: FloatArray, maps: int) -> dict[str, tuple[Work, xr.DataArray]]:
    """Prepare our call of each job, and its values."""
    from geo_engine.indicators.rates import assuncao_reis

    counts = shaped(firms(population, np.geomspace(200, 8_000, maps).astype(int), 2), graph)
    known = firms(population, np.geomspace(2_000, 100_000, maps).astype(int), 3)
    digital = np.random.default_rng(4).binomial(known.astype(int), 0.3) * 1.0
    labels = Labels(digital=shaped(digital, graph), known=shaped(known, graph))
    shares = (labels.digital / labels.known.where(labels.known > 0)).astype(float)
    rates = assuncao_reis(labels.digital, labels.known)
    everyone = shaped(firms(population, np.array([4_000_000]), 5), graph)

    def call(values: xr.DataArray, *, counted: bool, labels: Labels | None = None) -> Work:
        test = LocalTest(counts=counted, seed=1)
        return functools.partial(local_autocorrelation, values, graph, test, labels=labels)

    return {
        "counts": (call(counts, counted=True), counts),
        "shares": (call(shares, counted=False), shares),
        "rates": (call(rates, counted=False, labels=labels), rates),
        "all_firms": (call(everyone, counted=True), everyone),
    }


def on_one_core(run: Work) -> Work:
    """Keep our threads to one."""

    def alone() -> object:
        with mock.patch.object(os, "cpu_count", return_value=1):
            return run()

    return alone


def columns_of(
    values: xr.DataArray, graph: Graph, some: int
) -> tuple[list[tuple[FloatArray, Any]], float]:
    """Choose maps for esda, on the places that have a value; give how many each stands for."""
    maps = values.to_numpy().reshape(values.sizes["place"], -1)
    some = min(some, maps.shape[1])
    chosen = ((np.arange(some) + 0.5) * maps.shape[1] / some).astype(int)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the mask leaves some places alone
        for column in maps[:, chosen].T:
            seen = np.isfinite(column)
            found.append((column[seen], graph.subgraph(graph.unique_ids[seen]).to_W()))
    return found, maps.shape[1] / len(chosen)


def esda(columns: list[tuple[FloatArray, Any]], permutations: int, n_jobs: int) -> object:
    """Run esda over some maps."""
    from esda import Moran_Local

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own divisions by zero
        return [
            Moran_Local(column, weights, permutations=permutations, n_jobs=n_jobs, seed=1).p_sim
            for column, weights in columns
        ]


def timed(run: Work) -> float:
    """Time one run."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def alternate(runs: dict[str, Work], rounds: dict[str, int]) -> dict[str, float]:
    """Time runs in turn; those with fewer rounds sit out the last ones; give the medians."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(max(rounds.values())):
        for name, run in runs.items():
            if turn < rounds[name]:
                times[name].append(timed(run))
    return {name: statistics.median(each) for name, each in times.items()}


def quality(local: xr.Dataset) -> dict[str, Any]:
    """Give the share of places by method, and how the errors lie to the bound asked for."""
    method, p, error = (local[name].to_numpy().ravel() for name in ("method", "p_value", "p_error"))
    p, error, method = p[method > 0], error[method > 0], method[method > 0]
    certain = method != 3
    within = certain & (error <= 0.02 * p) & ((p <= 0.01) | (error <= 1e-4))
    return {
        "share_by_method": {
            name: round(float(np.mean(method == code)), 5) for code, name in METHODS.items()
        },
        "exact_or_certified": round(float(certain.mean()), 5),
        "within_2_percent_and_1e-4_above_0.01": round(float(within.mean()), 5),
        "within_2_percent": round(float(np.mean(certain & (error <= 0.02 * p))), 5),
        "largest_certified_error": float(error[certain].max()),
    }


def compare(name: str, job: tuple[Work, xr.DataArray], graph: Graph, sizes: Any) -> dict[str, Any]:
    """Time one job, ours and esda."""
    run, values = job
    columns, factor = columns_of(values, graph, sizes.esda_maps)
    few, fewer_by = columns_of(values, graph, sizes.esda_long)
    runs: dict[str, tuple[Work, int, float]] = {
        "ours": (run, sizes.rounds, 1.0),
        "ours, one core": (on_one_core(run), 2, 1.0),
        "esda 999": (functools.partial(esda, columns, 999, 1), sizes.short_rounds, factor),
        "esda 9,999": (functools.partial(esda, few, 9_999, 1), sizes.long_rounds, fewer_by),
    }
    if not sizes.quick:
        # A pool of processes takes seconds to start: quick runs do not try it.
        runs |= {
            "esda 999, all cores": (functools.partial(esda, columns, 999, -1), 1, factor),
            "esda 9,999, all cores": (functools.partial(esda, few, 9_999, -1), 1, fewer_by),
        }
    for n_jobs in (1,) if sizes.quick else (1, -1):
        esda(columns[:1], 99, n_jobs)
    local, _ = run()
    seconds = alternate(
        {who: each[0] for who, each in runs.items()}, {who: each[1] for who, each in runs.items()}
    )
    seconds = {who: each * runs[who][2] for who, each in seconds.items()}
    maps = int(np.prod(values.shape[1:]))
    print(f"{name}: {maps} maps; esda on {len(columns)} and {len(few)} of them, scaled")
    print("  " + ", ".join(f"{who} {each:.3f} s" for who, each in seconds.items()))
    for peer, ratios in ratios_of(seconds).items():
        both = (f"{ratio:,.1f} times {own}" for own, ratio in ratios.items())
        print(f"  {peer} takes {', '.join(both)}")
    print(f"  {quality(local)}", flush=True)
    return {"maps": maps, "seconds": seconds, **quality(local)}


def others(layer: Any, graph: Graph, values: FloatArray, *, quick: bool) -> dict[str, float]:
    """Time pygeoda and spdep, 999 permutations of one map."""
    seconds = {}
    if importlib.util.find_spec("pygeoda") is None:
        print("pygeoda is not installed: not measured")
    else:
        import pygeoda

        weights = pygeoda.queen_weights(pygeoda.open(layer.reset_index()))
        run = functools.partial(
            pygeoda.local_moran, weights, list(values), permutations=999, seed=1
        )
        seconds["pygeoda 999"] = statistics.median(timed(run) for _ in range(1 if quick else 3))
    if quick:
        print("a quick run leaves out spdep, compiling, and esda on all cores")
        return seconds
    spdep = by_spdep(graph, values)
    return seconds if spdep is None else {**seconds, "spdep 999": spdep}


def by_spdep(graph: Graph, values: FloatArray) -> float | None:
    """Let R time spdep; None where it is not there."""
    if shutil.which("Rscript") is None:
        print("Rscript is not there: spdep not measured")
        return None
    with tempfile.TemporaryDirectory() as folder:
        script, data, gal = (Path(folder, name) for name in ("run.R", "x.txt", "links.gal"))
        script.write_text(SPDEP)
        data.write_text("\n".join(map(str, values)))
        position = {place: i + 1 for i, place in enumerate(graph.unique_ids)}
        lines = [str(len(position))]
        for place, links in graph.adjacency.groupby(level=0):
            near = [str(position[each]) for each in links.index.get_level_values(1)]
            near = [] if (links == 0).all() else near
            lines += [f"{position[place]} {len(near)}", " ".join(near)]
        gal.write_text("\n".join(lines) + "\n")
        command = ["Rscript", str(script), str(data), str(gal)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"spdep is not there: not measured ({done.stderr.strip().splitlines()[-1]})")
        return None
    return float(done.stdout.split()[-1])


def start(cache: str | None) -> dict[str, float]:
    """Start a process that imports, builds the graph and tests three maps."""
    environment = dict(os.environ) if cache is None else {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, __file__, "--alone"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def alone() -> dict[str, float]:
    """Do what a first study does, and time its parts."""
    begin = time.perf_counter()
    from geo_engine.graph import contiguity
    from geo_engine.sources.boundaries import read_layer, read_population

    layer, population = read_layer(DATE), read_population(DATE, 2022).to_numpy()
    graph = contiguity(layer)
    graph_seconds = time.perf_counter() - begin
    work = [job for job, _ in jobs(graph, population, 1).values()]
    first = [timed(run) for run in work[:3]]
    return {
        "import": round(IMPORTED, 3),
        "imports_layer_and_graph": round(graph_seconds, 3),
        "first_counts_map": round(first[0], 3),
        "first_shares_map": round(first[1], 3),
        "first_rates_map": round(first[2], 3),
        "import_and_first_map": round(IMPORTED + first[0], 3),
    }


def measure(sizes: Any) -> dict[str, Any]:
    """Run everything."""
    from geo_engine.graph import contiguity
    from geo_engine.sources.boundaries import read_layer, read_population

    layer = read_layer(DATE)
    graph, population = contiguity(layer), read_population(DATE, 2022).to_numpy()
    work = jobs(graph, population, sizes.maps)
    found = {name: compare(name, job, graph, sizes) for name, job in work.items()}
    peers = others(layer, graph, work["all_firms"][1].to_numpy().ravel(), quick=sizes.quick)
    mine = found["all_firms"]["seconds"]["ours"]
    print(
        "one map of all firms: " + ", ".join(f"{who} {each:.2f} s" for who, each in peers.items())
    )
    starts = {"second_process": start(None)}
    if not sizes.quick:
        with tempfile.TemporaryDirectory() as cache:
            starts = {"first_process": start(cache), "second_process": start(cache)}
    print(f"starting cold, seconds: {starts}")
    for name, own in found.items():
        print(f"{name}: methods {own['share_by_method']}")
    return {
        "name": "local",
        "rows": graph.n * sizes.maps,
        "seconds": {name: rounded(own["seconds"], "ours") for name, own in found.items()},
        "peers": {
            **{name: rounded(own["seconds"], "esda") for name, own in found.items()},
            "one map": {who: round(each, 3) for who, each in peers.items()},
        },
        "ratios": {
            **{name: ratios_of(own["seconds"]) for name, own in found.items()},
            "one map": {who: round(each / mine, 1) for who, each in peers.items()},
        },
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "quality": {
            name: {key: own[key] for key in quality_keys(own)} for name, own in found.items()
        },
        "esda_maps": sizes.esda_maps,
        **starts,
    }


def quality_keys(own: dict[str, Any]) -> list[str]:
    """Name what is said of the errors."""
    return [key for key in own if key not in ("maps", "seconds")]


def rounded(seconds: dict[str, float], who: str) -> dict[str, float]:
    """Choose the seconds of one side."""
    return {name: round(each, 4) for name, each in seconds.items() if name.startswith(who)}


def ratios_of(seconds: dict[str, float]) -> dict[str, dict[str, float]]:
    """Divide esda's seconds by ours, on all cores and on one."""
    return {
        peer: {own: round(each / seconds[own], 1) for own in ("ours", "ours, one core")}
        for peer, each in seconds.items()
        if peer.startswith("esda")
    }


def main() -> None:
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 maps, and fewer of esda")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(alone()))
        return
    options.maps, options.esda_maps, options.esda_long = 120, 12, 12
    options.rounds, options.short_rounds, options.long_rounds = 3, 2, 1
    if options.quick:
        options.maps, options.esda_maps, options.esda_long = 10, 2, 1
        options.rounds, options.short_rounds = 2, 1
    figures = measure(options)
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
