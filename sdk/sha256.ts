/** How many short texts are hashed here before `node:crypto` is loaded, which takes 4 MB for good: about what an agent needs that has nothing to do. */
const FEW = 32;

/** Characters of a short text. */
const SHORT_CHARS = 1_024;

/** The standard's constants, of its section 4.2.2. */
const K = Int32Array.from(
  ("428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5 " +
    "d807aa98 12835b01 243185be 550c7dc3 72be5d74 80deb1fe 9bdc06a7 c19bf174 " +
    "e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da " +
    "983e5152 a831c66d b00327c8 bf597fc7 c6e00bf3 d5a79147 06ca6351 14292967 " +
    "27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85 " +
    "a2bfe8a1 a81a664b c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070 " +
    "19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3 " +
    "748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7 c67178f2")
    .split(" "),
  (word) => parseInt(word, 16) | 0,
);

const encoder = new TextEncoder();

let hashed = 0;
let createHash: typeof import("node:crypto").createHash | undefined;

/** SHA-256 of a text's UTF-8, as 64 hexadecimal digits. */
export function sha256(text: string): string {
  if (createHash === undefined) {
    if (hashed < FEW && text.length <= SHORT_CHARS) {
      hashed++;
      return sha256OfFew(encoder.encode(text));
    }
    ({ createHash } = globalThis.process.getBuiltinModule("node:crypto"));
  }
  return createHash("sha256").update(text).digest("hex");
}

function turned(word: number, bits: number): number {
  return word >>> bits | word << (32 - bits);
}

/**
 * SHA-256 in plain JavaScript, several times slower.
 *
 * @see {@link https://doi.org/10.6028/NIST.FIPS.180-4}
 */
export function sha256OfFew(message: Uint8Array): string {
  const { length } = message;
  const padded = new Uint8Array((((length + 8) >> 6) + 1) << 6);
  padded.set(message);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(length) * 8n);
  const state = Int32Array.of(
    ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a],
    ...[0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  );
  for (let at = 0; at < padded.length; at += 64) {
    const block = Array.from(
      { length: 16 },
      (_, i) => view.getInt32(at + 4 * i),
    );
    mix(state, block);
  }
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0"))
    .join("");
}

/** Adds a block of 16 words to the state. */
function mix(state: Int32Array, words: number[]): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    if (i >= 16) {
      const [x = 0, y = 0] = [words[i - 15], words[i - 2]];
      const s0 = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
      const s1 = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
      words.push((words[i - 16] ?? 0) + s0 + (words[i - 7] ?? 0) + s1 | 0);
    }
    const sum1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const chosen = (e & f) ^ (~e & g);
    const first = h + sum1 + chosen + (K[i] ?? 0) + (words[i] ?? 0) | 0;
    const sum0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const most = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [
      g,
      f,
      e,
      d + first | 0,
      c,
      b,
      a,
      first + sum0 + most | 0,
    ];
  }
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) {
    state[i] = (state[i] ?? 0) + word;
  }
}
