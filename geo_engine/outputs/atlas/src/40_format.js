/* Numbers and sentences; sentences.py makes the same ones. */

const format = (() => {
  const FEW = 10;
  const cache = new Map();

  function formatter(language, decimals, least) {
    const key = `${language}/${decimals}/${least}`;
    if (!cache.has(key)) {
      const options = {
        minimumFractionDigits: least,
        maximumFractionDigits: decimals,
        useGrouping: "always",
      };
      cache.set(key, new Intl.NumberFormat(language === "it" ? "it-IT" : "en-GB", options));
    }
    return cache.get(key);
  }

  /** 1.234,5 in Italian, 1,234.5 in English; never "-0". */
  function number(value, language, decimals = 0) {
    const scale = 10 ** decimals;
    const size = Math.floor(Math.abs(value) * scale + 0.5 + 1e-9) / scale;
    const text = formatter(language, decimals, decimals).format(size);
    return value < 0 && size !== 0 ? `-${text}` : text;
  }

  /** Firms: whole, or with a decimal where firms are divided among chains. */
  const count = (value, language) => number(value, language, Number.isInteger(value) ? 0 : 1);

  /** The same with a plus sign where more than zero. */
  function signed(value, language, decimals = 0) {
    const text = number(value, language, decimals);
    return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
  }

  /** 48,2% from a share of 1. */
  const percent = (share, language) => `${number(100 * share, language, 1)}%`;

  /** A threshold as short as it is: 0,05. */
  const threshold = (value, language) => formatter(language, 4, 0).format(value);

  /** <0,001, three decimals, or "<0,05" just below a level that rounding would reach. */
  function small(value, language) {
    if (value < 0.001) return `<${number(0.001, language, 3)}`;
    const level = Math.round(value * 100) / 100;
    const reached = value < level && Math.round(value * 1000) / 1000 === level;
    return reached ? `<${number(level, language, 2)}` : number(value, language, 3);
  }

  /** The bin of a p or q: "< 0,05", or "≥ 0,1". */
  function bin(code, edges, language) {
    if (code > edges.length) return `≥ ${threshold(edges[edges.length - 1], language)}`;
    return `< ${threshold(edges[code - 1], language)}`;
  }

  /** Put values in a template once: a value that looks like a placeholder stays as it is. */
  function fill(template, values) {
    return template.replace(/\{(\w+)\}/g, (whole, key) =>
      Object.hasOwn(values, key) ? String(values[key]) : whole,
    );
  }

  function places(count, words, language) {
    const form = count === 1 ? "count_one" : "count_many";
    return fill(words.atlas[form], { n: number(count, language) });
  }

  /** What a hotspot is, how much, how sure, and what it does not mean. */
  function hotspotSentence(hotspot, signal, words, language) {
    const values = {
      places: places(hotspot.places, words, language),
      signal,
      q: small(hotspot.min_q_value, language),
    };
    const figures = [hotspot.share, hotspot.share_outside, hotspot.digital, hotspot.known];
    if (figures.some((figure) => figure === null)) {
      return fill(words.sentences.hotspot_suppressed, values);
    }
    Object.assign(values, {
      share: percent(hotspot.share, language),
      outside: percent(hotspot.share_outside, language),
      digital: count(hotspot.digital, language),
      known: count(hotspot.known, language),
    });
    const sentence = fill(words.sentences.hotspot, values);
    return hotspot.known < FEW ? `${sentence} ${words.sentences.hotspot_few}` : sentence;
  }

  /** How a hotspot stands under other choices; nothing of what was not tried. */
  function probesSentence(hotspot, words, language) {
    const said = [];
    if (hotspot.robustness !== null) {
      said.push(fill(words.sentences.robust, { robustness: percent(hotspot.robustness, language) }));
    }
    const leftOut = hotspot.places === 1 ? "without_neighbor" : "without_main";
    for (const [kind, found] of [
      ["province_scale", hotspot.province_scale],
      [leftOut, hotspot.without_main],
    ]) {
      const sentence = words.sentences[`${kind}_${found}`];
      if (sentence) said.push(sentence);
    }
    return said.join(" ");
  }

  /** No area is significant, and what chance alone would have shown. */
  function emptySentence(tested, expected, words, language, reason = "") {
    if (!tested) {
      const why = words.sentences[`reason_${reason}`];
      return why ? `${words.sentences.untested} ${why}` : words.sentences.untested;
    }
    const count = Math.floor(expected + 0.5);
    const values = {
      tested: number(tested, language),
      expected: places(count, words, language),
    };
    return fill(words.sentences[count === 1 ? "empty_one" : "empty"], values);
  }

  /** For searching: no accents, no case, no punctuation. */
  function plain(text) {
    return text
      .normalize("NFD")
      .replace(/\p{M}/gu, "")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim();
  }

  return {
    FEW,
    number,
    count,
    signed,
    percent,
    threshold,
    small,
    bin,
    fill,
    places,
    hotspotSentence,
    probesSentence,
    emptySentence,
    plain,
  };
})();
