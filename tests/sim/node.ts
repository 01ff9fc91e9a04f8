import { TransporterError } from "@transporter/sdk";
import type { Machine, Process } from "./machine.ts";
import type { Network } from "./network.ts";
import { type Observer, reasonOf } from "./observer.ts";
import type { Plant } from "./plant.ts";
import type { Random } from "./random.ts";

/** How a process ends before its time. */
export type Death =
  /** As `kill -9` ends it: what it wrote is in the cache. */
  | "kill9"
  /** With its machine: only what it synced is left. */
  | "power";

/** How long a supervisor waits before it starts a process again, in milliseconds. */
const RESTART_MS = 200;

/** What a node is made of. */
export interface NodeOptions {
  /** Where it runs. */
  readonly machine: Machine;
  /** Where chance comes from. */
  readonly random: Random;
  /** Who notes what can be seen of it. */
  readonly observer: Observer;
  /** How it is connected. */
  readonly network: Network;
  /** The names of the machines of control planes. */
  readonly controlPlanes: readonly [string, ...string[]];
  /** Bytes of events that an agent may have at a time. */
  readonly windowBytes: number;
  /** What is wrong with the program, if anything is. */
  readonly plant: Plant;
}

/** Errors that end a program and are not its fault. */
const OUTSIDE: ReadonlySet<string> = new Set([
  "disk_full",
  "store_unavailable",
]);

/** A machine on which a supervisor keeps one program running. */
export abstract class Node {
  readonly machine: Machine;
  readonly random: Random;
  /** Who notes what can be seen of it. */
  readonly observer: Observer;
  /** The program's current life. */
  process: Process | undefined;
  /** Called when the program is started the next time. */
  started: (() => void) | undefined;
  /** Whether it is gone for good. */
  retired = false;
  /** Whether nothing is done to it any more. */
  healed = false;
  #wanted = true;

  /** Takes a machine over; {@linkcode start} starts the program. */
  constructor({ machine, random, observer }: NodeOptions) {
    this.machine = machine;
    this.random = random;
    this.observer = observer;
  }

  /** Starts the program in a new process, unless it runs. */
  start(): void {
    if (this.process?.alive || this.retired) return;
    this.machine.on = this.#wanted = true;
    const process = this.process = this.machine.start(this.random);
    this.machine.loop.trace(process.name, () => "starts");
    process.ended(() => {
      if (this.#wanted) this.#restart();
    });
    process.after(this.random.between(5, 100), "boot", () => {
      this.boot(process).catch((error) => this.#failed(process, error));
    });
    this.started?.();
  }

  /** Ends the program for some time. */
  die(how: Death, downMs: number): void {
    this.#wanted = false;
    if (how === "power") this.machine.on = false;
    this.process?.kill();
    if (how === "power") this.losePower();
    if (this.retired) return;
    this.machine.loop.after(downMs, "start again", () => this.start());
  }

  /** Ends the machine for good. */
  retire(): void {
    this.retired = true;
    this.die("power", Infinity);
  }

  /** Runs the program; what it throws ends the process. */
  protected abstract boot(process: Process): Promise<void>;

  /** Asks the program to end. */
  abstract terminate(): void;

  /** What only the machine's memory had is lost. */
  protected abstract losePower(): void;

  /** The program ended with an error; one that the store, or the disk, leads to is not its fault. */
  #failed(process: Process, reason: unknown): void {
    const { code, message } = TransporterError.from(reason);
    this.machine.loop.trace(process.name, () => `fails: ${message}`);
    if (!OUTSIDE.has(code) && process.alive) {
      const crash = { process: process.name, reason: reasonOf(reason) };
      this.observer.note({ kind: "crash", ...crash });
    }
    process.kill();
  }

  #restart(): void {
    this.machine.loop.after(
      RESTART_MS + this.random.exponential(RESTART_MS),
      "restart",
      () => this.start(),
    );
  }
}
