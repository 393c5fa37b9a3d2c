/* What is said of one territory in words: its figure, its test, its change, its rank. */

const sayings = (() => {
  const STATUSES = ["no_firms", "no_firms", "not_surveyed", "not_covered", "suppressed", "series_break"];
  const LOCAL = ["missing", "missing", "isolate", "constant", "too_sparse", "not_covered", "suppressed"];

  const statusText = (atlas, status) =>
    atlas.words.statuses[STATUSES[status]] || atlas.words.atlas.unavailable;

  /** The share of a territory: corrected and raw at municipalities, raw with its interval above. */
  function share(atlas, unit) {
    const { chain, words, language, state } = atlas;
    const { panel, at } = atlas.where(unit);
    const atPlace = state.level === "place";
    const shown = atPlace ? panel.share_eb[at] : panel.share[at];
    if (Number.isNaN(shown)) return { text: statusText(atlas, panel.shareStatus[at]) };
    const write = (steps) => format.number(steps / 10, language, 1);
    const known = panel.known[at];
    const [low, high] = atPlace
      ? [write(chain.low[at]), write(chain.high[at])]
      : columns
          .wilson(panel.digital[at], known)
          .slice(1)
          .map((end) => write(1000 * end));
    return {
      main: `${write(shown)}%`,
      interval: format.fill(words.atlas[atPlace ? "credible" : "ci"], { low, high }),
      raw: Number.isNaN(panel.share[at]) ? words.atlas.unavailable : `${write(panel.share[at])}%`,
      of: format.fill(words.atlas.of_known, {
        digital: format.count(panel.digital[at], language),
        known: format.count(known, language),
      }),
      few: known < format.FEW ? `⚠ ${words.atlas.few}` : "",
    };
  }

  /** The figure of the map for a territory, in words. */
  function figure(atlas, unit) {
    const { shown, state } = atlas;
    if (shown.kind === "change") return change(atlas, unit);
    if (shown.kind === "values") return value(atlas, unit);
    if (shown.kind === "robustness") return robust(atlas, unit);
    if (shown.names && !shown.variable) return category(atlas, unit);
    return test(atlas, unit, shown.variable, state.map === "hotcold");
  }

  function value(atlas, unit) {
    const { language, words } = atlas;
    const found = atlas.series();
    if (!found) return words.atlas.unavailable;
    const at = atlas.year() * found.count + unit;
    if (!Number.isNaN(found.list[at])) return figures.write(found.list[at], found.about, language);
    return statusText(atlas, found.status[at]);
  }

  /** A category of the map, or why there is none. */
  function category(atlas, place) {
    const { shown, chain, base } = atlas;
    const code = shown.units[place];
    if (code < view.MISSING) return atlas.className(shown.kind, shown.names[code]);
    const list = shown.kind === "need" ? chain.shareStatus : chain.status;
    return statusText(atlas, list[atlas.year() * base.places + place]);
  }

  function robust(atlas, place) {
    const { words, language, chain } = atlas;
    const share = chain.robustness[atlas.year() * atlas.base.places + place];
    if (Number.isNaN(share)) return words.atlas.unavailable;
    return format.fill(words.controls.robust_of, { share: format.percent(share / 100, language) });
  }

  /** How a municipality stands beside its neighbors; where p is withheld the verdict still stands. */
  function test(atlas, place, variable, hot = false) {
    const { words, language, data } = atlas;
    const tests = atlas.chain.tests[variable];
    const at = atlas.year() * atlas.base.places + place;
    if (!tests.q[at] && !tests.p[at]) return words.local_statuses[LOCAL[tests.status[at]]];
    const values = {
      q: format.bin(tests.q[at], data.edges, language),
      p: tests.p[at] ? format.bin(tests.p[at], data.edges, language) : "",
    };
    const quadrant = ["", "HH", "LL", "LH", "HL"][tests.mark[at] >> 1];
    const interesting = data.edges.findIndex((edge) => edge >= 0.005) + 1;
    let key = "cluster_none";
    if (tests.mark[at] % 2 && quadrant) key = hot ? `hot_${quadrant[1]}` : `cluster_${quadrant}`;
    else if (tests.p[at] && tests.p[at] <= interesting) key = "cluster_interest";
    return format.fill(words.sentences[key] || words.controls[key], values);
  }

  function change(atlas, unit) {
    const { words, language, shown, state, base } = atlas;
    const found = shown.kind === "change" ? shown : atlas.changeNow();
    if (found.source === null) {
      const value = found.list[unit];
      return Number.isNaN(value) ? words.atlas.unavailable : changeUnit(atlas, value, found.about);
    }
    const { source } = found;
    if (found.variable === "firms") {
      const firms = source.firms[unit];
      if (Number.isNaN(firms)) return words.atlas.unavailable;
      const rate = changes.rate(firms, base.peopleOf(state.level)[unit]);
      const more = Number.isNaN(rate) ? "" : ` (${format.signed(rate / 100, language, 2)} ‰)`;
      return `${format.signed(firms, language)}${more}`;
    }
    if (Number.isNaN(source.share[unit])) return statusText(atlas, source.status[unit]);
    const write = (steps) => format.signed(steps / 10, language, 1);
    const way = ["change_down", "change_flat", "change_up"][source.direction[unit] + 1];
    const ends = { low: write(source.low[unit]), high: write(source.high[unit]) };
    const interval = format.fill(words.atlas.ci_change, ends);
    return `${write(source.share[unit])} ${words.atlas.points} (${interval}): ${words.sentences[way]}`;
  }

  function changeUnit(atlas, steps, about) {
    const text = figures.write(steps, about, atlas.language, true);
    return about.percent ? `${text} ${atlas.words.atlas.points}` : text;
  }

  /**
   * The place's rank by its corrected share: after all whose whole interval is higher, before all
   * whose whole interval is lower.
   */
  function rank(atlas, place) {
    const { chain, base } = atlas;
    const from = atlas.year() * base.places;
    if (Number.isNaN(chain.share_eb[from + place])) return null;
    let [above, below, all] = [0, 0, 0];
    for (let i = 0; i < base.places; i++) {
      if (Number.isNaN(chain.share_eb[from + i])) continue;
      all++;
      if (chain.low[from + i] > chain.high[from + place]) above++;
      if (chain.high[from + i] < chain.low[from + place]) below++;
    }
    return { first: above + 1, last: all - below, all };
  }

  function rankText(atlas, place) {
    const found = rank(atlas, place);
    if (!found) return "";
    const write = (n) => format.number(n, atlas.language);
    const values = { first: write(found.first), last: write(found.last), n: write(found.all) };
    return format.fill(atlas.words.controls[found.first === found.last ? "rank_one" : "rank"], values);
  }

  /** The 95 % interval of a share of counts, in shares of 1 (Wilson). */
  const wilson = (digital, known) => columns.wilson(digital, known).slice(1);

  return { share, figure, value, test, change, rank, rankText, statusText, wilson };
})();
