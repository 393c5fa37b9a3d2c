"""Take the picture of the README: the opening view of an atlas, from disk and without a network.

Run as ``python scripts/take_screenshots.py maps/demo/atlas.html docs/images/atlas.png``. Needs
Debian's chromium (make system) and the development tools.
"""

from __future__ import annotations

import shutil
import struct
import sys
import zlib
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WIDTH, HEIGHT = 1280, 800
LIMIT = 400_000
"""Bytes: a README should open quickly."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def take(atlas: Path) -> bytes:
    """Open an atlas as its reader does, and take its picture.

    Parameters
    ----------
    atlas : Path
        ``atlas.html`` of a run on simulated data.

    Returns
    -------
    bytes
        PNG of 1280 x 800 pixels.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is not installed: make system")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="it-IT")
        page.context.set_offline(True)
        page.goto(atlas.resolve().as_uri())
        page.wait_for_selector("html[data-ready=yes]")
        check(page)
        picture = page.screenshot()
        browser.close()
    return picture


def check(page: Page) -> None:
    """Refuse to show figures of real firms in a README, or invented ones that do not say so."""
    if not page.locator("#ribbon").is_visible():
        raise SystemExit("the atlas does not say that its data are simulated: use geo-engine demo")


def optimized(picture: bytes) -> bytes:
    """Press the pixels of a PNG again, as small as zlib can, and drop what is not a picture.

    Parameters
    ----------
    picture : bytes
        A PNG file.

    Returns
    -------
    bytes
        The same picture.
    """
    kept, pixels, at = [], b"", len(SIGNATURE)
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        kind, body = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            pixels += body
        elif kind in {b"IHDR", b"PLTE", b"tRNS"}:
            kept.append((kind, body))
        at += length + 12
    raw = zlib.decompress(pixels)
    strategies = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED)
    pressed = min((_deflated(raw, strategy) for strategy in strategies), key=len)
    parts = [*kept, (b"IDAT", pressed), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, body) for kind, body in parts)


def _deflated(raw: bytes, strategy: int) -> bytes:
    """Compress at the highest level."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
    return packer.compress(raw) + packer.flush()


def _chunk(kind: bytes, body: bytes) -> bytes:
    """Frame a part of a PNG with its length and check sum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def main(atlas: str, destination: str) -> None:
    """Take the picture and write it, if it is light enough."""
    picture = optimized(take(Path(atlas)))
    if len(picture) > LIMIT:
        raise SystemExit(f"the picture has {len(picture)} bytes, more than {LIMIT}")
    target = Path(destination)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(picture)
    print(f"{target}: {len(picture)} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])
