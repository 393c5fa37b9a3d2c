/* "Il mio territorio": municipalities of the reader's own, summed from published figures only. */

const territory = (() => {
  const { make, byId } = page;

  /** Codes, "Castro (LE)" or names, one a line or between commas -> { found, unknown, doubtful }. */
  function parse(base, text) {
    const result = { found: [], unknown: [], doubtful: [] };
    for (const part of text
      .split(/[\n;,\t]+/)
      .map((one) => one.trim())
      .filter(Boolean)) {
      const matches = match(base, part);
      if (matches.length === 1) result.found.push(matches[0]);
      else (matches.length ? result.doubtful : result.unknown).push(part);
    }
    result.found = [...new Set(result.found)].sort((a, b) => a - b);
    return result;
  }

  function match(base, part) {
    const code = /^\d{1,6}$/.test(part) ? part.padStart(6, "0") : "";
    if (base.position.has(code)) return [base.position.get(code)];
    const [, name, sigla] = /^(.*?)(?:\s*\(([A-Za-z]{2})\))?$/.exec(part);
    const query = format.plain(name);
    const found = [];
    if (!query) return found;
    for (let place = 0; place < base.places; place++) {
      if (sigla && base.sigla[place].toLowerCase() !== sigla.toLowerCase()) continue;
      const names = [format.plain(base.name[place]), ...base.name[place].split("/").map(format.plain)];
      if (names.includes(query) || (base.name_other[place] && format.plain(base.name_other[place]) === query))
        found.push(place);
    }
    return found;
  }

  /** All that is said of the territory in the chosen year. */
  function figuresOf(atlas, members) {
    const { chain, base } = atlas;
    const sums = benchmarks.pooled(chain, atlas.year() * base.places, members, base.population);
    const share = sums.digital / sums.known;
    const [low, high] = sayings.wilson(sums.digital, sums.known);
    const area = members.reduce((sum, place) => sum + (base.area[place] || 0) / 10000, 0);
    return { ...sums, share, low, high, area, density: (1000 * sums.firms) / sums.people };
  }

  function rows(atlas, members) {
    const { words, language, facts } = atlas;
    const { controls } = words;
    const sums = figuresOf(atlas, members);
    const number = (value, decimals = 0) =>
      Number.isFinite(value) ? format.number(value, language, decimals) : words.atlas.unavailable;
    const count = (value) =>
      Number.isFinite(value) ? format.count(value, language) : words.atlas.unavailable;
    const people = members.reduce((sum, place) => sum + (atlas.base.population[place] || 0), 0);
    const found = [
      [controls.mine_places, number(members.length)],
      [format.fill(words.atlas.row_population, { year: facts.population_year }), number(people)],
      [format.fill(words.atlas.row_firms, atlas.names()), count(sums.firms)],
      [words.atlas.row_per1000, number(sums.density, 2)],
    ];
    if (!facts.signal) return found;
    const share = Number.isFinite(sums.share)
      ? `${format.percent(sums.share, language)} (${format.fill(words.atlas.ci, {
          low: number(100 * sums.low, 1),
          high: number(100 * sums.high, 1),
        })})`
      : words.atlas.unavailable;
    found.push(
      [words.atlas.row_share, share],
      [
        controls.mine_basis,
        format.fill(words.atlas.of_known, { digital: count(sums.digital), known: count(sums.known) }),
      ],
      [controls.mine_shown, number(sums.shown)],
      [controls.mine_withheld, number(sums.withheld)],
    );
    return found;
  }

  /** The territory beside the provinces and regions that it touches, and Italy. */
  function comparison(atlas, members) {
    const { base, chain, facts, words, language } = atlas;
    const at = (level, unit) => atlas.year() * figures.countOf(base, level) + unit;
    const write = (value) => {
      if (!Number.isFinite(value)) return words.atlas.unavailable;
      return facts.signal ? format.percent(value, language) : format.number(value, language, 2);
    };
    const of = (level, unit) =>
      facts.signal
        ? chain.levels[level].share[at(level, unit)] / 1000
        : chain.levels[level].firms_per_1000[at(level, unit)] / 100;
    const own = figuresOf(atlas, members);
    const touched = (list) =>
      [...new Set(members.map((place) => list[place]))].sort((a, b) => a - b).slice(0, 4);
    return [
      [words.controls.mine, write(facts.signal ? own.share : own.density)],
      ...touched(base.province).map((unit) => [
        `${words.atlas.row_province}: ${base.province_names[unit]}`,
        write(of("province", unit)),
      ]),
      ...touched(base.region).map((unit) => [
        `${words.atlas.row_region}: ${base.region_names[unit]}`,
        write(of("region", unit)),
      ]),
      [words.atlas.country, write(of("country", 0))],
    ];
  }

  function show(atlas, box) {
    const { words, facts } = atlas;
    const members = atlas.territory();
    byId("mine-tools").hidden = !members.length;
    if (!members.length) {
      box.replaceChildren(make("p", { class: "quiet" }, words.controls.mine_empty));
      return;
    }
    const title = format.fill(words.atlas[facts.signal ? "compare" : "compare_firms"], atlas.names());
    const names = members.map((place) => atlas.base.name[place]);
    const count = format.places(members.length, words, atlas.language);
    box.replaceChildren(
      page.table(`${atlas.chainName()} · ${atlas.state.year}`, [], rows(atlas, members)),
      page.table(title, [], comparison(atlas, members)),
      ...trend(atlas, members),
      ...notesOf(atlas, members),
      make("p", { class: "on-paper" }, page.joined(names, words)),
      make("details", {}, make("summary", {}, count), list(atlas, members)),
    );
  }

  /** Which hotspots the territory touches, and what its sums leave out. */
  function notesOf(atlas, members) {
    const { words, facts } = atlas;
    const inside = new Set(members);
    const touched = atlas.areas().filter((area) => area.members.some((place) => inside.has(place)));
    const named = touched.map((area) => `${area.name} (${area.rank})`);
    const text = named.length ? page.joined(named, words) : words.controls.none;
    return [
      facts.signal ? make("p", {}, `${words.controls.mine_areas}: ${text}`) : null,
      make("p", { class: "quiet" }, words.controls.mine_note),
      facts.unit === "impresa" ? make("p", { class: "quiet" }, words.controls.mine_distinct) : null,
    ].filter(Boolean);
  }

  function trend(atlas, members) {
    const { facts, words, chain, base, language } = atlas;
    const values = facts.years.map((_, i) => {
      const sums = benchmarks.pooled(chain, i * base.places, members, base.population);
      return facts.signal ? (1000 * sums.digital) / sums.known : sums.firms;
    });
    const label = facts.signal
      ? words.controls.trend_share
      : format.fill(words.atlas.row_trend_firms, atlas.names());
    const unit = (value) =>
      facts.signal ? `${format.number(value / 10, language, 1)}%` : format.number(value, language);
    const variables = facts.signal ? ["share", "digital"] : ["firms"];
    const cuts = atlas.cutsOf(variables);
    const line = charts.trend(facts.years, [{ label: words.controls.mine, values }], { label, unit, cuts });
    const why = card.breakNotes(atlas, variables).map((text) => make("p", { class: "quiet" }, text));
    return line ? [make("h3", {}, label), line, ...why] : [];
  }

  function list(atlas, members) {
    const items = members.map((place) => {
      const button = make("button", { type: "button", class: "plain", "data-drop": String(place) }, "×");
      button.setAttribute("aria-label", `${atlas.words.controls.mine_remove}: ${atlas.placeName(place)}`);
      return make("li", {}, button, atlas.placeName(place));
    });
    return make("ul", { class: "mine-list" }, ...items);
  }

  function listen(atlas) {
    const write = (members) =>
      atlas.choose({
        territory: [...new Set(members)]
          .map((place) => atlas.base.code[place])
          .sort()
          .join(","),
      });
    byId("mine-use").addEventListener("click", () => {
      const read = parse(atlas.base, byId("mine-text").value);
      byId("mine-said").textContent = saidOf(atlas, read);
      if (!read.found.length) return;
      byId("mine-text").value = "";
      write([...atlas.territory(), ...read.found]);
      atlas.fit([...atlas.territory(), ...read.found]);
    });
    byId("mine-clear").addEventListener("click", () => write([]));
    byId("mine-zoom").addEventListener("click", () => atlas.fit(atlas.territory()));
    byId("mine-print").addEventListener("click", () => paper.print(atlas, "mine"));
    byId("mine-local").addEventListener("change", (event) =>
      atlas.choose({ local: event.target.checked ? "si" : "" }),
    );
    byId("mine-figures").addEventListener("click", (event) => {
      const place = event.target.closest("[data-drop]")?.dataset.drop;
      if (place !== undefined) write(atlas.territory().filter((one) => one !== Number(place)));
    });
    return { write };
  }

  function saidOf(atlas, { found, unknown, doubtful }) {
    const { words, language } = atlas;
    const said = [
      format.fill(words.controls.mine_read, { places: format.places(found.length, words, language) }),
    ];
    if (unknown.length) said.push(format.fill(words.controls.mine_unknown, { text: unknown.join(", ") }));
    if (doubtful.length) said.push(format.fill(words.controls.mine_doubtful, { text: doubtful.join(", ") }));
    return said.join(" ");
  }

  return { parse, figuresOf, show, listen };
})();
