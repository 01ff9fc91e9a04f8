import { isRecord } from "@transporter/sdk";
import * as v from "valibot";
import type { Gate } from "./gate.ts";

const text = v.pipe(v.string(), v.nonEmpty());

/**
 * What the operator may set. Without `kubeconfig` the agent has to run in a
 * cluster, or be told where one is by `service_host` and `service_port`.
 */
export const configSchema = v.strictObject({
  /** Kubeconfig files, joined by `:` (`;` on Windows). */
  kubeconfig: v.optional(text),
  /** The context of the kubeconfig; by default its current one. */
  context: v.optional(text),
  /** Use the credentials of the Pod even when a kubeconfig is named. */
  in_cluster: v.optional(v.boolean()),
  /** The folder with `token` and `ca.crt`; by default where a kubelet puts it. */
  service_account_dir: v.optional(text),
  /** The API server's host as Pods know it: `KUBERNETES_SERVICE_HOST`. */
  service_host: v.optional(text),
  /** Its port: `KUBERNETES_SERVICE_PORT`. */
  service_port: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  ),
  /** The namespace of objects that name none; by default the context's, else `default`. */
  namespace: v.optional(text),
  /** How long one request may take, in milliseconds; 30,000 unless given. */
  request_timeout_ms: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1)),
  ),
  /** How long applying may take, and then waiting for readiness, in milliseconds each; 300,000 unless given. */
  phase_timeout_ms: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** Whether Events of Kubernetes say which event has changed an object; they do unless it is false. */
  kube_events: v.optional(v.boolean()),
  /** The agent's id, for those. */
  agent_id: v.optional(text),
  /** Where is noted which events may be tried again, and what later ones have done since; only in memory unless given. */
  unfinished_file: v.optional(text),
  /** Namespaces that no event may touch: those that scripts run in. */
  closed_namespaces: v.optional(v.array(text)),
  /** Decides about each write before it is sent; the program that opens the plugin puts it here. */
  gate: v.optional(
    v.custom<Gate>((value) => isRecord(value) && "check" in value),
  ),
});

/** What the schema accepts. */
export type Config = v.InferOutput<typeof configSchema>;
