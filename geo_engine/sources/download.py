"""Downloads one file over http(s): capped, resumed, and placed whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from geo_engine import __version__
from geo_engine.errors import SourceError
from geo_engine.storage import output_errors

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there, and with the whole where the server tells it."""

BLOCK = 1 << 16
_CRAWL = 1024
_PARTIAL = 206
_RANGE_REFUSED = 416
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to insist.

    Parameters
    ----------
    attempts : int
        Connections in all, the first one included.
    first_pause_s : float
        Pause before the second; each later one is twice as long.
    timeout_s : float
        Silence of the server after which a connection is given up.
    crawl_s : float
        Time in which at least a kilobyte must come.
    sleep : callable
        What pauses.
    """

    attempts: int = 4
    first_pause_s: float = 1.0
    timeout_s: float = 30.0
    crawl_s: float = 60.0
    sleep: Callable[[float], None] = time.sleep


class DownloadError(SourceError):
    """A file cannot be downloaded; ``status`` is the server's answer, where it gave one."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(code, message)
        self.status = status


class _CutError(Exception):
    """The connection ended too early, or the server asks for patience: worth another attempt."""


def download(
    url: str,
    target: Path,
    *,
    max_bytes: int,
    progress: Progress | None = None,
    resume: bool = True,
    patience: Patience | None = None,
) -> Path:
    """Download a file.

    Parameters
    ----------
    url : str
        http or https; redirections stay within these, and never from https to http.
    target : Path
        Where the file will stand. Until it is whole it is ``<target>.part``, with what is needed
        to resume it beside it (``<target>.part.json``); a later call goes on from there.
    max_bytes : int
        The file may not be larger; checked against what the server tells, and while it arrives.
    progress : callable, optional
        Called with the bytes so far and the total, where known.
    resume : bool
        Whether to keep and use a part.
    patience : Patience, optional
        Attempts, pauses and timeout.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    DownloadError
        ``URL_NOT_ALLOWED`` for another scheme, ``DOWNLOAD_TOO_LARGE``, and ``DOWNLOAD_FAILED``
        with the reason for everything else.
    """
    _check_scheme(url)
    insist = patience or Patience()
    part = _Part(target, url)
    report = progress or (lambda _received, _total: None)
    if not resume:
        part.remove()
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _insist(part, insist, max_bytes, report)
    except DownloadError as error:
        part.keep_if(resume and error.code == "DOWNLOAD_FAILED" and error.status is None)
        raise
    except BaseException:
        part.keep_if(resume)
        raise
    part.place()
    return target


def _insist(part: _Part, patience: Patience, max_bytes: int, report: Progress) -> None:
    """Connect until the part is whole, or patience is at its end."""
    pause = patience.first_pause_s
    for attempt in range(1, patience.attempts + 1):
        try:
            _receive(part, patience, max_bytes, report)
        except _CutError as cut:
            if attempt == patience.attempts:
                raise DownloadError(
                    "DOWNLOAD_FAILED",
                    f"{part.url}: {cut} ({attempt} attempts). Try again later"
                    + ("; it goes on from where it stopped." if part.resumable() else "."),
                ) from cut
            patience.sleep(pause)
            pause *= 2
        else:
            return


def _receive(part: _Part, patience: Patience, max_bytes: int, report: Progress) -> None:
    """Connect once and add what arrives to the part."""
    headers = {"User-Agent": f"geo-engine/{__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(part.url, headers=headers | part.range_headers())
    with (
        _network_errors(part),
        _opener().open(request, timeout=patience.timeout_s) as response,
    ):
        offset, total = _account(part, response)
        if (total or 0) > max_bytes:
            raise _too_large(part.url, total or 0, max_bytes)
        report(offset, total)
        received = offset
        with part.open(offset, response.headers, total) as file:
            for block in _blocks(response, patience.crawl_s):
                received += len(block)
                if received > max_bytes:
                    raise _too_large(part.url, received, max_bytes)
                with output_errors(str(part.path)):
                    file.write(block)
                report(received, total)
        if total is not None and received != total:
            raise _CutError(f"{received:,} of {total:,} bytes came")


def _blocks(response: Any, crawl_s: float) -> Iterator[bytes]:
    """Yield what comes, as long as at least a kilobyte comes in ``crawl_s``."""
    since, came = time.monotonic(), 0
    while block := response.read1(BLOCK):
        came += len(block)
        if came >= _CRAWL:
            since, came = time.monotonic(), 0
        elif time.monotonic() - since > crawl_s:
            raise _CutError(f"fewer than {_CRAWL:,} bytes came in {crawl_s:g} s")
        yield block


def _account(part: _Part, response: Any) -> tuple[int, int | None]:
    """Tell where the answer begins and how long the whole file is; refuse one that does not fit."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _failed(part.url, "the server packs the file on the way", response.status)
    length = _number(response.headers.get("Content-Length"))
    if response.status != _PARTIAL:
        return 0, length  # the whole file, whatever was asked
    unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
    span, _, whole = rest.partition("/")
    start = _number(span.partition("-")[0])
    if unit != "bytes" or start != part.size():
        part.remove()
        raise _CutError("the server sent another piece than was asked for")
    return start, _number(whole)


@contextlib.contextmanager
def _network_errors(part: _Part) -> Iterator[None]:
    """Turn what the network says into an error with a name, or into another attempt."""
    try:
        yield
    except urllib.error.HTTPError as error:
        with error:
            _judge_status(part, error.code, error.reason)
    except urllib.error.URLError as error:
        reason = error.reason
        if isinstance(reason, socket.gaierror) or getattr(reason, "errno", 0) in _NO_NETWORK:
            raise _failed(part.url, f"no network, or no such server ({reason})") from error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise _failed(part.url, f"the server's certificate does not hold ({reason})") from error
        raise _CutError(f"no connection ({reason})") from error
    except http.client.InvalidURL as error:
        raise _failed(part.url, f"no address ({error})") from error
    except TimeoutError as error:
        raise _CutError("the server fell silent") from error
    except (OSError, http.client.HTTPException) as error:
        raise _CutError(f"the connection broke ({error!r})") from error


_NO_NETWORK = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL}


def _judge_status(part: _Part, status: int, reason: str) -> None:
    """Raise for an answer that is no file: for good, or for now."""
    if status == _RANGE_REFUSED:
        part.remove()
        raise _CutError("the server has no more of this file than is here")
    if status in _PASSING:
        raise _CutError(f"the server answers {status} {reason}")
    raise _failed(part.url, f"the server answers {status} {reason}", status)


class _Part:
    """What is there of a file, and how the server will recognize it."""

    def __init__(self, target: Path, url: str) -> None:
        self.target, self.url = target, url
        self.path = target.with_name(f"{target.name}.part")
        self._facts = target.with_name(f"{target.name}.part.json")

    def size(self) -> int:
        """Count the bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def validator(self) -> str:
        """Give the mark of the version that the part belongs to; empty when there is none."""
        try:
            facts = json.loads(self._facts.read_text(encoding="utf-8"))
            return str(facts["validator"]) if facts["url"] == self.url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def resumable(self) -> bool:
        """Tell whether a later attempt can go on from here."""
        return bool(self.size() and self.validator())

    def range_headers(self) -> dict[str, str]:
        """Ask for the rest, provided the file is still the same one."""
        if not self.resumable():
            return {}
        return {"Range": f"bytes={self.size()}-", "If-Range": self.validator()}

    @contextlib.contextmanager
    def open(self, offset: int, headers: Any, total: int | None) -> Iterator[IO[bytes]]:
        """Open the part to add to it from an offset; from 0 it begins anew."""
        etag = headers.get("ETag", "")
        mark = headers.get("Last-Modified", "") if not etag or etag.startswith("W/") else etag
        facts = json.dumps({"url": self.url, "validator": mark, "bytes": total})
        with output_errors(str(self.path)):
            self._facts.write_text(facts, encoding="utf-8")
            file = self.path.open("r+b" if offset else "wb", buffering=0)
        with file:
            file.seek(offset)
            yield file

    def keep_if(self, wanted: bool) -> None:
        """Keep the part for a later call, or remove it; one that cannot be resumed goes."""
        if not wanted or not self.resumable():
            self.remove()

    def remove(self) -> None:
        """Forget what is there."""
        self.path.unlink(missing_ok=True)
        self._facts.unlink(missing_ok=True)

    def place(self) -> None:
        """Give the whole file its name."""
        with output_errors(str(self.target)):
            with self.path.open("rb+") as file:
                os.fsync(file.fileno())
            self.path.replace(self.target)
            self._facts.unlink(missing_ok=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirections within http and https only, and never down from https."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Judge the new address before the library follows it."""
        new = urljoin(req.full_url, headers.get("location") or headers.get("uri") or "")
        try:
            _check_scheme(new)
            if urlsplit(req.full_url).scheme == "https" and urlsplit(new).scheme != "https":
                raise DownloadError(
                    "URL_NOT_ALLOWED", f"{req.full_url} leads to {new}, which is not encrypted."
                )
        except DownloadError:
            fp.close()
            raise
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _opener() -> urllib.request.OpenerDirector:
    """Give what opens http and https, and nothing else."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _check_scheme(url: str) -> None:
    """Refuse every address that is not http or https."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise DownloadError(
            "URL_NOT_ALLOWED", f"{url or 'an empty address'}: only http and https are followed."
        )


def _failed(url: str, reason: str, status: int | None = None) -> DownloadError:
    """Say why a file does not come."""
    return DownloadError("DOWNLOAD_FAILED", f"{url}: {reason}.", status)


def _too_large(url: str, size: int, cap: int) -> DownloadError:
    """Say that a file is larger than it can be."""
    return DownloadError(
        "DOWNLOAD_TOO_LARGE",
        f"{url} has {size / 1e6:,.0f} MB or more, and may have {cap / 1e6:,.0f}: it is not the "
        "file that was asked for.",
    )


def _number(text: str | None) -> int | None:
    """Read a whole number of a header; None when there is none."""
    return int(text) if text and text.strip().isdigit() else None
