/* The map on paper: as it is on the screen, enlarged or reduced to the sheet; nothing is redrawn. */

const paper = (() => {
  // An A4 sheet on its side, within its margins and below the title, in CSS pixels.
  const [WIDTH, HEIGHT] = [1030, 560];

  function listen(box) {
    const set = (width, height, zoom) => Object.assign(box.style, { width, height, zoom });
    window.addEventListener("beforeprint", () => {
      const { width, height } = box.getBoundingClientRect();
      const zoom = Math.min(WIDTH / width, HEIGHT / height);
      set(`${width}px`, `${height}px`, String(zoom));
    });
    window.addEventListener("afterprint", () => set("", "", ""));
  }

  return { listen };
})();
