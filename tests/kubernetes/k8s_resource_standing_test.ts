import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type Clock, type EventStatus, systemClock } from "@transporter/sdk";
import { openExecutor } from "../../plugins/k8s_resource/executor.ts";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { FaultProxy, status } from "../fault_proxy.ts";
import {
  configMap,
  configMapPath,
  openPlace,
  proxied,
  read,
  runEvent,
  write,
} from "./k8s_resource.ts";

const HOUR_MS = 3_600_000;

/** A clock on which nobody waits for an hour: `next` ends such a wait. */
class Hours implements Clock {
  #asleep = Promise.withResolvers<() => void>();
  #passedMs = 0;

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic() + this.#passedMs;
  }

  async sleep(ms: number, options: { signal?: AbortSignal } = {}) {
    if (ms < HOUR_MS / 2) return await systemClock.sleep(ms, options);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    options.signal?.addEventListener("abort", () => {
      reject(options.signal?.reason);
    }, { once: true });
    this.#asleep.resolve(resolve);
    await promise;
  }

  /** Ends the next wait, once somebody waits; `hours` have passed then. */
  async next(hours = 0): Promise<void> {
    const wake = await this.#asleep.promise;
    this.#passedMs += hours * HOUR_MS;
    this.#asleep = Promise.withResolvers();
    wake();
  }

  /** Resolves when somebody waits. */
  async asleep(): Promise<void> {
    await this.#asleep.promise;
  }
}

/** Begins a check every hour of a ConfigMap. */
async function begin(
  config: Readonly<Record<string, unknown>>,
  options: {
    readonly namespace: string;
    readonly minutes?: number;
    readonly heal?: boolean;
    readonly again?: boolean;
    readonly adopt?: "always";
  },
) {
  const { namespace, minutes = 600, heal = false, again = false, adopt } =
    options;
  const clock = new Hours();
  const executor = await openExecutor(config, {
    clock,
    rng: { next: Math.random },
  });
  const stop = new AbortController();
  const said: string[] = [];
  const run = runEvent(executor, [configMap(namespace, "a")], {
    id: "standing",
    payload: { operation: "check", every: "1h", heal, ...(adopt && { adopt }) },
    minutes,
    again,
    signal: stop.signal,
    onStatus({ phase, message }: EventStatus) {
      if (phase === "applying" && message !== "Applying") said.push(message);
    },
  });
  return {
    clock,
    said,
    executor,
    stop: () => stop.abort(),
    run,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await run;
      await executor[Symbol.asyncDispose]();
    },
  };
}

Deno.test("standing checks: a check with every reports only what has changed, until it is cancelled", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  await runEvent(place.executor, [configMap(namespace, "a")]);
  const config = { kubeconfig: kube.kubeconfig, namespace };
  await using standing = await begin(config, { namespace });
  const { clock, said } = standing;
  const path = configMapPath(namespace, "a");
  const where = `ConfigMap "a" in namespace "${namespace}"`;

  await clock.asleep();
  deepStrictEqual(said.splice(0), ["In order: 1 object"]);
  await clock.next();
  await clock.asleep();
  deepStrictEqual(said.splice(0), [], "nothing has changed");

  const patch = (body: unknown) => write(kube, path, { method: "PATCH", body });
  await patch({ data: { a: "c" } });
  await clock.next();
  await clock.asleep();
  deepStrictEqual(said.splice(0), [
    `Not as they should be, 1 of 1 object: ${where} is drifted (.data.a)`,
  ]);
  await patch({ metadata: { labels: { by: "somebody" } } });
  await clock.next();
  await clock.asleep();
  deepStrictEqual(said.splice(0), [], "a label that nobody asked for is none");

  await write(kube, path, { method: "DELETE" });
  await clock.next();
  await clock.asleep();
  deepStrictEqual(said.splice(0), [
    `Not as they should be, 1 of 1 object: ${where} is missing`,
  ]);
  standing.stop();
  const { last } = await standing.run;
  strictEqual(last.state, "cancelled", last.message);
});

Deno.test("standing checks: one ends by itself at its deadline, with what it saw last", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const config = { kubeconfig: kube.kubeconfig, namespace };
  await using standing = await begin(config, { namespace, minutes: 0.05 });
  const { last, objects } = await standing.run;
  strictEqual(last.state, "completed", last.message);
  deepStrictEqual(objects.map(({ status }) => status), ["missing"]);
});

Deno.test("standing checks: an API server that is away is a report, and not the end", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using through = await proxied(proxy, kube, { phase_timeout_ms: 500 });
  await using standing = await begin(through.config, {
    namespace: namespace.name,
  });
  const { clock, said } = standing;
  await clock.asleep();
  match(said.splice(0).join(), /is missing$/);
  proxy.inject({ fault: status(503, "away"), times: 1_000 });
  await clock.next();
  await clock.asleep();
  match(said.splice(0).at(-1) ?? "", /^Cannot check: .*away/);
  proxy.heal();
  await clock.next();
  await clock.asleep();
  match(said.splice(0).join(), /is missing$/);
});

/** The data of the ConfigMap. */
async function dataOf(kube: LocalKube, namespace: string): Promise<unknown> {
  const path = configMapPath(namespace, "a");
  return (await read<{ data?: unknown }>(kube, path)).data;
}

/** What is said of an object about which somebody fights. */
const LEFT = /"a" .* is left, as something has changed it again/;

/** Changes the data of the ConfigMap, as another controller would. */
async function change(kube: LocalKube, path: string, value: string) {
  const body = { data: { a: value } };
  await write(kube, `${path}?fieldManager=other`, { method: "PATCH", body });
}

Deno.test("standing checks: heal sets right what somebody changed or deleted, and stops when that is changed three times in a row", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const config = { kubeconfig: kube.kubeconfig, namespace };
  await using standing = await begin(config, { namespace, heal: true });
  const { clock, said } = standing;
  const path = configMapPath(namespace, "a");
  const where = `ConfigMap "a" in namespace "${namespace}"`;
  const one = "Not as they should be, 1 of 1 object: ";

  await clock.asleep();
  deepStrictEqual(said.splice(0), [
    `${one}${where} was missing and is set right`,
  ]);
  deepStrictEqual(await dataOf(kube, namespace), { a: "b" });
  await clock.next();
  await clock.asleep();
  deepStrictEqual(said.splice(0), ["In order: 1 object"]);

  for (const value of ["1", "2", "3"]) {
    await change(kube, path, value);
    await clock.next();
    await clock.asleep();
  }
  deepStrictEqual(await dataOf(kube, namespace), { a: "3" });
  match(said.at(-1) ?? "", LEFT);
  strictEqual(said.length, 3, said.join());
});

/** Applies a ConfigMap, and begins a check that heals it; it has looked once. */
async function beginToHeal(
  { kube, namespace, executor }: Awaited<ReturnType<typeof openPlace>>,
) {
  await runEvent(executor, [configMap(namespace, "a")]);
  const config = { kubeconfig: kube.kubeconfig, namespace };
  const standing = await begin(config, { namespace, heal: true });
  await standing.clock.asleep();
  return standing;
}

Deno.test("standing checks: heal counts what it set right although the answer was lost", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using through = await proxied(proxy, kube, { namespace });
  await runEvent(executor, [configMap(namespace, "a")]);
  await using standing = await begin(through.config, { namespace, heal: true });
  const { clock, said } = standing;
  await clock.asleep();
  said.length = 0;
  for (const value of ["1", "2", "3", "4"]) {
    proxy.heal();
    proxy.inject({
      method: "PATCH",
      path: /^(?!.*dryRun)/,
      fault: "cut_after",
    });
    await change(kube, configMapPath(namespace, "a"), value);
    await clock.next();
    await clock.asleep();
    if (value === "4") break;
    match(said.at(-1) ?? "", /"a" .* was drifted and may be set right by now:/);
    deepStrictEqual(await dataOf(kube, namespace), { a: "b" });
  }
  match(said.at(-1) ?? "", LEFT);
  deepStrictEqual(await dataOf(kube, namespace), { a: "4" });
});

Deno.test("standing checks: heal stops to fight a controller that is slower than the checks", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  await using standing = await beginToHeal(place);
  const { clock, said } = standing;
  const path = configMapPath(namespace, "a");
  const look = async () => {
    await clock.next(1);
    await clock.asleep();
    return said.splice(0).join();
  };
  said.length = 0;

  for (const value of ["1", "2", "3"]) {
    await change(kube, path, value);
    match(await look(), /was drifted and is set right/);
    match(await look(), /^In order/);
    strictEqual(await look(), "");
  }
  await change(kube, path, "4");
  match(await look(), LEFT);
  for (let hours = 0; hours < 24; hours++) strictEqual(await look(), "");
  deepStrictEqual(await dataOf(kube, namespace), { a: "4" });

  await change(kube, path, "b");
  match(await look(), /^In order/);
  await change(kube, path, "5");
  match(await look(), /was drifted and is set right/, "the fight is long over");
});

Deno.test("standing checks: heal goes on for weeks where it has to now and then", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  await using standing = await beginToHeal(place);
  const { clock, said } = standing;
  const path = configMapPath(namespace, "a");
  for (let day = 0; day < 6; day++) {
    await change(kube, path, String(day));
    said.length = 0;
    await clock.next(11);
    await clock.asleep();
    match(said.splice(0).join(), /was drifted and is set right/);
    await clock.next(1);
    await clock.asleep();
  }
});

Deno.test("standing checks: heal sets right what has the mark of another tool with adopt always only", async () => {
  await using place = await openPlace();
  const { kube, namespace, executor } = place;
  const path = configMapPath(namespace, "a");
  const labels = { "kustomize.toolkit.fluxcd.io/name": "web" };
  await runEvent(executor, [configMap(namespace, "a")]);
  const body = { metadata: { labels }, data: { a: "1" } };
  await write(kube, `${path}?fieldManager=flux`, { method: "PATCH", body });
  const config = { kubeconfig: kube.kubeconfig, namespace };
  {
    await using standing = await begin(config, { namespace, heal: true });
    await standing.clock.asleep();
    match(
      standing.said.join(),
      /cannot be set right: .* the Flux Kustomization "web" looks after it; .* set "adopt" to "always"/,
    );
  }
  deepStrictEqual(await dataOf(kube, namespace), { a: "1" });
  const adopt = "always";
  await using standing = await begin(config, { namespace, heal: true, adopt });
  await standing.clock.asleep();
  match(standing.said.join(), /was drifted and is set right/);
  deepStrictEqual(await dataOf(kube, namespace), { a: "b" });
  await standing.clock.next();
  await standing.clock.asleep();
  match(standing.said.at(-1) ?? "", /^In order/, "though the mark is there");
});

Deno.test("standing checks: heal overwrites nothing that it has not seen", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  const { name } = namespace;
  await using proxy = await FaultProxy.open({
    server: kube.server,
    caPem: kube.address.caPem,
  });
  await using through = await proxied(proxy, kube, {});
  await using standing = await begin(through.config, {
    namespace: name,
    heal: true,
  });
  const { clock, said } = standing;
  const change = (value: string) =>
    write(kube, configMapPath(name, "a"), {
      method: "PATCH",
      body: { data: { a: value } },
    });
  await clock.asleep();
  await change("seen");
  said.length = 0;
  let isUnseen = true;
  proxy.onRequest = async ({ method, path }) => {
    if (method === "PATCH" && !path.includes("dryRun") && isUnseen) {
      isUnseen = false;
      await change("unseen");
    }
    return undefined;
  };
  await clock.next();
  await clock.asleep();
  deepStrictEqual(await dataOf(kube, name), { a: "unseen" });
  match(said.join(), /is drifted and cannot be set right: .*modified/);
  await clock.next();
  await clock.asleep();
  deepStrictEqual(await dataOf(kube, name), { a: "b" });
});

Deno.test("standing checks: heal leaves what another event has changed since", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  const config = { kubeconfig: kube.kubeconfig, namespace };
  await using standing = await begin(config, { namespace, heal: true });
  const { clock, said, executor } = standing;
  await clock.asleep();
  const newer = [configMap(namespace, "a", "a: newer")];
  await runEvent(executor, newer, { id: "newer" });
  said.length = 0;
  await clock.next();
  await clock.asleep();
  deepStrictEqual(await dataOf(kube, namespace), { a: "newer" });
  match(said.join(), /is left, as the event "newer" has changed it since/);
});

Deno.test("standing checks: heal leaves what differs when the agent was started again, until it is in order once", async () => {
  await using place = await openPlace();
  const { kube, namespace } = place;
  await runEvent(place.executor, [configMap(namespace, "a", "a: newer")]);
  const config = { kubeconfig: kube.kubeconfig, namespace };
  const again = { namespace, heal: true, again: true };
  await using standing = await begin(config, again);
  const { clock, said } = standing;
  await clock.asleep();
  deepStrictEqual(await dataOf(kube, namespace), { a: "newer" });
  match(
    said.splice(0).join(),
    /is left, as it may have been changed on purpose/,
  );

  for (const value of ["b", "c"]) {
    const body = { data: { a: value } };
    await write(kube, configMapPath(namespace, "a"), { method: "PATCH", body });
    await clock.next();
    await clock.asleep();
  }
  deepStrictEqual(await dataOf(kube, namespace), { a: "b" });
});
