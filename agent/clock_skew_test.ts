import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { formatTime, parseTime } from "@transporter/sdk";
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

/** A time of day so many seconds after the agent dialled, by a control plane whose clock is right. */
function second(count: number): string {
  return formatTime(parseTime("2026-11-23T05:04:27.000Z")! + count * 1000);
}

/** An agent whose welcome came nine seconds after it asked, and the first heartbeat that it sends then. */
async function welcomedSlowly(
  bench: AgentBench,
  serverTime: string,
): Promise<{ far: FarEnd; beat: RawFrame }> {
  const far = await bench.accept();
  await bench.clock.advance(9_000);
  await far.registerV2({ server_time: serverTime });
  return { far, beat: await next(far, "heartbeat") };
}

/** Sends an event that has to begin within so many seconds after the agent dialled. */
async function sendDue(far: FarEnd, id: string, dueSecond: number) {
  await far.send({ ...event(1, id), deadline: second(dueSecond) });
}

/** The code that an event ends with. */
async function codeOf(far: FarEnd): Promise<unknown> {
  const last = await next(far, "status_update");
  return (last["error"] as RawFrame | undefined)?.["code"];
}

Deno.test("Runner starts nothing late when the welcome was long on its way", async () => {
  await using bench = await AgentBench.open();
  const { far, beat } = await welcomedSlowly(bench, second(0));
  await sendDue(far, "e1", 6); // halfway is second 4.5: it would seem in time
  deepStrictEqual(bench.started, []);
  const { timestamp } = beat;
  await far.send({ type: "heartbeat_ack", timestamp, server_time: second(9) });
  strictEqual(await codeOf(far), "expired");
  deepStrictEqual(bench.started, []);
});

Deno.test("Runner starts what is in time when the welcome was long in coming, once it has asked again", async () => {
  await using bench = await AgentBench.open();
  const { far, beat } = await welcomedSlowly(bench, second(9));
  await sendDue(far, "e1", 14);
  deepStrictEqual(bench.started, []);
  const { timestamp } = beat;
  await far.send({ type: "heartbeat_ack", timestamp, server_time: second(9) });
  deepStrictEqual(bench.started, ["e1 1"]);
});

Deno.test("Runner starts at once what is in time whatever the time is", async () => {
  await using bench = await AgentBench.open();
  const { far } = await welcomedSlowly(bench, second(9));
  await sendDue(far, "e1", 17);
  deepStrictEqual(bench.started, ["e1 1"]);
});

Deno.test("Runner waits for a better time no longer than its link lasts", async () => {
  await using bench = await AgentBench.open();
  const { far } = await welcomedSlowly(bench, second(9));
  await sendDue(far, "e1", 14);
  await far.wire.close();
  const back = await bench.accept();
  await back.registerV2();
  strictEqual(await codeOf(back), "expired");
  deepStrictEqual(bench.started, []);
});

Deno.test("Runner counts a slow link against an event, on which no answer tells the time well", async () => {
  await using bench = await AgentBench.open();
  const { far, beat: { timestamp } } = await welcomedSlowly(bench, second(9));
  await bench.clock.advance(6_000);
  await sendDue(far, "e1", 16); // asked at 9, answered at 15: it may be 3 s later than halfway says
  await far.send({ type: "heartbeat_ack", timestamp, server_time: second(12) });
  strictEqual(await codeOf(far), "expired");
  deepStrictEqual(bench.started, []);
});

Deno.test("Heartbeats are measured also when they are answered after the next was sent", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2({ heartbeat_ms: 1_000 });
  await bench.clock.advance(3_000);
  const [first] = await far.take(3);
  const timestamp = first?.["timestamp"]; // of second 1; its answer is made at 2 and arrives at 3
  await far.send({ type: "heartbeat_ack", timestamp, server_time: second(62) });
  await bench.clock.advance(1_000);
  const { clock_offset_ms: offsetMs } =
    (await far.next())["metrics"] as RawFrame;
  strictEqual(offsetMs, 60_000);
});
