/* The map in sight as a picture with title, legend and source: SVG text, and PNG drawn from it. */

const picture = (() => {
  const [WIDTH, MARGIN, SIDE] = [1200, 24, 330];
  const HATCHES = `<pattern id="missing" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#fff"/><path d="M0 6L6 0" stroke="#b3bac2"/></pattern><pattern id="suppressed" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="#efecf3"/><circle cx="2.5" cy="2.5" r="0.9" fill="#857b93"/></pattern><pattern id="unsure" width="8" height="8" patternUnits="userSpaceOnUse"><path d="M0 0L8 8" stroke="#fff" stroke-opacity="0.7" stroke-width="2.6"/><path d="M0 0L8 8" stroke="#1c2733" stroke-opacity="0.7"/></pattern>`;

  const clean = (text) =>
    String(text)
      .replace(
        // oxlint-disable-next-line no-control-regex -- XML may not hold them
        /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g,
        "",
      )
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;");

  /** Cut text into lines of at most so many letters. */
  function wrap(text, letters) {
    const lines = [""];
    for (const word of String(text).split(/\s+/)) {
      const last = lines[lines.length - 1];
      if (last && last.length + 1 + word.length > letters) lines.push(word.slice(0, 200));
      else lines[lines.length - 1] = last ? `${last} ${word}` : word.slice(0, 200);
    }
    return lines;
  }

  function writer() {
    const parts = [];
    return {
      parts,
      text(x, y, content, { size = 13, weight = 400, color = "#1c2733", anchor = "start" } = {}) {
        parts.push(
          `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${color}" text-anchor="${anchor}">${clean(content)}</text>`,
        );
      },
    };
  }

  /** The frame of the picture: what the screen shows of the map, at the same scale. */
  function frameOf(atlas) {
    const { map, shape } = atlas;
    const size = map.getSize();
    const width = WIDTH - SIDE - 3 * MARGIN;
    const ratio = width / size.x;
    const bounds = { min: map.containerPointToLayerPoint([0, 0]) };
    const move = paint.transform(shape, { zoom: map.getZoom(), map, bounds, ratio });
    return { move, width, height: Math.round(size.y * ratio), zoom: map.getZoom() };
  }

  function svg(atlas) {
    const frame = frameOf(atlas);
    const out = writer();
    const top = head(atlas, out);
    const height = Math.max(frame.height + top, 560) + 90;
    const left = SIDE + 2 * MARGIN;
    const clip = `<clipPath id="frame"><rect width="${frame.width}" height="${frame.height}"/></clipPath>`;
    out.parts.push(
      `<g transform="translate(${left} ${top})"><rect width="${frame.width}" height="${frame.height}" fill="#e9eef2"/><g clip-path="url(#frame)">${mapPaths(atlas, frame)}</g></g>`,
    );
    legendOf(atlas, out, top);
    foot(atlas, out, height);
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, Arial, sans-serif"><defs>${HATCHES}${clip}</defs><rect width="100%" height="100%" fill="#fff"/>${out.parts.join("")}</svg>`;
  }

  function head(atlas, out) {
    const { words, facts } = atlas;
    let y = 40;
    if (facts.simulated) {
      out.parts.push(`<rect width="${WIDTH}" height="30" fill="#7a3d00"/>`);
      out.text(WIDTH / 2, 20, words.atlas.simulated, {
        size: 14,
        weight: 700,
        color: "#fff",
        anchor: "middle",
      });
      y = 66;
    }
    for (const line of wrap(atlas.title(), 90).slice(0, 3)) {
      out.text(MARGIN, y, line, { size: 22, weight: 700 });
      y += 28;
    }
    for (const line of wrap(
      `${atlas.chainName()} - ${legend.title(atlas, atlas.state, atlas.shown)}`,
      130,
    ).slice(0, 2)) {
      out.text(MARGIN, y, line, { size: 15 });
      y += 20;
    }
    return y;
  }

  /** One path for each class, then the outlines and the borders of regions. */
  function mapPaths(atlas, { move, width, height, zoom }) {
    const { shape, paths, shown, base } = atlas;
    const at = paths.level(zoom);
    const line = (arc, backward, start) => arcText(shape, at, move, arc, backward, start);
    const seen = draw.visiblePlaces(shape, move, { width, height });
    const byClass = new Map();
    const add = (key, place) => {
      if (!byClass.has(key)) byClass.set(key, []);
      geometry.eachArc(shape, place, (arc, backward, first) =>
        byClass.get(key).push(line(arc, backward, first)),
      );
    };
    for (const place of seen) add(fillOf(shown, shown.classes[place]), place);
    if (atlas.state.unsure === "si" && shown.unsure) {
      for (const place of seen) if (shown.unsure[place]) add("url(#unsure)", place);
    }
    const filled = [...byClass].map(
      ([fill, parts]) => `<path d="${parts.join("")}" fill="${fill}" fill-rule="evenodd"/>`,
    );
    const stroked = (test, color, thick) => {
      const d = geometry
        .arcsWhere(shape, test)
        .map((arc) => line(arc, false, true))
        .join("");
      return d ? `<path d="${d}" fill="none" stroke="${color}" stroke-width="${thick}"/>` : "";
    };
    const outlines = shown.outlines.map(({ color, inside }) =>
      stroked((a, b) => inside[a] !== (b < 0 ? 0 : inside[b]), color, 1.6),
    );
    const territory = new Set(atlas.territory());
    const own = territory.size
      ? stroked((a, b) => territory.has(a) !== territory.has(b), "#7a0177", 2.6)
      : "";
    return [
      ...filled,
      stroked((a, b) => b < 0 || base.region[a] !== base.region[b], "#1c2733", 0.8),
      ...outlines,
      own,
    ].join("");
  }

  function fillOf(shown, code) {
    if (code < view.MISSING) return shown.colors[code];
    return {
      [view.MISSING]: "url(#missing)",
      [view.SUPPRESSED]: "url(#suppressed)",
      [view.NOT_COVERED]: "#dfe3e7",
    }[code];
  }

  function arcText(shape, at, move, arc, backward, start) {
    const points = at.picked.subarray(at.arcStarts[arc], at.arcStarts[arc + 1]);
    const list = backward ? points.slice().reverse() : points;
    let text = "";
    let command = start ? "M" : "L";
    for (const point of list) {
      const x = shape.x[point] * move.scale + move.x;
      const y = shape.y[point] * move.scale + move.y;
      text += `${command}${x.toFixed(1)} ${y.toFixed(1)}`;
      command = "L";
    }
    return text;
  }

  function legendOf(atlas, out, top) {
    const { language } = atlas;
    let y = top + 4;
    for (const { kind, color, text, count } of legend.rows(atlas)) {
      const lines = wrap(text, 38);
      const fill =
        kind === "fill"
          ? color
          : kind === "outline"
            ? "#fff"
            : kind === "uncovered"
              ? "#dfe3e7"
              : `url(#${kind})`;
      const edge =
        kind === "outline" ? `stroke="${color}" stroke-width="3"` : 'stroke="#1c2733" stroke-opacity="0.4"';
      out.parts.push(`<rect x="${MARGIN}" y="${y}" width="26" height="15" fill="${fill}" ${edge}/>`);
      if (count !== undefined)
        out.text(MARGIN + SIDE, y + 12, format.number(count, language), { anchor: "end", color: "#55606c" });
      lines.forEach((line, i) => out.text(MARGIN + 36, y + 12 + 16 * i, line));
      y += 6 + 16 * lines.length;
    }
    for (const note of legend.summary(atlas)) {
      y += 6;
      for (const line of wrap(note, 52)) {
        out.text(MARGIN, y + 12, line, { size: 12, color: "#55606c" });
        y += 15;
      }
    }
  }

  function foot(atlas, out, height) {
    const { facts, set, language } = atlas;
    const banner = (language === "en" && set.banner_en) || set.banner;
    const text = [page.byId("facts").textContent, ...facts.source_notes, banner].filter(Boolean).join(" · ");
    wrap(text, 185)
      .slice(0, 5)
      .forEach((line, i) => out.text(MARGIN, height - 72 + 15 * i, line, { size: 11, color: "#55606c" }));
  }

  async function png(atlas) {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg(atlas))}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * image.width, 2 * image.height];
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.drawImage(image, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  return { svg, png, clean, wrap };
})();
