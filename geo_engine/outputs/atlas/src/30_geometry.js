/* Borders: shared arcs on a whole-number grid, and which place lies under a point. */

const geometry = (() => {
  const CELLS = 96;

  /** The other side of geometry.py. */
  function decode(bytes, head) {
    const read = codec.reader(bytes);
    const lengths = read.plain(head.arcs);
    const ringsOfPlace = read.plain(head.places);
    const refsOfRing = read.plain(head.rings);
    const refs = new Int32Array(head.refs);
    for (let i = 0, ref = 0; i < head.refs; i++) refs[i] = ref += read.signed();
    const x = new Int32Array(head.points);
    const y = new Int32Array(head.points);
    for (let i = 0, sum = 0; i < head.points; i++) x[i] = sum += read.signed();
    for (let i = 0, sum = 0; i < head.points; i++) y[i] = sum += read.signed();
    if (!read.done()) throw new RangeError("the borders do not end where they should");
    const arcStarts = starts(lengths, 2);
    const shape = {
      x,
      y,
      refs,
      arcStarts,
      ringStarts: starts(refsOfRing, 0),
      placeStarts: starts(ringsOfPlace, 0),
      places: head.places,
      arcs: head.arcs,
      west: head.west,
      north: head.north,
      step: head.step,
    };
    shape.owners = findOwners(shape);
    shape.boxes = findBoxes(shape);
    shape.cells = fillCells(shape);
    return shape;
  }

  function starts(lengths, more) {
    const found = new Int32Array(lengths.length + 1);
    for (let i = 0; i < lengths.length; i++) found[i + 1] = found[i] + lengths[i] + more;
    return found;
  }

  /** Call back with each arc of a place: its number, and whether it is walked backward. */
  function eachArc(shape, place, visit) {
    for (let ring = shape.placeStarts[place]; ring < shape.placeStarts[place + 1]; ring++) {
      for (let at = shape.ringStarts[ring]; at < shape.ringStarts[ring + 1]; at++) {
        visit(shape.refs[at] >> 1, (shape.refs[at] & 1) === 1, at === shape.ringStarts[ring]);
      }
    }
  }

  /** The one or two places on the sides of each arc; -1 is the sea or abroad. */
  function findOwners(shape) {
    const owners = new Int32Array(2 * shape.arcs).fill(-1);
    for (let place = 0; place < shape.places; place++) {
      eachArc(shape, place, (arc) => {
        owners[owners[2 * arc] < 0 ? 2 * arc : 2 * arc + 1] = place;
      });
    }
    return owners;
  }

  function findBoxes(shape) {
    const boxes = new Int32Array(4 * shape.places);
    for (let place = 0; place < shape.places; place++) {
      let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
      eachArc(shape, place, (arc) => {
        for (let i = shape.arcStarts[arc]; i < shape.arcStarts[arc + 1]; i++) {
          x0 = Math.min(x0, shape.x[i]);
          x1 = Math.max(x1, shape.x[i]);
          y0 = Math.min(y0, shape.y[i]);
          y1 = Math.max(y1, shape.y[i]);
        }
      });
      boxes.set([x0, y0, x1, y1], 4 * place);
    }
    return boxes;
  }

  function fillCells(shape) {
    const lists = Array.from({ length: CELLS * CELLS }, () => []);
    for (let place = 0; place < shape.places; place++) {
      const [x0, y0, x1, y1] = shape.boxes.subarray(4 * place, 4 * place + 4);
      for (let row = cellOf(y0); row <= cellOf(y1); row++) {
        for (let column = cellOf(x0); column <= cellOf(x1); column++) {
          lists[row * CELLS + column].push(place);
        }
      }
    }
    return lists;
  }

  function cellOf(value) {
    return Math.max(0, Math.min(CELLS - 1, Math.floor((value * CELLS) / 65536)));
  }

  /** The place under a point of the grid, or -1. */
  function placeAt(shape, x, y) {
    if (!(x >= 0 && y >= 0 && x <= 65536 && y <= 65536)) return -1;
    for (const place of shape.cells[cellOf(y) * CELLS + cellOf(x)]) {
      if (contains(shape, place, x, y)) return place;
    }
    return -1;
  }

  function contains(shape, place, x, y) {
    const [x0, y0, x1, y1] = shape.boxes.subarray(4 * place, 4 * place + 4);
    if (x < x0 || x > x1 || y < y0 || y > y1) return false;
    let inside = false;
    eachArc(shape, place, (arc) => {
      for (let i = shape.arcStarts[arc]; i < shape.arcStarts[arc + 1] - 1; i++) {
        const below = shape.y[i] > y;
        if (below === shape.y[i + 1] > y) continue;
        const along = (y - shape.y[i]) / (shape.y[i + 1] - shape.y[i]);
        if (x < shape.x[i] + along * (shape.x[i + 1] - shape.x[i])) inside = !inside;
      }
    });
    return inside;
  }

  /** Which points of each arc are drawn when a pixel is `tolerance` grid steps wide. */
  function thin(shape, tolerance) {
    const picked = new Int32Array(shape.x.length);
    const arcStarts = new Int32Array(shape.arcs + 1);
    const square = tolerance * tolerance;
    let n = 0;
    for (let arc = 0; arc < shape.arcs; arc++) {
      const [from, to] = [shape.arcStarts[arc], shape.arcStarts[arc + 1] - 1];
      picked[n++] = from;
      let last = from;
      for (let i = from + 1; i < to; i++) {
        const [dx, dy] = [shape.x[i] - shape.x[last], shape.y[i] - shape.y[last]];
        if (dx * dx + dy * dy < square) continue;
        picked[n++] = last = i;
      }
      picked[n++] = to;
      arcStarts[arc + 1] = n;
    }
    return { picked: picked.slice(0, n), arcStarts };
  }

  /** Arcs where `differs(a, b)` for the places on both sides (b is -1 at the coast). */
  function arcsWhere(shape, differs) {
    const found = [];
    for (let arc = 0; arc < shape.arcs; arc++) {
      if (differs(shape.owners[2 * arc], shape.owners[2 * arc + 1])) found.push(arc);
    }
    return found;
  }

  /** The box around some places, in grid steps. */
  function boxOf(shape, places) {
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const place of places) {
      box[0] = Math.min(box[0], shape.boxes[4 * place]);
      box[1] = Math.min(box[1], shape.boxes[4 * place + 1]);
      box[2] = Math.max(box[2], shape.boxes[4 * place + 2]);
      box[3] = Math.max(box[3], shape.boxes[4 * place + 3]);
    }
    return box;
  }

  return { decode, eachArc, placeAt, thin, arcsWhere, boxOf };
})();
