"""Measure local tests against esda's 999 permutations, in one run, on one graph.

``python benchmarks/local.py [--quick] [--json]``: sparse counts and standardized shares of many
chains on about 7,900 places with a mask as irregular as Italy's. Ours and the peer take turns
(A B A B); medians are compared.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from libpysal.graph import Graph

from geo_engine.space import LocalTest, local_autocorrelation

FloatArray = npt.NDArray[np.float64]


def irregular_graph(places: int, seed: int = 1) -> Graph:
    """Link random points to the others of their Delaunay triangles: six neighbors on average."""
    from scipy.spatial import Delaunay

    points = np.random.default_rng(seed).random((places, 2))
    corners = Delaunay(points).simplices
    pairs = np.concatenate([corners[:, [a, b]] for a in range(3) for b in range(3) if a != b])
    pairs = np.unique(pairs, axis=0)
    names = np.array([f"{i:06d}" for i in range(places)])
    return Graph.from_arrays(names[pairs[:, 0]], names[pairs[:, 1]], np.ones(len(pairs)))


def sparse_counts(places: int, maps: int) -> FloatArray:
    """Draw the firms of chains that are in a few to a third of the places."""
    rng = np.random.default_rng(2)
    weights = rng.lognormal(0, 1.3, places)
    sizes = np.geomspace(200, 8_000, maps).astype(int)
    return np.array([rng.multinomial(size, weights / weights.sum()) for size in sizes]).T * 1.0


def standardized_shares(places: int, maps: int) -> FloatArray:
    """Draw shares of digital firms in scores; NaN where a chain has no firm."""
    rng = np.random.default_rng(3)
    weights = rng.lognormal(0, 1.3, places)
    columns = []
    for _ in range(maps):
        firms = rng.multinomial(20_000, weights / weights.sum())
        digital = rng.binomial(firms, 0.3)
        known = np.where(firms > 0, firms, np.nan)
        columns.append((digital / known - 0.3) / np.sqrt(0.21 / known))
    return np.array(columns).T


def ours(values: FloatArray, graph: Graph, *, counts: bool) -> Callable[[], object]:
    """Prepare our run over all maps."""
    coords = {"place": list(graph.unique_ids), "chain": range(values.shape[1]), "year": [2024]}
    maps = xr.DataArray(values[:, :, None], dims=("place", "chain", "year"), coords=coords)
    test = LocalTest(counts=counts, seed=1)
    return lambda: local_autocorrelation(maps, graph, test)


def peer(values: FloatArray, graph: Graph) -> Callable[[], object]:
    """Prepare esda's run over the same maps, on the places that have a value."""
    from esda import Moran_Local

    jobs = []
    for column in values.T:
        seen = np.isfinite(column)
        kept = graph.subgraph(graph.unique_ids[seen])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mask leaves some places alone
            jobs.append((column[seen], kept.to_W()))

    def run() -> list[FloatArray]:
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
    places, maps, rounds = 7_904, (2 if asked.quick else 10), (2 if asked.quick else 5)
    graph = irregular_graph(places)
    seconds, peers = {}, {}
    for name, values in (
        ("counts", sparse_counts(places, maps)),
        ("shares", standardized_shares(places, maps)),
    ):
        runs = [ours(values, graph, counts=name == "counts"), peer(values, graph)]
        mine, theirs = (total / maps for total in alternate(runs, rounds))
        seconds[name], peers[f"esda_999_{name}"] = mine, theirs
    ratios = {name: peers[f"esda_999_{name}"] / seconds[name] for name in seconds}
    table = pd.DataFrame({"ours_s_per_map": seconds, "ratio_to_esda_999": ratios})
    print(table.round(4).to_string())
    if asked.json:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = {"name": "local", "seconds": seconds, "peers": peers, "ratios": ratios}
        print(json.dumps({**found, "peak_mb": round(peak, 1), "rows": places * maps}))


if __name__ == "__main__":
    main()
