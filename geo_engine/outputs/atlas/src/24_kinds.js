/* What is said of municipalities in words and ranks: the other side of kinds.py and similar.py. */

const kinds = (() => {
  const { nearest } = columns;
  const ONE = 100; // a location quotient of 1, in its steps

  /** { need, specialized, priority, ranks }: null where the study has none. */
  function decode(bytes, chain, base) {
    const read = codec.reader(bytes);
    const given = (one) => (read.next() ? one() : null);
    const found = {
      need: given(() => needOf(read, chain, base)),
      specialized: given(() => Uint8Array.from(read.plain(base.places * base.years))),
      priority: given(() => ({ code: read.plain(base.places), order: read.plain(base.places) })),
      ranks: given(() => ranksOf(read, base.places)),
    };
    if (!read.done()) throw new RangeError("the kinds do not end where they should");
    return found;
  }

  function needOf(read, chain, base) {
    const reference = read.signs(base.years);
    return read.surprises(base.places * base.years, (i) => {
      const [quotient, share] = [chain.location_quotient[i], chain.share_eb[i]];
      if (Number.isNaN(quotient) || Number.isNaN(share)) return 0;
      return (quotient > ONE ? 1 : 3) + (share < reference[Math.floor(i / base.places)] ? 0 : 1);
    });
  }

  function ranksOf(read, places) {
    const rank = read.nullable(places);
    const [low, high] = [0, 1].map(() => read.nullable(places, (i) => rank[i]));
    return { rank, low, high };
  }

  /** What similar places show together, in the steps of shares or of firms per 1,000 inhabitants. */
  function alike(bytes, chain, base, { near, count, shares }) {
    const read = codec.reader(bytes);
    const found = read.nullable(base.places * base.years, (i) => {
      const place = i % base.places;
      return pooled(chain, i - place, place, base, { near, count, shares });
    });
    if (!read.done()) throw new RangeError("the similar places do not end where they should");
    return found;
  }

  function pooled(chain, from, place, base, { near, count, shares }) {
    let [above, below] = [0, 0];
    for (let k = place * count; k < (place + 1) * count; k++) {
      if (!near[k]) continue;
      const one = near[k] - 1;
      const x = shares ? chain.digital[from + one] : 1000 * chain.firms[from + one];
      const n = shares ? chain.known[from + one] : base.population[one];
      if (Number.isNaN(x) || Number.isNaN(n)) continue;
      above += x;
      below += n;
    }
    return nearest(above / below, shares ? 1000 : 100);
  }

  return { decode, alike };
})();
