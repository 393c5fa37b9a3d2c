"use strict";

/* The parts of the atlas's script, as the page joins them; nothing of them touches a page on loading. */

const fs = require("node:fs");
const path = require("node:path");

const SOURCES = path.join(__dirname, "../../geo_engine/outputs/atlas/src");
const PARTS = fs
  .readdirSync(SOURCES)
  .filter((name) => name.endsWith(".js"))
  .sort();

const text = PARTS.map((name) => fs.readFileSync(path.join(SOURCES, name), "utf8")).join("\n");
const names = [...text.matchAll(/^const (\w+) = \(\(\) => \{$/gm)].map((found) => found[1]);
// oxlint-disable-next-line no-new-func -- our own files, joined as the page joins them
module.exports = new Function(`"use strict";\n${text}\nreturn { ${names.join(", ")} };`)();
module.exports.SOURCES = SOURCES;
module.exports.PARTS = PARTS;
