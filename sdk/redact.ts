import { isRecord } from "./json.ts";

/** What stands in place of a secret. */
const REDACTED = "[redacted]";

/** Characters of a line of a secret that is taken out by itself. */
const LINE_CHARS_MIN = 8;

/** The texts to take out: each secret, and each line of one that has several. */
function wordsOf(secrets: readonly string[]): string[] {
  const lines = secrets.flatMap((secret) => {
    const parts = secret.split(/\r?\n/).map((line) => line.trim());
    return parts.length === 1
      ? []
      : parts.filter((line) => line.length >= LINE_CHARS_MIN);
  });
  // The longest first, so that none is left half.
  return [...new Set([...secrets, ...lines])]
    .toSorted((a, b) => b.length - a.length);
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function regexpOf(words: readonly string[]): RegExp {
  return new RegExp(words.map(escape).join("|"), "g");
}

/**
 * Takes secrets out of a text that comes in pieces, by their values: also where
 * one is cut between two pieces.
 */
export class Redactor {
  readonly #words: readonly string[];
  readonly #regexp: RegExp | undefined;
  #held = "";

  /** Makes one that holds nothing back yet. */
  constructor(secrets: readonly string[]) {
    this.#words = wordsOf(secrets);
    this.#regexp = this.#words.length === 0 ? undefined : regexpOf(this.#words);
  }

  /** Takes a piece, and returns what may go out: what could be the beginning of a secret is held back. */
  push(text: string): string {
    if (this.#regexp === undefined) return text;
    const all = this.#held + text;
    const cut = all.length - this.#beginning(all);
    let [out, at] = ["", 0];
    for (const { index, 0: word } of all.matchAll(this.#regexp)) {
      if (index >= cut) break; // it may be the beginning of a longer one
      out += all.slice(at, index) + REDACTED;
      at = index + word.length;
    }
    if (at < cut) {
      out += all.slice(at, cut);
      at = cut;
    }
    this.#held = all.slice(at);
    return out;
  }

  /** Returns what was held back: nothing comes after it. */
  end(): string {
    const rest = this.#held;
    this.#held = "";
    return this.#regexp === undefined
      ? rest
      : rest.replace(this.#regexp, REDACTED);
  }

  /** Characters at the end of a text that could be the beginning of a secret. */
  #beginning(text: string): number {
    let longest = 0;
    for (const word of this.#words) {
      const most = Math.min(word.length - 1, text.length);
      for (let length = most; length > longest; length--) {
        if (text.endsWith(word.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}

/**
 * Takes secrets out of a value of JSON, by their values: out of each text in
 * it, and each name. What has none is returned as it is.
 *
 * @param value Any value; what is no JSON is left alone.
 * @param secrets What must not be seen.
 * @returns The value, or one like it.
 */
export function redactValue(
  value: unknown,
  secrets: readonly string[],
): unknown {
  if (secrets.length === 0) return value;
  const regexp = regexpOf(wordsOf(secrets));
  function redact(each: unknown): unknown {
    if (typeof each === "string") return each.replace(regexp, REDACTED);
    if (Array.isArray(each)) {
      const items = each.map(redact);
      return items.every((item, i) => item === each[i]) ? each : items;
    }
    if (!isPlain(each)) return each;
    const before = Object.entries(each);
    const after = before.map(([key, item]) =>
      [key.replace(regexp, REDACTED), redact(item)] as const
    );
    const isSame = after.every(([key, item], i) =>
      key === before[i]?.[0] && item === before[i]?.[1]
    );
    return isSame ? each : Object.fromEntries(after);
  }
  return redact(value);
}

/** Whether it is an object as JSON has them, and no `Date` or the like. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isRecord(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
