import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TcpProxy } from "../tcp_proxy.ts";
import { until } from "../system.ts";
import { Replicas } from "./replicas.ts";
import { startRedis } from "./server.ts";

/** Waits until so many more events have been accepted. */
async function more(all: Replicas, count: number): Promise<void> {
  const { size } = all.accepted;
  await until(() =>
    Promise.resolve(all.accepted.size >= size + count ? true : undefined)
  );
}

Deno.test("replicas: both show the same agents and events, and who has which agent", async () => {
  await using all = await Replicas.start({ agents: 2 });
  const [a, b] = all.cps;
  const replicas = new Map([["edge-0", "a"], ["edge-1", "b"]]);
  for (const cp of all.cps) {
    await all.untilAgents(
      cp,
      (agents) =>
        agents.every(({ id, connected, replica, carrier }) =>
          connected && replica === replicas.get(id) &&
          carrier === "websocket"
        ),
    );
  }
  await all.submit("e1", "edge-1", 0);
  await all.ended(a);
  const [one, other] = await Promise.all(
    all.cps.map(async ({ url }) => {
      const answer = await fetch(`${url}/v2/events/e1`);
      return await answer.json();
    }),
  );
  deepStrictEqual(one, other);
  strictEqual(one.state, "completed");
  const ready = await (await fetch(`${b.url}/readyz`)).json();
  strictEqual(ready.replica, "b");
  deepStrictEqual(ready.replicas, ["a", "b"]);
  const metrics = await (await fetch(`${a.url}/metrics`)).text();
  match(metrics, /^transporter_replicas_known 2$/m);
});

Deno.test("replicas: a stream of changes goes on at another one with Last-Event-ID, without a gap", async () => {
  await using all = await Replicas.start({ agents: 1 });
  const [a, b] = all.cps;
  const stream = async (
    url: string,
    from: string | undefined,
    enough: (text: string) => boolean,
  ): Promise<string> => {
    const abort = new AbortController();
    const answer = await fetch(`${url}/v2/stream`, {
      headers: from === undefined ? {} : { "last-event-id": from },
      signal: abort.signal,
    });
    let text = "";
    const decoder = new TextDecoder();
    for await (const piece of answer.body ?? []) {
      text += decoder.decode(piece, { stream: true });
      if (text.includes("event: ready") && all.accepted.size === 0) {
        all.submit("e1", "edge-0", 1).catch(() => {});
      }
      if (enough(text)) break;
    }
    abort.abort();
    return text;
  };
  const idsOf = (text: string) =>
    [...text.matchAll(/event: status\nid: (\d+)|id: (\d+)\nevent: status/g)]
      .map(([, one, other]) => Number(one ?? other));
  const first = await stream(
    a.url,
    undefined,
    (text) => idsOf(text).length > 1,
  );
  const [seen = 0] = idsOf(first);
  await all.ended(a);
  const rest = await stream(
    b.url,
    String(seen),
    (text) => text.includes('"state":"completed"'),
  );
  deepStrictEqual(
    idsOf(rest),
    idsOf(rest).map((_, i) => seen + 1 + i),
  );
  ok(!rest.includes("event: reset"), rest);
});

Deno.test("replicas: one that is killed under load loses nothing and repeats nothing; its agents go on at the other", async () => {
  await using all = await Replicas.start({ agents: 5 });
  const [a, b] = all.cps;
  const enough = new AbortController();
  const load = all.load(enough.signal);
  await more(all, 60);
  await b.crash();
  await all.untilAgents(
    a,
    (agents) =>
      agents.every(({ connected, replica }) => connected && replica === "a"),
  );
  await more(all, 60);
  await b.restart();
  await more(all, 60);
  await a.crash();
  await more(all, 60);
  await a.restart();
  enough.abort();
  await load;
  await all.judge();
});

Deno.test("replicas: a rolling restart under load loses nothing and repeats nothing", async () => {
  await using all = await Replicas.start({ agents: 5 });
  const enough = new AbortController();
  const load = all.load(enough.signal);
  for (const cp of all.cps) {
    await more(all, 60);
    cp.program.kill("SIGTERM");
    strictEqual((await cp.program.status()).code, 0);
    await more(all, 30);
    await cp.restart();
  }
  await more(all, 30);
  enough.abort();
  await load;
  await all.judge();
});

Deno.test("replicas: one that is cut off from Redis says so, loses its agents to the other, and can do nothing to events", async () => {
  await using redis = await startRedis();
  const { port } = redis;
  await using proxy = await TcpProxy.open({ hostname: "127.0.0.1", port });
  const way = `redis://127.0.0.1:${proxy.port}`;
  await using all = await Replicas.start({ agents: 3, redis, way });
  const [a, b] = all.cps;
  const enough = new AbortController();
  const load = all.load(enough.signal);
  await more(all, 30);
  proxy.fault = { kind: "black_hole" };
  match(
    await until(async () => {
      const answer = await fetch(`${b.url}/readyz`);
      const text = await answer.text();
      return answer.status === 503 ? text : undefined;
    }),
    /store_unavailable/,
  );
  await all.untilAgents(
    a,
    (agents) =>
      agents.every(({ connected, replica }) => connected && replica === "a"),
  );
  await more(all, 30);
  proxy.fault = undefined;
  await until(async () => {
    const answer = await fetch(`${b.url}/readyz`);
    await answer.body?.cancel();
    return answer.ok ? true : undefined;
  });
  enough.abort();
  await load;
  await all.judge();
});
