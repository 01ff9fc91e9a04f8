/**
 * The executors that ship with Transporter. There is no other registry: who
 * wants another executor passes another list.
 *
 * @example What a control plane can check at submit
 * ```ts
 * import { kinds } from "@transporter/plugins";
 * import { rejects } from "node:assert/strict";
 *
 * const [k8sResource] = kinds;
 * await rejects(async () => await k8sResource?.check({ manifests: ["a: ["] }));
 * ```
 *
 * @module
 */
import type { EventKind, Plugin } from "@transporter/sdk";
import { k8sResource } from "./k8s_resource/mod.ts";
import { policy } from "./policy/mod.ts";
import { script } from "./script/mod.ts";

export type { Fields, Gate, Write } from "./k8s_resource/port.ts";
export { type AgentPolicies, openGate } from "./policy/mod.ts";
export { addNoProxy } from "./k8s_resource/in_cluster.ts";

/** Every plugin that ships. */
export const standard: readonly Plugin[] = [k8sResource, script, policy];

/** What intake and the command line can check without a cluster. */
export const kinds: readonly EventKind[] = standard.map(({ kind }) => kind);
