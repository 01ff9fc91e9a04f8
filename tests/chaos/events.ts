import type { Submit } from "../history/entry.ts";
import type { Random } from "../sim/random.ts";
import type { WitnessPayload } from "./witness.ts";

/** An event that is going to be submitted. */
export interface PlannedEvent {
  /** When it is submitted first, in milliseconds since the start of the run. */
  readonly atMs: number;
  /** What its entries in the history say of it. */
  readonly facts: Omit<Submit, "kind" | "at" | "end" | "outcome">;
  /** What is asked. */
  readonly payload: WitnessPayload;
  /** When it is tried again, as the API takes it; the usual policy unless given. */
  readonly retry: Readonly<Record<string, unknown>> | undefined;
}

/** Options of {@linkcode planEvents}. */
export interface PlanEventsOptions {
  /** What decides everything. */
  readonly random: Random;
  /** How many events. */
  readonly count: number;
  /** How long the run is, in milliseconds; the last events come shortly before its end. */
  readonly runMs: number;
  /** For whom they are. */
  readonly agents: readonly [string, ...string[]];
}

/** Keys of each agent: enough that they run side by side, few enough that they wait for each other. */
const KEYS = 20;

/** Those that fail are tried again soon, also the ones that may not be repeated when nobody knows how far they came. */
const RETRY = { max_attempts: 3, initial_delay: "200ms" };

/** A day, in milliseconds: none of a run ends by itself. */
const DAY_MS = 86_400_000;

/**
 * Draws the events of a run: repeatable ones and others, some with a key, some
 * slow, some that fail, some urgent, some with little time; and when each of
 * them comes, now and then many at once.
 *
 * @returns The events, by their time.
 */
export function planEvents(options: PlanEventsOptions): PlannedEvent[] {
  const { random, count, runMs } = options;
  const events: PlannedEvent[] = [];
  while (events.length < count) {
    const atMs = Math.round(random.next() * runMs * 0.97);
    const burst = random.chance(0.01) ? random.int(10, 40) : 1;
    for (let i = 0; i < burst && events.length < count; i++) {
      events.push(draw(`e${events.length}`, atMs, options));
    }
  }
  return events.sort((a, b) => a.atMs - b.atMs);
}

/** One small event for each agent, when all is well again: it has to be done at once. */
export function calmEvents(agents: readonly string[]): PlannedEvent[] {
  const common = { priority: 0, ttlMs: DAY_MS, repeatable: true };
  return agents.map((agent) => ({
    atMs: 0,
    facts: { event: `calm-${agent}`, agent, ...common },
    payload: { ms: 0, repeatable: true },
    retry: undefined,
  }));
}

function draw(
  id: string,
  atMs: number,
  { random, agents }: PlanEventsOptions,
): PlannedEvent {
  const repeatable = random.chance(0.6);
  const key = random.chance(0.4) ? `k${random.int(0, KEYS - 1)}` : undefined;
  const ms = random.chance(0.2) ? random.int(200, 3000) : random.int(0, 40);
  const failures = random.chance(0.05) ? random.pick([1, 99]) : undefined;
  return {
    atMs,
    facts: {
      event: id,
      agent: random.pick(agents),
      priority: random.chance(0.1) ? random.int(1, 9) : 0,
      ttlMs: random.chance(0.1) ? random.int(2000, 30_000) : DAY_MS,
      repeatable,
      ...(key === undefined ? {} : { key }),
    },
    payload: {
      ms,
      repeatable,
      ...(key === undefined ? {} : { key }),
      ...(failures === undefined ? {} : { failures }),
    },
    retry: failures === undefined ? undefined : RETRY,
  };
}
