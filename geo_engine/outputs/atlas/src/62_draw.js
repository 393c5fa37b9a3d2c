/* What is drawn: classes, hatching, borders and outlines below; pointer, choice and labels above. */

const draw = (() => {
  const { transform, INK } = paint;
  const NEVER_HATCHED = 0;

  /** Small drawings repeated: lines for no data, dots for withheld, crossed lines for unsure. */
  const TILES = {
    missing: { size: 6, ground: "#ffffff", mark: "#b3bac2", lines: 1 },
    suppressed: { size: 5, ground: "#efecf3", mark: "#857b93", lines: 0 },
    unsure: { size: 8, ground: null, mark: "rgba(28,39,51,0.7)", lines: -1, light: true },
  };

  function pattern(context, kind, ratio) {
    const { size: pixels, ground, mark, lines, light } = TILES[kind];
    const size = Math.round(pixels * ratio);
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const pen = tile.getContext("2d");
    if (ground) {
      pen.fillStyle = ground;
      pen.fillRect(0, 0, size, size);
    }
    pen.strokeStyle = pen.fillStyle = mark;
    pen.lineWidth = ratio;
    pen.beginPath();
    if (lines === 0) {
      pen.arc(size / 2, size / 2, 0.9 * ratio, 0, 7);
      pen.fill();
    } else {
      for (const shift of [-size, 0, size]) {
        pen.moveTo(shift, lines > 0 ? size : 0);
        pen.lineTo(shift + size, lines > 0 ? 0 : size);
      }
      if (light) halo(pen, ratio);
      pen.stroke();
    }
    return context.createPattern(tile, "repeat");
  }

  /** A light edge along dark lines: one of the two shows on any color. */
  function halo(pen, ratio) {
    const mark = pen.strokeStyle;
    pen.strokeStyle = "rgba(255,255,255,0.7)";
    pen.lineWidth = 2.6 * ratio;
    pen.stroke();
    pen.strokeStyle = mark;
    pen.lineWidth = ratio;
  }

  /** Fill every class at once, then the borders, then the outlines of the view. */
  function below(context, frame, pane) {
    const { shape, paths, shown } = pane;
    if (!shown) return;
    const at = paths.level(frame.zoom);
    const move = transform(shape, frame);
    const visible = visiblePlaces(shape, move, context.canvas);
    context.setTransform(move.scale, 0, 0, move.scale, move.x, move.y);
    const joined = new Map();
    const join = (key, place) => {
      if (!joined.has(key)) joined.set(key, new Path2D());
      joined.get(key).addPath(paths.place(at, place));
    };
    for (const place of visible) join(shown.classes[place], place);
    for (const [code, path] of joined) fill(context, path, styleOf(context, code, shown, frame, move));
    if (pane.hatched && shown.unsure) {
      joined.clear();
      for (const place of visible) if (shown.unsure[place]) join(0, place);
      for (const path of joined.values()) fill(context, path, tiled(context, "unsure", frame, move));
    }
    const width = (pixels) => (pixels * frame.ratio) / move.scale;
    borders(context, frame, pane, at, width);
    outlines(context, frame, pane, at, width);
  }

  function fill(context, path, style) {
    context.fillStyle = style;
    context.fill(path, "evenodd");
  }

  function styleOf(context, code, shown, frame, move) {
    if (code === view.NOT_COVERED) return "#dfe3e7";
    if (code < view.MISSING) return shown.colors[code];
    return tiled(context, code === view.MISSING ? "missing" : "suppressed", frame, move);
  }

  /** A pattern that keeps its size on the screen. */
  function tiled(context, kind, frame, move) {
    const style = pattern(context, kind, frame.ratio);
    const back = [1 / move.scale, 0, 0, 1 / move.scale, -move.x / move.scale, -move.y / move.scale];
    style.setTransform(new DOMMatrix(back));
    return style;
  }

  function visiblePlaces(shape, move, canvas) {
    const [x0, y0] = [-move.x / move.scale, -move.y / move.scale];
    const [x1, y1] = [x0 + canvas.width / move.scale, y0 + canvas.height / move.scale];
    const { boxes } = shape;
    const found = [];
    for (let place = 0, at = 0; place < shape.places; place++, at += 4) {
      if (boxes[at] > x1 || boxes[at + 2] < x0 || boxes[at + 1] > y1 || boxes[at + 3] < y0) continue;
      found.push(place);
    }
    return found;
  }

  function stroke(context, path, color, width) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke(path);
  }

  function borders(context, frame, pane, at, width) {
    const { shape, paths, base, level } = pane;
    const differ = (list) => (a, b) => b < 0 || list[a] !== list[b];
    const kept = (name, test) => paths.kept(at, name, () => geometry.arcsWhere(shape, test));
    context.lineJoin = "round";
    if (frame.zoom >= 9 && level === "place") {
      // Two strokes: the light one shows between dark classes, the dark one between light ones.
      const all = kept("places", () => true);
      stroke(context, all, "rgba(255,255,255,0.55)", width(1.5));
      stroke(context, all, "rgba(28,39,51,0.4)", width(0.6));
    }
    if (frame.zoom >= 6.75 && level === "place") {
      stroke(context, kept("provinces", differ(base.province)), "rgba(28,39,51,0.55)", width(0.7));
    }
    if (level !== "place" && level !== "region") {
      const joined = kept(level, differ(base.byKey.get(level).of));
      stroke(context, joined, "rgba(255,255,255,0.75)", width(1.6));
      stroke(context, joined, "rgba(28,39,51,0.55)", width(0.6));
    }
    const regions = kept("regions", differ(base.region));
    stroke(context, regions, INK, width(frame.zoom >= 7.5 ? 1.4 : 0.8));
  }

  function outlines(context, frame, pane, at, width) {
    if (pane.shown.kind === "change" && frame.zoom < 7.25) return;
    for (const { color, inside } of pane.shown.outlines) {
      const arcs = geometry.arcsWhere(pane.shape, (a, b) => inside[a] !== (b < 0 ? 0 : inside[b]));
      if (!arcs.length) continue;
      const near = frame.zoom >= 7.5;
      const thick = near ? 2.2 : 1.4;
      const path = pane.paths.arcs(at, arcs);
      stroke(context, path, `rgba(255,255,255,${near ? 0.9 : 0.6})`, width(thick + (near ? 1.4 : 0.8)));
      stroke(context, path, color, width(thick));
    }
  }

  /** The own territory, the chosen area, the chosen place and the one under the pointer. */
  function above(context, frame, pane) {
    const { shape, paths } = pane;
    const at = paths.level(frame.zoom);
    const move = transform(shape, frame);
    const width = (pixels) => (pixels * frame.ratio) / move.scale;
    context.setTransform(move.scale, 0, 0, move.scale, move.x, move.y);
    context.lineJoin = "round";
    const ring = (members, color, inner, outer) => {
      if (!members.length) return;
      const inside = new Set(members);
      const path = paths.arcs(at, geometry.arcsWhere(shape, (a, b) => inside.has(a) !== inside.has(b)));
      stroke(context, path, "#ffffff", width(outer));
      stroke(context, path, color, width(inner));
    };
    ring(pane.territory, "#7a0177", 2.6, 5.4);
    if (pane.area) ring(pane.area.members, INK, 2.5, 5.5);
    ring(pane.chosenMembers, INK, 2.5, 5.5);
    ring(pane.hoverMembers, INK, 1.3, 3.4);
    if (pane.territory.length) labels(context, frame, pane, move);
  }

  /** Names of the municipalities of the own territory, where they find room. */
  function labels(context, frame, pane, move) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.font = `${Math.round(12 * frame.ratio)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const taken = [];
    for (const place of pane.territory) {
      const [x0, y0, x1, y1] = pane.shape.boxes.subarray(4 * place, 4 * place + 4);
      const [x, y] = [((x0 + x1) / 2) * move.scale + move.x, ((y0 + y1) / 2) * move.scale + move.y];
      const half = context.measureText(pane.base.name[place]).width / 2 + 3 * frame.ratio;
      const box = [x - half, y - 8 * frame.ratio, x + half, y + 8 * frame.ratio];
      const clear = taken.every((b) => b[0] > box[2] || b[2] < box[0] || b[1] > box[3] || b[3] < box[1]);
      if (!clear || half > 1.2 * (x1 - x0) * move.scale) continue;
      taken.push(box);
      context.lineWidth = 3.5 * frame.ratio;
      context.strokeStyle = "rgba(255,255,255,0.92)";
      context.strokeText(pane.base.name[place], x, y);
      context.fillStyle = INK;
      context.fillText(pane.base.name[place], x, y);
    }
  }

  return { below, above, visiblePlaces };
})();
