import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { type EventStatus, silentLogger, ulids } from "@transporter/sdk";
import { settle, TestClock } from "@transporter/sdk/testing";
import { Journal, type JournalOptions } from "./journal.ts";
import { diskJournal } from "./journal_file.ts";
import { MemoryJournal, RESERVE_BYTES } from "./testing/memory_journal.ts";

/** A journal on a disk that has an end, and the time that passes. */
class Bench implements AsyncDisposable {
  readonly clock = new TestClock();
  readonly file: MemoryJournal;
  journal!: Journal;

  private constructor(file: MemoryJournal) {
    this.file = file;
  }

  static async open(
    file = new MemoryJournal(),
    rest: Partial<JournalOptions> = {},
  ): Promise<Bench> {
    const bench = new Bench(file);
    bench.journal = await Journal.open(file, {
      agent: "edge",
      ids: ulids(() => 1, { next: () => 0.5 }),
      clock: bench.clock,
      log: silentLogger,
      ...rest,
    });
    return bench;
  }

  /** Leaves so many bytes free, besides what is set aside. */
  leave(bytes: number): void {
    const reserve = this.file.reserved ? RESERVE_BYTES : 0;
    this.file.capacity = this.file.bytes.length + reserve + bytes;
  }

  arrive(id: string, deadline = 1e15): Promise<void> {
    return this.journal.arrive({ id, attempt: 1, digest: id, deadline });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.journal[Symbol.asyncDispose]();
  }
}

function ended(id: string, chars = 0): EventStatus {
  return {
    event_id: id,
    agent_id: "edge",
    state: "completed",
    message: "x".repeat(chars),
    timestamp: "2026-11-23T00:00:00Z",
    attempt: 1,
  };
}

function stages(journal: Journal): Record<string, string> {
  return Object.fromEntries(
    [...journal.entries()].map(({ id, stage }) => [id, stage]),
  );
}

Deno.test("Journal on a full disk takes ends from what is set aside, and refuses new events", async () => {
  await using bench = await Bench.open();
  const { journal, file } = bench;
  await bench.arrive("a");
  await journal.begin("a", 1);
  strictEqual(journal.refusal(), undefined);
  bench.leave(50);
  await journal.finish(ended("a"), 1);
  strictEqual(file.reserved, false);
  const { code, details } = journal.refusal() ?? {};
  deepStrictEqual([code, details], ["disk_full", { retry_after_ms: 10_000 }]);
  strictEqual(
    (await Bench.open(new MemoryJournal(file))).journal.get("a")?.stage,
    "finished",
  );
});

Deno.test("Journal on a full disk waits with what it has in hand, in order, and loses nothing", async () => {
  await using bench = await Bench.open();
  const { journal, file, clock } = bench;
  await bench.arrive("a");
  await file.reserve(false);
  bench.leave(10);
  let durable = 0;
  const waiting = [
    journal.begin("a", 1),
    bench.arrive("b"),
    journal.finish(ended("a"), 1),
  ].map((write) => write.then(() => durable++));
  await clock.advance(60_000);
  waiting.push(bench.arrive("c").then(() => durable++));
  await clock.advance(60_000);
  strictEqual(durable, 0);
  // What a loss of power would leave: nothing half done.
  const left = await Bench.open(new MemoryJournal(file));
  deepStrictEqual(stages(left.journal), { a: "received" });
  await left[Symbol.asyncDispose]();
  bench.leave(100_000);
  await clock.advance(5_000);
  await Promise.all(waiting);
  const again = await Bench.open(new MemoryJournal(file));
  await using _again = again;
  deepStrictEqual(stages(again.journal), {
    a: "finished",
    b: "received",
    c: "received",
  });
});

Deno.test("Journal takes new events again by itself once the disk has room", async () => {
  await using bench = await Bench.open();
  const { journal, file, clock } = bench;
  await bench.arrive("a");
  bench.leave(10);
  await journal.begin("a", 1);
  await clock.advance(60_000);
  strictEqual(journal.refusal()?.code, "disk_full");
  bench.leave(2 * RESERVE_BYTES);
  await clock.advance(5_000);
  strictEqual(journal.refusal(), undefined);
  strictEqual(file.reserved, true);
});

Deno.test("Journal goes on with its file when there is no room to write it anew", async () => {
  await using bench = await Bench.open();
  const { journal, file } = bench;
  const chars = 600_000;
  for (const id of ["a", "b"]) await bench.arrive(id);
  bench.leave(3 * chars);
  await journal.finish(ended("a", chars), 1);
  await journal.finish(ended("b", chars), 2); // now it is due, and would take 1.2 MB more
  await settle();
  ok(file.bytes.length > 2 * chars);
  strictEqual(journal.refusal()?.code, "disk_full");
  const again = await Bench.open(new MemoryJournal(file));
  await using _again = again;
  deepStrictEqual(stages(again.journal), { a: "finished", b: "finished" });
});

Deno.test("Journal.open() on a full disk makes what is there durable, and drops what is torn", async () => {
  const first = await Bench.open();
  await first.arrive("a");
  await first.arrive("torn");
  const file = new MemoryJournal(first.file);
  file.bytes = file.bytes.slice(0, -5);
  file.capacity = file.bytes.length;
  const syncs = file.syncs;
  await using bench = await Bench.open(file);
  deepStrictEqual(stages(bench.journal), { a: "received" });
  strictEqual(file.syncs, syncs + 1);
  strictEqual(bench.journal.refusal()?.code, "disk_full");
  bench.leave(10_000);
  await bench.journal.begin("a", 1); // onto the line that is whole
  await using again = await Bench.open(new MemoryJournal(file));
  deepStrictEqual(stages(again.journal), { a: "begun" });
});

Deno.test("Journal.open() refuses to start a journal on a full disk", async () => {
  const file = new MemoryJournal();
  file.capacity = 10;
  await rejects(Bench.open(file), { code: "disk_full" });
  strictEqual(file.bytes.length, 0);
});

Deno.test("Journal closes on a full disk, and refuses what waits", async () => {
  const bench = await Bench.open();
  await bench.arrive("a");
  await bench.file.reserve(false);
  bench.leave(0);
  const waiting = bench.journal.begin("a", 1);
  await settle();
  await bench[Symbol.asyncDispose]();
  await rejects(waiting, { code: "disk_full" });
  strictEqual((await bench.journal.failed).code, "disk_full");
});

Deno.test("Journal.refusal() is exhausted from three quarters of its size on, and ends are noted all the same", async () => {
  await using bench = await Bench.open(undefined, { bytesMax: 8_000 });
  const { journal } = bench;
  let count = 0;
  while (journal.refusal() === undefined) await bench.arrive(`e${count++}`);
  const { code, details } = journal.refusal() ?? {};
  deepStrictEqual([code, details], ["exhausted", { retry_after_ms: 10_000 }]);
  ok(journal.bytes >= 6_000 && journal.bytes < 6_200, `${journal.bytes}`);
  for (let i = 0; i < count; i++) {
    await journal.begin(`e${i}`, 1);
    await journal.finish(ended(`e${i}`), i + 1);
  }
  const all = stages((await Bench.open(new MemoryJournal(bench.file))).journal);
  deepStrictEqual(new Set(Object.values(all)), new Set(["finished"]));
});

Deno.test("Journal.refusal() ends once enough ids are forgotten", async () => {
  await using bench = await Bench.open(undefined, { bytesMax: 8_000 });
  const { journal } = bench;
  let now = 0;
  journal.keepPurged(() => now, () => false);
  for (let i = 0; journal.refusal() === undefined; i++) {
    await bench.arrive(`e${i}`, i);
    await settle();
  }
  now = 600_000 + 20;
  strictEqual(journal.refusal()?.code, "exhausted"); // until the file is written anew
  await settle();
  strictEqual(journal.refusal(), undefined);
});

Deno.test("Journal is written anew earlier when that is what gives room", async () => {
  await using bench = await Bench.open(undefined, { bytesMax: 8_000 });
  const { journal } = bench;
  await bench.arrive("a");
  let bytesMax = 0;
  for (let i = 1; i < 100; i++) {
    await bench.arrive("a"); // the same again says nothing new
    bytesMax = Math.max(bytesMax, journal.bytes);
  }
  ok(bytesMax < 6_200, `${bytesMax}`);
  strictEqual(journal.refusal(), undefined);
});

/** A folder whose journal is a device that is always full. */
async function onFullDevice(run: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.symlink("/dev/full", `${folder}/agent.journal`);
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("diskJournal() says disk_full when the system says that there is no room", async () => {
  await onFullDevice(async (folder) => {
    await using file = diskJournal(folder);
    await rejects(file.append(new Uint8Array([1]), 0), { code: "disk_full" });
  });
});

Deno.test("diskJournal() replaces what is torn or was cut short", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using file = diskJournal(folder);
    const encode = (text: string) => new TextEncoder().encode(text);
    await file.replace(encode("header\n"));
    await Deno.writeTextFile(`${folder}/agent.journal`, "torn", {
      append: true,
    });
    await file.append(encode("one\n"), 7);
    await file.append(encode("two\n"), 11);
    await file.append(encode("2\n"), 11);
    strictEqual(
      await Deno.readTextFile(`${folder}/agent.journal`),
      "header\none\n2\n",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("diskJournal() sets room aside and gives it up", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using file = diskJournal(folder);
    const size = async () =>
      (await Deno.stat(`${folder}/agent.reserve`)).blocks;
    strictEqual(await file.reserve(false), false);
    strictEqual(await file.reserve(true), true);
    ok((await size() ?? 0) * 512 >= 4 * 1024 * 1024);
    strictEqual(await file.reserve(true), true);
    strictEqual(await file.reserve(false), false);
    await rejects(size(), Deno.errors.NotFound);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
