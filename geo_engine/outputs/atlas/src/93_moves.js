/* The map under pointer and keys: what is pointed at, chosen, and next to it. */

const moves = (() => {
  const { byId } = page;
  const WAYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

  const under = (atlas, latlng) => geometry.placeAt(atlas.shape, ...paint.toGrid(atlas.shape, latlng));

  function listen(atlas) {
    const { map } = atlas;
    const tip = byId("tip");
    map.on("mousemove", (event) => point(atlas, tip, event));
    map.on("mouseout movestart", () => leave(atlas, tip));
    map.on("click", (event) => atlas.chooseAt(event.latlng));
    map.getContainer().addEventListener("keydown", (event) => key(atlas, event));
    byId("whole").addEventListener("click", () => atlas.fit());
    byId("zoom-in").addEventListener("click", () => map.zoomIn(1));
    byId("zoom-out").addEventListener("click", () => map.zoomOut(1));
  }

  function point(atlas, tip, event) {
    const { map } = atlas;
    const place = under(atlas, event.latlng);
    const unit = atlas.unitNumber(place);
    const { x, y } = event.containerPoint;
    const size = map.getSize();
    tip.hidden = unit < 0;
    if (unit >= 0 && place !== atlas.hover) card.tooltip(atlas, unit, tip);
    tip.style.left = `${Math.min(x + 16, Math.max(size.x - tip.offsetWidth - 8, 8))}px`;
    tip.style.top = `${y + 20 + tip.offsetHeight > size.y ? y - tip.offsetHeight - 12 : y + 20}px`;
    if (place === atlas.hover) return;
    atlas.hover = place;
    map.getContainer().classList.toggle("over-place", unit >= 0);
    atlas.redrawOver();
  }

  function leave(atlas, tip) {
    tip.hidden = true;
    if (atlas.hover < 0) return;
    atlas.hover = -1;
    atlas.redrawOver();
  }

  /** Enter chooses what lies in the middle; Shift and an arrow go to the neighbor on that side. */
  function key(atlas, event) {
    if (event.key === "Enter") {
      event.preventDefault();
      atlas.chooseAt(atlas.map.getCenter());
      return;
    }
    const way = WAYS[event.key];
    if (!way || !event.shiftKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const from = atlas.chosen >= 0 ? atlas.chosen : under(atlas, atlas.map.getCenter());
    const next = from < 0 ? -1 : beside(atlas, from, way);
    if (next < 0) return;
    atlas.choosePlace(next, false);
    keepInSight(atlas, next);
  }

  /** The neighbor whose middle lies most in a direction; within a territory's level, another one. */
  function beside(atlas, from, [dx, dy]) {
    const { shape } = atlas;
    const own = new Set(atlas.membersOf(atlas.unitNumber(from)));
    const [x, y] = middle(shape, [...own]);
    let [best, score] = [-1, 0.25];
    for (const place of around(shape, own)) {
      const [px, py] = middle(shape, [place]);
      const length = Math.hypot(px - x, py - y) || 1;
      const along = ((px - x) * dx + (py - y) * dy) / length;
      if (along > score) [best, score] = [place, along];
    }
    return best;
  }

  function around(shape, own) {
    const found = new Set();
    for (const place of own) {
      geometry.eachArc(shape, place, (arc) => {
        for (const owner of shape.owners.subarray(2 * arc, 2 * arc + 2)) if (owner >= 0 && !own.has(owner)) found.add(owner);
      });
    }
    return found;
  }

  function middle(shape, members) {
    const [x0, y0, x1, y1] = geometry.boxOf(shape, members);
    return [(x0 + x1) / 2, (y0 + y1) / 2];
  }

  function keepInSight(atlas, place) {
    const center = paint.toLatLng(atlas.shape, ...middle(atlas.shape, [place]));
    if (!atlas.map.getBounds().pad(-0.1).contains(center)) atlas.map.panTo(center, { animate: false });
  }

  return { listen, under, beside };
})();
