"""Measure the atlas beside folium's own layers: size, building, first paint, switching, panning.

``python benchmarks/atlas.py [--quick] [--json]``. Synthetic figures on the municipalities that
ship: 15 chains x 10 years, one universe and two, and 6 chains x 6 years. The second universe has an
eighth of the firms. folium's ``GeoJson`` and ``Choropleth`` show the same borders (simplified as
ours are) for two chains of one year, with Leaflet put into the page, since nothing here may be
fetched; each further view of theirs would cost as much again.

First paint counts from the start of navigation to the frame after the map is drawn. A switch counts
from the change of a selector to the end of drawing. Long tasks are those above 50 ms while the map
of the country is panned and zoomed.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from geo_engine.change.difference import first_last_change  # noqa: E402
from geo_engine.disclosure.publication import Publication  # noqa: E402
from geo_engine.outputs.atlas.page import _leaflet, render_page  # noqa: E402
from geo_engine.results import Results, UniverseInfo  # noqa: E402
from geo_engine.sources.boundaries import read_layer  # noqa: E402
from tests.outputs import example  # noqa: E402

DATE = dt.date(2025, 1, 1)
KINDS = ("GeoJson", "Choropleth")
READY = "html[data-ready=yes]"
UNIVERSES = (
    UniverseInfo(key="tutte", label="tutte le imprese", label_en="all enterprises"),
    UniverseInfo(key="pmi", label="PMI", label_en="SMEs"),
)


def study(chains: int, years: range) -> Publication:
    """Give a publication of the whole country; only hotspots have a robustness above 0."""
    places = read_layer(DATE)
    made = example.example_publication(places, chains=chains, years=years)
    robust = robust_hotspots(made.results)
    return dataclasses.replace(made, results=dataclasses.replace(made.results, robustness=robust))


def robust_hotspots(results: Results) -> xr.Dataset:
    """Leave a robustness above 0 to hotspots only."""
    local = results.local.sel(variable="share", drop=True)
    hot = (local["quadrant"] == 1) & (local["q_value"] < 0.05)
    return example._robustness(results.local).map(
        lambda values: values.where(hot | np.isnan(values), 0)
    )


def fewer(made: Publication) -> Publication:
    """Give another universe: an eighth of the firms, most of which stay from year to year."""
    rng = np.random.default_rng(11)
    panel = made.results.panel
    firms = example._stock(rng, 0.125 * panel["firms"].to_numpy(), stay=0.94)
    known = firms - example._stock(rng, 0.03 * firms, stay=0.9).clip(max=firms)
    share = np.clip(np.nan_to_num(panel["share_eb"].to_numpy(), nan=0.3), 0, 1)
    digital = example._adopted(rng, known, share)
    measures = example._measures(made.results.places, firms, known, digital)
    dims = ("place", "chain", "year")
    less = panel.assign({name: (dims, each) for name, each in measures.items()})
    local = example._local(less, example._adjacency(made.results.places))
    results = dataclasses.replace(
        made.results, panel=less, local=local, change=first_last_change(less)
    )
    results = dataclasses.replace(results, robustness=robust_hotspots(results))
    facts = dataclasses.replace(results.facts, universe="pmi", universes=UNIVERSES)
    return dataclasses.replace(made, results=dataclasses.replace(results, facts=facts))


def built(path: Path, made: Publication, others: dict[str, Publication]) -> dict[str, float]:
    """Write a page twice (the borders are cached by then) and measure the second time."""
    render_page(made, others)
    wall, cpu = time.perf_counter(), time.process_time()
    page = render_page(made, others)
    found = {"build_s": time.perf_counter() - wall, "build_cpu_s": time.process_time() - cpu}
    path.write_text(page, encoding="utf-8")
    return {**found, "mb": path.stat().st_size / 1e6}


def folium_page(made: Publication, kind: str) -> str:
    """Let folium draw two chains of one year, each as a layer, with Leaflet inside the page."""
    import folium

    results = made.results
    places = results.places.to_crs("EPSG:3035")
    shapes = places.geometry.simplify(250).to_crs("EPSG:4326")
    table = places[["name"]].assign(geometry=shapes).set_geometry("geometry", crs="EPSG:4326")
    world = folium.Map(location=[42, 12.5], zoom_start=6, tiles=None)
    for chain in results.panel["chain"].to_numpy()[:2]:
        values = results.panel["share_eb"].sel(chain=chain).isel(year=-1).to_series()
        layer = table.assign(value=values.round(3).to_numpy()).reset_index()
        if kind == "GeoJson":
            folium.GeoJson(layer.to_json(), name=str(chain)).add_to(world)
        else:
            shaded = folium.Choropleth(
                geo_data=layer.to_json(),
                data=layer,
                columns=["pro_com_t", "value"],
                key_on="feature.properties.pro_com_t",
                name=str(chain),
            )
            for child in [key for key in shaded._children if key.startswith("color_map")]:
                del shaded._children[child]  # its legend asks for d3 from elsewhere
            shaded.add_to(world)
    text = world.get_root().render()
    head = f"<script>{_leaflet('leaflet.js')}</script><style>{_leaflet('leaflet.css')}</style>"
    text = "\n".join(line for line in text.splitlines() if "cdn" not in line)
    return text.replace("<head>", f"<head>{head}", 1)


class Browser:
    """Chromium with the network cut."""

    def __init__(self, driver: Any) -> None:
        import shutil

        path = shutil.which("chromium") or shutil.which("chromium-browser")
        self.running = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )

    def page(self) -> Any:
        """Open an empty page that watches for long tasks."""
        context = self.running.new_context(viewport={"width": 1440, "height": 900}, offline=True)
        page = context.new_page()
        page.add_init_script(
            "window.long = []; new PerformanceObserver(list => { for (const e of list.getEntries())"
            " long.push(Math.round(e.duration)); }).observe({ type: 'longtask', buffered: true });"
        )
        return page

    def ours(self, path: Path, rounds: int) -> dict[str, Any]:
        """Open our page several times, switch chain, indicator and year, pan and zoom."""
        first = []
        for _ in range(rounds):
            page = self.page()
            page.goto(path.as_uri())
            page.wait_for_selector(READY)
            first.append(
                page.evaluate("new Promise(r => requestAnimationFrame(() => r(performance.now())))")
            )
        switches = {name: self.switched(page, name) for name in ("chain", "indicator", "year")}
        page.evaluate("long.length = 0")
        self.moved(page)
        return {
            "first_paint_ms": round(statistics.median(first)),
            "switch_ms": {name: round(statistics.median(each)) for name, each in switches.items()},
            "switch_median_ms": round(
                statistics.median([one for each in switches.values() for one in each])
            ),
            "longest_task_moving_ms": max(page.evaluate("long"), default=0),
        }

    def switched(self, page: Any, name: str) -> list[int]:
        """Walk through a selector and read how long each painting took."""
        times = []
        values = page.eval_on_selector_all(f"#{name} option", "all => all.map(o => o.value)")
        current = page.input_value(f"#{name}")
        steps = [value for value in values if value != current][:12] or range(int(current))
        if not values:
            page.focus("#year")
        for value in steps:
            before = page.evaluate("document.documentElement.dataset.paints")
            if values:
                page.select_option(f"#{name}", value)
            else:
                page.keyboard.press("ArrowLeft")
            page.wait_for_function("n => document.documentElement.dataset.paints !== n", arg=before)
            times.append(int(page.evaluate("document.documentElement.dataset.paint")))
        return times

    def moved(self, page: Any) -> None:
        """Pan and zoom the map of the country."""
        page.mouse.move(800, 550)
        for delta in (-150, -150, -150, 150, 150, 150):
            page.mouse.wheel(0, delta)
            page.wait_for_timeout(500)
        page.mouse.down()
        page.mouse.move(600, 450, steps=8)
        page.mouse.up()
        page.wait_for_timeout(500)

    def theirs(self, path: Path) -> dict[str, Any]:
        """Open folium's page, and let one layer take the other's place."""
        page = self.page()
        page.set_default_timeout(120_000)
        page.goto(path.as_uri())
        page.wait_for_function(
            "document.querySelectorAll('path.leaflet-interactive').length > 7000"
        )
        first = page.evaluate("new Promise(r => requestAnimationFrame(() => r(performance.now())))")
        switch = page.evaluate("""() => {
          const key = Object.keys(window).find(name => /^map_[0-9a-f]{32}$/.test(name));
          const map = window[key];
          const layers = [];
          map.eachLayer(l => { if (l.eachLayer && l.toGeoJSON) layers.push(l); });
          const start = performance.now();
          map.removeLayer(layers[0]);
          map.addLayer(layers[0]);
          return new Promise(r => requestAnimationFrame(() => r(performance.now() - start)));
        }""")
        return {"first_paint_ms": round(first), "switch_ms": round(switch)}


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="6 chains x 6 years only, one round")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="atlas-benchmark-"))
    sizes = {"6x6": (6, range(2019, 2025))}
    if not options.quick:
        sizes["15x10"] = (15, range(2015, 2025))
    found, made = pages(folder, sizes)
    seen(folder, found, sizes, 1 if options.quick else 5)
    for name, row in found.items():
        print(f"{name}: " + ", ".join(f"{key} {_shown(value)}" for key, value in row.items()))
    if options.json:
        print(json.dumps(_summary(found, list(sizes)[-1], len(made.results.places))))


def pages(folder: Path, sizes: dict[str, tuple[int, range]]) -> tuple[dict[str, Any], Publication]:
    """Write all pages, ours and folium's."""
    found: dict[str, Any] = {}
    for name, (chains, years) in sizes.items():
        made = study(chains, years)
        found[name] = built(folder / f"{name}.html", made, {})
    if len(sizes) > 1:
        facts = dataclasses.replace(made.results.facts, universes=UNIVERSES)
        two = dataclasses.replace(made, results=dataclasses.replace(made.results, facts=facts))
        found[f"{name}, two universes"] = built(folder / "two.html", two, {"pmi": fewer(made)})
    for kind in KINDS:
        path = folder / f"{kind}.html"
        path.write_text(folium_page(made, kind), encoding="utf-8")
        found[f"folium {kind}, two views"] = {"mb": path.stat().st_size / 1e6}
    return found, made


def seen(folder: Path, found: dict[str, Any], sizes: dict[str, Any], rounds: int) -> None:
    """Look at all pages in Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = Browser(driver)
        for name in sizes:
            found[name] |= browser.ours(folder / f"{name}.html", rounds)
        for kind in KINDS:
            found[f"folium {kind}, two views"] |= browser.theirs(folder / f"{kind}.html")


def _shown(value: Any) -> str:
    """Write a figure."""
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {each}" for key, each in value.items()) + ")"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _summary(found: dict[str, Any], largest: str, places: int) -> dict[str, Any]:
    """Give what stands in the table of benchmarks."""
    ours = found[largest]
    peers = {kind: found[f"folium {kind}, two views"]["first_paint_ms"] / 1000 for kind in KINDS}
    seconds = ours["first_paint_ms"] / 1000
    return {
        "name": "atlas",
        "rows": places,
        "seconds": {"first paint": seconds, "build": ours["build_s"]},
        "peers": peers,
        "ratios": {kind: round(each / seconds, 1) for kind, each in peers.items()},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "found": found,
    }


if __name__ == "__main__":
    main()
