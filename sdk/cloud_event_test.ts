import { deepStrictEqual, match, throws } from "node:assert/strict";
import {
  readBinaryCloudEvent,
  readCloudEvent,
  writeCloudEvent,
} from "./cloud_event.ts";
import { eventOfCloudEvent } from "./cloud_event_input.ts";
import { TransporterError } from "./error.ts";

const GOOD = {
  specversion: "1.0",
  id: "e1",
  source: "/ci/42",
  type: "io.transporter.event.k8s_resource",
  subject: "edge-7",
  data: { manifests: ["a: 1"] },
};
const EVENT = {
  id: "e1",
  type: "k8s_resource",
  target_agent: "edge-7",
  payload: { manifests: ["a: 1"] },
  created_by: "/ci/42",
};

function eventOf(value: unknown) {
  return eventOfCloudEvent(readCloudEvent(value));
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test("eventOfCloudEvent() makes the same event of JSON, of Base64 and of headers", () => {
  deepStrictEqual(eventOf(GOOD), EVENT);
  const { data, ...attributes } = GOOD;
  const text = JSON.stringify(data);
  deepStrictEqual(eventOf({ ...attributes, data_base64: btoa(text) }), EVENT);
  const headers = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]),
  );
  deepStrictEqual(
    eventOfCloudEvent(
      readBinaryCloudEvent(
        { ...headers, "content-type": "application/json", host: "x" },
        bytes(text),
      ),
    ),
    EVENT,
  );
});

Deno.test("eventOfCloudEvent() makes fields of extensions, and keeps others", () => {
  const extensions = {
    time: "2026-11-23T05:04:27.104Z",
    ttl: "10m",
    priority: 3,
    labels: "team=a, stage=prod",
    notbefore: "2026-11-23T06:00:00Z",
    concurrencykey: "db",
    timeout: "5m",
    supersedes: "e0",
    batchid: "b1",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "vendor=1",
    partitionkey: "p1",
    sampled: true,
    dataschema: "https://example.org/s",
    comment: null,
  };
  deepStrictEqual(eventOf({ ...GOOD, ...extensions }), {
    ...EVENT,
    created_at: "2026-11-23T05:04:27.104Z",
    ttl: "10m",
    priority: 3,
    labels: { team: "a", stage: "prod" },
    not_before: "2026-11-23T06:00:00Z",
    concurrency_key: "db",
    timeout: "5m",
    supersedes: "e0",
    batch_id: "b1",
    traceparent: extensions.traceparent,
    metadata: {
      "ce-partitionkey": "p1",
      "ce-sampled": "true",
      "ce-dataschema": "https://example.org/s",
    },
  });
});

Deno.test("eventOfCloudEvent() takes the agent of targetagent, and keeps the subject then", () => {
  deepStrictEqual(eventOf({ ...GOOD, targetagent: "edge-8" }), {
    ...EVENT,
    target_agent: "edge-8",
    metadata: { "ce-subject": "edge-7" },
  });
});

Deno.test("readBinaryCloudEvent() reads numbers, quotes and escapes of headers", () => {
  const event = eventOfCloudEvent(
    readBinaryCloudEvent({
      "ce-specversion": "1.0",
      "ce-id": "e1",
      "ce-source": "/caf%C3%A9",
      "ce-type": "k8s_resource",
      "ce-subject": '"edge\\-7"',
      "ce-priority": "3",
      "ce-ttl": "60000000000",
    }, bytes('{"manifests":["a: 1"]}')),
  );
  deepStrictEqual(event, {
    ...EVENT,
    created_by: "/café",
    priority: 3,
    ttl: 60e9,
  });
});

/** What is no CloudEvent that asks for an event, and why. */
const BAD: Readonly<
  Record<string, readonly [value: unknown, code: string, message: RegExp]>
> = {
  "a list": [[], "wrong_type", /an array/],
  "no specversion": [
    { ...GOOD, specversion: undefined },
    "missing_field",
    /"specversion" is missing/,
  ],
  "another version": [{ ...GOOD, specversion: "0.3" }, "invalid", /"0\.3"/],
  "no id": [{ ...GOOD, id: undefined }, "missing_field", /"id" is missing/],
  "an empty id": [{ ...GOOD, id: "" }, "invalid", /"id" must not be empty/],
  "an id that is a number": [{ ...GOOD, id: 7 }, "wrong_type", /a number/],
  "no source": [{ ...GOOD, source: null }, "missing_field", /"source"/],
  "no type": [{ ...GOOD, type: undefined }, "missing_field", /"type"/],
  "a type of somebody else": [
    { ...GOOD, type: "com.github.push" },
    "invalid",
    /"com\.github\.push"/,
  ],
  "no agent": [{ ...GOOD, subject: undefined }, "missing_field", /targetagent/],
  "a time that is none": [{ ...GOOD, time: "now" }, "invalid", /"time"/],
  "an extension with capitals": [
    { ...GOOD, targetAgent: "a" },
    "unknown_field",
    /"targetAgent"/,
  ],
  "an extension that is an object": [
    { ...GOOD, retry: {} },
    "wrong_type",
    /"retry"/,
  ],
  "no data": [{ ...GOOD, data: undefined }, "wrong_type", /there is none/],
  "data that is a list": [{ ...GOOD, data: [] }, "wrong_type", /an array/],
  "data of another kind": [
    { ...GOOD, data: undefined, data_base64: "AA==", datacontenttype: "a/b" },
    "wrong_type",
    /"a\/b"/,
  ],
  "data twice": [{ ...GOOD, data_base64: "e30=" }, "invalid", /both/],
  "no Base64": [
    { ...GOOD, data: undefined, data_base64: "{}" },
    "invalid",
    /Base64/,
  ],
  "labels without values": [{ ...GOOD, labels: "a" }, "invalid", /team=a/],
  "a label twice": [{ ...GOOD, labels: "a=1,a=2" }, "invalid", /once/],
};

Deno.test("what is no CloudEvent for us is refused by a sentence with a code", () => {
  for (const [name, [value, code, message]] of Object.entries(BAD)) {
    throws(() => eventOf(value), (error) => {
      if (!(error instanceof TransporterError)) return false;
      deepStrictEqual(error.code, code, name);
      match(error.message, message, name);
      match(error.message, /^Cannot .*[^.]$/s);
      return true;
    }, name);
  }
  for (const value of ["%zz", "caf\u00e9", "%ff"]) {
    throws(
      () =>
        readBinaryCloudEvent(
          { "ce-specversion": "1.0", "ce-id": value },
          bytes(""),
        ),
      { code: "invalid" },
    );
  }
});

Deno.test("writeCloudEvent() writes what readCloudEvent() reads", () => {
  const event = readCloudEvent({
    ...GOOD,
    priority: 3,
    time: "2026-11-23T05:04:27Z",
  });
  deepStrictEqual(readCloudEvent(JSON.parse(writeCloudEvent(event))), event);
});
