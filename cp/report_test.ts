import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { StatusUpdateFrame } from "@transporter/sdk";
import {
  FACTS_BYTES_MAX,
  MESSAGE_CHARS_MAX,
  readReport,
  RESOURCES_BYTES_MAX,
} from "./report.ts";

const NOW = Date.parse("2026-11-23T06:00:00Z");

function frame(fields: Record<string, unknown> = {}): StatusUpdateFrame {
  return {
    type: "status_update",
    event_id: "e1",
    agent_id: "somebody else",
    state: "completed",
    phase: "completed",
    message: "Event completed",
    timestamp: "2026-11-23T05:04:27.10407393Z",
    sid: 3,
    attempt: 1,
    ...fields,
  };
}

function read(fields: Record<string, unknown> = {}) {
  return readReport(frame(fields), { agent: "edge-1", now: NOW });
}

Deno.test("readReport() keeps what fits, under the name of the session's agent", () => {
  const result = {
    success: true,
    resource_status: [{
      kind: "Namespace",
      name: "web",
      namespace: "",
      api_version: "v1",
      status: "created",
      message: "",
    }],
    error_message: "",
    completed_at: "2026-11-23T05:04:28Z",
    duration: 5,
    more: { a: 1 },
  };
  deepStrictEqual(read({ details: { a: 1 }, result }), {
    event_id: "e1",
    agent_id: "edge-1",
    state: "completed",
    phase: "completed",
    message: "Event completed",
    log_level: "info",
    details: { a: 1 },
    result,
    timestamp: "2026-11-23T05:04:27.10407393Z",
    attempt: 1,
  });
});

Deno.test("readReport() cuts messages, and keeps control characters as data", () => {
  const message = "\u001b[31m\n" + "x".repeat(100_000);
  const status = read({ message });
  strictEqual(status.message.length, MESSAGE_CHARS_MAX + 1);
  ok(status.message.startsWith("\u001b[31m\n"));
  ok(read({ message: "a\ud800b" }).message.isWellFormed());
});

Deno.test("readReport() takes its own time for one that is none", () => {
  strictEqual(read({ timestamp: "now" }).timestamp, "2026-11-23T06:00:00.000Z");
});

Deno.test("readReport() replaces facts that are too large by a marker, and keeps the outcome", () => {
  const status = read({
    details: { log: "x".repeat(FACTS_BYTES_MAX) },
    result: { success: false, error_message: "boom", output: "y", duration: 7 },
    error: { code: "denied", message: "No", details: { a: 1 } },
    state: "failed",
  });
  deepStrictEqual(status.details, { truncated: true });
  deepStrictEqual(status.result, {
    truncated: true,
    success: false,
    error_message: "boom",
    completed_at: "2026-11-23T06:00:00.000Z",
    duration: 7,
  });
  deepStrictEqual(status.error, {
    code: "denied",
    message: "No",
    details: { truncated: true },
  });
});

Deno.test("readReport() keeps the whole list of as many objects as an event may have", () => {
  const item = {
    kind: "ConfigMap",
    name: "n".repeat(60),
    namespace: "n".repeat(60),
    api_version: "v1",
    status: "created",
    message: "m".repeat(150),
    uid: "2a5e0c93-fac0-43f1-b854-3a083ba826a3",
    resource_version: "228",
  };
  const { result } = read({
    result: { success: true, resource_status: Array(2000).fill(item) },
  });
  deepStrictEqual(result?.["truncated"], undefined);
  deepStrictEqual(result?.resource_status?.length, 2000);
  deepStrictEqual(result?.resource_status?.[1999], item);
});

Deno.test("readReport() keeps the beginning of a list of objects that is too long", () => {
  const item = { kind: "ConfigMap", name: "n".repeat(200), message: "m" };
  const { result } = read({
    result: { success: true, resource_status: Array(20_000).fill(item) },
  });
  ok(result?.["truncated"]);
  const kept = result?.resource_status?.length ?? 0;
  ok(kept > 1000 && kept < 20_000);
  ok(JSON.stringify(result).length < RESOURCES_BYTES_MAX + FACTS_BYTES_MAX);
});

Deno.test("readReport() keeps what else is said of an object, as long as there is room", () => {
  const item = (name: string, changes: unknown) => ({
    kind: "ConfigMap",
    name,
    namespace: "web",
    api_version: "v1",
    status: "drifted",
    message: "",
    changes,
  });
  const change = { path: ".data.a", before: { b: [1] }, after: null };
  const small = [item("a", [change]), { ...item("b", []), fields: { x: 1 } }];
  const all = (items: unknown[]) =>
    read({ result: { success: true, resource_status: items } }).result;
  deepStrictEqual(all(small)?.resource_status, small);
  strictEqual(all(small)?.["truncated"], undefined);

  const long = "x".repeat(RESOURCES_BYTES_MAX / 2);
  const result = all([item("a", long), item("b", long), item("c", [change])]);
  ok(result?.["truncated"]);
  deepStrictEqual(result?.resource_status?.map((each) => each["changes"]), [
    long,
    undefined,
    [change],
  ]);
});

Deno.test("readReport() gives a result the shape that others rely on", () => {
  const { result } = read({
    result: {
      success: "yes",
      resource_status: [7, { kind: 1, name: "x" }],
      error_message: { a: 1 },
      duration: "long",
    },
  });
  deepStrictEqual(result, {
    success: true,
    resource_status: [{
      kind: "",
      name: "x",
      namespace: "",
      api_version: "",
      status: "",
      message: "",
    }],
    completed_at: "2026-11-23T06:00:00.000Z",
    duration: 0,
  });
});

Deno.test("readReport() takes a result only with an end, and an unknown code as failed", () => {
  strictEqual(read({ state: "in_progress", result: {} }).result, undefined);
  const { error } = read({ error: { code: "teleported", message: "Gone" } });
  deepStrictEqual(error, { code: "failed", message: "Gone" });
});

Deno.test("readReport() keeps how long objects took, and no duration that cannot be one", () => {
  const item = {
    kind: "Deployment",
    name: "web",
    namespace: "shop",
    api_version: "apps/v1",
    status: "created",
    message: "",
  };
  const resources = (...items: unknown[]) =>
    read({ result: { success: true, resource_status: items } }).result
      ?.resource_status;
  const timed = { ...item, duration: 41_000_000, ready_after: 2_500_000_000 };
  deepStrictEqual(resources(timed), [timed]);
  deepStrictEqual(
    resources(
      { ...item, duration: "long", ready_after: -1 },
      { ...item, duration: 1e300, ready_after: NaN },
      { ...item, duration: 1.5 },
    ),
    [item, item, { ...item, duration: 2 }],
  );
});
