import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { isTerminal, STATES } from "@transporter/sdk";
import { DEADLINE, NOW, record } from "../testing/records.ts";
import { adopt } from "./adopt.ts";
import { isReleased } from "./entry.ts";
import { GRACE_MS } from "./lease.ts";

const ITEM = { attempt: 3, digest: "sha256:0" };
const THEIRS = { agent: "edge-1", item: ITEM, now: NOW };

for (const state of STATES) {
  Deno.test(`adopt() of a later attempt at an event that is "${state}"`, () => {
    const change = adopt(record({ state, attempt: 1 }), THEIRS);
    if (isTerminal(state)) return strictEqual(change, "ended");
    ok(typeof change === "object");
    deepStrictEqual(
      [
        change.adopts,
        change.status.state,
        change.status.attempt,
        change.dueAt,
      ],
      [
        true,
        state === "in_progress" ? "in_progress" : "assigned",
        3,
        isReleased(state) ? DEADLINE + GRACE_MS : DEADLINE,
      ],
    );
  });
}

Deno.test("adopt() leaves attempts that are known, and events of others", () => {
  for (const state of STATES) {
    if (isTerminal(state)) continue;
    const known = adopt(record({ state, attempt: 3 }), THEIRS);
    strictEqual(known, "known", isReleased(state) ? state : "it was queued");
  }
  strictEqual(adopt(record(), { ...THEIRS, agent: "edge-2" }), "foreign");
  const item = { ...ITEM, digest: "sha256:1" };
  strictEqual(adopt(record(), { ...THEIRS, item }), "conflict");
});
