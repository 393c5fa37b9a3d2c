"""Measure local tests against esda's 999 permutations, in one run, on the real municipalities.

``python benchmarks/local.py [--quick] [--json]``: sparse counts of firms, and shares tested as the
pipeline does (standardized rates and random labelling), missing where a chain has no firm. Ours on
all cores, ours on one, and the peer on one take turns (A B C A B C); medians per map are compared.
esda has no test of labels: it permutes the same rates.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from unittest import mock

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from libpysal.graph import Graph

from geo_engine.graph import contiguity
from geo_engine.indicators.rates import assuncao_reis
from geo_engine.sources.boundaries import read_layer, read_population
from geo_engine.space import Labels, LocalTest, local_autocorrelation

FloatArray = npt.NDArray[np.float64]
DATE = dt.date(2022, 1, 1)


def shaped(values: FloatArray, graph: Graph) -> xr.DataArray:
    """Shape places by maps as the engine wants them."""
    coords = {"place": list(graph.unique_ids), "chain": range(values.shape[1]), "year": [2022]}
    return xr.DataArray(values[:, :, None], dims=("place", "chain", "year"), coords=coords)


def firms(population: FloatArray, sizes: npt.NDArray[np.int64], seed: int) -> FloatArray:
    """Draw the firms of each chain where people live."""
    rng = np.random.default_rng(seed)
    weights = population / population.sum()
    return np.array([rng.multinomial(size, weights) for size in sizes]).T * 1.0


def counts_job(graph: Graph, population: FloatArray, maps: int) -> tuple[Callable, xr.DataArray]:
    """Prepare sparse counts: chains of 200 to 8,000 firms."""
    values = shaped(firms(population, np.geomspace(200, 8_000, maps).astype(int), 2), graph)
    test = LocalTest(counts=True, seed=1)
    return lambda: local_autocorrelation(values, graph, test), values


def shares_job(graph: Graph, population: FloatArray, maps: int) -> tuple[Callable, xr.DataArray]:
    """Prepare shares: chains of 5,000 to 100,000 firms, 30 % of them digital."""
    known = firms(population, np.geomspace(5_000, 100_000, maps).astype(int), 3)
    digital = np.random.default_rng(4).binomial(known.astype(int), 0.3) * 1.0
    labels = Labels(digital=shaped(digital, graph), known=shaped(known, graph))
    values = assuncao_reis(labels.digital, labels.known)
    test = LocalTest(counts=False, seed=1)
    return lambda: local_autocorrelation(values, graph, test, labels=labels), values


def on_one_core(run: Callable[[], object]) -> Callable[[], object]:
    """Keep our threads to one."""

    def alone() -> object:
        with mock.patch.object(os, "cpu_count", return_value=1):
            return run()

    return alone


def peer(values: xr.DataArray, graph: Graph) -> Callable[[], object]:
    """Prepare esda's run over the same maps, on the places that have a value."""
    from esda import Moran_Local

    jobs = []
    for column in values.to_numpy()[:, :, 0].T:
        seen = np.isfinite(column)
        kept = graph.subgraph(graph.unique_ids[seen])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mask leaves some places alone
            jobs.append((column[seen], kept.to_W()))

    def run() -> list[FloatArray]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own divisions by zero
            return [
                Moran_Local(column, weights, permutations=999, n_jobs=1, seed=1).p_sim
                for column, weights in jobs
            ]

    return run


def alternate(runs: list[Callable[[], object]], rounds: int) -> list[float]:
    """Time runs in turn, after one warm-up each; give the medians."""
    times: list[list[float]] = [[] for _ in runs]
    for turn in range(rounds + 1):
        for kept, run in zip(times, runs, strict=True):
            begin = time.perf_counter()
            run()
            if turn:
                kept.append(time.perf_counter() - begin)
    return [statistics.median(kept) for kept in times]


def main() -> None:
    """Run, and print a table or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer maps and rounds")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    asked = parser.parse_args()
    maps, rounds = (3, 2) if asked.quick else (10, 5)
    graph = contiguity(read_layer(DATE))
    population = read_population(DATE, 2022).to_numpy()
    seconds, peers, ratios = {}, {}, {}
    for name, prepare in (("counts", counts_job), ("shares", shares_job)):
        run, values = prepare(graph, population, maps)
        runs = [run, on_one_core(run), peer(values, graph)]
        mine, alone, theirs = (total / maps for total in alternate(runs, rounds))
        seconds[name], seconds[f"{name}_one_core"] = mine, alone
        peers[f"esda_999_{name}"] = theirs
        ratios[name], ratios[f"{name}_one_core"] = theirs / mine, theirs / alone
    table = pd.DataFrame({"ours_s_per_map": seconds, "ratio_to_esda_999": ratios})
    print(table.round(4).to_string())
    if asked.json:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = {"name": "local", "seconds": seconds, "peers": peers, "ratios": ratios}
        print(json.dumps({**found, "peak_mb": round(peak, 1), "rows": graph.n * maps}))


if __name__ == "__main__":
    main()
