import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { decode, encode } from "./frame_codec.ts";

const FOLDER = new URL("testdata/frames/", import.meta.url);

function golden(name: string): string {
  return Deno.readTextFileSync(new URL(`${name}.json`, FOLDER)).trimEnd();
}

/** What Go writes as `null` is absent here. */
function withoutNull(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== null),
  );
}

/** The type each golden frame has once it is read; v1 frames without a type among them. */
const TYPES: Readonly<Record<string, string>> = {
  v1_registration: "registration",
  v1_reply: "reply",
  v1_reply_error: "reply",
  v1_event: "event",
  v1_heartbeat: "heartbeat",
  v1_status_update: "status_update",
  v1_status_update_completed: "status_update",
  v2_registration: "registration",
  v2_reply: "reply",
  v2_welcome: "welcome",
  v2_event: "event",
  v2_part: "part",
  v2_ack: "ack",
  v2_nack: "nack",
  v2_status_update: "status_update",
  v2_status_ack: "status_ack",
  v2_heartbeat: "heartbeat",
  v2_heartbeat_ack: "heartbeat_ack",
  v2_credit: "credit",
  v2_flow: "flow",
  v2_cancel: "cancel",
  v2_drain: "drain",
  v2_renew: "renew",
  v2_log: "log",
  v2_log_ack: "log_ack",
  v2_inventory_request: "inventory_request",
  v2_inventory: "inventory",
  v2_backlog_request: "backlog_request",
  v2_backlog: "backlog",
  v2_error: "error",
  v2_bye: "bye",
};

Deno.test("golden frames are all in the table", () => {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) =>
    name.replace(".json", "")
  );
  deepStrictEqual(files.sort(), Object.keys(TYPES).sort());
});

for (const [name, type] of Object.entries(TYPES)) {
  Deno.test(`decode() reads the golden frame ${name}, and encode() writes it back`, () => {
    const text = golden(name);
    const frame = decode(text);
    strictEqual(frame.type, type);
    if (frame.type === "unknown") {
      throw new TypeError("Cannot be: the table has no such type");
    }
    const written = encode(frame);
    deepStrictEqual(JSON.parse(written), withoutNull(JSON.parse(text)));
    if (!text.includes("null")) {
      strictEqual(written, text, "the order of the fields is kept");
    }
  });
}

Deno.test("decode() returns unknown for a type of a newer peer", () => {
  deepStrictEqual(decode('{"type":"teleport","x":1}'), {
    type: "unknown",
    name: "teleport",
  });
});

Deno.test("decode() tolerates fields it does not know", () => {
  strictEqual(
    decode('{"type":"status_ack","upto":3,"new":{"a":1}}').type,
    "status_ack",
  );
});

Deno.test("decode() does not let a frame name a type that has none", () => {
  const text = golden("v1_registration").replace(
    "{",
    '{"type":"registration",',
  );
  strictEqual(decode(text).type, "unknown");
});

const BAD: Readonly<Record<string, string>> = {
  "nothing": "",
  "not JSON": "{",
  "two values": "{} {}",
  "an array": "[]",
  "null": "null",
  "a text": '"x"',
  "a type that is a number": '{"type":7}',
  "a negative seq": '{"type":"event","seq":-1,"event":{}}',
  "a seq beyond 2^53": '{"type":"event","seq":9007199254740993,"event":{}}',
  "a fraction of a sid": '{"type":"status_ack","upto":1.5}',
  "an event that is a text": '{"type":"event","event":"x"}',
  "a state that is none":
    '{"type":"status_update","event_id":"e","agent_id":"a","state":"banana","timestamp":"t"}',
  "a registration without an id":
    '{"name":"a","cluster_name":"c","version":"1","capabilities":[]}',
  "a key twice": '{"type":"bye","reason":"a","reason":"b"}',
  "a credit without a limit": '{"type":"credit"}',
  "a credit below 0": '{"type":"credit","limit_seq":-1}',
  "a flow whose limit is a text": '{"type":"flow","limit_sid":"7"}',
  "a cancel of nothing": '{"type":"cancel","reason":"operator"}',
  "a cancel of attempt 0":
    '{"type":"cancel","event_id":"e","attempt":0,"reason":"operator"}',
  "a drain that does not say when":
    '{"type":"drain","reason":"restart","jitter_ms":1}',
  "a renewal of nothing": '{"type":"renew"}',
  "a log of another stream":
    '{"type":"log","event_id":"e","attempt":1,"stream":"stdin","off":0,"data":"x"}',
  "a log before the beginning":
    '{"type":"log","event_id":"e","attempt":1,"stream":"stdout","off":-1,"data":"x"}',
  "an inventory that does not say whether it is all":
    '{"type":"inventory","items":[]}',
  "an inventory with a digest that is none":
    '{"type":"inventory","items":[{"event_id":"e","digest":"md5:1","attempt":1,"state":"failed"}],"more":false}',
  "an inventory request since a number":
    '{"type":"inventory_request","since":7}',
  "a registration whose inventory is a number":
    '{"id":"a","name":"a","cluster_name":"c","version":"1","capabilities":[],"link":{"versions":[2],"features":[],"instance":"i","resume":{"epoch":"e","recv":1,"inventory":3},"window":8,"max_frame":1,"clock":"t"}}',
  "deep nesting": `{"type":"bye","reason":"a","x":${"[".repeat(100)}${
    "]".repeat(100)
  }}`,
};

for (const [name, text] of Object.entries(BAD)) {
  Deno.test(`decode() refuses ${name}`, () => {
    throws(() => decode(text), { code: "bad_frame" });
  });
}

Deno.test("decode() leaves out what is null, and lets nobody set a prototype", () => {
  const frame = decode(
    '{"type":"bye","reason":"over","more":null,"__proto__":{"seq":1},"other":2}',
  );
  deepStrictEqual(frame, { type: "bye", reason: "over", other: 2 } as unknown);
  strictEqual(Object.getPrototypeOf(frame), Object.prototype);
});
