import { CpProcess } from "../system.ts";
import { type Figure, percentile } from "./figures.ts";
import type { LoadOutcome } from "./load.ts";
import { agentAddress, LoadAgent } from "./load_agent.ts";
import { PEERS } from "./peers.ts";
import { memoryMb, runLoad } from "./process.ts";
import { delay } from "../chaos/delay.ts";

const AGENTS = 16;
const BATCH = 20;
const OVERLOAD = 3;
const OVERLOAD_SECONDS = 60;

/** What the control plane may take, in MB: it is bounded by what waits, not by who asks. */
const MEMORY_MB = 768;

/** How long it may take until all is as before, in seconds. */
const RECOVERY_SECONDS = 30;

/** Somebody else's events: how often, an answer that is prompt, and so many in a row that are as before; milliseconds. */
const PROBE_MS = 20;
const PROMPT_MS = 100;
const PROMPT_COUNT = 50;

/** Somebody who submits one event after the other, in a process that has nothing else to do. */
class Somebody {
  readonly #url: string;
  readonly #agent: LoadAgent;
  #accepted = 0;

  private constructor(url: string, agent: LoadAgent) {
    this.#url = url;
    this.#agent = agent;
  }

  static async start(url: string): Promise<Somebody> {
    return new Somebody(
      url,
      await LoadAgent.connect(agentAddress(url), "somebody"),
    );
  }

  /** Submits one; how long the answer took, in milliseconds, and whether it was accepted. */
  async submit(): Promise<{ readonly ms: number; readonly accepted: boolean }> {
    const startedAt = performance.now();
    const answer = await fetch(`${this.#url}/v2/events`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        type: "script",
        target_agent: "somebody",
        payload: { script: "date" },
      }),
    });
    await answer.body?.cancel();
    const accepted = answer.status === 202;
    if (accepted) this.#accepted++;
    return { ms: performance.now() - startedAt, accepted };
  }

  /** Waits until all of its events have ended, and leaves. */
  async leave(): Promise<void> {
    while (this.#agent.ended < this.#accepted) await delay(5);
    await this.#agent.close();
  }
}

function rate({ accepted, endedSeconds }: LoadOutcome): number {
  return accepted / endedSeconds;
}

function told(outcome: LoadOutcome): string {
  const refused = Object.entries(outcome.refused)
    .map(([code, count]) => `${count} ${code}`);
  return [`${outcome.accepted} accepted`, ...refused].join(", ");
}

/** What somebody is answered while others ask for far too much, in milliseconds. */
async function probe(somebody: Somebody, seconds: number): Promise<number[]> {
  const refusedMs: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const { ms, accepted } = await somebody.submit();
    if (!accepted) refusedMs.push(ms);
    await delay(PROBE_MS);
  }
  return refusedMs;
}

/** How long it takes until one event after the other is accepted promptly again, in seconds. */
async function recovery(somebody: Somebody): Promise<number> {
  const startedAt = performance.now();
  let since = startedAt;
  for (let prompt = 0; prompt < PROMPT_COUNT; prompt++) {
    if (prompt === 0) since = performance.now();
    const { ms, accepted } = await somebody.submit();
    if (!accepted || ms > PROMPT_MS) prompt = -1;
  }
  return (since - startedAt) / 1000;
}

/** Three times as much as it can take for a minute, from somebody who does not listen. */
export async function overload(script: string): Promise<Figure[]> {
  await using cp = await CpProcess.start({ script });
  const { pid } = cp.program;
  const shape = { url: cp.url, agents: AGENTS, batch: BATCH };
  const closed = { events: 20_000, requests: 8 };
  await runLoad({ ...shape, closed }); // warms it up
  const peak = rate(await runLoad({ ...shape, closed }));
  const somebody = await Somebody.start(cp.url);
  const open = {
    rate: Math.round(peak * OVERLOAD),
    seconds: OVERLOAD_SECONDS,
  };
  const running = runLoad({ ...shape, open });
  const refusedMs = await probe(somebody, OVERLOAD_SECONDS);
  const recovered = await recovery(somebody);
  const over = await running;
  await somebody.leave();
  const theirP99 = percentile(refusedMs, 0.99);
  return [
    {
      what:
        `${OVERLOAD}x overload for a minute, answer to what is refused, p99`,
      value: over.refuseMs[1],
      unit: "ms",
      bar: { atMost: 100 },
      peer: PEERS.none,
      note: `p50 ${over.refuseMs[0].toFixed(0)} ms; in all ${told(over)}; ${
        refusedMs.length === 0
          ? "somebody else had nothing refused"
          : `somebody else was refused ${refusedMs.length}, p99 ${
            theirP99.toFixed(0)
          } ms`
      }`,
      also: {
        p50_ms: over.refuseMs[0],
        accepted: over.accepted,
        somebody_refused: refusedMs.length,
        ...refusedMs.length > 0 && { somebody_p99_ms: theirP99 },
      },
    },
    {
      what: `${OVERLOAD}x overload, goodput as a share of the peak`,
      value: rate(over) / peak,
      unit: "",
      bar: { atLeast: 0.8 },
      peer: PEERS.overload,
      note: `${rate(over).toFixed(0)}/s of ${
        peak.toFixed(0)
      }/s, ended, with five statuses each`,
      also: { ended_per_s: rate(over), peak_per_s: peak },
    },
    {
      what: `${OVERLOAD}x overload, memory at most`,
      value: await memoryMb(pid, "VmHWM"),
      unit: "MB",
      bar: { atMost: MEMORY_MB },
      peer: PEERS.overloadMemory,
    },
    {
      what: `${OVERLOAD}x overload, accepts promptly again after`,
      value: recovered,
      unit: "s",
      bar: { atMost: RECOVERY_SECONDS },
      peer: PEERS.none,
    },
  ];
}
