/* One indicator over all years of a geography: where its numbers lie, and how they are written. */

const figures = (() => {
  const SHARES = new Set(["share_eb", "share"]);

  /** The indicator that stands for another where a level lacks it: large places need no shrinking. */
  function actual(level, indicator) {
    return level !== "place" && indicator === "share_eb" ? "share" : indicator;
  }

  /** { list, status, count, about } of all years, or null where the level lacks it. */
  function series(chain, base, level, indicator, about) {
    const key = actual(level, indicator);
    const panel = level === "place" ? chain : chain.levels[level];
    const list = page.own(panel, key) || chain.extras?.get(key)?.[level];
    if (!list) return null;
    const status = SHARES.has(key) || about.confidential ? panel.shareStatus : panel.status;
    return { list, status, panel, count: countOf(base, level), key, about };
  }

  function countOf(base, level) {
    return level === "place" ? base.places : base.byKey.get(level).count;
  }

  /** Which territory of a level holds a place; -1 is none. */
  function territoryOf(base, level, place) {
    return level === "place" ? place : base.byKey.get(level).of[place];
  }

  /** A stored number as it is read: 48,2% or 1,25. */
  function write(steps, about, language, signed = false) {
    const writer = signed ? format.signed : format.number;
    const value = about.percent ? (100 * steps) / about.steps : steps / about.steps;
    return writer(value, language, about.decimals) + (about.percent && !signed ? "%" : "");
  }

  /** How many steps are one unit as shown. */
  const perUnit = (about) => (about.percent ? about.steps / 100 : about.steps);

  return { SHARES, actual, series, countOf, territoryOf, write, perUnit };
})();
