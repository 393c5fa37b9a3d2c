"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");
const zlib = require("node:zlib");
const {
  SOURCES,
  PARTS,
  areas,
  benchmarks,
  changes,
  choice,
  classes,
  codec,
  columns,
  files,
  format,
  geometry,
  inflate,
  picture,
  territory,
  view,
} = require("./load.js");

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

test("our own inflate undoes gzip of every kind of block", () => {
  let seed = 11;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const noise = Buffer.from(Array.from({ length: 70000 }, () => Math.floor(256 * random())));
  const texts = [Buffer.alloc(0), Buffer.from("a"), Buffer.from("abc".repeat(30000)), noise];
  for (const raw of texts) {
    for (const options of [{ level: 0 }, { level: 1 }, { level: 9 }, { strategy: zlib.constants.Z_FIXED }]) {
      const packed = new Uint8Array(zlib.gzipSync(raw, options));
      assert.ok(Buffer.from(inflate.gunzip(packed)).equals(raw));
    }
  }
  const whole = new Uint8Array(zlib.gzipSync(noise));
  assert.throws(() => inflate.gunzip(whole.slice(0, 5000)), RangeError);
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

const START = {
  universe: "tutte",
  chain: "a",
  indicator: "share",
  year: 2024,
  since: 2019,
  map: "values",
  level: "place",
  method: "quantile",
  fixed: "",
  unsure: "",
  place: "",
  other: "",
  territory: "",
  local: "",
  language: "it",
};
const MAY = {
  universe: new Set(["tutte", "pmi"]),
  chain: new Set(["a", "b"]),
  indicator: new Set(["share"]),
  year: new Set([2019, 2024]),
  since: new Set([2019, 2024]),
  map: new Set(["values", "change"]),
  level: new Set(["place", "province", "gal"]),
  method: new Set(["quantile", "jenks", "equal", "fixed"]),
  unsure: new Set(["", "si"]),
  local: new Set(["", "si"]),
  place: new Set(["", "100005", "100003"]),
  other: new Set(["", "filiera:b", "anno:2019"]),
  language: new Set(["it", "en"]),
};

test("the address holds the whole choice", () => {
  const state = {
    ...START,
    universe: "pmi",
    chain: "b",
    year: 2019,
    since: 2024,
    map: "change",
    level: "gal",
    method: "fixed",
    fixed: "20; 40",
    unsure: "si",
    place: "100005",
    other: "anno:2019",
    territory: "100003,100005",
    local: "si",
    language: "en",
  };
  assert.deepEqual(choice.read(choice.write(state, START), START, MAY), state);
  assert.deepEqual(choice.read(choice.write(START, START), START, MAY), START);
});

test("a wrong address changes nothing", () => {
  const wrong =
    "#filiera=x&anno=1900&mappa=aree&comune=%3Cimg%3E&lingua=fr&livello=constructor&classi=toString&soglie=%3Cb%3E&confronta=anno:1";
  assert.deepEqual(choice.read(wrong, START, MAY), START);
});

test("of a territory in the address only known municipalities are kept, once and in order", () => {
  const read = choice.read("#territorio=100005,999999,100003,100005", START, MAY);
  assert.equal(read.territory, "100003,100005");
});

test("quintiles are those of what is above zero, over all years", () => {
  const values = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  assert.deepEqual(classes.breaks("quantile", values), [20, 40, 60, 80]);
  assert.deepEqual(classes.breaks("quantile", Float64Array.from([0, 500, 500, 500])), [500]);
  assert.deepEqual(classes.breaks("quantile", Float64Array.from([300, 300, NaN])), []);
});

test("equal classes are as wide as each other, and a constant has one class", () => {
  assert.deepEqual(classes.breaks("equal", Float64Array.from([0, 100])), [20, 40, 60, 80]);
  assert.deepEqual(classes.breaks("equal", Float64Array.from([7, 7])), []);
});

/** All ways of cutting sorted values in k classes: the least sum of squares. */
function leastSquares(values, k) {
  const spread = (part) => {
    const mean = part.reduce((a, b) => a + b, 0) / part.length;
    return part.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  };
  const best = (from, left) => {
    if (left === 1) return spread(values.slice(from));
    let least = Infinity;
    for (let end = from + 1; end <= values.length - left + 1; end++) {
      least = Math.min(least, spread(values.slice(from, end)) + best(end, left - 1));
    }
    return least;
  };
  return best(0, k);
}

test("natural breaks have the least sum of squares of all ways to cut", () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let trial = 0; trial < 20; trial++) {
    const values = Array.from({ length: 12 }, () => Math.floor(200 * random() ** 3)).sort((a, b) => a - b);
    if (new Set(values).size <= 5) continue;
    const cuts = classes.breaks("jenks", Float64Array.from(values));
    const ends = [-Infinity, ...cuts, Infinity];
    let cost = 0;
    for (let k = 0; k < ends.length - 1; k++) {
      const part = values.filter((value) => value >= ends[k] && value < ends[k + 1]);
      const mean = part.reduce((a, b) => a + b, 0) / part.length;
      cost += part.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    }
    assert.equal(cuts.length, 4);
    assert.ok(Math.abs(cost - leastSquares(values, 5)) < 1e-6, `${values}: ${cuts}`);
  }
});

test("natural breaks of a hundred thousand values come in a moment and rise", () => {
  const values = Float64Array.from({ length: 100000 }, (_, i) => (i * 7919) % 90001);
  const cuts = classes.breaks("jenks", values);
  assert.equal(cuts.length, 4);
  assert.ok(cuts.every((cut, i) => i === 0 || cut > cuts[i - 1]));
});

test("thresholds are read in the unit shown, whatever stands between them", () => {
  assert.deepEqual(classes.parse("40; 20,5 %; x; 20,5", 10), [205, 400]);
  assert.deepEqual(classes.parse("0,9 1.1", 100), [90, 110]);
});

test("classes of change are symmetric around zero", () => {
  assert.deepEqual(classes.around(Float64Array.from([-300, -100, 20, 50, NaN, 200])), [-300, -100, 100, 300]);
  assert.deepEqual(classes.around(Float64Array.from([0, 0])), []);
});

function model() {
  const zeros = (n) => new Uint8Array(n);
  const share = Float64Array.from([100, 300, NaN, NaN]);
  const base = {
    places: 4,
    years: 1,
    population: [100, 100, 100, 100],
    byKey: new Map([["province", { count: 2, of: [0, 0, 1, -1] }]]),
  };
  base.peopleOf = () => base.population;
  return {
    chain: {
      share,
      share_eb: share,
      reliability: Float64Array.from([0.2, 0.9, NaN, NaN]),
      shareStatus: Uint8Array.from([0, 0, 4, 3]),
      status: zeros(4),
      firms: Float64Array.from([10, 20, 3, NaN]),
      known: Float64Array.from([10, 20, 3, NaN]),
      digital: Float64Array.from([1, 6, NaN, NaN]),
      robustness: Float64Array.from([0, 80, NaN, 30]),
      tests: {
        share: {
          p: Uint8Array.from([1, 4, 0, 0]),
          q: Uint8Array.from([1, 4, 0, 0]),
          mark: Uint8Array.from([3, 0, 0, 0]),
          status: Uint8Array.from([0, 0, 6, 5]),
        },
      },
      change: {
        share: Float64Array.from([NaN, 50, NaN, NaN]),
        firms: Float64Array.from([1, 2, 3, NaN]),
        status: Uint8Array.from([1, 0, 4, 3]),
        direction: Float64Array.from([0, 1, 0, 0]),
      },
      levels: {
        province: {
          share: Float64Array.from([250, NaN]),
          shareStatus: Uint8Array.from([0, 4]),
          status: zeros(2),
          firms: Float64Array.from([30, 3]),
        },
      },
    },
    about: { key: "share", test: "share", steps: 1000, percent: true, decimals: 1 },
    base,
    breaks: [200],
    edges: [0.001, 0.005, 0.05, 0.1],
    facts: { years: [2024], signal: "x" },
    year: 0,
  };
}

const made = (changed, given = model()) => view.make({ ...START, ...changed }, given);

test("values fall in their class, and a missing one in the class of its reason", () => {
  const found = made({ map: "values" });
  assert.deepEqual([...found.classes], [0, 1, view.SUPPRESSED, view.NOT_COVERED]);
  assert.equal(found.colors.length, 2);
  assert.deepEqual([...found.outlines[0].inside], [1, 0, 0, 0]);
});

test("a place whose share leans on its region is unsure, one without a share is not", () => {
  assert.deepEqual([...made({ map: "values" }).unsure], [1, 0, 0, 0]);
});

test("a map of provinces colors each place as its province, and one outside all as missing", () => {
  const found = made({ map: "values", level: "province" });
  assert.deepEqual([...found.classes], [1, 1, view.SUPPRESSED, view.MISSING]);
  assert.equal(found.counts[1], 1);
  assert.deepEqual(found.outlines, []);
});

test("only a place significant after correction has a color of a cluster", () => {
  const found = made({ map: "clusters" });
  assert.deepEqual([...found.classes], [0, 5, view.SUPPRESSED, view.NOT_COVERED]);
  assert.equal(found.counts[0], 1);
});

test("a verdict whose p is withheld is still shown", () => {
  const given = model();
  given.chain.tests.share.p[0] = 0;
  assert.equal(made({ map: "clusters" }, given).classes[0], 0);
});

test("a place of interest is not colored as significant", () => {
  const given = model();
  given.chain.tests.share.p[1] = 2;
  const found = made({ map: "clusters" }, given);
  assert.equal(found.names[found.classes[1]], "interest");
});

test("a low place among high ones has a hot neighborhood", () => {
  const given = model();
  given.chain.tests.share.mark = Uint8Array.from([2 * 3 + 1, 2 * 4 + 1, 0, 0]);
  const found = made({ map: "hotcold" }, given);
  assert.deepEqual([found.names[found.classes[0]], found.names[found.classes[1]]], ["hot", "cold"]);
});

test("robustness has its own classes, and never is not missing", () => {
  const found = made({ map: "robustness" });
  assert.deepEqual([...found.classes], [0, 4, view.SUPPRESSED, 2]);
});

test("change is classed around zero", () => {
  const found = made({ map: "change", since: 2024 });
  assert.deepEqual([...found.classes], [view.MISSING, 3, view.SUPPRESSED, view.NOT_COVERED]);
});

test("a change between two inner years has Newcombe's interval, and none across refused versions", () => {
  const given = model();
  Object.assign(given.chain, {
    digital: Float64Array.from([48, 56, 48, 1]),
    known: Float64Array.from([80, 70, 80, 5]),
    firms: Float64Array.from([80, 70, 80, 5]),
    shareStatus: new Uint8Array(4),
  });
  Object.assign(given.base, { places: 1, population: [100] });
  given.facts.years = [2019, 2020, 2021, 2022];
  const state = { ...START, map: "change", since: 2020, year: 2019 };
  const found = changes.between(state, given);
  assert.equal(found.share[0], 200);
  assert.equal(found.low[0], 52);
  assert.equal(found.direction[0], 1);
  const facts = { ...given.facts, index_versions: [3, 4, 4, 3] };
  const refused = changes.between(state, { ...given, facts });
  assert.ok(Number.isNaN(refused.share[0]));
  assert.equal(refused.firms[0], -10);
});

test("a line is cut at breaks, on both sides of a mixed year, and between versions of the index", () => {
  const facts = { years: [2018, 2019, 2021, 2022, 2023], index_versions: [3, 3, 3, 3, 4] };
  const row = (year, mixed) => ["a", "share", year, "", "", mixed];
  const cuts = (rows, variables = ["share"], chain = "a") => [
    ...changes.cuts({ facts, seriesBreaks: rows }, chain, variables),
  ];
  assert.deepEqual(cuts([]), [4]);
  assert.deepEqual(cuts([row(2020, 0)]), [2, 4]);
  assert.deepEqual(cuts([row(2021, 1)]), [2, 3, 4]);
  assert.deepEqual(cuts([row(2018, 1)]), [1, 4]);
  assert.deepEqual(cuts([row(2021, 1)], ["firms"]), []);
  assert.deepEqual(cuts([row(2021, 1)], ["share"], "b"), [4]);
});

test("no change is told across a break of the series, and the reason is a status", () => {
  const given = model();
  const seriesBreaks = [["a", "share", 2022, "cambiato", "changed"]];
  Object.assign(given.chain, {
    digital: Float64Array.from([1, 2, 3, 4]),
    known: Float64Array.from([10, 10, 10, 10]),
    firms: Float64Array.from([10, 11, 12, 13]),
    shareStatus: new Uint8Array(4),
  });
  Object.assign(given.base, { places: 1, population: [100] });
  given.facts.years = [2019, 2020, 2021, 2022];
  const between = (since, year) =>
    changes.between({ ...START, map: "change", since, year }, { ...given, seriesBreaks });
  assert.ok(Number.isNaN(between(2020, 2022).share[0]));
  assert.equal(between(2020, 2022).status[0], 5);
  assert.equal(between(2020, 2022).firms[0], 2);
  assert.equal(between(2020, 2021).share[0], 100);
});

test("a cell of a spreadsheet is text whatever it begins with", () => {
  assert.equal(files.cell("=1+1", ","), `"'=1+1"`);
  assert.equal(files.cell('a "b"', ","), '"a ""b"""');
  assert.equal(files.cell(-1.5, ","), "-1,5");
  assert.equal(files.cell(NaN, ","), "");
  assert.equal(files.csv(["a"], [["@x"]], "it"), `\uFEFF"a"\r\n"'@x"\r\n`);
});

test("a list of municipalities is read by code, by name and sigla, and doubt is said", () => {
  const base = {
    places: 3,
    code: ["058025", "075097", "100005"],
    name: ["Castro", "Castro", "Prato"],
    name_other: ["", "", ""],
    sigla: ["BG", "LE", "PO"],
    position: new Map([
      ["058025", 0],
      ["075097", 1],
      ["100005", 2],
    ]),
  };
  const read = territory.parse(base, "prato\n58025; Castro; Castro (LE), Nessuno");
  assert.deepEqual(read, { found: [0, 1, 2], unknown: ["Nessuno"], doubtful: ["Castro"] });
});

test("sums of places leave a withheld share out of numerator and denominator", () => {
  const { chain, base } = model();
  const sums = benchmarks.pooled(chain, 0, [0, 1, 2, 3], base.population);
  assert.deepEqual(sums, { digital: 7, known: 30, firms: 33, people: 300, shown: 2, withheld: 1 });
});

test("text of a picture is escaped and free of what XML cannot hold", () => {
  assert.equal(picture.clean('<a b="&">\u0001\ud800x'), "&lt;a b=&quot;&amp;&quot;&gt;x");
  assert.deepEqual(picture.wrap("uno due tre", 7), ["uno due", "tre"]);
});

function areasOf(...years) {
  const hotspots = new Map(
    years.map(([year, members]) => [`a/${year}`, members ? [{ chain: "a", year, members }] : []]),
  );
  return { facts: { years: [2021, 2022, 2023, 2024] }, set: { hotspots } };
}

test("an area is new, there since a year, there always, or of the first year", () => {
  const area = { chain: "a", year: 2024, members: [1, 2] };
  const since = (...years) => areas.since(areasOf(...years), area);
  assert.deepEqual(since([2023, null]), { kind: "new", year: 2024, before: 2023 });
  assert.deepEqual(since([2023, [2, 3]], [2022, [9]]), { kind: "since", year: 2023 });
  assert.deepEqual(since([2023, [2, 3]], [2022, [3]], [2021, [3]]), { kind: "always", year: 2021 });
  assert.deepEqual(areas.since(areasOf(), { ...area, year: 2021 }), { kind: "first", year: 2021 });
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

test("no part of the script writes markup or code, or asks for anything", () => {
  for (const name of PARTS) {
    const text = fs.readFileSync(path.join(SOURCES, name), "utf8");
    assert.doesNotMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|fetch\(|XMLHttpRequest|https?:\/\/(?!www\.w3\.org)/,
      name,
    );
  }
});

test("every part is one concern of at most 400 lines", () => {
  for (const name of PARTS) {
    const lines = fs.readFileSync(path.join(SOURCES, name), "utf8").split("\n");
    assert.ok(lines.length <= 400, `${name}: ${lines.length}`);
    assert.match(lines[0], /^\/\* .+/, name);
  }
});

test("no function has more than 40 lines of body", () => {
  for (const name of PARTS) {
    const lines = fs.readFileSync(path.join(SOURCES, name), "utf8").split("\n");
    lines.forEach((line, i) => {
      const start = /^( +)(?:async )?function (\w+)\(.*\{$/.exec(line);
      if (!start) return;
      const end = lines.findIndex((one, j) => j > i && one === `${start[1]}}`);
      assert.ok(end - i - 1 <= 40, `${name}: ${start[2]} has ${end - i - 1} lines`);
    });
  }
});
