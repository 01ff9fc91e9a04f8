import { strictEqual } from "node:assert/strict";
import {
  canFollow,
  isPhase,
  isState,
  isTerminal,
  phaseCanFollow,
  PHASES,
  type State,
  STATES,
} from "./event.ts";

/** Which states may follow each; everything else may not. */
const FOLLOWS: Readonly<Record<State, readonly State[]>> = {
  created: ["queued", "failed", "expired", "cancelled"],
  queued: ["assigned", "failed", "expired", "cancelled"],
  assigned: [
    "queued",
    "in_progress",
    "completed",
    "failed",
    "expired",
    "cancelled",
  ],
  in_progress: [
    "queued",
    "in_progress",
    "completed",
    "failed",
    "expired",
    "cancelled",
  ],
  completed: [],
  failed: [],
  expired: [],
  cancelled: [],
};

for (const from of STATES) {
  Deno.test(`canFollow() knows what may follow ${from}`, () => {
    for (const to of STATES) {
      strictEqual(canFollow(from, to), FOLLOWS[from].includes(to), to);
    }
    strictEqual(isTerminal(from), FOLLOWS[from].length === 0);
  });
}

Deno.test("phaseCanFollow() never goes back, and nothing follows an end", () => {
  const working = PHASES.indexOf("verifying");
  PHASES.forEach((from, i) =>
    PHASES.forEach((to, j) =>
      strictEqual(
        phaseCanFollow(from, to),
        i <= working && j >= i,
        `${from} ${to}`,
      )
    )
  );
});

Deno.test("isState() and isPhase() know upstream's words and nothing else", () => {
  for (
    const state of [
      "created",
      "queued",
      "assigned",
      "in_progress",
      "completed",
      "failed",
      "expired",
    ]
  ) {
    strictEqual(isState(state), true);
  }
  for (
    const phase of [
      "received",
      "validating",
      "applying",
      "verifying",
      "completed",
      "failed",
    ]
  ) {
    strictEqual(isPhase(phase), true);
  }
  for (const other of ["banana", "", "toString", 7, null]) {
    strictEqual(isState(other), false);
    strictEqual(isPhase(other), false);
  }
});
