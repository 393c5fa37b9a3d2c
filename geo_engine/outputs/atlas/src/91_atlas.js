/* The atlas as its parts see it: what is chosen, what is loaded, and how things are called. */

const atlasObject = (() => {
  function make(data, map) {
    const facts = data.facts;
    const atlas = {
      data,
      facts,
      map,
      indicators: new Map(data.indicators.map((row) => [row.key, row])),
      sets: new Map(),
      chains: new Map(),
      unpacked: new Map(),
      second: null,
      hover: -1,
      chosen: -1,
      area: null,
      allAreas: false,
      language: facts.language,
      words: data.words[facts.language],
    };
    atlas.start = {
      universe: facts.universe,
      ...data.opening,
      since: facts.years[0],
      map: "values",
      level: "place",
      method: "quantile",
      fixed: "",
      unsure: "",
      place: "",
      other: "",
      territory: "",
      local: "",
      language: facts.language,
    };
    atlas.state = { ...atlas.start };
    return Object.assign(atlas, names(atlas), places(atlas), panes(atlas));
  }

  /** How things are called in the language chosen. */
  function names(atlas) {
    const { facts, data } = atlas;
    const inLanguage = (row, key) => (atlas.language === "en" && row[`${key}_en`]) || row[key];
    const setOf = (key) => data.universes[key || atlas.state.universe];
    return {
      inLanguage,
      title: () => inLanguage(setOf(), "title"),
      universeKeys: () => Object.keys(data.universes).sort((a, b) => order(facts, a) - order(facts, b)),
      universeName: (key) => inLanguage(setOf(key), "label"),
      chainName: (key = atlas.state.chain) =>
        inLanguage(
          facts.chains.find((one) => one.key === key),
          "label",
        ),
      coverageName: () =>
        facts.is_national ? atlas.words.atlas.country : inLanguage(facts, "coverage"),
      groupName: (text) => atlas.language === "en" ? named(data.signals.english, text) : text,
      levelName: (key, count = 2) => levelName(atlas, key, count),
      names: () => ({
        signal: inLanguage(facts, "signal"),
        units: atlas.words.units[facts.unit],
        population: facts.population_year,
        distinct: "",
        first: facts.years[0],
        last: facts.years[facts.years.length - 1],
      }),
      indicatorTitle: (state) => indicatorTitle(atlas, figures.actual(state.level, state.indicator)),
      indicatorName: (key) => indicatorName(atlas, key),
      unitOf: (row) => named(atlas.words.measures, row.unit),
      sourceOf: (row) => named(atlas.words.origins, row.source),
      className: (kind, name) => (atlas.words[kind] || atlas.words.clusters)[name],
    };
  }

  /** The word for a text of the study, or the text: it may be any text, "constructor" too. */
  const named = (words, text) => page.own(words, text) ?? text;

  const order = (facts, key) => {
    const at = facts.universes.findIndex((one) => one.key === key);
    return at < 0 ? 99 : at;
  };

  function indicatorTitle(atlas, key) {
    const known = page.own(atlas.words.legends, key);
    return format.fill(known || atlas.inLanguage(atlas.indicators.get(key), "label"), atlas.names());
  }

  function indicatorName(atlas, key) {
    const known = page.own(atlas.words.indicators, key);
    return (
      known || page.capital(format.fill(atlas.inLanguage(atlas.indicators.get(key), "label"), atlas.names()))
    );
  }

  function levelName(atlas, key, count) {
    const known = page.own(atlas.words.levels, count === 1 ? `${key}_one` : key);
    return known || key.replaceAll("_", " ");
  }

  /** Territories: which one is meant, and where its figures lie. */
  function places(atlas) {
    const { facts } = atlas;
    const placeName = (place) => `${atlas.base.name[place]} (${atlas.base.sigla[place]})`;
    const self = {
      placeName,
      year: () => facts.years.indexOf(atlas.state.year),
      areas: () => atlas.set.hotspots.get(`${atlas.state.chain}/${atlas.state.year}`) || [],
      levels: () => atlas.base.levels.filter((level) => level.key !== "country"),
      chosenUnit: () => self.unitNumber(atlas.chosen),
      unitNumber: (place) => (place < 0 ? -1 : figures.territoryOf(atlas.base, atlas.state.level, place)),
      plainName: (unit) =>
        atlas.state.level === "place"
          ? atlas.base.name[unit]
          : atlas.base.byKey.get(atlas.state.level).names[unit],
      nameOf: (unit) => (atlas.state.level === "place" ? placeName(unit) : self.plainName(unit)),
      membersOf: (unit) => (unit < 0 ? [] : territories.members(atlas.base, atlas.state.level, unit)),
      where: (unit) => {
        const { level } = atlas.state;
        const panel = level === "place" ? atlas.chain : atlas.chain.levels[level];
        return { panel, at: self.year() * figures.countOf(atlas.base, level) + unit };
      },
      breaksOf: (variables) =>
        atlas.data.series_breaks.filter(
          ([key, name]) => key === atlas.state.chain && variables.includes(name),
        ),
      cutsOf: (variables) => changes.cuts(atlas.loaded, atlas.state.chain, variables),
      series: () =>
        figures.series(atlas.chain, atlas.base, atlas.state.level, atlas.state.indicator, atlas.about),
      territory: () => territoryOf(atlas),
      changeState: () =>
        atlas.state.map === "change"
          ? atlas.state
          : { ...atlas.state, since: facts.years[0], year: facts.years[facts.years.length - 1] },
      changeNow: () => changeNow(atlas),
    };
    return self;
  }

  /** Between the first and the last year, or the years of the map of change. */
  function changeNow(atlas) {
    const variable = atlas.facts.signal ? "share" : "firms";
    const state = atlas.changeState();
    return changes.make(state, { ...atlas.loaded, about: { ...atlas.loaded.about, test: variable } });
  }

  function territoryOf(atlas) {
    if (atlas.territoryText !== atlas.state.territory) {
      atlas.territoryText = atlas.state.territory;
      atlas.territoryList = atlas.state.territory
        .split(",")
        .filter(Boolean)
        .map((code) => atlas.base.position.get(code));
    }
    return atlas.territoryList;
  }

  /** What a painter draws on either map. */
  function panes(atlas) {
    return {
      paneParts: () => ({
        shape: atlas.shape,
        paths: atlas.paths,
        base: atlas.base,
        area: null,
        territory: [],
        chosenMembers: [],
        hoverMembers: [],
        hatched: false,
        level: "place",
      }),
      paneChoice: () => ({
        level: atlas.state.level,
        hatched: atlas.state.unsure === "si",
        territory: atlas.territory(),
        area: atlas.area,
        chosenMembers: atlas.membersOf(atlas.chosenUnit()),
        hoverMembers: atlas.membersOf(atlas.unitNumber(atlas.hover)),
      }),
    };
  }

  return { make };
})();
