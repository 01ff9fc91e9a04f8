/** What crosses the pipe to an isolated plugin and back, without a control plane. */
import { deepStrictEqual } from "node:assert/strict";
import { openIsolated } from "@transporter/agent/plugin";
import { jsonLogger, parse, systemClock } from "@transporter/sdk";
import {
  attemptContext,
  entryOf,
  folderOf,
  HELLO,
  isolation,
  TEXT,
} from "./tools.ts";

Deno.test("an isolated plugin verifies what an earlier process applied", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      `verify(plan, result) { return { plan, result }; },\n  apply: ()`,
    ),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const payload = await parse(executor.schema, { a: 1 });
  const context = attemptContext();
  const plan = await executor.validate(payload, context);
  deepStrictEqual(await executor.verify(plan, { b: 2 }, context), {
    plan: { a: 1 },
    result: { b: 2 },
  });
});

Deno.test("what an isolated plugin reports arrives as it was said, in order", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      `async validate(_, { report, output, log }) {
        await report("one");
        await report("two", { progress: { total: 2 } });
        output("stderr", "three");
        log.with({ by: "me" }).warn("four", { error: new Error("five") });
      },\n  apply: ()`,
    ),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const payload = await parse(executor.schema, {});
  const said: unknown[] = [];
  const lines: string[] = [];
  await executor.validate(payload, {
    ...attemptContext(),
    log: jsonLogger({ write: (line) => lines.push(line), clock: systemClock }),
    report: (...report) => Promise.resolve(void said.push(report)),
    output: (...output) => void said.push(output),
  });
  deepStrictEqual(said, [
    ["one", undefined],
    ["two", { progress: { total: 2 } }],
    ["stderr", "three"],
  ]);
  const [{ level, message, by, error }] = lines.map((line) => JSON.parse(line));
  deepStrictEqual(
    { level, message, by, error },
    {
      level: "warn",
      message: "four",
      by: "me",
      error: { name: "Error", message: "five" },
    },
  );
});
