import { strictEqual } from "node:assert/strict";
import { type ApplyContext, limitsOf } from "./apply_calls.ts";
import type { PlannedObject } from "./plan.ts";
import type { Verdict } from "./verdict.ts";

const MISSING: Verdict = {
  transient: false,
  code: "not_found",
  reason: 'namespaces "shop" not found',
  missing: "namespace",
};

/** Whether it is tried again, so many milliseconds after the first try. */
function isTried(ms: number, object: Partial<PlannedObject>): boolean {
  const limits = limitsOf(
    {
      kind: "ConfigMap",
      name: "a",
      namespace: "shop",
      ...object,
    } as PlannedObject,
    {
      cluster: { clock: { now: () => ms } },
      options: { dryRun: false },
      context: {},
      until: Infinity,
    } as ApplyContext,
  );
  return limits.review?.(MISSING, 0).transient ?? false;
}

Deno.test("limitsOf() has a namespace of others waited for a moment, and that of the event until it is there", () => {
  const others = { namespaceDeclared: false };
  strictEqual(isTried(0, others), true);
  strictEqual(isTried(4_999, others), true);
  strictEqual(isTried(5_000, others), false);
  strictEqual(isTried(100_000, { namespaceDeclared: true }), true);
});
