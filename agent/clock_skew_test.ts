import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import {
  AgentBench,
  type FarEnd,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { witness } from "./testing/witness.ts";

function event(seq: number, id: string): RawFrame {
  const deadline = "2026-11-24T05:04:27.000Z";
  return { type: "event", seq, attempt: 1, deadline, event: specOf(id) };
}

/** The next frame of a type. */
async function next(far: FarEnd, type: string): Promise<RawFrame> {
  let frame: RawFrame;
  do frame = await far.next(); while (frame["type"] !== type);
  return frame;
}

/** Sends a heartbeat's answer with a time of day. */
async function tellTime(
  bench: AgentBench,
  far: FarEnd,
  time: string,
): Promise<void> {
  await bench.clock.advance(10_000);
  const { timestamp } = await next(far, "heartbeat");
  await far.send({ type: "heartbeat_ack", timestamp, server_time: time });
}

const OFFSETS: Readonly<Record<string, { time: string; starts: boolean }>> = {
  "five minutes ahead": { time: "2026-11-23T05:09:27.000Z", starts: true },
  "more than that ahead": { time: "2026-11-23T05:09:27.001Z", starts: false },
  "five minutes behind": { time: "2026-11-23T04:59:27.000Z", starts: true },
  "more than that behind": { time: "2026-11-23T04:59:26.999Z", starts: false },
  "not telling": { time: "soon", starts: false },
};

for (const [name, { time, starts }] of Object.entries(OFFSETS)) {
  Deno.test(`Inbox.take() ${starts ? "has events run" : "refuses events for now"} when the control plane's clock is ${name}`, async () => {
    await using bench = await AgentBench.open();
    const far = await bench.accept();
    await far.registerV2({ server_time: time });
    await far.send(event(1, "e1"));
    deepStrictEqual(bench.started, starts ? ["e1 1"] : []);
    if (starts) return;
    const { code, retry_after_ms: retryMs } = await next(far, "nack");
    deepStrictEqual([code, retryMs], ["clock_skew", 30_000]);
  });
}

Deno.test("Inbox.take() has events run again once the clocks agree", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2({ server_time: "2026-11-23T07:04:27.000Z" });
  await far.send(event(1, "e1"));
  const { detail } = await next(far, "nack");
  match(String(detail), /clock is 7200 s behind the control plane's/);
  await tellTime(bench, far, "2026-11-23T05:04:37.000Z");
  await bench.clock.advance(20_000); // until it may come again
  await far.send(event(2, "e1"));
  deepStrictEqual(bench.started, ["e1 1"]);
});

Deno.test("Inbox.take() lets nothing overtake what was refused before it on the same link", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2({ server_time: "2026-11-23T07:04:27.000Z" });
  await far.send(event(1, "e1"));
  await tellTime(bench, far, "2026-11-23T05:04:37.000Z");
  await far.send(event(2, "e2"));
  deepStrictEqual(bench.started, []);
  const { seq, code, retry_after_ms: retryMs } = await next(far, "nack");
  deepStrictEqual([seq, code, retryMs], [2, "clock_skew", 20_000]);
  // The refusals are lost with the link: both come again, in their order.
  await far.wire.close();
  const back = await bench.accept();
  await back.registerV2();
  await back.send(event(1, "e1"));
  await back.send(event(2, "e2"));
  deepStrictEqual(bench.started, ["e1 1", "e2 1"]);
});

Deno.test("Runner starts nothing that waits while the clock is not believed, and all of it afterwards", async () => {
  const gate = Promise.withResolvers<void>();
  const started: string[] = [];
  const executor = witness((start) => started.push(start), {
    apply: () => gate.promise,
  });
  await using bench = await AgentBench.open({ executor, concurrency: 1 });
  const far = await bench.accept();
  await far.registerV2();
  await far.send(event(1, "running"));
  await far.send(event(2, "waiting"));
  await tellTime(bench, far, "2026-11-23T09:00:00.000Z");
  gate.resolve();
  await bench.clock.advance(0);
  deepStrictEqual(started, ["running 1"]);
  await tellTime(bench, far, "2026-11-23T05:04:47.000Z");
  deepStrictEqual(started, ["running 1", "waiting 1"]);
});

Deno.test("Runner starts nothing when its clock is set while the start is noted", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2();
  const gate = Promise.withResolvers<void>();
  bench.file.gate = gate.promise;
  await far.send(event(1, "e1"));
  bench.clock.jump(-3_600_000);
  bench.file.gate = undefined;
  gate.resolve();
  await bench.clock.advance(0);
  const last = await next(far, "status_update");
  strictEqual(last["phase"], "failed");
  strictEqual((last["error"] as RawFrame)["code"], "clock_skew");
  deepStrictEqual(bench.started, []);
});
