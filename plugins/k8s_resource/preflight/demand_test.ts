import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { PlannedObject } from "../plan.ts";
import type { Fields } from "../ready_parts.ts";
import { demandOf } from "./demand.ts";
import { readQuantity, showQuantity } from "./quantity.ts";

for (
  const [text, number] of [
    ["1", 1],
    [2, 2],
    ["100m", 0.1],
    ["1.5Gi", 1.5 * 1024 ** 3],
    ["2k", 2000],
    ["2e3", 2000],
    ["1E", 1e18],
    [".5", 0.5],
    ["-1Ki", -1024],
    ["", undefined],
    ["1 Gi", undefined],
    ["1Gb", undefined],
  ] as const
) {
  Deno.test(`readQuantity() reads ${JSON.stringify(text)}`, () => {
    const read = readQuantity(text);
    if (number === undefined) return strictEqual(read, undefined);
    strictEqual(Math.abs((read ?? NaN) - number) < 1e-9, true, String(read));
  });
}

Deno.test("showQuantity() is short", () => {
  deepStrictEqual(
    [0, 3, 0.3, 2048, 3 * 1024 ** 3, 1500].map(showQuantity),
    ["0", "3", "0.3", "2Ki", "3Gi", "1500"],
  );
});

const pod = {
  initContainers: [
    { resources: { requests: { cpu: "3" } } },
    { restartPolicy: "Always", resources: { requests: { cpu: "500m" } } },
  ],
  containers: [
    { resources: { requests: { cpu: "1" }, limits: { memory: "1Gi" } } },
    { resources: { limits: { cpu: "1", "nvidia.com/gpu": 1 } } },
  ],
};

interface Case {
  readonly of: Pick<PlannedObject, "group" | "kind" | "resource">;
  readonly fields: Fields;
  readonly now: Readonly<Record<string, number>>;
  readonly later?: Readonly<Record<string, number>>;
}

const GI = 1024 ** 3;
const PODS = {
  pods: 1,
  "count/pods": 1,
  "requests.cpu": 3,
  cpu: 3,
  "requests.memory": GI,
  memory: GI,
  "limits.memory": GI,
  "limits.cpu": 1,
  "requests.nvidia.com/gpu": 1,
  "limits.nvidia.com/gpu": 1,
};

const CASES: Readonly<Record<string, Case>> = {
  "a ConfigMap": {
    of: { group: "", kind: "ConfigMap", resource: "configmaps" },
    fields: {},
    now: { "count/configmaps": 1, configmaps: 1 },
  },
  "an Ingress": {
    of: { group: "networking.k8s.io", kind: "Ingress", resource: "ingresses" },
    fields: { spec: {} },
    now: { "count/ingresses.networking.k8s.io": 1 },
  },
  "a Pod, by its containers or the largest before them": {
    of: { group: "", kind: "Pod", resource: "pods" },
    fields: { spec: pod },
    now: PODS,
  },
  "a Deployment, whose pods come later": {
    of: { group: "apps", kind: "Deployment", resource: "deployments" },
    fields: { spec: { replicas: 2, template: { spec: pod } } },
    now: { "count/deployments.apps": 1 },
    later: Object.fromEntries(
      Object.entries(PODS).map(([name, amount]) => [name, amount * 2]),
    ),
  },
  "a Job, of as many pods as run at a time and are wanted": {
    of: { group: "batch", kind: "Job", resource: "jobs" },
    fields: {
      spec: { parallelism: 5, completions: 2, template: { spec: pod } },
    },
    now: { "count/jobs.batch": 1 },
    later: Object.fromEntries(
      Object.entries(PODS).map(([name, amount]) => [name, amount * 2]),
    ),
  },
  "a Job that is suspended, without pods": {
    of: { group: "batch", kind: "Job", resource: "jobs" },
    fields: { spec: { suspend: true, template: { spec: pod } } },
    now: { "count/jobs.batch": 1 },
  },
  "a claim of a class": {
    of: {
      group: "",
      kind: "PersistentVolumeClaim",
      resource: "persistentvolumeclaims",
    },
    fields: {
      spec: {
        storageClassName: "fast",
        resources: { requests: { storage: "2Gi" } },
      },
    },
    now: {
      "count/persistentvolumeclaims": 1,
      persistentvolumeclaims: 1,
      "fast.storageclass.storage.k8s.io/persistentvolumeclaims": 1,
      "requests.storage": 2 * GI,
      "fast.storageclass.storage.k8s.io/requests.storage": 2 * GI,
    },
  },
  "a Service with a load balancer": {
    of: { group: "", kind: "Service", resource: "services" },
    fields: { spec: { type: "LoadBalancer", ports: [{}, {}] } },
    now: {
      "count/services": 1,
      services: 1,
      "services.loadbalancers": 1,
      "services.nodeports": 2,
    },
  },
};

for (const [name, { of, fields, now, later = {} }] of Object.entries(CASES)) {
  Deno.test(`preflight.quota: demandOf() counts ${name}`, () => {
    const demand = demandOf(of as PlannedObject, fields);
    const some = (amounts: ReadonlyMap<string, number>) =>
      Object.fromEntries([...amounts].filter(([, amount]) => amount > 0));
    deepStrictEqual(some(demand.now), now);
    deepStrictEqual(some(demand.later), later);
  });
}
