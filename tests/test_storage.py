"""Files appear together, or the earlier ones stay whole."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import pytest

from geo_engine import storage
from geo_engine.errors import OutputError


def test_nothing_appears_before_commit_and_everything_after(tmp_path: Path) -> None:
    with storage.deliver(tmp_path) as delivery:
        delivery.path("a.txt").write_text("1")
        delivery.path("b.tar.gz").write_text("2")
        assert not (tmp_path / "a.txt").exists()
        assert set(delivery.written()) == {"a.txt", "b.tar.gz"}
        delivery.commit()
    assert (tmp_path / "a.txt").read_text() == "1"
    assert (tmp_path / "b.tar.gz").read_text() == "2"
    assert not list(tmp_path.glob(".*tmp*"))


def test_a_failed_run_leaves_the_earlier_results_whole(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("earlier")
    with pytest.raises(RuntimeError, match="boom"), storage.deliver(tmp_path) as delivery:
        delivery.path("a.txt").write_text("half")
        raise RuntimeError("boom")
    assert (tmp_path / "a.txt").read_text() == "earlier"
    assert not list(tmp_path.glob(".*tmp*"))


def test_leftovers_of_a_killed_run_are_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".atlas.tmp-99.html").write_text("half")
    (tmp_path / ".firms.tmp-99").mkdir()
    (tmp_path / ".firms.tmp-99" / "000000.parquet").write_text("half")
    with storage.deliver(tmp_path) as delivery:
        delivery.path("a.txt").write_text("1")
        delivery.commit()
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.txt", ".geo-engine.lock"}


def test_a_file_that_cannot_take_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with (
        pytest.raises(OutputError, match=r"NOT_WRITTEN: a\.txt.*earlier results"),
        storage.deliver(tmp_path) as delivery,
    ):
        delivery.path("a.txt").write_text("1")
        delivery.commit()
    assert not list(tmp_path.glob(".*tmp*"))
    with (
        pytest.raises(OutputError, match="NOT_WRITTEN"),
        storage.replacing(tmp_path / "a.txt") as path,
    ):
        path.write_text("1")


def test_files_that_must_not_stand_beside_the_new_ones_are_removed(tmp_path: Path) -> None:
    (tmp_path / "private.csv").write_text("names")
    with storage.deliver(tmp_path) as delivery:
        delivery.path("a.txt").write_text("1")
        delivery.commit(remove=["private.csv", "absent.csv"])
    assert not (tmp_path / "private.csv").exists()


def test_an_interruption_waits_until_all_files_have_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a.txt", "b.txt", "c.txt"]
    rename = Path.replace

    def interrupted(path: Path, target: Path) -> Path:
        if target.name == "b.txt":
            signal.raise_signal(signal.SIGINT)
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), storage.deliver(tmp_path) as delivery:
        for name in names:
            delivery.path(name).write_text("1")
        delivery.commit()
    assert all((tmp_path / name).exists() for name in names)


def _second_run(folder: Path, queue: multiprocessing.Queue) -> None:
    try:
        with storage.deliver(folder):
            queue.put("entered")
    except OutputError as error:
        queue.put(error.code)


def test_a_second_run_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    with storage.deliver(tmp_path):
        process = context.Process(target=_second_run, args=(tmp_path, queue))
        process.start()
        assert queue.get(timeout=60) == "FOLDER_LOCKED"
        process.join()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match="NOT_WRITABLE"),
        storage.deliver(tmp_path / "file" / "results"),
    ):
        pass


def test_replacing_keeps_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), storage.replacing(path) as temporary:
        temporary.write_text("new")
        raise RuntimeError
    assert path.read_text() == "old"
    with storage.replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.csv"]


def test_the_digest_is_sha256(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")
    assert storage.sha256_of(path).startswith("e3b0c44298fc1c149afbf4c8996fb924")
