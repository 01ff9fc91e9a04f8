/**
 * What an identity in a cluster has to be allowed for `k8s_resource` events:
 * the presets that ship as manifests.
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
export * from "./presets.ts";
export * from "./rule.ts";
