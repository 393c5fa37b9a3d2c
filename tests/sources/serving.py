"""A server on this machine that answers as ISTAT's does, or as badly as a test wants."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

LAST_MODIFIED = "Thu, 02 Feb 2023 10:00:00 GMT"


@dataclass
class File:
    """What stands at one address, and how it is sent."""

    content: bytes = b""
    status: int = 200
    ranges: bool = True
    etag: str = '"one"'
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None  # a Content-Length that is not the content's; -1 sends none
    cuts: list[int] = field(default_factory=list)  # bytes after which each answer breaks off
    failures: list[int] = field(default_factory=list)  # answers before the content comes
    stall: threading.Event | None = None  # before the second half, waits for this
    drip: int = 0  # bytes at a time
    asked: list[dict[str, str]] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the files of its server."""

    protocol_version = "HTTP/1.1"
    files: dict[str, File]

    def do_GET(self) -> None:
        file = self.files.get(self.path.partition("?")[0])
        if file is None:
            self._answer(404, b"<html>404 Not Found</html>", {"Content-Type": "text/html"})
            return
        file.asked.append(dict(self.headers))
        if file.failures:
            self._answer(file.failures.pop(0), b"no", {})
            return
        start = self._start(file)
        headers = {"ETag": file.etag, "Last-Modified": LAST_MODIFIED} if file.etag else {}
        if start is None:
            self._answer(416, b"", {"Content-Range": f"bytes */{len(file.content)}"})
            return
        status = 206 if start else file.status
        if start:
            end = len(file.content)
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{end}"
        self._answer(status, file.content[start:], headers | file.headers, file)

    def _start(self, file: File) -> int | None:
        asked = self.headers.get("Range")
        fresh = self.headers.get("If-Range") in {None, file.etag}
        if not (asked and file.ranges and fresh):
            return 0
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        return start if start < len(file.content) else None

    def _answer(
        self, status: int, body: bytes, headers: dict[str, str], file: File | None = None
    ) -> None:
        self.send_response(status)
        length = len(body) if file is None or file.length is None else file.length
        if length >= 0:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.close_connection = True
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self._send(body, file or File())

    def _send(self, body: bytes, file: File) -> None:
        if file.cuts:
            self.wfile.write(body[: file.cuts.pop(0)])
        elif file.stall is not None:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            file.stall.wait(20)
        elif file.drip:
            for at in range(0, len(body), file.drip):
                self.wfile.write(body[at : at + file.drip])
                self.wfile.flush()
                threading.Event().wait(0.005)
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextlib.contextmanager
def serve(files: dict[str, File]) -> Iterator[str]:
    """Serve files by path; yield the address of the server."""
    handler: Callable[..., Any] = type("Bound", (Handler,), {"files": files})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        for file in files.values():
            if file.stall is not None:
                file.stall.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
