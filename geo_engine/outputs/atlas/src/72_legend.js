/* The legend: classes with their counts, gaps, outlines, and how many marks chance would leave. */

const legend = (() => {
  const { make } = page;

  /** Rows { kind, color, text, count } of a map: for the page and for pictures. */
  function rows(atlas, shown = atlas.shown) {
    const { words } = atlas;
    const labels = classLabels(atlas, shown);
    const order = labels.map((_, code) => code);
    if (!shown.names || shown.kind === "robustness") order.reverse();
    const found = order.map((code) => ({
      kind: "fill",
      color: shown.colors[code],
      text: labels[code],
      count: shown.counts[code],
    }));
    const gaps = [
      ["missing", view.MISSING, missingText(atlas, shown)],
      ["suppressed", view.SUPPRESSED, words.atlas.suppressed],
      ["uncovered", view.NOT_COVERED, words.atlas.not_covered],
    ];
    for (const [kind, code, text] of gaps) {
      if (shown.counts[code] || kind === "missing")
        found.push({ kind, color: "", text, count: shown.counts[code] });
    }
    if (atlas.state.unsure === "si" && shown.unsure) {
      const count = shown.unsure.reduce((sum, one) => sum + one, 0);
      found.push({ kind: "unsure", color: "", text: words.controls[`unsure_${shown.kind}`], count });
    }
    for (const [color, text] of outlineLabels(atlas, shown)) found.push({ kind: "outline", color, text });
    return found;
  }

  function missingText(atlas, shown) {
    const { words } = atlas;
    if (shown.names && shown.variable) return words.atlas.untestable;
    return words.atlas[shown.kind === "values" && shown.variable === "share" ? "missing_share" : "missing"];
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

  function show(atlas, box) {
    const { language, words, shown } = atlas;
    const lines = rows(atlas).map(({ kind, color, text, count }) => {
      const number = count === undefined ? "" : format.number(count, language);
      return make("li", {}, swatch(kind, color), make("span", {}, ...unbroken(text)), make("b", {}, number));
    });
    const counted = make(
      "p",
      { class: "counted" },
      format.fill(words.controls.counted, { level: levelName(atlas) }),
    );
    box.replaceChildren(
      make("p", { class: "of-chain" }, atlas.chainName()),
      make("h2", {}, title(atlas, atlas.state, shown)),
      counted,
      make("ul", {}, ...lines),
      ...summary(atlas).map((text) => make("p", {}, text)),
      ...about(atlas),
    );
  }

  /** What the indicator is, where it comes from: on demand. */
  function about(atlas) {
    const { words, shown } = atlas;
    if (shown.kind !== "values" && shown.kind !== "change") return [];
    const row = atlas.about;
    const say = (key) => format.fill(atlas.inLanguage(row, key), atlas.names());
    const parts = [
      say("definition"),
      `${words.controls.unit}: ${atlas.unitOf(row)}`,
      `${words.controls.formula}: ${row.formula}`,
      `${words.controls.source}: ${atlas.sourceOf(row)}`,
    ];
    const more = make(
      "details",
      { id: "about-indicator" },
      make("summary", {}, words.controls.about_indicator),
    );
    more.append(...parts.filter((text) => text.trim()).map((text) => make("p", {}, text)));
    return [more];
  }

  function levelName(atlas) {
    return atlas.levelName(atlas.state.level);
  }

  function title(atlas, state, shown) {
    const { words } = atlas;
    if (shown.kind === "change") return changeTitle(atlas, state, shown);
    const text = shown.names
      ? format.fill(words.legends[shown.kind] || words.controls[`title_${shown.kind}`], atlas.names())
      : atlas.indicatorTitle(state);
    return `${page.capital(text)}, ${state.year}`;
  }

  function changeTitle(atlas, state, shown) {
    const [first, last] = changes.years(state);
    const names = { ...atlas.names(), first, last };
    if (!shown.variable) {
      return page.capital(
        format.fill(atlas.words.controls.change_other, { ...names, indicator: atlas.indicatorTitle(state) }),
      );
    }
    return page.capital(format.fill(atlas.words.legends[`change_${shown.variable}`], names));
  }

  function classLabels(atlas, shown) {
    const { words, language } = atlas;
    if (shown.names) return shown.names.map((name) => atlas.className(shown.kind, name));
    const change = shown.kind === "change";
    const ends = shown.breaks.map((end) => figures.write(end, shown.about, language, change));
    const count = shown.breaks.length + 1;
    if (count === 1) return [change ? "" : words.atlas.class_any];
    return Array.from({ length: count }, (_, code) => {
      const limits = { low: ends[code - 1], high: ends[code] };
      if (code === 0) return format.fill(words.atlas.class_below, limits);
      if (code === count - 1) return format.fill(words.atlas.class_above, limits);
      return format.fill(words.atlas.class_between, limits);
    });
  }

  function outlineLabels(atlas, shown) {
    const { words, language, facts } = atlas;
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
    const { words, language, shown, facts, state } = atlas;
    if (shown.kind === "change" || !shown.variable || state.level !== "place") return [];
    const map = atlas.set.maps[`${shown.variable}/${state.chain}`];
    const at = facts.years.indexOf(state.year);
    if (!map.tested[at]) return [];
    const write = (n) => format.number(n, language);
    const found = [
      format.fill(words.atlas.significant, {
        n: write(map.significant[at]),
        alpha: format.percent(facts.alpha, language).replace(/[.,]0%/, "%"),
      }),
      ...(map.significant[at] ? [expectedFalse(atlas, map.significant[at])] : []),
      `${format.fill(words.atlas.tested, { n: write(map.tested[at]) })}; ${format.fill(words.atlas.expected, {
        n: write(map.expected_below_005[at]),
      })}`,
    ];
    if (map.moran_i[at] !== null) {
      found.push(
        format.fill(words.atlas.moran_global, {
          i: format.number(map.moran_i[at], language, 3),
          p: format.small(map.moran_p[at], language).replace("<", "< "),
        }),
      );
    }
    return found;
  }

  /** Of the marks that stand, how many are false on average at most. */
  function expectedFalse({ words, facts, language }, marks) {
    return format.fill(words.controls.expected_false, {
      n: format.number(Math.ceil(marks * facts.alpha - 1e-9), language),
    });
  }

  return { show, rows, title, summary };
})();
