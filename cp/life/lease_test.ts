import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type State, STATES } from "@transporter/sdk";
import type { EventRecord } from "../store/store.ts";
import { DEADLINE, NOW, record, SPEC, status } from "../testing/records.ts";
import {
  expire,
  type Expiry,
  GRACE_MS,
  isHeld,
  queued,
  release,
} from "./lease.ts";
import { report } from "./report.ts";

const AT = { now: NOW, beginsAtOnce: false };

Deno.test("release() makes the next attempt of a queued event, unless it is due", () => {
  const change = release(record({ state: "queued", attempt: 2 }), AT);
  strictEqual(change?.status.state, "assigned");
  strictEqual(change?.status.attempt, 3);
  strictEqual(change?.dueAt, DEADLINE, "it may not start after that");
  const due = record({ state: "queued", deadline: NOW });
  strictEqual(release(due, AT), undefined);
  for (const state of STATES) {
    if (state === "queued") continue;
    strictEqual(release(record({ state }), AT), undefined, state);
  }
});

Deno.test("release() leaves what is not ready, and what waits for another event", () => {
  const later = record({ state: "queued", readyAt: NOW + 1 });
  strictEqual(release(later, AT), undefined);
  ok(release(later, { ...AT, now: NOW + 1 }));
  const held = record({ state: "queued", dueAt: NOW });
  strictEqual(release(held, AT), undefined);
});

Deno.test("queued() is due at the deadline, and ready when the event says", () => {
  const first = queued(SPEC, NOW);
  deepStrictEqual(
    [first.deadline, first.dueAt, first.readyAt],
    [DEADLINE, DEADLINE, undefined],
  );
  const notBefore = new Date(NOW + 5000).toISOString();
  strictEqual(
    queued({ ...SPEC, not_before: notBefore }, NOW).readyAt,
    NOW + 5000,
  );
  strictEqual(
    queued({ ...SPEC, not_before: notBefore }, NOW + 5000).readyAt,
    undefined,
  );
});

Deno.test("queued() holds an event back until what it supersedes has been seen to", () => {
  const first = queued({ ...SPEC, supersedes: "e0" }, NOW);
  const { status: _, ...times } = first;
  ok(isHeld(record({ state: "queued", ...times })));
  deepStrictEqual([first.readyAt, first.dueAt], [DEADLINE, NOW]);
});

Deno.test("stuck.inprogress: a begun attempt has its own time, and a minute more", () => {
  const timeout = 90e9;
  const assigned = record({ state: "assigned", spec: { timeout } });
  const options = { repeatable: false, jitter: 0, now: NOW };
  const begun = report(assigned, { ...options, status: status() });
  ok(typeof begun === "object");
  strictEqual(begun.dueAt, NOW + 90_000 + GRACE_MS);
  const at = record({ spec: { timeout }, phase: "received" });
  const said = status({ phase: "applying" });
  const further = report(at, { ...options, now: NOW + 1000, status: said });
  ok(typeof further === "object");
  strictEqual(further.dueAt, undefined, "progress does not prolong it");
});

Deno.test("release() to an agent that begins at once starts the time of the attempt", () => {
  const at = record({ state: "queued", spec: { timeout: 90e9 } });
  const change = release(at, { now: NOW, beginsAtOnce: true });
  strictEqual(change?.dueAt, NOW + 90_000 + GRACE_MS);
});

/** An agent that cannot be told, by a clock that nobody has set. */
const UNTOLD = { told: false, evenMs: GRACE_MS };

const DUE: readonly (readonly [State, number, string | undefined])[] = [
  ["queued", -1, undefined],
  ["queued", 0, "expired"],
  ["assigned", GRACE_MS - 1, undefined],
  ["assigned", GRACE_MS, "expired"],
  ["in_progress", GRACE_MS - 1, undefined],
  ["in_progress", GRACE_MS, "failed"],
  ["completed", GRACE_MS, undefined],
  ["failed", GRACE_MS, undefined],
  ["expired", GRACE_MS, undefined],
  ["cancelled", GRACE_MS, undefined],
];

for (const [state, late, expected] of DUE) {
  Deno.test(`expire() of "${state}" ${late} ms after its deadline: ${expected ?? "nothing"}`, () => {
    const dueAt = DEADLINE + GRACE_MS;
    const now = DEADLINE + late;
    const change = expire(record({ state, dueAt }), { ...UNTOLD, now });
    strictEqual(change?.status.state, expected);
  });
}

Deno.test("expire() says that the outcome of a started event is unknown", () => {
  const running = record({ phase: "applying", dueAt: NOW });
  const change = expire(running, { ...UNTOLD, told: true, now: NOW });
  strictEqual(change?.error?.code, "timeout");
  ok(change?.error?.message.includes("outcome unknown"));
  strictEqual(change?.status.phase, "applying", "where it was last seen");
});

/** An event that its agent has and did not begin, out of time. */
const ASSIGNED = record({ state: "assigned", dueAt: DEADLINE });

/** The same, when its agent was asked to leave it. */
const RECALLED = record({
  state: "assigned",
  dueAt: DEADLINE + GRACE_MS,
  notes: { recall: { attempt: 1, at: DEADLINE } },
});

const TOLD: Expiry = { told: true, now: DEADLINE, evenMs: GRACE_MS };

Deno.test("expire() recalls what an agent did not begin, and ends it when a minute brought no answer", () => {
  const recall = expire(ASSIGNED, TOLD);
  strictEqual(recall?.status.state, "assigned", "its agent may have begun it");
  const { notes, dueAt, finishedAt } = recall;
  deepStrictEqual(
    { notes, dueAt, finishedAt },
    { notes: RECALLED.notes, dueAt: RECALLED.dueAt, finishedAt: undefined },
  );
  strictEqual(expire(RECALLED, TOLD), undefined);
  const minuteLater = { ...TOLD, now: DEADLINE + GRACE_MS };
  strictEqual(expire(RECALLED, minuteLater)?.status.state, "expired");
  const later = { ...RECALLED, attempt: 2 };
  strictEqual(expire(later, minuteLater)?.status.state, "assigned", "another");
});

const SET: readonly (readonly [string, number, number, string | undefined])[] =
  [
    ["recalled a moment ago, late", DEADLINE + 900_000, GRACE_MS, undefined],
    ["the clock was set ahead after that", DEADLINE, 0, undefined],
    ["that was a minute ago", DEADLINE, GRACE_MS, "expired"],
    ["the clock was an hour ahead", DEADLINE + 3600e3, GRACE_MS, "expired"],
  ];

for (const [name, at, evenMs, expected] of SET) {
  Deno.test(`expire() gives an agent a minute to leave its event, whatever the clock says: ${name}`, () => {
    const recalled = { ...RECALLED, notes: { recall: { attempt: 1, at } } };
    const now = DEADLINE + 900_001;
    const change = expire(recalled, { told: true, now, evenMs });
    strictEqual(change?.status.state, expected);
  });
}

Deno.test("report() takes the word that a recalled event was left for its end by time", () => {
  const options = { repeatable: true, jitter: 0, now: NOW };
  const left = status({ state: "cancelled", phase: "cancelled" });
  const endOf = (at: EventRecord) => {
    const change = report(at, { ...options, status: left });
    ok(typeof change === "object");
    const { state, phase } = change.status;
    return [state, phase, change.error?.code];
  };
  deepStrictEqual(endOf(RECALLED), ["expired", "expired", "expired"]);
  const begun = { ...RECALLED, state: "in_progress" } as const;
  deepStrictEqual(endOf(begun), ["failed", "failed", "timeout"]);
  const cancel = { reason: "", at: NOW };
  const asked = { ...RECALLED, notes: { ...RECALLED.notes, cancel } };
  const cancelled = ["cancelled", "cancelled", "cancelled"];
  deepStrictEqual(endOf(asked), cancelled, "somebody asked for that, too");
  deepStrictEqual(endOf(ASSIGNED), cancelled);
});
