/* Small drawings in the page: a line over the years. */

const charts = (() => {
  const { drawing } = page;
  const [WIDTH, HEIGHT, PAD] = [300, 104, 22];

  /**
   * A line over the years with its interval, beside others in grey; gaps stay gaps.
   * lines: [{ label, values }] with the place first; band: { low, high } or null.
   */
  function trend(years, lines, { label, unit, band = null, breaks = [] }) {
    const own = lines[0].values;
    if (own.filter((number) => !Number.isNaN(number)).length < 2) return null;
    const all = [...lines.flatMap((line) => line.values), ...(band ? [...band.low, ...band.high] : [])];
    const finite = all.filter((number) => !Number.isNaN(number));
    const [top, low] = [Math.max(...finite), Math.min(0, ...finite)];
    const span = years[years.length - 1] - years[0] || 1;
    const x = (i) => PAD + ((years[i] - years[0]) * (WIDTH - 2 * PAD)) / span;
    const y = (number) => HEIGHT - PAD - ((number - low) / (top - low || 1)) * (HEIGHT - 2 * PAD);
    const text = (at, place, anchor, content) => drawing("text", { x: at, y: place, "text-anchor": anchor }, content);
    const last = own.findLastIndex((number) => !Number.isNaN(number));
    const cut = new Set(breaks.map((year) => years.indexOf(year)));
    const parts = [drawing("path", { d: `M${PAD} ${HEIGHT - PAD}H${WIDTH - PAD}`, class: "axis" })];
    for (const i of cut) {
      if (i > 0) parts.push(drawing("path", { d: `M${((x(i) + x(i - 1)) / 2).toFixed(1)} ${PAD / 2}V${HEIGHT - PAD}`, class: "series-break" }));
    }
    if (band) parts.push(...bands(band, x, y));
    lines.slice(1).forEach((line, k) => parts.push(drawing("path", { d: path(line.values, x, y, cut), class: `other other-${k}` })));
    parts.push(drawing("path", { d: path(own, x, y, cut), class: "line" }));
    own.forEach((number, i) => {
      if (!Number.isNaN(number)) parts.push(drawing("circle", { cx: x(i), cy: y(number), r: 3 }));
    });
    return drawing(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "trend", role: "img", "aria-label": spoken(years, lines, label, unit) },
      ...parts,
      text(x(0), HEIGHT - 6, "middle", String(years[0])),
      text(x(years.length - 1), HEIGHT - 6, "middle", String(years[years.length - 1])),
      text(Math.min(x(last) + PAD - 2, WIDTH - 2), Math.max(y(own[last]) - 7, 11), "end", unit(own[last])),
    );
  }

  function path(list, x, y, cut) {
    return list
      .map((number, i) => {
        if (Number.isNaN(number)) return "";
        const joined = i > 0 && !Number.isNaN(list[i - 1]) && !cut.has(i);
        return `${joined ? "L" : "M"}${x(i).toFixed(1)} ${y(number).toFixed(1)}`;
      })
      .join("");
  }

  /** One bar for each year with an interval. */
  function bands({ low, high }, x, y) {
    return low.flatMap((end, i) =>
      Number.isNaN(end) || Number.isNaN(high[i])
        ? []
        : [drawing("path", { d: `M${x(i).toFixed(1)} ${y(end).toFixed(1)}V${y(high[i]).toFixed(1)}`, class: "band" })],
    );
  }

  function spoken(years, lines, label, unit) {
    const said = lines.map((line) => {
      const values = years.map((year, i) => `${year}: ${Number.isNaN(line.values[i]) ? "-" : unit(line.values[i])}`);
      return `${line.label}: ${values.join("; ")}`;
    });
    return `${label}. ${said.join(". ")}`;
  }

  return { trend };
})();
