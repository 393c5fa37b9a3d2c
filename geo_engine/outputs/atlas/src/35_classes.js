/* Breaks between the classes of a map, always over all years: one color, one range. */

const classes = (() => {
  const CLASSES = 5;
  const MOST = 1000; // distinct values that natural breaks look at
  const METHODS = ["quantile", "jenks", "equal", "fixed"];

  /** Rising breaks in steps; a value equal to a break is in the upper class. */
  function breaks(method, values, fixed = []) {
    const sorted = finite(values);
    if (!sorted.length) return [];
    if (method === "fixed") return fixed;
    const makers = { quantile, jenks, equal };
    const cuts = makers[method](sorted);
    return [...new Set(cuts)].filter((cut) => cut > sorted[0]).sort((a, b) => a - b);
  }

  function finite(values) {
    return Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  }

  /** Quintiles of what is above zero, as classes.py has them; of all where some are below. */
  function quantile(sorted) {
    const some = sorted[0] < 0 ? sorted : sorted.filter((value) => value > 0);
    if (!some.length) return [];
    return [1, 2, 3, 4].map((k) => at(some, k / CLASSES));
  }

  /** The smallest value that is not below a part of the values: inverted_cdf. */
  function at(sorted, part) {
    return sorted[Math.max(Math.ceil(sorted.length * part - 1e-9) - 1, 0)];
  }

  function equal(sorted) {
    const [low, high] = [sorted[0], sorted[sorted.length - 1]];
    return [1, 2, 3, 4].map((k) => Math.round(low + ((high - low) * k) / CLASSES));
  }

  /** Natural breaks: the least sum of squares within classes (Fisher 1958, Jenks 1977). */
  function jenks(sorted) {
    const [values, counts] = distinct(sorted);
    if (values.length <= CLASSES) return values.slice(1);
    return fisher(values, counts, CLASSES).map((start) => values[start]);
  }

  /** Values and how often each occurs; joined into wider steps where there are too many. */
  function distinct(sorted) {
    let width = 1;
    for (;;) {
      const [values, counts] = [[], []];
      for (const value of sorted) {
        const step = Math.floor(value / width) * width;
        if (values.length && values[values.length - 1] === step) counts[counts.length - 1]++;
        else {
          values.push(step);
          counts.push(1);
        }
      }
      if (values.length <= MOST) return [values, counts];
      width *= 2;
    }
  }

  /** Where classes 2 to k begin, by dynamic programming over weighted values. */
  function fisher(values, counts, k) {
    const n = values.length;
    const sums = prefix(values, counts);
    let best = Float64Array.from({ length: n }, (_, j) => within(sums, 0, j));
    const starts = [];
    for (let part = 1; part < k; part++) {
      const next = new Float64Array(n).fill(Infinity);
      const from = new Int32Array(n);
      for (let j = part; j < n; j++) {
        for (let i = part; i <= j; i++) {
          const cost = best[i - 1] + within(sums, i, j);
          if (cost < next[j]) {
            next[j] = cost;
            from[j] = i;
          }
        }
      }
      starts.push(from);
      best = next;
    }
    const cuts = [];
    for (let part = k - 2, j = n - 1; part >= 0; part--) {
      cuts.unshift(starts[part][j]);
      j = starts[part][j] - 1;
    }
    return cuts;
  }

  function prefix(values, counts) {
    const middle = values[values.length >> 1]; // smaller squares, fewer lost digits
    const sums = [[0], [0], [0]];
    values.forEach((value, i) => {
      const centered = value - middle;
      [1, centered, centered * centered].forEach((power, m) =>
        sums[m].push(sums[m][i] + counts[i] * power),
      );
    });
    return sums;
  }

  function within([n, x, xx], i, j) {
    const sum = x[j + 1] - x[i];
    return xx[j + 1] - xx[i] - (sum * sum) / (n[j + 1] - n[i]);
  }

  /** Differences around zero: half of them small, a seventh large. */
  function around(values) {
    const sizes = finite(values.map(Math.abs)).filter((size) => size > 0);
    if (!sizes.length) return [];
    const inner = at(sizes, 0.5);
    const outer = Math.max(at(sizes, 0.85), inner + 1);
    return [-outer, -inner, inner, outer];
  }

  /** Own thresholds from text in the unit shown: "20; 40; 60" -> steps; wrong ones are left out. */
  function parse(text, perUnit) {
    const numbers = text
      .split(/[;%\s]+/)
      .filter(Boolean)
      .map((part) => Math.round(Number(part.replace(",", ".")) * perUnit));
    return [...new Set(numbers.filter(Number.isFinite))].sort((a, b) => a - b).slice(0, 8);
  }

  return { METHODS, breaks, around, parse };
})();
