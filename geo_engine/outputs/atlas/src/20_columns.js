/* The figures of one chain: the other side of columns.py, with the same arithmetic. */

const columns = (() => {
  const SHARE = 1000;
  const QUOTIENT = 100;
  const PER_1000 = 100;
  const PER_KM2 = 1000;
  const Z = 1.959964;
  const LOCAL_OF_STATUS = [1, 1, 1, 5, 6];

  const nearest = (value, scale) => Math.floor(value * scale + 0.5);

  /** base: {places, years, population, area, region, regions, totals, parts, levels: [{key, count}]} */
  function decode(bytes, base) {
    const read = codec.reader(bytes);
    const chain = {};
    readCounts(read, base, chain);
    readShares(read, base, chain);
    readRates(read, base, chain);
    chain.tests = {
      firms: readTests(read, base, chain.status),
      share: readTests(read, base, chain.shareStatus),
    };
    chain.change = readChange(read, base, chain);
    chain.robustness = read.nullable(base.places * base.years);
    chain.levels = {};
    for (const { key, count } of base.levels) chain.levels[key] = readLevel(read, count, base);
    if (!read.done()) throw new RangeError("the data do not end where they should");
    return chain;
  }

  /** Firms, whole or in parts of a firm; expected(i, soFar) in firms too. */
  function readFirms(read, n, parts, expected) {
    if (parts === 1) return read.nullable(n, expected);
    const found = new Float64Array(n);
    read.nullable(n, (i, steps) => {
      if (i > 0) found[i - 1] = steps[i - 1] / parts;
      return nearest(expected(i, found), parts);
    }).forEach((steps, i) => (found[i] = steps / parts));
    return found;
  }

  function readCounts(read, base, chain) {
    const n = base.places * base.years;
    const p = base.places;
    const before = (list, i) => (i < p ? NaN : list[i - p]);
    const firms = readFirms(read, n, base.parts, (i, soFar) => before(soFar, i));
    const known = readFirms(read, n, base.parts, (i, soFar) => {
      const gap = before(firms, i) - before(soFar, i);
      return firms[i] - (Number.isNaN(gap) ? 0 : gap);
    });
    const digital = readFirms(read, n, base.parts, (i, soFar) =>
      nearest((known[i] * before(soFar, i)) / before(known, i), base.parts) / base.parts,
    );
    const status = read.surprises(n, (i) => firmStatus(firms[i]));
    const shareStatus = read.surprises(n, (i) => {
      if (!Number.isNaN(digital[i])) return 0;
      return known[i] > 0 ? 4 : firmStatus(firms[i]);
    });
    const share = shares(digital, known);
    Object.assign(chain, { firms, known, digital, status, shareStatus, share });
  }

  function shares(digital, known) {
    const found = new Float64Array(digital.length);
    for (let i = 0; i < found.length; i++) found[i] = nearest(digital[i] / known[i], SHARE);
    return found;
  }

  function firmStatus(firms) {
    if (firms === 0) return 1;
    return Number.isNaN(firms) ? 3 : 0;
  }

  function readShares(read, base, chain) {
    const n = base.places * base.years;
    const means = read.plain(base.years * base.regions);
    const weights = read.plain(base.years * base.regions);
    const share = new Float64Array(n);
    const firms = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const year = Math.floor(i / base.places);
      const group = year * base.regions + base.region[i % base.places];
      const mean = means[group] / 1000000;
      const weight = weights[group] / 1000;
      firms[i] = chain.known[i] + weight;
      share[i] = (chain.digital[i] + mean * weight) / firms[i];
    }
    chain.reliability = firms.map((all, i) => (all > 0 ? chain.known[i] / all : NaN));
    chain.share_eb = read.nullable(n, (i) => nearest(share[i], SHARE));
    chain.low = read.nullable(n, (i) => nearest(betaEnd(share[i], firms[i], -1), SHARE));
    chain.high = read.nullable(n, (i) => nearest(betaEnd(share[i], firms[i], 1), SHARE));
  }

  /** An end of the 95 % interval of a Beta, by the expansion of Cornish and Fisher. */
  function betaEnd(share, firms, side) {
    const chance = share * (1 - share);
    const skew = 1 - 2 * share;
    const deviation = Math.sqrt(chance / (firms + 1));
    const lean = (((Z * Z - 1) / 3) * skew) / (firms + 2);
    const square = (skew * skew * (firms + 1)) / ((firms + 2) * (firms + 2) * chance);
    const peak = (square * (firms + 2) - 1) / (firms + 3);
    const stretch = ((Z * (Z * Z - 3)) / 4) * peak - ((Z * (2 * Z * Z - 5)) / 9) * square;
    const reach = deviation * (Z + stretch);
    return side < 0 ? Math.max(share - reach + lean, 0) : Math.min(share + reach + lean, 1);
  }

  function readRates(read, base, chain) {
    const n = base.places * base.years;
    const p = base.places;
    const sums = new Float64Array(base.years);
    for (let i = 0; i < n; i++) sums[Math.floor(i / p)] += chain.firms[i] || 0;
    chain.location_quotient = read.nullable(n, (i) =>
      nearest(chain.firms[i] / sums[Math.floor(i / p)] / (base.totals[i] / 1000000000), QUOTIENT),
    );
    chain.firms_per_1000 = read.nullable(n, (i) =>
      nearest((1000 * chain.firms[i]) / base.population[i % p], PER_1000),
    );
    chain.firms_per_km2 = read.nullable(n, (i) =>
      nearest((10000 * chain.firms[i]) / base.area[i % p], PER_KM2),
    );
  }

  /** p and q: number of the bin, 0 missing; mark: twice the quadrant, plus one if significant. */
  function readTests(read, base, status) {
    const n = base.places * base.years;
    const p = Uint8Array.from(read.plain(n));
    const q = Uint8Array.from(read.plain(n));
    const mark = Uint8Array.from(read.plain(n));
    const state = read.surprises(n, (i) => (p[i] ? 0 : LOCAL_OF_STATUS[status[i]]));
    return { p, q, mark, status: state };
  }

  function readChange(read, base, chain) {
    const n = base.places;
    const first = read.plain(n);
    const last = read.plain(n);
    const status = read.plain(n);
    const direction = read.plain(n).map((code) => code - 1);
    const at = (year, i) => Math.max(year[i] - 1, 0) * n + i;
    const firms = readFirms(read, n, base.parts, (i) => chain.firms[at(last, i)] - chain.firms[at(first, i)]);
    const expected = Array.from({ length: n }, (_, i) =>
      newcombe(
        chain.digital[at(first, i)],
        chain.known[at(first, i)],
        chain.digital[at(last, i)],
        chain.known[at(last, i)],
      ),
    );
    const share = read.nullable(n, (i) => nearest(expected[i][0], SHARE));
    const low = read.nullable(n, (i) => nearest(expected[i][1], SHARE));
    const high = read.nullable(n, (i) => nearest(expected[i][2], SHARE));
    return { first, last, status, direction, firms, share, low, high };
  }

  /** Difference of two shares with its interval, by Newcombe's hybrid score. */
  function newcombe(digital1, known1, digital2, known2) {
    const [p1, l1, u1] = wilson(digital1, known1);
    const [p2, l2, u2] = wilson(digital2, known2);
    const change = p2 - p1;
    const low = change - Math.sqrt((p2 - l2) * (p2 - l2) + (u1 - p1) * (u1 - p1));
    const high = change + Math.sqrt((u2 - p2) * (u2 - p2) + (p1 - l1) * (p1 - l1));
    return [change, low, high];
  }

  function wilson(digital, known) {
    const share = digital / known;
    const center = (share + (Z * Z) / (2 * known)) / (1 + (Z * Z) / known);
    const root = Math.sqrt((share * (1 - share)) / known + (Z * Z) / (4 * known * known));
    const half = (Z * root) / (1 + (Z * Z) / known);
    return [share, center - half, center + half];
  }

  /** A level above municipalities: the same names as the chain's own figures. */
  function readLevel(read, count, base) {
    const n = count * base.years;
    const before = (i, soFar) => (i < count ? NaN : soFar[i - count]);
    const [firms, known, digital] = [0, 1, 2].map(() => readFirms(read, n, base.parts, before));
    const share = read.nullable(n, (i) => nearest(digital[i] / known[i], SHARE));
    const location_quotient = read.nullable(n, before);
    const firms_per_1000 = read.nullable(n, before);
    const firms_per_km2 = read.nullable(n, before);
    const status = Uint8Array.from(read.plain(n));
    const shareStatus = Uint8Array.from(read.plain(n));
    return {
      firms,
      known,
      digital,
      share,
      location_quotient,
      firms_per_1000,
      firms_per_km2,
      status,
      shareStatus,
    };
  }

  return { decode, newcombe, wilson, betaEnd, nearest };
})();
