"""Measure how fast points find their municipality: ours and the peers, same points, same run.

``python benchmarks/locate.py [--quick] [--json] [--rows N]``. Firms stand where people live, so
points are drawn in the boxes of random municipalities, one in twenty outside.
Every peer must give the same answer, or its row says how many points differ.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_engine.places import build_index, locate
from geo_engine.sources.boundaries import read_layer

Floats = NDArray[np.float64]
Positions = NDArray[np.integer[Any]]


def draw_points(layer: gpd.GeoDataFrame, rows: int) -> tuple[Floats, Floats]:
    """Draw points in the boxes of random municipalities, and a few over the sea."""
    rng = np.random.default_rng(20250101)
    boxes = layer.geometry.bounds.to_numpy()[rng.integers(0, len(layer), rows)]
    points = boxes[:, :2] + rng.uniform(size=(rows, 2)) * (boxes[:, 2:] - boxes[:, :2])
    anywhere = rng.uniform(size=rows) < 0.05
    points[anywhere] = rng.uniform([6.6, 35.5], [18.5, 47.1], (int(anywhere.sum()), 2))
    return np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])


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
    import pandas as pd
    import sedona.db  # type: ignore[import-not-found]

    session = sedona.db.connect()
    right = layer[["geometry"]].reset_index(drop=True).reset_index(names="place")
    session.create_data_frame(right).to_view("places")
    session.create_data_frame(pd.DataFrame({"point": range(len(x)), "x": x, "y": y})).to_view("p")
    joined = session.sql(
        "SELECT p.point, places.place FROM p JOIN places "
        "ON ST_Within(ST_SetSRID(ST_Point(p.x, p.y), 4326), places.geometry)"
    ).to_pandas()
    return _lowest(len(x), joined["point"].to_numpy(), joined["place"].to_numpy())


def by_duckdb(layer: gpd.GeoDataFrame, x: Floats, y: Floats) -> Positions:
    """Join with DuckDB's spatial extension, loaded from its wheel."""
    import duckdb
    import pandas as pd
    from duckdb_extension_spatial import extension_path  # type: ignore[import-not-found]

    session = duckdb.connect()
    session.execute(f"LOAD '{extension_path()}'")
    shapes = pd.DataFrame({"place": range(len(layer)), "wkb": layer.geometry.to_wkb()})
    points = pd.DataFrame({"point": range(len(x)), "x": x, "y": y})
    session.register("shapes", shapes)
    session.register("points", points)
    session.execute("CREATE TABLE places AS SELECT place, ST_GeomFromWKB(wkb) AS g FROM shapes")
    joined = session.execute(
        "SELECT point, place FROM points JOIN places ON ST_Within(ST_Point(x, y), g)"
    ).df()
    return _lowest(len(x), joined["point"].to_numpy(), joined["place"].to_numpy())


def _lowest(rows: int, point: Positions, place: Positions) -> Positions:
    """Keep the lowest position of each point, -1 for none."""
    lowest = np.full(rows, np.iinfo(np.int64).max)
    np.minimum.at(lowest, point, place)
    return np.where(lowest == np.iinfo(np.int64).max, -1, lowest)


def _timed(work: Callable[[], Positions]) -> tuple[float, Positions]:
    """Measure one call."""
    begin = time.perf_counter()
    answer = work()
    return time.perf_counter() - begin, answer


def _peak_mb() -> float:
    """Give the largest memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def measure(rows: int) -> dict[str, Any]:
    """Run ours and every peer that is installed; give the figures."""
    layer = read_layer(dt.date(2025, 1, 1))
    x, y = draw_points(layer, rows)
    locate(build_index(layer), x[:1000], y[:1000])  # compile
    whole, ours = min((_timed(lambda: locate(build_index(layer), x, y)) for _ in range(3)), key=_0)
    index = build_index(layer)
    reused, _ = min((_timed(lambda: locate(index, x, y)) for _ in range(3)), key=_0)
    peak_mb = _peak_mb()
    peers = {
        name: peer
        for module, name, peer in (
            ("geopandas", "geopandas.sjoin", by_sjoin),
            ("shapely", "shapely.STRtree", by_strtree),
            ("sedona", "sedonadb", by_sedonadb),
            ("duckdb_extension_spatial", "duckdb", by_duckdb),
        )
        if importlib.util.find_spec(module)
    }
    seconds, differ = {}, {}
    for name, peer in peers.items():
        seconds[name], answer = _timed(functools.partial(peer, layer, x, y))
        differ[name] = int((answer != ours).sum())
    return {
        "name": "locate",
        "rows": rows,
        "seconds": {"index built": round(whole, 3), "index reused": round(reused, 3)},
        "peers": {name: round(each, 3) for name, each in seconds.items()},
        "ratios": {
            name: {"index built": round(each / whole, 1), "index reused": round(each / reused, 1)}
            for name, each in seconds.items()
        },
        "differ": differ,
        "peak_mb": round(peak_mb),
    }


def _0(pair: tuple[float, Positions]) -> float:
    """Give the first of a pair."""
    return pair[0]


def main() -> None:
    """Read the options and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer points, under 50 s")
    parser.add_argument("--json", action="store_true", help="last line as JSON")
    parser.add_argument("--rows", type=int, default=6_000_000)
    options = parser.parse_args()
    figures = measure(500_000 if options.quick else options.rows)
    print(f"{figures['rows']:,} points; ours: {figures['seconds']}, peak {figures['peak_mb']} MB")
    for name, ratios in figures["ratios"].items():
        print(f"{name}: {figures['peers'][name]} s, {ratios} times ours")
    print(f"points that differ: {figures['differ']}")
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
