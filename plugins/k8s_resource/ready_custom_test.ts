import { strictEqual } from "node:assert/strict";
import { isCustom } from "./ready_custom.ts";
import { condition, testReadiness } from "./testing/ready_cases.ts";

const THING = "x.io/v1/Thing";

testReadiness(
  "readiness() of custom objects: without conditions an object is current, but said to be unchecked",
  {
    "no conditions": [
      THING,
      {},
      {},
      'unchecked: it has no condition "Ready" that would say so',
    ],
    "a kind of a known name": [
      "x.io/v1/Deployment",
      { replicas: 1 },
      {},
      'unchecked: it has no condition "Ready" that would say so',
    ],
    "other conditions": [
      THING,
      {},
      condition("Warm", "False"),
      'unchecked: it has no condition "Ready" that would say so',
    ],
    "an older generation": [
      THING,
      {},
      { observedGeneration: 1, ...condition("Ready") },
      "waits: its controller has not seen it yet",
    ],
    "a condition about an older generation": [
      THING,
      {},
      condition("Ready", "True", { observedGeneration: 1 }),
      "waits: its controller has not seen it yet",
    ],
    "no observed generation": [
      THING,
      {},
      { observedGeneration: undefined, ...condition("Ready") },
      "ready: it is ready",
    ],
    "ready": [THING, {}, condition("Ready"), "ready: it is ready"],
    "not ready": [
      THING,
      {},
      condition("Ready", "False", { reason: "Waits", message: "no database" }),
      'waits: its condition "Ready" is "False": no database',
    ],
    "unknown": [
      THING,
      {},
      condition("Ready", "Unknown"),
      'waits: its condition "Ready" is "Unknown": Ready',
    ],
    "available": [THING, {}, condition("Available"), "ready: it is ready"],
    "not available": [
      THING,
      {},
      condition("Available", "False", { reason: "NoPods" }),
      'waits: its condition "Available" is "False": NoPods',
    ],
    "available, and not ready": [
      THING,
      {},
      {
        conditions: [{ type: "Available", status: "True" }, {
          type: "Ready",
          status: "False",
          reason: "Late",
        }],
      },
      'waits: its condition "Ready" is "False": Late',
    ],
    "reconciling": [
      THING,
      {},
      {
        conditions: [
          { type: "Ready", status: "True" },
          { type: "Reconciling", status: "True", message: "at it" },
        ],
      },
      "waits: its controller is at work: at it",
    ],
    "stalled": [
      THING,
      {},
      condition("Stalled", "True", { message: "no such chart" }),
      "failed: it is stalled: no such chart",
    ],
    "stalled before it was changed": [
      THING,
      {},
      {
        conditions: [
          { type: "Stalled", status: "True", observedGeneration: 1 },
          { type: "Ready", status: "True", observedGeneration: 2 },
        ],
      },
      "ready: it is ready",
    ],
  },
);

Deno.test("isCustom() knows the groups of Kubernetes, and takes no other for one of them", () => {
  strictEqual(isCustom({ group: "apps" }), false);
  strictEqual(isCustom({ group: "networking.k8s.io" }), false);
  strictEqual(isCustom({ group: "gateway.networking.k8s.io" }), true);
  strictEqual(isCustom({ group: "cert-manager.io" }), true);
});
