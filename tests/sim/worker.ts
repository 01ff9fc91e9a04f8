/**
 * Runs the seeds that it is told, one after the other.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { type Setting, tallySeed } from "./batch.ts";

/** What it is told. */
export interface SeedJob {
  /** The seed. */
  readonly seed: number;
  /** How it is run. */
  readonly setting: Setting;
}

self.onmessage = async ({ data }: MessageEvent<SeedJob>) => {
  self.postMessage(await tallySeed(data.seed, data.setting));
};
