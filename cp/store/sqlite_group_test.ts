import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "@transporter/sdk";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { openDatabase } from "./sqlite_file.ts";
import { GroupCommit } from "./sqlite_group.ts";
import { SqliteStore } from "./sqlite_store.ts";
import { tempFolder } from "./testing/folder.ts";
import { event, idsOf, T, to } from "./testing/samples.ts";

/** Steps that write by themselves gather nothing. */
const NOTHING = { write() {}, discard() {}, makeRoom: () => false };

/** A database with a table of numbers, one of which may have to be there before the commit. */
function numbers() {
  const db = new DatabaseSync(":memory:");
  db.exec(`
    PRAGMA foreign_keys = ON;
    CREATE TABLE number (n INTEGER PRIMARY KEY);
    CREATE TABLE needs (n INTEGER REFERENCES number DEFERRABLE INITIALLY DEFERRED);
  `);
  const group = new GroupCommit(db, NOTHING);
  return {
    group,
    add: (n: number) =>
      group.add(() => db.exec(`INSERT INTO number VALUES (${n})`)),
    need: (n: number) =>
      group.add(() => db.exec(`INSERT INTO needs VALUES (${n})`)),
    all: () => db.prepare("SELECT n FROM number").all().map((row) => row["n"]),
    db,
    [Symbol.dispose]() {
      group.close();
      db.close();
    },
  };
}

Deno.test("GroupCommit.add() commits what came together as one", async () => {
  using store = numbers();
  const adding = Promise.all([1, 2, 3].map(store.add));
  deepStrictEqual(store.all(), []);
  await store.add(4);
  deepStrictEqual(store.all(), [1, 2, 3, 4]);
  await adding;
});

Deno.test("GroupCommit.add() undoes only the step that fails", async () => {
  using store = numbers();
  const refusal = new RangeError("Not this one");
  const [one, taken, refused, two] = await Promise.allSettled([
    store.add(1),
    store.add(1),
    store.group.add(() => {
      throw refusal;
    }),
    store.add(2),
  ]);
  deepStrictEqual([one.status, two.status], ["fulfilled", "fulfilled"]);
  strictEqual(
    taken.status === "rejected" && taken.reason.code,
    "store_unavailable",
  );
  strictEqual(refused.status === "rejected" && refused.reason, refusal);
  deepStrictEqual(store.all(), [1, 2]);
});

Deno.test("GroupCommit.add() tries the steps of a group one by one when its commit fails", async () => {
  using store = numbers();
  const [one, need, two] = await Promise.allSettled([
    store.add(1),
    store.need(7),
    store.add(2),
  ]);
  deepStrictEqual([one.status, two.status], ["fulfilled", "fulfilled"]);
  strictEqual(
    need.status === "rejected" && need.reason.code,
    "store_unavailable",
  );
  strictEqual(
    need.status === "rejected" && need.reason.cause?.code,
    "ERR_SQLITE_ERROR",
  );
  deepStrictEqual(store.all(), [1, 2]);
  await Promise.all([store.need(7), store.add(7)]);
  deepStrictEqual(store.all(), [1, 2, 7]);
});

Deno.test("GroupCommit.add() writes what was gathered before the commit, and forgets it when that fails", async () => {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE number (n INTEGER PRIMARY KEY)");
  let gathered: number[] = [];
  const group = new GroupCommit(db, {
    write() {
      for (const n of gathered) db.exec(`INSERT INTO number VALUES (${n})`);
      gathered = [];
    },
    discard: () => void (gathered = []),
    makeRoom: () => false,
  });
  const results = await Promise.allSettled(
    [1, 1, 2].map((n) => group.add(() => gathered.push(n))),
  );
  deepStrictEqual(results.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  deepStrictEqual(
    db.prepare("SELECT n FROM number").all().map((row) => row["n"]),
    [1, 2],
  );
  group.close();
  db.close();
});

Deno.test("GroupCommit.add() rejects when no transaction can be begun, and tries again", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/numbers.db`;
  const [db, other] = [new DatabaseSync(path), new DatabaseSync(path)];
  db.exec("CREATE TABLE number (n INTEGER)");
  const group = new GroupCommit(db, NOTHING);
  other.exec("BEGIN EXCLUSIVE");
  const steps = [1, 1].map((n) =>
    group.add(() => db.exec(`INSERT INTO number VALUES (${n})`))
  );
  for (const step of await Promise.allSettled(steps)) {
    strictEqual(
      step.status === "rejected" && step.reason.code,
      "store_unavailable",
    );
    strictEqual(
      step.status === "rejected" && step.reason.message,
      "Cannot write to the store: database is locked",
    );
  }
  other.exec("ROLLBACK");
  await group.add(() => db.exec("INSERT INTO number VALUES (2)"));
  deepStrictEqual(
    db.prepare("SELECT n FROM number").all().map((row) => row["n"]),
    [2],
  );
  group.close();
  other.close();
  db.close();
});

Deno.test("GroupCommit.close() commits what waits, also more than one transaction takes", async () => {
  using store = numbers();
  const slow = Array.from({ length: 5 }, (_, n) =>
    store.group.add(() => {
      store.db.exec(`INSERT INTO number VALUES (${n})`);
      for (const until = performance.now() + 6; performance.now() < until;);
    }));
  store.group.close();
  deepStrictEqual(store.all(), [0, 1, 2, 3, 4]);
  await Promise.all(slow);
  await rejects(store.add(5), { code: "store_unavailable" });
});

Deno.test("SqliteStore refuses what a full disk cannot take, and goes on when there is space", async () => {
  await using folder = await tempFolder();
  const db = await openDatabase(`${folder.path}/store.db`);
  await using store = new SqliteStore(db, systemClock);
  await store.createEvent(T, event("first"));
  const { page_count: pages } = db.prepare("PRAGMA page_count").get() ?? {};
  db.exec(`PRAGMA max_page_count = ${Number(pages) + 20}`);
  const large = { spec: { payload: { text: "x".repeat(200_000) } } };
  const full = {
    code: "disk_full",
    message: /^Cannot write to the store: .*full/,
  };
  await rejects(store.createEvent(T, event("large", large)), full);
  strictEqual(await store.getEvent(T, "large"), undefined);
  // Whatever else came in the same turn was either written whole or refused.
  const added = await Promise.allSettled([
    store.createEvent(T, event("small")),
    store.createEvent(T, event("large", large)),
    store.changeEvent(T, "first", to("completed")),
  ]);
  strictEqual(added[1].status, "rejected");
  const listed = idsOf(await store.listEvents(T, { limit: 10 }));
  deepStrictEqual(
    listed,
    added[0].status === "fulfilled" ? ["small", "first"] : ["first"],
  );
  const revision = added[2].status === "fulfilled" ? 2 : 1;
  strictEqual((await store.getEvent(T, "first"))?.revision, revision);
  strictEqual((await store.listHistory(T, "first")).length, revision);
  let filled = 0;
  while (
    await store.createEvent(T, event(`filler-${filled}`)).then(
      () => true,
      () => false,
    )
  ) filled++;
  await rejects(store.createEvent(T, event("more")), full);
  strictEqual(
    (await store.listEvents(T, { limit: 1000 })).length,
    listed.length + filled,
  );
  db.exec("PRAGMA max_page_count = 1000000");
  strictEqual(
    (await store.createEvent(T, event("large", large))).created,
    true,
  );
  await store.probe();
});

Deno.test("GroupCommit.add() has patient steps share a transaction, also when they come one by one", async () => {
  const db = new DatabaseSync(":memory:");
  let transactions = 0;
  const group = new GroupCommit(db, {
    ...NOTHING,
    write: () => void transactions++,
  });
  const patient = { patient: true };
  const order: string[] = [];
  const adding: Promise<unknown>[] = [];
  for (let i = 0; i < 50; i++) {
    adding.push(group.add(() => order.push("patient"), patient));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const before = transactions;
  ok(before < 50, `${before} transactions for 50 steps`);
  await group.add(() => order.push("urgent"));
  strictEqual(order.at(-1), "urgent", "those before it went first");
  strictEqual(order.length, 51, "and did not wait any longer");
  await group.add(() => order.push("alone"), patient);
  deepStrictEqual(order.slice(-2), ["urgent", "alone"]);
  await Promise.all(adding);
  group.close();
  db.close();
});

Deno.test("GroupCommit.add() has steps that come last after all that is there, but before what comes when they did not fit", async () => {
  const db = new DatabaseSync(":memory:");
  const group = new GroupCommit(db, NOTHING);
  const order: string[] = [];
  const add = (name: string, options = {}) =>
    group.add(() => order.push(name), options);
  const last = { last: true };
  await Promise.all([add("release", last), add("one"), add("two")]);
  deepStrictEqual(order.splice(0), ["one", "two", "release"]);
  const slow = group.add(() => {
    for (const until = performance.now() + 15; performance.now() < until;);
  });
  const adding = [add("release", last), add("one")];
  await slow;
  adding.push(add("two"), add("release too", last));
  await Promise.all(adding);
  deepStrictEqual(order, ["one", "release", "two", "release too"]);
  group.close();
  db.close();
});
