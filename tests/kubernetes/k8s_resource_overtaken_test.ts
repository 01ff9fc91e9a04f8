import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import type { EventView } from "@transporter/sdk";
import {
  AgentProcess,
  CpProcess,
  submit,
  until as untilTrue,
  untilConnected,
} from "../system.ts";
import { freshNamespace, testCluster } from "./cluster.ts";
import { changes, openPlace, type Run, runEvent } from "./k8s_resource.ts";

/** A Service that waits for an address, which nobody gives it. */
function service(port: number): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer, ports: [{port: ${port}}]}\n`;
}

/**
 * Runs an event, and another one for the same object while the first waits,
 * as an agent lets them; cancels the first if it still waits.
 */
async function overtake(
  second: string,
  payload: Readonly<Record<string, unknown>>,
): Promise<{ readonly first: Run; readonly second: Run }> {
  await using place = await openPlace();
  const { executor } = place;
  const stop = new AbortController();
  const waiting = Promise.withResolvers<void>();
  const running = runEvent(executor, [service(80)], {
    id: "first",
    signal: stop.signal,
    onStatus({ phase, message }) {
      if (phase === "verifying" && message.startsWith("Waiting")) {
        waiting.resolve();
      }
    },
  });
  await waiting.promise;
  const later = await runEvent(executor, [second], { id: "second", payload });
  stop.abort();
  return { first: await running, second: later };
}

Deno.test("an event whose object a later one changes stops waiting for it, and says which", async () => {
  const { first, second } = await overtake(service(81), { wait: "applied" });
  deepStrictEqual(changes(second), ["Service/web: configured"]);
  strictEqual(first.last.state, "failed");
  strictEqual(first.last.error?.code, "conflict");
  match(
    first.last.message,
    /^Cannot get Service "web" .* ready: the event "second" has changed it since$/,
  );
  deepStrictEqual(changes(first), ["Service/web: created"]);
});

Deno.test("an event whose object a later one deletes stops waiting for it", async () => {
  const { first } = await overtake(service(80), { operation: "delete" });
  strictEqual(first.last.state, "failed");
  match(first.last.message, /(it is gone|"second" has changed it since)$/);
});

/** Later events after which an object is as ready as it was. */
const HARMLESS: Readonly<
  Record<string, readonly [string, Readonly<Record<string, unknown>>]>
> = {
  "nothing": [service(80), { wait: "applied" }],
  "nothing, as it is a dry run": [service(81), { dry_run: true }],
};

for (const [name, [second, payload]] of Object.entries(HARMLESS)) {
  Deno.test(`an event goes on waiting when a later one changes ${name}`, async () => {
    const runs = await overtake(second, payload);
    strictEqual(
      runs.second.last.state,
      "completed",
      runs.second.last.message,
    );
    strictEqual(runs.first.last.state, "cancelled", runs.first.last.message);
  });
}

Deno.test("an event that was overtaken before it began to wait stops at once", async () => {
  await using place = await openPlace();
  const { executor } = place;
  let overtaken = false;
  const run = await runEvent(executor, [service(80)], {
    id: "first",
    async onStatus({ phase }) {
      if (phase !== "verifying" || overtaken) return;
      overtaken = true;
      await runEvent(executor, [service(81)], {
        id: "second",
        payload: { wait: "applied" },
      });
    },
  });
  strictEqual(run.last.error?.code, "conflict", run.last.message);
});

/** An event for the agent of this test. */
function eventOf(
  id: string,
  namespace: string,
  payload: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const port = id.startsWith("a") ? 80 : 81;
  return {
    id,
    type: "k8s_resource",
    target_agent: "edge",
    payload: { manifests: [service(port)], namespace, ...payload },
  };
}

Deno.test("waiting holds no concurrency key: an agent runs the event that repairs what another one waits for", async () => {
  await using kube = await testCluster();
  await using fresh = await freshNamespace(kube);
  await using cp = await CpProcess.start();
  await using _agent = await AgentProcess.start("edge", {
    cpUrl: cp.agentUrl,
    flags: ["--kubeconfig", kube.kubeconfig],
  });
  await untilConnected(cp.url, "edge");
  const { name } = fresh;
  const view = async (id: string): Promise<EventView> =>
    await (await fetch(`${cp.url}/v2/events/${id}`)).json();
  const [first, second] = [`a-${name}`, `b-${name}`];
  await submit(cp.url, eventOf(first, name, {}));
  await untilTrue(async () =>
    /^Waiting for Service/.test((await view(first)).message ?? "") || undefined
  );
  await submit(cp.url, eventOf(second, name, { wait: "applied" }));
  for (const id of [first, second]) {
    await untilTrue(async () =>
      (await view(id)).finished_at === undefined ? undefined : true
    );
  }
  const ends = await Promise.all([first, second].map(view));
  deepStrictEqual(
    ends.map(({ state, error }) => [state, error?.code]),
    [["failed", "conflict"], ["completed", undefined]],
  );
  match(
    ends[0]?.message ?? "",
    new RegExp(`the event "${second}" has changed`),
  );
});
