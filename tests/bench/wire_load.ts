/**
 * Agents over one kind of wire, a producer at a steady rate and a reader of the
 * stream, in a process of their own. Prints what came of it as one line of
 * JSON, a {@linkcode WireOutcome}.
 *
 * Argument: a {@linkcode WireLoad} as JSON.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for
import { createParser } from "eventsource-parser";
import { percentile } from "./figures.ts";
import { LoadAgent } from "./load_agent.ts";

/** What is sent. */
export interface WireLoad {
  /** Where the API is. */
  readonly url: string;
  /** Where agents dial. */
  readonly address: string;
  /** How many agents there are. */
  readonly agents: number;
  /** Events a second, each a request of its own. */
  readonly rate: number;
  /** For so long. */
  readonly seconds: number;
}

/** What came of it. */
export interface WireOutcome {
  /** Events whose end was seen. */
  readonly events: number;
  /** From the request to the reader's hearing of the end, in milliseconds: p50 and p99. */
  readonly ms: readonly [number, number];
}

/** Agents that dial at the same time. */
const DIALS = 50;

const load: WireLoad = JSON.parse(Deno.args[0] ?? "{}");
const run = crypto.randomUUID().slice(0, 8);
const count = Math.round(load.rate * load.seconds);
const sentAt = new Map<string, number>();
const times: number[] = [];
const over = Promise.withResolvers<void>();

/** Follows all that happens, and notes when an event has ended. */
async function follow(opened: () => void): Promise<void> {
  const answer = await fetch(`${load.url}/v2/stream`);
  if (!answer.ok || answer.body === null) {
    throw new Error(`The stream answers ${answer.status}`);
  }
  const parser = createParser({
    onEvent({ event, data }) {
      if (event === "ready") opened();
      if (event === "status") seen(JSON.parse(data));
    },
  });
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    parser.feed(text);
  }
  throw new Error("The stream ended");
}

function seen(
  { event_id: id, state }: {
    readonly event_id: string;
    readonly state: string;
  },
): void {
  const at = sentAt.get(id);
  if (at === undefined || state !== "completed") return;
  times.push(performance.now() - at);
  if (times.length === count) over.resolve();
}

async function submit(i: number): Promise<void> {
  const id = `${run}-${i}`;
  sentAt.set(id, performance.now());
  const answer = await fetch(`${load.url}/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      id,
      type: "script",
      target_agent: `wire-${run}-${i % load.agents}`,
      payload: { script: "echo hello" },
    }),
  });
  const text = await answer.text();
  if (answer.status !== 202) throw new Error(`${answer.status}: ${text}`);
}

let next = 0;
await Promise.all(Array.from({ length: DIALS }, async () => {
  while (next < load.agents) {
    await LoadAgent.connect(load.address, `wire-${run}-${next++}`);
  }
}));
const ready = Promise.withResolvers<void>();
follow(ready.resolve).catch((error) => over.reject(error));
await ready.promise;

const startedAt = performance.now();
const requests: Promise<void>[] = [];
while (requests.length < count) {
  const due = (performance.now() - startedAt) / 1000 * load.rate;
  while (requests.length < Math.min(due, count)) {
    requests.push(submit(requests.length));
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}
await Promise.all(requests);
await over.promise;
const outcome: WireOutcome = {
  events: times.length,
  ms: [percentile(times, 0.5), percentile(times, 0.99)],
};
console.log(JSON.stringify(outcome));
Deno.exit(0);
