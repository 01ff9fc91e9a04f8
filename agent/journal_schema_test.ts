import {
  deepStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { silentLogger, ulids } from "@transporter/sdk";
import { TestClock } from "@transporter/sdk/testing";
import { Journal } from "./journal.ts";
import { diskJournal } from "./journal_file.ts";
import {
  JOURNAL_SCHEMA,
  type JournalSchema,
  migrate,
} from "./journal_schema.ts";
import { MemoryJournal } from "./testing/memory_journal.ts";

const FOLDER = new URL("testdata/journals/", import.meta.url);

/** A format of tomorrow, in which events have a name in capitals. */
const NEXT: JournalSchema = {
  version: JOURNAL_SCHEMA.version + 1,
  steps: {
    ...JOURNAL_SCHEMA.steps,
    [JOURNAL_SCHEMA.version]: (records) =>
      records.map((record) => {
        const { in: arrival } = record as { in?: { id: string } };
        if (arrival === undefined) return record;
        return { in: { ...arrival, id: arrival.id.toUpperCase() } };
      }),
  },
};

function open(
  file: MemoryJournal,
  schema: JournalSchema = JOURNAL_SCHEMA,
): Promise<Journal> {
  return Journal.open(file, {
    agent: "edge-7",
    ids: ulids(() => 1, { next: () => 0 }),
    clock: new TestClock(),
    log: silentLogger,
    schema,
  });
}

async function golden(version: number): Promise<MemoryJournal> {
  const file = new MemoryJournal();
  file.bytes = await Deno.readFile(new URL(`v${version}.journal`, FOLDER));
  return file;
}

Deno.test("every version of the journal has a golden file", () => {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
  const wanted = Array.from(
    { length: JOURNAL_SCHEMA.version },
    (_, i) => [`v${i + 1}.journal`, `v${i + 1}.json`],
  ).flat();
  deepStrictEqual(files.toSorted(), wanted.toSorted());
});

for (let version = 1; version <= JOURNAL_SCHEMA.version; version++) {
  Deno.test(`Journal.open() knows what a journal of version ${version} says, and again once it is rewritten`, async () => {
    const file = await golden(version);
    const known = JSON.parse(
      await Deno.readTextFile(new URL(`v${version}.json`, FOLDER)),
    );
    for (let times = 0; times < 2; times++) {
      const journal = await open(file);
      deepStrictEqual(
        { meta: journal.meta, entries: [...journal.entries()] },
        known,
      );
    }
  });
}

Deno.test("Journal.open() migrates an older journal, after a copy of it", async () => {
  const file = await golden(JOURNAL_SCHEMA.version);
  const before = file.bytes;
  const journal = await open(file, NEXT);
  strictEqual(journal.get("RECEIVED")?.stage, "received");
  deepStrictEqual(file.backups, new Map([[JOURNAL_SCHEMA.version, before]]));
  await rejects(
    open(file),
    /its version is "2" and this program knows 1: run the program that wrote it/,
  );
  strictEqual((await open(file, NEXT)).get("RECEIVED")?.stage, "received");
  strictEqual(file.backups.size, 1);
});

Deno.test("Journal.open() migrates a journal with a torn tail", async () => {
  const file = await golden(JOURNAL_SCHEMA.version);
  file.bytes = file.bytes.slice(0, -5);
  const journal = await open(file, NEXT);
  strictEqual(journal.get("RECEIVED")?.stage, "received");
});

Deno.test("Journal.open() leaves an older journal as it is when there is no room for the newer", async () => {
  const file = await golden(JOURNAL_SCHEMA.version);
  const before = file.bytes;
  file.capacity = file.bytes.length;
  await rejects(open(file, NEXT), { code: "disk_full" });
  deepStrictEqual(file.bytes, before);
});

Deno.test("migrate() takes every step in turn", () => {
  const add = (text: string) => (records: readonly unknown[]) => [
    ...records,
    text,
  ];
  const schema = {
    version: 4,
    steps: { 1: add("a"), 2: add("b"), 3: add("c") },
  };
  deepStrictEqual(migrate([], { from: 2, schema }), ["b", "c"]);
  deepStrictEqual(migrate(["x"], { from: 4, schema }), ["x"]);
  throws(
    () => migrate([], { from: 1, schema: { version: 2, steps: {} } }),
    RangeError,
  );
});

Deno.test("diskJournal() keeps a copy of a version beside the journal", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const bytes = await Deno.readFile(new URL("v1.journal", FOLDER));
    await Deno.writeFile(`${folder}/agent.journal`, bytes);
    await diskJournal(folder).backup(1);
    deepStrictEqual(await Deno.readFile(`${folder}/agent.journal.v1`), bytes);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
