import { delay } from "./delay.ts";
import { isBreak } from "./producer.ts";
import type { Reader } from "./reader.ts";
import type { Scribe } from "./scribe.ts";

/**
 * Milliseconds that everything gets to settle once it is healed: an agent that
 * was taken for another one stays away for a minute, and an event whose time is
 * over while its agent has it is waited for for another one (G1: connected for
 * 60 s).
 */
const SETTLE_MS_MAX = 180_000;

/** Events whose output is looked at, at most: each is a request. */
const LOGS_MAX = 2000;

/**
 * Waits until the control plane knows all agents as connected.
 *
 * @returns Whether it does; else the signal has aborted, or they had their time.
 */
export async function connected(
  url: string,
  agents: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const until = Date.now() + SETTLE_MS_MAX;
  for (const agent of agents) {
    while (!await isConnected(url, agent)) {
      if (signal.aborted || Date.now() > until) return false;
      await delay(50, signal);
    }
  }
  return true;
}

async function isConnected(url: string, agent: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/v2/agents/${agent}`);
    const { connected } = await answer.json();
    return connected === true;
  } catch (error) {
    if (!isBreak(error)) throw error; // it does not listen yet
    return false;
  }
}

/** Waits for some work, as long as everything gets to settle. */
export async function inTime(work: Promise<void>): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, delay(SETTLE_MS_MAX, done.signal)]);
  done.abort();
}

/** Waits until every event has ended, or has had its time. */
export async function settled(
  reader: Reader,
  signal: AbortSignal,
): Promise<void> {
  const until = Date.now() + SETTLE_MS_MAX;
  while (Date.now() < until && !signal.aborted) {
    try {
      if (await reader.isOver()) return;
    } catch (error) {
      if (!isBreak(error)) throw error; // asked again
    }
    await delay(500, signal);
  }
}

/**
 * Looks once more at everything that was accepted, when nothing can change any
 * more, at the histories that somebody has seen before, and at what was put out
 * by events that are spread over all of them.
 */
export async function lookAtAll(
  reader: Reader,
  { accepted, told, scribe }: {
    readonly accepted: readonly {
      readonly facts: { readonly event: string };
    }[];
    readonly told: ReadonlySet<string>;
    readonly scribe: Scribe;
  },
): Promise<void> {
  const missing = new Set(accepted.map(({ facts }) => facts.event));
  for await (const read of reader.all()) {
    scribe.write(read);
    missing.delete(read.event);
  }
  for (const id of missing) {
    const read = await reader.read(id);
    if (read !== undefined) scribe.write(read);
  }
  for (const id of told) {
    const entry = await reader.history(id);
    if (entry !== undefined) scribe.write(entry);
  }
  const every = Math.ceil(accepted.length / LOGS_MAX);
  for (const [i, { facts }] of accepted.entries()) {
    if (i % every > 0) continue;
    const logs = await reader.logs(facts.event);
    if (logs !== undefined) scribe.write(logs);
  }
}
