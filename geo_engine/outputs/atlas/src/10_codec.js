/* Whole numbers out of packed text: the other side of codec.py. */

const codec = (() => {
  /** Undo base64 and gzip with what the browser has. */
  async function unpack(text) {
    const letters = atob(text);
    const raw = new Uint8Array(letters.length);
    for (let i = 0; i < raw.length; i++) raw[i] = letters.charCodeAt(i);
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** Parse packed JSON. */
  async function unpackJson(text) {
    return JSON.parse(new TextDecoder().decode(await unpack(text)));
  }

  /** Read numbers one after another; a file cut short is an error, never zeros. */
  function cursor(bytes) {
    let at = 0;
    function next() {
      if (at < bytes.length && bytes[at] < 128) return bytes[at++];
      let value = 0;
      let factor = 1;
      for (;;) {
        if (at >= bytes.length) throw new RangeError("the data end too early");
        const byte = bytes[at++];
        value += (byte & 127) * factor;
        if (byte < 128) return value;
        factor *= 128;
      }
    }
    return { next, done: () => at === bytes.length };
  }

  function reader(bytes) {
    const { next, done } = cursor(bytes);
    const signed = () => unzigzag(next());
    function list(n, one) {
      const found = new Float64Array(n);
      for (let i = 0; i < n; i++) found[i] = one();
      return found;
    }
    return {
      next,
      signed,
      /** n plain numbers */
      plain: (n) => list(n, next),
      /** n signed numbers */
      signs: (n) => list(n, signed),
      nullable: (n, expected) => nullable(next, n, expected),
      surprises: (n, expected) => surprises(next, n, expected),
      /** all read? */
      done,
    };
  }

  /** n numbers or NaN; expected(i, soFar) is what the writer expected too. */
  function nullable(next, n, expected) {
    const found = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const code = next();
      if (code === 0) {
        found[i] = NaN;
        continue;
      }
      const guess = expected ? expected(i, found) : 0;
      found[i] = unzigzag(code - 1) + (Number.isFinite(guess) ? guess : 0);
    }
    return found;
  }

  /** n codes that are mostly as expected. */
  function surprises(next, n, expected) {
    const found = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      const code = next();
      found[i] = code === 0 ? expected(i) : code - 1;
    }
    return found;
  }

  function unzigzag(code) {
    return code % 2 ? -(code + 1) / 2 : code / 2;
  }

  return { unpack, unpackJson, reader, unzigzag };
})();
