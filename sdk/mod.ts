/**
 * What the parts of Transporter agree on: events and what may happen to them,
 * the frames between agent and control plane, executors and plugins, errors.
 *
 * Connectors have entries of their own (`@transporter/sdk/websocket`,
 * `@transporter/sdk/memory`), and so have the conformance suites
 * (`@transporter/sdk/testing`).
 *
 * @example An event goes through its phases
 * ```ts
 * import { canFollow, isTerminal } from "@transporter/sdk";
 * import { strictEqual } from "node:assert/strict";
 *
 * strictEqual(canFollow("queued", "assigned"), true);
 * strictEqual(isTerminal("completed"), true);
 * ```
 *
 * @module
 */
export * from "./api.ts";
export * from "./backoff.ts";
export * from "./capability.ts";
export * from "./clock.ts";
export * from "./cloud_event.ts";
export * from "./cloud_event_input.ts";
export * from "./config.ts";
export * from "./cut_by.ts";
export {
  type Delivery,
  type Message,
  retryAfterMs,
  type StatusDelivery,
} from "./delivery.ts";
export * from "./digest.ts";
export * from "./error.ts";
export * from "./event.ts";
export { RETRY_DEFAULT } from "./event_delivery.ts";
export * from "./event_input.ts";
export * from "./execute.ts";
export * from "./executor.ts";
export * from "./frame.ts";
export * from "./frame_codec.ts";
export * from "./ingest.ts";
export * from "./inventory.ts";
export * from "./json.ts";
export * from "./link.ts";
export * from "./log.ts";
export * from "./nearest.ts";
export { FRAME_BYTES_MAX, MESSAGE_BYTES_MAX, utf8Length } from "./parts.ts";
export * from "./plugin.ts";
export * from "./progress.ts";
export * from "./queue.ts";
export * from "./redact.ts";
export * from "./results.ts";
export * from "./rng.ts";
export * from "./schema.ts";
export { sha256 } from "./sha256.ts";
export * from "./shown_url.ts";
export {
  helpOf,
  isSeveral,
  type Setting,
  type SettingCommon,
  type SettingPresent,
  type SettingValue,
} from "./setting.ts";
export * from "./time.ts";
export * from "./version.ts";
export * from "./wire.ts";
