import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  type EventStatus,
  silentLogger,
  TransporterError,
  ulids,
} from "@transporter/sdk";
import { lockFolder, openFolder } from "@transporter/sdk/folder";
import { TestClock } from "@transporter/sdk/testing";
import { Journal, type JournalFile, type JournalOptions } from "./journal.ts";
import { diskJournal } from "./journal_file.ts";
import type { JournalArrival } from "./journal_record.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";

const HOUR = 3_600_000;

function open(
  file: JournalFile,
  agent = "edge",
  rest: Partial<JournalOptions> = {},
): Promise<Journal> {
  return Journal.open(file, {
    agent,
    clock: new TestClock(),
    log: silentLogger,
    ...rest,
    ids: ulids(() => 1, { next: () => 0.5 }),
  });
}

function arrival(
  id: string,
  rest: Partial<JournalArrival> = {},
): JournalArrival {
  return {
    id,
    attempt: 1,
    digest: `sha256:${id}`,
    deadline: HOUR,
    epoch: "e",
    seq: 1,
    ...rest,
  };
}

function ended(
  id: string,
  state: EventStatus["state"] = "completed",
): EventStatus {
  return {
    event_id: id,
    agent_id: "edge",
    state,
    message: "",
    details: { much: "x".repeat(100) },
    result: {
      success: true,
      completed_at: "2026-11-23T00:00:00Z",
      duration: 1,
    },
    timestamp: "2026-11-23T00:00:00Z",
    attempt: 1,
  };
}

/** Appends records one fsync each, and returns where each line ends. */
async function lines(file: MemoryJournal): Promise<number[]> {
  const journal = await open(file);
  const ends = [file.bytes.length];
  for (
    const write of [
      () => journal.arrive(arrival("a", { seq: 1 })),
      () => journal.begin("a", 1),
      () => journal.finish(ended("a"), 7),
      () => journal.arrive(arrival("b", { seq: 2 })),
    ]
  ) {
    await write();
    ends.push(file.bytes.length);
  }
  return ends;
}

function stages(journal: Journal): Record<string, string> {
  return Object.fromEntries(
    [...journal.entries()].map(({ id, stage }) => [id, stage]),
  );
}

Deno.test("Journal.open() starts a journal with an instance that stays", async () => {
  const file = new MemoryJournal();
  const { meta } = await open(file);
  strictEqual(meta.instance.length, 26);
  deepStrictEqual((await open(file)).meta, meta);
});

Deno.test("Journal.open() remembers how far each attempt got", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  await journal.arrive(arrival("received", { seq: 1 }));
  await journal.arrive(arrival("begun", { seq: 2 }));
  await journal.begin("begun", 1);
  await journal.arrive(arrival("finished", { seq: 3 }));
  await journal.begin("finished", 1);
  await journal.finish(ended("finished"), 7);
  const again = await open(file);
  deepStrictEqual([...again.entries()], [...journal.entries()]);
  deepStrictEqual(stages(again), {
    received: "received",
    begun: "begun",
    finished: "finished",
  });
  const { epoch, seq, sid } = again.meta;
  deepStrictEqual({ epoch, seq, sid }, { epoch: "e", seq: 3, sid: 7 });
});

Deno.test("Journal.open() leaves out a last record that was torn at any byte", async () => {
  const file = new MemoryJournal();
  const ends = await lines(file);
  const whole = file.bytes;
  const [start = 0, end = 0] = ends.slice(-2);
  strictEqual(end, whole.length);
  for (let size = start; size < end; size++) {
    file.bytes = whole.slice(0, size);
    deepStrictEqual(
      stages(await open(file)),
      { a: "finished" },
      `cut at ${size}`,
    );
  }
  for (let from = start; from < end; from++) {
    file.bytes = whole.slice();
    file.bytes.fill(0, from);
    deepStrictEqual(
      stages(await open(file)),
      { a: "finished" },
      `never written from ${from}`,
    );
  }
});

Deno.test("Journal.open() goes on after a torn tail", async () => {
  const file = new MemoryJournal();
  await lines(file);
  file.bytes = file.bytes.slice(0, -5);
  await (await open(file)).arrive(arrival("c"));
  deepStrictEqual(stages(await open(file)), { a: "finished", c: "received" });
});

Deno.test("Journal.open() refuses a flipped bit anywhere but in the last record", async () => {
  const file = new MemoryJournal();
  const ends = await lines(file);
  const whole = file.bytes;
  for (let at = 0; at < (ends.at(-2) ?? 0); at++) {
    file.bytes = whole.slice();
    file.bytes[at]! ^= 1 << (at % 8);
    await rejects(open(file), { code: "store_unavailable" }, `byte ${at}`);
  }
});

Deno.test("Journal.open() refuses records that are missing, doubled or have changed places", async () => {
  const file = new MemoryJournal();
  const ends = await lines(file);
  const whole = file.bytes;
  const parts = ends.map((end, i) => whole.slice(ends[i - 1] ?? 0, end));
  const CASES: Readonly<Record<string, readonly number[]>> = {
    missing: [0, 1, 3, 4],
    "missing before the last": [0, 1, 2, 4],
    doubled: [0, 1, 2, 2, 3, 4],
    "doubled at the end": [0, 1, 2, 3, 4, 4],
    swapped: [0, 2, 1, 3, 4],
  };
  for (const [name, order] of Object.entries(CASES)) {
    file.bytes = new Uint8Array(order.flatMap((i) => [...parts[i]!]));
    await rejects(open(file), { code: "store_unavailable" }, name);
  }
});

Deno.test("Journal.open() refuses a newer version, another program's file and another agent's journal", async () => {
  const file = new MemoryJournal();
  await open(file);
  await rejects(
    open(file, "other"),
    /journal of agent "edge" for agent "other"/,
  );
  const text = new TextDecoder().decode(file.bytes);
  file.bytes = new TextEncoder().encode(
    text.replace('"version":1', '"version":2'),
  );
  await rejects(open(file), /its version is "2" and this program knows 1: run/);
  for (const bad of ["{}\n", "\n", "null\n", "\u0000", "SQLite format 3"]) {
    file.bytes = new TextEncoder().encode(bad);
    await rejects(open(file), /its first line is damaged/);
  }
  file.bytes = new TextEncoder().encode(text.slice(0, text.indexOf("\n") + 1));
  await rejects(open(file), /does not say whose it is/);
});

Deno.test("Journal shares one fsync between what is noted in one turn, and while another runs", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  const before = file.syncs;
  await Promise.all([journal.arrive(arrival("a")), journal.begin("a", 1)]);
  strictEqual(file.syncs, before + 1);

  const gate = Promise.withResolvers<void>();
  file.gate = gate.promise;
  const first = journal.arrive(arrival("b"));
  await Promise.resolve().then(() => {});
  const rest = ["c", "d", "e"].map((id) => journal.arrive(arrival(id)));
  let durable = false;
  const all = journal.durable().then(() => durable = true);
  strictEqual(journal.get("e")?.stage, "received");
  strictEqual(durable, false);
  gate.resolve();
  await Promise.all([first, ...rest, all]);
  strictEqual(file.syncs, before + 3);
});

Deno.test("Journal refuses everything after a write that failed", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  const full = new TransporterError(
    "store_unavailable",
    "Cannot use the journal: no space left",
  );
  file.gate = Promise.reject(full);
  const [first, second] = [journal.arrive(arrival("a")), journal.durable()];
  await rejects(first, full);
  await rejects(second, full);
  file.gate = undefined;
  await rejects(journal.arrive(arrival("b")), full);
  strictEqual(await journal.failed, full);
  await journal[Symbol.asyncDispose]();
});

Deno.test("Journal.sent() keeps an end but not its result, and only up to the status that was sent", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  for (const [i, id] of ["a", "b"].entries()) {
    await journal.arrive(arrival(id));
    await journal.finish(ended(id), 10 * (i + 1));
  }
  journal.sent(15);
  await journal[Symbol.asyncDispose]();
  const again = await open(file);
  const [a, b] = ["a", "b"].map((id) => again.get(id));
  deepStrictEqual([a?.acknowledged, a?.status?.result, a?.status?.state], [
    true,
    null,
    "completed",
  ]);
  deepStrictEqual([b?.acknowledged, b?.status], [false, ended("b")]);

  await again.renumber(ended("a"), 21);
  deepStrictEqual([again.get("a")?.acknowledged, again.meta.sid], [false, 21]);
  strictEqual((await open(file)).get("a")?.acknowledged, false);
});

Deno.test("Journal.sent() is durable with whatever is written next", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  await journal.arrive(arrival("a"));
  await journal.finish(ended("a"), 1);
  const before = file.syncs;
  journal.sent(1);
  await journal.durable();
  strictEqual(file.syncs, before);
  await journal.arrive(arrival("b"));
  strictEqual(file.syncs, before + 1);
  strictEqual((await open(file)).get("a")?.acknowledged, true);
});

Deno.test("Journal keeps the highest attempt, and nothing of a lower one undoes it", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  await journal.arrive(arrival("a"));
  await journal.finish(ended("a"), 1);
  await journal.arrive(arrival("a", { attempt: 2, seq: 2 }));
  await journal.begin("a", 2);
  await journal.arrive(arrival("a", { attempt: 1, seq: 3 }));
  await journal.begin("a", 1);
  await journal.finish(ended("a", "failed"), 2);
  await journal.arrive(arrival("a", { attempt: 2, seq: 4 }));
  for (const each of [journal, await open(file)]) {
    const { attempt, stage, seq, status } = each.get("a") ?? {};
    deepStrictEqual({ attempt, stage, seq, status }, {
      attempt: 2,
      stage: "begun",
      seq: 4,
      status: undefined,
    });
  }
});

Deno.test("Journal.keepPurged() forgets ids ten minutes after their deadline, and no end that is owed", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  const ids = [
    "received",
    "begun",
    "held",
    "acknowledged",
    "owed",
    "unnumbered",
  ];
  for (const id of ids) await journal.arrive(arrival(id, { seq: 40 }));
  await journal.begin("begun", 1);
  await journal.finish(ended("acknowledged"), 3);
  journal.sent(3);
  await journal.finish(ended("owed"), 4);
  await journal.finish(ended("unnumbered"), 0);

  journal.keepPurged(() => HOUR + 599_000, (id) => id === "held");
  deepStrictEqual(Object.keys(stages(journal)), ids);
  journal.keepPurged(() => HOUR + 601_000, (id) => id === "held");
  deepStrictEqual(Object.keys(stages(journal)), ["held", "owed"]);
  strictEqual(journal.meta.seq, 40);
});

Deno.test("Journal stays short while it is used, and loses nothing by it", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  journal.keepPurged(() => 100 * HOUR, () => false);
  await journal.arrive(arrival("first", { deadline: 200 * HOUR }));
  await journal.begin("first", 1);
  let bytesMax = 0;
  for (let i = 1; i <= 600; i++) {
    const status = { ...ended(`e${i}`), details: { much: "x".repeat(10_000) } };
    const arrived = journal.arrive(arrival(`e${i}`, { seq: i }));
    const finished = journal.finish(status, i);
    await Promise.all([arrived, finished]);
    journal.sent(i);
    bytesMax = Math.max(bytesMax, file.bytes.length);
  }
  ok(bytesMax < 2 * 1024 * 1024, `${bytesMax} bytes`);
  strictEqual(journal.bytes, file.bytes.length);
  const again = await open(file);
  strictEqual(again.get("first")?.stage, "begun");
  strictEqual(again.get("e600")?.stage, "finished");
  deepStrictEqual([again.meta.seq, again.meta.sid], [600, 600]);
});

Deno.test("Journal loses nothing that is noted while it is compacted", async () => {
  const file = new MemoryJournal();
  const journal = await open(file);
  const big = { ...ended("big"), details: { much: "x".repeat(1024 * 1024) } };
  await journal.arrive(arrival("big"));
  const gate = Promise.withResolvers<void>();
  const finished = journal.finish(big, 1);
  await finished; // the compaction that follows now waits at the gate
  file.gate = gate.promise;
  const late = [
    journal.arrive(arrival("late", { seq: 2 })),
    journal.begin("late", 1),
  ];
  gate.resolve();
  await Promise.all(late);
  deepStrictEqual(stages(await open(file)), { big: "finished", late: "begun" });
});

Deno.test("diskJournal() keeps a journal in a folder, for one process at a time", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await openFolder(`${folder}/data`);
    {
      await using _lock = await lockFolder(`${folder}/data`, {
        program: "transporter agent",
      });
      await rejects(
        lockFolder(`${folder}/data`, { program: "transporter agent" }),
        {
          code: "folder_in_use",
        },
      );
      await using journal = await open(diskJournal(`${folder}/data`));
      await Promise.all([journal.arrive(arrival("a")), journal.begin("a", 1)]);
    }
    await using _lock = await lockFolder(`${folder}/data`, {
      program: "transporter agent",
    });
    await using journal = await open(diskJournal(`${folder}/data`));
    await journal.arrive(arrival("b"));
    deepStrictEqual(stages(journal), { a: "begun", b: "received" });
    strictEqual(
      (await Deno.stat(`${folder}/data/agent.journal`)).mode! & 0o777,
      0o600,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("diskJournal() says why it cannot be used", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await rejects(open(diskJournal(`${folder}/gone`)), {
      code: "store_unavailable",
      message: /^Cannot use the journal ".*gone\/agent.journal": /,
    });
    await Deno.mkdir(`${folder}/agent.journal`);
    await rejects(open(diskJournal(folder)), { code: "store_unavailable" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
