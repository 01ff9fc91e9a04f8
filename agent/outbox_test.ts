import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  type EventStatus,
  jsonLogger,
  Link,
  type Phase,
  silentLogger,
  type StatusUpdateFrame,
  systemClock,
  ulids,
  type Wire,
} from "@transporter/sdk";
import { memoryWires } from "@transporter/sdk/memory";
import { settle, TestClock } from "@transporter/sdk/testing";
import { Journal } from "./journal.ts";
import { Outbox } from "./outbox.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";

function status(
  id: string,
  phase: Phase = "applying",
  rest: Partial<EventStatus> = {},
): EventStatus {
  return {
    event_id: id,
    agent_id: "edge",
    state: phase === "completed" ? "completed" : "in_progress",
    phase,
    message: "",
    log_level: "info",
    details: null,
    result: null,
    timestamp: "2026-11-23T05:04:27Z",
    attempt: 1,
    ...rest,
  };
}

/** An outbox on a journal that knows some events. */
async function open(
  file: MemoryJournal,
  ids: readonly string[] = [],
): Promise<[Outbox, Journal]> {
  const journal = await Journal.open(file, {
    agent: "edge",
    ids: ulids(() => 1, { next: () => 0 }),
    clock: new TestClock(),
    log: silentLogger,
  });
  for (const id of ids) {
    await journal.arrive({
      id,
      attempt: 1,
      digest: id,
      deadline: 1e15,
      epoch: "e",
      seq: 1,
    });
  }
  return [new Outbox({ journal, log: silentLogger }), journal];
}

/** The far end of an outbox's link. */
class Far {
  readonly #wire: Wire;
  readonly frames: StatusUpdateFrame[] = [];
  readonly link: Link;

  constructor(outbox: Outbox, version: 1 | 2 = 2, statusUpto = 0) {
    const [near, far] = memoryWires();
    this.#wire = far;
    this.link = new Link(near, { clock: systemClock });
    if (version === 2) {
      this.link.upgrade({ epoch: "e", frameBytesMax: 512 * 1024 });
    }
    this.#read();
    outbox.attach({ link: this.link, version, statusUpto });
  }

  async #read(): Promise<void> {
    for await (const text of this.#wire.frames) {
      this.frames.push(JSON.parse(text));
    }
  }

  /** What arrived, as `sid id phase`. */
  async seen(): Promise<string[]> {
    await settle();
    return this.frames.map(({ sid, event_id: id, phase }) =>
      `${sid ?? "-"} ${id} ${phase}`
    );
  }

  /** The same with the message, if there is one. */
  async told(): Promise<string[]> {
    const seen = await this.seen();
    return seen.map((line, i) => `${line} ${this.frames[i]?.message}`.trim());
  }

  async ack(upto: number): Promise<void> {
    await this.#wire.send(JSON.stringify({ type: "status_ack", upto }));
    await settle();
  }

  /** Cuts the link. */
  async cut(outbox: Outbox): Promise<void> {
    await this.#wire.close();
    await this.link.close();
    outbox.detach(this.link);
  }
}

Deno.test("Outbox sends what is recorded in order, and keeps it until it is acknowledged", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const far = new Far(outbox, 2, 100);
  await outbox.record(status("a", "received"));
  await outbox.record(status("a", "applying"));
  await outbox.record(status("a", "completed"));
  deepStrictEqual(await far.seen(), [
    "101 a received",
    "102 a applying",
    "103 a completed",
  ]);
  strictEqual(outbox.length, 3);
  await far.ack(102);
  strictEqual(outbox.length, 1);
  await far.ack(103);
  strictEqual(outbox.length, 0);
  await outbox.flushed();
});

Deno.test("Outbox.record() waits for the disk with a last status only, and lets none overtake it", async () => {
  const file = new MemoryJournal();
  const [outbox] = await open(file, ["a", "b"]);
  const far = new Far(outbox);
  const gate = Promise.withResolvers<void>();
  file.gate = gate.promise;
  await outbox.record(status("a", "applying"));
  let recorded = false;
  const last = outbox.record(status("a", "completed")).then(() =>
    recorded = true
  );
  await outbox.record(status("b", "applying"));
  deepStrictEqual(await far.seen(), ["1 a applying"]);
  strictEqual(recorded, false);
  gate.resolve();
  await last;
  deepStrictEqual(await far.seen(), [
    "1 a applying",
    "2 a completed",
    "3 b applying",
  ]);
});

Deno.test("Outbox.attach() sends again what the last link did not acknowledge, and no more", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const first = new Far(outbox);
  for (const phase of ["received", "validating", "applying"] as const) {
    await outbox.record(status("a", phase));
  }
  await first.ack(1);
  await first.cut(outbox);
  await outbox.record(status("a", "completed"));
  const second = new Far(outbox, 2, 2);
  deepStrictEqual(await second.seen(), ["3 a applying", "4 a completed"]);
});

Deno.test("status.lost.final: a last status survives the link and the process", async () => {
  const file = new MemoryJournal();
  const [outbox] = await open(file, ["a", "b"]);
  const far = new Far(outbox, 2, 50);
  await outbox.record(status("a", "applying"));
  await outbox.record(status("a", "completed"));
  await outbox.record(status("b", "applying"));
  await far.cut(outbox);

  const [again, journal] = await open(file);
  const later = new Far(again, 2, 50);
  deepStrictEqual(await later.seen(), ["52 a completed"]);
  await later.ack(52);
  await journal[Symbol.asyncDispose]();

  const [done] = await open(file);
  strictEqual(done.length, 0);
});

Deno.test("Outbox numbers go on above the journal's and the control plane's", async () => {
  const file = new MemoryJournal();
  const [outbox] = await open(file, ["a", "b", "c"]);
  const far = new Far(outbox, 2, 9);
  await outbox.record(status("a", "completed"));
  await far.cut(outbox);
  {
    const [again] = await open(file);
    const far = new Far(again, 2, 5); // restored from a backup
    await again.record(status("b", "completed"));
    deepStrictEqual(await far.seen(), ["10 a completed", "11 b completed"]);
  }
  {
    const [again] = await open(file);
    const far = new Far(again, 2, 40); // progress reports that the journal does not have
    await again.record(status("c", "completed"));
    deepStrictEqual(await far.seen(), ["41 c completed"]);
    strictEqual(again.length, 1);
  }
});

Deno.test("Outbox gives no number before a welcome, and takes none of those for acknowledged", async () => {
  const file = new MemoryJournal();
  const [outbox] = await open(file, ["a"]);
  const v1 = new Far(outbox, 1);
  await outbox.record(status("a", "applying"));
  await outbox.record(status("a", "completed"));
  deepStrictEqual(await v1.seen(), ["- a applying", "- a completed"]);
  await v1.cut(outbox);
  const v2 = new Far(outbox, 2, 1000);
  deepStrictEqual(await v2.seen(), ["1001 a completed"]);
  await v2.cut(outbox);

  const [again] = await open(file);
  deepStrictEqual(await new Far(again, 2, 1001).seen(), []);
});

Deno.test("Outbox is flushed by a welcome that acknowledges what went out on the link before", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const first = new Far(outbox);
  await outbox.record(status("a", "completed"));
  deepStrictEqual(await first.seen(), ["1 a completed"]);
  const flushed = outbox.flushed();
  await first.cut(outbox);
  const second = new Far(outbox, 2, 1);
  await flushed;
  deepStrictEqual(await second.seen(), []);
});

Deno.test("Outbox tells a v1 control plane its last hundred ends again after each registration", async () => {
  const ids = Array.from({ length: 120 }, (_, i) => `e${i}`);
  const [outbox] = await open(new MemoryJournal(), ids);
  const first = new Far(outbox, 1);
  for (const id of ids) {
    await outbox.record(status(id, "applying"));
    await outbox.record(status(id, "completed"));
  }
  strictEqual((await first.seen()).length, 240);
  await outbox.flushed();
  await first.cut(outbox);
  await outbox.flushed(); // a v1 control plane has been told
  await outbox.record(status("late", "applying"));
  const second = new Far(outbox, 1);
  const expected = ids.slice(20).map((id) => `- ${id} completed`);
  deepStrictEqual(await second.seen(), [...expected, "- late applying"]);
});

Deno.test("Outbox speaks v1's words to a v1 control plane", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a", "b", "c"]);
  const far = new Far(outbox, 1);
  const error = { code: "interrupted" as const, message: "cut" };
  await outbox.record(status("a", "interrupted", { error }));
  await outbox.record(status("b", "expired", { state: "expired" }));
  await outbox.record(status("c", "cancelled", { state: "cancelled" }));
  await far.seen();
  deepStrictEqual(
    far.frames.map(({ state, phase }) => `${state}/${phase}`),
    ["failed/failed", "expired/failed", "failed/failed"],
  );
  deepStrictEqual(Object.keys(far.frames[0] ?? {}), [
    "type",
    "event_id",
    "agent_id",
    "state",
    "phase",
    "message",
    "log_level",
    "details",
    "result",
    "timestamp",
  ]);
});

Deno.test("Outbox.repeat() tells an acknowledged end again under a new number", async () => {
  const file = new MemoryJournal();
  const [outbox, journal] = await open(file, ["a"]);
  const far = new Far(outbox);
  await outbox.record(status("a", "completed"));
  outbox.repeat("a"); // on its way already
  await far.ack(1);
  outbox.repeat("a");
  deepStrictEqual(await far.seen(), ["1 a completed", "2 a completed"]);
  strictEqual(journal.get("a")?.acknowledged, false);
  await far.ack(2);
  strictEqual(journal.get("a")?.acknowledged, true);
  outbox.repeat("unknown");
});

Deno.test("Outbox.repeat() answers a v1 control plane that asks again", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const far = new Far(outbox, 1);
  await outbox.record(status("a", "completed"));
  await settle();
  outbox.repeat("a");
  deepStrictEqual(await far.seen(), ["- a completed", "- a completed"]);
  strictEqual(outbox.length, 1);
});

Deno.test("Outbox leaves out progress when too much waits: first, newest and last stay", async () => {
  const lines: string[] = [];
  const log = jsonLogger({
    write: (line) => lines.push(line),
    clock: systemClock,
  });
  const [, journal] = await open(new MemoryJournal(), ["a", "b"]);
  const outbox = new Outbox({ journal, log, statusesMax: 20 });
  for (let i = 0; i < 30; i++) {
    await outbox.record(status("a", "applying", { message: `a${i}` }));
  }
  await outbox.record(status("b", "received"));
  await outbox.record(status("b", "completed"));
  strictEqual(outbox.length, 22);
  const far = new Far(outbox);
  await settle();
  const messages = far.frames.map(({ event_id: id, message, phase }) =>
    `${id} ${message || phase}`
  );
  deepStrictEqual(messages.slice(0, 2), ["a a0", "a a1"]);
  deepStrictEqual(messages.slice(-3), ["a a29", "b received", "b completed"]);
  const sids = far.frames.map(({ sid = 0 }) => sid);
  deepStrictEqual(sids, sids.map((_, i) => i + 1), "no number is left out");
  const warnings = lines.filter((line) => line.includes("are left out"));
  strictEqual(warnings.length, 1);
});

Deno.test("Outbox has at most so much on its way, and loses nothing by it", async () => {
  const [outbox] = await open(new MemoryJournal());
  const far = new Far(outbox);
  for (let i = 0; i < 1200; i++) await outbox.record(status("a"));
  strictEqual((await far.seen()).length, 500);
  await far.ack(300);
  strictEqual((await far.seen()).length, 800);
  await far.ack(800);
  strictEqual((await far.seen()).length, 1200);
  await far.ack(1200);
  strictEqual(outbox.length, 0);
});

Deno.test("Outbox leaves out a result that no message could carry", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const far = new Far(outbox, 1);
  const result = {
    success: true,
    completed_at: "2026-11-23T05:04:27Z",
    duration: 5,
    output: "x".repeat(3 * 1024 * 1024),
  };
  await outbox.record(status("a", "completed", { result }));
  await settle();
  const [frame] = far.frames;
  deepStrictEqual([frame?.state, frame?.result], ["completed", {
    success: true,
    completed_at: "2026-11-23T05:04:27Z",
    duration: 5,
    truncated: true,
    left_out: "The result was left out as it is too large",
  }]);
});

Deno.test("Outbox keeps what each object became of a result that no message could carry", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const far = new Far(outbox);
  const outcomes = Array.from({ length: 2000 }, (_, i) => ({
    kind: "ConfigMap",
    name: `c${i}`,
    namespace: "shop",
    api_version: "v1",
    status: "created",
    message: "made",
  }));
  const result = {
    success: true,
    completed_at: "2026-11-23T05:04:27Z",
    duration: 5,
    resource_status: outcomes.map((outcome) => ({
      ...outcome,
      fields: { "$": "x".repeat(2000) },
    })),
  };
  await outbox.record(status("a", "completed", { result }));
  await settle();
  const told = far.frames[0]?.result;
  deepStrictEqual(told?.resource_status, outcomes);
  strictEqual(told?.["truncated"], true);
});

Deno.test("Outbox.limit() holds statuses back beyond a number, and of progress all but the first and the newest", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a", "b"]);
  const far = new Far(outbox);
  outbox.limit(3);
  await outbox.record(status("a", "received"));
  for (let i = 1; i < 50; i++) {
    await outbox.record(status("a", "applying", { message: `${i}` }));
  }
  await outbox.record(status("b", "received"));
  await outbox.record(status("b", "validating"));
  await outbox.record(status("b", "applying"));
  await outbox.record(status("b", "completed"));
  await outbox.record(status("a", "completed"));
  deepStrictEqual(await far.told(), [
    "1 a received",
    "2 a applying 1",
    "3 a applying 2",
  ]);
  strictEqual(outbox.held, true);
  outbox.limit(2); // a limit once given stays given
  outbox.limit(5);
  deepStrictEqual((await far.told()).slice(3), [
    "4 a applying 49",
    "5 b received",
  ]);
  outbox.limit(100);
  deepStrictEqual((await far.told()).slice(5), [
    "6 b applying",
    "7 b completed",
    "8 a completed",
  ]);
  strictEqual(outbox.held, false);
});

Deno.test("Outbox.limit() ends with its session", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const first = new Far(outbox);
  outbox.limit(0);
  await outbox.record(status("a", "completed"));
  deepStrictEqual(await first.seen(), []);
  await first.cut(outbox);
  deepStrictEqual(await new Far(outbox).seen(), ["1 a completed"]);
});

Deno.test("Outbox never gives a number that went out to another status", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const first = new Far(outbox);
  await outbox.record(status("a", "validating"));
  await outbox.record(status("a", "applying", { message: "1" }));
  strictEqual((await first.seen()).length, 2);
  await first.cut(outbox);
  const second = new Far(outbox);
  outbox.limit(1);
  await outbox.record(status("a", "applying", { message: "2" }));
  await outbox.record(status("a", "applying", { message: "3" }));
  outbox.limit(10);
  deepStrictEqual(await second.told(), [
    "1 a validating",
    "2 a applying 1",
    "3 a applying 3",
  ]);
});

Deno.test("Outbox keeps no more long reports than it has room for", async () => {
  const [outbox] = await open(new MemoryJournal(), ["a"]);
  const message = "x".repeat(1024 * 1024);
  for (let i = 0; i < 50; i++) {
    await outbox.record(status("a", "applying", { message }));
  }
  strictEqual(outbox.length, 4);
});
