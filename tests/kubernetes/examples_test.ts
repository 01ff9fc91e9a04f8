import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { Program } from "../program.ts";
import { AgentProcess, CpProcess, until, untilConnected } from "../system.ts";
import { CONTROLLERS, testCluster } from "./cluster.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url).pathname;

/** A control plane and the agent that the examples name. */
async function system(kube: LocalKube) {
  const stack = new AsyncDisposableStack();
  const cp = stack.use(await CpProcess.start());
  stack.use(
    await AgentProcess.start("demo", {
      cpUrl: cp.agentUrl,
      flags: ["--kubeconfig", kube.kubeconfig],
    }),
  );
  await untilConnected(cp.url, "demo");
  return { cp, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Runs a command to its end; returns what it printed last. */
async function lastLine(program: Program): Promise<string> {
  await using running = program;
  const { code } = await running.status();
  strictEqual(code, 0, running.output);
  return running.output.trimEnd().split("\n").at(-1) ?? "";
}

function transporter(url: string, ...args: string[]): Promise<string> {
  return lastLine(Program.start([...args, "--cp-url", url]));
}

async function get(
  kube: LocalKube,
  path: string,
): Promise<{ status: number; text: string }> {
  const answer = await kube.fetch(path);
  return { status: answer.status, text: await answer.text() };
}

async function remove(kube: LocalKube, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    const answer = await kube.fetch(path, { method: "DELETE" });
    await answer.body?.cancel();
  }
}

Deno.test("examples/namespace.yaml is in the cluster after send k8s --wait", async () => {
  await using kube = await testCluster();
  await using running = await system(kube);
  const { url } = running.cp;
  await transporter(
    url,
    "send",
    "k8s",
    "-f",
    `${EXAMPLES}namespace.yaml`,
    "--agent",
    "demo",
    "--wait",
  );
  const { status } = await get(kube, "/api/v1/namespaces/transporter-test");
  strictEqual(status, 200);
  await remove(kube, "/api/v1/namespaces/transporter-test");
});

Deno.test("examples/demo.yaml is applied in an order that works", async () => {
  await using kube = await testCluster();
  await using running = await system(kube);
  const { url } = running.cp;
  await transporter(
    url,
    "send",
    "k8s",
    "-f",
    `${EXAMPLES}demo.yaml`,
    "--agent",
    "demo",
    "--wait",
  );
  const greeting = await get(
    kube,
    "/apis/greetings.example.com/v1/namespaces/transporter-demo/greetings/hello",
  );
  strictEqual(greeting.status, 200);
  const settings = await get(
    kube,
    "/api/v1/namespaces/transporter-demo/configmaps/settings",
  );
  const { data } = JSON.parse(settings.text);
  deepStrictEqual(data, {
    mode: "0644",
    motd: 'A text with "---" in it is\n---\nstill one text.\n',
  });
  await remove(
    kube,
    "/api/v1/namespaces/transporter-demo",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/greetings.greetings.example.com",
  );
});

Deno.test("examples/event.yaml is sent as it is", async () => {
  await using kube = await testCluster();
  await using running = await system(kube);
  await transporter(
    running.cp.url,
    "send",
    "event",
    "-f",
    `${EXAMPLES}event.yaml`,
    "--wait",
  );
  const { status } = await get(kube, "/api/v1/namespaces/sample");
  strictEqual(status, 200);
  await remove(kube, "/api/v1/namespaces/sample");
});

Deno.test("examples/submit_http.ts prints its promised last line", async () => {
  await using kube = await testCluster();
  await using running = await system(kube);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-net",
      `${EXAMPLES}submit_http.ts`,
      running.cp.url,
      "demo",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  match(
    await lastLine(new Program(child)),
    /^completed: Namespace\/ts-\S+ created$/,
  );
});

Deno.test("examples/submit_http.sh prints its promised last line", async () => {
  await using kube = await testCluster();
  await using running = await system(kube);
  const child = new Deno.Command(`${EXAMPLES}submit_http.sh`, {
    args: [running.cp.url, "demo"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  strictEqual(await lastLine(new Program(child)), "completed");
});

/** Writes the status of every pod of the example as a kubelet would whose containers run. */
async function playKubelet(kube: LocalKube, namespace: string): Promise<void> {
  const { text } = await get(
    kube,
    `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3Dweb`,
  );
  const { items }: {
    items: { metadata: { name: string }; status?: { phase?: string } }[];
  } = JSON
    .parse(text);
  for (const { metadata, status } of items) {
    if (status?.phase === "Running") continue;
    const now = new Date().toISOString();
    const conditions = [
      "PodScheduled",
      "Initialized",
      "ContainersReady",
      "Ready",
    ].map((type) => ({
      type,
      status: "True",
      lastTransitionTime: now,
    }));
    const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`;
    const answer = await kube.fetch(path, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ status: { phase: "Running", conditions } }),
    });
    await answer.body?.cancel();
  }
}

Deno.test(
  "examples/nginx.yaml completes when its pods are ready, not before",
  CONTROLLERS,
  async () => {
    await using kube = await testCluster();
    await using running = await system(kube);
    const sending = Program.start([
      "send",
      "k8s",
      "-f",
      `${EXAMPLES}nginx.yaml`,
      "--agent",
      "demo",
      "--wait",
      "--cp-url",
      running.cp.url,
    ]);
    await using _sending = sending;
    // It says what it waits for while no pod is ready.
    await sending.line(/waiting +Deployment default\/web: /);
    const done = sending.status();
    const ended = done.then(() => true);
    await until(async () => {
      await playKubelet(kube, "default");
      return await Promise.race([ended, Promise.resolve(undefined)]);
    });
    strictEqual((await done).code, 0, sending.output);
    await remove(
      kube,
      "/apis/apps/v1/namespaces/default/deployments/web?propagationPolicy=Background",
      "/api/v1/namespaces/default/services/web",
    );
  },
);
