import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "./sqlite.ts";
import { tempFolder } from "./testing/folder.ts";
import { T } from "./testing/samples.ts";

interface Acknowledged {
  readonly id: string;
  readonly revision: number;
  readonly sid?: number;
}

/** Lets a process write until it has acknowledged some, kills it in the middle, and returns all that it acknowledged. */
async function writeAndKill(
  path: string,
  count: number,
): Promise<readonly Acknowledged[]> {
  await using child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-lock",
      new URL("testdata/writer.ts", import.meta.url).href,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(path));
  await input.close();
  let text = "";
  let killed = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (killed || text.split("\n").length <= count) continue;
    child.kill("SIGKILL");
    killed = true;
  }
  strictEqual((await child.status).signal, "SIGKILL");
  const lines = text.split("\n").slice(0, -1); // the last was cut off, or is empty
  return lines.map((line) => JSON.parse(line));
}

Deno.test("store.crash.midwrite: openSqliteStore() has all that was acknowledged before a kill -9", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/store.db`;
  const acknowledged: Acknowledged[] = [];
  for (const [round, count] of [40, 333, 1000].entries()) {
    const added = await writeAndKill(path, count);
    ok(added.length >= count - 1);
    acknowledged.push(...added);
    await using store = await openSqliteStore({ path });
    for (const { id, revision } of acknowledged) {
      const record = await store.getEvent(T, id);
      const history = await store.listHistory(T, id);
      ok(
        record && record.revision >= revision,
        `${id} has lost revision ${revision}`,
      );
      deepStrictEqual(
        history.map((entry) => entry.revision),
        Array.from({ length: record.revision }, (_, i) => i + 1),
      );
      strictEqual(history.at(-1)?.state, record.state);
      const bytes =
        new TextEncoder().encode(JSON.stringify(await store.getSpec(T, id)))
          .length;
      strictEqual(bytes, record.bytes);
    }
    const agent = await store.getAgent(T, "edge-1");
    strictEqual(agent?.gen, round + 1);
    ok(agent.statusUpto >= Math.max(...added.map(({ sid = 0 }) => sid)));
  }
  const db = new DatabaseSync(path, { readOnly: true });
  deepStrictEqual(
    db.prepare("PRAGMA integrity_check").all().map((row) =>
      row["integrity_check"]
    ),
    ["ok"],
  );
  deepStrictEqual(db.prepare("PRAGMA foreign_key_check").all(), []);
  db.close();
});
