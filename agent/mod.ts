/**
 * The agent: takes events from a control plane it dials, has executors run
 * them, and reports what became of them, across cut links and restarts.
 *
 * @example An agent whose control plane answers in memory
 * ```ts
 * import { Agent } from "@transporter/agent";
 * import { defineExecutor } from "@transporter/sdk";
 * import { memoryWires } from "@transporter/sdk/memory";
 * import { match } from "node:assert/strict";
 *
 * const greet = defineExecutor<unknown, unknown, unknown>({
 *   type: "greet",
 *   version: "1.0.0",
 *   schema: { "~standard": { version: 1, vendor: "none", validate: (value) => ({ value }) } },
 *   validate: (payload) => Promise.resolve(payload),
 *   apply: (plan) => Promise.resolve(plan),
 *   verify: () => Promise.resolve(),
 * });
 * const [near, far] = memoryWires();
 * const dataDir = await Deno.makeTempDir();
 * {
 *   await using agent = await Agent.open({
 *     agentId: "edge-1",
 *     cpUrl: ["memory://control-plane"],
 *     dataDir,
 *     executors: [greet],
 *     dials: { memory: () => Promise.resolve(near) },
 *   });
 *   const stop = new AbortController();
 *   const running = agent.run(stop.signal);
 *   for await (const frame of far.frames) {
 *     match(frame, /"id":"edge-1".*"capabilities":\["greet"\]/);
 *     break;
 *   }
 *   stop.abort();
 *   await running;
 * }
 * await Deno.remove(dataDir, { recursive: true });
 * ```
 *
 * @module
 */
export { Agent } from "./agent.ts";
export { type AgentConfig, config, SETTINGS } from "./config.ts";
export type { JournalFile } from "./journal.ts";
export type { AgentOptions, AgentSettings } from "./options.ts";
