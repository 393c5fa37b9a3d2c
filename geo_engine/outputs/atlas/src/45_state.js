/* What is chosen, and its form in the address. */

const choice = (() => {
  const KEYS = [
    ["universo", "universe"],
    ["filiera", "chain"],
    ["indicatore", "indicator"],
    ["anno", "year"],
    ["dal", "since"],
    ["mappa", "map"],
    ["livello", "level"],
    ["classi", "method"],
    ["soglie", "fixed"],
    ["incertezza", "unsure"],
    ["comune", "place"],
    ["confronta", "other"],
    ["territorio", "territory"],
    ["locali", "local"],
    ["lingua", "language"],
  ];
  const MAPS = {
    valori: "values",
    aree: "clusters",
    concentrazione: "concentration",
    variazione: "change",
    caldi: "hotcold",
    solidita: "robustness",
    bisogno: "need",
    specializzazione: "specialized",
  };
  const METHODS = { quantili: "quantile", naturali: "jenks", uguali: "equal", soglie: "fixed" };
  const LEVELS = { comuni: "place", province: "province", regioni: "region" };
  const WORDS = { map: MAPS, method: METHODS, level: LEVELS };
  const NUMBERS = new Set(["year", "since"]);
  const MOST = 500; // municipalities of an own territory

  /** allowed: { chain, indicator, ... } -> Set of what may be chosen in this atlas. */
  function read(hash, start, allowed) {
    const found = { ...start };
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    for (const [key, name] of KEYS) {
      if (!given.has(key)) continue;
      const value = understood(name, given.get(key), allowed);
      if (value !== undefined) found[name] = value;
    }
    return found;
  }

  function understood(name, text, allowed) {
    if (name === "territory") {
      const codes = [...new Set(text.split(","))].filter((code) => code && allowed.place.has(code));
      return codes.slice(0, MOST).sort().join(",");
    }
    if (name === "fixed") return /^[\d.,;%\s-]{0,80}$/.test(text) ? text : undefined;
    let value = text;
    if (WORDS[name]) value = WORDS[name][text] || text;
    if (NUMBERS.has(name)) value = Number(text);
    return allowed[name].has(value) ? value : undefined;
  }

  /** Only what differs from the opening view, and always chain, indicator, year and map. */
  function write(state, start) {
    const given = new URLSearchParams();
    const always = new Set(["chain", "indicator", "year", "map"]);
    for (const [key, name] of KEYS) {
      if (!always.has(name) && state[name] === start[name]) continue;
      given.set(key, spoken(name, state[name]));
    }
    return `#${given}`;
  }

  function spoken(name, value) {
    const words = WORDS[name] || {};
    return Object.keys(words).find((word) => words[word] === value) || String(value);
  }

  return { read, write };
})();
