import type { Task } from "./executor.ts";
import { START_MS } from "./machine.ts";
import type { Random } from "./random.ts";

/** When, how often and beside what an event runs, if it says so itself. */
export interface Wishes {
  /** How many attempts there may be, and whether also after an interruption. */
  readonly retry?: { readonly attempts: number; readonly interrupted: boolean };
  /** How long an attempt may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** When it may be released at the earliest, in milliseconds since the run began. */
  readonly notBefore?: number;
  /** What it says it touches, whatever its executor says. */
  readonly key?: string;
  /** The event whose place it takes. */
  readonly supersedes?: string;
}

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
  /** How far the clock of the control plane is ahead, by which its producer says times of day. */
  readonly aheadMs: number;
  /** What it says besides; with anything of this it is of version 2 of the API. */
  readonly wishes: Wishes;
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
  /** An agent of version 1 of the link. */
  readonly old: string | undefined;
  /** How long events come in, in milliseconds. */
  readonly durationMs: number;
  /** How far the clock of the control plane is ahead, in milliseconds. */
  readonly aheadMs: number;
}

/** Plans the event of a number: most come in a few bursts, the others at any time. */
export function planEvent(
  number: number,
  random: Random,
  { agents, leaving, old, durationMs, aheadMs }: PlanOptions,
): Plan {
  const burst = durationMs * random.int(0, 3) / 4;
  const at = random.chance(0.6) ? burst : random.between(0, durationMs);
  const leaves = random.chance(0.2) ? leaving : undefined;
  const hasty = leaves !== undefined || random.chance(0.15);
  return {
    id: `e${number}`,
    agent: leaves ?? (random.chance(0.2) ? old : undefined) ??
      random.pick(agents),
    priority: random.chance(0.7) ? 0 : random.int(0, 9),
    ttlMs: hasty ? random.between(3000, 30_000) : 3_600_000,
    task: planTask(random),
    aheadMs,
    wishes: random.chance(0.25) ? planWishes(number, at, random) : {},
    at: at + random.exponential(20),
    triesMax: random.chance(0.8) ? Infinity : random.int(1, 2),
    again: random.chance(0.2),
  };
}

/** How likely it is that an event is large, and how many characters it has then at most. */
const LARGE_SHARE = 0.15;
const LOAD_CHARS_MAX = 10_000;

/** What an event carries. */
function planLoad(random: Random): string {
  if (!random.chance(LARGE_SHARE)) return "";
  return "load ".repeat(random.int(0, LOAD_CHARS_MAX / 5));
}

function planTask(random: Random): Task {
  return {
    ms: random.exponential(random.chance(0.2) ? 5000 : 50),
    keys: random.chance(0.6) ? [`key ${random.int(1, 2)}`] : [],
    repeatable: random.chance(0.7),
    recoverable: random.chance(0.3),
    failures: random.chance(0.15) ? random.int(1, 3) : 0,
    deadly: random.chance(0.02),
    lines: random.chance(0.2) ? random.int(1, 6) : 0,
    load: planLoad(random.fork("load")),
  };
}

function planWishes(number: number, at: number, random: Random): Wishes {
  const attempts = random.int(1, 4);
  const older = random.int(1, Math.max(1, number - 1));
  return {
    ...(random.chance(0.5)
      ? { retry: { attempts, interrupted: random.chance(0.5) } }
      : {}),
    ...(random.chance(0.3) ? { timeoutMs: random.between(100, 10_000) } : {}),
    ...(random.chance(0.2) ? { notBefore: at + random.exponential(5000) } : {}),
    ...(random.chance(0.4) ? { key: `own key ${random.int(1, 2)}` } : {}),
    ...(random.chance(0.3) && older < number
      ? { supersedes: `e${older}` }
      : {}),
  };
}

/** Plans an event that starts at once when all is well. */
export function planProbe(
  agent: string,
  { at, aheadMs }: { readonly at: number; readonly aheadMs: number },
): Plan {
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
      deadly: false,
      lines: 1,
      load: "",
    },
    aheadMs,
    wishes: {},
    at,
    triesMax: Infinity,
    again: false,
  };
}

/** The event as its producer sends it. */
export function bodyOf(plan: Plan): Record<string, unknown> {
  const { id, agent, priority, ttlMs, task, aheadMs, wishes } = plan;
  const { retry, timeoutMs, notBefore, key, supersedes } = wishes;
  const on = [
    "cluster_unavailable",
    ...(retry?.interrupted ? ["interrupted"] : []),
  ];
  const policy = {
    max_attempts: retry?.attempts,
    initial_delay: "500ms",
    max_delay: "5s",
    on,
  };
  return {
    id,
    type: "witness",
    target_agent: agent,
    payload: task,
    ttl: Math.round(ttlMs) * 1_000_000,
    priority,
    ...(retry === undefined ? {} : { retry: policy }),
    ...(timeoutMs === undefined
      ? {}
      : { timeout: Math.round(timeoutMs) * 1_000_000 }),
    ...(notBefore === undefined
      ? {}
      : { not_before: new Date(START_MS + aheadMs + notBefore).toISOString() }),
    ...(key === undefined ? {} : { concurrency_key: key }),
    ...(supersedes === undefined ? {} : { supersedes }),
  };
}
