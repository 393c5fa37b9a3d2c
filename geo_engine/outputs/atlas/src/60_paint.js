/* Two canvases on the Leaflet map: one for the classes, one for what is pointed at and chosen. */

const paint = (() => {
  const WORLD = 2 * Math.PI * 6378137;
  const INK = "#1c2733";
  const FULL_ZOOM = 9;

  /** A Leaflet renderer that keeps a canvas in place and asks `draw` to fill it. */
  function layer(draw, pane) {
    const Canvas = L.Renderer.extend({
      _initContainer() {
        this._container = document.createElement("canvas");
        this._container.setAttribute("aria-hidden", "true");
      },
      _destroyContainer() {
        this._container.remove();
        delete this._container;
      },
      _update() {
        if (this._map._animatingZoom && this._bounds) return;
        L.Renderer.prototype._update.call(this);
        const size = this._bounds.getSize();
        const ratio = Math.min(window.devicePixelRatio || 1, 2);
        const canvas = this._container;
        L.DomUtil.setPosition(canvas, this._bounds.min);
        canvas.width = Math.round(size.x * ratio);
        canvas.height = Math.round(size.y * ratio);
        canvas.style.width = `${size.x}px`;
        canvas.style.height = `${size.y}px`;
        this.redraw();
      },
      redraw() {
        if (!this._map || !this._bounds) return;
        const ratio = this._container.width / this._bounds.getSize().x;
        const context = this._container.getContext("2d");
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, this._container.width, this._container.height);
        draw(context, { ratio, zoom: this._map.getZoom(), bounds: this._bounds, map: this._map });
      },
    });
    return new Canvas({ pane, padding: 0.15 });
  }

  /** Scale and shift from grid steps to pixels of a canvas. */
  function transform(shape, frame) {
    const pixels = 256 * 2 ** frame.zoom;
    const origin = frame.map.getPixelOrigin();
    const scale = (pixels * shape.step) / WORLD;
    return {
      scale: scale * frame.ratio,
      x: (pixels * (0.5 + shape.west / WORLD) - origin.x - frame.bounds.min.x) * frame.ratio,
      y: (pixels * (0.5 - shape.north / WORLD) - origin.y - frame.bounds.min.y) * frame.ratio,
    };
  }

  /** Grid steps of a geographic point, and back. */
  function toGrid(shape, latlng) {
    const point = L.CRS.EPSG3857.project(latlng);
    return [(point.x - shape.west) / shape.step, (shape.north - point.y) / shape.step];
  }

  function toLatLng(shape, x, y) {
    return L.CRS.EPSG3857.unproject(
      L.point(shape.west + x * shape.step, shape.north - y * shape.step),
    );
  }

  /** Paths of the borders, thinned for each zoom and kept. */
  function makePaths(shape) {
    const levels = new Map();

    function level(zoom) {
      const key = Math.min(Math.ceil(zoom), FULL_ZOOM);
      if (!levels.has(key)) {
        const pixel = WORLD / (256 * 2 ** key) / shape.step;
        const points = geometry.thin(shape, key === FULL_ZOOM ? 0 : 0.8 * pixel);
        levels.set(key, { ...points, places: new Array(shape.places), lines: new Map() });
      }
      return levels.get(key);
    }

    function follow(path, at, arc, backward, start) {
      const from = at.arcStarts[arc];
      const to = at.arcStarts[arc + 1] - 1;
      const step = backward ? -1 : 1;
      for (let i = backward ? to : from, n = to - from + 1; n > 0; n--, i += step) {
        const point = at.picked[i];
        if (start) {
          path.moveTo(shape.x[point], shape.y[point]);
          start = false;
        } else {
          path.lineTo(shape.x[point], shape.y[point]);
        }
      }
    }

    function place(at, number) {
      if (!at.places[number]) {
        const path = new Path2D();
        let open = false;
        geometry.eachArc(shape, number, (arc, backward, first) => {
          if (first && open) path.closePath();
          follow(path, at, arc, backward, first);
          open = true;
        });
        path.closePath();
        at.places[number] = path;
      }
      return at.places[number];
    }

    function arcs(at, numbers) {
      const path = new Path2D();
      for (const arc of numbers) follow(path, at, arc, false, true);
      return path;
    }

    function kept(at, name, make) {
      if (!at.lines.has(name)) at.lines.set(name, arcs(at, make()));
      return at.lines.get(name);
    }

    return { level, place, arcs, kept };
  }

  /** A small drawing repeated: slanted lines where data are missing, dots where they are hidden. */
  function pattern(context, kind, ratio) {
    const size = Math.round((kind === "missing" ? 6 : 5) * ratio);
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const pen = tile.getContext("2d");
    pen.fillStyle = kind === "missing" ? "#ffffff" : "#efecf3";
    pen.fillRect(0, 0, size, size);
    if (kind === "missing") {
      pen.strokeStyle = "#c3c9cf";
      pen.lineWidth = ratio;
      pen.beginPath();
      for (const shift of [-size, 0, size]) {
        pen.moveTo(shift, size);
        pen.lineTo(shift + size, 0);
      }
      pen.stroke();
    } else {
      pen.fillStyle = "#9d95a8";
      pen.beginPath();
      pen.arc(size / 2, size / 2, 0.9 * ratio, 0, 7);
      pen.fill();
    }
    return context.createPattern(tile, "repeat");
  }

  /** Fill every class at once, then the borders, then the outlines of the view. */
  function drawBase(context, frame, atlas) {
    const { shape, paths, shown } = atlas;
    if (!shown) return;
    const at = paths.level(frame.zoom);
    const move = transform(shape, frame);
    const visible = visiblePlaces(shape, move, context.canvas);
    context.setTransform(move.scale, 0, 0, move.scale, move.x, move.y);
    const byClass = new Map();
    for (const place of visible) {
      const code = shown.classes[place];
      if (!byClass.has(code)) byClass.set(code, new Path2D());
      byClass.get(code).addPath(paths.place(at, place));
    }
    for (const [code, path] of byClass) {
      context.fillStyle = styleOf(context, code, shown, frame, move);
      context.fill(path, "evenodd");
    }
    const width = (pixels) => (pixels * frame.ratio) / move.scale;
    strokeBorders(context, frame, atlas, at, width);
    strokeOutlines(context, frame, atlas, at, width);
  }

  function styleOf(context, code, shown, frame, move) {
    if (code === view.NOT_COVERED) return "#dfe3e7";
    if (code < view.MISSING) return shown.colors[code];
    const kind = code === view.MISSING ? "missing" : "suppressed";
    const style = pattern(context, kind, frame.ratio);
    style.setTransform(
      new DOMMatrix([1 / move.scale, 0, 0, 1 / move.scale, -move.x / move.scale, -move.y / move.scale]),
    );
    return style;
  }

  function visiblePlaces(shape, move, canvas) {
    const [x0, y0] = [-move.x / move.scale, -move.y / move.scale];
    const [x1, y1] = [x0 + canvas.width / move.scale, y0 + canvas.height / move.scale];
    const found = [];
    for (let place = 0; place < shape.places; place++) {
      const at = 4 * place;
      const boxes = shape.boxes;
      if (boxes[at] > x1 || boxes[at + 2] < x0 || boxes[at + 1] > y1 || boxes[at + 3] < y0) continue;
      found.push(place);
    }
    return found;
  }

  function strokeBorders(context, frame, atlas, at, width) {
    const { shape, paths, base } = atlas;
    const differ = (list) => (a, b) => b < 0 || list[a] !== list[b];
    context.lineJoin = "round";
    if (frame.zoom >= 9) {
      const borders = paths.kept(at, "places", () => geometry.arcsWhere(shape, () => true));
      // Two strokes: the light one shows between dark classes, the dark one between light ones.
      context.strokeStyle = "rgba(255,255,255,0.55)";
      context.lineWidth = width(1.5);
      context.stroke(borders);
      context.strokeStyle = "rgba(28,39,51,0.4)";
      context.lineWidth = width(0.6);
      context.stroke(borders);
    }
    if (frame.zoom >= 6.75) {
      context.strokeStyle = "rgba(28,39,51,0.55)";
      context.lineWidth = width(0.7);
      context.stroke(
        paths.kept(at, "provinces", () => geometry.arcsWhere(shape, differ(base.province))),
      );
    }
    context.strokeStyle = INK;
    context.lineWidth = width(frame.zoom >= 7.5 ? 1.4 : 0.8);
    context.stroke(paths.kept(at, "regions", () => geometry.arcsWhere(shape, differ(base.region))));
  }

  function strokeOutlines(context, frame, atlas, at, width) {
    if (atlas.shown.kind === "change" && frame.zoom < 7.25) return;
    for (const { color, inside } of atlas.shown.outlines) {
      const arcs = geometry.arcsWhere(
        atlas.shape,
        (a, b) => inside[a] !== (b < 0 ? 0 : inside[b]),
      );
      if (!arcs.length) continue;
      const path = atlas.paths.arcs(at, arcs);
      const near = frame.zoom >= 7.5;
      const thick = near ? 2.2 : 1.4;
      context.strokeStyle = `rgba(255,255,255,${near ? 0.9 : 0.6})`;
      context.lineWidth = width(thick + (near ? 1.4 : 0.8));
      context.stroke(path);
      context.strokeStyle = color;
      context.lineWidth = width(thick);
      context.stroke(path);
    }
  }

  /** The place under the pointer, the chosen place, the chosen area. */
  function drawOver(context, frame, atlas) {
    const { shape, paths, hover, chosen, area } = atlas;
    const at = paths.level(frame.zoom);
    const move = transform(shape, frame);
    const width = (pixels) => (pixels * frame.ratio) / move.scale;
    context.setTransform(move.scale, 0, 0, move.scale, move.x, move.y);
    context.lineJoin = "round";
    const ring = (path, color, inner, outer) => {
      context.strokeStyle = "#ffffff";
      context.lineWidth = width(outer);
      context.stroke(path);
      context.strokeStyle = color;
      context.lineWidth = width(inner);
      context.stroke(path);
    };
    if (area) {
      const inside = new Set(area.members);
      const arcs = geometry.arcsWhere(shape, (a, b) => inside.has(a) !== inside.has(b));
      ring(paths.arcs(at, arcs), INK, 2.5, 5.5);
    }
    if (chosen >= 0) ring(paths.place(at, chosen), INK, 2.5, 5.5);
    if (hover >= 0 && hover !== chosen) ring(paths.place(at, hover), INK, 1.3, 3.4);
  }

  return { layer, makePaths, drawBase, drawOver, toGrid, toLatLng };
})();
