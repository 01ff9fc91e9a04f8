/**
 * Runs the seeds that it is told, one after the other.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { tallySeed } from "./batch.ts";

self.onmessage = async ({ data }: MessageEvent<number>) => {
  self.postMessage(await tallySeed(data));
};
