/**
 * What an event costs two bundles, or more, side by side: they run at the same
 * time, and short bursts of the load of `accepts` go to each of them in turn.
 * On a machine that others use too, rates of one run after the other say
 * little; the lowest tenth of the bursts differs by a few per cent between two
 * runs of one bundle. Name one twice to see by how much.
 *
 *     deno run -A tests/bench/compare.ts old/transporter.js dist/transporter.js
 *
 * @module
 */
// deno-lint-ignore-file no-console -- the lines are the result
import { deepStrictEqual } from "node:assert/strict";
import { CpProcess } from "../system.ts";
import { percentile } from "./figures.ts";
import { agentAddress, LoadAgent } from "./load_agent.ts";

const AGENTS = 16;
const BATCH = 50;
/** Requests under way at a time. */
const REQUESTS = 2;
const WARM_UP_EVENTS = 8000;
const BURST_EVENTS = 500;
const BURSTS = 60;

/** Nanoseconds of CPU that the main thread of a process has had. @see {@link https://docs.kernel.org/scheduler/sched-stats.html} */
function mainThreadNs(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/schedstat`);
  return Number(text.split(" ")[0]);
}

/** A control plane with its agents, and what was measured of it. */
class Candidate {
  readonly #run = crypto.randomUUID().slice(0, 8);
  readonly #agents: LoadAgent[] = [];
  #sent = 0;
  /** Microseconds of CPU for an event, of each burst. */
  readonly costs: number[] = [];
  /** How long requests took, in milliseconds. */
  readonly answerMs: number[] = [];

  constructor(readonly script: string, readonly cp: CpProcess) {}

  async connect(): Promise<void> {
    for (let i = 0; i < AGENTS; i++) {
      const address = agentAddress(this.cp.url);
      this.#agents.push(await LoadAgent.connect(address, `${this.#run}-${i}`));
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.close()));
  }

  async #submit(): Promise<void> {
    const lines = Array.from({ length: BATCH }, () => {
      const i = this.#sent++;
      return JSON.stringify({
        id: `${this.#run}-event-${i}`,
        type: "script",
        target_agent: `${this.#run}-${i % AGENTS}`,
        payload: { script: "echo hello" },
      });
    });
    const startedAt = performance.now();
    const answer = await fetch(`${this.cp.url}/v2/events`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: lines.join("\n"),
    });
    await answer.text();
    deepStrictEqual(answer.status, 202);
    this.answerMs.push(performance.now() - startedAt);
  }

  /** Sends events, and waits until the last status of each is durable. */
  async burst(events: number): Promise<void> {
    const end = this.#sent + events;
    const { pid } = this.cp.program;
    const before = mainThreadNs(pid);
    await Promise.all(Array.from({ length: REQUESTS }, async () => {
      while (this.#sent < end) await this.#submit();
    }));
    while (
      this.#agents.reduce((sum, { ended }) => sum + ended, 0) < this.#sent
    ) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    this.costs.push((mainThreadNs(pid) - before) / 1000 / events);
  }
}

await using opened = new AsyncDisposableStack();
const candidates: Candidate[] = [];
for (const script of Deno.args) {
  const cp = opened.use(await CpProcess.start({ script }));
  const candidate = new Candidate(script, cp);
  await candidate.connect();
  await candidate.burst(WARM_UP_EVENTS);
  candidate.costs.length = candidate.answerMs.length = 0;
  candidates.push(candidate);
}
for (let i = 0; i < BURSTS; i++) {
  for (const candidate of i % 2 === 0 ? candidates : candidates.toReversed()) {
    await candidate.burst(BURST_EVENTS);
  }
}
for (const { script, costs, answerMs } of candidates) {
  const [low, middle] = [0.1, 0.5].map((p) => percentile(costs, p).toFixed(0));
  const [p50, p99] = [0.5, 0.99].map((p) => percentile(answerMs, p).toFixed(1));
  console.log(
    `${script}: ${low} µs (lowest tenth), ${middle} µs (median) of the main thread an event; ` +
      `answers of ${BATCH} events p50 ${p50} ms, p99 ${p99} ms`,
  );
}
for (const candidate of candidates) await candidate.close();
