import { strictEqual } from "node:assert/strict";
import { type Fields, readiness } from "../ready.ts";

/** An object: kind, spec, status, and what is said of it: `ready`, `unchecked`, `failed` or `waits`, and why. */
export type ReadyCase = readonly [
  type: string,
  spec: Fields,
  status: Fields,
  expected: string,
  annotations?: Fields,
];

/** A status with one condition. */
export function condition(
  type: string,
  status = "True",
  rest: Fields = {},
): Fields {
  return { conditions: [{ type, status, ...rest }] };
}

/**
 * Registers one test of many objects. The generation of each is 2, and was seen
 * unless the status says otherwise.
 */
export function testReadiness(
  title: string,
  cases: Readonly<Record<string, ReadyCase>>,
): void {
  Deno.test(title, async (t) => {
    for (const [name, each] of Object.entries(cases)) {
      const [type, spec, status, expected, annotations = {}] = each;
      await t.step(name, () => {
        const at = type.lastIndexOf("/");
        const found = readiness({
          apiVersion: type.slice(0, at),
          kind: type.slice(at + 1),
          metadata: { generation: 2, annotations },
          spec,
          status: { observedGeneration: 2, ...status },
        });
        const state = found.unchecked
          ? "unchecked"
          : found.ready
          ? "ready"
          : found.failed
          ? "failed"
          : "waits";
        strictEqual(`${state}: ${found.reason}`, expected);
      });
    }
  });
}
