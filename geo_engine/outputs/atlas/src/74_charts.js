/* Small drawings in the page: a line over the years. */

const charts = (() => {
  const { drawing } = page;
  const [WIDTH, HEIGHT, PAD] = [300, 104, 22];

  /**
   * A line over the years with its interval, beside others in grey; gaps stay gaps.
   * lines: [{ label, values }] with the place first; band: { low, high } or null.
   */
  function trend(years, lines, { label, unit, band = null, cuts = new Set() }) {
    const own = lines[0].values;
    if (own.filter((number) => !Number.isNaN(number)).length < 2) return null;
    const all = [...lines.flatMap((line) => line.values), ...(band ? [...band.low, ...band.high] : [])];
    const finite = all.filter((number) => !Number.isNaN(number));
    const [top, low] = [Math.max(...finite), Math.min(0, ...finite)];
    const span = years[years.length - 1] - years[0] || 1;
    const x = (i) => PAD + ((years[i] - years[0]) * (WIDTH - 2 * PAD)) / span;
    const y = (number) => HEIGHT - PAD - ((number - low) / (top - low || 1)) * (HEIGHT - 2 * PAD);
    const said = spoken(years, lines, label, unit);
    return drawing(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "trend", role: "img", "aria-label": said },
      ...strokes(years, lines, { x, y, band, cuts }),
      ...texts(years, own, { x, y, unit }),
    );
  }

  /** Axis, breaks of the series, intervals, the other lines, and the own one with its points. */
  function strokes(years, lines, { x, y, band, cuts }) {
    const own = lines[0].values;
    const line = (d, kind) => drawing("path", { d, class: kind });
    const between = (i) => ((x(i) + x(i - 1)) / 2).toFixed(1);
    const points = own.flatMap((number, i) =>
      Number.isNaN(number) ? [] : [drawing("circle", { cx: x(i), cy: y(number), r: 3 })],
    );
    return [
      line(`M${PAD} ${HEIGHT - PAD}H${WIDTH - PAD}`, "axis"),
      ...[...cuts].map((i) => line(`M${between(i)} ${PAD / 2}V${HEIGHT - PAD}`, "series-break")),
      ...(band ? bands(band, x, y) : []),
      ...lines.slice(1).map((other, k) => line(path(other.values, x, y, cuts), `other other-${k}`)),
      line(path(own, x, y, cuts), "line"),
      ...points,
    ];
  }

  /** The first and the last year, and the last figure. */
  function texts(years, own, { x, y, unit }) {
    const text = (at, height, anchor, content) =>
      drawing("text", { x: at, y: height, "text-anchor": anchor }, content);
    const last = own.findLastIndex((number) => !Number.isNaN(number));
    const [end, high] = [Math.min(x(last) + PAD - 2, WIDTH - 2), Math.max(y(own[last]) - 7, 11)];
    return [
      text(x(0), HEIGHT - 6, "middle", String(years[0])),
      text(x(years.length - 1), HEIGHT - 6, "middle", String(years[years.length - 1])),
      text(end, high, "end", unit(own[last])),
    ];
  }

  function path(list, x, y, cuts) {
    return list
      .map((number, i) => {
        if (Number.isNaN(number)) return "";
        const joined = i > 0 && !Number.isNaN(list[i - 1]) && !cuts.has(i);
        return `${joined ? "L" : "M"}${x(i).toFixed(1)} ${y(number).toFixed(1)}`;
      })
      .join("");
  }

  /** One bar for each year with an interval. */
  function bands({ low, high }, x, y) {
    return low.flatMap((end, i) =>
      Number.isNaN(end) || Number.isNaN(high[i])
        ? []
        : [
            drawing("path", {
              d: `M${x(i).toFixed(1)} ${y(end).toFixed(1)}V${y(high[i]).toFixed(1)}`,
              class: "band",
            }),
          ],
    );
  }

  function spoken(years, lines, label, unit) {
    const said = lines.map((line) => {
      const values = years.map(
        (year, i) => `${year}: ${Number.isNaN(line.values[i]) ? "-" : unit(line.values[i])}`,
      );
      return `${line.label}: ${values.join("; ")}`;
    });
    return `${label}. ${said.join(". ")}`;
  }

  return { trend };
})();
