/* Two maps side by side, moved together, with what differs between them in words. */

const compare = (() => {
  const { byId, make } = page;

  /** The state of the second map: the first one's, but for chain, year or universe. */
  function stateOf(state) {
    const [what, value] = state.other.split(":");
    const key = { filiera: "chain", anno: "year", universo: "universe" }[what];
    return key ? { ...state, [key]: key === "year" ? Number(value) : value } : null;
  }

  /** All that can be compared with, as [value, text]. */
  function pairs(atlas) {
    const { facts, words, language } = atlas;
    const found = [["", words.controls.no_compare]];
    for (const chain of facts.chains) found.push([`filiera:${chain.key}`, atlas.chainName(chain.key)]);
    for (const year of facts.years.length > 1 ? facts.years : [])
      found.push([`anno:${year}`, `${words.atlas.year} ${year}`]);
    if (atlas.universeKeys().length > 1) {
      for (const key of atlas.universeKeys())
        found.push([`universo:${key}`, atlas.universeName(key, language)]);
    }
    return found;
  }

  /** The second Leaflet map, made when first needed; each map follows the other. */
  function open(atlas) {
    if (atlas.second) return atlas.second;
    byId("map-b").hidden = false;
    const map = L.map("map_second", {
      zoomControl: false,
      attributionControl: false,
      zoomSnap: 0.1,
      minZoom: atlas.map.getMinZoom(),
      maxZoom: atlas.map.getMaxZoom(),
      zoomAnimation: false,
      keyboard: true,
    }).setView(atlas.map.getCenter(), atlas.map.getZoom(), { animate: false });
    const pane = { ...atlas.paneParts(), map, shown: null };
    map.addLayer(
      (pane.baseLayer = paint.layer((context, frame) => draw.below(context, frame, pane), "overlayPane")),
    );
    map.addLayer(
      (pane.overLayer = paint.layer((context, frame) => draw.above(context, frame, pane), "overlayPane")),
    );
    let busy = false;
    const follow = (from, to) => () => {
      if (busy || atlas.state.other === "") return;
      busy = true;
      to.setView(from.getCenter(), from.getZoom(), { animate: false });
      busy = false;
    };
    atlas.map.on("move", follow(atlas.map, map));
    map.on("move", follow(map, atlas.map));
    map.on("click", (event) => atlas.chooseAt(event.latlng));
    atlas.second = pane;
    return pane;
  }

  /** What the second map needs, and breaks that serve both; null without one. */
  async function load(atlas, state, first) {
    const other = stateOf(state);
    if (!other) return null;
    const second = await model.load(atlas, other);
    const same = second.chain === first.chain;
    const breaks = same ? first.breaks : model.joint(atlas, state, [first, second]);
    first.breaks = second.breaks = breaks;
    return { ...second, state: other };
  }

  /** Draw the second map, or put it away. */
  function show(atlas, second) {
    const both = byId("maps");
    const two = second !== null;
    const was = both.classList.contains("two");
    both.classList.toggle("two", two);
    for (const id of ["map-b", "compare-section", "caption-a", "caption-b"]) byId(id).hidden = !two;
    if (was !== two) rearrange(atlas, two);
    if (!two) return;
    const pane = open(atlas);
    pane.model = second;
    pane.shown = view.make(second.state, second);
    Object.assign(pane, atlas.paneChoice());
    pane.map.invalidateSize({ animate: false });
    pane.map.setView(atlas.map.getCenter(), atlas.map.getZoom(), { animate: false });
    pane.baseLayer.redraw();
    pane.overLayer.redraw();
    byId("caption-a").textContent = captionOf(atlas, atlas.state);
    byId("caption-b").textContent = captionOf(atlas, second.state);
    byId("compare-text").replaceChildren(...summary(atlas, pane, second.state));
  }

  /** Half a map has no room for the legend: it goes beside, and comes back. */
  function rearrange(atlas, two) {
    const box = document.querySelector(".legend-box");
    if (two) byId("compare-section").append(box);
    else document.querySelector("section.map").append(box);
    const [seen, all] = [atlas.map.getBounds(), atlas.seesAll()];
    atlas.map.invalidateSize({ animate: false });
    if (all) atlas.fit();
    else if (two) atlas.map.fitBounds(seen.pad(-0.15), { animate: false });
  }

  function captionOf(atlas, state) {
    const universe = atlas.universeKeys().length > 1 ? ` · ${atlas.universeName(state.universe)}` : "";
    return `${atlas.chainName(state.chain)} · ${state.year}${universe}`;
  }

  /** How many territories are higher, and where the two maps' hotspots meet. */
  function summary(atlas, pane, state) {
    const { words, language } = atlas;
    const names = { a: captionOf(atlas, atlas.state), b: captionOf(atlas, state) };
    const found = [];
    const numbers = differences(atlas, pane);
    if (numbers) {
      const write = (n) => format.number(n, language);
      found.push(
        make(
          "p",
          {},
          format.fill(words.controls.compare_values, {
            ...names,
            n: write(numbers.both),
            higher: write(numbers.higher),
            lower: write(numbers.lower),
            median: figures.write(numbers.median, pane.model.about, language, true),
            points: pane.model.about.percent ? ` ${words.atlas.points}` : "",
          }),
        ),
        make("p", { class: "quiet" }, words.controls.compare_note),
      );
    }
    return [...found, ...overlaps(atlas, pane, names)];
  }

  function differences(atlas, pane) {
    if (atlas.shown.kind !== "values") return null;
    const { state, base } = atlas;
    const a = atlas.series();
    const b = figures.series(pane.model.chain, base, state.level, state.indicator, pane.model.about);
    if (!a || !b) return null;
    const gaps = [];
    for (let i = 0; i < a.count; i++) {
      const gap = b.list[pane.model.year * b.count + i] - a.list[atlas.year() * a.count + i];
      if (!Number.isNaN(gap)) gaps.push(gap);
    }
    gaps.sort((x, y) => x - y);
    return {
      both: gaps.length,
      higher: gaps.filter((gap) => gap > 0).length,
      lower: gaps.filter((gap) => gap < 0).length,
      median: gaps.length ? gaps[gaps.length >> 1] : 0,
    };
  }

  /** Places in a hotspot of both maps, of the first alone, of the second alone. */
  function overlaps(atlas, pane, names) {
    const { words, facts, state, base } = atlas;
    if (state.level !== "place" || !facts.signal) return [];
    const inside = (chain, year) => {
      const { mark } = chain.tests.share;
      const from = year * base.places;
      return Array.from({ length: base.places }, (_, i) => i).filter((i) => mark[from + i] === 3);
    };
    const a = inside(atlas.chain, atlas.year());
    const b = new Set(inside(pane.model.chain, pane.model.year));
    const both = a.filter((place) => b.has(place));
    const count = (n) => format.places(n, words, atlas.language);
    const values = {
      ...names,
      both: count(both.length),
      only_a: count(a.length - both.length),
      only_b: count(b.size - both.length),
    };
    const found = [make("p", {}, format.fill(words.controls.compare_areas, values))];
    if (both.length) {
      const items = both
        .slice(0, 60)
        .map((place) =>
          make(
            "li",
            {},
            make(
              "button",
              { type: "button", class: "link", "data-place": String(place) },
              atlas.placeName(place),
            ),
          ),
        );
      found.push(make("ul", { class: "overlap", id: "overlap" }, ...items));
      if (both.length > 60)
        found.push(
          make("p", { class: "quiet" }, format.fill(words.controls.and_more, { n: both.length - 60 })),
        );
    }
    return found;
  }

  return { stateOf, pairs, load, show };
})();
