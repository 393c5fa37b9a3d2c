/* The page's life: unpack, choose, paint, listen. */

const geoAtlas = (() => {
  const { byId } = page;

  /** Begin: called by the folium element with the Leaflet map. */
  async function start(map) {
    const data = JSON.parse(byId("atlas-data").textContent);
    const atlas = atlasObject.make(data, map);
    still(map);
    if (typeof Path2D === "undefined" || typeof DOMMatrix === "undefined") {
      say(atlas.words.atlas.old_browser);
      return;
    }
    try {
      await open(atlas);
    } catch (problem) {
      say(atlas.words.atlas.broken);
      throw problem;
    }
  }

  /** Who wants no motion gets none from Leaflet either. */
  function still(map) {
    if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    Object.assign(map.options, { zoomAnimation: false, inertia: false });
    map._zoomAnimated = false;
  }

  function say(text) {
    byId("loading").textContent = text;
    byId("loading").hidden = false;
  }

  async function open(atlas) {
    const { data, facts } = atlas;
    const [bytes, places, levels, similar] = await Promise.all([
      codec.unpack(data.geometry.data),
      codec.unpackJson(data.places),
      codec.unpackJson(data.geographies),
      data.similar ? codec.unpack(data.similar) : null,
    ]);
    atlas.shape = geometry.decode(bytes, data.geometry);
    atlas.paths = paint.makePaths(atlas.shape);
    atlas.base = territories.makeBase(places, levels, facts.years.length, data.parts);
    readSimilar(atlas, similar);
    bind(atlas);
    atlas.may = controls.allowed(atlas);
    atlas.state = stateNow(atlas);
    atlas.set = await model.universe(atlas, atlas.state.universe);
    setLanguage(atlas, atlas.state.language);
    addLayers(atlas);
    listen(atlas);
    if (window.innerWidth <= 800) narrow(atlas);
    else if (window.innerHeight < 720) byId("more").open = false;
    await findCovered(atlas);
    fit(atlas, atlas.territory().length ? atlas.territory() : null);
    await show(atlas);
    byId("loading").hidden = true;
    document.documentElement.dataset.ready = "yes";
    model.warm(atlas);
  }

  function readSimilar(atlas, bytes) {
    if (!bytes) return;
    const read = codec.reader(bytes);
    atlas.similar = Int32Array.from(read.plain(atlas.base.places * atlas.data.likes));
    atlas.similarNumber = read.plain(atlas.base.places);
    atlas.likes = atlas.data.likes;
  }

  /** What the parts ask of the page. */
  function bind(atlas) {
    atlas.choose = (changed) => choose(atlas, changed);
    atlas.fit = (places) => fit(atlas, places);
    atlas.choosePlace = (place, zoom) => choosePlace(atlas, place, zoom);
    atlas.chooseUnit = (unit, zoom) => choosePlace(atlas, atlas.membersOf(unit)[0], zoom);
    atlas.chooseAt = (latlng) => {
      const place = moves.under(atlas, latlng);
      if (place < 0) return;
      if (byId("mine-click").checked) toggleMine(atlas, place);
      else choosePlace(atlas, place, false);
    };
    atlas.redrawOver = () => redrawOver(atlas);
    atlas.seesAll = () => atlas.map.getBounds().contains(cornersOf(atlas, atlas.covered));
  }

  function stateNow(atlas) {
    return controls.coherent(choice.read(location.hash, atlas.start, atlas.may));
  }

  /** The places that the data cover: the whole territory, as the page opens. */
  async function findCovered(atlas) {
    const { chain } = await model.load(atlas, atlas.state);
    const every = Array.from({ length: atlas.shape.places }, (_, place) => place);
    const covered = every.filter((place) => chain.status[place] !== view.STATUS_NOT_COVERED);
    atlas.covered = covered.length ? covered : every;
  }

  function addLayers(atlas) {
    const { map } = atlas;
    L.control.scale({ position: "bottomright", imperial: false }).addTo(map);
    atlas.pane = { ...atlas.paneParts(), shown: null };
    atlas.baseLayer = paint.layer((context, frame) => draw.below(context, frame, atlas.pane), "overlayPane");
    atlas.overLayer = paint.layer((context, frame) => draw.above(context, frame, atlas.pane), "overlayPane");
    map.addLayer(atlas.baseLayer);
    map.addLayer(atlas.overLayer);
  }

  /** Read the words of a language into everything that has a name. */
  function setLanguage(atlas, language) {
    atlas.language = language;
    atlas.words = atlas.data.words[language];
    texts.apply(atlas);
    controls.fill(atlas);
  }

  /** Paint what the state asks for. */
  async function show(atlas) {
    const { state } = atlas;
    const started = performance.now();
    const loaded = await model.load(atlas, state);
    const second = await compare.load(atlas, state, loaded);
    if (atlas.state !== state) return;
    if (atlas.set !== loaded.set) {
      atlas.set = loaded.set;
      texts.apply(atlas);
    }
    Object.assign(atlas, { loaded, chain: loaded.chain, about: loaded.about });
    controls.sync(atlas);
    atlas.shown = view.make(state, loaded);
    if (atlas.area && !atlas.areas().includes(atlas.area)) atlas.area = null;
    Object.assign(atlas.pane, { shown: atlas.shown }, atlas.paneChoice());
    compare.show(atlas, second);
    atlas.baseLayer.redraw();
    atlas.overLayer.redraw();
    tell(atlas);
    const root = document.documentElement;
    root.dataset.paint = String(Math.round(performance.now() - started));
    root.dataset.paints = String(Number(root.dataset.paints || 0) + 1);
  }

  function tell(atlas) {
    byId("unsure-box").hidden = !atlas.shown.unsure;
    legend.show(atlas, byId("legend"));
    card.show(atlas, byId("card"));
    territory.show(atlas, byId("mine-figures"));
    showAreas(atlas);
    atlas.tables.refresh();
    announce(atlas);
  }

  function redrawOver(atlas) {
    for (const pane of [atlas.pane, atlas.second].filter(Boolean)) Object.assign(pane, atlas.paneChoice());
    atlas.overLayer.redraw();
    if (atlas.second && atlas.state.other !== "") atlas.second.overLayer.redraw();
  }

  function showAreas(atlas) {
    areas.list(atlas, {
      title: byId("areas-title"),
      hint: byId("areas-hint"),
      list: byId("areas-list"),
      more: byId("areas-more"),
      region: byId("areas-region"),
      fresh: byId("areas-new"),
      filter: byId("areas-filter"),
    });
  }

  function announce(atlas) {
    const { words, state } = atlas;
    const unit = atlas.chosenUnit();
    const chosen = unit < 0 ? "" : ` ${atlas.nameOf(unit)}: ${sayings.figure(atlas, unit)}.`;
    const text = format.fill(words.atlas.announce, {
      chain: atlas.chainName(),
      indicator: legend.title(atlas, state, atlas.shown),
      year: state.year,
      summary: legend.summary(atlas).join(" "),
    });
    byId("live").textContent = atlas.announced === text ? chosen.trim() || text : `${text}${chosen}`;
    atlas.announced = text;
  }

  /** Change the choice: the address follows, and the page follows the address. */
  function choose(atlas, changed) {
    const hash = choice.write(controls.coherent({ ...atlas.state, ...changed }), atlas.start);
    if (hash !== location.hash) location.hash = hash;
  }

  function follow(atlas) {
    const before = atlas.state;
    atlas.state = stateNow(atlas);
    if (atlas.state.language !== before.language) setLanguage(atlas, atlas.state.language);
    return show(atlas);
  }

  function cornersOf(atlas, places) {
    const box = geometry.boxOf(atlas.shape, places);
    return [paint.toLatLng(atlas.shape, box[0], box[3]), paint.toLatLng(atlas.shape, box[2], box[1])];
  }

  function fit(atlas, places) {
    const corners = cornersOf(atlas, places && places.length ? places : atlas.covered);
    atlas.map.invalidateSize({ animate: false });
    const wide = atlas.map.getSize().x > 760 && !byId("legend").hidden && atlas.state.other === "";
    const room = {
      paddingTopLeft: [wide ? 316 : 14, 14],
      paddingBottomRight: [wide ? 60 : 14, 14],
      ...(places ? { maxZoom: 10.5 } : {}),
    };
    atlas.map.fitBounds(corners, { ...room, animate: false });
  }

  function listen(atlas) {
    window.addEventListener("hashchange", () => follow(atlas));
    document.querySelector(".skip").addEventListener("click", (event) => {
      event.preventDefault(); // the address holds the choice and must not change
      byId("map_atlas").focus();
    });
    controls.listen(atlas);
    moves.listen(atlas);
    atlas.tables = table.listen(atlas);
    atlas.mine = territory.listen(atlas);
    files.listen(atlas, atlas.tables);
    byId("legend-toggle").addEventListener("click", () => toggleLegend(atlas));
    listenToAreas(atlas);
    listenToCard(atlas);
    search.listen(atlas, (place) => choosePlace(atlas, place, true));
    player.listen(atlas, (year) => choose(atlas, { year }));
    paper.listen(byId("maps"));
    basemap.listen(atlas);
    byId("compare-text").addEventListener("click", ({ target }) => {
      if (target.dataset.place !== undefined) choosePlace(atlas, Number(target.dataset.place), true);
    });
  }

  /** A small screen opens on the map: the legend and the further choices wait. */
  function narrow(atlas) {
    toggleLegend(atlas);
    byId("more").open = false;
  }

  function toggleLegend(atlas) {
    const button = byId("legend-toggle");
    const hide = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!hide));
    button.dataset.label = hide ? "legend_show" : "legend_hide";
    button.setAttribute("aria-label", atlas.words.atlas[button.dataset.label]);
    byId("legend").hidden = hide;
  }

  function choosePlace(atlas, place, zoom) {
    atlas.area = null;
    choose(atlas, { place: place < 0 ? "" : atlas.base.code[place] });
    if (zoom && place >= 0) fit(atlas, atlas.membersOf(atlas.unitNumber(place)));
    byId("card-section").parentElement.scrollTop = 0;
    if (place >= 0 && window.innerWidth <= 800) {
      const seen = zoom ? document.querySelector("section.map") : byId("card-section");
      seen.scrollIntoView({ block: "nearest" });
    }
  }

  function toggleMine(atlas, place) {
    const members = atlas.membersOf(atlas.unitNumber(place));
    const kept = new Set(atlas.territory());
    const drop = kept.has(place);
    for (const one of members) {
      if (drop) kept.delete(one);
      else kept.add(one);
    }
    atlas.mine.write([...kept]);
  }

  function listenToAreas(atlas) {
    byId("areas-list").addEventListener("click", (event) => {
      const button = event.target.closest("[data-area]");
      if (!button) return;
      const area = atlas.areas().find((one) => one.id === button.dataset.area);
      atlas.area = atlas.area === area ? null : area;
      if (atlas.area) fit(atlas, area.members);
      redrawOver(atlas);
      showAreas(atlas);
      byId("areas-list")
        .querySelector(`[data-area="${CSS.escape(area.id)}"]`)
        .focus();
    });
    for (const id of ["areas-region", "areas-new"])
      byId(id).addEventListener("change", () => showAreas(atlas));
    byId("areas-more").addEventListener("click", () => {
      atlas.allAreas = true;
      showAreas(atlas);
      byId("areas-list").querySelectorAll("button")[20].focus();
    });
  }

  function listenToCard(atlas) {
    byId("card").addEventListener("click", (event) => {
      if (event.target.id === "card-close") {
        choosePlace(atlas, -1, false);
        byId("search").focus();
      }
      if (event.target.id === "card-zoom") fit(atlas, atlas.membersOf(atlas.chosenUnit()));
      if (event.target.id === "card-mine") toggleMine(atlas, atlas.chosen);
    });
  }

  return { start };
})();
