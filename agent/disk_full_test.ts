import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  AgentBench,
  type FarEnd,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { MemoryJournal, RESERVE_BYTES } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

function event(seq: number, id: string, rest: RawFrame = {}): RawFrame {
  const deadline = "2026-11-24T05:04:27.000Z";
  return {
    type: "event",
    seq,
    attempt: 1,
    deadline,
    event: specOf(id),
    ...rest,
  };
}

/** What an agent says until its next heartbeat, without progress; and that heartbeat. */
async function answers(
  bench: AgentBench,
  far: FarEnd,
): Promise<[seen: string[], metrics: RawFrame]> {
  await bench.clock.advance(10_000);
  const seen: string[] = [];
  while (true) {
    const frame = await far.next();
    const { type, upto, seq, code, retry_after_ms: retryMs } = frame;
    if (type === "heartbeat") return [seen, frame["metrics"] as RawFrame];
    if (type === "ack") seen.push(`ack ${upto}`);
    if (type === "nack") seen.push(`nack ${seq} ${code} ${retryMs}`);
    if (frame["state"] === "completed") seen.push(`${frame["event_id"]} done`);
  }
}

/** An agent with a running event, whose disk then has no room but what is set aside. */
async function full(): Promise<[AgentBench, FarEnd, () => void]> {
  const gate = Promise.withResolvers<void>();
  const executor = witness((start) => bench.started.push(start), {
    apply: () => gate.promise,
  });
  const bench = await AgentBench.open({ executor });
  const far = await bench.accept();
  await far.registerV2();
  await far.send(event(1, "running"));
  deepStrictEqual((await answers(bench, far))[0], ["ack 1"]);
  bench.file.capacity = bench.file.bytes.length + RESERVE_BYTES;
  return [bench, far, () => gate.resolve()];
}

Deno.test("Agent.run() on a full disk brings to its end what runs, and refuses what is new until there is room", async () => {
  const [opened, far, release] = await full();
  await using bench = opened;
  release();
  const [seen, metrics] = await answers(bench, far);
  deepStrictEqual([seen, metrics["taking"]], [["running done"], false]);
  await far.send(event(2, "new"));
  deepStrictEqual((await answers(bench, far))[0], [
    "nack 2 disk_full 10000",
    "ack 2", // that number is dealt with
  ]);
  bench.file.capacity = Infinity;
  strictEqual((await answers(bench, far))[1]["taking"], true);
  await far.send(event(3, "new"));
  deepStrictEqual((await answers(bench, far))[0].toSorted(), [
    "ack 3",
    "new done",
  ]);
  deepStrictEqual(bench.started, ["running 1", "new 1"]);
});

Deno.test("Agent.run() acknowledges, starts and tells nothing while not even what was set aside is left", async () => {
  const [opened, far, release] = await full();
  await using bench = opened;
  await far.send(event(2, "last")); // takes what was set aside, and its start with it
  bench.file.capacity = bench.file.bytes.length;
  release();
  const seen = (await answers(bench, far))[0];
  deepStrictEqual(seen, ["ack 2"]);
  deepStrictEqual(bench.started, ["running 1", "last 1"]);
  // What another process would find.
  const left = new MemoryJournal(bench.file);
  bench.file.capacity = Infinity;
  deepStrictEqual((await answers(bench, far))[0].toSorted(), [
    "last done",
    "running done",
  ]);
  await using again = await AgentBench.open({ file: left });
  const back = await again.accept();
  await back.registerV2();
  await back.send(event(1, "running"));
  await back.send(event(2, "last"));
  deepStrictEqual(again.started, []); // they are interrupted
});

Deno.test("Agent.run() drains in time on a full disk", async () => {
  const [bench, , release] = await full();
  bench.file.capacity = 0;
  await bench.file.reserve(false);
  release();
  bench.stop();
  await bench.clock.advance(60_000);
  await bench.running;
});

Deno.test("Agent.run() refuses new events while its journal is as long as it should be", async () => {
  await using bench = await AgentBench.open({ journalMax: 1 });
  const far = await bench.accept();
  await far.registerV2();
  const payload = { text: "x".repeat(1000) };
  let seq = 0;
  while (bench.file.bytes.length < 768 * 1024) {
    const id = `e${++seq}`.padEnd(128, "x");
    await far.send(event(seq, id, { event: specOf(id, { payload }) }));
    let last: RawFrame;
    do last = await far.next(); while (last["state"] !== "completed");
    await far.send({ type: "status_ack", upto: last["sid"] });
  }
  await far.send(event(seq + 1, "one-more"));
  let nack: RawFrame;
  do nack = await far.next(); while (nack["type"] !== "nack");
  deepStrictEqual([nack["code"], nack["retry_after_ms"]], [
    "exhausted",
    10_000,
  ]);
});
