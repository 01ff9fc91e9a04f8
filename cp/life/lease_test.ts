import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type State, STATES } from "@transporter/sdk";
import { DEADLINE, NOW, record, SPEC, status } from "../testing/records.ts";
import { expire, GRACE_MS, isHeld, queued, release } from "./lease.ts";
import { report } from "./report.ts";

const AT = { now: NOW, beginsAtOnce: false };

Deno.test("release() makes the next attempt of a queued event, unless it is due", () => {
  const change = release(record({ state: "queued", attempt: 2 }), AT);
  strictEqual(change?.status.state, "assigned");
  strictEqual(change?.status.attempt, 3);
  strictEqual(change?.dueAt, DEADLINE + GRACE_MS);
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
    const change = expire(record({ state, dueAt }), DEADLINE + late);
    strictEqual(change?.status.state, expected);
  });
}

Deno.test("expire() says that the outcome of a started event is unknown", () => {
  const change = expire(record({ phase: "applying", dueAt: NOW }), NOW);
  strictEqual(change?.error?.code, "timeout");
  ok(change?.error?.message.includes("outcome unknown"));
  strictEqual(change?.status.phase, "applying", "where it was last seen");
});
