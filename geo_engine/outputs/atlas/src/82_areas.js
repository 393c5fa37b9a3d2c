/* The hotspots of a chain and year: ranked, filtered by region or newness, each with its card. */

const areas = (() => {
  const { make } = page;
  const FIRST = 20;

  /** The hotspots, or the sentence that says why there is none. */
  function list(atlas, boxes) {
    const { words, language, facts, state } = atlas;
    const all = atlas.areas();
    const region = boxes.region.value;
    const some = all
      .filter((area) => region === "" || area.region === region)
      .filter((area) => !boxes.fresh.checked || since(atlas, area).kind === "new");
    const limit = atlas.allAreas ? some.length : FIRST;
    boxes.title.textContent = format.fill(words.atlas.areas_count, {
      n: format.number(all.length, language),
    });
    boxes.hint.textContent = some.length
      ? words.atlas.areas_hint
      : emptyText(atlas, all, boxes.fresh.checked);
    boxes.hint.classList.toggle("on-click", some.length > 0);
    boxes.list.replaceChildren(...some.slice(0, limit).map((area) => entry(atlas, area)));
    boxes.more.hidden = some.length <= limit;
    boxes.more.textContent = format.fill(words.atlas.areas_more, { n: format.number(some.length, language) });
    boxes.filter.hidden = all.length === 0 || !facts.signal;
    boxes.list.dataset.view = `${state.chain}/${state.year}`;
  }

  function emptyText(atlas, all, fresh) {
    const { words, facts, state, language } = atlas;
    if (!facts.signal) return words.sentences.not_surveyed;
    if (all.length) return fresh ? words.controls.none_new : words.sentences.filtered;
    const map = atlas.set.maps[`share/${state.chain}`];
    const at = facts.years.indexOf(state.year);
    if (map.significant[at]) return words.controls.none_shown;
    return format.emptySentence(map.tested[at], map.expected_below_005[at], words, language, map.reason[at]);
  }

  /** Since which year an unbroken row of years has an area with a place in common. */
  function since(atlas, area) {
    const { facts, set } = atlas;
    const at = facts.years.indexOf(area.year);
    if (at === 0) return { kind: "first", year: area.year };
    const earlier = (i, members) =>
      (set.hotspots.get(`${area.chain}/${facts.years[i]}`) || []).filter((one) =>
        one.members.some((place) => members.has(place)),
      );
    let [year, members] = [area.year, new Set(area.members)];
    for (let i = at - 1; i >= 0; i--) {
      const met = earlier(i, members);
      if (!met.length) break;
      year = facts.years[i];
      members = new Set(met.flatMap((one) => one.members));
    }
    if (year === area.year) return { kind: "new", year, before: facts.years[at - 1] };
    return { kind: year === facts.years[0] ? "always" : "since", year };
  }

  function sinceText(atlas, area) {
    const found = since(atlas, area);
    return format.fill(atlas.words.controls[`area_${found.kind}`], found);
  }

  function entry(atlas, area) {
    const { words, language } = atlas;
    const open = atlas.area === area;
    const share = area.share === null ? "" : format.percent(area.share, language);
    const fresh = since(atlas, area).kind === "new" ? ` · ${words.controls.is_new}` : "";
    const button = make(
      "button",
      { type: "button", class: "area", "aria-pressed": String(open), "data-area": area.id },
      make("span", { class: "rank" }, String(area.rank)),
      make("span", { class: "name" }, area.name),
      make("span", { class: "share" }, share),
      make(
        "span",
        { class: "more" },
        `${format.places(area.members.length, words, language)} · ${area.region}${fresh}`,
      ),
    );
    const item = make("li", {}, button);
    if (open) item.append(...sentences(atlas, area).map((text) => make("p", {}, text)));
    return item;
  }

  /** What, how sure, since when, how many firms, and what it does not mean. */
  function sentences(atlas, area) {
    const { words, language, facts } = atlas;
    const hotspot = { ...area, places: area.members.length };
    const noun = words.units[area.firms === 1 ? `${facts.unit}_one` : facts.unit];
    const firms =
      area.firms === null
        ? ""
        : format.fill(words.controls.area_firms, {
            n: format.count(area.firms, language),
            units: noun,
            chain: atlas.chainName(),
          });
    return [
      format.hotspotSentence(hotspot, atlas.names().signal, words, language),
      [sinceText(atlas, area), firms].filter(Boolean).join(" "),
      format.probesSentence(hotspot, words, language),
    ].filter(Boolean);
  }

  return { list, since, sinceText, sentences };
})();
