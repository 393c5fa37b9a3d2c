/* What a choice needs, unpacked when it is first asked for and kept while there is room. */

const model = (() => {
  const KEPT = 6; // chains in memory
  const IDLE = 60; // milliseconds between two chains unpacked ahead

  /** The chain of a choice with all that the views look at. */
  async function load(atlas, state) {
    const set = await universe(atlas, state.universe);
    const chain = await chainOf(atlas, set, state.chain);
    const about = atlas.indicators.get(state.indicator);
    const key = figures.actual(state.level, state.indicator);
    if (!about.test) await extra(atlas, set, chain, state.chain, about);
    const made = {
      set,
      chain,
      about: key === state.indicator ? about : { ...atlas.indicators.get(key), test: about.test },
      base: set.base,
      facts: atlas.facts,
      edges: atlas.data.edges,
      year: atlas.facts.years.indexOf(state.year),
      seriesBreaks: atlas.data.series_breaks,
    };
    return { ...made, breaks: breaks(atlas, state, made) };
  }

  async function universe(atlas, key) {
    if (!atlas.sets.has(key)) {
      const packed = atlas.data.universes[key];
      const [totals, hotspots] = await Promise.all([
        territories.totals(packed.totals, atlas.base),
        codec.unpackJson(packed.hotspots),
      ]);
      atlas.sets.set(key, { ...packed, base: { ...atlas.base, totals }, hotspots: grouped(hotspots), key });
    }
    return atlas.sets.get(key);
  }

  function grouped(hotspots) {
    const groups = new Map();
    for (const area of hotspots) {
      const key = `${area.chain}/${area.year}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(area);
    }
    return groups;
  }

  async function chainOf(atlas, set, key) {
    const name = `${set.key}/${key}`;
    if (!atlas.chains.has(name)) {
      const bytes = await bytesOf(atlas, set, key);
      const chain = columns.decode(bytes, set.base);
      chain.extras = new Map();
      chain.kinds = kinds.decode(await codec.unpack(set.kinds[key]), chain, set.base);
      chain.alike = await alikeOf(atlas, set, key, chain);
      chain.breaks = new Map();
      if (atlas.chains.size >= KEPT) atlas.chains.delete(atlas.chains.keys().next().value);
      atlas.chains.set(name, chain);
    }
    return atlas.chains.get(name);
  }

  /** What similar places show together; null where the study has none. */
  async function alikeOf(atlas, set, key, chain) {
    if (!atlas.similar || !set.alike[key]) return null;
    const near = { near: atlas.similar, count: atlas.likes, shares: Boolean(atlas.facts.signal) };
    return kinds.alike(await codec.unpack(set.alike[key]), chain, set.base, near);
  }

  /** The bytes of a chain: small beside its figures, so all are kept once unpacked. */
  function bytesOf(atlas, set, key) {
    const name = `${set.key}/${key}`;
    if (!atlas.unpacked.has(name)) atlas.unpacked.set(name, codec.unpack(set.chains[key]));
    return atlas.unpacked.get(name);
  }

  /** Unpack the other chains while the reader looks at the first one. */
  async function warm(atlas) {
    const { set } = atlas;
    for (const { key } of atlas.facts.chains) {
      await new Promise((resolve) => setTimeout(resolve, IDLE));
      if (atlas.set !== set) return;
      await bytesOf(atlas, set, key);
    }
  }

  async function extra(atlas, set, chain, chainKey, about) {
    const number = page.own(set.extras[chainKey], about.key);
    if (number === undefined || chain.extras.has(about.key)) return;
    const bytes = await codec.unpack(set.pool[number]);
    chain.extras.set(about.key, extras.decode(bytes, about.key, about.steps, chain, set.base));
  }

  /** Breaks over all years of the level, or of the own territory; kept with the chain. */
  function breaks(atlas, state, made) {
    const { chain } = made;
    const inside = isLocal(state) ? state.territory : "";
    const key = [state.level, state.indicator, state.method, state.fixed, inside].join("/");
    if (!chain.breaks.has(key)) chain.breaks.set(key, breaksOf(state, valuesOf(atlas, state, made), made));
    return chain.breaks.get(key);
  }

  const isLocal = (state) => state.local === "si" && state.level === "place" && state.territory !== "";

  function breaksOf(state, values, { about }) {
    const fixed = state.method === "fixed" ? classes.parse(state.fixed, figures.perUnit(about)) : [];
    return classes.breaks(state.method, values, fixed);
  }

  function valuesOf(atlas, state, { chain, base, about }) {
    const found = figures.series(chain, base, state.level, state.indicator, about);
    if (!found) return [];
    return isLocal(state) ? onlyOf(found, atlas.territory(), atlas.facts.years.length) : found.list;
  }

  /** Breaks of two maps taken together: one color means one range on both. */
  function joint(atlas, state, models) {
    const lists = models.map((made) => valuesOf(atlas, state, made));
    return breaksOf(state, Float64Array.from(lists.flatMap((list) => [...list])), models[0]);
  }

  function onlyOf({ list, count }, members, years) {
    return Float64Array.from(
      { length: members.length * years },
      (_, i) => list[Math.floor(i / members.length) * count + members[i % members.length]],
    );
  }

  return { load, joint, universe, warm };
})();
