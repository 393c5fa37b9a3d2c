/* The page's life: unpack, choose, paint, listen. */

const geoAtlas = (() => {
  const { byId } = page;
  const INDICATORS = ["share_eb", "share", "firms_per_1000", "firms_per_km2", "location_quotient"];

  /** Begin: called by the folium element with the Leaflet map. */
  async function start(map) {
    const data = JSON.parse(byId("atlas-data").textContent);
    const atlas = makeAtlas(data, map);
    texts.apply(atlas);
    if (typeof DecompressionStream === "undefined" || typeof Path2D === "undefined") {
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

  function say(text) {
    byId("loading").textContent = text;
    byId("loading").hidden = false;
  }

  function makeAtlas(data, map) {
    const facts = data.facts;
    const atlas = {
      data,
      facts,
      map,
      hover: -1,
      chosen: -1,
      area: null,
      allAreas: false,
      chains: new Map(),
      language: facts.language,
      words: data.words[facts.language],
      start: { ...data.opening, map: "values", place: "", language: facts.language },
      offset: () => facts.years.indexOf(atlas.state.year) * atlas.base.places,
      areas: () => atlas.hotspots.get(`${atlas.state.chain}/${atlas.state.year}`) || [],
      nameOf: (place) => `${atlas.base.name[place]} (${atlas.base.sigla[place]})`,
      chainName: () => nameOfChain(atlas, atlas.state.chain),
      coverageName: () => (facts.is_national ? atlas.words.atlas.country : facts.coverage),
      names: () => names(atlas),
    };
    atlas.state = { ...atlas.start };
    return atlas;
  }

  function nameOfChain(atlas, key) {
    const chain = atlas.facts.chains.find((one) => one.key === key);
    return (atlas.language === "en" && chain.label_en) || chain.label;
  }

  function names(atlas) {
    const { facts, words, language } = atlas;
    return {
      signal: (language === "en" && facts.signal_en) || facts.signal,
      units: words.units[facts.unit],
      first: facts.years[0],
      last: facts.years[facts.years.length - 1],
    };
  }

  async function open(atlas) {
    const { data, facts } = atlas;
    const [bytes, base, hotspots] = await Promise.all([
      codec.unpack(data.geometry.data),
      codec.unpackJson(data.places),
      codec.unpackJson(data.hotspots),
    ]);
    atlas.shape = geometry.decode(bytes, data.geometry);
    atlas.paths = paint.makePaths(atlas.shape);
    atlas.base = await makeBase(base, facts.years.length);
    atlas.hotspots = grouped(hotspots);
    atlas.allowed = allowed(atlas);
    atlas.state = choice.read(location.hash, atlas.start, atlas.allowed);
    setLanguage(atlas, atlas.state.language);
    addLayers(atlas);
    fillControls(atlas);
    listen(atlas);
    if (window.innerWidth <= 800) toggleLegend(atlas, byId("legend-toggle"));
    await findCovered(atlas);
    fit(atlas);
    await show(atlas);
    byId("loading").hidden = true;
    document.documentElement.dataset.ready = "yes";
  }

  /** The places that the data cover: the whole territory, as the page opens. */
  async function findCovered(atlas) {
    const { status } = await chainOf(atlas, atlas.state.chain);
    const every = Array.from({ length: atlas.shape.places }, (_, place) => place);
    const covered = every.filter((place) => status[place] !== view.STATUS_NOT_COVERED);
    atlas.covered = covered.length ? covered : every;
  }

  function grouped(hotspots) {
    const groups = new Map();
    for (const area of hotspots) {
      const key = `${area.chain}/${area.year}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(area);
    }
    return groups;
  }

  async function makeBase(base, years) {
    const places = base.code.length;
    const totals = codec.reader(await codec.unpack(base.totals)).signs(places * years);
    for (let i = places; i < totals.length; i++) totals[i] += totals[i - places];
    return {
      ...base,
      places,
      years,
      totals,
      provinces: base.province_names.length,
      regions: base.region_names.length,
      sigla: base.province.map((province) => base.province_sigle[province]),
      plain: base.name.map((name, i) => format.plain(`${name} ${base.name_other[i]}`)),
      position: new Map(base.code.map((code, i) => [code, i])),
    };
  }

  function allowed(atlas) {
    const { facts, data, base } = atlas;
    const digital = facts.signal ? ["clusters"] : [];
    const change = facts.years.length > 1 ? ["change"] : [];
    const indicators = Object.keys(data.steps).filter(
      (name) => facts.signal || !view.SHARES.has(name),
    );
    return {
      chain: new Set(facts.chains.map((chain) => chain.key)),
      indicator: new Set(indicators),
      year: new Set(facts.years),
      map: new Set(["values", ...digital, "concentration", ...change]),
      place: new Set(["", ...base.code]),
      language: new Set(Object.keys(data.words)),
    };
  }

  function addLayers(atlas) {
    const { map } = atlas;
    L.control.scale({ position: "bottomright", imperial: false }).addTo(map);
    atlas.baseLayer = paint.layer((context, frame) => paint.drawBase(context, frame, atlas), "overlayPane");
    atlas.overLayer = paint.layer((context, frame) => paint.drawOver(context, frame, atlas), "overlayPane");
    map.addLayer(atlas.baseLayer);
    map.addLayer(atlas.overLayer);
  }

  /** Read the words of a language into everything that has a name. */
  function setLanguage(atlas, language) {
    atlas.language = language;
    atlas.words = atlas.data.words[language];
    texts.apply(atlas);
  }

  function fillControls(atlas) {
    const { facts, words, state, allowed: may, base } = atlas;
    const options = (box, pairs, value) => {
      box.replaceChildren(...pairs.map(([key, text]) => page.make("option", { value: key }, text)));
      box.value = value;
    };
    options(byId("chain"), facts.chains.map(({ key }) => [key, nameOfChain(atlas, key)]), state.chain);
    options(
      byId("indicator"),
      INDICATORS.filter((key) => may.indicator.has(key)).map((key) => [key, words.indicators[key]]),
      state.indicator,
    );
    const regions = [...new Set(base.region_names)].sort((a, b) => a.localeCompare(b, "it"));
    const region = byId("areas-region").value;
    options(byId("areas-region"), [["", words.atlas.areas_all], ...regions.map((name) => [name, name])], region);
    byId("year").max = String(facts.years.length - 1);
    byId("year-box").hidden = facts.years.length < 2;
    byId("areas").hidden = !facts.signal;
    for (const input of document.querySelectorAll("[name=map]")) {
      input.closest("label").hidden = !may.map.has(input.value);
    }
  }

  /** Bring the controls in line with the state. */
  function syncControls(atlas) {
    const { state, facts } = atlas;
    byId("chain").value = state.chain;
    byId("indicator").value = state.indicator;
    byId("year").value = String(facts.years.indexOf(state.year));
    byId("year").setAttribute("aria-valuetext", String(state.year));
    const { years } = facts;
    byId("year-text").textContent =
      state.map === "change" ? `${years[0]}-${years[years.length - 1]}` : String(state.year);
    for (const input of document.querySelectorAll("[name=map]")) input.checked = input.value === state.map;
    byId("indicator").disabled = state.map === "clusters" || state.map === "concentration";
    byId("year").hidden = byId("play").hidden = state.map === "change";
    atlas.chosen = state.place === "" ? -1 : atlas.base.position.get(state.place);
  }

  async function chainOf(atlas, key) {
    if (!atlas.chains.has(key)) {
      const bytes = await codec.unpack(atlas.data.chains[key]);
      if (atlas.chains.size >= 6) atlas.chains.delete(atlas.chains.keys().next().value);
      atlas.chains.set(key, columns.decode(bytes, atlas.base));
    }
    return atlas.chains.get(key);
  }

  /** Paint what the state asks for. */
  async function show(atlas) {
    const { state, data, facts, base } = atlas;
    const started = performance.now();
    const chain = await chainOf(atlas, state.chain);
    if (atlas.state !== state) return;
    syncControls(atlas);
    atlas.chain = chain;
    atlas.shown = view.make(state, {
      chain,
      breaks: data.breaks[state.chain],
      steps: data.steps,
      edges: data.edges,
      years: facts.years,
      places: base.places,
      population: base.population,
    });
    if (atlas.area && !atlas.areas().includes(atlas.area)) atlas.area = null;
    atlas.baseLayer.redraw();
    atlas.overLayer.redraw();
    page.legend(atlas, byId("legend"));
    card.show(atlas, atlas.chosen, byId("card"));
    showAreas(atlas);
    announce(atlas);
    const root = document.documentElement;
    root.dataset.paint = String(Math.round(performance.now() - started));
    root.dataset.paints = String(Number(root.dataset.paints || 0) + 1);
  }

  function showAreas(atlas) {
    card.list(atlas, {
      title: byId("areas-title"),
      hint: byId("areas-hint"),
      list: byId("areas-list"),
      more: byId("areas-more"),
      region: byId("areas-region"),
      filter: byId("areas-filter"),
    });
  }

  function announce(atlas) {
    const { words, state } = atlas;
    byId("live").textContent = format.fill(words.atlas.announce, {
      chain: atlas.chainName(),
      indicator: page.legendTitle(atlas),
      year: state.year,
      summary: page.summary(atlas).join(" "),
    });
  }

  /** Change the choice: the address follows, and the page follows the address. */
  function choose(atlas, changes) {
    const hash = choice.write({ ...atlas.state, ...changes });
    if (hash === location.hash) return;
    location.hash = hash;
  }

  function follow(atlas) {
    const before = atlas.state;
    atlas.state = choice.read(location.hash, atlas.start, atlas.allowed);
    if (atlas.state.language !== before.language) {
      setLanguage(atlas, atlas.state.language);
      fillControls(atlas);
    }
    return show(atlas);
  }

  function fit(atlas, places) {
    const box = geometry.boxOf(atlas.shape, places || atlas.covered);
    const corners = [
      paint.toLatLng(atlas.shape, box[0], box[3]),
      paint.toLatLng(atlas.shape, box[2], box[1]),
    ];
    atlas.map.invalidateSize({ animate: false });
    const wide = atlas.map.getSize().x > 760 && !byId("legend").hidden;
    const room = {
      paddingTopLeft: [wide ? 316 : 14, 14],
      paddingBottomRight: [wide ? 60 : 14, 14],
      ...(places ? { maxZoom: 10.5 } : {}),
    };
    atlas.map.fitBounds(corners, { ...room, animate: false });
  }

  function listen(atlas) {
    const { facts } = atlas;
    window.addEventListener("hashchange", () => follow(atlas));
    byId("chain").addEventListener("change", (event) => choose(atlas, { chain: event.target.value }));
    byId("indicator").addEventListener("change", (event) => choose(atlas, { indicator: event.target.value }));
    byId("year").addEventListener("input", (event) => choose(atlas, { year: facts.years[Number(event.target.value)] }));
    for (const input of document.querySelectorAll("[name=map]")) {
      input.addEventListener("change", () => choose(atlas, { map: input.value }));
    }
    for (const button of document.querySelectorAll("[data-language]")) {
      button.addEventListener("click", () => choose(atlas, { language: button.dataset.language }));
    }
    byId("print").addEventListener("click", () => window.print());
    byId("help").addEventListener("click", () => byId("method").scrollIntoView());
    byId("whole").addEventListener("click", () => fit(atlas));
    byId("zoom-in").addEventListener("click", () => atlas.map.zoomIn(1));
    byId("zoom-out").addEventListener("click", () => atlas.map.zoomOut(1));
    byId("legend-toggle").addEventListener("click", (event) => toggleLegend(atlas, event.currentTarget));
    listenToMap(atlas);
    listenToAreas(atlas);
    listenToCard(atlas);
    search.listen(atlas, (place) => choosePlace(atlas, place, true));
    player.listen(atlas, (year) => choose(atlas, { year }));
    paper.listen(document.querySelector("section.map"));
  }

  function toggleLegend(atlas, button) {
    const hide = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!hide));
    button.dataset.label = hide ? "legend_show" : "legend_hide";
    button.setAttribute("aria-label", atlas.words.atlas[button.dataset.label]);
    byId("legend").hidden = hide;
  }

  function choosePlace(atlas, place, zoom) {
    atlas.area = null;
    choose(atlas, { place: place < 0 ? "" : atlas.base.code[place] });
    if (zoom && place >= 0) fit(atlas, [place]);
    byId("card-section").parentElement.scrollTop = 0;
    if (place >= 0 && window.innerWidth <= 800) {
      const seen = zoom ? document.querySelector("section.map") : byId("card-section");
      seen.scrollIntoView({ block: "nearest" });
    }
  }

  function listenToMap(atlas) {
    const { map, shape } = atlas;
    const tip = byId("tip");
    const under = (event) => geometry.placeAt(shape, ...paint.toGrid(shape, event.latlng));
    map.on("mousemove", (event) => {
      const place = under(event);
      const { x, y } = event.containerPoint;
      const size = map.getSize();
      tip.hidden = place < 0;
      if (place >= 0 && place !== atlas.hover) card.tooltip(atlas, place, tip);
      tip.style.left = `${Math.min(x + 16, Math.max(size.x - tip.offsetWidth - 8, 8))}px`;
      tip.style.top = `${y + 20 + tip.offsetHeight > size.y ? y - tip.offsetHeight - 12 : y + 20}px`;
      if (place === atlas.hover) return;
      atlas.hover = place;
      map.getContainer().classList.toggle("over-place", place >= 0);
      atlas.overLayer.redraw();
    });
    const leave = () => {
      tip.hidden = true;
      if (atlas.hover < 0) return;
      atlas.hover = -1;
      atlas.overLayer.redraw();
    };
    map.on("mouseout movestart", leave);
    map.on("click", (event) => {
      const place = under(event);
      if (place >= 0) choosePlace(atlas, place, false);
    });
  }

  function listenToAreas(atlas) {
    byId("areas-list").addEventListener("click", (event) => {
      const button = event.target.closest("[data-area]");
      if (!button) return;
      const area = atlas.areas().find((one) => one.id === button.dataset.area);
      atlas.area = atlas.area === area ? null : area;
      if (atlas.area) fit(atlas, area.members);
      atlas.overLayer.redraw();
      showAreas(atlas);
      byId("areas-list").querySelector(`[data-area="${CSS.escape(area.id)}"]`).focus();
    });
    byId("areas-region").addEventListener("change", () => showAreas(atlas));
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
      if (event.target.id === "card-zoom") fit(atlas, [atlas.chosen]);
    });
  }

  return { start };
})();
