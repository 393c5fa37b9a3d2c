"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const zlib = require("node:zlib");
const { codec, columns, geometry, format, choice, view } = require("./load.js");

test("a varint of several bytes is read whole", () => {
  const read = codec.reader(Uint8Array.from([0, 127, 0x80, 1, 0xac, 2]));
  assert.deepEqual([...read.plain(4)], [0, 127, 128, 300]);
  assert.ok(read.done());
});

test("data cut short are an error and never zeros", () => {
  assert.throws(() => codec.reader(Uint8Array.from([0x80])).next(), /too early/);
});

test("a missing number is NaN and a present one is added to what was expected", () => {
  const read = codec.reader(Uint8Array.from([0, 1, 2, 3]));
  const found = [...read.nullable(4, (i) => [9, 10, 10, NaN][i])];
  assert.ok(Number.isNaN(found[0]));
  assert.deepEqual(found.slice(1), [10, 9, 1]);
});

test("unpacking undoes gzip and base64", async () => {
  const packed = zlib.gzipSync(Buffer.from('{"é":[1]}')).toString("base64");
  assert.deepEqual(await codec.unpackJson(packed), { é: [1] });
});

test("Newcombe's interval of 56/70 against 48/80 is the published one", () => {
  const [change, low, high] = columns.newcombe(48, 80, 56, 70);
  assert.ok(Math.abs(change - 0.2) < 1e-12);
  assert.ok(Math.abs(low - 0.0524) < 5e-5);
  assert.ok(Math.abs(high - 0.3339) < 5e-5);
});

test("the expected interval of a Beta of 100 firms is right to a tenth of a point", () => {
  assert.ok(Math.abs(columns.betaEnd(0.3, 100, -1) - 0.2148) < 1e-3);
  assert.ok(Math.abs(columns.betaEnd(0.3, 100, 1) - 0.393) < 1e-3);
});

test("Italian numbers have points for thousands and a comma for decimals", () => {
  assert.equal(format.number(1234.5, "it", 1), "1.234,5");
  assert.equal(format.number(1234567, "it"), "1.234.567");
  assert.equal(format.number(1234.5, "en", 1), "1,234.5");
  assert.equal(format.number(-0.04, "it", 1), "0,0");
  assert.equal(format.signed(3.25, "it", 1), "+3,3");
  assert.equal(format.small(0.00004, "it"), "<0,001");
  assert.equal(format.small(0.049999, "it"), "<0,05");
  assert.equal(format.small(0.05, "it"), "0,050");
});

test("a value that looks like a placeholder stays as it is", () => {
  assert.equal(format.fill("{a} e {b}", { a: "{b}", b: "$&" }), "{b} e $&");
  assert.equal(format.fill("{constructor}", {}), "{constructor}");
});

test("what was tried on a hotspot is said, and nothing of what was not", () => {
  const words = {
    sentences: {
      robust: "in {robustness}",
      province_scale_not_confirmed: "no province",
      without_main_confirmed: "without main",
      without_neighbor_confirmed: "without neighbor",
    },
  };
  const tried = { robustness: 0.256, province_scale: "not_confirmed", without_main: "confirmed" };
  const say = (hotspot) => format.probesSentence(hotspot, words, "it");
  assert.equal(say({ ...tried, places: 3 }), "in 25,6% no province without main");
  assert.equal(say({ ...tried, places: 1 }), "in 25,6% no province without neighbor");
  const untried = { robustness: null, province_scale: "untested", without_main: "untested" };
  assert.equal(say({ ...untried, places: 3 }), "");
});

test("a map without tests says why where it is known", () => {
  const words = { sentences: { untested: "None.", reason_few_firms: "Few firms." } };
  assert.equal(format.emptySentence(0, 0, words, "it", "few_firms"), "None. Few firms.");
  assert.equal(format.emptySentence(0, 0, words, "it"), "None.");
});

test("a bin says what it is below, and the last one what it reaches", () => {
  assert.equal(format.bin(1, [0.001, 0.05, 0.1], "it"), "< 0,001");
  assert.equal(format.bin(2, [0.001, 0.05, 0.1], "it"), "< 0,05");
  assert.equal(format.bin(4, [0.001, 0.05, 0.1], "it"), "≥ 0,1");
});

test("searching sees neither accents nor case nor apostrophes", () => {
  assert.equal(format.plain("Forlì-Cesena, L'Aquila"), "forli cesena l aquila");
});

test("the address holds the choice, and a wrong address changes nothing", () => {
  const start = { chain: "a", indicator: "share", year: 2024, map: "values", place: "", language: "it" };
  const allowed = {
    chain: new Set(["a", "b"]),
    indicator: new Set(["share"]),
    year: new Set([2019, 2024]),
    map: new Set(["values", "change"]),
    place: new Set(["", "100005"]),
    language: new Set(["it", "en"]),
  };
  const state = { ...start, chain: "b", year: 2019, map: "change", place: "100005", language: "en" };
  assert.deepEqual(choice.read(choice.write(state), start, allowed), state);
  const wrong = "#filiera=x&anno=1900&mappa=aree&comune=%3Cimg%3E&lingua=fr";
  assert.deepEqual(choice.read(wrong, start, allowed), start);
});

function model() {
  const zeros = (n) => new Uint8Array(n);
  return {
    chain: {
      share: Float64Array.from([100, 300, NaN, NaN]),
      shareStatus: Uint8Array.from([0, 0, 4, 3]),
      status: zeros(4),
      firms: Float64Array.from([10, 20, 3, NaN]),
      tests: {
        share: {
          p: Uint8Array.from([1, 4, 0, 0]),
          mark: Uint8Array.from([3, 0, 0, 0]),
          status: Uint8Array.from([0, 0, 6, 5]),
        },
      },
      change: {
        share: Float64Array.from([NaN, 50, NaN, NaN]),
        status: Uint8Array.from([1, 0, 4, 3]),
        direction: Float64Array.from([0, 1, 0, 0]),
      },
    },
    breaks: { share: [200], change_share: [-100, -20, 20, 100] },
    steps: { share: 1000 },
    edges: [0.001, 0.005, 0.05, 0.1],
    years: [2024],
    places: 4,
    population: [100, 100, 100, 100],
  };
}

test("values fall in their class, and a missing one in the class of its reason", () => {
  const made = view.make({ map: "values", indicator: "share", year: 2024 }, model());
  assert.deepEqual([...made.classes], [0, 1, view.SUPPRESSED, view.NOT_COVERED]);
  assert.equal(made.colors.length, 2);
  assert.deepEqual([...made.outlines[0].inside], [1, 0, 0, 0]);
});

test("only a place significant after correction has a color of a cluster", () => {
  const made = view.make({ map: "clusters", indicator: "share", year: 2024 }, model());
  assert.deepEqual([...made.classes], [0, 5, view.SUPPRESSED, view.NOT_COVERED]);
  assert.equal(made.counts[0], 1);
});

test("a place of interest is not colored as significant", () => {
  const given = model();
  given.chain.tests.share.p[1] = 2;
  const made = view.make({ map: "clusters", indicator: "share", year: 2024 }, given);
  assert.equal(made.names[made.classes[1]], "interest");
});

test("change is classed around zero", () => {
  const made = view.make({ map: "change", indicator: "share", year: 2024 }, model());
  assert.deepEqual([...made.classes], [view.MISSING, 3, view.SUPPRESSED, view.NOT_COVERED]);
});

test("two squares share one arc, and a point lies in its own square", () => {
  // arcs: left part, right part, shared side; squares of 10 steps side by side
  const bytes = [
    ...[2, 2, 0], // points beyond two
    ...[1, 1], // rings of places
    ...[2, 2], // refs of rings
    ...[0, 8, 2, 3], // refs 0, 4, 5, 2 as steps
    ...[20, 19, 0, 20, 0, 20, 0, 19, 0, 0], // x: 10 0 0 10 | 10 20 20 10 | 10 10
    ...[0, 0, 20, 0, 0, 0, 19, 0, 20, 19], // y: 0 0 10 10 | 10 10 0 0 | 10 0
  ];
  const head = { arcs: 3, places: 2, rings: 2, refs: 4, points: 10, west: 0, north: 0, step: 1 };
  const shape = geometry.decode(Uint8Array.from(bytes), head);
  assert.deepEqual([...shape.owners], [0, -1, 1, -1, 0, 1]);
  assert.equal(geometry.placeAt(shape, 5, 5), 0);
  assert.equal(geometry.placeAt(shape, 15, 5), 1);
  assert.equal(geometry.placeAt(shape, 25, 5), -1);
  assert.deepEqual(geometry.boxOf(shape, [0, 1]), [0, 0, 20, 10]);
});

test("no part of the script writes markup or code", () => {
  const folder = path.join(__dirname, "../../geo_engine/outputs/atlas/src");
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith(".js"))) {
    const text = fs.readFileSync(path.join(folder, name), "utf8");
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|fetch\(|XMLHttpRequest|https?:\/\/(?!www\.w3\.org)/, name);
  }
});
