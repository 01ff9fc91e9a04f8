import type { Entry } from "../history/entry.ts";
import { judge, type Verdict } from "../history/judge.ts";
import { poisonAmbient } from "./ambient.ts";
import { type WireName, WIRES } from "./medium.ts";
import { Loop, type TraceLine } from "./loop.ts";
import { Observer, reasonOf } from "./observer.ts";
import type { Plant } from "./plant.ts";
import { Random } from "./random.ts";
import { Stage } from "./stage.ts";

/** How a run is done. */
export interface RunOptions {
  /** Decides everything. */
  readonly seed: number;
  /** How many control planes share a store; by default there is one, which has it for itself. */
  readonly replicas?: 1 | 2 | undefined;
  /** What carries the frames of agents: "socket" by default; "any": the seed says which. */
  readonly wire?: WireName | "any" | undefined;
  /** What is wrong with the program, if anything is. */
  readonly plant?: Plant;
  /** Takes what happens, line by line. */
  readonly trace?: TraceLine;
}

/** What came of a run. */
export interface Outcome {
  /** The seed. */
  readonly seed: number;
  /** The same seed, the same hash. */
  readonly hash: string;
  /** How many things happened. */
  readonly steps: number;
  /** How long it was, in simulated milliseconds. */
  readonly simulatedMs: number;
  /** What was seen. */
  readonly history: readonly Entry[];
  /** What it is worth. */
  readonly verdict: Verdict;
}

/** Runs one seed. */
export async function runSeed(
  { seed, replicas = 1, wire: wanted = "socket", plant = {}, trace }:
    RunOptions,
): Promise<Outcome> {
  const random = new Random(`seed ${seed}`);
  const wire = wanted === "any" ? random.fork("wire").pick(WIRES) : wanted;
  const loop = new Loop(random.fork("loop"), trace);
  const observer = new Observer(loop);
  {
    using _rejections = watchRejections(observer);
    using _ambient = poisonAmbient();
    using _stacks = trace ? undefined : withoutStacks();
    using _patched = plant.patch?.();
    await new Stage({ loop, random, observer, plant, replicas, wire }).play();
  }
  return {
    seed,
    hash: loop.hash,
    steps: loop.steps,
    simulatedMs: loop.now,
    history: observer.history,
    verdict: judge(observer.history),
  };
}

/** Faults make many errors, and nobody reads where they came from: a tenth of the time. A traced run has them. */
function withoutStacks(): Disposable {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  return {
    [Symbol.dispose]: () => void (Error.stackTraceLimit = stackTraceLimit),
  };
}

/** A rejection that nobody handles ends a real program. */
function watchRejections(observer: Observer): Disposable {
  function crash(event: PromiseRejectionEvent) {
    event.preventDefault();
    const reason = reasonOf(event.reason);
    observer.note({ kind: "crash", process: "one of them", reason });
  }
  globalThis.addEventListener("unhandledrejection", crash);
  return {
    [Symbol.dispose]: () =>
      globalThis.removeEventListener("unhandledrejection", crash),
  };
}
