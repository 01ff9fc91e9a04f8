/**
 * Inputs that are too large to be kept as files, made anew each time.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { post } from "./http.ts";
import { encode } from "./raw.ts";

/** One of them, and what it has to be answered with. */
export interface BigSample {
  /** What it is. */
  readonly path: string;
  /** Status and code, such as `413 too_large`. */
  readonly answer: string;
  /** Makes it, in pieces. */
  readonly make: () => Iterable<Uint8Array | string>;
}

const MIB = 1024 * 1024;

/** The most that an event may take. */
const EVENT_BYTES = 8 * MIB;

function event(fields: Readonly<Record<string, unknown>>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({
    id: "big",
    type: "k8s_resource",
    target_agent: "edge-1",
    payload: { manifests: [MANIFEST] },
    ...fields,
  }));
}

const MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

/** An event whose payload is a text of JSON as it is. */
function payload(text: string): Uint8Array {
  return encode(
    `{"id":"big","type":"other","target_agent":"edge-1","payload":${text}}`,
  );
}

function manifests(...texts: readonly string[]): Uint8Array {
  return event({ payload: { manifests: texts } });
}

function filled(text: string, length = EVENT_BYTES): Uint8Array {
  return encode(text.repeat(Math.ceil(length / text.length)).slice(0, length));
}

function keys(count: number): string {
  const names = Array.from(
    { length: count },
    (_, i) => `"${i.toString(36)}":0`,
  );
  return `{${names.join(",")}}`;
}

/** Says that 200 MiB follow, and sends them. */
function* longBody(header: string, chunk: string): Generator<string> {
  yield `POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${header}\r\n\r\n`;
  for (let i = 0; i < 200; i++) yield chunk;
}

function get(path: string, headers = ""): string[] {
  return [
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`,
  ];
}

const JSON_TYPE = "Content-Type: application/json\r\n";
const LINES_TYPE = "Content-Type: application/x-ndjson\r\n";

function row(
  path: string,
  answer: string,
  make: BigSample["make"],
): BigSample {
  return { path, answer, make };
}

function body(path: string, answer: string, make: () => Uint8Array): BigSample {
  return row(path, answer, () => post("/events", make()));
}

function batch(
  path: string,
  answer: string,
  make: () => Uint8Array,
): BigSample {
  return row(path, answer, () => post("/v2/events", make(), LINES_TYPE));
}

const BODIES: readonly BigSample[] = [
  row(
    "200 MiB with a length",
    "413 too_large",
    () => longBody(`Content-Length: ${200 * MIB}`, " ".repeat(MIB)),
  ),
  row("200 MiB in chunks, without an end", "413 too_large", () =>
    longBody(
      "Transfer-Encoding: chunked",
      `${MIB.toString(16)}\r\n${" ".repeat(MIB)}\r\n`,
    )),
  row("a gzip bomb", "415 unsupported_media_type", () =>
    post(
      "/events",
      gzipSync(new Uint8Array(100 * MIB)),
      `${JSON_TYPE}Content-Encoding: gzip\r\n`,
    )),
  body(
    "a gzip bomb that does not say so",
    "400 invalid_json",
    () => gzipSync(new Uint8Array(100 * MIB)),
  ),
  body(
    "10^5 levels",
    "400 too_deep",
    () => payload(`${"[".repeat(1e5)}${"]".repeat(1e5)}`),
  ),
  body("8 Mi levels", "400 too_deep", () => filled("[")),
  body("10^6 keys", "413 too_large", () => payload(keys(1e6))),
  body("as many keys as fit", "400 invalid_json", () => payload(keys(7e5))),
  body("8 MiB of unfinished objects", "400 too_deep", () => filled("[{},")),
  body(
    "2 Mi empty objects",
    "400 invalid_json",
    () => payload(`{"a":[${"{},".repeat(2e6)}{}]}`),
  ),
  body(
    "3 Mi zeros",
    "400 invalid_json",
    () => payload(`{"a":[${"0,".repeat(3e6)}0]}`),
  ),
  body("8 MiB of blanks", "400 invalid_json", () => filled(" ")),
  body("8 MiB of quotes", "400 invalid_json", () => filled('"')),
  body("8 MiB of backslashes", "400 invalid_json", () => filled('"\\')),
  body("8 MiB of NULs", "400 invalid_json", () => new Uint8Array(EVENT_BYTES)),
  body(
    "a million escapes in an id",
    "422 invalid_id",
    () => encode(`{"id":"${"\\u0000".repeat(1e6)}"}`),
  ),
  body("a number of 8 Mi digits", "422 invalid_ttl", () =>
    encode(
      `{"id":"big","type":"other","target_agent":"edge-1","payload":{},"ttl":${
        "9".repeat(EVENT_BYTES - 200)
      }}`,
    )),
  body(
    "a key of 7 MiB",
    "400 invalid_json",
    () => encode(`{"${"k".repeat(7 * MIB)}":1`),
  ),
  body("10^4 labels", "422 invalid", () =>
    event({
      labels: Object.fromEntries(
        Array.from({ length: 1e4 }, (_, i) => [`l${i}`, ""]),
      ),
    })),
];

const MANIFESTS: readonly BigSample[] = [
  body("no manifest", "422 invalid_manifest", () => manifests()),
  body(
    "501 manifests",
    "422 invalid_manifest",
    () => manifests(...Array<string>(501).fill(MANIFEST)),
  ),
  body(
    "10^4 manifests",
    "422 invalid_manifest",
    () => manifests(...Array<string>(1e4).fill("a")),
  ),
  body(
    "2,001 objects in a manifest",
    "422 invalid_manifest",
    () => manifests(`${MANIFEST}---\n`.repeat(2001)),
  ),
  body(
    "an object of more than 1.5 MiB",
    "422 invalid_manifest",
    () => manifests(`${MANIFEST}data:\n  a: "${"x".repeat(1.5 * MIB)}"\n`),
  ),
  body(
    "YAML of 10^5 levels, as flow",
    "422 invalid_yaml",
    () => manifests(`a: ${"[".repeat(1e5)}${"]".repeat(1e5)}`),
  ),
  body(
    "YAML of 10^5 levels, as lists",
    "422 invalid_yaml",
    () => manifests(`${"- ".repeat(1e5)}a`),
  ),
  body("YAML of 5,000 levels, as blocks", "422 invalid_yaml", () =>
    manifests(
      Array.from({ length: 5000 }, (_, i) => `${" ".repeat(i)}a:\n`).join("")
        .slice(0, 7 * MIB),
    )),
  body(
    "YAML of 10^5 aliases",
    "422 invalid_yaml",
    () =>
      manifests(
        `${MANIFEST}data:\n  a: &a "1"\n${
          Array.from({ length: 1e5 }, (_, i) => `  k${i}: *a\n`).join("")
        }`,
      ),
  ),
  body(
    "YAML of 10^5 documents",
    "422 invalid_manifest",
    () => manifests("---\na\n".repeat(1e5)),
  ),
  body(
    "YAML of 7 MiB of question marks",
    "422 invalid_yaml",
    () => manifests("? ".repeat(1e5)),
  ),
  body("YAML of 10^5 anchors", "422 invalid_yaml", () =>
    manifests(
      Array.from({ length: 1e5 }, (_, i) => `- &a${i} x\n`).join(""),
    )),
];

const BATCHES: readonly BigSample[] = [
  batch(
    "a batch of more than 32 MiB",
    "413 too_large",
    () => filled(" ", 32 * MIB + 1),
  ),
  batch("a batch of one line of 32 MiB", "207 ok", () => filled(" ", 32 * MIB)),
  batch(
    "a batch of 32 lines of a MiB",
    "207 ok",
    () => filled(`${"x".repeat(MIB - 1)}\n`, 32 * MIB),
  ),
  batch(
    "a batch of four lines of 8 MiB",
    "207 ok",
    () => filled(`${"[".repeat(EVENT_BYTES - 1)}\n`, 32 * MIB),
  ),
  batch("a batch of 10,000 lines", "207 ok", () => encode("{}\n".repeat(1e4))),
  batch(
    "a batch of 10,001 lines",
    "413 too_large",
    () => encode("{}\n".repeat(10_001)),
  ),
  batch(
    "a batch of 32 Mi line feeds",
    "413 too_large",
    () => filled("\n", 32 * MIB),
  ),
];

const REQUESTS: readonly BigSample[] = [
  row(
    "a header of 64 KiB",
    "431 header_too_large",
    () => get("/livez", `X: ${"a".repeat(65_536)}\r\n`),
  ),
  row(
    "a header of 16 MiB",
    "431 header_too_large",
    () => get("/livez", `X: ${"a".repeat(16 * MIB)}\r\n`),
  ),
  row(
    "a path of 64 KiB",
    "431 header_too_large",
    () => get(`/${"a".repeat(65_536)}`),
  ),
  row(
    "a header name of 64 KiB",
    "431 header_too_large",
    () => get("/livez", `${"a".repeat(65_536)}: x\r\n`),
  ),
  row(
    "10^4 headers",
    "431 header_too_large",
    () => get("/livez", "a: 1\r\n".repeat(1e4)),
  ),
  row(
    "a query of 15 KiB",
    "400 unknown_field",
    () => get(`/v2/events?${"a=1&".repeat(3800)}`),
  ),
  row(
    "2,000 headers of a byte",
    "200 ok",
    () => get("/livez", "a:1\r\n".repeat(2000)),
  ),
];

/** All of them. */
export const BIG_SAMPLES: readonly BigSample[] = [
  ...BODIES,
  ...MANIFESTS,
  ...BATCHES,
  ...REQUESTS,
];
