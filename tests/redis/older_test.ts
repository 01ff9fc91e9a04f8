import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { openRedisStore } from "../../cp/store/redis.ts";
import type { Gap } from "../../cp/store/shared.ts";
import type { Store } from "../../cp/store/store.ts";
import { added, event, session, T } from "../../cp/store/testing/samples.ts";
import { WitnessAgent, witnessEvent } from "../chaos/witness_agent.ts";
import { Program } from "../program.ts";
import { CpProcess, until, untilConnected, untilEnded } from "../system.ts";
import { TcpProxy } from "../tcp_proxy.ts";
import { aofBytes, aofOf, comeBackWith } from "./aof.ts";
import { type RedisServer, startRedis } from "./server.ts";
import { startPlace } from "./store.ts";

/** Tries to add an event until that is done; returns why it was refused, apart from there being no connection. */
async function insist(store: Store, id: string): Promise<readonly string[]> {
  const refusals: string[] = [];
  await until(async () => {
    try {
      await store.createEvent(T, event(id));
      return true;
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      strictEqual(code, "store_unavailable", message);
      if (!/no connection/.test(message)) refusals.push(message);
      return undefined;
    }
  }, { everyMs: 0 });
  return refusals;
}

function ear(heard: Gap[]): (gap: Gap) => void {
  return (gap) => heard.push(gap);
}

Deno.test("a store that comes back older is found by each process before it writes anything, and no number is given twice", async () => {
  await using place = await startPlace();
  const [one, other] = [await place.open(), await place.open()];
  const heard: [Gap[], Gap[]] = [[], []];
  using _one = one.onOlder(ear(heard[0]));
  using _other = other.onOlder(ear(heard[1]));
  await added(one, T, event("e1"));
  const bytes = await aofBytes(place.redis);
  await added(one, T, event("e2"));
  await added(other, T, event("e3"));
  await one.probe(); // and has seen the third

  await comeBackWith(place.redis, bytes);
  const refusals = await insist(one, "e4");
  strictEqual(refusals.length, 1);
  match(refusals[0] ?? "", /older than it was/);
  deepStrictEqual(heard[0].map(({ was, is }) => [was, is]), [[3, 1]]);
  // Meanwhile there are more changes than the other one ever saw.
  for (const id of ["e5", "e6", "e7"]) await one.createEvent(T, event(id));
  strictEqual((await insist(other, "e8")).length, 1);
  deepStrictEqual(heard[1].map(({ was, is }) => [was, is]), [[3, 1]]);

  const changes = await one.listChanges(T, 0, 99);
  deepStrictEqual(
    changes.map(({ entry, change }) => [entry.event_id, change]),
    [["e1", 1], ["e4", 5], ["e5", 6], ["e6", 7], ["e7", 8], ["e8", 9]],
  );
  deepStrictEqual(await other.changeRange(), {
    oldest: 1,
    newest: 9,
    since: 4,
  });
  for (const store of [one, other, await place.open()]) {
    deepStrictEqual([store.gap?.was, store.gap?.is], [3, 1]);
  }
  strictEqual(heard.flat().length, 2);
});

Deno.test("a store that comes back older is found when it is read, and when sessions alone are gone", async () => {
  await using place = await startPlace();
  const store = await place.open();
  const heard: Gap[] = [];
  using _ = store.onOlder(ear(heard));
  await added(store, T, event("e1"));
  let bytes = await aofBytes(place.redis);
  await added(store, T, event("e2"));
  await comeBackWith(place.redis, bytes);
  await until(async () => {
    await store.changeRange().catch(() => {});
    return heard.length > 0 ? true : undefined;
  });
  await insist(store, "e3");

  bytes = await aofBytes(place.redis);
  const { gen } = await store.openSession(T, session("edge-1"));
  strictEqual(gen, 1);
  await comeBackWith(place.redis, bytes);
  strictEqual((await insist(store, "e4")).length, 1);
  strictEqual(heard.length, 2);
});

Deno.test("a store that comes back older is found once, however much is on its way", async () => {
  await using place = await startPlace();
  const store = await place.open();
  const heard: Gap[] = [];
  using _ = store.onOlder(ear(heard));
  for (let round = 1; round <= 4; round++) {
    const bytes = await aofBytes(place.redis);
    await added(store, T, event(`gone${round}`));
    await comeBackWith(place.redis, bytes);
    let isOver = false;
    const writers = Array.from({ length: 20 }, async (_, i) => {
      for (let n = 0; !isOver; n++) {
        // What is read in between makes several runs of one turn.
        await Promise.allSettled([
          store.createEvent(T, event(`a${round}.${i}.${n}`)),
          store.getEvent(T, "none"),
          store.createEvent(T, event(`b${round}.${i}.${n}`)),
        ]);
      }
    });
    await until(() => Promise.resolve(heard.length >= round || undefined));
    await insist(store, `last${round}`);
    isOver = true;
    await Promise.all(writers);
    strictEqual(heard.length, round);
  }
});

Deno.test("a Redis that is killed, or ended without saving, comes back as it was with appendfsync always", async () => {
  await using place = await startPlace();
  const store = await place.open();
  const heard: Gap[] = [];
  using _ = store.onOlder(ear(heard));
  await added(store, T, event("e1"));
  await place.redis.kill("SIGKILL");
  await place.redis.start();
  deepStrictEqual(await insist(store, "e2"), []);
  // It may end before it answers.
  await place.redis.ask("SHUTDOWN", "NOSAVE").catch(() => {});
  await place.redis.ended();
  await place.redis.start();
  deepStrictEqual(await insist(store, "e3"), []);
  deepStrictEqual(heard, []);
  const events = await store.listEvents(T, { limit: 9 });
  deepStrictEqual(events.map(({ spec }) => spec.id), ["e3", "e2", "e1"]);
});

Deno.test("a replica that takes over, and had less, is found older", async () => {
  await using redis = await startRedis();
  await using replica = await startRedis({
    config: [`replicaof 127.0.0.1 ${redis.port}`],
  });
  // What they have as an address that follows the master.
  const leads = { hostname: "127.0.0.1", port: redis.port };
  await using proxy = await TcpProxy.open(leads);
  const url = `redis://127.0.0.1:${proxy.port}`;
  await using store = await openRedisStore({ url });
  const heard: Gap[] = [];
  using _ = store.onOlder(ear(heard));
  await added(store, T, event("e1"));
  await until(async () =>
    await redis.ask("WAIT", "1", "1000") === "1" ? true : undefined
  );
  // It is promoted while the master goes on for a moment.
  await replica.ask("REPLICAOF", "NO", "ONE");
  await added(store, T, event("e2"));
  await redis.kill("SIGKILL");
  leads.port = replica.port;
  strictEqual((await insist(store, "e3")).length, 1);
  deepStrictEqual(heard.map(({ was, is }) => [was, is]), [[2, 1]]);
});

/** Cuts an AOF in the middle of what it says last. */
async function torn(redis: RedisServer): Promise<void> {
  const bytes = await aofBytes(redis);
  await redis.kill("SIGKILL");
  await Deno.truncate(await aofOf(redis), bytes - 7);
}

Deno.test("docs/redis.md: Redis starts on an AOF whose end is torn and says so in its log alone, or refuses with aof-load-truncated no", async () => {
  await using place = await startPlace();
  const store = await place.open();
  await added(store, T, event("e1"));
  await added(store, T, event("e2"));
  await torn(place.redis);
  await place.redis.start();
  match(place.redis.output, /truncat/i);
  strictEqual((await insist(store, "e3")).length, 1);

  await using strict = await startPlace({
    config: ["aof-load-truncated no"],
  });
  {
    await using store = await strict.open();
    await added(store, T, event("e1"));
  }
  await torn(strict.redis);
  await rejects(strict.redis.start());
  match(strict.redis.output, /Unexpected end of file/);
});

Deno.test("a control plane whose Redis comes back older says so, asks its agents, and runs nothing again", async () => {
  await using redis = await startRedis();
  await using cp = await CpProcess.start({ flags: ["--store", redis.url] });
  await using agent = await WitnessAgent.start("edge", cp.agentUrl);
  await untilConnected(cp.url, "edge");
  const submit = async (id: string) => {
    const answer = await fetch(`${cp.url}/v2/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(witnessEvent(id)),
    });
    await answer.body?.cancel();
    return answer.status === 202 ? true : undefined;
  };
  ok(await submit("e1"));
  await untilEnded(cp.url);
  const bytes = await aofBytes(redis);
  ok(await submit("e2"));
  await untilEnded(cp.url);
  const stream = await fetch(`${cp.url}/v2/stream`);

  await comeBackWith(redis, bytes);
  // The reader of the stream is sent away: it was told of what is gone.
  await stream.body?.pipeTo(new WritableStream());
  await until(() => submit("e3"));
  await untilEnded(cp.url);
  match(cp.program.output, /"message":"The store is older than it was"/);
  await until(() =>
    Promise.resolve(
      /Store is older than what the agent remembers".*"orphan_ids":\["e2"\]/
          .test(cp.program.output)
        ? true
        : undefined,
    )
  );
  const { store_gap: gap } = await (await fetch(`${cp.url}/readyz`)).json();
  ok(gap.was > gap.is, JSON.stringify(gap));
  await using doctor = Program.start(["doctor", "--cp-url", cp.url]);
  await doctor.status();
  match(doctor.output, /store .*came back older than it was/);
  const again = await fetch(`${cp.url}/v2/stream`, {
    headers: { "last-event-id": String(gap.was) },
  });
  const reader = again.body?.pipeThrough(new TextDecoderStream()).getReader();
  match((await reader?.read())?.value ?? "", /event: reset/);
  await reader?.cancel();
  // Sent again, as doctor says, it is known to its agent.
  await until(() => submit("e2"));
  await untilEnded(cp.url);
  deepStrictEqual(await agent.starts(), ["e1 1", "e2 1", "e3 1"]);
});
