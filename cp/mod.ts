/**
 * The control plane: takes events over HTTP, keeps them durably, releases them
 * to the agents they are for, and records what becomes of them.
 *
 * {@linkcode ControlPlane} is the whole of it, to embed; {@linkcode config} is
 * the table of its settings. A {@linkcode Store} of one's own has to pass the
 * suite of `@transporter/cp/testing`.
 *
 * @example A control plane without a disk
 * ```ts
 * import { ControlPlane } from "@transporter/cp";
 * import { strictEqual } from "node:assert/strict";
 *
 * await using controlPlane = await ControlPlane.open({
 *   config: { listen: "127.0.0.1:0", store: "memory:", dev: true },
 *   kinds: [],
 * });
 * const answer = await fetch(`${controlPlane.url}/v2/agents`);
 * strictEqual((await answer.json()).items.length, 0);
 * ```
 *
 * @module
 */
export { config, type ControlPlaneConfig, SETTINGS } from "./config.ts";
export * from "./control_plane.ts";
export { isOutsideDataDir } from "./open_store.ts";
export type { Brokers } from "./ingests.ts";
export type { Sinks } from "./sinks.ts";
export * from "./server_limits.ts";
export type * from "./store/store.ts";
