import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { becomesReady, ending, readiness } from "./ready.ts";

Deno.test("readiness() takes a kind without a rule for ready", () => {
  deepStrictEqual(readiness({ apiVersion: "v1", kind: "ConfigMap" }), {
    ready: true,
    reason: "it is ready once it is applied",
  });
});

Deno.test("readiness() never takes an object that is being deleted for ready", () => {
  const object = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { deletionTimestamp: "2026-11-23T05:04:27Z" },
  };
  deepStrictEqual(readiness(object), {
    ready: false,
    reason: "it is being deleted",
  });
});

Deno.test("readiness() takes anything for an object", () => {
  strictEqual(readiness({}).ready, true);
  strictEqual(
    readiness({ apiVersion: "apps/v1", kind: "Deployment" }).ready,
    false,
  );
  strictEqual(
    readiness({
      apiVersion: "v1",
      kind: "Pod",
      status: { containerStatuses: [1] },
    }).ready,
    false,
  );
});

Deno.test("becomesReady() names the kinds that are waited for", () => {
  strictEqual(becomesReady({ group: "apps", kind: "Deployment" }), true);
  strictEqual(becomesReady({ group: "", kind: "Deployment" }), false);
  strictEqual(becomesReady({ group: "x.io", kind: "Deployment" }), true);
  strictEqual(becomesReady({ group: "batch", kind: "CronJob" }), false);
});

Deno.test("ending() tells how a Job or a Pod has ended that goes or is gone, and nothing of others", () => {
  const metadata = { deletionTimestamp: "2026-11-23T05:04:27Z" };
  const job = (type: string, status = "True") => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata,
    spec: { suspend: true },
    status: { conditions: [{ type, status, message: "why" }] },
  });
  const pod = (phase: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    status: { phase },
  });
  for (
    const [object, expected] of [
      [job("Complete"), "it is complete"],
      [job("Failed"), "why"],
      [job("Complete", "False"), undefined],
      [job("Suspended"), undefined],
      [pod("Succeeded"), "it has succeeded"],
      [pod("Running"), undefined],
      [{ ...job("Complete"), apiVersion: "example.com/v1" }, undefined],
    ] as const
  ) {
    strictEqual(ending(object)?.reason, expected);
    const going = "it is being deleted";
    strictEqual(readiness(object).reason, expected ?? going);
  }
  const condition = (ready: boolean) => () => ({ ready, reason: "said" });
  strictEqual(ending(job("Failed"), condition(true))?.reason, "said");
  strictEqual(ending(job("Complete"), condition(false)), undefined);
});
