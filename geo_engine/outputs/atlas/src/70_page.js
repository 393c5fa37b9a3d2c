/* Pieces of the page. Text enters by textContent only. */

const page = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);

  /** An element with attributes and children; strings become text. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  function drawing(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  /** A table with a caption, column heads, and rows of text whose first cell names the row. */
  function table(caption, heads, rows) {
    const head = heads.length
      ? [make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text))))]
      : [];
    const body = rows.map(([first, ...cells]) =>
      make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((cell) => make("td", {}, cell))),
    );
    return make("table", {}, make("caption", {}, caption), ...head, make("tbody", {}, ...body));
  }

  /** Fill a select with [value, text] pairs. */
  function options(box, pairs, value) {
    box.replaceChildren(...pairs.map(([key, text]) => make("option", { value: key }, text)));
    box.value = value;
  }

  /** Text in a single spelling: "a", "a e b", "a, b e c". */
  function joined(list, words) {
    if (list.length < 2) return list.join("");
    return `${list.slice(0, -1).join(", ")} ${words.controls.and} ${list[list.length - 1]}`;
  }

  /** What an object itself holds under a name that a study gave: "constructor" is no word of ours. */
  const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);

  const capital = (text) => text.charAt(0).toLocaleUpperCase() + text.slice(1);

  return { byId, make, drawing, table, options, joined, own, capital };
})();
