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
  ATTEMPTS_MAX,
  expire,
  GRACE_MS,
  type Ignored,
  interrupt,
  isReleased,
  PROGRESS_MAX,
  queued,
  refuse,
  release,
  report,
} from "./life.ts";
import { changeRecord } from "./store/record.ts";
import type { EventChange, EventRecord } from "./store/store.ts";

const NOW = 1_000_000;
const DEADLINE = NOW + 3600_000;

function record(fields: Partial<EventRecord> = {}): EventRecord {
  return {
    tenant: "default",
    spec: {
      id: "e1",
      type: "k8s_resource",
      target_agent: "edge-1",
      created_at: "2026-11-23T05:04:27Z",
      created_by: "",
      ttl: 1,
      priority: 0,
      labels: {},
    },
    digest: "sha256:0",
    bytes: 100,
    enq: 1,
    revision: 5,
    state: "in_progress",
    message: "last",
    attempt: 1,
    notes: {},
    acceptedAt: 0,
    deadline: DEADLINE,
    dueAt: DEADLINE,
    updatedAt: 0,
    seq: 7,
    ...fields,
  };
}

function status(fields: Partial<EventStatus> = {}): EventStatus {
  return {
    event_id: "e1",
    agent_id: "edge-1",
    state: "in_progress",
    message: "next",
    timestamp: "2026-11-23T05:04:27Z",
    attempt: 1,
    ...fields,
  };
}

function judge(
  before: Partial<EventRecord>,
  said: Partial<EventStatus>,
  repeatable = false,
): EventChange | Ignored {
  const options = { status: status(said), repeatable, now: NOW };
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
  Record<string, readonly [Partial<EventRecord>, Partial<EventStatus>, Ignored]>
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
  "an attempt that is not yet": [{}, { attempt: 2 }, "stale_attempt"],
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
  "progress of an event that reported too often": [
    { phase: "applying", revision: PROGRESS_MAX },
    { phase: "applying" },
    "too_many",
  ],
};

for (const [name, [before, said, reason]] of Object.entries(IGNORED)) {
  Deno.test(`report() ignores ${name}`, () => {
    strictEqual(judge(before, said), reason);
  });
}

Deno.test("report() takes a status without an attempt as one about the current", () => {
  const { attempt: _, ...v1 } = status({ state: "completed" });
  const options = { status: v1, repeatable: false, now: NOW };
  const verdict = report(record({ attempt: 3 }), options);
  ok(typeof verdict === "object");
  strictEqual(verdict.status.attempt, 3);
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

Deno.test("report() still takes new phases and the end of an event that reported too often", () => {
  const before = { phase: "applying", revision: 5000 } as const;
  strictEqual(short(judge(before, { phase: "verifying" })), "in_progress");
  strictEqual(short(judge(before, { state: "completed" })), "completed");
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

Deno.test("interrupt() gives up after the last attempt", () => {
  const options = { repeatable: true, message: "Cut off", now: NOW };
  const last = record({ attempt: ATTEMPTS_MAX });
  strictEqual(short(interrupt(last, options)), "failed");
  const before = record({ attempt: ATTEMPTS_MAX - 1 });
  strictEqual(short(interrupt(before, options)), "queued");
});

Deno.test("interrupt() leaves what no agent has", () => {
  const options = { repeatable: true, message: "Cut off", now: NOW };
  for (const state of STATES) {
    if (isReleased(state)) continue;
    strictEqual(interrupt(record({ state }), options), undefined, state);
  }
});

Deno.test("release() makes the next attempt of a queued event, unless it is due", () => {
  const change = release(record({ state: "queued", attempt: 2 }), NOW);
  strictEqual(change?.status.state, "assigned");
  strictEqual(change?.status.attempt, 3);
  const due = record({ state: "queued", deadline: NOW });
  strictEqual(release(due, NOW), undefined);
  for (const state of STATES) {
    if (state === "queued") continue;
    strictEqual(release(record({ state }), NOW), undefined, state);
  }
});

Deno.test("refuse() fails an event, or queues it again when the agent will take it later", () => {
  const error = { code: "unsupported", message: "No such executor" } as const;
  const options = { seq: 7, error, again: false, now: NOW };
  const change = refuse(record({ state: "assigned" }), options);
  strictEqual(change?.status.state, "failed");
  deepStrictEqual(change?.error, error);
  const later = refuse(record({ state: "assigned" }), {
    ...options,
    again: true,
  });
  strictEqual(later?.status.state, "queued");
  strictEqual(later?.error, undefined);
});

Deno.test("refuse() is about one release: another one, or an end, is left alone", () => {
  const error = { code: "unsupported", message: "No such executor" } as const;
  const options = { seq: 6, error, again: false, now: NOW };
  strictEqual(refuse(record(), options), undefined);
  for (const state of STATES) {
    if (isReleased(state)) continue;
    const change = refuse(record({ state }), { ...options, seq: 7 });
    strictEqual(change, undefined, state);
  }
});

const DUE: readonly (readonly [State, number, string])[] = [
  ["queued", -1, "nothing"],
  ["queued", 0, "expired"],
  ["assigned", GRACE_MS - 1, "nothing"],
  ["assigned", GRACE_MS, "expired"],
  ["in_progress", GRACE_MS - 1, "nothing"],
  ["in_progress", GRACE_MS, "failed"],
  ["completed", GRACE_MS, "nothing"],
  ["failed", GRACE_MS, "nothing"],
  ["expired", GRACE_MS, "nothing"],
  ["cancelled", GRACE_MS, "nothing"],
];

for (const [state, late, expected] of DUE) {
  Deno.test(`expire() of "${state}" ${late} ms after its deadline: ${expected}`, () => {
    strictEqual(short(expire(record({ state }), DEADLINE + late)), expected);
  });
}

Deno.test("expire() says that the outcome of a started event is unknown", () => {
  const change = expire(record({ phase: "applying" }), DEADLINE + GRACE_MS);
  strictEqual(change?.error?.code, "timeout");
  ok(change?.error?.message.includes("outcome unknown"));
  strictEqual(change?.status.phase, "applying", "where it was last seen");
});

/** Anything that may happen to a record, in any order. */
const STEP = fc.oneof(
  fc.record({
    kind: fc.constant("report" as const),
    state: fc.constantFrom(...STATES),
    phase: fc.option(fc.constantFrom(...PHASES), { nil: undefined }),
    attempt: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
    repeatable: fc.boolean(),
    message: fc.constantFrom("a", "b"),
  }),
  fc.record({ kind: fc.constant("release" as const) }),
  fc.record({
    kind: fc.constant("refuse" as const),
    again: fc.boolean(),
    seq: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    kind: fc.constant("expire" as const),
    now: fc.constantFrom(NOW, DEADLINE, DEADLINE + GRACE_MS),
  }),
  fc.record({
    kind: fc.constant("interrupt" as const),
    repeatable: fc.boolean(),
  }),
);

type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;

function take(at: EventRecord, step: Step): EventChange | undefined {
  switch (step.kind) {
    case "report": {
      const { phase, attempt, state, message, repeatable } = step;
      const { attempt: _, ...plain } = status({ state, message });
      const said = {
        ...plain,
        ...(phase === undefined ? {} : { phase }),
        ...(attempt === undefined ? {} : { attempt }),
      };
      const verdict = report(at, { status: said, repeatable, now: NOW });
      return typeof verdict === "string" ? undefined : verdict;
    }
    case "release":
      return release(at, NOW);
    case "refuse": {
      const error = { code: "failed", message: "No" } as const;
      return refuse(at, { ...step, error, now: NOW });
    }
    case "expire":
      return expire(at, step.now);
    case "interrupt":
      return interrupt(at, { ...step, message: "Cut", now: NOW });
  }
}

Deno.test("status.transitions: no order of events undoes an end, an attempt or a revision", () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 40 }), (steps) => {
      const first = queued("e1", NOW);
      let at = record({ state: first.state, attempt: 0, revision: 1 });
      let seq = 0;
      for (const step of steps) {
        const change = take(at, step);
        if (change === undefined) continue;
        ok(!isTerminal(at.state), `${at.state} was left by ${step.kind}`);
        const options = step.kind === "release" ? { seq: ++seq } : {};
        const next = changeRecord(at, change, { at: NOW, ...options });
        strictEqual(next.revision, at.revision + 1);
        strictEqual(
          next.attempt,
          at.attempt + (step.kind === "release" ? 1 : 0),
        );
        strictEqual(next.finishedAt !== undefined, isTerminal(next.state));
        const failed = isTerminal(next.state) && next.state !== "completed";
        strictEqual(next.error !== undefined, failed);
        at = next;
      }
    }),
  );
});
