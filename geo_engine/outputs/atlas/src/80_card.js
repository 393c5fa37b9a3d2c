/* What is said of one municipality, in the tooltip and on the card; and the list of areas. */

const card = (() => {
  const { make } = page;
  const STATUSES = [
    "no_firms",
    "no_firms",
    "not_surveyed",
    "not_covered",
    "suppressed",
    "series_break",
  ];

  function shares(atlas, place) {
    const { chain, words, language } = atlas;
    const at = atlas.offset() + place;
    if (Number.isNaN(chain.share_eb[at])) return { text: words.statuses[statusOf(atlas, place)] };
    const write = (steps) => format.number(steps / 10, language, 1);
    const known = chain.known[at];
    const few = known < format.FEW;
    return {
      eb: `${write(chain.share_eb[at])}%`,
      credible: format.fill(words.atlas.credible, {
        low: write(chain.low[at]),
        high: write(chain.high[at]),
      }),
      raw: Number.isNaN(chain.share[at]) ? words.atlas.unavailable : `${write(chain.share[at])}%`,
      of: format.fill(words.atlas.of_known, {
        digital: format.number(chain.digital[at], language),
        known: format.number(known, language),
      }),
      few: few ? `⚠ ${words.atlas.few}` : "",
    };
  }

  function statusOf(atlas, place) {
    const code = atlas.chain.shareStatus[atlas.offset() + place];
    return STATUSES[code];
  }

  /** The figure of the map for a place, in words. */
  function figure(atlas, place) {
    const { shown, words, language, chain, state } = atlas;
    const at = atlas.offset() + place;
    if (shown.kind === "clusters" || shown.kind === "concentration") {
      return testSentence(atlas, place, shown.variable);
    }
    if (shown.kind === "change") return changeText(atlas, place, shown.variable);
    const found = chain[state.indicator][at];
    if (!Number.isNaN(found)) return page.value(found, shown, language);
    const codes = view.SHARES.has(state.indicator) ? chain.shareStatus : chain.status;
    return words.statuses[STATUSES[codes[at]]];
  }

  function testSentence(atlas, place, variable) {
    const { words, language, data } = atlas;
    const tests = atlas.chain.tests[variable];
    const at = atlas.offset() + place;
    if (!tests.p[at]) {
      const names = ["missing", "missing", "isolate", "constant", "too_sparse", "not_covered", "suppressed"];
      return words.local_statuses[names[tests.status[at]]];
    }
    const values = {
      q: format.bin(tests.q[at], data.edges, language),
      p: format.bin(tests.p[at], data.edges, language),
    };
    const quadrant = ["", "HH", "LL", "LH", "HL"][tests.mark[at] >> 1];
    const interesting = data.edges.findIndex((edge) => edge >= 0.005) + 1;
    let key = "cluster_none";
    if (tests.mark[at] % 2 && quadrant) key = `cluster_${quadrant}`;
    else if (tests.p[at] <= interesting) key = "cluster_interest";
    return format.fill(words.sentences[key], values);
  }

  function changeText(atlas, place, variable) {
    const { words, language, chain, base } = atlas;
    const source = chain.change;
    if (variable === "firms") {
      const firms = source.firms[place];
      if (Number.isNaN(firms)) return words.atlas.unavailable;
      const rate = view.perThousand(firms, base.population[place]);
      const more = Number.isNaN(rate) ? "" : ` (${format.signed(rate / 100, language, 2)} ‰)`;
      return `${format.signed(firms, language)}${more}`;
    }
    if (Number.isNaN(source.share[place])) {
      return words.statuses[STATUSES[source.status[place]]];
    }
    const write = (steps) => format.signed(steps / 10, language, 1);
    const way = ["change_down", "change_flat", "change_up"][source.direction[place] + 1];
    const ends = { low: write(source.low[place]), high: write(source.high[place]) };
    return `${write(source.share[place])} ${words.atlas.points} (${format.fill(
      words.atlas.ci_change,
      ends,
    )}): ${words.sentences[way]}`;
  }

  /** A few lines beside the pointer. */
  function tooltip(atlas, place, box) {
    const { words, language, chain, facts } = atlas;
    const firms = chain.firms[atlas.offset() + place];
    const lines = [make("strong", {}, atlas.nameOf(place)), make("span", {}, figure(atlas, place))];
    if (!Number.isNaN(firms)) {
      const unit = words.units[firms === 1 ? `${facts.unit}_one` : facts.unit];
      lines.push(make("span", {}, `${format.number(firms, language)} ${unit}`));
    }
    const share = shares(atlas, place);
    if (share.of && atlas.shown.variable === "share") {
      lines.push(make("span", {}, share.of));
      if (atlas.shown.kind === "values") {
        lines.push(make("span", {}, share.credible));
        const tested = chain.tests.share.mark[atlas.offset() + place] % 2;
        if (tested) lines.push(make("span", {}, testSentence(atlas, place, "share")));
      }
      if (share.few) lines.push(make("span", { class: "few" }, share.few));
    }
    box.replaceChildren(...lines);
  }

  /** The whole card of a place. */
  function show(atlas, place, box) {
    const { words, base } = atlas;
    if (place < 0) {
      box.replaceChildren(make("p", { class: "quiet" }, words.atlas.card_empty));
      return;
    }
    const close = make("button", { type: "button", class: "plain", id: "card-close" }, "×");
    close.setAttribute("aria-label", words.atlas.close);
    const zoom = make("button", { type: "button", id: "card-zoom" }, words.atlas.zoom_to);
    const where = `${base.province_names[base.province[place]]} · ${base.region_names[base.region[place]]} · ${base.code[place]}`;
    box.replaceChildren(
      make("div", { class: "card-head" }, make("h3", {}, atlas.nameOf(place)), close),
      make("p", { class: "quiet" }, where),
      make("p", { class: "chosen-chain" }, `${atlas.chainName()} · ${atlas.state.year}`),
      ...(atlas.facts.signal ? shareBlock(atlas, place) : firmsBlock(atlas, place)),
      figures(atlas, place),
      ...areasOf(atlas, place),
      ...trends(atlas, place),
      comparison(atlas, place),
      zoom,
    );
  }

  function shareBlock(atlas, place) {
    const { words } = atlas;
    const share = shares(atlas, place);
    if (share.text) return [make("p", { class: "big small" }, share.text)];
    return [
      make("p", { class: "big" }, share.eb),
      make("p", {}, words.atlas.row_share_eb),
      make("p", { class: "quiet" }, share.credible),
      make("p", {}, `${words.atlas.row_share}: ${share.raw} (${share.of})`),
      ...(share.few ? [make("p", { class: "few" }, share.few)] : []),
    ];
  }

  /** Without a signal: why there is no count, where there is none. */
  function firmsBlock(atlas, place) {
    const at = atlas.offset() + place;
    const { chain, words } = atlas;
    if (chain.firms[at] > 0) return [];
    return [make("p", { class: "big small" }, words.statuses[STATUSES[chain.status[at]]])];
  }

  function figures(atlas, place) {
    const { words, language, chain, base, facts } = atlas;
    const at = atlas.offset() + place;
    const list = make("dl");
    const row = (term, text, kind = "short") =>
      list.append(make("div", { class: kind }, make("dt", {}, term), make("dd", {}, text)));
    const number = (figure, scale, decimals) =>
      Number.isNaN(figure) ? words.atlas.unavailable : format.number(figure / scale, language, decimals);
    const names = atlas.names();
    row(format.fill(words.atlas.row_firms, names), number(chain.firms[at], 1, 0));
    row(words.atlas.row_per1000, number(chain.firms_per_1000[at], 100, 2));
    row(words.atlas.row_perkm2, number(chain.firms_per_km2[at], 1000, 3));
    row(words.atlas.row_lq, number(chain.location_quotient[at], 100, 2));
    row(
      format.fill(words.atlas.row_population, { year: facts.population_year }),
      number(base.population[place] || NaN, 1, 0),
    );
    if (facts.signal) row(words.atlas.row_cluster, testSentence(atlas, place, "share"), "long");
    row(format.fill(words.atlas.row_concentration, names), testSentence(atlas, place, "firms"), "long");
    if (facts.years.length > 1) {
      const years = {
        first: facts.years[Math.max(chain.change.first[place] - 1, 0)],
        last: facts.years[Math.max(chain.change.last[place], 1) - 1],
      };
      const variable = facts.signal ? "share" : "firms";
      row(format.fill(words.atlas.row_change, years), changeText(atlas, place, variable), "long");
    }
    return list;
  }

  function areasOf(atlas, place) {
    return atlas
      .areas()
      .filter((area) => area.members.includes(place))
      .map((area) =>
        make("p", { class: "in-area" }, format.fill(atlas.words.atlas.in_area, area)),
      );
  }

  function trends(atlas, place) {
    const { words, facts, chain, base, language } = atlas;
    const digital = Boolean(facts.signal);
    const list = digital ? chain.share_eb : chain.firms;
    const figures = facts.years.map((_, i) => list[i * base.places + place]);
    const unit = (figure) =>
      digital ? `${format.number(figure / 10, language, 1)}%` : format.number(figure, language);
    const key = digital ? "row_trend" : "row_trend_firms";
    const label = format.fill(words.atlas[key], atlas.names());
    const line = page.trend(facts.years, figures, label, language, unit);
    return line ? [make("h4", {}, label), line] : [];
  }

  /** The place beside its province, its region and the country. */
  function comparison(atlas, place) {
    const { words, language, chain, base, facts } = atlas;
    const digital = Boolean(facts.signal);
    const year = facts.years.indexOf(atlas.state.year);
    const [province, region] = [base.province[place], base.region[place]];
    const figure = (level, at, inside) =>
      digital ? level.share[at] / 1000 : density(base, level.firms[at], inside);
    const rows = [
      [atlas.nameOf(place), figure(chain, atlas.offset() + place, (i) => i === place)],
      [
        `${words.atlas.row_province}: ${base.province_names[province]}`,
        figure(chain.provinces, year * base.provinces + province, (i) => base.province[i] === province),
      ],
      [
        `${words.atlas.row_region}: ${base.region_names[region]}`,
        figure(chain.regions, year * base.regions + region, (i) => base.region[i] === region),
      ],
      [words.atlas.country, figure(chain.country, year, () => true)],
    ];
    const title = format.fill(words.atlas[digital ? "compare" : "compare_firms"], atlas.names());
    const write = (value) => (digital ? format.percent(value, language) : format.number(value, language, 2));
    const table = make("table", {}, make("caption", {}, title));
    for (const [label, value] of rows) {
      const text = Number.isNaN(value) ? words.atlas.unavailable : write(value);
      table.append(make("tr", {}, make("th", { scope: "row" }, label), make("td", {}, text)));
    }
    return table;
  }

  /** Firms per 1,000 inhabitants of the places inside. */
  function density(base, firms, inside) {
    const people = base.population.reduce((sum, here, i) => sum + (inside(i) ? here : 0), 0);
    return people > 0 ? (1000 * firms) / people : NaN;
  }

  /** The hotspots of the chain and year, or the sentence that says why there is none. */
  function list(atlas, boxes) {
    const { words, language, facts, state } = atlas;
    const all = atlas.areas();
    const region = boxes.region.value;
    const some = region === "" ? all : all.filter((area) => area.region === region);
    const limit = atlas.allAreas ? some.length : 20;
    boxes.title.textContent = format.fill(words.atlas.areas_count, { n: format.number(all.length, language) });
    boxes.hint.textContent = some.length ? words.atlas.areas_hint : emptyText(atlas, all);
    boxes.hint.classList.toggle("on-click", some.length > 0);
    boxes.list.replaceChildren(...some.slice(0, limit).map((area) => entry(atlas, area)));
    boxes.more.hidden = some.length <= limit;
    boxes.more.textContent = format.fill(words.atlas.areas_more, { n: format.number(some.length, language) });
    boxes.filter.hidden = all.length === 0 || !facts.signal;
    boxes.list.dataset.view = `${state.chain}/${state.year}`;
  }

  function emptyText(atlas, all) {
    const { words, facts, data, state, language } = atlas;
    if (!facts.signal) return words.sentences.not_surveyed;
    if (all.length) return words.sentences.filtered;
    const map = data.maps[`share/${state.chain}`];
    const at = facts.years.indexOf(state.year);
    return format.emptySentence(map.tested[at], map.expected_below_005[at], words, language, map.reason[at]);
  }

  function entry(atlas, area) {
    const { words, language } = atlas;
    const open = atlas.area === area;
    const share = area.share === null ? "" : format.percent(area.share, language);
    const button = make(
      "button",
      { type: "button", class: "area", "aria-pressed": String(open), "data-area": area.id },
      make("span", { class: "rank" }, String(area.rank)),
      make("span", { class: "name" }, area.name),
      make("span", { class: "share" }, share),
      make("span", { class: "more" }, `${format.places(area.members.length, words, language)} · ${area.region}`),
    );
    const item = make("li", {}, button);
    if (open) {
      const hotspot = { ...area, places: area.members.length };
      item.append(make("p", {}, format.hotspotSentence(hotspot, atlas.names().signal, words, language)));
      const probes = format.probesSentence(hotspot, words, language);
      if (probes) item.append(make("p", {}, probes));
    }
    return item;
  }

  return { tooltip, show, list, figure };
})();
