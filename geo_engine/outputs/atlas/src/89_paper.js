/* The page on paper: one sheet with the map, or one with the reader's own territory. */

const paper = (() => {
  // Boxes for the map on an A4 sheet within its margins, in CSS pixels.
  const SHEETS = { map: [700, 540], mine: [690, 400] };
  let sheet = "map";

  function listen(box) {
    const set = (width, height, zoom) => Object.assign(box.style, { width, height, zoom });
    window.addEventListener("beforeprint", () => {
      set("", "", ""); // whoever asks twice gets the same sheet
      const { width, height } = box.getBoundingClientRect();
      document.body.dataset.sheet = sheet;
      const [most, tall] = SHEETS[sheet];
      const zoom = Math.min(most / width, tall / height);
      set(`${width}px`, `${height}px`, String(zoom));
    });
    window.addEventListener("afterprint", () => {
      set("", "", "");
      sheet = "map";
      delete document.body.dataset.sheet;
    });
  }

  function print(atlas, kind) {
    sheet = kind;
    if (kind === "mine") atlas.fit(atlas.territory());
    window.print();
  }

  return { listen, print };
})();
