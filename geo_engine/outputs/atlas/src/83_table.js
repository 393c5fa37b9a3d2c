/* The map's twin: all territories in a table that sorts, filters, and draws only what is seen. */

const table = (() => {
  const { make, byId } = page;
  const ROW = 36; // pixels, as panels.css has it
  const SPARE = 8;
  const collator = new Intl.Collator("it");

  /** One column: its key, its head, its text, and what it sorts by (NaN and "" last). */
  function columnsOf(atlas) {
    const { words, state, facts, base } = atlas;
    const { controls } = words;
    const number = (value) => (Number.isNaN(value) ? "–" : format.count(value, atlas.language));
    const count = (key) => (unit) => atlas.where(unit).panel[key][atlas.where(unit).at];
    const plain = (key, head, text) => ({ key, head, text, by: text });
    const counted = (key, head) => ({ key, head, text: (unit) => number(count(key)(unit)), by: count(key) });
    const made = (key, head, text, by) => ({
      key,
      head,
      text: (unit) => text(atlas, unit),
      by: (unit) => by(atlas, unit),
    });
    const region = (unit) => base.region_names[base.region[unit]];
    const municipal = state.level === "place";
    return [
      plain("name", controls.col_name, (unit) => atlas.plainName(unit)),
      municipal && plain("province", controls.col_province, (unit) => base.sigla[unit]),
      municipal && plain("region", controls.col_region, region),
      made("value", heading(atlas), short, sortValue),
      facts.signal && made("interval", controls.col_interval, interval, (...given) => ends(...given)[0]),
      facts.signal && counted("known", controls.col_known),
      counted("firms", page.capital(words.units[facts.unit])),
      municipal && made("test", controls.col_test, verdict, verdictRank),
      ...(municipal ? standing.columnsOf(atlas) : []),
    ].filter(Boolean);
  }

  /** The map's name, shorter than its legend's. */
  function heading(atlas) {
    const { state, shown } = atlas;
    if (shown.kind !== "values") return legend.title(atlas, state, shown);
    return `${atlas.indicatorName(figures.actual(state.level, state.indicator))}, ${state.year}`;
  }

  function short(atlas, unit) {
    const { shown } = atlas;
    if (shown.names && shown.kind !== "robustness") {
      const code = shown.units[unit];
      return code < view.MISSING
        ? atlas.className(shown.kind, shown.names[code])
        : sayings.figure(atlas, unit);
    }
    if (shown.kind !== "change") return sayings.figure(atlas, unit);
    const value = shown.list[unit];
    return Number.isNaN(value)
      ? sayings.figure(atlas, unit)
      : figures.write(value, shown.about, atlas.language, true);
  }

  function sortValue(atlas, unit) {
    const { shown } = atlas;
    if (shown.kind === "change") return shown.list[unit];
    if (shown.kind === "robustness") return atlas.chain.robustness[atlas.year() * atlas.base.places + unit];
    if (shown.names) return shown.units[unit] < view.MISSING ? -shown.units[unit] : NaN;
    const found = atlas.series();
    return found ? found.list[atlas.year() * found.count + unit] : NaN;
  }

  /** Ends of the share's interval in shares of 1. */
  function ends(atlas, unit) {
    const { panel, at } = atlas.where(unit);
    if (atlas.state.level === "place") return [atlas.chain.low[at] / 1000, atlas.chain.high[at] / 1000];
    return sayings.wilson(panel.digital[at], panel.known[at]);
  }

  function interval(atlas, unit) {
    const [low, high] = ends(atlas, unit);
    if (Number.isNaN(low)) return "–";
    const write = (value) => format.number(100 * value, atlas.language, 1);
    return `${write(low)}-${write(high)}`;
  }

  const testOf = (atlas) =>
    atlas.chain.tests[atlas.shown.variable || (atlas.facts.signal ? "share" : "firms")];

  function verdict(atlas, unit) {
    const tests = testOf(atlas);
    const at = atlas.year() * atlas.base.places + unit;
    if (!tests.q[at]) return "–";
    const q = `q ${format.bin(tests.q[at], atlas.data.edges, atlas.language)}`;
    if (!(tests.mark[at] % 2)) return q;
    const name = ["", "HH", "LL", "LH", "HL"][tests.mark[at] >> 1];
    return name ? `${atlas.words.quadrants[name]} (${q})` : q;
  }

  /** Hotspots first, then by q. */
  function verdictRank(atlas, unit) {
    const tests = testOf(atlas);
    const at = atlas.year() * atlas.base.places + unit;
    if (!tests.q[at]) return NaN;
    return (tests.mark[at] % 2 ? 1000 - 10 * (tests.mark[at] >> 1) : 0) - tests.q[at];
  }

  /** The territories that pass the filters, in order. */
  function select(atlas, columns, order) {
    const { base, state } = atlas;
    const count = figures.countOf(base, state.level);
    const [region, province] = [byId("table-region").value, byId("table-province").value];
    const query = format.plain(byId("table-text").value);
    const only = byId("table-only").checked;
    const found = [];
    for (let unit = 0; unit < count; unit++) {
      if (state.level === "place") {
        if (outside(atlas, unit)) continue;
        if (region && base.region_names[base.region[unit]] !== region) continue;
        if (province && base.province_sigle[base.province[unit]] !== province) continue;
        if (only && !(testOf(atlas).mark[atlas.year() * base.places + unit] % 2)) continue;
      }
      if (query && !format.plain(atlas.plainName(unit)).includes(query)) continue;
      found.push(unit);
    }
    const column = columns.find((one) => one.key === order.key) || columns[0];
    return sorted(found, column.by, order.down);
  }

  /** Outside the coverage of a study that has one there is nothing to list. */
  function outside(atlas, unit) {
    const { panel, at } = atlas.where(unit);
    return !atlas.facts.is_national && panel.status[at] === view.STATUS_NOT_COVERED;
  }

  function sorted(units, by, down) {
    const keys = new Map(units.map((unit) => [unit, by(unit)]));
    const gone = (key) => key === "" || Number.isNaN(key);
    const compare = (a, b) => (typeof a === "string" ? collator.compare(a, b) : a - b);
    return units.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      if (gone(x) || gone(y)) return gone(x) - gone(y) || a - b;
      return (down ? -compare(x, y) : compare(x, y)) || a - b;
    });
  }

  function listen(atlas) {
    const self = { order: { key: "name", down: false }, units: [], columns: [] };
    const box = byId("table-box");
    const redraw = () => rows(atlas, self);
    const all = () => fill(atlas, self);
    box.addEventListener("scroll", redraw, { passive: true });
    for (const id of ["table-province", "table-only"]) byId(id).addEventListener("change", all);
    byId("table-region").addEventListener("change", () => {
      provinces(atlas);
      all();
    });
    byId("table-text").addEventListener("input", all);
    byId("table-head").addEventListener("click", (event) => {
      const key = event.target.closest("button")?.dataset.key;
      if (!key) return;
      const text = key === "name" || key === "province" || key === "region";
      const down = self.order.key === key ? !self.order.down : !text;
      self.order = { key, down };
      all();
      byId("table-head").querySelector(`[data-key="${key}"]`).focus();
    });
    byId("table-body").addEventListener("click", (event) => {
      const unit = event.target.closest("button")?.dataset.unit;
      if (unit !== undefined) atlas.chooseUnit(Number(unit), true);
    });
    byId("table-section").addEventListener("toggle", all);
    provinces(atlas);
    return { refresh: all, state: self };
  }

  /** Provinces of the chosen region, or all. */
  function provinces(atlas) {
    const { base, words } = atlas;
    const region = byId("table-region").value;
    const inside = new Set(base.region_names.flatMap((name, i) => (!region || name === region ? [i] : [])));
    const rowsOf = base.province_names
      .map((name, i) => [base.province_sigle[i], name, base.region[base.province.indexOf(i)]])
      .filter(([, , own]) => inside.has(own))
      .sort((a, b) => a[1].localeCompare(b[1], "it"));
    const kept = byId("table-province").value;
    const pairs = [
      ["", words.controls.all_provinces],
      ...rowsOf.map(([sigla, name]) => [sigla, `${name} (${sigla})`]),
    ];
    page.options(byId("table-province"), pairs, pairs.some(([key]) => key === kept) ? kept : "");
  }

  function fill(atlas, self) {
    if (!byId("table-section").open) return;
    const { words, language } = atlas;
    self.columns = columnsOf(atlas);
    self.units = select(atlas, self.columns, self.order);
    byId("table-head").replaceChildren(...self.columns.map((column) => headOf(column, self.order)));
    byId("table-count").textContent = format.fill(words.controls.rows, {
      n: format.number(self.units.length, language),
    });
    byId("table-grid").setAttribute("aria-rowcount", String(self.units.length + 1));
    for (const id of ["table-region", "table-province", "table-only"])
      byId(id).closest("label").hidden = atlas.state.level !== "place";
    byId("table-box").scrollTop = 0;
    rows(atlas, self);
  }

  function headOf(column, order) {
    const own = column.key === order.key;
    const arrow = own ? (order.down ? " ▼" : " ▲") : "";
    const head = make(
      "th",
      { scope: "col", class: `col-${column.key}` },
      make("button", { type: "button", "data-key": column.key }, `${column.head}${arrow}`),
    );
    if (own) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
    return head;
  }

  /** Only the rows in sight, between two empty ones as high as the rest. */
  function rows(atlas, self) {
    const box = byId("table-box");
    const first = Math.max(Math.floor(box.scrollTop / ROW) - SPARE, 0);
    const last = Math.min(first + Math.ceil(box.clientHeight / ROW) + 2 * SPARE, self.units.length);
    const gap = (count) => {
      const cell = make("td", { colspan: String(self.columns.length) });
      cell.style.height = `${count * ROW}px`;
      return make("tr", { class: "gap", "aria-hidden": "true" }, cell);
    };
    const seen = self.units.slice(first, last).map((unit, i) => rowOf(atlas, self, unit, first + i));
    byId("table-body").replaceChildren(
      ...(first ? [gap(first)] : []),
      ...seen,
      ...(last < self.units.length ? [gap(self.units.length - last)] : []),
    );
  }

  function rowOf(atlas, self, unit, position) {
    const cells = self.columns.map((column) => {
      const text = column.text(unit);
      if (column.key !== "name") return make("td", { class: `col-${column.key}`, title: text }, text);
      return make(
        "th",
        { scope: "row" },
        make("button", { type: "button", class: "link", "data-unit": String(unit) }, text),
      );
    });
    const attributes = { "aria-rowindex": String(position + 2) };
    if (unit === atlas.chosenUnit()) attributes.class = "chosen";
    return make("tr", attributes, ...cells);
  }

  return { listen, columnsOf, ends, verdict };
})();
