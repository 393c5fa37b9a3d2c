/* What changed between two years: as the results have it, or from two published figures. */

const changes = (() => {
  const { nearest, newcombe } = columns;

  /** The two years of a choice, in order. */
  function years(state) {
    return [Math.min(state.since, state.year), Math.max(state.since, state.year)];
  }

  /**
   * { share, low, high, firms, status, direction } by territory, in steps of the columns.
   * The first and the last year of municipalities come from the results; others are worked out of
   * shares that are both published.
   */
  function between(state, model) {
    const { facts, base, chain } = model;
    const [first, last] = years(state);
    const whole = first === facts.years[0] && last === facts.years[facts.years.length - 1];
    if (state.level === "place" && whole) return chain.change;
    const panel = state.level === "place" ? chain : chain.levels[state.level];
    const count = figures.countOf(base, state.level);
    const ends = [first, last].map((year) => facts.years.indexOf(year) * count);
    return worked(panel, count, ends, {
      comparable: sameVersion(facts, [first, last]),
      shareBroken: broken(model, state.chain, [first, last], ["share", "share_eb", "digital"]),
      firmsBroken: broken(model, state.chain, [first, last], ["firms"]),
    });
  }

  /**
   * A break of the series of a chain between two years, for any of the variables asked: after the
   * first and not after the last, or one of the two is itself of two editions.
   */
  function broken(model, chain, [first, last], variables) {
    return (model.seriesBreaks || []).find(
      ([key, name, year, , , mixed]) =>
        key === chain &&
        variables.includes(name) &&
        ((year > first && year <= last) || (mixed && (year === first || year === last))),
    );
  }

  /** Two years measured by one version of the index, or by no index. */
  function sameVersion(facts, pair) {
    const versions = facts.index_versions || [];
    const [first, last] = pair.map((year) => versions[facts.years.indexOf(year)]);
    return first === last;
  }

  /** Positions of the years that a line must not be drawn to: a break or another version lies before. */
  function cuts(model, chain, variables) {
    const { facts } = model;
    const measured = variables.includes("share");
    return new Set(
      facts.years.flatMap((year, i) => {
        const pair = [facts.years[i - 1], year];
        const cut =
          i > 0 && (broken(model, chain, pair, variables) || (measured && !sameVersion(facts, pair)));
        return cut ? [i] : [];
      }),
    );
  }

  /** The two changes of a territory: of the share and of the number of firms. */
  function worked(panel, count, [from, to], { comparable, shareBroken, firmsBroken }) {
    const found = {
      share: new Float64Array(count),
      low: new Float64Array(count),
      high: new Float64Array(count),
      firms: new Float64Array(count),
      status: new Uint8Array(count),
      direction: new Float64Array(count),
    };
    for (let i = 0; i < count; i++) {
      const [a, b] = [from + i, to + i];
      const ends =
        comparable && !shareBroken && from !== to
          ? newcombe(panel.digital[a], panel.known[a], panel.digital[b], panel.known[b])
          : [NaN, NaN, NaN];
      [found.share[i], found.low[i], found.high[i]] = ends.map((end) => nearest(end, 1000));
      found.direction[i] = found.low[i] > 0 ? 1 : found.high[i] < 0 ? -1 : 0;
      found.firms[i] = firmsBroken ? NaN : panel.firms[b] - panel.firms[a];
      found.status[i] = Math.max(panel.shareStatus[a], panel.shareStatus[b]);
      if (Number.isNaN(found.share[i]) && found.status[i] === 0) found.status[i] = shareBroken ? 5 : 2;
    }
    return found;
  }

  function make(state, model) {
    if (!model.about.test) return ofOther(state, model);
    const variable = model.about.test;
    const share = variable === "share";
    const source = between(state, model);
    const list = share ? source.share : perThousand(source.firms, state, model);
    const breaks = classes.around(list);
    const status = share ? source.status : statusOfFirms(source.firms);
    const units = Uint8Array.from(list, (value, i) => {
      if (Number.isNaN(value)) return view.statusClass(status[i]);
      return breaks.length ? view.classOf(value, breaks) : 2;
    });
    const moved = (sign) => Uint8Array.from(source.direction, (way) => (way === sign ? 1 : 0));
    const atPlaces = state.level === "place";
    return {
      kind: "change",
      units,
      list,
      source,
      colors: view.DIVERGING,
      breaks,
      about: share
        ? { steps: 1000, percent: true, decimals: 1 }
        : { steps: 100, percent: false, decimals: 2 },
      variable,
      unsure:
        share && atPlaces
          ? Uint8Array.from(units, (code, i) => (code < view.MISSING && source.direction[i] === 0 ? 1 : 0))
          : null,
      outlines:
        share && atPlaces
          ? [
              { color: "#3f007d", inside: moved(1) },
              { color: "#7f3b08", inside: moved(-1) },
            ]
          : [],
    };
  }

  /** The plain difference of an indicator without a test or an interval of its own. */
  function ofOther(state, model) {
    const { facts, base, chain, about } = model;
    const found = figures.series(chain, base, state.level, state.indicator, about);
    const count = figures.countOf(base, state.level);
    const [from, to] = years(state).map((year) => facts.years.indexOf(year) * count);
    const refused =
      from === to ||
      (about.confidential && !sameVersion(facts, years(state))) ||
      broken(model, state.chain, years(state), [state.indicator]);
    const list = new Float64Array(count).fill(NaN);
    if (found && !refused) list.forEach((_, i) => (list[i] = found.list[to + i] - found.list[from + i]));
    const breaks = classes.around(list);
    const status = (i) => (found ? Math.max(found.status[from + i], found.status[to + i]) : 2);
    const units = Uint8Array.from(list, (value, i) => {
      if (Number.isNaN(value)) return view.statusClass(status(i));
      return breaks.length ? view.classOf(value, breaks) : 2;
    });
    return {
      kind: "change",
      units,
      list,
      source: null,
      colors: view.DIVERGING,
      breaks,
      about,
      variable: "",
      unsure: null,
      outlines: [],
    };
  }

  /** No count in one of the years: outside coverage. */
  const statusOfFirms = (firms) => Uint8Array.from(firms, (value) => (Number.isNaN(value) ? 3 : 0));

  /** Change in firms per 1,000 inhabitants, in steps of 0.01. */
  function perThousand(firms, state, model) {
    const people = model.base.peopleOf(state.level);
    return Float64Array.from(firms, (value, i) => rate(value, people[i]));
  }

  const rate = (firms, people) => (people > 0 ? nearest((1000 * firms) / people, 100) : NaN);

  return { years, between, broken, sameVersion, cuts, make, rate };
})();
