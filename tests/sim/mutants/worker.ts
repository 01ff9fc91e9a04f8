/**
 * Runs the trials that it is told, one after the other.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { MUTANTS } from "./mod.ts";
import { type Trial, tryMutant } from "./trial.ts";

/** What it is told. */
export interface Job {
  /** The name of a mutant. */
  readonly mutant: string;
  /** The seed. */
  readonly seed: number;
}

self.onmessage = async ({ data: { mutant, seed } }: MessageEvent<Job>) => {
  const known = MUTANTS.find(({ name }) => name === mutant);
  if (known === undefined) throw new TypeError(`No mutant "${mutant}"`);
  const trial: Trial = await tryMutant(known, seed);
  self.postMessage(trial);
};
