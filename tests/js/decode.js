"use strict";

/* Decode the data of a page and print some of it: node decode.js PAGE.json CHAIN */

const fs = require("node:fs");
const { codec, columns, geometry } = require("./load.js");

async function main() {
  const data = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const base = await codec.unpackJson(data.places);
  const years = data.facts.years.length;
  const places = base.code.length;
  const totals = codec.reader(await codec.unpack(base.totals)).signs(places * years);
  for (let i = places; i < totals.length; i++) totals[i] += totals[i - places];
  const frame = {
    ...base,
    totals,
    places,
    years,
    provinces: base.province_names.length,
    regions: base.region_names.length,
  };
  const chain = columns.decode(await codec.unpack(data.chains[process.argv[3]]), frame);
  const shape = geometry.decode(await codec.unpack(data.geometry.data), data.geometry);
  const rings = [];
  for (let place = 0; place < shape.places; place++) {
    for (let ring = shape.placeStarts[place]; ring < shape.placeStarts[place + 1]; ring++) {
      const points = [];
      for (let at = shape.ringStarts[ring]; at < shape.ringStarts[ring + 1]; at++) {
        const arc = shape.refs[at] >> 1;
        const walk = [];
        for (let i = shape.arcStarts[arc]; i < shape.arcStarts[arc + 1]; i++) {
          walk.push([shape.x[i], shape.y[i]]);
        }
        points.push(...(shape.refs[at] & 1 ? walk.reverse() : walk));
      }
      rings.push([place, points]);
    }
  }
  const plain = (value) => {
    if (ArrayBuffer.isView(value)) return Array.from(value, (x) => (Number.isNaN(x) ? null : x));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
    }
    return value;
  };
  process.stdout.write(JSON.stringify({ chain: plain(chain), rings, owners: plain(shape.owners) }));
}

main();
