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
    return {
      level(zoom) {
        const key = Math.min(Math.ceil(zoom), FULL_ZOOM);
        if (!levels.has(key)) levels.set(key, thinned(shape, key));
        return levels.get(key);
      },
      place(at, number) {
        if (!at.places[number]) at.places[number] = placePath(shape, at, number);
        return at.places[number];
      },
      arcs: (at, numbers) => arcsPath(shape, at, numbers),
      kept(at, name, make) {
        if (!at.lines.has(name)) at.lines.set(name, arcsPath(shape, at, make()));
        return at.lines.get(name);
      },
    };
  }

  function thinned(shape, key) {
    const pixel = WORLD / (256 * 2 ** key) / shape.step;
    const points = geometry.thin(shape, key === FULL_ZOOM ? 0 : 0.8 * pixel);
    return { ...points, places: new Array(shape.places), lines: new Map() };
  }

  function follow(shape, path, at, { arc, backward, start }) {
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

  function placePath(shape, at, number) {
    const path = new Path2D();
    let open = false;
    geometry.eachArc(shape, number, (arc, backward, first) => {
      if (first && open) path.closePath();
      follow(shape, path, at, { arc, backward, start: first });
      open = true;
    });
    path.closePath();
    return path;
  }

  function arcsPath(shape, at, numbers) {
    const path = new Path2D();
    for (const arc of numbers) follow(shape, path, at, { arc, backward: false, start: true });
    return path;
  }

  return { layer, transform, makePaths, toGrid, toLatLng, INK };
})();
