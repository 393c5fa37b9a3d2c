/* The controls: filled in the language, kept in line with the state, listened to. */

const controls = (() => {
  const { byId, options } = page;
  const EXPERT = ["hotcold", "robustness", "need", "specialized"];
  const SELECTS = ["universe", "chain", "indicator", "level", "method", "since", "other"];

  /** What may be chosen in this atlas, by part of the state. */
  function allowed(atlas) {
    const { facts, data, base } = atlas;
    const digital = facts.signal ? ["clusters"] : [];
    const change = facts.years.length > 1 ? ["change"] : [];
    const robust = data.robust ? ["robustness"] : [];
    const categories = data.kinds.map((key) => (key === "need_quadrant" ? "need" : key));
    const shares = new Set(data.indicators.filter((row) => row.test === "share").map((row) => row.key));
    const indicators = data.indicators
      .map((row) => row.key)
      .filter((key) => facts.signal || !shares.has(key));
    return {
      universe: new Set(Object.keys(data.universes)),
      chain: new Set(facts.chains.map((chain) => chain.key)),
      indicator: new Set(indicators),
      year: new Set(facts.years),
      since: new Set(facts.years),
      map: new Set(["values", ...digital, "concentration", ...change, "hotcold", ...robust, ...categories]),
      level: new Set(["place", ...atlas.levels().map((level) => level.key)]),
      method: new Set(classes.METHODS),
      unsure: new Set(["", "si"]),
      local: new Set(["", "si"]),
      place: new Set(["", ...base.code]),
      other: new Set(compare.pairs(atlas).map(([key]) => key)),
      language: new Set(Object.keys(data.words)),
    };
  }

  /** Municipal tests have no meaning above municipalities: the map of values stands for them. */
  function coherent(state) {
    const municipal = new Set(["clusters", "concentration", ...EXPERT]);
    return state.level !== "place" && municipal.has(state.map) ? { ...state, map: "values" } : state;
  }

  /** Fill every list in the language chosen. */
  function fill(atlas) {
    const { facts, words, state, may, base } = atlas;
    const levels = ["place", ...atlas.levels().map((level) => level.key)];
    const lists = {
      universe: atlas.universeKeys().map((key) => [key, page.capital(atlas.universeName(key))]),
      chain: facts.chains.map(({ key }) => [key, atlas.chainName(key)]),
      indicator: [...may.indicator].map((key) => [key, atlas.indicatorName(key)]),
      level: levels.map((key) => [key, page.capital(atlas.levelName(key))]),
      method: classes.METHODS.map((key) => [key, words.methods_of_classes[key]]),
      since: facts.years.map((year) => [String(year), String(year)]),
      other: compare.pairs(atlas),
    };
    for (const id of SELECTS) options(byId(id), lists[id], String(state[id]));
    const regions = [...new Set(base.region_names)].sort((a, b) => a.localeCompare(b, "it"));
    const choices = [["", words.atlas.areas_all], ...regions.map((name) => [name, name])];
    for (const id of ["areas-region", "table-region"]) options(byId(id), choices, byId(id).value);
    hide(atlas);
  }

  /** Put away what this study has no use for. */
  function hide({ facts, may }) {
    byId("universe-box").hidden = may.universe.size < 2;
    byId("year").max = String(facts.years.length - 1);
    byId("year-box").hidden = facts.years.length < 2;
    byId("areas").hidden = !facts.signal;
    for (const input of document.querySelectorAll("[name=map]")) {
      input.closest("label").hidden = !may.map.has(input.value);
    }
    byId("expert").hidden = !EXPERT.some((name) => may.map.has(name));
  }

  /** Bring the controls in line with the state. */
  function sync(atlas) {
    const { state, facts } = atlas;
    for (const id of SELECTS) byId(id).value = String(state[id]);
    byId("year").value = String(facts.years.indexOf(state.year));
    byId("year").setAttribute("aria-valuetext", String(state.year));
    byId("year-text").textContent = String(state.year);
    const changed = state.map === "change";
    byId("since-box").hidden = !changed;
    byId("indicator").disabled = !["values", "change", "hotcold"].includes(state.map);
    byId("method-box").hidden = state.map !== "values";
    byId("fixed-box").hidden = state.map !== "values" || state.method !== "fixed";
    byId("fixed").value = state.fixed;
    byId("unsure").checked = state.unsure === "si";
    byId("mine-local").checked = state.local === "si";
    for (const input of document.querySelectorAll("[name=map]")) {
      input.checked = input.value === state.map;
      input.disabled = coherent({ ...state, map: input.value }).map !== input.value;
    }
    if (EXPERT.includes(state.map)) byId("expert").open = true;
    atlas.chosen = state.place === "" ? -1 : atlas.base.position.get(state.place);
  }

  function listen(atlas) {
    const { facts } = atlas;
    const numeric = new Set(["since"]);
    for (const id of SELECTS) {
      byId(id).addEventListener("change", ({ target }) =>
        atlas.choose({ [id]: numeric.has(id) ? Number(target.value) : target.value }),
      );
    }
    byId("method").addEventListener("change", () => {
      if (byId("method").value === "fixed")
        atlas.choose({ method: "fixed", fixed: atlas.state.fixed || proposed(atlas) });
    });
    byId("fixed").addEventListener("change", ({ target }) =>
      atlas.choose({ fixed: target.value.replace(/[^\d.,;%\s-]/g, "").slice(0, 80) }),
    );
    byId("year").addEventListener("input", ({ target }) =>
      atlas.choose({ year: facts.years[Number(target.value)] }),
    );
    byId("unsure").addEventListener("change", ({ target }) =>
      atlas.choose({ unsure: target.checked ? "si" : "" }),
    );
    for (const input of document.querySelectorAll("[name=map]")) {
      input.addEventListener("change", () => atlas.choose({ map: input.value }));
    }
    for (const button of document.querySelectorAll("[data-language]")) {
      button.addEventListener("click", () => atlas.choose({ language: button.dataset.language }));
    }
    byId("print").addEventListener("click", () => paper.print(atlas, "map"));
    byId("help").addEventListener("click", () => {
      byId("method-notes").scrollIntoView();
      byId("method-notes").focus({ preventScroll: true });
    });
  }

  /** Thresholds to begin with: those of the map, in the unit shown. */
  function proposed(atlas) {
    const { breaks, about, language } = { ...atlas.loaded, language: atlas.language };
    const scale = figures.perUnit(about);
    return breaks
      .map((end) => format.number(end / scale, language, about.decimals).replace(/\.(?=\d{3})/g, ""))
      .join("; ");
  }

  return { allowed, coherent, fill, sync, listen };
})();
