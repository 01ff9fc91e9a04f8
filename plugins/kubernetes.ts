/**
 * The Kubernetes client of the executors that ship, for plugins: credentials
 * that are read again when they change, tries until there is a real answer,
 * refusals as codes.
 *
 * ```ts ignore
 * import { clusterConfig, openKubernetes } from "@transporter/plugins/kubernetes";
 * import { definePlugin } from "@transporter/sdk";
 *
 * export default definePlugin({
 *   config: clusterConfig,
 *   open: openKubernetes,
 *   async apply({ name }, { opened, ...context }) {
 *     const path = `/api/v1/namespaces/${name}`;
 *     return await opened.call({ method: "GET", path }, context, `read Namespace "${name}"`);
 *   },
 *   // …
 * });
 * ```
 *
 * @module
 */
import {
  type ExecutorContext,
  type Schema,
  systemClock,
  systemRng,
} from "@transporter/sdk";
import * as v from "valibot";
import { openCluster } from "./k8s_resource/cluster.ts";
import type { ApiRequest } from "./k8s_resource/transport.ts";

export type { ApiRequest } from "./k8s_resource/transport.ts";
export type { Header } from "./k8s_resource/impersonate.ts";

/** Which cluster a plugin works in. */
export interface ClusterConfig {
  /** Kubeconfig files, joined by `:` (`;` on Windows); without them the cluster that the agent runs in. */
  readonly kubeconfig?: string | undefined;
  /** The context of the kubeconfig; by default its current one. */
  readonly context?: string | undefined;
}

/** The config of a plugin that works in a cluster and needs nothing else. */
export const clusterConfig: Schema<ClusterConfig> = v.strictObject({
  kubeconfig: v.optional(v.pipe(v.string(), v.nonEmpty())),
  context: v.optional(v.pipe(v.string(), v.nonEmpty())),
});

/** What an attempt lends to a call: when it has to be over, and its signal. */
export type Bounds = Pick<ExecutorContext, "signal" | "deadline">;

/** A client of one API server. */
export interface Kubernetes extends Disposable {
  /** The namespace of the kubeconfig's context, else `default`. */
  readonly namespace: string;
  /**
   * Sends a request until it succeeds or cannot succeed. May be called concurrently.
   *
   * @param request What is asked.
   * @param bounds The context of the attempt.
   * @param doing What is done, for errors: `label Namespace "a"`.
   * @returns The object in the answer.
   * @throws {TransporterError} `denied`, `conflict`, `failed` and so on, as the API server refused;
   * `cluster_unavailable` when there was no answer until the end; what the signal aborts with.
   */
  call(
    request: ApiRequest,
    bounds: Bounds,
    doing: string,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** The same, but `undefined` when the object is not there. */
  find(
    request: ApiRequest,
    bounds: Bounds,
    doing: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** Where an API server is for the Pods of its cluster; its certificate has the name. */
const IN_CLUSTER = {
  in_cluster: true,
  service_host: "kubernetes.default.svc",
  service_port: 443,
};

/**
 * Finds the credentials for a cluster. Sends nothing.
 *
 * @param config Which.
 * @throws {TransporterError} `no_cluster` or `unsupported`.
 */
export async function openKubernetes(
  config: ClusterConfig,
): Promise<Kubernetes> {
  const named = config.kubeconfig !== undefined || config.context !== undefined;
  const cluster = await openCluster(named ? config : IN_CLUSTER, {
    clock: systemClock,
    rng: systemRng,
  });
  const { client, namespace } = cluster;
  const options = ({ signal, deadline }: Bounds, doing: string) => ({
    doing,
    signal,
    until: deadline,
  });
  return {
    namespace,
    call: async (request, bounds, doing) =>
      (await client.call(request, options(bounds, doing))).body,
    find: async (request, bounds, doing) =>
      (await client.find(request, options(bounds, doing)))?.body,
    [Symbol.dispose]: () => cluster[Symbol.dispose](),
  };
}
