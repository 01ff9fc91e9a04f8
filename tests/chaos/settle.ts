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

/** Waits until the control plane knows all agents as connected. */
export async function connected(
  url: string,
  agents: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const agent of agents) {
    while (!await isConnected(url, agent)) {
      signal.throwIfAborted();
      await delay(50, signal);
    }
  }
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
 * more, and at the histories that somebody has seen before.
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
}
