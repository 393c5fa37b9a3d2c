/* What is known of the signals: coverage, matches, levels of the index; in the notes. */

const signals = (() => {
  const { make } = page;

  function fill(atlas, box) {
    const { signals: data } = atlas.data;
    const { controls } = atlas.words;
    const parts = [
      block(controls.coverage_title, [controls.coverage_note], coverage(atlas, data.coverage)),
      block(controls.matches_title, data.notes, matches(atlas, data.matches), "it"),
      block(controls.levels_title, [], levels(atlas, data.levels)),
    ].filter(Boolean);
    box.hidden = !parts.length;
    box.replaceChildren(...parts);
  }

  function block(title, notes, tables, language = "") {
    if (!tables.length) return null;
    const spoken = language ? { lang: language } : {};
    const about = notes.map((note) => make("p", { class: "quiet", ...spoken }, note));
    return make("details", {}, make("summary", {}, title), ...about, ...tables);
  }

  /** Rows joined by what stands in their first two columns: one table a label and dimension. */
  function grouped(rows, key) {
    const groups = new Map();
    for (const row of rows) {
      const name = key(row);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row);
    }
    return [...groups];
  }

  const dimension = (atlas, key) => atlas.words.dimensions[key] || key;

  const titleOf = (atlas, [label, key]) => `${atlas.groupName(label)} - ${dimension(atlas, key)}`;

  /** A group of a dimension: a chain by its name, others by theirs. */
  function groupOf(atlas, key, group) {
    const isChain = key === "chain" && atlas.facts.chains.some((one) => one.key === group);
    return isChain ? atlas.chainName(group) : atlas.groupName(group);
  }

  function writers(atlas) {
    const none = atlas.words.atlas.unavailable;
    return {
      count: (value) => (value === null ? none : format.number(value, atlas.language)),
      percent: (value) => (value === null ? none : format.percent(value, atlas.language)),
    };
  }

  function coverage(atlas, rows) {
    const { controls, units } = atlas.words;
    const { count, percent } = writers(atlas);
    const heads = (name) => [
      name,
      page.capital(units[atlas.facts.unit]),
      controls.col_known,
      controls.col_coverage,
      controls.col_bounds,
    ];
    return grouped(rows, (row) => titleOf(atlas, row)).map(([name, list]) =>
      page.table(
        name,
        heads(dimension(atlas, list[0][1])),
        list.map(([, key, group, firms, known, share, low, high]) => [
          groupOf(atlas, key, group),
          count(firms),
          count(known),
          percent(share),
          low === null ? count(null) : `${percent(low)} - ${percent(high)}`,
        ]),
      ),
    );
  }

  function matches(atlas, rows) {
    const { controls, units } = atlas.words;
    const { count, percent } = writers(atlas);
    return grouped(rows, (row) => titleOf(atlas, row)).map(([name, list]) =>
      page.table(
        name,
        [
          dimension(atlas, list[0][1]),
          page.capital(units[atlas.facts.unit]),
          controls.col_matched,
          controls.col_rate,
        ],
        list.map(([, key, group, firms, matched, rate]) => [
          groupOf(atlas, key, group),
          count(firms),
          count(matched),
          percent(rate),
        ]),
      ),
    );
  }

  function levels(atlas, rows) {
    const { controls } = atlas.words;
    const { count } = writers(atlas);
    return grouped(rows, (row) => row[0]).map(([key, list]) => {
      const names = [...new Set(list.map((row) => row[2]))];
      const byGroup = grouped(list, (row) => row[1]);
      const lines = byGroup.map(([group, own]) => [
        groupOf(atlas, key, group),
        ...names.map((name) => count(own.find((row) => row[2] === name)?.[3] ?? null)),
      ]);
      return page.table(
        `${controls.levels_title} - ${dimension(atlas, key)}`,
        [dimension(atlas, key), ...names.map(atlas.groupName)],
        lines,
      );
    });
  }

  return { fill };
})();
