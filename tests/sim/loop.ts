import { setImmediate } from "node:timers";
import type { Random } from "./random.ts";

/** Something that will happen, unless it is called off. */
export interface Timer {
  /** When, in milliseconds. */
  readonly at: number;
  /** Which of those of one moment goes first. */
  readonly tie: number;
  /** What it is, for the trace. */
  readonly label: string;
  /** What happens; `undefined` once it has, or was called off. */
  run: (() => void) | undefined;
}

/** Takes lines of a trace. */
export type TraceLine = (line: string) => void;

/**
 * Time. What is to happen waits in a heap; the loop takes the earliest, sets
 * the clock to its time, runs it, and takes one hop through the real event
 * loop, so that all promise jobs run that follow from it. Of what happens at
 * one moment, chance decides what goes first.
 */
export class Loop {
  /** Milliseconds since the run began. */
  now = 0;
  /** How many things have happened. */
  steps = 0;
  readonly #random: Random;
  readonly #heap: Timer[] = [];
  readonly #traceLine: TraceLine | undefined;
  #hash = 0x811c9dc5;

  /** Makes a loop in which nothing happens. */
  constructor(random: Random, traceLine?: TraceLine) {
    this.#random = random;
    this.#traceLine = traceLine;
  }

  /** What names everything that has happened so far: the same seed, the same hash. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** Lets something happen after some milliseconds. */
  after(ms: number, label: string, run: () => void): Timer {
    const at = this.now + Math.max(0, ms);
    const timer: Timer = { at, tie: this.#random.next(), label, run };
    push(this.#heap, timer);
    return timer;
  }

  /** Notes something in the trace, if there is one. */
  trace(subject: string, what: () => string): void {
    this.mix(subject.length);
    this.#traceLine?.(
      `${this.now.toFixed(3).padStart(12)}  ${subject.padEnd(14)} ${what()}`,
    );
  }

  /** Lets the hash depend on a number, besides what happened when. */
  mix(value: number): void {
    const word = value ^ Math.floor(this.now * 1000);
    this.#hash = Math.imul(this.#hash ^ word, 0x01000193);
    this.#hash ^= this.#hash >>> 15;
  }

  /** Runs until the time has come, or the condition holds. */
  async run(until: number, done: () => boolean = () => false): Promise<void> {
    let over = false;
    while (!over) over = await turns(() => done() || !this.#step(until));
  }

  /** Lets the next thing happen; returns whether there was one until then. */
  #step(until: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) {
        this.now = Math.max(this.now, until);
        return false;
      }
      pop(this.#heap);
      const { run } = next;
      if (run === undefined) continue;
      next.run = undefined;
      this.now = next.at;
      this.steps++;
      this.mix(next.label.length);
      run();
      return true;
    }
  }
}

/** Hops that the real event loop takes in one turn of its own. */
const HOPS = 64;

/**
 * Makes some hops through the real event loop, until one of them says that it
 * is over; returns whether one did. What is to be done immediately is done in
 * one turn of that loop, and after each all promise jobs run, and rejections
 * that nobody handles are told, as after a turn of its own, which costs five
 * times as much.
 */
function turns(hop: () => boolean): Promise<boolean> {
  let over = false;
  function next(reject: (reason: unknown) => void): void {
    if (over) return;
    try {
      over = hop();
    } catch (reason) {
      over = true;
      reject(reason);
    }
  }
  return new Promise((resolve, reject) => {
    for (let i = 0; i < HOPS; i++) setImmediate(next, reject);
    setImmediate(() => resolve(over));
  });
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

function push(heap: Timer[], timer: Timer): void {
  let i = heap.push(timer) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || !isBefore(timer, above)) break;
    heap[i] = above;
    heap[parent] = timer;
    i = parent;
  }
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    const [left, right] = [heap[child], heap[child + 1]];
    if (left === undefined) break;
    let below = left;
    if (right !== undefined && isBefore(right, left)) {
      below = right;
      child++;
    }
    if (!isBefore(below, last)) break;
    heap[i] = below;
    i = child;
  }
  heap[i] = last;
}
