/* A territory beside its province, its region, Italy and places like it: the same figure for each. */

const benchmarks = (() => {
  /** Rows { label, value, change }: shares of 1, or firms per 1,000 inhabitants. */
  function rows(atlas, unit) {
    const { words, base, state } = atlas;
    const found = [one(atlas, state.level, unit, atlas.nameOf(unit))];
    if (state.level === "place") {
      const [province, region] = [base.province[unit], base.region[unit]];
      found.push(
        one(atlas, "province", province, `${words.atlas.row_province}: ${base.province_names[province]}`),
      );
      found.push(one(atlas, "region", region, `${words.atlas.row_region}: ${base.region_names[region]}`));
    }
    found.push(one(atlas, "country", 0, words.atlas.country));
    if (state.level === "place" && atlas.chain.alike) found.push(likes(atlas, unit));
    return found;
  }

  function one(atlas, level, unit, label) {
    const { base, chain, facts } = atlas;
    const panel = level === "place" ? chain : chain.levels[level];
    const count = figures.countOf(base, level);
    const at = (year) => facts.years.indexOf(year) * count + unit;
    const of = (year) => (facts.signal ? panel.share[at(year)] / 1000 : panel.firms_per_1000[at(year)] / 100);
    return { label, value: of(atlas.state.year), change: changeOf(atlas, of) };
  }

  /** Similar places together, as the study compares with them. */
  function likes(atlas, place) {
    const { words, facts, base, chain } = atlas;
    const scale = facts.signal ? 1000 : 100;
    const of = (year) => chain.alike[facts.years.indexOf(year) * base.places + place] / scale;
    const label = format.fill(words.controls.similar, {
      n: format.number(atlas.similarNumber[place], atlas.language),
    });
    return { label, value: of(atlas.state.year), change: changeOf(atlas, of) };
  }

  /** Sums over places: a share only where both of its counts are published. */
  function pooled(chain, from, members, population) {
    const sums = { digital: 0, known: 0, firms: 0, people: 0, shown: 0, withheld: 0 };
    for (const place of members) {
      const at = from + place;
      if (!Number.isNaN(chain.firms[at])) {
        sums.firms += chain.firms[at];
        sums.people += population[place] || 0;
      }
      if (chain.shareStatus[at] === 4) sums.withheld++;
      if (Number.isNaN(chain.digital[at]) || Number.isNaN(chain.known[at])) continue;
      sums.digital += chain.digital[at];
      sums.known += chain.known[at];
      sums.shown++;
    }
    return sums;
  }

  function changeOf(atlas, of) {
    const [first, last] = changes.years(atlas.changeState());
    const variables = atlas.facts.signal ? ["share", "share_eb", "digital"] : ["firms"];
    if (atlas.facts.signal && !changes.sameVersion(atlas.facts, [first, last])) return NaN;
    if (changes.broken(atlas.loaded, atlas.state.chain, [first, last], variables)) return NaN;
    return of(last) - of(first);
  }

  function signed(atlas, change) {
    const { language, facts } = atlas;
    return facts.signal ? format.signed(100 * change, language, 1) : format.signed(change, language, 2);
  }

  return { rows, pooled, signed };
})();
