import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { STATES } from "@transporter/sdk";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "./sqlite_file.ts";
import { listStatements, SQL } from "./sqlite_queries.ts";
import type { EventQuery } from "./store.ts";
import { tempFolder } from "./testing/folder.ts";
import { AT } from "./testing/samples.ts";

async function withDatabase(run: (db: DatabaseSync) => void): Promise<void> {
  await using folder = await tempFolder();
  const db = await openDatabase(`${folder.path}/store.db`);
  run(db);
  db.close();
}

/** How SQLite would run a statement, a line for each table. */
function planOf(db: DatabaseSync, sql: string): string[] {
  return db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map((row) =>
    String(row["detail"])
  );
}

Deno.test("SQL reads no table from end to end", async () => {
  await withDatabase((db) => {
    for (const [name, sql] of Object.entries(SQL)) {
      if (name === "probe") continue; // a table of one row
      for (const line of planOf(db, sql)) {
        ok(
          !/^SCAN (?!CONSTANT|asked VIRTUAL|entry$)/.test(line),
          `${name}: ${line}`,
        );
      }
    }
  });
});

Deno.test("SQL is not prepared anew because of a limit that it is run with", () => {
  const [list] = listStatements("default", { limit: 10 });
  for (const sql of [...Object.values(SQL), list?.sql ?? ""]) {
    ok(!/LIMIT \?(?! \+ 0)/.test(sql), sql);
  }
});

Deno.test("SQL releases, expires and counts by the index of what has not ended", async () => {
  await withDatabase((db) => {
    const first = (sql: string) => planOf(db, sql)[0];
    deepStrictEqual(
      [
        first(SQL.listQueued),
        first(SQL.listReleased),
        first(SQL.listDue),
        first(SQL.countOpen),
      ],
      [
        "SEARCH event USING COVERING INDEX event_queue (tenant=? AND agent=?)",
        "SEARCH event USING INDEX event_released (tenant=? AND agent=?)",
        "SEARCH event USING INDEX event_due (due_at<?)",
        "SEARCH event USING INDEX event_list (tenant=? AND stage>?)",
      ],
    );
    for (
      const sql of [SQL.listQueued, SQL.listDue, SQL.listChanges]
    ) {
      ok(!planOf(db, sql).some((line) => line.includes("TEMP B-TREE")), sql);
    }
  });
});

Deno.test("SQL finds the histories of an event without an index of them", async () => {
  await withDatabase((db) => {
    for (const sql of [SQL.listHistory, SQL.lastHistory, SQL.dropHistories]) {
      const lines = planOf(db, sql).filter((line) => line.includes("history"));
      ok(lines.length > 0);
      for (const line of lines) {
        strictEqual(
          line,
          "SEARCH history USING INTEGER PRIMARY KEY (rowid=?)",
        );
      }
    }
  });
});

Deno.test("listStatements() finds the newest in the order of an index, never by sorting", async () => {
  const parts: readonly Partial<EventQuery>[] = [
    { agent: "edge-1" },
    { type: "script" },
    { states: STATES },
    { labels: { app: "web", tier: "front" } },
    { since: AT },
    { before: 99 },
  ];
  await withDatabase((db) => {
    for (let chosen = 0; chosen < 2 ** parts.length; chosen++) {
      const query = Object.assign(
        { limit: 10 },
        ...parts.filter((_, i) => chosen & 1 << i),
      );
      for (const { sql } of listStatements("default", query, 7)) {
        for (const line of planOf(db, sql)) {
          ok(
            !line.includes("TEMP B-TREE") && !line.startsWith("SCAN"),
            `${line} in ${sql}`,
          );
        }
      }
    }
  });
});

Deno.test("listStatements() looks up what it is asked for", async () => {
  const cases: readonly (readonly [Partial<EventQuery>, string])[] = [
    [{}, "event USING COVERING INDEX event_list (tenant=? AND stage=?)"],
    [
      { before: 9 },
      "event USING COVERING INDEX event_list (tenant=? AND stage=? AND rowid<?)",
    ],
    [
      { agent: "edge-1" },
      "event USING COVERING INDEX event_agent (tenant=? AND agent=?)",
    ],
    [
      { type: "script" },
      "event USING COVERING INDEX event_type (tenant=? AND type=?)",
    ],
    [
      { states: ["failed"] },
      "event USING COVERING INDEX event_list (tenant=? AND stage=?)",
    ],
    [
      { states: ["queued"] },
      "event USING COVERING INDEX event_list (tenant=? AND stage=?)",
    ],
    [
      { states: ["in_progress"] },
      "event USING INDEX event_list (tenant=? AND stage=?)",
    ],
    [
      { labels: { app: "web" } },
      "label USING PRIMARY KEY (tenant=? AND name=? AND value=?)",
    ],
    [
      { since: AT },
      "event USING INDEX event_list (tenant=? AND stage=? AND rowid>?)",
    ],
  ];
  await withDatabase((db) => {
    for (const [query, expected] of cases) {
      const [statement] = listStatements(
        "default",
        { limit: 10, ...query },
        query.since === undefined ? undefined : 7,
      );
      strictEqual(planOf(db, statement?.sql ?? "")[0], `SEARCH ${expected}`);
    }
  });
});
