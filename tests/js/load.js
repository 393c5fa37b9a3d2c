"use strict";

/* The pure parts of the atlas's script, as the page joins them. */

const fs = require("node:fs");
const path = require("node:path");

const SOURCES = path.join(__dirname, "../../geo_engine/outputs/atlas/src");
const PARTS = [
  "10_codec.js",
  "20_columns.js",
  "30_geometry.js",
  "40_format.js",
  "45_state.js",
  "50_view.js",
];

const text = PARTS.map((name) => fs.readFileSync(path.join(SOURCES, name), "utf8")).join("\n");
const names = "codec, columns, geometry, format, choice, view";
module.exports = new Function(`"use strict";\n${text}\nreturn { ${names} };`)();
