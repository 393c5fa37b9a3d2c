/* Municipalities and the territories above them, as every view needs them. */

const territories = (() => {
  /** Join what was unpacked: places, levels, years. */
  function makeBase(places, levels, years, parts = 1) {
    const base = {
      ...places,
      places: places.code.length,
      years,
      parts,
      regions: levels.find((level) => level.key === "region").names.length,
      levels: levels.map((level) => ({ ...level, count: level.names.length })),
      sigla: places.province.map((province) => places.province_sigle[province]),
      position: new Map(places.code.map((code, i) => [code, i])),
    };
    base.plain = base.name.map((name, i) => format.plain(`${name} ${base.name_other[i]}`));
    base.byKey = new Map(base.levels.map((level) => [level.key, level]));
    const people = new Map([["place", base.population]]);
    base.peopleOf = (key) => {
      if (!people.has(key)) people.set(key, sums(base, key));
      return people.get(key);
    };
    return base;
  }

  function sums(base, key) {
    const { of, count } = base.byKey.get(key);
    const found = new Array(count).fill(0);
    of.forEach((unit, place) => {
      if (unit >= 0) found[unit] += base.population[place];
    });
    return found;
  }

  /** All firms of the study in each place and year, for the quotients of a universe. */
  async function totals(packed, base) {
    const found = codec.reader(await codec.unpack(packed)).signs(base.places * base.years);
    for (let i = base.places; i < found.length; i++) found[i] += found[i - base.places];
    return found;
  }

  /** The municipalities of a territory. */
  function members(base, level, unit) {
    if (level === "place") return [unit];
    const found = [];
    base.byKey.get(level).of.forEach((one, place) => {
      if (one === unit) found.push(place);
    });
    return found;
  }

  return { makeBase, totals, members };
})();
