/* Pieces of the page. Text enters by textContent only. */

const page = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);

  /** An element with attributes and children; strings become text. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  function drawing(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  /** A key of the legend; its color is set by the style object, which the policy allows. */
  function swatch(kind, color) {
    const key = make("span", { class: `swatch ${kind}`, "aria-hidden": "true" });
    if (color && kind === "outline") key.style.borderColor = color;
    else if (color) key.style.backgroundColor = color;
    return key;
  }

  /** Keep "(q < 0,05)" on one line. */
  function unbroken(text) {
    return text
      .split(/(\(q [^)]*\))/)
      .filter(Boolean)
      .map((part) => (part.startsWith("(q ") ? make("span", { class: "whole" }, part) : part));
  }

  function legend(atlas, box) {
    const { words, language, shown } = atlas;
    const rows = [];
    const row = (kind, color, text, count) => {
      const number = count === undefined ? "" : format.number(count, language);
      rows.push(
        make("li", {}, swatch(kind, color), make("span", {}, ...unbroken(text)), make("b", {}, number)),
      );
    };
    const labels = classLabels(atlas);
    const order = labels.map((_, code) => code);
    if (shown.kind === "values" || shown.kind === "change") order.reverse();
    for (const code of order) row("fill", shown.colors[code], labels[code], shown.counts[code]);
    const cluster = shown.kind === "clusters" || shown.kind === "concentration";
    const share = shown.kind === "values" && shown.variable === "share";
    const missing = cluster ? words.atlas.untestable : words.atlas[share ? "missing_share" : "missing"];
    const gaps = [
      ["missing", view.MISSING, missing],
      ["suppressed", view.SUPPRESSED, words.atlas.suppressed],
      ["uncovered", view.NOT_COVERED, words.atlas.not_covered],
    ];
    for (const [kind, code, text] of gaps) {
      if (shown.counts[code] || kind === "missing") row(kind, "", text, shown.counts[code]);
    }
    for (const [color, text] of outlineLabels(atlas)) row("outline", color, text);
    const notes = summary(atlas).map((text) => make("p", {}, text));
    box.replaceChildren(
      make("p", { class: "of-chain" }, atlas.chainName()),
      make("h2", {}, legendTitle(atlas)),
      make("ul", {}, ...rows),
      ...notes,
    );
  }

  function legendTitle(atlas) {
    const { words, state, shown } = atlas;
    const key = {
      values: state.indicator,
      clusters: "clusters",
      concentration: "concentration",
      change: `change_${shown.variable}`,
    }[shown.kind];
    const title = format.fill(words.legends[key], atlas.names());
    const capital = title.charAt(0).toUpperCase() + title.slice(1);
    return shown.kind === "change" ? capital : `${capital}, ${state.year}`;
  }

  function classLabels(atlas) {
    const { words, language, shown } = atlas;
    if (shown.names) {
      const set = shown.kind === "clusters" ? words.clusters : words.concentration;
      return shown.names.map((name) => set[name]);
    }
    const ends = shown.breaks.map((end) => value(end, shown, language));
    const count = shown.breaks.length + 1;
    if (count === 1) return [shown.kind === "change" ? "" : words.atlas.class_any];
    return Array.from({ length: count }, (_, code) => {
      const limits = { low: ends[code - 1], high: ends[code] };
      if (code === 0) return format.fill(words.atlas.class_below, limits);
      if (code === count - 1) return format.fill(words.atlas.class_above, limits);
      return format.fill(words.atlas.class_between, limits);
    });
  }

  /** A number of the map in its own unit. */
  function value(whole, shown, language) {
    const change = shown.kind === "change";
    const write = change ? format.signed : format.number;
    if (shown.steps === 1000 && shown.variable === "share") {
      return write(whole / 10, language, 1) + (change ? "" : "%");
    }
    return write(whole / shown.steps, language, shown.steps === 1000 ? 3 : 2);
  }

  function outlineLabels(atlas) {
    const { words, shown, language, facts } = atlas;
    const alpha = { alpha: format.threshold(facts.alpha, language) };
    const used = shown.outlines.map(({ inside }) => inside.includes(1));
    if (shown.kind === "change") {
      return shown.outlines
        .filter((_, i) => used[i])
        .slice(0, 1)
        .map(({ color }) => [color, words.atlas.contour_change]);
    }
    const suffix = shown.variable === "share" ? "" : "_firms";
    return shown.outlines
      .map(({ color }, i) => [
        color,
        format.fill(words.atlas[(i ? "contour_low" : "contour_high") + suffix], alpha),
      ])
      .filter((_, i) => used[i]);
  }

  /** How many tests, how many significant, how many by chance. */
  function summary(atlas) {
    const { words, language, shown, facts, state, data } = atlas;
    if (shown.kind === "change") return [];
    const map = data.maps[`${shown.variable}/${state.chain}`];
    const at = facts.years.indexOf(state.year);
    if (!map.tested[at]) return [];
    const write = (n) => format.number(n, language);
    return [
      format.fill(words.atlas.significant, {
        n: write(map.significant[at]),
        alpha: format.percent(facts.alpha, language).replace(/[.,]0%/, "%"),
      }),
      `${format.fill(words.atlas.tested, { n: write(map.tested[at]) })}; ${format.fill(
        words.atlas.expected,
        { n: write(map.expected_below_005[at]) },
      )}`,
      ...(map.moran_i[at] === null
        ? []
        : [
            format.fill(words.atlas.moran_global, {
              i: format.number(map.moran_i[at], language, 3),
              p: format.small(map.moran_p[at], language).replace("<", "< "),
            }),
          ]),
    ];
  }

  /** A line over the years; gaps stay gaps. */
  function trend(years, list, label, language, unit) {
    const [width, height, pad] = [300, 96, 22];
    const finite = list.filter((number) => !Number.isNaN(number));
    if (finite.length < 2) return null;
    const top = Math.max(...finite);
    const low = Math.min(0, ...finite);
    const x = (i) => pad + (i * (width - 2 * pad)) / (years.length - 1);
    const y = (number) => height - pad - ((number - low) / (top - low || 1)) * (height - 2 * pad);
    const parts = [];
    let line = "";
    list.forEach((number, i) => {
      if (Number.isNaN(number)) return;
      const joined = i > 0 && !Number.isNaN(list[i - 1]);
      line += `${joined ? "L" : "M"}${x(i).toFixed(1)} ${y(number).toFixed(1)}`;
      parts.push(drawing("circle", { cx: x(i), cy: y(number), r: 3 }));
    });
    const text = (at, place, anchor, content) =>
      drawing("text", { x: at, y: place, "text-anchor": anchor }, content);
    const last = list.findLastIndex((number) => !Number.isNaN(number));
    const spoken = years
      .map((year, i) => `${year}: ${Number.isNaN(list[i]) ? "-" : unit(list[i])}`)
      .join("; ");
    return drawing(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, class: "trend", role: "img", "aria-label": `${label}. ${spoken}` },
      drawing("path", { d: `M${pad} ${height - pad}H${width - pad}`, class: "axis" }),
      drawing("path", { d: line, class: "line" }),
      ...parts,
      text(x(0), height - 6, "middle", String(years[0])),
      text(x(years.length - 1), height - 6, "middle", String(years[years.length - 1])),
      text(x(last), Math.max(y(list[last]) - 7, 11), "end", unit(list[last])),
    );
  }

  return { byId, make, legend, legendTitle, classLabels, summary, trend, value, swatch };
})();
