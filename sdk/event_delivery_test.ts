import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import type { EventSpec } from "./event.ts";
import { RETRY_DEFAULT } from "./event_delivery.ts";
import { readEvent } from "./event_input.ts";

const NOW = Date.parse("2026-11-23T05:04:27.104Z");
const GOOD = {
  id: "e1",
  type: "k8s_resource",
  target_agent: "edge-7",
  payload: {},
  created_at: "2026-11-23T05:04:27.104Z",
  created_by: "x",
  ttl: 3600e9,
  priority: 0,
  labels: {},
};

const FIELDS = {
  not_before: "2026-11-23T06:00:00Z",
  concurrency_key: "ns/payments",
  retry: {
    max_attempts: 5,
    initial_delay: 2e9,
    max_delay: 60e9,
    multiplier: 1.5,
    on: ["cluster_unavailable", "timeout"],
  },
  timeout: 90e9,
  supersedes: "e0",
};

function read(change: object, api: "v1" | "v2" | "link" = "v2"): EventSpec {
  return readEvent({ ...GOOD, ...change }, { api, now: NOW });
}

for (const api of ["v2", "link"] as const) {
  Deno.test(`readEvent() returns how an event is delivered on ${api}`, () => {
    deepStrictEqual(read(FIELDS, api), { ...GOOD, ...FIELDS });
  });
}

Deno.test("readEvent() takes fields of v2 on v1 for somebody else's", () => {
  deepStrictEqual(read({ ...FIELDS, timeout: "soon", retry: 7 }, "v1"), GOOD);
});

Deno.test("readEvent() reads durations of every field as nanoseconds", () => {
  const { timeout, retry } = read({
    timeout: "1m30s",
    retry: { initial_delay: "250ms", max_delay: "2h" },
  });
  strictEqual(timeout, 90e9);
  deepStrictEqual([retry?.initial_delay, retry?.max_delay], [250e6, 7200e9]);
});

Deno.test("readEvent() fills in what a policy leaves out", () => {
  strictEqual(read({}).retry, undefined);
  deepStrictEqual(read({ retry: {} }).retry, RETRY_DEFAULT);
  strictEqual(RETRY_DEFAULT.on.includes("cluster_unavailable"), true);
  strictEqual(RETRY_DEFAULT.on.includes("failed"), false);
  strictEqual(
    read({ retry: { initial_delay: "1h" } }).retry?.max_delay,
    3600e9,
  );
  strictEqual(read({ retry: { max_delay: "1ms" } }).retry?.initial_delay, 1e6);
  deepStrictEqual(read({ retry: { on: [] } }).retry?.on, []);
});

Deno.test("readEvent() lets a newer control plane name codes and fields on a link", () => {
  const retry = { ...FIELDS.retry, on: ["teleport_failed"] };
  deepStrictEqual(
    read({ retry: { ...retry, jitter: 1 } }, "link").retry,
    retry,
  );
  strictEqual(
    read({ not_before: "2027-11-23T05:04:27Z" }, "link").not_before,
    "2027-11-23T05:04:27Z",
  );
});

/** What is wrong, the field, its code and the field that a refusal names. */
const BAD: readonly [
  name: string,
  change: object,
  code: string,
  field: string,
][] = [
  ["not_before in words", { not_before: "soon" }, "invalid", "not_before"],
  ["not_before as a number", { not_before: 7 }, "wrong_type", "not_before"],
  [
    "not_before at the deadline",
    { not_before: "2026-11-23T06:04:27.104Z" },
    "invalid",
    "not_before",
  ],
  ["an empty key", { concurrency_key: "" }, "invalid", "concurrency_key"],
  [
    "a key of 257 characters",
    { concurrency_key: "x".repeat(257) },
    "invalid",
    "concurrency_key",
  ],
  [
    "a key with a line break",
    { concurrency_key: "a\nb" },
    "invalid",
    "concurrency_key",
  ],
  [
    "a key that is a list",
    { concurrency_key: [] },
    "wrong_type",
    "concurrency_key",
  ],
  ["a policy in words", { retry: "often" }, "wrong_type", "retry"],
  ["a policy that is null", { retry: null }, "wrong_type", "retry"],
  [
    "an unknown part of a policy",
    { retry: { tries: 1 } },
    "unknown_field",
    "retry.tries",
  ],
  [
    "no attempt",
    { retry: { max_attempts: 0 } },
    "invalid",
    "retry.max_attempts",
  ],
  [
    "21 attempts",
    { retry: { max_attempts: 21 } },
    "invalid",
    "retry.max_attempts",
  ],
  [
    "half an attempt",
    { retry: { max_attempts: 1.5 } },
    "wrong_type",
    "retry.max_attempts",
  ],
  [
    "no delay",
    { retry: { initial_delay: 0 } },
    "invalid",
    "retry.initial_delay",
  ],
  [
    "a delay in words",
    { retry: { max_delay: "long" } },
    "invalid",
    "retry.max_delay",
  ],
  [
    "a delay of 31 days",
    { retry: { max_delay: "31d" } },
    "invalid",
    "retry.max_delay",
  ],
  [
    "a longest delay below the first",
    { retry: { initial_delay: "2s", max_delay: "1s" } },
    "invalid",
    "retry.max_delay",
  ],
  [
    "waits that get shorter",
    { retry: { multiplier: 0.5 } },
    "invalid",
    "retry.multiplier",
  ],
  [
    "a multiplier of 101",
    { retry: { multiplier: 101 } },
    "invalid",
    "retry.multiplier",
  ],
  [
    "a multiplier in words",
    { retry: { multiplier: "2" } },
    "wrong_type",
    "retry.multiplier",
  ],
  ["codes in one word", { retry: { on: "timeout" } }, "wrong_type", "retry.on"],
  ["a code that is none", { retry: { on: ["flaky"] } }, "invalid", "retry.on"],
  [
    "65 codes",
    { retry: { on: Array(65).fill("timeout") } },
    "invalid",
    "retry.on",
  ],
  ["timeout 0", { timeout: 0 }, "invalid", "timeout"],
  ["half a nanosecond of timeout", { timeout: 0.5 }, "invalid", "timeout"],
  ["timeout of 31 days", { timeout: "31d" }, "invalid", "timeout"],
  ["timeout as a list", { timeout: [1] }, "wrong_type", "timeout"],
  ["supersedes with a slash", { supersedes: "a/b" }, "invalid", "supersedes"],
  ["supersedes of itself", { supersedes: "e1" }, "invalid", "supersedes"],
];

for (const [name, change, code, field] of BAD) {
  Deno.test(`readEvent() refuses ${name}`, () => {
    throws(() => read(change), { code, details: { field } });
  });
}
