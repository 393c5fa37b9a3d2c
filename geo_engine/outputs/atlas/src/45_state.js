/* What is chosen, and its form in the address. */

const choice = (() => {
  const KEYS = [
    ["filiera", "chain"],
    ["indicatore", "indicator"],
    ["anno", "year"],
    ["mappa", "map"],
    ["comune", "place"],
    ["lingua", "language"],
  ];
  const MAPS = { valori: "values", aree: "clusters", concentrazione: "concentration", variazione: "change" };

  /** What may be chosen in this atlas: { chain, indicator, year, map, place, language } -> Set. */
  function read(hash, start, allowed) {
    const found = { ...start };
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    for (const [key, name] of KEYS) {
      if (!given.has(key)) continue;
      let value = given.get(key);
      if (name === "map") value = MAPS[value];
      if (name === "year") value = Number(value);
      if (allowed[name].has(value)) found[name] = value;
    }
    return found;
  }

  function write(state) {
    const given = new URLSearchParams();
    for (const [key, name] of KEYS) {
      let value = state[name];
      if (name === "map") value = Object.keys(MAPS).find((word) => MAPS[word] === value);
      if (value !== "") given.set(key, value);
    }
    return `#${given}`;
  }

  return { read, write };
})();
