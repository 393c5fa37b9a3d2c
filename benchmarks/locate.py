"""Measure how fast points find their municipality: ours and the peers, same points, same run.

``python benchmarks/locate.py [--quick] [--json] [--rows N] [--layer FILE]``. Firms stand where
people live, so points are drawn in the boxes of random municipalities, one in twenty anywhere.
Everyone starts from the layer in memory and two arrays of degrees, and ends with a position for
each point; all take turns, and medians are reported. Every peer must give the same answer, or its
row says how many points differ. Our memory is that of a process of its own, which also reads the
points; so is the cold start (a second process, kernels and index in the cache).
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_engine.locator_cache import cached_locator
from geo_engine.places import build_index, locate
from geo_engine.sources.boundaries import read_layer

Floats = NDArray[np.float64]
Positions = NDArray[np.integer[Any]]
Work = Callable[[], Any]
DIGEST = "benchmark"
PIECE = 2_000_000
SHORT = 3
"""Measurements in a turn of what takes less than a second."""


def load_layer(path: str) -> gpd.GeoDataFrame:
    """Read the layer of a file with ``pro_com_t``, or the shipped one of 2025."""
    if not path:
        return read_layer(dt.date(2025, 1, 1))
    layer = gpd.read_parquet(path)
    codes = ("pro_com_t", "pro_com_t_anpr", "com_istat_code")
    code = next(each for each in codes if each in layer.columns)
    return layer.set_index(code).sort_index().to_crs("EPSG:4326")


def draw_points(layer: gpd.GeoDataFrame, rows: int) -> tuple[Floats, Floats]:
    """Draw points in the boxes of random municipalities, and a few anywhere."""
    rng = np.random.default_rng(20250101)
    boxes = layer.geometry.bounds.to_numpy()
    x, y = np.empty((2, rows))
    for begin in range(0, rows, PIECE):
        n = min(PIECE, rows - begin)
        box = boxes[rng.integers(0, len(boxes), n)]
        points = box[:, :2] + rng.uniform(size=(n, 2)) * (box[:, 2:] - box[:, :2])
        anywhere = rng.uniform(size=n) < 0.05
        points[anywhere] = rng.uniform([6.6, 35.5], [18.5, 47.1], (int(anywhere.sum()), 2))
        x[begin : begin + n], y[begin : begin + n] = points.T
    return x, y


def by_sjoin(layer: gpd.GeoDataFrame, x: Floats, y: Floats) -> Positions:
    """Join with geopandas."""
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=layer.crs)
    right = layer[["geometry"]].reset_index(drop=True)
    joined = gpd.sjoin(points, right, predicate="within")
    return _lowest(len(x), joined.index.to_numpy(), joined["index_right"].to_numpy())


def by_strtree(layer: gpd.GeoDataFrame, x: Floats, y: Floats) -> Positions:
    """Query shapely's tree of polygons."""
    tree = shapely.STRtree(layer.geometry.to_numpy())
    point, place = tree.query(shapely.points(x, y), predicate="within")
    return _lowest(len(x), point, place)


def by_sedonadb(layer: gpd.GeoDataFrame, x: Floats, y: Floats) -> Positions:
    """Join with sedonadb."""
    import pyarrow as pa
    import sedonadb

    session = sedonadb.connect()
    right = layer[["geometry"]].reset_index(drop=True).reset_index(names="place")
    session.create_data_frame(right).to_view("places", overwrite=True)
    points = pd.DataFrame({"point": np.arange(len(x)), "x": x, "y": y})
    session.create_data_frame(points).to_view("points", overwrite=True)
    joined = pa.table(
        session.sql(
            "SELECT points.point, places.place FROM points JOIN places "
            "ON ST_Within(ST_SetSRID(ST_Point(points.x, points.y), 4326), places.geometry)"
        )
    )
    return _lowest(len(x), joined["point"].to_numpy(), joined["place"].to_numpy())


def by_polars_st(layer: gpd.GeoDataFrame, x: Floats, y: Floats) -> Positions:
    """Join with polars-st."""
    import polars as pl
    import polars_st as st

    right = pl.DataFrame({"place": range(len(layer)), "geometry": list(layer.geometry.to_wkb())})
    table = pl.DataFrame({"point": np.arange(len(x)), "x": x, "y": y})
    left = table.select("point", geometry=st.point(pl.concat_arr("x", "y")))
    joined = left.st.sjoin(right, predicate="within")
    return _lowest(len(x), joined["point"].to_numpy(), joined["place"].to_numpy())


def by_duckdb(layer: gpd.GeoDataFrame, x: Floats, y: Floats) -> Positions:
    """Join with DuckDB's spatial extension, loaded from its wheel."""
    import duckdb
    import duckdb_extension_spatial as wheel

    extension = next(Path(wheel.__path__[0]).rglob("spatial.duckdb_extension"))
    session = duckdb.connect()
    session.execute(f"LOAD '{extension}'")
    session.execute("SET enable_progress_bar = false")
    shapes = pd.DataFrame({"place": range(len(layer)), "wkb": layer.geometry.to_wkb()})
    session.register("shapes", shapes)
    session.register("points", pd.DataFrame({"point": np.arange(len(x)), "x": x, "y": y}))
    session.execute("CREATE TABLE places AS SELECT place, ST_GeomFromWKB(wkb) AS g FROM shapes")
    joined = session.execute(
        "SELECT point, place FROM points JOIN places ON ST_Within(ST_Point(x, y), g)"
    ).df()
    return _lowest(len(x), joined["point"].to_numpy(), joined["place"].to_numpy())


PEERS = {
    "sedonadb": by_sedonadb,
    "geopandas.sjoin": by_sjoin,
    "shapely.STRtree": by_strtree,
    "polars-st": by_polars_st,
    "duckdb spatial": by_duckdb,
}


def _lowest(rows: int, point: Positions, place: Positions) -> Positions:
    """Keep the lowest position of each point, -1 for none."""
    lowest = np.full(rows, np.iinfo(np.int64).max)
    np.minimum.at(lowest, point, place)
    return np.where(lowest == np.iinfo(np.int64).max, -1, lowest)


def _read(path: Path) -> tuple[Floats, Floats]:
    """Read the points from Parquet."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return table["lon"].to_numpy(), table["lat"].to_numpy()


def _write(path: Path, x: Floats, y: Floats) -> None:
    """Write points to Parquet as pyarrow does it when not told otherwise."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"lon": x, "lat": y}), path)


def _turns(works: dict[str, Work], rounds: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Let all take turns; give median seconds and last answers."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    answers = {}
    for _ in range(rounds):
        for name, work in works.items():
            for _ in range(1 if name in PEERS else SHORT):
                begin = time.perf_counter()
                answers[name] = work()
                seconds[name].append(time.perf_counter() - begin)
    return {name: float(np.median(each)) for name, each in seconds.items()}, answers


def _differences(
    layer: gpd.GeoDataFrame, x: Floats, y: Floats, ours: Positions, theirs: Positions
) -> dict[str, int]:
    """Count the points at which a peer differs, and those of them that lie on a border."""
    differ = np.flatnonzero(ours != theirs)
    geometry = layer.geometry.to_numpy()
    placed = np.maximum(ours[differ], theirs[differ])
    distance = shapely.distance(
        shapely.boundary(geometry[placed]), shapely.points(x[differ], y[differ])
    )
    return {"points": len(differ), "on a border": int((distance == 0).sum())}


def _ourselves(path: Path, layer: str) -> dict[str, float]:
    """Run ours in a process of its own, and give what it measured."""
    command = [sys.executable, __file__, "--alone", str(path), "--layer", layer]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def alone(path: Path, layer: str) -> dict[str, float]:
    """Measure memory and cold start: this process does nothing else."""
    places = load_layer(layer)
    x, y = _read(path)
    begin = time.perf_counter()
    found = locate(cached_locator(places, DIGEST), x, y)
    cold = time.perf_counter() - begin
    again = locate(build_index(places), x, y)
    if not np.array_equal(found, again):
        raise AssertionError("the cached index gives other places than a fresh one")
    return {"peak_mb": _peak_mb(), "cold": cold}


def _peak_mb() -> float:
    """Give the largest memory of this process: on Linux rusage would count its parent's too."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def slope(layer: gpd.GeoDataFrame, largest: int) -> dict[str, Any]:
    """Time sizes from 0.1M points up, and give the exponent of the cost."""
    index = build_index(layer)
    x, y = draw_points(layer, largest)
    sizes = [n for n in (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000) if n < largest]
    works = {str(n): functools.partial(locate, index, x[:n], y[:n]) for n in [*sizes, largest]}
    seconds, _ = _turns(works, 2)
    rows = np.log(np.array([int(n) for n in seconds], float))
    exponent = float(np.polyfit(rows, np.log(list(seconds.values())), 1)[0])
    return {"slope": round(exponent, 3), "sizes": {n: round(s, 4) for n, s in seconds.items()}}


def measure(rows: int, rounds: int, largest: int, source: str) -> dict[str, Any]:
    """Run ours and every peer; give the figures."""
    layer = load_layer(source)
    x, y = draw_points(layer, rows)
    index = cached_locator(layer, DIGEST)
    locate(index, x[:1000], y[:1000])  # compiled, and in the cache
    with tempfile.TemporaryDirectory() as folder:
        path, large = Path(folder, "points.parquet"), Path(folder, "large.parquet")
        _write(path, x, y)
        _write(large, *draw_points(layer, largest))
        works: dict[str, Work] = {
            "index built": lambda: locate(build_index(layer), x, y),
            "index cached": lambda: locate(cached_locator(layer, DIGEST), x, y),
            "index in memory": lambda: locate(index, x, y),
            "read Parquet": lambda: _read(path),
        }
        for name, peer in PEERS.items():
            works[name] = functools.partial(peer, layer, x, y)
        seconds, answers = _turns(works, rounds)
        own, own_large = _ourselves(path, source), _ourselves(large, source)
    ours = {name: seconds[name] for name in list(works)[:3]}
    read = seconds["read Parquet"]
    return {
        "name": "locate",
        "rows": rows,
        "places": len(layer),
        "seconds": {name: round(each, 4) for name, each in ours.items()},
        "peers": {name: round(seconds[name], 3) for name in PEERS},
        "ratios": {
            name: {kind: round(seconds[name] / each, 1) for kind, each in ours.items()}
            for name in PEERS
        },
        "read_parquet": {
            "seconds": round(read, 4),
            "ratios": {kind: round(each / read, 2) for kind, each in ours.items()},
        },
        "differ": {
            name: _differences(layer, x, y, answers["index cached"], answers[name])
            for name in PEERS
        },
        "peak_mb": round(own["peak_mb"]),
        "peak_mb_largest": round(own_large["peak_mb"]),
        "cold_seconds": round(own["cold"], 3),
        **slope(layer, largest),
    }


def _report(figures: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{figures['rows']:,} points into {figures['places']:,} places; ours: ", end="")
    print(", ".join(f"{name} {each} s" for name, each in figures["seconds"].items()))
    print(f"peak {figures['peak_mb']} MB; {figures['peak_mb_largest']} MB at the largest size")
    print(f"cold start in another process, points included: {figures['cold_seconds']} s")
    read = figures["read_parquet"]
    print(f"reading the points from Parquet: {read['seconds']} s; ours over it: {read['ratios']}")
    for name, ratios in figures["ratios"].items():
        print(f"{name}: {figures['peers'][name]} s, times ours: {ratios}", end="; ")
        print(f"differ: {figures['differ'][name]}")
    fastest = min(figures["peers"], key=figures["peers"].get)
    print(f"fastest peer: {fastest}, {figures['ratios'][fastest]} times ours")
    print(f"cost grows as rows to the power {figures['slope']}: {figures['sizes']}")


def main() -> None:
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer points, under 50 s")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    parser.add_argument("--rows", type=int, default=6_000_000)
    parser.add_argument("--largest", type=int, default=20_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layer", default="", help="a GeoParquet file instead of the shipped one")
    parser.add_argument("--alone", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(alone(Path(options.alone), options.layer)))
        return
    if options.quick:
        options.rows, options.largest, options.rounds = 150_000, 1_000_000, 2
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GEO_ENGINE_CACHE"] = cache
        figures = measure(options.rows, options.rounds, options.largest, options.layer)
    _report(figures)
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
