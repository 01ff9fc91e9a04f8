import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { RETRY_DEFAULT, STATES } from "@transporter/sdk";
import { DEADLINE, NOW, record, status } from "../testing/records.ts";
import {
  type Failure,
  interrupt,
  type Interruption,
  nextAttemptAt,
  refuse,
} from "./attempt.ts";
import { isReleased } from "./entry.ts";
import { report } from "./report.ts";

const FAILED: Failure = {
  error: { code: "cluster_unavailable", message: "No answer" },
  repeatable: true,
  jitter: 0.5,
  now: NOW,
};

const CUT: Interruption = {
  repeatable: true,
  begun: true,
  message: "Cut off",
  now: NOW,
};

const CANCEL = { reason: "not needed", at: NOW };

function after(attempt: number, more: Partial<Failure> = {}) {
  const at = nextAttemptAt(record({ attempt }), { ...FAILED, ...more });
  return at === undefined ? undefined : at - NOW;
}

Deno.test("nextAttemptAt() waits up to a bound that doubles, three attempts in all", () => {
  deepStrictEqual([1, 2, 3].map((n) => after(n)), [500, 1000, undefined]);
  deepStrictEqual([1, 2].map((n) => after(n, { jitter: 0 })), [0, 0]);
});

Deno.test("nextAttemptAt() follows the event's own policy", () => {
  const retry = {
    max_attempts: 20,
    initial_delay: 10e9,
    max_delay: 60e9,
    multiplier: 3,
    on: ["denied"],
  };
  const wait = (attempt: number) =>
    nextAttemptAt(record({ attempt, spec: { retry } }), {
      ...FAILED,
      error: { code: "denied", message: "No" },
      repeatable: false,
      jitter: 1,
    });
  deepStrictEqual(
    [1, 2, 3, 19, 20].map((n) => (wait(n) ?? NaN) - NOW),
    [10_000, 30_000, 60_000, 60_000, NaN],
  );
});

Deno.test("nextAttemptAt() is never at or after the deadline", () => {
  const near = record({ deadline: NOW + 500 });
  strictEqual(nextAttemptAt(near, FAILED), undefined);
  strictEqual(
    nextAttemptAt(near, { ...FAILED, jitter: 0.4 }),
    NOW + 400,
  );
});

Deno.test("nextAttemptAt() does not follow failures that do not pass, or that must not be repeated", () => {
  const lasting = { code: "denied", message: "No" } as const;
  strictEqual(after(1, { error: lasting }), undefined);
  strictEqual(after(1, { repeatable: false }), undefined);
  ok(RETRY_DEFAULT.on.includes("cluster_unavailable"));
});

Deno.test("nextAttemptAt() counts from where an operator began anew", () => {
  const at = record({ attempt: 7, notes: { attemptsBefore: 6 } });
  strictEqual(nextAttemptAt(at, FAILED), NOW + 500);
});

Deno.test("report() of a failure that is tried again shows it as queued, with the failure in its history", () => {
  const result = { success: false, completed_at: "", duration: 1 };
  const said = status({ state: "failed", error: FAILED.error, result });
  const change = report(record(), { ...FAILED, status: said });
  ok(typeof change === "object");
  const { status: entry, readyAt, dueAt, finishedAt, error } = change;
  deepStrictEqual(
    [entry.state, entry.phase, entry.error, entry.result, entry.agent_id],
    ["queued", "failed", FAILED.error, result, "edge-1"],
  );
  ok(entry.message.startsWith("Attempt 1 of 3 failed"), entry.message);
  deepStrictEqual([readyAt, dueAt], [NOW + 500, DEADLINE]);
  deepStrictEqual([finishedAt, error], [undefined, undefined]);
});

Deno.test("report() of a failure on the last attempt ends the event", () => {
  const said = status({ state: "failed", error: FAILED.error, attempt: 3 });
  const change = report(record({ attempt: 3 }), { ...FAILED, status: said });
  ok(typeof change === "object");
  deepStrictEqual([change.status.state, change.error], [
    "failed",
    FAILED.error,
  ]);
});

Deno.test("report() of a failure that would be tried again ends an event that was to be cancelled", () => {
  const said = status({ state: "failed", error: FAILED.error });
  const at = record({ notes: { cancel: CANCEL } });
  const change = report(at, { ...FAILED, status: said });
  ok(typeof change === "object");
  strictEqual(change.status.state, "cancelled");
  strictEqual(change.error?.message, "Event is cancelled: not needed");
});

Deno.test("interrupt() queues an event again at once, and counts", () => {
  const change = interrupt(record(), CUT);
  deepStrictEqual(
    [change?.status.state, change?.readyAt, change?.notes],
    ["queued", undefined, { interruptions: 1 }],
  );
  const waiting = interrupt(record(), { ...CUT, begun: false });
  deepStrictEqual(waiting?.notes, { interruptions: 0 });
});

Deno.test("interrupt() puts an event into quarantine when its agent ended under it twice", () => {
  const change = interrupt(record({ notes: { interruptions: 1 } }), CUT);
  deepStrictEqual(
    [change?.status.state, change?.status.phase, change?.error?.code],
    ["failed", "interrupted", "quarantined"],
  );
});

const OVER: Readonly<
  Record<string, readonly [Parameters<typeof record>[0], Partial<Interruption>]>
> = {
  "may not be repeated": [{}, { repeatable: false }],
  "has no agent any more": [{}, { final: true }],
  "had its last attempt": [{ attempt: 3 }, {}],
  "is beyond its deadline": [{ deadline: NOW }, {}],
};

for (const [name, [before, cut]] of Object.entries(OVER)) {
  Deno.test(`interrupt() fails an event that ${name}`, () => {
    const change = interrupt(record(before), { ...CUT, ...cut });
    deepStrictEqual(
      [change?.status.state, change?.error],
      ["failed", { code: "interrupted", message: "Cut off" }],
    );
  });
}

Deno.test("interrupt() repeats what may not be repeated when the event itself says so", () => {
  const retry = { ...RETRY_DEFAULT, on: ["interrupted"] };
  const change = interrupt(record({ spec: { retry } }), {
    ...CUT,
    repeatable: false,
  });
  strictEqual(change?.status.state, "queued");
});

Deno.test("interrupt() cancels an event that was to be cancelled", () => {
  const change = interrupt(record({ notes: { cancel: CANCEL } }), CUT);
  strictEqual(change?.status.state, "cancelled");
});

Deno.test("interrupt() leaves what no agent has", () => {
  for (const state of STATES) {
    if (isReleased(state)) continue;
    strictEqual(interrupt(record({ state }), CUT), undefined, state);
  }
});

const NO = { code: "unsupported", message: "No such executor" } as const;

Deno.test("refuse() fails an event, or queues it again when the agent will take it later", () => {
  const options = { seq: 7, error: NO, again: false, now: NOW };
  const change = refuse(record({ state: "assigned" }), options);
  strictEqual(change?.status.state, "failed");
  deepStrictEqual(change?.error, NO);
  const later = refuse(record({ state: "assigned" }), {
    ...options,
    again: true,
  });
  strictEqual(later?.status.state, "queued");
  strictEqual(
    later?.status.message,
    `Agent does not take the event now, queued again: ${NO.message}`,
  );
  strictEqual(later?.error, undefined);
  deepStrictEqual(later?.notes, { attemptsBefore: 1 }, "nobody tried");
});

Deno.test("refuse() of an event that was to be cancelled does not queue it again", () => {
  const at = record({ notes: { cancel: CANCEL } });
  const options = { seq: 7, error: NO, again: true, now: NOW };
  strictEqual(refuse(at, options)?.status.state, "cancelled");
});

Deno.test("refuse() ends an event as the agent's code says", () => {
  for (const code of ["cancelled", "expired"] as const) {
    const error = { code, message: "No" };
    const options = { seq: 7, error, again: false, now: NOW };
    strictEqual(refuse(record(), options)?.status.state, code);
  }
});

Deno.test("refuse() is about one release: another one, or an end, is left alone", () => {
  const options = { seq: 6, error: NO, again: false, now: NOW };
  strictEqual(refuse(record(), options), undefined);
  for (const state of STATES) {
    if (isReleased(state)) continue;
    const change = refuse(record({ state }), { ...options, seq: 7 });
    strictEqual(change, undefined, state);
  }
});
