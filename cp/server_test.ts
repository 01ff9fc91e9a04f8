import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import {
  type Answer,
  event,
  isProblem,
  openPlace,
  type Place,
} from "./testing/place.ts";

/** Sends a text and reads the answer. */
async function send(
  place: Place,
  ...parts: readonly (string | Uint8Array)[]
): Promise<Answer> {
  const client = place.raw();
  for (const part of parts) client.send(part);
  try {
    return await client.answer();
  } finally {
    client.destroy();
  }
}

const HOST = "Host: localhost\r\n";

Deno.test("HttpServer answers what is no request with a problem", async () => {
  await using place = await openPlace();
  const cases: Record<
    string,
    readonly [text: string, status: number, code: string]
  > = {
    "no HTTP": ["\x00\x01\x02 hello\r\n\r\n", 400, "bad_request"],
    "TLS": ["\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400, "bad_request"],
    "HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"],
    "an unknown verb": [
      `BREW /livez HTTP/1.1\r\n${HOST}\r\n`,
      400,
      "bad_request",
    ],
    "no host": ["GET /livez HTTP/1.1\r\n\r\n", 400, "bad_request"],
    "two hosts": [
      `GET /livez HTTP/1.1\r\n${HOST}${HOST}\r\n`,
      400,
      "bad_request",
    ],
    "a host that is none": [
      "GET /livez HTTP/1.1\r\nHost: a@localhost\r\n\r\n",
      400,
      "bad_request",
    ],
    "a header of 64 KiB": [
      `GET /livez HTTP/1.1\r\n${HOST}X: ${"a".repeat(65536)}\r\n\r\n`,
      431,
      "header_too_large",
    ],
    "a path of 64 KiB": [
      `GET /${"a".repeat(65536)} HTTP/1.1\r\n${HOST}\r\n`,
      431,
      "header_too_large",
    ],
    "10,000 headers": [
      `GET /livez HTTP/1.1\r\n${HOST}${"a: 1\r\n".repeat(10_000)}\r\n`,
      431,
      "header_too_large",
    ],
    "length and chunks": [
      `POST /events HTTP/1.1\r\n${HOST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      "bad_request",
    ],
    "two lengths": [
      `POST /events HTTP/1.1\r\n${HOST}Content-Length: 6\r\nContent-Length: 7\r\n\r\n`,
      400,
      "bad_request",
    ],
    "a negative length": [
      `POST /events HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`,
      400,
      "bad_request",
    ],
    "a header with a line feed": [
      `GET /livez HTTP/1.1\nHost: localhost\nX : 1\n\n`,
      400,
      "bad_request",
    ],
    "a chunk that is none": [
      `POST /events HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
      "bad_request",
    ],
    "CONNECT": [
      `CONNECT localhost:1 HTTP/1.1\r\n${HOST}\r\n`,
      405,
      "method_not_allowed",
    ],
    "OPTIONS *": [`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 400, "bad_request"],
  };
  for (const [name, [text, status, code]] of Object.entries(cases)) {
    try {
      isProblem(await send(place, text), status, code);
    } catch (cause) {
      throw new Error(name, { cause });
    }
  }
  deepStrictEqual(place.lines.filter(({ level }) => level === "error"), []);
});

Deno.test("slowloris.request: HttpServer ends slow requests with 408", async () => {
  await using place = await openPlace({
    limits: { headersMs: 100, requestMs: 300, checkMs: 20 },
  });
  const cases = {
    "headers": `GET /livez HTTP/1.1\r\nHost: loc`,
    "nothing": "",
    "body":
      `POST /events HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
  };
  for (const [name, text] of Object.entries(cases)) {
    const client = place.raw();
    client.send(text);
    const answer = await client.answer();
    isProblem(answer, 408, "slow_request");
    strictEqual(answer.headers.get("connection"), "close", name);
    strictEqual(await client.closed(), "");
  }
  strictEqual((await place.ask("/livez")).status, 200);
});

Deno.test("HttpServer takes one byte at a time, as long as it is fast enough", async () => {
  await using place = await openPlace();
  const client = place.raw();
  for (const byte of `GET /livez HTTP/1.1\r\n${HOST}\r\n`) client.send(byte);
  strictEqual((await client.answer()).status, 200);
  client.destroy();
});

Deno.test("HttpServer answers requests of one connection in order", async () => {
  await using place = await openPlace();
  const client = place.raw();
  client.send(
    `GET /livez HTTP/1.1\r\n${HOST}\r\nGET /nope HTTP/1.1\r\n${HOST}\r\nGET /readyz HTTP/1.1\r\n${HOST}\r\n`,
  );
  const statuses = [
    await client.answer(),
    await client.answer(),
    await client.answer(),
  ].map((a) => a.status);
  deepStrictEqual(statuses, [200, 404, 200]);
  client.destroy();
});

Deno.test("HttpServer refuses a body that says it is too long before it is sent", async () => {
  await using place = await openPlace();
  const client = place.raw();
  client.send(
    `POST /events HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 200000000\r\n\r\n`,
  );
  isProblem(await client.answer(), 413, "too_large");
  await client.closed();
});

Deno.test("HttpServer tells a client that waits for a word to go on, or not to", async () => {
  await using place = await openPlace();
  const head =
    `POST /events HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nExpect: 100-continue\r\n`;
  const patient = place.raw();
  patient.send(`${head}Content-Length: 2\r\n\r\n`);
  match(
    await patient.until((text) => text.includes("\r\n\r\n")),
    /^HTTP\/1.1 100 Continue\r\n/,
  );
  patient.send("{}");
  const text = await patient.until((all) => all.includes("HTTP/1.1 400"));
  ok(text.includes("missing_field"), text);
  patient.destroy();

  const refused = place.raw();
  refused.send(`${head}Content-Length: 200000000\r\n\r\n`);
  isProblem(await refused.answer(), 413, "too_large");
  refused.destroy();
});

Deno.test("HttpServer answers a request that offers another upgrade as if it did not", async () => {
  await using place = await openPlace();
  const answer = await send(
    place,
    `GET /livez HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n`,
  );
  strictEqual(answer.status, 200);
});

Deno.test("HttpServer refuses upgrades that are not those of agents", async () => {
  await using place = await openPlace();
  const upgrade =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const cases: Record<
    string,
    readonly [text: string, status: number, code: string]
  > = {
    "another path": [
      `GET /v2/events HTTP/1.1\r\n${HOST}${upgrade}${key}\r\n`,
      404,
      "not_found",
    ],
    "another host": [
      `GET /ws HTTP/1.1\r\nHost: evil.example\r\n${upgrade}${key}\r\n`,
      403,
      "foreign_host",
    ],
    "a page of a stranger": [
      `GET /ws HTTP/1.1\r\n${HOST}Origin: http://evil.example\r\n${upgrade}${key}\r\n`,
      403,
      "foreign_origin",
    ],
    "a page of our own": [
      `GET /ws HTTP/1.1\r\n${HOST}Origin: http://localhost\r\n${upgrade}${key}\r\n`,
      403,
      "foreign_origin",
    ],
    "no key": [`GET /ws HTTP/1.1\r\n${HOST}${upgrade}\r\n`, 400, "bad_request"],
    "another version": [
      `GET /ws HTTP/1.1\r\n${HOST}${upgrade.replace("13", "7")}${key}\r\n`,
      400,
      "bad_request",
    ],
    "another verb": [
      `POST /ws HTTP/1.1\r\n${HOST}${upgrade}${key}\r\n`,
      400,
      "bad_request",
    ],
  };
  for (const [name, [text, status, code]] of Object.entries(cases)) {
    try {
      isProblem(await send(place, text), status, code);
    } catch (cause) {
      throw new Error(name, { cause });
    }
  }
});

Deno.test("HttpServer upgrades without compression and protocols, and says that it is in dev mode", async () => {
  await using place = await openPlace();
  const client = place.raw();
  client.send(
    `GET /ws?x=1 HTTP/1.1\r\n${HOST}Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: a, b\r\n\r\n",
  );
  const text = (await client.until((all) => all.includes("\r\n\r\n")))
    .toLowerCase();
  match(text, /^http\/1.1 101 /);
  match(text, /\r\ntransporter-mode: dev\r\n/);
  ok(!text.includes("sec-websocket-extensions"));
  ok(!text.includes("sec-websocket-protocol"));
  client.destroy();
});

Deno.test("HttpServer closes a connection with a frame that is no registration", async () => {
  await using place = await openPlace();
  /** Frames of a client, masked with zeros. */
  const frames: Record<string, readonly [frame: Uint8Array, code: number]> = {
    "binary": [Uint8Array.of(0x82, 0x81, 0, 0, 0, 0, 1), 4400],
    "not masked": [Uint8Array.of(0x81, 1, 0x41), 1002],
    "reserved bits": [Uint8Array.of(0xf1, 0x81, 0, 0, 0, 0, 0x41), 1002],
    "not UTF-8": [Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0xff), 1007],
    "13 MiB": [
      Uint8Array.of(0x81, 0xff, 0, 0, 0, 0, 0, 0xd0, 0, 0, 0, 0, 0, 0),
      1009,
    ],
    "no JSON": [Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0x41), 4400],
    "empty": [Uint8Array.of(0x81, 0x80, 0, 0, 0, 0), 4400],
  };
  for (const [name, [frame, code]] of Object.entries(frames)) {
    const client = place.raw();
    client.send(
      `GET /ws HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    const head = (await client.until((all) => all.includes("\r\n\r\n"))).length;
    client.send(frame);
    const text = await client.until((all) => all.length >= head + 4);
    const closed = text.slice(text.indexOf("\x88", head));
    strictEqual((closed.charCodeAt(2) << 8) + closed.charCodeAt(3), code, name);
    client.destroy();
  }
});

Deno.test("HttpServer drops a client that asks on and on without reading an answer", async () => {
  await using place = await openPlace();
  const request = `GET /livez HTTP/1.1\r\n${HOST}\r\n`;
  const patient = place.raw();
  patient.send(request.repeat(100));
  for (let i = 0; i < 100; i++) {
    strictEqual((await patient.answer()).status, 200);
  }
  patient.destroy();
  const client = place.raw();
  client.send(request.repeat(1000));
  await client.closed();
  strictEqual((await place.ask("/livez")).status, 200);
});

Deno.test("HttpServer closes a connection whose registration is too long before all of it is there", async () => {
  await using place = await openPlace();
  const client = place.raw();
  client.send(
    `GET /ws HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const head = (await client.until((all) => all.includes("\r\n\r\n"))).length;
  // One of 12 MiB is begun, which later messages may have.
  client.send(Uint8Array.of(0x81, 0xff, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0));
  client.send(new Uint8Array(200_000));
  const text = await client.until((all) => all.length >= head + 4);
  const closed = text.slice(text.indexOf("\x88", head));
  strictEqual((closed.charCodeAt(2) << 8) + closed.charCodeAt(3), 4413);
  client.destroy();
});

Deno.test("HttpServer survives any bytes, and answers none of them with a fault of its own", async () => {
  await using place = await openPlace();
  const body = JSON.stringify(event("e1"));
  const request =
    "POST /events?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
    `Expect: 100-continue\r\nConnection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const edit = fc.tuple(
    fc.nat(request.length),
    fc.nat(8),
    fc.string({ unit: "binary", maxLength: 6 }),
  );
  const edited = fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) =>
    edits.reduce(
      (text, [at, cut, more]) =>
        text.slice(0, at) + more + text.slice(at + cut),
      request,
    )
  );
  const bytes = fc.uint8Array({ maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(fc.oneof(edited, bytes), async (sent) => {
      const client = place.raw();
      client.send(sent);
      client.end();
      const text = await client.closed();
      for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d+)/g)) {
        ok(Number(status) < 500, text);
      }
    }),
    { numRuns: 300 },
  );
  strictEqual((await place.ask("/livez")).status, 200);
  deepStrictEqual(place.lines.filter(({ level }) => level === "error"), []);
});
