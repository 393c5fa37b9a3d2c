"""A visitor of the atlas: the page in Chromium, opened from disk with the network cut."""

import os
from pathlib import Path

READY = "html[data-ready=yes]"
CANVAS = "document.querySelector('.leaflet-overlay-pane canvas').toDataURL()"
PICTURES = Path(__file__).resolve().parents[1] / "artifacts" / "atlas"
"""Screenshots for those who look at them; git does not know the folder."""


class Page:
    """A page, and what it said and asked for."""

    def __init__(self, browser, width=1280, height=800):
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            offline=True,
            locale="it-IT",
            has_touch=width < 800,
        )
        self.page = self.context.new_page()
        self.problems = []
        self.requests = []
        self.page.on("console", lambda m: self.problems.append(m.text))
        self.page.on("pageerror", lambda e: self.problems.append(str(e)))
        self.page.on("dialog", lambda d: (self.problems.append(d.message), d.dismiss()))
        self.page.on("request", lambda r: self.requests.append(r.url))

    def open(self, path, hash_=""):
        self.page.goto(path.as_uri() + hash_)
        self.page.wait_for_selector(READY)
        return self.page

    def painted(self, action):
        """Act, and wait for the next painting."""
        before = self.page.evaluate("document.documentElement.dataset.paints")
        action()
        self.page.wait_for_function(
            "n => document.documentElement.dataset.paints !== n", arg=before
        )

    def picture(self, name, **options):
        """Keep a screenshot, where the environment asks for it."""
        if os.environ.get("GEO_ENGINE_PICTURES"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=PICTURES / f"{name}.png", **options)

    def clean(self):
        """Tell whether nothing was complained of or asked for but the file itself."""
        return not self.problems and all(u.startswith(("file:", "data:")) for u in self.requests)
