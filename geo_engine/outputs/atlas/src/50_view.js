/* From a choice to a map: the class of each place, the legend, the outlines. Pure functions. */

const view = (() => {
  const SEQUENTIAL = {
    1: ["#41b6c4"],
    2: ["#a1dab4", "#2c7fb8"],
    3: ["#edf8b1", "#7fcdbb", "#2c7fb8"],
    4: ["#ffffcc", "#a1dab4", "#41b6c4", "#225ea8"],
    5: ["#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494"],
  };
  const DIVERGING = ["#e66101", "#fdb863", "#f7f7f7", "#b2abd2", "#5e3c99"];
  const CLUSTERS = ["HH", "LL", "HL", "LH", "interest", "none"];
  const CLUSTER_COLORS = ["#b2182b", "#2166ac", "#f4a582", "#92c5de", "#cbc9c4", "#f2f2f0"];
  const QUADRANT_CLASS = [5, 0, 1, 3, 2];
  const HIGH = "#b2182b";
  const LOW = "#2166ac";
  const MISSING = 250;
  const SUPPRESSED = 251;
  const NOT_COVERED = 252;
  const STATUS_NOT_COVERED = 3; // position in tables.STATUSES
  const SHARES = new Set(["share_eb", "share"]);

  /** Class by status of a value that is not there (tables.STATUSES). */
  const statusClass = (status) =>
    [MISSING, MISSING, MISSING, NOT_COVERED, SUPPRESSED, MISSING][status];
  /** The same for tests (tables.LOCAL_STATUSES). */
  const localClass = (status) =>
    [MISSING, MISSING, MISSING, MISSING, MISSING, NOT_COVERED, SUPPRESSED][status];

  /** Which variable is tested beside an indicator. */
  const variableOf = (indicator) => (SHARES.has(indicator) ? "share" : "firms");

  /** How many breaks are not above a value. */
  function classOf(value, breaks) {
    let found = 0;
    while (found < breaks.length && value >= breaks[found]) found++;
    return found;
  }

  /** All a painter and a legend need. `model` holds chain figures, breaks, sizes, edges. */
  function make(state, model) {
    const offset = model.years.indexOf(state.year) * model.places;
    const builders = { values, clusters, concentration: clusters, change };
    const made = builders[state.map](state, model, offset);
    made.counts = new Uint32Array(256);
    for (const code of made.classes) made.counts[code]++;
    return made;
  }

  function values(state, model, offset) {
    const name = state.indicator;
    const list = model.chain[name];
    const breaks = model.breaks[name];
    const status = SHARES.has(name) ? model.chain.shareStatus : model.chain.status;
    const classes = new Uint8Array(model.places);
    for (let i = 0; i < model.places; i++) {
      const value = list[offset + i];
      classes[i] = Number.isNaN(value)
        ? statusClass(status[offset + i])
        : classOf(value, breaks);
    }
    const variable = variableOf(name);
    const marks = model.chain.tests[variable].mark.subarray(offset, offset + model.places);
    return {
      kind: "values",
      classes,
      colors: SEQUENTIAL[breaks.length + 1],
      breaks,
      steps: model.steps[name],
      variable,
      outlines: [
        { color: HIGH, inside: Uint8Array.from(marks, (mark) => mark === 3) },
        { color: LOW, inside: Uint8Array.from(marks, (mark) => mark === 5) },
      ],
    };
  }

  function clusters(state, model, offset) {
    const variable = state.map === "clusters" ? "share" : "firms";
    const tests = model.chain.tests[variable];
    const interesting = model.edges.findIndex((edge) => edge >= 0.005) + 1;
    const classes = new Uint8Array(model.places);
    for (let i = 0; i < model.places; i++) {
      const at = offset + i;
      if (!tests.p[at]) classes[i] = localClass(tests.status[at]);
      else if (tests.mark[at] % 2) classes[i] = QUADRANT_CLASS[tests.mark[at] >> 1];
      else classes[i] = tests.p[at] <= interesting ? 4 : 5;
    }
    return {
      kind: state.map,
      classes,
      colors: CLUSTER_COLORS,
      names: CLUSTERS,
      variable,
      outlines: [],
    };
  }

  function change(state, model) {
    const variable = variableOf(state.indicator);
    const share = variable === "share";
    const source = model.chain.change;
    const breaks = model.breaks[`change_${variable}`];
    const classes = new Uint8Array(model.places);
    for (let i = 0; i < model.places; i++) {
      const value = share ? source.share[i] : perThousand(source.firms[i], model.population[i]);
      if (!Number.isNaN(value)) classes[i] = breaks.length ? classOf(value, breaks) : 2;
      else if (share) classes[i] = statusClass(source.status[i]);
      else classes[i] = Number.isNaN(model.chain.firms[i]) ? NOT_COVERED : MISSING;
    }
    const moved = (sign) => Uint8Array.from(source.direction, (way) => way === sign);
    return {
      kind: "change",
      classes,
      colors: DIVERGING,
      breaks,
      steps: share ? 1000 : 100,
      variable,
      outlines: share
        ? [
            { color: "#3f007d", inside: moved(1) },
            { color: "#7f3b08", inside: moved(-1) },
          ]
        : [],
    };
  }

  /** Change in firms per 1,000 inhabitants, in steps of 0.01. */
  function perThousand(firms, population) {
    return population > 0 ? Math.floor(((1000 * firms) / population) * 100 + 0.5) : NaN;
  }

  return {
    make,
    classOf,
    variableOf,
    perThousand,
    MISSING,
    SUPPRESSED,
    NOT_COVERED,
    STATUS_NOT_COVERED,
    SHARES,
    HIGH,
    LOW,
  };
})();
