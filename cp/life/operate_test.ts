import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { isTerminal, STATES } from "@transporter/sdk";
import { DEADLINE, NOW, record } from "../testing/records.ts";
import { isReleased } from "./entry.ts";
import {
  cancel,
  type Cancellation,
  cancelUnknown,
  proceed,
  reopen,
  unwanted,
} from "./operate.ts";

const ASKED: Cancellation = {
  principal: "alice",
  reason: "not needed",
  told: true,
  now: NOW,
};

for (const state of STATES) {
  Deno.test(`cancel() of an event that is "${state}"`, () => {
    const change = cancel(record({ state }), ASKED);
    if (isTerminal(state)) return strictEqual(change, "ended");
    ok(typeof change === "object");
    const { status, notes, finishedAt } = change;
    deepStrictEqual(status.details, {
      principal: "alice",
      reason: "not needed",
    });
    if (isReleased(state)) {
      strictEqual(status.state, state, "its agent has it");
      deepStrictEqual(notes?.cancel, { reason: "not needed", at: NOW });
      strictEqual(finishedAt, undefined);
    } else {
      strictEqual(status.state, "cancelled");
      strictEqual(finishedAt, NOW);
      strictEqual(change.error?.code, "cancelled");
    }
  });
}

Deno.test("cancel() is too late for what an agent has that cannot be told", () => {
  for (const state of ["assigned", "in_progress"] as const) {
    strictEqual(
      cancel(record({ state }), { ...ASKED, told: false }),
      "started",
    );
  }
  const queued = cancel(record({ state: "queued" }), { ...ASKED, told: false });
  ok(typeof queued === "object");
});

Deno.test("cancel() again changes nothing", () => {
  const notes = { cancel: { reason: "", at: NOW } };
  strictEqual(cancel(record({ notes }), ASKED), undefined);
});

Deno.test("cancelUnknown() cancels what was to be cancelled and never reached its agent", () => {
  const notes = { cancel: { reason: "not needed", at: NOW } };
  const change = cancelUnknown(record({ state: "assigned", notes }), NOW);
  strictEqual(change?.status.state, "cancelled");
  strictEqual(cancelUnknown(record(), NOW), undefined, "nobody asked");
  strictEqual(
    cancelUnknown(record({ state: "queued", notes }), NOW),
    undefined,
  );
});

Deno.test("unwanted() says why an agent is to leave what it has", () => {
  const recall = { attempt: 1, at: NOW };
  const cancel = { reason: "not needed", at: NOW };
  strictEqual(unwanted(record({ notes: { recall, cancel } })), "not needed");
  strictEqual(unwanted(record({ notes: { recall } })), "its time is over");
  const later = record({ notes: { recall }, attempt: 2 });
  strictEqual(unwanted(later), undefined);
});

Deno.test("cancelUnknown() ends what was recalled and never reached its agent as expired", () => {
  const notes = { recall: { attempt: 1, at: NOW } };
  const change = cancelUnknown(record({ state: "assigned", notes }), NOW);
  deepStrictEqual(
    [change?.status.state, change?.error?.code],
    ["expired", "expired"],
  );
});

Deno.test("reopen() begins an event anew that has ended, and no other", () => {
  for (const state of STATES) {
    const history = { bytes: 9, newest: 3, replaced: 0 };
    const at = record({
      state,
      attempt: 4,
      notes: { interruptions: 2, history, cancel: { reason: "", at: 0 } },
    });
    const change = reopen(at, { principal: "alice", now: NOW + 10 });
    if (!isTerminal(state)) {
      strictEqual(change, undefined, state);
      continue;
    }
    const { status, reopens, notes, deadline, dueAt } = change ?? {};
    deepStrictEqual(
      [status?.state, status?.attempt, reopens, deadline, dueAt],
      ["queued", 4, true, DEADLINE + 10, DEADLINE + 10],
    );
    deepStrictEqual(notes, { history, attemptsBefore: 4 });
    deepStrictEqual(status?.details, {
      principal: "alice",
      previous_state: state,
    });
  }
});

Deno.test("proceed() lets go on what was held, and nothing else", () => {
  const options = { message: "Seen to", now: NOW };
  const held = record({ state: "queued", dueAt: NOW, readyAt: DEADLINE });
  const change = proceed(held, options);
  deepStrictEqual(
    [change?.status.state, change?.readyAt, change?.dueAt],
    ["queued", undefined, DEADLINE],
  );
  strictEqual(proceed(record({ state: "queued" }), options), undefined);
  strictEqual(proceed(record({ dueAt: NOW }), options), undefined);
});
