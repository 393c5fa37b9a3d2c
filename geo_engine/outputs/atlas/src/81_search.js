/* Search and the year player. */

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
