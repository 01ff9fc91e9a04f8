/**
 * What an identity in a cluster has to be allowed for `k8s_resource` events:
 * the presets that ship as manifests, and the least rights for manifests.
 *
 * @example What the default preset lets an agent do with Secrets
 * ```ts
 * import { PRESETS } from "@transporter/plugins/rights";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const preset = PRESETS.find(({ name }) => name === "namespace");
 * const rule = preset?.rules.find(({ resources }) => resources?.includes("secrets"));
 * deepStrictEqual(rule?.verbs, ["get", "create", "patch"]);
 * ```
 *
 * @module
 */
export type { Acting } from "./acting.ts";
export * from "./effective.ts";
export * from "./generate.ts";
export type { Surroundings } from "../cluster.ts";
export type { Work } from "./object_needs.ts";
export * from "./presets.ts";
export * from "./rule.ts";
