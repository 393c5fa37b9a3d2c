/* Gzip undone without the browser's help: for those that have no DecompressionStream (RFC 1951, 1952). */

const inflate = (() => {
  const LENGTH_BASE = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
    227, 258,
  ];
  const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
  const DISTANCE_BASE = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
    4097, 6145, 8193, 12289, 16385, 24577,
  ];
  const DISTANCE_BITS = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
  ];
  const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const LONGEST = 15;
  const HEADER = 10; // gzip's, without the optional fields that codec.py never writes
  const TRAILER = 8;

  /** Bytes of a gzip file of one member without a name. */
  function gunzip(data) {
    if (data[0] !== 0x1f || data[1] !== 0x8b || data[2] !== 8 || data[3] !== 0)
      throw new RangeError("not this kind of gzip");
    const size = new DataView(data.buffer, data.byteOffset).getUint32(data.length - 4, true);
    const state = {
      data,
      at: HEADER,
      end: data.length - TRAILER,
      bits: 0,
      held: 0,
      out: new Uint8Array(size),
      n: 0,
    };
    let last = 0;
    while (!last) {
      last = take(state, 1);
      const kind = take(state, 2);
      if (kind === 0) stored(state);
      else if (kind === 1) coded(state, FIXED.lengths, FIXED.distances);
      else if (kind === 2) coded(state, ...trees(state));
      else throw new RangeError("a block of an unknown kind");
    }
    if (state.n !== size) throw new RangeError("the data end too early");
    return state.out;
  }

  function take(state, count) {
    while (state.held < count) {
      if (state.at >= state.end) throw new RangeError("the data end too early");
      state.bits |= state.data[state.at++] << state.held;
      state.held += 8;
    }
    const value = state.bits & ((1 << count) - 1);
    state.bits >>>= count;
    state.held -= count;
    return value;
  }

  function stored(state) {
    state.bits = state.held = 0;
    const length = state.data[state.at] | (state.data[state.at + 1] << 8);
    state.at += 4;
    if (state.at + length > state.end) throw new RangeError("the data end too early");
    state.out.set(state.data.subarray(state.at, state.at + length), state.n);
    state.at += length;
    state.n += length;
  }

  /** A code of Huffman by counts of lengths and symbols in order. */
  function tree(lengths) {
    const counts = new Uint16Array(LONGEST + 1);
    for (const length of lengths) counts[length]++;
    counts[0] = 0;
    const starts = new Uint16Array(LONGEST + 2);
    for (let i = 1; i <= LONGEST; i++) starts[i + 1] = starts[i] + counts[i];
    const symbols = new Uint16Array(lengths.length);
    lengths.forEach((length, symbol) => {
      if (length) symbols[starts[length]++] = symbol;
    });
    return { counts, symbols };
  }

  function symbol(state, { counts, symbols }) {
    let [code, first, index] = [0, 0, 0];
    for (let length = 1; length <= LONGEST; length++) {
      code |= take(state, 1);
      const count = counts[length];
      if (code - count < first) return symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new RangeError("a code of no symbol");
  }

  const FIXED = {
    lengths: tree(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
    distances: tree(new Array(30).fill(5)),
  };

  function trees(state) {
    const [literals, distances, codes] = [take(state, 5) + 257, take(state, 5) + 1, take(state, 4) + 4];
    const widths = new Array(19).fill(0);
    for (let i = 0; i < codes; i++) widths[ORDER[i]] = take(state, 3);
    const outer = tree(widths);
    const lengths = [];
    while (lengths.length < literals + distances) {
      const found = symbol(state, outer);
      if (found < 16) lengths.push(found);
      else {
        const again = found === 16 ? lengths[lengths.length - 1] : 0;
        const count =
          found === 16 ? 3 + take(state, 2) : found === 17 ? 3 + take(state, 3) : 11 + take(state, 7);
        for (let i = 0; i < count; i++) lengths.push(again);
      }
    }
    return [tree(lengths.slice(0, literals)), tree(lengths.slice(literals))];
  }

  function coded(state, lengths, distances) {
    for (;;) {
      const found = symbol(state, lengths);
      if (found === 256) return;
      if (found < 256) {
        state.out[state.n++] = found;
        continue;
      }
      const length = LENGTH_BASE[found - 257] + take(state, LENGTH_BITS[found - 257]);
      const far = symbol(state, distances);
      const distance = DISTANCE_BASE[far] + take(state, DISTANCE_BITS[far]);
      if (distance > state.n) throw new RangeError("a distance before the beginning");
      for (let i = 0; i < length; i++, state.n++) state.out[state.n] = state.out[state.n - distance];
    }
  }

  return { gunzip };
})();
