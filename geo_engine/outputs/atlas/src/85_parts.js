/* Search, the year player, the notes below the map, and the words of the page. */

const search = (() => {
  const LIMIT = 12;

  /** Places whose code, province or words begin as the query does, whole names first. */
  function find(base, text, limit = LIMIT) {
    const query = format.plain(text);
    if (!query) return [];
    const scores = [];
    for (let place = 0; place < base.code.length; place++) {
      const score = scoreOf(base, place, query);
      if (score) scores.push([score, -(base.population[place] || 0), place]);
    }
    scores.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    return scores.slice(0, limit).map(([, , place]) => place);
  }

  function scoreOf(base, place, query) {
    const name = base.plain[place];
    if (base.code[place] === query || name === query) return 1;
    if (name.startsWith(query)) return 2;
    if (base.sigla[place].toLowerCase() === query) return 3;
    if (base.code[place].startsWith(query)) return 4;
    return name.includes(` ${query}`) ? 5 : 0;
  }

  const entry = (base, place) => `${base.name[place]} (${base.sigla[place]}) · ${base.code[place]}`;

  function listen(atlas, choose) {
    const input = page.byId("search");
    const list = page.byId("search-list");
    const note = page.byId("search-note");
    const pick = (place) => {
      input.value = "";
      note.textContent = "";
      list.replaceChildren();
      choose(place);
    };
    input.addEventListener("input", () => {
      note.textContent = "";
      const exact = /· (\w{6})$/.exec(input.value);
      if (exact && atlas.base.position.has(exact[1])) {
        pick(atlas.base.position.get(exact[1]));
        return;
      }
      const found = find(atlas.base, input.value);
      list.replaceChildren(
        ...found.map((place) => page.make("option", { value: entry(atlas.base, place) })),
      );
    });
    page.byId("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const [place] = find(atlas.base, input.value, 1);
      if (place !== undefined) pick(place);
      else note.textContent = format.fill(atlas.words.atlas.search_none, { text: input.value });
    });
  }

  return { find, entry, listen };
})();

const player = (() => {
  const PAUSE = 1100;

  function listen(atlas, show) {
    const button = page.byId("play");
    let timer = 0;
    const label = () => {
      button.dataset.label = timer ? "pause" : "play";
      button.setAttribute("aria-label", atlas.words.atlas[button.dataset.label]);
      button.textContent = timer ? "❚❚" : "▶";
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      label();
    };
    const step = () => {
      const { years } = atlas.facts;
      const at = years.indexOf(atlas.state.year);
      if (at + 1 >= years.length || button.hidden) stop();
      else show(years[at + 1]);
    };
    button.addEventListener("click", () => {
      if (timer) {
        stop();
        return;
      }
      const { years } = atlas.facts;
      if (atlas.state.year === years[years.length - 1]) show(years[0]);
      timer = setInterval(step, PAUSE);
      label();
    });
  }

  return { listen };
})();

const notes = (() => {
  const { make } = page;

  function date(iso, words) {
    const [year, month, day] = iso.split("-");
    return format.fill(words.atlas.date, { year, month, day });
  }

  function fill(atlas) {
    const { facts, words, language, data } = atlas;
    const values = {
      ...atlas.names(),
      perimeter: facts.perimeter,
      neighbors: words.notes[`neighbors_${facts.neighbors}`],
      family: words.notes[`family_${facts.family}`],
      alternative: words.notes[`alternative_${facts.alternative}`],
      correction: words.notes[`correction_${facts.correction}`],
      alpha: format.threshold(facts.alpha, language),
      alpha_percent: format.percent(facts.alpha, language).replace(/[.,]0%/, "%"),
      shift: format.number(Math.ceil(data.geometry.max_shift_m), language),
      boundary_date: date(facts.boundary_date, words),
      date: date(facts.data_date, words),
      population_year: facts.population_year,
      seed: facts.seed,
    };
    const parts = [];
    for (const key of ["n1", "n2", "n3", "n4", "n5"]) {
      if (!facts.signal && key === "n2") continue;
      parts.push(
        make(
          "section",
          {},
          make("h3", {}, words.notes[`${key}_title`]),
          make("p", {}, format.fill(words.notes[key], values)),
        ),
      );
    }
    const bullets = (title, list) =>
      list.length
        ? make(
            "section",
            {},
            make("h3", {}, title),
            make("ul", {}, ...list.map((text) => make("li", {}, text))),
          )
        : null;
    page.byId("notes").replaceChildren(
      ...parts,
      ...[bullets(words.notes.sources, facts.source_notes), bullets(words.notes.warnings, facts.warnings)].filter(Boolean),
    );
    page.byId("facts").textContent = format.fill(words.notes.facts, values);
  }

  return { fill, date };
})();

const texts = (() => {
  function apply(atlas) {
    const { words, facts, language } = atlas;
    document.documentElement.lang = language;
    for (const element of document.querySelectorAll("[data-word]")) {
      element.textContent = words.atlas[element.dataset.word];
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", words.atlas[element.dataset.label]);
    }
    const title = (language === "en" && facts.title_en) || facts.title;
    document.title = title;
    page.byId("title").textContent = title;
    page.byId("subtitle").textContent = subtitle(atlas);
    page.byId("search").placeholder = words.atlas.search_hint;
    notice(page.byId("ribbon"), facts.simulated ? words.atlas.simulated : "");
    notice(page.byId("banner"), (language === "en" && facts.banner_en) || facts.banner);
    notice(page.byId("unsurveyed"), facts.signal ? "" : words.atlas.not_surveyed);
    for (const button of document.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
    notes.fill(atlas);
  }

  function notice(element, text) {
    element.textContent = text;
    element.hidden = !text;
  }

  function subtitle(atlas) {
    const { words, facts, language } = atlas;
    const text = format.fill(words.atlas.subtitle, {
      units: words.units[facts.unit],
      status: words.unit_status[facts.status],
      date: notes.date(facts.data_date, words),
      coverage: atlas.coverageName(),
    });
    return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
  }

  return { apply };
})();
