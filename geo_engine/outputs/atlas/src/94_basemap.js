/* Pictures of a map server below ours: only where the study names one, only when its reader asks. */

const basemap = (() => {
  const { byId } = page;
  const SEEN_THROUGH = "0.72";

  const host = (tiles) => new URL(tiles).host;

  /** The box that asks, with its notice; it stands in no address, so that no link makes requests. */
  function listen(atlas) {
    const { facts, map } = atlas;
    const box = byId("basemap-box");
    box.hidden = !facts.basemap_tiles;
    if (box.hidden) return;
    let layer = null;
    byId("basemap").addEventListener("change", ({ target }) => {
      layer ??= L.tileLayer(facts.basemap_tiles, { minZoom: 4, maxZoom: 13, className: "tiles" });
      if (target.checked) layer.addTo(map);
      else layer.remove();
      atlas.baseLayer._container.style.opacity = target.checked ? SEEN_THROUGH : "";
      byId("attribution").hidden = !target.checked;
    });
  }

  function fill({ facts, words }) {
    if (!facts.basemap_tiles) return;
    byId("basemap-note").textContent = format.fill(words.controls.basemap_note, {
      host: host(facts.basemap_tiles),
    });
    byId("attribution").textContent = `${words.controls.basemap}: ${facts.basemap_attribution}`;
  }

  return { listen, fill };
})();
