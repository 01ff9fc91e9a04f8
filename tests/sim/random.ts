import type { Rng } from "@transporter/sdk";

/**
 * Random numbers that a seed determines (sfc32). Each part of a run has a
 * stream of its own, so that one more draw in one of them leaves the others as
 * they were.
 *
 * @see {@link https://pracrand.sourceforge.net/RNG_engines.txt}
 */
export class Random implements Rng {
  readonly #name: string;
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  /** Starts a stream: the same name, the same numbers. */
  constructor(name: string) {
    this.#name = name;
    let hash = 0x811c9dc5; // FNV-1a
    for (let i = 0; i < name.length; i++) {
      hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    }
    this.#a = hash;
    this.#b = hash ^ 0x9e3779b9;
    this.#c = Math.imul(hash, 0x85ebca6b);
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A stream that is part of this one's run, and independent of it. */
  fork(name: string): Random {
    return new Random(`${this.#name}/${name}`);
  }

  next(): number {
    const sum = (this.#a + this.#b + this.#count++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A number from `min` (included) to `max` (not included). */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  /** A time until something that happens every `mean` on average. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }

  /** One of some. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.int(0, items.length - 1)] ?? items[0];
  }
}
