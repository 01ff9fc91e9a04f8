import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import {
  type EventKind,
  type EventSpec,
  type EventStatus,
  execute,
  type Executor,
  parse,
  type Phase,
  silentLogger,
  systemClock,
  TransporterError,
} from "../mod.ts";

/** What {@linkcode testExecutor} needs from an executor. */
export interface ExecutorHarness {
  /** Opens an executor for one test; disposed by the suite. */
  open(): Promise<Executor>;
  /** The pure part that intake uses; absent where it cannot be asked. */
  readonly kind?: EventKind;
  /** A payload that completes; called once per event, so that events need not touch the same things. */
  payload(): Readonly<Record<string, unknown>>;
  /** Payloads that can never succeed, by what is wrong with them. */
  readonly badPayloads: Readonly<
    Record<string, Readonly<Record<string, unknown>>>
  >;
}

interface Run {
  readonly last: EventStatus;
  readonly statuses: readonly EventStatus[];
}

let runs = 0;

/** Takes one event through the executor; `abortAt` cancels it when it enters that phase. */
async function run(
  executor: Executor,
  payload: Readonly<Record<string, unknown>>,
  options: { readonly abortAt?: Phase; readonly id?: string } = {},
): Promise<Run> {
  const spec: EventSpec = {
    id: options.id ?? `suite-${++runs}`,
    type: executor.info.type,
    target_agent: "suite",
    payload,
    created_at: "2026-11-23T00:00:00Z",
    created_by: "suite",
    ttl: 60e9,
    priority: 0,
    labels: {},
  };
  const abort = new AbortController();
  const statuses: EventStatus[] = [];
  const last = await execute(executor, spec, {
    agentId: "suite",
    attempt: 1,
    deadline: systemClock.now() + 60_000,
    signal: abort.signal,
    clock: systemClock,
    log: silentLogger,
    record: (status) => {
      statuses.push(status);
      if (status.phase === options.abortAt) {
        abort.abort(new TransporterError("cancelled", "The suite cancels"));
      }
      return Promise.resolve();
    },
  });
  return { last, statuses };
}

/** Something that every executor must do. */
export interface ExecutorCase {
  /** What it must do; "it" stands before it. */
  readonly title: string;
  /** Tries it; rejects if it does not. */
  run(): Promise<void>;
}

/**
 * Everything that an {@linkcode Executor} must do, for whoever tries it without
 * `Deno.test`.
 *
 * @param name The executor, such as `"k8s_resource"`.
 * @param harness How to open it, and payloads for it.
 */
export function executorCases(
  name: string,
  harness: ExecutorHarness,
): readonly ExecutorCase[] {
  const { kind, payload, badPayloads } = harness;
  const cases: Record<string, (executor: Executor) => Promise<void>> = {
    async "advertises a type and a version"(executor) {
      match(executor.info.type, /^[a-z][a-z0-9_]{0,63}$/);
      match(executor.info.version, /^\d+\.\d+\.\d+/);
      deepStrictEqual(kind?.type ?? executor.info.type, executor.info.type);
      await Promise.resolve();
    },
    async "completes a good payload, with a result that survives JSON"(
      executor,
    ) {
      const good = payload();
      await kind?.check(good);
      const { last } = await run(executor, good);
      deepStrictEqual([last.state, last.message], ["completed", last.message]);
      ok(last.result?.success);
      deepStrictEqual(JSON.parse(JSON.stringify(last.result)), last.result);
    },
    async "goes through every phase, once and in order"(executor) {
      const { statuses } = await run(executor, payload());
      const phases = statuses.map(({ phase }) => phase)
        .filter((phase, i, all) => phase !== all[i - 1]);
      deepStrictEqual(phases, [
        "received",
        "validating",
        "applying",
        "verifying",
        "completed",
      ]);
    },
    async "may run again when it says that the payload is repeatable"(
      executor,
    ) {
      const good = payload();
      const first = await run(executor, good, { id: `${name}-again` });
      deepStrictEqual(first.last.state, "completed", first.last.message);
      if (!executor.repeatable(await parse(executor.schema, good))) return;
      const second = await run(executor, good, { id: `${name}-again` });
      deepStrictEqual(second.last.state, "completed", second.last.message);
    },
    async "runs two events at the same time"(executor) {
      const both = await Promise.all([
        run(executor, payload()),
        run(executor, payload()),
      ]);
      for (const { last } of both) {
        deepStrictEqual(last.state, "completed", last.message);
      }
    },
    async "names what a payload touches, and agrees with its kind on what is repeatable"(
      executor,
    ) {
      const good = payload();
      const parsed = await parse(executor.schema, good);
      const keys = executor.keys(parsed);
      ok(keys.every((key) => typeof key === "string" && key !== ""));
      const repeatable = executor.repeatable(parsed);
      deepStrictEqual(kind?.repeatable(good) ?? repeatable, repeatable);
    },
    async "may be told again that an end is acknowledged, and of what it knows nothing of"(
      executor,
    ) {
      const id = `${name}-acknowledged`;
      await run(executor, payload(), { id });
      const { signal } = new AbortController();
      for (const idempotencyKey of [id, id, `${id}-never`]) {
        const which = { idempotencyKey, attempt: 2 };
        await executor.acknowledged?.({ ...which, signal, log: silentLogger });
      }
    },
    async "can be disposed twice"(executor) {
      await executor[Symbol.asyncDispose]();
      await executor[Symbol.asyncDispose]();
    },
  };
  for (
    const phase of ["received", "validating", "applying", "verifying"] as const
  ) {
    cases[`ends as cancelled when it is aborted while ${phase}`] = async (
      executor,
    ) => {
      const { last } = await run(executor, payload(), { abortAt: phase });
      deepStrictEqual([last.state, last.error?.code], [
        "cancelled",
        "cancelled",
      ]);
    };
  }
  for (const [what, bad] of Object.entries(badPayloads)) {
    cases[`refuses ${what} before it applies anything, and at submit`] = async (
      executor,
    ) => {
      const checked = kind?.check(bad) ?? parse(executor.schema, bad);
      await rejects(checked, (error: unknown) => {
        ok(error instanceof TransporterError, String(error));
        ok(
          error.class === "invalid" || error.class === "unsupported",
          error.code,
        );
        return true;
      });
      const { last, statuses } = await run(executor, bad);
      deepStrictEqual(last.state, "failed");
      ok(statuses.every(({ phase }) => phase !== "applying"));
    };
  }
  return Object.entries(cases).map(([title, test]) => ({
    title,
    async run() {
      const executor = await harness.open(); // no "using": Node 22 cannot read it
      try {
        await test(executor);
      } finally {
        await executor[Symbol.asyncDispose]();
      }
    },
  }));
}

/**
 * Registers the tests that every {@linkcode Executor} must pass.
 *
 * @param name The executor, such as `"k8s_resource"`.
 * @param harness How to open it, and payloads for it.
 */
export function testExecutor(name: string, harness: ExecutorHarness): void {
  for (const { title, run } of executorCases(name, harness)) {
    Deno.test(`${name} executor ${title}`, run);
  }
}
