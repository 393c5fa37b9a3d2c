/* From a choice to a map: the class of each place, the legend, the outlines. Pure functions. */

const view = (() => {
  const SEQUENTIAL = {
    1: ["#41b6c4"],
    2: ["#a1dab4", "#2c7fb8"],
    3: ["#edf8b1", "#7fcdbb", "#2c7fb8"],
    4: ["#ffffcc", "#a1dab4", "#41b6c4", "#225ea8"],
    5: ["#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494"],
    6: ["#ffffcc", "#c7e9b4", "#7fcdbb", "#41b6c4", "#2c7fb8", "#253494"],
    7: ["#ffffcc", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#0c2c84"],
    8: ["#ffffd9", "#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#0c2c84"],
    9: ["#ffffd9", "#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#253494", "#081d58"],
  };
  const DIVERGING = ["#e66101", "#fdb863", "#f7f7f7", "#b2abd2", "#5e3c99"];
  const CLUSTERS = ["HH", "LL", "HL", "LH", "interest", "none"];
  const CLUSTER_COLORS = ["#b2182b", "#2166ac", "#f4a582", "#92c5de", "#cbc9c4", "#f2f2f0"];
  const QUADRANT_CLASS = [5, 0, 1, 3, 2];
  const HOT = ["hot", "cold", "interest", "none"];
  const HOT_COLORS = ["#b2182b", "#2166ac", "#cbc9c4", "#f2f2f0"];
  const HOT_OF_QUADRANT = [3, 0, 1, 0, 1]; // by the neighbors: HH and LH hot, LL and HL cold
  const NEED_COLORS = ["#e66101", "#5e3c99", "#fdb863", "#b2abd2"];
  const SPECIALIZED_COLORS = ["#5e3c99", "#f2f2f0", "#fdb863"];
  const HIGH = "#b2182b";
  const LOW = "#2166ac";
  const MISSING = 250;
  const SUPPRESSED = 251;
  const NOT_COVERED = 252;
  const STATUS_NOT_COVERED = 3; // position in tables.STATUSES
  const UNSURE_BELOW = 0.5; // weight of a place's own data in its corrected share

  /** Class by status of a value that is not there (tables.STATUSES). */
  const statusClass = (status) => [MISSING, MISSING, MISSING, NOT_COVERED, SUPPRESSED, MISSING][status];
  /** The same for tests (tables.LOCAL_STATUSES). */
  const localClass = (status) =>
    [MISSING, MISSING, MISSING, MISSING, MISSING, NOT_COVERED, SUPPRESSED][status];

  /** How many breaks are not above a value. */
  function classOf(value, breaks) {
    let found = 0;
    while (found < breaks.length && value >= breaks[found]) found++;
    return found;
  }

  /** All a painter and a legend need. `model` holds the chain, the base, breaks, edges. */
  function make(state, model) {
    const builders = {
      values,
      clusters,
      concentration: clusters,
      hotcold: clusters,
      robustness,
      need: category,
      specialized: category,
      change: changes.make,
    };
    const made = builders[state.map](state, model);
    made.counts = new Uint32Array(256);
    for (const code of made.units) made.counts[code]++;
    made.classes = spread(model.base, state.level, made.units);
    return made;
  }

  /** Give each place the class of its territory. */
  function spread(base, level, units) {
    if (level === "place") return units;
    const { of } = base.byKey.get(level);
    return Uint8Array.from(of, (unit) => (unit < 0 ? MISSING : units[unit]));
  }

  function values(state, model) {
    const found = figures.series(model.chain, model.base, state.level, state.indicator, model.about);
    const { count, about } = found || { count: figures.countOf(model.base, state.level), about: model.about };
    const offset = model.year * count;
    const units = new Uint8Array(count).fill(MISSING);
    if (found) {
      for (let i = 0; i < count; i++) {
        const value = found.list[offset + i];
        units[i] = Number.isNaN(value) ? statusClass(found.status[offset + i]) : classOf(value, model.breaks);
      }
    }
    const atPlaces = state.level === "place";
    const test = atPlaces ? about.test : "";
    return {
      kind: "values",
      units,
      colors: SEQUENTIAL[model.breaks.length + 1],
      breaks: model.breaks,
      about,
      variable: test,
      unsure: atPlaces && test === "share" ? littleKnown(model, offset, units) : null,
      outlines: test ? outlines(model, test) : [],
    };
  }

  /** Places whose share leans on their region more than on their own data. */
  function littleKnown(model, offset, units) {
    return Uint8Array.from(units, (code, i) =>
      code < MISSING && model.chain.reliability[offset + i] < UNSURE_BELOW ? 1 : 0,
    );
  }

  function outlines(model, variable) {
    const { places } = model.base;
    const from = model.year * places;
    const marks = model.chain.tests[variable].mark.subarray(from, from + places);
    return [
      { color: HIGH, inside: Uint8Array.from(marks, (mark) => (mark === 3 ? 1 : 0)) },
      { color: LOW, inside: Uint8Array.from(marks, (mark) => (mark === 5 ? 1 : 0)) },
    ];
  }

  /** Which variable a map of tests is about. */
  function tested(state, model) {
    if (state.map === "clusters") return "share";
    if (state.map === "concentration") return "firms";
    return model.about.test || (model.facts.signal ? "share" : "firms");
  }

  function clusters(state, model) {
    const variable = tested(state, model);
    const tests = model.chain.tests[variable];
    const hot = state.map === "hotcold";
    const ofQuadrant = hot ? HOT_OF_QUADRANT : QUADRANT_CLASS;
    const interesting = model.edges.findIndex((edge) => edge >= 0.005) + 1;
    const { places } = model.base;
    const [interest, none] = hot ? [2, 3] : [4, 5];
    const units = new Uint8Array(places);
    for (let i = 0; i < places; i++) {
      const at = model.year * places + i;
      if (!tests.q[at] && !tests.p[at]) units[i] = localClass(tests.status[at] || 1);
      else if (tests.mark[at] % 2) units[i] = ofQuadrant[tests.mark[at] >> 1];
      else units[i] = tests.p[at] && tests.p[at] <= interesting ? interest : none;
    }
    return {
      kind: state.map,
      units,
      colors: hot ? HOT_COLORS : CLUSTER_COLORS,
      names: hot ? HOT : CLUSTERS,
      variable,
      unsure: null,
      outlines: [],
    };
  }

  /** In how many of the specifications tried a place is a hotspot. */
  function robustness(state, model) {
    const { places } = model.base;
    const from = model.year * places;
    const status = model.chain.tests.share.status;
    const units = new Uint8Array(places);
    for (let i = 0; i < places; i++) {
      const value = model.chain.robustness[from + i];
      units[i] = Number.isNaN(value) ? localClass(status[from + i] || 1) : robustClass(value);
    }
    return {
      kind: "robustness",
      units,
      colors: ["#f2f2f0", "#fee0d2", "#fc9272", "#de2d26", "#99000d"],
      names: ["never", "quarter", "half", "most", "nearly_all"],
      variable: "share",
      unsure: null,
      outlines: outlines(model, "share").slice(0, 1),
    };
  }

  /** Categories in words: specialization and need, specialization alone. */
  function category(state, model) {
    const { places } = model.base;
    const from = model.year * places;
    const need = state.map === "need";
    const list = model.chain.kinds[state.map];
    const status = need ? model.chain.shareStatus : model.chain.status;
    const units = Uint8Array.from({ length: places }, (_, i) => {
      const code = list ? list[from + i] : 0;
      if (status[from + i] || (need && !code)) return statusClass(status[from + i] || 2);
      return need ? code - 1 : 2 - code;
    });
    return {
      kind: state.map,
      units,
      colors: need ? NEED_COLORS : SPECIALIZED_COLORS,
      names: need ? standing.NEED.slice(1) : [...standing.SPECIALIZED].reverse(),
      variable: "",
      unsure: null,
      outlines: [],
    };
  }

  const robustClass = (value) => (value === 0 ? 0 : 1 + classOf(value, [25, 50, 75]));

  return {
    make,
    classOf,
    statusClass,
    tested,
    SEQUENTIAL,
    DIVERGING,
    MISSING,
    SUPPRESSED,
    NOT_COVERED,
    STATUS_NOT_COVERED,
    HIGH,
    LOW,
  };
})();
