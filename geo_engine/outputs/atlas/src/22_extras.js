/* Further indicators of a chain, one at a time: the other side of extras.py. */

const extras = (() => {
  const { nearest } = columns;

  /** { place, province, ... }: values by level, null where a level lacks the indicator. */
  function decode(bytes, key, steps, chain, base) {
    const read = codec.reader(bytes);
    const found = { place: readOne(read, key, steps, chain, base.places, base.years) };
    for (const level of base.levels) {
      const panel = chain.levels[level.key];
      found[level.key] = readOne(read, key, steps, panel, level.count, base.years);
    }
    if (!read.done()) throw new RangeError("the indicator does not end where it should");
    return found;
  }

  function readOne(read, key, steps, panel, count, years) {
    if (!read.next()) return null;
    if (key === "digital_gap" && panel.share_eb) {
      const reference = read.signs(years);
      return read.nullable(count * years, (i) => reference[Math.floor(i / count)] - panel.share_eb[i]);
    }
    const derived = page.own(DERIVED, key);
    const expected = derived
      ? (i) => nearest(derived(panel, i, count), steps)
      : (i, soFar) => (i < count ? NaN : soFar[i - count]);
    return read.nullable(count * years, expected);
  }

  const DERIVED = {
    share_at_least: (panel, i) => panel.digital[i] / panel.firms[i],
    share_at_most: (panel, i) => (panel.digital[i] + (panel.firms[i] - panel.known[i])) / panel.firms[i],
    share_unknown: (panel, i) => (panel.firms[i] - panel.known[i]) / panel.firms[i],
    growth: (panel, i, count) => (i < count ? NaN : panel.firms[i] / panel.firms[i - count] - 1),
  };

  return { decode };
})();
