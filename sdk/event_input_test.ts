import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { TransporterError } from "./error.ts";
import { readEvent } from "./event_input.ts";

const NOW = Date.parse("2026-11-23T05:04:27.104Z");
const GOOD = {
  id: "e1",
  type: "k8s_resource",
  target_agent: "edge-7",
  payload: { manifests: [] },
  created_at: "2026-11-23T05:04:27.104Z",
  created_by: "x",
  ttl: 3600000000000,
  priority: 3,
  labels: { team: "web" },
};

Deno.test("readEvent() returns what a good event says", () => {
  deepStrictEqual(readEvent(GOOD, { api: "v2", now: NOW }), GOOD);
});

Deno.test("readEvent() fills in what is left out", () => {
  const event = readEvent({ type: "script", target_agent: "a", payload: {} }, {
    api: "v2",
    now: NOW,
    newId: () => "new",
    principal: "ann",
  });
  deepStrictEqual(event, {
    id: "new",
    type: "script",
    target_agent: "a",
    payload: {},
    created_at: "2026-11-23T05:04:27.104Z",
    created_by: "ann",
    ttl: 24 * 3600e9,
    priority: 0,
    labels: {},
  });
});

Deno.test('readEvent() reads "24h" as nanoseconds', () => {
  strictEqual(
    readEvent({ ...GOOD, ttl: "24h" }, { api: "v1", now: NOW }).ttl,
    86_400e9,
  );
});

Deno.test("readEvent() tolerates of v1 what a Go producer sends", () => {
  const event = readEvent(
    { ...GOOD, labels: null, metadata: null, retries: 0, priority: 12 },
    { api: "v1", now: NOW },
  );
  deepStrictEqual(event, { ...GOOD, labels: {}, priority: 9 });
  strictEqual(
    readEvent({ ...GOOD, priority: -4 }, { api: "v1", now: NOW }).priority,
    0,
  );
});

Deno.test("readEvent() leaves out what v1 or a control plane means by fields of v2, if it is not right", () => {
  const strange = { batch_id: "a b", traceparent: { of: "theirs" } };
  const right = {
    batch_id: "b1",
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  };
  for (const api of ["v1", "link"] as const) {
    deepStrictEqual(
      readEvent({ ...GOOD, ...strange }, { api, now: NOW }),
      readEvent(GOOD, { api, now: NOW }),
    );
    deepStrictEqual(
      readEvent({ ...GOOD, ...right }, { api, now: NOW }),
      { ...readEvent(GOOD, { api, now: NOW }), ...right },
    );
  }
  for (const api of ["v2", "ingest"] as const) {
    for (const [field, value] of Object.entries(strange)) {
      throws(
        () => readEvent({ ...GOOD, [field]: value }, { api, now: NOW }),
        TransporterError,
      );
    }
  }
});

Deno.test("readEvent() takes any ttl that a control plane has accepted", () => {
  const ttl = 292 * 365 * 24 * 3600e9;
  const value = { ...GOOD, ttl };
  strictEqual(readEvent(value, { api: "link", now: NOW }).ttl, ttl);
  throws(() => readEvent(value, { api: "v1", now: NOW }), {
    code: "invalid_ttl",
  });
});

const text = (length: number) => "x".repeat(length);

/** What is wrong, the value of the field, and the code; both APIs unless it says which. */
const BAD: readonly [
  name: string,
  change: object,
  code: string,
  api?: "v1" | "v2",
][] = [
  ["no id on v1", { id: undefined }, "missing_field", "v1"],
  ["an empty id", { id: "" }, "invalid_id"],
  ["an id of 129 characters", { id: text(129) }, "invalid_id"],
  ["an id with a slash", { id: "../x" }, "invalid_id"],
  ["an id with a line break", { id: "a\nb" }, "invalid_id"],
  ["an id that a URL takes for its folder", { id: "." }, "invalid_id"],
  ["an id that leads out of a URL", { id: ".." }, "invalid_id"],
  ["an id of other letters", { id: "е1" }, "invalid_id"],
  ["an id that is a number", { id: 7 }, "wrong_type"],
  ["no type", { type: undefined }, "missing_field"],
  ["a type in capitals", { type: "K8S" }, "invalid"],
  ["no target_agent", { target_agent: undefined }, "missing_field"],
  ["an empty target_agent", { target_agent: "" }, "invalid"],
  ["no payload", { payload: undefined }, "missing_field"],
  ["a payload that is a list", { payload: [] }, "wrong_type"],
  ["a payload that is null", { payload: null }, "missing_field", "v1"],
  ["ttl 0", { ttl: 0 }, "invalid_ttl"],
  ["ttl -1", { ttl: -1 }, "invalid_ttl"],
  ["ttl 2^63", { ttl: 2 ** 63 }, "invalid_ttl"],
  ["half a nanosecond of ttl", { ttl: 1.5 }, "invalid_ttl"],
  ["ttl in words", { ttl: "tomorrow" }, "invalid_ttl"],
  ["ttl of 31 days", { ttl: "31d" }, "invalid_ttl"],
  ["ttl as a list", { ttl: [1] }, "wrong_type"],
  ["priority in words", { priority: "high" }, "wrong_type"],
  ["priority 10 on v2", { priority: 10 }, "invalid", "v2"],
  ["half a priority", { priority: 0.5 }, "wrong_type"],
  ["labels as a list", { labels: [] }, "wrong_type"],
  ["a label that is a number", { labels: { a: 1 } }, "wrong_type"],
  ["a label key with a space", { labels: { "a b": "x" } }, "invalid"],
  ["a label of 257 characters", { labels: { a: text(257) } }, "invalid"],
  [
    "65 labels",
    {
      labels: Object.fromEntries(
        Array.from({ length: 65 }, (_, i) => [`k${i}`, ""]),
      ),
    },
    "invalid",
  ],
  [
    "created_at without a zone",
    { created_at: "2026-11-23T05:04:27" },
    "invalid",
  ],
  [
    "created_at of another day",
    { created_at: "2026-11-24T05:04:27Z" },
    "invalid",
  ],
  [
    "created_at in the year 9999",
    { created_at: "9999-01-01T00:00:00Z" },
    "invalid",
  ],
  ["created_by of 257 characters", { created_by: text(257) }, "invalid"],
  ["a field that v2 does not know", { retries: 3 }, "unknown_field", "v2"],
  ["__proto__", JSON.parse('{"__proto__":{"id":"x"}}'), "unknown_field", "v2"],
  ["null on v2", { labels: null }, "wrong_type", "v2"],
];

for (const [name, change, code, only] of BAD) {
  for (const api of only === undefined ? ["v1", "v2"] as const : [only]) {
    Deno.test(`readEvent() refuses ${name} on ${api}`, () => {
      const value: Record<string, unknown> = { ...GOOD, ...change };
      for (const [field, item] of Object.entries(change)) {
        if (item === undefined) delete value[field];
      }
      throws(() => readEvent(value, { api, now: NOW }), { code });
    });
  }
}

for (const value of [null, [], "x", 7, true, undefined]) {
  Deno.test(`readEvent() refuses ${JSON.stringify(value)}`, () => {
    throws(() => readEvent(value, { api: "v2", now: NOW }), {
      code: "wrong_type",
    });
  });
}

Deno.test("readEvent() names the event, the field and its value", () => {
  throws(() => readEvent({ ...GOOD, ttl: -5 }, { api: "v2", now: NOW }), {
    message:
      'Cannot accept event "e1" as "ttl" must be more than 0 and at most 30 days ("720h"), ' +
      "in whole nanoseconds: current value is -5",
  });
});
