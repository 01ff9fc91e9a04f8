import type { Clock } from "@transporter/sdk";
import type { Loop, Timer } from "./loop.ts";
import type { Random } from "./random.ts";

/** The time of day when a run begins: 2026-11-23T05:04:27Z. */
export const START_MS = 1_795_410_267_000;

/** How wrong the clock of a machine is. */
export interface ClockError {
  /** How far it is ahead, in milliseconds. */
  readonly offsetMs: number;
  /** How fast it goes; 1 is right. */
  readonly rate: number;
}

/** A machine: its clock, its network card, and one process after the other. */
export class Machine {
  readonly loop: Loop;
  readonly name: string;
  /** Whether it has power. */
  on = true;
  /** Whether the network reaches it. */
  reachable = true;
  readonly #error: ClockError;
  #offsetMs: number;
  #processes = 0;

  /** Makes a machine that is on. */
  constructor(loop: Loop, name: string, error: ClockError) {
    this.loop = loop;
    this.name = name;
    this.#error = error;
    this.#offsetMs = error.offsetMs;
  }

  /** Sets its clock forward, or back. */
  jump(ms: number): void {
    this.#offsetMs += ms;
  }

  /** Sets its clock as it was when the run began. */
  setClock(): void {
    this.#offsetMs = this.#error.offsetMs;
  }

  /** Starts a process. */
  start(random: Random): Process {
    const name = `${this.name}-${++this.#processes}`;
    return new Process(this, name, random.fork(name));
  }

  /** The time of day that it shows. */
  timeOfDay(): number {
    return Math.floor(START_MS + this.monotonic() + this.#offsetMs);
  }

  /** Milliseconds that have passed here. */
  monotonic(): number {
    return this.loop.now * this.#error.rate;
  }

  /** How long it takes until so many milliseconds have passed here; a timer is never early, however numbers are rounded. */
  duration(ms: number): number {
    return ms / this.#error.rate + 0.001;
  }
}

/**
 * One life of a program. Whatever it waits for comes to it through
 * {@linkcode after}, so that it ends in the middle of any of its awaits when it
 * is killed, and stands still while it is paused.
 */
export class Process {
  readonly machine: Machine;
  /** Such as `edge-1-3`: the third process of machine `edge-1`. */
  readonly name: string;
  /** Where its randomness comes from. */
  readonly random: Random;
  /** How it sees the time. */
  readonly clock: Clock;
  /** Whether it runs, or would if it were not paused. */
  alive = true;
  #paused = false;
  #catchingUp = false;
  readonly #deferred: (readonly [label: string, run: () => void])[] = [];
  readonly #endings: (() => void)[] = [];

  /** Made by {@linkcode Machine.start}. */
  constructor(machine: Machine, name: string, random: Random) {
    this.machine = machine;
    this.name = name;
    this.random = random;
    this.clock = clockOf(this);
  }

  /** Lets something happen in this process, unless it is dead by then. */
  after(ms: number, label: string, run: () => void): Timer {
    return this.machine.loop.after(ms, label, () => this.enter(label, run));
  }

  /** Lets something happen now: not at all if it is dead, and later if it is paused. */
  enter(label: string, run: () => void): void {
    if (!this.alive) return;
    if (this.#paused || this.#catchingUp) this.#deferred.push([label, run]);
    else run();
  }

  /** Ends it, whatever it is at. Idempotent. */
  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    this.machine.loop.trace(this.name, () => "ends");
    for (const end of this.#endings) end();
  }

  /** Calls back when it has ended. */
  ended(call: () => void): void {
    this.#endings.push(call);
  }

  /** Stops it, as SIGSTOP does. */
  pause(): void {
    this.#paused = true;
  }

  /** Lets it go on with all that came meanwhile, in order. */
  resume(): void {
    this.#paused = false;
    if (!this.#catchingUp) this.#catchUp();
  }

  /** One after the other, as each may lead to promise jobs. */
  #catchUp(): void {
    const next = this.#paused ? undefined : this.#deferred.shift();
    this.#catchingUp = next !== undefined;
    if (next === undefined) return;
    const [label, run] = next;
    this.machine.loop.after(0, label, () => {
      if (!this.alive) return;
      run();
      this.#catchUp();
    });
  }
}

function clockOf(process: Process): Clock {
  const { machine } = process;
  return {
    now: () => machine.timeOfDay(),
    monotonic: () => machine.monotonic(),
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const timer = process.after(machine.duration(ms), "sleep", () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        });
        function abort() {
          timer.run = undefined;
          reject(signal?.reason);
        }
        signal?.addEventListener("abort", abort, { once: true });
      }),
  };
}
