import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  type EventStatus,
  isTerminal,
  type Phase,
  PHASES,
  type State,
  STATES,
} from "@transporter/sdk";
import {
  attemptsUsed,
  bounded,
  cancel,
  expire,
  GRACE_MS,
  type Ignored,
  interrupt,
  policyOf,
  queued,
  refuse,
  release,
  reopen,
  report,
} from "./life.ts";
import { changeRecord } from "./store/record.ts";
import type { EventChange, EventRecord } from "./store/store.ts";
import { NOW, record, SPEC, status } from "./testing/records.ts";

function judge(
  before: Parameters<typeof record>[0],
  said: Partial<EventStatus>,
  repeatable = false,
): EventChange | Ignored {
  const options = { status: status(said), repeatable, jitter: 0, now: NOW };
  return report(record(before), options);
}

/** What the verdict is in short: the state it leads to, or why to none. */
function short(verdict: EventChange | Ignored | undefined): string {
  return typeof verdict === "object"
    ? verdict.status.state
    : verdict ?? "nothing";
}

/** What an agent may say, and from where; every other pair changes nothing. */
const MAY_REPORT: Readonly<Partial<Record<State, readonly State[]>>> = {
  assigned: ["in_progress", "completed", "failed", "expired", "cancelled"],
  in_progress: ["in_progress", "completed", "failed", "expired", "cancelled"],
};

for (const from of STATES) {
  for (const to of STATES) {
    const allowed = MAY_REPORT[from]?.includes(to) ?? false;
    Deno.test(`status.transitions: report() of "${to}" on "${from}" ${allowed ? "is taken" : "changes nothing"}`, () => {
      const verdict = judge({ state: from, seq: 1 }, { state: to });
      if (allowed) strictEqual(short(verdict), to);
      else if (isTerminal(from)) strictEqual(verdict, "ended");
      else strictEqual(typeof verdict, "string");
    });
  }
}

const PROGRESS: readonly Phase[] = [
  "received",
  "validating",
  "applying",
  "verifying",
];

for (const from of PROGRESS) {
  for (const to of PROGRESS) {
    const forward = PROGRESS.indexOf(to) >= PROGRESS.indexOf(from);
    Deno.test(`status.transitions: report() of phase "${to}" in "${from}" ${forward ? "is taken" : "changes nothing"}`, () => {
      const verdict = judge({ phase: from }, { phase: to });
      strictEqual(short(verdict), forward ? "in_progress" : "not_allowed");
    });
  }
}

const IGNORED: Readonly<
  Record<
    string,
    readonly [Parameters<typeof record>[0], Partial<EventStatus>, Ignored]
  >
> = {
  "another agent's event": [{}, { agent_id: "evil" }, "foreign"],
  "another agent's event that has ended": [
    { state: "completed" },
    { agent_id: "evil", state: "failed" },
    "foreign",
  ],
  "an attempt that was given up": [
    { attempt: 2 },
    { attempt: 1, state: "completed" },
    "stale_attempt",
  ],
  "an event that was never released": [
    { state: "queued", attempt: 0 },
    { state: "failed", attempt: 0 },
    "not_released",
  ],
  "an event that is queued again": [
    { state: "queued" },
    { state: "completed" },
    "not_released",
  ],
  "progress with a phase that is an end": [
    {},
    { phase: "completed" },
    "not_allowed",
  ],
  "the same as before": [
    { phase: "applying", message: "next" },
    { phase: "applying" },
    "repeated",
  ],
};

for (const [name, [before, said, reason]] of Object.entries(IGNORED)) {
  Deno.test(`report() ignores ${name}`, () => {
    strictEqual(judge(before, said), reason);
  });
}

Deno.test("report() takes a status without an attempt as one about the current", () => {
  const { attempt: _, ...v1 } = status({ state: "completed" });
  const options = { status: v1, repeatable: false, jitter: 0, now: NOW };
  const verdict = report(record({ attempt: 3 }), options);
  ok(typeof verdict === "object");
  strictEqual(verdict.status.attempt, 3);
});

Deno.test("report() believes an agent that knows of a later attempt, whose end counts", () => {
  const before = { phase: "applying", message: "same" } as const;
  const later = judge(before, { attempt: 3, phase: "received" });
  ok(typeof later === "object");
  strictEqual(later.status.attempt, 3);
  const ended = judge({ state: "assigned" }, {
    attempt: 3,
    state: "completed",
  });
  ok(typeof ended === "object");
  strictEqual(ended.status.attempt, 3);
  strictEqual(ended.finishedAt, NOW);
  const error = { code: "unavailable", message: "No" } as const;
  const spent = judge({ state: "assigned" }, {
    attempt: 3,
    state: "failed",
    error,
  }, true);
  strictEqual(short(spent), "failed", "three attempts are all there are");
});

Deno.test("report() keeps the phase of an event when progress does not name one", () => {
  const verdict = judge({ phase: "verifying" }, {});
  ok(typeof verdict === "object");
  strictEqual(verdict.status.phase, "verifying");
});

Deno.test("report() does not compare with the phases of an earlier attempt", () => {
  const before = { state: "assigned", phase: "verifying", attempt: 2 } as const;
  const verdict = judge(before, { phase: "received", attempt: 2 });
  strictEqual(short(verdict), "in_progress");
});

Deno.test("report() notes how an event ended", () => {
  const result = {
    success: true,
    completed_at: "2026-11-23T05:04:28Z",
    duration: 1,
  };
  const verdict = judge({}, { state: "completed", phase: "completed", result });
  ok(typeof verdict === "object");
  deepStrictEqual(verdict.result, result);
  strictEqual(verdict.finishedAt, NOW);
  strictEqual(verdict.error, undefined);
});

const REASONS: Readonly<
  Record<string, readonly [Partial<EventStatus>, string, string]>
> = {
  "the error": [
    { state: "failed", error: { code: "denied", message: "Not yours" } },
    "denied",
    "Not yours",
  ],
  "the result, as v1 agents do": [
    {
      state: "failed",
      result: {
        success: false,
        error_message: "boom",
        completed_at: "",
        duration: 0,
      },
    },
    "failed",
    "boom",
  ],
  "the message": [{ state: "failed", message: "bang" }, "failed", "bang"],
  "the state alone": [
    { state: "expired", message: "" },
    "expired",
    'The agent says "expired"',
  ],
  "a cancellation": [
    { state: "cancelled", message: "Stopped" },
    "cancelled",
    "Stopped",
  ],
};

for (const [name, [said, code, message]] of Object.entries(REASONS)) {
  Deno.test(`report() finds why an event failed in ${name}`, () => {
    const verdict = judge({}, said);
    ok(typeof verdict === "object");
    deepStrictEqual(verdict.error, { code, message });
  });
}

Deno.test("report() of an interruption queues a repeatable event again, and fails any other", () => {
  const said = { phase: "interrupted", message: "Restarted" } as const;
  const again = judge({ phase: "applying" }, said, true);
  ok(typeof again === "object");
  strictEqual(again.status.state, "queued");
  deepStrictEqual(again.status.error, {
    code: "interrupted",
    message: "Restarted",
  });
  strictEqual(again.finishedAt, undefined);
  strictEqual(again.error, undefined, "the record has not failed");

  const over = judge({ phase: "applying" }, said, false);
  ok(typeof over === "object");
  strictEqual(over.status.state, "failed");
  strictEqual(over.error?.code, "interrupted");
  strictEqual(over.finishedAt, NOW);
});

Deno.test("report() does not count what an agent cut off as it drained", () => {
  const said = { phase: "interrupted", message: "Stopped" } as const;
  for (const [drained, interruptions] of [[true, 0], [undefined, 1]] as const) {
    const details = { repeatable: true, drained };
    const again = judge({ phase: "applying" }, { ...said, details }, true);
    ok(typeof again === "object");
    deepStrictEqual(again.notes, { interruptions });
  }
});

/** Anything that may happen to a record, in any order. */
const STEP = fc.oneof(
  fc.record({
    kind: fc.constant("report" as const),
    state: fc.constantFrom<State>(...STATES, "failed", "failed"),
    phase: fc.option(fc.constantFrom(...PHASES), { nil: undefined, freq: 1 }),
    attempt: fc.option(fc.integer({ min: 0, max: 6 }), {
      nil: undefined,
      freq: 1,
    }),
    repeatable: fc.boolean(),
    code: fc.constantFrom("cluster_unavailable", "denied"),
    message: fc.constantFrom("a", "b"),
  }),
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("release" as const) }),
  },
  fc.record({
    kind: fc.constant("refuse" as const),
    again: fc.boolean(),
    stale: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("expire" as const),
    late: fc.constantFrom(-1, 0, GRACE_MS),
    told: fc.boolean(),
    evenMs: fc.constantFrom(0, GRACE_MS),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("interrupt" as const),
      repeatable: fc.boolean(),
      begun: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant("cancel" as const), told: fc.boolean() }),
  fc.record({ kind: fc.constant("reopen" as const) }),
);

type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;

function take(at: EventRecord, step: Step): EventChange | undefined {
  switch (step.kind) {
    case "report": {
      const { phase, attempt, state, message, repeatable, code } = step;
      const { attempt: _, ...plain } = status({ state, message });
      const said = {
        ...plain,
        ...(phase === undefined ? {} : { phase }),
        ...(attempt === undefined ? {} : { attempt }),
        ...(state === "failed" ? { error: { code, message } } : {}),
      };
      const options = { status: said, repeatable, jitter: 0.5, now: NOW };
      const verdict = report(at, options);
      return typeof verdict === "string" ? undefined : verdict;
    }
    case "release":
      // Whatever waits for its time gets it.
      return release(at, { now: at.readyAt ?? NOW, beginsAtOnce: false });
    case "refuse": {
      const error = { code: "failed", message: "No" } as const;
      const seq = step.stale ? 0 : at.seq;
      return refuse(at, { ...step, seq, error, now: NOW });
    }
    case "expire":
      return expire(at, { ...step, now: at.deadline + step.late });
    case "interrupt":
      return interrupt(at, { ...step, message: "Cut", now: NOW });
    case "cancel": {
      const asked = { principal: "p", reason: "", told: step.told, now: NOW };
      const verdict = cancel(at, asked);
      return typeof verdict === "string" ? undefined : verdict;
    }
    case "reopen":
      return reopen(at, { principal: "p", now: NOW });
  }
}

function follows(before: EventRecord, step: Step, after: EventRecord): void {
  strictEqual(after.revision, before.revision + 1);
  const released = step.kind === "release" ? 1 : 0;
  strictEqual(after.attempt, before.attempt + released);
  strictEqual(after.finishedAt !== undefined, isTerminal(after.state));
  const failed = isTerminal(after.state) && after.state !== "completed";
  strictEqual(after.error !== undefined, failed);
  const max = policyOf(after).max_attempts;
  ok(attemptsUsed(after) <= max, `${attemptsUsed(after)} attempts`);
  if (isTerminal(before.state)) strictEqual(step.kind, "reopen");
  const { cancel: cancelled } = before.notes;
  if (cancelled !== undefined && step.kind !== "reopen") {
    ok(after.state !== "queued", "what was to be cancelled starts again");
  }
  if (after.state === "queued") strictEqual(after.dueAt, after.deadline);
  else if (!isTerminal(after.state)) ok(after.dueAt < Infinity);
}

Deno.test("status.transitions: no order of events undoes an end, an attempt or a revision", () => {
  fc.assert(
    fc.property(fc.array(STEP, { minLength: 20, maxLength: 60 }), (steps) => {
      const { status: first, ...times } = queued(SPEC, NOW);
      const { seq: _, ...fresh } = record({ ...times, state: first.state });
      let at: EventRecord = { ...fresh, attempt: 0, revision: 1 };
      let seq = 0;
      for (const step of steps) {
        const change = take(at, step);
        if (change === undefined) continue;
        const options = step.kind === "release" ? { seq: ++seq } : {};
        const next = changeRecord(at, bounded(at, change), {
          at: NOW,
          ...options,
        });
        follows(at, step, next);
        at = next;
      }
    }),
    { numRuns: 2000 },
  );
});
