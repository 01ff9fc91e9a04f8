import type { PlannedObject } from "../plan.ts";
import { type Fields, numberOf, recordOf, recordsOf } from "../ready_parts.ts";
import { readQuantity } from "./quantity.ts";

/** How much of what a quota limits, by the quota's names. */
export type Amounts = ReadonlyMap<string, number>;

/** What an object that is new counts against quotas. */
export interface Demand {
  /** What the server counts when it takes the object. */
  readonly now: Amounts;
  /** What it counts once a controller has made the object's pods. */
  readonly later: Amounts;
}

/** Resources of the core group that are also counted under their own name. */
const COUNTED: ReadonlySet<string> = new Set([
  "configmaps",
  "persistentvolumeclaims",
  "pods",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
]);

/** Requests that are also counted under their own name. */
const PLAIN: ReadonlySet<string> = new Set([
  "cpu",
  "memory",
  "ephemeral-storage",
]);

/** Both together. */
export function plus(a: Amounts, b: Amounts, times = 1): Amounts {
  const sum = new Map(a);
  for (const [name, amount] of b) {
    sum.set(name, (sum.get(name) ?? 0) + amount * times);
  }
  return sum;
}

function largest(a: Amounts, b: Amounts): Amounts {
  const all = new Map(a);
  for (const [name, amount] of b) {
    all.set(name, Math.max(all.get(name) ?? 0, amount));
  }
  return all;
}

/** The amounts in a mapping of resources, under other names. */
function amountsOf(
  resources: unknown,
  names: (resource: string) => readonly string[],
): Amounts {
  return new Map(
    Object.entries(recordOf(resources)).flatMap(([resource, value]) => {
      const amount = readQuantity(value);
      return amount === undefined
        ? []
        : names(resource).map((name): [string, number] => [name, amount]);
    }),
  );
}

function containerAmounts({ resources }: Fields): Amounts {
  const { requests, limits } = recordOf(resources);
  const asked = { ...recordOf(limits), ...recordOf(requests) };
  return new Map([
    ...amountsOf(
      asked,
      (name) => [`requests.${name}`, ...(PLAIN.has(name) ? [name] : [])],
    ),
    ...amountsOf(limits, (name) => [`limits.${name}`]),
  ]);
}

/** What a pod counts: its containers together, or the largest of those that run before them. */
function podAmounts(spec: Fields): Amounts {
  const initial = recordsOf(spec.initContainers);
  const isSidecar = ({ restartPolicy }: Fields) => restartPolicy === "Always";
  const together = [
    ...recordsOf(spec.containers),
    ...initial.filter(isSidecar),
  ].reduce<Amounts>(
    (sum, each) => plus(sum, containerAmounts(each)),
    new Map(),
  );
  const most = initial.filter((each) => !isSidecar(each))
    .reduce<Amounts>(
      (all, each) => largest(all, containerAmounts(each)),
      together,
    );
  return new Map([["pods", 1], ["count/pods", 1], ...most]);
}

function claimAmounts(spec: Fields): Amounts {
  const { storageClassName: name } = spec;
  const prefix = typeof name === "string" && name !== ""
    ? [`${name}.storageclass.storage.k8s.io/`]
    : [];
  const { requests } = recordOf(spec.resources);
  return new Map([
    ...prefix.map((each): [string, number] => [
      `${each}persistentvolumeclaims`,
      1,
    ]),
    ...amountsOf(
      requests,
      (what) => ["", ...prefix].map((each) => `${each}requests.${what}`),
    ),
  ]);
}

function serviceAmounts(spec: Fields): Amounts {
  const ports = recordsOf(spec.ports).length;
  const isBalanced = spec.type === "LoadBalancer";
  const onNodes = spec.type === "NodePort" ||
    isBalanced && spec.allocateLoadBalancerNodePorts !== false;
  return new Map([
    ["services.loadbalancers", isBalanced ? 1 : 0],
    ["services.nodeports", onNodes ? ports : 0],
  ]);
}

/** How many pods a workload has; unknown for a DaemonSet. */
function replicasOf(kind: string, spec: Fields): number {
  switch (kind) {
    case "Deployment":
    case "ReplicaSet":
    case "ReplicationController":
    case "StatefulSet":
      return numberOf(spec.replicas, 1);
    case "Job":
      return spec.suspend === true ? 0 : Math.min(
        numberOf(spec.parallelism, 1),
        numberOf(spec.completions, Infinity),
      );
    default:
      return 0;
  }
}

/** What an object counts against the quotas of its namespace when it is new. Pure. */
export function demandOf(object: PlannedObject, fields: Fields): Demand {
  const { group, kind, resource } = object;
  const spec = recordOf(fields.spec);
  const count = group === "" ? resource : `${resource}.${group}`;
  const counted: Amounts = new Map([
    [`count/${count}`, 1],
    ...(group === "" && COUNTED.has(resource) ? [[resource, 1] as const] : []),
  ]);
  const none: Amounts = new Map();
  if (group === "") {
    if (kind === "Pod") {
      return { now: largest(counted, podAmounts(spec)), later: none };
    }
    if (kind === "PersistentVolumeClaim") {
      return { now: plus(counted, claimAmounts(spec)), later: none };
    }
    if (kind === "Service") {
      return { now: plus(counted, serviceAmounts(spec)), later: none };
    }
  }
  const pod = podAmounts(recordOf(recordOf(spec.template).spec));
  const replicas = replicasOf(kind, spec);
  return { now: counted, later: plus(none, pod, replicas) };
}
