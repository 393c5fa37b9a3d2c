"use strict";

/* Decode the data of a page and print some of it: node decode.js PAGE.json CHAIN [UNIVERSE] */

const fs = require("node:fs");
const { codec, columns, extras, geometry, kinds, territories } = require("./load.js");

function ringsOf(shape) {
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
  return rings;
}

function plain(value) {
  if (ArrayBuffer.isView(value)) return Array.from(value, (x) => (Number.isNaN(x) ? null : x));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
  }
  return value;
}

async function main() {
  const [page, key, universe] = process.argv.slice(2);
  const data = JSON.parse(fs.readFileSync(page, "utf8"));
  const set = data.universes[universe || data.facts.universe];
  const places = await codec.unpackJson(data.places);
  const levels = await codec.unpackJson(data.geographies);
  const base = territories.makeBase(places, levels, data.facts.years.length, data.parts);
  base.totals = await territories.totals(set.totals, base);
  const chain = columns.decode(await codec.unpack(set.chains[key]), base);
  const further = {};
  for (const row of data.indicators) {
    const number = set.extras[key][row.key];
    if (number === undefined) continue;
    const bytes = await codec.unpack(set.pool[number]);
    further[row.key] = extras.decode(bytes, row.key, row.steps, chain, base);
  }
  chain.kinds = kinds.decode(await codec.unpack(set.kinds[key]), chain, base);
  if (data.similar) {
    const near = codec.reader(await codec.unpack(data.similar)).plain(base.places * data.likes);
    const given = { near, count: data.likes, shares: Boolean(data.facts.signal) };
    chain.alike = kinds.alike(await codec.unpack(set.alike[key]), chain, base, given);
  }
  const shape = geometry.decode(await codec.unpack(data.geometry.data), data.geometry);
  const found = {
    chain: plain(chain),
    extras: plain(further),
    rings: ringsOf(shape),
    owners: plain(shape.owners),
  };
  process.stdout.write(JSON.stringify(found));
}

main();
