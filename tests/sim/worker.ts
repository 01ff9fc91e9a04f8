/**
 * Runs the seeds that it is told, one after the other.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { tallySeed } from "./batch.ts";

/** What it is told. */
export interface SeedJob {
  /** The seed. */
  readonly seed: number;
  /** How many control planes share a store. */
  readonly replicas: 1 | 2 | undefined;
}

self.onmessage = async ({ data }: MessageEvent<SeedJob>) => {
  self.postMessage(await tallySeed(data.seed, data.replicas));
};
