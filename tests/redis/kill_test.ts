import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { WitnessAgent, witnessEvent } from "../chaos/witness_agent.ts";
import { CpProcess, until, untilConnected, untilEnded } from "../system.ts";
import { startRedis } from "./server.ts";

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

Deno.test("store.crash.midwrite (F46): Redis, killed under load again and again, loses nothing that was accepted, and all of it runs once", async () => {
  await using redis = await startRedis();
  await using cp = await CpProcess.start({ flags: ["--store", redis.url] });
  await using agent = await WitnessAgent.start("edge", cp.agentUrl);
  await untilConnected(cp.url, "edge");

  const accepted: string[] = [];
  let begun = 0;
  // So many are on their way at any moment, also when Redis dies.
  const producers = Array.from({ length: AT_ONCE }, async () => {
    while (begun < EVENTS) {
      const id = `e${begun++}`;
      await insist(cp.url, id);
      accepted.push(id);
    }
  });
  for (let kill = 1; kill <= KILLS; kill++) {
    const count = kill * EVENTS / (KILLS + 1);
    await until(async () => {
      await redis.ask("PING");
      return accepted.length >= count ? true : undefined;
    }, 0);
    await redis.kill("SIGKILL");
    await redis.start();
  }
  await Promise.all(producers);
  await until(async () => {
    const { body, ok } = await fetch(`${cp.url}/readyz`);
    await body?.cancel();
    return ok ? true : undefined;
  });
  const ended = await untilEnded(cp.url);
  deepStrictEqual(
    ended.map(({ spec, state }) => `${spec.id} ${state}`).sort(),
    accepted.map((id) => `${id} completed`).sort(),
  );
  deepStrictEqual(
    (await agent.starts()).sort(),
    accepted.map((id) => `${id} 1`).sort(),
  );
});

Deno.test("ready.store.down (F32): /readyz is false while Redis is stopped, gone, or does not sync, and true again by itself", async () => {
  await using redis = await startRedis();
  await using cp = await CpProcess.start({ flags: ["--store", redis.url] });
  const ready = async () => {
    const answer = await fetch(`${cp.url}/readyz`);
    return { status: answer.status, text: await answer.text() };
  };
  async function becomes(status: number): Promise<string> {
    return await until(async () => {
      const answer = await ready();
      return answer.status === status ? answer.text : undefined;
    });
  }
  match(await becomes(200), /"durability":"fsync"/);

  await redis.ask("CONFIG", "SET", "appendfsync", "no");
  match(await becomes(503), /appendfsync no/);
  await redis.ask("CONFIG", "SET", "appendfsync", "always");
  await becomes(200);

  await redis.kill("SIGSTOP");
  match(await becomes(503), /store_unavailable/);
  await redis.kill("SIGCONT");
  await becomes(200);

  await redis.kill("SIGKILL");
  match(await becomes(503), /no connection/);
  await redis.start();
  await becomes(200);
  ok(!cp.program.output.includes("Unhandled"), cp.program.output);
});
