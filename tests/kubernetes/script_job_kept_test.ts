/** What of the Jobs of scripts is removed, and what never is, against an API server without nodes. */
import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { silentLogger, TransporterError } from "@transporter/sdk";
import type { LocalKube } from "../../deploy/localkube/mod.ts";
import { ANNOTATIONS, jobName } from "../../plugins/script/job/objects.ts";
import { Bench } from "../../plugins/script/testing/bench.ts";
import { FaultProxy } from "../fault_proxy.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { proxied } from "./k8s_resource.ts";

const IMAGE = "docker.io/local/busybox:1";

function open(namespace: string, cluster: object): Promise<Bench> {
  return Bench.open({
    runners: ["job"],
    job: { network_policy: "ignore", cluster, namespace, images: [IMAGE] },
  });
}

/** The names of the Jobs that are there, and whether none has begun. */
async function left(kube: LocalKube, namespace: string): Promise<string[]> {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const { items }: {
    items: { metadata: { name: string }; spec: { suspend?: boolean } }[];
  } = await (await kube.fetch(path)).json();
  ok(items.every(({ spec: { suspend } }) => suspend));
  return items.map(({ metadata: { name } }) => name).sort();
}

/** Puts a Job there that goes by the name of an event's, and says which it is of. */
async function putJob(
  kube: LocalKube,
  namespace: string,
  { id, of }: { readonly id: string; readonly of?: string },
): Promise<string> {
  const name = jobName({ id, attempt: 1 });
  const annotations = of === undefined ? {} : { [ANNOTATIONS.event]: of };
  const container = { name: "script", image: IMAGE };
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const answer = await kube.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      metadata: { name, annotations },
      spec: {
        suspend: true,
        template: { spec: { restartPolicy: "Never", containers: [container] } },
      },
    }),
  });
  ok(answer.ok, await answer.text());
  return name;
}

/** Tells an executor that the end of an attempt is acknowledged. */
async function acknowledge(
  { executor }: Bench,
  { id, attempt = 1, signal = new AbortController().signal }: {
    readonly id: string;
    readonly attempt?: number;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const which = { idempotencyKey: id, attempt };
  await executor.acknowledged?.({ ...which, signal, log: silentLogger });
}

/** A bench whose API server can be cut off, and the server itself. */
async function behindProxy() {
  await using opening = new AsyncDisposableStack();
  const kube = opening.use(await testCluster());
  const namespace = opening.use(await freshNamespace(kube));
  const { server, address: { caPem } } = kube;
  const proxy = opening.use(await FaultProxy.open({ server, caPem }));
  const through = opening.use(await proxied(proxy, kube));
  const bench = opening.use(await open(namespace.name, through.config));
  const opened = opening.move();
  return {
    kube,
    namespace,
    proxy,
    bench,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

Deno.test("script as a Job: what is acknowledged goes, of the attempts before it too, and nothing that is another's", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  await using bench = await open(namespace.name, {
    kubeconfig: kube.kubeconfig,
  });
  await putJob(kube, namespace.name, { id: "mine", of: "mine" });
  const others = [
    await putJob(kube, namespace.name, { id: "nobody's" }),
    await putJob(kube, namespace.name, { id: "another's", of: "mine" }),
  ].sort();
  await acknowledge(bench, { id: "mine", attempt: 3 }); // of which the first is left
  await acknowledge(bench, { id: "mine", attempt: 3 });
  await acknowledge(bench, { id: "nobody's" });
  await acknowledge(bench, { id: "another's" });
  deepStrictEqual(await left(kube, namespace.name), others);
});

Deno.test("script as a Job: one that stands in its way is neither begun nor removed", async () => {
  await using kube = await testCluster();
  await using namespace = await freshNamespace(kube);
  await using bench = await open(namespace.name, {
    kubeconfig: kube.kubeconfig,
  });
  const name = await putJob(kube, namespace.name, { id: "mine" });
  const { last } = await bench.run("date", { id: "mine" });
  deepStrictEqual(last.error, {
    code: "conflict",
    message:
      `Cannot run the script as a Job as "${name}" is there already, and not of this event`,
  });
  deepStrictEqual(await left(kube, namespace.name), [name]);
});

Deno.test("script as a Job: one that took the place of the one that was looked at is not removed", async () => {
  await using place = await behindProxy();
  const { kube, namespace, proxy, bench } = place;
  const name = await putJob(kube, namespace.name, { id: "mine", of: "mine" });
  // The server is away until that one is gone, and another has its name.
  const { promise: tried, resolve } = Promise.withResolvers<void>();
  let isAway = true;
  proxy.onRequest = ({ method }) => {
    if (method !== "DELETE" || !isAway) return undefined;
    resolve();
    return "cut";
  };
  const acknowledged = acknowledge(bench, { id: "mine" });
  acknowledged.catch(() => {});
  await tried;
  const path = `/apis/batch/v1/namespaces/${namespace.name}/jobs/${name}`;
  const query = "propagationPolicy=Background";
  const gone = await kube.fetch(`${path}?${query}`, { method: "DELETE" });
  ok(gone.ok, await gone.text());
  await putJob(kube, namespace.name, { id: "mine", of: "mine" });
  isAway = false;
  await rejects(acknowledged, /Cannot tidy up after the script: .*UID/i);
  deepStrictEqual(await left(kube, namespace.name), [name]);
});

Deno.test("script as a Job: one that cannot be removed as the API server is away is left to the cluster", async () => {
  await using place = await behindProxy();
  const { kube, namespace, proxy, bench } = place;
  const name = await putJob(kube, namespace.name, { id: "mine", of: "mine" });
  const stop = new AbortController();
  let tries = 0;
  proxy.onRequest = () => {
    if (++tries === 3) stop.abort(new TransporterError("timeout", "Too long"));
    return "cut";
  };
  const { signal } = stop;
  await rejects(acknowledge(bench, { id: "mine", signal }), /Too long/);
  deepStrictEqual(await left(kube, namespace.name), [name]);
});
