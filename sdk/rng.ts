/** The port through which randomness enters the core; the simulator brings its own. */
export interface Rng {
  /** A number from 0 (included) to 1 (not included). */
  next(): number;
}

/** The randomness of the machine. Not for secrets. */
export const systemRng: Rng = {
  // deno-lint-ignore transporter/ambient -- the one place where real randomness enters
  next: () => Math.random(),
};

/** The port through which ids enter the core. */
export interface Ids {
  /** A new id: 26 characters, later ones sort after earlier ones. */
  next(): string;
}

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * Makes ULIDs that grow, also within one millisecond and when the clock goes back.
 *
 * @param now The time of day, in milliseconds since 1970.
 * @param rng Where the random part comes from.
 * @see {@link https://github.com/ulid/spec}
 */
export function ulids(now: () => number, rng: Rng): Ids {
  let last = -1;
  let tail: number[] = [];
  return {
    next() {
      const ms = Math.max(now(), last);
      tail = ms === last ? increment(tail) : Array.from(
        { length: 16 },
        () => Math.floor(rng.next() * 32),
      );
      last = ms;
      let head = "";
      for (let i = 0; i < 10; i++) {
        head = ALPHABET.charAt(Math.floor(ms / 32 ** i) % 32) + head;
      }
      return head + tail.map((digit) => ALPHABET.charAt(digit)).join("");
    },
  };
}

function increment(digits: readonly number[]): number[] {
  const next = [...digits];
  for (let i = next.length - 1; i >= 0; i--) {
    const digit = next[i] ?? 0;
    if (digit < 31) {
      next[i] = digit + 1;
      return next;
    }
    next[i] = 0;
  }
  return next;
}
