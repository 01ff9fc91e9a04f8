import type { Task } from "./executor.ts";
import type { Random } from "./random.ts";

/** An event of a run, and how its producer goes about it. */
export interface Plan {
  /** The event's id. */
  readonly id: string;
  /** Its target. */
  readonly agent: string;
  /** 0 to 9. */
  readonly priority: number;
  /** How long it has, in milliseconds. */
  readonly ttlMs: number;
  /** What it asks for. */
  readonly task: Task;
  /** When it is submitted first. */
  readonly at: number;
  /** How often it is submitted, until it is accepted. */
  readonly triesMax: number;
  /** Whether it is submitted once more after that, as one who did not hear the answer does. */
  readonly again: boolean;
}

/** What plans are made for. */
export interface PlanOptions {
  /** Who the events are for. */
  readonly agents: readonly [string, ...string[]];
  /** An agent that will not come back: what is for it has little time. */
  readonly leaving: string | undefined;
  /** How long events come in, in milliseconds. */
  readonly durationMs: number;
}

/** Plans an event: most come in a few bursts, the others at any time. */
export function planEvent(
  id: string,
  random: Random,
  { agents, leaving, durationMs }: PlanOptions,
): Plan {
  const start = random.chance(0.6)
    ? durationMs * random.int(0, 3) / 4
    : random.between(0, durationMs);
  const agent = leaving !== undefined && random.chance(0.2)
    ? leaving
    : random.pick(agents);
  const hasty = agent === leaving || random.chance(0.15);
  return {
    id,
    agent,
    priority: random.chance(0.7) ? 0 : random.int(0, 9),
    ttlMs: hasty ? random.between(3000, 30_000) : 3_600_000,
    task: {
      ms: random.exponential(random.chance(0.2) ? 5000 : 50),
      keys: random.chance(0.6) ? [`key ${random.int(1, 2)}`] : [],
      repeatable: random.chance(0.7),
      recoverable: random.chance(0.3),
      failures: random.chance(0.1) ? random.int(1, 3) : 0,
    },
    at: start + random.exponential(20),
    triesMax: random.chance(0.8) ? Infinity : random.int(1, 2),
    again: random.chance(0.2),
  };
}

/** Plans an event that starts at once when all is well. */
export function planProbe(agent: string, at: number): Plan {
  return {
    id: `probe-${agent}`,
    agent,
    priority: 0,
    ttlMs: 3_600_000,
    task: {
      ms: 10,
      keys: [],
      repeatable: true,
      recoverable: false,
      failures: 0,
    },
    at,
    triesMax: Infinity,
    again: false,
  };
}
