/**
 * Runs `k8s_resource` events against an API server, the way an agent does.
 *
 * @module
 */

import {
  type EventStatus,
  execute,
  type Executor,
  type Logger,
  silentLogger,
  systemClock,
} from "@transporter/sdk";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import type { Upstream } from "../fault_proxy.ts";
import { standard } from "@transporter/plugins";
import { until } from "../until.ts";
import type {
  BundleResult,
  ObjectResult,
} from "../../plugins/k8s_resource/result.ts";

export { until };

/** What an event led to. */
export interface Run {
  /** The last status. */
  readonly last: EventStatus;
  /** Every status before it, and it. */
  readonly statuses: readonly EventStatus[];
  /** What became of the objects. */
  readonly objects: readonly ObjectResult[];
  /** What the producer was warned of. */
  readonly warnings: readonly string[];
}

/** Options of {@linkcode runEvent}. */
export interface RunOptions {
  /** The event's id; by default a new one. */
  readonly id?: string;
  /** When its producer made it. */
  readonly createdAt?: string;
  /** Which attempt it is. */
  readonly attempt?: number;
  /** What the payload says besides its manifests. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** How long it may take, in minutes; one unless given. */
  readonly minutes?: number;
  /** An earlier process began it. */
  readonly again?: boolean;
  /** What an earlier process has applied, and only waits for. */
  readonly applied?: unknown;
  /** Cancels it. */
  readonly signal?: AbortSignal;
  /** Sees each status as it comes. */
  readonly onStatus?: (status: EventStatus) => void | Promise<void>;
}

/** Opens the plugin with a configuration; nobody reads its log unless there is one. */
export function openPlugin(
  config: Readonly<Record<string, unknown>>,
  log: Logger = silentLogger,
): Promise<Executor> {
  const plugin = standard.find(({ type }) => type === "k8s_resource");
  if (plugin === undefined) throw new RangeError("The plugin does not ship");
  const { signal } = new AbortController();
  return plugin.open(config, { signal, log });
}

/** An API server, a namespace, and an executor for it; its objects go there unless they say otherwise. */
export interface Place extends AsyncDisposable {
  /** The API server. */
  readonly kube: LocalKube;
  /** The namespace, which no other test has. */
  readonly namespace: string;
  /** The executor. */
  readonly executor: Executor;
}

/** Opens all that most tests need; `config` is the plugin's. */
export async function openPlace(
  config: Readonly<Record<string, unknown>> = {},
): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const kube = stack.use(await testCluster());
  const { name: namespace } = stack.use(await freshNamespace(kube));
  const executor = stack.use(
    await openPlugin({ kubeconfig: kube.kubeconfig, namespace, ...config }),
  );
  const all = stack.move();
  return {
    kube,
    namespace,
    executor,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Writes a kubeconfig file that has a token for a server. */
export async function writeKubeconfig(
  path: string,
  { server, caPem }: Upstream,
  token: string,
): Promise<void> {
  const kubeconfig = {
    "current-context": "proxy",
    contexts: [{ name: "proxy", context: { cluster: "proxy", user: "admin" } }],
    clusters: [{
      name: "proxy",
      cluster: {
        server: server.href,
        "certificate-authority-data": btoa(caPem),
      },
    }],
    users: [{ name: "admin", user: { token } }],
  };
  await Deno.writeTextFile(path, JSON.stringify(kubeconfig));
}

/**
 * A configuration that leads through a proxy; its file goes when it is disposed.
 * No Events of Kubernetes are written unless `rest` says so: they come whenever
 * there is time, and would be among the requests that a test counts.
 */
export async function proxied(
  proxy: Upstream,
  kube: LocalKube,
  rest: Readonly<Record<string, unknown>> = {},
): Promise<
  AsyncDisposable & { readonly config: Readonly<Record<string, unknown>> }
> {
  const path = await Deno.makeTempFile({ suffix: ".kubeconfig" });
  await writeKubeconfig(path, proxy, kube.address.adminToken);
  return {
    config: { kubeconfig: path, kube_events: false, ...rest },
    [Symbol.asyncDispose]: () => Deno.remove(path),
  };
}

/** Takes one event with these manifests through its phases. */
export async function runEvent(
  executor: Executor,
  manifests: readonly unknown[],
  options: RunOptions = {},
): Promise<Run> {
  const statuses: EventStatus[] = [];
  const last = await execute(executor, {
    id: options.id ?? crypto.randomUUID(),
    type: "k8s_resource",
    target_agent: "test",
    payload: { ...options.payload, manifests },
    created_at: options.createdAt ?? "2026-11-23T05:04:27Z",
    created_by: "test",
    ttl: 60e9,
    priority: 0,
    labels: {},
  }, {
    agentId: "test",
    attempt: options.attempt ?? 1,
    again: options.again ?? false,
    ...(options.applied === undefined ? {} : { applied: options.applied }),
    deadline: systemClock.now() + (options.minutes ?? 1) * 60_000,
    signal: options.signal ?? new AbortController().signal,
    clock: systemClock,
    log: silentLogger,
    async record(status) {
      statuses.push(status);
      await options.onStatus?.(status);
    },
  });
  const result = last.result as unknown as Partial<BundleResult> | null;
  return {
    last,
    statuses,
    objects: result?.resource_status ?? [],
    warnings: result?.warnings ?? [],
  };
}

/** `Kind/name: status` of each object. */
export function changes({ objects }: Run): string[] {
  return objects.map(({ kind, name, status }) => `${kind}/${name}: ${status}`);
}

/** A ConfigMap as YAML. */
export function configMap(
  namespace: string,
  name: string,
  data = "a: b",
): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
  namespace: ${namespace}
data:
  ${data}
`;
}

/** The path of a ConfigMap at the API server. */
export function configMapPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${namespace}/configmaps/${name}`;
}

/** A Deployment as YAML. */
export function deployment(
  namespace: string,
  name: string,
  image = "local/none:1",
): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  replicas: 1
  selector:
    matchLabels: {app: ${name}}
  template:
    metadata:
      labels: {app: ${name}}
    spec:
      containers:
      - name: main
        image: ${image}
`;
}

/** A CustomResourceDefinition of the kind `Thing` in a group, as YAML; its objects may hold anything. */
export function thingDefinition(group: string): string {
  return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.${group}
spec:
  group: ${group}
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        x-kubernetes-preserve-unknown-fields: true
`;
}

/** Reads JSON from the API server as the administrator. */
export async function read<Body>(kube: LocalKube, path: string): Promise<Body> {
  const response = await kube.fetch(path);
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${path} answered ${response.status}: ${text}`);
  }
  return JSON.parse(text);
}

/** Writes to the API server as the administrator, as a controller or a kubelet would. */
export async function write(
  kube: LocalKube,
  path: string,
  options: {
    readonly method: string;
    readonly type?: string;
    readonly body?: unknown;
  },
): Promise<void> {
  const { method, type = "application/merge-patch+json", body } = options;
  const response = await kube.fetch(path, {
    method,
    headers: { "content-type": type },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  }
}

/** Gives rights in the place's namespace to somebody, and waits until the server knows. */
export async function grant(
  { kube, namespace }: Pick<Place, "kube" | "namespace">,
  subject: Readonly<Record<string, string>>,
  rule: {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  },
): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const rbac = `/apis/${group}/v1/namespaces/${namespace}`;
  const json = { method: "POST", type: "application/json" };
  const metadata = { name: `grant-${crypto.randomUUID().slice(0, 8)}` };
  await write(kube, `${rbac}/roles`, {
    ...json,
    body: { metadata, rules: [rule] },
  });
  await write(kube, `${rbac}/rolebindings`, {
    ...json,
    body: {
      metadata,
      roleRef: { apiGroup: group, kind: "Role", name: metadata.name },
      subjects: [subject],
    },
  });
  const who = subject.kind === "Group"
    ? { user: "somebody", groups: [subject.name] }
    : { user: `system:serviceaccount:${subject.namespace}:${subject.name}` };
  await until(async () => {
    const answer = await kube.fetch(
      "/apis/authorization.k8s.io/v1/subjectaccessreviews",
      {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          spec: {
            ...who,
            resourceAttributes: {
              namespace,
              group: rule.apiGroups[0],
              resource: rule.resources[0],
              verb: rule.verbs[0],
            },
          },
        }),
      },
    );
    const { status }: { status: { allowed: boolean } } = await answer.json();
    return status.allowed;
  });
}
