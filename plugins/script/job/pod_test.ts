import { deepStrictEqual } from "node:assert/strict";
import { CONTAINER } from "./objects.ts";
import { type Fields, stateOf } from "./pod.ts";

const LOST = ["lost"];
const AT = (second: number) => `2026-11-29T09:00:${second}Z`;

/** A Pod of which a container has this state. */
function pod(
  state: Fields,
  status: Fields = {},
  metadata: Fields = {},
): Fields {
  return {
    metadata,
    status: { ...status, containerStatuses: [{ name: CONTAINER, state }] },
  };
}

/** It was told at second 20 to end within 30. */
const DELETED = {
  deletionTimestamp: AT(50),
  deletionGracePeriodSeconds: 30,
};

const MOVED = {
  conditions: [{
    type: "DisruptionTarget",
    status: "True",
    lastTransitionTime: AT(20),
  }],
};

function ended(exitCode: number, second: number, reason = "Completed"): Fields {
  return { terminated: { exitCode, reason, finishedAt: AT(second) } };
}

const CASES: Readonly<Record<string, readonly [Fields, readonly unknown[]]>> = {
  "it runs": [pod({ running: {} }), ["runs"]],
  "it ended": [pod(ended(0, 30)), ["ended", 0]],
  "it failed": [pod(ended(3, 30, "Error")), ["ended", 3]],
  "it had too little memory": [
    pod(ended(137, 30, "OOMKilled"), { phase: "Failed" }),
    ["ended", 137],
  ],
  "it took too long": [
    pod(ended(137, 30, "Error"), {
      phase: "Failed",
      reason: "DeadlineExceeded",
    }),
    ["ended", 137],
  ],
  "it was evicted": [
    pod({ running: {} }, { phase: "Failed", reason: "Evicted" }),
    LOST,
  ],
  "it was deleted, and failed": [pod(ended(143, 30), {}, DELETED), LOST],
  "it was deleted, and said that all is well": [
    pod(ended(0, 21), {}, DELETED),
    LOST,
  ],
  "it had ended when it was deleted": [
    pod(ended(0, 19), {}, DELETED),
    ["ended", 0],
  ],
  "it was moved away, and said that all is well": [
    pod(ended(0, 21), MOVED),
    LOST,
  ],
  "it had ended when it was moved away": [
    pod(ended(0, 19), MOVED),
    ["ended", 0],
  ],
  "it ends by itself, as it was asked to": [
    pod({ running: {} }, { phase: "Running" }, DELETED),
    ["runs"],
  ],
  "its node is gone": [
    pod({ running: {} }, { ...MOVED, phase: "Failed" }),
    LOST,
  ],
  "nobody knows how it ended": [
    pod(ended(137, 30, "ContainerStatusUnknown")),
    LOST,
  ],
  "it waits": [pod({ waiting: { reason: "ContainerCreating" } }), ["waits"]],
};

for (const [name, [given, expected]] of Object.entries(CASES)) {
  Deno.test(`stateOf() of the Pod of a script: ${name}`, () => {
    const state = stateOf(given);
    const told = state.kind === "ended"
      ? [state.kind, state.code]
      : [state.kind];
    deepStrictEqual(told, expected);
  });
}
