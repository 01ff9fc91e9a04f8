/** Events of Kubernetes that say who has changed an object: README.md, "Apply". */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  type Executor,
  jsonLogger,
  silentLogger,
  systemClock,
  systemRng,
} from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { memberObject } from "../../plugins/k8s_resource/apply_set_record.ts";
import { openCluster } from "../../plugins/k8s_resource/cluster.ts";
import { optionsOf } from "../../plugins/k8s_resource/event_options.ts";
import { Recorder } from "../../plugins/k8s_resource/recorder.ts";
import { resultOf } from "../../plugins/k8s_resource/result.ts";
import { FaultProxy } from "../fault_proxy.ts";
import { AgentProcess, CpProcess, untilConnected } from "../system.ts";
import {
  changes,
  configMap,
  configMapPath,
  grant,
  openPlace,
  openPlugin,
  proxied,
  read,
  runEvent,
  until,
  write,
} from "./k8s_resource.ts";

/** An Event, as far as it is looked at. */
interface Told {
  readonly metadata: {
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly reason: string;
  readonly action: string;
  readonly type: string;
  readonly note: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly regarding: {
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
  };
}

/** The Events about our work in a namespace. */
async function told(kube: LocalKube, namespace: string): Promise<Told[]> {
  const { items } = await read<{ items: Told[] }>(
    kube,
    `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
  );
  return items.filter(({ reportingController }) =>
    reportingController === "transporter/agent"
  );
}

/** `Reason Kind/name` of each, in the order of the alphabet. */
function summary(events: readonly Told[]): string[] {
  return events.map(({ reason, regarding: { kind, name } }) =>
    `${reason} ${kind}/${name}`
  ).sort();
}

/** Ends an executor, which writes what waits, and reads the Events then. */
async function afterwards(
  executor: Executor,
  { kube, namespace }: { readonly kube: LocalKube; readonly namespace: string },
): Promise<Told[]> {
  await executor[Symbol.asyncDispose]();
  return await told(kube, namespace);
}

Deno.test("kube events: say which event created, configured, replaced and deleted an object, from which manifest", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const executor = await openPlugin({
    kubeconfig: kube.kubeconfig,
    agent_id: "edge-7",
  });
  const manifest = configMap(namespace, "a");
  const created = await runEvent(executor, [manifest], { id: "e-1" });
  await runEvent(executor, [manifest], { id: "e-unchanged" });
  await runEvent(executor, [configMap(namespace, "b")], {
    id: "e-dry",
    payload: { dry_run: true },
  });
  const changed = configMap(namespace, "a", "a: c\nimmutable: true");
  await runEvent(executor, [changed], { id: "e-2" });
  const sealed = configMap(namespace, "a", "a: d\nimmutable: true");
  await runEvent(executor, [sealed], {
    id: "e-3",
    payload: { replace_immutable: true },
  });
  await runEvent(executor, [sealed], {
    id: "e-4",
    payload: { operation: "delete" },
  });
  const events = await afterwards(executor, place);
  const find = (id: string) => {
    const found = events.filter(({ metadata }) =>
      metadata.annotations["transporter/event-id"] === id
    );
    strictEqual(found.length, 1, `${id}: ${JSON.stringify(summary(events))}`);
    return found[0] as Told;
  };
  deepStrictEqual(summary(events), [
    "Configured ConfigMap/a",
    "Created ConfigMap/a",
    "Deleted ConfigMap/a",
    "Replaced ConfigMap/a",
  ]);
  const digest = `sha256:${
    createHash("sha256").update(manifest).digest("hex")
  }`;
  const { metadata, ...first } = find("e-1");
  strictEqual(metadata.annotations["transporter/digest"], digest);
  strictEqual(first.action, "Apply");
  strictEqual(first.type, "Normal");
  strictEqual(first.reportingInstance, "edge-7");
  strictEqual(first.regarding.uid, created.objects[0]?.uid);
  strictEqual(
    first.note,
    `Created by the Transporter event "e-1" at the agent "edge-7", from the manifest ${digest}`,
  );
  match(find("e-2").note, /^Configured .* \(\.data\.a, \.immutable\)$/);
  strictEqual(find("e-3").action, "Replace");
  strictEqual(
    find("e-4").note,
    'Deleted by the Transporter event "e-4" at the agent "edge-7"',
  );
});

Deno.test("kube events: say what was patched, and pruned", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const executor = await openPlugin({ kubeconfig: kube.kubeconfig, namespace });
  const both = [configMap(namespace, "a"), configMap(namespace, "b")];
  const payload = { apply_set: "team" };
  await runEvent(executor, both, { payload });
  await runEvent(executor, both.slice(0, 1), { payload });
  await runEvent(executor, both.slice(0, 1), {
    payload: { operation: "patch", patch: { data: { a: "z" } } },
  });
  const events = await afterwards(executor, place);
  deepStrictEqual(
    events.map(({ action, reason, regarding }) =>
      `${action} ${reason} ${regarding.name}`
    ).sort(),
    [
      "Apply Created a",
      "Apply Created b",
      "Patch Configured a",
      "Prune Pruned b",
    ],
  );
});

Deno.test("kube events: say what a standing check has set right", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const executor = await openPlugin({ kubeconfig: kube.kubeconfig, namespace });
  const manifests = [configMap(namespace, "a")];
  await runEvent(executor, manifests);
  await write(kube, configMapPath(namespace, "a"), {
    method: "PATCH",
    body: { data: { a: "drifted" } },
  });
  await runEvent(executor, manifests, {
    payload: { operation: "check", every: "1h", heal: true },
    minutes: 0.05,
  });
  const events = await afterwards(executor, place);
  deepStrictEqual(summary(events), [
    "Created ConfigMap/a",
    "Healed ConfigMap/a",
  ]);
});

Deno.test("kube events: about objects of the whole cluster are in the namespace default, whatever those are called", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const executor = await openPlugin({ kubeconfig: kube.kubeconfig });
  const name = `${namespace}:reader`;
  const role =
    `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: "${name}"}}`;
  await runEvent(executor, [role]);
  await runEvent(executor, [role], { payload: { operation: "delete" } });
  const events = await afterwards(executor, { kube, namespace: "default" });
  deepStrictEqual(
    summary(events.filter(({ regarding }) => regarding.name === name)),
    [`Created ClusterRole/${name}`, `Deleted ClusterRole/${name}`],
  );
});

Deno.test("kube events: do not name the keys of a Secret", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const executor = await openPlugin({ kubeconfig: kube.kubeconfig, namespace });
  const secret = (data: string) =>
    `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: ${data}}`;
  await runEvent(executor, [secret("{a: b}")]);
  const changed = await runEvent(executor, [secret("{hush: b}")]);
  match(String(changed.objects[0]?.changed_fields), /hush/);
  const events = await afterwards(executor, place);
  deepStrictEqual(summary(events), ["Configured Secret/s", "Created Secret/s"]);
  ok(events.every(({ note }) => !note.includes("hush")));
});

Deno.test("kube events: are not written where the configuration says so", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const executor = await openPlugin({
    kubeconfig: kube.kubeconfig,
    kube_events: false,
  });
  await runEvent(executor, [configMap(namespace, "a")]);
  deepStrictEqual(await afterwards(executor, place), []);
});

Deno.test("kube events: where they are forbidden nothing fails, one line says so, and it is not tried again", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using access = await proxied(proxy, kube, { kube_events: true });
  const lines: string[] = [];
  const log = jsonLogger({
    write: (line) => lines.push(line),
    clock: systemClock,
    level: "warn",
  });
  const executor = await openPlugin(access.config, log);
  await place.executor[Symbol.asyncDispose]();
  await grant(place, { kind: "ServiceAccount", name: "maps", namespace }, {
    apiGroups: [""],
    resources: ["configmaps"],
    verbs: ["get", "create", "patch"],
  });
  const payload = { as: { service_account: `${namespace}/maps` } };
  const tries = () =>
    proxy.seen.filter(({ path }) => path.endsWith("/events")).length;
  for (const name of ["a", "b", "c"]) {
    const run = await runEvent(executor, [configMap(namespace, name)], {
      payload,
    });
    deepStrictEqual(changes(run), [`ConfigMap/${name}: created`]);
    deepStrictEqual(run.warnings, []);
    await until(() => Promise.resolve(tries() === 1 && lines.length === 1));
  }
  // Others may, in the same place.
  await runEvent(executor, [configMap(namespace, "d")]);
  const events = await afterwards(executor, place);
  deepStrictEqual(summary(events), ["Created ConfigMap/d"]);
  strictEqual(tries(), 2);
  strictEqual(lines.length, 1);
  match(lines[0] ?? "", /"Kubernetes Events cannot be written.*"minutes":10/);
  match(lines[0] ?? "", /cannot create resource \\"events\\"/);
});

Deno.test("kube events: an API server that does not answer them holds up neither an event nor the agent's end", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  proxy.inject({ fault: "hang", path: /\/events$/, times: 9 });
  await using access = await proxied(proxy, kube, { kube_events: true });
  await using executor = await openPlugin(access.config);
  for (const name of ["a", "b"]) {
    const run = await runEvent(executor, [configMap(namespace, name)]);
    strictEqual(run.last.state, "completed");
  }
  deepStrictEqual(await afterwards(executor, place), []);
});

Deno.test("kube events: come at no more than a small rate, and one line says how many were dropped", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const clock = new TestClock();
  const lines: string[] = [];
  using cluster = await openCluster(
    { kubeconfig: kube.kubeconfig },
    { clock, rng: systemRng },
  );
  const recorder = new Recorder({
    clock,
    agent: undefined,
    log: {
      ...silentLogger,
      info: (message, fields) =>
        lines.push(`${message} ${JSON.stringify(fields)}`),
    },
  });
  const total = 600;
  for (let i = 0; i < total; i++) {
    const name = `m-${i}`;
    const object = memberObject(
      { group: "", version: "v1", kind: "ConfigMap", namespace, name },
      configMapPath(namespace, name),
    );
    const result = resultOf(object, "created", "");
    recorder.note({
      object,
      result,
      context: { idempotencyKey: "e" },
      options: optionsOf({}),
    }, cluster.client);
  }
  const count = async () => (await told(kube, namespace)).length;
  await until(async () => await count() === 25 && clock.sleeping === 1);
  await clock.advance(99);
  strictEqual(await count(), 25);
  await clock.advance(1);
  await until(async () => await count() === 26 && clock.sleeping === 1);
  const closed = recorder[Symbol.asyncDispose]();
  await clock.advance(0);
  await until(async () => {
    await clock.advance(0);
    return await count() === 501; // 500 have waited, and one was on its way
  });
  await closed;
  deepStrictEqual(lines, ['Kubernetes Events were dropped {"count":99}']);
});

Deno.test("kube events: an agent's name itself, unless --no-kube-events says otherwise", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  await using cp = await CpProcess.start();
  const flags = ["--kubeconfig", kube.kubeconfig];
  await using _loud = await AgentProcess.start("edge-7", {
    cpUrl: cp.agentUrl,
    flags,
  });
  await using quiet = await AgentProcess.start("edge-8", {
    cpUrl: cp.agentUrl,
    flags: [...flags, "--no-kube-events"],
  });
  for (const [agent, name] of [["edge-8", "quiet"], ["edge-7", "loud"]]) {
    await untilConnected(cp.url, agent as string);
    const response = await fetch(`${cp.url}/v2/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        type: "k8s_resource",
        target_agent: agent,
        payload: { manifests: [configMap(namespace, name as string)] },
      }),
    });
    strictEqual(response.status, 202, await response.text());
  }
  await until(async () => (await told(kube, namespace)).length > 0);
  await until(async () => {
    const answer = await kube.fetch(configMapPath(namespace, "quiet"));
    await answer.body?.cancel();
    return answer.ok;
  });
  quiet.program.kill("SIGTERM"); // what waits is written at its end
  await quiet.program.status();
  const events = await told(kube, namespace);
  deepStrictEqual(summary(events), ["Created ConfigMap/loud"]);
  strictEqual(events[0]?.reportingInstance, "edge-7");
});
