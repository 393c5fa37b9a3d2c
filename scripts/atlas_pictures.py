"""Take the pictures of docs/atlas.md from the gallery: from disk, without a network.

``python scripts/atlas_pictures.py``. Needs Debian's chromium (make system) and the development
tools; the maps are made by ``scripts/atlas_gallery.py``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from take_screenshots import check, optimized

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images"
LIMIT = 300_000
"""Bytes of one picture."""
WIDE, PHONE = (1040, 660), (390, 780)


def open_first_area(page: Page) -> None:
    """Open the card of the first area of the list."""
    page.click("#areas-list button >> nth=0")


def open_table(page: Page) -> None:
    """Open the table, the highest first."""
    page.click("#table-section summary")
    page.click("#table-head button[data-key=value]")
    page.locator("#table-section").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('table-section').scrollIntoView({ block: 'center' })")


PICTURES: dict[str, tuple[str, str, tuple[int, int], Callable[[Page], None] | None]] = {
    "atlas-values": ("toscana", "#filiera=moda&comune=100005", WIDE, None),
    "atlas-areas": ("toscana", "#filiera=moda&mappa=aree", WIDE, open_first_area),
    "atlas-compare": (
        "marche",
        "#filiera=moda&confronta=filiera%3Aarredo_design&incertezza=si",
        WIDE,
        None,
    ),
    "atlas-territory": (
        "toscana",
        "#filiera=moda&territorio=100001%2C100002%2C100003%2C100004%2C100005%2C100006%2C100007",
        WIDE,
        lambda page: page.locator("#mine").scroll_into_view_if_needed(),
    ),
    "atlas-table": ("marche", "#filiera=moda&lingua=en", WIDE, open_table),
    "atlas-phone": ("marche", "#filiera=moda&mappa=variazione", PHONE, None),
}
"""Picture: map, address, size of the window, and what is done first."""


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is not installed: make system")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, (atlas, address, (width, height), act) in PICTURES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, locale="it-IT")
            page.context.set_offline(True)
            page.goto((ROOT / "maps" / f"{atlas}.html").as_uri() + address)
            page.wait_for_selector("html[data-ready=yes]")
            check(page)
            if act:
                act(page)
            picture = optimized(page.screenshot())
            if len(picture) > LIMIT:
                raise SystemExit(f"{name} has {len(picture)} bytes, more than {LIMIT}")
            (TARGET / f"{name}.png").write_bytes(picture)
            print(f"{name}: {len(picture)} bytes")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
