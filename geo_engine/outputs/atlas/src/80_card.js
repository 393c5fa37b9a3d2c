/* The card of one territory, and the few lines beside the pointer. */

const card = (() => {
  const { make } = page;

  /** A few lines beside the pointer. */
  function tooltip(atlas, unit, box) {
    const { words, language, facts, shown, state } = atlas;
    const { panel, at } = atlas.where(unit);
    const lines = [make("strong", {}, atlas.nameOf(unit)), make("span", {}, sayings.figure(atlas, unit))];
    const firms = panel.firms[at];
    if (!Number.isNaN(firms)) {
      const noun = words.units[firms === 1 ? `${facts.unit}_one` : facts.unit];
      lines.push(make("span", {}, `${format.count(firms, language)} ${noun}`));
    }
    const share = facts.signal ? sayings.share(atlas, unit) : {};
    if (share.of && shown.variable === "share") {
      lines.push(make("span", {}, share.of));
      if (shown.kind === "values" && state.level === "place") {
        lines.push(make("span", {}, share.interval));
        const marked = atlas.chain.tests.share.mark[at] % 2;
        if (marked) lines.push(make("span", {}, sayings.test(atlas, unit, "share")));
      }
      if (share.few) lines.push(make("span", { class: "few" }, share.few));
    }
    box.replaceChildren(...lines);
  }

  /** The whole card of a territory. */
  function show(atlas, box) {
    const { words, chosen, state } = atlas;
    const unit = atlas.chosenUnit();
    if (chosen < 0 || unit < 0) {
      box.replaceChildren(make("p", { class: "quiet" }, words.atlas.card_empty));
      return;
    }
    const close = make("button", { type: "button", class: "plain", id: "card-close" }, "×");
    close.setAttribute("aria-label", words.atlas.close);
    const atPlace = state.level === "place";
    box.replaceChildren(
      make("div", { class: "card-head" }, make("h3", {}, atlas.nameOf(unit)), close),
      make("p", { class: "quiet" }, whereabouts(atlas, unit)),
      make("p", { class: "chosen-chain" }, `${atlas.chainName()} · ${atlas.state.year}`),
      ...(atlas.facts.signal ? shareBlock(atlas, unit) : firmsBlock(atlas, unit)),
      ...indicatorBlock(atlas, unit),
      ...(atPlace ? areasOf(atlas, unit) : []),
      ...(atPlace ? standing.blocks(atlas, unit) : []),
      ...(atPlace && atlas.facts.signal
        ? [make("p", { class: "sentence" }, sayings.test(atlas, unit, "share"))]
        : []),
      numbers(atlas, unit),
      ...trend(atlas, unit),
      comparison(atlas, unit),
      actions(atlas),
    );
  }

  function actions(atlas) {
    const { words } = atlas;
    const mine = atlas.territory().includes(atlas.chosen);
    return make(
      "p",
      { class: "actions" },
      make("button", { type: "button", id: "card-zoom" }, words.atlas.zoom_to),
      make("button", { type: "button", id: "card-mine" }, words.controls[mine ? "mine_remove" : "mine_add"]),
    );
  }

  function whereabouts(atlas, unit) {
    const { base, state } = atlas;
    if (state.level !== "place") {
      const { codes } = base.byKey.get(state.level);
      const count = territories.members(base, state.level, unit).length;
      return `${atlas.levelName(state.level, 1)} · ${codes[unit]} · ${format.places(count, atlas.words, atlas.language)}`;
    }
    return `${base.province_names[base.province[unit]]} · ${base.region_names[base.region[unit]]} · ${base.code[unit]}`;
  }

  function shareBlock(atlas, unit) {
    const { words, state } = atlas;
    const share = sayings.share(atlas, unit);
    if (share.text) return [make("p", { class: "big small" }, share.text)];
    const rank = state.level === "place" ? sayings.rankText(atlas, unit) : "";
    const corrected = state.level === "place";
    return [
      make("p", { class: "big" }, share.main),
      make("p", {}, words.atlas[corrected ? "row_share_eb" : "row_share"]),
      make("p", { class: "quiet" }, share.interval),
      make("p", {}, corrected ? `${words.atlas.row_share}: ${share.raw} (${share.of})` : share.of),
      ...(rank ? [make("p", { class: "rank-of" }, rank)] : []),
      ...(share.few ? [make("p", { class: "few" }, share.few)] : []),
    ];
  }

  /** Without a signal: why there is no count, where there is none. */
  function firmsBlock(atlas, unit) {
    const { panel, at } = atlas.where(unit);
    if (panel.firms[at] > 0) return [];
    return [make("p", { class: "big small" }, sayings.statusText(atlas, panel.status[at]))];
  }

  /** The chosen indicator, where it is not one of the figures that every card has. */
  function indicatorBlock(atlas, unit) {
    const { state, about } = atlas;
    if (about.test) return [];
    const label = atlas.indicatorTitle(state);
    return [
      make("p", { class: "of-indicator" }, make("strong", {}, sayings.value(atlas, unit)), ` ${label}`),
    ];
  }

  function numbers(atlas, unit) {
    const { words, language, facts, base, state } = atlas;
    const { panel, at } = atlas.where(unit);
    const list = make("dl");
    const row = (term, text, kind = "short") =>
      list.append(make("div", { class: kind }, make("dt", {}, term), make("dd", {}, text)));
    const number = (figure, scale, decimals) =>
      Number.isNaN(figure) ? words.atlas.unavailable : format.number(figure / scale, language, decimals);
    const names = atlas.names();
    const firms = panel.firms[at];
    row(
      format.fill(words.atlas.row_firms, names),
      Number.isNaN(firms) ? words.atlas.unavailable : format.count(firms, language),
    );
    row(words.atlas.row_per1000, number(panel.firms_per_1000[at], 100, 2));
    row(words.atlas.row_perkm2, number(panel.firms_per_km2[at], 1000, 3));
    row(words.atlas.row_lq, number(panel.location_quotient[at], 100, 2));
    const people = base.peopleOf(state.level)[unit];
    row(
      format.fill(words.atlas.row_population, { year: facts.population_year }),
      number(people || NaN, 1, 0),
    );
    if (state.level === "place") {
      row(format.fill(words.atlas.row_concentration, names), sayings.test(atlas, unit, "firms"), "long");
    }
    if (facts.years.length > 1) row(changeLabel(atlas), changeSaid(atlas, unit), "long");
    return list;
  }

  function changeLabel(atlas) {
    const [first, last] = changes.years(atlas.changeState());
    return format.fill(atlas.words.atlas.row_change, { first, last });
  }

  const changeSaid = (atlas, unit) => sayings.change(atlas, unit);

  function areasOf(atlas, place) {
    return atlas
      .areas()
      .filter((area) => area.members.includes(place))
      .map((area) =>
        make(
          "p",
          { class: "in-area" },
          `${format.fill(atlas.words.atlas.in_area, area)} ${areas.sinceText(atlas, area)}`,
        ),
      );
  }

  function trend(atlas, unit) {
    const { words, facts, base, language, state, chain } = atlas;
    const digital = Boolean(facts.signal);
    const { panel } = atlas.where(unit);
    const atPlace = state.level === "place";
    const count = figures.countOf(base, state.level);
    const over = (list, size, one) => facts.years.map((_, i) => list[i * size + one]);
    const key = digital ? (atPlace ? "share_eb" : "share") : "firms";
    const lines = [{ label: atlas.nameOf(unit), values: over(panel[key], count, unit) }];
    if (digital && atPlace) {
      const region = base.region[unit];
      const label = base.region_names[region];
      lines.push({ label, values: over(chain.levels.region.share, base.regions, region) });
    }
    const band =
      digital && atPlace ? { low: over(chain.low, count, unit), high: over(chain.high, count, unit) } : null;
    const unitOf = (value) =>
      digital ? `${format.number(value / 10, language, 1)}%` : format.number(value, language);
    const heading = trendHeading(atlas, digital, atPlace);
    const variables = digital ? ["share", "share_eb", "digital"] : ["firms"];
    const line = charts.trend(facts.years, lines, {
      label: heading,
      unit: unitOf,
      band,
      cuts: atlas.cutsOf(variables),
    });
    if (!line) return [];
    const note = breakNotes(atlas, variables).map((text) => make("p", { class: "quiet" }, text));
    const others =
      lines.length > 1
        ? [make("p", { class: "quiet" }, format.fill(words.controls.trend_note, { region: lines[1].label }))]
        : [];
    return [make("h4", {}, heading), line, ...others, ...note];
  }

  /** Why a line is cut. */
  function breakNotes(atlas, variables) {
    const { words, facts, language } = atlas;
    const said = atlas.breaksOf(variables).map((row) => `${row[2]}: ${row[language === "en" ? 4 : 3]}`);
    const versions = facts.index_versions;
    if (facts.signal && variables.includes("share") && new Set(versions).size > 1) {
      const list = facts.years.map((year, i) => `${year} v${versions[i]}`).join(", ");
      said.push(format.fill(words.controls.version_break, { list }));
    }
    return [...new Set(said)];
  }

  function trendHeading(atlas, digital, atPlace) {
    const { words } = atlas;
    if (!digital) return format.fill(words.atlas.row_trend_firms, atlas.names());
    return atPlace ? words.atlas.row_trend : words.controls.trend_share;
  }

  /** The territory beside those that hold it, and beside similar ones. */
  function comparison(atlas, unit) {
    const { words, language, facts } = atlas;
    const digital = Boolean(facts.signal);
    const write = (value) => (digital ? format.percent(value, language) : format.number(value, language, 2));
    const title = format.fill(words.atlas[digital ? "compare" : "compare_firms"], atlas.names());
    const { panel, at } = atlas.where(unit);
    const own = sayings.statusText(atlas, (digital ? panel.shareStatus : panel.status)[at]);
    const missing = (row) => (row === 0 ? own : words.atlas.unavailable);
    const rows = benchmarks
      .rows(atlas, unit)
      .map(({ label, value, change }, row) => [
        label,
        Number.isNaN(value) ? missing(row) : write(value),
        ...(facts.years.length > 1 ? [Number.isNaN(change) ? "–" : benchmarks.signed(atlas, change)] : []),
      ]);
    const [first, last] = changes.years(atlas.changeState());
    const heads =
      facts.years.length > 1
        ? [
            words.controls.level,
            String(atlas.state.year),
            format.fill(words.controls.since_until, { first, last }),
          ]
        : [words.controls.level, String(atlas.state.year)];
    return page.table(title, heads, rows);
  }

  return { tooltip, show, breakNotes };
})();
