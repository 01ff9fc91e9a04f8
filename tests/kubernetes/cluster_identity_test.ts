import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { AgentView, EventView } from "@transporter/sdk";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { FaultProxy, type Upstream } from "../fault_proxy.ts";
import { ROOT } from "../files.ts";
import {
  AgentProcess,
  CpProcess,
  submit,
  until,
  untilConnected,
} from "../system.ts";
import {
  type FreshNamespace,
  freshNamespace,
  ownCluster,
  testCluster,
} from "./cluster.ts";
import { actAs } from "./identity.ts";
import {
  configMap,
  configMapPath,
  openPlugin,
  read,
  runEvent,
  write,
  writeKubeconfig,
} from "./k8s_resource.ts";

function upstreamOf({ server, address: { caPem } }: LocalKube): Upstream {
  return { server, caPem };
}

async function uidOf(kube: LocalKube): Promise<string> {
  const { metadata } = await read<{ metadata: { uid: string } }>(
    kube,
    "/api/v1/namespaces/kube-system",
  );
  return metadata.uid;
}

/** An agent of its own control plane, whose API server's address is the test's to lead elsewhere. */
interface Scene extends AsyncDisposable {
  readonly cp: CpProcess;
  readonly agent: AgentProcess;
  readonly proxy: FaultProxy;
  /** Puts another cluster behind the address, with credentials for it. */
  lead(kube: LocalKube): Promise<void>;
  /** Sends an event that applies a ConfigMap of the event's name. */
  send(id: string, namespace: string): Promise<void>;
  /** Waits until an event is as wanted. */
  event(id: string, wanted: (event: EventView) => boolean): Promise<EventView>;
}

async function openScene(
  kube: LocalKube,
  prepare: (proxy: FaultProxy) => void = () => {},
  flags: readonly string[] = [],
): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const proxy = stack.use(await FaultProxy.open(upstreamOf(kube)));
  prepare(proxy);
  const kubeconfig = await Deno.makeTempFile({ suffix: ".kubeconfig" });
  stack.defer(() => Deno.remove(kubeconfig));
  async function lead(to: LocalKube): Promise<void> {
    proxy.lead(upstreamOf(to));
    await writeKubeconfig(kubeconfig, proxy, to.address.adminToken);
  }
  await lead(kube);
  const cp = stack.use(await CpProcess.start());
  const agent = stack.use(
    await AgentProcess.start("edge", {
      cpUrl: cp.agentUrl,
      flags: ["--kubeconfig", kubeconfig, ...flags],
    }),
  );
  await untilConnected(cp.url, "edge");
  const all = stack.move();
  return {
    cp,
    agent,
    proxy,
    lead,
    async send(id, namespace) {
      await submit(cp.url, {
        id,
        type: "k8s_resource",
        target_agent: "edge",
        payload: { manifests: [configMap(namespace, id)] },
      });
    },
    event: (id, wanted) =>
      until(async () => {
        const answer = await fetch(`${cp.url}/v2/events/${id}`);
        const event: EventView = await answer.json();
        return wanted(event) ? event : undefined;
      }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Whether a cluster has the ConfigMap that an event applies. */
async function has(
  kube: LocalKube,
  { name }: FreshNamespace,
  id: string,
): Promise<boolean> {
  const answer = await kube.fetch(configMapPath(name, id));
  await answer.body?.cancel();
  return answer.ok;
}

Deno.test("cluster identity: an agent does not start on another cluster at the same address", async () => {
  await using kube = await testCluster();
  await using other = await ownCluster();
  await using namespace = await freshNamespace(kube);
  await using scene = await openScene(kube);
  const { agent, cp } = scene;
  await scene.send("first", namespace.name);
  await scene.event("first", ({ state }) => state === "completed");
  agent.program.kill("SIGTERM");
  strictEqual((await agent.program.status()).code, 0, agent.program.output);

  await scene.lead(other);
  await scene.send("second", namespace.name);
  agent.restart();
  const { code } = await agent.program.status();
  strictEqual(code, 3, agent.program.output);
  const [here, there] = [await uidOf(kube), await uidOf(other)];
  match(
    agent.program.output,
    new RegExp(
      `Cannot run "k8s_resource" in cluster "${there}" as the journal in this data folder is of cluster "${here}": lead the agent back there, or give it a data folder of its own`,
    ),
  );
  strictEqual(agent.program.output.includes('"Connected"'), false);
  const { state } = await scene.event("second", () => true);
  strictEqual(state, "queued", "it was handed to nobody");

  await scene.lead(kube);
  agent.restart();
  await untilConnected(cp.url, "edge");
  await scene.event("second", (event) => event.state === "completed");
  deepStrictEqual(
    [
      await has(kube, namespace, "second"),
      await has(other, namespace, "second"),
    ],
    [true, false],
  );
});

Deno.test("cluster identity: an agent whose API server is away starts, and executes nothing before it knows the cluster", async () => {
  await using kube = await testCluster();
  await using other = await ownCluster();
  await using namespace = await freshNamespace(kube);
  await write(other, "/api/v1/namespaces", {
    method: "POST",
    type: "application/json",
    body: { metadata: { name: namespace.name } },
  });
  const cut = (proxy: FaultProxy) =>
    proxy.inject({ fault: "cut", times: Infinity });
  await using scene = await openScene(kube, cut);
  const { agent, proxy } = scene;
  await scene.send("first", namespace.name);
  await agent.program.line(/"message":"Event was refused"/);
  deepStrictEqual(
    [...new Set(proxy.seen.map(({ path }) => path))],
    ["/api/v1/namespaces/kube-system"],
  );
  proxy.heal();
  await scene.event("first", ({ state }) => state === "completed");
  await agent.crash();

  cut(proxy);
  await scene.lead(other);
  agent.restart();
  await agent.program.line(/"message":"Connected"/);
  await scene.send("second", namespace.name);
  await agent.program.line(/"message":"Event was refused"/);
  proxy.heal();
  const { code } = await agent.program.status();
  strictEqual(code, 3, agent.program.output);
  match(agent.program.output, /Cannot run "k8s_resource" in cluster "/);
  strictEqual(await has(other, namespace, "second"), false);
});

Deno.test("cluster identity: an agent whose API server is away runs what needs none, however much waits for it", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  const cut = (proxy: FaultProxy) =>
    proxy.inject({ fault: "cut", times: Infinity });
  await using scene = await openScene(kube, cut, [
    ...["--plugin", `${ROOT}examples/custom_executor/mod.ts`],
    ...["--heartbeat-interval", "1s"],
  ]);
  const { cp, proxy } = scene;
  // More than the agent's window.
  const ids = Array.from({ length: 40 }, (_, i) => `e${i}`);
  for (const id of ids) await scene.send(id, namespace.name);
  await submit(cp.url, {
    id: "greet",
    type: "greet",
    target_agent: "edge",
    payload: { name: "Ada" },
  });
  await scene.event("greet", ({ state }) => state === "completed");
  const first = await scene.event("e0", ({ attempt }) => attempt > 0);
  strictEqual(first.state === "completed" || first.state === "failed", false);
  await until(async () => {
    const answer = await fetch(`${cp.url}/v2/agents/edge`);
    const { figures }: AgentView = await answer.json();
    return figures?.types_not_taken?.join() === "k8s_resource" || undefined;
  });
  proxy.heal();
  for (const id of ids) {
    await scene.event(id, ({ state }) => state === "completed");
  }
});

Deno.test("cluster identity: an agent that may not see it says so, and works", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  const { name } = namespace;
  const metadata = { name: "edge", namespace: name };
  await using admin = await openPlugin({ kubeconfig: kube.kubeconfig });
  const given = await runEvent(admin, [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata,
      rules: [{
        apiGroups: [""],
        resources: ["configmaps"],
        verbs: ["get", "create", "patch"],
      }],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "Role",
        name: "edge",
      },
      subjects: [{ kind: "ServiceAccount", name: "edge", namespace: name }],
    },
  ]);
  strictEqual(given.last.state, "completed", given.last.message);
  await using account = await actAs(kube, metadata);
  await using cp = await CpProcess.start();
  await using agent = await AgentProcess.start("edge", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", account.kubeconfig],
  });
  await untilConnected(cp.url, "edge");
  match(
    agent.program.output,
    /"level":"warn".*"message":"Another place of work would not be noticed".*cannot get resource \\"namespaces\\"/,
  );
  await submit(cp.url, {
    id: "e",
    type: "k8s_resource",
    target_agent: "edge",
    payload: { manifests: [configMap(name, "e")] },
  });
  await until(async () => await has(kube, namespace, "e") || undefined);
});
