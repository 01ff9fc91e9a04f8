/** A server that is slow, and neither silent nor gone. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { executorBehindProxy } from "./behind_proxy.ts";
import {
  changes,
  configMap,
  deployment,
  runEvent,
  write,
} from "./k8s_resource.ts";

/** As fast as it goes, a byte at a time. */
const TRICKLE = { slow: () => Promise.resolve() };

/** Some bytes, and then for as long as somebody listens none. */
function stuckAfter(bytes: number, told: () => void = () => {}) {
  return {
    slow(sent: number) {
      if (sent < bytes) return Promise.resolve();
      told();
      return new Promise<void>(() => {});
    },
  };
}

Deno.test("k8s.slow: answers that come byte by byte are read to their ends, those of a watch too, and asked for once", async () => {
  await using place = await executorBehindProxy();
  const { kube, namespace, proxy, executor } = place;
  const path = new RegExp(`/namespaces/${namespace}/(configmaps|deployments)`);
  proxy.inject({ path, times: 1_000, fault: TRICKLE });
  let begun = false;
  const run = await runEvent(executor, [
    configMap(namespace, "a"),
    deployment(namespace, "web"),
  ], {
    minutes: 5,
    async onStatus({ message }) {
      if (begun || !message.startsWith("Waiting for Deployment")) return;
      begun = true;
      await write(
        kube,
        `/apis/apps/v1/namespaces/${namespace}/deployments/web/status`,
        {
          method: "PATCH",
          body: {
            status: {
              observedGeneration: 1,
              replicas: 1,
              updatedReplicas: 1,
              readyReplicas: 1,
              availableReplicas: 1,
            },
          },
        },
      );
    },
  });
  strictEqual(run.last.state, "completed", run.last.message);
  deepStrictEqual(changes(run), [
    "ConfigMap/a: created",
    "Deployment/web: created",
  ]);
  const patches = proxy.seen.filter(({ method }) => method === "PATCH");
  strictEqual(patches.length, 2, "nothing was sent again");
});

Deno.test("k8s.slow: an answer that takes longer than a request may is given up, and asked for again", async () => {
  await using place = await executorBehindProxy({ request_timeout_ms: 1_000 });
  const { namespace, proxy, executor } = place;
  await runEvent(executor, [configMap(namespace, "first")]);
  proxy.inject({ method: "PATCH", fault: stuckAfter(10) });
  const run = await runEvent(executor, [configMap(namespace, "a")]);
  deepStrictEqual(changes(run), ["ConfigMap/a: created"], run.last.message);
  match(
    run.statuses.map(({ message }) => message).join("\n"),
    /no answer came in 1000 ms/,
  );
});

Deno.test("k8s.slow: an event can be cancelled while its answer comes, or is waited for", async () => {
  await using place = await executorBehindProxy();
  const { namespace, proxy, executor } = place;
  await runEvent(executor, [configMap(namespace, "first")]);
  for (const bytes of [0, 10]) {
    const stop = new AbortController();
    const fault = stuckAfter(bytes, () => stop.abort());
    proxy.inject({ method: "PATCH", fault });
    const run = await runEvent(executor, [configMap(namespace, `a${bytes}`)], {
      signal: stop.signal,
    });
    strictEqual(run.last.state, "cancelled", run.last.message);
    deepStrictEqual(changes(run), [`ConfigMap/a${bytes}: unknown`]);
  }
});
