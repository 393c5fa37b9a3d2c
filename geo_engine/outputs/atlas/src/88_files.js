/* Files made in the page: the table as CSV, the map as SVG and PNG. */

const files = (() => {
  /** A cell that no spreadsheet takes for a formula. */
  function cell(value, mark) {
    if (typeof value === "number") return Number.isNaN(value) ? "" : String(value).replace(".", mark);
    const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
    return `"${safe.replaceAll('"', '""')}"`;
  }

  /** Semicolons and commas in Italian, commas and points in English; for spreadsheets as for programs. */
  function csv(heads, rows, language) {
    const [separator, mark] = language === "it" ? [";", ","] : [",", "."];
    const lines = [heads, ...rows].map((row) => row.map((value) => cell(value, mark)).join(separator));
    return `\uFEFF${lines.join("\r\n")}\r\n`;
  }

  /** The table as it is filtered and sorted, with what every row needs to be understood alone. */
  function tableRows(atlas, units) {
    const { words, state, base, facts } = atlas;
    const { controls } = words;
    const atPlace = state.level === "place";
    const further = atPlace ? standing.columnsOf(atlas) : [];
    const heads = [
      controls.csv_code,
      controls.col_name,
      ...(atPlace ? [controls.col_province, controls.col_region] : []),
      words.atlas.chain,
      words.atlas.year,
      controls.universe,
      legend.title(atlas, state, atlas.shown),
      controls.csv_status,
      ...(facts.signal
        ? [controls.csv_low, controls.csv_high, controls.csv_digital, controls.col_known]
        : []),
      page.capital(words.units[facts.unit]),
      ...(atPlace ? [controls.col_test, ...further.map((column) => column.head)] : []),
      ...(facts.simulated ? [controls.csv_note] : []),
    ];
    const rows = units.map((unit) => {
      const { panel, at } = atlas.where(unit);
      const [low, high] = facts.signal ? table.ends(atlas, unit) : [NaN, NaN];
      return [
        atPlace ? base.code[unit] : base.byKey.get(state.level).codes[unit],
        atlas.plainName(unit),
        ...(atPlace ? [base.sigla[unit], base.region_names[base.region[unit]]] : []),
        atlas.chainName(),
        state.year,
        atlas.universeName(),
        plainValue(atlas, unit),
        sayings.statusText(atlas, panel.status[at]),
        ...(facts.signal ? [round(low), round(high), panel.digital[at], panel.known[at]] : []),
        panel.firms[at],
        ...(atPlace ? [table.verdict(atlas, unit), ...further.map(({ text }) => text(unit))] : []),
        ...(facts.simulated ? [words.atlas.simulated] : []),
      ];
    });
    return { heads, rows };
  }

  const round = (value) => Math.round(value * 1000) / 1000;

  /** The map's own number, or its class in words. */
  function plainValue(atlas, unit) {
    const { shown } = atlas;
    if (shown.names && shown.kind !== "robustness") {
      const code = shown.units[unit];
      return code < view.MISSING
        ? atlas.className(shown.kind, shown.names[code])
        : sayings.figure(atlas, unit);
    }
    if (shown.kind === "robustness")
      return atlas.chain.robustness[atlas.year() * atlas.base.places + unit] / 100;
    const found = atlas.series();
    const steps =
      shown.kind === "change"
        ? shown.list[unit]
        : found
          ? found.list[atlas.year() * found.count + unit]
          : NaN;
    return steps / shown.about.steps;
  }

  function save(parts, type, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([parts], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /** A file name of plain letters. */
  function nameOf(atlas, ending) {
    const { state } = atlas;
    const parts = ["atlante", state.chain, state.map === "values" ? state.indicator : state.map, state.year];
    return `${parts.join("-").replace(/[^\w-]+/g, "_")}.${ending}`;
  }

  function listen(atlas, tables) {
    const { byId } = page;
    byId("save-csv").addEventListener("click", () => {
      tables.refresh();
      const { heads, rows } = tableRows(atlas, tables.state.units);
      save(csv(heads, rows, atlas.language), "text/csv;charset=utf-8", nameOf(atlas, "csv"));
    });
    byId("save-svg").addEventListener("click", () =>
      save(picture.svg(atlas), "image/svg+xml", nameOf(atlas, "svg")),
    );
    byId("save-png").addEventListener("click", async () =>
      save(await picture.png(atlas), "image/png", nameOf(atlas, "png")),
    );
  }

  return { cell, csv, listen };
})();
