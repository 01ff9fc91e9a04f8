/** What crosses the pipe to an isolated plugin and back, without a control plane. */
import {
  deepStrictEqual,
  notStrictEqual,
  rejects,
  strictEqual,
} from "node:assert/strict";
import { openIsolated } from "@transporter/agent/plugin";
import {
  isRecord,
  jsonLogger,
  parse,
  systemClock,
  TransporterError,
} from "@transporter/sdk";
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

const REPORTS = HELLO.replace(
  "apply: ()",
  `async validate(_, { report, output }) {
     for (let i = 0; i < 40; i++) {
       await report("report " + i);
       output("stdout", String(i));
     }
   },\n  apply: ()`,
);

Deno.test("a phase of an isolated plugin ends when its reports are recorded, and what it says besides stays in its place", async () => {
  await using dir = await folderOf({ "mod.ts": REPORTS, "text.ts": TEXT });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const payload = await parse(executor.schema, {});
  const said: string[] = [];
  await executor.validate(payload, {
    ...attemptContext(),
    output: (_, text) => said.push(text),
    async report(message) {
      await systemClock.sleep(2);
      said.push(message);
    },
  });
  deepStrictEqual(
    said,
    Array.from({ length: 40 }, (_, i) => [`report ${i}`, String(i)]).flat(),
  );
});

Deno.test("what an isolated plugin reported before its end is recorded before that is told", async () => {
  await using dir = await folderOf({
    "mod.ts": REPORTS.replace(
      "for (let i = 0; i < 40;",
      "for (let i = 0; i < 10;",
    )
      .replace('output("stdout"', 'if (i === 9) Deno.exit(3); output("stdout"'),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const payload = await parse(executor.schema, {});
  let recorded = 0;
  const validated = executor.validate(payload, {
    ...attemptContext(),
    async report() {
      await systemClock.sleep(20);
      recorded++;
    },
  });
  await rejects(validated, { code: "plugin_failed" });
  strictEqual(recorded, 10);
});

Deno.test("a report of an isolated plugin that cannot be recorded fails its phase", async () => {
  await using dir = await folderOf({ "mod.ts": REPORTS, "text.ts": TEXT });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const payload = await parse(executor.schema, {});
  const reason = new TransporterError("store_unavailable", "The disk is full");
  const report = () => Promise.reject(reason);
  const context = { ...attemptContext(), report };
  await rejects(executor.validate(payload, context), reason);
  // The next event does not hear of it.
  await executor.validate(payload, attemptContext());
});

Deno.test("an isolated plugin is told of its attempt what the agent knows", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      `apply: (_, { idempotencyKey, createdAt, attempt, deadline, again, signal }) =>
         ({ idempotencyKey, createdAt, attempt, deadline, again, aborted: signal.aborted }),\n  aply: ()`,
    ),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const payload = await parse(executor.schema, {});
  const context = { ...attemptContext(), attempt: 7, again: true };
  const plan = await executor.validate(payload, context);
  const { idempotencyKey, createdAt, attempt, deadline, again } = context;
  deepStrictEqual(await executor.apply(plan, context), {
    ...{ idempotencyKey, createdAt, attempt, deadline, again },
    aborted: false,
  });
});

Deno.test("an isolated plugin has the memory that its operator gives it, and no more", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      `apply() { // a hundred MiB of numbers
         const kept = [];
         for (let i = 0; i < 100; i++) kept.push(new Array(131_072).fill(i + 0.5));
         return { kept: kept.length };
       },\n  aply: ()`,
    ),
    "text.ts": TEXT,
  });
  async function apply(memory: number): Promise<unknown> {
    const entry = entryOf({ spec: `${dir.path}/mod.ts`, memory });
    await using executor = await openIsolated(entry, await isolation());
    const payload = await parse(executor.schema, {});
    const context = attemptContext();
    const plan = await executor.validate(payload, context);
    return await executor.apply(plan, context);
  }
  deepStrictEqual(await apply(256), { kept: 100 });
  await rejects(apply(48), {
    code: "interrupted",
    message: /ran out of memory$/,
  });
});

Deno.test("keys, repeatable, standing and recover of an isolated plugin are its own", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      `keys: ({ a }) => ["a " + a],
       repeatable: ({ a }) => a > 1,
       standing: ({ a }) => a > 2,
       recover: ({ a }, { idempotencyKey: id }) => Promise.resolve(
         a > 1 ? { kind: "done", result: { id, a } } : { kind: "lost" },
       ),\n  apply: ()`,
    ),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const context = attemptContext();
  const found: unknown[] = [];
  for (const a of [1, 2, 3]) {
    const payload = await parse(executor.schema, { a });
    found.push([
      executor.keys(payload),
      executor.repeatable(payload),
      executor.standing(payload),
      await executor.recover(payload, context),
    ]);
  }
  deepStrictEqual(found, [
    [["a 1"], false, false, { kind: "lost" }],
    [["a 2"], true, false, { kind: "done", result: { id: "e1", a: 2 } }],
    [["a 3"], true, true, { kind: "done", result: { id: "e1", a: 3 } }],
  ]);
});

Deno.test("an event of an isolated plugin has a process to itself, which is used again", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      "validate: () => Deno.pid,\n  apply: (pid)",
    )
      .replace("({ text })", "({ pid })"),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const context = attemptContext();
  const payload = await parse(executor.schema, {});
  async function begin() {
    const plan = await executor.validate(payload, context);
    return async () => {
      const result = await executor.apply(plan, context);
      await executor.verify(plan, result, context);
      return isRecord(result) ? result["pid"] : undefined;
    };
  }
  const [first, second] = [await begin(), await begin()];
  const pids = [await first(), await second()];
  notStrictEqual(pids[0], pids[1]);
  const third = await (await begin())();
  strictEqual(pids.includes(third), true);
});

Deno.test("an event that is aborted between two phases gives its process back", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      "validate: () => Deno.pid,\n  apply: (pid)",
    )
      .replace("({ text })", "({ pid })"),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const payload = await parse(executor.schema, {});
  const pids = new Set<unknown>();
  for (let i = 0; i < 4; i++) {
    const abort = new AbortController();
    const context = { ...attemptContext(), signal: abort.signal };
    await executor.validate(payload, context);
    abort.abort();
    const plan = await executor.validate(payload, attemptContext());
    const result = await executor.apply(plan, attemptContext());
    await executor.verify(plan, result, attemptContext());
    pids.add(isRecord(result) ? result["pid"] : undefined);
  }
  strictEqual(pids.size, 1);
});

Deno.test("the process of an aborted event is not used again, since that may still be at work", async () => {
  await using dir = await folderOf({
    "mod.ts": HELLO.replace(
      "apply: ()",
      `async validate(_, { signal, report }) {
         await report(String(Deno.pid));
         await new Promise((resolve) => signal.addEventListener("abort", resolve));
         signal.throwIfAborted();
       },\n  apply: ()`,
    ),
    "text.ts": TEXT,
  });
  const entry = entryOf(`${dir.path}/mod.ts`);
  await using executor = await openIsolated(entry, await isolation());
  const payload = await parse(executor.schema, {});
  const pids = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const abort = new AbortController();
    const begun = executor.validate(payload, {
      ...attemptContext(),
      signal: abort.signal,
      report(pid) {
        pids.add(pid);
        abort.abort(new TransporterError("cancelled", "No more"));
        return Promise.resolve();
      },
    });
    await rejects(begun, { code: "cancelled" });
  }
  strictEqual(pids.size, 3);
});
