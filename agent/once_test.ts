import { ok, rejects, strictEqual } from "node:assert/strict";
import { settle } from "@transporter/sdk/testing";
import {
  AgentBench,
  type AgentBenchOptions,
  type FarEnd,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { witness } from "./testing/witness.ts";

const FEATURES = { features: ["ack", "backlog"] };

async function open(
  options: AgentBenchOptions = {},
  welcome: RawFrame = FEATURES,
): Promise<[AgentBench, FarEnd]> {
  const bench = await AgentBench.open({ once: true, ...options });
  const far = await bench.accept();
  await far.registerV2(welcome);
  return [bench, far];
}

/** Lets time pass until the agent has said something of a type; other frames are read over. */
async function said(
  bench: AgentBench,
  far: FarEnd,
  type: string,
): Promise<RawFrame> {
  await bench.clock.advance(200);
  let frame: RawFrame;
  do frame = await far.next(); while (frame["type"] !== type);
  return frame;
}

/** Whether the agent has ended, once it had the time to. */
async function hasEnded(bench: AgentBench, ms = 200): Promise<boolean> {
  let ended = false;
  bench.running.then(() => ended = true, () => ended = true);
  await bench.clock.advance(ms);
  await settle();
  return ended;
}

function event(id: string, seq: number): RawFrame {
  return { type: "event", seq, attempt: 1, event: specOf(id) };
}

/** Acknowledges all that an event led to. */
async function acknowledge(far: FarEnd): Promise<void> {
  for (;;) {
    const { type, state, sid } = await far.next();
    if (type !== "status_update" || state !== "completed") continue;
    return await far.send({ type: "status_ack", upto: sid });
  }
}

Deno.test("untilNothingWaits() ends the agent once the control plane says that nothing waits", async () => {
  const [bench, far] = await open();
  await said(bench, far, "backlog_request");
  await far.send({ type: "backlog", waiting: true });
  strictEqual(await hasEnded(bench), false);
  await said(bench, far, "backlog_request");
  await far.send({ type: "backlog", waiting: false });
  strictEqual(await hasEnded(bench), true);
  await bench.running;
});

Deno.test("untilNothingWaits() does not count what was asked before something came", async () => {
  const [bench, far] = await open();
  await said(bench, far, "backlog_request");
  await far.send(event("e1", 1));
  await acknowledge(far);
  await far.send({ type: "backlog", waiting: false });
  strictEqual(await hasEnded(bench, 100), false);
  await said(bench, far, "backlog_request");
  await far.send({ type: "backlog", waiting: false });
  strictEqual(await hasEnded(bench), true);
});

Deno.test("untilNothingWaits() asks only once every end is acknowledged", async () => {
  const [bench, far] = await open();
  await far.send(event("e1", 1));
  await bench.clock.advance(5000);
  for (let i = 0; i < 2; i++) { // the first may answer what was asked before the event
    await far.send({ type: "backlog", waiting: false });
    strictEqual(await hasEnded(bench), false);
  }
  await acknowledge(far);
  await said(bench, far, "backlog_request");
  await far.send({ type: "backlog", waiting: false });
  strictEqual(await hasEnded(bench), true);
});

Deno.test("untilNothingWaits() waits for what is ready within a minute, and leaves what is for later", async () => {
  const [bench, far] = await open();
  const at = (ms: number) => new Date(bench.clock.now() + ms).toISOString();
  const soon = at(59_000);
  for (let i = 0; i < 4; i++) {
    await said(bench, far, "backlog_request");
    await far.send({ type: "backlog", waiting: false, ready_at: soon });
    strictEqual(await hasEnded(bench, 9000), false); // longer than --once-timeout in the end
  }
  await said(bench, far, "backlog_request");
  await far.send({ type: "backlog", waiting: false, ready_at: at(61_000) });
  strictEqual(await hasEnded(bench), true);
});

Deno.test("untilNothingWaits() refuses to wait for an agent that is paused", async () => {
  const [bench, far] = await open();
  await said(bench, far, "backlog_request");
  await far.send({ type: "backlog", waiting: false, paused: true });
  await hasEnded(bench);
  await rejects(bench.running, {
    code: "denied",
    message: /agent "edge" as it is paused/,
  });
});

Deno.test("untilNothingWaits() gives up when nothing comes of what waits, and says why", async () => {
  const skewed = { ...FEATURES, server_time: "2026-11-23T07:04:27.000Z" };
  const [bench, far] = await open({ onceTimeout: 10_000 }, skewed);
  await far.send(event("e1", 1));
  for (let i = 0; i < 4; i++) {
    await said(bench, far, "backlog_request");
    await far.send({ type: "backlog", waiting: true });
  }
  strictEqual(await hasEnded(bench, 9000), false);
  strictEqual(await hasEnded(bench, 1000), true);
  await rejects(bench.running, {
    code: "clock_skew",
    message:
      /nothing came of what waits for 10s, see --once-timeout: .*7200 s behind/,
  });
});

Deno.test("untilNothingWaits() does not count the time in which an event runs", async () => {
  const gate = Promise.withResolvers<void>();
  const executor = witness(() => {}, { apply: () => gate.promise });
  const [bench, far] = await open({ executor });
  await far.send(event("e1", 1));
  for (let i = 0; i < 10; i++) {
    strictEqual(await hasEnded(bench, 9000), false);
    await far.send({ type: "credit_is_not_for_agents" }); // a sign of life
  }
  gate.resolve();
  await settle();
  await acknowledge(far);
  await said(bench, far, "backlog_request");
  await far.send({ type: "backlog", waiting: false });
  strictEqual(await hasEnded(bench), true);
});

Deno.test("untilNothingWaits() counts five quiet seconds of a control plane that cannot say", async () => {
  const [bench, far] = await open({}, { features: ["ack"] });
  strictEqual(await hasEnded(bench, 4000), false);
  await far.send(event("e1", 1));
  await acknowledge(far);
  strictEqual(await hasEnded(bench, 4500), false);
  strictEqual(await hasEnded(bench, 1000), true);
  await bench.running;
});

Deno.test("untilNothingWaits() ends with one of version 1, which acknowledges nothing", async () => {
  const bench = await AgentBench.open({ once: true });
  const far = await bench.accept();
  await far.registerV1();
  await far.send({ type: "event", event: specOf("e1") });
  strictEqual(await hasEnded(bench, 4500), false);
  strictEqual(await hasEnded(bench, 1500), true);
  await bench.running;
});

Deno.test("untilNothingWaits() gives up when there is no control plane, with what the last try said", async () => {
  const bench = await AgentBench.open({
    once: true,
    refusals: Array.from({ length: 100 }, () => new Error("Nobody is there")),
  });
  strictEqual(await hasEnded(bench, 29_000), false);
  strictEqual(await hasEnded(bench, 2000), true);
  await rejects(bench.running, {
    code: "unavailable",
    message: /not to be reached for 30s, see --once-timeout: Nobody is there$/,
  });
  // An agent that stays would have dialled eight times, the last one in the middle of that time.
  ok(bench.dialled.length > 15, `${bench.dialled.length}`);
});

Deno.test("Agent.open() refuses --once-timeout without --once", async () => {
  await rejects(AgentBench.open({ onceTimeout: 1000 }), { code: "usage" });
});
