/* The notes below the map, and the words of the page. */

const notes = (() => {
  const { make } = page;

  function date(iso, words) {
    const [year, month, day] = iso.split("-");
    return format.fill(words.atlas.date, { year, month, day });
  }

  /** What the notes say of the study. */
  function valuesOf(atlas) {
    const { facts, words, language, data } = atlas;
    return {
      ...atlas.names(),
      perimeter: (language === "en" && facts.perimeter_en) || facts.perimeter,
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
  }

  /** What the study says in Italian only: marked as such for readers and their devices. */
  function bullets({ words, language }, title, list, kind) {
    if (!list.length) return null;
    const only = language === "it" ? [{}, ""] : [{ lang: "it" }, ` (${words.controls.in_italian})`];
    const items = make("ul", {}, ...list.map((text) => make("li", only[0], text)));
    return make("section", { class: kind }, make("h3", {}, `${title}${only[1]}`), items);
  }

  /** By which rule priorities are set. */
  function ruleOf(atlas) {
    const { rule } = atlas.data;
    if (!rule.rule) return null;
    const { words } = atlas;
    return make(
      "section",
      {},
      make("h3", {}, words.controls.priority),
      make("p", {}, page.capital(atlas.inLanguage(rule, "rule"))),
    );
  }

  function fill(atlas) {
    const { facts, words } = atlas;
    const values = valuesOf(atlas);
    const parts = [];
    for (const key of ["n1", "n2", "n3", "n4", "n5"]) {
      if (!facts.signal && key === "n2") continue;
      parts.push(
        make(
          "section",
          {},
          make("h3", {}, words.notes[`${key}_title`]),
          make("p", {}, format.fill(words.notes[key], values)),
          ...(key === "n1" && facts.membership ? [make("p", {}, atlas.inLanguage(facts, "membership"))] : []),
        ),
      );
    }
    const names = atlas
      .levels()
      .flatMap((level) => level.notes.map((note) => `${atlas.levelName(level.key)}: ${note}`));
    page
      .byId("notes")
      .replaceChildren(
        ...parts,
        ...[
          ruleOf(atlas),
          bullets(atlas, words.notes.sources, facts.source_notes, "sources"),
          bullets(atlas, words.notes.warnings, atlas.set.warnings, "warnings"),
          bullets(atlas, words.controls.zones, names, "zones"),
        ].filter(Boolean),
      );
    signals.fill(atlas, page.byId("signals"));
    page.byId("facts").textContent = format.fill(words.notes.facts, values);
  }

  return { fill, date };
})();

const texts = (() => {
  function apply(atlas) {
    const { words, facts, language } = atlas;
    document.documentElement.lang = language;
    for (const element of document.querySelectorAll("[data-word]")) {
      element.textContent = words.atlas[element.dataset.word] || words.controls[element.dataset.word];
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute(
        "aria-label",
        words.atlas[element.dataset.label] || words.controls[element.dataset.label],
      );
    }
    document.title = atlas.title();
    page.byId("title").textContent = atlas.title();
    page.byId("subtitle").textContent = subtitle(atlas);
    page.byId("search").placeholder = words.atlas.search_hint;
    notice(page.byId("ribbon"), facts.simulated ? words.atlas.simulated : "");
    notice(page.byId("banner"), atlas.inLanguage(atlas.set, "banner"));
    notice(page.byId("unsurveyed"), facts.signal ? "" : words.atlas.not_surveyed);
    page.byId("table-text").placeholder = words.controls.table_hint;
    page.byId("mine-text").placeholder = words.controls.mine_hint;
    for (const button of document.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
    notes.fill(atlas);
    basemap.fill(atlas);
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
