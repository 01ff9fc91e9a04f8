import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Findings } from "./findings.ts";
import type { Severity } from "./policy.ts";
import type { Subject } from "./subject.ts";

const SUBJECT = {
  of: { group: "", version: "v1", kind: "ConfigMap" },
  namespace: "shop",
  name: "map",
} as Subject;

function add(findings: Findings, severity: Severity, message: string): void {
  findings.add(SUBJECT, {
    policy: "p",
    rule: "r",
    severity,
    message,
    binding: undefined,
  });
}

Deno.test("Findings keeps the worst 5,000, counts all, and says so", () => {
  const findings = new Findings();
  for (let i = 0; i < 6000; i++) add(findings, "info", `info ${i}`);
  for (let i = 0; i < 10; i++) add(findings, "error", "x".repeat(10_000));
  const { resource_status: kept, summary, policies, warnings } = findings
    .result();
  strictEqual(kept.length, 5000);
  deepStrictEqual(
    kept.slice(0, 11).map(({ status, message = "" }) => [
      status,
      message.length,
    ]),
    [...Array(10).fill(["error", 2001]), ["info", 6]],
  );
  deepStrictEqual(summary, { objects: 0, error: 10, warning: 0, info: 6000 });
  deepStrictEqual(policies, [
    { policy: "p", objects: 0, error: 10, warning: 0, info: 6000 },
  ]);
  deepStrictEqual(warnings, [
    "5000 of 6010 findings are in the result, the worst first",
  ]);
});
