import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Executor, inventoryDigest } from "@transporter/sdk";
import {
  AgentBench,
  listLogger,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

/** What a step of a golden conversation does: a frame that the control plane sends, or one that it gets. */
interface Step {
  readonly send?: RawFrame;
  readonly expect?: RawFrame;
  readonly advanceMs?: number;
}

async function play(bench: AgentBench, steps: readonly Step[]): Promise<void> {
  const far = await bench.accept();
  for (const { send, expect, advanceMs } of steps) {
    if (send !== undefined) await far.send(send);
    if (advanceMs !== undefined) await bench.clock.advance(advanceMs);
    // The text, not the value: key by key as upstream's programs write it.
    if (expect !== undefined) {
      strictEqual(await far.text(), JSON.stringify(expect));
    }
  }
}

async function golden(name: string): Promise<Step[]> {
  const text = await Deno.readTextFile(
    new URL(`testdata/${name}`, import.meta.url),
  );
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

const WHO = {
  agentName: "Edge",
  clusterName: "c",
  clusterProvider: "kind",
  region: "local",
  namespace: "default",
  hostname: "h",
};

for (const version of ["v1", "v2"]) {
  Deno.test(`Agent.run() holds the golden conversation with a ${version} control plane`, async () => {
    await using bench = await AgentBench.open(WHO);
    await play(bench, await golden(`conversation_${version}.jsonl`));
    deepStrictEqual(bench.started, ["e1 1"]);
  });
}

Deno.test("Agent.run() registers labels, several executors in v1's words, and what it remembers", async () => {
  const bench = await AgentBench.open({ label: ["team=payments", "note=a=b"] });
  {
    await using _bench = bench;
    const far = await bench.accept();
    const registration = await far.registerV2();
    deepStrictEqual(registration["labels"], { team: "payments", note: "a=b" });
    deepStrictEqual((registration["link"] as RawFrame)["resume"], undefined);
    await far.send({ type: "event", seq: 5, attempt: 1, event: specOf("e1") });
  }
  await using again = await AgentBench.open({ file: bench.file });
  const link = (await (await again.accept()).registerV2())["link"] as RawFrame;
  deepStrictEqual(link["resume"], {
    epoch: "e_1",
    recv: 5,
    seen: 5,
    inventory: inventoryDigest([{ event_id: "e1", attempt: 1 }]),
  });
});

/** An executor that never ends what has `hang` in its payload, but for an abort. */
function hanging(started: string[], repeatable = true): Executor {
  return witness((start) => started.push(start), {
    repeatable,
    apply: ({ hang }, { signal }) =>
      hang === true
        ? new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        )
        : Promise.resolve({}),
  });
}

/** What a frame says of an event, in short. */
function brief(frame: RawFrame): string {
  const { event_id: id, attempt = "-", state, phase } = frame;
  return `${id} ${attempt} ${state}/${phase}`;
}

Deno.test("Agent.run() asks again for what is in its journal and not in hand, and starts it no second time", async () => {
  const started: string[] = [];
  await using dying = await AgentBench.open({
    executor: hanging(started, false),
  });
  const far = await dying.accept();
  await far.registerV2();
  const event = (seq: number, payload: RawFrame = {}): RawFrame => (
    { type: "event", seq, attempt: 1, event: specOf(`e${seq}`, { payload }) }
  );
  await far.send(event(1));
  await far.send(event(2, { hang: true }));
  await far.send(event(3));
  deepStrictEqual(started, ["e1 1", "e2 1", "e3 1"]);

  const file = new MemoryJournal(dying.file);
  await using bench = await AgentBench.open({
    file,
    executor: hanging(started, false),
  });
  const back = await bench.accept();
  const link =
    (await back.registerV2({ status_upto: 100 }))["link"] as RawFrame;
  deepStrictEqual(link["resume"], {
    epoch: "e_1",
    recv: 1,
    seen: 3,
    inventory: inventoryDigest(
      ["e1", "e2", "e3"].map((id) => ({ event_id: id, attempt: 1 })),
    ),
  });
  await back.send(event(2, { hang: true }));
  const [ack, last] = await back.take(2);
  deepStrictEqual(ack, { type: "ack", epoch: "e_1", upto: 2 });
  strictEqual(brief(last!), "e2 1 in_progress/interrupted");
  deepStrictEqual([last?.["details"], last?.["sid"]], [
    { repeatable: false },
    101,
  ]);
  strictEqual(started.length, 3);

  // The control plane decides on another attempt.
  await back.send({ ...event(2, { hang: true }), seq: 4, attempt: 2 });
  strictEqual(started.at(-1), "e2 2");
});

Deno.test("Agent.run() tells a v1 control plane of what was cut off, as that will not send it again", async () => {
  const started: string[] = [];
  await using dying = await AgentBench.open({ executor: hanging(started) });
  const far = await dying.accept();
  await far.registerV1();
  const event = {
    type: "event",
    event: specOf("e1", { payload: { hang: true } }),
  };
  await far.send(event);

  const file = new MemoryJournal(dying.file);
  await using bench = await AgentBench.open({
    file,
    executor: hanging(started),
  });
  const back = await bench.accept();
  await back.registerV1();
  strictEqual(brief(await back.next()), "e1 - failed/failed");
  await back.send(event);
  strictEqual(brief(await back.next()), "e1 - failed/failed");
  deepStrictEqual(started, ["e1 1"]);
});

Deno.test("Agent.run() sends heartbeats as often as the control plane wants, with the state of its link", async () => {
  await using bench = await AgentBench.open({ heartbeatInterval: 5_000 });
  const far = await bench.accept();
  await far.registerV2({ heartbeat_ms: 2_000 });
  await bench.clock.advance(2_000);
  const { metrics, ...frame } = await far.next();
  deepStrictEqual(frame, {
    type: "heartbeat",
    timestamp: "2026-11-23T05:04:29.000Z",
    link: { recv: 0, started: 0, queued: 0 },
  });
  const { journal_bytes: bytes, ...rest } = metrics as RawFrame;
  ok(Number(bytes) > 0);
  deepStrictEqual(rest, {
    running: 0,
    waiting: 0,
    unacknowledged: 0,
    taking: true,
    clock_offset_ms: 0,
  });
});

Deno.test("Agent.run() follows the control plane's clock for deadlines", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2({ server_time: "2026-11-23T05:06:27.000Z" }); // the agent is two minutes behind
  bench.clock.jump(-120_000); // and is set back another two
  const frame = { type: "event", attempt: 1 };
  await far.send({
    ...frame,
    seq: 1,
    event: specOf("late"),
    deadline: "2026-11-23T05:06:26.000Z",
  });
  await far.send({
    ...frame,
    seq: 2,
    event: specOf("good"),
    deadline: "2026-11-23T05:07:00.000Z",
  });
  deepStrictEqual(bench.started, ["good 1"]);
  await bench.clock.advance(10_000);
  let beat: RawFrame;
  do beat = await far.next(); while (beat["type"] !== "heartbeat");
  await far.send({
    type: "heartbeat_ack",
    timestamp: beat["timestamp"],
    server_time: "2026-11-23T05:07:27.000Z", // the control plane's clock was set
  });
  await far.send({
    ...frame,
    seq: 3,
    event: specOf("later"),
    deadline: "2026-11-23T05:07:26.000Z",
  });
  deepStrictEqual(bench.started, ["good 1"]);
});

Deno.test("Agent.run() closes a link on which a v2 control plane is silent, and tells why", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2({ idle_ms: 25_000 });
  await bench.clock.advance(24_999);
  strictEqual((await far.take(2)).length, 2); // heartbeats
  await bench.clock.advance(1);
  const error = await far.text().catch((reason) => reason);
  strictEqual(error.code, "timeout");
  await bench.clock.advance(1_000);
  strictEqual(bench.dialled.length, 2);
});

Deno.test("Agent.run() stays with a v1 control plane that says nothing", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV1();
  await bench.clock.advance(600_000);
  strictEqual(
    (await far.take(60)).every((frame) => frame["type"] === "heartbeat"),
    true,
  );
  strictEqual(bench.dialled.length, 1);
});

const REFUSALS: Readonly<
  Record<string, { frames: readonly RawFrame[]; log: RegExp }>
> = {
  "refuses": {
    frames: [{ error: "agent ID is required" }],
    log:
      /Cannot register as the control plane refuses: \\"agent ID is required\\"/,
  },
  "answers something else": {
    frames: [{ type: "event", event: {} }],
    log: /the control plane answers with a \\"event\\" frame/,
  },
  "reports an error": {
    frames: [{ type: "error", code: "slow_down", message: "Too many" }],
    log: /"code":"slow_down","message":"Too many"/,
  },
  "promises a welcome and sends something else": {
    frames: [{ status: "registered", link: "2" }, {
      type: "bye",
      reason: "shutdown",
    }],
    log: /the control plane answers with a \\"bye\\" frame/,
  },
  "says nothing": { frames: [], log: /the control plane does not answer/ },
  "promises a welcome and says nothing": {
    frames: [{ status: "registered", link: "2" }],
    log: /the control plane does not answer/,
  },
};

for (const [name, { frames, log: expected }] of Object.entries(REFUSALS)) {
  Deno.test(`Agent.run() tries again when the control plane ${name}`, async () => {
    const lines: string[] = [];
    await using bench = await AgentBench.open({ log: listLogger(lines) });
    const far = await bench.accept();
    await far.next();
    for (const frame of frames) await far.send(frame);
    while (bench.dialled.length < 2) await bench.clock.advance(500);
    match(lines.join("\n"), expected);
    await (await bench.accept()).registerV2();
    match(lines.join("\n"), /Connected/);
  });
}

Deno.test("Agent.run() goes on when the control plane says goodbye, reports an error or speaks a newer protocol", async () => {
  const lines: string[] = [];
  await using bench = await AgentBench.open({ log: listLogger(lines) });
  const far = await bench.accept();
  await far.registerV2();
  await far.send({
    type: "error",
    code: "unknown_event",
    message: "No such event",
  });
  await far.send({ type: "from_the_future", field: 1 });
  await far.send({ type: "event", seq: 1, attempt: 1, event: specOf("e1") });
  deepStrictEqual(bench.started, ["e1 1"]);
  await far.send({ type: "bye", reason: "restart" });
  while (await far.text() !== undefined);
  await bench.clock.advance(1_000);
  await (await bench.accept()).registerV2();
  match(lines.join("\n"), /The control plane reports an error .*unknown_event/);
});

Deno.test("Agent.run() ends a link that brings a malformed frame, and comes back", async () => {
  await using bench = await AgentBench.open();
  const far = await bench.accept();
  await far.registerV2();
  await far.wire.send("[1]");
  const error = await far.text().catch((reason) => reason);
  strictEqual(error.code, "bad_frame");
  await bench.clock.advance(1_000);
  await (await bench.accept()).registerV2();
});
