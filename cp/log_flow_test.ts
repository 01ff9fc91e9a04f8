import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type ErrorCode,
  type LogFrame,
  silentLogger,
  TransporterError,
} from "@transporter/sdk";
import { AGENT_LOG_BYTES_MAX, LogQuota } from "./log_quota.ts";
import { LOG_BYTES_MAX, LogFlow } from "./log_flow.ts";
import type { Store } from "./store/store.ts";
import { settle } from "@transporter/sdk/testing";
import { World } from "./testing/world.ts";

const T = "default";

function frame(fields: Partial<LogFrame> = {}): LogFrame {
  return {
    type: "log",
    event_id: "e1",
    attempt: 1,
    stream: "stdout",
    off: 0,
    data: "hello\n",
    ...fields,
  };
}

async function open(
  store?: (plain: Store) => Pick<Store, "getEvent" | "addLogs" | "listLogs">,
) {
  const world = await World.open();
  const agent = await world.connect();
  await world.submit("e1");
  await agent.nextOf("event");
  const foreign: string[] = [];
  const told: number[] = [];
  const logQuota = new LogQuota({ monotonic: () => 0 });
  function flow(agent = "edge-1", gen = 1): LogFlow {
    return new LogFlow({
      logQuota,
      store: store?.(world.store) ?? world.store,
      tenant: T,
      fence: { agent, gen },
      clock: world.clock,
      log: silentLogger,
      done: (frames) => told.push(frames),
      foreign: (id) => foreign.push(id),
    });
  }
  async function kept(): Promise<[string, number, number, boolean][]> {
    const all = await world.store.listLogs(T, "e1", { after: 0, limit: 9999 });
    return all.map(({ stream, off, data, trunc = false }) => [
      stream,
      off,
      data.length,
      trunc,
    ]);
  }
  return {
    world,
    flow,
    foreign,
    told,
    logQuota,
    kept,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

Deno.test("LogFlow.take() keeps output in order", async () => {
  await using place = await open();
  const flow = place.flow();
  flow.take(frame());
  flow.take(frame({ stream: "stderr", data: "oh" }));
  flow.take(frame({ off: 6, data: "again", trunc: true }));
  await flow.idle();
  deepStrictEqual(await place.kept(), [
    ["stdout", 0, 6, false],
    ["stderr", 0, 2, false],
    ["stdout", 6, 5, true],
  ]);
});

Deno.test("LogFlow.take() keeps two MiB of an attempt, over all sessions, and marks where it stopped", async () => {
  await using place = await open();
  const data = "x".repeat(256 * 1024);
  for (let session = 0; session < 3; session++) {
    const flow = place.flow();
    for (let i = 0; i < 4; i++) {
      flow.take(frame({ off: (session * 4 + i) * data.length, data }));
    }
    await flow.idle();
  }
  const kept = await place.kept();
  strictEqual(kept.reduce((sum, [, , size]) => sum + size, 0), LOG_BYTES_MAX);
  deepStrictEqual(kept.slice(8), [["stdout", LOG_BYTES_MAX, 0, true]]);
});

Deno.test("LogFlow.take() keeps no more of an agent than its quota, and marks where it stopped", async () => {
  await using place = await open();
  place.logQuota.take(T, "edge-1", AGENT_LOG_BYTES_MAX - 9);
  for (let session = 0; session < 3; session++) {
    const flow = place.flow();
    flow.take(frame({ off: session * 6 }));
    await flow.idle();
  }
  deepStrictEqual(await place.kept(), [
    ["stdout", 0, 6, false],
    ["stdout", 6, 0, true],
  ]);
});

Deno.test("LogFlow.take() keeps nothing of another agent's event, and all of an attempt that a restored store does not know of", async () => {
  await using place = await open();
  const evil = place.flow("evil");
  evil.take(frame());
  await evil.idle();
  const flow = place.flow();
  flow.take(frame({ event_id: "unknown" }));
  await flow.idle();
  deepStrictEqual(place.foreign, ["e1", "unknown"]);
  deepStrictEqual(await place.kept(), []);
  flow.take(frame({ attempt: 2 }));
  await flow.idle();
  flow.take(frame({ attempt: 2, off: 6 }));
  await flow.idle();
  deepStrictEqual(place.foreign, ["e1", "unknown"]);
  deepStrictEqual(await place.kept(), [
    ["stdout", 0, 6, false],
    ["stdout", 6, 6, false],
  ]);
});

Deno.test("LogFlow.take() keeps, and marks, what follows once an event that a restored store did not know is there again", async () => {
  await using place = await open();
  const flow = place.flow();
  const lost = frame({ event_id: "lost" });
  flow.take(lost);
  await flow.idle();
  deepStrictEqual(place.foreign, ["lost"]);
  await place.world.submit("lost");
  flow.take({ ...lost, off: 6 });
  await flow.idle();
  flow.take({ ...lost, off: 12 });
  await flow.idle();
  const page = { after: 0, limit: 9 };
  deepStrictEqual(
    (await place.world.store.listLogs(T, "lost", page))
      .map(({ off, trunc = false }) => [off, trunc]),
    [[6, true], [12, false]],
  );
  deepStrictEqual(place.foreign, ["lost"]);
});

Deno.test("LogFlow.take() leaves out what the store is too slow for, and says so", async () => {
  const gate = Promise.withResolvers<void>();
  await using place = await open((plain) => ({
    getEvent: (tenant, id) => plain.getEvent(tenant, id),
    listLogs: (tenant, id, page) => plain.listLogs(tenant, id, page),
    async addLogs(tenant, id, chunks) {
      await gate.promise;
      await plain.addLogs(tenant, id, chunks);
    },
  }));
  const flow = place.flow();
  const data = "x".repeat(64 * 1024);
  for (let i = 0; i < 100; i++) {
    flow.take(frame({ event_id: i < 70 ? "e1" : "e2", data }));
  }
  gate.resolve();
  await flow.idle();
  flow.take(frame({ data: "after" }));
  await flow.idle();
  const last = (await place.kept()).at(-1);
  deepStrictEqual(last?.slice(2), [0, true], "the mark of two MiB");
});

Deno.test("LogFlow.take() marks the piece that follows a gap", async () => {
  const gate = Promise.withResolvers<void>();
  await using place = await open((plain) => ({
    getEvent: (tenant, id) => plain.getEvent(tenant, id),
    listLogs: (tenant, id, page) => plain.listLogs(tenant, id, page),
    async addLogs(tenant, id, chunks) {
      await gate.promise;
      await plain.addLogs(tenant, id, chunks);
    },
  }));
  await place.world.submit("e2");
  const flow = place.flow();
  // Of another event, and so much that nothing more may wait.
  const data = "x".repeat(1024 * 1024 - 512);
  for (let i = 0; i < 4; i++) flow.take(frame({ event_id: "e2", data }));
  flow.take(frame({ data: "lost" }));
  gate.resolve();
  await flow.idle();
  flow.take(frame({ off: 4, data: "kept" }));
  await flow.idle();
  deepStrictEqual(await place.kept(), [["stdout", 4, 4, true]]);
});

Deno.test("LogFlow.take() lets a bounded number of tiny pieces wait", async () => {
  await using place = await open(away(1, "store_unavailable"));
  const flow = place.flow();
  for (let off = 0; off < 10_000; off++) flow.take(frame({ off, data: "x" }));
  await settle();
  await place.world.clock.advance(500);
  await flow.idle();
  strictEqual((await place.kept()).length, Math.floor(4 * 1024 * 1024 / 513));
});

Deno.test("LogFlow.take() keeps once what comes again, also what a store of an earlier session has", async () => {
  await using place = await open();
  const before = place.flow();
  before.take(frame());
  before.take(frame({ off: 6, data: "again\n" }));
  await before.idle();
  const flow = place.flow();
  flow.take(frame({ again: true }));
  flow.take(frame({ off: 6, data: "again\n", again: true }));
  flow.take(frame({ off: 12, data: "lost\n", again: true }));
  flow.take(frame({ off: 17, data: "new\n" }));
  // A Job that an agent found again after a restart, and reads from its beginning.
  flow.take(frame());
  await flow.idle();
  deepStrictEqual(await place.kept(), [
    ["stdout", 0, 6, false],
    ["stdout", 6, 6, false],
    ["stdout", 12, 5, false],
    ["stdout", 17, 4, false],
    ["stdout", 0, 6, false],
  ]);
});

Deno.test("LogFlow tells within a second how many pieces it is done with, and at once after a quarter of a MiB", async () => {
  await using place = await open();
  const { world: { clock }, told } = place;
  const flow = place.flow();
  flow.take(frame());
  flow.take(frame({ event_id: "unknown" }));
  await flow.idle();
  await clock.advance(999);
  deepStrictEqual(told, []);
  await clock.advance(1);
  deepStrictEqual(told, [2]);
  await clock.advance(5000);
  const data = "x".repeat(128 * 1024);
  for (let i = 0; i < 2; i++) flow.take(frame({ off: 6 + i, data }));
  flow.take(frame({ off: 9, data: "end" }));
  await flow.idle();
  await clock.advance(1000);
  deepStrictEqual(told.at(-1), 5);
  await flow.finish();
  await clock.advance(5000);
  deepStrictEqual(told.at(-1), 5);
});

/** A store that is away for so many asks. */
function away(asks: number, code: ErrorCode) {
  let left = asks;
  return (plain: Store) => ({
    getEvent: (tenant: string, id: string) => plain.getEvent(tenant, id),
    listLogs: (...args: Parameters<Store["listLogs"]>) =>
      plain.listLogs(...args),
    addLogs: (...args: Parameters<Store["addLogs"]>) =>
      left-- > 0
        ? Promise.reject(new TransporterError(code, "Cannot write"))
        : plain.addLogs(...args),
  });
}

Deno.test("LogFlow.take() waits for a store that is away, and tells of nothing before it is there", async () => {
  await using place = await open(away(3, "store_unavailable"));
  const { clock } = place.world;
  const flow = place.flow();
  flow.take(frame());
  await clock.advance(1000);
  deepStrictEqual([await place.kept(), place.told], [[], []]);
  await clock.advance(500);
  await flow.idle();
  deepStrictEqual(await place.kept(), [["stdout", 0, 6, false]]);
  await clock.advance(1000);
  deepStrictEqual(place.told, [1]);
});

Deno.test("LogFlow.finish() waits for no store that is away, and tells of nothing", async () => {
  await using place = await open(away(Infinity, "store_unavailable"));
  const flow = place.flow();
  flow.take(frame());
  await place.world.clock.advance(5000);
  await flow.finish();
  await place.world.clock.advance(5000);
  deepStrictEqual([await place.kept(), place.told], [[], []]);
});

Deno.test("LogFlow.finish() leaves out what is behind a piece that comes again", async () => {
  await using place = await open(away(1, "store_unavailable"));
  const flow = place.flow();
  flow.take(frame());
  await settle();
  flow.take(frame({ off: 6, data: "after" }));
  await flow.finish();
  deepStrictEqual(await place.kept(), []);
});

Deno.test("LogFlow keeps, and tells of, nothing once a newer session has the agent's output", async () => {
  await using place = await open();
  const flow = place.flow();
  await place.world.connect();
  const next = place.flow("edge-1", 2);
  next.take(frame({ again: true }));
  await next.idle();
  flow.take(frame());
  flow.take(frame({ event_id: "unknown" }));
  await flow.idle();
  await place.world.clock.advance(5000);
  deepStrictEqual([(await place.kept()).length, place.told], [1, [1]]);
});

Deno.test("LogFlow.take() goes on behind a piece that the store will never take, and marks the next", async () => {
  await using place = await open(away(1, "internal"));
  const flow = place.flow();
  flow.take(frame());
  await flow.idle();
  flow.take(frame({ off: 6, data: "after" }));
  await flow.idle();
  deepStrictEqual(await place.kept(), [["stdout", 6, 5, true]]);
});
