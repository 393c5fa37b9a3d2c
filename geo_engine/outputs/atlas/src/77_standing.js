/* Where a municipality stands by the study's own rules: need, priority, rank by the composite index. */

const standing = (() => {
  const { make } = page;
  const PRIORITIES = ["", "act", "accompany", "watch", "consolidate", "none"];
  const NEED = ["", "specialized_need", "specialized_ready", "other_need", "other_ready"];
  const SPECIALIZED = ["less", "uncertain", "more"];

  /** The word of a category in the chosen year, or "". */
  function category(atlas, kind, place) {
    const list = atlas.chain.kinds[kind];
    if (!list) return "";
    const code = list[atlas.year() * atlas.base.places + place];
    return atlas.words[kind][(kind === "need" ? NEED : SPECIALIZED)[code]] || "";
  }

  const priority = (atlas, place) => {
    const given = atlas.chain.kinds.priority;
    return given ? atlas.words.priorities[PRIORITIES[given.code[place]]] || "" : "";
  };

  const lastYear = ({ facts }) => facts.years[facts.years.length - 1];

  /** Priority with its place in the order, rank with its interval: of the latest year, said so. */
  function blocks(atlas, place) {
    const rows = [
      ["title_need", category(atlas, "need", place)],
      ["title_specialized", category(atlas, "specialized", place)],
    ].map(([key, text]) => text && `${atlas.words.controls[key]}, ${atlas.state.year}: ${text}`);
    rows.push(prioritySaid(atlas, place), rankSaid(atlas, place));
    return rows.filter(Boolean).map((text) => make("p", { class: "standing" }, text));
  }

  function prioritySaid(atlas, place) {
    const { words, language, chain } = atlas;
    const text = priority(atlas, place);
    if (!text) return "";
    const order = chain.kinds.priority.order[place];
    const at = order ? format.fill(words.controls.priority_order, { n: format.number(order, language) }) : "";
    return `${words.controls.priority}, ${lastYear(atlas)}: ${text}${at}`;
  }

  function rankSaid(atlas, place) {
    const { words, language, chain, base, indicators } = atlas;
    const { ranks } = chain.kinds;
    if (!ranks || Number.isNaN(ranks.rank[place])) return "";
    const write = (n) => format.number(n, language);
    const values = {
      index: indicators.has("composite") ? atlas.indicatorName("composite") : words.controls.composite,
      year: lastYear(atlas),
      rank: write(ranks.rank[place]),
      n: write(base.places - ranks.rank.filter(Number.isNaN).length),
      low: write(ranks.low[place]),
      high: write(ranks.high[place]),
    };
    const known = !Number.isNaN(ranks.low[place]);
    return format.fill(words.controls[known ? "composite_rank" : "composite_rank_alone"], values);
  }

  /** Columns of the table: what the study has, as numbers to sort by and words to read. */
  function columnsOf(atlas) {
    const { words, language, chain } = atlas;
    const { priority: given, ranks } = chain.kinds;
    const write = (n) => (Number.isNaN(n) ? "–" : format.number(n, language));
    const found = [];
    if (given) {
      found.push({
        key: "priority",
        head: `${words.controls.priority}, ${lastYear(atlas)}`,
        text: (place) => {
          const order = given.order[place] ? ` (${write(given.order[place])})` : "";
          return `${priority(atlas, place) || "–"}${order}`;
        },
        by: (place) => urgency(given, place),
      });
    }
    if (ranks) {
      found.push({
        key: "rank",
        head: `${words.controls.composite_column}, ${lastYear(atlas)}`,
        text: (place) => {
          const [low, high] = [ranks.low[place], ranks.high[place]];
          const ends = Number.isNaN(low) ? "" : ` (${write(low)}-${write(high)})`;
          return `${write(ranks.rank[place])}${ends}`;
        },
        by: (place) => -ranks.rank[place],
      });
    }
    return found;
  }

  /** More is more urgent; places without a priority last. */
  function urgency({ code, order }, place) {
    if (!code[place]) return NaN;
    return -(code[place] * 1e7 + order[place]);
  }

  return { blocks, category, columnsOf, NEED, SPECIALIZED };
})();
