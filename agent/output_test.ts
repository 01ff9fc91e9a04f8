import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { settle, TestClock } from "@transporter/sdk/testing";
import { Output, type Piece } from "./output.ts";
import { AgentBench, type RawFrame } from "./testing/agent_bench.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";
import { specOf } from "./testing/control_plane.ts";
import { witness } from "./testing/witness.ts";

const MIB = 1024 * 1024;

/** An output, and what it gave to be sent. */
function open(): { output: Output; clock: TestClock; sent: Piece[] } {
  const clock = new TestClock();
  const sent: Piece[] = [];
  const output = new Output({
    ...{ eventId: "e1", attempt: 1, clock },
    take: (piece) => sent.push(piece),
  });
  return { output, clock, sent };
}

function brief({ stream, off, text }: Piece): string {
  return `${stream} ${off} ${text}`;
}

Deno.test("Output.write() sends at once after a pause, else gathers for 40 ms, and goes on where it was", async () => {
  const { output, clock, sent } = open();
  output.write("stdout", "grü");
  deepStrictEqual(sent.map(brief), ["stdout 0 grü"]);
  output.write("stdout", "ß");
  await clock.advance(39);
  output.write("stdout", "e ");
  strictEqual(sent.length, 1);
  await clock.advance(1);
  output.write("stdout", "you ");
  await clock.advance(40); // nothing more for as long again
  await clock.advance(40);
  output.write("stdout", "all");
  output.write("stdout", "!");
  output.close();
  output.write("stdout", "late");
  output.close();
  await settle();
  deepStrictEqual(sent.map(brief), [
    "stdout 0 grü",
    "stdout 4 ße ",
    "stdout 8 you ",
    "stdout 12 all",
    "stdout 15 !",
  ]);
});

Deno.test("Output.write() keeps the order of two streams, and counts each by itself", async () => {
  const { output, sent } = open();
  output.write("stdout", "a");
  output.write("stderr", "b");
  output.write("stdout", "c");
  output.close();
  await settle();
  deepStrictEqual(sent.map(brief), [
    "stdout 0 a",
    "stderr 0 b",
    "stdout 1 c",
  ]);
});

Deno.test("Output.write() cuts what is long between characters", async () => {
  const { output, sent } = open();
  const text = "x".repeat(16 * 1024 - 1) + "😀".repeat(10_000);
  output.write("stdout", text);
  output.close();
  await settle();
  ok(sent.length > 1);
  ok(sent.every(({ text }) => text.length <= 16 * 1024 && text.isWellFormed()));
  strictEqual(sent.map(({ text }) => text).join(""), text);
});

Deno.test("Output.write() replaces halves of characters, as JSON has none", async () => {
  const { output, sent } = open();
  output.write("stdout", "a\ud83d");
  output.close();
  await settle();
  deepStrictEqual(sent.map(({ text }) => text), ["a\ufffd"]);
});

Deno.test("Output sends the first MiB and the last one", async () => {
  const { output, clock, sent } = open();
  const line = (i: number) => `${i} `.padStart(1023, "x") + "\n";
  for (let i = 0; i < 5 * 1024; i++) output.write("stdout", line(i));
  await clock.advance(40);
  const head = sent.length;
  output.close();
  await settle();
  const bytes = (from: readonly Piece[]) =>
    from.reduce((sum, { text }) => sum + text.length, 0);
  strictEqual(bytes(sent.slice(0, head)), MIB);
  const tail = sent.slice(head);
  ok(bytes(tail) <= MIB && bytes(tail) > MIB - 17 * 1024);
  strictEqual(tail.at(-1)?.text.endsWith(line(5 * 1024 - 1)), true);
  strictEqual((tail[0]?.off ?? 0) + bytes(tail), 5 * MIB);
});

Deno.test("Output sends nothing of the end before it is over, however short that is", async () => {
  const { output, clock, sent } = open();
  output.write("stdout", "x".repeat(MIB - 5));
  for (const text of ["too long", "end"]) output.write("stdout", text);
  await clock.advance(40);
  const head = sent.map(({ text }) => text).join("");
  strictEqual(head.length, MIB - 5);
  output.close();
  await settle();
  strictEqual(sent.map(({ text }) => text).join(""), `${head}too longend`);
});

Deno.test("Output keeps a bounded number of tiny pieces of the end", () => {
  const { output, sent } = open();
  output.write("stdout", "x".repeat(2 * MIB));
  const before = sent.length;
  for (let i = 0; i < 50_000; i++) {
    output.write("stderr", "e");
    output.write("stdout", "o");
  }
  output.close();
  ok(sent.length - before <= 16 * 1024 + 1);
  strictEqual(sent.at(-1)?.off, 2 * MIB + 49_999);
});

Deno.test("Output leaves out nothing of two MiB", async () => {
  const { output, sent } = open();
  const text = "x".repeat(2 * MIB);
  output.write("stderr", text);
  output.close();
  await settle();
  strictEqual(sent.map(({ text }) => text).join(""), text);
});

/** An agent whose event writes something while it runs and at its end; the welcome says what the control plane takes. */
async function run(features: readonly string[], flow?: number) {
  const executor = witness(() => {}, {
    apply(_, context) {
      context.output("stdout", "begins\n");
      context.output("stderr", "trouble\n"); // goes out with the next one, at the end
      context.output("stderr", "more\n");
      return Promise.resolve({});
    },
  });
  await using bench = await AgentBench.open({ executor });
  const far = await bench.accept();
  await far.registerV2({ features });
  if (flow !== undefined) await far.send({ type: "flow", limit_sid: flow });
  await far.send({ type: "event", seq: 1, attempt: 1, event: specOf("e1") });
  await bench.clock.advance(10_000);
  const frames: RawFrame[] = [];
  while (true) {
    const frame = await far.next();
    if (frame["type"] === "heartbeat") return frames;
    frames.push(frame);
  }
}

Deno.test("Output.from() goes on behind what was passed on, and says so where that is not all that was written", async () => {
  for (
    const [stdout, stderr, follows] of [
      [MIB - 3, 3, false],
      [MIB - 2, 3, true],
      [3 * MIB, 0, true],
    ] as const
  ) {
    const { output, sent } = open();
    output.from({ stdout, stderr });
    output.write("stdout", "more");
    strictEqual(sent.length, 0); // the beginning went out long ago
    output.close();
    await settle();
    deepStrictEqual(sent.map(brief), [`stdout ${stdout} more`]);
    strictEqual(sent[0]?.source.sent.stdout !== stdout, follows);
  }
});

Deno.test("Agent.run() sends output before the end of its event, if the control plane takes it", async () => {
  const frames = await run(["ack", "logs"]);
  const logs = frames.filter(({ type }) => type === "log");
  const log = { type: "log", event_id: "e1", attempt: 1 };
  deepStrictEqual(logs, [
    { ...log, stream: "stdout", off: 0, data: "begins\n", trunc: false },
    {
      ...log,
      ...{ stream: "stderr", off: 0, data: "trouble\nmore\n", trunc: false },
    },
  ]);
  const end = frames.findIndex(({ phase }) => phase === "completed");
  ok(end > frames.findIndex(({ data }) => data === "trouble\nmore\n"));
});

Deno.test("Agent.run() sends no output to a control plane that does not take it, or no statuses now", async () => {
  for (const frames of [await run(["ack"]), await run(["ack", "logs"], 1)]) {
    deepStrictEqual(frames.filter(({ type }) => type === "log"), []);
  }
});

Deno.test("Agent.run() tells an executor once its output is sent", async () => {
  let isSent = false;
  const executor = witness(() => {}, {
    apply(_, context) {
      context.output("stdout", "begins\n");
      context.outputSent?.().then(() => isSent = true);
      return new Promise(() => {});
    },
  });
  await using bench = await AgentBench.open({ executor });
  const far = await bench.accept();
  await far.registerV2({ features: ["ack", "logs"] });
  await far.send({ type: "flow", limit_sid: 1 });
  await far.send({ type: "event", seq: 1, attempt: 1, event: specOf("e1") });
  await bench.clock.advance(1000);
  strictEqual(isSent, false, "no statuses are taken, and so no output");
  await far.send({ type: "flow", limit_sid: 1000 });
  await bench.clock.advance(1000);
  strictEqual(isSent, true);
});

Deno.test("Agent.run() goes on with the output of what it finds again behind what was passed on before", async () => {
  const file = new MemoryJournal();
  const event = { type: "event", seq: 1, attempt: 1, event: specOf("e1") };
  {
    const executor = witness(() => {}, { apply: () => new Promise(() => {}) });
    await using bench = await AgentBench.open({ file, executor });
    const far = await bench.accept();
    await far.registerV2({ features: ["ack", "logs"] });
    await far.send(event);
    await settle();
    // As a power loss leaves it.
    file.gate = Promise.reject(new Error("It is off"));
    file.gate.catch(() => {});
  }
  const executor = witness(() => {}, {
    recover(_, context) {
      context.outputFrom?.({ stdout: 7, stderr: 0 });
      context.output("stdout", "goes on\n");
      context.output("stderr", "trouble\n");
      return Promise.resolve({ kind: "done", result: {} });
    },
  });
  await using bench = await AgentBench.open({
    file: new MemoryJournal(file),
    executor,
  });
  const far = await bench.accept();
  await far.registerV2({ features: ["ack", "logs"] });
  await far.send(event);
  const places: unknown[] = [];
  for (let frame: RawFrame = {}; frame["phase"] !== "completed";) {
    frame = await far.next();
    if (frame["type"] !== "log") continue;
    places.push([frame["stream"], frame["off"], frame["trunc"]]);
  }
  deepStrictEqual(places, [["stdout", 7, false], ["stderr", 0, false]]);
});
