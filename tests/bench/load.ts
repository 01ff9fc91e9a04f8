/**
 * A producer and its agents, in a process of their own so that the control
 * plane has its thread for itself. Prints what came of it as one line of JSON,
 * a {@linkcode LoadOutcome}.
 *
 * Argument: a {@linkcode Load} as JSON.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- what it prints is what it is for
import { percentile } from "./figures.ts";
import { agentAddress, LoadAgent } from "./load_agent.ts";

/** What is sent. */
export interface Load {
  /** The control plane. */
  readonly url: string;
  /** Others over the same store, if there are some: agents and requests go to each of them in turn. */
  readonly others?: readonly string[];
  /** How many agents share the events. */
  readonly agents: number;
  /** Events of one request. */
  readonly batch: number;
  /** So many events in all, with so many requests under way at a time. */
  readonly closed?: { readonly events: number; readonly requests: number };
  /** So many events a second for so long, whatever is answered. */
  readonly open?: { readonly rate: number; readonly seconds: number };
}

/** What came of it. */
export interface LoadOutcome {
  /** Events that were accepted. */
  readonly accepted: number;
  /** Events that were not, by code; `no_answer` where there was none. */
  readonly refused: Readonly<Record<string, number>>;
  /** How long the answers took that accepted all events of a request, in milliseconds: p50 and p99. */
  readonly acceptMs: readonly [number, number];
  /** The same of answers that refused events, all of a request or some. */
  readonly refuseMs: readonly [number, number];
  /** From the first request to the last answer, in seconds. */
  readonly seconds: number;
  /** From the first request until the last status of the last event was durable, in seconds. */
  readonly endedSeconds: number;
}

const load: Load = JSON.parse(Deno.args[0] ?? "{}");
const urls = [load.url, ...load.others ?? []];
const urlOf = (turn: number) => urls[turn % urls.length] ?? load.url;
let requests = 0;
const run = crypto.randomUUID().slice(0, 8);
const agents = await Promise.all(
  Array.from(
    { length: load.agents },
    (_, i) => LoadAgent.connect(agentAddress(urlOf(i)), `load-${run}-${i}`),
  ),
);

let sent = 0;
let accepted = 0;
const refused: Record<string, number> = {};
const acceptMs: number[] = [];
const refuseMs: number[] = [];

function line(): string {
  const i = sent++;
  return JSON.stringify({
    id: `${run}-${i}`,
    type: "script",
    target_agent: `load-${run}-${i % load.agents}`,
    payload: { script: "echo hello" },
  });
}

function refuse(code: string, events: number): void {
  refused[code] = (refused[code] ?? 0) + events;
}

/** Sends one request, and counts what became of its events. */
async function submit(): Promise<void> {
  const lines = Array.from({ length: load.batch }, line);
  const startedAt = performance.now();
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(`${urlOf(requests++)}/v2/events`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: lines.join("\n"),
    });
    text = await answer.text();
  } catch {
    return refuse("no_answer", load.batch);
  }
  const ms = performance.now() - startedAt;
  if (answer.status !== 202 && answer.status !== 207) {
    refuseMs.push(ms);
    return refuse(JSON.parse(text).code, load.batch);
  }
  (answer.status === 202 ? acceptMs : refuseMs).push(ms);
  for (const each of text.trim().split("\n")) {
    const { status, code } = JSON.parse(each);
    if (status === "accepted") accepted++;
    else refuse(code, 1);
  }
}

/** As fast as answers come. */
async function sendClosed(events: number, requests: number): Promise<void> {
  await Promise.all(Array.from({ length: requests }, async () => {
    while (sent < events) await submit();
  }));
}

/** At a rate, whatever is answered; what is late is caught up with. */
async function sendOpen(rate: number, seconds: number): Promise<void> {
  const startedAt = performance.now();
  const under: Promise<void>[] = [];
  while (sent < rate * seconds) {
    const due = (performance.now() - startedAt) / 1000 * rate;
    while (sent < due && sent < rate * seconds) under.push(submit());
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(under);
}

const startedAt = performance.now();
if (load.closed) await sendClosed(load.closed.events, load.closed.requests);
if (load.open) await sendOpen(load.open.rate, load.open.seconds);
const seconds = (performance.now() - startedAt) / 1000;
while (agents.reduce((sum, { ended }) => sum + ended, 0) < accepted) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
const outcome: LoadOutcome = {
  accepted,
  refused,
  acceptMs: [percentile(acceptMs, 0.5), percentile(acceptMs, 0.99)],
  refuseMs: [percentile(refuseMs, 0.5), percentile(refuseMs, 0.99)],
  seconds,
  endedSeconds: (performance.now() - startedAt) / 1000,
};
console.log(JSON.stringify(outcome));
Deno.exit(0);
