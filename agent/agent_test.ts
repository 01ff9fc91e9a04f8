import {
  deepStrictEqual,
  match,
  ok,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { type Executor, TransporterError, type Wire } from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { settle } from "@transporter/sdk/testing";
import { Agent } from "./agent.ts";
import type { AgentOptions } from "./options.ts";
import {
  AgentBench,
  FarEnd,
  listLogger,
  type RawFrame,
} from "./testing/agent_bench.ts";
import { specOf } from "./testing/control_plane.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { witness } from "./testing/witness.ts";

function event(seq: number, id: string, payload: RawFrame = {}): RawFrame {
  return { type: "event", seq, attempt: 1, event: specOf(id, { payload }) };
}

/** Takes frames up to one that fits. */
async function until(
  far: FarEnd,
  fits: (frame: RawFrame) => boolean,
): Promise<RawFrame> {
  while (true) {
    const frame = await far.next();
    if (fits(frame)) return frame;
  }
}

/** Runs until it is told to go on, and heeds an abort if it is polite. */
function slow(
  gate: Promise<unknown>,
  started: string[],
  polite = true,
): Executor {
  return witness((start) => started.push(start), {
    async apply(_payload, { signal }) {
      const aborted = new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), {
          once: true,
        })
      );
      aborted.catch(() => {});
      await (polite ? Promise.race([gate, aborted]) : gate);
    },
  });
}

Deno.test("agent.reconnect.forever: a control plane that is away for an hour finds its agent again", async () => {
  await using bench = await AgentBench.open();
  const refused = new TransporterError("unavailable", "Nobody answers");
  const first = await bench.accept();
  await first.registerV2({ idle_ms: 3600_000 });
  await bench.clock.advance(60_000);
  bench.refusals.push(...Array.from({ length: 100_000 }, () => refused));
  await first.wire.close(new TransporterError("unavailable", "Restart"));
  const dialled = bench.dialled.length;
  await bench.clock.advance(3600_000);
  const perHour = bench.dialled.length - dialled;
  // Half of the bound each time: 30 s at most, so one try every 15 s.
  ok(perHour > 200 && perHour < 300, `${perHour} tries in an hour`);
  bench.refusals.length = 0;
  const second = await bench.accept();
  await second.registerV2();
  const deadline = "2026-11-24T00:00:00Z";
  await second.send({ ...event(1, "e1"), deadline });
  deepStrictEqual(bench.started, ["e1 1"]);
});

Deno.test("agent.reconnect.forever: being closed right after the registration, as the Go control plane does, is survived", async () => {
  await using bench = await AgentBench.open();
  for (let i = 0; i < 20; i++) {
    const far = await bench.accept();
    await far.registerV1();
    await far.wire.close();
  }
  const far = await bench.accept();
  await far.registerV1();
  await far.send({ type: "event", event: specOf("e1") });
  deepStrictEqual(bench.started, ["e1 1"]);
});

Deno.test("Agent.run() tries the addresses of the control plane in turn, and stays with the one that works", async () => {
  const cpUrl = ["ws://a", "ws://b", "ws://c"];
  const refusals = [new TransporterError("unavailable", "Nobody answers")];
  await using bench = await AgentBench.open({ cpUrl, refusals });
  const far = await bench.accept();
  await far.registerV2();
  deepStrictEqual(bench.dialled, ["a", "b"]);
  await bench.clock.advance(20_000);
  await far.wire.close();
  await bench.clock.advance(1_000);
  deepStrictEqual(bench.dialled, ["a", "b", "b"]);
});

const PAUSES: Readonly<
  Record<string, { error: TransporterError; pauses: readonly number[] }>
> = {
  "an agent of the same name": {
    error: new TransporterError("superseded", "Another agent"),
    pauses: [60_000, 60_000, 60_000],
  },
  "a refusal": {
    error: new TransporterError("denied", "No"),
    pauses: [
      250,
      500,
      1_000,
      2_000,
      4_000,
      8_000,
      16_000,
      32_000,
      64_000,
      128_000,
      150_000,
      150_000,
    ],
  },
  "silence": {
    error: new TransporterError("unavailable", "Nobody answers"),
    pauses: [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000],
  },
};

for (const [name, { error, pauses }] of Object.entries(PAUSES)) {
  Deno.test(`Agent.run() waits after ${name}, longer each time up to a bound`, async () => {
    await using bench = await AgentBench.open();
    const first = await bench.accept();
    bench.refusals.push(...pauses.map(() => error));
    await first.wire.close(error);
    for (const [i, pauseMs] of pauses.entries()) {
      await bench.clock.advance(pauseMs - 1);
      strictEqual(bench.dialled.length, i + 1, `before pause ${i}`);
      await bench.clock.advance(1);
      strictEqual(bench.dialled.length, i + 2, `after pause ${i}`);
    }
  });
}

Deno.test("Agent.run() gives up a connection that is never made", async () => {
  const lines: string[] = [];
  let aborted = false;
  const dial: AgentOptions["dials"][string] = (_url, { signal }) =>
    new Promise<Wire>((_, reject) =>
      signal.addEventListener("abort", () => {
        aborted = true;
        reject(signal.reason);
      }, { once: true })
    );
  await using bench = await AgentBench.open({
    dials: { ws: dial },
    log: listLogger(lines),
  });
  await bench.clock.advance(10_000);
  ok(aborted);
  match(lines.join("\n"), /Cannot connect to \\"cp-1\\" as it does not answer/);
});

Deno.test("agent.burst.500: a burst of events runs once each, 24 at a time, in order", async () => {
  let running = 0;
  let runningMax = 0;
  const started: string[] = [];
  const executor = witness((start) => started.push(start), {
    async apply() {
      runningMax = Math.max(runningMax, ++running);
      await settle();
      running--;
    },
  });
  await using bench = await AgentBench.open({ executor });
  const far = await bench.accept();
  await far.registerV1();
  const ids = Array.from({ length: 500 }, (_, i) => `e${i}`);
  for (const id of ids) {
    await far.wire.send(JSON.stringify({ type: "event", event: specOf(id) }));
  }
  const completed = new Set<unknown>();
  while (completed.size < 500) {
    const { event_id: id } = await until(
      far,
      ({ state }) => state === "completed",
    );
    ok(!completed.has(id));
    completed.add(id);
  }
  deepStrictEqual(started, ids.map((id) => `${id} 1`));
  strictEqual(runningMax, 24);
});

Deno.test("agent.sigterm.midapply: what runs finishes, nothing else starts, and the control plane is told", async () => {
  const gate = Promise.withResolvers<void>();
  const started: string[] = [];
  await using bench = await AgentBench.open({
    executor: slow(gate.promise, started),
    concurrency: 1,
  });
  const far = await bench.accept();
  await far.registerV2();
  await far.send(event(1, "running"));
  await far.send(event(2, "waiting"));
  bench.stop();
  await far.send(event(3, "late"));
  gate.resolve();
  const last = await until(far, ({ state }) => state === "completed");
  strictEqual(last["event_id"], "running");
  await far.send({ type: "status_ack", upto: last["sid"] });
  deepStrictEqual(await far.next(), { type: "bye", reason: "shutdown" });
  strictEqual(await far.text(), undefined);
  await bench.running;
  deepStrictEqual(started, ["running 1"]);
  // What arrived and was not started is still known; what came after was not taken.
  await using again = await AgentBench.open({ file: bench.file });
  const back = await again.accept();
  const link = (await back.registerV2())["link"] as RawFrame;
  deepStrictEqual((link["resume"] as RawFrame)["recv"], 1);
});

Deno.test("agent.sigterm.midapply: what does not finish in time is cut off and reported", async () => {
  const started: string[] = [];
  const never = new Promise<void>(() => {});
  await using bench = await AgentBench.open({
    executor: slow(never, started),
    drainTimeout: 30_000,
  });
  const far = await bench.accept();
  await far.registerV2();
  await far.send(event(1, "e1"));
  bench.stop();
  await bench.clock.advance(24_999);
  await bench.clock.advance(1);
  const last = await until(far, ({ phase }) => phase === "interrupted");
  deepStrictEqual([last["state"], last["details"]], ["in_progress", {
    drained: true,
    repeatable: true,
  }]);
  await far.send({ type: "status_ack", upto: last["sid"] });
  await bench.running;
  await using again = await AgentBench.open({ file: bench.file });
  const back = await again.accept();
  await back.registerV2({ status_upto: 100 });
  await back.send(event(1, "e1"));
  const repeated = await until(back, ({ type }) => type === "status_update");
  deepStrictEqual([repeated["phase"], repeated["sid"]], ["interrupted", 101]);
});

Deno.test("agent.sigterm.midapply: an executor that does not heed the abort, and a control plane that is away, delay the end no longer", async () => {
  const started: string[] = [];
  const gate = Promise.withResolvers<void>();
  const bench = await AgentBench.open({
    executor: slow(gate.promise, started, false),
    drainTimeout: 30_000,
  });
  const far = await bench.accept();
  await far.registerV2();
  await far.send(event(1, "e1"));
  await far.wire.close();
  bench.refusals.push(
    ...Array.from(
      { length: 100 },
      () => new TransporterError("unavailable", "Away"),
    ),
  );
  bench.stop();
  const left = new MemoryJournal(bench.file);
  await bench.clock.advance(30_000);
  await bench.running;

  await using again = await AgentBench.open({ file: left });
  const back = await again.accept();
  await back.registerV2();
  await back.send(event(1, "e1"));
  await until(back, ({ phase }) => phase === "interrupted");
  deepStrictEqual([started, again.started], [["e1 1"], []]);
  gate.resolve();
  await settle();
});

Deno.test("Agent.run() ends at once when nothing is left to do", async () => {
  const refusals = [new TransporterError("unavailable", "Away")];
  const bench = await AgentBench.open({ refusals });
  bench.stop();
  await bench.running;
});

Deno.test("Agent.run() ends with the reason when the journal cannot be written", async () => {
  const started: string[] = [];
  const never = new Promise<void>(() => {});
  const bench = await AgentBench.open({ executor: slow(never, started) });
  const far = await bench.accept();
  await far.registerV2();
  await far.send(event(1, "e1"));
  const full = new TransporterError(
    "store_unavailable",
    "Cannot use the journal: no space left",
  );
  bench.file.gate = Promise.reject(full);
  await far.send(event(2, "e2"));
  await rejects(bench.running, full);
  deepStrictEqual(started, ["e1 1"]);
  deepStrictEqual(await until(far, ({ type }) => type === "bye"), {
    type: "bye",
    reason: "shutdown",
  });
});

const BAD: Readonly<
  Record<string, { options: Partial<AgentOptions>; message: RegExp }>
> = {
  "an id that is none": {
    options: { agentId: "../etc" },
    message: /an agent with the id "..\/etc"/,
  },
  "no address": { options: { cpUrl: [] }, message: /without --cp-url/ },
  "an address that is no URL": {
    options: { cpUrl: ["cp"] },
    message: /--cp-url "cp": it must be a URL/,
  },
  "a scheme that nobody dials": {
    options: { cpUrl: ["nats://cp"] },
    message:
      /Cannot connect to "nats:\/\/cp": its scheme must be one of "ws:\/\/"/,
  },
  "a password with a scheme that nobody dials": {
    options: { cpUrl: ["redis://u:hunter2@cp"] },
    message: /^Cannot connect to "redis:\/\/cp": its scheme/,
  },
  "a password in what is no URL": {
    options: { cpUrl: ["ws://u:hunter2@cp:x"] },
    message: /^Cannot use --cp-url "ws:\/\/cp:x": it must be a URL/,
  },
  "a % that stands for nothing": {
    options: { cpUrl: ["ws://u:hunt%ss@cp"] },
    message: /^Cannot use the URL "ws:\/\/cp": write each "%" in it as "%25"/,
  },
  "a label without a value": {
    options: { label: ["team"] },
    message: /the label "team": it must look like/,
  },
  "nothing to run": {
    options: { executors: [] },
    message: /has nothing that it could run/,
  },
  "two executors of one type": {
    options: { executors: [witness(() => {}), witness(() => {})] },
    message: /two executors run events of type "witness"/,
  },
  "no folder": { options: {}, message: /without --data-dir/ },
};

for (const [name, { options, message }] of Object.entries(BAD)) {
  Deno.test(`Agent.open() refuses ${name}`, async () => {
    await rejects(
      Agent.open({
        agentId: "edge",
        executors: [witness(() => {})],
        dials: { ws: () => Promise.resolve(memoryWires()[0]) },
        ...options,
      }),
      (error: TransporterError) =>
        error.code === "usage" && message.test(error.message),
    );
  });
}

Deno.test("Agent.open() has its folder for itself until it is disposed", async () => {
  const dataDir = await Deno.makeTempDir();
  const options = {
    agentId: "edge",
    executors: [witness(() => {})],
    dials: { ws: () => Promise.resolve(memoryWires()[0]) },
    dataDir,
  };
  try {
    {
      await using _agent = await Agent.open(options);
      await rejects(Agent.open(options), { code: "folder_in_use" });
    }
    await using _agent = await Agent.open(options);
    await rejects(Agent.open({ ...options, agentId: "other" }), {
      code: "folder_in_use",
    });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("Agent.run() ends when it is stopped while a connection comes about", async () => {
  const [near, far] = memoryWires();
  const dialled = Promise.withResolvers<Wire>();
  await using bench = await AgentBench.open({
    dials: { ws: () => dialled.promise },
  });
  await settle();
  bench.stop();
  await settle();
  dialled.resolve(near);
  await bench.running;
  deepStrictEqual(await Array.fromAsync(far.frames), []);
});

/** An agent over a wire that does some things otherwise, and the control plane's end of it. */
async function openOver(
  otherwise: (near: Wire) => Partial<Wire>,
): Promise<[AgentBench, FarEnd]> {
  const [near, far] = memoryWires();
  const wire: Wire = {
    frames: near.frames,
    send: (frame) => near.send(frame),
    close: () => near.close(),
    ...otherwise(near),
  };
  const bench = await AgentBench.open({
    dials: { ws: () => Promise.resolve(wire) },
  });
  return [bench, new FarEnd(far, bench.clock)];
}

/** What never comes. */
const NEVER = new Promise<void>(() => {});

/** Whether a stopped agent has ended. */
async function ended({ running }: AgentBench): Promise<boolean> {
  await settle();
  return await Promise.race([
    running.then(() => true),
    settle().then(() => false),
  ]);
}

Deno.test("Agent.run() ends although its connection does not", async () => {
  const [opened, far] = await openOver(() => ({ close: () => NEVER }));
  await using bench = opened;
  await far.registerV2();
  bench.stop();
  await bench.clock.advance(9_999);
  strictEqual(await ended(bench), false);
  await bench.clock.advance(1);
  strictEqual(await ended(bench), true);
});

Deno.test("Agent.run() says goodbye for no longer than a second", async () => {
  const [opened, far] = await openOver((near) => ({
    send: (frame) => frame.includes('"bye"') ? NEVER : near.send(frame),
  }));
  await using bench = opened;
  await far.registerV2();
  bench.stop();
  await bench.clock.advance(1_000);
  strictEqual(await ended(bench), true);
});
