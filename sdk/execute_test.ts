import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import {
  defineExecutor,
  type EventSpec,
  type EventStatus,
  execute,
  type Executor,
  type ExecutorDefinition,
  type Schema,
  silentLogger,
  systemClock,
  TransporterError,
} from "./mod.ts";

const SPEC: EventSpec = {
  id: "e1",
  type: "echo",
  target_agent: "a",
  payload: { text: "hello" },
  created_at: "2026-11-23T05:04:27Z",
  created_by: "",
  ttl: 1e9,
  priority: 0,
  labels: {},
};

const schema: Schema<{ text: string }> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof (value as { text?: unknown }).text === "string"
        ? { value: value as { text: string } }
        : { issues: [{ message: "must be a text", path: ["text"] }] },
  },
};

type Echo = ExecutorDefinition<{ text: string }, string, { output: string }>;

function echo(
  changes: Partial<Echo> = {},
): Executor<{ text: string }, string, { output: string }> {
  return defineExecutor({
    type: "echo",
    version: "1.0.0",
    schema,
    validate: (payload) => Promise.resolve(payload.text),
    apply: (plan) => Promise.resolve({ output: plan }),
    verify: () => Promise.resolve(),
    ...changes,
  });
}

async function run(
  executor: Executor<{ text: string }, string, { output: string }>,
  options: { signal?: AbortSignal; spec?: EventSpec; applied?: unknown } = {},
): Promise<{ last: EventStatus; phases: string[]; all: EventStatus[] }> {
  const all: EventStatus[] = [];
  const last = await execute(executor, options.spec ?? SPEC, {
    agentId: "a",
    attempt: 1,
    deadline: Infinity,
    signal: options.signal ?? new AbortController().signal,
    clock: systemClock,
    log: silentLogger,
    ...("applied" in options ? { applied: options.applied } : {}),
    record: (status) => {
      all.push(status);
      return Promise.resolve();
    },
  });
  return {
    last,
    all,
    phases: all.map(({ state, phase }) => `${state}/${phase}`),
  };
}

Deno.test("execute() goes through upstream's phases in upstream's order", async () => {
  const { last, phases } = await run(echo());
  deepStrictEqual(phases, [
    "in_progress/received",
    "in_progress/validating",
    "in_progress/applying",
    "in_progress/verifying",
    "completed/completed",
  ]);
  strictEqual(last.result?.success, true);
  strictEqual(last.result?.["output"], "hello");
  strictEqual(typeof last.result?.duration, "number");
});

Deno.test("execute() fails with the code and the part that was done", async () => {
  const { last, phases } = await run(echo({
    apply() {
      throw new TransporterError("denied", "Cannot apply", {
        details: { result: { resource_status: [] } },
      });
    },
  }));
  strictEqual(phases.at(-1), "failed/failed");
  deepStrictEqual(last.error, { code: "denied", message: "Cannot apply" });
  strictEqual(last.message, "Cannot apply");
  deepStrictEqual(last.result?.resource_status, []);
  strictEqual(last.result?.success, false);
  strictEqual(last.result?.error_message, "Cannot apply");
});

Deno.test("execute() tells what was applied when verifying fails", async () => {
  const { last } = await run(echo({
    verify: () =>
      Promise.reject(new TransporterError("not_ready", "Not ready")),
  }));
  strictEqual(last.error?.code, "not_ready");
  strictEqual(last.result?.["output"], "hello");
});

Deno.test("execute() tells what verifying found out in place of what was applied", async () => {
  const { last } = await run(echo({
    verify: (_plan, { output }) => Promise.resolve({ output: `${output}!` }),
  }));
  strictEqual(last.result?.["output"], "hello!");
  const plain = await run(echo());
  strictEqual(plain.last.result?.["output"], "hello");
});

Deno.test("execute() fails with invalid, naming the field, when the payload has another shape", async () => {
  const { last } = await run(echo(), { spec: { ...SPEC, payload: {} } });
  strictEqual(last.error?.code, "invalid");
  strictEqual(
    last.message,
    'Cannot accept the payload: "text": must be a text',
  );
});

Deno.test("execute() does not start when it is aborted already", async () => {
  let started = false;
  const signal = AbortSignal.abort(new TransporterError("expired", "Too late"));
  const { phases } = await run(
    echo({
      validate(payload) {
        started = true;
        return Promise.resolve(payload.text);
      },
    }),
    { signal },
  );
  strictEqual(started, false);
  deepStrictEqual(phases, ["in_progress/received", "expired/expired"]);
});

const ABORTS: readonly [
  name: string,
  reason: unknown,
  end: string,
  code: string,
][] = [
  ["nothing", undefined, "cancelled/cancelled", "cancelled"],
  ["timeout", new TransporterError("timeout", "x"), "failed/failed", "timeout"],
  [
    "interrupted",
    new TransporterError("interrupted", "x"),
    "in_progress/interrupted",
    "interrupted",
  ],
];

for (const [name, reason, end, code] of ABORTS) {
  Deno.test(`execute() ends as ${end} when it is aborted with ${name}`, async () => {
    const abort = new AbortController();
    const { last, phases } = await run(
      echo({
        apply(_plan, context) {
          queueMicrotask(() => abort.abort(reason));
          return new Promise((_resolve, reject) =>
            context.signal.addEventListener(
              "abort",
              () => reject(new Error("torn down")),
            )
          );
        },
      }),
      { signal: abort.signal },
    );
    strictEqual(phases.at(-1), end);
    strictEqual(last.error?.code, code);
  });
}

Deno.test("execute() reports progress in the phase it is in", async () => {
  const { all } = await run(echo({
    async verify(_plan, _result, context) {
      await context.report("waiting for the far side");
    },
  }));
  const report = all.at(-2);
  deepStrictEqual([report?.phase, report?.message], [
    "verifying",
    "waiting for the far side",
  ]);
});

Deno.test("execute() verifies what an earlier process applied, and applies it no second time", async () => {
  const calls: unknown[] = [];
  const { last, phases } = await run(
    echo({
      validate: (payload, { again }) => {
        calls.push(again);
        return Promise.resolve(payload.text);
      },
      apply: () => Promise.reject(new Error("It is applied again")),
      verify: (plan, result) => {
        calls.push([plan, result]);
        return Promise.resolve();
      },
    }),
    { applied: { output: "before" } },
  );
  deepStrictEqual(calls, [true, ["hello", { output: "before" }]]);
  deepStrictEqual(phases, ["in_progress/verifying", "completed/completed"]);
  strictEqual(last.result?.["output"], "before");
});

Deno.test("execute() says what an earlier process applied when it cannot be verified", async () => {
  const { last } = await run(
    echo({ validate: () => Promise.reject(new Error("The plan is gone")) }),
    { applied: { output: "before" } },
  );
  deepStrictEqual(
    [last.state, last.result?.["output"]],
    ["failed", "before"],
  );
});

Deno.test("execute() rejects when a status cannot be recorded", async () => {
  const options = {
    agentId: "a",
    attempt: 1,
    deadline: Infinity,
    signal: new AbortController().signal,
    clock: systemClock,
    log: silentLogger,
    record: () =>
      Promise.reject(new TransporterError("store_unavailable", "Disk full")),
  };
  await rejects(execute(echo(), SPEC, options), { code: "store_unavailable" });
});

Deno.test("defineExecutor() defaults to one at a time, never twice, lost after a restart", async () => {
  const executor = echo();
  deepStrictEqual(executor.keys({ text: "" }), ["*"]);
  strictEqual(executor.repeatable({ text: "" }), false);
  const context = {} as Parameters<typeof executor.recover>[1];
  deepStrictEqual(await executor.recover({ text: "" }, context), {
    kind: "lost",
  });
  await executor[Symbol.asyncDispose]();
});
