"""The cached locator is the one that would be built."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_engine import locator_cache
from geo_engine.errors import BoundaryError, TableError
from geo_engine.locator_cache import cached_locator
from geo_engine.places import Locator, build_index, locate, snap


def layer_of(shift: float = 0.0, codes: tuple[str, ...] = ("001001", "001002")) -> gpd.GeoDataFrame:
    geometry = [
        shapely.box(9, 42, 9.2, 42.2),
        shapely.box(9.2, 42, 9.4 + shift, 42.2).difference(shapely.box(9.25, 42.1, 9.3, 42.15)),
    ]
    return gpd.GeoDataFrame(
        geometry=geometry, crs="EPSG:4326", index=pd.Index(codes, name="pro_com_t")
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEO_ENGINE_CACHE", str(tmp_path))
    return tmp_path


def are_same(one: Locator, two: Locator) -> bool:
    first, second = vars(one), vars(two)
    return all(
        np.array_equal(first[name], second[name]) and type(first[name]) is type(second[name])
        for name in first
    )


def test_the_cached_index_is_the_built_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layer_of()
    built = build_index(layer)
    assert are_same(cached_locator(layer, "d"), built)
    monkeypatch.setattr(locator_cache, "build_index", None)  # it is not built again
    again = cached_locator(layer, "d")
    assert are_same(again, built)
    assert locate(again, [9.1, 9.2, 9.27, 9.3], [42.1, 42.1, 42.12, 42.18]).tolist() == [
        0,
        0,
        -1,
        1,
    ]
    assert snap(again, [9.4001], [42.1], 500)[0].tolist() == [1]


def test_a_digest_of_another_layer_never_gives_its_places(folder: Path) -> None:
    cached_locator(layer_of(), "d")
    for other in (layer_of(0.1), layer_of(codes=("001001", "001003"))):
        assert are_same(cached_locator(other, "d"), build_index(other))


def test_an_index_of_another_format_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached_locator(layer_of(), "d")
    monkeypatch.setattr(locator_cache, "INDEX_FORMAT", -1)
    cached_locator(layer_of(), "d")
    assert len(list(folder.glob("locator-*.arrays"))) == 2


def test_a_wrong_layer_is_refused_though_its_index_is_cached(folder: Path) -> None:
    cached_locator(layer_of(), "d")
    with pytest.raises(TableError, match="CRS_MISSING"):
        cached_locator(layer_of().set_crs(None, allow_override=True), "d")
    empty = layer_of()
    empty.loc["001002", "geometry"] = shapely.Polygon()
    with pytest.raises(BoundaryError, match=r"INVALID_BOUNDARY.*001002"):
        cached_locator(empty, "d")


def test_bytes_flipped_anywhere_change_no_place(folder: Path) -> None:
    layer, rng = layer_of(), np.random.default_rng(5)
    x, y = rng.uniform([[8.9], [41.9]], [[9.5], [42.3]], (2, 2000))
    expected = locate(cached_locator(layer, "d"), x, y)
    (path,) = folder.glob("locator-*.arrays")
    for _ in range(25):
        whole = bytearray(path.read_bytes())
        for place in rng.integers(0, len(whole), 3):
            whole[place] ^= int(rng.integers(1, 256))
        path.write_bytes(whole)
        assert (locate(cached_locator(layer, "d"), x, y) == expected).all()


def _locate(folder: str, queue: multiprocessing.Queue) -> None:
    os.environ["GEO_ENGINE_CACHE"] = folder
    queue.put(locate(cached_locator(layer_of(), "d"), [9.1, 9.35], [42.1, 42.1]).tolist())


def test_processes_that_build_at_once_all_get_the_index(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=_locate, args=(str(folder), queue)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [queue.get(timeout=300) for _ in processes] == [[0, 1]] * 3
    for process in processes:
        process.join()
    assert len(list(folder.iterdir())) == 1
