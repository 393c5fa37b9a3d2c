"""Measure how fast contiguity is found: ours, pygeoda and libpysal, same layer, same run.

``python benchmarks/neighbors.py [--quick] [--json] [--layer FILE]``. The layer is the one that
ships, or any Parquet file of polygons. Rounds go A B C A B C, so that a slow minute of the machine
falls on all; medians are printed. Peers that are not installed are left out and named.

pygeoda first copies the layer into its own form; that is timed apart (``pygeoda_open``) and not
held against it in the ratio.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd

from geo_engine.graph import contiguity
from geo_engine.sources.boundaries import read_layer

KINDS = ("queen", "rook")


def links_of_graph(graph: Any) -> int:
    """Count the directed links of a libpysal graph."""
    return int((graph.adjacency != 0).sum())


def links_of_pygeoda(weights: Any, places: int) -> int:
    """Count the directed links of pygeoda's weights."""
    return sum(len(weights.get_neighbors(i)) for i in range(places))


def peers(layer: gpd.GeoDataFrame) -> tuple[dict[str, dict[str, Callable[[], Any]]], float | None]:
    """Give each peer's call for each kind, and the time pygeoda takes to open the layer."""
    from libpysal.graph import Graph

    calls: dict[str, dict[str, Callable[[], Any]]] = {
        "ours": {kind: lambda kind=kind: contiguity(layer, kind=kind) for kind in KINDS},  # type: ignore[misc]
        "libpysal": {
            kind: lambda rook=kind == "rook": Graph.build_contiguity(layer, rook=rook)  # type: ignore[misc]
            for kind in KINDS
        },
    }
    if importlib.util.find_spec("pygeoda") is None:
        return calls, None
    import pygeoda

    start = time.perf_counter()
    opened = pygeoda.open(layer.reset_index())
    seconds = time.perf_counter() - start
    calls["pygeoda"] = {
        "queen": lambda: pygeoda.queen_weights(opened),
        "rook": lambda: pygeoda.rook_weights(opened),
    }
    return calls, seconds


def measure(layer: gpd.GeoDataFrame, rounds: int) -> dict[str, Any]:
    """Time all peers in turn, and compare what they found."""
    start = time.perf_counter()
    contiguity(layer.iloc[:2])
    compiled = time.perf_counter() - start
    calls, opened = peers(layer)
    figures: dict[str, Any] = {
        "places": len(layer),
        "vertices": int(layer.geometry.count_coordinates().sum()),
        "rounds": rounds,
        "first_call_seconds": round(compiled, 3),
        "pygeoda_open": None if opened is None else round(opened, 3),
    }
    for kind in KINDS:
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        links = {}
        for turn in range(rounds):
            for name, call in calls.items():
                # libpysal takes seconds: it sits out all but the first three rounds.
                if name == "libpysal" and turn >= 3:
                    continue
                begin = time.perf_counter()
                found = call[kind]()
                seconds[name].append(time.perf_counter() - begin)
                count = links_of_pygeoda if name == "pygeoda" else lambda g, _: links_of_graph(g)
                links[name] = count(found, len(layer))
        medians = {name: statistics.median(times) for name, times in seconds.items()}
        figures[kind] = {
            "seconds": {name: round(value, 4) for name, value in medians.items()},
            "ratios": {
                name: round(value / medians["ours"], 2)
                for name, value in medians.items()
                if name != "ours"
            },
            "links": links,
        }
    return figures


def main() -> None:
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    parser.add_argument("--layer", type=Path, help="Parquet file of polygons")
    options = parser.parse_args()
    if options.layer is None:
        layer = read_layer(dt.date(2022, 1, 1))
    else:
        layer = gpd.read_parquet(options.layer, columns=["geometry"])
    figures = measure(layer, 3 if options.quick else 15)
    print(f"{figures['places']:,} places, {figures['vertices']:,} vertices")
    print(f"first call {figures['first_call_seconds']} s; pygeoda.open {figures['pygeoda_open']} s")
    for kind in KINDS:
        print(f"{kind}: {figures[kind]['seconds']} s; links {figures[kind]['links']}")
        for name, ratio in figures[kind]["ratios"].items():
            print(f"  {name}: {ratio} times ours")
    if "pygeoda" not in figures["queen"]["seconds"]:
        print("pygeoda is not installed: not measured")
    if options.json:
        print(json.dumps(as_row(figures)))


def as_row(figures: dict[str, Any]) -> dict[str, Any]:
    """Give the figures the form that all benchmarks share."""
    seconds = {kind: figures[kind]["seconds"] for kind in KINDS}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "name": "neighbors",
        "rows": figures["places"],
        "seconds": {kind: own["ours"] for kind, own in seconds.items()},
        "peers": {
            kind: {name: value for name, value in own.items() if name != "ours"}
            for kind, own in seconds.items()
        },
        "ratios": {kind: figures[kind]["ratios"] for kind in KINDS},
        "peak_mb": round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024)),
        "links": {kind: figures[kind]["links"]["ours"] for kind in KINDS},
        "first_call_seconds": figures["first_call_seconds"],
        "pygeoda_open": figures["pygeoda_open"],
    }


if __name__ == "__main__":
    main()
