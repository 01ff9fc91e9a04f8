/**
 * Whatever comes, nothing breaks: random bodies, fields, requests and frames
 * against the program as a process of its own. A failure names its seed and
 * path; what it found becomes a file of the corpus.
 */
import { match, notStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { registration } from "./frames.ts";
import { connectAgent, isOpen, Victim } from "./hostile.ts";
import { readAnswers } from "./answers.ts";
import { attack, post } from "./http.ts";
import { exchange } from "./raw.ts";
import { HANG_MS_MAX, Target } from "./target.ts";
import { frame } from "./web_socket.ts";

/** Runs of each property; more with `FUZZ_RUNS`. */
const RUNS = Number(Deno.env.get("FUZZ_RUNS") ?? 150);

/** The same ones each time, unless `FUZZ_SEED` says otherwise. */
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);

/** A refusal that is the sender's fault, or an acceptance. */
const ANSWER_REGEXP = /^(202|4\d\d) \w+$/;

/** What closes a connection: a code of ours, or of RFC 6455. */
const CLOSES: ReadonlySet<number> = new Set([
  1000,
  1002,
  1003,
  1007,
  1009,
  4400,
  4408,
  4413,
  4426,
  4429,
]);

const json = fc.jsonValue({ maxDepth: 5, noUnicodeString: false });

const EVENT: Readonly<Record<string, unknown>> = {
  id: "fuzz",
  type: "k8s_resource",
  target_agent: "edge",
  payload: {
    manifests: ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"],
  },
  created_at: "2026-11-23T05:04:27Z",
  created_by: "fuzz",
  ttl: 3600e9,
  priority: 3,
  labels: { a: "b" },
  not_before: "2026-11-23T05:04:27Z",
  concurrency_key: "k",
  retry: { max_attempts: 3 },
  timeout: 60e9,
};

const STATUS: Readonly<Record<string, unknown>> = {
  type: "status_update",
  event_id: "fuzz",
  agent_id: "edge",
  state: "in_progress",
  phase: "applying",
  message: "m",
  log_level: "info",
  details: null,
  result: null,
  timestamp: "2026-11-23T05:04:27Z",
  sid: 1,
  attempt: 1,
};

const FRAMES: readonly Readonly<Record<string, unknown>>[] = [
  STATUS,
  { type: "ack", epoch: "e", upto: 1, also: [3] },
  { type: "nack", seq: 1, code: "unsupported", detail: "d", retry_after_ms: 1 },
  { type: "part", msg: "m", i: 0, n: 2, text: "x" },
  { type: "credit", limit_seq: 10 },
  { type: "heartbeat", timestamp: "2026-11-23T05:04:27Z", metrics: {} },
  {
    type: "log",
    event_id: "fuzz",
    attempt: 1,
    stream: "stdout",
    off: 0,
    data: "d",
    trunc: false,
  },
  { type: "inventory", items: [], more: false },
  { type: "renew", what: "cert" },
  { type: "bye", reason: "r" },
  registration("edge", 2),
];

/** An object of which some fields are something else, gone, or new. */
function mutated(
  original: Readonly<Record<string, unknown>>,
): fc.Arbitrary<Record<string, unknown>> {
  const change = fc.record({
    field: fc.oneof(
      fc.constantFrom(...Object.keys(original)),
      fc.string({ maxLength: 20 }),
    ),
    value: fc.option(json, { nil: undefined }),
  });
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) =>
    Object.fromEntries([
      ...Object.entries(original),
      ...changes.map(({ field, value }) => [field, value] as const),
    ])
  );
}

function text(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

async function mustBeAnswered(
  target: Target,
  sent: Iterable<Uint8Array | string>,
): Promise<void> {
  const { answer } = await attack(target.port, sent);
  match(answer, ANSWER_REGEXP);
}

Deno.test("a control plane answers any body as its sender's fault, or accepts it", async () => {
  await using target = await Target.startCp();
  const path = fc.constantFrom("/events", "/v2/events");
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    json.map(text),
    mutated(EVENT).map(text),
    fc.tuple(mutated(EVENT).map(text), fc.nat(), fc.nat(255)).map(
      ([bytes, at, byte]) => {
        bytes[at % bytes.length] = byte;
        return bytes;
      },
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      path,
      body,
      (path, body) => mustBeAnswered(target, post(path, body)),
    ),
    { seed: SEED, numRuns: 2 * RUNS },
  );
  const ndjson = "Content-Type: application/x-ndjson\r\n";
  const lines = fc.array(fc.oneof(json, mutated(EVENT)), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(lines, async (lines) => {
      const bytes = new TextEncoder().encode(
        lines.map((line) => JSON.stringify(line)).join("\n"),
      );
      const { answer } = await attack(
        target.port,
        post("/v2/events", bytes, ndjson),
      );
      match(answer, /^(202|207|4\d\d)\b/);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  await target.mustBeWell();
});

Deno.test("a control plane answers any request that is one, and closes what is none", async () => {
  await using target = await Target.startCp();
  const method = fc.constantFrom(
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "TRACE",
    "x",
  );
  const path = fc.oneof(
    fc.constantFrom("/events", "/v2/events", "/v2/agents", "/ws", "/livez"),
    fc.webPath(),
    fc.string({ maxLength: 60 }).map((path) =>
      `/v2/events/${encodeURIComponent(path.toWellFormed())}`
    ),
  );
  const query = fc.webQueryParameters();
  await fc.assert(
    fc.asyncProperty(method, path, query, async (method, path, query) => {
      const { answer } = await attack(target.port, [
        `${method} ${path}?${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      ]);
      match(answer, /^([1234]\d\d\b|closed$)/);
    }),
    { seed: SEED, numRuns: 2 * RUNS },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      async (bytes) => {
        // Half a request is waited for, so nothing more is said to come.
        const sent = [bytes, "\r\n\r\n"];
        const { bytes: got, end } = await exchange(target.port, sent, {
          msMax: HANG_MS_MAX,
        });
        notStrictEqual(end, "open");
        for (const { status } of readAnswers(got).whole) {
          ok(status >= 400 && status < 500, `${status}`);
        }
      },
    ),
    { seed: SEED, numRuns: RUNS },
  );
  await target.mustBeWell();
});

Deno.test("a control plane takes or closes any frame, and nobody else suffers", async () => {
  await using target = await Target.startCp();
  using victim = await Victim.start(target);
  const said = fc.oneof(
    json,
    fc.string({ maxLength: 200 }),
    fc.constantFrom(...FRAMES).chain(mutated),
  );
  const frames = fc.array(said, { minLength: 1, maxLength: 6 });
  let i = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("none", "v1", "v2"),
      frames,
      async (who, frames) => {
        using agent = await connectAgent(target, `fuzz-${++i}`, who);
        for (const each of frames) {
          await agent.socket.send(frame(JSON.stringify(each)));
        }
        if (await isOpen(agent.socket, who)) return;
        const code = await agent.socket.closed(HANG_MS_MAX) ?? 0;
        ok(CLOSES.has(code), `closed with ${code}`);
      },
    ),
    { seed: SEED, numRuns: RUNS },
  );
  await victim.mustBeUnharmed();
  await target.mustBeWell();
});
