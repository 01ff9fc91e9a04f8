import { strictEqual } from "node:assert/strict";
import { openGate } from "@transporter/plugins";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { compile, CostError, DYN, Meter } from "../../plugins/cel/mod.ts";
import { policyOf } from "../../plugins/policy/testing/events.ts";
import { freshNamespace } from "../kubernetes/cluster.ts";
import { AgentProcess, CpProcess, untilConnected } from "../system.ts";
import type { Figure } from "./figures.ts";
import { PEERS } from "./peers.ts";
import { cpuMs, memoryMb } from "./process.ts";

type Json = Readonly<Record<string, unknown>>;

/** Pods that are made at the same time. */
const AT_ONCE = 32;

/** Pods that are judged. */
const PODS = 100_000;

/** Policies of the gate. */
const GATE_RULES = 50;

/** How often the gate is asked. */
const GATE_TIMES = 2_000;

const EXPRESSIONS: readonly string[] = [
  "object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))",
  "object.spec.containers.all(c, !c.image.endsWith(':latest'))",
  "object.spec.containers.all(c, has(c.resources.limits) && 'memory' in c.resources.limits)",
  "object.spec.containers.all(c, quantity(c.resources.limits.memory).isLessThan(quantity('4Gi')))",
  "object.spec.containers.all(c, c.?securityContext.?privileged.orValue(false) == false)",
  "object.spec.?hostNetwork.orValue(false) == false",
  "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath))",
  "object.metadata.name.matches('^[a-z][a-z0-9-]{0,62}$')",
  "has(object.metadata.labels) && 'team' in object.metadata.labels",
  "object.spec.containers.map(c, c.name).all(n, n.size() < 64)",
];

const RULES: readonly Json[] = [
  ...["team", "app", "tier"].map((label) => ({
    name: `label-${label}`,
    type: "required_label",
    parameters: { label },
  })),
  ...["cpu", "memory"].map((resource) => ({
    name: `limit-${resource}`,
    type: "resource_limit",
    parameters: { resource, max: "8Gi" },
  })),
  {
    name: "registry",
    type: "allowed_registry",
    parameters: { registries: ["registry.example.com"] },
  },
  {
    name: "no-secrets",
    type: "forbidden_kind",
    parameters: { kinds: ["Secret"] },
  },
  ...["app", "web", "db"].map((name) => ({
    name: `named-${name}`,
    type: "cel",
    parameters: { expression: `!object.metadata.name.contains('${name}!')` },
  })),
];

/** Policies about Pods, one for each expression. */
function policies(expressions: readonly string[]): readonly Json[] {
  return expressions.flatMap((expression, index) =>
    policyOf(`policy-${index}`, {
      matchConstraints: {
        resourceRules: [{
          apiGroups: [""],
          apiVersions: ["v1"],
          operations: ["CREATE", "UPDATE"],
          resources: ["pods"],
        }],
      },
      validations: [{ expression }],
    })
  );
}

function podOf(index: number): Json {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `pod-${index}`,
      labels: { app: "web", tier: "front", ...index % 100 && { team: "a" } },
    },
    spec: {
      containers: ["main", "proxy"].map((name) => ({
        name,
        image: `registry.example.com/${name}:1.${index % 7}`,
        resources: { limits: { cpu: "500m", memory: "256Mi" } },
        ports: [{ containerPort: 8080 }],
        env: [{ name: "STAGE", value: "production" }],
      })),
    },
  };
}

async function makePods(
  kube: LocalKube,
  namespace: string,
  count: number,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      const response = await kube.fetch(
        `/api/v1/namespaces/${namespace}/pods`,
        {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(podOf(next++)),
        },
      );
      await response.body?.cancel();
      strictEqual(response.status, 201);
    }
  }));
}

/** Sends an event, and waits for what becomes of it. */
async function audit(cp: CpProcess, payload: Json): Promise<Json> {
  const id = crypto.randomUUID();
  const sent = await fetch(`${cp.url}/v2/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{ id, type: "policy", target_agent: "edge-7", payload },
      created_by: "bench",
    }),
  });
  strictEqual(sent.status, 202, await sent.text());
  for (;;) {
    const view = await (await fetch(`${cp.url}/v2/events/${id}`)).json();
    if (view.state === "completed") return view.result;
    strictEqual(
      ["failed", "expired"].includes(view.state),
      false,
      view.message,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Pods of a cluster, judged by twenty rules: how long it takes, and what the agent needs for it. */
export async function judged(
  kube: LocalKube,
  script: string,
  count = PODS,
): Promise<Figure[]> {
  await using fresh = await freshNamespace(kube);
  await makePods(kube, fresh.name, count);
  await using cp = await CpProcess.start({ script });
  await using agent = await AgentProcess.start("edge-7", {
    ...{ cpUrl: cp.agentUrl, script },
    flags: ["--kubeconfig", kube.kubeconfig],
  });
  await untilConnected(cp.url, "edge-7");
  const result = await audit(cp, {
    policies: policies(EXPRESSIONS),
    policy_rules: RULES,
    targets: [{ kind: "Pod", namespace: fresh.name }],
  });
  const summary = result["summary"] as Readonly<Record<string, number>>;
  strictEqual(summary["objects"], count);
  const what = `${count} live Pods judged by 20 rules`;
  const findings = Number(summary["error"]);
  const cpu = await cpuMs(agent.program.pid);
  return [
    {
      what,
      value: Number(result["duration"]) / 1e9,
      unit: "s",
      bar: { atMost: 30 },
      peer: PEERS.none,
      note: `${findings} findings, ${cpu} ms of CPU time`,
      also: { findings, cpu_ms: cpu },
    },
    {
      what: `${what}: the agent's memory at most`,
      value: await memoryMb(agent.program.pid, "VmHWM"),
      unit: "MB",
      bar: { atMost: 200 },
      peer: PEERS.none,
    },
  ];
}

const BIG = "a".repeat(10_000_000);
const LIST = Array.from({ length: 1_000 }, (_, index) => index);
const HOSTILE: readonly string[] = [
  "object.big.matches('^(a+)+$')",
  "object.list.all(a, object.list.all(b, object.list.all(c, true)))",
  "object.list.map(a, object.list.map(b, a * b)).size() > 0",
  "object.list.all(a, object.big.contains('b') || object.big.size() > 0)",
  "object.list.map(a, object.big + object.big).join('').size() > 0",
  "object.list.all(a, object.list.sortBy(x, -x).size() > 0)",
  "object.list.all(a, '%s'.format([object.list]) != '')",
];

/** Expressions that are meant to take long, and when they are stopped. */
export function hostile(): Figure[] {
  const times = HOSTILE.map((expression) => {
    const program = compile(expression, { object: DYN });
    const start = performance.now();
    try {
      program.run([{ big: BIG, list: LIST }], new Meter());
    } catch (error) {
      if (!(error instanceof CostError)) throw error;
    }
    return performance.now() - start;
  });
  return [{
    what: "a hostile expression is stopped after, at most",
    value: Math.max(...times),
    unit: "ms",
    bar: { atMost: 100 },
    peer: PEERS.none,
    note: `${HOSTILE.length} of them`,
  }];
}

/** What a gate of fifty policies takes for an object, beside the dry run. */
export async function gate(): Promise<Figure[]> {
  const expressions = Array.from(
    { length: GATE_RULES },
    (_, index) => EXPRESSIONS[index % EXPRESSIONS.length] ?? "true",
  );
  await using opened = await openGate({
    documents: policies(expressions).map((each) => JSON.stringify(each)),
    cluster: {},
    warn() {},
  });
  const { signal } = new AbortController();
  const object = podOf(1);
  const start = performance.now();
  for (let times = 0; times < GATE_TIMES; times++) {
    await opened.check({
      ...{ operation: "CREATE", group: "", version: "v1" },
      ...{ resource: "pods", kind: "Pod", namespace: "shop", name: "pod-1" },
      ...{ object, oldObject: null, user: () => Promise.resolve({}) },
    }, signal);
  }
  return [{
    what: `a gate of ${GATE_RULES} policies takes for an object`,
    value: (performance.now() - start) / GATE_TIMES,
    unit: "ms",
    bar: { atMost: 1 },
    peer: PEERS.none,
    note: "beside the dry run",
  }];
}
