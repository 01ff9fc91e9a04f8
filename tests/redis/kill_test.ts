import {
  deepStrictEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual,
} from "node:assert/strict";
import { WitnessAgent, witnessEvent } from "../chaos/witness_agent.ts";
import { CpProcess, until, untilConnected, untilEnded } from "../system.ts";
import { type RedisServer, startRedis } from "./server.ts";

const EVENTS = 600;
const AT_ONCE = 40;
const KILLS = 6;

/** Sends an event until it is accepted: while Redis is away, it is refused with 503. */
async function insist(url: string, id: string): Promise<void> {
  await until(async () => {
    const answer = await fetch(`${url}/v2/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(witnessEvent(id)),
    });
    const body = await answer.json();
    if (answer.status === 202) strictEqual(body.durability, "fsync");
    else strictEqual(answer.status, 503, JSON.stringify(body));
    return answer.status === 202 ? true : undefined;
  });
}

/**
 * Has producers send events while something happens to Redis again and again;
 * in the end all that was accepted was done, once.
 */
async function underLoad(
  faults: number,
  strike: (redis: RedisServer, cp: CpProcess) => Promise<void>,
): Promise<void> {
  await using redis = await startRedis();
  await using cp = await CpProcess.start({ flags: ["--store", redis.url] });
  await using agent = await WitnessAgent.start("edge", cp.agentUrl);
  await untilConnected(cp.url, "edge");

  const accepted: string[] = [];
  let begun = 0;
  // So many are on their way at any moment, also when Redis is struck.
  const producers = Array.from({ length: AT_ONCE }, async () => {
    while (begun < EVENTS) {
      const id = `e${begun++}`;
      await insist(cp.url, id);
      accepted.push(id);
    }
  });
  for (let fault = 1; fault <= faults; fault++) {
    const count = fault * EVENTS / (faults + 1);
    await until(async () => {
      await redis.ask("PING");
      return accepted.length >= count ? true : undefined;
    }, { everyMs: 0 });
    await strike(redis, cp);
  }
  await Promise.all(producers);
  await becomes(cp, 200);
  const ended = await untilEnded(cp.url);
  deepStrictEqual(
    ended.map(({ spec, state }) => `${spec.id} ${state}`).sort(),
    accepted.map((id) => `${id} completed`).sort(),
  );
  deepStrictEqual(
    (await agent.starts()).sort(),
    accepted.map((id) => `${id} 1`).sort(),
  );
  doesNotMatch(cp.program.output, /older than/);
}

/** Waits until /readyz answers with a status; returns what it says. */
async function becomes({ url }: CpProcess, status: number): Promise<string> {
  return await until(async () => {
    const answer = await fetch(`${url}/readyz`);
    const text = await answer.text();
    return answer.status === status ? text : undefined;
  });
}

Deno.test("store.crash.midwrite (F46): Redis, killed under load again and again, loses nothing that was accepted, and all of it runs once", async () => {
  await underLoad(KILLS, async (redis) => {
    await redis.kill("SIGKILL");
    await redis.start();
  });
});

Deno.test("a Redis that lets nobody in for a while (CLIENT PAUSE ALL), under load: /readyz is false within 5 s, nothing is lost, and it goes on by itself", async () => {
  await underLoad(2, async (redis, cp) => {
    await redis.ask("CLIENT", "PAUSE", "6000", "ALL");
    const since = performance.now();
    match(await becomes(cp, 503), /store_unavailable/);
    ok(performance.now() - since < 5000);
    await becomes(cp, 200);
  });
});

Deno.test("a Redis that takes no writes for longer than a connection waits (CLIENT PAUSE WRITE), under load: nothing is lost, and it goes on by itself", async () => {
  await underLoad(1, async (redis, cp) => {
    const connections = async () =>
      [
        ...(await redis.ask("CLIENT", "LIST"))
          .matchAll(/^id=(\d+) .* name=transporter /gm),
      ].map(([, id]) => id);
    const before = await connections();
    await redis.ask("CLIENT", "PAUSE", "60000", "WRITE");
    match(await becomes(cp, 503), /store_unavailable/);
    await until(async () =>
      (await connections()).every((id) => !before.includes(id))
        ? true
        : undefined
    );
    await redis.ask("CLIENT", "UNPAUSE");
    await becomes(cp, 200);
  });
});

Deno.test("ready.store.down (F32): /readyz is false while Redis is stopped, gone, or does not sync, and true again by itself", async () => {
  await using redis = await startRedis();
  await using cp = await CpProcess.start({ flags: ["--store", redis.url] });
  match(await becomes(cp, 200), /"durability":"fsync"/);

  await redis.ask("CONFIG", "SET", "appendfsync", "no");
  match(await becomes(cp, 503), /appendfsync no/);
  await redis.ask("CONFIG", "SET", "appendfsync", "always");
  await becomes(cp, 200);

  await redis.kill("SIGSTOP");
  const since = performance.now();
  match(await becomes(cp, 503), /store_unavailable/);
  ok(performance.now() - since < 5000);
  await redis.kill("SIGCONT");
  await becomes(cp, 200);

  await redis.kill("SIGKILL");
  match(await becomes(cp, 503), /no connection/);
  await redis.start();
  await becomes(cp, 200);
  ok(!cp.program.output.includes("Unhandled"), cp.program.output);
});
