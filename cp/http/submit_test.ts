import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { event, isProblem, openPlace, type Place } from "../testing/place.ts";
import { until } from "../testing/until.ts";

const JSON_HEADERS = { "content-type": "application/json" };

/** Submits a text as it is. */
async function submit(place: Place, path: string, body: string | Uint8Array) {
  const response = await fetch(place.url + path, {
    method: "POST",
    headers: JSON_HEADERS,
    body: body as BodyInit,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: JSON.parse(text),
  };
}

function text(id: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify(event(id, more));
}

Deno.test("POST /events accepts what a Go producer sends", async () => {
  await using place = await openPlace();
  const body =
    '{"id":"e1","type":"k8s_resource","target_agent":"compat","payload":{"manifests":["a"]},"created_at":"2026-11-23T05:04:27.104073931Z","created_by":"x","ttl":3600000000000,"priority":0,"labels":null,"unknown":{"field":1}}';
  const answer = await submit(place, "/events", body);
  strictEqual(answer.status, 202, answer.text);
  deepStrictEqual(answer.json, {
    status: "accepted",
    event_id: "e1",
    message: 'Event accepted for agent "compat", which was never seen',
    state: "queued",
    durability: "memory",
    replicated: 0,
    agent_known: false,
    duplicate: false,
    links: {
      self: "/v2/events/e1",
      history: "/v2/events/e1/history",
      stream: "/v2/stream?event=e1",
    },
  });
  for (const link of [answer.json.links.self, answer.json.links.history]) {
    strictEqual((await place.ask(link)).status, 200);
  }
});

Deno.test("POST /events answers a repeated event as the first time, and another body with 409", async () => {
  await using place = await openPlace();
  const first = await submit(place, "/events", text("e1"));
  const again = await submit(place, "/events", text("e1"));
  strictEqual(again.status, 202);
  deepStrictEqual(again.json, { ...first.json, duplicate: true });
  const other = await submit(place, "/events", text("e1", { priority: 3 }));
  isProblem(other, 409, "id_conflict");
});

Deno.test("POST /v2/events refuses agents that were never seen", async () => {
  await using place = await openPlace();
  const problem = isProblem(
    await submit(place, "/v2/events", text("e1")),
    404,
    "unknown_agent",
  );
  match(problem.message, /"edge-1"/);
});

/** What cannot be accepted, whichever API it comes through. */
const BAD: Readonly<
  Record<
    string,
    readonly [body: string | Uint8Array, status: number, code: string]
  >
> = {
  "nothing": ["", 400, "invalid_json"],
  "blanks": [" \n", 400, "invalid_json"],
  "null": ["null", 400, "wrong_type"],
  "a list": ["[]", 400, "wrong_type"],
  "a text": ['"x"', 400, "wrong_type"],
  "no JSON": ["hello", 400, "invalid_json"],
  "half of it": ['{"id":"e', 400, "invalid_json"],
  "two values": [`${text("e1")}${text("e2")}`, 400, "invalid_json"],
  "trailing garbage": [`${text("e1")}x`, 400, "invalid_json"],
  "a byte order mark": [`\ufeff${text("e1")}`, 400, "invalid_json"],
  "bytes that are no UTF-8": [
    Uint8Array.of(0x22, 0xff, 0x22),
    400,
    "invalid_json",
  ],
  "a NUL": [`${text("e1")}\u0000`, 400, "invalid_json"],
  "a lone surrogate": [text("e1").replace("edge-1", "\\ud800"), 422, "invalid"],
  "a key twice": ['{"id":"a","id":"b"}', 400, "duplicate_key"],
  "a key twice, escaped": ['{"id":"a","\\u0069d":"b"}', 400, "duplicate_key"],
  "10,000 levels": [
    `${"[".repeat(10_000)}${"]".repeat(10_000)}`,
    400,
    "too_deep",
  ],
  "100,000 levels": [`{"a":${"[".repeat(100_000)}`, 400, "too_deep"],
  "too many keys": [
    text("e1", {
      payload: Object.fromEntries(
        Array.from({ length: 50_001 }, (_, i) => [`k${i}`, 0]),
      ),
    }),
    400,
    "invalid_json",
  ],
  "no type": [
    '{"id":"e1","target_agent":"a","payload":{}}',
    400,
    "missing_field",
  ],
  "a type that is a number": [text("e1", { type: 7 }), 400, "wrong_type"],
  "a type of capitals": [text("e1", { type: "K8S" }), 422, "invalid"],
  "no agent": ['{"id":"e1","type":"t","payload":{}}', 400, "missing_field"],
  "an agent with a slash": [
    text("e1", { target_agent: "a/b" }),
    422,
    "invalid",
  ],
  "no payload": [
    '{"id":"e1","type":"t","target_agent":"a"}',
    400,
    "missing_field",
  ],
  "a payload that is a list": [text("e1", { payload: [] }), 400, "wrong_type"],
  "an empty id": [text(""), 422, "invalid_id"],
  "an id of 4 KiB": [text("i".repeat(4096)), 422, "invalid_id"],
  "an id with a line feed": [text("a\nb"), 422, "invalid_id"],
  "an id that is a path": [text("../e1"), 422, "invalid_id"],
  "an id that looks like another": [text("е1"), 422, "invalid_id"],
  "an id that is a number": [text("e1", { id: 1 }), 400, "wrong_type"],
  "ttl 0": [text("e1", { ttl: 0 }), 422, "invalid_ttl"],
  "ttl -1": [text("e1", { ttl: -1 }), 422, "invalid_ttl"],
  "ttl 2^63": [
    text("e1").replace("{", '{"ttl":9223372036854775808,'),
    422,
    "invalid_ttl",
  ],
  "ttl 1e400": [text("e1").replace("{", '{"ttl":1e400,'), 422, "invalid_ttl"],
  "ttl 1.5": [text("e1", { ttl: 1.5 }), 422, "invalid_ttl"],
  "ttl soon": [text("e1", { ttl: "soon" }), 422, "invalid_ttl"],
  "ttl 31 d": [text("e1", { ttl: "31d" }), 422, "invalid_ttl"],
  "ttl true": [text("e1", { ttl: true }), 400, "wrong_type"],
  "a time that is none": [
    text("e1", { created_at: "yesterday" }),
    422,
    "invalid",
  ],
  "a time without a zone": [
    text("e1", { created_at: "2026-11-23T05:04:27" }),
    422,
    "invalid",
  ],
  "a time far ahead": [
    text("e1", { created_at: "9999-01-01T00:00:00Z" }),
    422,
    "invalid",
  ],
  "65 labels": [
    text("e1", {
      labels: Object.fromEntries(
        Array.from({ length: 65 }, (_, i) => [`l${i}`, ""]),
      ),
    }),
    422,
    "invalid",
  ],
  "a label that is a number": [
    text("e1", { labels: { a: 1 } }),
    400,
    "wrong_type",
  ],
  "priority 1.5": [text("e1", { priority: 1.5 }), 400, "wrong_type"],
};

Deno.test("http.errors: POST /events and /v2/events refuse bad input, each with its code", async () => {
  await using place = await openPlace();
  for (const path of ["/events", "/v2/events"]) {
    for (const [name, [body, status, code]] of Object.entries(BAD)) {
      try {
        isProblem(await submit(place, path, body), status, code);
      } catch (cause) {
        throw new Error(`${name} on ${path}`, { cause });
      }
    }
  }
  strictEqual((await place.ask("/v2/events")).json.items.length, 0);
  deepStrictEqual(place.lines.filter(({ level }) => level === "error"), []);
});

Deno.test("POST /v2/events refuses what v1 tolerates", async () => {
  await using place = await openPlace();
  const cases: Record<
    string,
    readonly [more: Record<string, unknown>, status: number, code: string]
  > = {
    "an unknown field": [{ colour: "red" }, 400, "unknown_field"],
    "a prototype": [
      JSON.parse('{"__proto__": {"a": 1}}'),
      400,
      "unknown_field",
    ],
    "a constructor": [JSON.parse('{"constructor": 1}'), 400, "unknown_field"],
    "null": [{ labels: null }, 400, "wrong_type"],
    "priority 10": [{ priority: 10 }, 422, "invalid"],
  };
  for (const [name, [more, status, code]] of Object.entries(cases)) {
    const body = JSON.stringify({
      ...event(`e-${Object.keys(cases).indexOf(name)}`),
      ...more,
    });
    isProblem(await submit(place, "/v2/events", body), status, code);
    strictEqual((await submit(place, "/events", body)).status, 202, name);
  }
});

Deno.test("POST /events takes durations as text, and shows nanoseconds", async () => {
  await using place = await openPlace();
  strictEqual(
    (await submit(place, "/events", text("e1", { ttl: "24h" }))).status,
    202,
  );
  strictEqual(
    (await place.ask("/v2/events/e1")).json.spec.ttl,
    86_400_000_000_000,
  );
});

Deno.test("POST /events refuses bodies that are not said to be JSON", async () => {
  await using place = await openPlace();
  const good = [
    "application/json",
    "application/json; charset=utf-8",
    'Application/JSON;charset="UTF-8"',
  ];
  const bad = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=latin1",
    "application/jsonx",
    "application/x-ndjson",
    "multipart/form-data; boundary=x",
  ];
  for (const type of [...good, ...bad]) {
    const answer = await place.ask("/events", {
      method: "POST",
      headers: { "content-type": type },
      body: text("e1"),
    });
    if (good.includes(type)) strictEqual(answer.status, 202, type);
    else isProblem(answer, 415, "unsupported_media_type");
  }
  const client = place.raw();
  client.send(
    `POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}`,
  );
  isProblem(await client.answer(), 415, "unsupported_media_type");
  client.destroy();
});

Deno.test("POST /events refuses compressed bodies without looking inside", async () => {
  await using place = await openPlace();
  for (const encoding of ["gzip", "br", "deflate", "zstd", "gzip, gzip"]) {
    const answer = await place.ask("/events", {
      method: "POST",
      headers: { ...JSON_HEADERS, "content-encoding": encoding },
      body: text("e1"),
    });
    isProblem(answer, 415, "unsupported_media_type");
  }
  const plain = await place.ask("/events", {
    method: "POST",
    headers: { ...JSON_HEADERS, "content-encoding": "identity" },
    body: text("e1"),
  });
  strictEqual(plain.status, 202);
});

Deno.test("POST /events refuses a body of more than 8 MiB, said or not", async () => {
  await using place = await openPlace();
  const large = "x".repeat(8 * 1024 * 1024 + 1);
  isProblem(await submit(place, "/events", large), 413, "too_large");
  isProblem(await submit(place, "/v2/events", large), 413, "too_large");

  const client = place.raw();
  client.send(
    "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
  const chunk = `100000\r\n${"x".repeat(1024 * 1024)}\r\n`;
  let sent = 0;
  // Without an end: it has to be cut off.
  for (; sent < 32 && client.text === ""; sent++) {
    client.send(chunk);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  isProblem(await client.answer(), 413, "too_large");
  await client.closed();
});

Deno.test("POST /events takes a body that comes in pieces", async () => {
  await using place = await openPlace();
  const client = place.raw();
  client.send(
    "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
  for (const byte of text("e1", { payload: { name: "é🚀" } })) {
    const bytes = new TextEncoder().encode(byte);
    client.send(`${bytes.length.toString(16)}\r\n`);
    client.send(bytes);
    client.send("\r\n");
  }
  client.send("0\r\n\r\n");
  strictEqual((await client.answer()).status, 202);
  client.destroy();
  strictEqual((await place.ask("/v2/events/e1")).json.spec.payload.name, "é🚀");
});

Deno.test("POST /events forgets a client that goes away in the middle, without a word in the log", async () => {
  await using place = await openPlace();
  const client = place.raw();
  client.send(
    "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n{",
  );
  // The word comes from whoever reads the body: the request is in hand.
  strictEqual((await client.answer()).status, 100);
  client.destroy();
  await until(() => place.lines.some(({ route }) => route === "/events"));
  ok(place.lines.every(({ level }) => level !== "error" && level !== "warn"));
});

Deno.test("POST /v2/events takes the id from the Idempotency-Key", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  const { id: _, ...anonymous } = event("x");
  async function send(key: string, body: Record<string, unknown>) {
    return await place.ask("/v2/events", {
      method: "POST",
      headers: { "idempotency-key": key },
      body,
    });
  }
  isProblem(await send("not ok", anonymous), 422, "invalid_id");
  const first = await send("key-1", anonymous);
  deepStrictEqual([first.status, first.json.event_id, first.json.agent_known], [
    202,
    "key-1",
    true,
  ]);
  const again = await send("key-1", anonymous);
  deepStrictEqual([again.status, again.json], [202, {
    ...first.json,
    duplicate: true,
  }]);
  isProblem(
    await send("key-1", { ...anonymous, priority: 9 }),
    409,
    "id_conflict",
  );
  const named = await send("key-2", event("e2"));
  strictEqual(named.json.event_id, "e2");
  isProblem(await send("key-2", event("e3")), 409, "id_conflict");
});

Deno.test("POST /v2/events makes an id when nobody has one", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  const { id: _, ...anonymous } = event("x");
  const answer = await place.ask("/v2/events", {
    method: "POST",
    body: anonymous,
  });
  match(answer.json.event_id, /^[0-9A-Z]{26}$/);
});

Deno.test("POST /v2/events still says where an event was at first when it has gone on", async () => {
  await using place = await openPlace();
  await place.know("edge-1");
  await place.ask("/v2/events", { method: "POST", body: event("e1") });
  await place.store.changeEvent("default", "e1", (record) => ({
    status: {
      event_id: "e1",
      agent_id: "",
      state: "cancelled",
      message: "Stopped",
      timestamp: "2026-11-23T05:04:27Z",
    },
    finishedAt: record.acceptedAt,
  }));
  const again = await place.ask("/v2/events", {
    method: "POST",
    body: event("e1"),
  });
  deepStrictEqual([again.status, again.json.state, again.json.duplicate], [
    202,
    "queued",
    true,
  ]);
});
