import { isRecord } from "@transporter/sdk";
import type { Fields } from "./subject.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `{` and `[`, `}` and `]` differ by this bit alone. */
const CURLY_BIT = 0x20;
const OPENING = 0x5b;
const CLOSING = 0x5d;

/** Bytes of a page to begin with. */
const CAPACITY = 256 * 1024;

const decoder = new TextDecoder();

function parse(text: string): Fields {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) throw new SyntaxError("it is no object");
  return value;
}

/** The end of the text of JSON that begins at a quote. */
function textEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) {
    const code = bytes[at];
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return end;
}

/**
 * A page of a list, as its bytes: each item is read when it is its turn, so
 * that of all others nothing is in the memory of objects. To be filled anew for
 * another page.
 */
export class ListPage {
  #bytes = new Uint8Array(CAPACITY);
  #size = 0;
  /** Where each item begins and ends. */
  #items: number[] = [];

  /** How many bytes it has. */
  get size(): number {
    return this.#size;
  }

  /** How many items it has, once it was opened. */
  get length(): number {
    return this.#items.length / 2;
  }

  /** Forgets what it has. */
  begin(): void {
    this.#size = 0;
  }

  /** Takes bytes. */
  add(bytes: Uint8Array): void {
    const size = this.#size + bytes.length;
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(size, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#size);
    this.#size = size;
  }

  /**
   * Finds the items of a page that is whole.
   *
   * @returns What is around them.
   * @throws {SyntaxError} When it is no JSON object.
   */
  open(): Fields {
    this.#items = [];
    const list = this.#find();
    if (list === undefined) return parse(this.#text(0, this.#size));
    const [start, end] = list;
    return parse(this.#text(0, start + 1) + this.#text(end, this.#size));
  }

  /**
   * The items, one after the other.
   *
   * @throws {SyntaxError} When one is no JSON object.
   */
  *items(): Generator<Fields> {
    const items = this.#items;
    for (let at = 0; at < items.length; at += 2) {
      yield parse(this.#text(items[at]!, items[at + 1]!));
    }
  }

  #text(start: number, end: number): string {
    return decoder.decode(this.#bytes.subarray(start, end));
  }

  /** Notes where the items are, and finds the brackets around them; what is no JSON is found out when it is read. */
  #find(): readonly [number, number] | undefined {
    const bytes = this.#bytes;
    const size = this.#size;
    let depth = 0;
    let key: readonly [number, number] = [0, 0];
    let start: number | undefined;
    for (let at = 0; at < size; at++) {
      const code = bytes[at]!;
      if (code === QUOTE) {
        const end = textEnd(bytes, at, size);
        if (depth === 1) key = [at + 1, end];
        at = end;
      } else if ((code & ~CURLY_BIT) === OPENING) {
        depth++;
        if (start !== undefined) { if (depth === 3) this.#items.push(at); }
        else if (depth === 2 && this.#text(...key) === "items") start = at;
      } else if ((code & ~CURLY_BIT) === CLOSING) {
        depth--;
        if (start === undefined) continue;
        if (depth === 2) this.#items.push(at + 1);
        if (depth === 1) return [start, at];
      }
    }
    this.#items = []; // it was cut off
    return undefined;
  }
}
