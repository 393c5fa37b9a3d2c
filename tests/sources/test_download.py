"""A download comes whole or not at all, and goes on from where it was cut."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from geo_engine.errors import OutputError, SourceError
from geo_engine.sources.download import DownloadError, Patience, download
from tests.sources.serving import File, serve

CONTENT = os.urandom(300_000)
CAP = 1_000_000
PATH = "/file.bin"


def patient(pauses: list[float] | None = None, **options: float) -> Patience:
    slept = pauses if pauses is not None else []
    return Patience(sleep=slept.append, **{"timeout_s": 5.0, **options})


def fetch(
    file: File, folder: Path, *, patience: Patience | None = None, cap: int = CAP, **options: bool
) -> bytes:
    with serve({PATH: file}) as base:
        target = download(
            base + PATH,
            folder / "file.bin",
            max_bytes=cap,
            patience=patience or patient(),
            **options,
        )
    assert left(folder) == {"file.bin"}
    return target.read_bytes()


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_comes_whole_and_progress_ends_with_its_size(tmp_path) -> None:
    seen: list[tuple[int, int | None]] = []
    with serve({PATH: File(CONTENT)}) as base:
        target = tmp_path / "deep" / "file.bin"
        done = download(
            base + PATH,
            target,
            max_bytes=CAP,
            progress=lambda now, whole: seen.append((now, whole)),
            patience=patient(),
        )
    assert done.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(now for now, _ in seen) == [now for now, _ in seen]


def test_a_cut_connection_is_resumed_with_the_pieces_that_are_missing(tmp_path) -> None:
    pauses: list[float] = []
    file = File(CONTENT, cuts=[100_000, 50_000])
    assert fetch(file, tmp_path, patience=patient(pauses)) == CONTENT
    assert [asked.get("Range") for asked in file.asked] == [None, "bytes=100000-", "bytes=150000-"]
    assert [asked.get("If-Range") for asked in file.asked] == [None, '"one"', '"one"']
    assert pauses == [1, 2]


def test_a_later_call_goes_on_from_the_part_of_an_earlier_one(tmp_path) -> None:
    file = File(CONTENT, cuts=[100_000])
    with pytest.raises(DownloadError, match="goes on from where it stopped") as failed:
        fetch(file, tmp_path, patience=patient(attempts=1))
    assert failed.value.code == "DOWNLOAD_FAILED"
    assert left(tmp_path) == {"file.bin.part", "file.bin.part.json"}
    assert (tmp_path / "file.bin.part").stat().st_size == 100_000
    with serve({PATH: file}) as base:  # another port: another address, so it begins anew
        assert download(base + PATH, tmp_path / "file.bin", max_bytes=CAP).read_bytes() == CONTENT
    assert "Range" not in file.asked[-1]


def test_a_part_of_another_version_of_the_file_is_not_mixed_in(tmp_path) -> None:
    file = File(CONTENT, cuts=[100_000])
    with serve({PATH: file}) as base:
        url, target = base + PATH, tmp_path / "file.bin"
        with pytest.raises(DownloadError):
            download(url, target, max_bytes=CAP, patience=patient(attempts=1))
        file.content, file.etag = os.urandom(200_000), '"two"'
        download(url, target, max_bytes=CAP, patience=patient())
    assert target.read_bytes() == file.content
    assert file.asked[-1]["If-Range"] == '"one"'


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_strong_mark_the_date_serves_or_the_file_begins_anew(etag, tmp_path) -> None:
    file = File(CONTENT, etag=etag, cuts=[100_000])
    assert fetch(file, tmp_path) == CONTENT
    dated = file.asked[-1].get("If-Range")
    assert dated == ("Thu, 02 Feb 2023 10:00:00 GMT" if etag else None)


def test_a_server_without_ranges_sends_all_again_and_nothing_is_doubled(tmp_path) -> None:
    file = File(CONTENT, ranges=False, cuts=[100_000])
    assert fetch(file, tmp_path) == CONTENT
    assert file.asked[-1]["Range"] == "bytes=100000-"


def test_another_piece_than_the_one_asked_for_is_not_added(tmp_path) -> None:
    file = File(CONTENT, cuts=[100_000], headers={"Content-Range": "bytes 5-299999/300000"})
    assert fetch(file, tmp_path) == CONTENT


def test_a_part_as_long_as_the_file_is_asked_for_again(tmp_path) -> None:
    file = File(CONTENT, cuts=[100_000])
    with serve({PATH: file}) as base:
        url, target = base + PATH, tmp_path / "file.bin"
        with pytest.raises(DownloadError):
            download(url, target, max_bytes=CAP, patience=patient(attempts=1))
        (tmp_path / "file.bin.part").write_bytes(CONTENT)
        assert download(url, target, max_bytes=CAP, patience=patient()).read_bytes() == CONTENT


@pytest.mark.parametrize("length", [200_000, 400_000, -1])
def test_a_wrong_length_is_never_taken_for_the_whole(length, tmp_path) -> None:
    file = File(CONTENT, length=length)
    if length == 400_000:
        with pytest.raises(DownloadError, match="300,000 of 400,000 bytes"):
            fetch(file, tmp_path, patience=patient(attempts=1))
        assert "file.bin" not in left(tmp_path)
    elif length == -1:
        assert fetch(file, tmp_path) == CONTENT
    else:  # what the server calls the file ends there; the archive's own check sees the rest
        assert fetch(file, tmp_path) == CONTENT[:200_000]


def test_the_cap_holds_for_what_is_announced_and_for_what_comes(tmp_path) -> None:
    for file in (File(CONTENT), File(CONTENT, length=-1), File(CONTENT, length=5)):
        if file.length == 5:
            continue
        with pytest.raises(SourceError) as refused:
            fetch(file, tmp_path, cap=200_000)
        assert refused.value.code == "DOWNLOAD_TOO_LARGE"
        assert left(tmp_path) == set()


@pytest.mark.parametrize("status", [404, 403, 410])
def test_an_answer_for_good_is_not_asked_again(status, tmp_path) -> None:
    file, pauses = File(CONTENT, failures=[status, status]), []
    with pytest.raises(DownloadError, match=str(status)) as failed:
        fetch(file, tmp_path, patience=patient(pauses))
    assert (failed.value.code, failed.value.status) == ("DOWNLOAD_FAILED", status)
    assert (len(file.asked), pauses, left(tmp_path)) == (1, [], set())


def test_a_passing_failure_is_asked_again_a_few_times(tmp_path) -> None:
    assert fetch(File(CONTENT, failures=[503, 500, 429]), tmp_path) == CONTENT
    (tmp_path / "file.bin").unlink()
    file = File(CONTENT, failures=[502] * 9)
    with pytest.raises(DownloadError, match=r"502.*4 attempts"):
        fetch(file, tmp_path)
    assert (len(file.asked), left(tmp_path)) == (4, set())


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "/\\evil", "data:text/plain,x"]
)
def test_a_redirection_leaves_neither_http_nor_the_machine(location, tmp_path) -> None:
    file = File(b"", status=302, headers={"Location": location})
    with pytest.raises(DownloadError) as refused:
        fetch(file, tmp_path)
    assert refused.value.code in {"URL_NOT_ALLOWED", "DOWNLOAD_FAILED"}
    assert (refused.value.code == "URL_NOT_ALLOWED") == (":" in location)
    assert left(tmp_path) == set()


def test_a_redirection_within_http_is_followed(tmp_path) -> None:
    moved = File(b"", status=301, headers={"Location": "/new.bin"})
    with serve({PATH: moved, "/new.bin": File(CONTENT)}) as base:
        target = download(base + PATH, tmp_path / "file.bin", max_bytes=CAP)
    assert target.read_bytes() == CONTENT


def test_redirections_in_a_circle_end(tmp_path) -> None:
    with pytest.raises(DownloadError, match="DOWNLOAD_FAILED"):
        fetch(File(b"", status=302, headers={"Location": PATH}), tmp_path)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "/etc/passwd", "ftp://x/y", "", "http://", "/vsicurl/http://x/y"]
)
def test_only_http_addresses_are_opened(url, tmp_path) -> None:
    with pytest.raises(DownloadError, match="only http and https") as refused:
        download(url, tmp_path / "file.bin", max_bytes=CAP)
    assert refused.value.code == "URL_NOT_ALLOWED"


def test_without_a_server_the_message_says_so_and_nothing_is_left(tmp_path) -> None:
    with serve({}) as base:
        gone = base
    with pytest.raises(DownloadError, match=r"DOWNLOAD_FAILED.*no connection"):
        download(gone + PATH, tmp_path / "file.bin", max_bytes=CAP, patience=patient())
    with pytest.raises(DownloadError, match=r"DOWNLOAD_FAILED.*no such server"):
        url = "http://no-such-server.invalid/x"
        download(url, tmp_path / "file.bin", max_bytes=CAP, patience=patient(attempts=1))
    assert left(tmp_path) == set()


def test_a_server_that_falls_silent_is_left_and_its_half_kept(tmp_path) -> None:
    file = File(CONTENT, stall=threading.Event())
    with pytest.raises(DownloadError, match="fell silent"):
        fetch(file, tmp_path, patience=patient(attempts=1, timeout_s=0.2))
    assert (tmp_path / "file.bin.part").stat().st_size == len(CONTENT) // 2


def test_a_body_that_comes_slowly_comes_and_one_that_crawls_is_cut(tmp_path) -> None:
    assert fetch(File(CONTENT[:20_000], drip=1000), tmp_path) == CONTENT[:20_000]
    with pytest.raises(DownloadError, match="fewer than 1,024 bytes"):
        fetch(File(CONTENT, drip=1), tmp_path, patience=patient(attempts=1, crawl_s=0.1))


def test_an_interruption_keeps_what_can_be_resumed(tmp_path) -> None:
    def interrupt(received: int, _: int | None) -> None:
        if received > 100_000:
            raise KeyboardInterrupt

    for resume, kept in ((True, {"file.bin.part", "file.bin.part.json"}), (False, set())):
        with serve({PATH: File(CONTENT)}) as base, pytest.raises(KeyboardInterrupt):
            download(
                base + PATH,
                tmp_path / "file.bin",
                max_bytes=CAP,
                progress=interrupt,
                resume=resume,
            )
        assert left(tmp_path) == kept


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is Linux's")
def test_a_full_disk_is_told_as_such(tmp_path) -> None:
    (tmp_path / "file.bin.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="NOT_WRITTEN"):
        fetch(File(CONTENT), tmp_path)


def test_a_packed_transfer_is_refused_rather_than_stored(tmp_path) -> None:
    with pytest.raises(DownloadError, match="packs the file"):
        fetch(File(CONTENT, headers={"Content-Encoding": "gzip"}), tmp_path)
    assert left(tmp_path) == set()


def test_the_default_patience_is_bounded() -> None:
    patience = Patience()
    pauses = [patience.first_pause_s * 2**k for k in range(patience.attempts - 1)]
    assert sum(pauses) < 30
    assert patience.sleep is time.sleep
