"""Arrays come back from the cache as they were, or are computed again."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from geo_engine import array_cache, storage
from geo_engine.array_cache import cached_arrays, load_arrays, save_arrays

ARRAYS = {
    "codes": np.array(["015146", "063049", "à"]),
    "size": np.asarray(0.0025),
    "vertices": np.arange(2000.0).reshape(-1, 2),
    "cells": np.arange(-5, 700, dtype=np.int32),
    "flags": np.array([True, False]),
    "none": np.empty((0, 2)),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEO_ENGINE_CACHE", str(tmp_path))
    return tmp_path


def are_same(found: dict[str, np.ndarray] | None) -> bool:
    return found is not None and all(
        np.array_equal(found[name], array) and found[name].dtype == array.dtype
        for name, array in ARRAYS.items()
    )


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.arrays"
    save_arrays(path, "key", ARRAYS)
    found = load_arrays(path, "key")
    assert are_same(found)
    assert list(found) == list(ARRAYS)
    assert found["none"].shape == (0, 2)
    assert found["size"].shape == ()
    assert all(array.flags.writeable for array in found.values())  # one type for numba, not two


def test_any_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.arrays"
    save_arrays(path, "key", ARRAYS)
    whole = path.read_bytes()
    rng = np.random.default_rng(3)
    header_end = len(array_cache.MARK) + 8
    places = {*range(header_end + 400), *rng.integers(0, len(whole), 1500).tolist()}
    noticed = harmless = 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        found = load_arrays(path, "key")
        noticed += found is None
        harmless += found is not None and are_same(found)  # the padding between arrays
    assert noticed + harmless == len(places)
    assert harmless < 0.05 * len(places)


def test_a_file_cut_anywhere_or_with_more_behind_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a.arrays"
    save_arrays(path, "key", ARRAYS)
    whole = path.read_bytes()
    for length in [*range(0, 120), *range(120, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert load_arrays(path, "key") is None
    path.write_bytes(whole + b"\0")
    assert load_arrays(path, "key") is None


def test_another_key_format_or_no_file_gives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.arrays"
    assert load_arrays(path, "key") is None
    assert load_arrays(tmp_path, "key") is None
    path.write_bytes(b"PK\x03\x04 something else entirely, long enough to hold a header" * 9)
    assert load_arrays(path, "key") is None
    save_arrays(path, "key", ARRAYS)
    assert load_arrays(path, "other") is None


def test_what_is_cached_is_computed_once(folder: Path) -> None:
    calls = []

    def compute() -> dict[str, np.ndarray]:
        calls.append(1)
        return ARRAYS

    assert are_same(cached_arrays("test", "a", compute))
    assert are_same(cached_arrays("test", "a", compute))
    assert len(calls) == 1
    cached_arrays("test", "b", compute)
    assert len(calls) == 2
    cached_arrays("test", "a", compute, fits=lambda _: False)
    assert len(calls) == 3
    assert len(list(folder.glob("test-*.arrays"))) == 2


def test_a_damaged_file_is_replaced_in_silence(folder: Path) -> None:
    cached_arrays("test", "a", lambda: ARRAYS)
    (path,) = folder.glob("test-*.arrays")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1000] + bytes(1000))
    assert are_same(cached_arrays("test", "a", lambda: ARRAYS))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("kind", ["a file", "read-only", "full"])
def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = tmp_path / "cache"
    if kind == "a file":
        folder.write_text("")
    if kind == "read-only":
        folder.mkdir(mode=0o500)
    if kind == "full":
        monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setenv("GEO_ENGINE_CACHE", str(folder))
    assert are_same(cached_arrays("test", "a", lambda: ARRAYS))
    assert not list(tmp_path.rglob("*.tmp-*"))


def fail(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_only_the_last_used_files_stay(folder: Path) -> None:
    for number in range(array_cache.KEPT + 3):
        cached_arrays("test", str(number), lambda: ARRAYS)
        for path in folder.glob("test-*"):  # all a minute older
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))
        cached_arrays("test", "0", lambda: ARRAYS)
    killed, busy = folder / ".test-x.tmp-1-2.arrays", folder / ".test-y.tmp-1-2.arrays"
    for path, age in ((killed, 2 * array_cache.STALE_S), (busy, 0)):
        path.write_text("half")
        os.utime(path, (time.time() - age,) * 2)
    cached_arrays("test", "new", lambda: ARRAYS)
    assert len(list(folder.glob("test-*"))) == array_cache.KEPT
    assert array_cache.load_arrays(array_cache._path("test", "0"), "0") is not None
    assert not killed.exists()
    assert busy.exists()


def _read_and_write(folder: str, seed: int, queue: multiprocessing.Queue) -> None:
    os.environ["GEO_ENGINE_CACHE"] = folder
    rng = np.random.default_rng(seed)
    wrong = 0
    for _ in range(60):
        wrong += not are_same(cached_arrays("test", "a", lambda: ARRAYS))
        for path in Path(folder).glob("test-*.arrays"):
            if rng.uniform() < 0.3:
                save_arrays(path, "a", ARRAYS)
    queue.put(wrong)


def test_processes_that_read_write_and_damage_at_once_all_get_right_arrays(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [
        context.Process(target=_read_and_write, args=(str(folder), seed, queue))
        for seed in range(4)
    ]
    for process in processes:
        process.start()
    rng = np.random.default_rng(9)
    while any(process.is_alive() for process in processes):
        for path in folder.glob("test-*.arrays"):
            whole = bytearray(path.read_bytes())
            if whole:
                whole[int(rng.integers(len(whole)))] ^= 0xFF
                with storage.replacing(path) as temporary:
                    temporary.write_bytes(whole)
    assert [queue.get(timeout=60) for _ in processes] == [0] * 4
    assert all(process.exitcode == 0 for process in processes)
    assert not list(folder.glob(".*.tmp-*"))


def test_threads_that_save_the_same_file_do_not_spoil_it(tmp_path: Path) -> None:
    path = tmp_path / "a.arrays"
    threads = [
        threading.Thread(target=lambda: [save_arrays(path, "key", ARRAYS) for _ in range(20)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert are_same(load_arrays(path, "key"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.arrays"]
