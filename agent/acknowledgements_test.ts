import { deepStrictEqual, match } from "node:assert/strict";
import { type Executor, silentLogger, ulids } from "@transporter/sdk";
import { settle, TestClock } from "@transporter/sdk/testing";
import { Journal } from "./journal.ts";
import { lastStatus } from "./status.ts";
import {
  AgentBench,
  type FarEnd,
  listLogger,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

const ERROR = { code: "failed", message: "It failed" } as const;

/** An executor that writes down what it is told, and does something then. */
function keeper(
  told: string[],
  then: () => Promise<void> = () => Promise.resolve(),
): Executor {
  return {
    ...witness(() => {}),
    async acknowledged({ idempotencyKey, attempt }) {
      told.push(`${idempotencyKey} ${attempt}`);
      await then();
    },
  };
}

function open(executor: Executor, file?: MemoryJournal): Promise<AgentBench> {
  return AgentBench.open({ executor, ...(file === undefined ? {} : { file }) });
}

/** Sends an event, and returns the frame of its end. */
async function end(far: FarEnd, seq: number, id: string): Promise<RawFrame> {
  await far.send({
    ...{ type: "event", seq, attempt: 1, event: specOf(id) },
    deadline: "2026-11-24T00:00:00Z",
  });
  while (true) {
    const frame = await far.next();
    if (frame["event_id"] === id && frame["state"] === "completed") {
      return frame;
    }
  }
}

Deno.test("an executor is told of an end once it is acknowledged, never before, and once", async () => {
  const told: string[] = [];
  await using bench = await open(keeper(told));
  const far = await bench.accept();
  await far.registerV2();
  const { sid } = await end(far, 1, "e1");
  const { sid: next } = await end(far, 2, "e2");
  await settle();
  deepStrictEqual(told, []);
  await far.send({ type: "status_ack", upto: Number(sid) - 1 });
  deepStrictEqual(told, []);
  await far.send({ type: "status_ack", upto: sid });
  deepStrictEqual(told, ["e1 1"]);
  await far.send({ type: "status_ack", upto: sid });
  await far.send({ type: "status_ack", upto: next });
  deepStrictEqual(told, ["e1 1", "e2 1"]);
});

Deno.test("an executor is told by the next process of its agent what the control plane acknowledged while there was none", async () => {
  let left: MemoryJournal;
  let upto: unknown;
  const told: string[] = [];
  {
    await using bench = await open(keeper(told));
    const far = await bench.accept();
    await far.registerV2();
    upto = (await end(far, 1, "e1"))["sid"];
    await settle();
    left = new MemoryJournal(bench.file); // what a kill leaves between the end and its acknowledgement
  }
  deepStrictEqual(told, []);
  await using bench = await open(keeper(told), left);
  const far = await bench.accept();
  deepStrictEqual(told, []);
  await far.registerV2({ status_upto: upto });
  deepStrictEqual(told, ["e1 1"]);
});

Deno.test("an executor that was being told as its agent was killed is told again, at the start, and not a third time", async () => {
  let left: MemoryJournal;
  const told: string[] = [];
  {
    const gate = Promise.withResolvers<void>();
    await using bench = await open(keeper(told, () => gate.promise));
    const far = await bench.accept();
    await far.registerV2();
    const { sid } = await end(far, 1, "e1");
    await far.send({ type: "status_ack", upto: sid });
    deepStrictEqual(told, ["e1 1"]);
    await end(far, 2, "e2"); // what is written for it says that the first was acknowledged
    await settle();
    left = new MemoryJournal(bench.file);
    gate.resolve();
  }
  {
    await using bench = await open(keeper(told), left);
    await settle();
    deepStrictEqual(told, ["e1 1", "e1 1"]); // nobody has to be reached for that
    left = bench.file;
  }
  await using bench = await open(keeper(told), new MemoryJournal(left));
  const far = await bench.accept();
  await far.registerV2();
  deepStrictEqual(told, ["e1 1", "e1 1"]);
});

Deno.test("an executor that fails to take it is not told again, and the operator reads why", async () => {
  const told: string[] = [];
  const lines: string[] = [];
  await using bench = await AgentBench.open({
    executor: keeper(told, () => Promise.reject(new Error("no way"))),
    log: listLogger(lines),
  });
  const far = await bench.accept();
  await far.registerV2();
  const { sid } = await end(far, 1, "e1");
  await far.send({ type: "status_ack", upto: sid });
  const { sid: next } = await end(far, 2, "e2");
  await far.send({ type: "status_ack", upto: next });
  deepStrictEqual(told, ["e1 1", "e2 1"]);
  match(lines.join("\n"), /What was kept of an event that is over may stay/);
});

Deno.test("an executor is told of four ends at a time, and of those behind them afterwards", async () => {
  const told: string[] = [];
  const gate = Promise.withResolvers<void>();
  await using bench = await open(keeper(told, () => gate.promise));
  const far = await bench.accept();
  await far.registerV2();
  let upto: unknown;
  for (let seq = 1; seq <= 6; seq++) {
    upto = (await end(far, seq, `e${seq}`))["sid"];
  }
  await far.send({ type: "status_ack", upto });
  deepStrictEqual(told.length, 4);
  gate.resolve();
  await settle();
  deepStrictEqual(told.toSorted(), [1, 2, 3, 4, 5, 6].map((n) => `e${n} 1`));
});

Deno.test("an executor is never told under a control plane that acknowledges nothing", async () => {
  const told: string[] = [];
  await using bench = await open(keeper(told));
  const far = await bench.accept();
  await far.registerV1();
  await far.send({ type: "event", event: specOf("e1") });
  while ((await far.next())["state"] !== "completed");
  await settle();
  await bench.clock.advance(60_000);
  deepStrictEqual(told, []);
});

Deno.test("Journal keeps an end of which an executor is still to be told, and knows who was told", async () => {
  const file = new MemoryJournal();
  const clock = new TestClock();
  const open = () =>
    Journal.open(file, {
      agent: "edge",
      ids: ulids(() => 1, { next: () => 0.5 }),
      clock,
      log: silentLogger,
    });
  const ids = (journal: Journal) => [...journal.untold()].map(({ id }) => id);
  {
    await using journal = await open();
    for (const [id, sid, tells] of [["a", 1, "x"], ["b", 2, "x"], ["c", 3]]) {
      const arrival = { id: String(id), attempt: 1, digest: "", deadline: 1 };
      journal.arrive({ ...arrival, ...(tells && { tells: "x" }) });
      const status = { phase: "failed" as const, error: ERROR };
      const report = { agentId: "edge", at: 0, attempt: 1, id: arrival.id };
      await journal.finish(lastStatus({ ...report, ...status }), Number(sid));
    }
    deepStrictEqual(ids(journal), []);
    journal.sent(3);
    deepStrictEqual(ids(journal), ["a", "b"]);
    await journal.told({ id: "a", attempt: 1 });
  }
  {
    await using journal = await open(); // which writes it anew
    deepStrictEqual(ids(journal), ["b"]);
  }
  await using journal = await open();
  deepStrictEqual(ids(journal), ["b"]);
  const entries = () => [...journal.entries()].map(({ id }) => id);
  deepStrictEqual(entries(), ["a", "b", "c"]);
  journal.keepPurged(() => 48 * 3600_000, () => false);
  deepStrictEqual(entries(), ["b"]);
  // Another attempt says that the end of the one before is known: what it is told holds for both.
  journal.arrive({ id: "b", attempt: 2, digest: "", deadline: 1, tells: "x" });
  deepStrictEqual(ids(journal), []);
});
